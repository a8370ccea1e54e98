"""Card of IDN."""

from __future__ import annotations

from suite.catalog.cards import InputConvention, ModelCard

CARDS = (
    ModelCard(
        name="idn",
        title="IDN",
        family="IDN",
        year=2018,
        scales=(2, 3, 4),
        build="baselines.idn:IDN",
        input=InputConvention("y"),
        citation="Hui et al., Fast and Accurate Single Image Super-Resolution via Information Distillation "
        "Network, CVPR 2018, arXiv 1803.09454",
    ),
)
