"""Several runs as one: nothing is left out silently, and what does not go together is named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.backends.choice import FILE, read_choices
from suite.errors import SuiteError
from suite.pairs import REPEATABLE, agree
from suite.records import Record, from_json, read_lines
from suite.schema import is_unknown

Line = tuple[str, Record, Path]
"""A line as it was read, the record in it, and the run that it is from."""

_NO_RECORDS = "{} holds no records: name the --out folder of a run."


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of the records of several runs."""

    lines: tuple[str, ...]
    """The lines of the merged run, as they were read. Of several with one key the last counts."""
    records: int
    """Number of keys."""
    later: tuple[str, ...] = ()
    """Lines of a format that is not known here, such as a later version's; they stay what they are."""
    notes: tuple[str, ...] = ()
    """What was done with records of one key, and what lines could not be read."""
    conflicts: tuple[str, ...] = ()
    """Records of the same work with unlike values, which the same work never gives."""


@dataclass(slots=True)
class _Counts:
    duplicates: int = 0
    superseded: int = 0
    again: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def merge(runs: Sequence[Path]) -> Merged:
    """The records of the runs as one run's. Raises `SuiteError` for a folder that is no run, or where none
    of them holds a record.

    Of records with one key, equal ones are kept once; one that has values takes the place of those that say
    why there are none. Timings that were made again, and conflicts, are all kept, the latest last.
    """
    by_key: dict[str, list[Line]] = {}
    later: list[str] = []
    notes: list[str] = []
    for run in runs:
        lines, unknown, damaged = _read(run)
        if unknown:
            words = "line(s) of a format that is not known here were kept as they are."
            notes.append(f"{run}: {len(unknown)} {words}")
        if damaged:
            notes.append(f"{run}: {damaged} line(s) could not be read and were left out.")
        if not lines:
            notes.append(f"{run} holds no records.")
        later += unknown
        for line, record in lines:
            by_key.setdefault(record.key, []).append((line, record, run))
    if not by_key:
        raise SuiteError(_NO_RECORDS.format(runs[0]))
    counts = _Counts()
    kept = [line for entries in by_key.values() for line in _of_one_key(entries, counts)]
    notes += _said(counts)
    once = tuple(dict.fromkeys(later))
    return Merged(tuple(kept), len(by_key), once, tuple(notes), tuple(counts.conflicts))


def merge_choices(runs: Sequence[Path]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The backends that ``auto`` found in the runs, by key as `suite.backends.choice` keeps them, and notes.

    Of unlike choices for the same work that of the run named last counts: they rest on timings.
    """
    by_key: dict[str, list[tuple[dict[str, Any], Path]]] = {}
    notes: list[str] = []
    for run in runs:
        found = read_choices(run / FILE)
        if not found and (run / FILE).exists():
            notes.append(f"{run / FILE} could not be read and was left out.")
        for key, choice in found.items():
            by_key.setdefault(key, []).append((choice, run))
    repeated = 0
    for key, entries in by_key.items():
        chosen = {str(choice["backend"]): run for choice, run in reversed(entries)}
        repeated += len(entries) - len(chosen)
        if len(chosen) > 1:
            network = entries[-1][0].get("network", "a network")
            each = "; ".join(f"{backend} in {run}" for backend, run in reversed(chosen.items()))
            notes.append(f"chosen unlike, the run named last counts: {network} (key {key}): {each}.")
    if repeated:
        notes.append(f"{repeated} choice(s) of a backend were there more than once; kept once.")
    return {key: entries[-1][0] for key, entries in by_key.items()}, notes


def _read(run: Path) -> tuple[list[tuple[str, Record]], list[str], int]:
    """The records of a run with their lines, the lines of an unknown format, and the number of the others."""
    if not run.is_dir():
        raise SuiteError(f"{run} is not a folder: name the --out folder of a run.")
    found, unknown, damaged = [], [], 0
    for _, line in read_lines(run / "records.jsonl"):
        try:
            found.append((line, from_json(line)))
        except ValueError:
            if _is_later(line):
                unknown.append(line)
            else:
                damaged += 1
    if not found and not (run / "run.json").is_file():  # of a shard that has no task there is that alone
        raise SuiteError(_NO_RECORDS.format(run))
    return found, unknown, damaged


def _is_later(line: str) -> bool:
    try:
        return is_unknown(json.loads(line))
    except (ValueError, RecursionError):
        return False


def _of_one_key(entries: list[Line], counts: _Counts) -> Iterator[str]:
    """The lines that are kept of those with one key, the one that counts last."""
    if len(entries) == 1:
        yield entries[0][0]
        return
    entries = sorted(entries, key=lambda entry: entry[1].finished)
    measured = [entry for entry in entries if not entry[1].not_measured]
    if not measured:
        counts.superseded += len(entries) - 1
        yield entries[-1][0]
        return
    counts.superseded += len(entries) - len(measured)
    unlike: list[Line] = []
    for entry in measured:
        same = [other for other in unlike if agree(other[1], entry[1])]
        counts.duplicates += bool(same)
        if not same:
            unlike.append(entry)
    if len(unlike) > 1:
        (counts.conflicts if unlike[0][1].measure in REPEATABLE else counts.again).append(_described(unlike))
    yield from (line for line, _, _ in unlike)


def _described(entries: Sequence[Line]) -> str:
    """What was measured unlike, and the figures of each run."""
    record = entries[0][1]
    where = " ".join(part for part in (record.dataset, record.protocol, record.input) if part)
    figures = "; ".join(f"{_figures(entry)} in {run}" for _, entry, run in entries)
    return f"{record.measure} of {record.model} x{record.scale} {where} (key {record.key}): {figures}"


def _figures(record: Record) -> str:
    whole = [value for value in record.values if not value.image]
    return ", ".join(f"{value.metric} {value.value:.10g}" for value in whole[:2])


def _said(counts: _Counts) -> Iterator[str]:
    if counts.duplicates:
        yield f"{counts.duplicates} record(s) were there more than once with the same values; kept once."
    if counts.superseded:
        yield f"{counts.superseded} record(s) of what was not measured gave way to another of the same task."
    for words in counts.again:
        yield f"measured again, the latest counts: {words}."


def environments(merged: Merged) -> list[str]:
    """One line an environment: what it is and how many records it has. One alone says nothing."""
    found: dict[str, list[Record]] = {}
    for record in (from_json(line) for line in merged.lines):
        found.setdefault(str(record.environment.get("id", "not stated")), []).append(record)
    if len(found) < 2:
        return []
    return [f"{_environment(records[-1])}: {len(records)} record(s)" for records in found.values()]


def _environment(record: Record) -> str:
    found = record.environment
    packages = found.get("packages")
    torch = packages.get("torch", "?") if isinstance(packages, dict) else "?"
    parts = (found.get("cpu"), f"{found.get('cores', '?')} cores", found.get("accelerator"), f"torch {torch}")
    return f"{found.get('id', 'not stated')} ({', '.join(str(part) for part in parts if part)})"
