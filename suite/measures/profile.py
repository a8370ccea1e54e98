"""Profile: where the time of a forward pass goes, operator by operator, and what each of them costs.

Each network lives in a process of its own, as for runtime. In every round a network makes one pass as it is
and one in which every operator is timed, in an order drawn anew; the former is the measured forward, the
latter says how it divides. The time of a call is its mean over the middle half of the rounds, ranked by the
time of all operators. Everything else, of a layer, of a kind, of all, is a sum of those, so that any table
adds up; what is left between them and the forward as it is, is shown as the rest.
"""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suite.backends import backend_by_name, place, test_image
from suite.errors import SuiteError
from suite.isolation import State, Worker
from suite.kinds import kind_order
from suite.measures import ceilings, runtime
from suite.measures.steps import Step, walk
from suite.measures.stopwatch import timed_pass
from suite.records import Value
from suite.statistics import bootstrap_median, middle_means, middle_rounds
from suite.task import Outcome, Say, Size, Subject, Task
from suite.weights import load_model

COLUMNS = (
    *("path", "layer", "operator", "kind", "calls"),
    *("params", "macs", "activations", "convolutions", "bytes_moved", "time_ms"),
)
"""What a row of ``details["layers"]`` holds."""

LEFT_OVER = "read by no operator"
"""Path of the parameters that the pass did not use."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the system says of one pass of a process; zeros where it says nothing."""

    minor_faults: int = 0
    """Pages that were given to the process without reading a disk: freshly allocated memory."""
    major_faults: int = 0
    user_ms: float = 0.0
    """Processor time outside of the system, of all threads."""
    system_ms: float = 0.0


def usage() -> Usage:
    """What this process has used so far."""
    try:
        import resource
    except ImportError:  # Windows
        return Usage()
    now = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(now.ru_minflt, now.ru_majflt, now.ru_utime * 1000, now.ru_stime * 1000)


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is known of a network before it is timed."""

    cold_ms: float
    steps: tuple[Step, ...]
    params: int
    """Of the whole network, used or not."""


def start(state: State, subject: Subject, size: Size) -> Beginning:
    """Load a network, warm up, and walk through it once; runs in a worker."""
    import torch

    from suite.allocator import apply_treatment

    apply_treatment()
    torch.set_num_threads(subject.threads)
    network = load_model(subject.card, subject.scale, subject.weights)
    forward = backend_by_name(subject.backend).prepare(network, subject.device, subject.precision)
    image = place(test_image(size, subject.card.input.range), subject.device, subject.precision)
    state.update(forward=forward, image=image, device=subject.device)
    cold = runtime.sample(state)
    steps = walk(network, forward, image)
    state["names"] = [step.operator for step in steps]
    for _ in range(2):
        runtime.sample(state)
    timed(state)
    return Beginning(cold, steps, sum(parameter.numel() for parameter in network.parameters()))


def plain(state: State) -> tuple[float, Usage]:
    """One pass as it is: its time in milliseconds and what it used; runs in a worker."""
    before = usage()
    milliseconds = runtime.sample(state)
    after = usage()
    return milliseconds, Usage(
        after.minor_faults - before.minor_faults,
        after.major_faults - before.major_faults,
        after.user_ms - before.user_ms,
        after.system_ms - before.system_ms,
    )


def timed(state: State) -> list[float]:
    """One pass whose operators are timed: milliseconds of each call; runs in a worker.

    Raises `SuiteError` if the network executes something else than when it was walked through.
    """
    names, milliseconds = timed_pass(state["forward"], state["image"], state["device"])
    if names != state["names"]:
        raise SuiteError("the network does not execute the same operators in every pass: it has no profile.")
    return milliseconds


@dataclass(slots=True)
class Profiling:
    """One network while it is profiled."""

    task: Task
    worker: Worker
    beginning: Beginning
    samples_ms: list[float] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    calls_ms: list[list[float]] = field(default_factory=list)
    problem: str = ""

    def wants_more(self, effort: runtime.Effort) -> bool:
        """Whether it takes part in the next round: as for runtime, both passes counted."""
        rounds = len(self.calls_ms)
        used = (math.fsum(self.samples_ms) + math.fsum(map(math.fsum, self.calls_ms))) / 1000
        if self.problem or rounds >= effort.most:
            return False
        if rounds < effort.least:
            return rounds < runtime.FEWEST or used < runtime.PATIENCE * effort.seconds
        return used < effort.seconds

    def one_round(self) -> None:
        """Both passes, in an order drawn anew."""
        try:
            for what in random.sample(("plain", "timed"), 2):
                time.sleep(runtime.PAUSE_S)
                if what == "plain":
                    milliseconds, used = self.worker.call(plain)
                    self.samples_ms.append(milliseconds)
                    self.usages.append(used)
                else:
                    self.calls_ms.append(self.worker.call(timed))
        except SuiteError as error:
            self.problem = str(error)


def run(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """Profile the tasks' networks together. A network that fails is named and left out; the others go on."""
    effort = runtime.EFFORTS[tasks[0].effort]
    with contextlib.ExitStack() as stack:
        profilings: list[Profiling] = []
        for task in tasks:
            say(f"warming up {task.subject.title}")
            try:
                profilings.append(_begin(task, stack))
            except SuiteError as error:
                yield Outcome(task, not_measured=str(error))
        session = runtime.session_of([profiling.task for profiling in profilings])
        number = 0
        while takers := [profiling for profiling in profilings if profiling.wants_more(effort)]:
            number += 1
            say(f"round {number}, networks in turn")
            for profiling in random.sample(takers, len(takers)):
                profiling.one_round()
        say("measuring what the machine can do")
        found = _ceilings(profilings)
    for profiling in profilings:
        if profiling.problem:
            yield Outcome(profiling.task, not_measured=profiling.problem)
        else:
            yield _outcome(profiling, {**session, "ceilings": found})


