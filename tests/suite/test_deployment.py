"""Deployment forms: every rewrite on every network it applies to, and the choice among them."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch
from torch import nn

from baselines.carn import CARN
from baselines.efdn import EFDN
from baselines.etds import DualStreamETDS
from baselines.fmen import FMEN
from baselines.imdn import IMDN
from baselines.pan import PAN
from baselines.rfdn import RFDN
from baselines.rlfn import RLFN
from bsrn.execution import contrast_in_one_pass
from bsrn.fused import FusedConvolution
from bsrn.native import CannotFuse
from bsrn.network import BSRN, BSRNS
from suite.catalog import model_card
from suite.deployment import MARGIN, apply, deploy, difference, rewrites, rewrites_of
from suite.errors import UsageError
from suite.images import read_rgb
from suite.measures.operators import tally
from suite.upscaling import to_tensor
from suite.weights import find_weights, load_model

NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "bsrn": lambda scale: BSRN(scale, channels=16, blocks=2),
    "bsrn-bsconv-s": lambda scale: BSRN(scale, channels=16, blocks=2, conv="bsconv-s"),
    "bsrn-dsconv": lambda scale: BSRN(scale, channels=16, blocks=2, conv="dsconv"),
    "bsrn-conv": lambda scale: BSRN(scale, channels=16, blocks=2, conv="conv"),
    "bsrn-parallel": lambda scale: BSRN(scale, channels=16, blocks=2, attention="parallel"),
    "bsrn-no-attention": lambda scale: BSRN(scale, channels=16, blocks=2, attention="none"),
    "bsrn-s": lambda scale: BSRNS(scale, channels=16, blocks=2),
    "rfdn": lambda scale: RFDN(scale, channels=20, blocks=2),
    "rfdn-paper": lambda scale: RFDN(scale, channels=16, blocks=2, attention="cca"),
    "imdn": lambda scale: IMDN(scale, channels=16, blocks=2),
    "rlfn": lambda scale: RLFN(scale, channels=12, blocks=2),
    "pan": lambda scale: PAN(scale, channels=12, upsampling_channels=6, blocks=2),
    "carn": CARN,
    "carn-m": lambda scale: CARN(scale, groups=4, shared=True),
    "efdn-training": lambda scale: EFDN(scale, channels=12, form="training"),
    "fmen-training": lambda scale: FMEN(scale, channels=12, mid_channels=8, form="training"),
}

APPLICABLE = {
    "bsrn": "fold-copies merge-separable bypass-pointwise accumulate-parts merge-siblings "
    "one-pass-statistics",
    "bsrn-bsconv-s": "fold-copies merge-pointwise merge-separable bypass-pointwise accumulate-parts "
    "merge-siblings one-pass-statistics",
    "bsrn-dsconv": "merge-separable bypass-pointwise accumulate-parts one-pass-statistics",
    "bsrn-conv": "fold-copies fold-residual bypass-pointwise accumulate-parts one-pass-statistics",
    "bsrn-parallel": "fold-copies merge-separable bypass-pointwise accumulate-parts merge-siblings "
    "one-pass-statistics",
    "bsrn-no-attention": "fold-copies merge-separable accumulate-parts merge-siblings",
    "bsrn-s": "fold-copies linear-as-convolution bypass-pointwise accumulate-parts merge-siblings",
    "rfdn": "fold-residual bypass-pointwise accumulate-parts",
    "rfdn-paper": "fold-residual accumulate-parts one-pass-statistics",
    "imdn": "accumulate-parts one-pass-statistics",
    "rlfn": "bypass-pointwise",
    "pan": "accumulate-parts merge-siblings",
    "carn": "mean-as-convolution accumulate-parts",
    "carn-m": "mean-as-convolution accumulate-parts",
    "efdn-training": "fold-branches",
    "fmen-training": "fold-branches",
}
"""What applies beside what changes memory alone; a rewrite that is not here must leave the network alone."""

EXECUTION = {"convolution-as-linear", "fuse-convolutions", "in-place", "channels-last"}
COMPILED = {"fuse-blocks"}
"""What needs a compiler; tests/bsrn/test_native.py has its tests."""


def built(name: str, scale: int = 4) -> nn.Module:
    """A network whose parameters are all drawn at random, biases and learned factors too."""
    torch.manual_seed(scale)
    network = NETWORKS[name](scale).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter += 0.1 * torch.randn(parameter.shape) * parameter.abs().mean().clamp_min(0.1)
    return network


def image(height: int, width: int) -> torch.Tensor:
    return torch.rand((1, 3, height, width), generator=torch.Generator().manual_seed(height))


def apart(network: nn.Module, rewritten: nn.Module, seen: torch.Tensor) -> tuple[float, float]:
    """Largest difference over the whole output, and over its border, by the largest value of the output."""
    with torch.inference_mode():
        expected, got = network(seen), rewritten(seen)
    assert got.shape == expected.shape
    error = (got - expected).abs() / expected.abs().max().clamp_min(1)
    border = torch.ones_like(error, dtype=torch.bool)
    border[..., 16:-16, 16:-16] = False
    return float(error.max()), float(error[border].max())


@functools.cache
def rewrites_of_built(name: str) -> tuple[str, ...]:
    return rewrites_of(built(name))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_rewrite_keeps_the_result_at_the_borders_too_and_leaves_no_trace(name: str) -> None:
    network, seen = built(name), image(35, 46)
    before, structure = copy.deepcopy(network.state_dict()), repr(network)
    expected = network(seen)
    names = rewrites_of_built(name)
    assert set(names) - EXECUTION - COMPILED == set(APPLICABLE[name].split())
    for one in names:
        whole, border = apart(network, apply(network, [one]), seen)
        assert whole < 1e-5, one
        assert border < 1e-5, one
    assert repr(network) == structure
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert all(value.stride() == before[key].stride() for key, value in network.state_dict().items())
    torch.testing.assert_close(network(seen), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "scale"),
    [*((name, 4) for name in NETWORKS), *((name, scale) for name in ("bsrn", "bsrn-s") for scale in (2, 3))],
)
def test_all_rewrites_together_keep_the_result(name: str, scale: int) -> None:
    network = built(name, scale)
    rewritten = apply(network, [one.name for one in rewrites() if one.name not in COMPILED])
    assert apart(network, rewritten, image(21, 26))[0] < 1e-5


@pytest.mark.parametrize("name", NETWORKS)
def test_a_rewrite_that_does_not_apply_changes_nothing(name: str) -> None:
    network = built(name)
    others = [one.name for one in rewrites() if one.name not in rewrites_of_built(name)]
    assert repr(apply(network, others)) == repr(network)


def test_an_unknown_rewrite_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"fold-copys.*fold-copies"):
        apply(built("bsrn"), ["fold-copys"])


def test_every_rewrite_is_documented_in_the_order_of_application() -> None:
    text = (Path(__file__).parents[2] / "docs/deployment.md").read_text(encoding="utf-8")
    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert rows == [one.name for one in rewrites()]
    marked = {line.split("`")[1] for line in text.splitlines() if "(not portable) |" in line}
    assert marked == {one.name for one in rewrites() if not one.portable}


# Operations, derived by hand


def macs(network: nn.Module, size: int = 32) -> int:
    return tally(network, image(size, size)).macs


def test_operations_saved_by_folding_the_copies() -> None:
    # The first pointwise convolution has 16 outputs and 3 inputs instead of 12.
    network = built("bsrn")
    assert macs(network) - macs(apply(network, ["fold-copies"])) == 9 * 16 * 32**2


def test_operations_of_a_merged_separable_convolution() -> None:
    # One block of 16 channels without attention: 12 x 16 + 9 x 16 become 9 x 12 x 16 at the head, and so on.
    network = BSRN(2, channels=16, blocks=1, attention="none").eval()
    separable = [(12, 16), (16, 16), (16, 16), (16, 16), (16, 8), (16, 16)]
    more = sum(9 * a * b - (a * b + 9 * b) for a, b in separable)
    assert macs(apply(network, ["merge-separable"])) - macs(network) == more * 32**2


@pytest.mark.parametrize(
    "name", ["accumulate-parts", "merge-siblings", "one-pass-statistics", "fuse-convolutions", "in-place"]
)
def test_what_only_orders_the_work_anew_keeps_the_operations(name: str) -> None:
    network = built("bsrn")
    assert macs(apply(network, [name])) == macs(network)


def test_operations_of_a_bypassed_reduction() -> None:
    # In each of two blocks ESA's reduction to 16 channels sees the fusion's 12 inputs in place of its 12
    # outputs, and so does the shortcut after it, in place of 16.
    network = built("rlfn")
    rewritten = apply(network, ["bypass-pointwise"])
    assert macs(rewritten) - macs(network) == 2 * (12 - 16) * 16 * 32**2


def joins(network: nn.Module) -> int:
    return sum(call.name == "cat" for call in tally(network, image(32, 32)).calls)


@pytest.mark.parametrize(("name", "before"), [("bsrn", 1 + 2 + 1), ("rfdn", 2 + 1)])
def test_accumulating_joins_nothing(name: str, before: int) -> None:
    # The copies, the parts of two blocks, the outputs of the blocks.
    network = built(name)
    assert joins(network) == before
    assert joins(apply(network, ["fold-copies", "accumulate-parts"])) == 0


def test_a_pointwise_bias_before_padding_is_not_merged() -> None:
    # Zeros around what a biased layer gives are not what it makes of zeros: merging would change the border.
    class Biased(nn.Module):
        def __init__(self, padding: int) -> None:
            super().__init__()
            self.pointwise = nn.Conv2d(3, 4, 1)
            self.depthwise = nn.Conv2d(4, 4, 3, padding=padding, groups=4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.depthwise(self.pointwise(x))

    assert "merge-separable" not in rewrites_of(Biased(padding=1).eval())
    inside = Biased(padding=0).eval()
    assert "merge-separable" in rewrites_of(inside)
    assert apart(inside, apply(inside, ["merge-separable"]), image(20, 20))[0] < 1e-5


def test_a_network_that_clips_only_in_its_inference_form_is_not_folded() -> None:
    assert "fold-branches" not in rewrites_of(DualStreamETDS(4, channels=8).eval())


class Undecided(nn.Module):
    """A network whose path depends on what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 48, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.pixel_shuffle(self.conv(x if x.mean() > 2 else 2 * x), 4)


