"""Backends in comparison: every network in every backend, its time beside that of its own eager execution."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from reports.definitions import size_label
from reports.grid import Grid, GridCell, GridRow, Section
from reports.identity import model_title, sort_records, weights_digest, weights_label
from reports.machines import environment_id, environments, machine_names
from reports.quality import signed
from suite.records import Record, subject_title
from suite.timing import Ratio, floor_of, samples_of, time_ratio

EAGER = "eager"

Who = tuple[object, ...]
"""All that two figures of one network in one backend share."""


@dataclass(frozen=True, slots=True)
class Executed:
    """One network in one backend, timed in a session."""

    record: Record
    ratio: Ratio | None
    """Its time divided by that of the same network in eager, round by round; None where that is missing."""
    change: float | None
    """PSNR on a set less that of eager, both measured, in dB: the largest of all sets; None without both."""


@dataclass(frozen=True, slots=True)
class BackendSession:
    """What was timed in turn in more than one backend."""

    where: str
    floor: float | None
    """Noise floor as a share; None where it is not known."""
    executed: tuple[Executed, ...]


def find_sessions(records: Sequence[Record]) -> list[BackendSession]:
    """The timing sessions of records with more than one backend, networks in the order of their names."""
    ordered = sort_records(records)
    machines = machine_names(environments(ordered))
    psnr = _psnr(ordered)
    timed = [r for r in ordered if r.measure == "runtime" and r.input and r.values and samples_of(r)]

    def place(record: Record) -> tuple[object, ...]:
        session = str(record.details.get("session", ""))
        return (environment_id(record), *_settings(record), record.scale, record.input, session)

    sessions = []
    for _, members in groupby(sorted(timed, key=place), key=place):
        group = sorted(members, key=_position)
        if len({record.backend for record in group}) < 2:
            continue
        eager = {_network(r): r for r in group if r.backend == EAGER}
        first, floor = group[0], floor_of(group[0])
        threads = f"{first.threads} thread{'' if first.threads == 1 else 's'}"
        where = ", ".join((machines[environment_id(first)], first.device, first.precision, threads))
        sessions.append(
            BackendSession(
                f"{where}; \u00d7{first.scale}, input {size_label(first.input)}",
                floor,
                tuple(
                    Executed(r, _ratio(r, eager.get(_network(r)), floor or 0.0), _change(r, psnr))
                    for r in group
                ),
            )
        )
    return sessions


def _settings(record: Record) -> tuple[str, str, int]:
    return (record.device, record.precision, record.threads)


def _network(record: Record) -> Who:
    return (record.model, record.weights, weights_digest(record))


def _position(record: Record) -> tuple[str, str, bool, int, str]:
    """Networks by name, each in eager first and then as the backends were asked for."""
    order = list(record.details.get("timed_with", ()))
    title = subject_title(record.model, record.scale, record.backend)
    place = order.index(title) if title in order else len(order)
    return (model_title(record).lower(), record.weights, record.backend != EAGER, place, record.key)


def _ratio(record: Record, eager: Record | None, floor: float) -> Ratio | None:
    if eager is None or record is eager:
        return None
    return time_ratio(samples_of(record), samples_of(eager), floor)


def _psnr(records: Sequence[Record]) -> dict[Who, dict[tuple[str, str], float]]:
    """Mean PSNR by dataset and protocol, for each network in each backend and precision."""
    found: dict[Who, dict[tuple[str, str], float]] = {}
    for record in records:
        value = record.value("psnr") if record.measure == "quality" else None
        if value is not None and math.isfinite(value):
            who = (*_network(record), record.scale, record.backend, record.precision)
            found.setdefault(who, {})[(record.dataset, record.protocol)] = value
    return found


def _change(record: Record, psnr: Mapping[Who, Mapping[tuple[str, str], float]]) -> float | None:
    who = (*_network(record), record.scale)
    reference = psnr.get((*who, EAGER, "fp32"), {})
    own = psnr.get((*who, record.backend, record.precision), {})
    changes = [own[place] - reference[place] for place in sorted(own) if place in reference]
    return max(changes, key=abs, default=None)


def build_backends(records: Sequence[Record]) -> list[Section]:
    """A section for the sessions with several backends and for what could not run; none without either."""
    sessions = find_sessions(records)
    missing = list(_missing(records))
    if not sessions and not missing:
        return []
    lead = (
        "The same networks, executed in other ways, timed in turn in one session. A backend's figures are "
        "shown only after its output was compared with that of PyTorch in fp32: at most 1e-5 of the value "
        "range apart in fp32, at most 0.05 dB of PSNR in half precision. The ratio is the median over the "
        "rounds of a backend's time divided by that of the same network in eager, with its 95 % interval.",
    )
    grids = [_grid(session) for session in sessions]
    if missing:
        grids.append(Grid("Not measured", "Network and backend", (("Because", ""),), tuple(missing)))
    return [Section("backends", "Backends", lead, tuple(grids))]


def _missing(records: Sequence[Record]) -> Iterator[GridRow]:
    """What could not run or did not agree, each reason once for a network in a backend."""
    seen = set()
    for record in sort_records(records):
        if record.backend == EAGER or record.measure != "runtime" or not record.not_measured:
            continue
        title = f"{model_title(record)} \u00d7{record.scale} in {record.backend}, {record.precision}"
        if (title, record.not_measured) not in seen:
            seen.add((title, record.not_measured))
            yield GridRow(title, (GridCell(record.not_measured, tone="muted"),))


def _grid(session: BackendSession) -> Grid:
    columns = (
        ("Median (ms)", "95 % interval"),
        ("Ratio", "to the same network in eager"),
        ("Verdict", "beyond the noise"),
        ("Largest difference", "share of the value range"),
        ("PSNR change (dB)", "on a photograph"),
        ("PSNR change (dB)", "on the sets measured"),
        ("Rewrites", "of the network"),
    )
    noise = (
        "The noise floor of this session is not known; ratios are judged by their interval alone."
        if session.floor is None
        else f"Noise floor of this session: {session.floor:.1%}."
    )
    rows = tuple(_row(executed) for executed in session.executed)
    return Grid(session.where, "Network and backend", columns, rows, (noise,), first=4)


def _row(executed: Executed) -> GridRow:
    record = executed.record
    latency = next(v for v in record.values if v.metric == "latency_ms")
    interval = "" if latency.lower is None else f"{latency.lower:,.1f}\u2013{latency.upper:,.1f}"
    backend: Mapping[str, Any] = record.details.get("backend", {})
    agreement = backend.get("agreement", {})
    rewrites = backend.get("deployment", {}).get("rewrites", ())
    return GridRow(
        f"{model_title(record)} in {record.backend}",
        (
            GridCell(f"{latency.value:,.1f}", interval),
            *_ratio_cells(executed),
            GridCell(f"{float(agreement['difference']):.1e}" if "difference" in agreement else ""),
            GridCell(signed(float(agreement["psnr_change"]), 4) if "psnr_change" in agreement else ""),
            GridCell("" if executed.change is None else signed(executed.change, 4)),
            GridCell(", ".join(map(str, rewrites))),
        ),
        sub=weights_label(record),
    )


_TONES: dict[str, Literal["", "good", "bad", "muted"]] = {
    "faster": "good",
    "slower": "bad",
    "not told apart": "muted",
}


def _ratio_cells(executed: Executed) -> tuple[GridCell, GridCell]:
    r = executed.ratio
    if r is None:
        return (GridCell("1" if executed.record.backend == EAGER else ""), GridCell(""))
    words = f"{r.lower:.3f}\u2013{r.upper:.3f}, {r.rounds} rounds"
    return (GridCell(f"{r.ratio:.3f}", words), GridCell(r.verdict, tone=_TONES[r.verdict]))
