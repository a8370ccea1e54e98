"""CARN and CARN-M, the Cascading Residual Networks (arXiv 1803.08664).

One network serves all scales: it holds the enlarging convolutions of x2, x3 and x4 and runs those of one.
The published number of parameters counts all of them (CARN 1,592 K). CARN-M is quoted with 412 K, which is
what it has without biases (412,032 of 414,787).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 64
MEAN = (0.4488, 0.4371, 0.4040)
"""Mean of DIV2K's training images in RGB, 0..1."""
SCALES = (2, 3, 4)


class MeanShift(nn.Module):
    """Adds ``sign`` times the mean colour, as the 1x1 convolution that the checkpoint stores.

    Takes and gives ``(N, 3, H, W)``. Its weights are constants, hence buffers.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, sign: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.eye(3)[:, :, None, None])
        self.register_buffer("bias", sign * torch.tensor(MEAN))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to the same shape."""
        return F.conv2d(x, self.weight, self.bias)


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions in a residual with a final ReLU; with ``groups``, both grouped and a 1x1 added.

    Takes and gives ``(N, 64, H, W)``. The grouped form is CARN-M's efficient residual unit.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=groups),
            nn.ReLU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=groups),
        ]
        if groups > 1:
            layers += [nn.ReLU(), nn.Conv2d(CHANNELS, CHANNELS, 1)]
        self.body = nn.Sequential(*layers)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 64, H, W)`` to the same shape."""
        return self.activation(self.body(x) + x)


def fusions() -> nn.ModuleList:
    """The 1x1 convolutions that fuse two, three and four feature maps."""
    return nn.ModuleList(
        nn.Sequential(nn.Conv2d(maps * CHANNELS, CHANNELS, 1), nn.ReLU()) for maps in (2, 3, 4)
    )


def cascade(x: Tensor, units: Iterable[nn.Module], fuse: Sequence[nn.Module] | nn.ModuleList) -> Tensor:
    """Units one after another, each on the fusion of all that came before. Shapes as ``x``."""
    seen, features = x, x
    for unit, mix in zip(units, fuse, strict=True):
        seen = torch.cat((seen, unit(features)), dim=1)
        features = mix(seen)
    return features


class CascadingBlock(nn.Module):
    """Three residual units in a cascade; CARN-M runs one and the same unit three times.

    Takes and gives ``(N, 64, H, W)``.
    """

    def __init__(self, groups: int, *, shared: bool) -> None:
        super().__init__()
        self.units = nn.ModuleList(ResidualUnit(groups) for _ in range(1 if shared else 3))
        self.fuse = fusions()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 64, H, W)`` to the same shape."""
        units = list(self.units) * (3 // len(self.units))
        return cascade(x, units, self.fuse)


def enlargement(scale: int, groups: int) -> nn.Sequential:
    """Convolution, ReLU and pixel shuffle by ``scale`` (x4: twice by 2): ``(N, 64, ...)`` to the same."""
    layers: list[nn.Module] = []
    for factor in (2, 2) if scale == 4 else (scale,):
        conv = nn.Conv2d(CHANNELS, CHANNELS * factor**2, 3, padding=1, groups=groups)
        layers += [conv, nn.ReLU(), nn.PixelShuffle(factor)]
    return nn.Sequential(*layers)


class CARN(nn.Module):
    """CARN: RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``, not clipped.

    ``groups`` above 1 and ``shared`` residual units make CARN-M. The input's mean is taken off and given
    back inside.
    """

    def __init__(self, scale: int = 4, *, groups: int = 1, shared: bool = False) -> None:
        super().__init__()
        self.scale = scale
        self.subtract_mean = MeanShift(-1)
        self.head = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.blocks = nn.ModuleList(CascadingBlock(groups, shared=shared) for _ in range(3))
        self.fuse = fusions()
        self.upsample = nn.ModuleDict({f"x{each}": enlargement(each, groups) for each in SCALES})
        self.last = nn.Conv2d(CHANNELS, 3, 3, padding=1)
        self.add_mean = MeanShift(1)

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        features = cascade(self.head(self.subtract_mean(image)), self.blocks, self.fuse)
        return self.add_mean(self.last(self.upsample[f"x{self.scale}"](features)))
