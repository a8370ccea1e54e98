"""BSRN and BSRN-S as published. What every network must do is in tests/suite/test_catalog.py."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from bsrn.attention import CCA, ESA
from bsrn.convolutions import ConvKind
from bsrn.network import BSRN, BSRNS, ESDB, Activation, Attention, activation_of


@pytest.mark.parametrize(("scale", "expected"), [(2, 331_628), (3, 340_283), (4, 352_400)])
def test_parameters_of_bsrn(scale: int, expected: int) -> None:
    # Scales differ in the last convolution alone: 3 * scale^2 outputs of 64 * 9 weights and a bias.
    assert sum(p.numel() for p in BSRN(scale).parameters()) == expected


def test_parameters_of_bsrn_s() -> None:
    assert sum(p.numel() for p in BSRNS(4).parameters()) == 156_288


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("conv", get_args(ConvKind))
def test_every_kind_of_convolution_makes_a_network(conv: ConvKind, scale: int) -> None:
    network = BSRN(scale, channels=16, blocks=1, conv=conv)
    assert network(torch.rand(1, 3, 17, 22)).shape == (1, 3, 17 * scale, 22 * scale)


@pytest.mark.parametrize(("name", "kind"), [("relu", nn.ReLU), ("leaky-relu", nn.LeakyReLU)])
def test_an_activation_reaches_every_place_but_the_inside_of_cca(
    name: Activation, kind: type[nn.Module]
) -> None:
    published, other = (BSRN(4, channels=16, blocks=2, activation=one) for one in ("gelu", name))
    replaced = [key for key, module in published.named_modules() if isinstance(module, nn.GELU)]
    parts = ("activation", "spatial.body.1", "spatial.body.3")
    assert replaced == [*(f"blocks.{i}.{part}" for i in (0, 1) for part in parts), "activation"]
    assert all(isinstance(other.get_submodule(key), kind) for key in replaced)
    assert not any(isinstance(module, nn.GELU) for module in other.modules())
    assert other.state_dict().keys() == published.state_dict().keys()


def test_a_leaky_relu_lets_a_twentieth_through() -> None:
    assert activation_of("leaky-relu")()(torch.tensor(-2.0)).item() == pytest.approx(-0.1)


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown activation 'swish': choose one of gelu, relu, leaky-relu"):
        BSRN(4, channels=16, blocks=1, activation="swish")  # type: ignore[arg-type]


def test_conv_reaches_every_3x3_convolution_but_the_upsampling_one() -> None:
    dense = [
        name
        for name, module in BSRN(4, channels=16, blocks=2).named_modules()
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3) and module.groups == 1
    ]
    assert dense == ["upsample.0"]


def test_only_the_strided_convolution_of_bsrn_s_and_its_last_are_dense() -> None:
    dense = [
        name
        for name, module in BSRNS(4, blocks=2).named_modules()
        if isinstance(module, nn.Conv2d) and module.groups == 1
    ]
    assert dense == ["blocks.0.spatial.strided", "blocks.1.spatial.strided", "upsample.0"]


def test_the_first_convolution_sees_the_image_four_times() -> None:
    network, image = BSRN(2, channels=16, blocks=1), torch.rand(1, 3, 16, 16)
    seen: list[torch.Tensor] = []
    network.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(image)
    torch.testing.assert_close(seen[0], image.repeat(1, 4, 1, 1), rtol=0, atol=0)


class Silence(nn.Module):
    """Stands for an attention that lets nothing through."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x)


def test_the_block_adds_its_input_to_its_output() -> None:
    block, x = ESDB(16, conv="bsconv", spatial=ESA(16, 4), channel=Silence()), torch.rand(1, 16, 20, 20)
    torch.testing.assert_close(block(x), x, rtol=0, atol=0)


@pytest.mark.parametrize(
    "network", [BSRN(4, channels=16, blocks=1), BSRNS(4, blocks=1)], ids=["bsrn", "bsrn-s"]
)
def test_the_output_is_not_clipped(network: nn.Module) -> None:
    # Scaling a whole linear last layer by 1000 must show: nothing after it bounds the values.
    with torch.no_grad():
        network.upsample[0].weight.mul_(1000)
        assert network(torch.rand(1, 3, 16, 16)).abs().max() > 2


@pytest.mark.parametrize(
    ("attention", "parameters"),
    [
        # ESA: 64*16+16 + 16*16+16 + 4 * (16*16 + 16*9+16) + 16*64+64 = 4,064; CCA: 64*4+4 + 4*64+64 = 580
        ("esa-cca", 352_400),
        ("cca-esa", 352_400),
        ("parallel", 352_400),
        ("cca", 352_400 - 8 * 4_064),
        ("esa", 352_400 - 8 * 580),
        ("none", 352_400 - 8 * (4_064 + 580)),
    ],
)
def test_parameters_of_the_attention_ablations(attention: Attention, parameters: int) -> None:
    assert sum(p.numel() for p in BSRN(attention=attention).parameters()) == parameters


def test_order_of_the_attentions() -> None:
    x = torch.rand(1, 16, 20, 20)
    block = ESDB(16, conv="bsconv", spatial=ESA(16, 4), channel=CCA(16))
    esa, cca = block.spatial, block.channel
    expected = {
        "esa-cca": cca(esa(x)),
        "cca-esa": esa(cca(x)),
        "parallel": (esa(x) + cca(x)) / 2,
        "esa": esa(x),
        "cca": cca(x),
        "none": x,
    }
    for attention, result in expected.items():
        other = ESDB(16, conv="bsconv", spatial=esa, channel=cca, attention=attention)  # type: ignore[arg-type]
        torch.testing.assert_close(other.attend(x), result)
    assert (expected["esa-cca"] - expected["cca-esa"]).abs().max() > 1e-6


def test_an_unknown_attention_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'esa-esa'.*esa-cca, cca-esa, parallel, esa, cca, none"):
        BSRN(attention="esa-esa")  # type: ignore[arg-type]
