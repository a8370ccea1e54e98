"""The time of every operator of a forward pass."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from suite.measures.operators import RULES
from suite.measures.walk import Walk, operator_name

if TYPE_CHECKING:
    from torch import Tensor

    from suite.backends import Forward


class Stopwatch(Walk):  # type: ignore[no-untyped-call]
    """Times the operators that are executed inside its context, by the call of the network's they belong to.

    A clock is read right before and behind each operator, so that Python between them is in no operator's
    time. On CUDA events in the stream take the clock's place.
    """

    def __init__(self, device: str) -> None:
        super().__init__(RULES)
        self.names: list[str] = []
        self._nanoseconds: list[int] = []
        self._events: list[list[tuple[torch.cuda.Event, torch.cuda.Event]]] = []
        self._cuda = device == "cuda"

    def begin(self, func: Any, args: Sequence[Any]) -> None:
        self.names.append(operator_name(func))
        self._nanoseconds.append(0)
        self._events.append([])

    def end(self, output: Any) -> None:
        pass

    def execute(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if self._cuda:
            start, stop = (_event() for _ in range(2))
            start.record()
            output = func(*args, **kwargs)
            stop.record()
            self._events[-1].append((start, stop))
            return output
        begin = time.perf_counter_ns()
        output = func(*args, **kwargs)
        self._nanoseconds[-1] += time.perf_counter_ns() - begin
        return output

    def milliseconds(self) -> list[float]:
        """Time of each call in the order of `names`."""
        if self._cuda:
            torch.cuda.synchronize()
            return [sum(start.elapsed_time(stop) for start, stop in pairs) for pairs in self._events]
        return [nanoseconds / 1e6 for nanoseconds in self._nanoseconds]


def _event() -> torch.cuda.Event:
    event: torch.cuda.Event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    return event


def timed_pass(forward: Forward, image: Tensor, device: str) -> tuple[list[str], list[float]]:
    """Names and times in milliseconds of the operators of ``forward(image)``, in their order."""
    stopwatch = Stopwatch(device)
    with torch.inference_mode(), stopwatch:
        forward(image)
    return stopwatch.names, stopwatch.milliseconds()
