"""Rewrites that combine weights: fewer or cheaper convolutions that give the same result.

Each is a function that changes a graph wherever its pattern occurs, and says whether it does anywhere.
Weights are combined in double precision; layers are never changed, only replaced, for the network may use one
twice.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, fx

from bsrn.graphs import (
    ADDITIONS,
    Convolution,
    channels_of,
    concatenated,
    convolution,
    convolution_at,
    convolutions,
    layer,
    new_layer,
    note_shapes,
    replace,
)


def fold_copies(graph: fx.GraphModule) -> bool:
    """A convolution of copies of one map: one of the map, whose weights are the sums over the copies."""
    done = False
    for conv in convolutions(graph):
        parts = concatenated(conv.source)
        if len(parts) < 2 or len(set(parts)) > 1 or conv.groups > 1:
            continue
        weight = torch.stack(conv.weight.double().chunk(len(parts), dim=1)).sum(dim=0)
        replace(conv.node, new_layer(graph, conv.node, convolution(weight, conv.bias, conv), parts[0]))
        done = True
    return done


def linear_as_convolution(graph: fx.GraphModule) -> bool:
    """A pointwise linear layer: a 1x1 convolution, without moving the channels to the end and back."""
    return _pointwise_as(graph, linear=False)


def convolution_as_linear(graph: fx.GraphModule) -> bool:
    """A 1x1 convolution: a matrix product of the channels, which then come last."""
    return _pointwise_as(graph, linear=True)


def _pointwise_as(graph: fx.GraphModule, *, linear: bool) -> bool:
    done = False
    for conv in convolutions(graph):
        if conv.pointwise and conv.linear is not linear:
            other = layer(conv.weight, conv.bias, 1, 0, 1, linear=linear)
            replace(conv.node, new_layer(graph, conv.node, other, conv.source))
            done = True
    return done


def merge_separable(graph: fx.GraphModule) -> bool:
    """Pointwise and depthwise after one another, in either order: one dense convolution."""
    return _merge(graph, lambda first, second: first.depthwise or second.depthwise)


def merge_pointwise(graph: fx.GraphModule) -> bool:
    """A pointwise convolution before or after another one that is not depthwise: one convolution."""
    return _merge(graph, lambda first, second: not (first.depthwise or second.depthwise))


def _merge(graph: fx.GraphModule, wanted: Callable[[Convolution, Convolution], bool]) -> bool:
    done = False
    for second in convolutions(graph):
        first = convolution_at(graph, second.source)
        if first is None or len(first.node.users) > 1 or not wanted(first, second):
            continue
        if not (second.pointwise or (first.pointwise and _sees_no_border(first, second))):
            continue
        wide, strided = (first, first) if second.pointwise else (second, second)
        weight, bias = _composed(first, second)
        merged = layer(weight.to(second.weight), _cast(bias, second), strided.stride, wide.padding, 1)
        replace(second.node, new_layer(graph, second.node, merged, first.source))
        graph.graph.erase_node(first.node)
        done = True
    return done


def _sees_no_border(first: Convolution, second: Convolution) -> bool:
    """Whether padding after a pointwise convolution is padding before it.

    The zeros around its output are what it makes of zeros around its input only if it has no bias.
    """
    return second.padding == 0 or first.bias is None or not bool(first.bias.any())


def _composed(first: Convolution, second: Convolution) -> tuple[Tensor, Tensor | None]:
    """Weight and bias of a dense convolution that equals two in sequence, one of them 1x1; in double."""
    a, b = _dense(first), _dense(second)
    weight = torch.einsum("omyx,miuv->oiyuxv", b, a).reshape(
        len(b), first.inputs, max(first.size, second.size), -1
    )
    if first.bias is None:
        return weight, None if second.bias is None else second.bias.double()
    passed = torch.einsum("omyx,m->o", b, first.bias.double())
    return weight, passed if second.bias is None else passed + second.bias.double()


def _dense(conv: Convolution) -> Tensor:
    """The weight of a grouped convolution as that of a dense one, in double precision."""
    groups = conv.weight.double().chunk(conv.groups)
    wide = [
        torch.zeros(len(group), conv.inputs, conv.size, conv.size, dtype=torch.double) for group in groups
    ]
    for number, group in enumerate(groups):
        wide[number][:, number * group.shape[1] : (number + 1) * group.shape[1]] = group
    return torch.cat(wide)


def _cast(bias: Tensor | None, like: Convolution) -> Tensor | None:
    return None if bias is None else bias.to(like.weight)


def bypass_pointwise(graph: fx.GraphModule) -> bool:
    """A pointwise convolution of another one's result that others use too: one of the other's input.

    More multiplications, but both then see one input and can be merged side by side.
    """
    done = False
    for second in convolutions(graph):
        first = convolution_at(graph, second.source)
        if first is None or len(first.node.users) == 1 or not (first.pointwise and second.pointwise):
            continue
        weight, bias = _composed(first, second)
        merged = layer(weight.to(second.weight), _cast(bias, second), 1, 0, 1, linear=second.linear)
        replace(second.node, new_layer(graph, second.node, merged, first.source))
        done = True
    return done


def merge_siblings(graph: fx.GraphModule) -> bool:
    """Pointwise convolutions of one input: one convolution whose output is split."""
    families: dict[tuple[fx.Node, bool], list[Convolution]] = {}
    for conv in convolutions(graph):
        if conv.pointwise:
            families.setdefault((conv.source, conv.linear), []).append(conv)
    done = False
    for family in families.values():
        if len(family) < 2:
            continue
        first, sizes = family[0], [len(conv.weight) for conv in family]
        bias = None
        if any(conv.bias is not None for conv in family):
            zeros = [torch.zeros(size).to(first.weight) for size in sizes]
            bias = torch.cat([z if c.bias is None else c.bias for c, z in zip(family, zeros, strict=True)])
        merged = convolution(torch.cat([conv.weight for conv in family]), bias, first)
        (source,) = first.node.all_input_nodes  # merging another family may have replaced it
        whole = new_layer(graph, first.node, merged, source)
        with graph.graph.inserting_after(whole):
            split = graph.graph.call_function(torch.split, (whole, sizes, 1))
        with graph.graph.inserting_after(split):
            for number, conv in reversed(list(enumerate(family))):
                replace(conv.node, graph.graph.call_function(_item, (split, number)))
        done = True
    return done


def _item(parts: tuple[Tensor, ...], number: int) -> Tensor:
    return parts[number]


def fold_residual(graph: fx.GraphModule) -> bool:
    """``conv(x) + x``: the identity added to the weights of a dense convolution that keeps the size."""
    done = False
    for conv in convolutions(graph):
        users = list(conv.node.users)
        if len(users) != 1 or users[0].target not in ADDITIONS or conv.groups > 1 or conv.stride > 1:
            continue
        if set(users[0].args) != {conv.node, conv.source} or conv.inputs != len(conv.weight):
            continue
        if conv.size % 2 == 0 or conv.padding != conv.size // 2:
            continue
        weight, middle = conv.weight.double().clone(), conv.size // 2
        weight[:, :, middle, middle] += torch.eye(conv.inputs, dtype=torch.double, device=weight.device)
        replace(users[0], new_layer(graph, conv.node, convolution(weight, conv.bias, conv), conv.source))
        graph.graph.erase_node(conv.node)
        done = True
    return done


def accumulate_parts(graph: fx.GraphModule) -> bool:
    """A pointwise convolution of joined maps: the sum of one convolution of each, nothing joined.

    Each product is added as soon as its map is there, so that no map waits for the others.
    """
    found = [c for c in convolutions(graph) if c.pointwise and len(set(concatenated(c.source))) > 1]
    if not found or not note_shapes(graph):
        return False
    for conv in found:
        parts = concatenated(conv.source)
        weights = torch.split(conv.weight, [channels_of(part) for part in parts], dim=1)
        order = {node: number for number, node in enumerate(graph.graph.nodes)}
        total: fx.Node | None = None
        for part, weight in sorted(zip(parts, weights, strict=True), key=lambda pair: order[pair[0]]):
            product = layer(weight, conv.bias if total is None else None, 1, 0, 1, linear=conv.linear)
            node = new_layer(graph, conv.node, product, part, after=part)
            if total is not None:
                with graph.graph.inserting_after(node):
                    node = graph.graph.call_function(torch.add, (total, node))
            total = node
        assert total is not None
        replace(conv.node, total)
    return True
