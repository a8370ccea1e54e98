"""The weights that come with the packages: whole, marked, small, and better than interpolation."""

from __future__ import annotations

import importlib.resources
import json
from pathlib import Path

import pytest

from suite.catalog import model_card
from suite.datasets import open_dataset
from suite.measures import quality
from suite.task import Subject, Task
from suite.training.loop import read_log
from suite.weights import SHIPPED, WITHOUT_PARAMETERS, Weights, find_weights, training_card

NAMES = ("bsrn", "bsrn-s", "rfdn", "imdn", "rfdn-dsconv", "rfdn-bsconv", "rfdn-bsconv-s")
FOLDERS = [Path(str(importlib.resources.files(package))) / "weights" for package in ("bsrn", "baselines")]


def shipped(name: str) -> Weights:
    return find_weights(model_card(name), 4, Path("nowhere"))


def psnr(name: str, weights: Weights, dataset: str, home: Path) -> float:
    opened = open_dataset(dataset, 4, home)
    task = Task("quality", Subject(model_card(name), 4, weights), opened, opened.name, "sr-y")
    (outcome,) = quality.run([task], lambda words: None)
    return next(value.value for value in outcome.values if value.metric == "psnr" and not value.image)


def test_all_of_them_together_stay_below_16_mb() -> None:
    files = [file for folder in FOLDERS for file in folder.glob("*.safetensors")]
    assert sum(file.stat().st_size for file in files) < 16_000_000
    assert {file.stem for file in files} == {f"{name}_x4" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_each_says_how_it_was_trained(name: str) -> None:
    weights = shipped(name)
    assert (weights.origin, weights.training["schedule"]) == (SHIPPED, "short")
    assert weights.file is not None
    card = training_card(weights.file)
    assert card == json.loads(weights.file.with_suffix(".json").read_text(encoding="utf-8"))
    assert (card["model"], card["scale"], card["data_images"]) == (name, 4, 199)
    assert {"recipe", "data_sha256", "seconds", "environment", "validation", "final_loss"} <= card.keys()
    log = list(read_log(weights.file.with_suffix(".log.jsonl")))
    assert log[-1]["iteration"] == card["iterations"] == card["recipe"]["iterations"]
    assert log[-1]["psnr"] == card["validation"]["psnr"]


@pytest.mark.parametrize("name", NAMES)
def test_each_beats_interpolation_on_photographs(name: str) -> None:
    bicubic = psnr("bicubic", Weights(WITHOUT_PARAMETERS), "photos", Path("nowhere"))
    assert psnr(name, shipped(name), "photos", Path("nowhere")) > bicubic + 0.5


@pytest.mark.parametrize("name", NAMES)
def test_each_gives_the_figure_of_its_card_on_set5(name: str, home: Path) -> None:
    weights = shipped(name)
    assert weights.file is not None
    stated = training_card(weights.file)["validation"]
    assert stated["set"] == "Set5"
    assert stated["psnr"] > 29.8
    assert psnr(name, weights, "Set5", home) == pytest.approx(stated["psnr"], abs=0.001)
