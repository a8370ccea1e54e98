"""Crops out of the pictures of runs: where networks differ most, or where the user says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from networks import Nearest
from skimage.metrics import structural_similarity
from torch import Tensor, nn

from suite.catalog import model_card
from suite.catalog.cards import ModelCard
from suite.crops import Crops, find_crops, pick_windows
from suite.datasets import open_dataset
from suite.engine import execute
from suite.images import enlarge, luma
from suite.outputs import kept_in, path_of
from suite.plan import Request, make_plan
from suite.records import Record, Store
from suite.regions import Region, image_sizes, parse_crops, usual_regions
from suite.task import Subject, Task
from suite.weights import WITHOUT_PARAMETERS, Weights

TinySet = Callable[..., Path]


def brute_force(planes: Sequence[np.ndarray], side: int, border: int) -> tuple[float, int, int]:
    """Highest mean variance of a window, and the window's top and left."""
    variance = np.var(np.stack(planes), axis=0)
    height, width = variance.shape
    return max(
        (variance[y : y + side, x : x + side].mean(), -y, -x)
        for y in range(border, height - side - border + 1)
        for x in range(border, width - side - border + 1)
    )


def test_windows_lie_where_the_variance_is_highest() -> None:
    noise = np.random.default_rng(3)
    planes = [noise.normal(100, 5, (110, 125)) for _ in range(4)]
    area = Region("a", 40, 30, 125, 110)
    windows = pick_windows(iter(planes), area, (300, 200), 4)
    region, score = windows[0]
    expected, top, left = brute_force(planes, 96, 0)
    assert score == pytest.approx(expected, rel=1e-12)
    assert (region.x, region.y) == (40 - left, 30 - top)
    at_edge = pick_windows(iter(planes), dataclasses.replace(area, x=0, y=0), (125, 110), 4)[0]
    expected, top, left = brute_force(planes, 96, 4)
    assert at_edge[1] == pytest.approx(expected) and (at_edge[0].x, at_edge[0].y) == (-left, -top)


def test_windows_do_not_overlap_and_get_worse() -> None:
    noise = np.random.default_rng(4)
    planes = [noise.normal(0, 1, (300, 320)) for _ in range(3)]
    windows = pick_windows(iter(planes), Region("a", 0, 0, 320, 300), (320, 300), 2)
    assert len(windows) == 3
    scores = [score for _, score in windows]
    assert scores == sorted(scores, reverse=True)
    for number, (a, _) in enumerate(windows):
        for b, _ in windows[number + 1 :]:
            assert abs(a.x - b.x) >= 96 or abs(a.y - b.y) >= 96


def test_equal_outputs_and_no_outputs_have_no_window() -> None:
    area = Region("a", 0, 0, 120, 120)
    flat = np.full((120, 120), 7.5)
    assert pick_windows(iter([flat, flat.copy()]), area, (120, 120), 2) == []
    assert pick_windows(iter([]), area, (120, 120), 2) == []


def test_a_small_image_is_its_own_window() -> None:
    planes = [np.zeros((40, 60)), np.ones((40, 60))]
    assert pick_windows(iter(planes), Region("a", 0, 0, 60, 40), (60, 40), 4) == [
        (Region("a", 0, 0, 60, 40), 0.25)
    ]


