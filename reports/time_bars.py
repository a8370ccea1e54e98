"""The time of each network as a bar, divided by family of operators."""

from __future__ import annotations

from collections.abc import Iterator

from reports.axes import Axis, linear_axis, ticks
from reports.labels import text_width
from reports.picture import Canvas, Picture, Shape, Words, rectangle
from reports.profiles import ProfileGroup, names_of
from suite.kinds import FAMILIES, family_of
from suite.profiles import Profile

REST = "in no operator"
LEGEND = (*FAMILIES, REST)
"""The parts of a bar in their order; each has the colour of its place in the style sheet."""

_TYPE = 13
_LINE = 20.0


def time_bars(group: ProfileGroup, id: str) -> Picture | None:
    """A bar for each profile of a group."""
    names = names_of(group.profiles)
    said = [_said(profile, name) for profile, name in zip(group.profiles, names, strict=True)]
    return Picture(
        id=id,
        title=f"Time of a forward pass by kind of operator: {group.where}",
        description=" ".join(said),
        canvases={
            "wide": _draw(group, names, 880, beside=True),
            "narrow": _draw(group, names, 356, beside=False),
        },
    )


def shares(profile: Profile) -> list[tuple[str, float]]:
    """Milliseconds of each part of `LEGEND`; the rest is left out where it is negative."""
    found = dict.fromkeys(LEGEND, 0.0)
    for kind in profile.kinds:
        found[family_of(kind.name)] += kind.work.time_ms
    found[REST] = max(0.0, profile.rest_ms)
    return list(found.items())


def _said(profile: Profile, name: str) -> str:
    parts = ", ".join(f"{part} {ms:,.1f} ms" for part, ms in shares(profile) if ms)
    return f"{name}: {profile.forward[0]:,.1f} ms, of which {parts}."


def _draw(group: ProfileGroup, names: list[str], width: float, *, beside: bool) -> Canvas:
    legend = list(_legend(width))
    top = max(words.y for _, words in legend) + 18
    widest = max(text_width(name, _TYPE) for name in names)
    left = min(widest + 12, width / 3) if beside else 2.0
    step, height = (38.0, 22.0) if beside else (50.0, 20.0)
    bottom = top + step * len(names)
    longest = max(sum(ms for _, ms in shares(profile)) for profile in group.profiles)
    axis = linear_axis([0, longest], left, width - 62, margin=0)
    shapes = [shape for shape, _ in legend]
    words = [words for _, words in legend]
    for value, text in ticks(axis, 6 if beside else 3):
        x = axis.pixel(value)
        shapes.append(Shape(f"M{x:.1f},{top - 4:.1f}V{bottom:.1f}", "gridline"))
        words.append(Words(x, bottom + 16, text, "words muted", "middle"))
    words.append(Words(width - 2, bottom + 16, "ms", "words muted", "end"))
    for number, (profile, name) in enumerate(zip(group.profiles, names, strict=True)):
        upper = top + number * step + (0 if beside else 18)
        words.append(
            Words(left - 8, upper + 16, name, "words", "end") if beside else Words(left, upper - 5, name)
        )
        shapes += _bar(profile, name, axis, upper, height)
        end = axis.pixel(sum(ms for _, ms in shares(profile)))
        words.append(Words(end + 6, upper + height / 2 + 5, f"{profile.forward[0]:,.0f} ms"))
    return Canvas(width, bottom + 26, tuple(shapes), tuple(words))


def _bar(profile: Profile, name: str, axis: Axis, upper: float, height: float) -> Iterator[Shape]:
    so_far = 0.0
    for number, (part, milliseconds) in enumerate(shares(profile)):
        if milliseconds <= 0:
            continue
        left, right = axis.pixel(so_far), axis.pixel(so_far + milliseconds)
        so_far += milliseconds
        share = milliseconds / profile.forward[0]
        tip = f"{name}, {part}: {milliseconds:,.1f} ms, {share:.0%}"
        yield Shape(rectangle(left, upper, right, upper + height), f"fill f{number}", tip)


def _legend(width: float) -> Iterator[tuple[Shape, Words]]:
    """Squares with their words, in as many lines as they need."""
    x, y = 2.0, 4.0
    for number, part in enumerate(LEGEND):
        needed = 18 + text_width(part, _TYPE) + 14
        if x > 2 and x + needed > width:
            x, y = 2.0, y + _LINE
        yield Shape(rectangle(x, y, x + 12, y + 12), f"fill f{number}"), Words(x + 18, y + 11, part)
        x += needed
