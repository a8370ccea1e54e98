"""What a check is given and what it gives: a candidate in, a finding out."""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from suite.images import Rgb, read_rgb, shrink
from suite.task import Subject
from suite.upscaling import to_input

Status = Literal["ok", "note", "finding", "known", "not applicable"]
"""``note``: worth knowing, no fault. ``known``: a finding that the card states itself."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one check."""

    status: Status
    words: str


def ok(words: str) -> Finding:
    """The network does as it should."""
    return Finding("ok", words)


def note(words: str) -> Finding:
    """The network does what a user must know of."""
    return Finding("note", words)


def finding(words: str) -> Finding:
    """The network does not do as it should."""
    return Finding("finding", words)


def not_applicable(words: str) -> Finding:
    """The check means nothing for this network."""
    return Finding("not applicable", words)


def names_in_words(names: list[str]) -> str:
    """The first names of a list, and how many more there are."""
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


@dataclass(frozen=True)
class Candidate:
    """A network that is to be checked. Each check makes its own, so that none sees what another left."""

    subject: Subject
    make: Callable[[], nn.Module]
    """Builds the network with its weights, the same at every call."""
    size: int = 32
    """Side of the images that it is shown, one that it can take."""

    def photo(self, height: int, width: int, part: int = 0) -> Tensor:
        """A part of a photograph as the network is fed it, ``(1, C, height, width)``; up to 256 each way."""
        return to_input(self.subject, photograph(height, width, part), "a photograph")

    def noise(self, height: int, width: int) -> Tensor:
        """The same noise at every call, as the network is fed it."""
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
        return to_input(self.subject, pixels, "noise")

    def run(self, network: nn.Module, image: Tensor) -> Tensor:
        """One pass without gradients. Gives a copy, which a later pass cannot change."""
        with torch.inference_mode():
            return network(image).clone()

    def levels(self, difference: Tensor) -> float:
        """The largest of differences of outputs, in levels of 255; NaN if one of them is."""
        return difference.abs().max().item() * 255 / self.subject.card.input.range

    def tolerance(self, output: Tensor) -> float:
        """What float32 may differ by from one order of summation to another, in levels."""
        return 1e-4 * max(255.0, self.levels(output))

    def expected(self, image: Tensor) -> tuple[int, ...]:
        """Shape of the output for an image."""
        count, channels, height, width = image.shape
        return count, channels, height * self.subject.scale, width * self.subject.scale


@functools.cache
def _photo() -> Rgb:
    file = importlib.resources.files("skimage.data") / "astronaut.png"
    return shrink(read_rgb(Path(str(file))), 2)


def photograph(height: int, width: int, part: int = 0) -> Rgb:
    """``(height, width, 3)`` pixels of the photograph ``astronaut`` at half its size, up to 256 each way.

    ``part`` moves to another place, where the size leaves room.
    """
    whole = _photo()
    top = min(10 + 24 * part, whole.shape[0] - height)
    left = min(90 + 24 * part, whole.shape[1] - width)
    return whole[top : top + height, left : left + width]
