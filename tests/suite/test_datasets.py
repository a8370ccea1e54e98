"""Test sets: pairs of images, and a digest of their pixels that says which copy of a set it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from suite.datasets import Dataset, open_dataset
from suite.errors import SuiteError, UsageError
from suite.images import crop_to_multiple, read_rgb, shrink

TinySet = Callable[..., Path]
NOWHERE = Path("no-home")


def opened(folder: Path, scale: int = 4, name: str = "mine") -> Dataset:
    return open_dataset(f"{name}={folder}", scale, NOWHERE)


def store_lr(folder: Path, scale: int = 4) -> Path:
    """Move the HR images of a folder into HR and put their LR images beside, in the layout of the field."""
    (folder / "HR").mkdir()
    for file in folder.glob("*.png"):
        file.rename(folder / "HR" / file.name)
    lr = folder / "LR_bicubic" / f"X{scale}"
    lr.mkdir(parents=True)
    for file in (folder / "HR").iterdir():
        image = shrink(crop_to_multiple(read_rgb(file), scale), scale)
        Image.fromarray(image).save(lr / f"{file.stem}x{scale}.png")
    return lr


# Pairs


def test_pairs_come_in_the_order_of_their_names(tiny_set: TinySet) -> None:
    pairs = list(opened(tiny_set((48, 64), (40, 32), (24, 24))).pairs())
    assert [pair.name for pair in pairs] == ["a", "b", "c"]
    assert [pair.hr.shape for pair in pairs] == [(48, 64, 3), (40, 32, 3), (24, 24, 3)]
    assert [pair.lr.shape for pair in pairs] == [(12, 16, 3), (10, 8, 3), (6, 6, 3)]


@pytest.mark.parametrize(("scale", "height", "width"), [(2, 46, 62), (3, 45, 63), (4, 44, 60)])
def test_hr_is_cropped_from_the_top_left(scale: int, height: int, width: int, tiny_set: TinySet) -> None:
    folder = tiny_set((47, 63))
    (pair,) = opened(folder, scale).pairs()
    assert np.array_equal(pair.hr, read_rgb(folder / "a.png")[:height, :width])
    assert pair.lr.shape == (height // scale, width // scale, 3)


def test_grey_images_have_three_equal_channels(tiny_set: TinySet) -> None:
    (pair,) = opened(tiny_set((48, 64), grey=True)).pairs()
    for image in (pair.hr, pair.lr):
        assert np.array_equal(image, np.stack([image[..., 0]] * 3, axis=-1))


def test_stored_lr_images_are_used_as_they_are(tiny_set: TinySet) -> None:
    folder = tiny_set((48, 64))
    lr = store_lr(folder)
    black = np.zeros((12, 16, 3), np.uint8)
    Image.fromarray(black).save(lr / "ax4.png")
    dataset = opened(folder)
    assert dataset.lr_origin == "stored"
    assert np.array_equal(next(dataset.pairs()).lr, black)


def test_an_lr_image_may_stand_for_a_part_of_hr(tiny_set: TinySet) -> None:
    folder = tiny_set((48, 64))
    lr = store_lr(folder)
    Image.fromarray(np.zeros((10, 15, 3), np.uint8)).save(lr / "ax4.png")
    (pair,) = opened(folder).pairs()
    assert np.array_equal(pair.hr, read_rgb(folder / "HR" / "a.png")[:40, :60])


def test_lr_images_of_another_scale_are_not_used(tiny_set: TinySet) -> None:
    folder = tiny_set((48, 64))
    store_lr(folder, scale=2)
    assert opened(folder, 2).lr_origin == "stored"
    assert opened(folder, 4).lr_origin == "made"


# Digest


def test_stored_and_made_lr_images_have_one_digest(tiny_set: TinySet) -> None:
    folder = tiny_set()
    made = opened(folder)
    digest = made.digest
    store_lr(folder)
    stored = opened(folder)
    assert (made.lr_origin, stored.lr_origin) == ("made", "stored")
    assert stored.digest == digest


def test_the_digest_does_not_depend_on_the_file_format(tiny_set: TinySet) -> None:
    folder = tiny_set()
    before = opened(folder).digest
    for file in folder.glob("*.png"):
        Image.open(file).save(file.with_suffix(".webp"), lossless=True)
        file.unlink()
    assert opened(folder).digest == before


def test_the_digest_does_not_depend_on_where_the_folder_lies(tiny_set: TinySet, tmp_path: Path) -> None:
    folder = tiny_set()
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert opened(tmp_path / "elsewhere", name="other").digest == opened(folder).digest


def change_one_level(folder: Path) -> None:
    pixels = read_rgb(folder / "a.png").copy()
    pixels[20, 30, 1] ^= 1
    Image.fromarray(pixels).save(folder / "a.png")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change_one_level, id="one level of one pixel"),
        pytest.param(lambda folder: (folder / "a.png").rename(folder / "z.png"), id="a name"),
        pytest.param(lambda folder: (folder / "b.png").unlink(), id="an image less"),
        pytest.param(lambda folder: shutil.copy(folder / "a.png", folder / "c.png"), id="an image more"),
    ],
)
def test_the_digest_changes_with(change: Callable[[Path], object], tiny_set: TinySet) -> None:
    folder = tiny_set()
    before = opened(folder).digest
    change(folder)
    assert opened(folder).digest != before


def test_the_digest_changes_with_an_lr_image(tiny_set: TinySet) -> None:
    folder = tiny_set((48, 64))
    lr = store_lr(folder)
    before = opened(folder).digest
    Image.fromarray(read_rgb(lr / "ax4.png") ^ 1).save(lr / "ax4.png")
    assert opened(folder).digest != before


def test_the_digest_changes_with_the_scale(tiny_set: TinySet) -> None:
    folder = tiny_set()
    assert len({opened(folder, scale).digest for scale in (2, 3, 4)}) == 3


def test_pixels_that_are_cropped_away_do_not_matter(tiny_set: TinySet) -> None:
    folder = tiny_set((50, 66))
    before = opened(folder).digest
    Image.fromarray(read_rgb(folder / "a.png")[:48, :64]).save(folder / "a.png")
    assert opened(folder).digest == before


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        *((name, scale) for name in ("Set5", "Set14") for scale in (2, 3, 4)),
        *(pytest.param(name, 4, marks=pytest.mark.slow) for name in ("B100", "B100_original", "Urban100")),
    ],
)
def test_the_copies_in_the_data_home_are_the_known_ones(name: str, scale: int, home: Path) -> None:
    assert open_dataset(name, scale, home).known is True


@pytest.mark.parametrize("scale", [2, 4])
def test_photos_need_no_data_home(scale: int) -> None:
    photos = open_dataset("photos", scale, NOWHERE)
    assert [file.stem for file, _ in photos.files] == [
        "astronaut",
        "camera",
        "chelsea",
        "coffee",
        "motorcycle_left",
    ]
    assert photos.known is True


def test_no_copy_of_a_users_folder_is_known(tiny_set: TinySet) -> None:
    assert opened(tiny_set()).known is None


def test_another_copy_of_a_catalogued_set_is_told_apart(tiny_set: TinySet, tmp_path: Path) -> None:
    tiny_set(*[(48, 64)] * 5, name="HR")
    (tmp_path / "data" / "Set5").mkdir(parents=True)
    (tmp_path / "HR").rename(tmp_path / "data" / "Set5" / "HR")
    assert open_dataset("Set5", 4, tmp_path).known is False


# Names and folders


def test_name_and_folder_with_hr_images_in_it_or_in_hr(tiny_set: TinySet, tmp_path: Path) -> None:
    flat = opened(tiny_set(name="flat"))
    (tmp_path / "nested").mkdir()
    tiny_set(name="nested/HR")
    nested = opened(tmp_path / "nested")
    assert (flat.name, nested.name) == ("mine", "mine")
    assert nested.digest == flat.digest


def test_a_folder_name_may_hold_an_equals_sign(tiny_set: TinySet) -> None:
    folder = tiny_set(name="a=b")
    assert opened(folder).hr == folder


@pytest.mark.parametrize("name", ["Set5", "set5", "SET5"])
def test_the_case_of_a_catalogued_name_does_not_matter(name: str, home: Path) -> None:
    assert open_dataset(name, 4, home).name == "Set5"


@pytest.mark.parametrize(("name", "meant"), [("Set6", "Set5"), ("urban", "Urban100"), ("photo", "photos")])
def test_an_unknown_name_is_answered_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"unknown dataset '{name}': did you mean '{meant}'"):
        open_dataset(name, 4, NOWHERE)


def test_a_scale_without_images_is_wrong_usage(home: Path) -> None:
    with pytest.raises(UsageError, match="Set5 has no images for x8"):
        open_dataset("Set5", 8, home)


# Sets that are not whole


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"nowhere of the dataset mine does not exist"):
        opened(tmp_path / "nowhere")
    with pytest.raises(SuiteError, match=r"data/Set5 of the dataset Set5 does not exist.*--home"):
        open_dataset("Set5", 4, tmp_path)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="holds no images"):
        list(opened(tmp_path).pairs())


def test_a_catalogued_set_must_have_all_its_images(tiny_set: TinySet, tmp_path: Path) -> None:
    tiny_set((48, 64), (48, 64), name="HR")
    (tmp_path / "data" / "Set5").mkdir(parents=True)
    (tmp_path / "HR").rename(tmp_path / "data" / "Set5" / "HR")
    with pytest.raises(SuiteError, match="holds 2 images; Set5 has 5"):
        _ = open_dataset("Set5", 4, tmp_path).digest


def test_a_missing_lr_image_is_named(tiny_set: TinySet) -> None:
    folder = tiny_set()
    (store_lr(folder) / "bx4.png").unlink()
    with pytest.raises(SuiteError, match=r"X4 lacks bx4: complete the folder, or remove it"):
        list(opened(folder).pairs())


@pytest.mark.parametrize(("height", "width"), [(13, 16), (12, 17)])
def test_an_lr_image_larger_than_hr_is_refused(height: int, width: int, tiny_set: TinySet) -> None:
    folder = tiny_set((48, 64))
    lr = store_lr(folder)
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(lr / "ax4.png")
    expected = rf"ax4\.png times 4 is {4 * width}x{4 * height}, larger than .*a\.png \(64x48\)"
    with pytest.raises(SuiteError, match=expected):
        list(opened(folder).pairs())


def test_an_image_smaller_than_the_scale_is_refused(tiny_set: TinySet) -> None:
    with pytest.raises(SuiteError, match=r"a\.png is smaller than the scale x4"):
        list(opened(tiny_set((48, 3))).pairs())


def test_a_damaged_image_is_named(tiny_set: TinySet) -> None:
    folder = tiny_set()
    (folder / "b.png").write_text("not pixels")
    with pytest.raises(SuiteError, match=r"b\.png is not an image"):
        _ = opened(folder).digest
