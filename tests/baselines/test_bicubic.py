"""Bicubic upscaling: MATLAB's kernel, positions and mirrored borders."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from baselines.bicubic import Bicubic, cubic

SCALES = [2, 3, 4]


def in_a_row(values: list[float], scale: int) -> Tensor:
    """Upscale values along the width; the height does not matter, as all rows are equal."""
    image = torch.tensor(values).expand(1, 1, 3, -1)
    return Bicubic(scale)(image)[0, 0, scale]


@pytest.mark.parametrize(
    ("distance", "expected"),
    [(0, 1), (1, 0), (2, 0), (3, 0), (0.5, 9 / 16), (1.5, -1 / 16), (-0.5, 9 / 16), (-1.5, -1 / 16)],
)
def test_the_kernel_is_keys_with_a_half(distance: float, expected: float) -> None:
    # 1.5/8 - 2.5/4 + 1 = 9/16; -0.5 * 27/8 + 2.5 * 9/4 - 6 + 2 = -1/16
    assert cubic(distance) == expected


def test_it_has_nothing_to_load() -> None:
    assert Bicubic(4).state_dict() == {}


@pytest.mark.parametrize("scale", SCALES)
def test_a_constant_image_stays_constant_up_to_the_border(scale: int) -> None:
    upscaled = Bicubic(scale)(torch.full((1, 3, 5, 7), 37.5))
    torch.testing.assert_close(upscaled, torch.full((1, 3, 5 * scale, 7 * scale), 37.5))


@pytest.mark.parametrize("scale", SCALES)
def test_one_pixel_becomes_a_square(scale: int) -> None:
    torch.testing.assert_close(Bicubic(scale)(torch.ones(1, 1, 1, 1)), torch.ones(1, 1, scale, scale))


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("scale", SCALES)
def test_ramps_and_parabolas_are_kept_inside(scale: int, power: int) -> None:
    # Keys' kernel with a = -1/2, and no other a, reproduces polynomials up to degree two.
    size, margin = 12, 2 * scale
    found = in_a_row([float(x**power) for x in range(size)], scale)
    centres = (torch.arange(size * scale) + 0.5) / scale - 0.5
    torch.testing.assert_close(found[margin:-margin], (centres**power)[margin:-margin])


def test_response_to_a_single_column_at_x2() -> None:
    # Output columns lie 1/4, 3/4, 5/4 and 7/4 from the input column on either side, where the kernel is
    # 111/128, 29/128, -9/128 and -3/128; the sum of one phase is (111 + 29 - 9 - 3) / 128 = 1.
    found = in_a_row([0, 0, 0, 1, 0, 0, 0], 2) * 128
    torch.testing.assert_close(found, torch.tensor([0.0] * 3 + [-3, -9, 29, 111, 111, 29, -9, -3] + [0] * 3))


def test_borders_are_mirrored_with_the_last_pixel_twice() -> None:
    # 0 1 is read as ... 1 0 [0 1] 1 0 ...: the first output is (-3 - 9) / 128, the second (29 - 3) / 128,
    # and the others make up 1 with these.
    torch.testing.assert_close(in_a_row([0, 1], 2) * 128, torch.tensor([-12.0, 26, 102, 140]))


@pytest.mark.parametrize("scale", SCALES)
def test_it_is_pillows_bicubic_inside(scale: int) -> None:
    plane = np.random.default_rng(0).uniform(0, 255, (14, 17)).astype(np.float32)
    pillow = Image.fromarray(plane).resize((17 * scale, 14 * scale), Image.Resampling.BICUBIC)
    ours = Bicubic(scale)(torch.from_numpy(plane)[None, None])[0, 0].numpy()
    inside = (slice(2 * scale, -2 * scale),) * 2  # Pillow does not mirror its borders
    np.testing.assert_allclose(ours[inside], np.asarray(pillow)[inside], rtol=0, atol=1e-4)


def test_height_and_width_are_treated_alike() -> None:
    image = torch.rand(1, 2, 6, 9)
    torch.testing.assert_close(Bicubic(3)(image), Bicubic(3)(image.mT).mT)
