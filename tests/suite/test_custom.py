"""Networks of the user's: cards in TOML, files of code, modules, checkpoints; and what hostile ones cost."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from suite.catalog import model_card
from suite.errors import SuiteError, UsageError
from suite.foreign import foreign_digest
from suite.recognition import recognise
from suite.weights import build, find_weights, load_model
from tests.command import call_suite

NET = """
import torch
from torch import nn
from parts import up            # a neighbour, found beside this file
from .parts import up as again  # the same neighbour as part of a package

class Net(nn.Module):
    def __init__(self, upscale, width=8):
        super().__init__()
        assert up is not None and again is not None
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.tail = nn.Conv2d(width, 3 * upscale**2, 3, padding=1)
        self.up = up(upscale)

    def forward(self, x):
        return self.up(self.tail(torch.relu(self.head(x))))
"""
PARTS = "from torch import nn\ndef up(scale):\n    return nn.PixelShuffle(scale)\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Somebody's project: a network in a file, its neighbour, and a checkpoint."""
    folder = tmp_path / "their project"
    folder.mkdir()
    (folder / "net.py").write_text(NET)
    (folder / "parts.py").write_text(PARTS)
    (folder / "my.toml").write_text(
        """
name = "theirs"
title = "Their net"
build = "net.py:Net"
scales = [4]
arguments = { width = 12 }
input = { range = 255.0, min_size = 3, mean = [0.5, 0.25, 0.75] }
weights = { 4 = { file = "x4.pth", entry = "params" } }
"""
    )
    network = build(model_card(str(folder / "my.toml")), 4, seed=3)
    torch.save({"params": network.state_dict(), "other": {}}, folder / "x4.pth")
    return folder


def test_a_card_says_all_that_a_card_of_the_suite_says(checkout: Path) -> None:
    card = model_card(str(checkout / "my.toml"))
    assert (card.name, card.title, card.scales, card.arguments) == (
        "theirs",
        "Their net",
        (4,),
        {"width": 12},
    )
    assert (card.input.range, card.input.min_size, card.input.mean) == (255.0, 3, (0.5, 0.25, 0.75))
    assert card.foreign


def test_its_weights_are_those_that_the_card_names(checkout: Path) -> None:
    card = model_card(str(checkout / "my.toml"))
    weights = find_weights(card, 4, Path("nowhere"))
    assert weights.origin == str(checkout / "x4.pth")
    expected = torch.load(checkout / "x4.pth", weights_only=True)["params"]
    assert torch.equal(load_model(card, 4, weights).state_dict()["tail.bias"], expected["tail.bias"])


def test_a_file_without_a_card_finds_its_neighbours_and_takes_the_scale(checkout: Path) -> None:
    card = model_card(f"{checkout / 'net.py'}:Net")
    assert build(card, 3)(torch.zeros(1, 3, 5, 6)).shape == (1, 3, 15, 18)


