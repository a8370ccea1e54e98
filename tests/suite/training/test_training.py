"""Training: schedule, patches, start, the loop, interruption."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from suite.catalog import model_card
from suite.catalog.cards import InputConvention, ModelCard
from suite.errors import SuiteError, UsageError
from suite.locks import hold_run
from suite.training import loop
from suite.training.patches import Loader, draw, load_images
from suite.training.recipe import Recipe, load_recipe, names
from suite.training.schedule import learning_rate
from suite.training.start import start_as_interpolation
from suite.weights import build, find_weights, load_model
from tests.command import environment, start_suite
from tests.command import suite as call

TINY = dataclasses.replace(model_card("bsrn"), arguments={"channels": 16, "blocks": 1}, official={})
SMALL = Recipe(iterations=6, batch=2, patch=16, rate=1e-3, final_rate=1e-5, validate_every=3, save_every=2)


def images(folder: Path, count: int = 3, size: tuple[int, int] = (96, 112)) -> Path:
    folder.mkdir(parents=True)
    generator = np.random.default_rng(3)
    for number in range(count):
        coarse = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC).save(folder / f"t{number}.png")
    return folder


def job(tmp_path: Path, recipe: Recipe = SMALL, card: ModelCard = TINY, name: str = "out") -> loop.Job:
    folder = tmp_path / "train"
    if not folder.exists():
        images(folder)
    return loop.Job(card, 4, recipe, load_images(folder, 4, recipe.patch), tmp_path / name)


def quiet(line: Any) -> None:
    pass


# Recipes


@pytest.mark.parametrize("name", names())
def test_every_recipe_in_the_package_is_valid(name: str) -> None:
    assert load_recipe(name).iterations > 0


def test_the_recipe_of_the_paper() -> None:
    recipe = load_recipe("paper-bsrn")
    assert (recipe.iterations, recipe.batch, recipe.patch) == (1_000_000, 64, 48)
    assert (recipe.rate, recipe.final_rate, recipe.beta1, recipe.beta2) == (1e-3, 1e-7, 0.9, 0.999)


def test_values_can_be_overridden_by_text() -> None:
    recipe = load_recipe("paper-bsrn", {"iterations": "500", "rate": "2e-4", "start": "interpolation"})
    assert (recipe.iterations, recipe.rate, recipe.start) == (500, 2e-4, "interpolation")


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("paper-bsnr", {}, "did you mean 'paper-bsrn'"),
        ("paper-bsrn", {"iteration": "5"}, "did you mean 'iterations'"),
        ("paper-bsrn", {"batch": "many"}, "batch is 'many'"),
        ("paper-bsrn", {"batch": "0"}, "at least 1"),
        ("paper-bsrn", {"ema": "1"}, "below 1"),
        ("paper-bsrn", {"final_rate": "1"}, "between 0 and rate"),
        ("paper-bsrn", {"start": "warm"}, "unknown start"),
        ("paper-bsrn", {"rate": "inf"}, "rate is inf: it must be finite"),
        ("paper-bsrn", {"seed": "-1"}, "seed is -1: it must be at least 0"),
        ("paper-bsrn", {"warm_up": "-1"}, "warm_up is -1: it must be at least 0"),
        ("paper-bsrn", {"beta2": "1"}, "beta2 is 1.0: it must be at least 0 and below 1"),
        ("paper-bsrn", {"batch": "3000000000"}, "batch is 3000000000: it must be at most 2147483647"),
        ("paper-bsrn", {"clip": "nan"}, "clip is nan: it must be finite"),
    ],
)
def test_a_wrong_recipe_is_refused(name: str, values: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_recipe(name, values)


def test_a_recipe_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("iterations = 5\nbatch = 1\npatch = 16\nrate = 1e-3\nfinal_rate = 0\n")
    assert load_recipe(str(file)).iterations == 5
    file.write_text("iterations = 5\n")
    with pytest.raises(UsageError, match="it lacks batch, patch, rate, final_rate"):
        load_recipe(str(file))
    file.write_text("iterations = ")
    with pytest.raises(UsageError, match="is not TOML"):
        load_recipe(str(file))
    with pytest.raises(SuiteError, match="cannot read"):
        load_recipe(str(tmp_path / "none.toml"))


# Schedule


def test_the_rate_rises_linearly_and_falls_as_a_cosine() -> None:
    recipe = dataclasses.replace(SMALL, iterations=111, warm_up=10, rate=1.0, final_rate=0.2)
    assert learning_rate(recipe, 0) == pytest.approx(0.1)
    assert learning_rate(recipe, 9) == pytest.approx(1.0)
    assert learning_rate(recipe, 10) == pytest.approx(1.0)
    assert learning_rate(recipe, 60) == pytest.approx(0.6)  # half-way between 1 and 0.2
    assert learning_rate(recipe, 110) == pytest.approx(0.2)


def test_the_rate_equals_pytorchs_cosine() -> None:
    recipe = dataclasses.replace(SMALL, iterations=51, rate=1e-3, final_rate=1e-7)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1e-3)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50, eta_min=1e-7)
    for iteration in range(51):
        assert learning_rate(recipe, iteration) == pytest.approx(reference.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        reference.step()


# Patches


def test_patches_are_aligned_whatever_the_turn(tmp_path: Path) -> None:
    data = load_images(images(tmp_path / "train"), 4, 16)
    low, high = draw(data, 0, 16, 16, seed=0)
    assert low.shape == (16, 16, 16, 3)
    assert high.shape == (16, 64, 64, 3)
    # On smooth images the mean of each 4x4 block of HR is near its LR pixel; a wrong turn is far off.
    blocks = high.reshape(16, 16, 4, 16, 4, 3).mean(axis=(2, 4))
    assert np.abs(blocks - low).mean() < 2


def test_patches_depend_on_seed_and_iteration_alone(tmp_path: Path) -> None:
    data = load_images(images(tmp_path / "train"), 4, 16)
    first = draw(data, 7, 4, 16, seed=1)[0]
    assert np.array_equal(first, draw(data, 7, 4, 16, seed=1)[0])
    assert not np.array_equal(first, draw(data, 8, 4, 16, seed=1)[0])
    assert not np.array_equal(first, draw(data, 7, 4, 16, seed=2)[0])


def test_processes_share_out_the_patches_of_one(tmp_path: Path) -> None:
    data = load_images(images(tmp_path / "train"), 4, 16)
    whole = draw(data, 3, 4, 16, seed=0)[0]
    parts = [draw(data, 3, 4, 16, 0, slice(rank, None, 2))[0] for rank in (0, 1)]
    assert np.array_equal(np.stack(parts, axis=1).reshape(whole.shape), whole)


def test_the_loader_gives_every_iteration_once(tmp_path: Path) -> None:
    data = load_images(images(tmp_path / "train"), 4, 16)
    with Loader(data, SMALL, 2) as loader:
        seen = [(iteration, low) for iteration, low, _ in loader]
    assert [iteration for iteration, _ in seen] == [2, 3, 4, 5]
    assert np.array_equal(seen[1][1], draw(data, 3, 2, 16, SMALL.seed)[0])


def test_mixed_formats_are_read_and_wrong_ones_named(tmp_path: Path) -> None:
    folder = images(tmp_path / "train")
    picture = Image.open(folder / "t0.png")
    picture.save(folder / "u.jpg")
    picture.save(folder / "v.webp", lossless=True)
    (folder / "notes.txt").write_text("not an image, and not of an image's suffix")
    assert len(load_images(folder, 4, 16).pairs) == 5
    with pytest.raises(SuiteError, match=r"is 112x96 pixels; patches of 32 at x4 need 128 each way"):
        load_images(folder, 4, 32)
    (folder / "w.png").write_text("not an image")
    with pytest.raises(SuiteError, match=r"w\.png is not an image"):
        load_images(folder, 4, 16)
    with pytest.raises(SuiteError, match="cannot list the folder"):
        load_images(tmp_path / "none", 4, 16)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SuiteError, match="holds no images"):
        load_images(tmp_path / "empty", 4, 16)


# Start


@pytest.mark.parametrize("name", ["bsrn", "bsrn-s", "rfdn", "imdn"])
def test_a_network_that_starts_as_an_interpolation(name: str) -> None:
    network = build(model_card(name), 4)
    start_as_interpolation(network, 4)
    x = torch.full((1, 3, 20, 20), 0.5) + torch.linspace(-0.3, 0.3, 20)
    difference = network(x) - F.interpolate(x, scale_factor=4.0, mode="bilinear", align_corners=False)
    # The random weights of the other channels add a little; the border is padded with zeros.
    assert difference[..., 8:-8, 8:-8].abs().mean() < 0.05


# Loop


def test_a_network_learns_one_image_by_heart(tmp_path: Path) -> None:
    images(tmp_path / "train", count=1, size=(64, 64))
    recipe = dataclasses.replace(SMALL, iterations=150, batch=4, patch=16, rate=3e-3, start="interpolation")
    lines: list[dict[str, Any]] = []
    loop.train(job(tmp_path, recipe), lambda line: lines.append(dict(line)), log_every=25)
    losses = [line["loss"] for line in lines]
    assert losses[-1] < 0.4 * losses[0]


def test_a_network_on_luma_is_trained_on_luma() -> None:
    patches = np.zeros((2, 4, 5, 3), np.uint8)
    patches[1] = 255
    planes = loop.as_tensor(patches, InputConvention("y", 255.0), "cpu")
    assert planes.shape == (2, 1, 4, 5)
    assert planes.dtype == torch.float32
    assert planes[:, 0, 0, 0].tolist() == [16, 235]


def test_a_network_on_luma_is_trained_and_read(tmp_path: Path) -> None:
    card = dataclasses.replace(
        model_card("vdsr"), arguments={"channels": 4, "layers": 3, "bias": True}, official={}
    )
    file = loop.train(job(tmp_path, card=card), quiet)
    network = load_model(card, 4, find_weights(card, 4, tmp_path, str(file)))
    assert network(torch.rand(1, 1, 5, 6)).shape == (1, 1, 20, 24)


def test_the_result_is_read_by_weights(tmp_path: Path) -> None:
    file = loop.train(job(tmp_path), quiet)
    weights = find_weights(TINY, 4, tmp_path, str(file))
    network = load_model(TINY, 4, weights)
    state = torch.load(tmp_path / "out/checkpoint.pt", weights_only=True)
    for key, value in network.state_dict().items():
        assert torch.equal(value, state["average"][key])
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["recipe"]["iterations"] == card["iterations"] == 6
    assert card["schedule"] == "paper"
    assert {"data_sha256", "seconds", "environment", "final_loss"} <= card.keys()


def test_a_resumed_run_ends_bit_identical(tmp_path: Path) -> None:
    whole = loop.train(job(tmp_path, name="whole"), quiet)

    class Stop(Exception):
        pass

    def stop_after_3(line: Any) -> None:
        if line["iteration"] == 3:
            raise Stop

    with pytest.raises(Stop):
        loop.train(job(tmp_path, name="parts"), stop_after_3, log_every=1)
    parts = loop.train(job(tmp_path, name="parts"), quiet, log_every=1)
    assert parts.read_bytes()[-1000:] == whole.read_bytes()[-1000:]
    first, second = (torch.load(f.parent / "checkpoint.pt", weights_only=True) for f in (whole, parts))
    for key, value in first["network"].items():
        assert torch.equal(value, second["network"][key])
    iterations = [line["iteration"] for line in loop.read_log(parts.parent / "log.jsonl")]
    assert iterations == [1, 2, 3, 4, 5, 6]


def test_a_run_that_stops_early_goes_on_to_the_same_end(tmp_path: Path) -> None:
    whole = loop.train(job(tmp_path, name="whole"), quiet)
    assert loop.train(dataclasses.replace(job(tmp_path, name="parts"), until=3), quiet) is None
    assert not (tmp_path / "parts/bsrn_x4.safetensors").exists()
    parts = loop.train(job(tmp_path, name="parts"), quiet)
    assert whole is not None and parts is not None
    first, second = (torch.load(f.parent / "checkpoint.pt", weights_only=True) for f in (whole, parts))
    assert all(torch.equal(value, second["average"][key]) for key, value in first["average"].items())


def test_a_checkpoint_of_another_recipe_or_other_data_is_refused(tmp_path: Path) -> None:
    loop.train(job(tmp_path), quiet)
    with pytest.raises(SuiteError, match=r"another recipe\.rate"):
        loop.train(job(tmp_path, dataclasses.replace(SMALL, rate=2e-3)), quiet)
    Image.new("RGB", (96, 96)).save(tmp_path / "train/t0.png")
    with pytest.raises(SuiteError, match="another data"):
        loop.train(job(tmp_path), quiet)


@pytest.mark.parametrize(("bad", "shown"), [(math.nan, "nan"), (math.inf, "inf"), (31.2, "31.2")])
def test_a_diverging_run_keeps_the_last_good_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: float, shown: str
) -> None:
    original = loop.step

    def step(this: loop.Job, progress: loop.Progress, *rest: Any) -> torch.Tensor:
        loss = original(this, progress, *rest)
        return torch.tensor(bad) if progress.iteration == 5 else loss

    monkeypatch.setattr(loop, "step", step)
    with pytest.raises(SuiteError, match=rf"diverged at iteration 5 \(the loss is {shown}\)"):
        loop.train(job(tmp_path), quiet)
    state = torch.load(tmp_path / "out/checkpoint.pt", weights_only=True)
    assert state["iteration"] == 4
    assert all(torch.isfinite(value).all() for value in state["network"].values())


def test_the_average_follows_the_weights(tmp_path: Path) -> None:
    recipe = dataclasses.replace(SMALL, iterations=1, ema=0.999)
    progress = loop.begin(job(tmp_path, recipe))
    start = {key: value.clone() for key, value in progress.average.items()}
    low, high = draw(job(tmp_path, recipe).images, 0, 2, 16, 0)
    loop.step(job(tmp_path, recipe), progress, progress.network, low, high)
    for key, value in progress.network.state_dict().items():
        # after the first iteration the decay is 1 / (1 + 9)
        torch.testing.assert_close(progress.average[key], 0.1 * start[key] + 0.9 * value)


COMMAND = ["train", "bsrn-s", "--recipe", "paper-bsrn", "--threads", "1", "--set"]
SHORT = ["iterations=12", "batch=2", "patch=16", "save_every=1", "validate_every=100", "schedule=short"]


def command(tmp_path: Path, out: str, *more: str) -> list[str]:
    return [*COMMAND, *SHORT, *more, "--data", str(tmp_path / "train"), "--out", str(tmp_path / out)]


def suite(tmp_path: Path, arguments: list[str], status: int = 0) -> str:
    return call(tmp_path, *arguments, status=status).stderr


def test_a_folder_has_one_training(tmp_path: Path) -> None:
    images(tmp_path / "train")
    with hold_run(tmp_path / "out"):
        said = suite(tmp_path, command(tmp_path, "out"), 1)
    assert f"another process ({os.getpid()} on " in said
    assert [file.name for file in (tmp_path / "out").iterdir()] == [".lock"]


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    images(tmp_path / "train")
    (tmp_path / "file").touch()
    said = suite(tmp_path, command(tmp_path, "file"), 1)
    assert said.endswith(f"suite train: cannot write {tmp_path / 'file'}: Not a directory.\n")


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    loop.write_line(log, {"iteration": 1})
    assert list(loop.read_log(log)) == [{"iteration": 1}]
    with pytest.raises(
        SuiteError, match=r"cannot write .*log\.jsonl/x: Not a directory\. The checkpoint beside"
    ):
        loop.write_line(log / "x", {"iteration": 2})


@pytest.mark.slow
def test_killed_at_any_moment_and_started_again_it_ends_bit_identical(tmp_path: Path) -> None:
    images(tmp_path / "train")
    suite(tmp_path, command(tmp_path, "whole"))
    for delay in (0.0, 0.3):
        arguments = command(tmp_path, "killed")
        with start_suite(*arguments, cwd=tmp_path, environment=environment(tmp_path)) as process:
            while not (tmp_path / "killed/checkpoint.pt").exists():
                assert not process.ended(0.01)
            process.ended(delay)
            process.send_signal(signal.SIGKILL)
    suite(tmp_path, command(tmp_path, "killed"))
    first, second = (
        torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("whole", "killed")
    )
    for part in ("network", "average"):
        for key, value in first[part].items():
            assert torch.equal(value, second[part][key])
    assert (tmp_path / "whole/curve.svg").read_text().startswith("<?xml")


@pytest.mark.slow
def test_two_processes_do_what_one_does_with_the_whole_batch(tmp_path: Path) -> None:
    images(tmp_path / "train")
    suite(tmp_path, command(tmp_path, "one", "iterations=4", "batch=4"))
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "suite"]
    done = subprocess.run(
        [sys.executable, *launch, *command(tmp_path, "two", "iterations=4", "batch=4")],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = (torch.load(tmp_path / n / "checkpoint.pt", weights_only=True) for n in ("one", "two"))
    for key, value in first["network"].items():
        torch.testing.assert_close(second["network"][key], value, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["train", "bsnr", "--data", "x", "--recipe", "paper-bsrn"], 2, "did you mean 'bsrn'"),
        (["train", "bicubic", "--data", "x", "--recipe", "paper-bsrn"], 2, "no x4 network to train"),
        (["train", "bsrn", "--data", "x", "--recipe", "paper"], 2, "unknown recipe 'paper'"),
        (["train", "bsrn", "--data", "x", "--recipe", "paper-bsrn"], 1, "cannot list the folder x"),
        (["train", "bsrn", "--data", "x", "--recipe", "paper-bsrn", "--set", "rate"], 2, "KEY=VALUE"),
    ],
)
def test_wrong_usage_gets_one_sentence(
    tmp_path: Path, arguments: list[str], status: int, message: str
) -> None:
    assert message in suite(tmp_path, arguments, status)
