"""From records to the leaderboard: rows, cells, ranks and notes. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from reports import notes
from reports.columns import find_columns, fit, print_exact, print_interval, print_value, record_for
from reports.definitions import dataset_order
from reports.identity import (
    GroupKey,
    by_place,
    group_key,
    kept,
    model_title,
    row_id,
    sort_records,
    weights_digest,
    weights_label,
)
from reports.machines import configuration, environments, machine_names
from reports.ranks import time_ranks, value_ranks
from reports.view import NOT_ASKED_FOR, Cell, Column, Group, Note, Row, Table, View
from suite.records import Record, Value
from suite.timing import samples_of


@dataclass(frozen=True, slots=True)
class _Draft:
    """A row before its figures are ranked and printed."""

    group: GroupKey
    records: tuple[Record, ...]
    """All records of the row, of which there is at least one."""
    chosen: tuple[Record | None, ...]
    """The record behind each column."""
    figures: tuple[Value | None, ...]
    """The figure of each column, where there is one that is a number."""

    @property
    def reference(self) -> bool:
        return self.records[0].weights == "no parameters"


@kept
def build(records: Sequence[Record]) -> View:
    """The leaderboard of records, with one table for each scale.

    The order of the records does not matter; of several with one key the one that finished last counts.
    """
    ordered = sort_records(records)
    machines = machine_names(environments(ordered))
    tables = tuple(
        _table(list(same_scale), scale, machines)
        for scale, same_scale in groupby(ordered, key=lambda record: record.scale)
    )
    return View(_summary(tables, ordered), tables)


def _table(records: Sequence[Record], scale: int, machines: dict[str, str]) -> Table:
    columns = find_columns(records, scale)
    drafts = _drafts(records, columns)
    columns = tuple(_fitted(column, index, drafts) for index, column in enumerate(columns))
    columns, dataset_notes = notes.attach(columns, notes.dataset_notes(columns, records))
    ranks = [_ranks(column, index, drafts) for index, column in enumerate(columns)]
    rows = [_row(draft, columns, [r[number] for r in ranks]) for number, draft in enumerate(drafts)]
    order = _order_column(columns, rows)
    groups = _groups(drafts, rows, machines, _row_order(columns, order))
    used = {record.key for draft in drafts for record in draft.chosen if record}
    places = {(column.dataset, column.protocol) for column in columns}
    general = notes.general_notes(
        columns,
        groups,
        versions=notes.unique(sorted(str(r.environment.get("code", "")) for r in records)),
        on_luma=notes.unique(model_title(r) for r in records if r.input.startswith("1x")),
        replaced=sum(
            bool(r.values) and r.key not in used and (r.dataset, r.protocol) in places for r in records
        ),
        busy=max(map(_busy, records), default=0.0),
    )
    return Table(
        scale=scale,
        columns=columns,
        groups=groups,
        sorted_by=order,
        notes=(*dataset_notes, *(Note("", text) for text in general)),
        missing=notes.missing(columns, groups),
    )


def _groups(
    drafts: Sequence[_Draft],
    rows: Sequence[Row],
    machines: dict[str, str],
    order: Callable[[Row], tuple[bool, float, str, str]],
) -> tuple[Group, ...]:
    groups = []
    for key, members in groupby(zip(drafts, rows, strict=True), key=lambda pair: pair[0].group):
        own_drafts, own_rows = zip(*members, strict=True)
        groups.append(
            Group(
                id=".".join(map(str, key)),
                machine=machines[key[0]],
                backend=own_drafts[0].records[0].backend,
                configuration=configuration(own_drafts[0].records[0]),
                rows=tuple(sorted(own_rows, key=order)),
            )
        )
    return tuple(groups)


def _drafts(records: Sequence[Record], columns: Sequence[Column]) -> list[_Draft]:
    drafts = []
    cost: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        if record.measure == "cost":
            cost.setdefault((record.model, record.weights, weights_digest(record)), []).append(record)
    for (group, *who), mine in groupby(
        records, key=lambda r: (group_key(r), r.model, r.weights, weights_digest(r))
    ):
        own = tuple(mine)
        if all(record.measure != "cost" for record in own):  # counted once for all configurations
            own += tuple(cost.get((who[0], who[1], who[2]), ()))
        places = by_place(own)
        chosen = [
            record_for(column, places.get((column.measure, column.dataset, column.protocol), ()))
            for column in columns
        ]
        figures = map(_figure, columns, chosen)
        drafts.append(_Draft(group, own, tuple(chosen), tuple(figures)))
    return drafts


def _figure(column: Column, record: Record | None) -> Value | None:
    """The figure of a column in its record, if there is one that is a number."""
    if record is None:
        return None
    for value in record.values:
        if value.metric == column.metric and not value.image and not math.isnan(value.value):
            return value
    return None


def _fitted(column: Column, index: int, drafts: Sequence[_Draft]) -> Column:
    figures = [draft.figures[index] for draft in drafts if not draft.reference]
    chosen = [draft.chosen[index] for draft in drafts]
    samples = [len(samples_of(r)) for r in chosen if r and r.measure == "runtime"]
    return fit(column, [figure.value for figure in figures if figure], [n for n in samples if n])


def _ranks(column: Column, index: int, drafts: Sequence[_Draft]) -> list[int | None]:
    """Rank of every draft in one column."""
    figures = [None if draft.reference else draft.figures[index] for draft in drafts]
    who = [(d.records[0].model, d.records[0].weights, weights_digest(d.records[0])) for d in drafts]
    if column.measure in ("memory", "runtime"):
        ranks: list[int | None] = []
        for _, members in groupby(zip(drafts, figures, who, strict=True), key=lambda part: part[0].group):
            own, inside, competitors = zip(*members, strict=True)
            if column.measure == "runtime":
                timed = [
                    draft.chosen[index] if figure else None for draft, figure in zip(own, inside, strict=True)
                ]
                ranks += time_ranks(timed)
            else:
                ranks += value_ranks(_values(column, inside), competitors, higher_is_better=False)
        return ranks
    return value_ranks(_values(column, figures), who, higher_is_better=column.higher_is_better)


def _busy(record: Record) -> float:
    """Share of the processors that others used before a timing; 0 where it is not known."""
    return float(record.details.get("busy_before") or 0.0)


def _values(column: Column, figures: Sequence[Value | None]) -> list[float | None]:
    """The figures as they compete: quality as printed, since readers compare what they see."""
    digits = column.decimals if column.measure == "quality" else None
    return [None if f is None else f.value if digits is None else round(f.value, digits) for f in figures]


def _row(draft: _Draft, columns: Sequence[Column], ranks: Sequence[int | None]) -> Row:
    first = draft.records[0]
    sessions = {str(r.details.get("session", "")) for r in draft.chosen if r and r.measure == "runtime"}
    return Row(
        id=row_id(first),
        model=first.model,
        title=model_title(first),
        family=str(first.card.get("family") or ""),
        year=str(first.card.get("year") or ""),
        origin=weights_label(first),
        reference=draft.reference,
        cells=tuple(map(_cell, columns, draft.chosen, draft.figures, ranks)),
        sessions=tuple(sorted(sessions - {""})),
    )


def _cell(column: Column, record: Record | None, figure: Value | None, rank: int | None) -> Cell:
    if record is None:
        return Cell("", missing=NOT_ASKED_FOR)
    if figure is None:
        reason = record.not_measured or "the result is not a number"
        if record.values and record.value(column.metric) is None:
            reason = "the record is of an earlier version, which did not count it: measure it again"
        return Cell("", missing=f"not measured: {reason}", key=record.key)
    lower, upper = figure.lower, figure.upper
    interval = "" if lower is None or upper is None else print_interval(column, lower, upper)
    return Cell(
        text=print_value(column, figure.value),
        value=figure.value,
        lower=lower,
        upper=upper,
        interval=interval,
        exact=print_exact(column, figure.value),
        rank=rank,
        key=record.key,
    )


def _order_column(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """The column that orders the rows: the first of PSNR, latency and MACs that has a figure."""
    for metric in ("psnr", "latency_ms", "macs", "params"):
        for index, column in enumerate(columns):
            if column.metric == metric and any(row.cells[index].value is not None for row in rows):
                return column.id
    return ""


def _row_order(columns: Sequence[Column], order: str) -> Callable[[Row], tuple[bool, float, str, str]]:
    """Sort key: best figure first, then rows without one, equal ones by title."""
    index = next((i for i, column in enumerate(columns) if column.id == order), None)

    def key(row: Row) -> tuple[bool, float, str, str]:
        value = None if index is None else row.cells[index].value
        if index is None or value is None:
            return (True, 0.0, row.title.lower(), row.origin)
        return (False, -value if columns[index].higher_is_better else value, row.title.lower(), row.origin)

    return key


def _summary(tables: Sequence[Table], records: Sequence[Record]) -> str:
    """One line: models, scales, datasets, machine, origin of the weights."""
    if not records:
        return "No records."
    titles = notes.unique(sorted((model_title(r) for r in records), key=str.lower))
    models = notes.join(titles) if len(titles) <= 6 else f"{len(titles)} models"
    scales = notes.join(f"\u00d7{table.scale}" for table in tables)
    datasets = notes.unique(r.dataset for r in sorted(records, key=lambda r: dataset_order(r.dataset)))
    machines = notes.unique(group.machine for table in tables for group in table.groups)
    where = machines[0] if len(machines) == 1 else f"{len(machines)} machines"
    origins = notes.unique(sorted(weights_label(r) for r in records if r.weights != "no parameters"))
    parts = [
        f"{models} at {scales}",
        f" on {notes.join(datasets)}" if datasets else "",
        f"; measured on {where}.",
        f" Weights: {notes.join(origins)}." if origins else "",
    ]
    return "".join(parts)
