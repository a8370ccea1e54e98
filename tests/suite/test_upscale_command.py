"""``suite upscale`` as a user calls it, in one process a story where nothing else is judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from suite import cli
from suite.images import enlarge
from tests.command import suite

ROOT = Path(__file__).resolve().parents[2]
COARSE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
PHOTO = np.asarray(Image.fromarray(COARSE).resize((40, 30), Image.Resampling.BICUBIC))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with an empty data home and the image ``a.png`` of 40x30 pixels."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("SUITE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    return tmp_path


def call(*arguments: str) -> int:
    return cli.main(["upscale", *arguments, "--threads", "1"])


def test_a_process_of_its_own_with_a_good_and_three_wrong_images(place: Path) -> None:
    (place / "torn.png").write_bytes((place / "a.png").read_bytes()[:200])
    (place / "text.png").write_text("no pixels")
    done = suite(
        *(place, "upscale", "bicubic", "none.png", "torn.png", "text.png", "a.png"),
        *("--out", "out", "--threads", "1"),
        status=1,
    )
    assert "none.png does not exist." in done.stderr
    assert "torn.png is damaged" in done.stderr
    assert "text.png is not an image that can be read" in done.stderr
    assert done.stdout == "out/a_x4.png: 160x120, from 40x30\n"
    assert [file.name for file in (place / "out").iterdir()] == ["a_x4.png"]
    with Image.open(place / "out/a_x4.png") as image:
        assert image.mode == "RGB"
        expected = np.rint(np.clip(enlarge(PHOTO.astype(np.float64), 4), 0, 255))
        assert np.abs(np.asarray(image) - expected).max() <= 1


def test_tiles_give_the_same_image(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("bicubic", "a.png", "--out", "whole") == 0
    assert call("bicubic", "a.png", "--out", "tiles", "--tile", "20", "--overlap", "10") == 0
    assert "6 tiles, which differ by up to 0.0 levels where they meet" in capsys.readouterr().out
    whole, tiles = (np.asarray(Image.open(f"{name}/a_x4.png")).astype(int) for name in ("whole", "tiles"))
    assert np.abs(whole - tiles).max() <= 1


def test_a_grey_image_with_alpha_stays_one(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(PHOTO).convert("LA").save("grey.png")
    assert call("rfdn", "grey.png", "--out", "out", "--scale", "4") == 0
    with Image.open("out/grey_x4.png") as image:
        assert (image.mode, image.size) == ("LA", (160, 120))
    said = capsys.readouterr()
    assert "160x120, from 40x30; grey, repeated over three channels; alpha enlarged bicubically" in said.out
    assert "RFDN (AIM 2020) x4, weights: shipped" in said.err


def test_a_file_that_is_there_is_replaced_only_by_force(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "out").mkdir()
    (place / "out/a_x2.png").write_text("precious")
    assert call("bicubic", "a.png", "--out", "out", "--scale", "2") == 1
    assert "out/a_x2.png is there already: use --force" in capsys.readouterr().err
    assert (place / "out/a_x2.png").read_text() == "precious"
    assert call("bicubic", "a.png", "--out", "out", "--scale", "2", "--force") == 0
    with Image.open("out/a_x2.png") as image:
        assert image.size == (80, 60)


def test_an_image_that_is_too_small_is_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (14, 30)).save("small.png")
    assert call("bsrn", "small.png", "--out", "out") == 1
    assert "small.png is 14x30 pixels; bsrn x4 needs at least 15 each way." in capsys.readouterr().err
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bsnr", "a.png"], "did you mean 'bsrn'?"),
        (["rfdn", "a.png", "--scale", "3"], "rfdn has no x3 network."),
        (["bicubic", "a.png", "--backend", "eagre"], "did you mean 'eager'?"),
        (["bicubic", "a.png", "--overlap", "8"], "give --tile too"),
        (["bicubic", "a.png", "--tile", "32"], "--tile 32 must be at least twice --overlap 32"),
        (["bsrn", "a.png", "--tile", "14", "--overlap", "2"], "--tile 14: bsrn needs at least 15"),
        (["bicubic", "a.png", "b/a.jpg"], "a.png and b/a.jpg would both become out/a_x4.png"),
        (["bicubic", "a.png", "out/a_x4.png"], "a.png would become out/a_x4.png, which is to be enlarged"),
        (["bicubic", "a.png", "--home", "nowhere"], "--home is 'nowhere'"),
    ],
)
def test_wrong_usage_is_named_and_nothing_is_written(
    arguments: list[str], message: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments, "--out", "out") == 2
    assert message in capsys.readouterr().err
    assert not (place / "out").exists()


def test_random_weights_enlarge_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("imdn", "a.png", "--scale", "3", "--out", "out") == 1
    assert "there are no weights for imdn x3" in capsys.readouterr().err


def test_an_image_that_does_not_fit_into_memory_is_named(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(image: torch.Tensor) -> torch.Tensor:
        return torch.empty(1 << 60)

    monkeypatch.setattr("suite.backends.proof.prepare", lambda subject, rewrites: full)
    assert call("bicubic", "a.png", "--out", "out") == 1
    assert "a.png (40x30) does not fit into memory: add --tile 256." in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("bicubic", "a.png", "--out", "a.png/out") == 1
    assert "cannot write a.png/out/a_x4.png" in capsys.readouterr().err
