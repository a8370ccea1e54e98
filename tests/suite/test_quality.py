"""The measure of quality: figures of real networks, and findings where there are none."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from networks import Nearest
from PIL import Image
from torch import Tensor, nn

from suite.catalog import model_card
from suite.catalog.cards import InputConvention, ModelCard
from suite.catalog.protocols import PROTOCOLS
from suite.datasets import open_dataset
from suite.engine import execute
from suite.measures import quality
from suite.records import Record, Store
from suite.task import Outcome, Subject, Task
from suite.weights import WITHOUT_PARAMETERS, Weights, find_weights

TinySet = Callable[..., Path]


class Constant(Nearest):
    """One colour, whatever the input."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.full_like(super().forward(x), 0.5)


class Gradient(Nearest):
    """A picture of its own, whatever the input."""

    def forward(self, x: Tensor) -> Tensor:
        enlarged = super().forward(x)
        return torch.linspace(0, 1, enlarged.shape[3]).expand(enlarged.shape)


class DeadWeights(Nearest):
    """Multiplies the input by weights that are zero."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 0 + 0.25


class OutOfRange(Nearest):
    """Answers to its input, but clipping leaves nothing of it."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 10


class OnePixel(Nearest):
    """Looks at one pixel of its input alone."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.ones_like(super().forward(x)) * x[:, :, :1, :1]


class NotANumber(Nearest):
    """Divides by the deviation from the middle of each image, which is zero somewhere."""

    def forward(self, x: Tensor) -> Tensor:
        deviation = super().forward(x - x[:, :, :1, :1])
        return deviation / deviation


class Infinite(Nearest):
    def forward(self, x: Tensor) -> Tensor:
        return (super().forward(x) + 1) * torch.inf


class Short(Nearest):
    """One row too few."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[:, :, 1:]


class Raises(Nearest):
    def forward(self, x: Tensor) -> Tensor:
        raise ArithmeticError("no")


def subject_of(network: type[nn.Module], min_size: int = 1) -> Subject:
    card = ModelCard(
        *("hostile", "Hostile", "hostile", 2026, (2, 3, 4), f"{network.__module__}:{network.__name__}"),
        input=InputConvention(min_size=min_size),
        needs_weights=False,
    )
    return Subject(card, 2, Weights(WITHOUT_PARAMETERS))


def tasks_on(folder: Path, subject: Subject, *protocols: str) -> list[Task]:
    dataset = open_dataset(f"set={folder}", subject.scale, folder)
    return [Task("quality", subject, dataset, "set", protocol) for protocol in protocols or ("sr-y",)]


def records_of(tasks: list[Task], tmp_path: Path) -> list[Record]:
    store = Store(tmp_path / "run")
    return [done.record for done in execute(tasks, store, {"id": "here"}, lambda words: None)]


@pytest.mark.parametrize(
    ("network", "finding"),
    [
        (Constant, "output ignores its input: hostile x2 gave the same output for two unlike images"),
        (Gradient, "output ignores its input"),
        (DeadWeights, "output ignores its input"),
        (NotANumber, "non-finite output: hostile x2 gave values that are not finite for a"),
        (Infinite, "non-finite output"),
        (Short, "wrong output size: hostile x2 gave (1, 3, 47, 64) for a instead of (1, 3, 48, 64)"),
        (Raises, "quality of hostile x2 on set failed with ArithmeticError: no"),
    ],
)
def test_a_network_that_cannot_be_judged_is_a_finding_under_every_protocol(
    tiny_set: TinySet, tmp_path: Path, network: type[nn.Module], finding: str
) -> None:
    records = records_of(tasks_on(tiny_set(), subject_of(network), "sr-y", "rgb-uncropped"), tmp_path)
    assert len(records) == 2
    assert all(record.not_measured.startswith(finding) and not record.values for record in records)


