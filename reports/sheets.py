"""A table ready to be exported: every figure as printed and in full, whatever part of the report it is of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from reports.grid import Grid, GridCell, Section
from reports.published_cells import CellKey, PublishedFigure
from reports.view import Cell, Column, Table

Mark = Literal["", "best", "second"]
INTERVAL, PUBLISHED = "interval", "published"
"""What a reader may switch on and off; the interval is on from the start."""


@dataclass(frozen=True, slots=True)
class Head:
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
class SheetCell:
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
class SheetRow:
    """One row."""

    title: str
    sub: str
    names: tuple[str, ...]
    """One for each of the sheet's fields."""
    cells: tuple[SheetCell, ...]
    block: str = ""
    """Heading over the rows that belong together: a machine, a dataset."""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table."""

    name: str
    """Stem of its file: lower-case letters, digits and hyphens."""
    caption: str
    stub: str
    """Heading over the rows' titles."""
    fields: tuple[str, ...]
    """Names of what identifies a row, in CSV and JSON."""
    heads: tuple[Head, ...]
    rows: tuple[SheetRow, ...]
    notes: tuple[str, ...] = ()


def of_leaderboard(table: Table, published: dict[CellKey, tuple[PublishedFigure, ...]]) -> Sheet:
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
    return Sheet(
        name=f"leaderboard-x{table.scale}",
        caption=f"Leaderboard at scale \u00d7{table.scale}",
        stub="Model",
        fields=("model", "title", "weights", "year", "scale", "machine", "configuration"),
        heads=tuple(heads),
        rows=tuple(
            SheetRow(
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


def _head(column: Column, extra: tuple[tuple[str, str], ...]) -> Head:
    label = f"{column.label} ({column.unit})" if column.unit else column.label
    return Head(column.id, column.group, label, column.at, column.definition, extra)


def _cell(cell: Cell, head: Head, published: Sequence[PublishedFigure]) -> SheetCell:
    if cell.value is None:
        return SheetCell(extra=("",) * len(head.extra), missing=cell.missing)
    mark: Mark = "best" if cell.rank == 1 else "second" if cell.rank == 2 else ""
    found = {
        "lower": number(cell.lower),
        "upper": number(cell.upper),
        PUBLISHED: published[0].value if published else "",
    }
    below = [(INTERVAL, cell.interval)] if cell.interval else []
    below += [(PUBLISHED, published[0].line)] if published else []
    return SheetCell(
        parts=((cell.text, mark),),
        value=number(cell.value),
        extra=tuple(found[name] for name, _ in head.extra),
        below=tuple(below),
        rank=cell.rank,
    )


def number(value: float | None) -> str:
    """A number in full: the shortest that reads back as the same; empty for None."""
    if value is None:
        return ""
    return str(int(value)) if value == value // 1 and abs(value) < 2**53 else repr(float(value))


def of_section(section: Section) -> Iterator[Sheet]:
    """The tables of a part of the report."""
    for place, grid in enumerate(section.grids, start=1):
        name = section.id if len(section.grids) == 1 else f"{section.id}-{place}"
        yield _of_grid(name, section, grid)


def _of_grid(name: str, section: Section, grid: Grid) -> Sheet:
    below = any(cell.sub for row in grid.rows for cell in row.cells)
    heads = []
    for place, (label, sub) in enumerate(grid.columns, start=1):
        same = [pair for pair in grid.columns if pair == (label, sub)]
        id = ", ".join(filter(None, (label, sub))) or f"column {place}"
        id = f"{id} ({place})" if len(same) > 1 else id
        heads.append(Head(id, "", label, sub, extra=(("below", ""),) if below else ()))
    return Sheet(
        name=name,
        caption=f"{section.heading}: {grid.caption}",
        stub=grid.stub,
        fields=(grid.stub or "row", "of"),
        heads=tuple(heads),
        rows=tuple(
            SheetRow(row.title, row.sub, (row.title, row.sub), tuple(_grid_cell(c, below) for c in row.cells))
            for row in grid.rows
        ),
        notes=grid.notes,
    )


def _grid_cell(cell: GridCell, below: bool) -> SheetCell:
    return SheetCell(
        parts=((cell.text, ""),) if cell.text else (),
        extra=(cell.sub,) if below else (),
        below=(("", cell.sub),) if cell.sub else (),
    )


def missing_reasons(rows: Iterable[SheetRow]) -> list[str]:
    """The reasons of missing figures, each once, in the order of the rows."""
    return [one for one in dict.fromkeys(cell.missing for row in rows for cell in row.cells) if one]
