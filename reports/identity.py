"""What a record belongs to in a report: its row, its group, its place in the order of all."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from reports.definitions import dataset_order, origin_label
from reports.machines import environment_id
from suite.records import Record, to_json

GroupKey = tuple[str, str, str, str, int]
"""Environment id, backend, device, precision, threads."""


Place = tuple[str, str, str]
"""Measure, dataset, protocol."""
T = TypeVar("T")


class Sorted(tuple[Record, ...]):
    """Records as `sort_records` gives them, with what was made of them and is needed again: see `kept`."""

    made: dict[Callable[..., Any], Any]


def kept(make: Callable[[Sequence[Record]], T]) -> Callable[[Sequence[Record]], T]:
    """Make a part of a report once, though terminal, page and tables for export ask for it.

    What is made of `Sorted` records is kept with them; it must not be changed.
    """

    @functools.wraps(make)
    def once(records: Sequence[Record]) -> T:
        ordered = sort_records(records)
        if make not in ordered.made:
            ordered.made[make] = make(ordered)
        found: T = ordered.made[make]
        return found

    return once


def sort_records(records: Sequence[Record]) -> Sorted:
    """The records in an order that depends on nothing but themselves, each key once, by scale first.

    Of several with one key one with values counts before one without, then the one that finished last.
    """
    if isinstance(records, Sorted):
        return records
    same_key: dict[str, list[Record]] = {}
    for record in records:
        same_key.setdefault(record.key, []).append(record)
    # The text of a record with many images is long, so it is asked only where it decides.
    by_key = {
        key: max(same, key=lambda r: (bool(r.values), r.finished, to_json(r))) if len(same) > 1 else same[0]
        for key, same in same_key.items()
    }
    found = Sorted(
        sorted(
            by_key.values(),
            key=lambda r: (
                *(r.scale, group_key(r), r.model, r.weights, weights_digest(r)),
                *(r.measure, dataset_order(r.dataset), r.protocol, r.input, r.key),
            ),
        )
    )
    found.made = {}
    return found


def by_place(records: Iterable[Record]) -> dict[Place, list[Record]]:
    """The records of a row by the columns that they can belong to."""
    found: dict[Place, list[Record]] = {}
    for record in records:
        found.setdefault((record.measure, record.dataset, record.protocol), []).append(record)
    return found


def group_key(record: Record) -> GroupKey:
    """What two figures of memory or runtime must share to compete."""
    return (environment_id(record), record.backend, record.device, record.precision, record.threads)


def model_title(record: Record) -> str:
    """The model's name in tables: its card's title, else its name."""
    return str(record.card.get("title") or record.model)


def weights_digest(record: Record) -> str:
    """SHA-256 of the weights' file; empty if there is none. One path may have held several files."""
    return str(record.details.get("weights", {}).get("sha256", ""))


def row_id(record: Record) -> str:
    """Id of the row that a record belongs to: a digest of its model, scale, weights and configuration."""
    parts = (record.model, record.scale, record.weights, weights_digest(record), *group_key(record))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:10]


def weights_label(record: Record) -> str:
    """Origin of a record's weights as shown, marked where they were trained on a short schedule."""
    label = origin_label(record.weights, weights_digest(record))
    short = record.details.get("weights", {}).get("schedule") == "short"
    return f"{label}, short schedule" if short else label
