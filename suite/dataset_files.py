"""A test set described by the user in a TOML file: its card, and where its images lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.catalog.cards import DatasetCard
from suite.errors import SuiteError, UsageError, unknown_name
from suite.home import expand
from suite.images import image_files
from suite.toml import tomllib

TEXTS = ("name", "hr", "lr", "suffix", "note", "citation")
KEYS = (*TEXTS, "images", "digests")


@dataclass(frozen=True, slots=True)
class Described:
    """What a dataset card in TOML says."""

    name: str
    hr: Path
    lr: str = ""
    """Folder of the LR images with ``{scale}`` where the scale stands; empty: they are made."""
    folder: Path = Path()
    """Folder of the TOML file, from which relative paths are seen."""
    suffix: str | None = None
    """What the name of an LR file has more than its HR file, with ``{scale}``; None: the usual ones."""
    images: int | None = None
    note: str = ""
    citation: str = ""
    digests: tuple[tuple[int, str], ...] = ()

    def lr_folder(self, scale: int) -> Path | None:
        """The LR images of a scale; None where they are made."""
        return self.folder / expand(self.lr.replace("{scale}", str(scale))) if self.lr else None

    def lr_suffix(self, scale: int) -> str | None:
        """The suffix of LR file names at a scale; None for the usual ones."""
        return None if self.suffix is None else self.suffix.replace("{scale}", str(scale))

    def card(self, scale: int) -> DatasetCard:
        """As a card of the catalog. Raises `SuiteError` if the HR folder cannot be listed."""
        images = len(list(image_files(self.hr))) if self.images is None else self.images
        return DatasetCard(
            name=self.name,
            title=self.name,
            images=images,
            scales=(scale,),
            digests=dict(self.digests),
            note=self.note,
            citation=self.citation,
        )


def is_described(text: str) -> bool:
    """Whether a dataset that a user named is a TOML file, and not a name or ``NAME=DIR``."""
    return text.endswith(".toml") and ("=" not in text or expand(text).is_file())


def read_described(text: str) -> Described:
    """The dataset card in a TOML file.

    Raises `SuiteError` for a file that cannot be read and `UsageError` for one that is no dataset card, with
    the file and the key.
    """
    file = expand(text)
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SuiteError(f"cannot read the dataset card {text}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the dataset card {text} is not TOML: {error}.") from None
    for key in values:
        if key not in KEYS:
            raise unknown_name(f"key in {text}:", key, KEYS)
    for key in ("name", "hr"):
        if not values.get(key):
            raise UsageError(f"the dataset card {text} lacks {key}.")
    for key in TEXTS:
        if not isinstance(values.get(key, ""), str):
            raise UsageError(f"{key} in {text} is {values[key]!r}: it must be a text.")
    if "=" in values["name"]:
        raise UsageError(f"name in {text} is {values['name']!r}: it must not hold an equals sign.")
    images = values.get("images")
    if images is not None and (not isinstance(images, int) or isinstance(images, bool) or images < 1):
        raise UsageError(f"images in {text} is {images!r}: it must be a whole number above zero.")
    return Described(
        name=values["name"],
        hr=file.parent / expand(values["hr"]),
        lr=values.get("lr", ""),
        folder=file.parent,
        suffix=values.get("suffix"),
        images=images,
        note=values.get("note", ""),
        citation=values.get("citation", ""),
        digests=_digests(values.get("digests", {}), text),
    )


def _digests(table: Any, text: str) -> tuple[tuple[int, str], ...]:
    if isinstance(table, Mapping) and all(
        scale.isdecimal() and isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest)
        for scale, digest in table.items()
    ):
        return tuple((int(scale), digest) for scale, digest in table.items())
    raise UsageError(f'digests in {text} must be a table of SHA-256 by scale, such as 4 = "e77b...".')
