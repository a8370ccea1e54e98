"""The measures. Each module has ``run(tasks, say)``, which yields one outcome a task."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.errors import unknown_name

if TYPE_CHECKING:
    from suite.task import Run, Task


@dataclass(frozen=True, slots=True)
class Measure:
    """What is declared about a measure; its code is imported when it runs."""

    name: str
    module: str
    version: int
    """Counted up when the same task would give other values; old records are then not reused."""
    description: str
    metrics: tuple[str, ...]
    isolated: bool = False
    """Whether networks run in processes that the measure starts, never in its own."""
    usual: bool = True
    """Whether it is measured unless other measures are named."""
    alone: bool = False
    """Whether its tasks must have the machine for themselves: see `suite.locks.hold_machine`."""
    by_image: bool = False
    """Whether tasks may be divided by the images of their dataset."""

    def load(self) -> Run:
        """The measure's ``run`` function."""
        run: Run = importlib.import_module(self.module).run
        return run

    def group(self, task: Task) -> tuple[object, ...]:
        """Tasks of one group run together: protocols of one evaluation, models timed in turn."""
        if self.name == "quality":
            return (task.subject, task.dataset_name)
        if self.name in ("runtime", "profile") and not task.dataset_name:
            return (task.input, task.subject.scale, task.effort)
        return (task,)


_MEASURES = (
    Measure(
        "quality",
        "suite.measures.quality",
        1,
        "PSNR and SSIM of each image of a dataset, and their means",
        ("psnr", "ssim"),
        by_image=True,
    ),
    Measure(
        "cost",
        "suite.measures.cost",
        3,
        "parameters, multiply-accumulates, activations, convolutions, bytes moved, and other tools' counts",
        (
            "params",
            "macs",
            "macs_with_bias",
            "macs_fvcore",
            "macs_ptflops",
            "macs_ptflops_aten",
            "macs_ntire",
            "activations",
            "activations_ntire",
            "conv_layers",
            "bytes_moved",
        ),
    ),
    Measure(
        "memory",
        "suite.measures.memory",
        1,
        "peak of the memory that one forward pass allocates, and the size of the weights",
        ("peak_bytes", "weights_bytes"),
        isolated=True,
        alone=True,
    ),
    Measure(
        "runtime",
        "suite.measures.runtime",
        2,
        "time of one forward pass, models in turn, each in a process of its own",
        ("latency_ms", "latency_p95_ms", "cold_start_ms", "ntire_mean_ms"),
        isolated=True,
        alone=True,
    ),
    Measure(
        "profile",
        "suite.measures.profile",
        1,
        "where the time of a forward pass goes, operator by operator, under the machine's own ceilings",
        ("forward_ms", "operators_ms", "rest_ms", "minor_faults"),
        isolated=True,
        alone=True,
        usual=False,
    ),
)

MEASURES: dict[str, Measure] = {measure.name: measure for measure in _MEASURES}

USUAL = tuple(name for name, measure in MEASURES.items() if measure.usual)
"""The measures of a run that names none."""


def measure_by_name(name: str) -> Measure:
    """A measure. Raises `suite.errors.UsageError` with the nearest name if unknown."""
    if name not in MEASURES:
        raise unknown_name("measure", name, MEASURES)
    return MEASURES[name]
