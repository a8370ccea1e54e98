"""Bytes moved: miniature networks whose traffic can be worked out on paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.measures.operators import tally

X = 4 * 8 * 10
"""Elements of the input: 4 channels of 8x10."""


def moved(function: Callable[[Tensor], object], *size: int, dtype: torch.dtype = torch.float32) -> int:
    return tally(function, torch.empty(size or (1, 4, 8, 10), device="meta", dtype=dtype)).bytes_moved


def weight(*size: int) -> Tensor:
    return torch.empty(size, device="meta")


@pytest.mark.parametrize(
    ("layer", "elements"),
    [
        # input, weights, bias, output
        pytest.param(nn.Conv2d(4, 6, 3, padding=1), X + 6 * 4 * 9 + 6 + 6 * 80, id="3x3"),
        pytest.param(nn.Conv2d(4, 6, 3, padding="same"), X + 6 * 4 * 9 + 6 + 6 * 80, id="padding in words"),
        pytest.param(nn.Conv2d(4, 6, 3, bias=False), X + 6 * 4 * 9 + 6 * 48, id="no padding, no bias"),
        pytest.param(nn.Conv2d(4, 4, 3, padding=1, groups=4), X + 4 * 9 + 4 + X, id="depthwise"),
        pytest.param(nn.Conv2d(4, 2, 1, stride=2), X + 4 * 2 + 2 + 2 * 20, id="strided: the whole input"),
        pytest.param(nn.ConvTranspose2d(4, 2, 2, stride=2), X + 4 * 2 * 4 + 2 + 2 * 320, id="transposed"),
        pytest.param(nn.Linear(10, 3), X + 10 * 3 + 3 + 4 * 8 * 3, id="linear"),
        pytest.param(nn.GELU(), 2 * X, id="GELU"),
        pytest.param(nn.ReLU(inplace=True), 2 * X, id="in place: read and written"),
        pytest.param(nn.PReLU(4), X + 4 + X, id="PReLU: with its slopes"),
        pytest.param(
            nn.BatchNorm2d(4).eval(), 2 * X + 6 * 4, id="batch norm: four vectors and the two it saves"
        ),
        pytest.param(nn.PixelShuffle(2), 2 * X, id="pixel shuffle"),
        pytest.param(nn.Identity(), 0, id="nothing"),
    ],
)
def test_layers(layer: nn.Module, elements: int) -> None:
    assert moved(layer.to("meta")) == 4 * elements


@pytest.mark.parametrize(
    ("function", "elements"),
    [
        pytest.param(lambda x: x + x.neg(), 2 * X + 3 * X, id="a sum of two"),
        pytest.param(lambda x: x * x, 2 * X, id="one tensor twice: read once"),
        pytest.param(lambda x: x * 2 + 1, 4 * X, id="numbers are free"),
        pytest.param(lambda x: torch.cat([x, x[:, :2]], 1), X + X // 2 + 6 * 80, id="concatenation"),
        pytest.param(lambda x: torch.cat([x] * 4, 1), X + 4 * X, id="four copies: read once"),
        pytest.param(lambda x: x[:, 1:3].neg(), X // 2 + X // 2, id="of a slice its own part"),
        pytest.param(lambda x: x[:, :1].expand(1, 4, 8, 10).neg(), 80 + X, id="expanded: there once"),
        pytest.param(lambda x: x.mean((2, 3), keepdim=True) * x, (X + 4) + (4 + 2 * X), id="statistics"),
        pytest.param(lambda x: F.interpolate(x, scale_factor=2), X + 4 * X, id="interpolation"),
        pytest.param(lambda x: torch.sigmoid(x, out=x.new_empty(x.shape)), 2 * X, id="into what is given"),
        pytest.param(lambda x: x.new_zeros(3), 3, id="zeros are written"),
        pytest.param(lambda x: x.new_empty(3), 0, id="reserved memory is not"),
        pytest.param(lambda x: x.neg_().zero_(), 3 * X, id="zeroed in place: not read"),
        pytest.param(lambda x: x.new_empty(x.shape).copy_(x), 2 * X, id="a copy"),
        pytest.param(lambda x: x.permute(0, 2, 3, 1).contiguous(), 2 * X, id="a change of layout"),
        pytest.param(lambda x: x.contiguous().to(torch.float32), 0, id="no change of layout or type"),
        pytest.param(lambda x: x @ weight(10, 7), X + 70 + 4 * 8 * 7, id="matrix product"),
        pytest.param(lambda x: x.split(2, 1)[0].unsqueeze(0).flatten().view(2, -1), 0, id="views"),
    ],
)
def test_functions(function: Callable[[Tensor], object], elements: int) -> None:
    assert moved(function) == 4 * elements


def test_positions_of_a_pool_are_written_as_64_bit_numbers() -> None:
    assert moved(nn.MaxPool2d(2)) == 4 * X + (4 + 8) * X // 4


def test_half_precision_moves_half() -> None:
    assert 2 * moved(nn.GELU(), dtype=torch.bfloat16) == moved(nn.GELU())


def test_the_calls_hold_the_sum() -> None:
    network = nn.Sequential(nn.Conv2d(4, 6, 3), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).to("meta")
    found = tally(network, torch.empty((1, 4, 8, 10), device="meta"))
    assert sum(call.bytes_moved for call in found.calls) == found.bytes_moved
    assert found.calls[1].bytes_moved == 4 * 2 * 6 * 48


def test_it_is_the_same_with_data_as_without() -> None:
    network = nn.Sequential(nn.Conv2d(4, 6, 3), nn.GELU(), nn.MaxPool2d(2), nn.PixelUnshuffle(1))
    with_data = tally(network, torch.ones(1, 4, 8, 10)).bytes_moved
    assert with_data == moved(network.to("meta"))
