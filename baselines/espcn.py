"""ESPCN, the efficient sub-pixel CNN (arXiv 1609.05158): where the pixel shuffle comes from."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ESPCN(nn.Module):
    """ESPCN: RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``, in 0..1 by a sigmoid.

    The network of the paper works on luma and has no sigmoid; the public checkpoint, which this is, has.
    """

    def __init__(self, scale: int = 4, *, channels: int = 64) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 5, padding=2)
        self.body = nn.Conv2d(channels, channels // 2, 3, padding=1)
        self.upsample = nn.Sequential(
            nn.Conv2d(channels // 2, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale)
        )

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        features = torch.tanh(self.body(torch.tanh(self.head(image))))
        return torch.sigmoid(self.upsample(features))
