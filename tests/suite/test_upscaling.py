"""From image to tensor, through a network, and back to an image."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from suite.catalog import model_card
from suite.catalog.cards import InputConvention
from suite.errors import SuiteError
from suite.images import luma, to_ycbcr
from suite.task import Subject
from suite.upscaling import quantize, to_input, to_levels, to_tensor, upscale
from suite.weights import find_weights

IMAGE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def subject(name: str) -> Subject:
    card = model_card(name)
    return Subject(card, 4, find_weights(card, 4, Path("no-home"), "none"))


def on_luma(value_range: float = 1.0) -> Subject:
    """A network that works on luma."""
    card = dataclasses.replace(model_card("bsrn"), input=InputConvention("y", value_range))
    return dataclasses.replace(subject("bsrn"), card=card)


def nearest(x: Tensor) -> Tensor:
    return x.repeat_interleave(4, 2).repeat_interleave(4, 3)


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

    def forward(x: Tensor) -> Tensor:
        seen.append(x.max().item())
        return nearest(x)

    expected = IMAGE.repeat(4, axis=0).repeat(4, axis=1)
    for name in ("bsrn", "rfdn"):
        assert np.array_equal(quantize(upscale(forward, subject(name), IMAGE, "a")), expected)
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


@pytest.mark.parametrize("value_range", [1.0, 255.0])
def test_a_mean_is_taken_off_before_the_network_and_added_after_it(value_range: float) -> None:
    mean = (0.5 * value_range, 0.25 * value_range, 0.0)
    convention = InputConvention("rgb", value_range, 1, mean)
    one = dataclasses.replace(subject("bsrn"), card=dataclasses.replace(model_card("bsrn"), input=convention))
    seen: list[Tensor] = []

    def forward(x: Tensor) -> Tensor:
        seen.append(x)
        return nearest(x)

    levels = upscale(forward, one, IMAGE, "a")
    np.testing.assert_allclose(levels, IMAGE.repeat(4, axis=0).repeat(4, axis=1), rtol=0, atol=1e-3)
    expected = IMAGE.astype(np.float32).mean(axis=(0, 1)) * value_range / 255 - np.array(mean)
    np.testing.assert_allclose(seen[0][0].mean(dim=(1, 2)).numpy(), expected, rtol=1e-4)


# Networks on luma


@pytest.mark.parametrize("value_range", [1.0, 255.0])
def test_a_network_on_luma_is_fed_the_luma_that_is_not_rounded(value_range: float) -> None:
    tensor = to_input(on_luma(value_range), IMAGE, "a")
    assert (tensor.shape, tensor.dtype) == ((1, 1, 20, 30), torch.float32)
    np.testing.assert_allclose(tensor[0, 0].numpy(), luma(IMAGE) / 255 * value_range, rtol=1e-6)


def test_white_and_black_are_235_and_16() -> None:
    image = np.array([[[0] * 3, [255] * 3]], np.uint8)
    assert to_input(on_luma(255.0), image, "a").flatten().tolist() == [16, 235]


@pytest.mark.parametrize("value_range", [1.0, 255.0])
def test_the_output_has_the_luma_of_the_network(value_range: float) -> None:
    # Grey all over: no colour is clipped.
    grey = np.repeat(IMAGE[..., :1], 3, axis=2)
    levels = upscale(nearest, on_luma(value_range), grey, "a")
    assert (levels.shape, levels.dtype) == ((80, 120, 3), np.float32)
    np.testing.assert_allclose(levels, grey.repeat(4, axis=0).repeat(4, axis=1), rtol=0, atol=1e-3)


def test_the_output_has_the_enlarged_chroma_of_the_image() -> None:
    # Of one colour, so that enlarging chroma changes nothing; the network makes it brighter.
    image = np.full((20, 30, 3), (120, 70, 30), np.uint8)
    levels = upscale(lambda x: nearest(x) + 0.1, on_luma(), image, "a")
    expected = to_ycbcr(image[:1, :1]) + np.array([25.5, 0, 0])
    np.testing.assert_allclose(to_ycbcr(levels), np.broadcast_to(expected, (80, 120, 3)), atol=1e-3)


def test_colours_beyond_the_range_are_clipped() -> None:
    levels = upscale(lambda x: nearest(x) + 0.9, on_luma(), IMAGE, "a")
    assert levels.max() == 255
    assert levels.min() >= 0


def test_a_network_on_luma_must_give_one_plane() -> None:
    with pytest.raises(SuiteError, match=r"gave \(1, 3, 80, 120\) for a instead of \(1, 1, 80, 120\)"):
        upscale(enlarged, on_luma(), IMAGE, "a")
