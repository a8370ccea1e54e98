"""PSNR, SSIM and the protocols under which two images are compared."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from suite.catalog.protocols import PROTOCOLS, Protocol
from suite.images import luma
from suite.measures.psnr_ssim import compare, psnr, ssim

ONE_LEVEL = 48.1308  # 10 log10(255^2 / 1)


def grey(level: int, size: int = 32) -> NDArray[np.uint8]:
    return np.full((size, size, 3), level, np.uint8)


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


# Protocols


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_border_of_scale_pixels_does_not_count(protocol: Protocol, scale: int) -> None:
    original = skimage.data.astronaut()[:40, :40]
    output = np.full_like(original, 255)
    inner = (slice(scale, -scale), slice(scale, -scale))
    output[inner] = original[inner]
    assert compare(output, original, scale, protocol) == (math.inf, pytest.approx(1, abs=1e-12))


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
@pytest.mark.parametrize("corner", [(4, 4), (4, -5), (-5, 4), (-5, -5)])
def test_every_pixel_inside_the_border_counts(protocol: Protocol, corner: tuple[int, int]) -> None:
    original = skimage.data.astronaut()[:40, :40]
    output = original.copy()
    output[corner] = 255 - output[corner]
    psnr_db, similarity = compare(output, original, 4, protocol)
    assert psnr_db < math.inf
    assert similarity < 1


def test_a_grey_level_is_219_255ths_of_a_level_of_luma() -> None:
    # ... and so 20 log10(255 / 219) = 1.3219 dB better than on the grey values themselves
    found, _ = compare(grey(100), grey(101), 4, PROTOCOLS["sr-y"])
    assert found == pytest.approx(ONE_LEVEL + 1.3219, abs=1e-4)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (100, 101, ONE_LEVEL),  # luma 101.88 and 102.74: 102 and 103
        (102, 103, math.inf),  # luma 103.60 and 104.46: 104 both times
    ],
)
def test_matlab_rounds_luma(first: int, second: int, expected: float) -> None:
    found, _ = compare(grey(first), grey(second), 4, PROTOCOLS["matlab-y"])
    assert found == pytest.approx(expected, abs=1e-4)


def test_rgb_takes_the_mean_over_the_channels() -> None:
    original = skimage.data.astronaut()[100:140, 100:140]
    output = original.copy()
    output[..., 0] ^= 1  # the lowest bit of red: a squared error of 1 in a third of the values
    psnr_db, similarity = compare(output, original, 4, PROTOCOLS["ntire-rgb"])
    assert psnr_db == pytest.approx(ONE_LEVEL + 4.7712, abs=1e-4)  # 10 log10(3)
    inner = (slice(4, -4), slice(4, -4), 0)
    assert similarity == pytest.approx((ssim(output[inner], original[inner]) + 1 + 1) / 3, abs=1e-12)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_an_image_that_is_all_border_has_no_figures(protocol: Protocol) -> None:
    assert all(map(math.isnan, compare(grey(1, 8), grey(2, 8), 4, protocol)))


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_an_image_smaller_than_the_window_has_psnr_alone(protocol: Protocol) -> None:
    psnr_db, similarity = compare(grey(1, 16), grey(21, 16), 4, protocol)  # 8x8 are left
    assert math.isfinite(psnr_db)
    assert math.isnan(similarity)
