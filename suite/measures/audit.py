"""The cost audit: what stands between the suite's multiply-accumulates and another tool's figure.

Each difference is a list of named terms. They are derived from what the network executes, observed here,
and from the rules in the tool's source; the tool's figure is not looked at. What the terms leave over is
``unexplained``, and is zero wherever the rules are understood.

Rules as of fvcore 0.1.5, ptflops 0.7 and the NTIRE 2022 script.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from suite.measures.observation import LayerCall, Observation, observe
from suite.measures.operators import Call, OperatorCounter, Tally
from suite.measures.tools import without_data
from suite.task import Size

Terms = Counter[str]
"""Operations by what they are; negative where a tool counts less."""

# fvcore

_FVCORE_PRODUCTS = frozenset(
    {"conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution"}
    | {"_convolution", "linear", "matmul", "mm", "bmm", "addmm", "einsum"}
)


def _inputs(factor: int) -> Callable[[Call], int]:
    return lambda call: factor * _size(call, 0)


def _outputs(factor: int) -> Callable[[Call], int]:
    return lambda call: factor * call.outputs


def _normalisation(weight: int, plain: int, affine: int) -> Callable[[Call], int]:
    """So many operations an element, more of them where argument number ``weight`` is a tensor."""
    return lambda call: _size(call, 0) * (plain if call.shapes[weight] is None else affine)


def _size(call: Call, position: int) -> int:
    return math.prod(call.shapes[position] or ())


_FVCORE_OTHERS: dict[str, tuple[str, Callable[[Call], int]]] = {
    "upsample_nearest2d": ("nearest interpolation, 1 an output element", _outputs(1)),
    "upsample_bilinear2d": ("bilinear interpolation, 4 an output element", _outputs(4)),
    "grid_sampler": ("sampling at a grid, 4 an output element", _outputs(4)),
    "adaptive_avg_pool2d": ("adaptive average pooling, 1 an input element", _inputs(1)),
    "batch_norm": ("batch normalisation", _normalisation(1, 1, 2)),
    "group_norm": ("group normalisation", _normalisation(2, 4, 5)),
    "layer_norm": ("layer normalisation", _normalisation(2, 4, 5)),
    "instance_norm": ("instance normalisation", _normalisation(1, 4, 5)),
}


def fvcore_terms(own: Tally) -> Terms:
    """What fvcore counts beyond ``macs`` or leaves out, for the operators of a pass in inference mode."""
    terms: Terms = Counter()
    for call in own.calls:
        if call.name in _FVCORE_OTHERS:
            what, count = _FVCORE_OTHERS[call.name]
            terms[what] += count(call)
        if call.name not in _FVCORE_PRODUCTS:
            terms[f"{call.name}, not seen"] -= call.macs
    return terms


# ptflops, back end aten


def ptflops_aten_terms(network: nn.Module, size: Size) -> Terms:
    """What ptflops' back end ``aten`` counts beyond ``macs`` or leaves out.

    It sees the operators that composite ones are made of on the CPU: a linear layer is ``addmm``, with
    bias, where its data is contiguous, and a product and a sum that is not counted where it is not.
    """
    with without_data(network, size) as (twin, image), OperatorCounter() as counter:
        twin(image)
    terms: Terms = Counter()
    for call in counter.tally.calls:
        if call.name in ("convolution", "_convolution"):
            terms["bias additions of convolutions"] += call.bias_additions
        elif call.name == "addmm":
            terms["bias additions of addmm (linear layers on contiguous data)"] += call.bias_additions
        elif call.name not in ("mm", "bmm", "matmul"):
            terms[f"{call.name}, not seen"] -= call.macs
    return terms


# ptflops, back end pytorch

_ACTIVATIONS = (nn.ReLU, nn.PReLU, nn.ELU, nn.LeakyReLU, nn.ReLU6, nn.GELU)
_POOLS = tuple(
    getattr(nn, f"{kind}Pool{dimensions}d")
    for kind in ("Max", "Avg", "AdaptiveMax", "AdaptiveAvg")
    for dimensions in (1, 2, 3)
)
_NORMALISATIONS = (
    *(getattr(nn, f"{kind}Norm{dimensions}d") for kind in ("Batch", "Instance") for dimensions in (1, 2, 3)),
    *(nn.GroupNorm, nn.LayerNorm),
)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_PTFLOPS_LAYERS = frozenset(
    {*_CONVOLUTIONS, *_TRANSPOSED, nn.Linear, *_ACTIVATIONS, *_POOLS, *_NORMALISATIONS, nn.Upsample}
)
"""The classes that it hooks (recurrent layers and ``nn.MultiheadAttention`` apart); not their subclasses."""

_PTFLOPS_ELEMENTS = (
    *("relu", "prelu", "elu", "relu6", "gelu", "silu", "softmax"),
    *(f"{kind}_pool{n}d" for kind in ("avg", "max", "adaptive_avg", "adaptive_max") for n in (1, 2, 3)),
)
_PTFLOPS_PRODUCTS = ("matmul", "mm", "bmm", "addmm", "baddbmm")


def _replaced() -> list[tuple[Any, str]]:
    """The functions that ptflops replaces, as owner and name."""
    found: list[tuple[Any, str]] = [
        (nn.functional, name) for name in (*_PTFLOPS_ELEMENTS, "interpolate", "upsample")
    ]
    for name in (*_PTFLOPS_PRODUCTS, "mul", "add"):
        found.append((torch, name))
        if name != "baddbmm":
            found.append((torch.Tensor, name))
    return found


def ptflops_terms(network: nn.Module, size: Size) -> Terms:
    """What ptflops' back end ``pytorch`` counts beyond ``macs`` or leaves out.

    ``network`` is on the meta device.
    """
    seen = observe(network, size, lambda layer: type(layer) in _PTFLOPS_LAYERS, _replaced())
    found = _occurrences(network)
    terms = _unseen(seen)
    for call in seen.layers:
        what, count = _ptflops_layer(call)
        terms[what] += count
        if (again := found[call.layer] - 1) != 0:
            terms["layers that stand in several places, counted for each"] += again * (count + call.macs)
    for function in seen.functions:
        first, second = (*function.shapes, None, None)[:2]
        if function.name in _PTFLOPS_ELEMENTS:
            terms[f"{function.name} function, 1 an input element"] += math.prod(first or ())
        elif function.name in ("interpolate", "upsample"):
            terms[f"{function.name} function, 1 an output element"] += function.outputs
        elif function.name in ("mul", "add"):
            terms[f"torch.{function.name}, 1 an element"] += _elementwise(first, second)
        elif function.name in ("addmm", "baddbmm"):
            terms[f"bias additions of {function.name}"] += math.prod(first or ())
    return terms


def _ptflops_layer(call: LayerCall) -> tuple[str, int]:
    """Name and number of what a hook counts beyond the multiply-accumulates of its layer."""
    layer, kind = call.layer, type(call.layer).__name__
    if isinstance(layer, (*_CONVOLUTIONS, *_TRANSPOSED)):
        return "bias additions of convolutions", call.outputs if layer.bias is not None else 0
    if isinstance(layer, nn.Linear):
        return "bias additions of linear layers", call.outputs if layer.bias is not None else 0
    if isinstance(layer, _NORMALISATIONS):
        affine = getattr(layer, "affine", False)
        return f"{kind} module, {1 + affine} an element", (1 + affine) * call.inputs
    if isinstance(layer, nn.Upsample):
        return "Upsample module, 1 an output element", call.outputs
    if isinstance(layer, _POOLS):
        return f"{kind} module, 1 an input element", call.inputs
    return f"{kind} module, 1 an element", call.outputs


def _occurrences(network: nn.Module) -> Counter[nn.Module]:
    """How often the sum over a tree of modules meets each hooked one; a shared one is met again."""
    found: Counter[nn.Module] = Counter()

    def visit(module: nn.Module) -> None:
        if type(module) in _PTFLOPS_LAYERS:
            found[module] += 1
            return
        for child in module.children():
            visit(child)

    visit(network)
    return found


def _elementwise(first: tuple[int, ...] | None, second: tuple[int, ...] | None) -> int:
    """Elements of a sum or product as ptflops has them: shapes are aligned at their first dimensions."""
    if first is None or second is None:
        return math.prod(first or second or ())
    length = max(len(first), len(second))
    padded = [shape + (1,) * (length - len(shape)) for shape in (first, second)]
    return math.prod(map(max, *padded))


# The NTIRE 2022 script

_NTIRE_ACTIVATIONS = (nn.ReLU, nn.PReLU, nn.ELU, nn.LeakyReLU, nn.ReLU6)
_NTIRE_LAYERS = (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.Linear, *_NTIRE_ACTIVATIONS)


def ntire_terms(network: nn.Module, size: Size) -> Terms:
    """What the NTIRE 2022 script counts beyond ``macs`` or leaves out. ``network`` is on the meta device."""
    seen = observe(network, size, lambda layer: isinstance(layer, _NTIRE_LAYERS), [])
    terms = _unseen(seen)
    for call in seen.layers:
        layer = call.layer
        if isinstance(layer, nn.ConvTranspose2d):
            counted = call.outputs * math.prod(layer.kernel_size) * layer.in_channels // layer.groups
            terms["transposed convolutions by output positions"] += counted - call.macs
        elif isinstance(layer, nn.Linear):
            counted = call.input_shape[0] * call.input_shape[1] * call.output_shape[1]
            terms["linear layers counted as H x H, not H x W x inputs x outputs"] += counted - call.macs
        elif isinstance(layer, nn.BatchNorm2d):
            terms["batch normalisation"] += (2 if layer.affine else 1) * call.outputs
        elif isinstance(layer, _NTIRE_ACTIVATIONS):
            terms[f"{type(layer).__name__} module, 1 an element"] += call.outputs
    return terms


# All


def _unseen(seen: Observation) -> Terms:
    """Multiply-accumulates outside of the layers and functions that a tool hooks."""
    return Counter({f"{name} outside of what it hooks, not seen": -n for name, n in seen.unseen.items()})


def audit(
    network: nn.Module, meta: nn.Module, own: Tally, size: Size, figures: Mapping[str, int]
) -> dict[str, Any]:
    """What lies between ``macs`` and each tool's figure, as plain JSON for the record.

    ``network`` is on the CPU, ``meta`` the same on the meta device, ``own`` what a pass in inference mode
    executes, ``figures`` the tools' by metric. Gives, for each tool that has one, the ``difference``, its
    ``terms`` (the largest first), and what these leave ``unexplained``.
    """
    rules: dict[str, Callable[[], Terms]] = {
        "macs_fvcore": lambda: fvcore_terms(own),
        "macs_ptflops": lambda: ptflops_terms(meta, size),
        "macs_ptflops_aten": lambda: ptflops_aten_terms(network, size),
        "macs_ntire": lambda: ntire_terms(meta, size),
    }
    return {
        metric: _entry(figures[metric] - own.macs, terms())
        for metric, terms in rules.items()
        if metric in figures
    }


def _entry(difference: int, terms: Terms) -> dict[str, Any]:
    found = sorted(terms.items(), key=lambda term: (-abs(term[1]), term[0]))
    return {
        "difference": difference,
        "terms": [{"what": what, "macs": count} for what, count in found if count],
        "unexplained": difference - sum(terms.values()),
    }
