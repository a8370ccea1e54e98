"""What a worker does: tasks that belong together, or some images of such; in the driver or elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.errors import SuiteError
from suite.isolation import State, Worker, one_line, tell
from suite.measures import MEASURES
from suite.task import Outcome, Say, Task

if TYPE_CHECKING:
    from suite.measures.quality import Part


@dataclass(frozen=True, slots=True)
class Unit:
    """What one worker does in one go."""

    tasks: tuple[Task, ...]
    """Tasks that belong together: see `suite.measures.Measure.group`."""
    threads: int
    """Threads to use where the figures do not depend on them; what is timed uses those of its subject."""
    images: tuple[int, ...] | None = None
    """Numbers of the images to judge, counted from 0; None: the tasks as a whole."""

    @property
    def title(self) -> str:
        """What is measured, for messages."""
        return self.tasks[0].title


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a unit gave nothing."""

    reason: str


def make_ready(measures: Sequence[str]) -> None:
    """Import what measures need, before there is something to measure."""
    for name in measures:
        MEASURES[name].load()
    import torch  # noqa: F401 -- which measures leave until a network is there


def perform(unit: Unit) -> list[Outcome] | Part | Failure:
    """Do a unit in this process. Whatever a network raises comes back as a `Failure`.

    The network of the unit before is kept: most units of a set have one and the same.
    """
    if unit.images is None:
        return list(outcomes(unit.tasks, _silent))
    subject = dataclasses.replace(unit.tasks[0].subject, threads=unit.threads)
    tasks = [dataclasses.replace(task, subject=subject) for task in unit.tasks]
    try:
        return (
            _isolated_part(tasks, unit.images) if subject.card.foreign else judge(_KEPT, tasks, unit.images)
        )
    except Exception as error:  # a network may raise anything
        return Failure(reason_of(error, unit.tasks[0]))


def outcomes(tasks: Sequence[Task], say: Say) -> Iterator[Outcome]:
    """Run tasks that belong together; every one gets an outcome, whatever happens."""
    left = list(tasks)
    try:
        for outcome in _run(list(tasks), lambda words: say(f"{tasks[0].title}: {words}")):
            left.remove(outcome.task)
            yield outcome
        reason = "the measure gave no result."
    except Exception as error:  # a network or a counting tool may raise anything
        reason = reason_of(error, tasks[0])
    for task in left:
        yield Outcome(task, not_measured=reason)


def reason_of(error: Exception, task: Task) -> str:
    """Why a task could not be measured, in one sentence."""
    if isinstance(error, SuiteError):
        return str(error)
    return f"{task.title} failed with {one_line(error)}"


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


_KEPT: State = {}
"""The network of this process's last unit, or the process in which it lives."""


def judge(state: State, tasks: Sequence[Task], images: Sequence[int]) -> Part:
    """Some images of a dataset through the network, which stays in ``state`` for the next call."""
    import torch

    from suite.measures import quality

    subject = tasks[0].subject
    if state.get("subject") != subject:
        state.pop("forward", None)  # before the next is there: the memory of one network, not of two
        state["subject"], state["forward"] = None, quality.ready(tasks, _silent)
        state["subject"] = subject
    torch.set_num_threads(subject.threads)  # of this thread: a Dask worker may have several
    return quality.evaluate(state["forward"], tasks, images, _silent)


def _isolated_part(tasks: Sequence[Task], images: Sequence[int]) -> Part:
    """The same for code that is not the suite's: in a process of its own, kept likewise."""
    subject = tasks[0].subject
    worker: Worker | None = _KEPT.get("worker")
    if worker is not None and (_KEPT["isolated"] != subject or not worker.alive):
        worker.close()
        worker = None
    if worker is None:
        worker = Worker(tasks[0].title, tasks[0].patience)
    _KEPT["isolated"], _KEPT["worker"] = subject, worker
    worker.title = tasks[0].title
    return worker.call(judge, tasks, images)


def _silent(words: str) -> None:
    pass
