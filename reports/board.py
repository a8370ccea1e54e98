"""The leaderboards as the page's script needs them: what rows can be filtered by, which columns can be
chosen, what the exports say beyond the table, and the record behind each figure.

What stands in the table is not written again: ``static/unpack.js`` takes figures, ranks and keys from
there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reports.definitions import dataset_order
from reports.distributions import Distribution
from reports.escapes import LATEX, MARKDOWN
from reports.export_tables import ExportTable, number, of_leaderboard
from reports.identity import sort_records
from reports.published_cells import CellKey, PublishedFigure, published_cells
from reports.record_facts import record_facts
from reports.view import Column, Group, Row, Table, View
from suite.records import Record


@dataclass(frozen=True, slots=True)
class Facet:
    """One property that rows are filtered by; for datasets, columns too."""

    id: str
    label: str
    options: tuple[tuple[str, int], ...]
    """Each value with the number of rows that have it; more than one."""


@dataclass(frozen=True, slots=True)
class ColumnGroup:
    """The columns below one heading, in all tables together."""

    heading: str
    columns: tuple[tuple[str, str], ...]
    """Id and label."""


@dataclass(frozen=True, slots=True)
class Board:
    """All leaderboards of a page."""

    facets: tuple[Facet, ...]
    columns: tuple[ColumnGroup, ...]
    has_intervals: bool
    has_published: bool
    data: Mapping[str, Any] = field(hash=False)
    """What goes into the page as JSON."""


def build_board(
    view: View, records: Sequence[Record], commands: Sequence[str], distributions: Sequence[Distribution] = ()
) -> Board:
    """The leaderboards of a view of records, which the commands made.

    ``distributions`` are those of the page, which has the PSNR of their images already.
    """
    published = published_cells(records)
    sheets = [of_leaderboard(table, published) for table in view.tables]
    extra = {name for sheet in sheets for head in sheet.heads for name, _ in head.extra}
    used = {cell.key for table in view.tables for g in table.groups for row in g.rows for cell in row.cells}
    latest = {record.key: record for record in sort_records(records)}
    data = {
        "escapes": {"markdown": dict(MARKDOWN), "latex": dict(LATEX)},
        "sheets": [_sheet(*pair) for pair in zip(sheets, view.tables, strict=True)],
        **_published(view, published),
        **record_facts([latest[key] for key in used if key], commands, distributions),
    }
    return Board(
        facets=_facets(view),
        columns=_column_groups(view),
        has_intervals="lower" in extra,
        has_published="published" in extra,
        data=data,
    )


def _facets(view: View) -> tuple[Facet, ...]:
    rows = [(table, group, row) for table in view.tables for group in table.groups for row in group.rows]
    properties = [_properties(*place) for place in rows]
    found = []
    for id, label in (
        *(("family", "Family"), ("year", "Year"), ("scale", "Scale"), ("dataset", "Dataset")),
        *(("backend", "Backend"), ("origin", "Weights")),
    ):
        count = Counter(value for one in properties for value in one[id] if value)
        order = sorted(count, key=dataset_order if id == "dataset" else lambda value: (0, value.lower()))
        if len(count) > 1:
            found.append(Facet(id, label, tuple((value, count[value]) for value in order)))
    return tuple(found)


def _properties(table: Table, group: Group, row: Row) -> dict[str, list[str]]:
    """What a row is filtered by. A row has the datasets on which it has a figure."""
    datasets = [c.dataset for c, cell in zip(table.columns, row.cells, strict=True) if cell.value is not None]
    return {
        "family": [row.family],
        "year": [row.year],
        "scale": [f"\u00d7{table.scale}"],
        "dataset": list(dict.fromkeys(datasets)),
        "backend": [group.backend],
        "origin": ["file" if row.origin.startswith("file ") else row.origin],
    }


def _column_groups(view: View) -> tuple[ColumnGroup, ...]:
    found: dict[str, dict[str, str]] = {}
    for table in view.tables:
        for column in table.columns:
            label = ", ".join(filter(None, (column.label, _at(column))))
            found.setdefault(column.group, {}).setdefault(choice(column), label)
    return tuple(ColumnGroup(heading, tuple(columns.items())) for heading, columns in found.items())


def choice(column: Column) -> str:
    """Id of a column that is the same at every scale."""
    return f"{column.measure}.{column.metric}.output" if column.at.endswith(" output") else column.id


def _at(column: Column) -> str:
    """What a column refers to at any scale: an output of 1280x720 is one of 1278x720 at x3."""
    return "1280\u00d7720 output" if column.at.endswith(" output") else column.at


def _sheet(sheet: ExportTable, table: Table) -> dict[str, Any]:
    places = [(group, row) for group in table.groups for row in group.rows]
    # The last two names of a row are those of its block.
    blocks = list(dict.fromkeys((row.block, *row.names[-2:]) for row in sheet.rows))
    return {
        "scale": table.scale,
        "sorted": table.sorted_by,
        **{name: getattr(sheet, name) for name in ("name", "caption", "stub", "fields", "notes")},
        "heads": [
            {
                **{
                    name: getattr(head, name)
                    for name in ("id", "group", "label", "sub", "definition", "extra")
                },
                "choice": choice(column),
                "dataset": column.dataset,
                "metric": column.metric,
                "first": "descending" if column.higher_is_better else "ascending",
            }
            for head, column in zip(sheet.heads, table.columns, strict=True)
        ],
        "blocks": blocks,
        "rows": [
            {
                "id": row.id,
                "block": blocks.index((row.block, *row.names[-2:])),
                "names": row.names[:-2],
                "is": _properties(table, group, shown),
                "intervals": {
                    place: (number(cell.lower), number(cell.upper))
                    for place, cell in enumerate(shown.cells)
                    if cell.interval
                },
                "missing": {
                    place: cell.key for place, cell in enumerate(shown.cells) if cell.missing and cell.key
                },
            }
            for row, (group, shown) in zip(sheet.rows, places, strict=True)
        ],
    }


def _published(view: View, published: Mapping[CellKey, Sequence[PublishedFigure]]) -> dict[str, Any]:
    """Published figures by ``KEY METRIC``: value, difference, verdict, and places of reason and source."""
    texts: dict[str, int] = {}
    found: dict[str, list[list[str | int]]] = {}
    for table in view.tables:
        for row in (row for group in table.groups for row in group.rows):
            for column, cell in zip(table.columns, row.cells, strict=True):
                for figure in published.get((cell.key, column.metric), ()):
                    places = [texts.setdefault(text, len(texts)) for text in (figure.because, figure.source)]
                    facts: list[str | int] = [figure.value, figure.difference, figure.verdict, *places]
                    found.setdefault(f"{cell.key} {column.metric}", []).append(facts)
    return {"published": found, "texts": list(texts)}