def test_a_module_is_found_from_the_working_folder(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = checkout / "their_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text(PARTS)
    (package / "net.py").write_text(NET.replace("from parts", "from their_package.parts"))
    monkeypatch.chdir(checkout)
    card = model_card("their_package.net:Net")
    assert build(card, 2)(torch.zeros(1, 3, 5, 6)).shape == (1, 3, 10, 12)


def test_two_projects_may_have_modules_of_one_name(checkout: Path, tmp_path: Path) -> None:
    build(model_card(f"{checkout / 'net.py'}:Net"), 3)
    other = tmp_path / "other project"
    other.mkdir()
    (other / "net.py").write_text("import parts\ndef Net(scale):\n    return parts.Own()\n")
    (other / "parts.py").write_text("from torch import nn\nclass Own(nn.Identity):\n    pass\n")
    assert type(build(model_card(f"{other / 'net.py'}:Net"), 3)).__name__ == "Own"
    assert type(build(model_card(f"{checkout / 'net.py'}:Net"), 3)).__name__ == "Net"


def test_the_code_stands_in_the_key(checkout: Path) -> None:
    card = model_card(str(checkout / "my.toml"))
    before = foreign_digest(card.build, card.root)
    foreign_digest.cache_clear()
    assert foreign_digest(card.build, card.root) == before
    (checkout / "parts.py").write_text(PARTS + "# changed\n")
    foreign_digest.cache_clear()
    assert foreign_digest(card.build, card.root) != before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nam = 'x'", r"unknown key 'nam'; known: name, title"),
        ("build = 'net.py:Net'", "a model card needs name"),
        ("name = 'x'", "a model card needs build"),
        ("name = 'x'\nbuild = 'net.py'", r"build: write FILE\.py:ATTRIBUTE or PKG\.MOD:ATTRIBUTE"),
        ("name = 'x'\nbuild = 'no.py:Net'", r"build: the file .*no\.py does not exist"),
        ("name = 'x'\nbuild = '../x y:Net'", "is neither a .py file nor the name of a module"),
        ("name = 3\nbuild = 'net.py:Net'", "name must be a text"),
        ("name = 'x'\nbuild = 'net.py:Net'\nscales = [0]", "scales must be whole numbers above zero"),
        ("name = 'x'\nbuild = 'net.py:Net'\npath = 'nowhere'", "path 'nowhere' is not a folder"),
        ("name = 'x'\nbuild = 'net.py:Net'\ninput = {colour = 'bgr'}", "colour must be 'rgb' or 'y'"),
        ("name = 'x'\nbuild = 'net.py:Net'\ninput = {range = 0}", "range must be above zero"),
        ("name = 'x'\nbuild = 'net.py:Net'\ninput = {mean = [1]}", r"mean must be 3 number\(s\)"),
        ("name = 'x'\nbuild = 'net.py:Net'\ninput = {min_size = 0}", "min_size must be at least 1"),
        ("name = 'x'\nbuild = 'net.py:Net'\nneeds_weights = 1", "needs_weights must be true or false"),
        ("name = 'x'\nbuild = 'net.py:Net'\nyear = true", "year must be a whole number"),
        (
            "name = 'x'\nbuild = 'net.py:Net'\nweights = {8 = 'a'}",
            "the key must be one of the scales 2, 3, 4",
        ),
        ("name = 'x'\nbuild = 'net.py:Net'\nweights = {4 = 5}", r"weights\.4 must be a file name"),
        ("name = 'x'\nbuild = 'net.py:Net'\nweights = {4 = {fil = 'a'}}", "unknown key 'fil'"),
        ("name = 'x'\nbuild = 'net.py:Net'\nweights = {4 = {entry = 'a'}}", "file is missing"),
        ("name = [", "cannot be read"),
    ],
)
def test_what_a_card_cannot_hold_is_named_with_the_file(text: str, words: str, checkout: Path) -> None:
    (checkout / "bad.toml").write_text(text)
    with pytest.raises(UsageError, match=rf"bad\.toml.*{words}"):
        model_card(str(checkout / "bad.toml"))


def test_a_folder_is_no_card_and_no_checkpoint(tmp_path: Path) -> None:
    for name, words in (("my.toml", r"cannot be read: Is a directory\."), ("x4.pth", "is no file")):
        (tmp_path / name).mkdir()
        with pytest.raises(UsageError, match=rf"{name} {words}"):
            model_card(str(tmp_path / name))


def test_a_card_that_is_not_there() -> None:
    with pytest.raises(UsageError, match=r"the model card no-such\.toml does not exist"):
        model_card("no-such.toml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha256": "0" * 64}, "have the digest"),
        ({"file": "gone.pth"}, r"gone\.pth of theirs do not exist"),
    ],
)
def test_weights_that_are_not_those_of_the_card(change: dict[str, str], words: str, checkout: Path) -> None:
    lines = {"file": "x4.pth", "entry": "params"} | change
    table = ", ".join(f"{key} = '{value}'" for key, value in lines.items())
    card = f"name = 'theirs'\nbuild = 'net.py:Net'\nscales = [4]\nweights = {{4 = {{{table}}}}}\n"
    (checkout / "my.toml").write_text(card)
    with pytest.raises(SuiteError, match=words):
        find_weights(model_card(str(checkout / "my.toml")), 4, Path("nowhere"))


