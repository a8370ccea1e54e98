"""Attention multiplies by a mask between 0 and 1: by position and channel (ESA), by channel (CCA)."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from bsrn.attention import CCA, ESA, MIN_INPUT, ChannelScale
from bsrn.convolutions import ConvKind


@pytest.fixture(autouse=True)
def fixed_numbers() -> None:
    torch.manual_seed(0)


def zero(layer: nn.Module) -> None:
    """Make a layer give zero for every input."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


@pytest.mark.parametrize("conv", get_args(ConvKind))
@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize(("height", "width"), [(15, 15), (16, 29), (40, 17)])
def test_esa_keeps_the_shape(conv: ConvKind, linear: bool, height: int, width: int) -> None:
    esa = ESA(8, 4, conv=conv, strided_conv="conv", linear=linear)
    assert esa(torch.rand(2, 8, height, width)).shape == (2, 8, height, width)


def test_esa_takes_15_pixels() -> None:
    assert MIN_INPUT == 15
    ESA(8, 4)(torch.rand(1, 8, 15, 15))


@pytest.mark.parametrize(("height", "width"), [(14, 14), (14, 40), (40, 14)])
def test_esa_fails_below_15_pixels(height: int, width: int) -> None:
    # 14 pixels become 6 by the strided convolution, and the pool takes 7.
    with pytest.raises(RuntimeError, match="too small"):
        ESA(8, 4)(torch.rand(1, 8, height, width))


def test_esa_parameters_as_in_rfdn() -> None:
    # 50 -> 12: 612; 12 -> 12: 156; four 3x3 of 12 -> 12: 1308 each; 12 -> 50: 650
    assert sum(p.numel() for p in ESA(50, 12).parameters()) == 612 + 156 + 4 * 1308 + 650


def test_esa_parameters_as_in_rlfn() -> None:
    # 52 -> 16: 848; 16 -> 16: 272; two 3x3 of 16 -> 16: 2320 each; 16 -> 52: 884
    assert sum(p.numel() for p in ESA(52, 16, depth=1).parameters()) == 848 + 272 + 2 * 2320 + 884


@pytest.mark.parametrize("attention", [ESA(8, 4), CCA(16)], ids=["ESA", "CCA"])
def test_the_mask_lies_between_0_and_1(attention: nn.Module) -> None:
    x = torch.rand(2, next(attention.parameters()).shape[1], 20, 24) + 0.1
    masked = attention(x)
    assert (masked > 0).all()
    assert (masked < x).all()


@pytest.mark.parametrize("attention", [ESA(8, 4), CCA(16)], ids=["ESA", "CCA"])
def test_the_mask_is_one_half_where_the_last_layer_says_nothing(attention: nn.Module) -> None:
    zero(attention.expand)
    x = torch.rand(1, next(attention.parameters()).shape[1], 20, 24)
    torch.testing.assert_close(attention(x), x / 2)  # sigmoid(0) = 1/2


def test_without_context_the_mask_of_esa_is_pointwise() -> None:
    esa, x = ESA(8, 4), torch.rand(1, 8, 20, 24)
    zero(esa.body[-1])
    # What is left is the way past the body: three 1x1 convolutions, which act on each pixel alone.
    pixels = x.flatten(2).mT
    for layer in (esa.reduce, esa.shortcut, esa.expand):
        pixels = pixels @ layer.weight[:, :, 0, 0].T + layer.bias
    torch.testing.assert_close(esa(x), x * torch.sigmoid(pixels.mT.reshape(x.shape)))


def test_with_context_the_mask_of_esa_looks_around() -> None:
    esa, x, other = ESA(8, 4), torch.rand(1, 8, 40, 40), torch.rand(1, 8, 40, 40)
    other[..., :10, :10] = x[..., :10, :10]
    assert (esa(x) - esa(other))[..., :10, :10].abs().max() > 1e-6


def test_cca_is_driven_by_mean_plus_population_deviation() -> None:
    x, cca = torch.rand(2, 32, 3, 2), CCA(32, reduction=8)  # so few pixels that n - 1 would show
    a = x.numpy().astype(np.float64)
    statistic = a.mean(axis=(2, 3)) + a.std(axis=(2, 3), ddof=0)

    def layer(convolution: nn.Conv2d, values: np.ndarray) -> np.ndarray:
        return values @ convolution.weight.detach().numpy()[:, :, 0, 0].T + convolution.bias.detach().numpy()

    raw = layer(cca.expand, np.maximum(layer(cca.reduce, statistic), 0))
    expected = a / (1 + np.exp(-raw))[:, :, None, None]
    np.testing.assert_allclose(cca(x).detach().numpy(), expected, rtol=0, atol=1e-6)


def test_cca_takes_an_image_without_contrast() -> None:
    assert torch.isfinite(CCA(16)(torch.full((1, 16, 5, 5), 0.3))).all()


def test_channel_scale_multiplies_each_channel_and_then_mixes() -> None:
    module, x = ChannelScale(3), torch.rand(2, 3, 4, 5)
    nn.init.eye_(module.mix.linear.weight)
    nn.init.zeros_(module.mix.linear.bias)
    torch.testing.assert_close(module(x), x)  # factors start at one
    with torch.no_grad():
        module.scale.copy_(torch.tensor([[2.0, 0.0, -1.0]]))
    torch.testing.assert_close(module(x), torch.stack([2 * x[:, 0], 0 * x[:, 1], -x[:, 2]], dim=1))
