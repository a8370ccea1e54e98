"""Every protocol against a reference in plain Python that shares nothing with the implementation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from suite.catalog.protocols import PROTOCOLS, Protocol, protocol_ids
from suite.errors import UsageError
from suite.images import full_luma
from suite.measures.psnr_ssim import Score, compare, judge, pool, ssim

ONE_LEVEL = 48.1308  # 10 log10(255^2 / 1)
SCALE = 2
Plane = list[list[float]]
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)


def grey(level: float, size: int = 32, dtype: type = np.uint8) -> NDArray[np.generic]:
    return np.full((size, size, 3), level, dtype)


# The reference. Each protocol once more, as the words of docs/definitions.md: planes of a pixel, whether
# the output and the planes are rounded, border at x2, side of the window.


def studio(r: float, g: float, b: float) -> tuple[float, ...]:
    return (16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255,)


def full(r: float, g: float, b: float) -> tuple[float, ...]:
    return (0.299 * r + 0.587 * g + 0.114 * b,)


def rgb(r: float, g: float, b: float) -> tuple[float, ...]:
    return (r, g, b)


RULES = {
    "sr-y": (studio, True, False, 2, 11),
    "matlab-y": (studio, True, True, 2, 11),
    "ntire-rgb": (rgb, True, False, 2, 11),
    "full-y": (full, True, False, 2, 11),
    "pillow-y": (full, True, True, 2, 11),
    "y-uncropped": (studio, True, False, 0, 11),
    "y-unrounded": (studio, False, False, 2, 11),
    "y-uniform": (studio, True, False, 2, 7),
    "y-image-errors": (studio, True, False, 2, 11),
    "y-pixel-errors": (studio, True, False, 2, 11),
    "rgb-uncropped": (rgb, True, False, 0, 11),
    "rgb-unrounded": (rgb, False, False, 0, 11),
    "rgb-border-6": (rgb, True, False, 8, 11),
}


def example(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """An output, not rounded, and its original: waves and edges by formula, in exact binary fractions."""
    original = np.zeros((height, width, 3), np.uint8)
    output = np.zeros((height, width, 3), np.float32)
    for row in range(height):
        for column in range(width):
            for channel in range(3):
                level = (7 * row + 5 * column * (channel + 1) + (row // 6) * (column // 5) * 31) % 256
                error = ((row * column + 3 * row + 11 * channel + 5 * column) % 29 - 13.875) * height / 32
                original[row, column, channel] = level
                output[row, column, channel] = min(max(0.875 * level + error, 0), 255)
    return output, original


SET = (example(27, 30), example(36, 28))


def planes(image: NDArray[np.generic], id: str, is_output: bool) -> list[Plane]:
    """What is compared of an image, in nested lists."""
    colour, round_output, round_planes, border, _ = RULES[id]
    height, width = image.shape[:2]
    found: list[Plane] = []
    for row in range(border, height - border):
        for column in range(border, width - border):
            pixel = [float(level) for level in image[row, column]]
            if is_output and round_output:
                pixel = [float(round(level)) for level in pixel]
            for number, value in enumerate(colour(*pixel)):
                if column == border:
                    found += [[]] * (number == len(found))
                    found[number] = [*found[number], []]
                found[number][-1].append(float(math.floor(value + 0.5)) if round_planes else value)
    return found


def squared_errors(x: list[Plane], y: list[Plane]) -> list[float]:
    return [
        (a - b) ** 2
        for plane_x, plane_y in zip(x, y, strict=True)
        for row_x, row_y in zip(plane_x, plane_y, strict=True)
        for a, b in zip(row_x, row_y, strict=True)
    ]


def similarities(x: Plane, y: Plane, side: int) -> Iterator[float]:
    """SSIM under every position of the window, from weighted sums of deviations from the mean."""
    taps = [math.exp(-((k - 5) ** 2) / 4.5) for k in range(11)] if side == 11 else [1.0] * 7
    weights = [[a * b / sum(taps) ** 2 for a in taps] for b in taps]
    unbiased = 1.0 if side == 11 else 49 / 48
    for top in range(len(x) - side + 1):
        for left in range(len(x[0]) - side + 1):
            cells = [
                (weights[i][j], x[top + i][left + j], y[top + i][left + j])
                for i in range(side)
                for j in range(side)
            ]
            mean_x = sum(w * a for w, a, _ in cells)
            mean_y = sum(w * b for w, _, b in cells)
            var_x = unbiased * sum(w * (a - mean_x) ** 2 for w, a, _ in cells)
            var_y = unbiased * sum(w * (b - mean_y) ** 2 for w, _, b in cells)
            cov = unbiased * sum(w * (a - mean_x) * (b - mean_y) for w, a, b in cells)
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            yield (
                (2 * mean_x * mean_y + c1)
                * (2 * cov + c2)
                / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
            )


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def decibels(mse: float) -> float:
    return 20 * math.log10(255) - 10 * math.log10(mse)


def reference(id: str) -> tuple[list[tuple[float, float]], tuple[float, float]]:
    """PSNR and SSIM of each image of `SET`, and of the set."""
    errors, windows = [], []
    for output, original in SET:
        x, y = planes(output, id, True), planes(original, id, False)
        errors.append(squared_errors(x, y))
        side = RULES[id][4]
        windows.append([s for pair in zip(x, y, strict=True) for s in similarities(*pair, side)])
    images = [(decibels(mean(e)), mean(w)) for e, w in zip(errors, windows, strict=True)]
    psnr, similarity = (mean(list(column)) for column in zip(*images, strict=True))
    if id == "y-image-errors":
        psnr = decibels(mean([mean(e) for e in errors]))
    if id == "y-pixel-errors":
        psnr = decibels(mean([value for e in errors for value in e]))
        similarity = mean([value for w in windows for value in w])
    return images, (psnr, similarity)


def measured(protocol: Protocol) -> list[Score]:
    return [judge(output, original, SCALE, protocol) for output, original in SET]


@every_protocol
def test_figures_are_those_of_plain_python(protocol: Protocol) -> None:
    images, whole = reference(protocol.id)
    scores = measured(protocol)
    assert [(s.psnr, s.ssim) for s in scores] == [pytest.approx(pair, abs=1e-9) for pair in images]
    assert pool(scores, protocol) == pytest.approx(whole, abs=1e-9)


GOLDEN = {
    "sr-y": (24.558142021, 0.976308871),
    "matlab-y": (24.559127440, 0.976322410),
    "ntire-rgb": (22.091304436, 0.970893272),
    "full-y": (23.236220709, 0.973991034),
    "pillow-y": (23.234974233, 0.973721016),
    "y-uncropped": (24.713514092, 0.975606323),
    "y-unrounded": (24.546302119, 0.976270373),
    "y-uniform": (24.558142021, 0.977472008),
    "y-image-errors": (24.556339780, 0.976308871),
    "y-pixel-errors": (24.540800016, 0.975999520),
    "rgb-uncropped": (22.189923491, 0.969702176),
    "rgb-unrounded": (22.180443992, 0.969650223),
    "rgb-border-6": (22.126976304, 0.972519785),
}
"""PSNR and SSIM of `SET`, printed by `reference`."""


@every_protocol
def test_figures_do_not_change(protocol: Protocol) -> None:
    assert pool(measured(protocol), protocol) == pytest.approx(GOLDEN[protocol.id], abs=1e-8)


def test_every_protocol_tells_the_examples_apart() -> None:
    assert len({tuple(round(figure, 5) for figure in GOLDEN[id]) for id in PROTOCOLS}) == len(PROTOCOLS)
    assert RULES.keys() == GOLDEN.keys() == PROTOCOLS.keys()


# Colour


def test_a_grey_level_is_219_255ths_of_a_level_of_luma() -> None:
    # ... and so 20 log10(255 / 219) = 1.3219 dB better than on the grey values themselves
    found, _ = compare(grey(100), grey(101), 4, PROTOCOLS["sr-y"])
    assert found == pytest.approx(ONE_LEVEL + 1.3219, abs=1e-4)


def test_a_grey_level_is_a_level_of_full_range_luma() -> None:
    assert compare(grey(100), grey(101), 4, PROTOCOLS["full-y"])[0] == pytest.approx(ONE_LEVEL, abs=1e-4)


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


def test_full_luma_rounded_is_that_of_pillow() -> None:
    photo = skimage.data.astronaut()
    theirs = np.asarray(Image.fromarray(photo).convert("L")).astype(float)
    ours = np.floor(full_luma(photo) + 0.5)
    # Pillow's weights have 16 bits, which decides what lies within 0.002 of a half
    assert np.abs(ours - theirs).max() <= 1
    assert (ours != theirs).mean() < 0.004


def test_rgb_takes_the_mean_over_the_channels() -> None:
    original = skimage.data.astronaut()[100:140, 100:140]
    output = original.copy()
    output[..., 0] ^= 1  # the lowest bit of red: a squared error of 1 in a third of the values
    psnr_db, similarity = compare(output, original, 4, PROTOCOLS["ntire-rgb"])
    assert psnr_db == pytest.approx(ONE_LEVEL + 4.7712, abs=1e-4)  # 10 log10(3)
    inner = (slice(4, -4), slice(4, -4), 0)
    assert similarity == pytest.approx((ssim(output[inner], original[inner]) + 1 + 1) / 3, abs=1e-12)


def test_rgb_is_scikit_images_with_a_channel_axis() -> None:
    original, output = skimage.data.astronaut()[:60, :70], skimage.data.coffee()[:60, :70]
    expected = structural_similarity(
        original,
        output,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
    )
    assert judge(output, original, 4, PROTOCOLS["rgb-uncropped"]).ssim == pytest.approx(expected, abs=1e-12)


# Rounding of the output


@pytest.mark.parametrize(("level", "rounded"), [(100.49, 0), (100.51, 1), (99.6, 0)])
def test_the_output_is_rounded_to_8_bit_first(level: float, rounded: int) -> None:
    score = judge(grey(level, dtype=np.float32), grey(100), 4, PROTOCOLS["ntire-rgb"])
    assert score.mse == rounded


def test_an_output_that_is_not_rounded_keeps_its_fraction() -> None:
    score = judge(grey(100.5, dtype=np.float32), grey(100), 4, PROTOCOLS["rgb-unrounded"])
    assert score.mse == 0.25


# Border


@every_protocol
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_border_does_not_count(protocol: Protocol, scale: int) -> None:
    original = skimage.data.astronaut()[:40, :40]
    output = np.full_like(original, 255)
    border = {"y-uncropped": 0, "rgb-uncropped": 0, "rgb-unrounded": 0, "rgb-border-6": scale + 6}
    inner = (slice(edge := border.get(protocol.id, scale), 40 - edge),) * 2
    output[inner] = original[inner]
    assert compare(output, original, scale, protocol) == (math.inf, pytest.approx(1, abs=1e-12))


@every_protocol
@pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
def test_every_pixel_inside_the_border_counts(protocol: Protocol, corner: tuple[int, int]) -> None:
    original = skimage.data.astronaut()[:40, :40]
    output = original.copy()
    border = protocol.border(4)
    pixel = output[border : 40 - border, border : 40 - border][corner]
    pixel[:] = 255 - pixel
    psnr_db, similarity = compare(output, original, 4, protocol)
    assert psnr_db < math.inf
    assert similarity < 1


@every_protocol
@pytest.mark.parametrize("size", [1, 7])
def test_an_image_that_the_crop_empties_has_no_figures(protocol: Protocol, size: int) -> None:
    score = judge(grey(1, size), grey(2, size), 4, protocol)
    if protocol.border(4):
        assert math.isnan(score.psnr) and (score.values, score.windows) == (0, 0)
    else:
        assert score.mse == pytest.approx(1 if protocol.colour == "rgb" else (219 / 255) ** 2)
    assert math.isnan(score.ssim) or (protocol.id, size) == ("y-uniform", 7)


@every_protocol
def test_an_image_smaller_than_the_window_has_psnr_alone(protocol: Protocol) -> None:
    left = 6  # the smaller of the two windows is 7x7
    size = left + 2 * protocol.border(4)
    score = judge(grey(1, size), grey(21, size), 4, protocol)
    assert math.isfinite(score.psnr)
    assert math.isnan(score.ssim)
    assert (score.values, score.windows) == (left**2 * (3 if protocol.colour == "rgb" else 1), 0)


def test_images_of_unlike_size_are_refused() -> None:
    with pytest.raises(ValueError, match="unlike size"):
        judge(grey(1, 20), grey(1, 21), 2, PROTOCOLS["sr-y"])


# From images to a set: one image with an error of 1 in 100 pixels, one with an error of 9 in 300

PAIR = (Score(1.0, 0.5, 100, 10), Score(9.0, 0.9, 300, 30))


@pytest.mark.parametrize(
    ("id", "psnr", "similarity"),
    [
        ("sr-y", ONE_LEVEL - 9.5424 / 2, 0.7),  # 10 log10(9) = 9.5424
        ("y-image-errors", ONE_LEVEL - 6.9897, 0.7),  # a mean error of 5
        ("y-pixel-errors", ONE_LEVEL - 8.4510, 0.8),  # (100 + 2700) / 400 = 7, (5 + 27) / 40
    ],
)
def test_pooling(id: str, psnr: float, similarity: float) -> None:
    assert pool(PAIR, PROTOCOLS[id]) == pytest.approx((psnr, similarity), abs=1e-4)


def test_identical_images_make_a_mean_of_psnr_infinite_and_count_as_no_error() -> None:
    perfect = Score(0.0, 1.0, 100, 10)
    wrong = Score(2.0, 0.5, 100, 10)
    assert pool([perfect, wrong], PROTOCOLS["sr-y"]) == (math.inf, 0.75)
    for id in ("y-image-errors", "y-pixel-errors"):
        assert pool([perfect, wrong], PROTOCOLS[id]) == (pytest.approx(ONE_LEVEL, abs=1e-4), 0.75)
        assert pool([perfect, perfect], PROTOCOLS[id]) == (math.inf, 1.0)


@every_protocol
def test_a_figure_that_is_not_there_makes_the_mean_none(protocol: Protocol) -> None:
    empty = Score(math.nan, math.nan, 0, 0)
    assert all(map(math.isnan, pool([PAIR[0], empty], protocol)))
    assert all(map(math.isnan, pool([empty], protocol)))


# The list of protocols


def test_no_two_protocols_are_the_same_rules() -> None:
    rules = [replace(protocol, id="", description="") for protocol in PROTOCOLS.values()]
    assert len(set(rules)) == len(rules)


def test_protocols_that_differ_in_pooling_share_the_figures_of_an_image() -> None:
    groups = [PROTOCOLS[id].of_an_image for id in ("sr-y", "y-image-errors", "y-pixel-errors")]
    assert len(set(groups)) == 1
    assert len({protocol.of_an_image for protocol in PROTOCOLS.values()}) == len(PROTOCOLS) - 2


def test_all_stands_for_every_protocol() -> None:
    assert protocol_ids(["all"]) == tuple(PROTOCOLS)
    assert protocol_ids(["matlab-y", "all", "sr-y"])[:2] == ("matlab-y", "sr-y")
    assert protocol_ids(["sr-y", "sr-y"]) == ("sr-y",)
    with pytest.raises(UsageError, match="did you mean 'all'"):
        protocol_ids(["al"])
