"""What parts of images pictures are kept of, and the crops that a user names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from suite.datasets import open_dataset
from suite.errors import SuiteError, UsageError
from suite.regions import ALLOWANCE, SIDE, Region, image_sizes, parse_crops, place_crops, usual_regions

TinySet = Callable[..., Path]


def test_sizes_are_those_that_are_judged(tiny_set: TinySet, tmp_path: Path) -> None:
    dataset = open_dataset(f"set={tiny_set((45, 51), (48, 64))}", 4, tmp_path)
    assert image_sizes(dataset) == {"a": (48, 44), "b": (64, 48)}
    assert image_sizes(dataset) == {pair.name: pair.hr.shape[1::-1] for pair in dataset.pairs()}


def test_an_lr_image_decides_the_size(tiny_set: TinySet, tmp_path: Path) -> None:
    folder = tiny_set((64, 64), (64, 64), name="both")
    hr, lr = folder / "HR", folder / "LR_bicubic" / "X2"
    hr.mkdir()
    lr.mkdir(parents=True)
    (folder / "a.png").rename(hr / "a.png")
    (folder / "b.png").unlink()
    Image.new("RGB", (30, 25)).save(lr / "ax2.png")
    dataset = open_dataset(f"set={folder}", 2, tmp_path)
    assert image_sizes(dataset) == {"a": (60, 50)} == {p.name: p.hr.shape[1::-1] for p in dataset.pairs()}


def test_a_file_that_is_no_image(tiny_set: TinySet, tmp_path: Path) -> None:
    folder = tiny_set()
    (folder / "a.png").write_text("no")
    with pytest.raises(SuiteError, match=r"a\.png is not an image"):
        image_sizes(open_dataset(f"set={folder}", 2, tmp_path))


def test_the_smallest_images_are_kept_and_the_middle_of_large_ones() -> None:
    sizes = {"large": (2000, 1000), "small": (40, 30), "wide": (SIDE + 101, 20), "again": (30, 40)}
    assert usual_regions(sizes) == (
        Region("again", 0, 0, 30, 40),
        Region("small", 0, 0, 40, 30),
        Region("wide", 50, 0, SIDE, 20),
        Region("large", (2000 - SIDE) // 2, (1000 - SIDE) // 2, SIDE, SIDE),
    )
    many = usual_regions({f"{number}": (1000, 1000) for number in range(9)})
    assert [region.image for region in many] == ["0", "1", "2"]
    assert sum(region.width * region.height for region in many) <= ALLOWANCE
    assert usual_regions({}) == ()


def test_crops_as_a_user_names_them() -> None:
    crops = parse_crops(["butterfly:80,16,96x64", "a:b:0,0,16x16", "butterfly:80,16,96x64"])
    assert crops == (
        Region("butterfly", 80, 16, 96, 64, chosen=True),
        Region("a:b", 0, 0, 16, 16, chosen=True),
    )
    assert [str(crop) for crop in crops] == ["butterfly:80,16,96x64", "a:b:0,0,16x16"]


@pytest.mark.parametrize(
    "text",
    [
        "butterfly",
        "butterfly:",
        "b:1,2",
        "b:1,2,96",
        "b:-1,2,96x96",
        "b:1.5,2,96x96",
        ":1,2,96x96",
        "b:1,2,9x",
    ],
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"write IMAGE:X,Y,WxH in pixels of HR"):
        parse_crops([text])


def test_crops_that_are_too_small_or_too_large() -> None:
    with pytest.raises(UsageError, match="--crops b:0,0,15x96: a crop is at least 16x16 pixels"):
        parse_crops(["b:0,0,15x96"])
    with pytest.raises(UsageError, match="490,000 pixels in all are more than 400,000"):
        parse_crops(["b:0,0,700x700"])


def test_crops_find_their_set() -> None:
    sizes = {"Set5": {"baby": (512, 512)}, "Set14": {"baboon": (500, 480), "baby": (9, 9)}}
    first, second = parse_crops(["baby:416,416,96x96", "baboon:0,0,20x20"])
    assert place_crops([first, second], sizes) == {"Set5": (first,), "Set14": (second,)}
    with pytest.raises(UsageError, match="unknown image 'babi': did you mean 'baby'"):
        place_crops(parse_crops(["babi:0,0,96x96"]), sizes)
    with pytest.raises(UsageError, match="baby of Set5 is 512x512 pixels, and the crop ends at 513,512"):
        place_crops(parse_crops(["baby:417,416,96x96"]), sizes)
    assert place_crops(parse_crops(["x:0,0,96x96"]), {"Set5": {"baby": (512, 512)}, "damaged": {}}) == {}


def test_what_lies_inside() -> None:
    region = Region("a", 10, 20, 30, 40)
    assert region.holds(region) and region.holds(Region("a", 11, 21, 29, 39))
    for other in (Region("b", 10, 20, 30, 40), Region("a", 9, 20, 30, 40), Region("a", 10, 20, 31, 40)):
        assert not region.holds(other)
    assert region.inside(40, 60) and not region.inside(39, 60) and not region.inside(40, 59)
