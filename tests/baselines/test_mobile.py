"""The plain networks of few convolutions: ECBSR, ETDS, PlainUSR-U, and the challenge's EFDN and FMEN."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.ecbsr import ECBSR
from baselines.efdn import EFDN
from baselines.etds import ETDS
from baselines.fmen import FMEN
from baselines.plainusr import LocalAttention, PartialBlock, PlainUSR


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def silence(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


@pytest.mark.parametrize(
    ("channels", "scale", "expected"),
    [(16, 2, 11_548), (16, 3, 13_723), (16, 4, 16_768), (32, 2, 41_516), (32, 3, 45_851), (32, 4, 51_920)],
)
def test_parameters_of_ecbsr(channels: int, scale: int, expected: int) -> None:
    assert parameters(ECBSR(scale, channels=channels)) == expected


@pytest.mark.parametrize(("scale", "expected"), [(2, 41_512), (3, 46_792), (4, 54_112)])
def test_parameters_of_etds(scale: int, expected: int) -> None:
    assert parameters(ETDS(scale)) == expected


@pytest.mark.parametrize(("scale", "expected"), [(2, 13_628), (4, 19_820)])
def test_parameters_of_plainusr(scale: int, expected: int) -> None:
    assert parameters(PlainUSR(scale)) == expected


def test_parameters_of_the_challenge_networks() -> None:
    assert parameters(EFDN(4)) == 276_192
    assert parameters(FMEN(4)) == 341_066


def test_ecbsr_adds_to_the_nearest_neighbour_enlargement() -> None:
    network, image = ECBSR(3), torch.rand(1, 3, 4, 5)
    silence(network.last)
    nearest = image.repeat_interleave(3, dim=-2).repeat_interleave(3, dim=-1)
    assert torch.equal(network(image), nearest)


@pytest.mark.parametrize(("scale", "channels"), [(2, 12), (3, 28), (4, 48)])
def test_the_last_layers_of_etds_have_a_multiple_of_four_channels(scale: int, channels: int) -> None:
    network = ETDS(scale)
    assert network.last.out_channels == network.clip.out_channels == channels
    assert network(torch.rand(1, 3, 5, 4)).shape == (1, 3, 5 * scale, 4 * scale)


def test_efdn_clips_its_output_except_in_training() -> None:
    network, image = EFDN(2, channels=8).eval(), torch.rand(1, 3, 16, 16)
    nn.init.constant_(network.upsample[0].bias, 2.0)
    assert network(image).max() == 1
    assert network.train()(image).max() > 1


def test_a_partial_block_leaves_the_other_channels_alone() -> None:
    block, x = PartialBlock(4, "inference", attention=True), torch.rand(1, 7, 5, 6)
    output = block(x)
    assert torch.equal(output[:, 4:], x[:, 4:])
    assert not torch.allclose(output[:, :4], x[:, :4])


def test_the_gate_of_local_attention_is_the_first_channel() -> None:
    attention, x = LocalAttention(3), torch.rand(1, 3, 5, 6)
    silence(attention.conv)
    torch.testing.assert_close(attention(x), x * torch.sigmoid(x[:, :1]) / 2)


def test_plainusr_starts_near_the_nearest_neighbour_enlargement() -> None:
    network, image = PlainUSR(2), torch.rand(1, 3, 4, 5)
    with torch.no_grad():
        for layer in (network.head, network.upsample[0]):
            layer.weight.copy_(layer.weight.round())  # leaves the ones that were added to small numbers
            layer.bias.zero_()
    torch.testing.assert_close(
        network(image), image.repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)
    )
