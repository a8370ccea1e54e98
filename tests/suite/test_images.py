"""Reading images as they are meant, luma and chroma, and MATLAB's bicubic resizing to the last bit."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from skimage.color import rgb2ycbcr

from baselines.bicubic import Bicubic
from suite.datasets import open_dataset
from suite.errors import SuiteError
from suite.images import crop_to_multiple, enlarge, image_files, luma, read_rgb, shrink, to_rgb, to_ycbcr

NOISE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
IMAGE = Image.fromarray(NOISE)


# Downscaling


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        *((name, scale) for name in ("Set5", "Set14") for scale in (2, 3, 4)),
        pytest.param("B100", 4, marks=pytest.mark.slow),
        pytest.param("Urban100", 4, marks=pytest.mark.exhaustive),
    ],
)
def test_shrinking_gives_the_stored_images_of_the_test_sets(name: str, scale: int, home: Path) -> None:
    for pair in open_dataset(name, scale, home).pairs():
        assert np.array_equal(shrink(pair.hr, scale), pair.lr), pair.name


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("level", [0, 1, 77, 255])
def test_a_constant_image_stays_constant(level: int, scale: int) -> None:
    image = np.full((6 * scale, 5 * scale, 3), level, np.uint8)
    assert np.array_equal(shrink(image, scale), np.full((6, 5, 3), level))


# At x2 the kernel is twice as wide and half as high. Output k lies at 2k + 1/2, thus 1/2, 3/2, 5/2 and 7/2
# from the inputs on either side, with the weights 111, 29, -9 and -3 over 256.


def test_a_column_at_x2_is_weighed_and_rounded_half_up() -> None:
    image = np.full((12, 12, 3), 100, np.uint8)
    image[:, 6] = 228  # 128 more: 128 * (111, 29, -9, -3) / 256 = 55.5, 14.5, -4.5, -1.5
    row = [100, 99, 115, 156, 96, 100]  # 98.5, 114.5, 155.5, 95.5
    assert np.array_equal(shrink(image, 2)[..., 0], [row] * 6)


def test_rows_are_shrunk_and_rounded_before_columns() -> None:
    image = np.full((12, 12, 3), 100, np.uint8)
    image[6, 6] = 228
    shrunk = shrink(image, 2)[..., 0]
    # Down first: 114.5 becomes 115; then across: 100 + 15 * 111 / 256 = 106.504 becomes 107.
    assert shrunk[2, 3] == 107
    # Down first: 155.5 becomes 156; then across: 100 + 56 * 29 / 256 = 106.34 becomes 106.
    assert shrunk[3, 2] == 106


def test_a_floating_image_is_shrunk_without_rounding_or_clipping() -> None:
    image = np.zeros((4, 12))
    image[:, 6] = 256
    row = [0, -3, 29, 111, -9, 0]
    np.testing.assert_allclose(shrink(image, 2), [row] * 2, rtol=0, atol=1e-12)


def test_overshoot_is_clipped() -> None:
    image = np.zeros((12, 12, 3), np.uint8)
    image[:, 6:] = 255
    row = shrink(image, 2)[0, :, 0]
    # Outputs lie 7/2 and 3/2 before the edge's first white column, which weigh -3 and 29 - 9 - 3 over 256,
    # and behind it as far from the last black one.
    assert list(row) == [0, 0, 17, 238, 255, 255]


def test_borders_are_mirrored_with_the_last_pixel_twice() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:, 0] = 200
    # ... 0 200 | 200 0 0 0 | 0 0 ...: seen at 1/2 and, mirrored, at 3/2: 200 * (111 + 29) / 256 = 109.4
    assert np.array_equal(shrink(image, 2)[..., 0], [[109, 0]] * 2)


def test_colours_do_not_mix() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[..., 1] = NOISE[:8, :8, 1]
    shrunk = shrink(image, 2)
    assert shrunk[..., 1].any()
    assert not shrunk[..., [0, 2]].any()


@pytest.mark.parametrize(
    ("scale", "height", "width"), [(2, 20, 30), (3, 18, 30), (4, 20, 28), (7, 14, 28), (20, 20, 20)]
)
def test_cropping_drops_the_last_rows_and_columns(scale: int, height: int, width: int) -> None:
    assert np.array_equal(crop_to_multiple(NOISE, scale), NOISE[:height, :width])


# Enlarging

# At x2 outputs lie 1/4, 3/4, 5/4 and 7/4 from an input on either side, with the weights 111, 29, -9 and -3
# over 128.


def test_a_column_is_enlarged_at_x2() -> None:
    image = np.zeros((3, 7))
    image[:, 3] = 128
    row = [0, 0, 0, -3, -9, 29, 111, 111, 29, -9, -3, 0, 0, 0]
    np.testing.assert_allclose(enlarge(image, 2), [row] * 6, rtol=0, atol=1e-12)


def test_an_8_bit_image_is_rounded_and_clipped_after_the_rows() -> None:
    image = np.full((7, 7), 2, np.uint8)
    image[3, 3] = 130
    # Rows first: 2 - 3, 2 - 9, 2 + 29 and 2 + 111; the negative ones are clipped to 0 before the columns,
    # which see 31 and 113 in place of 130, and 0 in the clipped rows, where a floating image has -1 and -7.
    above = [2.0] * 3 + [2 + w * 29 / 128 for w in (-3, -9, 29, 111, 111, 29, -9, -3)] + [2.0] * 3
    beside = [2.0] * 3 + [2 + w * -2 / 128 for w in (-3, -9, 29, 111, 111, 29, -9, -3)] + [2.0] * 3
    enlarged = enlarge(image, 2)
    assert enlarged.dtype == np.uint8
    assert list(enlarged[5]) == [max(0, math.floor(value + 0.5)) for value in above]
    assert list(enlarged[4]) == [max(0, math.floor(value + 0.5)) for value in beside]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_floating_image_is_enlarged_as_the_network_bicubic_does(scale: int) -> None:
    # Another way of computing it: phases and tensors in place of MATLAB's lists of positions and weights.
    planes = np.random.default_rng(1).uniform(-50, 300, (9, 11, 3))
    network = Bicubic(scale)(torch.from_numpy(planes.transpose(2, 0, 1))[None])[0].numpy().transpose(1, 2, 0)
    np.testing.assert_allclose(enlarge(planes, scale), network, rtol=0, atol=1e-10)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_enlarging_is_pillows_bicubic_inside(scale: int) -> None:
    plane = np.random.default_rng(2).uniform(0, 255, (14, 17))
    size = (17 * scale, 14 * scale)
    pillow = Image.fromarray(plane.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    inside = (slice(2 * scale, -2 * scale),) * 2  # Pillow does not mirror its borders
    np.testing.assert_allclose(enlarge(plane, scale)[inside], np.asarray(pillow)[inside], rtol=0, atol=1e-3)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_one_pixel_is_enlarged_to_a_square(scale: int) -> None:
    assert np.array_equal(enlarge(np.full((1, 1, 3), 9, np.uint8), scale), np.full((scale, scale, 3), 9))


# Luma and chroma


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((0, 0, 0), 16),
        ((255, 255, 255), 235),
        ((255, 0, 0), 81.481),
        ((0, 255, 0), 144.553),
        ((0, 0, 255), 40.966),
        ((51, 51, 51), 59.8),  # a fifth of 219, and 16
    ],
)
def test_luma_of_a_colour(rgb: tuple[int, int, int], expected: float) -> None:
    assert luma(np.array([[rgb]], np.uint8))[0, 0] == pytest.approx(expected, abs=1e-12)


def test_luma_is_the_first_plane_of_ycbcr() -> None:
    photo = skimage.data.astronaut()
    np.testing.assert_allclose(luma(photo), rgb2ycbcr(photo)[..., 0], rtol=0, atol=1e-9)


def test_luma_and_chroma_are_those_of_scikit_image() -> None:
    photo = skimage.data.astronaut()
    np.testing.assert_allclose(to_ycbcr(photo), rgb2ycbcr(photo), rtol=0, atol=1e-9)
    np.testing.assert_allclose(to_ycbcr(photo)[..., 0], luma(photo), rtol=0, atol=1e-9)


def test_rgb_comes_back_from_luma_and_chroma() -> None:
    np.testing.assert_allclose(to_rgb(to_ycbcr(NOISE)), NOISE, rtol=0, atol=1e-9)


def test_luma_without_chroma_is_grey() -> None:
    ycbcr = np.array([[[16, 128, 128], [125.5, 128, 128], [235, 128, 128]]], np.float64)
    np.testing.assert_allclose(to_rgb(ycbcr), [[[0] * 3, [127.5] * 3, [255] * 3]], rtol=0, atol=1e-9)


# Reading


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".tif"])
def test_lossless_files_are_read_as_they_were_written(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"image{suffix}"
    IMAGE.save(file, lossless=True)
    assert np.array_equal(read_rgb(file), NOISE)


def test_grey_is_repeated_over_the_channels(tmp_path: Path) -> None:
    grey = NOISE[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert np.array_equal(read_rgb(tmp_path / "grey.png"), np.stack([grey] * 3, axis=-1))


def test_black_and_white_is_0_and_255(tmp_path: Path) -> None:
    bits = NOISE[..., 0] > 127
    Image.fromarray(bits).save(tmp_path / "bits.png")
    assert np.array_equal(read_rgb(tmp_path / "bits.png"), np.stack([bits * 255] * 3, axis=-1))


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), mode="P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.save(tmp_path / "palette.png")
    colours = [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [40, 50, 60]]]
    assert np.array_equal(read_rgb(tmp_path / "palette.png"), colours)


def sixteen_bit_rgb(file: Path) -> None:
    """Pillow can't write it, so the chunks are put together here."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(range(24)) for _ in range(4))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def truncated(file: Path) -> None:
    IMAGE.save(file)
    file.write_bytes(file.read_bytes()[:-600])


