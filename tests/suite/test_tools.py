"""The counts of other tools: what they say of a real forward pass, without its arithmetic."""

from __future__ import annotations

import copy
import json
import logging
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import ptflops
import pytest
import torch
import torch.nn.functional as F
from fvcore.nn import FlopCountAnalysis
from torch import Tensor, nn

from bsrn.convolutions import PointwiseLinear
from suite.catalog import MODELS, model_card
from suite.measures.tools import fvcore_macs, ntire_counts, ptflops_aten_macs, ptflops_macs
from suite.task import Size
from suite.weights import build

ROOT = Path(__file__).parents[2]
TOOLS = [fvcore_macs, ptflops_macs, ptflops_aten_macs]

ALWAYS = ("bicubic", "bsrn-s", "imdn", "pan", "lapsrn")
"""Networks that between them have every kind of operator of the catalog."""

EVERY_NETWORK = [
    pytest.param(name, marks=[] if name in ALWAYS else (pytest.mark.slow, pytest.mark.exhaustive))
    for name in sorted(MODELS)
]


class Net(nn.Module):
    """A function as a network; ``layers`` are handed to it after the input."""

    def __init__(self, function: Callable[..., Tensor], *layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.layers)


def of_a_real_pass(network: nn.Module, size: Size) -> list[int]:
    """What fvcore and both back ends of ptflops say when they run a network on real data."""
    logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
    with torch.no_grad():
        fvcore = FlopCountAnalysis(copy.deepcopy(network), torch.zeros(1, *size)).tracer_warnings("none")
        found = [int(fvcore.total())]
        for backend in ("pytorch", "aten"):
            macs, _ = ptflops.get_model_complexity_info(
                copy.deepcopy(network), size, as_strings=False, print_per_layer_stat=False, backend=backend
            )
            found.append(int(macs))
    return found


def of_no_pass(network: nn.Module, size: Size) -> list[int]:
    return [tool(network, size) for tool in TOOLS]


@pytest.mark.parametrize("name", EVERY_NETWORK)
def test_every_network_counts_as_in_a_real_pass(name: str) -> None:
    card = model_card(name)
    size = (card.input.channels, 24, 40)
    network = build(card, max(card.scales))
    assert of_no_pass(network, size) == of_a_real_pass(network, size)


