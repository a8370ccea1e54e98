"""Peak memory: bytes that are live at once during a pass, beyond weights and input."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from suite.catalog import model_card
from suite.measures import memory
from suite.task import Subject
from suite.weights import find_weights

IMAGE = torch.ones(1, 3, 64, 80)
ONE = 3 * 64 * 80 * 4
"""Bytes of a buffer of the image's size."""


@pytest.fixture(autouse=True)
def keep_the_number_of_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


# Operators without Python numbers, as each of those is a tensor of a few bytes for a moment.


def reuse(x: Tensor) -> Tensor:
    for _ in range(10):
        x = x.neg()
    return x


def keep(x: Tensor) -> Tensor:
    first = x.neg()
    second = first.exp()
    return second + first


def let_go(x: Tensor) -> Tensor:
    wide = torch.cat([x, x, x], dim=1)
    narrow = wide[:, :3].neg()
    del wide
    return narrow.exp()


@pytest.mark.parametrize(
    ("function", "buffers"),
    [
        pytest.param(lambda x: x, 0, id="nothing"),
        pytest.param(lambda x: x[..., 1:, 1:].permute(0, 2, 3, 1), 0, id="views"),
        pytest.param(lambda x: x.neg(), 1, id="the output"),
        pytest.param(lambda x: x.neg().exp(), 2, id="a buffer and the next"),
        pytest.param(reuse, 2, id="ten in turn, two at a time"),
        pytest.param(lambda x: x.neg().exp_(), 1, id="in place"),
        pytest.param(keep, 3, id="one kept for later"),
        pytest.param(let_go, 4, id="three and one, then one and one"),
        pytest.param(lambda x: x.half().neg(), 1, id="two of half the size"),
        pytest.param(lambda x: torch.cat([x] * 16, dim=1), 16, id="sixteen in one"),
    ],
)
def test_peak_in_buffers_of_the_images_size(function: Callable[[Tensor], Tensor], buffers: int) -> None:
    assert memory.peak_bytes(function, IMAGE, "cpu") == buffers * ONE


def test_weights_do_not_count() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factors = nn.Parameter(torch.ones(3, 64, 80), requires_grad=False)

        def forward(self, x: Tensor) -> Tensor:
            return x * self.factors

    assert memory.peak_bytes(Scale(), IMAGE, "cpu") == ONE


def test_the_peak_is_the_same_every_time() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3)).requires_grad_(
        False
    )
    assert len({memory.peak_bytes(network, IMAGE, "cpu") for _ in range(3)}) == 1


@pytest.mark.parametrize("value_range", [1.0, 255.0])
def test_the_image_is_moderate_noise_of_a_fixed_seed(value_range: float) -> None:
    image = memory.test_image((3, 40, 50), value_range)
    assert (image.shape, image.dtype) == ((1, 3, 40, 50), torch.float32)
    assert torch.equal(image, memory.test_image((3, 40, 50), value_range))
    # 40 % of the range, around its middle
    assert 0.3 * value_range <= image.min() < 0.31 * value_range
    assert 0.69 * value_range < image.max() <= 0.7 * value_range


@pytest.mark.parametrize(("precision", "bytes_per_number"), [("fp32", 4), ("bf16", 2)])
def test_weights_of_rfdn(precision: str, bytes_per_number: int) -> None:
    card = model_card("rfdn")
    subject = Subject(card, 4, find_weights(card, 4, Path("no-home"), "none"), precision=precision)
    peak, weights = memory.measure({}, subject, (3, 24, 24))
    assert weights == 433_448 * bytes_per_number
    assert peak >= 3 * 96 * 96 * bytes_per_number  # at least the output
