"""EDSR, the enhanced deep residual network (arXiv 1707.02921), in its small form."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean colour of the training set, of 1."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a ReLU between, added to the input. Keeps ``(N, channels, H, W)``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        return x + self.second(F.relu(self.first(x)))


class EDSR(nn.Module):
    """EDSR-baseline: RGB ``(N, 3, H, W)`` in 0..255 to ``(N, 3, scale * H, scale * W)``, not clipped.

    16 residual blocks of 64 channels. x4 enlarges twice by two. The mean colour is subtracted at the start
    and added at the end; it is a constant, no parameter.
    """

    mean: Tensor

    def __init__(self, scale: int = 4, *, channels: int = 64, blocks: int = 16) -> None:
        super().__init__()
        mean = 255 * torch.tensor(DIV2K_MEAN).view(1, 3, 1, 1)
        self.register_buffer("mean", mean, persistent=False)
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.ModuleList(ResidualBlock(channels) for _ in range(blocks))
        self.fuse = nn.Conv2d(channels, channels, 3, padding=1)
        stages: list[nn.Module] = []
        for factor in (2, 2) if scale == 4 else (scale,):
            stages += [nn.Conv2d(channels, channels * factor**2, 3, padding=1), nn.PixelShuffle(factor)]
        self.upsample = nn.Sequential(*stages)
        self.last = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        shallow = self.head(image - self.mean)
        features = shallow
        for block in self.blocks:
            features = block(features)
        return self.last(self.upsample(self.fuse(features) + shallow)) + self.mean
