"""Card of LAPAR-A."""

from __future__ import annotations

from suite.catalog.cards import ModelCard, Reach

CARDS = (
    ModelCard(
        name="lapar-a",
        title="LAPAR-A",
        family="LAPAR",
        year=2020,
        scales=(2, 3, 4),
        build="baselines.lapar:LAPAR",
        reach=Reach(38, 4),  # head, 16 units of two convolutions, 4 fusions, upsample; then 5x5 and two 3x3
        citation="Li et al., LAPAR: Linearly-Assembled Pixel-Adaptive Regression Network for Single Image "
        "Super-Resolution and Beyond, NeurIPS 2020, arXiv 2105.10422",
    ),
)
