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

from suite.errors import SuiteError
from suite.isolation import one_line
from suite.measures.traffic import bytes_moved
from suite.measures.walk import Walk, operator_name

if TYPE_CHECKING:
    from torch import Tensor, nn

aten = torch.ops.aten

Shape = tuple[int, ...]


@dataclass(slots=True)
class Call:
    """One operator as the network called it, such as ``conv2d``, with all that it executed inside."""

    name: str
    """Name of the operator as `operator_name` has it."""
    shapes: tuple[Shape | None, ...]
    """Shape of each positional argument that is a tensor, None for the others."""
    outputs: int = 0
    """Elements of its result."""
    macs: int = 0
    bias_additions: int = 0
    activations: int = 0
    convolutions: int = 0
    bytes_moved: int = 0
    """Bytes that it reads and writes, each tensor once an operator."""


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
    bytes_moved: int = field(default=0, compare=False)
    """Bytes of all operators' inputs and outputs: see `suite.measures.traffic`."""
    calls: list[Call] = field(default_factory=list, compare=False)
    """The operators in the order in which they were called."""


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


def _fused_convolution(args: Sequence[Any], output: Tensor) -> Count:
    """With an activation or a sum: a sum has one tensor more, before or after the input."""
    weight, bias = (
        args[2:4] if isinstance(args[1], torch.Tensor) and not isinstance(args[3], list) else args[1:3]
    )
    macs = convolution_macs((), weight.shape, output.shape, transposed=False)
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


def _convolution_of_sequences(args: Sequence[Any], output: Tensor) -> Count:
    taps, inputs, _ = args[1].shape  # data is (time, batch, channels)
    return Count(output.numel() * taps * inputs, bias=True, convolution=True)


def _attention(args: Sequence[Any], output: Any) -> Count:
    """Queries by keys, then weights by values. Masked pairs count: they are computed as well.

    Shapes are ``(..., length, features)``.
    """
    query, key, value = (arg.shape for arg in args[:3])
    return Count(math.prod(query[:-1]) * key[-2] * (query[-1] + value[-1]), layer=False)


RULES: dict[Any, Callable[[Sequence[Any], Any], Count]] = {
    aten.convolution: _convolution,
    aten._convolution: _convolution,
    torch.ops.mkldnn._convolution_pointwise: _fused_convolution,
    torch.ops.mkldnn._convolution_pointwise_: _fused_convolution,
    aten.conv_tbc: _convolution_of_sequences,
    aten.linear: _linear,
    aten.mm: _product(0, bias=False),
    aten.bmm: _product(0, bias=False),
    aten.mv: _product(0, bias=False),
    aten.dot: _product(0, bias=False),
    aten.vdot: _product(0, bias=False),
    aten.addmm: _product(1, bias=True),
    aten.baddbmm: _product(1, bias=True),
    aten.addmv: _product(1, bias=True),
    aten.addbmm: _addbmm,
    **{
        getattr(aten, f"_scaled_dot_product_{kind}"): _attention
        for kind in (
            "flash_attention",
            "flash_attention_for_cpu",
            "efficient_attention",
            "cudnn_attention",
            "fused_attention_overrideable",
        )
    },
}
"""Composite operators (``conv2d``, ``matmul``, ``einsum``, attention in plain form) are taken apart first."""

# fmt: off
MOVES_ONLY = frozenset(
    {
        "alias", "arange", "as_strided", "cat", "clone", "constant_pad_nd", "contiguous", "copy_",
        "detach", "detach_", "empty", "empty_like", "expand", "fill_", "flip", "full", "full_like", "gather",
        "im2col", "index", "index_select", "lift_fresh", "native_channel_shuffle", "new_empty", "new_full",
        "new_ones", "new_zeros", "ones", "ones_like", "permute", "pixel_shuffle", "pixel_unshuffle",
        "reflection_pad1d", "reflection_pad2d", "repeat", "replication_pad1d", "replication_pad2d", "reshape",
        "roll", "scalar_tensor", "select", "slice", "split", "split_with_sizes", "squeeze", "stack", "t",
        "transpose", "unbind", "unfold", "unsafe_split", "unsafe_view", "unsqueeze", "view", "zero_",
        "zeros", "zeros_like", "_to_copy", "_unsafe_view",
    }
)
# fmt: on
"""Operators that move or make numbers without computing on them."""


