"""Runtime: the time of one forward pass, compared fairly between networks.

Each network lives in a process of its own. Only one of them works at a time, and they are timed in
rounds, one pass each, in an order drawn anew for every round: whatever the machine does meanwhile hits
all of them alike. The first pass (cold start) is kept apart, and passes before the time settles are
dropped.
"""

from __future__ import annotations

import contextlib
import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suite.backends import place, prepare, synchronize
from suite.environment import busy_share
from suite.errors import SuiteError
from suite.isolation import State, Worker
from suite.measures.memory import test_image
from suite.records import Value
from suite.statistics import bootstrap_median
from suite.task import Outcome, Say, Size, Subject, Task


@dataclass(frozen=True, slots=True)
class Effort:
    """How long networks are timed: rounds go on until the time is used up, within the bounds."""

    least: int
    """Rounds that are always made, however slow the networks."""
    most: int
    seconds: float
    """Time of all rounds together, for each network that takes part."""


EFFORTS = {
    "quick": Effort(5, 20, 3.0),
    "standard": Effort(9, 50, 10.0),
    "rigorous": Effort(31, 300, 60.0),
}

PAUSE_S = 0.02
"""Rest before each pass: the threads of the network before may spin for some milliseconds yet."""

MIN_WARM_UP, MAX_WARM_UP = 3, 10
MAX_WARM_UP_S = 5.0
STABLE = 0.05
"""Warm-up ends when three passes in a row differ by no more than this share, or at the bounds above."""


def start(state: State, subject: Subject, size: Size) -> tuple[float, list[float]]:
    """Load a network and pass the first images through it; runs in a worker.

    Returns the time of the very first pass and of the warm-up passes after it, in milliseconds.
    """
    state["forward"] = prepare(subject)
    state["image"] = place(test_image(size, subject.card.input.range), subject.device, subject.precision)
    state["device"] = subject.device
    cold, warm = sample(state), [sample(state)]
    while len(warm) < MAX_WARM_UP and (len(warm) < MIN_WARM_UP or sum(warm) < MAX_WARM_UP_S * 1000):
        last = warm[-MIN_WARM_UP:]
        if len(last) == MIN_WARM_UP and max(last) <= min(last) * (1 + STABLE):
            break
        warm.append(sample(state))
    return cold, warm


def sample(state: State) -> float:
    """Time of one forward pass in milliseconds, on a monotonic clock; runs in a worker."""
    synchronize(state["device"])
    begin = time.perf_counter_ns()
    state["forward"](state["image"])
    synchronize(state["device"])
    return (time.perf_counter_ns() - begin) / 1e6


@dataclass(slots=True)
class Timing:
    """One network while it is timed."""

    task: Task
    worker: Worker
    cold_ms: float
    warm_up_ms: list[float]
    samples_ms: list[float] = field(default_factory=list)
    problem: str = ""


def run(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """Time the tasks' networks together. A network that fails is named and left out; the others go on."""
    session: dict[str, Any] = {"session": uuid.uuid4().hex[:8], "busy_before": None}
    effort = EFFORTS[tasks[0].effort]
    with contextlib.ExitStack() as stack:
        timings: list[Timing] = []
        for task in tasks:
            say(f"warming up {task.subject.title}")
            assert task.input is not None
            worker = stack.enter_context(Worker(task.title))
            try:
                cold, warm = worker.call(start, task.subject, task.input)
            except SuiteError as error:
                yield Outcome(task, not_measured=str(error))
                continue
            timings.append(Timing(task, worker, cold, warm))
        session["busy_before"] = busy_share()  # while all of them rest: whatever is busy is not ours
        begin, budget = time.perf_counter(), effort.seconds * len(timings)
        for number in range(1, effort.most + 1):
            say(f"round {number}, networks in turn")
            _one_round(timings)
            if number >= effort.least and time.perf_counter() - begin > budget:
                break
    for timing in timings:
        if timing.problem:
            yield Outcome(timing.task, not_measured=timing.problem)
        else:
            details = {
                **session,
                "samples_ms": timing.samples_ms,
                "warm_up_ms": timing.warm_up_ms,
                "cold_start_ms": timing.cold_ms,
                "timed_with": [t.task.subject.title for t in timings],
            }
            yield Outcome(timing.task, _values(timing), details)


def _one_round(timings: list[Timing]) -> None:
    order = [timing for timing in timings if not timing.problem]
    random.shuffle(order)
    for timing in order:
        time.sleep(PAUSE_S)
        try:
            timing.samples_ms.append(timing.worker.call(sample))
        except SuiteError as error:
            timing.problem = str(error)


def _values(timing: Timing) -> tuple[Value, ...]:
    median, lower, upper = bootstrap_median(timing.samples_ms)
    return (
        Value("latency_ms", median, "ms", lower, upper),
        Value("latency_p95_ms", float(np.quantile(timing.samples_ms, 0.95)), "ms"),
        Value("cold_start_ms", timing.cold_ms, "ms"),
    )
