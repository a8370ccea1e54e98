"""The 3x3 convolutions stand in for one another, and each is the arithmetic its paper writes down."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
import torch.nn.functional as F

from bsrn.convolutions import BSConvS, BSConvU, ConvKind, DSConv, PointwiseLinear, conv3x3

KINDS = get_args(ConvKind)


@pytest.fixture(autouse=True)
def fixed_numbers() -> None:
    torch.manual_seed(0)


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("stride", "padding", "height", "width"), [(1, 1, 11, 14), (1, 0, 9, 12), (2, 1, 6, 7), (2, 0, 5, 6)]
)
def test_every_kind_gives_the_same_shape(
    kind: ConvKind, stride: int, padding: int, height: int, width: int
) -> None:
    convolution = conv3x3(kind, 6, 8, stride=stride, padding=padding)
    assert convolution(torch.rand(2, 6, 11, 14)).shape == (2, 8, height, width)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("conv", 1090),  # 12 * 10 * 9 weights, 10 biases
        ("dsconv", 240),  # depthwise 12 * 9 and 12 biases, pointwise 12 * 10
        ("bsconv", 220),  # pointwise 12 * 10, depthwise 10 * 9 and 10 biases
        ("bsconv-s", 188),  # a subspace of 4: 12 * 4 and 4 * 10, depthwise 10 * 9 and 10 biases
        ("bsconv-linear", 230),  # bsconv and 10 more biases
    ],
)
def test_parameters_from_12_to_10_channels(kind: ConvKind, expected: int) -> None:
    assert parameters(conv3x3(kind, 12, 10)) == expected


@pytest.mark.parametrize(
    ("channels", "subspace"),
    [
        (64, 16),  # a quarter
        (50, 13),  # a quarter, rounded up
        (12, 4),  # a quarter is 3, the minimum 4
        (3, 3),  # never more than there are
    ],
)
def test_the_subspace_is_a_quarter_within_bounds(channels: int, subspace: int) -> None:
    assert BSConvS(channels, 7).reduce.out_channels == subspace


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'bsconv-x'.*conv, dsconv, bsconv, bsconv-s, bsconv-linear"):
        conv3x3("bsconv-x", 4, 4)  # type: ignore[arg-type]


def test_bsconv_is_a_convolution_whose_kernels_are_one_blueprint_scaled() -> None:
    x, separable = torch.rand(1, 5, 9, 9), BSConvU(5, 7)
    # W[o, i, y, x] = pointwise[o, i] * depthwise[o, y, x]: every input shares the blueprint of its output.
    kernel = separable.pointwise.weight * separable.depthwise.weight
    assert kernel.shape == (7, 5, 3, 3)
    torch.testing.assert_close(separable(x), F.conv2d(x, kernel, separable.depthwise.bias, padding=1))


def test_dsconv_is_a_convolution_whose_kernels_share_one_shape_an_input() -> None:
    x, separable = torch.rand(1, 5, 9, 9), DSConv(5, 7)
    # W[o, i, y, x] = pointwise[o, i] * depthwise[i, y, x]; the bias comes before the pointwise part.
    kernel = separable.pointwise.weight * separable.depthwise.weight[:, 0]
    bias = separable.pointwise.weight[:, :, 0, 0] @ separable.depthwise.bias
    torch.testing.assert_close(separable(x), F.conv2d(x, kernel, bias, padding=1))


def test_bsconv_s_is_bsconv_with_a_pointwise_part_of_low_rank() -> None:
    x, subspace = torch.rand(1, 16, 9, 9), BSConvS(16, 7)
    pointwise = subspace.expand.weight[:, :, 0, 0] @ subspace.reduce.weight[:, :, 0, 0]
    assert torch.linalg.matrix_rank(pointwise) == 4
    kernel = pointwise[:, :, None, None] * subspace.depthwise.weight
    torch.testing.assert_close(subspace(x), F.conv2d(x, kernel, subspace.depthwise.bias, padding=1))


def test_the_pointwise_bias_of_the_linear_form_is_missing_at_the_border() -> None:
    x, separable = torch.rand(1, 5, 9, 9), BSConvU(5, 7, linear=True)
    kernel = separable.pointwise.linear.weight[:, :, None, None] * separable.depthwise.weight
    bias = separable.depthwise.bias + separable.pointwise.linear.bias * separable.depthwise.weight.sum(
        (1, 2, 3)
    )
    dense, found = F.conv2d(x, kernel, bias, padding=1), separable(x)
    inside = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(found[inside], dense[inside])
    # The depthwise part pads with zeros, not with the bias, so the two forms are not interchangeable.
    assert (found[..., 0, :] - dense[..., 0, :]).abs().max() > 1e-3


@pytest.mark.parametrize("bias", [True, False])
def test_pointwise_linear_is_a_1x1_convolution(bias: bool) -> None:
    x, linear, convolution = (
        torch.rand(2, 5, 4, 6),
        PointwiseLinear(5, 7, bias=bias),
        torch.nn.Conv2d(5, 7, 1),
    )
    assert linear.linear.weight.shape == (7, 5)
    with torch.no_grad():
        convolution.weight.copy_(linear.linear.weight[:, :, None, None])
        convolution.bias.copy_(linear.linear.bias if bias else torch.zeros(7))
    torch.testing.assert_close(linear(x), convolution(x))
