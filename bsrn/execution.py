"""Rewrites that keep the weights and change how the operators between them are executed.

As those of ``bsrn.folding``: functions that change a graph and say whether they did.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from bsrn.fused import FusedConvolution
from bsrn.graphs import layer_of, new_layer, note_shapes, replace


def one_pass_statistics(graph: fx.GraphModule) -> bool:
    """Mean plus deviation of each channel, as CCA has it, by one pass over the map instead of four."""
    return bool(fx.replace_pattern(graph, _contrast, _in_one_pass))


def _contrast(x: Tensor) -> Tensor:
    mean = F.adaptive_avg_pool2d(x, 1)
    deviation = (x - mean).square().mean(dim=(-2, -1), keepdim=True).sqrt()
    return deviation + mean


def _in_one_pass(x: Tensor) -> Tensor:
    return contrast_in_one_pass(x)


CACHED = 2**16
"""Elements of a map that are read at a time: 256 KiB in fp32, which a second-level cache holds."""


@fx.wrap
def contrast_in_one_pass(x: Tensor) -> Tensor:
    """Mean plus standard deviation (population form) of each channel, ``(N, C, H, W)`` to ``(N, C, 1, 1)``.

    Rows are read a few at a time. Their means and sums of squared deviations from their own mean, taken while
    the rows are in the cache, are merged pairwise (Chan, Golub and LeVeque, The American Statistician 37(3),
    1983, equations 2.1): nothing cancels, however large the mean is beside the deviation.
    """
    rows = max(1, CACHED // (x.shape[1] * x.shape[-1]))
    first, *others = torch.split(x, rows, dim=2)
    count, mean = first[0, 0].numel(), _mean(first)
    squares = _mean((first - mean).square_()) * count
    for part in others:
        more, other = part[0, 0].numel(), _mean(part)
        apart = other - mean
        squares += _mean((part - other).square_()) * more + apart.square() * (count * more / (count + more))
        mean = mean + apart * (more / (count + more))
        count += more
    return (squares / count).sqrt() + mean


def _mean(x: Tensor) -> Tensor:
    """Mean over height and width; with the channels last a product of matrices, which is vectorised there."""
    batch, channels, height, width = x.shape
    if channels == 1 or not x.is_contiguous(memory_format=torch.channels_last):
        return x.mean(dim=(-2, -1), keepdim=True)
    positions = x.movedim(1, -1).reshape(batch, height * width, channels)
    weights = torch.full((batch, 1, height * width), 1 / (height * width), dtype=x.dtype, device=x.device)
    return torch.bmm(weights, positions).reshape(batch, channels, 1, 1)


def channels_last(graph: fx.GraphModule) -> bool:
    """The image and the weights of convolutions in channels-last memory; operators pass the format on."""
    (image,) = (node for node in graph.graph.nodes if node.op == "placeholder")
    if any(user.target is _as_channels_last for user in image.users):
        return False
    with graph.graph.inserting_after(image):
        moved = graph.graph.call_function(_as_channels_last, (image,))
    image.replace_all_uses_with(moved, delete_user_cb=lambda user: user is not moved)
    graph.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return True


def _as_channels_last(image: Tensor) -> Tensor:
    return image.contiguous(memory_format=torch.channels_last)


def in_place(graph: fx.GraphModule) -> bool:
    """Activations, sums and products write over an operand that nothing reads afterwards."""
    if not note_shapes(graph):
        return False
    order = {node: number for number, node in enumerate(graph.graph.nodes)}
    memory = _Memory(graph)
    done = False

    def free(node: fx.Node, operand: fx.Node) -> bool:
        """Whether a node may write its result over an operand."""
        shared = memory.shared(operand)
        return (
            operand.meta["shape"] == node.meta["shape"]
            and shared <= memory.fresh
            and not any(other in shared for other in node.args if other is not operand)
            and node.args.count(operand) == 1
            and all(order[user] <= order[node] for value in shared for user in value.users)
        )

    for node in list(graph.graph.nodes):
        layer = layer_of(graph, node)
        summed = isinstance(layer, FusedConvolution) and len(node.args) == 2
        overwriting = None if summed else _overwriting(layer, node)
        if overwriting is None and not summed:
            continue
        operands = [each for each in node.args if isinstance(each, fx.Node)]
        target = next((each for each in operands[summed:] if free(node, each)), None)
        if target is None:
            continue
        if isinstance(layer, FusedConvolution):
            call = new_layer(graph, node, layer.overwriting(), operands[0])
            call.args = node.args
            replace(node, call)
            order[call], node = order[node], call
            memory.add(call)
        else:
            assert overwriting is not None
            node.op, (node.target, node.kwargs) = "call_function", overwriting
            node.args = (target, *(each for each in operands if each is not target))
        memory.join(node, target)
        done = True
    return done


class _Memory:
    """Which values of a graph may lie in the same memory."""

    def __init__(self, graph: fx.GraphModule) -> None:
        self._sets: dict[fx.Node, set[fx.Node]] = {}
        self.fresh: set[fx.Node] = set()
        """What lies in memory that the graph itself made."""
        for node in graph.graph.nodes:
            self._sets[node] = {node}
            if _is_fresh(graph, node):
                self.fresh.add(node)
            else:
                for source in node.all_input_nodes:
                    self.join(node, source)

    def add(self, node: fx.Node) -> None:
        """Note a value that the graph makes."""
        self._sets[node] = {node}
        self.fresh.add(node)

    def shared(self, node: fx.Node) -> set[fx.Node]:
        """The values that may lie where a node's value lies, itself included."""
        return self._sets[node]

    def join(self, first: fx.Node, second: fx.Node) -> None:
        """Note that two values may lie in the same memory."""
        both = self._sets[first] | self._sets[second]
        for node in both:
            self._sets[node] = both


def _is_fresh(graph: fx.GraphModule, node: fx.Node) -> bool:
    """Whether a node's value surely lies in new memory of its own."""
    layer = layer_of(graph, node)
    if layer is not None:
        return isinstance(layer, _FRESH_LAYERS) and not getattr(layer, "inplace", False)
    return node.op == "call_function" and node.target in _FRESH


_FRESH_LAYERS = (nn.Conv2d, FusedConvolution, nn.GELU, nn.ReLU, nn.LeakyReLU, nn.Sigmoid)
_FRESH = (
    operator.add,
    operator.mul,
    torch.add,
    torch.mul,
    torch.cat,
    torch.sigmoid,
    torch.relu,
    torch.conv2d,
)

_OVERWRITING: dict[Any, Callable[..., Tensor]] = {
    operator.add: torch.Tensor.add_,
    torch.add: torch.Tensor.add_,
    operator.mul: torch.Tensor.mul_,
    torch.mul: torch.Tensor.mul_,
    torch.sigmoid: torch.sigmoid_,
    torch.relu: torch.relu_,
}


def _overwriting(
    layer: nn.Module | None, node: fx.Node
) -> tuple[Callable[..., Tensor], dict[str, Any]] | None:
    """What computes a node in the place of its first operand, with its options."""
    match layer:
        case nn.GELU(approximate="none"):
            return torch.ops.aten.gelu_, {}
        case nn.ReLU(inplace=False):
            return torch.relu_, {}
        case nn.LeakyReLU(inplace=False) as leaky:
            return F.leaky_relu_, {"negative_slope": leaky.negative_slope}
        case nn.Sigmoid():
            return torch.sigmoid_, {}
    known = node.op == "call_function" and not node.kwargs and node.target in _OVERWRITING
    return (_OVERWRITING[node.target], {}) if known else None
