"""A picture as shapes and words with their places; the template only writes them as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """A line or an area."""

    path: str
    """SVG path data."""
    css: str
    """Class of the style sheet: how it looks."""
    tip: str = ""
    """What it stands for, in words."""


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text."""

    x: float
    y: float
    text: str
    css: str = "words"
    anchor: str = "start"
    """``start``, ``middle`` or ``end``."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture at one size, in pixels."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a section at every size that the page shows."""

    id: str
    """Unique on the page."""
    title: str
    description: str
    """All that it shows, for those who cannot see it."""
    canvases: Mapping[str, Canvas]
    """By the class under which the style sheet shows one of them: ``wide``, ``narrow``."""
    caption: tuple[str, ...] = ()


def rectangle(left: float, top: float, right: float, bottom: float) -> str:
    """Path of a rectangle."""
    return f"M{left:.1f},{top:.1f}H{right:.1f}V{bottom:.1f}H{left:.1f}z"


def moved(path: str, x: float, y: float) -> str:
    """A path whose first command is absolute and stands at the origin, its outline around another place.

    Takes the outlines of `reports.drawing.shape`, which are in absolute coordinates but for the circle.
    """
    body, close = (path[1:-1], "z") if path.endswith("z") else (path[1:], "")
    start, arc, rest = body.partition("a")
    corners = []
    for corner in start.split("L"):
        across, down = corner.split(",")
        corners.append(f"{float(across) + x:.1f},{float(down) + y:.1f}")
    return "M" + "L".join(corners) + arc + rest + close
