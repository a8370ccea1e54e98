"""The leaderboard as text: tables that fit the terminal's width, with the remarks below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from reports.console import MOST_ROWS, Style, more, style_for
from reports.definitions import protocol_meaning
from reports.grid import Grid, GridCell, Section
from reports.notes import row_name, unique
from reports.view import Cell, Column, Row, Table, View

_SUPERSCRIPTS = str.maketrans("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
_NAME_SHARE = 4
"""Names of models may take this part of the width; longer ones are broken into lines."""
_WIDE = 130
"""Width in characters from which a terminal shows all columns of the smaller tables."""
_GAP = 2
"""Characters between columns."""


def _rank(cell: Cell, style: Style) -> str:
    """A rank as a small raised number; in brackets where only plain characters may be used."""
    if cell.rank is None:
        return ""
    return f" ({cell.rank})" if style.plain else str(cell.rank).translate(_SUPERSCRIPTS)


@dataclass(frozen=True, slots=True)
class _Strip:
    """One column as text."""

    head: str
    """Lines of the heading."""
    figures: tuple[str, ...]
    ranks: tuple[str, ...]
    """Padded to one width, so that the figures stand below one another."""

    @property
    def width(self) -> int:
        lines = self.head.splitlines()
        cells = [figure + rank for figure, rank in zip(self.figures, self.ranks, strict=True)]
        return max(cell_len(text) for text in (*lines, *cells))


def print_table(view: View, console: Console) -> None:
    """Print the leaderboard, in as many tables as the console's width needs, and the remarks below.

    On a terminal ranks are small raised digits; elsewhere only plain characters are used.
    """
    style = style_for(console)
    for table in view.tables:
        for group in table.groups:
            console.print()
            heading = f"\u00d7{table.scale}: {group.machine}; {group.configuration}"
            console.print(Text(style.text(heading), style="bold"))
            rows = group.rows[:MOST_ROWS]
            names = [style.text(row_name(row)) for row in rows]
            strips = [_strip(column, index, rows, style) for index, column in enumerate(table.columns)]
            name_width = _name_width(names, console.width)
            for number, part in enumerate(_parts(table.columns, strips, console.width - name_width - _GAP)):
                if number:
                    console.print()
                console.print(_rich_table(names, name_width, part, style))
            _print_more(len(group.rows), "rows", console)
        console.print()
        for line in _remarks(table, style):
            console.print(Text(style.text(line)))


def print_sections(sections: Sequence[Section], console: Console) -> None:
    """Print sections; of long ones the lead alone."""
    style = style_for(console)
    for section in sections:
        for sentence in section.lead:
            console.print()
            console.print(Text(style.text(sentence)))
        for grid in () if section.long else section.grids:
            console.print()
            console.print(Text(style.text(grid.caption), style="bold"))
            shown = grid.first if grid.first and console.width < _WIDE else len(grid.columns)
            console.print(_grid_table(grid, shown, style))
            _print_more(len(grid.rows), "rows", console)
            _print_more(len(grid.columns), "columns", console, shown)
            for note in grid.notes:
                console.print(Text(style.text(note)))


def _print_more(count: int, what: str, console: Console, shown: int = MOST_ROWS) -> None:
    if words := more(count, what, shown):
        console.print(Text(words))


def _grid_table(grid: Grid, shown: int, style: Style) -> RichTable:
    table = RichTable(box=style.box(), show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(Text(style.text(grid.stub)), overflow="fold", vertical="bottom")
    for label, sub in grid.columns[:shown]:
        table.add_column(Text(style.text(f"{label}\n{sub}".strip())), justify="right", overflow="fold")
    for row in grid.rows[:MOST_ROWS]:
        cells = [Text(style.text(_two_lines(cell))) for cell in row.cells[:shown]]
        table.add_row(Text(style.text(f"{row.title}, {row.sub}" if row.sub else row.title)), *cells)
    return table


def _two_lines(cell: GridCell) -> str:
    return f"{cell.text}\n{cell.sub}".strip()


def _name_width(names: Sequence[str], width: int) -> int:
    return min(max(width // _NAME_SHARE, 18), max(map(cell_len, (*names, "Model, weights"))))


def _strip(column: Column, index: int, rows: Sequence[Row], style: Style) -> _Strip:
    cells = [row.cells[index] for row in rows]
    figures = tuple(style.text(_figure(cell)) for cell in cells)
    ranks = [_rank(cell, style) for cell in cells]
    widest = max(map(len, ranks))
    return _Strip(style.text(_head(column)), figures, tuple(rank.ljust(widest) for rank in ranks))


def _head(column: Column) -> str:
    """What the number is, in short lines."""
    lines = [f"{column.label} {column.unit}".rstrip(), column.at.replace(" ", "\n")]
    if column.measure == "quality":
        lines[1] = column.group.replace(" \u00b7 ", "\n")
    elif column.measure != "runtime":
        lines[0] = lines[0].replace(" ", "\n")
    if column.samples:
        lines += [f"median of {column.samples}", "[95 % interval]"]
    return "\n".join(filter(None, lines))


def _figure(cell: Cell) -> str:
    """A figure with its interval; a dash where there is none."""
    if cell.missing:
        return "-"
    return f"{cell.text} [{cell.interval}]" if cell.interval else cell.text


def _parts(columns: Sequence[Column], strips: Sequence[_Strip], width: int) -> Iterator[list[_Strip]]:
    """The columns in parts that fit a width; what belongs together stays together where it fits."""
    part: list[_Strip] = []
    for piece in _pieces(list(zip(columns, strips, strict=True)), width):
        if part and _width(part + piece) > width:
            yield part
            part = []
        part = part + piece
    if part:
        yield part


def _pieces(pairs: list[tuple[Column, _Strip]], width: int) -> Iterator[list[_Strip]]:
    """Columns that are kept together: of cost, of speed, of quality; else of one dataset; else single."""
    subjects = {"memory": "speed", "runtime": "speed"}
    for _, same_subject in groupby(pairs, key=lambda pair: subjects.get(pair[0].measure, pair[0].measure)):
        block = list(same_subject)
        if _width([strip for _, strip in block]) <= width:
            yield [strip for _, strip in block]
            continue
        for _, same_group in groupby(block, key=lambda pair: pair[0].group):
            piece = [strip for _, strip in same_group]
            yield from [piece] if _width(piece) <= width else [[strip] for strip in piece]


def _width(strips: Sequence[_Strip]) -> int:
    return sum(strip.width + _GAP for strip in strips) - _GAP


def _rich_table(names: Sequence[str], name_width: int, strips: Sequence[_Strip], style: Style) -> RichTable:
    table = RichTable(box=style.box(), show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(Text("Model, weights"), max_width=name_width, overflow="fold", vertical="bottom")
    for strip in strips:
        table.add_column(Text(strip.head), justify="right", width=strip.width, no_wrap=True)
    for index, name in enumerate(names):
        cells = [Text.assemble(strip.figures[index], (strip.ranks[index], "dim")) for strip in strips]
        table.add_row(Text(name), *cells)
    return table


def _remarks(table: Table, style: Style) -> Iterator[str]:
    """What a reader of the tables must know, one line a remark."""
    cells = [cell for group in table.groups for row in group.rows for cell in row.cells]
    if any(cell.rank for cell in cells):
        where = "Numbers in parentheses" if style.plain else "Raised numbers"
        shared = "; latencies share a rank where their ratio, paired over the rounds, lies within the noise"
        timed = any(column.measure == "runtime" for column in table.columns)
        yield f"{where} are ranks, 1 is best{shared if timed else ''}."
    for protocol in unique(column.protocol for column in table.columns):
        yield f"{protocol}: {protocol_meaning(protocol)}."
    for note in table.notes:
        yield note.text
    for missing in table.missing:
        yield f"{missing.what[0].upper()}{missing.what[1:]}: {missing.reason.rstrip('.')}."
