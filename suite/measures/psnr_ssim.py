"""PSNR and SSIM of two images, as pure functions of arrays.

Definitions: PSNR is ``10 log10(255^2 / MSE)``. SSIM is Wang et al., IEEE TIP 13(4), 2004: Gaussian window
11x11 with sigma 1.5, K1 = 0.01, K2 = 0.03, dynamic range 255, averaged over the positions at which the
window lies wholly inside the image.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from suite.catalog.protocols import Protocol
from suite.images import Plane, Rgb, luma

RADIUS = 5
SIGMA = 1.5
C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2


def psnr(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    """Peak signal-to-noise ratio in dB of two arrays of one shape with values in 0..255.

    Infinite for equal arrays.

    >>> psnr(np.zeros((8, 8)), np.full((8, 8), 255.0))
    0.0
    """
    error = np.mean(np.square(first.astype(np.float64) - second.astype(np.float64)))
    return math.inf if error == 0 else float(10 * np.log10(255.0**2 / error))


def _window() -> Plane:
    x = np.arange(-RADIUS, RADIUS + 1)
    weights = np.exp(-(x**2) / (2 * SIGMA**2))
    return weights / weights.sum()


def _blur(plane: Plane) -> Plane:
    """Gaussian mean at every position whose window lies inside: ``(H, W)`` to ``(H - 10, W - 10)``."""
    window = _window()
    rows = correlate1d(plane, window, axis=0)[RADIUS:-RADIUS]
    return correlate1d(rows, window, axis=1)[:, RADIUS:-RADIUS]


def ssim(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    """Structural similarity of two ``(H, W)`` planes with values in 0..255; NaN if smaller than 11x11.

    >>> ssim(np.eye(16) * 255, np.eye(16) * 255)
    1.0
    """
    if min(first.shape) < 2 * RADIUS + 1:
        return math.nan
    x, y = first.astype(np.float64), second.astype(np.float64)
    mean_x, mean_y = _blur(x), _blur(y)
    xx, yy, xy = mean_x * mean_x, mean_y * mean_y, mean_x * mean_y
    variances = _blur(x * x) - xx + _blur(y * y) - yy
    covariance = _blur(x * y) - xy
    numerator = (2 * xy + C1) * (2 * covariance + C2)
    return float(np.mean(numerator / ((xx + yy + C1) * (variances + C2))))


def compare(output: Rgb, original: Rgb, scale: int, protocol: Protocol) -> tuple[float, float]:
    """PSNR in dB and SSIM of two ``(H, W, 3)`` uint8 images under a protocol.

    NaN where nothing is left after cropping ``scale`` pixels at every edge.
    """
    inner = (slice(scale, -scale), slice(scale, -scale))
    first, second = output[inner], original[inner]
    if first.size == 0:
        return math.nan, math.nan
    if protocol.colour == "rgb":
        planes = [ssim(first[..., channel], second[..., channel]) for channel in range(3)]
        return psnr(first, second), sum(planes) / 3
    y_first, y_second = luma(first), luma(second)
    if protocol.round_luma:
        y_first, y_second = np.floor(y_first + 0.5), np.floor(y_second + 0.5)
    return psnr(y_first, y_second), ssim(y_first, y_second)
