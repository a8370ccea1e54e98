"""Deployment forms: other ways to compute the very function of a trained network.

Each `Rewrite` keeps the result up to rounding, at the borders of the image too. Whether one pays depends on
the machine: ``suite.deployment`` decides by measuring. All is for evaluation: a rewritten network can't be
trained.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

from torch import fx, nn

from bsrn import execution, folding, fused
from bsrn.graphs import finished, traced
from bsrn.native import CannotFuse, fuse_blocks

Transform = Callable[[nn.Module], "nn.Module | None"]
"""Takes a network that it may change, and gives the rewritten one; None where its pattern does not occur."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One way to compute the same in another order, with other weights or in other memory."""

    name: str
    description: str
    transform: Transform
    portable: bool = True
    """Whether the result also runs outside PyTorch and can be exported; else it is for PyTorch on a CPU."""

    def applies(self, network: nn.Module) -> bool:
        """Whether its pattern occurs in a network, which stays as it is."""
        return self.transform(copy.deepcopy(network)) is not None

    def rewrite(self, network: nn.Module) -> nn.Module:
        """The rewritten network.

        Takes a copy that it may change, and gives that back where it does not apply.
        """
        rewritten = self.transform(network)
        return network if rewritten is None else rewritten


def on_graph(change: Callable[[fx.GraphModule], bool]) -> Transform:
    """The transform of a network by what changes its graph and says whether it did."""

    def transform(network: nn.Module) -> nn.Module | None:
        graph = traced(network)
        return finished(graph) if graph is not None and change(graph) else None

    return transform


def _fuse_blocks(network: nn.Module) -> nn.Module | None:
    try:
        return fuse_blocks(network)
    except CannotFuse:
        return None


REWRITES: tuple[Rewrite, ...] = (
    Rewrite(
        "fuse-blocks",
        "BSRN's blocks run in code compiled for this processor, which keeps them in the cache",
        _fuse_blocks,
        portable=False,
    ),
    Rewrite(
        "fold-copies",
        "the copies of the image in the first convolution become one, its weights their sums",
        on_graph(folding.fold_copies),
    ),
    Rewrite(
        "linear-as-convolution",
        "linear layers on channels become 1x1 convolutions",
        on_graph(folding.linear_as_convolution),
    ),
    Rewrite(
        "merge-pointwise",
        "a 1x1 convolution before or after another convolution goes into its weights",
        on_graph(folding.merge_pointwise),
    ),
    Rewrite(
        "merge-separable",
        "pointwise and depthwise become one dense convolution",
        on_graph(folding.merge_separable),
    ),
    Rewrite(
        "fold-residual",
        "what is added to a dense convolution of itself goes into its weights",
        on_graph(folding.fold_residual),
    ),
    Rewrite(
        "bypass-pointwise",
        "a 1x1 convolution of a 1x1 convolution's output sees that one's input",
        on_graph(folding.bypass_pointwise),
    ),
    Rewrite(
        "accumulate-parts",
        "a 1x1 convolution of joined feature maps becomes a sum, with nothing joined",
        on_graph(folding.accumulate_parts),
    ),
    Rewrite(
        "merge-siblings",
        "1x1 convolutions of one input become one, its output split",
        on_graph(folding.merge_siblings),
    ),
    Rewrite(
        "one-pass-statistics",
        "mean and deviation of a channel are taken in one pass",
        on_graph(execution.one_pass_statistics),
        portable=False,
    ),
    Rewrite(
        "convolution-as-linear",
        "1x1 convolutions become matrix products of channels that come last",
        on_graph(folding.convolution_as_linear),
    ),
    Rewrite(
        "fuse-convolutions",
        "a convolution and the activation or the sum after it run as one operator of oneDNN",
        on_graph(fused.fuse_convolutions),
        portable=False,
    ),
    Rewrite(
        "in-place",
        "activations, sums and products overwrite an operand that is not needed again",
        on_graph(execution.in_place),
    ),
    Rewrite(
        "channels-last",
        "feature maps hold the channels of a position side by side",
        on_graph(execution.channels_last),
    ),
)
"""All rewrites, in the order in which they are applied."""
