"""Card of SRCNN."""

from __future__ import annotations

from suite.catalog.cards import InputConvention, ModelCard

CARDS = (
    ModelCard(
        name="srcnn",
        title="SRCNN",
        family="SRCNN",
        year=2014,
        scales=(2, 3, 4),
        build="baselines.srcnn:SRCNN",
        input=InputConvention("y"),
        citation="Dong et al., Image Super-Resolution Using Deep Convolutional Networks, IEEE TPAMI 38(2), "
        "2016, arXiv 1501.00092",
    ),
)
