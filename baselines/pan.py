"""PAN, the Pixel Attention Network (arXiv 2010.01073)."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NEGATIVE_SLOPE = 0.2


class PixelAttention(nn.Module):
    """One factor in (0, 1) for every position and channel, from a 1x1 convolution.

    Takes and gives ``(N, channels, H, W)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        return torch.mul(x, torch.sigmoid(self.conv(x)))


class SCPA(nn.Module):
    """Self-calibrated block with pixel attention: two halves, one of them gated, around a residual.

    Takes and gives ``(N, channels, H, W)``. Only the gate's convolution has a bias.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.plain_reduce = nn.Conv2d(channels, half, 1, bias=False)
        self.plain = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.gated_reduce = nn.Conv2d(channels, half, 1, bias=False)
        self.gate = nn.Conv2d(half, half, 1)
        self.gated = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.gated_last = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.fuse = nn.Conv2d(2 * half, channels, 1, bias=False)
        self.activation = nn.LeakyReLU(NEGATIVE_SLOPE)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        plain = self.activation(self.plain(self.activation(self.plain_reduce(x))))
        reduced = self.activation(self.gated_reduce(x))
        gated = self.gated_last(torch.mul(self.gated(reduced), torch.sigmoid(self.gate(reduced))))
        return self.fuse(torch.cat((plain, self.activation(gated)), dim=1)) + x


class UpsamplingStage(nn.Module):
    """Nearest-neighbour enlargement, then a convolution, pixel attention and another convolution.

    ``(N, in_channels, H, W)`` to ``(N, channels, factor * H, factor * W)``.
    """

    def __init__(self, in_channels: int, channels: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.reduce = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.attention = PixelAttention(channels)
        self.refine = nn.Conv2d(channels, channels, 3, padding=1)
        self.activation = nn.LeakyReLU(NEGATIVE_SLOPE)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, channels, factor * H, factor * W)``."""
        enlarged = F.interpolate(x, scale_factor=self.factor, mode="nearest")
        return self.activation(self.refine(self.activation(self.attention(self.reduce(enlarged)))))


class PAN(nn.Module):
    """PAN: RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``, not clipped.

    x4 enlarges in two stages of 2, x2 and x3 in one. The network adds to the bilinear enlargement of its
    input. On noise of full amplitude the official weights diverge (to 1e20 at x4); photographs are far from
    it.
    """

    def __init__(
        self, scale: int = 4, *, channels: int = 40, upsampling_channels: int = 24, blocks: int = 16
    ) -> None:
        super().__init__()
        self.scale = scale
        factors = (2, 2) if scale == 4 else (scale,)
        widths = (channels, *(upsampling_channels for _ in factors))
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(SCPA(channels) for _ in range(blocks)))
        self.tail = nn.Conv2d(channels, channels, 3, padding=1)
        self.upsample = nn.Sequential(
            *(
                UpsamplingStage(a, b, factor)
                for (a, b), factor in zip(itertools.pairwise(widths), factors, strict=True)
            )
        )
        self.last = nn.Conv2d(upsampling_channels, 3, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        shallow = self.head(image)
        features = shallow + self.tail(self.blocks(shallow))
        enlarged = F.interpolate(image, scale_factor=self.scale, mode="bilinear", align_corners=False)
        return self.last(self.upsample(features)) + enlarged
