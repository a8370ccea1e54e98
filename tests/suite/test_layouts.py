"""Folders of users' images: the layouts that are understood, and those that leave a choice open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from suite.datasets import Dataset, open_dataset
from suite.errors import SuiteError
from suite.images import crop_to_multiple, read_rgb, shrink

TinySet = Callable[..., Path]


def opened(folder: Path, scale: int = 4) -> Dataset:
    return open_dataset(f"mine={folder}", scale, Path("no-home"))


def lr_of(hr: Path, folder: Path, scale: int = 4, suffix: str = "") -> Path:
    """Store the LR images of a folder; black, so that they are not mistaken for ones made here."""
    folder.mkdir(parents=True)
    for file in hr.glob("*.png"):
        small = shrink(crop_to_multiple(read_rgb(file), scale), scale)
        Image.fromarray(np.zeros_like(small)).save(folder / f"{file.stem}{suffix}.png")
    return folder


def is_black(dataset: Dataset) -> bool:
    return not any(pair.lr.any() for pair in dataset.pairs())


# HR


@pytest.mark.parametrize("name", ["HR", "GT", "GTmod12", "original", "hr", "gt"])
def test_hr_images_lie_in_a_folder_of_a_usual_name(name: str, tiny_set: TinySet, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    hr = tiny_set(name=f"set/{name}")
    dataset = opened(tmp_path / "set")
    assert (dataset.hr, dataset.lr_origin) == (hr, "made")
    assert dataset.folders == {"hr_folder": name}


def test_hr_images_lie_in_the_folder_itself(tiny_set: TinySet) -> None:
    folder = tiny_set()
    (folder / "notes").mkdir()
    assert opened(folder).folders == {"hr_folder": "."}


def test_the_originals_stand_back_behind_what_was_cut_from_them(tiny_set: TinySet, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    tiny_set((47, 63), name="set/original")
    hr = tiny_set((36, 60), name="set/GTmod12")
    assert opened(tmp_path / "set").hr == hr


@pytest.mark.parametrize(("first", "second"), [("GT", "HR"), ("GT", "GTmod12")])
def test_two_folders_of_hr_images_are_one_too_many(
    first: str, second: str, tiny_set: TinySet, tmp_path: Path
) -> None:
    (tmp_path / "set").mkdir()
    tiny_set(name=f"set/{first}")
    tiny_set(name=f"set/{second}")
    with pytest.raises(SuiteError, match=f"set holds HR images in '{first}' and '{second}': keep one"):
        opened(tmp_path / "set")
    assert opened(tmp_path / "set" / first).hr.name == first


def test_images_beside_a_folder_of_hr_images_are_one_too_many(tiny_set: TinySet) -> None:
    folder = tiny_set()
    tiny_set(name="tiny/HR")
    with pytest.raises(SuiteError, match=r"holds HR images in '\.' and 'HR'"):
        opened(folder)


# LR


@pytest.mark.parametrize("suffix", ["", "x4", "_x4", "-x4"])
@pytest.mark.parametrize(
    "place", ["LR_bicubic/X4", "LR_bicubic/x4", "LRbicx4", "LR/X4", "LR/x4", "LR", "LR_bicubic"]
)
def test_lr_images_lie_in_a_usual_place_under_a_usual_name(
    place: str, suffix: str, tiny_set: TinySet, tmp_path: Path
) -> None:
    (tmp_path / "set").mkdir()
    lr_of(tiny_set(name="set/HR"), tmp_path / "set" / place, suffix=suffix)
    dataset = opened(tmp_path / "set")
    assert dataset.lr_origin == "stored"
    assert dataset.folders == {"hr_folder": "HR", "lr_folder": place}
    assert is_black(dataset)


def test_lr_images_lie_beside_as_in_div2k(tiny_set: TinySet, tmp_path: Path) -> None:
    hr = tiny_set(name="DIV2K_valid_HR")
    lr_of(hr, tmp_path / "DIV2K_valid_LR_bicubic/X4", suffix="x4")
    lr_of(hr, tmp_path / "DIV2K_valid_LR_bicubic/X2", 2, suffix="x2")
    for scale in (2, 4):
        dataset = opened(hr, scale)
        assert dataset.folders["lr_folder"] == f"../DIV2K_valid_LR_bicubic/X{scale}"
        assert is_black(dataset)
    assert opened(hr, 3).lr_origin == "made"


def test_the_hr_folder_alone_may_be_named(tiny_set: TinySet, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    hr = tiny_set(name="set/GTmod12")
    lr_of(hr, tmp_path / "set/LRbicx4")
    assert opened(hr).folders == {"hr_folder": ".", "lr_folder": "../LRbicx4"}


def test_what_lies_beside_a_folder_of_another_name_is_not_looked_at(
    tiny_set: TinySet, tmp_path: Path
) -> None:
    hr = tiny_set(name="photos")
    lr_of(hr, tmp_path / "LR")
    assert opened(hr).lr_origin == "made"


def test_lr_images_of_another_scale_in_a_folder_without_scale_are_not_used(
    tiny_set: TinySet, tmp_path: Path
) -> None:
    (tmp_path / "set").mkdir()
    lr_of(tiny_set((49, 66), (45, 51), name="set/HR"), tmp_path / "set/LR", scale=4)
    assert [opened(tmp_path / "set", scale).lr_origin for scale in (2, 3, 4)] == ["made", "made", "stored"]


def test_lr_images_are_made_where_there_are_none(tiny_set: TinySet) -> None:
    dataset = opened(tiny_set((48, 64)))
    (pair,) = dataset.pairs()
    assert dataset.lr_origin == "made"
    assert np.array_equal(pair.lr, shrink(pair.hr, 4))


@pytest.mark.parametrize(
    ("first", "second"), [("LR_bicubic/X4", "LRbicx4"), ("LR", "LR_bicubic"), ("LR_bicubic/X4", "LR/x4")]
)
def test_two_folders_of_lr_images_are_one_too_many(
    first: str, second: str, tiny_set: TinySet, tmp_path: Path
) -> None:
    (tmp_path / "set").mkdir()
    hr = tiny_set(name="set/HR")
    lr_of(hr, tmp_path / "set" / first)
    lr_of(hr, tmp_path / "set" / second)
    with pytest.raises(SuiteError) as caught:
        opened(tmp_path / "set")
    assert "set holds x4 LR images in" in str(caught.value)
    assert f"'{first}'" in str(caught.value)
    assert f"'{second}'" in str(caught.value)


def test_two_lr_images_for_one_hr_image_are_one_too_many(tiny_set: TinySet, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    lr = lr_of(tiny_set(name="set/HR"), tmp_path / "set/LR/X4", suffix="x4")
    Image.open(lr / "ax4.png").save(lr / "a.png")
    with pytest.raises(SuiteError, match=r"X4 holds a\.png and ax4\.png for a: remove one"):
        list(opened(tmp_path / "set").pairs())


def test_a_damaged_image_in_a_folder_without_scale_is_named(tiny_set: TinySet, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    lr = lr_of(tiny_set(name="set/HR"), tmp_path / "set/LR")
    (lr / "a.png").write_text("no image")
    with pytest.raises(SuiteError, match=r"LR/a\.png is not an image"):
        opened(tmp_path / "set")
