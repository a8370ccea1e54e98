"""The terms of the cost audit: miniature networks whose differences can be worked out on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.measures import tools
from suite.measures.audit import audit
from suite.measures.operators import tally
from suite.task import Size

SIZE = (4, 8, 10)  # 320 elements
HOOKED = "outside of what it hooks, not seen"


class Net(nn.Module):
    """A function as a network; ``layers`` are handed to it after the input."""

    def __init__(self, function: Callable[..., Tensor], *layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.layers)


def audited(build: Callable[[], nn.Module], size: Size = SIZE) -> dict[str, Any]:
    """The audit of a network: by tool its terms, by name; nothing may be left unexplained."""
    network, meta = build().eval(), build().eval().to("meta")
    figures = {
        "macs_ntire": tools.ntire_counts(meta, size)[0],
        "macs_fvcore": tools.fvcore_macs(network, size),
        "macs_ptflops": tools.ptflops_macs(network, size),
        "macs_ptflops_aten": tools.ptflops_aten_macs(network, size),
    }
    own = tally(meta, torch.empty((1, *size), device="meta"))
    found = audit(network, meta, own, size, figures)
    assert {metric: entry["unexplained"] for metric, entry in found.items()} == dict.fromkeys(figures, 0)
    return {
        metric.removeprefix("macs_"): {term["what"]: term["macs"] for term in entry["terms"]}
        for metric, entry in found.items()
    }


class Functional(nn.Module):
    """A convolution of a parameter, not of a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(6, 4, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, padding=1)


