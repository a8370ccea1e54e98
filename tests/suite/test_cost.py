"""Cost figures: the published ones, those of other tools, and where the conventions part ways."""

from __future__ import annotations

import functools
import json

import pytest
import torch
from torch import nn

from suite.catalog import MODELS, model_card
from suite.measures import MEASURES, cost
from suite.measures.cost import count
from suite.measures.operators import tally
from suite.task import Size, Subject, Task
from suite.weights import NO_WEIGHTS, Weights, build

ALWAYS = ("bicubic", "bsrn-s", "imdn", "pan", "lapsrn")
"""Networks that between them have every kind of operator of the catalog."""

EVERY_NETWORK = [
    pytest.param(name, marks=[] if name in ALWAYS else (pytest.mark.slow, pytest.mark.exhaustive))
    for name in sorted(MODELS)
]


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


NTIRE_2022 = (
    # parameters (M), "FLOPs" (G), activations (M), convolutions: arXiv 2205.05675, tables of both tracks
    ("rfdn", 0.433, 27.10, 112.03, 64),
    ("imdn-ntire", 0.894, 58.53, 154.14, 43),
    ("rlfn-ntire", 0.317, 19.70, 80.05, 39),
    ("efdn", 0.276, 16.73, 111.12, 65),
    ("fmen", 0.341, 22.28, 72.09, 34),
)


@pytest.mark.parametrize(("name", "params", "macs", "activations", "convolutions"), NTIRE_2022)
def test_the_table_of_ntire_2022_to_the_printed_digit(
    name: str, params: float, macs: float, activations: float, convolutions: int
) -> None:
    found = cached(name, (3, 256, 256))
    assert (
        round(found["params"] / 1e6, 3),
        round(found["macs_ntire"] / 1e9, 2),
        round(found["activations_ntire"] / 1e6, 2),
        found["conv_layers"],
    ) == (params, macs, activations, convolutions)


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
        # The challenge's table has these two: its script does not see the outputs of linear layers.
        ("activations_ntire", 1e6, 65.76),
        ("conv_layers", 1, 43),
    ],
)
def test_bsrn_s_at_the_input_of_the_challenge(metric: str, unit: float, expected: float) -> None:
    assert round(cached("bsrn-s", (3, 256, 256))[metric] / unit, 2) == expected


def test_bicubic_costs_no_multiply_accumulates() -> None:
    found = figures("bicubic", (3, 32, 48))
    assert found.pop("bytes_moved") > 4 * 3 * (32 * 48 + 128 * 192)  # it reads and writes an image at least
    assert found == dict.fromkeys(set(MEASURES["cost"].metrics) - {"bytes_moved"}, 0)


def test_bsrn_moves_more_than_three_times_the_bytes_of_rfdn_with_fewer_multiplications() -> None:
    bsrn, rfdn = (cached(name, (3, 256, 256)) for name in ("bsrn", "rfdn"))
    assert bsrn["macs"] < rfdn["macs"]
    assert (bsrn["bytes_moved"], rfdn["bytes_moved"]) == (9_542_342_720, 2_811_881_632)


def test_activations_of_a_network_of_convolutions_are_the_same_to_ntire() -> None:
    found = cached("rfdn", (3, 256, 256))
    assert found["activations"] == found["activations_ntire"]


# Published figures of other conventions


def bias_of_convolutions(name: str, size: Size) -> int:
    """Output elements of convolutions with bias."""
    own = tally(build(model_card(name), 4).to("meta"), torch.empty((1, *size), device="meta"))
    return sum(call.bias_additions for call in own.calls if call.name == "conv2d")


def test_bsrn_s_in_print_is_the_count_with_bias_of_its_convolutions_alone() -> None:
    found, size = cached("bsrn-s", (3, 256, 256)), (3, 256, 256)
    bias = bias_of_convolutions("bsrn-s", size)
    assert bias == found["activations_ntire"] == 65_757_744  # each of its 43 convolutions has a bias
    assert found["macs"] == 9_430_089_300  # 9.43: not what is printed
    assert round((found["macs"] + bias) / 1e9, 2) == 9.50
    assert round(found["macs_with_bias"] / 1e9, 2) == 9.64
    assert round(found["macs_ntire"] / 1e9, 2) == 2.02


def test_the_activations_of_bsrn_s_are_those_of_43_convolutions_and_78_linear_layers() -> None:
    own = tally(build(model_card("bsrn-s"), 4).to("meta"), torch.empty((1, 3, 256, 256), device="meta"))
    outputs = {
        name: [call.outputs for call in own.calls if call.name == name] for name in ("conv2d", "linear")
    }
    assert {name: (len(each), sum(each)) for name, each in outputs.items()} == {
        "conv2d": (43, 65_757_744),
        "linear": (78, 143_433_204),
    }
    assert own.activations == 65_757_744 + 143_433_204 == 209_190_948


