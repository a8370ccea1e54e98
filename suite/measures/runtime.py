"""Runtime: the time of one forward pass, compared fairly between networks.

Each network lives in a process of its own. Only one of them works at a time, and they are timed in
rounds, one pass each, in an order drawn anew for every round: whatever the machine does meanwhile hits
all of them alike. The first pass (cold start) is kept apart, and passes before the time settles are
dropped. The first network is there twice: what its two processes differ by is the noise of the session.

A task with a dataset instead of an input is timed as the challenges do it: every image of the set once,
the cold first one included.
"""

from __future__ import annotations

import contextlib
import math
import random
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suite.backends import place, synchronize, test_image
from suite.backends.proof import Proven, prove
from suite.environment import busy_share, load_average
from suite.errors import SuiteError
from suite.images import Rgb
from suite.isolation import State, Worker
from suite.records import Value
from suite.statistics import bootstrap_median
from suite.task import Outcome, Say, Size, Subject, Task
from suite.timing import noise_floor
from suite.upscaling import to_input


@dataclass(frozen=True, slots=True)
class Effort:
    """How long a network is timed: round after round until its time is used up, within the bounds."""

    least: int
    """Rounds that it takes part in, unless it has used `PATIENCE` times its time by then."""
    most: int
    seconds: float
    """Time of one network's passes, all rounds together."""


EFFORTS = {
    "quick": Effort(5, 20, 3.0),
    "standard": Effort(9, 50, 10.0),
    "rigorous": Effort(31, 300, 60.0),
}

PATIENCE = 6
FEWEST = 3
"""Rounds of every network, however slow."""

PAUSE_S = 0.02
"""Rest before each pass: the threads of the network before may spin for some milliseconds yet."""

MIN_WARM_UP, MAX_WARM_UP = 3, 10
MAX_WARM_UP_S = 5.0
STABLE = 0.05
"""Warm-up ends when three passes in a row differ by no more than this share, or at the bounds above."""


def start(state: State, proven: Proven, size: Size) -> tuple[float, list[float]]:
    """Load a network and pass the first images through it; runs in a worker.

    Returns the time of the very first pass and of the warm-up passes after it, in milliseconds.
    """
    subject = proven.subject
    state["forward"] = proven.prepare()
    state["image"] = place(test_image(size, subject.card.input.range), subject.device, subject.precision)
    state["device"] = subject.device
    cold, warm = sample(state), [sample(state)]
    while len(warm) < MAX_WARM_UP and sum(warm) < MAX_WARM_UP_S * 1000:
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
    proven: Proven
    worker: Worker
    cold_ms: float
    warm_up_ms: list[float]
    samples_ms: list[float] = field(default_factory=list)
    problem: str = ""

    def wants_more(self, effort: Effort) -> bool:
        """Whether it takes part in the next round."""
        rounds, used = len(self.samples_ms), math.fsum(self.samples_ms) / 1000
        if self.problem or rounds >= effort.most:
            return False
        if rounds < effort.least:
            return rounds < FEWEST or used < PATIENCE * effort.seconds
        return used < effort.seconds


