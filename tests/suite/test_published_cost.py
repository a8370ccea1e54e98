"""Parameters and multiply-adds that tables print beside a network are those of our module.

Sources: the tables of IMDN, SAFMN and RDSRN that later papers quote (K and G, for a 1280x720 output). Where a
table is of another variant than the catalogued network, the variant is built here and must give its figure.
At x3 papers print the cost of 1280x720 where the suite counts 1278x720: the figures of x3 are compared per
pixel of the output.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.drrn import DRRN
from baselines.fsrcnn import FSRCNN
from baselines.memnet import MemNet
from baselines.srcnn import SRCNN
from baselines.vdsr import VDSR
from suite.catalog import model_card
from suite.measures.cost import ntire_counts
from suite.measures.operators import tally
from suite.plan import paper_input
from suite.weights import build

PIXELS = 1280 * 720


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_adds(network: nn.Module, channels: int, scale: int) -> float:
    """In G, for as many output pixels as 1280x720 has."""
    size = paper_input(channels, scale)
    counted = tally(network.to("meta"), torch.empty((1, *size), device="meta")).macs
    return counted / (size[1] * size[2] * scale**2) * PIXELS / 1e9


@pytest.mark.parametrize(
    ("name", "scale", "thousands"),
    [
        *(("srcnn", scale, 57) for scale in (2, 3, 4)),
        *(("idn", scale, 553) for scale in (2, 3, 4)),
        *zip(["edsr-baseline"] * 3, (2, 3, 4), (1370, 1555, 1518), strict=True),
        *zip(["srmdnf"] * 3, (2, 3, 4), (1511, 1528, 1552), strict=True),
        *zip(["lapar-a"] * 3, (2, 3, 4), (548, 594, 659), strict=True),
        *zip(["rfdn-paper"] * 3, (2, 3, 4), (534, 541, 550), strict=True),
    ],
)
def test_parameters(name: str, scale: int, thousands: int) -> None:
    # Tables count the mean colour of EDSR, which is constant: a 3x3 matrix and three numbers, twice.
    extra = 24 if name == "edsr-baseline" else 0
    assert round((parameters(build(model_card(name), scale)) + extra) / 1000) == thousands


@pytest.mark.parametrize(
    ("name", "scale", "billions", "digits"),
    [
        *(("srcnn", scale, 52.7, 1) for scale in (2, 3, 4)),
        *(("vdsr", scale, 612.6, 1) for scale in (2, 3, 4)),
        *(("drcn", scale, 17974.3, 1) for scale in (2, 3, 4)),
        *(("drrn", scale, 6796.9, 1) for scale in (2, 3, 4)),
        ("edsr-baseline", 2, 316, 0),
        ("edsr-baseline", 3, 160, 0),
        ("edsr-baseline", 4, 114, 0),
        ("srmdnf", 2, 347.7, 1),
        ("srmdnf", 3, 156.3, 1),
        ("srmdnf", 4, 89.3, 1),
    ],
)
def test_multiply_adds(name: str, scale: int, billions: float, digits: int) -> None:
    card = model_card(name)
    found = multiply_adds(build(card, scale), card.input.channels, scale)
    assert round(found, digits) == billions


def test_drcn_is_counted_without_biases() -> None:
    weights = [p for p in build(model_card("drcn"), 4).parameters() if p.dim() == 4]
    assert round(sum(weight.numel() for weight in weights) / 1000) == 1774


def test_vdsr_is_counted_with_biases() -> None:
    assert round(parameters(VDSR(bias=True)) / 1000) == 666


def test_drrn_is_counted_without_normalization() -> None:
    assert round(parameters(DRRN(normalized=False)) / 1000) == 298


def test_memnet_is_counted_without_normalization_and_with_one_output() -> None:
    network = MemNet(normalized=False, outputs="last")
    assert round(parameters(network) / 1000) == 678
    # 2662.348, which tables print as 2662.4, rounded twice
    assert round(multiply_adds(network, 1, 4), 2) == 2662.35


def test_srcnn_9_1_5_has_the_8_k_that_some_tables_name() -> None:
    assert round(parameters(SRCNN(middle=1)) / 1000) == 8


@pytest.mark.parametrize(("scale", "billions"), [(2, 6.0), (3, 5.0), (4, 4.6)])
def test_fsrcnn_is_counted_on_luma_and_by_output_positions(scale: int, billions: float) -> None:
    # The script of NTIRE 2022 counts transposed convolutions by output positions too; its PReLUs are not
    # in the papers' figure: 2 * 56 + 5 * 12 channels.
    size = paper_input(1, scale)
    counted, _ = ntire_counts(FSRCNN(scale, planes=1).to("meta"), size)
    positions = size[1] * size[2]
    per_pixel = (counted / positions - (2 * 56 + 5 * 12)) / scale**2
    assert round(per_pixel * PIXELS / 1e9, 1) == billions


@pytest.mark.parametrize(("scale", "billions"), [(2, 171), (3, 114), (4, 94)])
def test_lapar_is_counted_with_biases_and_the_weighted_sum_but_without_its_filters(
    scale: int, billions: int
) -> None:
    size = paper_input(3, scale)
    counted = tally(build(model_card("lapar-a"), scale).to("meta"), torch.empty((1, *size), device="meta"))
    pixels = size[1] * size[2] * scale**2
    filters, weighted_sum = 72 * 25 * 3 * pixels, 72 * 3 * pixels
    found = counted.macs + counted.bias_additions - filters + weighted_sum
    assert round(found / 1e9) == billions


@pytest.mark.parametrize(("scale", "billions"), [(2, 124.6), (3, 56.3), (4, 32.3)])
def test_idn_is_counted_on_rgb_with_a_pixel_shuffle(scale: int, billions: float) -> None:
    network = build(model_card("idn"), scale)
    convolutions = [
        p.numel() for name, p in network.named_parameters() if p.dim() == 4 and "reconstruct" not in name
    ]
    on_rgb = sum(convolutions) + (3 - 1) * 64 * 9 + 64 * 3 * scale**2 * 9
    assert on_rgb * PIXELS / scale**2 / 1e9 == pytest.approx(billions, abs=0.1)


@pytest.mark.parametrize(("outputs", "levels", "billions"), [(4, 2, 149.4)])
def test_lapsrn_is_counted_with_3x3_kernels_at_output_positions(
    outputs: int, levels: int, billions: float
) -> None:
    # A level: ten 3x3 convolutions at its input; doubling of 64 channels (as 3x3) and of one (4x4), and
    # 64 -> 1, at its output, which has four times the positions.
    inside, outside = 10 * 36_864, 36_864 + 16 + 576
    low = PIXELS / outputs**2
    total = 576 * low + sum((inside + 4 * outside) * low * 4**level for level in range(levels))
    assert total / 1e9 == pytest.approx(billions, abs=0.051)
    weights = 576 + levels * (inside + outside)
    assert round(weights / 1000) == 813