def test_the_state_dicts_inside_a_file_are_named_where_the_card_says_none(checkout: Path) -> None:
    text = (checkout / "my.toml").read_text().replace(', entry = "params"', "")
    (checkout / "my.toml").write_text(text)
    card = model_card(str(checkout / "my.toml"))
    with pytest.raises(SuiteError, match="holds state dicts under other, params: say which one as entry"):
        load_model(card, 4, find_weights(card, 4, Path("nowhere")))


# Installed packages


def installed(folder: Path, module: str, attribute: str = "CARD") -> None:
    """A package in a folder of the import path, whose metadata name a model."""
    (folder / "their_models.py").write_text(module)
    metadata = folder / "their_models-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their-models\nVersion: 1.0\n")
    entry = f"[efficient_sr_suite.models]\nplug = their_models:{attribute}\n"
    (metadata / "entry_points.txt").write_text(entry)


CARD = """
from suite.catalog import ModelCard
CARD = ModelCard("x", "Plugged in", "theirs", 2026, (4,), "their_models:Net", needs_weights=False)
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "their_models", raising=False)
    return tmp_path


def test_an_installed_package_gives_a_model_by_its_name(site: Path) -> None:
    installed(site, CARD)
    card = model_card("plug")
    assert (card.name, card.title, card.foreign) == ("plug", "Plugged in", True)
    with pytest.raises(UsageError, match=r"unknown model 'plugg': did you mean 'plug'\?"):
        model_card("plugg")


@pytest.mark.parametrize(
    ("module", "attribute", "words"),
    [
        (
            "raise OSError('no licence')",
            "CARD",
            r"their_models:CARD\) cannot be imported: OSError: no licence",
        ),
        (CARD, "NONE", "cannot be imported: AttributeError"),
        ("CARD = 5", "CARD", "named for the model 'plug', is no ModelCard"),
    ],
)
def test_a_package_that_fails_is_named_in_one_line(
    module: str, attribute: str, words: str, site: Path
) -> None:
    installed(site, module, attribute)
    with pytest.raises(SuiteError, match=words):
        model_card("plug")


# Checkpoints


@pytest.mark.parametrize("name", ["bsrn", "rfdn-bsconv-s"])
def test_a_checkpoint_is_known_by_its_tensors(name: str, tmp_path: Path) -> None:
    torch.save({"params": build(model_card(name), 4).state_dict()}, tmp_path / "some.pth")
    card = recognise(tmp_path / "some.pth")
    assert (card.name, card.scales) == (name, (4,))
    load_model(card, 4, find_weights(card, 4, Path("nowhere")))


@pytest.mark.parametrize("name", ["BSRN/net_g_BSRN_x3.pth", "RFDN/RFDN_AIM.pth", "IMDN/IMDN_x2.pth"])
def test_an_official_file_under_any_name_is_known(name: str, home: Path, tmp_path: Path) -> None:
    (tmp_path / "renamed.pth").symlink_to(home / "weights" / name)
    card = recognise(tmp_path / "renamed.pth")
    assert card.name == name.partition("/")[0].lower()
    (scale,) = card.scales
    load_model(card, scale, find_weights(card, scale, tmp_path))


def test_a_checkpoint_that_fits_nothing_says_what_to_do(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "strange.pth")
    with pytest.raises(SuiteError, match=r"strange\.pth fits no network"):
        recognise(tmp_path / "strange.pth")


def test_a_checkpoint_that_is_not_there() -> None:
    with pytest.raises(UsageError, match=r"the checkpoint no\.pth does not exist"):
        model_card("no.pth")


def test_a_checkpoint_that_only_spandrel_knows(tmp_path: Path) -> None:
    spandrel = pytest.importorskip("spandrel.architectures.SPAN", reason="needs the extra 'zoo'")
    network = spandrel.SPAN(num_in_ch=3, num_out_ch=3, feature_channels=16, upscale=4)
    torch.save({"params": network.state_dict()}, tmp_path / "some_span.pth")
    card = recognise(tmp_path / "some_span.pth")
    assert (card.name, card.family, card.scales) == ("some_span.pth", "SPAN", (4,))
    assert build(card, 4)(torch.zeros(1, 3, 16, 16)).shape == (1, 3, 64, 64)


# Hostile code

FINE = """
from torch import nn
class Net(nn.Module):
    def forward(self, x):
        return x.repeat_interleave(4, 2).repeat_interleave(4, 3)
