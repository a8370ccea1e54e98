"""LAPAR: output pixels as weighted sums of filtered pixels."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from baselines.lapar import LAPAR, FusionBlock, ResidualUnit, dictionary, gaussian


def convolution(inputs: int, outputs: int, size: int = 3) -> int:
    """Parameters of a convolution: weights, biases, and a length an output channel."""
    return (inputs * size**2 + 2) * outputs


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_parameters(scale: int) -> None:
    block = 4 * (2 * convolution(32, 32) + 2) + convolution(128, 32) + 2
    assert sum(p.numel() for p in FusionBlock(32).parameters()) == block
    ends = convolution(32, 32) + convolution(32, 32, 5) + 2 + convolution(32, 32) + convolution(32, 72)
    expected = convolution(3, 32) + 4 * block + convolution(32, 32 * scale**2) + ends
    assert sum(p.numel() for p in LAPAR(scale).parameters()) == expected


def test_with_one_filter_that_passes_the_image_it_is_bicubic() -> None:
    network, image = LAPAR(3, channels=4, blocks=1), torch.rand(2, 3, 5, 6)
    network.dictionary.zero_()
    network.dictionary[7, 0, 2, 2] = 1
    last = dict(network.assemble[2].named_parameters())
    nn.init.zeros_(last["parametrizations.weight.original0"])  # the lengths of the weights
    nn.init.zeros_(last["bias"])
    with torch.no_grad():
        last["bias"][7] = 1
    enlarged = F.interpolate(image, scale_factor=3, mode="bicubic", align_corners=False)
    torch.testing.assert_close(network(image), enlarged)


def test_every_pixel_is_its_weights_times_its_filtered_neighbours() -> None:
    network, image = LAPAR(2, channels=4, blocks=1), torch.rand(1, 3, 5, 6)
    with torch.no_grad():
        weights = network.coefficients(image)[0, :, 4, 7]
        patch = F.interpolate(image, scale_factor=2, mode="bicubic", align_corners=False)[0, :, 2:7, 5:10]
        expected = torch.einsum("f,fij,cij->c", weights, network.dictionary[:, 0], patch)
        torch.testing.assert_close(network(image)[0, :, 4, 7], expected)


def test_the_first_filters_are_gaussians_and_the_others_differences() -> None:
    filters = dictionary(72, 5)
    assert filters.shape == (72, 1, 5, 5)
    sums = filters.sum(dim=(1, 2, 3))
    torch.testing.assert_close(sums[:24], torch.ones(24))
    torch.testing.assert_close(sums[24:], torch.zeros(48), rtol=0, atol=1e-6)
    assert len({tuple(row) for row in filters.flatten(1)[24:].round(decimals=6).tolist()}) == 48


def test_a_turned_gaussian_is_long_along_its_axis() -> None:
    upright = gaussian(5, 2.0, 0.5, math.pi / 2)
    assert upright[0, 2] > 100 * upright[2, 0]
    torch.testing.assert_close(upright, gaussian(5, 2.0, 0.5, 0).mT)


def test_a_unit_weighs_and_adds_its_input() -> None:
    unit, x = ResidualUnit(4), torch.rand(1, 4, 5, 5)
    nn.init.zeros_(unit.residual_scale.scale)
    nn.init.constant_(unit.input_scale.scale, 0.5)
    torch.testing.assert_close(unit(x), 0.5 * x)
