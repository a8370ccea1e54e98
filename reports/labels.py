"""Where the names of points go in a plot, so that none covers another name or a point."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
    if not points:
        return []
    distances = _DISTANCES[:_NEAR] if len(points) > _MANY else _DISTANCES
    places = np.array(points, dtype=np.float64)
    boxes, preferences = _candidates(places, texts, size, distances)
    thin = np.array([(line.left, line.top, line.right, line.bottom) for line in lines]).reshape(-1, 4)
    crossed = _overlap(boxes[:, :, None], thin).sum(axis=2)
    free = _inside(boxes, area) & _clear(boxes, places, radius)
    penalties = np.where(free, preferences + 12 * crossed, np.inf)
    choices = _by_penalty(penalties, boxes)
    by_place = sorted(range(len(points)), key=lambda index: points[index])
    crowds = _crowds(places)
    crowded = sorted(by_place, key=lambda index: -crowds[index])
    orders = (crowded, by_place, by_place[::-1], crowded[::-1])
    _, best = min((_in_order(choices, order) for order in orders), key=lambda found: found[0])
    return [
        None if box is None else Label(text, box, _leader(point, box, radius))
        for point, text, box in zip(points, texts, best, strict=True)
    ]


_Edges = tuple[float, float, float, float]
"""Left, top, right and bottom edge of a box."""


def _candidates(
    places: NDArray[np.float64], texts: Sequence[str], size: float, distances: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The boxes in which the name of each point could stand, ``(points, choices, 4)``; which are better.

    The second, ``(choices,)``, is smaller for the better.
    """
    ways = [(distance, *unit) for distance in distances for unit in _UNITS]
    distance, across, down = np.array(ways).T
    widths, height = np.array([text_width(text, size) for text in texts])[:, None], size * 1.15
    # The name's edge that faces the point lies at the distance.
    x = places[:, :1] + across * (distance + widths / 2)
    y = places[:, 1:] + down * (distance + height / 2)
    boxes = np.stack((x - widths / 2, y - height / 2, x + widths / 2, y + height / 2), axis=-1)
    return boxes, distance + 1.5 * np.tile(np.arange(len(_UNITS)), len(distances))


def _overlap(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which boxes share an area with which others, both ``(..., 4)`` and broadcast against each other."""
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    other_left, other_top, other_right, other_bottom = np.moveaxis(others, -1, 0)
    across = np.logical_and(left < other_right, other_left < right)
    return np.logical_and(across, np.logical_and(top < other_bottom, other_top < bottom))


def _inside(boxes: NDArray[np.float64], area: Box) -> NDArray[np.bool_]:
    """Which boxes lie wholly within an area."""
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    across = np.logical_and(left >= area.left, right <= area.right)
    return np.logical_and(across, np.logical_and(top >= area.top, bottom <= area.bottom))


def _clear(boxes: NDArray[np.float64], places: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    """Which boxes ``(points, choices, 4)`` cover none of the markers but their own point's.

    The markers that a box covers are a run of those from left to right and a run of those from top to bottom;
    how many are in both is the sum over a rectangle of a table of zeros and ones, read from its running sums.
    """
    count = len(places)
    table = np.zeros((count + 1, count + 1), dtype=np.int64)
    ranks = places.argsort(axis=0).argsort(axis=0)
    table[tuple(ranks.T + 1)] = 1
    sums = table.cumsum(axis=0).cumsum(axis=1)
    ordered = np.sort(places, axis=0)
    (left, right), (top, bottom) = (
        (
            np.searchsorted(ordered[:, axis] + radius, boxes[..., axis], side="right"),
            np.searchsorted(ordered[:, axis] - radius, boxes[..., axis + 2], side="left"),
        )
        for axis in (0, 1)
    )
    covered = sums[right, bottom] - sums[left, bottom] - sums[right, top] + sums[left, top]
    own = np.concatenate((places - radius, places + radius), axis=1)
    return np.equal(covered, _overlap(boxes, own[:, None]))


def _by_penalty(
    penalties: NDArray[np.float64], boxes: NDArray[np.float64]
) -> list[list[tuple[float, _Edges]]]:
    """The choices of each point that have a finite penalty, the best first."""
    order = np.argsort(penalties, axis=1, kind="stable")
    ordered = np.take_along_axis(penalties, order, axis=1)
    edges = np.take_along_axis(boxes, order[..., None], axis=1)
    counts = np.isfinite(ordered).sum(axis=1).tolist()
    return [
        list(zip(own[:count].tolist(), map(tuple, where[:count].tolist()), strict=True))
        for own, where, count in zip(ordered, edges, counts, strict=True)
    ]


def _crowds(places: NDArray[np.float64]) -> list[float]:
    """How much there is near each point."""
    across, down = (side[:, None] - side for side in places.T)
    near = 1 / (20 + np.sqrt(across**2 + down**2))
    crowds: list[float] = near.sum(axis=1).tolist()
    return crowds


def _in_order(
    choices: Sequence[Sequence[tuple[float, _Edges]]], order: Sequence[int]
) -> tuple[float, list[Box | None]]:
    """Boxes if each point in turn takes the best that is left, and the sum of their penalties."""
    placed: list[Box | None] = [None] * len(choices)
    taken: list[_Edges] = []
    total = 0.0
    for index in order:
        penalty, edges = next((one for one in choices[index] if not _hits(one[1], taken)), (_NO_PLACE, None))
        total += penalty
        if edges:
            taken.append(edges)
            placed[index] = Box(*edges)
    return total, placed


def _hits(box: _Edges, others: Sequence[_Edges]) -> bool:
    """Whether a box overlaps any of others. Plain comparisons, since it is asked often."""
    left, top, right, bottom = box
    for other_left, other_top, other_right, other_bottom in others:
        if left < other_right and other_left < right and top < other_bottom and other_top < bottom:
            return True
    return False


def _leader(point: tuple[float, float], box: Box, radius: float) -> _Edges | None:
    """The line from a point to a name that does not stand right beside it."""
    x, y = point
    near_x = min(max(x, box.left), box.right)
    near_y = min(max(y, box.top), box.bottom)
    gap = math.hypot(near_x - x, near_y - y)
    if gap <= radius + 8:
        return None
    share = (radius + 1) / gap
    return x + (near_x - x) * share, y + (near_y - y) * share, near_x, near_y
