"""Pictures and crops on the command line: made by ``run``, shown by ``report``, clear about what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from suite.outputs import kept_in, path_of
from suite.records import load_run
from tests.command import suite as in_a_process

TinySet = Callable[..., Path]
NETWORK = """
import torch

class Net(torch.nn.Module):
    def __init__(self, scale: int = 4) -> None:
        super().__init__()
        self.scale = scale
        self.plain = torch.nn.Conv2d(3, 3, 1, bias=False)
        torch.nn.init.dirac_(self.plain.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.plain(x).repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)
"""
CARD = "name = 'net'\nbuild = 'net.py:Net'\nneeds_weights = false\n"


@pytest.fixture
def suite(tmp_path: Path) -> Callable[..., str]:
    """Calls the suite in a folder of its own, ``(*arguments, status=0)``, and gives its standard error."""

    def call(*arguments: str, status: int = 0) -> str:
        return in_a_process(tmp_path, *arguments, status=status).stderr

    return call


Call = Callable[..., str]


def test_a_run_keeps_pictures_and_shows_them(suite: Call, tiny_set: TinySet, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NETWORK)
    (tmp_path / "net.toml").write_text(CARD)
    folder = tiny_set((120, 128), (112, 112))
    usual = ("--datasets", f"tiny={folder}", "--measures", "quality", "--out", "run", "--report", "page.html")
    run, page, images = tmp_path / "run", tmp_path / "page.html", tmp_path / "run" / "images"

    suite("run", "--models", "bicubic", *usual, "--no-crops")
    assert not images.exists() and 'id="images"' not in page.read_text()
    said = suite("report", "run", "--html", "page.html")
    assert "No images are compared: these records keep no pictures." in said
    assert "these records keep no pictures" in page.read_text()

    before = {record.key: record.values for record in load_run(run)}
    said = suite("run", "--models", "bicubic", "net.toml", *usual)  # completes one, measures the other
    assert "1 of 2 were measured before" in said
    records = load_run(run)
    assert all(len(kept_in(record.details)) == 2 for record in records)
    assert before.items() <= {record.key: record.values for record in records}.items()
    text = page.read_text()
    assert text.count('<article class="crop') == 2 and "a, tiny, \u00d74" in text

    suite("report", "run", "--html", "again.html")
    suite("report", "run", "--html", "third.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "third.html").read_bytes()
    said = suite("report", "run", "--html", "page.html", "--images-mb", "0.01")
    assert "2 more crops are left out, since the pictures of a page may take 0.01 MB (--images-mb)." in said
    said = suite("report", "run", "--html", "page.html", "--crops", "a:0,8,32x24", "x:0,0,16x16")
    assert "No picture shows x:0,0,16x16: name it to 'run'." in said
    assert "32\u00d724 pixels at 0, 8 of 128\u00d7120" in page.read_text()

    kept = kept_in(next(record for record in records if record.model == "bicubic").details)
    path_of(run, kept[0].output).write_bytes(b"damaged")
    path_of(run, kept[1].hr).unlink()
    said = suite("report", "run", "--html", "page.html")
    assert "is not what was stored: remove it and call 'run' again." in said
    assert "is missing: call 'run' again." in said
    assert page.read_text().count('<article class="crop') == 1


def test_crops_of_the_user_are_kept_alone(suite: Call, tiny_set: TinySet, tmp_path: Path) -> None:
    folder = tiny_set((120, 128), (112, 112))
    suite(
        *(
            "run",
            "--models",
            "bicubic",
            "--datasets",
            f"tiny={folder}",
            "--measures",
            "quality",
            "--out",
            "run",
        ),
        *("--report", "page.html", "--crops", "b:8,4,40x32", "b:60,60,20x20"),
    )
    (record,) = load_run(tmp_path / "run")
    assert [str(kept.region) for kept in kept_in(record.details)] == ["b:8,4,40x32", "b:60,60,20x20"]
    assert (tmp_path / "page.html").read_text().count('<article class="crop') == 2


@pytest.mark.parametrize(
    ("crops", "message"),
    [
        ("a", "--crops a: write IMAGE:X,Y,WxH in pixels of HR from the top left"),
        ("a:0,0,8x8", "--crops a:0,0,8x8: a crop is at least 16x16 pixels"),
        ("a:100,0,32x32", "a of tiny is 128x120 pixels, and the crop ends at 132,32"),
        ("c:0,0,32x32", "unknown image 'c': known: a, b"),
    ],
)
def test_crops_that_do_not_fit_are_wrong_usage(
    suite: Call, tiny_set: TinySet, tmp_path: Path, crops: str, message: str
) -> None:
    folder = tiny_set((120, 128), (112, 112))
    arguments = (
        "--models",
        "bicubic",
        "--datasets",
        f"tiny={folder}",
        "--measures",
        "quality",
        "--out",
        "run",
    )
    assert message in suite("run", *arguments, "--crops", crops, status=2)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("megabytes", ["0", "-1", "no", "nan"])
def test_a_budget_that_is_none(suite: Call, megabytes: str) -> None:
    assert "number of megabytes" in suite("report", "run", "--images-mb", megabytes, status=2)


def test_crops_and_no_crops_exclude_each_other(suite: Call) -> None:
    assert "not allowed with" in suite("report", "run", "--no-crops", "--crops", "a:0,0,16x16", status=2)
