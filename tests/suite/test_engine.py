"""The engine: every task gets a record, whatever a measure does."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from suite.catalog import model_card
from suite.engine import Finished, execute
from suite.errors import SuiteError
from suite.measures import MEASURES
from suite.records import Store, Value
from suite.task import Outcome, Subject, Task
from suite.weights import WITHOUT_PARAMETERS, Weights

ENVIRONMENT = {"id": "here"}


def tasks(count: int, **values: str) -> list[Task]:
    card = model_card("bicubic")
    subject = Subject(card, 4, Weights(WITHOUT_PARAMETERS))
    return [Task("cost", subject, input=(3, 16 + number, 16), **values) for number in range(count)]


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Task]]:
    """Replaces the measure `cost`; returns the list of tasks that it was given."""

    def install(behaviour: Callable[[Task], Outcome], together: bool = False) -> list[Task]:
        seen: list[Task] = []

        def run(given: list[Task], say: Callable[[str], None]) -> Iterator[Outcome]:
            for task in given:
                seen.append(task)
                say("working")
                yield behaviour(task)

        monkeypatch.setitem(sys.modules, "fake_measure", types.SimpleNamespace(run=run))  # type: ignore[misc]

        class Together(type(MEASURES["cost"])):  # type: ignore[misc]
            def group(self, task: Task) -> tuple[object, ...]:
                return ("all",) if together else (task,)

        fields = dataclasses.asdict(MEASURES["cost"]) | {"module": "fake_measure"}
        monkeypatch.setitem(MEASURES, "cost", Together(**fields))
        return seen

    return install


def ok(task: Task) -> Outcome:
    return Outcome(task, (Value("params", 1.0),))


def run(given: list[Task], folder: Path) -> list[Finished]:
    return list(execute(given, Store(folder), ENVIRONMENT, lambda words: None))


def test_each_task_is_recorded_and_found_again(measure: Callable[..., list[Task]], tmp_path: Path) -> None:
    seen = measure(ok)
    assert [finished.reused for finished in run(tasks(3), tmp_path)] == [False] * 3
    assert [finished.reused for finished in run(tasks(4), tmp_path)] == [True] * 3 + [False]
    assert len(seen) == 4


def test_another_environment_is_measured_anew(measure: Callable[..., list[Task]], tmp_path: Path) -> None:
    seen = measure(ok)
    run(tasks(1), tmp_path)
    list(execute(tasks(1), Store(tmp_path), {"id": "elsewhere"}, lambda words: None))
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SuiteError("the file x is damaged."), "the file x is damaged."),
        (ValueError("a\nb"), "cost of bicubic x4 at 3x17x16 failed with ValueError: a"),
        (ZeroDivisionError(), "cost of bicubic x4 at 3x17x16 failed with ZeroDivisionError"),
    ],
)
def test_a_failing_task_says_why_and_the_others_go_on(
    measure: Callable[..., list[Task]], tmp_path: Path, error: Exception, reason: str
) -> None:
    def second_fails(task: Task) -> Outcome:
        if task.input == (3, 17, 16):
            raise error
        return ok(task)

    measure(second_fails)
    records = [finished.record for finished in run(tasks(3), tmp_path)]
    assert [record.not_measured for record in records] == ["", reason, ""]


def test_what_failed_is_tried_again(measure: Callable[..., list[Task]], tmp_path: Path) -> None:
    measure(lambda task: Outcome(task, not_measured="bad luck."))
    assert run(tasks(1), tmp_path)[0].record.not_measured == "bad luck."
    measure(ok)
    (finished,) = run(tasks(1), tmp_path)
    assert not finished.record.not_measured
    (stored,) = Store(tmp_path).load().values()
    assert stored.value("params") == 1.0


def test_of_tasks_that_run_together_those_that_are_done_are_kept(
    measure: Callable[..., list[Task]], tmp_path: Path
) -> None:
    def third_fails(task: Task) -> Outcome:
        if task.input == (3, 18, 16):
            raise RuntimeError("out of memory")
        return ok(task)

    measure(third_fails, together=True)
    records = [finished.record for finished in run(tasks(4), tmp_path)]
    assert [bool(record.not_measured) for record in records] == [False, False, True, True]


def test_a_known_problem_is_recorded_once_without_running_anything(
    measure: Callable[..., list[Task]], tmp_path: Path
) -> None:
    seen = measure(ok)
    for _ in range(2):
        (finished,) = run(tasks(1, problem="no such folder."), tmp_path)
        assert finished.record.not_measured == "no such folder."
    assert not seen
    assert len((tmp_path / "records.jsonl").read_text().splitlines()) == 1


def test_a_record_is_on_disk_before_the_next_task_starts(
    measure: Callable[..., list[Task]], tmp_path: Path
) -> None:
    counts: list[int] = []

    def count(task: Task) -> Outcome:
        counts.append(len(Store(tmp_path).load()))
        return ok(task)

    measure(count)
    run(tasks(3), tmp_path)
    assert counts == [0, 1, 2]


def test_an_interruption_passes_through_and_keeps_what_is_done(
    measure: Callable[..., list[Task]], tmp_path: Path
) -> None:
    def second_is_interrupted(task: Task) -> Outcome:
        if task.input == (3, 17, 16):
            raise KeyboardInterrupt
        return ok(task)

    measure(second_is_interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tasks(3), tmp_path)
    assert len(Store(tmp_path).load()) == 1
