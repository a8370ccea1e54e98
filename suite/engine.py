"""Runs the tasks of a plan and writes a record of each as soon as it is finished."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from suite.errors import SuiteError
from suite.isolation import State, Worker, one_line, tell
from suite.measures import MEASURES
from suite.outputs import details_stored, lacks_pictures
from suite.plan import task_key
from suite.records import Record, Store
from suite.task import Outcome, Say, Task, size_text


@dataclass(frozen=True, slots=True)
class Finished:
    """One task that is done."""

    task: Task
    record: Record
    reused: bool
    """Whether the record was there already from an earlier call."""


def execute(tasks: Sequence[Task], store: Store, environment: dict[str, Any], say: Say) -> Iterator[Finished]:
    """Do what is missing and yield every task once.

    Tasks whose key is in the store with values are not done again; those that could not be measured
    before are tried again. A task that fails gets a record that says why, and the others go on.
    ``say`` is told what is going on at the moment.
    """
    known = store.load()
    waiting: dict[tuple[object, ...], list[tuple[Task, str]]] = {}
    for task in tasks:
        key, problem = task_key(task, environment["id"])
        record = known.get(key)
        if record is not None and not record.not_measured:
            if problem or not lacks_pictures(task, record.details, store.file.parent):
                yield Finished(task, record, reused=True)
                continue
            group = ("pictures", *MEASURES[task.measure].group(task))
            waiting.setdefault(group, []).append((dataclasses.replace(task, pictures_only=True), key))
        elif problem and record is not None and record.not_measured == problem:
            yield Finished(task, record, reused=False)
        elif problem:
            yield _finish(Outcome(task, not_measured=problem), key, store, environment)
        else:
            group = (task.measure, *MEASURES[task.measure].group(task))
            waiting.setdefault(group, []).append((task, key))
    for group_tasks in waiting.values():
        keys = dict(group_tasks)
        for outcome in _outcomes(list(keys), say):
            key = keys[outcome.task]
            if outcome.task.pictures_only:
                yield _complete(outcome, known[key], store)
            else:
                yield _finish(outcome, key, store, environment)


def _outcomes(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """Run tasks that belong together; every one gets an outcome, whatever happens."""
    left = list(tasks)
    try:
        for outcome in _run(tasks, lambda words: say(f"{tasks[0].title}: {words}")):
            left.remove(outcome.task)
            yield outcome
        reason = "the measure gave no result."
    except SuiteError as error:
        reason = str(error)
    except Exception as error:  # a network or a counting tool may raise anything
        reason = f"{tasks[0].title} failed with {one_line(error)}"
    for task in left:
        yield Outcome(task, not_measured=reason)


def _run(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """The measure's own outcomes. Code that is not the suite's runs in a process of its own."""
    measure = MEASURES[tasks[0].measure]
    if measure.isolated or not tasks[0].subject.card.foreign:
        yield from measure.load()(tasks, say)
        return
    with Worker(tasks[0].title, tasks[0].patience, say) as worker:
        yield from worker.stream(_serve, tasks)


def _serve(state: State, tasks: list[Task]) -> Iterator[Outcome]:
    """What a measure finds, in a worker; what it says goes to the driver as it is said."""
    yield from MEASURES[tasks[0].measure].load()(tasks, lambda words: tell(state, words))


def _complete(outcome: Outcome, record: Record, store: Store) -> Finished:
    """A record with the pictures that it lacked; unchanged if they can't be made now."""
    if not outcome.not_measured:
        pictures = details_stored(store.file.parent, outcome)
        record = store.append(dataclasses.replace(record, details={**record.details, **pictures}))
    return Finished(outcome.task, record, reused=True)


def _finish(outcome: Outcome, key: str, store: Store, environment: dict[str, Any]) -> Finished:
    task, subject = outcome.task, outcome.task.subject
    card, weights = subject.card, subject.weights
    file = weights.file.name if weights.file else ""
    record = Record(
        key=key,
        measure=task.measure,
        model=card.name,
        scale=subject.scale,
        weights=weights.origin,
        backend=subject.backend,
        device=subject.device,
        precision=subject.precision,
        threads=subject.threads,
        dataset=task.dataset_name,
        protocol=task.protocol,
        input=size_text(task.input) if task.input else "",
        values=outcome.values,
        not_measured=outcome.not_measured,
        details={
            "weights": {"file": file, "sha256": weights.sha256, **weights.training},
            "effort": task.effort,
            **details_stored(store.file.parent, outcome),
        },
        card={"title": card.title, "family": card.family, "year": card.year, **_convention(task)},
        environment=environment,
        finished=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
    return Finished(task, store.append(record), reused=False)


def _convention(task: Task) -> dict[str, Any]:
    card = task.subject.card
    return {
        "build": card.build,
        "arguments": dict(card.arguments),
        "convention": dataclasses.asdict(card.input),
        "citation": card.citation,
    }
