"""The command line as a user calls it: a process of its own, judged by its output and exit status."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.command import DefaultRun, environment, start_suite, suite


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty folder to work in, with an empty data home."""
    (tmp_path / "home").mkdir()
    return tmp_path


def images(folder: Path, count: int = 2, size: tuple[int, int] = (64, 80)) -> Path:
    """A folder of random smooth images."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(7)
    for number in range(count):
        coarse = generator.integers(0, 256, (size[0] // 8, size[1] // 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC).save(folder / f"p{number}.png")
    return folder


def rows(place: Path, run: str = "runs/default", *more: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(suite(place, "results", run, *more).stdout)))


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["fetch", "--help"], ["list", "models"], ["list", "datasets"]],
)
def test_help_and_list_do_not_import_torch(place: Path, arguments: list[str]) -> None:
    script = f"""
import sys
from suite.cli import main
try:
    main({arguments!r})
except SystemExit:
    pass
heavy = {{"torch", "numpy", "pandas", "skimage"}} & set(sys.modules)
sys.exit(f"imported {{heavy}}" if heavy else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(place), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("models", "bsrn-s"),
        ("datasets", "B100_original"),
        ("measures", "latency_ms"),
        ("backends", "eager"),
        ("protocols", "sr-y"),
    ],
)
def test_list_names_what_there_is(place: Path, what: str, expected: str) -> None:
    assert expected in suite(place, "list", what).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--models", "bsnr"], "did you mean 'bsrn'?"),
        (["run", "--models", "bsrn", "--datasets", "Set6"], "did you mean 'Set5'?"),
        (["run", "--models", "bsrn", "--measures", "speed"], "unknown measure 'speed'"),
        (["run", "--models", "bsrn", "--protocols", "sr-x"], "did you mean 'sr-y'?"),
        (["run", "--models", "bsrn", "--backend", "tensorrt"], "unknown backend 'tensorrt'"),
        (["run", "--models", "bsrn", "--datasets", "mine="], "NAME=DIR"),
        (["run", "--models", "bsrn", "--datasets", "set5=x"], "another name"),
        (["run", "--models", "bsrn", "--threads", "0"], "--threads"),
        (["run", "--models", "bsrn", "--threads", "1025"], "whole number from 1 to 1024 value: '1025'"),
        (["run", "--models", "bsrn", "--patience", "2000000"], "number of seconds from 1 to 1000000"),
        (["run", "--models", "bsrn", "--workers", "100000"], "whole number from 1 to 1024 value: '100000'"),
        (["run", "--models", "bsrn", "--scales", "4000000000"], "positive whole number value: '4000000000'"),
        (["run", "--models", "bsrn", "--out", ""], "argument --out: invalid path value: ''"),
        (["report", ""], "argument RUN: invalid path value: ''"),
        (["run", "--models", "bsrn", "--home", "nowhere"], "--home is 'nowhere'"),
        (["run"], "--models"),
        (["frobnicate"], "invalid choice"),
    ],
)
def test_wrong_usage_gets_one_sentence_and_exit_status_2(
    place: Path, arguments: list[str], message: str
) -> None:
    assert message in suite(place, *arguments, status=2).stderr
    assert not (place / "runs").exists()


def test_default_measures_and_page_without_data_or_network(default_run: DefaultRun) -> None:
    assert "photos" in default_run.errors
    metrics = {row["metric"] for row in rows(default_run.place)}
    assert {"psnr", "ssim", "params", "macs", "peak_bytes", "latency_ms"} <= metrics
    page = (default_run.place / "reports/leaderboard.html").read_text(encoding="utf-8")
    assert "Bicubic" in page
    assert "python -m suite run --models bicubic --effort quick" in page


def test_a_model_without_weights_is_measured_in_all_but_quality(place: Path) -> None:
    command = ["run", "--models", "imdn", "bicubic", "--scales", "3", "--measures", "quality", "cost"]
    done = suite(place, *command, status=1)
    assert "there are no weights for imdn x3" in done.stderr
    measured = {(row["model"], row["metric"]) for row in rows(place)}
    assert ("imdn", "macs") in measured
    assert ("imdn", "psnr") not in measured
    assert ("bicubic", "psnr") in measured
    assert "there are no weights" in (place / "reports/leaderboard.html").read_text(encoding="utf-8")


