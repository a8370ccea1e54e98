"""Runs the tasks of a plan and writes a record of each as soon as it is finished."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from suite.dispatch import Workforce, dispatch, start
from suite.locks import hold_machine
from suite.measures import MEASURES
from suite.outputs import details_stored, lacks_pictures
from suite.plan import Identity, task_key
from suite.records import Record, Store
from suite.task import Outcome, Say, Task, size_text
from suite.work import outcomes


@dataclass(frozen=True, slots=True)
class Finished:
    """One task that is done."""

    task: Task
    record: Record
    reused: bool
    """Whether the record was there already from an earlier call."""


def execute(
    tasks: Sequence[Task],
    store: Store,
    environment: dict[str, Any],
    say: Say,
    workforce: Workforce | None = None,
) -> Iterator[Finished]:
    """Do what is missing and yield every task once: here, or by the workers of a ``workforce``.

    Only this process writes records; whoever calls this holds the run (`suite.locks.hold_run`).

    Tasks whose key is in the store with values are not done again; those that could not be measured
    before are tried again. A task that fails gets a record that says why, and the others go on.
    ``say`` is told what is going on at the moment.
    """
    known = store.load()
    if workforce and (new := _to_make_ready_for(tasks, known)):
        start(new, workforce, say)
    waiting: dict[tuple[object, ...], list[tuple[Task, Identity]]] = {}
    for task in tasks:
        identity = task_key(task, environment["id"])
        problem, record = identity.problem, known.get(identity.key)
        if record is not None and not record.not_measured:
            if problem or not lacks_pictures(task, record.details, store.file.parent):
                yield Finished(task, record, reused=True)
                continue
            group = ("pictures", *MEASURES[task.measure].group(task))
            waiting.setdefault(group, []).append((dataclasses.replace(task, pictures_only=True), identity))
        elif problem and record is not None and record.not_measured == problem:
            yield Finished(task, record, reused=False)
        elif problem:
            yield _finish(Outcome(task, not_measured=problem), identity, store, environment)
        else:
            group = (task.measure, *MEASURES[task.measure].group(task))
            waiting.setdefault(group, []).append((task, identity))
    identities = {task: identity for group in waiting.values() for task, identity in group}
    groups = [[task for task, _ in group] for group in waiting.values()]
    for outcome in _measure(groups, say, workforce):
        identity = identities[outcome.task]
        if outcome.task.pictures_only:
            yield _complete(outcome, known[identity.key], store)
        else:
            yield _finish(outcome, identity, store, environment)
    store.flush()


def _to_make_ready_for(tasks: Sequence[Task], known: Mapping[str, Record]) -> Sequence[Task]:
    """What workers will do first, as far as it can be told before any image was read; none if it cannot.

    Which tasks lack a record their keys say, and those depend on the pixels. That some lack one is certain
    where there are more tasks than records.
    """
    sound = [task for task in tasks if not task.problem]
    shared = [task for task in sound if not MEASURES[task.measure].alone]
    measures = {task.measure for task in shared}
    done = sum(bool(record.values) and record.measure in measures for record in known.values())
    return shared if len(shared) > done and shared[0] is sound[0] else []


def _measure(groups: Sequence[Sequence[Task]], say: Say, workforce: Workforce | None) -> Iterator[Outcome]:
    """What comes of groups of tasks, of which those that need the machine alone never overlap with others."""
    for alone, some in itertools.groupby(groups, key=lambda group: MEASURES[group[0].measure].alone):
        if workforce is None or (alone and not workforce.elsewhere):
            for group in some:
                with hold_machine(alone=alone, say=say):
                    yield from outcomes(group, say)
        else:
            yield from dispatch(list(some), workforce, say)


def _complete(outcome: Outcome, record: Record, store: Store) -> Finished:
    """A record with the pictures that it lacked; unchanged if they can't be made now."""
    if not outcome.not_measured:
        pictures = details_stored(store.file.parent, outcome)
        record = store.append(dataclasses.replace(record, details={**record.details, **pictures}))
    return Finished(dataclasses.replace(outcome.task, pictures_only=False), record, reused=True)


def _finish(outcome: Outcome, identity: Identity, store: Store, environment: dict[str, Any]) -> Finished:
    task, subject = outcome.task, outcome.task.subject
    card, weights = subject.card, subject.weights
    file = weights.file.name if weights.file else ""
    record = Record(
        key=identity.key,
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
        determining=identity.determining if outcome.values else {},
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
