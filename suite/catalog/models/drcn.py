"""Card of DRCN."""

from __future__ import annotations

from suite.catalog.cards import InputConvention, ModelCard

CARDS = (
    ModelCard(
        name="drcn",
        title="DRCN",
        family="DRCN",
        year=2016,
        scales=(2, 3, 4),
        build="baselines.drcn:DRCN",
        input=InputConvention("y"),
        citation="Kim et al., Deeply-Recursive Convolutional Network for Image Super-Resolution, CVPR 2016, "
        "arXiv 1511.04491",
    ),
)
