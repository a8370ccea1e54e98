"""Networks as graphs: tracing them, finding convolutions in them, putting others in their place.

A rewrite of ``bsrn.deploy`` sees a network as the operators that it executes (``torch.fx``), so that one rule
serves every network in which its pattern occurs.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from bsrn.convolutions import PointwiseLinear

ADDITIONS = (operator.add, torch.add, operator.iadd)

SIDE = 32
"""Height and width of the image with which shapes are found."""


class Convolution(NamedTuple):
    """A convolution in a graph, or a linear layer that is one: ``source`` is what it sees."""

    node: fx.Node
    source: fx.Node
    weight: Tensor
    """``(out, in / groups, k, k)``."""
    bias: Tensor | None
    stride: int
    padding: int
    groups: int
    linear: bool

    @property
    def pointwise(self) -> bool:
        """Whether it is 1x1, dense, at every position."""
        return self.size == 1 and self.stride == 1 and self.padding == 0 and self.groups == 1

    @property
    def depthwise(self) -> bool:
        """Whether it sees every channel by itself."""
        return self.groups > 1 and self.weight.shape[1] == 1 and self.groups == len(self.weight)

    @property
    def size(self) -> int:
        """Side of its kernel."""
        return self.weight.shape[-1]

    @property
    def inputs(self) -> int:
        """Channels that it sees."""
        return self.weight.shape[1] * self.groups


class _Tracer(fx.Tracer):
    """Keeps a pointwise linear layer whole: what moves the channels belongs to it."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, PointwiseLinear) or super().is_leaf_module(m, module_qualified_name)


def traced(network: nn.Module) -> fx.GraphModule | None:
    """The network as a graph that shares its layers; None if its code depends on the values it sees.

    A graph is given back as it is.
    """
    if isinstance(network, fx.GraphModule):
        return network
    try:
        graph = fx.GraphModule(network, _Tracer().trace(network), type(network).__name__)
    except (
        Exception
    ):  # tracing runs code of any kind, a user's included: whatever it raises, there is no graph
        return None
    return graph.train(network.training)


def finished(graph: fx.GraphModule) -> fx.GraphModule:
    """Take out of a graph what nothing uses any more, and make it executable again."""
    graph.graph.eliminate_dead_code()
    graph.delete_all_unused_submodules()
    graph.graph.lint()
    graph.recompile()
    return graph


def note_shapes(graph: fx.GraphModule) -> bool:
    """Note the shape of each value in ``meta["shape"]``, for one image of `SIDE` pixels each way.

    False if the network takes no such image, of three channels or of one.
    """
    parameter = next(iter(graph.parameters()), torch.empty(0))
    for channels in (3, 1):
        image = torch.zeros(1, channels, SIDE, SIDE, dtype=parameter.dtype, device=parameter.device)
        try:
            with torch.no_grad():
                _Shapes(graph).run(image)
        except Exception:  # a network of any kind may refuse the image in any way
            continue
        return True
    return False


class _Shapes(fx.Interpreter):
    """Notes the shape of every tensor that is computed."""

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        n.meta["shape"] = tuple(value.shape) if isinstance(value, Tensor) else ()
        return value


def layer_of(graph: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """The layer that a node calls, if it calls one."""
    return graph.get_submodule(str(node.target)) if node.op == "call_module" else None


def convolution_at(graph: fx.GraphModule, node: object) -> Convolution | None:
    """The convolution that a node is, if it is one with square kernels, zero padding and no dilation."""
    if not isinstance(node, fx.Node) or len(node.args) != 1 or not isinstance(node.args[0], fx.Node):
        return None
    layer, source = layer_of(graph, node), node.args[0]
    if isinstance(layer, PointwiseLinear):
        weight = layer.linear.weight[:, :, None, None]
        return Convolution(node, source, weight, layer.linear.bias, 1, 0, 1, True)
    if type(layer) is not nn.Conv2d or layer.padding_mode != "zeros" or layer.dilation != (1, 1):
        return None
    if isinstance(layer.padding, str):
        return None
    if any(len(set(pair)) > 1 for pair in (layer.kernel_size, layer.stride, layer.padding)):
        return None
    stride, padding = layer.stride[0], layer.padding[0]
    return Convolution(node, source, layer.weight, layer.bias, stride, padding, layer.groups, False)


def convolutions(graph: fx.GraphModule) -> Iterator[Convolution]:
    """Every convolution, in the order of execution; the graph may be changed meanwhile."""
    for node in list(graph.graph.nodes):
        found = convolution_at(graph, node)
        if found is not None:
            yield found


def concatenated(node: object) -> list[fx.Node]:
    """The feature maps that a node joins along the channels, those of nested joins in their place.

    Empty for a node that joins none.
    """
    if not isinstance(node, fx.Node) or node.target is not torch.cat:
        return []
    parts, dim = (*node.args, None)[:2]
    dim = node.kwargs.get("dim", dim)
    if dim != 1 or not isinstance(parts, list | tuple):
        return []
    return [inner for part in parts for inner in concatenated(part) or [part]]


def channels_of(node: fx.Node) -> int:
    """Channels of a node's value, after `note_shapes`."""
    return int(node.meta["shape"][1])


def new_layer(
    graph: fx.GraphModule, like: fx.Node, layer: nn.Module, source: fx.Node, *, after: fx.Node | None = None
) -> fx.Node:
    """Call a new layer on ``source``, under the name of the layer of ``like`` and a number.

    It comes just before ``like``, or just after the node ``after``.
    """
    stem, number = str(like.target).split("__")[0].replace(".", "_"), 1
    while hasattr(graph, name := f"{stem}__{number}"):
        number += 1
    graph.add_submodule(name, layer.train(graph.training))
    place = graph.graph.inserting_before(like) if after is None else graph.graph.inserting_after(after)
    with place:
        return graph.graph.call_module(name, (source,))


def replace(node: fx.Node, by: fx.Node) -> None:
    """Let all users of a node use another, whose value has the same shape, and remove it."""
    by.meta.update(node.meta)
    node.replace_all_uses_with(by)
    node.graph.erase_node(node)


def convolution(weight: Tensor, bias: Tensor | None, like: Convolution) -> nn.Module:
    """A layer with the given weight and bias, of the kind, stride and padding of another."""
    return layer(weight.to(like.weight), bias, like.stride, like.padding, like.groups, linear=like.linear)


def layer(
    weight: Tensor, bias: Tensor | None, stride: int, padding: int, groups: int, *, linear: bool = False
) -> nn.Module:
    """A convolution, or a pointwise linear layer, with copies of the given weight and bias."""
    outputs, inputs, size, _ = weight.shape
    if linear:
        result: nn.Module = PointwiseLinear(inputs, outputs, bias=bias is not None)
        state = {"linear.weight": weight[:, :, 0, 0]} | ({} if bias is None else {"linear.bias": bias})
    else:
        result = nn.Conv2d(
            inputs * groups, outputs, size, stride, padding, groups=groups, bias=bias is not None
        )
        state = {"weight": weight} | ({} if bias is None else {"bias": bias})
    result.to(weight).load_state_dict({key: value.detach() for key, value in state.items()})
    return result.requires_grad_(False)
