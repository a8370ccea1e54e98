"""The example of docs/your-network.md works as it stands there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from suite.catalog import model_card
from suite.weights import build
from tests.command import suite

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "your-network.md").read_text(encoding="utf-8")


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The files of the page, and a checkpoint as its card names it."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    for kind, text in re.findall(r"```(python|toml)\n(.*?)```", PAGE, re.DOTALL):
        name = "card.toml" if kind == "toml" else text.splitlines()[0].removeprefix("# theirs/")
        (folder / name).write_text(text, encoding="utf-8")
    assert {file.name for file in folder.iterdir()} == {"parts.py", "net.py", "card.toml"}
    network = build(model_card(str(folder / "card.toml")), 4)
    torch.save({"params": network.state_dict()}, folder / "x4.pth")
    return tmp_path


@pytest.mark.slow
def test_the_commands_of_the_page_measure_the_network_with_the_provenance_of_any_other(example: Path) -> None:
    suite(
        *(example, "run", "--models", "theirs/card.toml", "--datasets", "photos"),
        *("--measures", "quality", "cost", "--no-report", "--out", "run"),
        variables={"SUITE_HOME": ""},
    )
    lines = (example / "run" / "records.jsonl").read_text(encoding="utf-8").splitlines()
    quality = next(r for r in map(json.loads, lines) if r["measure"] == "quality")
    assert quality["model"] == "theirs"
    assert quality["card"]["title"] == "Their network"
    assert quality["card"]["convention"]["range"] == 1.0
    assert quality["details"]["weights"]["file"] == "x4.pth"
    assert len(quality["details"]["weights"]["sha256"]) == 64
    assert "--models theirs/card.toml" in (example / "run" / "run.json").read_text(encoding="utf-8")


def test_the_page_names_every_key_of_a_card() -> None:
    from suite.catalog.custom import _INPUT, _KINDS

    documented = set(re.findall(r"^#? ?(\w+) = ", PAGE, re.MULTILINE)) | {"arguments", "input", "weights"}
    missing = {*_KINDS, *_INPUT} - documented - {"citation", "path", "needs_weights"}
    assert not missing
    assert all(f"`{key}" in PAGE or f"{key} =" in PAGE for key in ("path", "needs_weights"))
