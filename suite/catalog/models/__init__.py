"""The cards of the networks that come with the suite: one module a family, collected here."""

from __future__ import annotations

from suite.catalog.cards import ModelCard
from suite.catalog.models import (
    bsrn,
    carn,
    ecbsr,
    efdn,
    etds,
    fmen,
    imdn,
    interpolation,
    pan,
    plainusr,
    rfdn,
    rlfn,
)

_FAMILIES = (interpolation, bsrn, rfdn, imdn, rlfn, pan, carn, efdn, fmen, ecbsr, etds, plainusr)

MODELS: dict[str, ModelCard] = {card.name: card for family in _FAMILIES for card in family.CARDS}