REFUSED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "missing": ("does not exist", lambda file: None),
    "text": ("not an image", lambda file: file.write_text("Not pixels.\nAt all.\n")),
    "empty": ("not an image", lambda file: file.touch()),
    "truncated": ("damaged", truncated),
    "alpha": ("mode RGBA", lambda file: IMAGE.convert("RGBA").save(file)),
    "grey with alpha": ("mode LA", lambda file: IMAGE.convert("LA").save(file)),
    "16-bit grey": ("mode I;16", lambda file: Image.fromarray(NOISE[..., 0].astype(np.uint16)).save(file)),
    "CMYK": ("mode CMYK", lambda file: IMAGE.convert("CMYK").save(file, "JPEG")),
    "palette with transparency": (
        "mode P with transparency",
        lambda file: IMAGE.convert("P").save(file, transparency=0),
    ),
    "colour key": ("mode RGB with transparency", lambda file: IMAGE.save(file, transparency=(0, 0, 0))),
    "16-bit RGB": ("16", sixteen_bit_rgb),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_leaves_open_which_pixels_are_meant_is_refused(kind: str, tmp_path: Path) -> None:
    words, write = REFUSED[kind]
    file = tmp_path / "image.png"
    write(file)
    with pytest.raises(SuiteError) as caught:
        read_rgb(file)
    message = str(caught.value)
    assert str(file) in message
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("limit", [500, 200])  # the image has 600 pixels: Pillow warns up to twice the limit
def test_a_decompression_bomb_is_refused(limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    IMAGE.save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(SuiteError, match=r"bomb\.png declares more pixels"):
        read_rgb(tmp_path / "bomb.png")


# Folders


def test_images_are_listed_by_stem_and_other_files_left_out(tmp_path: Path) -> None:
    for name in ("b.png", "a.WEBP", "c.jpeg", "notes.txt", "d"):
        (tmp_path / name).touch()
    assert [file.name for file in image_files(tmp_path)] == ["a.WEBP", "b.png", "c.jpeg"]


def test_two_images_of_one_stem_are_refused(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "b.webp"):
        (tmp_path / name).touch()
    with pytest.raises(SuiteError, match="two images named 'b'"):
        list(image_files(tmp_path))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"nowhere.*No such file"):
        list(image_files(tmp_path / "nowhere"))
