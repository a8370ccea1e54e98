"""A table ready to be exported: every figure as printed and in full, whatever part of the report it is of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.grid import Mark
from reports.published_cells import CellKey, PublishedFigure
from reports.view import Cell, Column, Table

INTERVAL, PUBLISHED = "interval", "published"
"""What a reader may switch on and off; the interval is on from the start."""


@dataclass(frozen=True, slots=True)
class ExportHead:
    """One column."""

    id: str
    """Unique in its sheet: its name in CSV and JSON."""
    group: str
    """Heading over neighbouring columns; may be empty."""
    label: str
    """What it holds, with the unit of the printed figures."""
    sub: str = ""
    """What the figures refer to: an input, a dataset."""
    definition: str = ""
    extra: tuple[tuple[str, str], ...] = ()
    """Further figures of each cell: their names, and the option that shows each (empty: always)."""


@dataclass(frozen=True, slots=True)
class ExportCell:
    """One figure, or the reason why there is none."""

    parts: tuple[tuple[str, Mark], ...] = ()
    """As printed, with how each part stands among its column; none if there is no figure."""
    value: str = ""
    """In full, as a number in the record's unit; empty where the printed text is all there is."""
    extra: tuple[str, ...] = ()
    """One for each of the column's; empty if there is none."""
    below: tuple[tuple[str, str], ...] = ()
    """Smaller lines as printed, each with the option that shows it (empty: always)."""
    missing: str = ""
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One row."""

    title: str
    sub: str
    names: tuple[str, ...]
    """One for each of the sheet's fields."""
    cells: tuple[ExportCell, ...]
    block: str = ""
    """Heading over the rows that belong together: a machine, a dataset."""
    id: str = ""


@dataclass(frozen=True, slots=True)
class ExportTable:
    """One table."""

    name: str
    """Stem of its file: lower-case letters, digits and hyphens."""
    caption: str
    stub: str
    """Heading over the rows' titles."""
    fields: tuple[str, ...]
    """Names of what identifies a row, in CSV and JSON."""
    heads: tuple[ExportHead, ...]
    rows: tuple[ExportRow, ...]
    notes: tuple[str, ...] = ()


def of_leaderboard(table: Table, published: dict[CellKey, tuple[PublishedFigure, ...]]) -> ExportTable:
    """The leaderboard at one scale, with what was published of its figures."""
    rows = [(group, row) for group in table.groups for row in group.rows]
    heads = []
    for index, column in enumerate(table.columns):
        cells = [row.cells[index] for _, row in rows]
        extra: list[tuple[str, str]] = []
        if any(cell.interval for cell in cells):
            extra += [("lower", INTERVAL), ("upper", INTERVAL)]
        if any((cell.key, column.metric) in published for cell in cells):
            extra.append((PUBLISHED, PUBLISHED))
        heads.append(_head(column, tuple(extra)))
    return ExportTable(
        name=f"leaderboard-x{table.scale}",
        caption=f"Leaderboard at scale \u00d7{table.scale}",
        stub="Model",
        fields=("model", "title", "weights", "year", "scale", "machine", "configuration"),
        heads=tuple(heads),
        rows=tuple(
            ExportRow(
                title=row.title,
                sub=row.origin,
                names=(
                    *(row.model, row.title, row.origin, row.year, str(table.scale)),
                    *(group.machine, group.configuration),
                ),
                cells=tuple(
                    _cell(cell, head, published.get((cell.key, column.metric), ()))
                    for cell, column, head in zip(row.cells, table.columns, heads, strict=True)
                ),
                block=f"{group.machine}; {group.configuration}",
                id=row.id,
            )
            for group, row in rows
        ),
        notes=tuple(note.text for note in table.notes),
    )


def _head(column: Column, extra: tuple[tuple[str, str], ...]) -> ExportHead:
    label = f"{column.label} ({column.unit})" if column.unit else column.label
    return ExportHead(column.id, column.group, label, column.at, column.definition, extra)


def _cell(cell: Cell, head: ExportHead, published: Sequence[PublishedFigure]) -> ExportCell:
    if cell.value is None:
        return ExportCell(extra=("",) * len(head.extra), missing=cell.missing)
    found = {
        "lower": number(cell.lower),
        "upper": number(cell.upper),
        PUBLISHED: published[0].value if published else "",
    }
    below = [(INTERVAL, cell.interval)] if cell.interval else []
    below += [(PUBLISHED, published[0].line)] if published else []
    return ExportCell(
        parts=((cell.text, mark_of(cell.rank)),),
        value=number(cell.value),
        extra=tuple(found[name] for name, _ in head.extra),
        below=tuple(below),
        rank=cell.rank,
    )


def mark_of(rank: int | None) -> Mark:
    """How a figure of a rank is set off."""
    return "best" if rank == 1 else "second" if rank == 2 else ""


def number(value: float | None) -> str:
    """A number in full: the shortest that reads back as the same; empty for None."""
    if value is None:
        return ""
    return str(int(value)) if value == value // 1 and abs(value) < 2**53 else repr(float(value))


def missing_reasons(rows: Iterable[ExportRow]) -> list[str]:
    """The reasons of missing figures, each once, in the order of the rows."""
    return [one for one in dict.fromkeys(cell.missing for row in rows for cell in row.cells) if one]
