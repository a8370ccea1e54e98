"""Convolutions that oneDNN computes together with what follows them, in one pass over memory.

PyTorch's own compiler calls the same operators. They exist where PyTorch was built with oneDNN, for tensors
on the CPU in fp32 or bf16; others go through PyTorch's own operators.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from bsrn.graphs import ADDITIONS, convolutions, layer_of, new_layer, note_shapes, replace


class Activation(NamedTuple):
    """A non-linearity as oneDNN takes it."""

    name: str = "none"
    numbers: tuple[float, ...] = ()
    algorithm: str = ""


class FusedConvolution(nn.Module):
    """A convolution, then a sum with another map or an activation, as one operator.

    ``(N, in, H, W)`` to ``(N, out, H', W')``, to which ``other`` is added if it is given; with ``overwrite``
    the result lies where ``other`` lay. There is an activation or a sum, not both.
    """

    def __init__(self, conv: nn.Conv2d, activation: Activation, *, overwrite: bool = False) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias
        self.padding, self.stride, self.groups = conv.padding, conv.stride, conv.groups
        self.activation, self.overwrite = activation, overwrite

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """``(N, in, H, W)`` to ``(N, out, H', W')``."""
        if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.bfloat16):
            return self._one_by_one(x, other)
        layout = self.weight, self.bias, self.padding, self.stride, (1, 1), self.groups
        if other is None:
            name, numbers, algorithm = self.activation
            return torch.ops.mkldnn._convolution_pointwise(x, *layout, name, numbers, algorithm)
        addition: tuple[object, ...] = ("add", 1.0, None, [], None)
        if self.overwrite:
            return torch.ops.mkldnn._convolution_pointwise_(other, x, *layout, *addition)
        return torch.ops.mkldnn._convolution_pointwise(x, other, *layout, *addition)

    def _one_by_one(self, x: Tensor, other: Tensor | None) -> Tensor:
        """The same in PyTorch's own operators, for other devices and types."""
        y = F.conv2d(x, self.weight, self.bias, self.stride, self.padding, 1, self.groups)
        if other is not None:
            return other.add_(y) if self.overwrite else y + other
        match self.activation.name:
            case "gelu":
                return F.gelu(y)
            case "relu":
                return torch.relu(y)
            case "leaky_relu":
                return F.leaky_relu(y, self.activation.numbers[0])
            case "sigmoid":
                return torch.sigmoid(y)
        return y

    def extra_repr(self) -> str:
        """Shape of the weight and what is fused."""
        return f"{tuple(self.weight.shape)}, activation={self.activation.name}, overwrite={self.overwrite}"

    def overwriting(self) -> FusedConvolution:
        """The same with the sum written over the other map; it shares the weights."""
        result = FusedConvolution.__new__(FusedConvolution)
        nn.Module.__init__(result)
        result.weight, result.bias = self.weight, self.bias
        result.padding, result.stride, result.groups = self.padding, self.stride, self.groups
        result.activation, result.overwrite = self.activation, True
        return result


def fuse_convolutions(graph: fx.GraphModule) -> bool:
    """Each convolution with the activation or the sum after it, where nothing else sees its result."""
    found = [conv for conv in convolutions(graph) if isinstance(layer_of(graph, conv.node), nn.Conv2d)]
    if not found or not _available(graph) or not note_shapes(graph):
        return False
    for conv in reversed(found):  # of a sum of two convolutions the later one takes in the earlier one
        node = conv.node
        original = layer_of(graph, node)
        assert isinstance(original, nn.Conv2d)
        user = next(iter(node.users)) if len(node.users) == 1 else None
        other = None if user is None else _other_summand(user, node)
        activation = None if user is None else _activation(graph, user)
        fused = FusedConvolution(original, activation or Activation())
        (source,) = node.all_input_nodes
        if user is None or (other is None and activation is None):
            replace(node, new_layer(graph, node, fused, source))
            continue
        call = new_layer(graph, user, fused, source)
        if other is not None:
            call.args = (source, other)
        replace(user, call)
        graph.graph.erase_node(node)
    return True


def _available(graph: fx.GraphModule) -> bool:
    kinds = {(parameter.device.type, parameter.dtype) for parameter in graph.parameters()}
    operators = torch.ops.mkldnn
    return (
        torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and kinds <= {("cpu", torch.float32), ("cpu", torch.bfloat16)}
        and all(hasattr(operators, name) for name in ("_convolution_pointwise", "_convolution_pointwise_"))
    )


def _other_summand(user: fx.Node, node: fx.Node) -> fx.Node | None:
    """The map that a node adds to another one, if it is a sum of two maps of one shape."""
    if user.target not in ADDITIONS or user.kwargs or len(user.args) != 2:
        return None
    others = [each for each in user.args if each is not node]
    if len(others) != 1 or not isinstance(others[0], fx.Node):
        return None
    return others[0] if others[0].meta.get("shape") == node.meta["shape"] else None


def _activation(graph: fx.GraphModule, user: fx.Node) -> Activation | None:
    """The activation that a node is, in evaluation."""
    match layer_of(graph, user):
        case nn.GELU(approximate="none"):
            return Activation("gelu", (), "none")
        case nn.ReLU():
            return Activation("relu")
        case nn.LeakyReLU() as leaky:
            return Activation("leaky_relu", (leaky.negative_slope,))
        case nn.Sigmoid():
            return Activation("sigmoid")
    if user.target in (torch.relu, F.relu):
        return Activation("relu")
    return Activation("sigmoid") if user.target is torch.sigmoid else None
