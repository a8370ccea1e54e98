"""Why one network takes longer than another: the difference of their times by kind of operator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.correlations import build_correlations
from reports.grid import Grid, GridCell, GridRow, Section
from reports.profiles import ProfileGroup, find_groups, kind_grid, names_of, network_grid
from reports.roofline import roofline
from reports.time_bars import time_bars
from suite.profiles import Explanation, Part, Profile, Work, explain
from suite.records import Record

MOST_PAIRS = 6
"""Networks that are set against the first one, and have tables of their own; the command compares any two."""

_MINUS = "\u2212"

_PROFILE_LEAD = (
    "Each operator of a forward pass was timed, in turn with passes as they are. A call's time is its "
    "mean over the middle half of the rounds, everything else a sum of those.",
    "Of the ceiling: the time that the arithmetic would take at the machine's best rate, or the bytes "
    "moved at its best bandwidth, whichever is longer, over the time that it took. More than 100 % means "
    "that a cache kept what memory would have had to carry; a small share, that neither limit explains "
    "the time.",
)
_EXPLANATION_LEAD = "Multiply-accumulates are one cost of many."
_PAIRS_LEAD = (
    "A table takes the difference of two measured forward passes apart by kind of operator; its rows add up "
    "to it."
)
_NO_PAIRS_LEAD = (
    "No two networks of the records were profiled; 'profile MODEL --against MODEL2 --out RUN' takes the "
    "difference of two forward passes apart."
)


def build_explanation(records: Sequence[Record]) -> list[Section]:
    """Profiles, and what makes one network slower than another; nothing where records hold neither."""
    groups = find_groups(records)
    sections = []
    if groups:
        grids = [grid for group in groups for grid in _profile_grids(group, len(groups) > 1)]
        pictures = [
            picture
            for number, group in enumerate(groups)
            for picture in (time_bars(group, f"bars-{number}"), roofline(group, f"roofline-{number}"))
            if picture
        ]
        sections.append(
            Section("profile", "Where the time goes", _PROFILE_LEAD, tuple(grids), pictures=tuple(pictures))
        )
    pairs = [explanation for group in groups for explanation in _pairs(group)]
    correlated = build_correlations(records)
    if pairs or correlated:
        grids = [*map(explanation_grid, pairs), *correlated]
        heading = "Why fewer operations are not faster"
        lead = (_EXPLANATION_LEAD, _PAIRS_LEAD if pairs else _NO_PAIRS_LEAD)
        sections.append(Section("explanation", heading, lead, tuple(grids)))
    return sections


def _profile_grids(group: ProfileGroup, several: bool) -> Iterator[Grid]:
    """All networks of a group beside one another, then the first of them by kind of operator."""
    if len(group.profiles) > 1:
        yield network_grid(group)
    for profile, name in list(zip(group.profiles, names_of(group.profiles), strict=True))[: MOST_PAIRS + 1]:
        yield kind_grid(profile, f"{name} on {group.where}" if several else name)


def _pairs(group: ProfileGroup) -> list[Explanation]:
    """The first network against each of the others, up to `MOST_PAIRS`."""
    first, *others = group.profiles
    return [explain(first, other) for other in others[:MOST_PAIRS]]


def explanation_grid(explanation: Explanation) -> Grid:
    """The difference of two networks by kind of operator, what makes the first slower in front."""
    first, second = names_of([explanation.first, explanation.second])
    columns = (
        ("Difference (ms)", "95 % interval"),
        ("Of the difference", ""),
        (first, "ms, calls"),
        (second, "ms, calls"),
        ("MACs (G)", f"{first} less {second}"),
        ("Bytes moved (MB)", f"{first} less {second}"),
    )
    whole = explanation.difference[0]
    rows = [
        _part_row(part, whole) for part in explanation.parts if part.difference[0] or part.first.bytes_moved
    ]
    sums = _sums(explanation, whole)
    return Grid(
        f"{first} and {second}: {_signed(whole)} ms, from where",
        "Kind",
        columns,
        (*rows, *sums),
        tuple(_explanation_notes(explanation, first, second)),
        first=4,
    )


def _part_row(part: Part, whole: float) -> GridRow:
    figure, lower, upper = part.difference
    return GridRow(
        part.kind,
        (
            GridCell(_signed(figure), f"{_signed(lower)} to {_signed(upper)}"),
            GridCell(f"{figure / whole:.0%}".replace("-", _MINUS) if whole else ""),
            GridCell(f"{part.first.time_ms:,.1f}", _calls(part.first)),
            GridCell(f"{part.second.time_ms:,.1f}", _calls(part.second)),
            GridCell(_signed((part.first.macs - part.second.macs) / 1e9, 3)),
            GridCell(_signed((part.first.bytes_moved - part.second.bytes_moved) / 1e6)),
        ),
    )


def _sums(explanation: Explanation, whole: float) -> list[GridRow]:
    first, second = explanation.first, explanation.second
    share = f"{explanation.rest_ms / whole:.0%}".replace("-", _MINUS) if whole else ""
    _, lower, upper = explanation.difference
    works: tuple[Work, Work] = (first.all, second.all)
    return [
        GridRow(
            "Rest, in no operator",
            (
                GridCell(_signed(explanation.rest_ms)),
                GridCell(share),
                GridCell(f"{first.rest_ms:,.1f}".replace("-", _MINUS)),
                GridCell(f"{second.rest_ms:,.1f}".replace("-", _MINUS)),
                GridCell(""),
                GridCell(""),
            ),
        ),
        GridRow(
            "Forward pass as it is",
            (
                GridCell(_signed(whole), f"{_signed(lower)} to {_signed(upper)}"),
                GridCell("100%"),
                GridCell(f"{first.forward[0]:,.1f}", _calls(works[0])),
                GridCell(f"{second.forward[0]:,.1f}", _calls(works[1])),
                GridCell(_signed((works[0].macs - works[1].macs) / 1e9, 3)),
                GridCell(_signed((works[0].bytes_moved - works[1].bytes_moved) / 1e6)),
            ),
        ),
    ]


def _explanation_notes(explanation: Explanation, first: str, second: str) -> Iterator[str]:
    parts = [part for part in explanation.parts if part.difference[0] > 0]
    if explanation.difference[0] > 0 and parts:
        largest = ", ".join(f"{part.kind} ({_signed(part.difference[0])} ms)" for part in parts[:3])
        yield f"{first} loses most by {largest}."
    if not explanation.paired:
        yield "The two were timed in different sessions: what the machine did meanwhile is in the difference."
    for profile, name in ((explanation.first, first), (explanation.second, second)):
        yield _balance(profile, name)


def _balance(profile: Profile, name: str) -> str:
    work = profile.all
    attained = profile.attained(profile.layers)
    reached = "" if attained is None else f", {attained:.0%} of what the machine could do at best"
    return (
        f"{name}: {work.macs / 1e9:,.2f} G MACs and {work.bytes_moved / 1e6:,.0f} MB moved in "
        f"{work.calls:,} calls, {work.intensity:,.1f} operations a byte, {work.rate / 1e9:,.1f} "
        f"Gop/s{reached}."
    )


def _calls(work: Work) -> str:
    return f"{work.calls:,} call{'' if work.calls == 1 else 's'}"


def _signed(value: float, decimals: int = 1) -> str:
    text = f"{value:+,.{decimals}f}"
    return text.replace("-", _MINUS) if text.strip("+-0.,") else f"{0:.{decimals}f}"
