"""RFDN as entered in AIM 2020, its variants with separable convolutions, and the network of its paper."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.rfdn import RFDB, RFDN
from bsrn.convolutions import ConvKind


def test_parameters() -> None:
    assert sum(p.numel() for p in RFDN(4).parameters()) == 433_448


@pytest.mark.parametrize(
    ("conv", "expected"), [("dsconv", 141_198), ("bsconv", 140_198), ("bsconv-s", 123_498)]
)
def test_parameters_of_the_ablation_variants(conv: ConvKind, expected: int) -> None:
    assert sum(p.numel() for p in RFDN(4, conv=conv).parameters()) == expected


def test_a_variant_leaves_attention_and_the_ends_plain() -> None:
    dense = {
        name.partition("blocks.0.")[2] or name
        for name, module in RFDN(4, blocks=1, conv="bsconv").named_modules()
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3) and module.groups == 1
    }
    inside = {"spatial.strided", "spatial.body.0", "spatial.body.2", "spatial.body.4"}
    assert dense == {"head", "upsample.0"} | inside


@pytest.mark.parametrize("conv", ["conv", "dsconv", "bsconv", "bsconv-s"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_every_variant_makes_a_network(conv: ConvKind, scale: int) -> None:
    network = RFDN(scale, channels=8, blocks=1, conv=conv)
    assert network(torch.rand(1, 3, 17, 22)).shape == (1, 3, 17 * scale, 22 * scale)


@pytest.mark.parametrize(("scale", "expected"), [(2, 534_036), (3, 540_531), (4, 549_624)])
def test_parameters_of_the_network_in_the_paper(scale: int, expected: int) -> None:
    network = RFDN(scale, channels=48, blocks=6, attention="cca")
    assert sum(p.numel() for p in network.parameters()) == expected


def test_an_unknown_attention_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown attention 'both': choose one of esa, cca"):
        RFDB(8, attention="both")  # type: ignore[arg-type]


def test_there_is_no_residual_around_the_block() -> None:
    block, x = RFDB(8), torch.rand(1, 8, 20, 20)
    nn.init.zeros_(block.fuse.weight)
    nn.init.zeros_(block.fuse.bias)
    torch.testing.assert_close(block(x), torch.zeros_like(x))
