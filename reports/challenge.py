"""The challenge table: the networks of one run ranked by the rules of the NTIRE challenges.

Ranks are among the networks of a table, which were measured on one machine in one configuration and, for
runtime, in one session. The rules are those of `suite.ranking`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from reports.challenge_notes import challenge_notes, formula
from reports.columns import dataset_digest
from reports.competitors import COUNTS, FLOOR_SETS, PROTOCOL, Competitor, find_baseline, letters
from reports.definitions import dataset_order
from reports.identity import group_key, kept, row_id, sort_records, weights_digest, weights_label
from reports.machines import configuration, environments, machine_names
from reports.notes import join, unique
from reports.ranks import time_ranks
from reports.weighting import weighting
from suite.ranking import (
    ACTIVATIONS,
    CHALLENGES,
    FLOPS,
    MEMORY,
    PARAMS,
    RUNTIME,
    Challenge,
    Entry,
    Standing,
    standings,
)
from suite.records import Record

SCALE = 4
"""The challenges are about this scale."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a challenge table."""

    group: str
    """Heading over neighbouring columns."""
    label: str
    unit: str
    sub: str
    """What the figure is in a few words."""
    definition: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure with its rank."""

    text: str
    rank: int | None = None
    tip: str = ""
    """More on the figure, or why there is none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One network with its weights."""

    id: str
    """That of the network's row in the leaderboard."""
    title: str
    origin: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class ChallengeTable:
    """The networks that compete with one another."""

    machine: str
    configuration: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    weightings: tuple[Mapping[str, Any], ...]
    """For each year that has a rule here, what other weights are applied to: see `reports.weighting`."""
    names: tuple[tuple[str, str, str], ...]
    """Id, title and origin of the rows, in the order of the entries of the weightings."""


@kept
def build_challenge(records: Sequence[Record]) -> tuple[ChallengeTable, ...]:
    """The challenge tables of records, one for each machine, configuration and session.

    None for less than two networks with counted parameters. The order of the records does not matter.
    """
    ordered = sort_records(records)
    machines = machine_names(environments(ordered))
    mine = [r for r in ordered if r.scale == SCALE and r.weights != "no parameters"]
    tables = []
    for key, members in groupby(mine, key=group_key):
        rows = groupby(members, key=lambda r: (r.model, r.weights, weights_digest(r)))
        competitors = [Competitor(tuple(own)) for _, own in rows]
        competitors = [c for c in competitors if c.number("cost", "params") is not None]
        for session in sorted({c.session for c in competitors if c.session}) or [""]:
            own = [c for c in competitors if c.session == session]
            if len(own) > 1:
                tables.append(_table(own, machines[key[0]]))
    return tuple(tables)


def _table(competitors: Sequence[Competitor], machine: str) -> ChallengeTable:
    ranks = time_ranks([c.record("runtime") for c in competitors])
    orders = [{} if rank is None else {RUNTIME: float(rank)} for rank in ranks]
    results: list[tuple[Challenge, list[Standing]]] = []
    weightings = []
    unscored: list[Challenge] = []
    for challenge in CHALLENGES.values():
        baseline = find_baseline(challenge, competitors)
        if challenge.rule == "exponential" and baseline is None:
            unscored.append(challenge)
            continue
        entries = [
            Entry(c.title, c.figures(challenge), c.psnr(), order)
            for c, order in zip(competitors, orders, strict=True)
        ]
        results.append((challenge, found := standings(challenge, entries, baseline)))
        weightings.append(weighting(challenge, entries, found, baseline))
    columns: list[Column] = []
    cells: list[list[Cell]] = [[] for _ in competitors]
    for column, own in (*_figure_columns(competitors, results), *_track_columns(results)):
        columns.append(column)
        for row, cell in zip(cells, own, strict=True):
            row.append(cell)
    rows = [
        Row(row_id(c.records[0]), c.title, weights_label(c.records[0]), tuple(own))
        for c, own in zip(competitors, cells, strict=True)
    ]
    first = results[0][1]
    order = sorted(range(len(rows)), key=lambda i: _row_order(first[i], rows[i]))
    return ChallengeTable(
        machine=machine,
        configuration=configuration(competitors[0].records[0]),
        columns=tuple(columns),
        rows=tuple(rows[i] for i in order),
        notes=tuple(challenge_notes(competitors, results, unscored)),
        weightings=tuple(weightings),
        names=tuple((row.id, row.title, row.origin) for row in rows),
    )


def _row_order(standing: Standing, row: Row) -> tuple[float, float, str, str]:
    """Best in the overall sub-track first, then by runtime, then those that are not ranked."""
    place, last = standing.places["overall"], math.inf
    return (place.rank or last, standing.ranks.get(RUNTIME, last), row.title.lower(), row.origin)


