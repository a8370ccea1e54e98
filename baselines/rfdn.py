"""RFDN, the Residual Feature Distillation Network (arXiv 2009.11551): the AIM 2020 entry and the paper's.

The network whose checkpoint is public is the entry: 50 channels, 4 blocks, ESA; 433,448 parameters at x4. The
paper's own tables belong to another network: 48 channels, 6 blocks, CCA; 549,624 parameters.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from bsrn.attention import CCA, ESA
from bsrn.convolutions import ConvKind, conv3x3

NEGATIVE_SLOPE = 0.05

Attention = Literal["esa", "cca"]
"""The attention at the end of a block: ESA in the AIM 2020 entry, CCA in the paper's tables."""


class RFDB(nn.Module):
    """Residual feature distillation block, with ESA or CCA; no residual around the whole block.

    Takes and gives ``(N, channels, H, W)``. ``conv`` is the kind of the four 3x3 convolutions.
    """

    def __init__(self, channels: int, *, conv: ConvKind = "conv", attention: Attention = "esa") -> None:
        if attention not in get_args(Attention):
            raise ValueError(
                f"unknown attention {attention!r}: choose one of {', '.join(get_args(Attention))}"
            )
        super().__init__()
        kept = channels // 2
        self.distill = nn.ModuleList(nn.Conv2d(channels, kept, 1) for _ in range(3))
        self.refine = nn.ModuleList(conv3x3(conv, channels, channels) for _ in range(3))
        self.last = conv3x3(conv, channels, kept)
        self.activation = nn.LeakyReLU(NEGATIVE_SLOPE)
        self.fuse = nn.Conv2d(4 * kept, channels, 1)
        self.spatial = ESA(channels, channels // 4) if attention == "esa" else nn.Identity()
        self.channel = CCA(channels, reduction=4) if attention == "cca" else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        features, parts = x, []
        for distill, refine in zip(self.distill, self.refine, strict=True):
            parts.append(self.activation(distill(features)))
            features = self.activation(refine(features) + features)
        parts.append(self.activation(self.last(features)))
        return self.channel(self.spatial(self.fuse(torch.cat(parts, dim=1))))


class RFDN(nn.Module):
    """RFDN: RGB ``(N, 3, H, W)`` in 0..255 to ``(N, 3, scale * H, scale * W)``, not clipped.

    ``conv`` replaces the 3x3 convolutions of the blocks and the one after the fusion; the first, the
    upsampling one and those inside ESA stay plain. ``attention`` is that of every block. The multiply-adds
    beside the paper's network in tables (23.9 G at x4) are the AIM 2020 entry's; it has 31.1 G.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        channels: int = 50,
        blocks: int = 4,
        conv: ConvKind = "conv",
        attention: Attention = "esa",
    ) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.ModuleList(RFDB(channels, conv=conv, attention=attention) for _ in range(blocks))
        self.fuse = nn.Sequential(nn.Conv2d(blocks * channels, channels, 1), nn.LeakyReLU(NEGATIVE_SLOPE))
        self.tail = conv3x3(conv, channels, channels)
        self.upsample = nn.Sequential(nn.Conv2d(channels, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        shallow = self.head(image)
        features, outputs = shallow, []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        return self.upsample(self.tail(self.fuse(torch.cat(outputs, dim=1))) + shallow)
