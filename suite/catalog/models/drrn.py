"""Card of DRRN."""

from __future__ import annotations

from suite.catalog.cards import InputConvention, ModelCard

CARDS = (
    ModelCard(
        name="drrn",
        title="DRRN",
        family="DRRN",
        year=2017,
        scales=(2, 3, 4),
        build="baselines.drrn:DRRN",
        input=InputConvention("y"),
        citation="Tai et al., Image Super-Resolution via Deep Recursive Residual Network, CVPR 2017, "
        "DOI 10.1109/CVPR.2017.298",
    ),
)