def run(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """Time the tasks' networks together. A network that fails is named and left out; the others go on."""
    if tasks[0].dataset_name:
        for task in tasks:
            yield _over_a_dataset(task, say)
        return
    effort = EFFORTS[tasks[0].effort]
    with contextlib.ExitStack() as stack:
        timings: list[Timing] = []
        twin: Timing | None = None
        for task in tasks:
            say(f"warming up {task.subject.title}")
            try:
                timings.append(_begin(task, stack, say))
            except SuiteError as error:
                yield Outcome(task, not_measured=str(error))
        if timings:
            say(f"warming up {timings[0].task.subject.title} once more, to know the noise")
            with contextlib.suppress(SuiteError):  # then the noise is not known, and the record says so
                twin = _begin(timings[0].task, stack, say)
        session = session_of(
            [timing.task for timing in timings]
        )  # while all of them rest: whatever is busy is not ours
        everybody = [*timings, *([twin] if twin else [])]
        number = 0
        while takers := [timing for timing in everybody if timing.wants_more(effort)]:
            number += 1
            say(f"round {number}, networks in turn")
            _one_round(takers)
    session["noise"] = _noise(timings[0], twin) if timings else None
    for timing in timings:
        if timing.problem:
            yield Outcome(timing.task, not_measured=timing.problem)
            continue
        details = {
            **session,
            "samples_ms": timing.samples_ms,
            "warm_up_ms": timing.warm_up_ms,
            "cold_start_ms": timing.cold_ms,
            **timing.proven.details,
        }
        if twin and timing is timings[0]:
            details["twin_ms"] = twin.samples_ms
        yield Outcome(timing.task, _values(timing), details)


def _begin(task: Task, stack: contextlib.ExitStack, say: Say) -> Timing:
    """Start a network in a process that lives as long as the stack. Raises `SuiteError`."""
    assert task.input is not None
    proven = prove(task.subject, task.patience, say)
    worker = stack.enter_context(Worker(task.title, task.patience))
    return Timing(task, proven, worker, *worker.call(start, proven, task.input))


def session_of(tasks: Sequence[Task]) -> dict[str, Any]:
    """What networks that are timed together share: called while all of them rest."""
    return {
        "session": uuid.uuid4().hex[:8],
        "timed_with": [task.subject.title for task in tasks],
        "busy_before": busy_share(),
        "load_before": load_average(),
    }


def _one_round(timings: list[Timing]) -> None:
    for timing in random.sample(timings, len(timings)):
        time.sleep(PAUSE_S)
        try:
            timing.samples_ms.append(timing.worker.call(sample))
        except SuiteError as error:
            timing.problem = str(error)


def _noise(timing: Timing, twin: Timing | None) -> dict[str, Any] | None:
    """What two processes with one network differed by; None where that is not known."""
    if twin is None or twin.problem or timing.problem:
        return None
    rounds = min(len(timing.samples_ms), len(twin.samples_ms))
    floor = noise_floor(timing.samples_ms[:rounds], twin.samples_ms[:rounds])
    return {"of": timing.task.subject.title, "rounds": rounds, "floor": floor}


def _values(timing: Timing) -> tuple[Value, ...]:
    median, lower, upper = bootstrap_median(timing.samples_ms)
    return (
        Value("latency_ms", median, "ms", lower, upper),
        Value("latency_p95_ms", float(np.quantile(timing.samples_ms, 0.95)), "ms"),
        Value("cold_start_ms", timing.cold_ms, "ms"),
    )


def _over_a_dataset(task: Task, say: Say) -> Outcome:
    """The challenges' convention: the mean time of a set's images, in a process that has run nothing yet."""
    if task.dataset is None:
        raise SuiteError(f"{task.dataset_name} was not opened.")
    times: dict[str, float] = {}
    proven = prove(task.subject, task.patience, say)
    with Worker(task.title, task.patience) as worker:
        worker.call(load, proven)
        for pair in task.dataset.pairs():
            say(f"{len(times) + 1}/{len(task.dataset.files)} {pair.name}")
            times[pair.name] = worker.call(pass_image, task.subject, pair.lr, pair.name)
    mean = math.fsum(times.values()) / len(times)
    dataset = {"digest": task.dataset.digest, "images": len(times)}
    details = {"images_ms": times, "dataset": dataset, **proven.details}
    return Outcome(task, (Value("ntire_mean_ms", mean, "ms"),), details)


def load(state: State, proven: Proven) -> None:
    """Load a network and run nothing; runs in a worker."""
    state["forward"], state["device"] = proven.prepare(), proven.subject.device


def pass_image(state: State, subject: Subject, image: Rgb, name: str) -> float:
    """Time of one forward pass of an image in milliseconds; runs in a worker.

    Conversion to a tensor and the way to the device are not in it, as in the challenges' scripts.
    """
    state["image"] = place(to_input(subject, image, name), subject.device, subject.precision)
    return sample(state)
