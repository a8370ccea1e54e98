"""Card of DRCN."""

from __future__ import annotations

from suite.catalog.cards import InputConvention, ModelCard, Reach

CARDS = (
    ModelCard(
        name="drcn",
        title="DRCN",
        family="DRCN",
        year=2016,
        scales=(2, 3, 4),
        build="baselines.drcn:DRCN",
        input=InputConvention("y"),
        reach=Reach(2, 20),  # two, 16 recursions, two
        citation="Kim et al., Deeply-Recursive Convolutional Network for Image Super-Resolution, CVPR 2016, "
        "arXiv 1511.04491",
    ),
)
