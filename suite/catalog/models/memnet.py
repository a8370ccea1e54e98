"""Card of MemNet."""

from __future__ import annotations

from suite.catalog.cards import InputConvention, ModelCard, Reach

CARDS = (
    ModelCard(
        name="memnet",
        title="MemNet",
        family="MemNet",
        year=2017,
        scales=(2, 3, 4),
        build="baselines.memnet:MemNet",
        input=InputConvention("y"),
        reach=Reach(2, 74, block=320),  # head, 36 residual units of two convolutions, last
        citation="Tai et al., MemNet: A Persistent Memory Network for Image Restoration, ICCV 2017, "
        "arXiv 1708.02209",
    ),
)
