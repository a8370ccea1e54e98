"""The protocol lens: the same images under every protocol, to explain a figure from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.definitions import PSNR, REFERENCE, SSIM, protocol_order, protocol_short
from reports.identity import kept
from reports.quality import Network, Sheet, sheets, signed
from reports.view import NOT_ASKED_FOR
from suite.records import Record


@dataclass(frozen=True, slots=True)
class LensCell:
    """One network's figures on a dataset under one protocol."""

    psnr: str
    ssim: str
    psnr_difference: str = ""
    """To the figure under ``sr-y``, with its sign; empty where there is none."""
    ssim_difference: str = ""
    missing: str = ""
    """Why there are no figures; empty if there are."""
    key: str = ""
    """Key of the record; empty if there is none."""


@dataclass(frozen=True, slots=True)
class LensRow:
    """One protocol."""

    protocol: str
    meaning: str
    """What it does otherwise than ``sr-y``."""
    cells: tuple[LensCell, ...]
    """One for each network of the lens."""


@dataclass(frozen=True, slots=True)
class LensBlock:
    """One dataset."""

    dataset: str
    rows: tuple[LensRow, ...]


@dataclass(frozen=True, slots=True)
class Lens:
    """All datasets at one scale that were judged under several protocols."""

    networks: tuple[Network, ...]
    blocks: tuple[LensBlock, ...]


@kept
def build_lenses(records: Sequence[Record]) -> dict[int, Lens]:
    """The lens of each scale at which a dataset was judged under more than one protocol."""
    found = {}
    for scale, all_sheets in sheets(records).items():
        several = [sheet for sheet in all_sheets if len(sheet.protocols) > 1]
        if several:
            networks = tuple(dict.fromkeys(network for sheet in several for network in sheet.records))
            found[scale] = Lens(networks, tuple(_block(sheet, networks) for sheet in several))
    return found


def _block(sheet: Sheet, networks: Sequence[Network]) -> LensBlock:
    rows = []
    for protocol in sorted(sheet.protocols, key=protocol_order):
        cells = []
        for network in networks:
            mine = sheet.records.get(network, {})
            cells.append(_cell(mine.get(protocol), None if protocol == REFERENCE else mine.get(REFERENCE)))
        rows.append(LensRow(protocol, protocol_short(protocol), tuple(cells)))
    return LensBlock(sheet.dataset, tuple(rows))


def _cell(record: Record | None, reference: Record | None) -> LensCell:
    if record is None:
        return LensCell("", "", missing=NOT_ASKED_FOR)
    psnr, ssim = record.value("psnr"), record.value("ssim")
    if psnr is None or ssim is None or math.isnan(psnr) or math.isnan(ssim):
        reason = record.not_measured or "the result is not a number"
        return LensCell("", "", missing=f"not measured: {reason}", key=record.key)
    return LensCell(
        psnr="\u221e" if math.isinf(psnr) else f"{psnr:.{PSNR.decimals}f}",
        ssim=f"{ssim:.{SSIM.decimals}f}",
        psnr_difference=_difference(psnr, reference, "psnr", 3),
        ssim_difference=_difference(ssim, reference, "ssim", 4),
        key=record.key,
    )


def _difference(figure: float, reference: Record | None, metric: str, decimals: int) -> str:
    base = reference.value(metric) if reference else None
    if base is None or not math.isfinite(figure - base):
        return ""
    return signed(figure - base, decimals)
