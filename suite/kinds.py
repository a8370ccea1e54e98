"""What kind of work an operator is, in the terms in which networks are designed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

DENSE, POINTWISE, DEPTHWISE = "dense convolutions", "pointwise convolutions", "depthwise convolutions"
STRIDED, GROUPED, TRANSPOSED = "strided convolutions", "grouped convolutions", "transposed convolutions"
PRODUCTS = "linear layers and matrix products"
ADDITIONS, MULTIPLICATIONS = "additions", "multiplications"
COPIES = "concatenation and copies"
SHUFFLE = "pixel shuffle"
INTERPOLATION, POOLING = "interpolation", "pooling"
STATISTICS = "normalisation and statistics"
SOFTMAX = "softmax and attention"
VIEWS = "views"
OTHER = "other operators"

ACTIVATIONS = {
    "gelu": "GELU",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "_prelu_kernel": "PReLU",
    "silu": "SiLU",
    "mish": "Mish",
    "elu": "ELU",
    "celu": "CELU",
    "hardtanh": "Hardtanh",
    "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "softplus": "Softplus",
}
"""Name of an activation function by that of its operator, without the underscore of one in place."""

_KINDS = {
    ADDITIONS: ("add", "sub", "rsub"),
    MULTIPLICATIONS: ("mul", "div"),
    PRODUCTS: ("linear", "mm", "bmm", "mv", "dot", "vdot", "addmm", "baddbmm", "addmv", "addbmm"),
    COPIES: (
        *("cat", "stack", "clone", "copy", "_to_copy", "repeat", "constant_pad_nd", "roll", "flip", "im2col"),
        *(
            "reflection_pad1d",
            "reflection_pad2d",
            "replication_pad1d",
            "replication_pad2d",
            "gather",
            "index",
        ),
        *("index_select", "fill", "zero", "zeros", "ones", "full", "zeros_like", "ones_like", "full_like"),
    ),
    SHUFFLE: ("pixel_shuffle", "pixel_unshuffle", "native_channel_shuffle"),
    STATISTICS: (
        *("mean", "sum", "var", "std", "var_mean", "square", "sqrt", "rsqrt", "pow", "amax", "amin"),
        *("native_batch_norm", "native_layer_norm", "native_group_norm", "cudnn_batch_norm"),
        *("_native_batch_norm_legit_no_training", "linalg_vector_norm", "_weight_norm"),
        "_adaptive_avg_pool2d",
    ),
    SOFTMAX: ("_softmax", "softmax"),
}
_BY_OPERATOR = {name: kind for kind, names in _KINDS.items() for name in names}

ORDER = (
    *(DENSE, STRIDED, POINTWISE, DEPTHWISE, GROUPED, TRANSPOSED, PRODUCTS, SOFTMAX),
    *dict.fromkeys(ACTIVATIONS.values()),
    *(INTERPOLATION, POOLING, MULTIPLICATIONS, STATISTICS, ADDITIONS, COPIES, SHUFFLE, VIEWS, OTHER),
)
"""All kinds in the order of tables."""

FAMILIES = {
    "convolutions k\u00d7k": (DENSE, STRIDED, GROUPED, TRANSPOSED),
    "convolutions 1\u00d71": (POINTWISE, PRODUCTS),
    "depthwise convolutions": (DEPTHWISE,),
    "activation functions": tuple(name for name in dict.fromkeys(ACTIVATIONS.values()) if name != "sigmoid"),
    "attention and statistics": ("sigmoid", INTERPOLATION, POOLING, MULTIPLICATIONS, SOFTMAX, STATISTICS),
    "additions": (ADDITIONS,),
    "copies and other": (COPIES, SHUFFLE, VIEWS, OTHER),
}
"""Kinds that a picture shows as one, in the order in which they are stacked."""


def family_of(kind: str) -> str:
    """The family of a kind; the last one for a kind that is not known here."""
    return next((family for family, kinds in FAMILIES.items() if kind in kinds), [*FAMILIES][-1])


def kind_order(kind: str) -> int:
    """Place of a kind in `ORDER`; behind all for one that is not known here."""
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def kind_of(name: str, args: Sequence[Any]) -> str:
    """The kind of an operator that is executed: one of `ORDER`.

    A convolution is pointwise if its kernel has one tap, whatever else it is; depthwise if each group has one
    input channel; else strided, grouped or dense. ``args`` are those of ``aten.convolution``.
    """
    if name in ("convolution", "_convolution", "conv_tbc"):
        return _convolution(args) if name != "conv_tbc" else DENSE
    plain = name.rstrip("_") if not name.startswith("_") else name
    if plain in ACTIVATIONS:
        return ACTIVATIONS[plain]
    if plain.startswith("upsample") or "grid_sampler" in plain:
        return INTERPOLATION
    if plain.startswith("_scaled_dot_product"):
        return SOFTMAX
    if plain in _BY_OPERATOR:
        return _BY_OPERATOR[plain]
    return POOLING if "pool" in plain else OTHER


def _convolution(args: Sequence[Any]) -> str:
    image, weight, stride, transposed, groups = args[0], args[1], args[3], args[6], args[8]
    if transposed:
        return TRANSPOSED
    if math.prod(weight.shape[2:]) == 1:
        return POINTWISE
    if groups > 1 and groups == image.shape[-weight.dim() + 1]:
        return DEPTHWISE
    if math.prod(stride) > 1:
        return STRIDED
    return GROUPED if groups > 1 else DENSE
