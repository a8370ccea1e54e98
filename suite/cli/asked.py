"""What a run's own commands asked for, planned once more: which of it has no record?"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suite.backends import AUTO
from suite.errors import SuiteError
from suite.records import Record

if TYPE_CHECKING:
    from suite.datasets import Dataset
    from suite.task import Task


@dataclass(frozen=True, slots=True)
class Asked:
    """What the commands of a run asked for."""

    tasks: int
    missing: tuple[str, ...]
    """Tasks without a record, by their titles."""
    unplanned: tuple[str, ...]
    """Commands that cannot be planned here, each with the reason."""
    datasets: tuple[Dataset, ...]
    """The sets that they named, where they are here."""


def compare_with_commands(records: Sequence[Record], commands: Sequence[str], home: Path | None) -> Asked:
    """Plan the commands of a run again and look up the record of each task.

    Tasks are known by what was asked for, not by their keys: another home may have other weights. A record of
    any backend is one of ``auto``, which stands for the one that was chosen. ``home`` takes the place of the
    one that a command names.
    """
    known = {_of_record(record) for record in records}
    known |= {_of_record(dataclasses.replace(record, backend=AUTO)) for record in records}
    tasks: dict[tuple[object, ...], Task] = {}
    unplanned = []
    for command in commands:
        try:
            for task in _plan(command, home):
                tasks.setdefault(_of_task(task), task)
        except (SuiteError, ValueError) as error:
            unplanned.append(f"{command}: {error}")
    found = {(t.dataset.name, t.dataset.scale): t.dataset for t in tasks.values() if t.dataset}
    missing = tuple(task.title + _how(task) for name, task in tasks.items() if name not in known)
    return Asked(len(tasks), missing, tuple(unplanned), tuple(found.values()))


def _plan(command: str, home: Path | None) -> Sequence[Task]:
    """The tasks of a command line of ``run``; none of any other."""
    from suite.cli import parser, run
    from suite.home import find_home

    words = shlex.split(command)
    if words[:3] != ["python", "-m", "suite"] or "run" not in words[3:4]:
        return []
    try:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            options = parser().parse_args(words[3:])
    except SystemExit:
        raise ValueError((said.getvalue().strip().splitlines() or ["no command"])[-1]) from None
    options.no_crops, options.crops = True, None  # to look for them takes as long as reading the images
    cores = 1  # commands say their threads
    return run.tasks_of(options, run.request_of(options, home or find_home(options.home), cores))


def _of_task(task: Task) -> tuple[object, ...]:
    from suite.task import size_text

    subject = task.subject
    return (
        *(task.measure, subject.card.name, subject.scale, task.protocol),
        *(_where(task.measure, task.dataset_name), size_text(task.input) if task.input else ""),
        *(subject.backend, subject.device, subject.precision, task.effort),
    )


def _of_record(record: Record) -> tuple[object, ...]:
    return (
        *(record.measure, record.model, record.scale, record.protocol),
        *(_where(record.measure, record.dataset), record.input),
        *(record.backend, record.device, record.precision, record.details.get("effort", "")),
    )


def _where(measure: str, dataset: str) -> object:
    """The dataset; of a timing only whether there is one: it is the usual set of whatever home there was."""
    return dataset if measure == "quality" else bool(dataset)


def _how(task: Task) -> str:
    return f" ({task.protocol})" if task.protocol else ""
