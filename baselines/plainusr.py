"""PlainUSR, a plain network that folds into few convolutions (ACCV 2024), in its smallest size, PlainUSR-U.

This is the inference form, the one of the public checkpoints: each 3x3 convolution of a block is what its
training form, an inverted bottleneck with residuals, folds into.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

NEGATIVE_SLOPE = 0.05
COLOURS = 3


class LocalAttention(nn.Module):
    """Local-importance attention of PlainUSR-U: a mask from a 3x3 convolution, and a gate.

    The gate is the sigmoid of the first channel. Takes and gives ``(N, channels, H, W)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        return x * torch.sigmoid(x[:, :1]) * torch.sigmoid(self.conv(x))


class PartialBlock(nn.Module):
    """Two 3x3 convolutions on the first ``channels`` of the features; the others pass by unchanged.

    Takes and gives ``(N, C, H, W)`` with C at least ``channels``.
    """

    def __init__(self, channels: int, *, attention: bool = False) -> None:
        super().__init__()
        self.channels = channels
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.activation = nn.LeakyReLU(NEGATIVE_SLOPE)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.attention = LocalAttention(channels) if attention else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same shape."""
        changed = self.attention(self.second(self.activation(self.first(x[:, : self.channels]))))
        return torch.cat((changed, x[:, self.channels :]), dim=1)


class PlainUSR(nn.Module):
    """PlainUSR-U: RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``, not clipped.

    Three blocks change the first channels of the features: ``channels``, ``mid_channels`` with attention, and
    ``channels`` again. Three further channels carry the image from the first convolution to the last.
    """

    def __init__(self, scale: int = 4, *, channels: int = 16, mid_channels: int = 8) -> None:
        super().__init__()
        self.head = nn.Conv2d(COLOURS, channels + COLOURS, 3, padding=1)
        self.blocks = nn.Sequential(
            PartialBlock(channels), PartialBlock(mid_channels, attention=True), PartialBlock(channels)
        )
        last = nn.Conv2d(channels + COLOURS, COLOURS * scale**2, 3, padding=1)
        self.upsample = nn.Sequential(last, nn.PixelShuffle(scale))
        with torch.no_grad():  # so that an untrained network starts near the nearest-neighbour enlargement
            for channel in range(COLOURS * scale**2):
                last.weight[channel, channels + channel // scale**2, 1, 1] += 1
            for colour in range(COLOURS):
                self.head.weight[channels + colour, colour, 1, 1] += 1

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        return self.upsample(self.blocks(self.head(image)))
