"""Where the names of points go in a plot, so that none covers another name or a point."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NARROW = frozenset("iljtfrI.,:;'|!()[] -1")
_WIDE = frozenset("mwMW@%")
_DIRECTIONS = (0, 180, 270, 90, 315, 225, 45, 135)
"""Degrees clockwise from the right, in the order of preference."""
_UNITS = tuple((math.cos(math.radians(degrees)), math.sin(math.radians(degrees))) for degrees in _DIRECTIONS)
"""The same as shares of the way across and down."""
_DISTANCES = (10.0, 17.0, 27.0, 40.0, 56.0, 76.0)
"""From the point to the nearest edge of its name, in pixels."""
_MANY, _NEAR = 100, 2
"""From so many points on a name stands at one of so many nearest distances, or nowhere: a line to a name far
away could not be followed among them."""
_NO_PLACE = 1000.0
"""Penalty for a point without a name."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; y points down."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Whether the two share an area."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def inside(self, other: Box) -> bool:
        """Whether it lies wholly within another."""
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True, slots=True)
class Label:
    """The place of a name."""

    text: str
    box: Box
    leader: tuple[float, float, float, float] | None
    """Line from the point to the name, ``x1, y1, x2, y2``; None if the name stands right beside it."""


def text_width(text: str, size: float) -> float:
    """A cautious estimate of the width of a text in a sans-serif type of ``size`` pixels."""
    ems = sum(0.34 if c in _NARROW else 0.92 if c in _WIDE else 0.72 if c.isupper() else 0.6 for c in text)
    return ems * size


def place_labels(
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    area: Box,
    lines: Sequence[Box],
    *,
    size: float = 13,
    radius: float = 7,
) -> list[Label | None]:
    """A place for the name of each point, or None where there is none left.

    ``size`` is the size of the type, ``radius`` that of the markers, ``lines`` are straight lines (as thin
    boxes) that names had better not cross. The same input gives the same places.
    """
    markers = np.array([(x - radius, y - radius, x + radius, y + radius) for x, y in points])
    distances = _DISTANCES[:_NEAR] if len(points) > _MANY else _DISTANCES
    choices = [
        sorted(
            (
                (penalty + 12 * sum(label.box.overlaps(line) for line in lines), label)
                for penalty, label in _clear(
                    _candidates(point, text, size, radius, distances), area, markers, index
                )
            ),
            key=lambda choice: choice[0],
        )
        for index, (point, text) in enumerate(zip(points, texts, strict=True))
    ]
    by_place = sorted(range(len(points)), key=lambda index: points[index])
    crowded = sorted(by_place, key=lambda index: -_crowd(points, index))
    orders = (crowded, by_place, by_place[::-1], crowded[::-1])
    _, best = min((_in_order(choices, order) for order in orders), key=lambda found: found[0])
    return best


def _in_order(
    choices: Sequence[Sequence[tuple[float, Label]]], order: Sequence[int]
) -> tuple[float, list[Label | None]]:
    """Places if each point in turn takes the best that is left, and the sum of their penalties."""
    placed: list[Label | None] = [None] * len(choices)
    total = 0.0
    for index in order:
        taken = [label.box for label in placed if label is not None]
        free = (choice for choice in choices[index] if not _hits(choice[1].box, taken))
        penalty, placed[index] = next(free, (_NO_PLACE, None))
        total += penalty
    return total, placed


def _clear(
    candidates: Iterable[tuple[float, Label]], area: Box, markers: NDArray[np.float64], but: int
) -> Iterator[tuple[float, Label]]:
    """The candidates inside an area that cover none of the markers ``(N, 4)``, one marker left out.

    All with all at once, since there may be hundreds of points.
    """
    inside = [candidate for candidate in candidates if candidate[1].box.inside(area)]
    edges = [(label.box.left, label.box.top, label.box.right, label.box.bottom) for _, label in inside]
    if not edges:
        return
    left, top, right, bottom = np.array(edges).T[..., None]
    covers = (
        (left < markers[:, 2]) & (markers[:, 0] < right) & (top < markers[:, 3]) & (markers[:, 1] < bottom)
    )
    covers[:, but] = False
    yield from itertools.compress(inside, ~covers.any(axis=1))


def _hits(box: Box, others: Sequence[Box]) -> bool:
    """Whether a box overlaps any of others. Plain comparisons, since it is asked often."""
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    for other in others:
        if left < other.right and other.left < right and top < other.bottom and other.top < bottom:
            return True
    return False


def _crowd(points: Sequence[tuple[float, float]], index: int) -> float:
    x, y = points[index]
    return sum(1 / (20 + math.hypot(x - u, y - v)) for u, v in points) - 1 / 20


def _candidates(
    point: tuple[float, float], text: str, size: float, radius: float, distances: Sequence[float]
) -> Iterator[tuple[float, Label]]:
    """Possible places of a name with their penalties, smaller is better."""
    x, y = point
    width, height = text_width(text, size), size * 1.15
    for distance in distances:
        for preference, (across, down) in enumerate(_UNITS):
            # The name's edge that faces the point lies at the distance.
            centre_x = x + across * (distance + width / 2)
            centre_y = y + down * (distance + height / 2)
            box = Box(
                centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2
            )
            near_x = min(max(x, box.left), box.right)
            near_y = min(max(y, box.top), box.bottom)
            gap = math.hypot(near_x - x, near_y - y)
            leader = None
            if gap > radius + 8:
                share = (radius + 1) / gap
                leader = (x + (near_x - x) * share, y + (near_y - y) * share, near_x, near_y)
            yield distance + preference * 1.5, Label(text, box, leader)
