"""Test sets: pairs of low- and high-resolution images, identified by a digest of their pixels."""

from __future__ import annotations

import hashlib
import importlib.resources
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from suite.catalog import dataset_card
from suite.catalog.cards import DatasetCard
from suite.errors import SuiteError, UsageError
from suite.home import expand
from suite.images import Rgb, crop_to_multiple, image_files, read_rgb, shrink


@dataclass(frozen=True, slots=True)
class Pair:
    """One image of a test set at one scale."""

    name: str
    """Stem of the HR file."""
    lr: Rgb
    """``(H, W, 3)`` uint8."""
    hr: Rgb
    """``(scale * H, scale * W, 3)`` uint8: the HR file cropped from the top left."""


@dataclass(frozen=True)
class Dataset:
    """A test set at one scale. Images are read when they are needed and not kept."""

    name: str
    scale: int
    hr: Path
    """Folder of the HR images."""
    lr: Path | None
    """Folder of the LR images; None if they are made from the HR images."""
    card: DatasetCard | None = None
    """None for a folder that the user named."""

    @property
    def lr_origin(self) -> str:
        """``stored``, or ``made`` by the exact bicubic from the HR images."""
        return "stored" if self.lr is not None else "made"

    @cached_property
    def files(self) -> list[tuple[Path, Path | None]]:
        """The files of each pair, by stem. Raises `SuiteError` for a set that is not whole."""
        hr = list(image_files(self.hr))
        if self.card is not None and self.card.package_images:
            hr = [path for path in hr if path.stem in self.card.package_images]
        if not hr:
            raise SuiteError(f"{self.hr} holds no images: put the HR images of {self.name} there.")
        if self.card is not None and len(hr) != self.card.images:
            raise SuiteError(f"{self.hr} holds {len(hr)} images; {self.name} has {self.card.images}.")
        if self.lr is None:
            return [(path, None) for path in hr]
        lr = {path.stem: path for path in image_files(self.lr)}
        missing = [path.stem for path in hr if f"{path.stem}x{self.scale}" not in lr]
        if missing:
            raise SuiteError(
                f"{self.lr} lacks {missing[0]}x{self.scale}: complete the folder, "
                "or remove it to have the LR images made."
            )
        return [(path, lr[f"{path.stem}x{self.scale}"]) for path in hr]

    def pairs(self) -> Iterator[Pair]:
        """The pairs in the order of their names. Raises `SuiteError` for a damaged or unfit image."""
        for hr_file, lr_file in self.files:
            hr = crop_to_multiple(read_rgb(hr_file), self.scale)
            if 0 in hr.shape:
                raise SuiteError(f"{hr_file} is smaller than the scale x{self.scale}: remove it.")
            lr = shrink(hr, self.scale) if lr_file is None else read_rgb(lr_file)
            height, width = lr.shape[0] * self.scale, lr.shape[1] * self.scale
            if hr.shape[:2] != (height, width):
                # An LR image may stand for a part of HR only, but that part is never larger than HR.
                if hr.shape[0] < height or hr.shape[1] < width:
                    raise SuiteError(
                        f"{lr_file} times {self.scale} is {width}x{height}, larger than {hr_file} "
                        f"({hr.shape[1]}x{hr.shape[0]}): the two do not belong together."
                    )
                hr = hr[:height, :width]
            yield Pair(hr_file.stem, lr, hr)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the names, sizes and RGB pixels of all pairs, whatever the file format.

        Decodes the whole set once. A set with stored LR images and the same set with LR images made
        here have the same digest.
        """
        digest = hashlib.sha256(f"x{self.scale}".encode())
        for pair in self.pairs():
            for label, image in (("hr", pair.hr), ("lr", pair.lr)):
                size = f"{label} {image.shape[0]}x{image.shape[1]}"
                digest.update(b"\n%b\n%b\n" % (os.fsencode(pair.name), size.encode()))
                digest.update(image.tobytes())
        return digest.hexdigest()

    @property
    def known(self) -> bool | None:
        """Whether the pixels are those of the known copy; None where no copy is known."""
        expected = self.card.digests.get(self.scale) if self.card else None
        return None if expected is None else expected == self.digest


def open_dataset(name: str, scale: int, home: Path) -> Dataset:
    """A test set by its name in the catalog, or ``NAME=DIR`` for a folder of the user's.

    ``DIR`` holds the HR images itself or in ``HR``, and LR images in ``LR_bicubic/XSCALE`` if at all.
    Raises `UsageError` for an unknown name and `SuiteError` for a folder that is not there.
    """
    if "=" in name:
        name, _, folder = name.partition("=")
        return _from_folder(name, scale, _existing(expand(folder), name), None)
    card = dataset_card(name)
    if scale not in card.scales:
        raise UsageError(f"{card.name} has no images for x{scale}.")
    if card.folder is None:
        return Dataset(card.name, scale, Path(str(importlib.resources.files("skimage.data"))), None, card)
    return _from_folder(card.name, scale, _existing(home / "data" / card.folder, card.name), card)


def _existing(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise SuiteError(
            f"the folder {folder} of the dataset {name} does not exist: put it there or set --home."
        )
    return folder


def _from_folder(name: str, scale: int, folder: Path, card: DatasetCard | None) -> Dataset:
    hr = folder / "HR" if card is not None or (folder / "HR").is_dir() else folder
    lr = folder / "LR_bicubic" / f"X{scale}"
    return Dataset(name, scale, hr, lr if lr.is_dir() else None, card)
