"""Bicubic interpolation as a network without parameters: the row that every other must beat."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def cubic(distance: float) -> float:
    """Keys' cubic convolution kernel with a = -0.5 (IEEE TASSP 29(6), 1981), the one MATLAB uses."""
    x = abs(distance)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    if x < 2:
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return 0.0


class Bicubic(nn.Module):
    """Bicubic upscaling: any ``(N, C, H, W)`` to ``(N, C, scale * H, scale * W)``, in any value range.

    Same positions, kernel and mirrored borders as MATLAB's ``imresize(image, scale, 'bicubic')`` on
    floating-point images. Output pixel ``scale * i + p`` reads the same four neighbours of input pixel
    ``i`` with weights that depend on the phase ``p`` alone.
    """

    def __init__(self, scale: int = 4) -> None:
        super().__init__()
        self.scale = scale
        self.phases: list[tuple[int, list[float]]] = []
        for phase in range(scale):
            centre = (phase + 0.5) / scale - 0.5
            first = math.floor(centre) - 1
            self.phases.append((first, [cubic(centre - first - tap) for tap in range(4)]))

    def _along(self, x: Tensor, dim: int) -> Tensor:
        """Upscale one dimension, given as a negative index."""
        size = x.shape[dim]
        positions = torch.arange(-2, size + 2, device=x.device) % (2 * size)
        padded = x.index_select(dim, torch.minimum(positions, 2 * size - 1 - positions))
        upscaled = []
        for first, weights in self.phases:
            taps = [padded.narrow(dim, 2 + first + tap, size) * weight for tap, weight in enumerate(weights)]
            upscaled.append(taps[0] + taps[1] + taps[2] + taps[3])
        return torch.stack(upscaled, dim).flatten(dim - 1, dim)

    def forward(self, image: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C, scale * H, scale * W)``."""
        return self._along(self._along(image, -2), -1)
