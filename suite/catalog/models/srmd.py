"""Card of SRMDNF."""

from __future__ import annotations

from suite.catalog.cards import ModelCard

CARDS = (
    ModelCard(
        name="srmdnf",
        title="SRMDNF",
        family="SRMD",
        year=2018,
        scales=(2, 3, 4),
        build="baselines.srmd:SRMDNF",
        citation="Zhang et al., Learning a Single Convolutional Super-Resolution Network for Multiple "
        "Degradations, CVPR 2018, arXiv 1712.06116",
    ),
)
