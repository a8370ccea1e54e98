"""Workers: the same records as without them, whatever happens to the workers."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from networks import Nearest
from torch import Tensor, nn

from suite.catalog import model_card
from suite.catalog.cards import ModelCard
from suite.datasets import open_dataset
from suite.dispatch import TRIES, Workforce
from suite.engine import execute
from suite.executors import Processes
from suite.isolation import Lost
from suite.records import Record, Store
from suite.regions import Region
from suite.task import Subject, Task
from suite.weights import WITHOUT_PARAMETERS, Weights, find_weights
from suite.work import make_ready, perform

TinySet = Callable[..., Path]


class TallOnly(Nearest):
    """Fails for images that are wider than high."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[3] > x.shape[2]:
            raise ArithmeticError(f"{x.shape[3]} is too wide")
        return super().forward(x)


class Dies(Nearest):
    """Ends its process when it sees an image."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2] != x.shape[3]:  # not the two that are looked at beforehand
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(x)


def foreign(network: type[nn.Module]) -> Subject:
    """A network of a user's, which runs in a process of its own."""
    card = ModelCard(
        *("mine", "Mine", "yours", 2026, (2, 3, 4), f"{network.__module__}:{network.__name__}"),
        needs_weights=False,
        root=str(Path(__file__).parent),
        foreign=True,
    )
    return Subject(card, 4, Weights(WITHOUT_PARAMETERS))


def shipped(name: str = "rfdn-bsconv-s") -> Subject:
    card = model_card(name)
    return Subject(card, 4, find_weights(card, 4, Path("nowhere")))


def quality(folder: Path, *subjects: Subject, protocols: tuple[str, ...] = ("sr-y",)) -> list[Task]:
    dataset = open_dataset(f"set={folder}", 4, folder)
    return [
        Task("quality", subject, dataset, "set", protocol, patience=60)
        for subject in subjects
        for protocol in protocols
    ]


def records(tasks: list[Task], run: Path, workforce: Workforce | None = None) -> list[Record]:
    """The records of the tasks, in the order of the tasks."""
    store = Store(run)
    done = execute(tasks, store, {"id": "here"}, lambda words: None, workforce)
    found = {finished.task: finished.record for finished in done}
    return [found[task] for task in tasks]


def comparable(found: list[Record]) -> list[tuple[Any, ...]]:
    return [(one.key, one.threads, one.values, one.not_measured, one.details.get("dataset")) for one in found]


@pytest.mark.slow
def test_divided_by_images_the_records_are_those_of_the_undivided_tasks(
    tiny_set: TinySet, tmp_path: Path
) -> None:
    folder = tiny_set((64, 80), (80, 64), (60, 96), (72, 72), (96, 60))
    tasks = quality(folder, shipped(), foreign(Nearest), protocols=("sr-y", "ntire-rgb", "y-pixel-errors"))
    regions = (Region("d", 8, 8, 16, 16), Region("a", 0, 0, 24, 24))
    tasks = [dataclasses.replace(tasks[0], regions=regions), *tasks[1:]]
    tasks += [Task("cost", shipped(), input=(3, 24, 24))]
    torch.set_num_threads(1)
    alone = records(tasks, tmp_path / "alone")
    with Workforce(Processes(2), 2, 1) as workforce:
        shared = records(tasks, tmp_path / "shared", workforce)
    assert not any(record.not_measured for record in alone)
    assert comparable(shared) == comparable(alone)
    assert len((tmp_path / "shared" / "records.jsonl").read_text().splitlines()) == len(tasks)
    assert shared[0].details["threads_used"] == 1
    assert shared[0].details["pictures"] == alone[0].details["pictures"]
    assert len(alone[0].details["pictures"]["kept"]) == 2


