"""Looking at the file of a run itself: is every line a record that is understood, and every key one work?"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from suite.errors import SuiteError
from suite.pairs import REPEATABLE, agree
from suite.records import Record, from_json, read_lines
from suite.schema import is_unknown
from suite.soundness import problems_of, title


@dataclass(frozen=True, slots=True)
class Audit:
    """What a run's file holds."""

    records: tuple[Record, ...]
    """The last record of each key."""
    torn: int
    """Lines that are no record: torn by an interruption, or damaged."""
    unknown_schema: int
    """Lines of a record format that is not known here, such as a later version's."""
    repeated: int
    """Keys that were written more than once."""
    contradicting: tuple[str, ...]
    """Keys of cost or quality that were written with unlike values, which the same work never gives."""
    damaged: tuple[str, ...] = ()
    """Of the torn lines those that are whole JSON, as no interruption leaves them; with what is wrong."""
    unsound: tuple[str, ...] = ()
    """Records that contradict themselves; each with what is wrong."""

    @property
    def is_damaged(self) -> bool:
        """Whether the file holds what no run of the suite writes, so that its figures can't be trusted."""
        return bool(self.contradicting or self.damaged or self.unsound)


def audit(run: Path) -> Audit:
    """Read a run folder's records line by line. Raises `SuiteError` if it is not one or holds no record."""
    if not run.is_dir():
        raise SuiteError(f"{run} is not a folder: name the --out folder of a run.")
    written: dict[str, list[Record]] = defaultdict(list)
    torn = unknown = 0
    damaged: list[str] = []
    for number, line in read_lines(run / "records.jsonl"):
        kind, reason = _kind(line)
        unknown += kind == "later"
        torn += kind in ("torn", "damaged")
        if kind in ("damaged", "twice"):
            damaged.append(f"line {number}: {reason}")
        if kind in ("record", "twice"):
            record = from_json(line)
            written[record.key].append(record)
    if not written and unknown:
        raise SuiteError(
            f"{run} holds no records that can be read here: {unknown} line(s) are of a format that is not "
            f"known, {torn} damaged."
        )
    if not written:
        raise SuiteError(f"{run} holds no records: name the --out folder of a run.")
    records = tuple(found[-1] for found in written.values())
    return Audit(
        records=records,
        torn=torn,
        unknown_schema=unknown,
        repeated=sum(len(found) > 1 for found in written.values()),
        contradicting=tuple(key for key, found in written.items() if _contradict(found)),
        damaged=tuple(damaged),
        unsound=tuple(f"{title(record)}: {problem}" for record in records for problem in problems_of(record)),
    )


Kind = Literal["record", "later", "torn", "damaged", "twice"]
"""``later``: of a format that is not known here; ``torn``: no JSON, as an interruption leaves it;
``damaged``: JSON, but no record; ``twice``: a record in which a name stands twice (the last counts)."""


def _kind(line: str) -> tuple[Kind, str]:
    """What a line is, and what is wrong with it."""
    twice: list[str] = []

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice.append(next(name for name, number in Counter(n for n, _ in pairs).items() if number > 1))
        return found

    try:
        data = json.loads(line, object_pairs_hook=table)
    except RecursionError:
        return "damaged", "nested too deeply"
    except ValueError:
        return "torn", ""
    if is_unknown(data):
        return "later", ""
    try:
        from_json(line)
    except ValueError as error:
        return "damaged", str(error)
    return ("twice", f"{twice[0][:40]!r} stands twice in one table") if twice else ("record", "")


def _contradict(records: list[Record]) -> bool:
    measured = [record for record in records if record.measure in REPEATABLE and record.values]
    return any(not agree(measured[0], record) for record in measured)
