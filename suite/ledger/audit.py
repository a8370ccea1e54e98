"""Looking at the file of a run itself: is every line a record that is understood, and every key one work?"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from suite import SCHEMA
from suite.errors import SuiteError
from suite.pairs import REPEATABLE, agree
from suite.records import Record, from_json


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


def audit(run: Path) -> Audit:
    """Read a run folder's records line by line. Raises `SuiteError` if it is not one or holds no record."""
    file = run / "records.jsonl"
    if not run.is_dir():
        raise SuiteError(f"{run} is not a folder: name the --out folder of a run.")
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        lines = []
    except OSError as error:
        raise SuiteError(f"cannot read {file}: {error.strerror}.") from None
    written: dict[str, list[Record]] = defaultdict(list)
    torn = unknown = 0
    for line in filter(str.strip, lines):
        try:
            record = from_json(line)
        except ValueError:
            later = _has_unknown_schema(line)
            unknown += later
            torn += not later
            continue
        written[record.key].append(record)
    if not written:
        raise SuiteError(f"{run} holds no records: name the --out folder of a run.")
    return Audit(
        records=tuple(records[-1] for records in written.values()),
        torn=torn,
        unknown_schema=unknown,
        repeated=sum(len(records) > 1 for records in written.values()),
        contradicting=tuple(key for key, records in written.items() if _contradict(records)),
    )


def _has_unknown_schema(line: str) -> bool:
    try:
        schema = json.loads(line).get("schema")
    except (ValueError, AttributeError, RecursionError):
        return False
    return isinstance(schema, int) and not 1 <= schema <= SCHEMA


def _contradict(records: list[Record]) -> bool:
    measured = [record for record in records if record.measure in REPEATABLE and record.values]
    return any(not agree(measured[0], record) for record in measured)
