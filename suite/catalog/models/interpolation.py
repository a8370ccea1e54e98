"""Cards of interpolation."""

from __future__ import annotations

from suite.catalog.cards import ModelCard

CARDS = (
    ModelCard(
        name="bicubic",
        title="Bicubic",
        family="interpolation",
        year=1981,
        scales=(2, 3, 4),
        build="baselines.bicubic:Bicubic",
        citation="R. Keys, Cubic convolution interpolation for digital image processing, IEEE TASSP 1981",
        needs_weights=False,
    ),
)
