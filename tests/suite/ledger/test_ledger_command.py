"""``suite verify`` as a user calls it: a process of its own, judged by its output and exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from suite.ledger import load_ledger
from suite.records import Record, Store, Value
from tests.command import ROOT, suite

LEDGER = """
id = "mine"
title = "A table of mine"
scale = 4
tolerances = { params = "half digit", psnr = 0.02 }
columns.params = { metric = "params", unit = "K" }
columns.Set5 = { metric = "psnr", dataset = "Set5", protocol = "sr-y" }
sources.A = "a paper"
rows = [
  { model = "bsrn", status = "single source", sources = ["A"], params = 352, Set5 = 32.35 },
  { model = "swinir", status = "single source", sources = ["A"], params = 897 },
]
"""


def record(measure: str, metric: str, value: float) -> Record:
    quality = measure == "quality"
    return Record(
        key=measure,
        measure=measure,
        model="bsrn",
        scale=4,
        weights="official",
        backend="eager",
        device="cpu",
        precision="fp32",
        threads=1,
        dataset="Set5" if quality else "",
        protocol="sr-y" if quality else "",
        input="" if quality else "3x256x256",
        values=(Value(metric, value),),
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with parameters and PSNR of BSRN as published, in a folder with a ledger ``mine.toml``."""
    (tmp_path / "mine.toml").write_text(LEDGER)
    folder = tmp_path / "run"
    Store(folder).append(record("cost", "params", 352_400))
    Store(folder).append(record("quality", "psnr", 32.349))
    return folder


def test_a_run_that_agrees(run: Path) -> None:
    done = suite(run.parent, "verify", "run", "--against", "mine.toml", status=0)
    assert "mine: A table of mine" in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if "psnr Set5 sr-y" in line)
    cells = ["bsrn x4", "psnr Set5 sr-y", "32.35 dB", "32.349", "-0.001", "0.02", "reproduced"]
    assert [cell.strip() for cell in line.split("  ") if cell.strip()] == cells
    assert "1 figure of swinir, because: the network is not in the catalog" in done.stdout
    lines = done.stdout.splitlines()
    totals = next(number for number, line in enumerate(lines) if line.startswith("Published figures"))
    assert lines[totals] == (
        "Published figures: 0 differ, 0 differ for a known reason, 2 reproduced, 0 not compared, "
        "1 not measured."
    )
    assert lines[totals + 1] == (
        "Run: 2 records; 0 torn or damaged lines, 0 of an unknown format, 0 keys written more than once."
    )


def test_a_run_that_differs(run: Path) -> None:
    Store(run).append(record("quality", "psnr", 32.2))
    done = suite(run.parent, "verify", "run", "--against", "mine.toml", status=1)
    assert done.stdout.startswith("Differs (1)\n")
    assert "1 differ, 0 differ for a known reason, 1 reproduced" in done.stdout
    assert (
        "1 keys written more than once, of which with unlike values of the same work: quality." in done.stdout
    )


def test_a_difference_with_a_known_reason(run: Path) -> None:
    more = """
[[differences]]
table = "mine"
model = "bsrn"
metric = "psnr"
dataset = "Set5"
bound = [-0.16, -0.14]
because = "the moon was full"
"""
    (run.parent / "mine.toml").write_text(LEDGER + more)
    (run / "records.jsonl").unlink()  # two unlike values of one work are a damage, whatever the ledger says
    Store(run).append(record("quality", "psnr", 32.2))
    done = suite(run.parent, "verify", "run", "--against", "mine.toml", status=0)
    assert done.stdout.startswith("Differs, because (1)\n")
    assert "      because: the moon was full\n" in done.stdout
    Store(run).append(record("quality", "psnr", 32.1))
    done = suite(run.parent, "verify", "run", "--against", "mine.toml", status=1)
    assert "because: the known reason accounts for a difference of -0.16 to -0.14 only" in done.stdout


def test_json(run: Path) -> None:
    done = suite(run.parent, "verify", "run", "--against", "mine.toml", "--format", "json", status=0)
    data = json.loads(done.stdout)
    assert data["totals"]["reproduced"] == 2
    assert data["run"]["records"] == 2
    params, quality, other = data["findings"]
    assert (params["published"], params["measured"], params["unit"]) == ("352", 352.4, "K")
    assert (quality["verdict"], quality["tolerance"], quality["key"]) == ("reproduced", "0.02", "quality")
    assert quality["difference"] == pytest.approx(-0.001)
    assert (other["verdict"], other["measured"]) == ("not_measured", None)


def test_the_ledger_of_the_suite_is_the_default(run: Path) -> None:
    done = suite(run.parent, "verify", "run", "--format", "json", status=0)
    data = json.loads(done.stdout)
    assert len(data["findings"]) == len(list(load_ledger().entries()))
    assert data["totals"]["reproduced"] == 2  # parameters and PSNR of BSRN at x4
    assert data["empty"]["table1"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["nowhere"], 1, "nowhere is not a folder: name the --out folder of a run."),
        (["run", "--against", "nowhere.toml"], 1, "cannot read the ledger nowhere.toml"),
        (["run", "--against", "bad.toml"], 2, "bad.toml: unknown key 'titel': did you mean 'title'?"),
        (["run", "--format", "xml"], 2, "invalid choice: 'xml'"),
        ([], 2, "RUN"),
    ],
)
def test_what_cannot_be_done_gets_one_sentence(
    run: Path, arguments: list[str], status: int, message: str
) -> None:
    (run.parent / "bad.toml").write_text(LEDGER.replace("title", "titel"))
    done = suite(run.parent, "verify", *arguments, status=status)
    assert message in done.stderr
    assert done.stdout == ""


def test_verify_does_not_import_torch(run: Path) -> None:
    script = """
import sys
from suite.cli import main
main(["verify", "run", "--against", "mine.toml"])
heavy = {"torch", "pandas"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=run.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_bsrn_and_imdn_are_reproduced_on_real_data(tmp_path: Path, home: Path) -> None:
    command = ["run", "--models", "bsrn", "imdn", "--datasets", "Set5", "--measures", "cost", "quality"]
    suite(
        tmp_path,
        *command,
        "--no-report",
        "--threads",
        "1",
        "--out",
        "run",
        variables={"SUITE_HOME": str(home)},
    )
    data = json.loads(suite(tmp_path, "verify", "run", "--format", "json", status=0).stdout)
    verdicts = {
        (finding["table"], finding["model"], finding["metric"], finding["dataset"]): finding["verdict"]
        for finding in data["findings"]
        if finding["measured"] is not None
    }
    assert verdicts == {
        ("activations-x4", "imdn", "activations", ""): "reproduced",
        ("comparison-x4", "bsrn", "params", ""): "reproduced",
        ("comparison-x4", "bsrn", "macs", ""): "explained",
        ("comparison-x4", "bsrn", "psnr", "Set5"): "reproduced",
        ("comparison-x4", "bsrn", "ssim", "Set5"): "reproduced",
        ("comparison-x4", "imdn", "params", ""): "reproduced",
        ("comparison-x4", "imdn", "macs", ""): "reproduced",
        ("comparison-x4", "imdn", "psnr", "Set5"): "reproduced",
        ("comparison-x4", "imdn", "ssim", "Set5"): "reproduced",
    }
