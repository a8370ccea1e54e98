"""Pictures as users have them: grey, transparent, with a palette, of 16 bits, rotated by their camera.

`suite.images` refuses all that leaves open which pixels a figure is of. Here nothing is judged: every picture
is made colour of one kind and, where it has it, alpha, and each step that changes it is noted in words.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile

from suite.errors import SuiteError
from suite.files import atomically
from suite.images import Plane, enlarge, is_16_bit, luma, open_image
from suite.png import encode_16_bit

Samples = NDArray[np.uint8] | NDArray[np.uint16]

_ORIENT: dict[int, Callable[[Samples], Samples]] = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: image.swapaxes(0, 1)[:, ::-1],
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: image.swapaxes(0, 1)[::-1],
}
"""How the pixels of a file are turned to be upright, by the EXIF tag ``Orientation``; 1 is upright."""

_CONVERTED = frozenset({"CMYK", "YCbCr", "HSV", "RGBa", "RGBX", "La"})
"""Pillow modes that are another form of RGB (grey, with alpha) and become it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture whose colour and alpha can be enlarged apart."""

    colour: Plane
    """``(H, W, 3)`` levels in 0..255, of 16-bit files with fractions. The planes of a grey one are equal."""
    grey: bool
    alpha: Plane | None = None
    """``(H, W)`` levels in 0..255, 255 opaque."""
    bits: int = 8
    """8 or 16: of a sample, in the file and when it is written again."""
    profile: bytes | None = None
    """The ICC profile that says what the levels mean, kept as it is."""
    notes: tuple[str, ...] = ()
    """What was done to the file's pixels that its owner might not expect."""


def read_picture(path: Path) -> Picture:
    """An image file of any kind that has a meaning in levels.

    Raises `SuiteError` for a file that is missing, damaged, no image, larger than the safe limit, or holds
    numbers that are no levels (32-bit, floating point, Lab).
    """
    notes: list[str] = []
    with open_image(path) as image:
        if getattr(image, "n_frames", 1) > 1:
            notes.append(f"first of {getattr(image, 'n_frames', 1)} frames")
        wide = is_16_bit(image)  # known until the image is loaded, which to look for EXIF may do
        tagged = _orientation(image)
        samples = _decode(image, path, wide, notes)
        orientation = _orientation(image)  # Pillow turns TIFF files itself, and drops their tag
        profile = image.info.get("icc_profile") if image.mode not in _CONVERTED else None
    if tagged in _ORIENT:
        notes.append("turned upright as its EXIF orientation says")
        samples = _ORIENT[orientation](samples) if orientation in _ORIENT else samples
    bits = 16 if samples.dtype == np.uint16 else 8
    levels = samples / (257.0 if bits == 16 else 1.0)
    channels = levels.shape[-1]
    alpha = levels[..., -1] if channels in (2, 4) else None
    grey = channels < 3
    if grey:
        notes.append("grey, repeated over three channels")
    if alpha is not None:
        notes.append("alpha enlarged bicubically")
    if bits == 16:
        notes.append("16 bits a sample kept")
    colour = levels[..., :1].repeat(3, axis=-1) if grey else levels[..., :3]
    return Picture(colour, grey, alpha, bits, profile, tuple(notes))


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 where there is none or it cannot be read."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (ValueError, TypeError, SyntaxError, KeyError, OSError):
        return 1


def _decode(image: Image.Image, path: Path, wide: bool, notes: list[str]) -> Samples:
    """The samples as ``(H, W, C)``: uint16 where the file has 16 bits and they can be had, else uint8.

    C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha).
    """
    mode, key = image.mode, image.info.get("transparency")
    if mode.startswith("I"):
        return _decode_integers(image, path, wide, key)
    if wide:
        if (whole := _decode_16_bit(image, path)) is not None:
            return whole if key is None else _with_key(whole, key)
        notes.append("reduced from 16 bits a sample to 8, which is all that can be read of this kind of file")
    if mode in _CONVERTED:
        notes.append(f"converted from {mode}")
    elif mode in ("P", "PA"):
        notes.append("colours looked up in its palette")
    elif mode not in ("1", "L", "LA", "RGB", "RGBA"):
        raise SuiteError(f"{path} has mode {mode}, whose numbers are no levels: convert it to RGB or grey.")
    if mode == "P":
        image.load()  # some formats know only now whether a colour is transparent
        key = image.info.get("transparency")
    plain = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "RGBA": "RGBA", "RGBa": "RGBA", "PA": "RGBA"}
    target = plain.get(mode, "RGB")
    if key is not None and target in ("L", "RGB"):
        target = {"L": "LA", "RGB": "RGBA"}[target]
    samples = np.asarray(image.convert(target))
    return samples[..., None] if samples.ndim == 2 else samples


