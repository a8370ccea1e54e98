"""The ranking of the NTIRE efficient super-resolution challenges, year by year.

Until 2023 the challenge added ranks, since 2024 it adds exponentials of figures over those of a baseline.
Each year is a value in `CHALLENGES`; `standings` applies one to entries. Pure arithmetic: what a figure must
be measured by is said in each year's ``counts``, not checked here.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

RUNTIME, PARAMS, FLOPS = "runtime", "params", "flops"
ACTIVATIONS, MEMORY = "activations", "memory"
TERMS = (RUNTIME, PARAMS, FLOPS, ACTIVATIONS, MEMORY)
"""Figures that a challenge may rank by; the lower the better. Any unit will do, but one for all entries."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one competitor."""

    name: str
    figures: Mapping[str, float]
    """Figure by term of `TERMS`."""
    psnr: Mapping[str, float] = field(default_factory=dict)
    """PSNR in dB by the name of a floor's dataset. A floor on a dataset that is not there is not applied."""
    order: Mapping[str, float] = field(default_factory=dict)
    """What is ranked in place of a figure: the figure before rounding, where a table prints it rounded, or a
    number shared by entries that cannot be told apart."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The PSNR in dB that an entry must reach on a dataset; compared to two decimals, as published."""

    dataset: str
    stated: float
    applied: float
    """The lowest that was ranked in fact."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The network that a challenge measures others by, with its published figures."""

    title: str
    model: str
    """Name of that network in the catalog."""
    figures: Mapping[str, float] = field(hash=False)
    """Runtime in ms, parameters in millions, FLOPs in G."""


@dataclass(frozen=True, slots=True)
class Track:
    """One ranking: the lowest sum of weighted terms comes first."""

    id: str
    title: str
    weights: Mapping[str, float] = field(hash=False)
    """Weight by term."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """How one year's challenge ranks."""

    id: str
    year: int
    source: str
    """Where the rule and the figures of the baseline are published."""
    rule: Literal["rank sum", "exponential"]
    """``rank sum``: the terms are ranks. ``exponential``: ``exp(2 * figure / figure of the baseline)``."""
    tracks: tuple[Track, ...]
    baseline: Baseline
    counts: str
    """The tool that gives FLOPs: ``model_summary``, the challenge's own script, or ``fvcore``."""
    floors: tuple[Floor, ...] = ()

    @property
    def title(self) -> str:
        """Name in tables."""
        return f"NTIRE {self.year}"


@dataclass(frozen=True, slots=True)
class Place:
    """An entry's result in one track, or the reason why it has none."""

    points: float | None = None
    """Sum of ranks, or score. The lower the better."""
    rank: int | None = None
    """1 is best; equal points share a rank, and the next counts all before it."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry's result in a challenge."""

    name: str
    ranks: Mapping[str, int]
    """Rank by term, among the entries that are ranked and have the figure."""
    places: Mapping[str, Place]
    """By the id of the track."""


_SUMS = (
    Track("main", "Main track: runtime", {RUNTIME: 1}),
    Track("complexity", "Sub-track 1: complexity", {PARAMS: 1, FLOPS: 1}),
    Track("overall", "Sub-track 2: overall", dict.fromkeys(TERMS, 1)),
)


def _scores(runtime: float, flops: float, params: float) -> tuple[Track, ...]:
    return (
        Track("main", "Score", {RUNTIME: runtime, FLOPS: flops, PARAMS: params}),
        Track("runtime", "Sub-track 1: runtime", {RUNTIME: 1}),
        Track("flops", "Sub-track 2: FLOPs", {FLOPS: 1}),
        Track("params", "Sub-track 3: parameters", {PARAMS: 1}),
    )


_LSDIR = (Floor("DIV2K_LSDIR_valid", 26.90, 26.90), Floor("DIV2K_LSDIR_test", 26.99, 26.99))

_CHALLENGES = (
    Challenge(
        id="ntire2022",
        year=2022,
        source="arXiv 2205.05675; github ofsoundof/NTIRE2022_ESR",
        rule="rank sum",
        tracks=_SUMS,
        baseline=Baseline(
            "IMDN",
            "imdn-ntire",
            {RUNTIME: 50.86, PARAMS: 0.894, FLOPS: 58.53, ACTIVATIONS: 154.14, MEMORY: 471.76},
        ),
        counts="model_summary",
        # The rules say 29.00; the table ranks rows from 28.95 up and leaves out those from 28.92 down.
        floors=(Floor("DIV2K_valid", 29.00, 28.95),),
    ),
    Challenge(
        id="ntire2023",
        year=2023,
        source="NTIRE 2023 ESR report, table 1; github icandle/PlainUSR (runtime of the baseline)",
        rule="rank sum",
        tracks=_SUMS,
        baseline=Baseline(
            "RFDN (AIM 2020)",
            "rfdn",
            {RUNTIME: 35.54, PARAMS: 0.433, FLOPS: 27.10, ACTIVATIONS: 112.03, MEMORY: 788.13},
        ),
        counts="model_summary",
        floors=(),  # none is given beside the table
    ),
    Challenge(
        id="ntire2024",
        year=2024,
        source="arXiv 2404.10343; github Amazingren/NTIRE2024_ESR",
        rule="exponential",
        tracks=_scores(0.7, 0.15, 0.15),
        # The rules' README has 13.54 ms, but the scores of the report's table come from 11.77 ms.
        baseline=Baseline("RLFN", "rlfn-ntire", {RUNTIME: 11.77, PARAMS: 0.317, FLOPS: 19.67}),
        counts="fvcore",
        floors=_LSDIR,
    ),
    Challenge(
        id="ntire2025",
        year=2025,
        source="arXiv 2504.10686; github Amazingren/NTIRE2025_ESR",
        rule="exponential",
        tracks=_scores(0.7, 0.15, 0.15),
        baseline=Baseline("EFDN", "efdn", {RUNTIME: 16.69, PARAMS: 0.276, FLOPS: 16.70}),
        counts="fvcore",
        floors=_LSDIR,
    ),
    Challenge(
        id="ntire2026",
        year=2026,
        source="arXiv 2604.03198; github Amazingren/NTIRE2026_ESR",
        rule="exponential",
        tracks=_scores(0.8, 0.1, 0.1),
        # As in its results.txt; an earlier state of its README has 5.59 ms.
        baseline=Baseline("SPAN", "span", {RUNTIME: 7.74, PARAMS: 0.151, FLOPS: 9.83}),
        counts="fvcore",
        floors=_LSDIR,
    ),
)

