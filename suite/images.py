"""Reading images, luma and chroma, and MATLAB's bicubic resizing, bit by bit.

An image is an ``(H, W, 3)`` uint8 array of RGB values. Grey images are read as three equal channels.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from suite.errors import SuiteError

Rgb = NDArray[np.uint8]
Plane = NDArray[np.float64]
Samples = TypeVar("Samples", Rgb, Plane)

SUFFIXES = frozenset({".png", ".webp", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
"""File types that count as images of a dataset."""

YCBCR = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]])
YCBCR_OFFSET = np.array([16.0, 128.0, 128.0])
"""Luma, blue and red difference of RGB in 0..1 (ITU-R BT.601, studio range)."""

READABLE_MODES = frozenset({"RGB", "L", "1", "P"})
"""Pillow modes that become 8-bit RGB without a choice that would change the figures."""


def image_files(folder: Path) -> Iterator[Path]:
    """The image files directly in a folder, sorted by stem.

    Raises `SuiteError` if the folder does not exist or holds two images of the same stem.
    """
    try:
        found = sorted((p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES), key=lambda p: p.stem)
    except OSError as error:
        raise SuiteError(f"cannot list the folder {folder}: {error.strerror}.") from None
    for first, second in pairwise(found):
        if first.stem == second.stem:
            raise SuiteError(f"{folder} holds two images named {first.stem!r}: remove one of them.")
    yield from found


def read_rgb(path: Path) -> Rgb:
    """An image file as ``(H, W, 3)`` uint8; grey is repeated over the three channels.

    Raises `SuiteError` for a file that is missing, damaged, no image, or not 8-bit RGB or grey (alpha,
    16-bit and CMYK images leave open which pixels are meant).
    """
    with open_image(path) as image:
        if image.mode not in READABLE_MODES or "transparency" in image.info:
            raise SuiteError(
                f"{path} has mode {image.mode}"
                f"{' with transparency' if 'transparency' in image.info else ''}: "
                "convert it to 8-bit RGB or grey."
            )
        if is_16_bit(image):
            raise SuiteError(f"{path} has 16 bits a colour: convert it to 8-bit RGB or grey.")
        return np.asarray(image.convert("RGB"))


@contextlib.contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """An image file, open for decoding inside the ``with`` block.

    Raises `SuiteError`, there or in the block, for a file that is missing, damaged, no image, or larger than
    Pillow's limit against decompression bombs.
    """
    if path.exists() and not path.is_file():  # to open a pipe would wait for whoever writes into it
        raise SuiteError(f"{path} is no file: replace or remove it.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                yield image
    except UnidentifiedImageError:
        raise SuiteError(f"{path} is not an image that can be read: replace or remove it.") from None
    except FileNotFoundError:
        raise SuiteError(f"{path} does not exist.") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise SuiteError(f"{path} declares more pixels than the safe limit: replace or remove it.") from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise SuiteError(f"{path} is damaged ({error}): replace or remove it.") from None


def is_16_bit(image: Image.Image) -> bool:
    """Whether the file stores 16 bits a colour, of which Pillow would silently drop eight."""
    codecs = (part for entry in getattr(image, "tile", ()) for part in entry if isinstance(part, str | tuple))
    return any(";16" in str(codec) for codec in codecs)


def luma(rgb: NDArray[np.generic]) -> Plane:
    """Studio-range luma (16..235) of RGB in 0..255, ``(H, W, 3)`` to ``(H, W)``, not rounded.

    ITU-R BT.601 with the coefficients of MATLAB's ``rgb2ycbcr``.
    """
    return 16.0 + (rgb.astype(np.float64) @ YCBCR[0]) / 255.0


def to_ycbcr(rgb: NDArray[np.generic]) -> Plane:
    """Studio-range luma (16..235) and chroma (16..240, grey at 128) of RGB in 0..255, not rounded.

    ``(H, W, 3)`` to ``(H, W, 3)``; ITU-R BT.601 as MATLAB's ``rgb2ycbcr`` has it.
    """
    return YCBCR_OFFSET + (rgb.astype(np.float64) @ YCBCR.T) / 255.0


def to_rgb(ycbcr: Plane) -> Plane:
    """The inverse of `to_ycbcr`: RGB in 0..255, neither clipped nor rounded.

    Luma and chroma that no colour has lead outside 0..255.
    """
    return (ycbcr - YCBCR_OFFSET) @ np.linalg.inv(YCBCR).T * 255.0


def full_luma(rgb: NDArray[np.generic]) -> Plane:
    """Full-range luma (0..255) of RGB in 0..255, ``(H, W, 3)`` to ``(H, W)``, not rounded.

    ITU-R BT.601 as in JPEG (ITU-T T.871); Pillow's mode ``L`` and OpenCV's grey round it to integers.
    """
    return rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def cubic_weights(size: int, out: int, scale: float) -> tuple[NDArray[np.intp], Plane]:
    """Source positions and weights of MATLAB's ``imresize`` along one dimension, antialiased.

    Returns two ``(out, taps)`` arrays. The kernel is Keys' cubic (a = -0.5), widened by ``1 / scale``
    when shrinking; positions past an edge are mirrored; weights of a pixel sum to one.
    """
    stretch = min(scale, 1.0)
    width = 4.0 / stretch
    taps = math.ceil(width) + 2
    centres = (np.arange(1, out + 1) / scale) + 0.5 * (1 - 1 / scale)  # 1-based, as in MATLAB
    positions = np.floor(centres - width / 2)[:, None] + np.arange(taps)
    x = np.abs(stretch * (centres[:, None] - positions))
    weights = np.where(
        x <= 1,
        1.5 * x**3 - 2.5 * x**2 + 1,
        np.where(x <= 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0.0),
    )
    weights = stretch * weights
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = np.concatenate([np.arange(size), np.arange(size)[::-1]])
    used = np.any(weights != 0, axis=0)
    return mirrored[(positions[:, used].astype(np.intp) - 1) % (2 * size)], weights[:, used]


def _resize_rows(image: Samples, out: int, scale: float) -> Samples:
    """Resize the first dimension; 8-bit images are rounded half up and clipped, others are not."""
    positions, weights = cubic_weights(image.shape[0], out, scale)
    total = np.zeros((out, *image.shape[1:]))
    for tap in range(positions.shape[1]):
        total += weights[:, tap].reshape(-1, *[1] * (image.ndim - 1)) * image[positions[:, tap]]
    if image.dtype == np.uint8:
        return cast(Samples, np.clip(np.floor(total + 0.5), 0, 255).astype(np.uint8))
    return cast(Samples, total)


def shrink(image: Samples, scale: int) -> Samples:
    """MATLAB's ``imresize(image, 1/scale, 'bicubic')``; of an 8-bit image, the LR of the test sets.

    ``(H, W)`` or ``(H, W, C)`` of uint8 or float64, with H and W multiples of ``scale``, to
    ``(H / scale, W / scale)`` in the same type. An 8-bit image is rounded after the rows and after the
    columns, as MATLAB does; a floating-point one is neither rounded nor clipped.
    """
    rows = _resize_rows(image, image.shape[0] // scale, 1 / scale).swapaxes(0, 1)
    return _resize_rows(rows, image.shape[1] // scale, 1 / scale).swapaxes(0, 1)


def enlarge(image: Samples, scale: int) -> Samples:
    """MATLAB's ``imresize(image, scale, 'bicubic')``: what papers enlarge chroma by.

    ``(H, W)`` or ``(H, W, C)`` of uint8 or float64, to ``scale`` times H and W in the same type. An 8-bit
    image is rounded after the rows and after the columns, as MATLAB does; a floating-point one is neither
    rounded nor clipped.
    """
    rows = _resize_rows(image, image.shape[0] * scale, scale).swapaxes(0, 1)
    return _resize_rows(rows, image.shape[1] * scale, scale).swapaxes(0, 1)


def crop_to_multiple(image: Rgb, scale: int) -> Rgb:
    """The image without the last rows and columns that do not fill a multiple of ``scale``."""
    height, width = image.shape[:2]
    return image[: height - height % scale, : width - width % scale]
