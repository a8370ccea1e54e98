"""Enhanced spatial attention (ESA), contrast-aware channel attention (CCA), learned channel scale."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsrn.convolutions import ConvKind, conv3x3, pointwise

MIN_INPUT = 15
"""Smallest height and width that `ESA` can take: 15 -> 7 by the strided convolution -> 1 by the pool."""


class ESA(nn.Module):
    """Enhanced spatial attention (RFANet, Liu et al., CVPR 2020), in the shape that RFDN and BSRN use.

    A mask in (0, 1) for every position and channel is computed at low resolution and multiplied in.

    Takes and gives ``(N, channels, H, W)``; H and W at least `MIN_INPUT`.

    - ``mid_channels``: channels inside (RFDN and BSRN: about a quarter).
    - ``conv``: kind of the 3x3 convolutions; ``strided_conv`` that of the first, if it differs.
    - ``depth``: number of 3x3 convolutions after the pool (RLFN has but one).
    - ``linear``: write the 1x1 convolutions as linear layers (BSRN-S).
    - ``activation``: builds the non-linearity between the 3x3 convolutions.
    """

    def __init__(
        self,
        channels: int,
        mid_channels: int,
        *,
        conv: ConvKind = "conv",
        strided_conv: ConvKind | None = None,
        depth: int = 3,
        linear: bool = False,
        activation: Callable[[], nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        self.reduce = pointwise(channels, mid_channels, linear=linear)
        self.shortcut = pointwise(mid_channels, mid_channels, linear=linear)
        self.strided = conv3x3(strided_conv or conv, mid_channels, mid_channels, stride=2, padding=0)
        body = [conv3x3(conv, mid_channels, mid_channels)]
        for _ in range(depth - 1):
            body += [activation(), conv3x3(conv, mid_channels, mid_channels)]
        self.body = nn.Sequential(*body)
        self.expand = pointwise(mid_channels, channels, linear=linear)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        reduced = self.reduce(x)
        context = self.body(F.max_pool2d(self.strided(reduced), kernel_size=7, stride=3))
        context = F.interpolate(context, size=x.shape[-2:], mode="bilinear", align_corners=False)
        return x * torch.sigmoid(self.expand(context + self.shortcut(reduced)))


class CCA(nn.Module):
    """Contrast-aware channel attention (IMDN, arXiv 1909.11856).

    Each channel is weighed by a factor in (0, 1) computed from the sum of its mean and its standard
    deviation (population form) over the image.

    Takes and gives ``(N, channels, H, W)``.
    """

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // reduction, 1)
        self.activation = nn.ReLU()
        self.expand = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        mean = F.adaptive_avg_pool2d(x, 1)
        deviation = (x - mean).square().mean(dim=(-2, -1), keepdim=True).sqrt()
        weights = torch.sigmoid(self.expand(self.activation(self.reduce(deviation + mean))))
        return x * weights


class ChannelScale(nn.Module):
    """One learned factor a channel, then a pointwise layer: what BSRN-S has in place of `CCA`.

    Takes and gives ``(N, channels, H, W)``. The factors have shape ``(1, channels)``.
    """

    def __init__(self, channels: int, *, linear: bool = True) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, channels))
        self.mix = pointwise(channels, channels, linear=linear)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        return self.mix(x * self.scale[:, :, None, None])
