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
from suite.dataset_files import is_described, read_described
from suite.errors import SuiteError, UsageError
from suite.home import expand
from suite.images import Rgb, crop_to_multiple, image_files, read_rgb, shrink
from suite.layouts import find_hr, find_lr, has_scale, lr_names, relative


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
    folder: Path | None = None
    """What the user named, or the folder of the dataset card; None for images of a package."""
    lr_suffix: str | None = None
    """What an LR file's name has more than its HR file's; None for any usual one."""

    @property
    def lr_origin(self) -> str:
        """``stored``, or ``made`` by the exact bicubic from the HR images."""
        return "stored" if self.lr is not None else "made"

    @property
    def folders(self) -> dict[str, str]:
        """Where the images were found, as seen from the folder of the set; only what was found."""
        places = {"hr_folder": self.hr, "lr_folder": self.lr}
        return {key: relative(path, self.folder) for key, path in places.items() if path and self.folder}

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
        return [(path, self._lr_file(path.stem, lr)) for path in hr]

    def _lr_file(self, stem: str, files: dict[str, Path]) -> Path:
        """The LR file of an HR file among those of the LR folder, by stem."""
        names = lr_names(stem, self.scale, self.lr_suffix)
        found = [files[name] for name in names if name in files]
        if not found:
            wanted = f"{stem}x{self.scale}" if self.lr_suffix is None else names[0]
            raise SuiteError(
                f"{self.lr} lacks {wanted}: complete the folder, or remove it to have the LR images made."
            )
        if len(found) > 1:
            raise SuiteError(
                f"{self.lr} holds {found[0].name} and {found[1].name} for {stem}: remove one of them."
            )
        return found[0]

    def pairs(self) -> Iterator[Pair]:
        """The pairs in the order of their names. Raises `SuiteError` for a damaged or unfit image."""
        return (self.pair(number) for number in range(len(self.files)))

    def pair(self, number: int) -> Pair:
        """One pair by its place in the order of names, from 0. Raises as `pairs` does."""
        hr_file, lr_file = self.files[number]
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
        return Pair(hr_file.stem, lr, hr)

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


def dataset_name(text: str) -> str:
    """The name of what a user named: of a catalogued set, of ``NAME=DIR``, or in a dataset card in TOML.

    Raises `UsageError` for an unknown name and for what is none of these.
    """
    if is_described(text):
        return read_described(text).name
    name, separator, folder = text.partition("=")
    if not separator:
        return dataset_card(name).name
    if not name or not folder:
        raise UsageError(f"--datasets {text}: write NAME=DIR.")
    return name


def open_dataset(name: str, scale: int, home: Path) -> Dataset:
    """A test set by its name in the catalog, ``NAME=DIR`` for a folder of the user's, or a card in TOML.

    For the layouts that ``DIR`` may have see `suite.layouts`. Raises `UsageError` for an unknown name and
    `SuiteError` for a folder that is not there or holds two sets of images.
    """
    if is_described(name):
        return _from_card_file(name, scale)
    if "=" in name:
        name, _, text = name.partition("=")
        folder = _existing(expand(text), name)
        hr = find_hr(folder)
        return Dataset(name, scale, hr, find_lr(folder, hr, scale), folder=folder)
    card = dataset_card(name)
    if scale not in card.scales:
        raise UsageError(f"{card.name} has no images for x{scale}.")
    if card.folder is None:
        return Dataset(card.name, scale, Path(str(importlib.resources.files("skimage.data"))), None, card)
    folder = _existing(home / "data" / card.folder, card.name)
    lr = folder / "LR_bicubic" / f"X{scale}"
    return Dataset(card.name, scale, folder / "HR", lr if lr.is_dir() else None, card, folder)


def _existing(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise SuiteError(
            f"the folder {folder} of the dataset {name} does not exist: put it there or set --home."
        )
    return folder


def _from_card_file(text: str, scale: int) -> Dataset:
    described = read_described(text)
    hr = _existing(described.hr, described.name)
    lr, suffix = described.lr_folder(scale), described.lr_suffix(scale)
    if lr is not None and not lr.is_dir():
        raise SuiteError(
            f"the folder {lr} of {described.name} does not exist: correct lr in {text}, or leave it out "
            "to have the LR images made."
        )
    if lr is not None and "{scale}" not in described.lr and not has_scale(lr, hr, scale, suffix):
        raise SuiteError(
            f"{lr} of {described.name} does not hold the x{scale} images of {hr}: write {{scale}} in lr of "
            f"{text} where the scale stands, or correct suffix."
        )
    return Dataset(described.name, scale, hr, lr, described.card(scale), described.folder, suffix)
