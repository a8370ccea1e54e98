"""LAPAR, linearly-assembled pixel-adaptive regression (arXiv 2105.10422)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean colour of the training set, of 1."""


def conv(inputs: int, outputs: int, size: int = 3) -> nn.Module:
    """A convolution that keeps the size, with its weights split into length and direction."""
    return weight_norm(nn.Conv2d(inputs, outputs, size, padding=size // 2))


def gaussian(size: int, long: float, short: float, angle: float) -> Tensor:
    """``(size, size)`` Gaussian of two standard deviations in pixels, turned by an angle; sums to one."""
    axis = torch.arange(size) - (size - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    kernel = torch.exp(-0.5 * ((along / long) ** 2 + (across / short) ** 2))
    return kernel / kernel.sum()


def dictionary(filters: int, size: int) -> Tensor:
    """``(filters, 1, size, size)``: a third turned Gaussians of three shapes, the others their differences.

    The kinds are those of the paper. The numbers of its dictionary, which are not part of the description,
    come with the weights and replace these.
    """
    third = filters // 3
    shapes = ((1.0, 0.5), (2.0, 0.5), (2.0, 1.0))
    turns = -(-third // len(shapes))
    gaussians = [gaussian(size, *shapes[i % 3], math.pi * (i // 3) / turns) for i in range(third)]
    differences = [
        gaussians[i % third] - gaussians[(i + 1 + i // third) % third] for i in range(filters - third)
    ]
    return torch.stack(gaussians + differences)[:, None]


class Scale(nn.Module):
    """Multiplication by one learned number."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([start]))

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return x * self.scale


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions with a ReLU between; result and input are weighed and added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(channels, channels), nn.ReLU(), conv(channels, channels))
        self.residual_scale = Scale(1.0)
        self.input_scale = Scale(1.0)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        return self.residual_scale(self.body(x)) + self.input_scale(x)


class FusionBlock(nn.Module):
    """Four residual units in a row, whose outputs are fused; result and input are weighed and added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.units = nn.ModuleList(ResidualUnit(channels) for _ in range(4))
        self.fuse = conv(4 * channels, channels)
        self.residual_scale = Scale(1.0)
        self.input_scale = Scale(1.0)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        features, outputs = x, []
        for unit in self.units:
            features = unit(features)
            outputs.append(features)
        return self.residual_scale(self.fuse(torch.cat(outputs, dim=1))) + self.input_scale(x)


class LAPAR(nn.Module):
    """LAPAR-A: RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``, not clipped.

    The network gives every output pixel the weights of 72 fixed 5x5 filters. The pixel is the weighted sum
    of what the filters make of the image, enlarged by PyTorch's bicubic (a = -0.75). The filters are
    convolutions and count as multiply-accumulates; enlarging and the weighted sum do not.

    ``dictionary`` holds the filters; it comes with the weights and is no parameter. Borders of the enlarged
    image are repeated for the filters' two pixels, so that images of one pixel pass too (the authors mirror
    them, which differs in those two alone).
    """

    mean: Tensor
    dictionary: Tensor

    def __init__(
        self, scale: int = 4, *, channels: int = 32, blocks: int = 4, filters: int = 72, size: int = 5
    ) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("mean", torch.tensor(DIV2K_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("dictionary", dictionary(filters, size))
        self.head = conv(3, channels)
        self.blocks = nn.ModuleList(FusionBlock(channels) for _ in range(blocks))
        self.upsample = nn.Sequential(conv(channels, channels * scale**2), nn.ReLU(), nn.PixelShuffle(scale))
        self.small = nn.Sequential(conv(channels, channels, 3), Scale(0.5))
        self.large = nn.Sequential(conv(channels, channels, 5), Scale(0.5))
        self.assemble = nn.Sequential(conv(channels, channels), nn.ReLU(), conv(channels, filters))

    def coefficients(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, filters, scale * H, scale * W)``."""
        features = F.relu(self.head(image - self.mean))
        for block in self.blocks:
            features = block(features)
        features = self.upsample(features)
        return self.assemble(self.small(features) + self.large(features))

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        enlarged = F.interpolate(image, scale_factor=self.scale, mode="bicubic", align_corners=False)
        number, colours, height, width = enlarged.shape
        border = self.dictionary.shape[-1] // 2
        planes = F.pad(enlarged.reshape(-1, 1, height, width), [border] * 4, mode="replicate")
        filtered = F.conv2d(planes, self.dictionary).view(number, colours, -1, height, width)
        return (filtered * self.coefficients(image).unsqueeze(1)).sum(dim=2)