@pytest.mark.slow
def test_a_failure_is_that_of_the_first_image_that_fails_whichever_worker_was_first(
    tiny_set: TinySet, tmp_path: Path
) -> None:
    folder = tiny_set((80, 64), (64, 80), (60, 100), (80, 72))
    tasks = quality(folder, foreign(TallOnly), foreign(Dies), protocols=("sr-y", "matlab-y"))
    alone = records(tasks, tmp_path / "alone")
    with Workforce(Processes(2), 2, 1) as workforce:
        shared = records(tasks, tmp_path / "shared", workforce)
    assert "ArithmeticError: 20 is too wide" in alone[0].not_measured
    assert "ended with signal 9" in alone[2].not_measured
    assert comparable(shared) == comparable(alone)


class Losing(Executor):
    """Loses the worker of some units, at most so often each, and does the others in a thread."""

    def __init__(self, lose: Callable[[Any], bool], times: int) -> None:
        self._lose, self._times = lose, times
        self._threads = ThreadPoolExecutor(1)
        self.begun: list[Any] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        (unit,) = args
        if fn is not perform:
            return self._threads.submit(fn, *args, **kwargs)
        self.begun.append(unit)
        if self._lose(unit) and self.begun.count(unit) <= self._times:
            future: Future[Any] = Future()
            future.set_exception(Lost(f"the process that measured {unit.title} ended with signal 9."))
            return future
        return self._threads.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)


def test_a_lost_unit_is_begun_again(tiny_set: TinySet, tmp_path: Path) -> None:
    tasks = quality(tiny_set(), shipped("bicubic"))
    losing = Losing(lambda unit: True, TRIES - 1)
    with Workforce(losing, 1, 1) as workforce:
        (record,) = records(tasks, tmp_path / "run", workforce)
    assert record.value("psnr")
    assert len(losing.begun) == 2 * TRIES


def test_a_unit_that_is_lost_every_time_is_not_measured_and_the_others_are(
    tiny_set: TinySet, tmp_path: Path
) -> None:
    tasks = quality(tiny_set((64, 80), (80, 64)), shipped("bicubic"), shipped())
    losing = Losing(lambda unit: unit.tasks[0].subject.card.name == "bicubic", 100)
    with Workforce(losing, 1, 1) as workforce:
        first, second = records(tasks, tmp_path / "run", workforce)
    assert first.not_measured == (
        f"the process that measured quality of bicubic x4 on set ended with signal 9, {TRIES} times."
    )
    assert second.value("psnr")


class Watching(Executor):
    """Does everything at once and keeps what it was asked to call."""

    def __init__(self) -> None:
        self.called: list[Any] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.called.append(fn)
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.mark.parametrize(("workers", "images", "ready"), [(2, 3, 2), (4, 3, 3), (1, 1, 1)])
def test_workers_are_made_ready_before_it_is_known_what_is_to_do_where_something_is(
    tiny_set: TinySet, tmp_path: Path, workers: int, images: int, ready: int
) -> None:
    tasks = quality(tiny_set(*[(64, 80)] * images), shipped("bicubic"))
    for expected in ([make_ready] * ready + [perform] * images, []):  # the second time all is there
        watching = Watching()
        with Workforce(watching, workers, 1) as workforce:
            records(tasks, tmp_path / "run", workforce)
        assert watching.called == expected


def test_workers_elsewhere_and_such_that_wait_for_a_timing_are_not_made_ready(
    tiny_set: TinySet, tmp_path: Path
) -> None:
    (task,) = quality(tiny_set(), shipped("bicubic"))
    timing = Task("memory", shipped("bicubic"), input=(3, 16, 16), patience=60)
    for tasks, elsewhere in (([task], True), ([timing, task], False)):
        watching = Watching()
        with Workforce(watching, 2, 1, elsewhere=elsewhere) as workforce:
            records(tasks, tmp_path / str(elsewhere), workforce)
        assert make_ready not in watching.called
        assert perform in watching.called


def test_an_interruption_ends_the_workers(tiny_set: TinySet, tmp_path: Path) -> None:
    tasks = quality(tiny_set((64, 80)), shipped("bicubic"), shipped())
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), Workforce(Processes(2), 2, 1) as workforce:
        for _ in execute(tasks, Store(tmp_path), {"id": "here"}, lambda words: None, workforce):
            raise KeyboardInterrupt
    assert threading.active_count() == before
    assert len(Store(tmp_path).load()) == 1