def test_a_network_that_cannot_be_traced_stays_as_it_is() -> None:
    network = Undecided().eval()
    assert rewrites_of(network) == ()
    deployed = deploy(network, lambda given: 1.0)
    assert (deployed.names, deployed.trials, deployed.difference) == ((), (), 0.0)
    assert deployed.note == "No rewrite applies to this network: it stays as it is."


# Memory


class Tangled(nn.Module):
    """Values that are needed again, directly, through a view and by the caller."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.activation = nn.GELU()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.conv(image)
        view = features[:, :, 1:, :]
        active = self.activation(features)  # the view still needs the features
        summed = active + self.conv(active)  # the product needs what was active
        image = image + torch.sigmoid(image)  # the image is the caller's
        return torch.relu(summed * active)[:, :, 1:, :] + view * image[:, :, :-1, :]


@pytest.mark.parametrize(
    "names",
    [["in-place"], ["fuse-convolutions", "in-place"], ["fuse-convolutions", "in-place", "channels-last"]],
)
def test_nothing_is_overwritten_that_is_needed_again(names: list[str]) -> None:
    torch.manual_seed(0)
    network, seen = Tangled().eval(), image(9, 7)
    given = seen.clone()
    with torch.inference_mode():
        torch.testing.assert_close(apply(network, names)(seen), network(seen), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(seen, given, rtol=0, atol=0)


def test_overwriting_happens_where_it_can() -> None:
    network = apply(built("bsrn"), ["fuse-convolutions", "in-place"])
    sums = [m for m in network.modules() if isinstance(m, FusedConvolution) and m.overwrite]
    # In each of two blocks the second and the third refinement's sum, over the features before it, not the
    # first's, for the block adds its input at the end; and the sum with the shallow features.
    assert len(sums) == 2 * 2 + 1


@pytest.mark.parametrize("name", ["bsrn", "rfdn"])
def test_fused_convolutions_also_run_in_other_types(name: str) -> None:
    network = built(name)
    fused = apply(network, ["fuse-convolutions", "in-place"]).double()
    with torch.inference_mode():
        exact = network.double()(image(20, 18).double())
        torch.testing.assert_close(fused(image(20, 18).double()), exact, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("mean", [0.0, 1.0, 1e3])
def test_one_pass_statistics_do_not_cancel(mean: float, memory: torch.memory_format) -> None:
    noise = torch.randn((2, 3, 301, 257), generator=torch.Generator().manual_seed(0))
    x = (noise + mean).contiguous(memory_format=memory)
    exact = x.double().mean((2, 3)) + x.double().std((2, 3), correction=0)
    got = contrast_in_one_pass(x)[:, :, 0, 0].double()
    naive = x.mean((2, 3)) + (x.square().mean((2, 3)) - x.mean((2, 3)).square()).clamp_min(0).sqrt()
    assert (got - exact).abs().max() < 2e-6 + 2e-7 * mean
    if mean == 1e3:  # the textbook formula loses what this one keeps
        assert (naive - exact).abs().max() > 1e-2


def test_statistics_of_a_constant_map_have_no_deviation() -> None:
    assert contrast_in_one_pass(torch.full((1, 2, 300, 300), 0.1)).flatten().tolist() == pytest.approx(
        [0.1] * 2
    )


def test_only_portable_rewrites_are_offered_for_other_runtimes() -> None:
    network = built("bsrn")
    missing = set(rewrites_of(network)) - set(rewrites_of(network, portable=True)) - COMPILED
    assert missing == {"one-pass-statistics", "fuse-convolutions"}


# The choice


def test_the_choice_takes_what_saves_time_and_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler(network: nn.Module) -> nn.Module:
        raise CannotFuse("its operations could not be counted")

    monkeypatch.setattr("bsrn.deploy.fuse_blocks", no_compiler)
    # Time by the number of multiply-accumulates alone: folding the copies pays, merging separable ones costs.
    deployed = deploy(built("bsrn"), functools.cache(lambda network: macs(network) / 1e6), margin=0.001)
    assert deployed.names == ("fold-copies",)
    assert deployed.difference < 1e-5
    chosen = [trial.names for trial in deployed.trials if trial.chosen]
    assert ("fold-copies",) in chosen
    tried = {name for trial in deployed.trials for name in trial.names}
    assert tried >= set(APPLICABLE["bsrn"].split()) | EXECUTION


def test_a_saving_below_the_margin_is_noise() -> None:
    times: Iterable[float] = iter([100.0, 100.0 * (1 - MARGIN / 2)] * 1000)
    deployed = deploy(built("rfdn"), lambda network: next(times))  # type: ignore[call-overload]
    assert deployed.names == ()
    assert "it stays as it is" in deployed.note


def test_a_form_that_differs_too_much_is_not_even_timed() -> None:
    deployed = deploy(built("rfdn"), lambda network: pytest.fail("timed"), tolerance=0.0)  # type: ignore[arg-type]
    assert deployed.names == ()
    assert all(trial.ratio is None and not trial.chosen for trial in deployed.trials)


def test_the_choice_is_determined_by_the_times() -> None:
    time = functools.cache(lambda network: 1.0 + joins(network))
    first, second = (deploy(built("rfdn"), time) for _ in range(2))
    assert [trial.names for trial in first.trials] == [trial.names for trial in second.trials]
    assert first.names == second.names
    assert "accumulate-parts" in first.names


@pytest.mark.parametrize("name", ["bsrn", "bsrn-s", "rfdn", "imdn", "pan", "carn-m"])
def test_official_networks_on_a_photograph(home: Path, name: str) -> None:
    card = model_card(name)
    network = load_model(card, 4, find_weights(card, 4, home, "official"))
    photo = read_rgb(sorted((home / "data/Set5/LR_bicubic/X4").iterdir())[0])[:61, :64]
    seen = to_tensor(photo, card.input.range)
    for one in rewrites_of(network):
        assert difference(network, apply(network, [one]), seen, card.input.range) < 1e-5, one
