"""PAN as published."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from baselines.pan import PAN, SCPA, PixelAttention


@pytest.mark.parametrize(("scale", "expected"), [(2, 261_403), (3, 261_403), (4, 272_419)])
def test_parameters(scale: int, expected: int) -> None:
    # x4 has a second stage: two 3x3 of 24 channels (5,208 each) and a gate (600).
    assert sum(p.numel() for p in PAN(scale).parameters()) == expected


def test_pixel_attention_halves_its_input_where_its_convolution_is_zero() -> None:
    attention, x = PixelAttention(4), torch.rand(1, 4, 5, 6)
    with torch.no_grad():
        attention.conv.weight.zero_()
        attention.conv.bias.zero_()
    torch.testing.assert_close(attention(x), x / 2, rtol=0, atol=0)


def test_only_the_gate_of_a_block_has_a_bias() -> None:
    assert [name for name, _ in SCPA(8).named_parameters() if name.endswith("bias")] == ["gate.bias"]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_network_adds_to_the_bilinear_enlargement(scale: int) -> None:
    network, image = PAN(scale, blocks=1), torch.rand(1, 3, 6, 7)
    with torch.no_grad():
        network.last.weight.zero_()
        network.last.bias.zero_()
    bilinear = F.interpolate(image, scale_factor=scale, mode="bilinear", align_corners=False)
    torch.testing.assert_close(network(image), bilinear, rtol=0, atol=0)
