"""Backends on the command line, with a network that is not the suite's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from suite.cli import main
from tests.command import suite

TinySet = Callable[..., Path]

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.tail = nn.Conv2d(3, 12, 3, padding=1)
    def forward(self, x):
        more = nn.functional.pixel_shuffle(self.tail(x), 2)
        return nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear") + 0.01 * more
"""


@pytest.mark.slow
def test_a_network_of_the_user_is_proven_and_what_cannot_run_is_named(
    tiny_set: TinySet, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(NET)
    tail = nn.Conv2d(3, 12, 3, padding=1)
    torch.save({f"tail.{name}": value for name, value in tail.state_dict().items()}, tmp_path / "w.pth")
    command = ["run", "--models", f"{tmp_path / 'net.py'}:Net"]
    command += ["--scales", "2", "--weights", str(tmp_path / "w.pth"), "--measures", "quality"]
    command += ["--datasets", f"tiny={tiny_set()}", "--no-crops", "--no-report", "--threads", "1"]
    command += ["--backend", "eager", "onnxruntime", "cuda-graphs", "--out", str(tmp_path / "run")]
    done = suite(tmp_path, *command, status=1)
    assert "not measured, because CUDA graphs need a CUDA device: use --device cuda." in done.stderr
    lines = (tmp_path / "run" / "records.jsonl").read_text().splitlines()
    records = {record["backend"]: record for record in map(json.loads, lines)}
    eager, other = records["eager"], records["onnxruntime"]
    assert other["details"]["backend"]["agreement"]["equal"] is True
    assert set(other["details"]["backend"]["versions"]) == {"onnx", "onnxruntime"}
    assert "backend" not in eager["details"]
    assert other["values"][0]["value"] == pytest.approx(eager["values"][0]["value"], abs=1e-4)
    assert len({record["key"] for record in records.values()}) == 3


def test_an_unknown_backend_is_wrong_usage(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["run", "--models", "bicubic", "--backend", "openvin", "--out", str(tmp_path), "--no-report"]
    assert main(arguments) == 2
    assert "unknown backend 'openvin': did you mean 'openvino'?" in capsys.readouterr().err


def test_the_list_says_what_is_there_and_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "backends"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert rows["eager"].endswith("yes")
    assert rows["cuda-graphs"].endswith("CUDA graphs need a CUDA device: use --device cuda.")
    assert {"NAME+deploy", "auto"} <= set(rows)
