"""From what a user asks for to tasks, what can't be measured included, and the key of each task."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from suite.catalog.cards import InputConvention
from suite.catalog.protocols import PROTOCOLS
from suite.errors import UsageError
from suite.images import read_rgb
from suite.measures import MEASURES, USUAL
from suite.plan import Request, describe_sources, make_plan, paper_input, task_key
from suite.task import Task
from suite.weights import build

TinySet = Callable[..., Path]


@pytest.fixture
def empty_home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def plan(home: Path, *models: str, **changes: Any) -> list[Task]:
    return make_plan(Request(models or ("bicubic",), home, **changes))


def problems(tasks: list[Task]) -> dict[str, str]:
    """Why tasks can't be measured, by measure."""
    return {task.measure: task.problem for task in tasks}


# Which tasks


def test_one_model_has_cost_at_two_sizes_and_the_other_measures_once(empty_home: Path) -> None:
    assert [(task.measure, task.input, task.dataset_name, task.protocol) for task in plan(empty_home)] == [
        ("cost", (3, 256, 256), "", ""),
        ("cost", (3, 180, 320), "", ""),
        ("memory", (3, 256, 256), "", ""),
        ("runtime", (3, 256, 256), "", ""),
        ("runtime", None, "photos", ""),
        ("quality", None, "photos", "sr-y"),
    ]


def test_a_network_on_luma_has_inputs_of_one_plane(empty_home: Path) -> None:
    tasks = plan(empty_home, "idn", measures=("cost", "memory", "runtime"))
    sizes = [task.input for task in tasks if task.input]
    assert sizes == [(1, 256, 256), (1, 180, 320), (1, 256, 256), (1, 256, 256)]


@pytest.mark.parametrize(("scale", "height", "width"), [(2, 360, 640), (3, 240, 426), (4, 180, 320)])
def test_the_input_for_an_output_of_1280x720(scale: int, height: int, width: int) -> None:
    # 1280 / 3 = 426.7: the field takes the integer below.
    assert paper_input(3, scale) == (3, height, width)


def test_all_protocols_are_a_task_each(empty_home: Path) -> None:
    tasks = plan(empty_home, measures=("quality",), protocols=("matlab-y", "all"))
    assert sorted(task.protocol for task in tasks) == sorted(PROTOCOLS)


def test_models_scales_datasets_and_protocols_multiply(empty_home: Path) -> None:
    tasks = plan(
        empty_home,
        "bicubic",
        "imdn",
        datasets=("photos", "Set5"),
        scales=(2, 4),
        protocols=("sr-y", "ntire-rgb"),
        measures=("quality",),
    )
    assert len(tasks) == 2 * 2 * 2 * 2
    assert len({(t.subject.card.name, t.subject.scale, t.dataset_name, t.protocol) for t in tasks}) == 16


def test_the_mean_time_over_images_is_that_of_the_usual_set_whatever_is_asked_for(
    empty_home: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    tasks = plan(empty_home, datasets=(f"mine={tmp_path / 'mine'}",), measures=("runtime", "quality"))
    assert [(t.measure, t.dataset_name) for t in tasks if t.input is None] == [
        ("runtime", "photos"),
        ("quality", "mine"),
    ]


def test_cheap_measures_come_first_whatever_the_order(empty_home: Path) -> None:
    tasks = plan(empty_home, "imdn", "bicubic", measures=("quality", "runtime", "memory", "cost"))
    measures = list(dict.fromkeys(task.measure for task in tasks))
    assert measures == ["cost", "memory", "runtime", "quality"]
    assert [t.subject.card.name for t in tasks if t.measure == "runtime" and t.input] == ["imdn", "bicubic"]


def test_what_is_named_twice_is_measured_once(empty_home: Path) -> None:
    once = plan(empty_home, "bicubic")
    twice = plan(
        empty_home,
        "bicubic",
        "bicubic",
        scales=(4, 4),
        measures=USUAL * 2,
        datasets=("photos", "photos"),
    )
    assert twice == once


@pytest.mark.parametrize("measure", MEASURES)
def test_a_single_measure(measure: str, empty_home: Path) -> None:
    assert {task.measure for task in plan(empty_home, measures=(measure,))} == {measure}


def test_the_configuration_reaches_every_task(empty_home: Path) -> None:
    for task in plan(empty_home, device="cuda", precision="fp16", threads=3, effort="quick"):
        subject = task.subject
        assert (subject.backend, subject.device, subject.precision, subject.threads) == (
            *("eager", "cuda", "fp16", 3),
        )
        assert task.effort == ("quick" if task.measure == "runtime" and task.input else "")


# Defaults


def test_without_data_the_photographs_and_no_weights_are_used(empty_home: Path) -> None:
    tasks = plan(empty_home, "imdn", scales=(3,))  # at x4 the package brings weights
    assert {task.subject.weights.origin for task in tasks} == {"none"}
    assert tasks[-1].dataset_name == "photos"
    assert describe_sources(tasks) == "Weights: random numbers for imdn. Datasets: photos."


def test_with_data_set5_and_official_weights_are_used(home: Path) -> None:
    tasks = plan(home, "imdn", "bicubic")
    assert tasks[-1].dataset_name == "Set5"
    assert not any(task.problem for task in tasks)
    assert (
        describe_sources(tasks) == "Weights: official for imdn; nothing to load for bicubic. Datasets: Set5."
    )


def test_sources_without_quality(empty_home: Path) -> None:
    assert describe_sources(plan(empty_home, measures=("cost",))).endswith("Datasets: none.")


# Wrong usage


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": ("bsrm",)}, "unknown model 'bsrm': did you mean 'bsrn'"),
        ({"datasets": ("Set6",)}, "unknown dataset 'Set6': did you mean 'Set5'"),
        ({"protocols": ("sr-x",)}, "unknown protocol 'sr-x': did you mean 'sr-y'"),
        (
            {"measures": ("latency", "cost")},
            "unknown measure 'latency': known: cost, memory, profile, quality, runtime",
        ),
        ({"measures": ("costs",)}, "unknown measure 'costs': did you mean 'cost'"),
        ({"backends": ("eagre",)}, "unknown backend 'eagre': did you mean 'eager'"),
        ({"datasets": ("=folder",)}, "write NAME=DIR"),
        ({"datasets": ("name=",)}, "write NAME=DIR"),
        ({"datasets": ("set5=folder",)}, "set5 is a catalogued set; give the folder another name"),
    ],
    ids=str,
)
def test_names_that_are_not_known_are_refused(changes: dict[str, Any], words: str, empty_home: Path) -> None:
    with pytest.raises(UsageError, match=words):
        make_plan(dataclasses.replace(Request(("bicubic",), empty_home), **changes))


