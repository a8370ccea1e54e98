"""Cost: what a network consists of and how many operations it executes. Nothing is executed to count.

``docs/definitions.md`` states what each figure is. Beside the suite's own counts stand those of fvcore,
of ptflops and of the NTIRE 2022 challenge script, since published tables come from all of these, and
the audit that says what lies between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from suite.isolation import one_line
from suite.measures.audit import audit
from suite.measures.operators import tally
from suite.measures.tools import fvcore_macs, ntire_counts, ptflops_aten_macs, ptflops_macs
from suite.records import Value
from suite.task import Outcome, Say, Size, Task
from suite.weights import build

if TYPE_CHECKING:
    from torch import nn

_TOOLS: dict[str, Callable[[nn.Module, Size], int]] = {
    "macs_fvcore": fvcore_macs,
    "macs_ptflops": ptflops_macs,
    "macs_ptflops_aten": ptflops_aten_macs,
}


def count(task: Task) -> tuple[tuple[Value, ...], dict[str, Any]]:
    """All cost figures of a task's network at the task's input size, and the details of the record.

    A tool that cannot count the network leaves out its figure and says why; the others stand. Raises
    `suite.errors.SuiteError` if the suite's own counts cannot be made.
    """
    import torch

    card, scale, size = task.subject.card, task.subject.scale, task.input
    assert size is not None
    network = build(card, scale)
    meta = build(card, scale).to("meta")
    own = tally(meta, torch.empty((1, *size), device="meta"))
    figures = {
        "params": sum(parameter.numel() for parameter in meta.parameters()),
        "macs": own.macs,
        "macs_with_bias": own.macs + own.bias_additions,
        "activations": own.activations,
        "conv_layers": own.convolutions,
        "bytes_moved": own.bytes_moved,
    }
    figures["macs_ntire"], figures["activations_ntire"] = ntire_counts(meta, size)
    failures: dict[str, str] = {}
    for metric, tool in _TOOLS.items():
        try:
            figures[metric] = tool(network, size)
        except Exception as error:  # other people's code meets a network that it does not know
            failures[metric] = one_line(error)
    details = {
        "operators_without_macs": dict(sorted(own.others.items())),
        "not_counted": failures,
        "audit": audit(network, meta, own, size, figures),
    }
    units = {"bytes_moved": "bytes"}
    return tuple(Value(metric, figure, units.get(metric, "")) for metric, figure in figures.items()), details


def run(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """Count each task by itself."""
    for task in tasks:
        say("counting")
        yield Outcome(task, *count(task))
