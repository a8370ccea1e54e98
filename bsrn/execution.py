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

from bsrn.graphs import layer_of, note_shapes


def one_pass_statistics(graph: fx.GraphModule) -> bool:
    """Mean plus deviation of each channel, as CCA has it, by one pass over the map instead of four.

    PyTorch's ``var_mean`` runs Welford's updates, which do not cancel where the mean is large beside the
    deviation (Chan, Golub and LeVeque, The American Statistician 37(3), 1983).
    """
    return bool(fx.replace_pattern(graph, _contrast, _contrast_in_one_pass))


def _contrast(x: Tensor) -> Tensor:
    mean = F.adaptive_avg_pool2d(x, 1)
    deviation = (x - mean).square().mean(dim=(-2, -1), keepdim=True).sqrt()
    return deviation + mean


def _contrast_in_one_pass(x: Tensor) -> Tensor:
    variance, mean = torch.var_mean(x, dim=(-2, -1), correction=0, keepdim=True)
    return variance.sqrt() + mean


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
    for node in list(graph.graph.nodes):
        overwriting = _overwriting(graph, node)
        if overwriting is None:
            continue
        operands = [each for each in node.args if isinstance(each, fx.Node)]
        free = [
            each
            for each in dict.fromkeys(operands)
            if _is_fresh(graph, each)
            and each.meta["shape"] == node.meta["shape"]
            and operands.count(each) == 1
            and all(order[user] <= order[node] for each in memory.shared(each) for user in each.users)
        ]
        if free:
            target, *others = free[:1] + [each for each in operands if each is not free[0]]
            memory.join(node, target)
            node.op, (node.target, node.kwargs) = "call_function", overwriting
            node.args = (target, *others)
            done = True
    return done


class _Memory:
    """Which values of a graph may lie in the same memory."""

    def __init__(self, graph: fx.GraphModule) -> None:
        self._sets: dict[fx.Node, set[fx.Node]] = {}
        for node in graph.graph.nodes:
            self._sets[node] = {node}
            if not _is_fresh(graph, node):
                for source in node.all_input_nodes:
                    self.join(node, source)

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
        fresh = isinstance(layer, (nn.Conv2d, nn.GELU, nn.ReLU, nn.LeakyReLU, nn.Sigmoid))
        return fresh and not getattr(layer, "inplace", False)
    return node.op == "call_function" and node.target in _FRESH


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


def _overwriting(graph: fx.GraphModule, node: fx.Node) -> tuple[Callable[..., Tensor], dict[str, Any]] | None:
    """What computes a node in the place of its first operand, with its options."""
    match layer_of(graph, node):
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