@pytest.mark.parametrize(
    ("name", "exact", "with_bias", "printed"),
    # The figures in print are those with bias; without it they would be 19.2 and 23.8.
    [("bsrn", 19_177_176_448, 19_414_544_672, 19.4), ("rfdn", 23_759_144_640, 23_857_603_920, 23.9)],
)
def test_literature_that_counts_bias(name: str, exact: int, with_bias: int, printed: float) -> None:
    found = cached(name, (3, 180, 320))
    assert (found["macs"], found["macs_with_bias"]) == (exact, with_bias)
    assert round(with_bias / 1e9, 1) == printed != round(exact / 1e9, 1)


def test_literature_that_does_not_count_bias() -> None:
    found = cached("imdn", (3, 180, 320))
    assert (found["macs"], found["macs_with_bias"]) == (40_885_865_472, 40_993_693_080)
    assert round(found["macs"] / 1e9, 1) == 40.9


def test_the_literatures_row_of_rfdn_has_figures_of_two_networks() -> None:
    # 550 K parameters beside 23.9 G: the network of 23.9 G has 433 K.
    assert cached("rfdn", (3, 180, 320))["params"] == 433_448
    if "rfdn-paper" in MODELS:
        paper = cached("rfdn-paper", (3, 180, 320))
        assert paper["params"] == 549_624
        assert round(paper["macs"] / 1e9, 1) == 31.1


def test_ntire_counts_bsrn_s_as_it_does_the_authors_network() -> None:
    # Convolutions at 256x256: 48 * 9 first, 5 blocks of 3 * 48 * 9 + 24 * 9, 48 * 9 last, 48 * 48 * 9 to
    # upsample; in each attention 12 * 12 * 9 at 127x127 and 3 * 12 * 9 at 41x41. Linear layers: 12 a block
    # and 3 around them with 256 * 256, 3 an attention with 41 * 41.
    convolutions = 256**2 * (432 + 5 * 1512 + 432 + 20_736) + 5 * (127**2 * 1296 + 41**2 * 324)
    linear = 63 * 256**2 + 15 * 41**2
    assert cached("bsrn-s", (3, 256, 256))["macs_ntire"] == convolutions + linear


# The record


@pytest.mark.parametrize("name", ["bsrn-s", "imdn", "bicubic"])
def test_counting_again_gives_the_same(name: str) -> None:
    assert figures(name, (3, 24, 32)) == figures(name, (3, 24, 32))


def test_counting_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    figures("rfdn", (3, 24, 32))
    assert capfd.readouterr() == ("", "")


def test_counting_leaves_functions_of_pytorch_as_they_are() -> None:
    before = (nn.functional.relu, nn.functional.linear, torch.matmul, torch.Tensor.matmul)
    figures("rfdn", (3, 24, 32))
    assert before == (nn.functional.relu, nn.functional.linear, torch.matmul, torch.Tensor.matmul)


def test_a_tool_that_fails_leaves_the_other_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(network: nn.Module, size: Size) -> int:
        raise ZeroDivisionError("no idea")

    monkeypatch.setitem(cost._TOOLS, "macs_ptflops", fail)
    card = model_card("imdn")
    values, details = cost.count(Task("cost", Subject(card, 4, Weights("none")), input=(3, 32, 32)))
    metrics = {value.metric for value in values}
    assert "macs_ptflops" not in metrics
    assert {"macs", "params", "macs_fvcore", "macs_ptflops_aten"} <= metrics
    assert details["not_counted"] == {"macs_ptflops": "ZeroDivisionError: no idea"}
    assert "macs_ptflops" not in details["audit"]


@pytest.mark.parametrize("name", EVERY_NETWORK)
def test_the_audit_explains_every_difference_of_every_network(name: str) -> None:
    card = model_card(name)
    subject = Subject(card, max(card.scales), Weights(NO_WEIGHTS))
    values, details = count(Task("cost", subject, input=(card.input.channels, 40, 56)))
    found = {value.metric: value.value for value in values}
    assert details["not_counted"] == {}
    assert set(details["audit"]) == {"macs_fvcore", "macs_ptflops", "macs_ptflops_aten", "macs_ntire"}
    for metric, entry in details["audit"].items():
        assert entry["unexplained"] == 0, metric
        assert found["macs"] + sum(term["macs"] for term in entry["terms"]) == found[metric]
    assert json.loads(json.dumps(details)) == details
