"""The fastest backend that gives what eager gives, for one network on this machine: what ``auto`` stands for.

What was chosen is kept in the run's ``backends.json``, with the times that decided, so that the same command
measures with the same backends when it goes on after an interruption.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.backends import (
    AUTO,
    BACKENDS,
    CANDIDATES,
    backend_by_name,
    place,
    prepare,
    synchronize,
    test_image,
    versions,
)
from suite.backends.proof import examine, require_agreement
from suite.errors import SuiteError
from suite.files import write_text
from suite.isolation import PATIENCE_S, State, Worker
from suite.records import make_key
from suite.task import Say, Subject, Task

ROUNDS = 5
"""Passes of each candidate, in turn; the least median wins."""
SIDE = 128
"""Side of the image with which candidates are timed, in pixels."""
FILE = "backends.json"
INDIFFERENT = ("cost", "profile")
"""Measures that need no choice."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The backend of one network."""

    backend: str
    tried: dict[str, str | float] = field(default_factory=dict, hash=False)
    """By backend: median milliseconds, or why it was out of the question."""


def choose(subject: Subject, patience: float = PATIENCE_S, say: Say = lambda words: None) -> Choice:
    """The fastest of `CANDIDATES` for a subject, whatever its own backend is; eager if nothing else agrees.

    Raises `SuiteError` if eager itself can't run it.
    """
    tried: dict[str, str | float] = {}
    with contextlib.ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for name in CANDIDATES:
            candidate = dataclasses.replace(subject, backend=name)
            say(f"{subject.title}: trying {name}")
            try:
                workers[name] = _begin(candidate, patience, stack)
            except SuiteError as error:
                if name == "eager":
                    raise
                tried[name] = str(error)
        say(f"{subject.title}: timing {', '.join(workers)} in turn")
        samples: dict[str, list[float]] = {name: [] for name in workers}
        for _ in range(ROUNDS):
            for name in random.sample(list(workers), len(workers)):
                samples[name].append(workers[name].call(sample, subject))
    medians = {name: statistics.median(times) for name, times in samples.items()}
    return Choice(min(medians, key=lambda name: medians[name]), {**tried, **medians})


def _begin(candidate: Subject, patience: float, stack: contextlib.ExitStack) -> Worker:
    """A process in which a candidate is ready to be timed. Raises `SuiteError` if it can't be."""
    if problem := backend_by_name(candidate.backend).missing(candidate.device, candidate.precision):
        raise SuiteError(problem)
    worker = stack.enter_context(Worker(candidate.title, patience))
    if candidate.backend == "eager":
        worker.call(load, candidate)
    else:
        require_agreement(worker.call(examine, candidate)[0])
    worker.call(sample, candidate)  # the first pass of a size may be slow
    return worker


def load(state: State, subject: Subject) -> None:
    """Make a subject ready to be timed by `sample`; runs in a worker."""
    state["forward"] = prepare(subject)


def sample(state: State, subject: Subject) -> float:
    """Milliseconds of one pass of the network that lies in the state; runs in a worker."""
    convention = subject.card.input
    side = max(SIDE, convention.min_size)
    image = place(
        test_image((convention.channels, side, side), convention.range), subject.device, subject.precision
    )
    synchronize(subject.device)
    begin = time.perf_counter_ns()
    state["forward"](image)
    synchronize(subject.device)
    return (time.perf_counter_ns() - begin) / 1e6


def settle_choices(tasks: Sequence[Task], run: Path, environment_id: str, say: Say) -> list[Task]:
    """The tasks with a backend in place of every ``auto``, as the run has it or as it is found now.

    A task whose network can't be tried gets the reason as its ``problem``. Cost depends on no backend and a
    profile is of eager, so that these alone try nothing. Each task comes once, also where ``auto`` is what
    was asked for beside it. Raises `SuiteError` if the choice can't be written into the folder of the run.
    """
    known = read_choices(run / FILE)
    found: dict[Subject, Subject | SuiteError] = {}
    for task in tasks:
        subject = task.subject
        if subject.backend != AUTO or subject in found or task.problem or task.measure in INDIFFERENT:
            continue
        eager, key = dataclasses.replace(subject, backend="eager"), _key(subject, environment_id)
        if key not in known:
            try:
                choice = choose(eager, task.patience, say)
            except SuiteError as error:
                found[subject] = error
                continue
            known[key] = {"network": eager.title, **dataclasses.asdict(choice)}
            write_choices(run / FILE, known)
        found[subject] = dataclasses.replace(subject, backend=str(known[key]["backend"]))
    return list(dict.fromkeys(_settled(task, found) for task in tasks))


def _settled(task: Task, found: Mapping[Subject, Subject | SuiteError]) -> Task:
    if task.subject.backend != AUTO:
        return task
    chosen = found.get(task.subject)
    if isinstance(chosen, Subject) and task.measure != "profile":
        return dataclasses.replace(task, subject=chosen)
    eager = dataclasses.replace(task.subject, backend="eager")
    problem = (
        str(chosen) if isinstance(chosen, SuiteError) and task.measure not in INDIFFERENT else task.problem
    )
    return dataclasses.replace(task, subject=eager, problem=problem)


def _key(subject: Subject, environment_id: str) -> str:
    """Digest of what a choice depends on."""
    packages = tuple(name for candidate in CANDIDATES for name in BACKENDS[candidate].packages)
    return make_key(
        {
            "network": [subject.card.name, subject.card.build, dict(subject.card.arguments), subject.scale],
            "weights": subject.weights.sha256,
            "configuration": [subject.device, subject.precision, subject.threads],
            "versions": versions(packages),
            "environment": environment_id,
        }
    )


def read_choices(file: Path) -> dict[str, dict[str, Any]]:
    """What earlier calls chose, by key; nothing where the file is not there or not readable."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, dict) and str(v.get("backend")) in BACKENDS}


def write_choices(file: Path, choices: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep what was chosen. Raises `SuiteError` if the disk does not take it."""
    write_text(file, json.dumps(choices, indent=1, sort_keys=True) + "\n")
