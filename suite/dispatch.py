"""Hands tasks to the workers of an executor and puts together what comes back."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from suite.errors import SuiteError
from suite.isolation import Lost
from suite.locks import hold_machine
from suite.measures import MEASURES
from suite.task import Outcome, Say, Task
from suite.work import Failure, Unit, make_ready, perform, reason_of

if TYPE_CHECKING:
    from suite.measures.quality import Part

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 3
"""How often a unit is begun whose worker disappears; then it is not measured."""
_AHEAD = 2
"""Units a worker that are handed over before the first comes back, so that none waits for the driver."""

Result = "list[Outcome] | Part | Failure"


@dataclass(frozen=True, slots=True)
class Workforce:
    """An executor and what is known of its workers. Use as a context manager: leaving it ends the workers."""

    executor: Executor
    workers: int
    """How many units can be done at once."""
    threads: int
    """Threads of each worker where the figures do not depend on them."""
    elsewhere: bool = False
    """Whether the workers are other machines: timings are then theirs, and so are the locks."""

    def __enter__(self) -> Workforce:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.executor.shutdown(wait=kind is None, cancel_futures=True)


@dataclass(slots=True)
class _Group:
    """Tasks that belong together while their units are out."""

    units: list[Unit]
    results: dict[int, list[Outcome] | Part | Failure] = field(default_factory=dict)

    @property
    def needed(self) -> int:
        """How many units count: all up to the first that failed, as if done one after the other."""
        failed = (number for number, result in self.results.items() if isinstance(result, Failure))
        return min(failed, default=len(self.units) - 1) + 1

    @property
    def complete(self) -> bool:
        """Whether nothing that counts is still out."""
        return all(number in self.results for number in range(self.needed))


def dispatch(groups: Sequence[Sequence[Task]], workforce: Workforce, say: Say) -> Iterator[Outcome]:
    """Have the workers measure groups of tasks; every task gets an outcome, whatever happens.

    A task of quality is divided by its images, and its figures are those of the undivided one. A unit whose
    worker disappears is begun again, at most `TRIES` times in all.
    """
    waiting: deque[tuple[_Group, int, int]] = deque()
    for tasks in groups:
        group = _Group(list(_units(tasks, workforce.threads)))
        waiting.extend((group, number, 1) for number in range(len(group.units)))
    running: dict[Future[list[Outcome] | Part | Failure], tuple[_Group, int, int]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workforce.workers * _AHEAD:
                group, number, tries = waiting.popleft()
                if number < group.needed:
                    running[_hand_over(workforce, say, perform, group.units[number])] = (group, number, tries)
            done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                group, number, tries = running.pop(future)
                if number >= group.needed:
                    continue  # a unit before it has failed
                try:
                    group.results[number] = future.result()
                except Lost as error:
                    if tries < TRIES:
                        waiting.appendleft((group, number, tries + 1))
                        continue
                    group.results[number] = Failure(f"{str(error).rstrip('.')}, {tries} times.")
                except Exception as error:  # the executor's: an answer that cannot be sent, say
                    group.results[number] = Failure(reason_of(error, group.units[number].tasks[0]))
                say(f"{group.units[0].title}: {len(group.results)} of {len(group.units)} parts")
                if group.complete:
                    yield from _put_together(group)
    finally:
        for future in running:
            future.cancel()


def start(tasks: Sequence[Task], workforce: Workforce, say: Say) -> None:
    """Have workers of this machine import what these tasks need, while the driver finds out what is to do.

    No more of them than there are images or tasks. A machine that a timing holds is waited for.
    """
    if workforce.elsewhere:
        return
    pieces = sum(_pieces(task) for task in tasks)
    measures = tuple(dict.fromkeys(task.measure for task in tasks))
    for _ in range(min(workforce.workers, pieces)):
        _hand_over(workforce, say, make_ready, measures)


def _pieces(task: Task) -> int:
    """At most how many units become of a task."""
    if MEASURES[task.measure].by_image and task.dataset:
        with contextlib.suppress(SuiteError):
            return len(task.dataset.files)
    return 1


def _units(tasks: Sequence[Task], threads: int) -> Iterator[Unit]:
    """The tasks as one unit, or a unit for each image."""
    whole = Unit(tuple(tasks), threads)
    images: list[int] = []
    if MEASURES[tasks[0].measure].by_image:
        from suite.measures import quality

        with contextlib.suppress(SuiteError):  # doing it undivided says what is wrong
            images = quality.images_of(tasks)
    if not images:
        yield whole
    for number in images:
        yield dataclasses.replace(whole, images=(number,))


def _hand_over(
    workforce: Workforce, say: Say, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> Future[T]:
    """Have a worker call a function, with this machine held until it has, unless the worker is elsewhere."""
    if workforce.elsewhere:
        return workforce.executor.submit(function, *args, **kwargs)
    held = hold_machine(alone=False, say=say)
    future = workforce.executor.submit(function, *args, **kwargs)
    future.add_done_callback(lambda _: held.close())
    return future


def _put_together(group: _Group) -> Iterator[Outcome]:
    """The outcomes of a group whose units are all there."""
    from suite.measures import quality

    tasks, parts = group.units[0].tasks, []
    for _, result in sorted(group.results.items())[: group.needed]:
        if isinstance(result, Failure):
            yield from (Outcome(task, not_measured=result.reason) for task in tasks)
            return
        if isinstance(result, list):
            yield from result
            return
        parts.append(result)
    try:
        for outcome in quality.conclude(tasks, parts):
            details = {**outcome.details, "threads_used": group.units[0].threads}
            yield dataclasses.replace(outcome, details=details) if outcome.values else outcome
    except SuiteError as error:
        yield from (Outcome(task, not_measured=str(error)) for task in tasks)