def test_a_damaged_image_is_named_and_the_rest_is_kept(place: Path) -> None:
    good, bad = images(place / "good"), images(place / "bad")
    content = (bad / "p1.png").read_bytes()
    (bad / "p1.png").write_bytes(content[: len(content) // 2])
    done = suite(
        place, "run", "--models", "bicubic", "--measures", "quality", "cost",
        "--datasets", f"bad={bad}", f"good={good}", "--no-report", status=1,
    )  # fmt: skip
    assert "p1.png is damaged" in done.stderr
    assert {row["dataset"] for row in rows(place) if row["metric"] == "psnr"} == {"good"}


def test_a_repaired_image_is_measured_by_the_same_command(place: Path) -> None:
    folder = images(place / "set")
    content = (folder / "p0.png").read_bytes()
    (folder / "p0.png").write_bytes(content[:100])
    command = ["run", "--models", "bicubic", "--measures", "quality", "--datasets", f"set={folder}"]
    suite(place, *command, status=1)
    (folder / "p0.png").write_bytes(content)
    suite(place, *command)
    assert "psnr" in {row["metric"] for row in rows(place)}
    suite(place, "report", "runs/default")
    assert (
        "not measured"
        not in (place / "reports/leaderboard.html").read_text(encoding="utf-8").split("<table")[1]
    )


def test_a_missing_folder_is_named_and_the_rest_is_kept(place: Path) -> None:
    done = suite(
        place,
        "run",
        "--models",
        "bicubic",
        "--measures",
        "quality",
        "cost",
        "--datasets",
        "Set14",
        "photos",
        status=1,
    )
    assert "Set14 does not exist" in done.stderr
    assert {row["dataset"] for row in rows(place) if row["metric"] == "psnr"} == {"photos"}


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 torn"])
def test_a_wrong_official_checkpoint_is_named_and_other_models_are_kept(place: Path, content: bytes) -> None:
    file = place / "home/weights/RFDN/RFDN_AIM.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    done = suite(
        place, "run", "--models", "rfdn", "bicubic", "--measures", "quality", "cost",
        "--datasets", f"mine={images(place / 'mine')}", status=1,
    )  # fmt: skip
    assert "RFDN_AIM.pth is not the official checkpoint" in done.stderr
    assert {row["model"] for row in rows(place) if row["metric"] == "psnr"} == {"bicubic"}
    assert {row["model"] for row in rows(place) if row["metric"] == "macs"} == {"rfdn", "bicubic"}


def test_a_user_checkpoint_that_does_not_fit_is_named(place: Path) -> None:
    import torch

    torch.save({"head.weight": torch.zeros(50, 3, 3, 3)}, place / "mine.pth")
    done = suite(
        place, "run", "--models", "rfdn", "--weights", "mine.pth", "--measures", "quality",
        "--datasets", f"mine={images(place / 'mine')}", status=1,
    )  # fmt: skip
    assert "mine.pth does not fit the network" in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 6


def test_a_truncated_user_checkpoint_is_named(place: Path, home: Path) -> None:
    content = (home / "weights/RFDN/RFDN_AIM.pth").read_bytes()
    (place / "torn.pth").write_bytes(content[: len(content) // 2])
    done = suite(
        place, "run", "--models", "rfdn", "--weights", "torn.pth", "--measures", "quality",
        "--datasets", f"mine={images(place / 'mine')}", status=1,
    )  # fmt: skip
    assert "torn.pth is damaged" in done.stderr


def test_a_scale_that_a_model_lacks_is_named(place: Path) -> None:
    done = suite(place, "run", "--models", "rfdn", "imdn", "--scales", "2", "--measures", "cost", status=1)
    assert "rfdn has no x2 network" in done.stderr
    assert {row["model"] for row in rows(place)} == {"imdn"}


def test_an_output_folder_that_cannot_be_made_is_named(place: Path) -> None:
    (place / "file").write_text("in the way")
    done = suite(place, "run", "--models", "bicubic", "--measures", "cost", "--out", "file/run", status=1)
    assert "file/run" in done.stderr


def test_a_page_that_cannot_be_written_is_named_and_records_are_kept(place: Path) -> None:
    (place / "file").write_text("in the way")
    command = ["run", "--models", "bicubic", "--measures", "cost", "--report", "file/page.html"]
    assert "file/page.html" in suite(place, *command, status=1).stderr
    assert rows(place)


def test_cuda_where_there_is_none_is_an_error(place: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    done = suite(place, "run", "--models", "bicubic", "--device", "cuda", "--measures", "cost", status=1)
    assert "--device cuda" in done.stderr


def test_the_same_command_again_measures_nothing_and_gives_the_same_page(place: Path) -> None:
    command = ["run", "--models", "bicubic", "--measures", "quality", "cost"]
    suite(place, *command)
    first = (
        (place / "runs/default/records.jsonl").read_bytes(),
        (place / "reports/leaderboard.html").read_bytes(),
    )
    again = suite(place, *command)
    assert "3 of 3 were measured before and are reused." in again.stderr
    second = (
        (place / "runs/default/records.jsonl").read_bytes(),
        (place / "reports/leaderboard.html").read_bytes(),
    )
    assert second == first


def test_report_renders_old_records_to_the_same_bytes(place: Path) -> None:
    suite(place, "run", "--models", "bicubic", "--measures", "quality", "cost")
    suite(place, "report", "runs/default", "--html", "again.html")
    assert (place / "again.html").read_bytes() == (place / "reports/leaderboard.html").read_bytes()


WAITS = """
import pathlib, time
from torch import nn

class Net(nn.Module):
    def forward(self, x):
        while not pathlib.Path("go").exists():
            time.sleep(0.01)
        return x.repeat_interleave(4, 2).repeat_interleave(4, 3)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_goes_on_where_it_stopped(place: Path, how: signal.Signals) -> None:
    (place / "net.py").write_text(WAITS)
    (place / "net.toml").write_text(
        "name = 'net'\nbuild = 'net.py:Net'\nscale_argument = ''\nneeds_weights = false"
    )
    sets = [f"s{number}={images(place / f'd{number}')}" for number in range(2)]
    command = ["run", "--models", "bicubic", "net.toml", "--measures", "quality", "--datasets", *sets]
    records = place / "runs/default/records.jsonl"
    with start_suite(*command, cwd=place, environment=environment(place)) as process:
        while not records.exists() or records.read_bytes().count(b"\n") < 2:
            assert not process.ended(0.01)
        process.send_signal(how)
        done = process.wait()
    if how != signal.SIGKILL:  # else a process that was about to start says what Python says of a lost parent
        assert "Traceback" not in done.stderr
    kept = "What is done is kept: the same command goes on from here."
    if how == signal.SIGINT:
        assert (done.returncode, done.stderr.splitlines()[-1]) == (130, f"Interrupted. {kept}")
    if how == signal.SIGTERM:
        assert (done.returncode, done.stderr.splitlines()[-1]) == (143, f"Ended by SIGTERM. {kept}")
    before = records.read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["model"] for line in before} == {"bicubic"}

    (place / "go").touch()
    suite(place, *command)
    after = records.read_text(encoding="utf-8").splitlines()
    assert after[: len(before)] == before
    keys = [json.loads(line)["key"] for line in after]
    assert len(keys) == len(set(keys)) == 4

    shutil.move(place / "runs/default", place / "runs/interrupted")
    suite(place, *command)
    undisturbed, resumed = rows(place), rows(place, "runs/interrupted")
    assert sorted(map(str, undisturbed)) == sorted(map(str, resumed))


def test_results_in_every_format(place: Path) -> None:
    suite(place, "run", "--models", "bicubic", "--measures", "quality", "cost", "--no-report")
    table = rows(place)
    columns = (
        "model,scale,measure,metric,value,unit,lower,upper,dataset,image,protocol,input,backend,device,"
        "precision,threads,weights,key"
    )
    assert list(table[0]) == columns.split(",")
    loaded = json.loads(suite(place, "results", "runs/default", "--format", "json").stdout)
    assert len(loaded) == len(table)
    assert suite(place, "results", "runs/default", "--format", "markdown").stdout.startswith("|")
    assert r"\toprule" in suite(place, "results", "runs/default", "--format", "latex").stdout


def test_results_where(place: Path) -> None:
    suite(place, "run", "--models", "bicubic", "--measures", "quality", "cost", "--no-report")
    assert {r["metric"] for r in rows(place, "runs/default", "--where", "metric=psnr", "metric=ssim")} == {
        "psnr",
        "ssim",
    }
    assert (
        "did you mean 'metric'"
        in suite(place, "results", "runs/default", "--where", "metrik=x", status=2).stderr
    )
    assert "COLUMN=VALUE" in suite(place, "results", "runs/default", "--where", "metric", status=2).stderr
    assert "not a folder" in suite(place, "results", "runs/none", status=1).stderr


@pytest.mark.parametrize("command", [["results"], ["report"], ["compare", "run"]])
def test_lines_that_are_left_out_are_counted(place: Path, command: list[str]) -> None:
    suite(place, "run", "--models", "bicubic", "--measures", "cost", "--no-report", "--out", "run")
    with (place / "run/records.jsonl").open("a") as records:
        records.write('{"schema": 99}\n{"torn')
    said = "run/records.jsonl: 2 line(s) could not be read and were left out.\n"
    assert suite(place, *command, "run").stderr.startswith(said)
    (place / "run/records.jsonl").write_text('{"schema": 99}\n[]\n')
    done = suite(place, *command, "run", status=2 if command[0] == "compare" else 1)
    assert done.stderr.startswith(said)
    assert "run holds no records: name the --out folder of a run." in done.stderr


@pytest.mark.parametrize("text", ['{"schema": 1, "comma', "[" * 100_000, '{"schema": 9, "commands": ["a"]}'])
def test_a_run_file_that_cannot_be_read_is_kept(place: Path, text: str) -> None:
    (place / "runs/default").mkdir(parents=True)
    (place / "runs/default/run.json").write_text(text)
    done = suite(place, "run", "--models", "bicubic", "--measures", "cost", "--no-report")
    assert "runs/default/run.json could not be read (" in done.stderr
    assert ") and is kept as run.json.unreadable.\n" in done.stderr
    assert (place / "runs/default/run.json.unreadable").read_text() == text
    assert "Run: 2 records; 0 torn" in suite(place, "verify", "runs/default").stdout


def test_a_folder_without_records_is_no_run(place: Path) -> None:
    assert "holds no records" in suite(place, "report", "home", status=1).stderr


def test_a_list_option_can_be_given_several_times(place: Path) -> None:
    suite(place, "run", "--models", "bicubic", "--models", "imdn", "--measures", "cost", "--no-report")
    assert {row["model"] for row in rows(place)} == {"bicubic", "imdn"}
    both = rows(place, "runs/default", "--where", "model=imdn", "--where", "metric=params")
    assert {(row["model"], row["metric"]) for row in both} == {("imdn", "params")}


def test_an_image_too_small_for_ssim_is_named_and_is_no_figure(place: Path) -> None:
    folder = images(place / "small", size=(16, 16))
    done = suite(
        place, "run", "--models", "bicubic", "--measures", "quality", "--no-report",
        "--protocols", "sr-y", "sr-y", "--datasets", f"small={folder}", status=1,
    )  # fmt: skip
    assert "[1/1]" in done.stderr
    assert "p0 of small is too small for sr-y" in done.stderr


def test_the_page_says_what_was_found_out(place: Path) -> None:
    suite(place, "run", "--models", "bicubic", "--measures", "quality", "--threads", "1")
    page = (place / "reports/leaderboard.html").read_text(encoding="utf-8")
    assert "--measures quality --threads 1 --datasets photos" in page
