"""Pictures of outputs: kept while measuring, completed later, never in the way of a figure."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from suite import outputs
from suite.backends import prepare
from suite.catalog import model_card
from suite.datasets import open_dataset
from suite.engine import execute
from suite.errors import SuiteError
from suite.measures import quality
from suite.outputs import FULL, kept_in, left_out, load, path_of
from suite.records import Record, Store
from suite.regions import Region
from suite.task import Subject, Task
from suite.upscaling import quantize, upscale
from suite.weights import WITHOUT_PARAMETERS, Weights

TinySet = Callable[..., Path]
PART = Region("b", 8, 4, 24, 16)
SUBJECT = Subject(model_card("bicubic"), 2, Weights(WITHOUT_PARAMETERS))


def tasks_on(folder: Path, *regions: Region) -> list[Task]:
    dataset = open_dataset(f"set={folder}", 2, folder)
    first = Task("quality", SUBJECT, dataset, "set", "sr-y", regions=regions)
    return [first, dataclasses.replace(first, protocol="matlab-y", regions=())]


def measure(tasks: list[Task], run: Path) -> list[Record]:
    """The records, that of ``sr-y`` first."""
    done = execute(tasks, Store(run), {"id": "here"}, lambda words: None)
    return sorted((finished.record for finished in done), key=lambda record: record.protocol, reverse=True)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Sizes of what networks were fed, without the two probes of each evaluation."""
    seen: list[tuple[int, ...]] = []

    def counted(subject: Subject, rewrites: tuple[str, ...] = ()) -> Callable[[Tensor], Tensor]:
        forward = prepare(subject)

        def count(x: Tensor) -> Tensor:
            seen.append(tuple(x.shape[2:]))
            return forward(x)

        return count

    monkeypatch.setattr("suite.backends.proof.prepare", counted)
    monkeypatch.setattr(quality, "require_response", lambda forward, subject: None)
    return seen


def test_pictures_are_those_of_the_output(tiny_set: TinySet, tmp_path: Path) -> None:
    folder, run = tiny_set(), tmp_path / "run"
    first, second = measure(tasks_on(folder, PART, Region("a", 0, 0, 64, 48)), run)
    assert kept_in(second.details) == () and "pictures" not in second.details
    pairs = {pair.name: pair for pair in tasks_on(folder)[0].dataset.pairs()}  # type: ignore[union-attr]
    assert [kept.region.image for kept in kept_in(first.details)] == ["a", "b"]
    for kept in kept_in(first.details):
        pair = pairs[kept.region.image]
        output = quantize(upscale(prepare(SUBJECT), SUBJECT, pair.lr, pair.name))
        np.testing.assert_array_equal(load(run, kept.output), kept.region.of(output))
        np.testing.assert_array_equal(load(run, kept.hr), pair.hr)
        np.testing.assert_array_equal(load(run, kept.lr), pair.lr)
    assert kept_in(first.details)[1].region == PART
    for file in (run / "images").iterdir():
        assert file.stem == hashlib.sha256(file.read_bytes()).hexdigest()
    assert len(list((run / "images").iterdir())) == 6


def test_they_change_neither_key_nor_values(tiny_set: TinySet, tmp_path: Path) -> None:
    folder = tiny_set()
    plain, with_pictures = (measure(tasks_on(folder, *r), tmp_path / str(r)) for r in ((), (PART,)))
    assert [(r.key, r.values) for r in plain] == [(r.key, r.values) for r in with_pictures]


def test_a_record_without_pictures_is_completed(
    tiny_set: TinySet, tmp_path: Path, calls: list[tuple[int, ...]]
) -> None:
    folder, run = tiny_set(), tmp_path / "run"
    before = measure(tasks_on(folder), run)
    assert calls == [(24, 32), (22, 25)]
    after = measure(tasks_on(folder, PART), run)
    assert calls[2:] == [(22, 25)]  # the image concerned alone
    assert len(kept_in(after[0].details)) == 1
    without = {key: value for key, value in after[0].details.items() if key != "pictures"}
    assert dataclasses.replace(after[0], details=without) == before[0] and after[1] == before[1]
    assert measure(tasks_on(folder, PART), run) == after and measure(tasks_on(folder), run) == after
    assert len(calls) == 3 and len(Store(run).load()) == 2