def _figure_columns(
    competitors: Sequence[Competitor], results: Sequence[tuple[Challenge, list[Standing]]]
) -> Iterator[tuple[Column, list[Cell]]]:
    """The columns of the challenges' tables: PSNR, then the figures that are ranked."""
    if (psnr := _psnr_column(competitors)) is not None:
        yield psnr
    tools = unique(challenge.counts for challenge, _ in results)
    for term, measure, metric, label, unit, divisor, places, sub, definition in _COLUMNS:
        if metric in COUNTS.values() and metric not in {COUNTS[tool] for tool in tools}:
            continue
        ranked = next(s for c, s in results if term != FLOPS or COUNTS[c.counts] == metric)
        cells = []
        for competitor, standing in zip(competitors, ranked, strict=True):
            value = competitor.number(measure, metric)
            text = "" if value is None else f"{value / divisor:,.{places}f}"
            tip = "not measured" if value is None else f"{value:,.10g}"
            cells.append(Cell(text, standing.ranks.get(term), tip))
        yield Column("Figures", label, unit, sub, definition), cells


_COLUMNS = (
    (RUNTIME, "runtime", "latency_ms", "Runtime", "ms", 1, 2, "median", "Time of one forward pass, median"),
    (PARAMS, "cost", "params", "Params", "M", 1e6, 3, "", "Number of learned values in the network"),
    (
        *(FLOPS, "cost", "macs_ntire", "FLOPs", "G", 1e9, 2, "until 2023"),
        "Multiply-accumulates as the challenge's own script counts them, which it used until 2023",
    ),
    (
        *(FLOPS, "cost", "macs_fvcore", "FLOPs", "G", 1e9, 2, "since 2024"),
        "Multiply-accumulates as fvcore counts them, which the challenge has used since 2024",
    ),
    (
        *(ACTIVATIONS, "cost", "activations_ntire", "Acts", "M", 1e6, 2, ""),
        "Elements of the outputs of all convolution modules, as the challenge's own script counts them",
    ),
    (
        *(MEMORY, "memory", "peak_bytes", "Memory", "MiB", 2**20, 2, "peak"),
        "Peak of the memory that one forward pass allocates, beyond weights and input",
    ),
)
"""Term, measure, metric, label, unit, divisor, decimal places, words below the label, definition."""


def _psnr_column(competitors: Sequence[Competitor]) -> tuple[Column, list[Cell]] | None:
    """PSNR on one dataset: by the challenge's protocol and on a floor's dataset if there is such."""
    quality = [r for c in competitors for r in c.records if r.measure == "quality" and r.value("psnr")]
    if not quality:
        return None

    def preference(record: Record) -> tuple[bool, bool, tuple[int, str], str]:
        return (
            record.protocol != PROTOCOL,
            letters(record.dataset) not in FLOOR_SETS,
            dataset_order(record.dataset),
            record.protocol,
        )

    best = min(quality, key=preference)
    same = (best.dataset, best.protocol, dataset_digest(best))
    cells = []
    for competitor in competitors:
        values = [
            r.value("psnr") for r in competitor.records if (r.dataset, r.protocol, dataset_digest(r)) == same
        ]
        value = next((v for v in values if v is not None), None)
        cells.append(
            Cell("" if value is None else f"{value:.2f}", tip="not measured" if value is None else "")
        )
    other = "" if best.protocol == PROTOCOL else f"; the challenge's is {PROTOCOL}"
    definition = f"Mean PSNR on {best.dataset}, protocol {best.protocol}{other}; not ranked"
    column = Column("Figures", "PSNR", "dB", f"{best.dataset}, {best.protocol}", definition)
    return column, cells


def _track_columns(
    results: Sequence[tuple[Challenge, list[Standing]]],
) -> Iterator[tuple[Column, list[Cell]]]:
    """The sums of ranks and the scores. Years whose rules and results are the same share their columns."""
    for _, alike in groupby(results, key=lambda result: (result[0].tracks, result[1])):
        years = list(alike)
        challenge, found = years[0]
        group = f"NTIRE {join(str(other.year) for other, _ in years)}"
        # The main track of the sums is the rank of the runtime, which stands in that column.
        shown = challenge.tracks[:1] if challenge.rule == "exponential" else challenge.tracks[1:]
        for track in shown:
            label, _, sub = track.title.partition(": ")
            column = Column(group, label, "", sub, f"{group}, {track.title}: {formula(challenge, track.id)}")
            cells = []
            for standing in found:
                place = standing.places[track.id]
                if place.points is None:
                    below = "dB" in place.reason
                    cells.append(Cell("not ranked" if below else "", tip=place.reason))
                    continue
                places = 2 if challenge.rule == "exponential" else 0
                parts = [
                    f"{other.title.partition(': ')[2]} {standing.places[other.id].points:,.4g}"
                    for other in challenge.tracks[1:]
                    if challenge.rule == "exponential"
                ]
                cells.append(Cell(f"{place.points:,.{places}f}", place.rank, "; ".join(parts)))
            yield column, cells
