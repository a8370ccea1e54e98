"""The roofline of a machine with the networks below it: how much arithmetic a byte, at which rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reports.axes import Axis, log_axis, ticks
from reports.drawing import COLOURS, SHAPES, shape
from reports.labels import Box, place_labels, text_width
from reports.picture import Canvas, Picture, Shape, Words, moved
from reports.profiles import ProfileGroup, ceilings_text, names_of
from suite.kinds import ORDER
from suite.profiles import Ceilings, Work

MOST_WITH_KINDS = 3
"""Networks up to which the kinds of operators have points of their own."""

_KINDS = tuple(kind for kind in ORDER if kind.endswith("convolutions") or kind.startswith("linear"))


@dataclass(frozen=True, slots=True)
class Dot:
    """One network, or one kind of operator of a network, below the roof."""

    label: str
    """Empty for a kind, which the legend tells apart."""
    colour: int
    shape: int
    radius: float
    work: Work
    tip: str


def roofline(group: ProfileGroup, id: str) -> Picture | None:
    """The picture of a group; None where the ceilings were not measured or nothing multiplies."""
    ceilings = next((p.ceilings for p in group.profiles if p.ceilings), None)
    dots = list(find_dots(group))
    if ceilings is None or not dots:
        return None
    kinds = kinds_of(dots)
    caption = (
        ceilings_text(ceilings, group.profiles[0].record.precision),
        "Large: whole networks. Small: the kinds of operators that multiply. What does not multiply "
        "(activation functions, additions, copies) has no intensity of its own; it draws a network to the "
        "left and down.",
    )
    return Picture(
        id=id,
        title=f"Roofline: {group.where}",
        description=" ".join([*(f"{dot.tip}." for dot in dots), *caption]),
        canvases={
            "wide": _draw(dots, kinds, ceilings, 880, 430),
            "narrow": _draw(dots, kinds, ceilings, 356, 400),
        },
        caption=caption,
    )


def kinds_of(dots: Sequence[Dot]) -> list[str]:
    """The kinds of operators that have points."""
    return [kind for kind in _KINDS if any(dot.shape == shape_of(kind) and not dot.label for dot in dots)]


def shape_of(kind: str) -> int:
    """Number of the marker of a kind of operator; 0 is that of whole networks."""
    return 1 + _KINDS.index(kind) % (SHAPES - 1)


def find_dots(group: ProfileGroup) -> Iterator[Dot]:
    """The points of a group, networks last so that they lie on top."""
    names = names_of(group.profiles)
    networks = []
    for number, (profile, name) in enumerate(zip(group.profiles, names, strict=True)):
        colour = number % COLOURS
        for kind in profile.kinds if len(names) <= MOST_WITH_KINDS else ():
            if kind.name in _KINDS and kind.work.macs and kind.work.time_ms:
                yield Dot(
                    "", colour, shape_of(kind.name), 4.5, kind.work, _tip(f"{name}, {kind.name}", kind.work)
                )
        if profile.all.macs and profile.all.time_ms:
            networks.append(Dot(name, colour, 0, 7.0, profile.all, _tip(name, profile.all)))
    yield from networks


def _tip(name: str, work: Work) -> str:
    return f"{name}: {work.intensity:,.1f} operations a byte, {work.rate / 1e9:,.1f} Gop/s"


def _draw(
    dots: Sequence[Dot], kinds: Sequence[str], ceilings: Ceilings, width: float, height: float
) -> Canvas:
    legend = list(_legend(kinds, width, 14))
    top = max((words.y for _, words in legend), default=0.0) + 36
    area = Box(58, top, width - 14, height + top - 44)
    intensities = [dot.work.intensity for dot in dots]
    across = log_axis([*intensities, ceilings.ridge], area.left, area.right)
    rates = [dot.work.rate for dot in dots]
    up = log_axis([*(rate / 1e9 for rate in rates), ceilings.operations / 1e9], area.bottom, area.top)
    shapes = list(_grid(across, up, area))
    shapes += _roof(across, up, ceilings)
    words = list(_axis_words(across, up, area, width))
    places = [(across.pixel(dot.work.intensity), up.pixel(dot.work.rate / 1e9)) for dot in dots]
    for dot, (x, y) in zip(dots, places, strict=True):
        shapes.append(Shape(moved(shape(dot.shape, dot.radius), x, y), f"dot d{dot.colour}", dot.tip))
    named = [number for number, dot in enumerate(dots) if dot.label]
    small = [
        Box(x - 5, y - 5, x + 5, y + 5) for dot, (x, y) in zip(dots, places, strict=True) if not dot.label
    ]
    obstacles = [*_roof_boxes(across, up, ceilings), *small]
    own = [places[number] for number in named]
    for label in place_labels(own, [dots[number].label for number in named], area, obstacles):
        if label is not None:
            middle = (label.box.left + label.box.right) / 2
            words.append(Words(middle, label.box.bottom - 3.5, label.text, "words", "middle"))
            if label.leader:
                x1, y1, x2, y2 = label.leader
                shapes.append(Shape(f"M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}", "leader"))
    shapes += [shape for shape, _ in legend]
    words += [words for _, words in legend]
    return Canvas(width, height + top, tuple(shapes), tuple(words))


def _grid(across: Axis, up: Axis, area: Box) -> Iterator[Shape]:
    for value, _ in ticks(across, 5):
        yield Shape(f"M{across.pixel(value):.1f},{area.top:.1f}V{area.bottom:.1f}", "gridline")
    for value, _ in ticks(up, 5):
        yield Shape(f"M{area.left:.1f},{up.pixel(value):.1f}H{area.right:.1f}", "gridline")


def roof_corners(low: float, high: float, ceilings: Ceilings, bottom: float) -> list[tuple[float, float]]:
    """Corners of the roof from operations a byte to Gop/s, between two intensities, not below ``bottom``."""
    peak, slope = ceilings.operations / 1e9, ceilings.bandwidth / 1e9
    start = max(low, bottom / slope)
    corners = [(start, min(peak, start * slope))]
    if start < ceilings.ridge < high:
        corners.append((ceilings.ridge, peak))
    return [*corners, (high, min(peak, high * slope))]


def _roof(across: Axis, up: Axis, ceilings: Ceilings) -> Iterator[Shape]:
    corners = roof_corners(across.low, across.high, ceilings, up.low)
    path = "L".join(f"{across.pixel(x):.1f},{up.pixel(y):.1f}" for x, y in corners)
    yield Shape(f"M{path}", "roof", "The best that the machine can do")


def _roof_boxes(across: Axis, up: Axis, ceilings: Ceilings) -> list[Box]:
    """The roof as thin boxes, which names had better not cross."""
    corners = roof_corners(across.low, across.high, ceilings, up.low)
    boxes = []
    for (x1, y1), (x2, y2) in pairwise(corners):
        for step in range(16):
            share = step / 15
            x = across.pixel(x1) + share * (across.pixel(x2) - across.pixel(x1))
            y = up.pixel(y1) + share * (up.pixel(y2) - up.pixel(y1))
            boxes.append(Box(x - 2, y - 2, x + 2, y + 2))
    return boxes


def _axis_words(across: Axis, up: Axis, area: Box, width: float) -> Iterator[Words]:
    for value, text in ticks(across, 5):
        yield Words(across.pixel(value), area.bottom + 18, text, "words muted", "middle")
    for value, text in ticks(up, 5):
        yield Words(area.left - 8, up.pixel(value) + 4, text, "words muted", "end")
    yield Words(2, area.top - 10, "Gop/s, log scale", "words muted")
    yield Words(area.right, area.bottom + 38, "Operations a byte moved, log scale", "words muted", "end")


def _legend(kinds: Sequence[str], width: float, top: float) -> Iterator[tuple[Shape, Words]]:
    x, y = 8.0, top
    for kind in kinds:
        needed = 14 + text_width(kind, 13) + 16
        if x > 8 and x + needed > width:
            x, y = 8.0, y + 20
        yield Shape(moved(shape(shape_of(kind), 4.5), x, y - 4), "dot dn"), Words(x + 12, y, kind)
        x += needed