@pytest.mark.parametrize(
    "network",
    [
        nn.ConvTranspose2d(4, 6, 4, 2, 1),
        nn.Conv2d(4, 6, 3, padding="same"),
        nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.PReLU(4)),
        nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1)),
        nn.Sequential(nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=2, mode="bicubic")),
        nn.Sequential(nn.SiLU(), nn.Softmax(1), nn.GELU(), nn.ReLU6()),
        Net(lambda x, layer: layer(x), nn.Linear(10, 3)),
        Net(lambda x, layer: layer(x.mT), nn.Linear(8, 3)),
        Net(lambda x: torch.matmul(x, x.mT) @ x),
        Net(lambda x: torch.bmm(x[0], x[0].mT)),
        Net(lambda x: torch.mul(torch.add(x, 1), x.mul(x * 2) + x)),
        Net(lambda x: torch.einsum("nchw,ndhw->ncd", x, x)),
        Net(lambda x: F.scaled_dot_product_attention(x, x, x)),
        Net(lambda x: F.interpolate(x, size=(x.shape[2] // 2, x.shape[3] + 1), mode="bilinear")),
    ],
    ids=str,
)
def test_operators_count_as_in_a_real_pass(network: nn.Module) -> None:
    network = network.eval().requires_grad_(False)
    assert of_no_pass(network, (4, 8, 10)) == of_a_real_pass(network, (4, 8, 10))


def test_no_arithmetic_is_done_and_no_memory_taken() -> None:
    layer = nn.Conv2d(1, 1000, 1, bias=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for tool in TOOLS:  # 40 TB, were it computed
        assert tool(nn.Sequential(layer, nn.Sigmoid()), (1, 100_000, 100_000)) == 10**13
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # 1 GiB


def test_a_network_stays_as_it_is() -> None:
    network = build(model_card("imdn"), 4)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    of_no_pass(network, (3, 16, 16))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())
    assert network(torch.zeros(1, 3, 16, 16)).shape == (1, 3, 64, 64)


def test_tracing_works_as_before() -> None:
    network = nn.Conv2d(3, 4, 3).eval()
    fvcore_macs(network, (3, 16, 16))
    traced = torch.jit.trace(network, torch.zeros(1, 3, 8, 8))
    assert "aten::_convolution" in str(traced.inlined_graph)


DIRECT = """
import json
import torch
from fvcore.nn import FlopCountAnalysis
from ptflops import get_model_complexity_info
from {module} import {attribute} as Network

size = (3, 40, 56)
fvcore = FlopCountAnalysis(Network(4).eval(), torch.zeros(1, *size)).total()
counts = [
    get_model_complexity_info(
        Network(4), size, as_strings=False, print_per_layer_stat=False, backend=backend
    )[0]
    for backend in ("pytorch", "aten")
]
print("\\n" + json.dumps([fvcore, *counts]))
"""


@pytest.mark.parametrize(
    ("name", "module", "attribute"), [("bsrn-s", "bsrn.network", "BSRNS"), ("imdn", "baselines.imdn", "IMDN")]
)
def test_the_other_tools_say_the_same_when_called_directly(name: str, module: str, attribute: str) -> None:
    of_no_pass(build(model_card("rfdn"), 4), (3, 32, 32))  # what was counted before must not show
    found = of_no_pass(build(model_card(name), 4), (3, 40, 56))
    script = DIRECT.format(module=module, attribute=attribute)
    direct = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found == json.loads(direct.stdout.splitlines()[-1])


def test_ptflops_sees_the_linear_layers_of_bsrn_s() -> None:
    # 5 * 6 positions, 4 * 7 products and 7 biases each; the authors' nn.Linear on NHWC gives this count.
    assert ptflops_macs(nn.Sequential(PointwiseLinear(4, 7)), (4, 5, 6)) == 30 * (4 * 7 + 7)


# Conventions of the NTIRE 2022 script


def ntire(network: nn.Module, *size: int) -> tuple[int, int]:
    return ntire_counts(network.to("meta"), size)  # type: ignore[arg-type]


def test_ntire_counts_convolutions_without_bias() -> None:
    # 8 * 10 positions, 6 outputs of 4 inputs by 9 taps
    assert ntire(nn.Conv2d(4, 6, 3, padding=1), 4, 8, 10) == (8 * 10 * 6 * 4 * 9, 8 * 10 * 6)
    assert ntire(nn.Conv2d(4, 6, 3, padding=1, groups=2), 4, 8, 10) == (8 * 10 * 6 * 2 * 9, 8 * 10 * 6)


@pytest.mark.parametrize(
    ("activation", "macs"),
    [
        (nn.ReLU(), 320),
        (nn.LeakyReLU(0.1), 320),
        (nn.PReLU(4), 320),
        (nn.ELU(), 320),
        (nn.ReLU6(), 320),
        (nn.GELU(), 0),
        (nn.Sigmoid(), 0),
        (nn.Tanh(), 0),
    ],
    ids=str,
)
def test_ntire_counts_one_an_element_of_some_activations(activation: nn.Module, macs: int) -> None:
    assert ntire(activation, 4, 8, 10) == (macs, 0)


def test_ntire_overcounts_transposed_convolutions_by_the_square_of_the_stride() -> None:
    # 5 * 5 inputs are spread by 2 * 3 * 16 taps; the script takes the 10 * 10 outputs instead.
    found, _ = ntire(nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1), 2, 5, 5)
    assert found == 10 * 10 * 2 * 3 * 16 == 4 * (5 * 5 * 2 * 3 * 16)


def test_ntire_counts_the_outputs_of_transposed_convolutions_as_activations() -> None:
    _, activations = ntire(nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1), 2, 5, 5)
    assert activations == 3 * 10 * 10


def test_ntire_undercounts_linear_layers_on_channels_last() -> None:
    # 5 * 6 positions of 7 * 8 products are 1680; the script multiplies the second dimensions, 5 and 5.
    assert ntire(nn.Linear(7, 8), 5, 6, 7) == (25, 0)