class Darker(Nearest):
    """Nearest neighbour with the right half darker."""

    def forward(self, x: Tensor) -> Tensor:
        enlarged = super().forward(x).clone()
        enlarged[..., enlarged.shape[3] // 2 :] *= 0.7
        return enlarged


def subject_of(network: type[nn.Module]) -> Subject:
    name = network.__name__.lower()
    build = f"{network.__module__}:{network.__name__}"
    card = ModelCard(name, name, name, 2026, (2,), build, needs_weights=False)
    return Subject(card, 2, Weights("tests"))


BICUBIC = Subject(model_card("bicubic"), 2, Weights(WITHOUT_PARAMETERS))


def measure(folder: Path, run: Path, subjects: Sequence[Subject], *crops: str) -> list[Record]:
    dataset = open_dataset(f"set={folder}", 2, folder)
    regions = parse_crops(crops) or usual_regions(image_sizes(dataset))
    tasks = [Task("quality", subject, dataset, "set", "sr-y", regions=regions) for subject in subjects]
    return [done.record for done in execute(tasks, Store(run), {"id": "here"}, lambda words: None)]


NETWORKS = (BICUBIC, subject_of(Nearest), subject_of(Darker))


def test_crops_with_their_figures(tiny_set: TinySet, tmp_path: Path) -> None:
    folder, run = tiny_set((130, 260), (100, 110)), tmp_path / "run"
    records = measure(folder, run, NETWORKS)
    found = find_crops({run: records})
    assert found.problems == ()
    first, second, third = found.crops
    assert {first.region.image, second.region.image} == {"a", "b"} and third.region.image == "a"
    assert first.score >= second.score
    for crop in found.crops:
        if crop.region.image == "a" and crop is not third:
            assert crop.region.x >= 130 - 96 // 2  # the half in which the networks differ
        pair = next(
            p for p in open_dataset(f"set={folder}", 2, folder).pairs() if p.name == crop.region.image
        )
        np.testing.assert_array_equal(crop.whole, pair.hr)
        np.testing.assert_array_equal(crop.hr, crop.region.of(pair.hr))
        np.testing.assert_array_equal(crop.bicubic.pixels, crop.region.of(enlarge(pair.lr, 2)))
        assert {shot.record.model for shot in crop.shots if shot.record} == {"bicubic", "nearest", "darker"}
        for shot in (crop.bicubic, *crop.shots):
            ours, original = luma(shot.pixels), luma(crop.hr)
            assert shot.psnr == pytest.approx(10 * np.log10(255**2 / np.mean((ours - original) ** 2)))
            reference = structural_similarity(
                ours, original, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
            )
            assert shot.ssim == pytest.approx(reference, abs=1e-9)
    nearest = next(s for s in first.shots if s.record and s.record.model == "nearest")
    lr = next(p for p in open_dataset(f"set={folder}", 2, folder).pairs() if p.name == first.region.image).lr
    np.testing.assert_array_equal(nearest.pixels, first.region.of(lr.repeat(2, 0).repeat(2, 1)))


def alike(one: Crops, other: Crops) -> bool:
    def told(found: Crops) -> list[object]:
        return [(c.region, c.score, [(s.record, s.pixels.tobytes()) for s in c.shots]) for c in found.crops]

    return told(one) == told(other) and one.problems == other.problems


def test_the_order_of_runs_and_records_does_not_matter(tiny_set: TinySet, tmp_path: Path) -> None:
    folder, first, second = tiny_set((120, 140)), tmp_path / "first", tmp_path / "second"
    ours, theirs = measure(folder, first, NETWORKS[:2]), measure(folder, second, NETWORKS[1:])
    one = find_crops({first: ours, second: theirs})
    assert alike(one, find_crops({second: theirs[::-1], first: ours[::-1]}))
    models = sorted(shot.record.model for shot in one.crops[0].shots if shot.record)
    assert models == ["bicubic", "darker", "nearest"]  # each once


def test_crops_of_the_user(tiny_set: TinySet, tmp_path: Path) -> None:
    folder, run = tiny_set((120, 140), (80, 90)), tmp_path / "run"
    records = measure(folder, run, NETWORKS, "b:3,5,40x30", "a:0,0,16x16")
    found = find_crops({run: records})
    assert [str(crop.region) for crop in found.crops] == ["a:0,0,16x16", "b:3,5,40x30"]
    inside = find_crops({run: records}, parse_crops(["b:4,6,20x20", "b:50,50,16x16", "c:0,0,16x16"]))
    assert [str(crop.region) for crop in inside.crops] == ["b:4,6,20x20"]
    assert inside.problems == (
        "No picture shows b:50,50,16x16: name it to 'run'.",
        "No picture shows c:0,0,16x16: name it to 'run'.",
    )


def test_bicubic_alone_is_compared_with_the_original(tiny_set: TinySet, tmp_path: Path) -> None:
    records = measure(tiny_set((120, 140)), tmp_path / "run", [BICUBIC])
    (crop, *_) = find_crops({tmp_path / "run": records}).crops
    assert crop.score > 0 and len(crop.shots) == 1


def test_damaged_pictures_are_problems(tiny_set: TinySet, tmp_path: Path) -> None:
    folder, run = tiny_set((120, 140), (110, 110)), tmp_path / "run"
    records = measure(folder, run, NETWORKS)
    kept = {r.model: {one.region.image: one for one in kept_in(r.details)} for r in records}
    path_of(run, kept["darker"]["a"].output).write_bytes(b"no")
    path_of(run, kept["bicubic"]["b"].hr).unlink()
    found = find_crops({run: records})
    assert {crop.region.image for crop in found.crops} == {"a"}
    assert {shot.record.model for shot in found.crops[0].shots if shot.record} == {"bicubic", "nearest"}
    first, second = found.problems
    assert first.startswith("No crop of darker: ") and "is not what was stored" in first
    assert second.startswith("No crop of b: ") and "is missing: call 'run' again." in second


def test_pictures_that_do_not_belong_together_are_problems(tiny_set: TinySet, tmp_path: Path) -> None:
    run = tmp_path / "run"
    records = measure(tiny_set((120, 140), (110, 110)), run, [subject_of(Nearest)])
    a, b = sorted(records[0].details["pictures"]["kept"], key=lambda one: one["region"]["image"])
    for swapped, reason in (
        (a | {"lr": b["lr"]}, "belong together"),
        (a | {"output": b["output"]}, "no part"),
    ):
        lying = dataclasses.replace(
            records[0], details=records[0].details | {"pictures": {"kept": [swapped], "left_out": ""}}
        )
        found = find_crops({run: [lying]})
        assert found.crops == () and len(found.problems) == 1 and reason in found.problems[0]


def test_records_without_pictures_say_how_to_get_them(tiny_set: TinySet, tmp_path: Path) -> None:
    records = measure(tiny_set(), tmp_path / "run", [BICUBIC])
    bare = [dataclasses.replace(records[0], details={"dataset": {}})]
    (problem,) = find_crops({tmp_path: bare}).problems
    assert problem.startswith("No images are compared: these records keep no pictures.")
    left = [
        dataclasses.replace(records[0], details={"pictures": {"kept": [], "left_out": "the disk is full"}})
    ]
    assert find_crops({tmp_path: left}).problems == ("bicubic x2 on set left no pictures: the disk is full.",)
    assert find_crops({tmp_path: []}) == Crops(())


def test_a_plan_asks_for_the_first_set_and_protocol(tiny_set: TinySet, tmp_path: Path) -> None:
    sets = [f"{name}={tiny_set((60, 64), name=name)}" for name in ("one", "two")]
    request = Request(("bicubic",), tmp_path, tuple(sets), (2, 4), ("quality",), ("sr-y", "matlab-y"))

    def planned(crops: tuple[str, ...] | None) -> dict[tuple[int, str, str], list[str]]:
        tasks = make_plan(dataclasses.replace(request, crops=crops))
        return {
            (t.subject.scale, t.dataset_name, t.protocol): [str(r) for r in t.regions]
            for t in tasks
            if t.regions
        }

    assert planned(None) == {}
    whole = ["a:0,0,64x60"]
    assert planned(()) == {(2, "one", "sr-y"): whole, (4, "one", "sr-y"): whole}
    crop = "a:0,0,16x16"
    assert planned((crop,)) == {(2, "one", "sr-y"): [crop], (4, "one", "sr-y"): [crop]}
