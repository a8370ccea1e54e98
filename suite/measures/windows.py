"""Structural similarity over all windows that lie inside a plane, fast.

Both passes of the separable window are products with a band matrix, on tiles that stay in the processor's
cache. Although a band matrix is mostly zeros, its product is quicker than a
sliding sum, because BLAS keeps the arithmetic units busy. All in double precision.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suite.images import Plane

BLOCK = 32
"""Outputs of one product, by rows and by columns; the fastest of 16, 32, 64 and 128."""
TILE = 256
"""Columns that are worked on at once."""
C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2


@dataclass(frozen=True, slots=True)
class Window:
    """A separable window: the weights along one dimension, which sum to one."""

    weights: tuple[float, ...]
    variance_factor: float = 1.0
    """Factor on variances and the covariance: N / (N - 1) for unbiased ones of N equal weights."""

    @property
    def size(self) -> int:
        """Side of the window in pixels."""
        return len(self.weights)


def gaussian(radius: int = 5, sigma: float = 1.5) -> Window:
    """The window of Wang et al., IEEE TIP 13(4), 2004: 11x11 with sigma 1.5."""
    weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    return Window(tuple((weights / weights.sum()).tolist()))


def uniform(size: int = 7) -> Window:
    """Equal weights and unbiased variances: the default of scikit-image's ``structural_similarity``."""
    return Window((1 / size,) * size, size**2 / (size**2 - 1))


def positions(shape: tuple[int, ...], window: Window) -> int:
    """Number of positions at which a window lies wholly inside a plane of ``(H, W)``."""
    height, width = (max(0, side - window.size + 1) for side in shape)
    return height * width


def ssim_sum(x: Plane, y: Plane, window: Window) -> float:
    """Sum of the structural similarity of two float64 planes ``(H, W)`` in 0..255 over all `positions`."""
    height, width = (side - window.size + 1 for side in x.shape)
    overlap = window.size - 1
    band = _band(window)
    total = 0.0
    for top in range(0, height, BLOCK):
        rows = slice(top, min(top + BLOCK, height) + overlap)
        for left in range(0, width, TILE):
            columns = slice(left, min(left + TILE, width) + overlap)
            means = _means(x[rows, columns], y[rows, columns], band)
            total += float(_similarity(means, window.variance_factor).sum())
    return total


def _means(x: Plane, y: Plane, band: Plane) -> Plane:
    """The windows' means of x, y, x^2 + y^2 and xy over a tile: ``(4, H, W)`` by positions of the window.

    Of the two variances only the sum is needed, hence four planes instead of five.
    """
    overlap = band.shape[1] - band.shape[0]
    height, width = (side - overlap for side in x.shape)
    planes = np.stack((x, y, x * x + y * y, x * y))
    planes = band[:height, : height + overlap] @ planes
    means = np.empty((4, height, width))
    for left in range(0, width, BLOCK):
        count = min(BLOCK, width - left)
        across = band[:count, : count + overlap].T
        np.matmul(planes[..., left : left + count + overlap], across, out=means[..., left : left + count])
    return means


def _similarity(means: Plane, factor: float) -> Plane:
    """The map of SSIM from the windows' means of x, y, x^2 + y^2 and xy."""
    x, y, squares, product = means
    xy = 2 * x * y
    x2_y2 = x * x + y * y
    variances = factor * (squares - x2_y2)
    covariance = factor * (2 * product - xy)  # twice the covariance
    return (xy + C1) * (covariance + C2) / ((x2_y2 + C1) * (variances + C2))


def _band(window: Window) -> Plane:
    """``(BLOCK, BLOCK + size - 1)``: row i holds the window's weights from column i on."""
    band = np.zeros((BLOCK, BLOCK + window.size - 1))
    for row in range(BLOCK):
        band[row, row : row + window.size] = window.weights
    return band
