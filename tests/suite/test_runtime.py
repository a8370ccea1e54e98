"""Timing: who is timed how often, what is kept, what a failure costs."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.backends.proof import Proven
from suite.catalog import model_card
from suite.datasets import open_dataset
from suite.errors import SuiteError
from suite.isolation import Worker
from suite.measures.runtime import EFFORTS, PATIENCE, Effort, Timing, run
from suite.task import Outcome, Subject, Task
from suite.weights import WITHOUT_PARAMETERS, Weights, find_weights

TinySet = Callable[..., Path]

SIZE = (3, 16, 16)


def subject(name: str = "bicubic") -> Subject:
    card = model_card(name)
    weights = Weights(WITHOUT_PARAMETERS) if name == "bicubic" else find_weights(card, 4, Path("nowhere"))
    return Subject(card, 4, weights)


def timing(samples: list[float], problem: str = "") -> Timing:
    task = Task("runtime", subject(), input=SIZE, effort="quick")
    return Timing(task, Proven(task.subject), Worker.__new__(Worker), 1.0, [1.0], samples, problem)


@pytest.mark.parametrize(
    ("samples", "more"),
    [
        ([100.0] * 4, True),  # fewer than the least
        ([100.0] * 5, True),  # half of its second is left
        ([250.0] * 5, False),  # its second is used up
        ([1.0] * 19, True),
        ([1.0] * 20, False),  # the most
        ([1000.0 * PATIENCE] * 2, True),  # so slow that the least number of rounds would take too long
        ([1000.0 * PATIENCE] * 3, False),
    ],
)
def test_the_time_of_a_network_is_bounded(samples: list[float], more: bool) -> None:
    assert timing(samples).wants_more(Effort(least=5, most=20, seconds=1.0)) == more


def test_a_network_that_failed_is_left_out_of_the_rounds() -> None:
    assert not timing([], problem="it broke").wants_more(EFFORTS["quick"])


def test_more_effort_means_more_rounds_and_time() -> None:
    quick, standard, rigorous = EFFORTS["quick"], EFFORTS["standard"], EFFORTS["rigorous"]
    for name in ("least", "most", "seconds"):
        assert getattr(quick, name) < getattr(standard, name) < getattr(rigorous, name)


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    """Three networks timed together, one of which cannot be loaded."""
    broken = dataclasses.replace(subject("imdn"), weights=Weights("x", Path("no-such-file.pth"), "0"))
    subjects = [subject("bicubic"), broken, subject("rfdn-bsconv-s")]
    tasks = [Task("runtime", one, input=SIZE, effort="quick") for one in subjects]
    return list(run(tasks, lambda words: None))


@pytest.mark.slow
def test_a_network_that_fails_is_named_and_the_others_are_timed(outcomes: list[Outcome]) -> None:
    by_name = {outcome.task.subject.card.name: outcome for outcome in outcomes}
    assert "no-such-file.pth" in by_name.pop("imdn").not_measured
    assert [outcome.not_measured for outcome in by_name.values()] == ["", ""]


@pytest.mark.slow
def test_a_record_holds_the_samples_behind_its_figures(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.not_measured:
            continue
        figures = {value.metric: value for value in outcome.values}
        samples = outcome.details["samples_ms"]
        assert len(samples) >= EFFORTS["quick"].least
        assert figures["latency_ms"].value == statistics.median(samples)
        assert figures["latency_ms"].lower <= figures["latency_ms"].value <= figures["latency_ms"].upper  # type: ignore[operator]
        assert figures["cold_start_ms"].value == outcome.details["cold_start_ms"]
        assert max(samples) >= figures["latency_p95_ms"].value >= figures["latency_ms"].value


@pytest.mark.slow
def test_a_session_says_who_took_part_and_how_noisy_it_was(
    outcomes: list[Outcome],
) -> None:
    timed = [outcome for outcome in outcomes if not outcome.not_measured]
    first, second = (outcome.details for outcome in timed)
    assert first["session"] == second["session"]
    assert first["timed_with"] == ["bicubic x4", "rfdn-bsconv-s x4"]
    assert first["noise"] == second["noise"]
    assert first["noise"]["of"] == "bicubic x4"
    assert first["noise"]["floor"] >= 0
    assert first["noise"]["rounds"] == min(len(first["twin_ms"]), len(first["samples_ms"]))
    assert "twin_ms" not in second
    assert len(first["load_before"]) == 3


@pytest.mark.slow
def test_the_challenges_mean_has_every_image_once_and_the_cold_one_in_it(
    tiny_set: TinySet, tmp_path: Path
) -> None:
    dataset = open_dataset(f"tiny={tiny_set((64, 96), (60, 80))}", 4, tmp_path)
    task = Task("runtime", subject("rfdn-bsconv-s"), dataset, dataset.name)
    (outcome,) = run([task], lambda words: None)
    times = outcome.details["images_ms"]
    assert list(times) == [pair.name for pair in dataset.pairs()]
    (value,) = outcome.values
    assert (value.metric, value.unit) == ("ntire_mean_ms", "ms")
    assert value.value == pytest.approx(statistics.fmean(times.values()))
    assert min(times.values()) > 0


@pytest.mark.slow
def test_an_image_too_small_for_the_network_is_named_instead_of_timed(
    tiny_set: TinySet, tmp_path: Path
) -> None:
    dataset = open_dataset(f"tiny={tiny_set()}", 4, tmp_path)
    task = Task("runtime", subject("rfdn-bsconv-s"), dataset, dataset.name)
    with pytest.raises(SuiteError, match="a is 16x12 pixels; rfdn-bsconv-s x4 needs at least 15 each way"):
        list(run([task], lambda words: None))
