"""A plain table of text with a heading and remarks: what every part of the report but the leaderboard is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from reports.picture import Picture
from reports.plot import Chart

Tone = Literal["", "good", "bad", "muted"]
Mark = Literal["", "best", "second"]

BETWEEN = " / "
"""Stands between the figures of one cell, such as PSNR and SSIM."""

SET_OFF: dict[Mark, tuple[str, str]] = {"": ("", ""), "best": ("**", "**"), "second": ("<u>", "</u>")}
"""Best and second in Markdown."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """One figure or word of a grid, as printed."""

    text: str
    sub: str = ""
    """A second, smaller line: an interval, a difference."""
    tone: Tone = ""
    """How it is set off; the words say the same."""
    marks: tuple[Mark, ...] = ()
    """How the parts of the text between slashes stand among their column; empty for none."""

    @property
    def parts(self) -> tuple[tuple[str, Mark], ...]:
        """The text in pieces that belong one behind the other, each with its mark."""
        pieces = self.text.split(BETWEEN)
        return tuple((piece, self.marks[n] if self.marks else "") for n, piece in enumerate(pieces))


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row with its heading."""

    title: str
    cells: tuple[GridCell, ...]
    sub: str = ""
    """A second, smaller line below the title."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of a section."""

    caption: str
    """Says what the table holds; unique in its section."""
    stub: str
    """Heading over the rows' titles."""
    columns: tuple[tuple[str, str], ...]
    """Heading and, in small letters, what it refers to."""
    rows: tuple[GridRow, ...]
    notes: tuple[str, ...] = ()
    first: int = 0
    """How many columns a narrow terminal shows, the others being on the page; 0 for all."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with a heading of its own."""

    id: str
    """Its anchor; unique on the page."""
    heading: str
    lead: tuple[str, ...]
    """Sentences before the tables."""
    grids: tuple[Grid, ...] = ()
    long: bool = False
    """Whether its tables are too long for a terminal, which then shows the lead alone."""
    charts: tuple[Chart, ...] = ()
    """Plots before the tables."""
    pictures: tuple[Picture, ...] = ()
    """Shown before the tables."""


def to_markdown(sections: Sequence[Section]) -> str:
    """Sections as Markdown, for documents that show what the page shows."""
    return "\n".join(line for section in sections for line in _markdown(section)) + "\n"


def _markdown(section: Section) -> Iterator[str]:
    yield from (f"## {section.heading}", "")
    for sentence in section.lead:
        yield from (sentence, "")
    for grid in section.grids:
        heads = [grid.stub, *(_joined(label, sub, ", ") for label, sub in grid.columns)]
        yield from (f"**{grid.caption}**", "", _line(heads), _line(["---", *["---:"] * len(grid.columns)]))
        for row in grid.rows:
            cells = [_joined(_marked(cell), cell.sub, "<br>") for cell in row.cells]
            yield _line([_joined(row.title, row.sub, "<br>"), *cells])
        yield ""
        for note in grid.notes:
            yield from (note, "")


def _marked(cell: GridCell) -> str:
    return BETWEEN.join(text.join(SET_OFF[mark]) for text, mark in cell.parts)


def _joined(text: str, sub: str, between: str) -> str:
    return between.join(filter(None, (text, sub)))


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"
