"""The cards of the networks that come with the suite: one module a family, collected here."""

from __future__ import annotations

from suite.catalog.cards import ModelCard
from suite.catalog.models import (
    bsrn,
    carn,
    drcn,
    drrn,
    ecbsr,
    edsr,
    efdn,
    espcn,
    etds,
    fmen,
    fsrcnn,
    idn,
    imdn,
    interpolation,
    lapar,
    lapsrn,
    memnet,
    pan,
    plainusr,
    rfdn,
    rlfn,
    srcnn,
    srmd,
    vdsr,
)

_FAMILIES = (
    interpolation,
    *(bsrn, rfdn, imdn),
    *(rlfn, pan, efdn, fmen, carn, ecbsr, etds, plainusr),
    *(srcnn, fsrcnn, espcn, vdsr, drcn, lapsrn, drrn, memnet),
    *(idn, edsr, srmd, lapar),
)

MODELS: dict[str, ModelCard] = {card.name: card for family in _FAMILIES for card in family.CARDS}
