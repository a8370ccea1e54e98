"""Runtime in comparison: networks that were timed in turn, as ratios, with the noise floor of the session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from reports.columns import BUSY
from reports.definitions import size_label
from reports.grid import Grid, GridCell, GridRow, Section
from reports.identity import group_key, model_title, sort_records, weights_digest, weights_label
from reports.machines import configuration, environments, machine_names
from suite.records import Record, subject_title
from suite.timing import Ratio, floor_of, samples_of, time_ratio


@dataclass(frozen=True, slots=True)
class Timed:
    """One network of a session."""

    record: Record
    ratio: Ratio | None
    """Its time divided by that of the session's first network; None for that network itself."""
    over_images: Record | None
    """The challenges' mean over a set's images of the same network in the same configuration."""


@dataclass(frozen=True, slots=True)
class SpeedSession:
    """Networks that were timed in turn, in the order in which they were asked for."""

    where: str
    """Machine, configuration, scale and input."""
    floor: float | None
    """Noise floor as a share; None where it is not known."""
    busy: float
    """Share of the processors that others used when the timing began."""
    timed: tuple[Timed, ...]


def find_sessions(records: Sequence[Record]) -> list[SpeedSession]:
    """The timing sessions of records in which more than one network took part."""
    ordered = sort_records(records)
    machines = machine_names(environments(ordered))
    timed = [r for r in ordered if r.measure == "runtime" and r.input and r.values and samples_of(r)]
    over_images = {_who(r): r for r in ordered if r.measure == "runtime" and r.dataset}

    def place(record: Record) -> tuple[str, str, str, int]:
        machine = f"{machines[group_key(record)[0]]}; {configuration(record)}"
        return (machine, record.input, str(record.details.get("session", "")), record.scale)

    sessions = []
    for (machine, size, _, scale), members in groupby(sorted(timed, key=place), key=place):
        group = sorted(members, key=_asked)
        if len(group) < 2:
            continue
        base, floor = group[0], floor_of(group[0])
        sessions.append(
            SpeedSession(
                where=f"{machine}; \u00d7{scale}, input {size_label(size)}",
                floor=floor,
                busy=max(float(r.details.get("busy_before") or 0.0) for r in group),
                timed=tuple(
                    Timed(
                        record,
                        None
                        if record is base
                        else time_ratio(samples_of(record), samples_of(base), floor or 0.0),
                        over_images.get(_who(record)),
                    )
                    for record in group
                ),
            )
        )
    return sessions


def _who(record: Record) -> tuple[object, ...]:
    return (group_key(record), record.model, record.scale, record.weights, weights_digest(record))


def _asked(record: Record) -> tuple[int, str]:
    """Place of a network in its session."""
    order = list(record.details.get("timed_with", ()))
    title = subject_title(record.model, record.scale, record.backend)
    return (order.index(title) if title in order else len(order), record.key)


def build_speed(records: Sequence[Record]) -> list[Section]:
    """A section for the timing sessions of records; none if no two networks were timed in turn."""
    sessions = find_sessions(records)
    if not sessions:
        return []
    lead = (
        "Networks of one table were timed in turn, round by round. The ratio is the median over the rounds "
        "of a network's time divided by that of the first row in the same round, with its 95 % interval. The "
        "first network ran in two processes; their ratio is the noise floor, and a network counts as faster "
        "or slower only where its whole interval lies beyond it.",
    )
    return [Section("speed", "Runtime in comparison", lead, tuple(map(_grid, sessions)))]


def _grid(session: SpeedSession) -> Grid:
    sets = {t.over_images.dataset for t in session.timed if t.over_images}
    columns = (
        ("Median (ms)", "95 % interval"),
        ("Ratio", "to the first row"),
        ("Verdict", "beyond the noise"),
        ("95th percentile (ms)", ""),
        ("Cold start (ms)", "very first pass"),
        ("Mean over images (ms)", f"{' '.join(sorted(sets)) or 'a set'}, cold start in it"),
    )
    notes = [
        "Mean over images: the convention of the NTIRE challenges, whose scripts time every image of a set "
        "once, the cold first one included. Images differ in size from the input of the other columns."
    ]
    if session.floor is None:
        notes.insert(
            0, "The noise floor of this session is not known; ratios are judged by their interval alone."
        )
    else:
        notes.insert(0, f"Noise floor of this session: {session.floor:.1%}.")
    if session.busy > BUSY:
        notes.append(
            f"Other programs used {session.busy:.0%} of the processors when the timing began: "
            "repeat the run on an idle machine."
        )
    return Grid(session.where, "Network", columns, tuple(map(_row, session.timed)), tuple(notes), first=3)


def _row(timed: Timed) -> GridRow:
    record = timed.record
    latency = next(v for v in record.values if v.metric == "latency_ms")
    interval = "" if latency.lower is None else f"{latency.lower:,.1f}\u2013{latency.upper:,.1f}"
    ratio, verdict, tone = GridCell("1"), "", _TONES["not told apart"]
    if timed.ratio is not None:
        r = timed.ratio
        ratio = GridCell(f"{r.ratio:.3f}", f"{r.lower:.3f}\u2013{r.upper:.3f}, {r.rounds} rounds")
        verdict, tone = r.verdict, _TONES[r.verdict]
    over = timed.over_images.value("ntire_mean_ms") if timed.over_images else None
    return GridRow(
        model_title(record),
        (
            GridCell(f"{latency.value:,.1f}", interval),
            ratio,
            GridCell(verdict, tone=tone),
            _milliseconds(record.value("latency_p95_ms")),
            _milliseconds(record.value("cold_start_ms")),
            _milliseconds(over),
        ),
        sub=weights_label(record),
    )


_TONES: dict[str, Literal["", "good", "bad", "muted"]] = {
    "faster": "good",
    "slower": "bad",
    "not told apart": "muted",
}


def _milliseconds(value: float | None) -> GridCell:
    return GridCell("" if value is None else f"{value:,.1f}")
