"""VDSR, very deep super-resolution (arXiv 1511.04587): twenty convolutions on the enlarged luma."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from baselines.bicubic import Bicubic


class VDSR(nn.Module):
    """VDSR: luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, not clipped.

    The luma is enlarged by MATLAB's bicubic, and the convolutions add what is missing. They work on the HR
    grid, so their cost depends on the size of the output alone. Enlarging belongs to the network but is no
    part of its multiply-accumulates: papers count from the enlarged image on. One set of weights serves all
    scales.

    ``bias``: the network of the paper has biases (665,921 parameters, printed as 666 K); the public
    checkpoint was trained without (664,704).
    """

    def __init__(self, scale: int = 4, *, channels: int = 64, layers: int = 20, bias: bool = False) -> None:
        super().__init__()
        self.enlarge = Bicubic(scale)
        self.head = nn.Conv2d(1, channels, 3, padding=1, bias=bias)
        self.body = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1, bias=bias) for _ in range(layers - 2)
        )
        self.last = nn.Conv2d(channels, 1, 3, padding=1, bias=bias)

    def forward(self, luma: Tensor) -> Tensor:
        """``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``."""
        enlarged = self.enlarge(luma)
        features = F.relu(self.head(enlarged))
        for layer in self.body:
            features = F.relu(layer(features))
        return self.last(features) + enlarged
