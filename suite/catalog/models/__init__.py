"""The cards of the networks that come with the suite: one module a family, collected here."""

from __future__ import annotations

from suite.catalog.cards import ModelCard
from suite.catalog.models import (
    bsrn,
    drcn,
    drrn,
    edsr,
    espcn,
    fsrcnn,
    idn,
    imdn,
    interpolation,
    lapar,
    lapsrn,
    memnet,
    rfdn,
    srcnn,
    srmd,
    vdsr,
)

_FAMILIES = (
    interpolation,
    bsrn,
    rfdn,
    imdn,
    *(srcnn, fsrcnn, espcn, vdsr, drcn, lapsrn, drrn, memnet),
    *(idn, edsr, srmd, lapar),
)

MODELS: dict[str, ModelCard] = {card.name: card for family in _FAMILIES for card in family.CARDS}
