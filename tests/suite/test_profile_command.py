"""``suite profile`` as a user calls it: the sums agree with cost, the parts with the forward, all is kept."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from suite.catalog import model_card
from suite.measures.cost import count
from suite.profiles import explain, read_profile
from suite.records import Record, load_run
from suite.task import Subject, Task
from suite.weights import NO_WEIGHTS, Weights
from tests.command import call_suite

FIRST, SECOND = "bsrn", "rfdn"
SIZE = (3, 40, 44)


def call(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SUITE_HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    return call_suite("profile", *arguments, environment=environment)


@dataclass(frozen=True)
class Profiled:
    """One call and what it wrote."""

    data: dict[str, Any]
    records: list[Record]
    page: str
    figure: str
    messages: str


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> Profiled:
    folder = tmp_path_factory.mktemp("profile")
    done = call(
        *(FIRST, "--against", SECOND, "--input", f"{SIZE[1]}x{SIZE[2]}", "--threads", "1"),
        *("--effort", "quick", "--format", "json", "--out", str(folder / "run")),
        *("--html", str(folder / "page.html"), "--figure", str(folder / "figure.svg")),
        folder=folder,
    )
    assert done.returncode == 0, done.stderr
    return Profiled(
        json.loads(done.stdout),
        load_run(folder / "run"),
        (folder / "page.html").read_text(encoding="utf-8"),
        (folder / "figure.svg").read_text(encoding="utf-8"),
        done.stderr,
    )


@pytest.mark.parametrize("number", [0, 1])
def test_the_sums_are_those_of_cost(profiled: Profiled, number: int) -> None:
    found = profiled.data["profiles"][number]
    subject = Subject(model_card((FIRST, SECOND)[number]), 4, Weights(NO_WEIGHTS))
    values, _ = count(Task("cost", subject, input=SIZE))
    cost = {value.metric: value.value for value in values}
    for parts in ("kinds", "layers"):
        sums = {
            metric: sum(part[name] for part in found[parts])
            for metric, name in {
                "params": "params",
                "macs": "macs",
                "activations": "activations",
                "conv_layers": "convolutions",
                "bytes_moved": "bytes_moved",
            }.items()
        }
        assert sums == {metric: cost[metric] for metric in sums}


@pytest.mark.parametrize("number", [0, 1])
def test_times_add_up(profiled: Profiled, number: int) -> None:
    found = profiled.data["profiles"][number]
    for parts in ("kinds", "layers"):
        assert sum(part["time_ms"] for part in found[parts]) == pytest.approx(found["all"]["time_ms"])
    assert found["all"]["time_ms"] + found["rest_ms"] == pytest.approx(found["forward_ms"])
    assert found["lower"] <= found["forward_ms"] <= found["upper"]
    assert all(part["time_ms"] > 0 for part in found["layers"] if part["bytes_moved"])
    assert found["distorted"] == (abs(found["rest_ms"]) > 0.1 * found["forward_ms"])


def test_the_explanation_adds_up_to_the_measured_difference(profiled: Profiled) -> None:
    first, second = profiled.data["profiles"]
    found = profiled.data["explanation"]
    assert found["same_session"]
    assert found["difference_ms"] == pytest.approx(first["forward_ms"] - second["forward_ms"])
    parts = sum(part["difference_ms"] for part in found["parts"])
    assert parts + found["rest_ms"] == pytest.approx(found["difference_ms"])
    kinds = {part["kind"]: part for part in found["parts"]}
    assert kinds["depthwise convolutions"]["second"]["calls"] == 0
    assert kinds["depthwise convolutions"]["first"]["calls"] == 66
    assert kinds["GELU"]["difference_ms"] > 0 > kinds["LeakyReLU"]["difference_ms"]


def test_the_ceilings_are_in_it(profiled: Profiled) -> None:
    ceilings = profiled.data["profiles"][0]["ceilings"]
    assert ceilings["threads"] == 1
    assert ceilings["product"] > 1e8
    assert ceilings["copy"] > 1e7
    best = max(ceilings["product"], ceilings["convolution"])
    assert ceilings["ridge"] == best / max(ceilings["copy"], ceilings["triad"])
    for part in profiled.data["profiles"][0]["kinds"]:
        assert part["bound"] == ("compute" if part["intensity"] > ceilings["ridge"] else "memory")


def test_the_records_say_the_same_later(profiled: Profiled) -> None:
    profiles = [read_profile(record) for record in profiled.records]
    first, second = profiles
    assert first is not None and second is not None
    assert (first.record.model, second.record.model) == (FIRST, SECOND)
    assert explain(first, second).rest_ms == pytest.approx(profiled.data["explanation"]["rest_ms"])
    assert first.usage["minor_faults"] >= 0
    assert max(len(line) for line in map(str, profiled.records)) < 200_000


def test_page_and_figure_show_it(profiled: Profiled) -> None:
    assert '<section id="profile"' in profiled.page
    assert '<section id="explanation"' in profiled.page
    assert "Roofline" in profiled.page
    assert "<svg" in profiled.figure


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["nothing"], 2, "unknown model 'nothing'"),
        (["bsrn", "--against", "bsrn"], 2, "--against bsrn: name another network"),
        (["bsrn", "--input", "8x64"], 2, "--input: bsrn needs 15x15 at least"),
        (["bsrn", "--input", "64"], 2, "size HxW"),
        (["bsrn", "--rows", "-1"], 2, "whole number"),
        (["bsrn", "--backend", "nothing"], 2, "invalid choice: 'nothing'"),
        (["bsrn", "--figure", "figure.gif"], 2, "--figure figure.gif: the name ends in"),
        (["bsrn", "--scale", "7"], 1, "bsrn has no x7 network"),
    ],
)
def test_wrong_usage_is_said_in_one_sentence(
    arguments: list[str], status: int, words: str, tmp_path: Path
) -> None:
    done = call(*arguments, folder=tmp_path)
    assert done.returncode == status
    assert words in done.stderr
    assert "Traceback" not in done.stderr
