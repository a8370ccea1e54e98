"""Card of DRRN."""

from __future__ import annotations

from suite.catalog.cards import InputConvention, ModelCard, Reach

CARDS = (
    ModelCard(
        name="drrn",
        title="DRRN",
        family="DRRN",
        year=2017,
        scales=(2, 3, 4),
        build="baselines.drrn:DRRN",
        input=InputConvention("y"),
        reach=Reach(2, 52),  # head, 25 units of two convolutions, last
        citation="Tai et al., Image Super-Resolution via Deep Recursive Residual Network, CVPR 2017, "
        "DOI 10.1109/CVPR.2017.298",
    ),
)
