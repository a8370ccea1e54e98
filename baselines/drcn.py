"""DRCN, the deeply-recursive convolutional network (arXiv 1511.04491)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.bicubic import Bicubic


def conv(inputs: int, outputs: int) -> nn.Conv2d:
    """A plain 3x3 convolution."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class DRCN(nn.Module):
    """DRCN: luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, not clipped.

    The luma is enlarged by MATLAB's bicubic. One convolution is applied again and again; after every time
    the same two layers reconstruct a residual, and the output is the weighted sum of all reconstructions.
    Enlarging is no part of the multiply-accumulates: papers count from the enlarged image on.

    1,775,121 parameters, printed as 1,775 K, or 1,774 K without biases and the weights of the sum.
    """

    def __init__(self, scale: int = 4, *, channels: int = 256, recursions: int = 16) -> None:
        super().__init__()
        self.enlarge = Bicubic(scale)
        self.recursions = recursions
        self.embed = nn.ModuleList((conv(1, channels), conv(channels, channels)))
        self.recurse = conv(channels, channels)
        self.reconstruct = nn.ModuleList((conv(channels, channels), conv(channels, 1)))
        self.weights = nn.Parameter(torch.full((recursions,), 1 / recursions))

    def forward(self, luma: Tensor) -> Tensor:
        """``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``."""
        enlarged = self.enlarge(luma)
        features = enlarged
        for layer in self.embed:
            features = F.relu(layer(features))
        result = torch.zeros_like(enlarged)
        inner, last = self.reconstruct
        for number in range(self.recursions):
            features = F.relu(self.recurse(features))
            result = result + self.weights[number] * (enlarged + last(F.relu(inner(features))))
        return result
