"""Where the images of a test set lie inside a folder: the usual layouts, and no guess between two."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from suite.errors import SuiteError
from suite.images import image_files, open_image

HR_FOLDERS = frozenset({"hr", "gt", "gtmod12"})
"""Names of folders of HR images, in lower case."""
ORIGINALS = "original"
"""Beside one of them it holds what that was cut from, so it counts only where it is alone."""


def relative(path: Path, folder: Path) -> str:
    """A path as seen from a folder, with ``/``; ``.`` for the folder itself."""
    return Path(os.path.relpath(path, folder)).as_posix()


def find_hr(folder: Path) -> Path:
    """The folder of the HR images: ``folder`` itself, or ``HR``, ``GT``, ``GTmod12`` or ``original`` in it.

    Raises `SuiteError` where two of them hold images. Where none does, the likeliest is given.
    """
    try:
        inner = sorted(one for one in folder.iterdir() if one.is_dir())
    except OSError as error:
        raise SuiteError(f"cannot list the folder {folder}: {error.strerror}.") from None
    named = [one for one in inner if one.name.lower() in HR_FOLDERS]
    found = [one for one in (folder, *named) if _holds_images(one)]
    if len(found) > 1:
        raise SuiteError(_two("HR", found, folder))
    named += [one for one in inner if one.name.lower() == ORIGINALS]
    return (found or [one for one in named if _holds_images(one)] or named or [folder])[0]


def find_lr(folder: Path, hr: Path, scale: int) -> Path | None:
    """The folder of the LR images of a scale, or None if there is none.

    Inside ``folder`` (and beside it, if ``folder`` is itself called ``HR``, ``GT``, ...), with ``N`` for the
    scale: ``LR_bicubic/XN``, ``LRbicxN``, ``LR/XN``, or ``LR`` and ``LR_bicubic`` themselves where their
    images have the size of that scale; beside a folder ``NAME_HR``, as in DIV2K, ``NAME_LR_bicubic/XN``.
    Raises `SuiteError` where there are two.
    """
    found: list[Path] = []
    for one in _candidates(folder, hr, scale):
        if not any(one.samefile(other) for other in found):  # X4 and x4 are one on some systems
            found.append(one)
    if len(found) > 1:
        raise SuiteError(_two(f"x{scale} LR", found, folder))
    return found[0] if found else None


def _candidates(folder: Path, hr: Path, scale: int) -> Iterator[Path]:
    roots = [folder]
    if folder.name.lower() in HR_FOLDERS | {ORIGINALS}:
        roots.append(folder.parent)
    nested = [root / name for root in roots for name in ("LR_bicubic", "LR")]
    if folder.name.endswith("_HR"):
        nested.append(folder.with_name(folder.name.removesuffix("_HR") + "_LR_bicubic"))
    named = [one / f"{letter}{scale}" for one in nested for letter in "Xx"]
    named += [root / f"LRbicx{scale}" for root in roots]
    yield from (one for one in named if one.is_dir())
    yield from (one for one in nested if _holds_images(one) and has_scale(one, hr, scale))


def lr_names(stem: str, scale: int, suffix: str | None = None) -> tuple[str, ...]:
    """The names that the LR image of an HR image may have, without the file type.

    ``suffix``: what it has more than the HR image; None for any usual one.
    """
    if suffix is not None:
        return (stem + suffix,)
    return (stem, f"{stem}x{scale}", f"{stem}_x{scale}", f"{stem}-x{scale}")


def has_scale(lr: Path, hr: Path, scale: int, suffix: str | None = None) -> bool:
    """Whether a folder whose name does not tell its scale has it: whether the first pair of images has.

    HR is then as large as ``scale`` times LR, or larger by less than a pixel of LR.
    """
    files = {one.stem: one for one in image_files(lr)}
    for file in image_files(hr):
        for name in lr_names(file.stem, scale, suffix):
            if name in files:
                large, small = _size(file), _size(files[name])
                return all(0 <= big - scale * part < scale for big, part in zip(large, small, strict=True))
    return False


def _size(file: Path) -> tuple[int, int]:
    with open_image(file) as image:
        return image.size


def _holds_images(folder: Path) -> bool:
    return folder.is_dir() and next(image_files(folder), None) is not None


def _two(kind: str, found: list[Path], folder: Path) -> str:
    names = " and ".join(repr(relative(one, folder)) for one in found[:2])
    return (
        f"{folder} holds {kind} images in {names}: keep one of them, or name both folders in a dataset card."
    )
