"""LapSRN, the Laplacian pyramid network (arXiv 1704.03915): each level doubles the image."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

NEGATIVE_SLOPE = 0.2


def doubling(channels: int) -> nn.ConvTranspose2d:
    """A transposed 4x4 convolution that doubles height and width."""
    return nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1, bias=False)


class Level(nn.Module):
    """One level of the pyramid: ten convolutions, doubled features, and the detail added to the image."""

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.body = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(layers)
        )
        self.up = doubling(channels)
        self.image = doubling(1)
        self.detail = nn.Conv2d(channels, 1, 3, padding=1, bias=False)

    def forward(self, features: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, channels, H, W)`` and ``(N, 1, H, W)`` to the same of twice the height and width."""
        for layer in (*self.body, self.up):
            features = F.leaky_relu(layer(features), NEGATIVE_SLOPE)
        return features, self.image(image) + self.detail(features)


class LapSRN(nn.Module):
    """LapSRN: luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, not clipped; scale 2 or 4.

    A level for each factor of two, each with weights of its own, without biases; x2 is the first level of
    x4. Papers state 813 K parameters at x4, which is this network with the features doubled by 3x3
    instead of 4x4 kernels, and 149.4 G multiply-adds, which counts those at output positions (``macs``
    counts transposed convolutions at input positions).
    """

    def __init__(self, scale: int = 4, *, channels: int = 64, layers: int = 10) -> None:
        if scale not in (2, 4):
            raise ValueError(f"LapSRN doubles at each level: x{scale} is not possible")
        super().__init__()
        self.head = nn.Conv2d(1, channels, 3, padding=1, bias=False)
        self.levels = nn.ModuleList(Level(channels, layers) for _ in range(scale // 2))

    def forward(self, luma: Tensor) -> Tensor:
        """``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``."""
        features, image = F.leaky_relu(self.head(luma), NEGATIVE_SLOPE), luma
        for level in self.levels:
            features, image = level(features, image)
        return image