def test_a_missing_picture_is_made_again(
    tiny_set: TinySet, tmp_path: Path, calls: list[tuple[int, ...]]
) -> None:
    folder, run = tiny_set(), tmp_path / "run"
    record = measure(tasks_on(folder, PART), run)[0]
    path_of(run, kept_in(record.details)[0].output).unlink()
    assert measure(tasks_on(folder, PART), run)[0] == record
    assert len(calls) == 3 and load(run, kept_in(record.details)[0].output).shape == (16, 24, 3)


def test_a_part_of_what_is_kept_is_there(
    tiny_set: TinySet, tmp_path: Path, calls: list[tuple[int, ...]]
) -> None:
    folder, run = tiny_set(), tmp_path / "run"
    measure(tasks_on(folder, PART), run)
    measure(tasks_on(folder, dataclasses.replace(PART, x=10, width=20)), run)
    assert len(calls) == 2
    measure(tasks_on(folder, dataclasses.replace(PART, width=25)), run)
    assert len(calls) == 3


def test_a_full_folder_costs_no_figure_and_is_not_tried_again(
    tiny_set: TinySet, tmp_path: Path, calls: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run = tiny_set(), tmp_path / "run"
    measure(tasks_on(folder, PART), run)
    monkeypatch.setattr(outputs, "LIMIT", 5000)
    whole = Region("a", 0, 0, 64, 48)
    record = measure(tasks_on(folder, PART, whole), run)[0]
    assert left_out(record.details) == FULL and record.values
    number = len(calls)
    assert measure(tasks_on(folder, PART, whole), run)[0] == record and len(calls) == number
    assert sum(file.stat().st_size for file in (run / "images").iterdir()) <= 32 * 2**20


def test_a_disk_that_takes_no_picture_takes_no_figure(tiny_set: TinySet, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "images").write_text("a file where the folder should be")
    record = measure(tasks_on(tiny_set(), PART), run)[0]
    assert record.values and "images" in left_out(record.details) and kept_in(record.details) == ()


def test_a_network_that_fails_now_leaves_its_record_as_it_is(
    tiny_set: TinySet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run = tiny_set(), tmp_path / "run"
    before = measure(tasks_on(folder), run)

    def broken(subject: Subject, rewrites: tuple[str, ...]) -> None:
        raise SuiteError("no")

    monkeypatch.setattr("suite.backends.proof.prepare", broken)
    assert measure(tasks_on(folder, PART), run) == before


def test_damaged_and_missing_pictures_are_named(tiny_set: TinySet, tmp_path: Path) -> None:
    run = tmp_path / "run"
    name = kept_in(measure(tasks_on(tiny_set(), PART), run)[0].details)[0].output
    path = path_of(run, name)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(SuiteError, match=f"{name}.png is not what was stored: remove it"):
        load(run, name)
    path.unlink()
    with pytest.raises(SuiteError, match=f"{name}.png is missing: call 'run' again"):
        load(run, name)


GOOD: dict[str, Any] = {
    "region": {"image": "a", "x": 0, "y": 0, "width": 16, "height": 16, "chosen": False},
    **{name: "0" * 64 for name in ("hr", "lr", "output")},
}


@pytest.mark.parametrize(
    "change",
    [
        {"output": "../../etc/passwd"},
        {"output": "0" * 63 + "\n"},
        {"hr": 7},
        {"lr": None},
        {"more": 1},
        {"region": "a:0,0,16x16"},
        {"region": GOOD["region"] | {"width": 0}},
        {"region": GOOD["region"] | {"x": -1}},
        {"region": GOOD["region"] | {"x": 1.5}},
        {"region": GOOD["region"] | {"height": 10**30}},
        {"region": GOOD["region"] | {"image": ["a"]}},
    ],
)
def test_details_that_lie_name_no_picture(change: dict[str, Any]) -> None:
    assert len(kept_in({"pictures": {"kept": [GOOD]}})) == 1
    assert kept_in({"pictures": {"kept": [GOOD | change]}}) == ()


@pytest.mark.parametrize("details", [{}, {"pictures": None}, {"pictures": []}, {"pictures": {"kept": 3}}])
def test_details_without_pictures(details: dict[str, Any]) -> None:
    assert kept_in(details) == () and left_out(details) == ""
