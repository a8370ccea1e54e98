"""Whether two networks differ: the differences of their figures, paired over the images of a dataset."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.columns import leaderboard_protocols
from reports.definitions import protocol_order
from reports.identity import kept
from reports.quality import Network, Sheet, sheets, signed
from suite.errors import SuiteError
from suite.pairs import LEAST_IMAGES, Difference, differences
from suite.records import Record

METRICS = (("psnr", 3), ("ssim", 4))
"""Metrics, with the decimal places of their differences."""


@dataclass(frozen=True, slots=True)
class DifferenceCell:
    """The difference of one metric."""

    text: str
    interval: str
    verdict: str
    """``better``, ``worse``, ``not told apart`` or ``too few images``."""


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One network against the reference."""

    network: Network
    cells: tuple[DifferenceCell, ...]
    """PSNR and SSIM; empty if there are none."""
    missing: str = ""
    """Why there are none; empty if there are."""


@dataclass(frozen=True, slots=True)
class DifferenceBlock:
    """One dataset under one protocol."""

    dataset: str
    protocol: str
    reference: Network
    """The network with the best mean PSNR."""
    images: int
    rows: tuple[DifferenceRow, ...]

    @property
    def few(self) -> bool:
        """Whether there are too few images for a verdict."""
        return self.images < LEAST_IMAGES


@kept
def build_differences(records: Sequence[Record]) -> dict[int, tuple[DifferenceBlock, ...]]:
    """The differences at each scale, for the protocols of the leaderboard; where there are none, no scale."""
    found = {}
    for scale, all_sheets in sheets(records).items():
        blocks = [
            block
            for sheet in all_sheets
            for protocol in sorted(leaderboard_protocols(sheet.protocols), key=protocol_order)
            if (block := _block(sheet, protocol))
        ]
        if blocks:
            found[scale] = tuple(blocks)
    return found


def _block(sheet: Sheet, protocol: str) -> DifferenceBlock | None:
    """None with fewer than two networks that have figures of images."""
    figures = {n: r[protocol] for n, r in sheet.records.items() if protocol in r}
    psnr = {n: value for n, r in figures.items() if not math.isnan(value := _psnr(r))}
    order = sorted(psnr, key=lambda network: -psnr[network])
    if len(order) < 2:
        return None
    reference, *others = order
    compared = [figures[network] for network in others]
    columns = [
        [_cell(found, decimals) for found in differences(compared, figures[reference], metric)]
        for metric, decimals in METRICS
    ]
    rows = tuple(_row(network, cells) for network, *cells in zip(others, *columns, strict=True))
    images = sum(value.metric == "psnr" and bool(value.image) for value in figures[reference].values)
    return DifferenceBlock(sheet.dataset, protocol, reference, images, rows)


def _psnr(record: Record) -> float:
    value = record.value("psnr")
    return math.nan if value is None else value


def _row(network: Network, cells: Sequence[DifferenceCell | str]) -> DifferenceRow:
    for cell in cells:
        if isinstance(cell, str):
            return DifferenceRow(network, (), cell)
    return DifferenceRow(network, tuple(cell for cell in cells if not isinstance(cell, str)))


def _cell(found: Difference | SuiteError, decimals: int) -> DifferenceCell | str:
    """A difference as it is printed, or why there is none."""
    if isinstance(found, SuiteError):
        return f"not compared: {found}"
    ends = (signed(end, decimals) for end in (found.lower, found.upper))
    return DifferenceCell(signed(found.mean, decimals), " to ".join(ends), found.verdict)
