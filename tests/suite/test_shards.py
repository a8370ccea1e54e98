"""Shards: every task in one of them, whatever the machine, and tasks that belong together in the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from suite.catalog import MODELS
from suite.errors import UsageError
from suite.measures import MEASURES
from suite.plan import Request, make_plan
from suite.records import Store, frame
from suite.shards import Shard, parse_shard
from suite.task import Task
from tests.command import suite

REQUEST = Request(
    models=tuple(MODELS),
    home=Path("nowhere"),
    datasets=("Set5", "photos", "Urban100"),
    scales=(2, 4),
    measures=("quality", "cost", "memory", "runtime"),
    protocols=("sr-y", "ntire-rgb"),
)


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return make_plan(REQUEST)


@pytest.mark.parametrize("total", [1, 2, 3, 11])
def test_each_task_is_in_one_shard(tasks: list[Task], total: int) -> None:
    shards = [Shard(number, total) for number in range(1, total + 1)]
    assert {sum(shard.holds(task) for shard in shards) for task in tasks} == {1}


def test_shards_are_of_similar_size(tasks: list[Task]) -> None:
    sizes = [len(Shard(number, 4).of(tasks)) for number in range(1, 5)]
    assert min(sizes) > 0.7 * len(tasks) / 4


def test_what_runs_together_stays_together(tasks: list[Task]) -> None:
    groups: dict[object, set[int]] = {}
    for task in tasks:
        shard = next(number for number in range(1, 8) if Shard(number, 7).holds(task))
        groups.setdefault((task.measure, *MEASURES[task.measure].group(task)), set()).add(shard)
    assert all(len(shards) == 1 for shards in groups.values())


def test_neither_the_machine_nor_what_else_is_asked_for_moves_a_task(tasks: list[Task]) -> None:
    elsewhere = dataclasses.replace(REQUEST, threads=64, models=REQUEST.models[::3], home=Path("/other"))
    shard = Shard(2, 5)
    places = {(task.title, task.protocol): shard.holds(task) for task in tasks}
    assert all(places[task.title, task.protocol] == shard.holds(task) for task in make_plan(elsewhere))


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "a/b", "1/2/3", "-1/2", "1.0/2", "1/0"])
def test_other_texts_are_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match=r"write i/n"):
        parse_shard(text)


def test_a_shard_is_written_i_of_n() -> None:
    assert parse_shard("2/3") == Shard(2, 3)


def test_the_shards_of_a_run_give_the_run_though_some_have_nothing_to_do(tmp_path: Path) -> None:
    command = ["run", "--models", "bicubic", "--measures", "cost", "quality", "--threads", "1", "--no-report"]
    suite(tmp_path, *command, "--out", "whole")
    shards = [suite(tmp_path, *command, "--shard", f"{i}/6", "--out", f"parts/{i}") for i in range(1, 7)]
    idle = [done for done in shards if "there is nothing to measure" in done.stderr]
    assert 3 <= len(idle) < 6  # of three tasks
    assert (
        idle[0].stderr.splitlines()[-1].endswith("/6 holds none of these tasks: there is nothing to measure.")
    )
    suite(tmp_path, "merge", *(f"parts/{i}" for i in range(1, 7)), "--out", "merged")
    merged, whole = (frame(Store(tmp_path / name).load().values()) for name in ("merged", "whole"))
    order = ["measure", "input", "metric", "image"]
    assert merged.sort_values(order).values.tolist() == whole.sort_values(order).values.tolist()
    assert "Asked for: 3 tasks, none of them without a record." in suite(tmp_path, "verify", "merged").stdout
