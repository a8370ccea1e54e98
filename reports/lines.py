"""Rows of the paper's tables: a network's figures, each beside the published one with its verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from reports.grid import BETWEEN, GridCell, GridRow, Mark, Tone
from reports.identity import Place, by_place, model_title, sort_records, weights_digest, weights_label
from reports.ranks import value_ranks
from suite.ledger import Finding, Verdict
from suite.ledger.entries import OF_THE_MACHINE
from suite.records import Record

SIGNS: dict[Verdict, str] = {
    Verdict.REPRODUCED: "=",
    Verdict.EXPLAINED: "\u2248",
    Verdict.DIFFERS: "\u2260",
    Verdict.NOT_COMPARED: "",
    Verdict.NOT_MEASURED: "",
}
FROM_MEMORY, ELSEWHERE = "\u00b0", "\u2020"
LEGEND = (
    "Small below each figure: the published one, = reproduced, \u2248 different for a reason that is known, "
    f"\u2260 different, and nothing accounts for it, {ELSEWHERE} of another machine and not compared, "
    f"{FROM_MEMORY} quoted from memory, which decides nothing; numbers in brackets refer to the notes. "
    "\u2013 stands for a figure that was not measured."
)
"""What the signs below figures mean."""

_WORST = (Verdict.DIFFERS, Verdict.EXPLAINED, Verdict.REPRODUCED)
_TONES: dict[Verdict, Tone] = {
    Verdict.REPRODUCED: "good",
    Verdict.EXPLAINED: "muted",
    Verdict.DIFFERS: "bad",
    Verdict.NOT_COMPARED: "muted",
    Verdict.NOT_MEASURED: "muted",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table of the paper: one metric or two, of the same records."""

    label: str
    sub: str
    measure: str
    metrics: tuple[str, ...]
    """Metrics of the records, in the order in which they are printed."""
    divisor: float
    decimals: tuple[int, ...]
    """Decimal places of each metric."""
    pixels: str = ""
    """Height and width of the input as ``HxW``; empty for any."""
    dataset: str = ""
    protocol: str = ""
    best: Literal["", "highest", "lowest"] = ""
    """Which figure of the column is marked as best, if any."""
    published: tuple[str, ...] = ()
    """Metrics under which the figures are published, where they are not the same."""

    def of(self, line: Line) -> list[Record]:
        """The records of a line that have, or should have, the figures of this column."""
        found = line.places.get((self.measure, self.dataset, self.protocol), ())
        return [r for r in found if not self.pixels or r.input.partition("x")[2] == self.pixels]


@dataclass(frozen=True, slots=True)
class Line:
    """One network with its weights, and all records of it at one scale."""

    records: tuple[Record, ...]
    places: Mapping[Place, Sequence[Record]]
    """The same by measure, dataset and protocol."""

    @property
    def model(self) -> str:
        """Name of the network in the catalog."""
        return self.records[0].model

    @property
    def reference(self) -> bool:
        """Whether it is a method without parameters, which is not ranked."""
        return self.records[0].weights == "no parameters"

    def record(self, column: Column, preferred: Iterable[str] = ()) -> Record | None:
        """The record behind a column: one whose key is preferred, else one with values, of the eager backend
        in fp32, finished last. None if there is none at all."""
        keys = set(preferred)

        def preference(record: Record) -> tuple[bool, bool, bool, str, str]:
            plain = (record.backend, record.precision) == ("eager", "fp32")
            return (record.key in keys, bool(record.values), plain, record.finished, record.key)

        return max(column.of(self), key=preference, default=None)


@dataclass(frozen=True, slots=True)
class Published:
    """The ledger's findings on one paper table, by network, metric and dataset."""

    findings: Mapping[tuple[str, str, str], Finding]

    def of(self, model: str, column: Column) -> list[Finding | None]:
        """The finding of each metric of a column."""
        metrics = column.published or column.metrics
        return [self.findings.get((model, metric, column.dataset)) for metric in metrics]


def find_published(findings: Iterable[Finding], tables: Sequence[str]) -> Published:
    """The findings of tables of the ledger; where several have a figure, that of the table named first."""
    ordered = sorted(
        (f for f in findings if f.entry.table in tables), key=lambda f: tables.index(f.entry.table)
    )
    found: dict[tuple[str, str, str], Finding] = {}
    for finding in ordered:
        found.setdefault((finding.entry.model, finding.entry.metric, finding.entry.dataset), finding)
    return Published(found)


def find_lines(records: Sequence[Record], scale: int) -> list[Line]:
    """One line for each network with its weights that has records at a scale."""

    def identity(record: Record) -> tuple[str, str, str]:
        return (record.model, record.weights, weights_digest(record))

    same_scale = sorted((r for r in sort_records(records) if r.scale == scale), key=identity)
    lines = (tuple(own) for _, own in groupby(same_scale, key=identity))
    return [Line(own, by_place(own)) for own in lines]


