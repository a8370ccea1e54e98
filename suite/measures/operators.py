"""Counting operators as they are executed, functional calls included.

A table leads from the operator to a small pure function of shapes. Sources of the definitions: a
multiply-accumulate is one product added to a sum (the "FLOPs" of most SR papers, "Multi-Adds" of
others); activations are the elements of the outputs of convolutions and linear layers, as in "Designing
Network Design Spaces" (arXiv 2003.13678).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from torch import Tensor, nn

aten = torch.ops.aten
_COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd


@dataclass(slots=True)
class Tally:
    """What one forward pass executed."""

    macs: int = 0
    """Multiply-accumulates of convolutions, linear layers and matrix products, without bias."""
    bias_additions: int = 0
    """One per output element of an operator with bias."""
    activations: int = 0
    """Output elements of convolutions and linear layers."""
    convolutions: int = 0
    """Executed convolutions, transposed ones included; a layer called twice counts twice."""
    others: Counter[str] = field(default_factory=Counter)
    """Output elements of every other operator that computes, by name: none of them is in ``macs``."""


@dataclass(frozen=True, slots=True)
class Count:
    """What one operator adds to a tally."""

    macs: int
    bias: bool = False
    layer: bool = True
    """Whether its output counts as activations."""
    convolution: bool = False


def convolution_macs(
    input_shape: Sequence[int], weight_shape: Sequence[int], output_shape: Sequence[int], transposed: bool
) -> int:
    """Multiply-accumulates of a convolution: kernel elements by positions, of the input if transposed.

    Shapes are ``(N, C, ...)``. The weight's shape holds the groups already.
    """
    positions = input_shape if transposed else output_shape
    return positions[0] * math.prod(weight_shape) * math.prod(positions[2:])


def _convolution(args: Sequence[Any], output: Tensor) -> Count:
    x, weight, bias, transposed = args[0], args[1], args[2], args[6]
    macs = convolution_macs(x.shape, weight.shape, output.shape, transposed)
    return Count(macs, bias is not None, convolution=True)


def _linear(args: Sequence[Any], output: Tensor) -> Count:
    return Count(output.numel() * args[1].shape[1], len(args) > 2 and args[2] is not None)


def _product(position: int, *, bias: bool) -> Callable[[Sequence[Any], Tensor], Count]:
    """Rule of a product of matrices or vectors: each output element sums over the first factor's last
    dimension. ``position`` is that of the first factor among the arguments."""

    def rule(args: Sequence[Any], output: Tensor) -> Count:
        return Count(output.numel() * args[position].shape[-1], bias, layer=False)

    return rule


def _addbmm(args: Sequence[Any], output: Tensor) -> Count:
    batch, _, inner = args[1].shape  # the products of the batch are summed into one matrix
    return Count(output.numel() * batch * inner, bias=True, layer=False)


RULES: dict[Any, Callable[[Sequence[Any], Any], Count]] = {
    aten.convolution: _convolution,
    aten.linear: _linear,
    aten.mm: _product(0, bias=False),
    aten.bmm: _product(0, bias=False),
    aten.mv: _product(0, bias=False),
    aten.dot: _product(0, bias=False),
    aten.addmm: _product(1, bias=True),
    aten.baddbmm: _product(1, bias=True),
    aten.addmv: _product(1, bias=True),
    aten.addbmm: _addbmm,
}

# fmt: off
MOVES_ONLY = frozenset(
    {
        "alias", "arange", "as_strided", "cat", "clone", "constant_pad_nd", "contiguous", "copy_",
        "detach", "empty", "expand", "index_select", "lift_fresh", "new_empty", "permute",
        "pixel_shuffle", "pixel_unshuffle", "reflection_pad2d", "reshape", "select", "slice", "split",
        "split_with_sizes", "squeeze", "stack", "t", "transpose", "unbind", "unsafe_view", "unsqueeze",
        "view", "_to_copy", "_unsafe_view",
    }
)
# fmt: on
"""Operators that move or make numbers without computing on them."""


class OperatorCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds every operator that is executed inside its context to a `Tally`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tally = Tally()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        rule = RULES.get(func.overloadpacket)
        # Inference mode shows composite operators whole: linear, which has a rule, but also matmul, which
        # has to be taken apart to meet one. Interpolation is one operator to a reader of the list.
        if rule is None and not name.startswith("upsample") and func.has_kernel_for_dispatch_key(_COMPOSITE):
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        output = func(*args, **kwargs)
        if rule is not None:
            self._add(rule(args, output), output)
        elif name not in MOVES_ONLY:
            # The first of several outputs is the result; positions or statistics may follow it.
            result = output[0] if isinstance(output, tuple | list) and output else output
            self.tally.others[name] += result.numel() if isinstance(result, torch.Tensor) else 0
        return output

    def _add(self, count: Count, output: Tensor) -> None:
        self.tally.macs += count.macs
        self.tally.bias_additions += output.numel() if count.bias else 0
        self.tally.activations += output.numel() if count.layer else 0
        self.tally.convolutions += count.convolution


def tally(network: nn.Module, image: Tensor) -> Tally:
    """What one forward pass executes. With network and image on the meta device nothing is computed."""
    with torch.inference_mode(), OperatorCounter() as counter:
        network(image)
    return counter.tally
