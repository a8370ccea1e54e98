"""SRCNN in its 9-5-5 form."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.bicubic import Bicubic
from baselines.srcnn import SRCNN


@pytest.mark.parametrize(("middle", "expected"), [(5, 57_281), (1, 8_129)])
def test_parameters(middle: int, expected: int) -> None:
    # 9x9 1 -> 64: 5,248; middle 64 -> 32; 5x5 32 -> 1: 801
    assert 5248 + (64 * middle**2 + 1) * 32 + 801 == expected
    assert sum(p.numel() for p in SRCNN(middle=middle).parameters()) == expected


def test_borders_are_repeated() -> None:
    # Averaging kernels leave a constant image constant up to its border; zero padding would darken it.
    network = SRCNN(2, channels=2, reduced=2)
    for layer, inputs in ((network.extract, 1), (network.map, 2), (network.reconstruct, 2)):
        nn.init.constant_(layer.weight, 1 / (inputs * layer.kernel_size[0] ** 2))
        nn.init.zeros_(layer.bias)
    flat = torch.full((1, 1, 4, 5), 0.4)
    torch.testing.assert_close(network(flat), torch.full((1, 1, 8, 10), 0.4))


def test_the_enlarged_luma_goes_in_and_is_not_added() -> None:
    network, luma = SRCNN(3, channels=2, reduced=2), torch.rand(1, 1, 4, 5)
    seen: list[torch.Tensor] = []
    network.extract.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    nn.init.zeros_(network.reconstruct.weight)
    nn.init.zeros_(network.reconstruct.bias)
    assert not network(luma).any()
    torch.testing.assert_close(seen[0], Bicubic(3)(luma), rtol=0, atol=0)
