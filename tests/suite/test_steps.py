"""The steps of a forward pass: where each operator belongs, what kind it is, and that nothing gets lost."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.catalog import MODELS, model_card
from suite.kinds import ACTIVATIONS, FAMILIES, ORDER, family_of
from suite.measures.operators import tally
from suite.measures.steps import NETWORK, walk
from suite.measures.stopwatch import timed_pass
from suite.weights import build

ALWAYS = ("bicubic", "bsrn", "bsrn-s", "rfdn", "imdn", "carn", "pan", "lapsrn")
"""Networks that between them have every kind of operator of the catalog."""

EVERY_NETWORK = [
    pytest.param(name, marks=[] if name in ALWAYS else (pytest.mark.slow, pytest.mark.exhaustive))
    for name in sorted(MODELS)
]


class Tiny(nn.Module):
    """A network whose steps can be written down."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.GELU())
        self.mix = nn.Conv2d(4, 4, 1, bias=False)
        self.factor = nn.Parameter(torch.ones(1, 4, 1, 1))
        self.unused = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        return self.mix(self.mix(x)) * self.factor


def test_every_operator_is_found_in_its_layer_with_what_it_costs() -> None:
    network, image = Tiny(), torch.ones(1, 3, 5, 6)
    steps = walk(network, network, image)
    assert [(step.path, step.layer, step.operator, step.kind, step.params) for step in steps] == [
        ("body.0", "Conv2d", "conv2d", "dense convolutions", 3 * 4 * 9 + 4),
        ("body.1", "GELU", "gelu", "GELU", 0),
        ("mix", "Conv2d", "conv2d", "pointwise convolutions", 16),
        ("mix", "Conv2d", "conv2d", "pointwise convolutions", 0),  # its weights were read before
        (NETWORK, "Tiny", "mul", "multiplications", 4),
    ]
    assert [step.macs for step in steps] == [30 * 108, 0, 30 * 16, 30 * 16, 0]
    assert [step.activations for step in steps] == [120, 0, 120, 120, 0]
    assert steps[1].bytes_moved == 2 * 4 * 120


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (nn.Conv2d(4, 8, 3), "dense convolutions"),
        (nn.Conv2d(4, 8, 3, stride=2), "strided convolutions"),
        (nn.Conv2d(4, 8, 3, groups=2), "grouped convolutions"),
        (nn.Conv2d(4, 4, 3, groups=4, stride=2), "depthwise convolutions"),
        (nn.Conv2d(4, 8, 3, groups=4), "depthwise convolutions"),
        (nn.Conv2d(4, 8, 1, stride=2), "pointwise convolutions"),
        (nn.Conv2d(4, 8, 3, padding="same"), "dense convolutions"),
        (nn.ConvTranspose2d(4, 8, 2, stride=2), "transposed convolutions"),
        (nn.Linear(8, 2), "linear layers and matrix products"),
        (lambda x: x @ x.transpose(-1, -2), "linear layers and matrix products"),
        (lambda x: F.scaled_dot_product_attention(x, x, x), "softmax and attention"),
        (lambda x: F.softmax(x, 1), "softmax and attention"),
        (lambda x: F.leaky_relu_(x.neg(), 0.1), "LeakyReLU"),
        (nn.PReLU(4), "PReLU"),
        (torch.sigmoid, "sigmoid"),
        (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), "interpolation"),
        (nn.MaxPool2d(3), "pooling"),
        (nn.AdaptiveAvgPool2d(1), "normalisation and statistics"),
        (nn.AvgPool2d(2), "pooling"),
        (nn.BatchNorm2d(4).eval(), "normalisation and statistics"),
        (nn.LayerNorm(8), "normalisation and statistics"),
        (lambda x: x.mean((2, 3)), "normalisation and statistics"),
        (lambda x: x - 1, "additions"),
        (lambda x: x / 2, "multiplications"),
        (lambda x: torch.cat([x, x], 1), "concatenation and copies"),
        (lambda x: x.permute(0, 2, 3, 1).contiguous(), "concatenation and copies"),
        (nn.PixelShuffle(2), "pixel shuffle"),
        (lambda x: x.view(-1), "views"),
        (lambda x: x.clamp(0, 1), "other operators"),
    ],
)
def test_kinds(function: Callable[[Tensor], Tensor], kind: str) -> None:
    network = function if isinstance(function, nn.Module) else nn.Identity()
    steps = walk(network, function, torch.ones(1, 4, 8, 8))
    assert steps[-1].kind == kind
    assert kind in ORDER


def test_every_kind_belongs_to_one_family() -> None:
    kinds = [kind for family in FAMILIES.values() for kind in family]
    assert sorted(kinds) == sorted(ORDER)
    assert {family_of(name) for name in ACTIVATIONS.values()} == {
        "activation functions",
        "attention and statistics",
    }
    assert family_of("something of a later version") == "copies and other"


@pytest.mark.parametrize("name", EVERY_NETWORK)
def test_the_steps_add_up_to_the_cost(name: str) -> None:
    card = model_card(name)
    network = build(card, card.scales[-1]).to("meta")
    image = torch.empty((1, card.input.channels, 48, 52), device="meta")
    own, steps = tally(network, image), walk(network, network, image)
    read = sum(step.params for step in steps)
    assert [
        sum(getattr(step, what) for step in steps) for what in ("macs", "activations", "bytes_moved")
    ] == [
        *(own.macs, own.activations, own.bytes_moved),
    ]
    assert sum(step.convolutions for step in steps) == own.convolutions
    assert read <= sum(parameter.numel() for parameter in network.parameters())
    if name not in ("carn", "carn-m"):  # which hold the upsamplers of all scales
        assert read == sum(parameter.numel() for parameter in network.parameters())
    assert {step.path for step in steps} <= {NETWORK} | dict(network.named_modules()).keys()


@pytest.mark.parametrize("name", ["bsrn", "imdn", "lapsrn"])
def test_timing_changes_neither_the_steps_nor_the_result(name: str) -> None:
    card = model_card(name)
    network = build(card, 4).eval()
    image = torch.rand((1, card.input.channels, 20, 24), generator=torch.Generator().manual_seed(1))
    outputs: list[Tensor] = []

    def forward(x: Tensor) -> Any:
        with torch.inference_mode():
            outputs.append(network(x))
        return outputs[-1]

    steps = walk(network, forward, image)
    names, milliseconds = timed_pass(forward, image, "cpu")
    forward(image)
    assert names == [step.operator for step in steps]
    assert len(milliseconds) == len(names)
    assert min(milliseconds) > 0
    assert torch.equal(outputs[0], outputs[2])
    assert torch.equal(outputs[1], outputs[2])


def test_each_operator_has_the_time_that_passed_while_it_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([0, 2, 10, 17, 50, 51])  # before and behind each of three, in milliseconds
    clock = SimpleNamespace(perf_counter_ns=lambda: next(readings) * 1_000_000)
    monkeypatch.setattr("suite.measures.stopwatch.time", clock)
    names, milliseconds = timed_pass(lambda x: (x + 1) @ x @ x, torch.ones(6, 6), "cpu")
    assert len(names) == 3
    assert milliseconds == [2, 7, 1]


def test_a_failing_network_leaves_no_hooks_behind() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3))
    with pytest.raises(RuntimeError):
        walk(network, network, torch.ones(1, 3, 8, 8))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
