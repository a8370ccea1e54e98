"""Convolutions that stand in for one another: plain, DSConv, BSConv-U and BSConv-S.

All take and give ``(N, C, H, W)`` tensors, so that a network can swap one for another by name.

Sources: DSConv is the depthwise-separable convolution of MobileNet (arXiv 1704.04861); BSConv-U and
BSConv-S are the unconstrained and the subspace form of "Rethinking Depthwise Separable Convolutions"
(arXiv 2003.13549), which BSRN builds on.
"""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor, nn

ConvKind = Literal["conv", "dsconv", "bsconv", "bsconv-s", "bsconv-linear"]
"""``bsconv`` is BSConv-U. ``bsconv-linear`` is BSConv-U whose pointwise part is a biased linear layer
on channels-last data, the form of the BSRN-S challenge entry: the same arithmetic, but other layers
for a counter to see."""


class PointwiseLinear(nn.Module):
    """A 1x1 convolution written as ``nn.Linear`` on channels-last data.

    The layer is a plain ``nn.Linear`` that sees ``(N, H, W, C)``, since tools that count operations by
    module look for just that.
    """

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(in_channels, out_channels, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H, W)``."""
        return self.linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def pointwise(in_channels: int, out_channels: int, *, linear: bool = False, bias: bool = True) -> nn.Module:
    """A 1x1 convolution, as ``nn.Conv2d`` or (``linear=True``) as `PointwiseLinear`."""
    if linear:
        return PointwiseLinear(in_channels, out_channels, bias=bias)
    return nn.Conv2d(in_channels, out_channels, 1, bias=bias)


def depthwise(channels: int, *, stride: int = 1, padding: int = 1, bias: bool = True) -> nn.Conv2d:
    """A 3x3 convolution of each channel by itself."""
    return nn.Conv2d(channels, channels, 3, stride, padding, groups=channels, bias=bias)


class DSConv(nn.Module):
    """Depthwise-separable 3x3 convolution: depthwise with bias, then pointwise without."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, padding: int = 1) -> None:
        super().__init__()
        self.depthwise = depthwise(in_channels, stride=stride, padding=padding)
        self.pointwise = pointwise(in_channels, out_channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H', W')``."""
        return self.pointwise(self.depthwise(x))


class BSConvU(nn.Module):
    """Unconstrained blueprint-separable 3x3 convolution: pointwise, then depthwise with bias.

    The pointwise part has no bias of its own unless ``linear`` is set, the form in which the BSRN-S
    checkpoint stores it.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int = 1, padding: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        self.pointwise = pointwise(in_channels, out_channels, linear=linear, bias=linear)
        self.depthwise = depthwise(out_channels, stride=stride, padding=padding)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H', W')``."""
        return self.depthwise(self.pointwise(x))


class BSConvS(nn.Module):
    """Subspace blueprint-separable 3x3 convolution: the pointwise part is factored into two.

    The subspace has ``ceil(in_channels * ratio)`` channels, at least ``minimum`` and at most
    ``in_channels`` (the reference values are a quarter and four).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: int = 1,
        padding: int = 1,
        ratio: float = 0.25,
        minimum: int = 4,
    ) -> None:
        super().__init__()
        subspace = min(in_channels, max(minimum, -int(-in_channels * ratio // 1)))
        self.reduce = pointwise(in_channels, subspace, bias=False)
        self.expand = pointwise(subspace, out_channels, bias=False)
        self.depthwise = depthwise(out_channels, stride=stride, padding=padding)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H', W')``."""
        return self.depthwise(self.expand(self.reduce(x)))


def conv3x3(
    kind: ConvKind, in_channels: int, out_channels: int, *, stride: int = 1, padding: int = 1
) -> nn.Module:
    """A 3x3 convolution of the given kind; every kind has the same input and output shapes.

    Raises ``ValueError`` for an unknown kind.
    """
    match kind:
        case "conv":
            return nn.Conv2d(in_channels, out_channels, 3, stride, padding)
        case "dsconv":
            return DSConv(in_channels, out_channels, stride=stride, padding=padding)
        case "bsconv":
            return BSConvU(in_channels, out_channels, stride=stride, padding=padding)
        case "bsconv-s":
            return BSConvS(in_channels, out_channels, stride=stride, padding=padding)
        case "bsconv-linear":
            return BSConvU(in_channels, out_channels, stride=stride, padding=padding, linear=True)
    raise ValueError(f"unknown convolution {kind!r}: choose one of {', '.join(get_args(ConvKind))}")
