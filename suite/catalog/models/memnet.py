"""Card of MemNet."""

from __future__ import annotations

from suite.catalog.cards import InputConvention, ModelCard

CARDS = (
    ModelCard(
        name="memnet",
        title="MemNet",
        family="MemNet",
        year=2017,
        scales=(2, 3, 4),
        build="baselines.memnet:MemNet",
        input=InputConvention("y"),
        citation="Tai et al., MemNet: A Persistent Memory Network for Image Restoration, ICCV 2017, "
        "arXiv 1708.02209",
    ),
)