"""
HANGS_S = 4
"""Patience with a network that hangs, in seconds."""
HOSTILE = {
    "at_import": ("raise RuntimeError('not today')", "importing .* failed with RuntimeError: not today"),
    "leaves_at_import": ("raise SystemExit(3)", "importing .* failed with SystemExit: 3"),
    "in_init": (
        FINE.replace("def forward", "def __init__(self):\n        raise ValueError('no')\n    def forward"),
        "calling Net failed with ValueError: no",
    ),
    "in_forward": (FINE.replace("return x", "raise KeyError('forward')\n        return x"), "KeyError"),
    "prints": (FINE.replace("return x", "print('model,scale,garbage')\n        return x"), ""),
    "hangs": (
        FINE.replace("return x", "import time; time.sleep(600)\n        return x"),
        f"did not answer for {HANGS_S} seconds",
    ),
    "wrong_type": (FINE.replace("return x.", "return [x], x."), "gave tuple for .* instead of a tensor"),
    "exits": (
        FINE.replace("return x", "import os; os._exit(5)\n        return x"),
        "ended with exit status 5",
    ),
    "no_network": ("def Net(scale):\n    return 5\n", "Net gave int instead of a network"),
    "nothing": ("", "has no attribute Net"),
}


Ran = subprocess.CompletedProcess[str]


def ran(folder: Path, patience: int, *names: str) -> Ran:
    """A run with hostile networks and an honest one behind them."""
    (folder / "set").mkdir()
    from PIL import Image

    Image.effect_noise((64, 48), 40).convert("RGB").save(folder / "set" / "a.png")
    for name in names:
        (folder / f"{name}.py").write_text(HOSTILE[name][0])
        scale = "" if name == "no_network" else "scale_argument = ''\n"
        (folder / f"{name}.toml").write_text(
            f"name = '{name}'\nbuild = '{name}.py:Net'\nscales = [4]\nneeds_weights = false\n{scale}"
        )
    cards = [str(folder / f"{name}.toml") for name in names]
    command = ["run", "--models", *cards, "bicubic"]
    command += ["--measures", "quality", "--datasets", f"mine={folder / 'set'}", "--no-report"]
    command += ["--out", str(folder / "run"), "--patience", str(patience), "--threads", "1"]
    environment = {key: value for key, value in os.environ.items() if key != "SUITE_HOME"}
    return call_suite(*command, environment=environment)


@pytest.fixture(scope="module")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Every hostile network but the one that hangs, which alone needs to be short of patience."""
    return ran(tmp_path_factory.mktemp("hostile"), 600, *(name for name in HOSTILE if name != "hangs"))


@pytest.fixture(scope="module")
def hanging_run(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran(tmp_path_factory.mktemp("hanging"), HANGS_S, "hangs")


@pytest.mark.slow
@pytest.mark.parametrize("run", ["hostile_run", "hanging_run"])
def test_everything_else_is_measured(run: str, request: pytest.FixtureRequest) -> None:
    done: Ran = request.getfixturevalue(run)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr + done.stdout
    line = next(line for line in done.stderr.splitlines() if "quality of bicubic x4 on mine: " in line)
    assert " dB (sr-y)" in line
    assert "garbage" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, (_, words) in HOSTILE.items() if words])
def test_what_a_hostile_network_did_is_one_line(name: str, request: pytest.FixtureRequest) -> None:
    done: Ran = request.getfixturevalue("hanging_run" if name == "hangs" else "hostile_run")
    lines = [line for line in done.stderr.splitlines() if f"quality of {name} x4" in line]
    assert len(lines) == 1
    assert re.search(HOSTILE[name][1], lines[0]), lines[0]