class OperatorCounter(Walk):  # type: ignore[no-untyped-call]
    """Adds every operator that is executed inside its context to a `Tally`."""

    def __init__(self) -> None:
        super().__init__(RULES)
        self.tally = Tally()
        self.executing = False
        """Whether an operator runs at this moment; some are written in Python and call functions."""

    def begin(self, func: Any, args: Sequence[Any]) -> None:
        """Note the call."""
        self.tally.calls.append(Call(operator_name(func), tuple(map(_shape, args))))

    def end(self, output: Any) -> None:
        """Note the size of its result."""
        self.tally.calls[-1].outputs = _elements(output)

    def execute(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Execute an operator and add what it does. Raises `SuiteError` if that depends on values."""
        name = operator_name(func)
        self.executing = True
        try:
            output = func(*args, **kwargs)
        except (NotImplementedError, RuntimeError) as error:
            if (reason := _reason(func, name)) is None or not _without_data(args):
                raise
            raise reason from error
        finally:
            self.executing = False
        rule = RULES.get(func.overloadpacket)
        self._add(
            None if rule is None else rule(args, output), output, bytes_moved(func, args, kwargs, output)
        )
        if rule is None and name not in MOVES_ONLY:
            self.tally.others[name] += _elements(output)
        return output

    def _add(self, count: Count | None, output: Any, moved: int) -> None:
        call, outputs = self.tally.calls[-1], _elements(output)
        self.tally.bytes_moved += moved
        call.bytes_moved += moved
        if count is None:
            return
        bias_additions = outputs if count.bias else 0
        activations = outputs if count.layer else 0
        self.tally.macs += count.macs
        self.tally.bias_additions += bias_additions
        self.tally.activations += activations
        self.tally.convolutions += count.convolution
        call.macs += count.macs
        call.bias_additions += bias_additions
        call.activations += activations
        call.convolutions += count.convolution


def _shape(argument: Any) -> Shape | None:
    return tuple(argument.shape) if isinstance(argument, torch.Tensor) else None


def _elements(output: Any) -> int:
    """Elements of a result; the first of several is meant, positions or statistics may follow it."""
    result = output[0] if isinstance(output, tuple | list) and output else output
    return result.numel() if isinstance(result, torch.Tensor) else 0


def _without_data(args: Sequence[Any]) -> bool:
    return any(isinstance(arg, torch.Tensor) and arg.is_meta for arg in args)


def _reason(func: Any, name: str) -> SuiteError | None:
    """Why an operator fails on tensors without data, if it is not its arguments that are wrong."""
    if {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & set(func.tags):
        return SuiteError(
            f"what the network executes depends on the values of its data ({name}), so that it cannot be "
            "counted: give it a forward pass that depends on sizes alone."
        )
    if func.namespace != "aten":
        return SuiteError(
            f"the network cannot be counted, since the operator {name} does not say what shape its result "
            "has: register a fake implementation of it."
        )
    return None


def tally(network: nn.Module, image: Tensor) -> Tally:
    """What one forward pass executes. With network and image on the meta device nothing is computed.

    Raises `SuiteError` if what is executed depends on values, or if an operator from outside PyTorch
    does not say the shape of its result.
    """
    with torch.inference_mode(), OperatorCounter() as counter:
        try:
            network(image)
        except (NotImplementedError, TypeError) as error:
            if not image.is_meta or "meta" not in str(error):
                raise
            raise SuiteError(
                f"the network takes data out of PyTorch, so that it cannot be counted ({one_line(error)})."
            ) from None
    return counter.tally
