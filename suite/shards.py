"""Dividing a run among machines that know nothing of one another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from suite.errors import UsageError
from suite.measures import MEASURES
from suite.records import make_key
from suite.task import Subject, Task


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``total`` parts of a run, counted from 1."""

    number: int
    total: int

    def holds(self, task: Task) -> bool:
        """Whether a task belongs to this part.

        A digest of what was asked for decides: the measure, network, scale, dataset and input, none of which
        depends on the machine or on what else is asked for. Tasks that run together stay together: the
        protocols of one evaluation, the networks that are timed in turn.
        """
        group = [_named(item) for item in MEASURES[task.measure].group(task)]
        return int(make_key({"measure": task.measure, "group": group}), 16) % self.total == self.number - 1

    def of(self, tasks: Sequence[Task]) -> list[Task]:
        """The tasks of this part."""
        return [task for task in tasks if self.holds(task)]


def parse_shard(text: str) -> Shard:
    """A part written ``i/n``, such as ``2/3``. Raises `UsageError` for anything else."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise UsageError(f"--shard {text}: write i/n with i from 1 to n, such as 2/3.")
    return Shard(int(found[1]), int(found[2]))


def _named(item: object) -> object:
    """A part of a group as plain JSON, without anything that differs between machines."""
    if isinstance(item, Subject):
        return [item.card.name, item.scale]
    if isinstance(item, Task):
        return [item.subject.card.name, item.subject.scale, item.dataset_name, item.protocol, item.input]
    return item