class Shared(nn.Module):
    """One layer that stands in two places."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.Conv2d(4, 4, 1)
        self.first, self.second = nn.Sequential(layer), nn.Sequential(layer)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))


class Special(nn.Conv2d):
    """A convolution of a class of its own."""


MACS = 8 * 10 * 4 * 6 * 9  # of a 3x3 convolution from 4 to 6 channels
BIAS = 8 * 10 * 6


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        pytest.param(
            lambda: nn.Conv2d(4, 6, 3, padding=1),
            {
                "ptflops": {"bias additions of convolutions": BIAS},
                "ptflops_aten": {"bias additions of convolutions": BIAS},
            },
            id="bias",
        ),
        pytest.param(
            Functional,
            {"ptflops": {f"conv2d {HOOKED}": -MACS}, "ntire": {f"conv2d {HOOKED}": -MACS}},
            id="functional convolution",
        ),
        pytest.param(
            lambda: Special(4, 6, 3, padding=1, bias=False),
            {"ptflops": {f"conv2d {HOOKED}": -MACS}},
            id="subclass, which ptflops does not know and the challenge does",
        ),
        pytest.param(
            lambda: nn.Conv2d(4, 6, 3, padding="same", bias=False),
            {"fvcore": {"conv2d.padding, not seen": -MACS}},
            id="padding as a word, which fvcore does not know",
        ),
        pytest.param(
            Shared,
            # Two calls of 8 * 10 positions, 4 * 4 products and 4 biases; the sum meets them twice.
            {
                "ptflops": {
                    "bias additions of convolutions": 2 * 320,
                    "layers that stand in several places, counted for each": 2 * (320 * 4 + 320),
                },
                "ptflops_aten": {"bias additions of convolutions": 2 * 320},
            },
            id="shared layer",
        ),
        pytest.param(
            # 8 * 10 inputs are spread by 4 * 6 * 16 taps; the challenge takes the 16 * 20 outputs.
            lambda: nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, bias=False),
            {"ntire": {"transposed convolutions by output positions": 3 * 8 * 10 * 4 * 6 * 16}},
            id="transposed convolution",
        ),
        pytest.param(
            lambda: Net(lambda x, layer: layer(x), nn.Linear(10, 3)),
            # 4 * 8 rows of 10 * 3 products; the challenge multiplies 1 * 4 * 4.
            {
                "ptflops": {"bias additions of linear layers": 4 * 8 * 3},
                "ptflops_aten": {"bias additions of addmm (linear layers on contiguous data)": 4 * 8 * 3},
                "ntire": {
                    "linear layers counted as H x H, not H x W x inputs x outputs": 16 - 4 * 8 * 10 * 3
                },
            },
            id="linear layer",
        ),
        pytest.param(
            lambda: Net(lambda x, layer: layer(x.mT), nn.Linear(8, 3, bias=True)),
            # Not contiguous, so that the bias is an addition of its own, which the back end does not count.
            {
                "ptflops": {"bias additions of linear layers": 4 * 10 * 3},
                "ntire": {
                    "linear layers counted as H x H, not H x W x inputs x outputs": 16 - 4 * 10 * 8 * 3
                },
            },
            id="linear layer on data that is not contiguous",
        ),
        pytest.param(
            lambda: nn.Sequential(nn.GELU(), nn.ReLU(), nn.LeakyReLU(), nn.Sigmoid()),
            {
                "ptflops": {
                    "GELU module, 1 an element": 320,
                    "gelu function, 1 an input element": 320,
                    "ReLU module, 1 an element": 320,
                    "relu function, 1 an input element": 320,
                    "LeakyReLU module, 1 an element": 320,
                },
                "ntire": {"ReLU module, 1 an element": 320, "LeakyReLU module, 1 an element": 320},
            },
            id="activations",
        ),
        pytest.param(
            lambda: nn.Sequential(nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1)),
            {
                "fvcore": {"adaptive average pooling, 1 an input element": 80},
                "ptflops": {
                    "MaxPool2d module, 1 an input element": 320,
                    "max_pool2d function, 1 an input element": 320,
                    "AdaptiveAvgPool2d module, 1 an input element": 80,
                    "adaptive_avg_pool2d function, 1 an input element": 80,
                },
            },
            id="pooling",
        ),
        pytest.param(
            lambda: Net(lambda x: F.interpolate(F.interpolate(x, (5, 7), mode="bilinear"), scale_factor=2)),
            {
                "fvcore": {
                    "bilinear interpolation, 4 an output element": 4 * (4 * 5 * 7),
                    "nearest interpolation, 1 an output element": 4 * 10 * 14,
                },
                "ptflops": {"interpolate function, 1 an output element": 4 * 5 * 7 + 4 * 10 * 14},
            },
            id="interpolation",
        ),
        pytest.param(
            lambda: nn.Sequential(nn.BatchNorm2d(4), nn.BatchNorm2d(4, affine=False), nn.GroupNorm(2, 4)),
            {
                "fvcore": {"batch normalisation": 3 * 320, "group normalisation": 5 * 320},
                "ptflops": {
                    "BatchNorm2d module, 2 an element": 640,
                    "BatchNorm2d module, 1 an element": 320,
                    "GroupNorm module, 2 an element": 640,
                },
                "ntire": {"batch normalisation": 3 * 320},
            },
            id="normalisation",
        ),
        pytest.param(
            lambda: Net(lambda x: torch.matmul(x, x.mT)),
            {"ntire": {f"matmul {HOOKED}": -4 * 8 * 8 * 10}},
            id="torch.matmul",
        ),
        pytest.param(
            lambda: Net(lambda x: x @ x.mT),
            {"ptflops": {f"matmul {HOOKED}": -2560}, "ntire": {f"matmul {HOOKED}": -2560}},
            id="the operator @, which ptflops does not see",
        ),
        pytest.param(
            lambda: Net(lambda x: torch.mul(x, 2) * x + x),
            {"ptflops": {"torch.mul, 1 an element": 320}},
            id="torch.mul, which ptflops sees, and the operators * and +, which it does not",
        ),
        pytest.param(
            lambda: Net(lambda x: F.scaled_dot_product_attention(x, x, x)),
            {
                "fvcore": {"scaled_dot_product_attention, not seen": -5120},
                "ptflops": {f"scaled_dot_product_attention {HOOKED}": -5120},
                "ptflops_aten": {"_scaled_dot_product_flash_attention_for_cpu, not seen": -5120},
                "ntire": {f"scaled_dot_product_attention {HOOKED}": -5120},
            },
            id="attention",
        ),
    ],
)
def test_terms(network: Callable[[], nn.Module], expected: dict[str, dict[str, int]]) -> None:
    found = audited(network)
    assert {tool: terms for tool, terms in found.items() if terms} == expected


def test_terms_are_listed_from_the_largest_on() -> None:
    network = nn.Sequential(nn.Conv2d(4, 6, 1), nn.GELU(), nn.MaxPool2d(2)).to("meta")
    figures = {"macs_ptflops": tools.ptflops_macs(nn.Sequential(*network).to_empty(device="cpu"), SIZE)}
    own = tally(network, torch.empty((1, *SIZE), device="meta"))
    terms = audit(network, network, own, SIZE, figures)["macs_ptflops"]["terms"]
    sizes = [abs(term["macs"]) for term in terms]
    assert len(sizes) > 3 and sizes == sorted(sizes, reverse=True)


def test_what_no_rule_covers_is_left_unexplained() -> None:
    network = nn.Conv2d(4, 6, 1)
    own = tally(network.to("meta"), torch.empty((1, *SIZE), device="meta"))
    entry = audit(network, network, own, SIZE, {"macs_fvcore": own.macs + 7})["macs_fvcore"]
    assert entry == {"difference": 7, "terms": [], "unexplained": 7}
