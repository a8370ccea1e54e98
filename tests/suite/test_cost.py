"""Cost figures: the published ones, those of other tools, and where the conventions part ways."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from bsrn.convolutions import PointwiseLinear
from suite.catalog import model_card
from suite.measures import MEASURES, cost
from suite.measures.cost import count, ntire_counts, ptflops_macs
from suite.measures.operators import tally
from suite.task import Size, Subject, Task
from suite.weights import NO_WEIGHTS, Weights, build

ROOT = Path(__file__).parents[2]


def figures(name: str, size: Size, scale: int = 4) -> dict[str, float]:
    subject = Subject(model_card(name), scale, Weights(NO_WEIGHTS))
    values, _ = count(Task("cost", subject, input=size))
    return {value.metric: value.value for value in values}


cached = functools.cache(figures)


# Published figures


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("params", 352_400), ("macs", 19_177_176_448), ("macs_with_bias", 19_414_544_672), ("conv_layers", 206)],
)
def test_bsrn_for_an_output_of_1280x720(metric: str, expected: int) -> None:
    assert cached("bsrn", (3, 180, 320))[metric] == expected


@pytest.mark.parametrize(
    ("name", "params", "macs", "activations", "convolutions"),
    [
        ("rfdn", 0.433, 27.10, 112.03, 64),
        ("imdn-ntire", 0.894, 58.53, 154.14, 43),
        ("rlfn-ntire", 0.317, 19.70, 80.05, 39),
        ("fmen", 0.341, 22.28, 72.09, 34),
        ("efdn", 0.276, 16.73, 111.12, 65),
    ],
)
def test_rows_of_the_table_of_ntire_2022(
    name: str, params: float, macs: float, activations: float, convolutions: int
) -> None:
    network = build(model_card(name), 4).to("meta")
    macs_ntire, activations_ntire = ntire_counts(network, (3, 256, 256))
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 3) == params
    assert round(macs_ntire / 1e9, 2) == macs
    assert round(activations_ntire / 1e6, 2) == activations
    assert tally(network, torch.empty((1, 3, 256, 256), device="meta")).convolutions == convolutions


@pytest.mark.parametrize(
    ("name", "scale", "published"),
    [
        ("carn", 2, 222.8),
        ("carn", 3, 118.6),  # published 118.8: for 1280 pixels, which are no multiple of 3, instead of 1278
        ("carn", 4, 90.9),
        ("pan", 2, 70.5),
        ("pan", 3, 39.0),
        ("pan", 4, 28.2),
    ],
)
def test_multi_adds_of_papers_for_an_output_of_1280x720(name: str, scale: int, published: float) -> None:
    image = torch.empty((1, 3, 720 // scale, 1280 // scale), device="meta")
    macs = tally(build(model_card(name), scale).to("meta"), image).macs
    assert round(macs / 1e9, 1) == published


@pytest.mark.parametrize(
    ("metric", "unit", "expected"),
    [
        ("params", 1e6, 0.16),
        ("macs", 1e9, 9.43),
        ("activations", 1e6, 209.19),
        # The challenge's table: its script does not see the outputs of linear layers.
        ("activations_ntire", 1e6, 65.76),
        ("conv_layers", 1, 43),
    ],
)
def test_bsrn_s_at_the_input_of_the_challenge(metric: str, unit: float, expected: float) -> None:
    assert round(cached("bsrn-s", (3, 256, 256))[metric] / unit, 2) == expected


def test_bicubic_costs_no_multiply_accumulates() -> None:
    assert figures("bicubic", (3, 32, 48)) == dict.fromkeys(MEASURES["cost"].metrics, 0)


def test_activations_of_a_network_of_convolutions_are_the_same_to_ntire() -> None:
    found = cached("rfdn", (3, 256, 256))
    assert found["activations"] == found["activations_ntire"]


# The other tools

DIRECT = """
import json
import torch
from fvcore.nn import FlopCountAnalysis
from ptflops import get_model_complexity_info
from {module} import {attribute} as Network

size = (3, 40, 56)
fvcore = FlopCountAnalysis(Network(4).eval(), torch.zeros(1, *size)).total()
ptflops, _ = get_model_complexity_info(
    Network(4), size, as_strings=False, print_per_layer_stat=False, backend="pytorch"
)
print("\\n" + json.dumps([fvcore, ptflops]))
"""


@pytest.mark.parametrize(
    ("name", "module", "attribute"), [("bsrn-s", "bsrn.network", "BSRNS"), ("imdn", "baselines.imdn", "IMDN")]
)
def test_the_other_tools_say_the_same_when_called_directly(name: str, module: str, attribute: str) -> None:
    figures("rfdn", (3, 32, 32))  # what was counted before must not show
    found = figures(name, (3, 40, 56))
    script = DIRECT.format(module=module, attribute=attribute)
    direct = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [found["macs_fvcore"], found["macs_ptflops"]] == json.loads(direct.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["bsrn", "bsrn-s", "rfdn", "imdn", "bicubic"])
def test_counting_again_gives_the_same(name: str) -> None:
    assert figures(name, (3, 24, 32)) == figures(name, (3, 24, 32))


def test_counting_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    figures("rfdn", (3, 24, 32))
    assert capfd.readouterr() == ("", "")


def test_counting_leaves_functions_of_pytorch_as_they_are() -> None:
    before = (nn.functional.relu, nn.functional.linear, torch.matmul, torch.Tensor.matmul)
    figures("rfdn", (3, 24, 32))
    assert before == (nn.functional.relu, nn.functional.linear, torch.matmul, torch.Tensor.matmul)


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


def test_ntire_counts_bsrn_s_as_it_does_the_authors_network() -> None:
    # Convolutions at 256x256: 48 * 9 first, 5 blocks of 3 * 48 * 9 + 24 * 9, 48 * 9 last, 48 * 48 * 9 to
    # upsample; in each attention 12 * 12 * 9 at 127x127 and 3 * 12 * 9 at 41x41. Linear layers: 12 a block
    # and 3 around them with 256 * 256, 3 an attention with 41 * 41.
    convolutions = 256**2 * (432 + 5 * 1512 + 432 + 20_736) + 5 * (127**2 * 1296 + 41**2 * 324)
    linear = 63 * 256**2 + 15 * 41**2
    assert cached("bsrn-s", (3, 256, 256))["macs_ntire"] == convolutions + linear


def test_a_tool_that_fails_leaves_the_other_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(network: nn.Module, size: Size) -> int:
        raise ZeroDivisionError("no idea")

    monkeypatch.setattr(cost, "ptflops_macs", fail)
    card = model_card("imdn")
    values, details = cost.count(Task("cost", Subject(card, 4, Weights("none")), input=(3, 32, 32)))
    metrics = {value.metric for value in values}
    assert "macs_ptflops" not in metrics
    assert {"macs", "params", "macs_fvcore"} <= metrics
    assert details["not_counted"] == {"macs_ptflops": "ZeroDivisionError: no idea"}