def test_names_are_checked_even_where_they_are_not_needed(empty_home: Path) -> None:
    with pytest.raises(UsageError, match="unknown dataset"):
        plan(empty_home, measures=("cost",), datasets=("Set6",))


# What can't be measured


def test_a_scale_that_a_model_lacks_is_a_problem_of_all_its_tasks(empty_home: Path) -> None:
    tasks = plan(empty_home, "rfdn", "bicubic", scales=(2,))
    for task in tasks:
        lacks = "rfdn has no x2 network (only x4)." if task.subject.card.name == "rfdn" else ""
        assert task.problem == lacks
    assert len(tasks) == 2 * 6


def test_a_missing_folder_is_a_problem_of_its_quality_alone(empty_home: Path) -> None:
    tasks = plan(empty_home, datasets=("Set5", f"mine={empty_home}/nowhere", "photos"))
    by_dataset = {task.dataset_name: task.problem for task in tasks}
    assert "data/Set5 of the dataset Set5 does not exist" in by_dataset.pop("Set5")
    assert "nowhere of the dataset mine does not exist" in by_dataset.pop("mine")
    assert by_dataset == {"": "", "photos": ""}


def test_missing_weights_are_a_problem_of_quality_alone(empty_home: Path) -> None:
    found = problems(plan(empty_home, "imdn", scales=(3,)))
    assert found.pop("quality") == (
        "there are no weights for imdn x3: call 'fetch models imdn' "
        "(https://github.com/Zheng222/IMDN), or give --weights PATH."
    )
    assert found == {"cost": "", "memory": "", "runtime": ""}


@pytest.mark.parametrize("choice", ["official", "shipped", "no-such-file.pth"])
def test_weights_that_were_asked_for_must_be_there_except_to_count(choice: str, empty_home: Path) -> None:
    found = problems(plan(empty_home, "imdn", scales=(3,), weights=choice))
    assert found["cost"] == ""
    assert found["memory"] == found["runtime"] == found["quality"] != ""


def test_a_damaged_image_is_a_problem_that_is_found_with_the_key(tiny_set: TinySet, empty_home: Path) -> None:
    folder = tiny_set()
    (folder / "b.png").write_text("not pixels")
    (task,) = plan(empty_home, datasets=(f"mine={folder}",), measures=("quality",))
    assert task.problem == ""
    key, problem, _ = task_key(task, "machine")
    assert key
    assert "b.png is not an image" in problem


# Keys


