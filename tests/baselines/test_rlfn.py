"""RLFN as published, RLFN-S, and the network of the NTIRE 2022 challenge."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.rlfn import RLFB, RLFN


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(("scale", "channels", "expected"), [(2, 52, 526_856), (4, 52, 543_740)])
def test_parameters(scale: int, channels: int, expected: int) -> None:
    assert parameters(RLFN(scale, channels=channels)) == expected


def test_parameters_of_the_small_and_of_the_challenge_network() -> None:
    assert parameters(RLFN(4, channels=48)) == 470_208
    assert parameters(RLFN(4, channels=46, mid_channels=48, blocks=4)) == 317_218


def test_the_attention_has_one_convolution_after_the_pool() -> None:
    inside = [m for m in RLFB(8, 8).spatial.modules() if isinstance(m, nn.Conv2d)]
    assert [m.kernel_size[0] for m in inside] == [1, 1, 3, 3, 1]


def test_the_residual_is_inside_the_fusion() -> None:
    # With convolutions of nothing and a fusion that passes on, the mask multiplies the input itself.
    block, x = RLFB(8, 8), torch.rand(1, 8, 20, 17)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
        block.fuse.weight.copy_(torch.eye(8)[:, :, None, None])
    torch.testing.assert_close(block(x), x / 2, rtol=0, atol=0)
