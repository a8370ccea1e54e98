"""IDN, the information distillation network (arXiv 1803.09454)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.bicubic import Bicubic

NEGATIVE_SLOPE = 0.05


def act(x: Tensor) -> Tensor:
    """The activation after every convolution but the last."""
    return F.leaky_relu(x, NEGATIVE_SLOPE)


class DBlock(nn.Module):
    """Information distillation block: an enhancement unit and a 1x1 convolution that compresses.

    Three convolutions; a quarter of their output is kept beside the block's input, the rest goes through
    three more, whose output is added to what was kept.

    Takes and gives ``(N, 64, H, W)``.
    """

    def __init__(self, channels: int = 64, difference: int = 16) -> None:
        super().__init__()
        self.kept = channels // 4
        less, more = channels - difference, channels + difference
        self.before = nn.ModuleList(
            (
                nn.Conv2d(channels, less, 3, padding=1),
                nn.Conv2d(less, less - difference, 3, padding=1, groups=4),
                nn.Conv2d(less - difference, channels, 3, padding=1),
            )
        )
        self.after = nn.ModuleList(
            (
                nn.Conv2d(channels - self.kept, channels, 3, padding=1),
                nn.Conv2d(channels, less, 3, padding=1, groups=4),
                nn.Conv2d(less, more, 3, padding=1),
            )
        )
        self.compress = nn.Conv2d(more, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 64, H, W)`` to the same shape."""
        short = x
        for layer in self.before:
            short = act(layer(short))
        kept, long = short[:, : self.kept], short[:, self.kept :]
        for layer in self.after:
            long = act(layer(long))
        return act(self.compress(torch.cat((x, kept), dim=1) + long))


class IDN(nn.Module):
    """IDN: luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, not clipped.

    A transposed 17x17 convolution gives the residual to the luma enlarged by MATLAB's bicubic, which is no
    part of the multiply-accumulates.

    552,769 parameters at every scale, printed as 553 K. The multiply-adds that go with them in tables
    (124.6, 56.3 and 32.3 G) are of another network: the same blocks on RGB, with a 3x3 convolution and a
    pixel shuffle at the end.
    """

    def __init__(self, scale: int = 4, *, channels: int = 64, blocks: int = 4) -> None:
        super().__init__()
        self.enlarge = Bicubic(scale)
        self.extract = nn.ModuleList(
            (nn.Conv2d(1, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, padding=1))
        )
        self.blocks = nn.ModuleList(DBlock(channels) for _ in range(blocks))
        self.reconstruct = nn.ConvTranspose2d(
            channels, 1, 17, stride=scale, padding=8, output_padding=scale - 1
        )

    def forward(self, luma: Tensor) -> Tensor:
        """``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``."""
        features = luma
        for layer in self.extract:
            features = act(layer(features))
        for block in self.blocks:
            features = block(features)
        return self.reconstruct(features) + self.enlarge(luma)
