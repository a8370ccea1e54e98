"""FMEN, the Fast and Memory-Efficient Network (arXiv 2204.08397), as entered in NTIRE 2022.

Its activations are called as functions, as in the entry: a tool that hooks modules does not see them, and the
challenge's published operations (22.28 G) are without them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.reparameterization import (
    Foldable,
    Form,
    ResidualExpansion,
    convolution,
    fold,
    kernel_of,
    sequence,
)

NEGATIVE_SLOPE = 0.1


def _activation(x: Tensor) -> Tensor:
    return F.leaky_relu(x, NEGATIVE_SLOPE)


class ERB(nn.Module):
    """Enhanced residual block: two re-parameterised convolutions and an activation between them.

    Takes and gives ``(N, channels, H, W)``. The residuals are inside the convolutions.
    """

    def __init__(self, channels: int, form: Form) -> None:
        super().__init__()
        self.first, self.second = (
            ResidualExpansion(channels) if form == "training" else nn.Conv2d(channels, channels, 3, padding=1)
            for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        return self.second(_activation(self.first(x)))


class HFAB(nn.Module):
    """High-frequency attention block: a mask in (0, 1) computed at ``mid_channels`` and multiplied in.

    Takes and gives ``(N, channels, H, W)``.
    """

    def __init__(self, channels: int, mid_channels: int, blocks: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, mid_channels, 3, padding=1)
        self.blocks = nn.Sequential(*(ERB(mid_channels, "inference") for _ in range(blocks)))
        self.excite = nn.Conv2d(mid_channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        features = _activation(self.blocks(_activation(self.squeeze(x))))
        return torch.sigmoid(self.excite(features)) * x


class NormalizedHFAB(Foldable):
    """`HFAB` in the training form: batch normalisation before and after its outer convolutions.

    The border of a normalised map is padded with what the normalisation makes of zeros in evaluation mode.
    """

    def __init__(self, channels: int, mid_channels: int, blocks: int) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm2d(channels)
        self.squeeze = nn.Conv2d(channels, mid_channels, 3)
        self.blocks = nn.Sequential(*(ERB(mid_channels, "training") for _ in range(blocks)))
        self.feature_norm = nn.BatchNorm2d(mid_channels)
        self.excite = nn.Conv2d(mid_channels, channels, 3)
        self.output_norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        features = _activation(self.squeeze(_normalized_and_padded(self.input_norm, x)))
        features = _activation(self.blocks(features))
        features = self.excite(_normalized_and_padded(self.feature_norm, features))
        return torch.sigmoid(self.output_norm(features)) * x

    def folded(self) -> HFAB:
        """The block with its normalisations folded into the convolutions beside them."""
        mid_channels, channels = self.squeeze.weight.shape[:2]
        plain = HFAB(channels, mid_channels, len(self.blocks))
        plain.squeeze = convolution(sequence(kernel_of(self.input_norm), kernel_of(self.squeeze)))
        plain.blocks = nn.Sequential(*map(fold, self.blocks))
        norms = kernel_of(self.feature_norm), kernel_of(self.output_norm)
        plain.excite = convolution(sequence(norms[0], kernel_of(self.excite), norms[1]))
        return plain


def _normalized_and_padded(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    border = kernel_of(norm).bias[:, None, None]
    return F.pad(norm(x) - border, (1, 1, 1, 1)) + border


class FMEN(nn.Module):
    """FMEN: RGB ``(N, 3, H, W)`` in 0..255 to ``(N, 3, scale * H, scale * W)``, not clipped.

    ``form`` is ``inference`` (the published costs and checkpoint) or ``training``; `fold` of
    ``baselines.reparameterization`` makes the first from the second. ``attention_blocks`` are the blocks
    inside the attention of the warm-up and inside that of each block after it.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        channels: int = 50,
        mid_channels: int = 16,
        attention_blocks: Sequence[int] = (2, 1, 1, 1, 1),
        form: Form = "inference",
    ) -> None:
        super().__init__()
        attention = NormalizedHFAB if form == "training" else HFAB
        first, *others = attention_blocks
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.warm_up = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), attention(channels, mid_channels - 4, first)
        )
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(ERB(channels, form), attention(channels, mid_channels, count))
                for count in others
            )
        )
        self.tail = nn.Conv2d(channels, channels, 3, padding=1)
        self.upsample = nn.Sequential(nn.Conv2d(channels, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        shallow = self.head(image)
        return self.upsample(self.tail(self.blocks(self.warm_up(shallow))) + shallow)
