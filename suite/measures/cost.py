"""Cost: what a network consists of and how many operations it executes.

The suite's own counts do not execute them; fvcore and ptflops run the network once.

``docs/definitions.md`` states what each figure is. Beside the suite's own counts stand those of fvcore,
of ptflops and of the NTIRE 2022 challenge script, since published tables come from all of these.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from suite.errors import SuiteError
from suite.isolation import one_line
from suite.measures.operators import tally
from suite.records import Value
from suite.task import Outcome, Say, Size, Task
from suite.weights import build

if TYPE_CHECKING:
    from torch import Tensor, nn


def ntire_counts(network: nn.Module, size: Size) -> tuple[int, int]:
    """``macs_ntire`` and ``activations_ntire`` of one input: the NTIRE 2022 script's conventions.

    The script hooks modules: convolutions count kernel elements at every output position (also
    transposed ones, which is ``stride^2`` times too much) without bias, ReLU-like activations one per
    element, batch normalisation one or (with affine parameters) two, and a linear layer
    ``batch * input.shape[1] * output.shape[1]``, which is right for a matrix of features only. Its
    activations are the outputs of ``nn.Conv2d`` and ``nn.ConvTranspose2d``. ``network`` is on the meta
    device.
    """
    import torch
    from torch import nn

    counts = [0, 0]

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        match module:
            case nn.Conv2d() | nn.ConvTranspose2d():
                kernel = math.prod(module.kernel_size) * module.in_channels // module.groups
                counts[0] += kernel * output.numel()
                counts[1] += output.numel()
            case nn.BatchNorm2d():
                counts[0] += output.numel() * (2 if module.affine else 1)
            case nn.Linear():
                counts[0] += output.shape[0] * inputs[0].shape[1] * output.shape[1]
            case nn.ReLU() | nn.PReLU() | nn.ELU() | nn.LeakyReLU() | nn.ReLU6():
                counts[0] += output.numel()

    hooks = [module.register_forward_hook(hook) for module in network.modules()]
    try:
        with torch.no_grad():
            network(torch.empty((1, *size), device="meta"))
    finally:
        for handle in hooks:
            handle.remove()
    return counts[0], counts[1]


def fvcore_macs(network: nn.Module, size: Size) -> int:
    """``FlopCountAnalysis(...).total()`` of fvcore, whose "flops" are multiply-accumulates."""
    import torch
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(network, torch.zeros(1, *size))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    logger = logging.getLogger("fvcore.nn.jit_analysis")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return int(analysis.total())
    finally:
        logger.setLevel(level)


def ptflops_macs(network: nn.Module, size: Size) -> int:
    """The count of ptflops with its default back end (``pytorch``: hooks on modules and functions)."""
    import ptflops

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        macs, _ = ptflops.get_model_complexity_info(
            network, size, as_strings=False, print_per_layer_stat=False, backend="pytorch"
        )
    if macs is None:
        raise SuiteError("ptflops could not count this network.")
    return int(macs)


def count(task: Task) -> tuple[tuple[Value, ...], dict[str, Any]]:
    """All cost figures of a task's network at the task's input size, and the details of the record.

    A tool that cannot count the network leaves out its figure and says why; the others stand.
    """
    import torch

    card, scale, size = task.subject.card, task.subject.scale, task.input
    assert size is not None
    meta = build(card, scale).to("meta")
    own = tally(meta, torch.empty((1, *size), device="meta"))
    figures = {
        "params": sum(parameter.numel() for parameter in meta.parameters()),
        "macs": own.macs,
        "macs_with_bias": own.macs + own.bias_additions,
        "activations": own.activations,
        "conv_layers": own.convolutions,
    }
    figures["macs_ntire"], figures["activations_ntire"] = ntire_counts(meta, size)
    failures: dict[str, str] = {}
    for metric, tool in (("macs_fvcore", fvcore_macs), ("macs_ptflops", ptflops_macs)):
        try:
            with torch.no_grad():  # a fresh network each time: the tools leave hooks behind
                figures[metric] = tool(build(card, scale), size)
        except Exception as error:  # other people's code meets a network that it does not know
            failures[metric] = one_line(error)
    details = {"operators_without_macs": dict(sorted(own.others.items())), "not_counted": failures}
    return tuple(Value(metric, figure) for metric, figure in figures.items()), details


def run(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """Count each task by itself."""
    import torch

    for task in tasks:
        say("counting")
        torch.set_num_threads(task.subject.threads)
        yield Outcome(task, *count(task))
