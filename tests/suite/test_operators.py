"""Counting operators: miniature networks whose counts can be worked out on paper.

MACs are products added to a sum; bias additions stand apart; activations are the outputs of convolutions
and linear layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from suite.catalog import model_card
from suite.errors import SuiteError
from suite.measures.operators import Tally, tally
from suite.weights import build

aten = torch.ops.aten


class Net(nn.Module):
    """A function as a network; ``layers`` are handed to it after the input."""

    def __init__(self, function: Callable[..., Tensor], *layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.layers)


def counted(network: nn.Module, *size: int) -> Tally:
    return tally(network.to("meta"), torch.empty(size, device="meta"))


def weight(*size: int) -> Tensor:
    return torch.empty(size, device="meta")


@pytest.mark.parametrize(
    ("layer", "macs", "activations"),
    [
        # 8x10 positions, 6 outputs of 4 inputs by 9 taps each
        (nn.Conv2d(4, 6, 3, padding=1), 8 * 10 * 6 * 4 * 9, 8 * 10 * 6),
        # without padding: 6x8 positions
        (nn.Conv2d(4, 6, 3), 6 * 8 * 6 * 4 * 9, 6 * 8 * 6),
        # two groups: each output sees 2 inputs
        (nn.Conv2d(4, 6, 3, padding=1, groups=2), 8 * 10 * 6 * 2 * 9, 8 * 10 * 6),
        # depthwise
        (nn.Conv2d(4, 4, 3, padding=1, groups=4), 8 * 10 * 4 * 9, 8 * 10 * 4),
        # stride 2: 4x5 positions
        (nn.Conv2d(4, 6, 3, stride=2, padding=1), 4 * 5 * 6 * 4 * 9, 4 * 5 * 6),
        # dilation 2: 9 taps over 5x5 pixels, 4x6 positions
        (nn.Conv2d(4, 6, 3, dilation=2), 4 * 6 * 6 * 4 * 9, 4 * 6 * 6),
        # a kernel of 1x5
        (nn.Conv2d(4, 6, (1, 5), padding="same"), 8 * 10 * 6 * 4 * 5, 8 * 10 * 6),
        # transposed: each of 8x10 inputs is spread by 4x4 taps into 16x20 outputs
        (nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1), 8 * 10 * 4 * 6 * 16, 16 * 20 * 6),
        # transposed in two groups: each input reaches 3 outputs
        (nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, groups=2), 8 * 10 * 4 * 3 * 16, 16 * 20 * 6),
    ],
    ids=str,
)
def test_convolutions(layer: nn.Module, macs: int, activations: int) -> None:
    assert counted(layer, 1, 4, 8, 10) == Tally(
        macs, bias_additions=activations, activations=activations, convolutions=1
    )


@pytest.mark.parametrize(
    ("layer", "size", "macs", "outputs"),
    [
        # 6 positions of 8; 5 outputs of 4 inputs by 3 taps
        (nn.Conv1d(4, 5, 3), (1, 4, 8), 6 * 5 * 4 * 3, 6 * 5),
        # dilation 2: 3 taps over 5 positions
        (nn.Conv1d(4, 6, 3, dilation=2, groups=2), (1, 4, 8), 4 * 6 * 2 * 3, 4 * 6),
        (nn.ConvTranspose1d(4, 5, 4, stride=2), (1, 4, 8), 8 * 4 * 5 * 4, 18 * 5),
        # 2 x 4 x 5 positions, 27 taps
        (nn.Conv3d(2, 3, 3), (1, 2, 4, 6, 7), 2 * 4 * 5 * 3 * 2 * 27, 2 * 4 * 5 * 3),
        (nn.ConvTranspose3d(2, 3, 2, stride=2), (1, 2, 2, 3, 4), 24 * 2 * 3 * 8, 8 * 24 * 3),
    ],
    ids=str,
)
def test_convolutions_of_one_and_of_three_dimensions(
    layer: nn.Module, size: tuple[int, ...], macs: int, outputs: int
) -> None:
    assert counted(layer, *size) == Tally(macs, outputs, outputs, convolutions=1)


def test_a_convolution_without_a_batch_counts_as_one_with() -> None:
    assert counted(nn.Conv2d(4, 6, 3), 4, 8, 10) == counted(nn.Conv2d(4, 6, 3), 1, 4, 8, 10)


@pytest.mark.parametrize("call", [torch.convolution, torch._convolution], ids=["public", "internal"])
def test_the_operators_below_the_layers_count_alike(call: Callable[..., Tensor]) -> None:
    more = () if call is torch.convolution else (False, False, False, False)
    arguments = (weight(6, 4, 3, 3), weight(6), (1, 1), (1, 1), (1, 1), False, (0, 0), 1, *more)
    found = counted(Net(lambda x: call(x, *arguments)), 1, 4, 8, 10)
    assert found == counted(nn.Conv2d(4, 6, 3, padding=1), 1, 4, 8, 10)


def test_a_convolution_of_sequences() -> None:
    # 8 + 2 * 1 - 2 positions in time of a batch of 2
    found = counted(Net(lambda x: torch.conv_tbc(x, weight(3, 4, 5), weight(5), 1)), 8, 2, 4)
    assert found == Tally(8 * 2 * 5 * 4 * 3, 8 * 2 * 5, 8 * 2 * 5, convolutions=1)


def test_a_layer_without_bias_adds_none() -> None:
    assert counted(nn.Conv2d(4, 6, 1, bias=False), 1, 4, 8, 10).bias_additions == 0
    assert counted(nn.Linear(4, 6, bias=False), 8, 4).bias_additions == 0


def test_a_batch_counts_image_by_image() -> None:
    one, three = (counted(nn.Conv2d(4, 6, 3), n, 4, 8, 10) for n in (1, 3))
    assert (three.macs, three.bias_additions, three.activations) == (
        3 * one.macs,
        3 * one.bias_additions,
        3 * one.activations,
    )
    assert three.convolutions == one.convolutions


@pytest.mark.parametrize("size", [(4,), (5, 4), (2, 3, 4), (1, 8, 10, 4)], ids=str)
def test_a_linear_layer_counts_on_any_number_of_dimensions(size: tuple[int, ...]) -> None:
    rows = torch.Size(size[:-1]).numel()
    expected = Tally(macs=rows * 4 * 6, bias_additions=rows * 6, activations=rows * 6)
    assert counted(nn.Linear(4, 6), *size) == expected


def test_a_linear_layer_on_channels_last_costs_what_a_1x1_convolution_does() -> None:
    linear = Net(lambda x, layer: layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), nn.Linear(4, 6))
    found, expected = counted(linear, 1, 4, 8, 10), counted(nn.Conv2d(4, 6, 1), 1, 4, 8, 10)
    assert found.macs == expected.macs == 8 * 10 * 4 * 6
    assert found.activations == expected.activations == 8 * 10 * 6
    assert (found.convolutions, expected.convolutions) == (0, 1)


@pytest.mark.parametrize(
    ("size", "product", "macs"),
    [
        pytest.param((3, 4), lambda x: x @ weight(4, 5), 3 * 4 * 5, id="2-D @ 2-D"),
        pytest.param((2, 3, 4), lambda x: x @ weight(4, 5), 2 * 3 * 4 * 5, id="3-D @ 2-D"),
        pytest.param((2, 3, 4), lambda x: x @ weight(2, 4, 5), 2 * 3 * 4 * 5, id="3-D @ 3-D"),
        pytest.param((2, 6, 3, 4), lambda x: x @ weight(2, 6, 4, 5), 2 * 6 * 3 * 4 * 5, id="4-D @ 4-D"),
        pytest.param((2, 6, 3, 4), lambda x: x @ weight(6, 4, 5), 2 * 6 * 3 * 4 * 5, id="4-D @ 3-D"),
        pytest.param((4,), lambda x: x @ weight(4, 5), 4 * 5, id="1-D @ 2-D"),
        pytest.param((2, 3, 4), lambda x: torch.bmm(x, weight(2, 4, 5)), 2 * 3 * 4 * 5, id="bmm"),
        pytest.param((3, 4), lambda x: torch.addmm(weight(5), x, weight(4, 5)), 3 * 4 * 5, id="addmm"),
        pytest.param(
            (2, 3, 4),
            lambda x: torch.baddbmm(weight(2, 3, 5), x, weight(2, 4, 5)),
            2 * 3 * 4 * 5,
            id="baddbmm",
        ),
        pytest.param(
            (2, 3, 4), lambda x: torch.einsum("bij,bkj->bik", x, weight(2, 5, 4)), 2 * 3 * 4 * 5, id="einsum"
        ),
        pytest.param(
            (1, 4, 8, 10),
            lambda x: torch.einsum("nchw,oc->nohw", x, weight(6, 4)),
            8 * 10 * 4 * 6,
            id="einsum as a 1x1 convolution",
        ),
        # queries by keys, then weights by values, each 2 heads of 8x8 pairs of 4 features
        pytest.param(
            (1, 2, 8, 4),
            lambda x: F.scaled_dot_product_attention(x, x, x),
            2 * (2 * 8 * 8 * 4),
            id="scaled_dot_product_attention",
        ),
        pytest.param((3, 4), lambda x: x @ weight(4), 3 * 4, id="2-D @ 1-D"),
        pytest.param((4,), lambda x: x @ weight(4), 4, id="1-D @ 1-D"),
        pytest.param((3, 4), lambda x: torch.addmv(weight(3), x, weight(4)), 3 * 4, id="addmv"),
        pytest.param(
            (2, 3, 4),
            lambda x: torch.addbmm(weight(3, 5), x, weight(2, 4, 5)),
            2 * 3 * 4 * 5,
            id="addbmm",
        ),
    ],
)
def test_matrix_products(size: tuple[int, ...], product: Callable[[Tensor], Tensor], macs: int) -> None:
    assert counted(Net(product), *size).macs == macs


@pytest.mark.parametrize(
    "size",
    [
        (3, 4),
        (2, 3, 4),
        (2, 6, 3, 4),
    ],
    ids=str,
)
def test_a_matrix_product_of_two_feature_maps_is_no_layer(size: tuple[int, ...]) -> None:
    assert counted(Net(lambda x: x @ x.mT), *size).activations == 0


def test_functional_convolutions_count() -> None:
    found = counted(Net(lambda x: F.conv2d(x, weight(6, 4, 3, 3), weight(6), padding=1)), 1, 4, 8, 10)
    assert found == counted(nn.Conv2d(4, 6, 3, padding=1), 1, 4, 8, 10)


def test_weights_that_are_computed_on_the_fly_cost_what_computes_them() -> None:
    # a 1x1 convolution and a 3x3 one are merged for each image: (6 * 9) x 5 by 5 x 4 products
    def merged(x: Tensor) -> Tensor:
        return F.conv2d(x, (weight(54, 5) @ weight(5, 4)).view(6, 3, 3, 4).permute(0, 3, 1, 2), padding=1)

    found = counted(Net(merged), 1, 4, 8, 10)
    assert found == Tally(8 * 10 * 6 * 4 * 9 + 54 * 5 * 4, activations=8 * 10 * 6, convolutions=1)


def test_a_bias_that_is_added_by_itself_is_no_bias_of_a_layer_but_is_listed() -> None:
    bias = weight(6, 1, 1)
    found = counted(Net(lambda x, layer: layer(x) + bias, nn.Conv2d(4, 6, 1, bias=False)), 1, 4, 8, 10)
    assert (found.bias_additions, found.others) == (0, {"add": 8 * 10 * 6})


def test_operators_in_place_are_listed() -> None:
    def forward(x: Tensor) -> Tensor:
        y = x.clone()
        y += 1
        return y.mul_(2).relu_()

    assert counted(Net(forward), 1, 4, 8, 10).others == {"add_": 320, "mul_": 320, "relu_": 320}


def test_modules_inside_of_modules_count_once() -> None:
    inner = Net(lambda x, layer: layer(x), nn.Conv2d(4, 4, 1))
    outer = Net(lambda x, layer: layer(x), nn.Sequential(nn.Sequential(inner)))
    assert counted(outer, 1, 4, 8, 10) == counted(nn.Conv2d(4, 4, 1), 1, 4, 8, 10)


@pytest.mark.parametrize("need_weights", [False, True])
def test_multi_head_attention(need_weights: bool) -> None:
    # 7 tokens of 8 features in 2 heads of 4: three projections in, two products a head, one out
    def forward(x: Tensor, attention: nn.Module) -> Tensor:
        output: Tensor = attention(x, x, x, need_weights=need_weights)[0]
        return output

    found = counted(Net(forward, nn.MultiheadAttention(8, 2, batch_first=True).eval()), 3, 7, 8)
    assert found.macs == 3 * (3 * 7 * 8 * 8 + 2 * 2 * (7 * 7 * 4) + 7 * 8 * 8)
    assert found.bias_additions == 3 * (7 * 24 + 7 * 8)


@pytest.mark.parametrize(
    "options", [{}, {"is_causal": True}, {"scale": 0.5}], ids=["plain", "causal", "with a scale"]
)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_attention_in_one_operator_and_in_parts(options: dict[str, Any], device: str) -> None:
    # 2 heads, 5 queries, 7 keys of 4 features: 5 * 7 * 4 for the weights, as many for the values
    key = torch.zeros(1, 2, 7, 4, device=device)
    network = Net(lambda x: F.scaled_dot_product_attention(x, key, key, **options))
    assert tally(network, torch.zeros(1, 2, 5, 4, device=device)).macs == 2 * (2 * 5 * 7 * 4)


@pytest.mark.parametrize(
    "operator",
    [
        aten._scaled_dot_product_flash_attention,
        aten._scaled_dot_product_flash_attention_for_cpu,
        aten._scaled_dot_product_efficient_attention,
    ],
    ids=str,
)
def test_fused_attention(operator: Any) -> None:
    more = (None, False) if operator is aten._scaled_dot_product_efficient_attention else ()
    network = Net(lambda x: operator(x, x, x, *more)[0])
    assert counted(network, 1, 2, 8, 16).macs == 2 * (2 * 8 * 8 * 16)


def test_a_recurrent_layer_costs_what_its_linear_layers_do() -> None:
    # 3 steps of 4 gates of 5 cells, from 7 inputs and 5 cells
    found = counted(Net(lambda x, layer: layer(x)[0], nn.LSTM(7, 5)), 3, 1, 7)
    assert (found.macs, found.bias_additions) == (3 * 4 * 5 * (7 + 5), 2 * 3 * 4 * 5)


def test_a_layer_that_is_called_twice_counts_twice() -> None:
    layer = nn.Conv2d(4, 4, 3, padding=1)
    once, twice = counted(layer, 1, 4, 8, 10), counted(nn.Sequential(layer, layer), 1, 4, 8, 10)
    assert twice == Tally(2 * once.macs, 2 * once.bias_additions, 2 * once.activations, convolutions=2)


def test_a_layer_that_is_not_called_does_not_count() -> None:
    assert counted(Net(lambda x, _: x.flatten(1), nn.Linear(4, 4)), 1, 4, 8, 10) == Tally()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (F.gelu, {"gelu": 320}),
        (torch.sigmoid, {"sigmoid": 320}),
        (lambda x: torch.sigmoid(F.gelu(F.gelu(x))), {"gelu": 640, "sigmoid": 320}),
        (lambda x: x * 2 + 1, {"mul": 320, "add": 320}),
        (lambda x: F.interpolate(x, scale_factor=2), {"upsample_nearest2d": 1280}),
        (
            lambda x: F.interpolate(x, size=(4, 5), mode="bilinear", align_corners=False),
            {"upsample_bilinear2d": 80},
        ),
        (lambda x: F.adaptive_avg_pool2d(x, 1), {"mean": 4}),
        # these only move numbers
        (lambda x: torch.cat(x.chunk(2, dim=1)[::-1], dim=1).permute(0, 2, 3, 1).reshape(1, -1), {}),
        (lambda x: F.pixel_shuffle(x, 2), {}),
    ],
)
def test_other_operators_are_listed_with_their_output_elements(
    function: Callable[[Tensor], Tensor], expected: dict[str, int]
) -> None:
    found = counted(Net(function), 1, 4, 8, 10)
    assert found == Tally(others=found.others)
    assert found.others == expected


@pytest.fixture(scope="module")
def custom() -> Iterator[None]:
    """Operators from outside PyTorch: one that says the shape of its result, one that does not."""
    library = torch.library.Library("test_operators", "DEF")
    for name in ("view", "silent"):  # a name from PyTorch's own list of those that only move numbers
        library.define(f"{name}(Tensor x) -> Tensor")
        library.impl(name, lambda x: x * 2, "CPU")
    torch.library.register_fake("test_operators::view", torch.empty_like, lib=library)
    yield
    library._destroy()


@pytest.mark.usefixtures("custom")
def test_an_operator_that_no_rule_knows_is_listed() -> None:
    found = counted(Net(lambda x: torch.ops.test_operators.view(x)), 1, 4, 8, 10)
    assert found == Tally(others=found.others)
    assert found.others == {"test_operators.view": 320}


@pytest.mark.usefixtures("custom")
def test_an_operator_that_does_not_say_its_shape_is_named() -> None:
    with pytest.raises(SuiteError, match=r"test_operators\.silent does not say .* register a fake"):
        counted(Net(lambda x: torch.ops.test_operators.silent(x)), 1, 4, 8, 10)


@pytest.mark.parametrize(
    "forward",
    [
        lambda x: x * x.mean().item(),
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x[x > 0],
        lambda x: x[:, : int(x.sum())],
        lambda x: x.nonzero(),
        lambda x: torch.unique(x),
    ],
    ids=["item", "branch", "mask", "slice", "nonzero", "unique"],
)
def test_a_network_that_depends_on_values_cannot_be_counted(forward: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(SuiteError, match="depends on the values of its data"):
        counted(Net(forward), 1, 4, 8, 10)


@pytest.mark.parametrize("forward", [lambda x: x.tolist(), lambda x: x.numpy()], ids=["list", "array"])
def test_a_network_that_leaves_pytorch_cannot_be_counted(forward: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(SuiteError, match="takes data out of PyTorch"):
        counted(Net(forward), 1, 4, 8, 10)


def test_an_index_of_positions_is_no_dependence_on_values() -> None:
    assert counted(Net(lambda x: x[:, torch.tensor([0, 2], device="meta")]), 1, 4, 8, 10) == Tally()


def test_a_network_that_is_wrong_says_so_itself() -> None:
    with pytest.raises(RuntimeError, match=r"(?i)channel"):
        counted(nn.Conv2d(5, 6, 1), 1, 4, 8, 10)


def test_calls_are_the_operators_that_the_network_calls() -> None:
    layers = nn.Sequential(nn.Conv2d(4, 6, 1), nn.AdaptiveAvgPool2d(1))
    names = [call.name for call in counted(layers, 1, 4, 8, 10).calls]
    assert names == ["conv2d", "adaptive_avg_pool2d"]
    convolution = counted(layers, 1, 4, 8, 10).calls[0]
    assert convolution.shapes[:3] == ((1, 4, 8, 10), (6, 4, 1, 1), (6,))
    assert (convolution.macs, convolution.bias_additions, convolution.outputs) == (80 * 24, 480, 480)


def test_max_pool_has_as_many_output_elements_as_pixels() -> None:
    assert sum(counted(Net(lambda x: F.max_pool2d(x, 2)), 1, 4, 8, 10).others.values()) == 4 * 4 * 5


def test_nothing_is_computed_on_the_meta_device() -> None:
    outputs: list[Tensor] = []

    def remember(x: Tensor, layer: nn.Module) -> Tensor:
        outputs.append(layer(x))
        return outputs[-1]

    # 40 TB, were it computed
    found = counted(Net(remember, nn.Conv2d(1, 1000, 1, bias=False)), 1, 1, 100_000, 100_000)
    assert found.macs == found.activations == 10**13
    assert outputs[0].device.type == "meta"


def test_counting_does_not_depend_on_the_device() -> None:
    network = build(model_card("imdn"), 2)
    on_cpu = tally(network, torch.zeros(1, 3, 16, 16))
    assert on_cpu == counted(network, 1, 3, 16, 16)


def test_counting_leaves_nothing_behind() -> None:
    network = nn.Conv2d(4, 6, 3)
    assert counted(network, 1, 4, 8, 10) == counted(network, 1, 4, 8, 10)
    assert torch.ones(2, 2).matmul(torch.ones(2, 2)).tolist() == [[2, 2], [2, 2]]


@pytest.mark.parametrize(
    ("name", "scale"), [("bsrn", 2), ("bsrn", 4), ("bsrn-s", 4), ("rfdn", 4), ("imdn", 3), ("imdn", 4)]
)
def test_macs_are_half_of_the_flops_that_pytorch_counts(name: str, scale: int) -> None:
    network, image = build(model_card(name), scale), torch.zeros(1, 3, 64, 64)
    with FlopCounterMode(display=False) as pytorch, torch.no_grad():
        network(image)
    assert counted(network, 1, 3, 64, 64).macs == pytorch.get_total_flops() / 2
