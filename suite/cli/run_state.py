"""The state of a run in words and as JSON: its file, what was asked for, whether it can be repeated here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.cli import common
from suite.environment import code_version
from suite.records import Record

if TYPE_CHECKING:
    from suite.cli.asked import Asked
    from suite.ledger.audit import Audit
    from suite.repeating import Found, Repeat

_NAMED = 8
"""Most things of one kind that are named one by one."""


@dataclass(frozen=True, slots=True)
class State:
    """All that can be said of a run without a published figure."""

    audit: Audit
    run_file: str
    """What is wrong with ``run.json``; empty where nothing is or there is none."""
    asked: Asked
    repeat: Repeat

    @property
    def is_damaged(self) -> bool:
        """Whether the run holds what the suite never writes, or lacks what was asked for."""
        return self.audit.is_damaged or bool(self.run_file or self.asked.missing)


def examine(run: Path, audit: Audit, home: str | None, *, digests: bool) -> State:
    """Look at everything. Raises `SuiteError` for a home that is none."""
    from suite.cli.asked import compare_with_commands
    from suite.home import find_home
    from suite.repeating import look

    found = find_home(home)
    asked = compare_with_commands(audit.records, common.commands([run]), found if home else None)
    repeat = look(audit.records, found, asked.datasets, digests=digests)
    return State(audit, common.problem_of_commands(run), asked, repeat)


def lines(state: State) -> Iterator[str]:
    """The state as text, a block of a few lines."""
    audit, asked, repeat = state.audit, state.asked, state.repeat
    yield _file_line(audit)
    yield from _listed("  ", [*audit.damaged, *audit.unsound])
    if state.run_file:
        yield f"  run.json: {state.run_file}"
    yield from _asked_lines(asked, audit.records)
    yield f"Repeating it here: {_verdict(repeat, audit.records)}."
    yield from _listed("  machine: ", repeat.machine)
    if repeat.code:
        yield f"  code: {', '.join(repeat.code[:_NAMED])} there, {code_version()} here"
    yield from _found_lines("weights", "files", repeat.weights)
    yield from _found_lines("images", "sets", repeat.images)


def _file_line(audit: Audit) -> str:
    text = (
        f"Run: {len(audit.records)} records; {audit.torn} torn or damaged lines, {audit.unknown_schema} of "
        f"an unknown format, {audit.repeated} keys written more than once"
    )
    if audit.contradicting:
        text += f", of which with unlike values of the same work: {', '.join(audit.contradicting)}"
    return f"{text}."


def _asked_lines(asked: Asked, records: Sequence[Record]) -> Iterator[str]:
    from suite.soundness import title

    failed = [f"{title(record)}: {record.not_measured}" for record in records if record.not_measured]
    if asked.tasks:
        yield f"Asked for: {asked.tasks} tasks, {len(asked.missing) or 'none'} of them without a record."
        yield from _listed("  no record: ", asked.missing)
    else:
        yield "Asked for: run.json names no command that can be planned, so what is missing is not known."
    yield from _listed("  not planned: ", asked.unplanned)
    if failed:
        yield f"Not measured: {len(failed)}."
        yield from _listed("  ", failed)


def _verdict(repeat: Repeat, records: Sequence[Record]) -> str:
    from suite.repeating import OF_THE_MACHINE

    words = "cost and quality can be" if repeat.figures else "not all of cost and quality can be"
    if any(record.measure in OF_THE_MACHINE and record.values for record in records):
        same = "time and memory too" if not repeat.machine else "time and memory not, on another machine"
        words += f", {same}"
    return words


def _found_lines(kind: str, unit: str, found: Found) -> Iterator[str]:
    if found.total:
        yield f"  {kind}: {found.there} of {found.total} {unit} are here"
    yield from _listed("    ", found.problems)


def _listed(start: str, items: Sequence[str]) -> Iterator[str]:
    yield from (f"{start}{item}" for item in items[:_NAMED])
    if len(items) > _NAMED:
        yield f"{start}{len(items) - _NAMED} more"


def as_json(state: State) -> dict[str, Any]:
    """The state as plain JSON."""
    from suite.soundness import title

    audit = state.audit
    return {
        "records": len(audit.records),
        "torn": audit.torn,
        "unknown_schema": audit.unknown_schema,
        "repeated": audit.repeated,
        "contradicting": list(audit.contradicting),
        "damaged": list(audit.damaged),
        "unsound": list(audit.unsound),
        "run_file": state.run_file,
        "tasks": state.asked.tasks,
        "missing": list(state.asked.missing),
        "unplanned": list(state.asked.unplanned),
        "not_measured": {title(r): r.not_measured for r in audit.records if r.not_measured},
        "repeat": asdict(state.repeat),
    }
