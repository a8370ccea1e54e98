"""Where everything in a plot goes: a panel and a size in, coordinates out. The template only writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reports.axes import Axis, linear_axis, log_axis, ticks
from reports.labels import Box, Label, place_labels
from reports.plot import Panel, Point, pareto_front
from reports.provenance import Samples

COLOURS = 7
SHAPES = 8
RADIUS = 6.5


@dataclass(frozen=True, slots=True)
class Marker:
    """One point."""

    x: float
    y: float
    colour: int
    shape: int
    """One of `SHAPES`; the page has each outline once."""
    whiskers: tuple[str, ...]
    """Lines of the intervals, as SVG path data."""
    tip: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A panel at one size, in pixels."""

    width: float
    height: float
    area: Box
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    front: str
    """SVG path data; empty if there is no line."""
    links: tuple[str, ...]
    """Lines between points, as SVG path data."""
    reference: tuple[float, str] | None
    """Height and name of the line for the method without parameters."""
    markers: tuple[Marker, ...]
    labels: tuple[Label, ...]
    unnamed: int
    """Number of points for whose name there is no room."""


@dataclass(frozen=True, slots=True)
class Strip:
    """The samples of one row as dots along a line."""

    width: float
    height: float
    dots: str
    """From top to bottom in the order in which they were taken, as SVG path data."""
    interval: tuple[float, float]
    """Left and right end of the 95 % interval of the median."""
    median: float


def draw_panel(panel: Panel, width: float, height: float) -> Drawing:
    """Coordinates of a panel with at least one point, for a picture of the given size in pixels."""
    area = Box(52, 34, width - 14, height - 44)
    widths = [v for p in panel.points for v in (p.x, *(p.x_interval or ()))]
    across = (log_axis if panel.x_log else linear_axis)(widths, area.left, area.right)
    heights = [v for p in panel.points for v in (p.y, *(p.y_interval or ()))]
    if panel.reference:
        heights.append(panel.reference[1])
    up = (log_axis if panel.y_log else linear_axis)(heights, area.bottom, area.top)
    places = [(across.pixel(point.x), up.pixel(point.y)) for point in panel.points]
    corners = _front(panel, across, up, area) if panel.front else []
    lines = [
        *_as_boxes(corners),
        *(box for a, b in panel.links for box in _as_boxes(_along(places[a], places[b]))),
    ]
    labels = place_labels(places, [point.label for point in panel.points], area, lines)
    return Drawing(
        width=width,
        height=height,
        area=area,
        x_ticks=tuple((across.pixel(v), text) for v, text in ticks(across, 6 if width > 500 else 4)),
        y_ticks=tuple((up.pixel(v), text) for v, text in ticks(up, 5)),
        front=_polyline(corners),
        links=tuple(_polyline([places[a], places[b]]) for a, b in panel.links),
        reference=(up.pixel(panel.reference[1]), panel.reference[0]) if panel.reference else None,
        markers=tuple(_marker(p, *place, across, up) for p, place in zip(panel.points, places, strict=True)),
        labels=tuple(label for label in labels if label is not None and label.text),
        unnamed=labels.count(None),
    )


def _marker(point: Point, x: float, y: float, across: Axis, up: Axis) -> Marker:
    whiskers = []
    if point.x_interval:
        left, right = (across.pixel(value) for value in point.x_interval)
        whiskers.append(_polyline([(left, y), (right, y)]))
    if point.y_interval:
        bottom, top = (up.pixel(value) for value in point.y_interval)
        whiskers.append(_polyline([(x, bottom), (x, top)]))
    return Marker(x, y, point.style % COLOURS, point.style % SHAPES, tuple(whiskers), point.tip)


def shape(number: int, radius: float) -> str:
    """Outline of one of `SHAPES` markers around the origin, as SVG path data."""
    r = radius
    if number == 0:
        return f"M{-r:g},0a{r:g},{r:g} 0 1,0 {2 * r:g},0a{r:g},{r:g} 0 1,0 {-2 * r:g},0z"
    third = r / 3
    corners: dict[int, list[tuple[float, float]]] = {
        1: [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
        2: [(0, -1.1), (1.05, 0.8), (-1.05, 0.8)],
        3: [(0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)],
        4: [(0, 1.1), (1.05, -0.8), (-1.05, -0.8)],
        5: [(0.95, -0.55), (0.95, 0.55), (0, 1.1), (-0.95, 0.55), (-0.95, -0.55), (0, -1.1)],
        6: [(-1.05, 0), (0.8, -1.05), (0.8, 1.05)],
    }
    if number in corners:
        return _polyline([(x * r, y * r) for x, y in corners[number]]) + "z"
    plus = [(-1, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1), (1, 3), (-1, 3), (-1, 1), (-3, 1), (-3, -1)]
    return _polyline([(x * third, y * third) for x, y in [*plus, (-1, -1)]]) + "z"


def _front(panel: Panel, across: Axis, up: Axis, area: Box) -> list[tuple[float, float]]:
    """Corners of the stairs along the points that no other beats; empty for fewer than two points."""
    points = pareto_front([(point.x, point.y) for point in panel.points])
    if len(panel.points) < 2:
        return []
    corners: list[tuple[float, float]] = []
    for x, y in ((across.pixel(x), up.pixel(y)) for x, y in points):
        corners += [(x, corners[-1][1])] if corners else [(x, area.bottom)]
        corners.append((x, y))
    return [*corners, (area.right, corners[-1][1])]


def _as_boxes(corners: Sequence[tuple[float, float]]) -> list[Box]:
    """The lines between corners as boxes one pixel to each side."""
    pairs = pairwise(corners)
    return [Box(min(a, c) - 1, min(b, d) - 1, max(a, c) + 1, max(b, d) + 1) for (a, b), (c, d) in pairs]


def _along(start: tuple[float, float], end: tuple[float, float], steps: int = 8) -> list[tuple[float, float]]:
    """Points along a line, so that the boxes between them are small though it is slanted."""
    (a, b), (c, d) = start, end
    return [(a + (c - a) * n / steps, b + (d - b) * n / steps) for n in range(steps + 1)]


def px(value: float) -> str:
    """A coordinate to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")


def _polyline(corners: Sequence[tuple[float, float]]) -> str:
    """SVG path data for straight lines through corners, to a tenth of a pixel; empty without corners."""
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in corners) if corners else ""


def draw_strip(samples: Samples, width: float = 420, height: float = 40) -> Strip:
    """Coordinates of the timings of one row, from their smallest to their largest."""
    inner = 6.0
    axis = linear_axis([*samples.samples_ms, samples.median_ms], inner, width - inner, margin=0.04)
    step = (height - 2 * inner) / max(len(samples.samples_ms) - 1, 1)
    return Strip(
        width=width,
        height=height,
        dots="".join(
            f"M{px(axis.pixel(v))},{px(inner + n * step)}h0" for n, v in enumerate(samples.samples_ms)
        ),
        interval=(axis.pixel(samples.lower_ms), axis.pixel(samples.upper_ms)),
        median=axis.pixel(samples.median_ms),
    )
