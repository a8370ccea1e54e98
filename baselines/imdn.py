"""IMDN, the Information Multi-Distillation Network (arXiv 1909.11856)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bsrn.attention import CCA

NEGATIVE_SLOPE = 0.05


class IMDB(nn.Module):
    """Information multi-distillation block: each 3x3 convolution's first quarter of channels is kept.

    Takes and gives ``(N, channels, H, W)``. ``attention=False`` leaves out CCA.
    """

    def __init__(self, channels: int, *, attention: bool = True) -> None:
        super().__init__()
        self.kept = channels // 4
        self.passed = channels - self.kept
        self.refine = nn.ModuleList(
            nn.Conv2d(inputs, channels, 3, padding=1) for inputs in (channels, self.passed, self.passed)
        )
        self.last = nn.Conv2d(self.passed, self.kept, 3, padding=1)
        self.activation = nn.LeakyReLU(NEGATIVE_SLOPE)
        self.channel = CCA(4 * self.kept) if attention else nn.Identity()
        self.fuse = nn.Conv2d(4 * self.kept, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        features, parts = x, []
        for refine in self.refine:
            kept, features = self.activation(refine(features)).split((self.kept, self.passed), dim=1)
            parts.append(kept)
        parts.append(self.last(features))
        return self.fuse(self.channel(torch.cat(parts, dim=1))) + x


class IMDN(nn.Module):
    """IMDN: RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``, not clipped."""

    def __init__(self, scale: int = 4, *, channels: int = 64, blocks: int = 6) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.ModuleList(IMDB(channels) for _ in range(blocks))
        self.fuse = nn.Sequential(nn.Conv2d(blocks * channels, channels, 1), nn.LeakyReLU(NEGATIVE_SLOPE))
        self.tail = nn.Conv2d(channels, channels, 3, padding=1)
        self.upsample = nn.Sequential(nn.Conv2d(channels, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        shallow = self.head(image)
        features, outputs = shallow, []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        return self.upsample(self.tail(self.fuse(torch.cat(outputs, dim=1))) + shallow)


class ChallengeIMDN(nn.Module):
    """The IMDN that won AIM 2019 and was the baseline of NTIRE 2022 (arXiv 2205.05675).

    RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``, not clipped. Without CCA and without the
    fusion of all blocks' outputs: eight blocks and a convolution in a row, in one residual.
    """

    def __init__(self, scale: int = 4, *, channels: int = 64, blocks: int = 8) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(IMDB(channels, attention=False) for _ in range(blocks)))
        self.tail = nn.Conv2d(channels, channels, 3, padding=1)
        self.upsample = nn.Sequential(nn.Conv2d(channels, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        shallow = self.head(image)
        return self.upsample(self.tail(self.blocks(shallow)) + shallow)
