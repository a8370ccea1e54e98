"""Pictures of every kind: how they are read, enlarged and written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

from suite.errors import SuiteError
from suite.images import enlarge
from suite.pictures import enlarged, read_picture, write_png
from suite.png import encode_16_bit

NOISE = np.random.default_rng(0).integers(0, 256, (6, 9, 4), dtype=np.uint8)
WIDE = np.random.default_rng(1).integers(0, 65536, (6, 9, 4), dtype=np.uint16)
IMAGE = Image.fromarray(NOISE[..., :3])


def saved(file: Path, image: Image.Image, **options: object) -> Path:
    image.save(file, **options)
    return file


def test_rgb_is_read_as_it_is(tmp_path: Path) -> None:
    picture = read_picture(saved(tmp_path / "a.png", IMAGE))
    assert np.array_equal(picture.colour, NOISE[..., :3])
    assert (picture.grey, picture.alpha, picture.bits, picture.notes) == (False, None, 8, ())


def test_grey_has_three_equal_planes(tmp_path: Path) -> None:
    picture = read_picture(saved(tmp_path / "a.png", Image.fromarray(NOISE[..., 0])))
    assert np.array_equal(picture.colour, NOISE[..., :1].repeat(3, axis=-1))
    assert picture.grey
    assert picture.notes == ("grey, repeated over three channels",)


def test_black_and_white_is_0_and_255(tmp_path: Path) -> None:
    picture = read_picture(saved(tmp_path / "a.png", Image.fromarray(NOISE[..., 0] > 127)))
    assert picture.grey
    assert np.array_equal(picture.colour[..., 0], (NOISE[..., 0] > 127) * 255.0)


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_apart(channels: int, tmp_path: Path) -> None:
    picture = read_picture(saved(tmp_path / "a.png", Image.fromarray(NOISE[..., :channels])))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, NOISE[..., channels - 1])
    assert np.array_equal(picture.colour[..., 0], NOISE[..., 0])
    assert "alpha enlarged bicubically" in picture.notes
    assert picture.grey == (channels == 2)


@pytest.mark.parametrize("transparency", [None, 1, bytes([10, 200, 255])])
def test_a_palette_is_looked_up(transparency: int | bytes | None, tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), mode="P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    options = {} if transparency is None else {"transparency": transparency}
    picture = read_picture(saved(tmp_path / "a.png", image, **options))
    assert picture.colour.tolist() == [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [40, 50, 60]]]
    alpha = {None: None, 1: [[255, 0], [255, 0]]}.get(transparency, [[10, 200], [255, 200]])  # type: ignore[call-overload]
    assert (None if picture.alpha is None else picture.alpha.tolist()) == alpha
    assert picture.notes[0] == "colours looked up in its palette"


def test_a_transparent_colour_becomes_alpha(tmp_path: Path) -> None:
    key = tuple(int(level) for level in NOISE[2, 3, :3])
    picture = read_picture(saved(tmp_path / "a.png", IMAGE, transparency=key))
    expected = np.full((6, 9), 255)
    expected[2, 3] = 0
    assert np.array_equal(picture.alpha, expected)


def test_cmyk_is_converted_and_said(tmp_path: Path) -> None:
    picture = read_picture(saved(tmp_path / "a.tif", Image.new("CMYK", (4, 4), (0, 0, 255, 0))))
    assert (picture.colour == [255, 255, 0]).all()
    assert picture.notes == ("converted from CMYK",)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_of_a_png_are_kept(channels: int, tmp_path: Path) -> None:
    samples = WIDE[..., :channels]
    (tmp_path / "a.png").write_bytes(encode_16_bit(samples))
    picture = read_picture(tmp_path / "a.png")
    assert picture.bits == 16
    planes = picture.colour[..., :1] if picture.grey else picture.colour
    if picture.alpha is not None:
        planes = np.concatenate([planes, picture.alpha[..., None]], axis=-1)
    assert np.array_equal(np.rint(planes * 257), samples)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_of_a_tiff_are_kept(
    channels: int, compression: str | None, order: str, tmp_path: Path
) -> None:
    samples = WIDE[..., :channels]
    kind = {1: "minisblack", 3: "rgb"}[channels]
    tifffile.imwrite(
        tmp_path / "a.tif", samples.squeeze(), byteorder=order, compression=compression, photometric=kind
    )
    picture = read_picture(tmp_path / "a.tif")
    assert (picture.bits, picture.grey) == (16, channels == 1)
    assert np.array_equal(np.rint(picture.colour[..., :channels] * 257), samples)


def test_a_transparent_colour_of_16_bits_becomes_alpha(tmp_path: Path) -> None:
    grey = Image.fromarray(WIDE[..., 0])
    picture = read_picture(saved(tmp_path / "a.png", grey, transparency=int(WIDE[1, 2, 0])))
    expected = np.full((6, 9), 255)
    expected[1, 2] = 0
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, expected)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(orientation: int, suffix: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = saved(tmp_path / f"a{suffix}", IMAGE, exif=exif)
    picture = read_picture(file)
    with Image.open(file) as image:
        image.load()
        assert np.array_equal(picture.colour, np.asarray(ImageOps.exif_transpose(image)))
    assert bool(picture.notes) == (orientation > 1)


def test_the_first_frame_of_an_animation_is_taken_and_said(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "blue")]
    picture = read_picture(saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:]))
    assert (picture.colour == [255, 0, 0]).all()
    assert picture.notes[0] == "first of 2 frames"


def colour_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("bits", [8, 16])
def test_a_colour_profile_is_carried_over(bits: int, tmp_path: Path) -> None:
    samples = NOISE[..., :3] if bits == 8 else WIDE[..., :3]
    write_png(tmp_path / "a.png", samples, colour_profile())
    picture = read_picture(tmp_path / "a.png")
    assert picture.bits == bits
    assert picture.profile == colour_profile()


@pytest.mark.parametrize("mode", ["F", "I", "LAB"])
def test_numbers_that_are_no_levels_are_refused(mode: str, tmp_path: Path) -> None:
    image = Image.new(mode, (4, 4))
    with pytest.raises(SuiteError, match=rf"a\.tif has mode {mode}, whose numbers are no levels"):
        read_picture(saved(tmp_path / "a.tif", image))


def cut(file: Path) -> None:
    file.write_bytes(saved(file, IMAGE).read_bytes()[:-90])


def cut_wide(file: Path) -> None:
    file.write_bytes(encode_16_bit(WIDE[..., :3])[:-90])


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda file: None, "does not exist"),
        (lambda file: file.write_text("no pixels"), "not an image"),
        (lambda file: file.touch(), "not an image"),
        (cut, "damaged"),
        (cut_wide, "damaged"),
    ],
)
def test_a_file_that_holds_no_picture_is_named(
    write: Callable[[Path], object], words: str, tmp_path: Path
) -> None:
    write(tmp_path / "a.png")
    with pytest.raises(SuiteError, match=rf"a\.png.*{words}"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("limit", [50, 20])
def test_a_decompression_bomb_is_refused(limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(tmp_path / "bomb.png", IMAGE)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(SuiteError, match=r"bomb\.png declares more pixels"):
        read_picture(file)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_picture_is_written_in_its_own_kind(channels: int, bits: int, tmp_path: Path) -> None:
    samples = (NOISE if bits == 8 else WIDE)[..., :channels]
    write_png(tmp_path / "a.png", samples)
    picture = read_picture(tmp_path / "a.png")
    levels = picture.colour.repeat(4, axis=0).repeat(4, axis=1)
    result = enlarged(picture, levels, 4)
    assert (result.shape, result.dtype) == ((24, 36, channels), samples.dtype)
    colours = channels - (channels in (2, 4))
    assert np.array_equal(result[::4, ::4, :colours], samples[..., :colours])
    if picture.alpha is not None:
        alpha = np.rint(np.clip(enlarge(picture.alpha, 4), 0, 255) * (257 if bits == 16 else 1))
        assert np.array_equal(result[..., -1], alpha)
    write_png(tmp_path / "b.png", result)
    again = read_picture(tmp_path / "b.png")
    assert (again.bits, again.grey, again.alpha is None) == (bits, channels < 3, channels in (1, 3))
    assert np.array_equal(enlarged(again, again.colour, 1), result)


def test_grey_is_the_luma_of_the_three_planes(tmp_path: Path) -> None:
    picture = read_picture(saved(tmp_path / "a.png", Image.new("L", (1, 1))))
    levels = np.array([[[255.0, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]])
    assert enlarged(picture, levels, 1)[0, :, 0].tolist() == [76, 150, 29, 255]  # 0.299, 0.587, 0.114 of 255
