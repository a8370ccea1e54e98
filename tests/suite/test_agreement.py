"""Before a backend's figures count: does it give what eager gives?"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from suite.backends import BACKENDS, choice, proof
from suite.backends.agreement import LARGEST_DIFFERENCE, compare, crop, usual_pairs
from suite.backends.base import Forward
from suite.catalog import model_card
from suite.datasets import Pair
from suite.errors import SuiteError
from suite.plan import Request, make_plan
from suite.task import Subject, Task
from suite.weights import WITHOUT_PARAMETERS, Weights, find_weights


def subject(name: str = "bicubic", scale: int = 2, **configuration: str) -> Subject:
    card = model_card(name)
    weights = Weights(WITHOUT_PARAMETERS) if name == "bicubic" else find_weights(card, scale, Path("nowhere"))
    return Subject(card, scale, weights, **configuration)  # type: ignore[arg-type]


def enlarged(image: Tensor) -> Tensor:
    return image.repeat_interleave(2, -1).repeat_interleave(2, -2)


def more(value: float) -> Forward:
    return lambda image: enlarged(image) + value


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return usual_pairs(subject())


def test_the_usual_images_are_a_photograph_at_an_even_and_an_odd_size(pairs: list[Pair]) -> None:
    assert [pair.lr.shape for pair in pairs] == [(64, 96, 3), (59, 75, 3)]
    assert [pair.hr.shape for pair in pairs] == [(128, 192, 3), (118, 150, 3)]
    assert all(pair.hr.std() > 20 for pair in pairs)


def test_a_crop_has_the_same_part_of_both_images() -> None:
    lr = np.arange(30, dtype=np.uint8).reshape(5, 6, 1).repeat(3, 2)
    small = crop(Pair("a", lr, lr.repeat(2, 0).repeat(2, 1)), 2, 3, 2)
    assert small.name == "a, 2x3"
    assert small.lr[..., 0].tolist() == [[8, 9], [14, 15], [20, 21]]
    assert np.array_equal(small.hr[::2, ::2], small.lr)


def test_equal_outputs_agree_without_any_difference(pairs: list[Pair]) -> None:
    found = compare(subject(), enlarged, enlarged, pairs)
    assert (found.difference, found.psnr_between, found.psnr_change) == (0.0, float("inf"), 0.0)
    assert found.equal
    assert found.images == ("astronaut, 96x64", "astronaut, 75x59")


@pytest.mark.parametrize(("factor", "equal"), [(0.5, True), (2.0, False)])
def test_the_largest_difference_decides_in_full_precision(
    pairs: list[Pair], factor: float, equal: bool
) -> None:
    found = compare(subject(), more(factor * LARGEST_DIFFERENCE), enlarged, pairs)
    assert found.equal == equal
    assert found.difference == pytest.approx(factor * LARGEST_DIFFERENCE, rel=0.01)


def test_differences_are_shares_of_the_value_range(pairs: list[Pair]) -> None:
    card = dataclasses.replace(model_card("bicubic"), input=model_card("rfdn").input)
    found = compare(dataclasses.replace(subject(), card=card), more(255 * 4e-6), enlarged, pairs)
    assert found.difference == pytest.approx(4e-6, rel=0.1)
    assert found.equal


def test_the_change_of_psnr_decides_in_half_precision(pairs: list[Pair]) -> None:
    half = subject(precision="bf16")
    near, far = (compare(half, more(value), enlarged, pairs) for value in (1e-4, 0.05))
    assert near.equal
    assert near.difference > LARGEST_DIFFERENCE
    assert not far.equal
    assert abs(far.psnr_change) > 0.05
    # The two outputs differ by 0.05 at every value that is not clipped.
    assert far.psnr_between == pytest.approx(-20 * np.log10(0.05), abs=0.5)


def test_one_value_of_one_image_is_enough_to_differ(pairs: list[Pair]) -> None:
    def wrong_at_odd_sizes(image: Tensor) -> Tensor:
        output = enlarged(image)
        if image.shape[-1] % 2:
            output[0, 1, 3, 3] += 0.01
        return output

    assert not compare(subject(), wrong_at_odd_sizes, enlarged, pairs).equal


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda image: enlarged(image)[..., :-1], "wrong output size"),
        (lambda image: enlarged(image) * float("nan"), "non-finite output"),
    ],
)
def test_what_is_no_image_differs(wrong: Forward, words: str, pairs: list[Pair]) -> None:
    with pytest.raises(SuiteError, match=f"its output differs from that of eager: {words}"):
        compare(subject(), wrong, enlarged, pairs)


def test_a_size_that_the_network_itself_refuses_is_left_out(pairs: list[Pair]) -> None:
    def even(image: Tensor) -> Tensor:
        if image.shape[-1] % 2:
            raise ValueError("only whole windows")
        return enlarged(image)

    assert compare(subject(), even, even, pairs).images == ("astronaut, 96x64",)
    with pytest.raises(SuiteError, match="eager gave no output: only whole windows"):
        compare(subject(), even, even, pairs[1:])


class Wrong:
    """A backend whose output is a little larger than it should be."""

    description = "wrong"
    packages = ()
    outside = False
    takes_any_operator = False

    def missing(self, device: str, precision: str) -> str:
        return ""

    def prepare(
        self, network: torch.nn.Module, device: str, precision: str, example: Tensor | None = None
    ) -> Forward:
        return lambda image: network(image) + 1e-3


def test_a_backend_that_differs_is_refused_with_its_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BACKENDS, "wrong", Wrong())
    found, _ = proof.examine({}, subject(backend="wrong"))
    words = "differs from that of eager fp32 by up to 1.0e-03 of the value range.*largest difference at most"
    with pytest.raises(SuiteError, match=words):
        proof.require_agreement(found)


def test_what_cannot_run_here_is_never_started() -> None:
    with pytest.raises(SuiteError, match="CUDA graphs need a CUDA device"):
        proof.prove(subject(backend="cuda-graphs"))


def test_eager_needs_no_proof() -> None:
    assert proof.prove(subject()).details == {}


@pytest.mark.slow
def test_a_proof_is_for_the_record() -> None:
    proven = proof.prove(subject("bsrn", 4, backend="openvino"))
    found = proven.details["backend"]
    assert found["agreement"]["equal"]
    assert 0 < found["agreement"]["difference"] <= LARGEST_DIFFERENCE
    assert set(found["versions"]) == {"onnx", "openvino"}
    json.dumps(proven.details)
    assert proof.prove(subject("bsrn", 4, backend="openvino")) is proven  # found once, not looked for again


def tasks(tmp_path: Path, *measures: str, backends: tuple[str, ...] = ("auto",)) -> list[Task]:
    return make_plan(Request(("bicubic",), tmp_path, measures=measures, backends=backends))


def test_cost_is_counted_once_for_all_backends(tmp_path: Path) -> None:
    plan = tasks(tmp_path, "cost", "memory", backends=("eager", "openvino"))
    assert [task.subject.backend for task in plan if task.measure == "cost"] == ["eager", "eager"]
    assert [task.subject.backend for task in plan if task.measure == "memory"] == ["eager", "openvino"]


def test_auto_is_settled_once_and_kept_in_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Subject] = []

    def choose(subject: Subject, patience: float, say: object) -> choice.Choice:
        asked.append(subject)
        return choice.Choice("openvino", {"eager": 3.0, "openvino": 1.0, "cuda-graphs": "no CUDA"})

    monkeypatch.setattr(choice, "choose", choose)
    plan = tasks(tmp_path, "cost", "memory", "quality")
    for _ in range(2):
        settled = choice.settle_choices(plan, tmp_path, "here", lambda words: None)
        assert {task.subject.backend for task in settled} == {"openvino"}
    assert [one.backend for one in asked] == ["eager"]
    (kept,) = json.loads((tmp_path / choice.FILE).read_text()).values()
    assert kept["backend"] == "openvino"
    assert kept["tried"]["openvino"] == 1.0
    choice.settle_choices(plan, tmp_path, "elsewhere", lambda words: None)
    assert len(asked) == 2


def test_cost_alone_tries_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "choose", None)
    settled = choice.settle_choices(tasks(tmp_path, "cost"), tmp_path, "here", lambda words: None)
    assert {task.subject.backend for task in settled} == {"eager"}


def test_auto_beside_what_it_stands_for_is_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "choose", lambda *_: choice.Choice("eager"))
    plan = tasks(tmp_path, "memory", backends=("eager", "auto"))
    assert len(plan) == 2
    assert len(choice.settle_choices(plan, tmp_path, "here", lambda words: None)) == 1


def test_a_network_that_cannot_be_tried_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(*_: object) -> choice.Choice:
        raise SuiteError("it broke.")

    monkeypatch.setattr(choice, "choose", choose)
    (task,) = choice.settle_choices(tasks(tmp_path, "memory"), tmp_path, "here", lambda words: None)
    assert task.problem == "it broke."


@pytest.mark.slow
def test_the_fastest_that_agrees_is_chosen() -> None:
    found = choice.choose(subject("ecbsr-m4c16", 4))
    times = {name: time for name, time in found.tried.items() if isinstance(time, float)}
    assert {"eager", "channels-last", "onnxruntime", "openvino"} == set(times)
    assert times[found.backend] == min(times.values())
    assert "CUDA" in str(found.tried["cuda-graphs"])
