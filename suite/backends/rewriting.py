"""A network in its fastest exact form for a backend: what ``NAME+deploy`` runs."""

from __future__ import annotations

import copy
import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suite.backends import backend_by_name, example_input, place, synchronize, test_image
from suite.backends.base import Forward
from suite.deployment import Deployed, deploy
from suite.task import Subject

if TYPE_CHECKING:
    from torch import nn

SIDE = 128
"""Side of the image with which forms are timed, in pixels."""
PASSES = 3
"""Passes whose median is the time of a form."""


def fastest_form(network: nn.Module, subject: Subject, *, portable: bool = False) -> Deployed:
    """The fastest exact form of a subject's network in its backend, in this process with its threads.

    ``portable`` leaves out rewrites that run in PyTorch's eager mode on the CPU alone, also where the backend
    could run them.
    """
    from suite.backends.agreement import usual_pairs
    from suite.upscaling import to_input

    plain = not portable and backend_by_name(subject.backend).takes_any_operator and subject.device == "cpu"
    pair = usual_pairs(subject)[0]
    return deploy(
        network,
        timer(subject),
        image=to_input(subject, pair.lr, pair.name),
        value_range=subject.card.input.range,
        portable=not plain,
    )


def timer(subject: Subject) -> Callable[[nn.Module], float]:
    """A function that gives the median time of a form in a subject's backend, in milliseconds."""
    convention = subject.card.input
    side = max(SIDE, convention.min_size)
    image = test_image((convention.channels, side, side), convention.range)
    image = place(image, subject.device, subject.precision)
    ready: dict[int, tuple[nn.Module, Forward]] = {}  # with the network, so that its id stays its own

    def sample(forward: Forward) -> float:
        synchronize(subject.device)
        begin = time.perf_counter_ns()
        forward(image)
        synchronize(subject.device)
        return (time.perf_counter_ns() - begin) / 1e6

    def timed(network: nn.Module) -> float:
        if id(network) not in ready:
            backend = backend_by_name(subject.backend)
            form = copy.deepcopy(network)  # a backend may move what it is given
            forward = backend.prepare(form, subject.device, subject.precision, example_input(subject))
            ready[id(network)] = (network, forward)
            forward(image)
        return statistics.median(sample(ready[id(network)][1]) for _ in range(PASSES))

    return timed


def plain(deployed: Deployed) -> dict[str, Any]:
    """What a record keeps of how a form was found, as plain JSON."""
    return {
        "rewrites": list(deployed.names),
        "difference": deployed.difference,
        "note": deployed.note,
        "trials": [dataclasses.asdict(trial) for trial in deployed.trials],
    }
