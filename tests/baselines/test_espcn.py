"""ESPCN: tanh between three convolutions, a pixel shuffle, a sigmoid."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.espcn import ESPCN


@pytest.mark.parametrize(("scale", "expected"), [(2, 26_796), (3, 31_131), (4, 37_200)])
def test_parameters(scale: int, expected: int) -> None:
    # 5x5 3 -> 64: 4,864; 3x3 64 -> 32: 18,464; 3x3 32 -> 3 * scale^2: 289 an output
    assert 4864 + 18_464 + 289 * 3 * scale**2 == expected
    assert sum(p.numel() for p in ESPCN(scale).parameters()) == expected


def test_the_output_lies_between_0_and_1() -> None:
    network = ESPCN(2)
    nn.init.normal_(network.upsample[0].weight, std=10)
    output = network(torch.rand(1, 3, 9, 9))
    assert output.min() < 0.01
    assert output.max() > 0.99
    assert ((output >= 0) & (output <= 1)).all()


def test_features_are_bounded_by_the_hyperbolic_tangent() -> None:
    network = ESPCN(2)
    seen: list[torch.Tensor] = []
    network.upsample.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    nn.init.normal_(network.body.weight, std=10)
    network(torch.rand(1, 3, 9, 9))
    assert 0.9 < seen[0].abs().max() <= 1