class Notes:
    """Reasons below a table, numbered in the order in which they were needed."""

    def __init__(self) -> None:
        """No reason yet."""
        self._texts: list[str] = []

    def number(self, text: str) -> str:
        """The number of a reason in brackets; empty for no reason."""
        if not text:
            return ""
        if text not in self._texts:
            self._texts.append(text)
        return f"[{self._texts.index(text) + 1}]"

    def lines(self) -> tuple[str, ...]:
        """The reasons with their numbers."""
        return tuple(f"[{number}] {text}." for number, text in enumerate(self._texts, start=1))


def make_rows(
    lines: Sequence[Line], columns: Sequence[Column], published: Published, notes: Notes
) -> list[GridRow]:
    """The rows of a table: figures with their marks, below them what is published."""
    findings = [[published.of(line.model, column) for line in lines] for column in columns]
    values = [
        [figures(line, column, found) for line, found in zip(lines, of_column, strict=True)]
        for column, of_column in zip(columns, findings, strict=True)
    ]
    marks = [_marks(lines, column, own) for column, own in zip(columns, values, strict=True)]
    rows = []
    for number, line in enumerate(lines):
        cells = tuple(
            _cell(line, column, findings[place][number], values[place][number], marks[place][number], notes)
            for place, column in enumerate(columns)
        )
        rows.append(GridRow(model_title(line.records[0]), cells, sub=weights_label(line.records[0])))
    return rows


def figures(line: Line, column: Column, findings: Sequence[Finding | None]) -> list[float] | None:
    """The printed figures of a line in a column, rounded as they are printed; None if one is missing."""
    record = line.record(column, [f.key for f in findings if f and f.key])
    if record is None:
        return None
    values = [record.value(metric) for metric in column.metrics]
    found = [v / column.divisor for v in values if v is not None and math.isfinite(v)]
    if len(found) < len(values):
        return None
    return [round(value, places) for value, places in zip(found, column.decimals, strict=True)]


def _marks(
    lines: Sequence[Line], column: Column, values: Sequence[list[float] | None]
) -> list[tuple[Mark, ...]]:
    """Best and second of every metric of a column, for each line; readers compare what is printed."""
    if not column.best:
        return [() for _ in lines]
    found = [None if line.reference else own for line, own in zip(lines, values, strict=True)]
    names: dict[int | None, Mark] = {1: "best", 2: "second"}
    by_metric = [
        value_ranks(
            [None if own is None else own[metric] for own in found],
            range(len(lines)),
            higher_is_better=column.best == "highest",
        )
        for metric in range(len(column.metrics))
    ]
    return [
        tuple(names.get(rank, "") for rank in ranks) if own else ()
        for own, ranks in zip(found, zip(*by_metric, strict=True), strict=True)
    ]


def _cell(
    line: Line,
    column: Column,
    findings: Sequence[Finding | None],
    values: list[float] | None,
    marks: tuple[Mark, ...],
    notes: Notes,
) -> GridCell:
    sub, tone = _published(line, findings, notes)
    if values is None:
        record = line.record(column)
        reason = "not in this run" if record is None else record.not_measured.rstrip(".")
        number = notes.number(f"not measured: {reason or 'the record lacks the figure'}")
        return GridCell(f"\u2013 {number}", sub, "muted")
    text = BETWEEN.join(
        f"{v:,.{places}f}" if v else "0" for v, places in zip(values, column.decimals, strict=True)
    )
    return GridCell(text, sub, tone, marks)


def _published(line: Line, findings: Sequence[Finding | None], notes: Notes) -> tuple[str, Tone]:
    """The published figures of a cell with their verdicts, and the tone of the worst."""
    keys = {record.key for record in line.records}
    words, verdicts = [], []
    for finding in filter(None, findings):
        mine = finding if finding.key in keys else replace(finding, verdict=Verdict.NOT_MEASURED)
        verdicts.append(mine.verdict)
        words.append(_words(mine, notes if finding.key in keys or _of_line(finding, line) else None))
    tone = next((verdict for verdict in _WORST if verdict in verdicts), Verdict.NOT_COMPARED)
    return BETWEEN.join(words), _TONES[tone] if verdicts else ""


def _of_line(finding: Finding, line: Line) -> bool:
    """Whether a reason why a figure was not compared speaks of this line's weights."""
    return not finding.key and any(
        r.measure == finding.entry.measure and r.dataset == finding.entry.dataset and r.values
        for r in line.records
    )


def _words(finding: Finding, notes: Notes | None) -> str:
    """A published figure with the sign of its verdict and the number of its reason."""
    entry = finding.entry
    sign = SIGNS[finding.verdict]
    if not entry.decides:
        return f"{entry.value:,}{FROM_MEMORY}"
    if entry.measure in OF_THE_MACHINE:
        return f"{entry.value:,}{ELSEWHERE}"
    reason = " ".join(filter(None, (finding.because, finding.hint))).rstrip(".")
    number = notes.number(reason) if notes else ""
    return "\u202f".join(filter(None, (f"{entry.value:,}", sign + number)))
