"""What stands in for eager where images are judged: proven first, named in the record, gone when told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bsrn.native import CannotFuse, compile_blocks
from suite.backends import prepare
from suite.backends.standin import VARIABLE, stand_in
from suite.catalog import model_card
from suite.datasets import Dataset, open_dataset
from suite.measures import quality
from suite.pairs import FLOAT_ORDER
from suite.task import Outcome, Subject, Task
from suite.weights import NO_WEIGHTS, find_weights
from tests.command import suite

try:
    compile_blocks(64)
except CannotFuse as reason:
    pytest.skip(str(reason), allow_module_level=True)


def subject_of(name: str) -> Subject:
    card = model_card(name)
    return Subject(card, 4, find_weights(card, 4, Path("nowhere"), NO_WEIGHTS), threads=1)


@pytest.fixture(scope="module")
def photos() -> Dataset:
    return open_dataset("photos", 4, Path())


def judged() -> Outcome:
    subject, dataset = subject_of("bsrn"), open_dataset("photos", 4, Path())
    (outcome,) = quality.run([Task("quality", subject, dataset, "photos", "sr-y")], lambda words: None)
    return outcome


def test_bsrn_is_judged_by_fused_blocks_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "none")
    eager = judged()
    monkeypatch.delenv(VARIABLE)
    quick = judged()
    assert "stand_in" not in eager.details
    assert quick.details["stand_in"]["backend"] == "fused"
    assert 0 < quick.details["stand_in"]["difference"] < 1e-5
    assert quick.details["stand_in"]["equal"] is True
    for ours, theirs in zip(quick.values, eager.values, strict=True):
        assert abs(ours.value - theirs.value) < FLOAT_ORDER[ours.metric]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rfdn", {}),
        ("bsrn-relu", {}),
        ("bsrn", {"backend": "channels-last"}),
        ("bsrn", {"precision": "bf16"}),
    ],
    ids=["no such form", "an ablation", "another backend", "another precision"],
)
def test_nothing_else_has_a_stand_in(name: str, change: dict[str, str], photos: Dataset) -> None:
    subject = dataclasses.replace(subject_of(name), **change)
    assert stand_in(subject, prepare(subject), photos) is None


def test_one_that_differs_is_not_taken(photos: Dataset) -> None:
    subject = subject_of("bsrn")
    eager = prepare(subject)
    assert stand_in(subject, lambda image: eager(image) + 1e-3, photos) is None


def test_another_word_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    command = ["run", "--models", "bicubic", "--measures", "cost", "quality"]
    done = suite(tmp_path, *command, status=2, variables={VARIABLE: "no"})
    assert done.stderr == f"suite run: {VARIABLE}=no: write none, or leave it away.\n"
    assert not (tmp_path / "runs").exists()
