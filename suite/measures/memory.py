"""Memory: the peak that one forward pass allocates, in a fresh process, and the size of the weights.

The figure is the allocator's own: bytes that are live at once, beyond the weights and the input, which
lie there before. The output counts, and so does scratch space that operators take from PyTorch's
allocator; what libraries below take from the system themselves does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from suite.backends import Forward, backend_by_name, place, prepare, synchronize, test_image
from suite.backends.proof import prove
from suite.isolation import State, Worker
from suite.records import Value
from suite.task import Outcome, Say, Size, Subject, Task
from suite.weights import build

if TYPE_CHECKING:
    from torch import Tensor


def peak_bytes(forward: Forward, image: Tensor, device: str) -> int:
    """Peak of live bytes during ``forward(image)`` beyond those that were live before it.

    ``image`` is on the device already, in the precision that runs.
    """
    if device == "cuda":
        import torch

        synchronize(device)
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        forward(image)
        synchronize(device)
        return torch.cuda.max_memory_allocated() - before
    return _peak_on_cpu(forward, image)


def _peak_on_cpu(forward: Forward, image: Tensor) -> int:
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        forward(image)
    # Every allocation and release in the order in which the allocator reported them.
    assert profiler.profiler is not None and profiler.profiler.kineto_results is not None
    live = peak = 0
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            live += event.nbytes()
            peak = max(peak, live)
    return peak


def measure(state: State, subject: Subject, size: Size) -> tuple[int, int]:
    """``peak_bytes`` and ``weights_bytes`` of a subject; runs in a worker.

    One pass goes before, so that what is allocated once and kept is there already.
    """
    forward = prepare(subject)
    image = place(test_image(size, subject.card.input.range), subject.device, subject.precision)
    forward(image)
    network = build(subject.card, subject.scale)
    numbers = sum(t.numel() for t in (*network.parameters(), *network.buffers()))
    return peak_bytes(forward, image, subject.device), numbers * image.element_size()


def run(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """Measure each task in a process of its own."""
    for task in tasks:
        say("in a process of its own")
        assert task.input is not None
        if backend_by_name(task.subject.backend).outside:
            reason = (
                f"{task.subject.backend} takes its memory past PyTorch's allocator, whose bytes are counted."
            )
            yield Outcome(task, not_measured=reason)
            continue
        proven = prove(task.subject, task.patience, say)
        with Worker(task.title, task.patience) as worker:
            peak, weights = worker.call(measure, task.subject, task.input)
        values = (Value("peak_bytes", peak, "bytes"), Value("weights_bytes", weights, "bytes"))
        yield Outcome(task, values, proven.details)
