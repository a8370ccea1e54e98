"""RLFN, the Residual Local Feature Network (arXiv 2205.07514).

Three networks have public checkpoints: RLFN (52 channels, 6 blocks), RLFN-S (48 channels, 6 blocks) and the
winner of the NTIRE 2022 runtime track (46 channels, 48 inside a block, 4 blocks).
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from bsrn.attention import ESA

NEGATIVE_SLOPE = 0.05
ATTENTION_CHANNELS = 16


class RLFB(nn.Module):
    """Residual local feature block: three 3x3 convolutions in a residual, then fusion and a short ESA.

    Takes and gives ``(N, channels, H, W)``; ``mid_channels`` stand between the convolutions.
    """

    def __init__(self, channels: int, mid_channels: int) -> None:
        super().__init__()
        widths = (channels, mid_channels, mid_channels, channels)
        self.refine = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in itertools.pairwise(widths))
        self.activation = nn.LeakyReLU(NEGATIVE_SLOPE)
        self.fuse = nn.Conv2d(channels, channels, 1)
        self.spatial = ESA(channels, ATTENTION_CHANNELS, depth=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        features = x
        for refine in self.refine:
            features = self.activation(refine(features))
        return self.spatial(self.fuse(features + x))


class RLFN(nn.Module):
    """RLFN: RGB ``(N, 3, H, W)`` in 0..255 to ``(N, 3, scale * H, scale * W)``, not clipped.

    ``mid_channels`` is ``channels`` unless given.
    """

    def __init__(
        self, scale: int = 4, *, channels: int = 52, mid_channels: int | None = None, blocks: int = 6
    ) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(RLFB(channels, mid_channels or channels) for _ in range(blocks)))
        self.tail = nn.Conv2d(channels, channels, 3, padding=1)
        self.upsample = nn.Sequential(nn.Conv2d(channels, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        shallow = self.head(image)
        return self.upsample(self.tail(self.blocks(shallow)) + shallow)
