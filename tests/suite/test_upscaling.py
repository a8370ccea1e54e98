"""From image to tensor, through a network, and back to an image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from suite.catalog import model_card
from suite.errors import SuiteError
from suite.task import Subject
from suite.upscaling import quantize, to_levels, to_tensor, upscale
from suite.weights import find_weights

IMAGE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def subject(name: str) -> Subject:
    card = model_card(name)
    return Subject(card, 4, find_weights(card, 4, Path("no-home"), "none"))


@pytest.mark.parametrize("value_range", [1.0, 255.0])
def test_white_is_the_end_of_the_range(value_range: float) -> None:
    tensor = to_tensor(np.full((2, 3, 3), 255, np.uint8), value_range)
    assert (tensor.shape, tensor.dtype) == ((1, 3, 2, 3), torch.float32)
    assert (tensor == value_range).all()


@pytest.mark.parametrize("value_range", [1.0, 255.0])
def test_an_image_comes_back_as_it_was(value_range: float) -> None:
    assert np.array_equal(quantize(to_levels(to_tensor(IMAGE, value_range), value_range)), IMAGE)


@pytest.mark.parametrize(
    ("level", "expected"), [(-30, 0), (0.49, 0), (0.51, 1), (127.4, 127), (254.6, 255), (900, 255)]
)
@pytest.mark.parametrize("value_range", [1.0, 255.0])
def test_output_is_clipped_and_rounded(level: float, expected: int, value_range: float) -> None:
    output = torch.full((1, 3, 2, 2), level * value_range / 255)
    assert (quantize(to_levels(output, value_range)) == expected).all()


def test_a_network_gets_its_own_range_and_gives_it_back() -> None:
    seen: list[float] = []

    def nearest(x: Tensor) -> Tensor:
        seen.append(x.max().item())
        return x.repeat_interleave(4, 2).repeat_interleave(4, 3)

    expected = IMAGE.repeat(4, axis=0).repeat(4, axis=1)
    for name in ("bsrn", "rfdn"):
        assert np.array_equal(quantize(upscale(nearest, subject(name), IMAGE, "a")), expected)
    assert seen == pytest.approx([IMAGE.max() / 255, IMAGE.max()])


def enlarged(x: Tensor, value: float = 0.5) -> Tensor:
    return torch.full((1, 3, 4 * x.shape[2], 4 * x.shape[3]), value)


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (lambda x: enlarged(x, torch.nan), "gave values that are not finite for a"),
        (lambda x: enlarged(x, torch.inf), "gave values that are not finite for a"),
        (lambda x: enlarged(x)[:, :, 1:], r"gave \(1, 3, 79, 120\) for a instead of \(1, 3, 80, 120\)"),
        (lambda x: enlarged(x)[:, :1], r"gave \(1, 1, 80, 120\) for a"),
        (lambda x: x, r"gave \(1, 3, 20, 30\) for a"),
    ],
)
def test_an_output_that_is_no_image_is_refused(forward: Callable[[Tensor], Tensor], words: str) -> None:
    with pytest.raises(SuiteError, match=f"bsrn x4 {words}"):
        upscale(forward, subject("bsrn"), IMAGE, "a")


@pytest.mark.parametrize(("height", "width"), [(14, 30), (30, 14)])
def test_an_image_that_is_too_small_for_the_network_is_named(height: int, width: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    with pytest.raises(SuiteError, match=f"a is {width}x{height} pixels; bsrn x4 needs at least 15 each way"):
        upscale(enlarged, subject("bsrn"), image, "a")
