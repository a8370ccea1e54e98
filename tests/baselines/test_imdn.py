"""IMDN as published."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.imdn import IMDB, IMDN, ChallengeIMDN


@pytest.mark.parametrize(("scale", "expected"), [(2, 694_404), (3, 703_059), (4, 715_176)])
def test_parameters(scale: int, expected: int) -> None:
    # Scales differ in the last convolution alone: 3 * scale^2 outputs of 64 * 9 weights and a bias.
    assert sum(p.numel() for p in IMDN(scale).parameters()) == expected


def test_parameters_of_a_block() -> None:
    # 3x3: 64 -> 64: 36,928; 48 -> 64 twice: 27,712 each; 48 -> 16: 6,928
    # attention 64 -> 4 -> 64: 260 + 320; fusion 64 -> 64: 4,160
    expected = 36_928 + 2 * 27_712 + 6_928 + 260 + 320 + 4_160
    assert sum(p.numel() for p in IMDB(64).parameters()) == expected


def test_the_block_adds_its_input_to_its_output() -> None:
    block, x = IMDB(16), torch.rand(1, 16, 9, 9)
    nn.init.zeros_(block.fuse.weight)
    nn.init.zeros_(block.fuse.bias)
    torch.testing.assert_close(block(x), x, rtol=0, atol=0)


def test_each_convolution_keeps_its_first_quarter() -> None:
    block, x = IMDB(16), torch.rand(1, 16, 9, 9)
    fused: list[torch.Tensor] = []
    block.channel.register_forward_pre_hook(lambda _, inputs: fused.append(inputs[0]))
    block(x)
    first = block.activation(block.refine[0](x))
    torch.testing.assert_close(fused[0][:, :4], first[:, :4])
    second = block.activation(block.refine[1](first[:, 4:]))
    torch.testing.assert_close(fused[0][:, 4:8], second[:, :4])


# The baseline of NTIRE 2022


def test_parameters_of_the_challenge_network() -> None:
    assert sum(p.numel() for p in ChallengeIMDN(4).parameters()) == 893_936


def test_the_challenge_network_has_one_residual_around_its_blocks() -> None:
    network, image = ChallengeIMDN(2, channels=16, blocks=2), torch.rand(1, 3, 6, 7)
    nn.init.zeros_(network.tail.weight)
    nn.init.zeros_(network.tail.bias)
    torch.testing.assert_close(network(image), network.upsample(network.head(image)), rtol=0, atol=0)
