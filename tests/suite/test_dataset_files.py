"""Dataset cards in TOML: where the images of a user's own test set lie and what it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from suite.datasets import Dataset, dataset_name, open_dataset
from suite.errors import SuiteError, UsageError
from suite.images import crop_to_multiple, read_rgb, shrink
from tests.command import suite

TinySet = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[2]


def written(folder: Path, text: str, name: str = "my.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def opened(card: Path, scale: int = 4) -> Dataset:
    return open_dataset(str(card), scale, Path("no-home"))


def lr_of(hr: Path, folder: Path, scale: int, suffix: str) -> None:
    folder.mkdir(parents=True)
    for file in hr.glob("*.png"):
        small = shrink(crop_to_multiple(read_rgb(file), scale), scale)
        Image.fromarray(np.zeros_like(small)).save(folder / f"{file.stem}{suffix}.png")


def test_two_keys_are_enough(tiny_set: TinySet, tmp_path: Path) -> None:
    hr = tiny_set(name="pictures")
    dataset = opened(written(tmp_path, 'name = "Mine"\nhr = "pictures"\n'))
    assert (dataset.name, dataset.hr, dataset.lr_origin) == ("Mine", hr, "made")
    assert len(dataset.files) == 2
    assert dataset.known is None
    assert dataset.folders == {"hr_folder": "pictures"}


def test_paths_are_seen_from_the_file_and_the_scale_is_put_in(
    tiny_set: TinySet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hr = tiny_set(name="pictures")
    lr_of(hr, tmp_path / "small/by2", 2, "-small2")
    lr_of(hr, tmp_path / "small/by4", 4, "-small4")
    (tmp_path / "cards").mkdir()
    text = 'name = "Mine"\nhr = "../pictures"\nlr = "../small/by{scale}"\nsuffix = "-small{scale}"\n'
    card = written(tmp_path / "cards", text)
    monkeypatch.chdir("/")
    for scale in (2, 4):
        dataset = opened(card, scale)
        assert dataset.folders["lr_folder"] == f"../small/by{scale}"
        assert not any(pair.lr.any() for pair in dataset.pairs())


@pytest.mark.parametrize("suffix", ["", "x4", "_x4"])
def test_usual_names_need_no_suffix(suffix: str, tiny_set: TinySet, tmp_path: Path) -> None:
    lr_of(tiny_set(name="pictures"), tmp_path / "small", 4, suffix)
    dataset = opened(written(tmp_path, 'name = "Mine"\nhr = "pictures"\nlr = "small"\n'))
    assert not any(pair.lr.any() for pair in dataset.pairs())


def test_the_number_of_images_is_kept_to(tiny_set: TinySet, tmp_path: Path) -> None:
    tiny_set(name="pictures")
    dataset = opened(written(tmp_path, 'name = "Mine"\nhr = "pictures"\nimages = 3\n'))
    with pytest.raises(SuiteError, match="pictures holds 2 images; Mine has 3"):
        list(dataset.pairs())


def test_a_digest_says_whether_it_is_the_known_copy(tiny_set: TinySet, tmp_path: Path) -> None:
    tiny_set(name="pictures")
    text = 'name = "Mine"\nhr = "pictures"\n'
    digest = opened(written(tmp_path, text)).digest
    card = written(tmp_path, f'{text}[digests]\n4 = "{digest}"\n2 = "{"0" * 64}"\n')
    assert [opened(card, scale).known for scale in (2, 3, 4)] == [False, None, True]


def test_a_note_and_a_citation_come_with_it(tiny_set: TinySet, tmp_path: Path) -> None:
    tiny_set(name="pictures")
    text = 'name = "Mine"\nhr = "pictures"\nnote = "Taken at dusk."\ncitation = "Doe, 2020"\n'
    card = opened(written(tmp_path, text)).card
    assert card is not None
    assert (card.note, card.citation) == ("Taken at dusk.", "Doe, 2020")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"dataset card .*my\.toml lacks name\."),
        ('name = "Mine"', r"dataset card .*my\.toml lacks hr\."),
        ('name = ""\nhr = "x"', r"lacks name"),
        (
            'name = "Mine"\nhr = "x"\nlow = "y"',
            r"unknown key in .*my\.toml: 'low': known: citation, .*suffix",
        ),
        ('name = "Mine"\nhr = "x"\nimage = 3', r"unknown key in .*my\.toml: 'image': did you mean 'images'"),
        ('name = "Mine"\nhr = 3', r"hr in .*my\.toml is 3: it must be a text\."),
        ('name = "a=b"\nhr = "x"', r"name in .*my\.toml is 'a=b': it must not hold an equals sign\."),
        ('name = "Mine"\nhr = "x"\nimages = "3"', r"images in .*my\.toml is '3': .* whole number above zero"),
        ('name = "Mine"\nhr = "x"\nimages = true', r"images in .*my\.toml is True"),
        ('name = "Mine"\nhr = "x"\nimages = 0', r"images in .*my\.toml is 0"),
        ('name = "Mine"\nhr = "x"\ndigests = "abc"', r"digests in .*my\.toml must be a table of SHA-256"),
        ('name = "Mine"\nhr = "x"\n[digests]\n4 = "abc"', r"digests in .*my\.toml must be a table"),
        ('name = "Mine"\nhr = "x"\n[digests]\nx4 = "abc"', r"digests in .*my\.toml must be a table"),
        ("name =", r"dataset card .*my\.toml is not TOML"),
    ],
)
def test_a_card_that_is_none_is_refused_in_one_sentence(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        dataset_name(str(written(tmp_path, text)))


def test_a_card_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"cannot read the dataset card .*nowhere\.toml: No such file"):
        dataset_name(str(tmp_path / "nowhere.toml"))


def test_folders_that_are_not_there_are_named(tiny_set: TinySet, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="nowhere of the dataset Mine does not exist"):
        opened(written(tmp_path, 'name = "Mine"\nhr = "nowhere"'))
    tiny_set(name="pictures")
    with pytest.raises(SuiteError, match=r"X4 of Mine does not exist: correct lr in .*my\.toml, or leave it"):
        opened(written(tmp_path, 'name = "Mine"\nhr = "pictures"\nlr = "X{scale}"'))


def test_one_folder_does_not_serve_two_scales(tiny_set: TinySet, tmp_path: Path) -> None:
    lr_of(tiny_set(name="pictures"), tmp_path / "small", 4, "")
    card = written(tmp_path, 'name = "Mine"\nhr = "pictures"\nlr = "small"\n')
    assert opened(card, 4).lr_origin == "stored"
    with pytest.raises(SuiteError, match=r"small of Mine does not hold the x2 images .*\{scale\} in lr of"):
        opened(card, 2)


def test_a_missing_lr_image_is_named_with_its_suffix(tiny_set: TinySet, tmp_path: Path) -> None:
    lr_of(tiny_set(name="pictures"), tmp_path / "X4", 4, "-lr")
    (tmp_path / "X4/b-lr.png").unlink()
    card = written(tmp_path, 'name = "Mine"\nhr = "pictures"\nlr = "X{scale}"\nsuffix = "-lr"')
    with pytest.raises(SuiteError, match="X4 lacks b-lr: complete the folder"):
        list(opened(card).pairs())


# The command


def run(place: Path, *datasets: str, status: int = 0) -> str:
    command = ("run", "--models", "bicubic", "--measures", "quality", "--no-report", "--datasets", *datasets)
    return suite(place, *command, status=status, variables={"SUITE_HOME": ""}).stderr


def test_a_card_is_measured_and_the_record_says_what_was_found(tiny_set: TinySet, tmp_path: Path) -> None:
    lr_of(tiny_set(name="pictures"), tmp_path / "small/X4", 4, "x4")
    written(tmp_path, 'name = "Mine"\nhr = "pictures"\nlr = "small/X{scale}"\nnote = "Taken at dusk."')
    run(tmp_path, "my.toml")
    (record,) = map(json.loads, (tmp_path / "runs/default/records.jsonl").read_text().splitlines())
    assert record["dataset"] == "Mine"
    found = record["details"]["dataset"]
    assert {key: found[key] for key in ("images", "lr", "hr_folder", "lr_folder", "note", "known")} == {
        "images": 2,
        "lr": "stored",
        "hr_folder": "pictures",
        "lr_folder": "small/X4",
        "note": "Taken at dusk.",
        "known": None,
    }


@pytest.mark.parametrize(
    ("text", "datasets", "message"),
    [
        ('name = "Set5"\nhr = "x"', ["my.toml"], "Set5 is a catalogued set; give the folder another name"),
        ('name = "Mine"\nhr = "x"', ["my.toml", "Mine=x"], "--datasets names two folders Mine"),
        ('name = "Mine"\nheight = 3', ["my.toml"], "unknown key in my.toml: 'height'"),
    ],
)
def test_a_card_that_does_not_fit_is_wrong_usage(
    text: str, datasets: list[str], message: str, tmp_path: Path
) -> None:
    written(tmp_path, text)
    assert message in run(tmp_path, *datasets, status=2)
    assert not (tmp_path / "runs").exists()
