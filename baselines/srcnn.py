"""SRCNN, the first convolutional network for super-resolution (arXiv 1501.00092), in its 9-5-5 form."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from baselines.bicubic import Bicubic


def same(inputs: int, outputs: int, size: int) -> nn.Conv2d:
    """A convolution that keeps the size, with borders repeated as the authors' test code does."""
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, padding_mode="replicate")


class SRCNN(nn.Module):
    """SRCNN: luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, not clipped.

    The luma is enlarged by MATLAB's bicubic; three convolutions replace it. Enlarging belongs to the
    network but is no part of its multiply-accumulates: papers count from the enlarged image on.

    ``middle`` is the size of the second kernel: 5 is the network of 57 K parameters and 52.7 G
    multiply-adds, 1 the 9-1-5 network of 8 K that some tables name beside the same 52.7 G.
    """

    def __init__(self, scale: int = 4, *, channels: int = 64, reduced: int = 32, middle: int = 5) -> None:
        super().__init__()
        self.enlarge = Bicubic(scale)
        self.extract = same(1, channels, 9)
        self.map = same(channels, reduced, middle)
        self.reconstruct = same(reduced, 1, 5)

    def forward(self, luma: Tensor) -> Tensor:
        """``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``."""
        features = F.relu(self.extract(self.enlarge(luma)))
        return self.reconstruct(F.relu(self.map(features)))
