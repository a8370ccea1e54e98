"""PSNR and SSIM of two images under a protocol, as pure functions of arrays.

Definitions: PSNR is ``10 log10(255^2 / MSE)``. SSIM is Wang et al., IEEE TIP 13(4), 2004: Gaussian window
11x11 with sigma 1.5, K1 = 0.01, K2 = 0.03, dynamic range 255, averaged over the positions at which the
window lies wholly inside the image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.catalog.protocols import Protocol
from suite.images import Plane, Rgb, full_luma, luma
from suite.measures.windows import Window, gaussian, positions, ssim_sum, uniform
from suite.upscaling import Levels, quantize

WINDOWS: dict[str, Callable[[], Window]] = {"gaussian": gaussian, "uniform": uniform}
LUMA: dict[str, Callable[[NDArray[np.generic]], Plane]] = {"studio-luma": luma, "full-luma": full_luma}


@dataclass(frozen=True, slots=True)
class Score:
    """One image compared with its original."""

    mse: float
    """Mean squared error; NaN if cropping left nothing."""
    ssim: float
    """NaN if the window does not fit."""
    values: int
    """How many values ``mse`` is the mean of: pixels, times three for RGB."""
    windows: int
    """How many positions of the window ``ssim`` is the mean of, times three for RGB."""

    @property
    def psnr(self) -> float:
        """Peak signal-to-noise ratio in dB; infinite for identical images."""
        return _decibels(self.mse)


def _decibels(mse: float) -> float:
    return math.inf if mse == 0 else float(10 * np.log10(255.0**2 / mse))


def _mse(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    difference = np.subtract(first, second, dtype=np.float64)
    return float(np.mean(np.square(difference, out=difference)))


def psnr(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    """Peak signal-to-noise ratio in dB of two arrays of one shape with values in 0..255.

    Infinite for equal arrays.

    >>> psnr(np.zeros((8, 8)), np.full((8, 8), 255.0))
    0.0
    """
    return _decibels(_mse(first, second))


def ssim(first: NDArray[np.generic], second: NDArray[np.generic], window: Window | None = None) -> float:
    """Structural similarity of two ``(H, W)`` planes with values in 0..255; NaN if smaller than the window.

    The window is `gaussian` unless another is given.

    >>> ssim(np.eye(16) * 255, np.eye(16) * 255)
    1.0
    """
    window = window or gaussian()
    count = positions(first.shape, window)
    if not count:
        return math.nan
    x, y = (np.ascontiguousarray(plane, dtype=np.float64) for plane in (first, second))
    return ssim_sum(x, y, window) / count


def judge(output: Rgb | Levels, original: Rgb, scale: int, protocol: Protocol) -> Score:
    """Compare two ``(H, W, 3)`` images with values in 0..255, the original uint8, under a protocol.

    The output may be unrounded: the protocol says whether it is rounded to 8 bit here. Raises ``ValueError``
    for images of unlike size.
    """
    if output.shape != original.shape:
        raise ValueError(f"images of unlike size: {output.shape} and {original.shape}")
    height, width = original.shape[:2]
    border = protocol.border(scale)
    inner = (slice(border, max(height - border, 0)), slice(border, max(width - border, 0)))
    first = quantize(output[inner]) if protocol.round_output else output[inner]
    x, y = _compared(first, protocol), _compared(original[inner], protocol)
    if not x.size:
        return Score(math.nan, math.nan, 0, 0)
    window = WINDOWS[protocol.window]()
    similarities = [ssim(x[..., plane], y[..., plane], window) for plane in range(x.shape[2])]
    return Score(
        mse=_mse(x, y),
        ssim=sum(similarities) / len(similarities),
        values=x.size,
        windows=positions(x.shape[:2], window) * len(similarities),
    )


def _compared(image: Rgb | Levels, protocol: Protocol) -> Plane:
    """What is compared of an image: ``(H, W, 1)`` of luma or ``(H, W, 3)``, float64."""
    if protocol.colour == "rgb":
        return image.astype(np.float64)
    plane = LUMA[protocol.colour](image)
    return (np.floor(plane + 0.5) if protocol.round_luma else plane)[..., None]


def compare(output: Rgb | Levels, original: Rgb, scale: int, protocol: Protocol) -> tuple[float, float]:
    """PSNR in dB and SSIM of one image: see `judge`.

    PSNR is NaN where nothing is left after cropping, SSIM also where the window does not fit.
    """
    score = judge(output, original, scale, protocol)
    return score.psnr, score.ssim


def pool(scores: Sequence[Score], protocol: Protocol) -> tuple[float, float]:
    """PSNR in dB and SSIM of a set from those of its images, of which there is at least one.

    A mean of PSNR is infinite as soon as one image is identical to its original; a mean of squared errors
    takes that image as 0 and gives infinity only if all are identical. NaN if a figure of an image is NaN.
    """
    images = [1] * len(scores)
    ssim_weights, mse_weights = images, images
    if protocol.pooling == "pixel-errors":
        mse_weights, ssim_weights = [s.values for s in scores], [s.windows for s in scores]
    similarity = _mean([score.ssim for score in scores], ssim_weights)
    if protocol.pooling == "images":
        return _mean([score.psnr for score in scores], images), similarity
    return _decibels(_mean([score.mse for score in scores], mse_weights)), similarity


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    total = sum(weights)
    return math.fsum(v * w for v, w in zip(values, weights, strict=True)) / total if total else math.nan