CHALLENGES: dict[str, Challenge] = {challenge.id: challenge for challenge in _CHALLENGES}


def below_floor(challenge: Challenge, entry: Entry) -> str:
    """Why an entry is not ranked: the first PSNR below its floor. Empty if there is none."""
    for floor in challenge.floors:
        found = entry.psnr.get(floor.dataset)
        if found is not None and not round(found, 2) >= floor.applied:
            return f"{found:.2f} dB on {floor.dataset}, below {floor.applied:.2f} dB"
    return ""


def competition_ranks(values: Sequence[float]) -> list[int]:
    """Ranks of values, the lowest first: equal ones share a rank, and the next counts all before it.

    >>> competition_ranks([18, 22, 18, 7])
    [2, 4, 2, 1]
    """
    ordered = sorted(values)
    return [1 + bisect_left(ordered, value) for value in values]


def score(ratio: float) -> float:
    """Score of a figure that is ``ratio`` times the baseline's, since 2024; infinite beyond all numbers.

    >>> round(score(1), 4)
    7.3891
    """
    try:
        return math.exp(2 * ratio)
    except OverflowError:
        return math.inf


def standings(
    challenge: Challenge, entries: Sequence[Entry], baseline: Mapping[str, float] | None = None
) -> list[Standing]:
    """Apply a challenge's rule to entries; one standing for each, in their order.

    ``baseline`` holds the figures of the baseline in the units of the entries, measured on their machine; the
    published ones by default. An entry below a PSNR floor is in no rank. An entry that lacks a figure has no
    place in the tracks that need it; in the others it has. Raises ``ValueError`` for figures that are not
    finite or negative, and for a baseline's figure that is not positive.
    """
    scale = challenge.baseline.figures if baseline is None else baseline
    if any(not (math.isfinite(f) and f >= 0) for entry in entries for f in entry.figures.values()):
        raise ValueError("figures must be finite and not negative")
    if any(not scale[term] > 0 for track in challenge.tracks for term in track.weights if term in scale):
        raise ValueError("figures of the baseline must be positive")
    reasons = [below_floor(challenge, entry) for entry in entries]
    ranks: list[dict[str, int]] = [{} for _ in entries]
    for term in TERMS:
        ranked = [
            i for i, e in enumerate(entries) if not reasons[i] and (term in e.figures or term in e.order)
        ]
        values = [entries[i].order.get(term, entries[i].figures.get(term, math.inf)) for i in ranked]
        for index, rank in zip(ranked, competition_ranks(values), strict=True):
            ranks[index][term] = rank
    places: list[dict[str, Place]] = [{} for _ in entries]
    for track in challenge.tracks:
        for own, place in zip(places, _places(challenge, track, entries, ranks, reasons, scale), strict=True):
            own[track.id] = place
    return [Standing(e.name, r, p) for e, r, p in zip(entries, ranks, places, strict=True)]


def _places(
    challenge: Challenge,
    track: Track,
    entries: Sequence[Entry],
    ranks: Sequence[Mapping[str, int]],
    reasons: Sequence[str],
    baseline: Mapping[str, float],
) -> list[Place]:
    """The place of every entry in one track."""
    found: list[Place] = []
    for entry, own_ranks, reason in zip(entries, ranks, reasons, strict=True):
        known = own_ranks if challenge.rule == "rank sum" else entry.figures
        missing = [term for term in track.weights if term not in known]
        if challenge.rule == "exponential":
            missing += [f"the baseline's {term}" for term in track.weights if term not in baseline]
        if reason or missing:
            found.append(Place(reason=reason or f"not measured: {', '.join(missing)}"))
        elif challenge.rule == "rank sum":
            found.append(Place(sum(weight * own_ranks[term] for term, weight in track.weights.items())))
        else:
            terms = track.weights.items()
            found.append(Place(sum(w * score(entry.figures[term] / baseline[term]) for term, w in terms)))
    order = competition_ranks([place.points for place in found if place.points is not None])
    numbers = iter(order)
    return [place if place.points is None else Place(place.points, next(numbers)) for place in found]
