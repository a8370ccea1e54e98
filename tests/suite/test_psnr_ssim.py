"""PSNR and SSIM of two planes; the protocols are in ``test_protocols``."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from suite.images import luma
from suite.measures.psnr_ssim import psnr, ssim
from suite.measures.windows import uniform

ONE_LEVEL = 48.1308  # 10 log10(255^2 / 1)


# PSNR


def test_psnr_of_one_level_everywhere() -> None:
    assert psnr(np.full((4, 4), 7), np.full((4, 4), 8)) == pytest.approx(ONE_LEVEL, abs=1e-4)


def test_psnr_of_one_wrong_pixel_in_a_hundred() -> None:
    first, second = np.zeros((10, 10)), np.zeros((10, 10))
    second[3, 4] = 10  # a mean squared error of 1
    assert psnr(first, second) == pytest.approx(ONE_LEVEL, abs=1e-4)


def test_psnr_of_equal_images_is_infinite() -> None:
    assert psnr(np.ones((3, 3)), np.ones((3, 3))) == math.inf


def test_psnr_of_black_and_white_is_zero_in_8_bit_too() -> None:
    assert psnr(np.zeros((3, 3), np.uint8), np.full((3, 3), 255, np.uint8)) == 0


# SSIM


DISTORTIONS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "noise": lambda plane: plane + np.random.default_rng(0).normal(0, 12, plane.shape),
    "blur": lambda plane: gaussian_filter(plane, 1.7),
    "contrast": lambda plane: 0.6 * plane + 40,
    "inverse": lambda plane: 255 - plane,
}


@pytest.mark.parametrize("distortion", DISTORTIONS)
@pytest.mark.parametrize("photo", ["astronaut", "coffee"])
def test_ssim_agrees_with_scikit_image(photo: str, distortion: str) -> None:
    plane = luma(getattr(skimage.data, photo)()[:200, :230])
    other = DISTORTIONS[distortion](plane)
    # The mean over the map without its border of 5 is the mean over windows that lie inside.
    _, full = structural_similarity(
        plane,
        other,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        full=True,
    )
    assert ssim(plane, other) == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-9)


def test_ssim_of_an_image_with_itself_is_one() -> None:
    plane = luma(skimage.data.astronaut()[:64, :64])
    assert ssim(plane, plane) == pytest.approx(1, abs=1e-12)


def test_ssim_of_constant_images_is_the_luminance_term() -> None:
    # Without variance the second factor is 1: (2 * 100 * 110 + C1) / (100^2 + 110^2 + C1), C1 = 2.55^2
    expected = (22_000 + 6.5025) / (22_100 + 6.5025)
    assert ssim(np.full((20, 20), 100), np.full((20, 20), 110)) == pytest.approx(expected, abs=1e-9)


def test_ssim_needs_a_window_of_11() -> None:
    assert ssim(np.ones((11, 11)), np.ones((11, 11))) == pytest.approx(1)
    assert math.isnan(ssim(np.ones((10, 40)), np.ones((10, 40))))
    assert math.isnan(ssim(np.ones((40, 10)), np.ones((40, 10))))


@pytest.mark.parametrize("shape", [(11, 11), (11, 60), (43, 11), (42, 42), (74, 75), (107, 139)])
def test_ssim_agrees_with_scikit_image_whatever_the_size(shape: tuple[int, int]) -> None:
    # The computation goes in blocks of 32: sizes below, at and above whole blocks
    draw = np.random.default_rng(0)
    plane = draw.integers(0, 256, shape).astype(float)
    other = np.clip(plane + draw.normal(0, 30, shape), 0, 255)
    expected = structural_similarity(
        plane, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert ssim(plane, other) == pytest.approx(expected, abs=1e-12)


def test_ssim_of_the_uniform_window_is_the_default_of_scikit_image() -> None:
    plane, other = luma(skimage.data.astronaut()[:90, :70]), luma(skimage.data.coffee()[:90, :70])
    expected = structural_similarity(plane, other, data_range=255)
    assert ssim(plane, other, uniform()) == pytest.approx(expected, abs=1e-12)


def test_ssim_loses_nothing_on_bright_flat_images() -> None:
    # Variances are small differences of large numbers here: what single precision would get wrong
    plane = np.full((64, 64), 235.0)
    other = plane + np.random.default_rng(0).normal(0, 0.05, plane.shape)
    expected = structural_similarity(
        plane, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert ssim(plane, other) == pytest.approx(expected, abs=1e-12)


def test_ssim_of_one_wrong_pixel_under_one_window() -> None:
    # One window, a black plane, one pixel of 255 at its centre, whose weight is w = g^2:
    # mean 255 w, variance 255^2 w (1 - w), the other plane has neither and there is no covariance.
    taps = [math.exp(-(k**2) / 4.5) for k in range(-5, 6)]
    w = (1 / math.fsum(taps)) ** 2
    second = np.zeros((11, 11))
    second[5, 5] = 255
    c1, c2 = 2.55**2, 7.65**2
    expected = c1 * c2 / (((255 * w) ** 2 + c1) * (255**2 * w * (1 - w) + c2))
    assert ssim(np.zeros((11, 11)), second) == pytest.approx(expected, abs=1e-15)


def test_ssim_is_symmetric_and_does_not_touch_its_arguments() -> None:
    plane, other = luma(skimage.data.astronaut()[:50, :50]), luma(skimage.data.coffee()[:50, :50])
    before = plane.copy(), other.copy()
    assert ssim(plane, other) == pytest.approx(ssim(other, plane), abs=1e-15)
    assert np.array_equal(plane, before[0]) and np.array_equal(other, before[1])
