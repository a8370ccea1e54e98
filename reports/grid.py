"""A plain table of text with a heading and remarks: what every part of the report but the leaderboard is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class GridCell:
    """One figure or word of a grid, as printed."""

    text: str
    sub: str = ""
    """A second, smaller line: an interval, a difference."""
    tone: Literal["", "good", "bad", "muted"] = ""
    """How it is set off; the words say the same."""


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


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with a heading of its own."""

    id: str
    """Its anchor; unique on the page."""
    heading: str
    lead: tuple[str, ...]
    """Sentences before the tables."""
    grids: tuple[Grid, ...] = field(default=())
