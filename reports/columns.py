"""The columns of a table: which there are, which record belongs in which, how its figure is printed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

from reports.definitions import (
    FIGURES,
    GROUPS,
    HEADLINE,
    PROTOCOLS,
    PSNR,
    SSIM,
    Figure,
    dataset_order,
    hd_pixels,
    protocol_meaning,
    protocol_order,
    size_label,
)
from reports.view import Column
from suite.records import Record

_NTIRE = "256x256"
"""Height and width of the input in the NTIRE challenges."""

BUSY = 0.1
"""Share of the processors used by others above which a machine counts as busy."""


def find_columns(records: Sequence[Record], scale: int) -> tuple[Column, ...]:
    """The columns for the records of one scale; none for figures that nobody asked for.

    Decimal places and numbers of samples are still open: see `fit`.
    """
    columns: list[Column] = []
    for figure in FIGURES:
        inputs = _inputs(r.input for r in records if r.measure == figure.measure and r.input)
        if not _given(figure, records):
            continue
        if figure.metric in ("activations", "bytes_moved") and _NTIRE in inputs:
            inputs = {_NTIRE: inputs[_NTIRE]}  # the input at which the field states them
        if inputs and not figure.by_input:
            inputs = {"": ""}
        columns += [
            _input_column(figure, inputs[pixels], scale)
            for pixels in sorted(inputs, key=lambda p: (p != hd_pixels(scale), p != _NTIRE, p))
        ]
    return (*columns, *_quality_columns(records))


def _given(figure: Figure, records: Sequence[Record]) -> bool:
    """Whether records have a figure, or could have had it; those of an earlier version may lack it."""
    own = [r for r in records if r.measure == figure.measure]
    return any(r.value(figure.metric) is not None for r in own) or not any(r.values for r in own)


def _inputs(sizes: Iterable[str]) -> dict[str, str]:
    """Inputs by height and width: ``CxHxW``, or ``HxW`` where networks of colour and of luma meet."""
    found: dict[str, set[str]] = {}
    for size in sizes:
        found.setdefault(_pixels(size), set()).add(size)
    return {pixels: pixels if len(same) > 1 else min(same) for pixels, same in found.items()}


def _pixels(size: str) -> str:
    """``HxW`` of ``CxHxW``."""
    return size.partition("x")[2]


def _input_column(figure: Figure, size: str, scale: int) -> Column:
    at = size_label(size)
    where = f", for an input of {at}" if size else ""
    if figure.measure == "cost" and hd_pixels(scale) in (size, _pixels(size)):
        output = f"{1280 // scale * scale}\u00d7{720 // scale * scale}"
        at, where = f"{output} output", f", for an output of {output} (input {at})"
    return Column(
        id=".".join(filter(None, (figure.measure, figure.metric, size))),
        measure=figure.measure,
        metric=figure.metric,
        group=GROUPS[figure.measure],
        label=figure.label,
        unit=figure.unit,
        at=at,
        definition=figure.definition + where,
        higher_is_better=figure.higher_is_better,
        input=size,
        divisor=figure.divisor,
        decimals=figure.decimals,
    )


def _quality_columns(records: Sequence[Record]) -> list[Column]:
    quality = [record for record in records if record.measure == "quality"]
    datasets = {record.dataset for record in quality}
    used = {name: {r.protocol for r in quality if r.dataset == name} for name in datasets}
    pairs = sorted(
        {(name, protocol) for name in datasets for protocol in leaderboard_protocols(used[name])},
        key=lambda pair: (dataset_order(pair[0]), protocol_order(pair[1])),
    )
    columns: list[Column] = []
    for dataset, protocol in pairs:
        digests = {dataset_digest(r) for r in quality if r.dataset == dataset and r.values} - {""}
        # Two folders under one name are two datasets: their figures must not stand in one column.
        for digest in sorted(digests) if len(digests) > 1 else [""]:
            columns += [_quality_column(figure, dataset, digest, protocol) for figure in (PSNR, SSIM)]
    return columns


def leaderboard_protocols(protocols: Set[str]) -> set[str]:
    """Those of the protocols of a dataset that have columns: not those that only explain figures, unless
    there are no others."""
    explaining = PROTOCOLS.keys() - set(HEADLINE)
    return set(protocols - explaining or protocols)


def _quality_column(figure: Figure, dataset: str, digest: str, protocol: str) -> Column:
    name = f"{dataset} ({digest[:8]})" if digest else dataset
    return Column(
        id=".".join(filter(None, (figure.metric, dataset, digest[:8], protocol))),
        measure="quality",
        metric=figure.metric,
        group=f"{name} \u00b7 {protocol}",
        label=figure.label,
        unit=figure.unit,
        at="",
        definition=f"{figure.definition}, on {name}; protocol {protocol}: {protocol_meaning(protocol)}",
        higher_is_better=True,
        dataset=dataset,
        digest=digest,
        protocol=protocol,
        decimals=figure.decimals,
    )


def dataset_digest(record: Record) -> str:
    """Digest of the dataset that a record of quality was measured on; empty if it is not given."""
    return str(record.details.get("dataset", {}).get("digest", ""))


def record_for(column: Column, records: Sequence[Record]) -> Record | None:
    """The record that holds a column's figure or the reason why there is none.

    ``records`` are those of a row, of the column's measure, dataset and protocol. Of several the one with
    values and of these the one that finished last; None if there is none.
    """

    def belongs(record: Record) -> bool:
        return column.input in ("", record.input, _pixels(record.input)) and (
            not column.digest or dataset_digest(record) in ("", column.digest)
        )

    def preference(record: Record) -> tuple[bool, bool, str, str]:
        return (bool(record.values), _pixels(record.input) == _NTIRE, record.finished, record.key)

    return max(filter(belongs, records), key=preference, default=None)


def fit(column: Column, values: Sequence[float], samples: Sequence[int]) -> Column:
    """A column with unit, decimal places and number of samples chosen for what stands in it.

    ``values`` are those of the networks in the record's unit, ``samples`` the numbers of timings behind them.
    """
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    if column.unit == "K" and largest >= 1e7:
        column = replace(column, unit="M", divisor=1e6)
    if column.decimals is None:
        column = replace(column, decimals=_decimals([v / column.divisor for v in values]))
    if samples:
        low, high = min(samples), max(samples)
        count = f"{low}" if low == high else f"{low} to {high}"
        column = replace(
            column,
            samples=count,
            definition=f"{column.definition}: median of {count} samples, with its 95 % bootstrap interval",
        )
    return column


def _decimals(values: Sequence[float]) -> int:
    """Decimal places that give the smallest value three digits: at most 2."""
    smallest = min((abs(v) for v in values if math.isfinite(v) and v != 0), default=1.0)
    return min(2, max(0, 2 - math.floor(math.log10(smallest))))


def print_value(column: Column, value: float) -> str:
    """A figure in the column's unit, with commas between thousands; ``\u221e`` for infinity."""
    if math.isinf(value):
        return "\u221e" if value > 0 else "-\u221e"
    scaled = value / column.divisor
    text = f"{scaled:,.{column.decimals or 0}f}"
    return text if text.strip("-0.,") else f"{scaled:.1g}"


def print_interval(column: Column, lower: float, upper: float) -> str:
    """An interval in the column's unit, with an en dash."""
    return f"{print_value(column, lower)}\u2013{print_value(column, upper)}"


def print_exact(column: Column, value: float) -> str:
    """A figure in full, in the record's unit."""
    unit = {"peak_bytes": " bytes", "bytes_moved": " bytes", "latency_ms": " ms", "psnr": " dB"}.get(
        column.metric, ""
    )
    whole = math.isfinite(value) and value == int(value) and abs(value) < 2**53
    text = f"{int(value):,}" if whole else repr(float(value))
    return text + unit
