"""Networks as ONNX files: checked against eager before they are written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from suite import export as exporting
from suite.backends.onnx_file import INPUT, OUTPUT
from suite.backends.rewriting import timer
from suite.catalog import MODELS, model_card
from suite.cli import main
from suite.task import Subject
from suite.weights import build, find_weights
from tests.command import suite


def subject_of(name: str, scale: int = 4) -> Subject:
    card = model_card(name)
    return Subject(card, scale, find_weights(card, scale, Path("nowhere"), "none"), backend="onnxruntime")


def props(data: bytes) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load_from_string(data).metadata_props}


@pytest.mark.parametrize("name", ["ecbsr-m4c16", "bsrn-s", "fsrcnn"])
def test_a_file_gives_what_the_network_gives_at_sizes_nobody_tried(name: str) -> None:
    subject = subject_of(name)
    exported = exporting.export({}, subject)
    assert exported.agreement.equal
    assert len(exported.agreement.images) == len(exporting.SIZES)
    session = onnxruntime.InferenceSession(exported.data, providers=["CPUExecutionProvider"])
    (given,), (got,) = session.get_inputs(), session.get_outputs()
    channels = subject.card.input.channels
    assert (given.name, given.shape) == (INPUT, [1, channels, "height", "width"])
    assert got.name == OUTPUT
    image = torch.rand(1, channels, 37, 22)
    with torch.inference_mode():
        expected = build(subject.card, 4)(image).numpy()
    np.testing.assert_allclose(session.run(None, {INPUT: image.numpy()})[0], expected, atol=1e-5)


def test_a_file_says_what_it_is() -> None:
    facts = props(exporting.export({}, subject_of("rfdn-bsconv-s")).data)
    assert facts["model"] == "rfdn-bsconv-s"
    assert json.loads(facts["scale"]) == 4
    assert json.loads(facts["range"]) == 255.0
    assert json.loads(facts["min_size"]) == 15
    assert facts["weights"] == "none"
    assert float(facts["largest_difference"]) < 1e-5


@pytest.mark.slow
def test_the_fastest_exact_form_is_exported_with_the_names_of_its_rewrites() -> None:
    exported = exporting.export({}, subject_of("ecbsr-m4c16"), deploy=True)
    assert exported.agreement.equal
    assert tuple(json.loads(props(exported.data)["rewrites"])) == exported.rewrites


def test_forms_are_timed_in_the_backend_and_stay_as_they_are() -> None:
    network = build(model_card("ecbsr-m4c16"), 4)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    timed = timer(subject_of("ecbsr-m4c16"))
    assert timed(network) > 0
    assert timed(network) > 0
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.slow
def test_the_command_writes_a_file_once_and_says_how_far_it_differs(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    command = ("export", "ecbsr-m4c16", "--out", str(file), "--threads", "1")
    done = suite(tmp_path, *command)
    assert f"{file}: " in done.stdout and "opset 17" in done.stdout
    assert "differs from PyTorch by up to" in done.stdout
    assert onnx.load(str(file)).producer_name == "efficient-sr-suite"
    again = suite(tmp_path, *command, status=1)
    assert again.stderr == f"suite export: {file} is there already: use --force to replace it.\n"


FROZEN = """
import torch
from torch import nn

class Net(nn.Module):
    '''What it adds depends on the width in a branch that a trace freezes.'''
    def __init__(self):
        super().__init__()
        self.tail = nn.Conv2d(3, 12, 3, padding=1)
    def forward(self, x):
        return nn.functional.pixel_shuffle(self.tail(x), 2) + (1.0 if x.shape[-1] % 2 else 0.0)
"""


@pytest.mark.slow
def test_a_network_that_a_file_cannot_follow_is_refused_and_nothing_is_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.py").write_text(FROZEN)
    file = tmp_path / "net.onnx"
    arguments = [f"{tmp_path / 'net.py'}:Net", "--scale", "2", "--weights", "none", "--out", str(file)]
    assert main(["export", *arguments, "--threads", "1"]) == 1
    said = capfd.readouterr().err
    assert f"{file} is not written, because its output differs from that of eager fp32" in said
    assert "Traceback" not in said
    assert not file.exists()


def test_a_scale_that_there_is_not_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "lapsrn", "--scale", "7"]) == 2
    assert "lapsrn has no x7 network" in capsys.readouterr().err


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MODELS)
def test_every_network_can_be_exported(name: str) -> None:
    scale = 4 if 4 in MODELS[name].scales else MODELS[name].scales[-1]
    assert exporting.export({}, subject_of(name, scale)).agreement.equal
