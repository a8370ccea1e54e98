"""Card of EDSR-baseline."""

from __future__ import annotations

from suite.catalog.cards import InputConvention, ModelCard

CARDS = (
    ModelCard(
        name="edsr-baseline",
        title="EDSR-baseline",
        family="EDSR",
        year=2017,
        scales=(2, 3, 4),
        build="baselines.edsr:EDSR",
        input=InputConvention(range=255.0),
        citation="Lim et al., Enhanced Deep Residual Networks for Single Image Super-Resolution, "
        "CVPR Workshops 2017, arXiv 1707.02921",
    ),
)