@pytest.mark.parametrize("network", [Nearest, OutOfRange, OnePixel])
def test_a_network_that_answers_to_its_input_is_judged_however_badly(
    tiny_set: TinySet, tmp_path: Path, network: type[nn.Module]
) -> None:
    (record,) = records_of(tasks_on(tiny_set(), subject_of(network)), tmp_path)
    assert not record.not_measured
    assert math.isfinite(record.value("psnr") or math.nan)


@pytest.mark.parametrize("min_size", [1, 64, 100])
def test_the_probe_is_as_large_as_the_network_needs(
    tiny_set: TinySet, min_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[tuple[int, ...]] = []

    def forward(x: Tensor) -> Tensor:
        sizes.append(tuple(x.shape))
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)

    monkeypatch.setattr("suite.backends.proof.prepare", lambda subject, rewrites: forward)
    folder = tiny_set((240, 240), (240, 240))
    list(quality.run(tasks_on(folder, subject_of(Nearest, min_size)), lambda words: None))
    side = max(64, min_size)
    assert sizes == [(1, 3, side, side)] * 2 + [(1, 3, 120, 120)] * 2  # once, not once an image


@pytest.mark.parametrize("model", ["bicubic", "bsrn", "imdn"])
def test_real_networks_pass(model: str, tiny_set: TinySet, tmp_path: Path) -> None:
    card = model_card(model)
    weights = find_weights(card, 4, tmp_path, "shipped" if card.needs_weights else None)
    (record,) = records_of(tasks_on(tiny_set((64, 80)), Subject(card, 4, weights)), tmp_path)
    assert record.not_measured == "" and (record.value("psnr") or 0) > 20


def outcomes(folder: Path, *protocols: str) -> dict[str, Outcome]:
    found = quality.run(tasks_on(folder, subject_of(Nearest), *protocols), lambda words: None)
    return {outcome.task.protocol: outcome for outcome in found}


def figures(outcome: Outcome, metric: str) -> dict[str, float]:
    return {value.image: value.value for value in outcome.values if value.metric == metric}


def test_each_protocol_has_its_own_figures_from_one_pass(tiny_set: TinySet) -> None:
    found = outcomes(tiny_set((64, 64), (80, 96)), *PROTOCOLS)
    assert found.keys() == PROTOCOLS.keys()
    psnr = {id: figures(outcome, "psnr") for id, outcome in found.items()}
    assert all(set(values) == {"", "a", "b"} for values in psnr.values())
    assert psnr["sr-y"][""] == pytest.approx((psnr["sr-y"]["a"] + psnr["sr-y"]["b"]) / 2)
    mse = [255**2 / 10 ** (psnr["sr-y"][image] / 10) for image in "ab"]
    for id, weights in (("y-image-errors", (1, 1)), ("y-pixel-errors", (60 * 60, 76 * 92))):
        assert {image: psnr[id][image] for image in "ab"} == {image: psnr["sr-y"][image] for image in "ab"}
        pooled = sum(w * e for w, e in zip(weights, mse, strict=True)) / sum(weights)
        assert psnr[id][""] == pytest.approx(10 * math.log10(255**2 / pooled))


def test_a_protocol_that_an_image_is_too_small_for_leaves_the_others_alone(tiny_set: TinySet) -> None:
    found = outcomes(tiny_set((64, 64), (18, 40)), "sr-y", "rgb-border-6")  # 14x36 and 2x24 are left
    assert found["sr-y"].values
    assert found["rgb-border-6"].not_measured == "b of set is too small for rgb-border-6."


def test_an_image_that_comes_back_whole_makes_the_mean_infinite(tiny_set: TinySet) -> None:
    folder = tiny_set((64, 64))
    Image.new("RGB", (64, 64), (90, 90, 90)).save(folder / "flat.png")
    found = outcomes(folder, "sr-y", "y-image-errors")
    assert figures(found["sr-y"], "psnr")["flat"] == figures(found["sr-y"], "psnr")[""] == math.inf
    assert math.isfinite(figures(found["y-image-errors"], "psnr")[""])
    assert figures(found["sr-y"], "ssim")["flat"] == 1