def _decode_integers(image: Image.Image, path: Path, wide: bool, key: object) -> Samples:
    """Grey of 16 bits, which Pillow keeps in one of its integer modes, with a colour that is transparent."""
    declared = wide or image.format in ("PNG", "PPM")  # formats that hold no more
    values = np.asarray(image)
    if not declared or values.min() < 0 or values.max() > 65535:
        raise SuiteError(f"{path} has mode {image.mode}, whose numbers are no levels: convert it to 16 bits.")
    samples = values.astype(np.uint16)[..., None]
    return samples if key is None else _with_key(samples, key)


def _decode_16_bit(image: Image.Image, path: Path) -> NDArray[np.uint16] | None:
    """RGB or grey with alpha of 16 bits; None where Pillow gives no way to the lower eight.

    Pillow reads the upper byte of each sample. The same file, declared to be in the other byte order, gives
    the lower one.
    """
    with open_image(path) as again:
        if again.mode not in ("RGB", "RGBA") or not isinstance(again, ImageFile.ImageFile):
            return None
        grey = any("LA;16" in str(entry.args) for entry in again.tile)
        again.tile = [
            entry._replace(args="RGBA" if grey else _other_order(entry.args)) for entry in again.tile
        ]
        try:
            lower = np.asarray(again).astype(np.uint16)
        except (OSError, ValueError):
            return None
    if grey:  # four bytes a pixel: grey's upper and lower, alpha's upper and lower
        return lower[..., 0::2] * 256 + lower[..., 1::2]
    return np.asarray(image).astype(np.uint16) * 256 + lower


def _other_order(arguments: Any) -> Any:
    """A decoder's arguments with the byte order of 16-bit samples exchanged; ``N`` is this machine's."""
    if not isinstance(arguments, str):
        return tuple(_other_order(part) if isinstance(part, str) else part for part in arguments)
    layout, mark, order = arguments.rpartition(";16")
    native = "L" if sys.byteorder == "little" else "B"
    return layout + mark + {"L": "B", "B": "L"}[native if order == "N" else order] if mark else arguments


def _with_key(samples: NDArray[np.uint16], key: Any) -> NDArray[np.uint16]:
    """16-bit samples with an alpha that is 0 where all of them are the transparent colour."""
    opaque = (samples != np.asarray(key)).any(axis=-1, keepdims=True)
    return np.concatenate([samples, opaque * np.uint16(65535)], axis=-1)


def enlarged(picture: Picture, levels: NDArray[np.floating[Any]], scale: int) -> Samples:
    """The picture at ``scale`` times its size, from its upscaled colour, in the kind that it has.

    ``(scale * H, scale * W, 3)`` levels in 0..255 to ``(scale * H, scale * W, C)`` of 8 or 16 bits. Grey
    is the BT.601 luma of the three planes; alpha is enlarged by MATLAB's bicubic.
    """
    planes = (luma(levels)[..., None] - 16) * (255 / 219) if picture.grey else levels
    if picture.alpha is not None:
        planes = np.concatenate([planes, enlarge(picture.alpha, scale)[..., None]], axis=-1)
    if picture.bits == 16:
        return np.rint(np.clip(planes, 0, 255) * 257).astype(np.uint16)
    return np.rint(np.clip(planes, 0, 255)).astype(np.uint8)


def write_png(file: Path, samples: Samples, profile: bytes | None = None) -> None:
    """Write ``(H, W, C)`` samples, C 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha), as a PNG file.

    The file is written whole or not at all. Raises `SuiteError` if the disk does not take it.
    """

    def write(path: Path) -> None:
        if samples.dtype == np.uint16:
            path.write_bytes(encode_16_bit(samples, profile))
        else:
            plain = samples[..., 0] if samples.shape[-1] == 1 else samples
            Image.fromarray(np.ascontiguousarray(plain)).save(path, "PNG", icc_profile=profile)

    atomically(file, write)