@pytest.fixture
def tasks_of(tiny_set: TinySet, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """A function that gives the key of each task of a request on a small set, by measure."""
    folder = tiny_set((48, 64), (32, 32))
    weights = tmp_path / "mine.pth"
    torch.save(build_state(), weights)

    def keys(environment: str = "machine", **changes: Any) -> dict[str, str]:
        request = Request(("imdn",), tmp_path, datasets=(f"mine={folder}",), weights=str(weights))
        tasks = make_plan(dataclasses.replace(request, **changes))
        assert not any(task.problem for task in tasks)
        return {f"{task.measure} {task.input or ''}": task_key(task, environment)[0] for task in tasks}

    return keys


def build_state(change: float = 0.0) -> dict[str, torch.Tensor]:
    from suite.catalog import model_card

    state = build(model_card("imdn"), 4).state_dict()
    state["head.bias"] = state["head.bias"] + change
    return state


Keys = Callable[..., dict[str, str]]


def test_every_task_has_a_key_of_its_own(tasks_of: Keys) -> None:
    keys = tasks_of()
    assert len(set(keys.values())) == len(keys) == 6


def test_the_same_request_has_the_same_keys(tasks_of: Keys) -> None:
    assert tasks_of() == tasks_of()


@pytest.mark.parametrize(
    "changes",
    [
        {"threads": 2},
        {"precision": "bf16"},
        {"device": "cuda"},
        {"environment": "another machine"},
    ],
    ids=str,
)
def test_the_configuration_changes_every_key(changes: dict[str, Any], tasks_of: Keys) -> None:
    before, after = tasks_of(), tasks_of(**changes)
    assert before.keys() == after.keys()
    assert all(before[task] != after[task] for task in before)


def test_weights_change_the_keys(tasks_of: Keys, tmp_path: Path) -> None:
    before = tasks_of()
    torch.save(build_state(1.0), tmp_path / "mine.pth")
    after = tasks_of()
    assert all(before[task] != after[task] for task in before)


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Measures whose keys differ."""
    assert before.keys() == after.keys()
    return {task.partition(" ")[0] for task in before if before[task] != after[task]}


def test_the_protocol_changes_the_key_of_quality_alone(tasks_of: Keys) -> None:
    assert changed(tasks_of(), tasks_of(protocols=("matlab-y",))) == {"quality"}


def test_the_effort_changes_the_key_of_runtime_alone(tasks_of: Keys) -> None:
    assert changed(tasks_of(), tasks_of(effort="quick")) == {"runtime"}


def flip_a_bit(folder: Path) -> None:
    pixels = read_rgb(folder / "a.png").copy()
    pixels[5, 5, 0] ^= 1
    Image.fromarray(pixels).save(folder / "a.png")


def as_webp(folder: Path) -> None:
    for file in folder.glob("*.png"):
        Image.open(file).save(file.with_suffix(".webp"), lossless=True)
        file.unlink()


def touch(folder: Path) -> None:
    for file in folder.iterdir():
        file.touch()


@pytest.mark.parametrize(
    ("change", "measures"),
    [
        (flip_a_bit, {"quality"}),
        (lambda folder: (folder / "a.png").rename(folder / "c.png"), {"quality"}),
        (as_webp, set()),
        (touch, set()),
        (lambda folder: (folder / "notes.txt").write_text("not an image"), set()),
    ],
    ids=["a pixel", "a name", "the file format", "the time", "another file"],
)
def test_pixels_and_names_of_a_set_change_the_key_of_quality_and_nothing_else_does(
    change: Callable[[Path], object], measures: set[str], tasks_of: Keys, tmp_path: Path
) -> None:
    before = tasks_of()
    change(tmp_path / "tiny")
    assert changed(before, tasks_of()) == measures


def test_where_a_set_lies_does_not_matter(tasks_of: Keys, tmp_path: Path) -> None:
    before = tasks_of()
    shutil.move(tmp_path / "tiny", tmp_path / "elsewhere")
    assert changed(before, tasks_of(datasets=(f"mine={tmp_path / 'elsewhere'}",))) == set()


def test_what_stands_on_a_card_for_the_reader_does_not_matter(empty_home: Path) -> None:
    (task,) = plan(empty_home, measures=("memory",))
    card = dataclasses.replace(task.subject.card, title="Other", citation="Other", year=2000, family="Other")
    other = dataclasses.replace(task, subject=dataclasses.replace(task.subject, card=card))
    assert task_key(other, "machine") == task_key(task, "machine")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"build": "other:Network"},
        {"arguments": {"blocks": 3}},
        {"input": InputConvention(range=255.0)},
    ],
    ids=str,
)
def test_what_makes_the_network_does_matter(changes: dict[str, Any], empty_home: Path) -> None:
    (task,) = plan(empty_home, measures=("memory",))
    card = dataclasses.replace(task.subject.card, **changes)
    other = dataclasses.replace(task, subject=dataclasses.replace(task.subject, card=card))
    assert task_key(other, "machine") != task_key(task, "machine")


def test_the_backend_does_matter(empty_home: Path) -> None:
    (task,) = plan(empty_home, measures=("memory",))
    other = dataclasses.replace(task, subject=dataclasses.replace(task.subject, backend="channels-last"))
    assert task_key(other, "machine") != task_key(task, "machine")


def test_a_new_version_of_a_measure_measures_again(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (task,) = plan(empty_home, measures=("memory",))
    before = task_key(task, "machine")
    newer = dataclasses.replace(MEASURES["memory"], version=MEASURES["memory"].version + 1)
    monkeypatch.setitem(MEASURES, "memory", newer)
    assert task_key(task, "machine") != before


def test_a_problem_that_was_mended_has_another_key(empty_home: Path, tmp_path: Path) -> None:
    request = {"datasets": (f"mine={tmp_path / 'later'}",), "measures": ("quality",)}
    (broken,) = plan(empty_home, **request)
    (tmp_path / "later").mkdir()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "later" / "a.png")
    (mended,) = plan(empty_home, **request)
    assert broken.problem and not mended.problem
    assert task_key(broken, "machine")[0] != task_key(mended, "machine")[0]