def _begin(task: Task, stack: contextlib.ExitStack) -> Profiling:
    assert task.input is not None
    worker = stack.enter_context(Worker(task.title, task.patience))
    return Profiling(task, worker, worker.call(start, task.subject, task.input))


def _ceilings(profilings: Sequence[Profiling]) -> list[dict[str, Any]]:
    """Those of the machine, measured in the process of the first network that is still there."""
    for profiling in profilings:
        if not profiling.problem:
            subject = profiling.task.subject
            threads = sorted({1, subject.threads}) if subject.device == "cpu" else [subject.threads]
            return profiling.worker.call(ceilings.measure, subject.device, threads)
    return []


def _outcome(profiling: Profiling, session: dict[str, Any]) -> Outcome:
    """Values and details of one network."""
    beginning, calls_ms = profiling.beginning, np.asarray(profiling.calls_ms)
    totals = [math.fsum(round_ms) for round_ms in profiling.calls_ms]
    steps, times = beginning.steps, calls_ms[middle_rounds(totals)].mean(axis=0)
    forward, lower, upper = bootstrap_median(profiling.samples_ms)
    operators = math.fsum(times)
    faults = float(np.median([used.minor_faults for used in profiling.usages]))
    details = {
        **session,
        "samples_ms": profiling.samples_ms,
        "operators_ms": totals,
        "cold_start_ms": beginning.cold_ms,
        "usage": {
            name: float(np.median([getattr(used, name) for used in profiling.usages]))
            for name in Usage.__dataclass_fields__
        },
        "kinds": _kinds(steps, calls_ms, totals),
        "layers": {"columns": list(COLUMNS), "rows": _layers(beginning, times.tolist())},
    }
    values = (
        Value("forward_ms", forward, "ms", lower, upper),
        Value("operators_ms", operators, "ms"),
        Value("rest_ms", forward - operators, "ms"),
        Value("minor_faults", faults),
    )
    return Outcome(profiling.task, values, details)


def _kinds(steps: Sequence[Step], calls_ms: Any, totals: Sequence[float]) -> list[dict[str, Any]]:
    """What the calls of each kind add up to, with the interval of their time."""
    names = sorted({step.kind for step in steps}, key=lambda kind: (kind_order(kind), kind))
    belongs = [np.array([step.kind == name for step in steps]) for name in names]
    rounds = np.stack([calls_ms[:, mine].sum(axis=1) for mine in belongs], axis=1)
    intervals = middle_means(rounds, totals)
    rows = []
    for name, (figure, lower, upper) in zip(names, intervals, strict=True):
        own = [step for step in steps if step.kind == name]
        times = {"time_ms": figure, "lower": lower, "upper": upper}
        rows.append({"kind": name, "calls": len(own), **_sums(own), **times})
    return rows


def _sums(steps: Sequence[Step]) -> dict[str, int]:
    names = ("params", "macs", "activations", "convolutions", "bytes_moved")
    return {name: sum(getattr(step, name) for step in steps) for name in names}


def _layers(beginning: Beginning, times: Sequence[float]) -> list[list[Any]]:
    """One row a layer, operator and kind, in the order of execution."""
    rows: dict[tuple[str, str, str, str], list[tuple[Step, float]]] = {}
    for step, milliseconds in zip(beginning.steps, times, strict=True):
        key = (step.path, step.layer, step.operator, step.kind)
        rows.setdefault(key, []).append((step, milliseconds))
    found: list[list[Any]] = []
    for key, members in rows.items():
        sums = _sums([step for step, _ in members])
        found.append([*key, len(members), *sums.values(), math.fsum(ms for _, ms in members)])
    if left := beginning.params - sum(step.params for step in beginning.steps):
        found.append([LEFT_OVER, "", "", "", 0, left, 0, 0, 0, 0, 0.0])
    return found
