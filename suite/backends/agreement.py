"""Does a backend give what PyTorch gives? Its output beside that of eager float32, on real images."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from suite.errors import SuiteError

if TYPE_CHECKING:
    from torch import Tensor

    from suite.backends.base import Forward
    from suite.datasets import Pair
    from suite.task import Subject
    from suite.upscaling import Levels

LARGEST_DIFFERENCE = 1e-5
"""What float32 may differ by, as a share of the value range."""
LARGEST_CHANGE_DB = 0.05
"""What half precisions may change PSNR by, in dB."""
SIZES = ((64, 96), (59, 75))
"""Height and width of the low-resolution crops; the second is odd, for what a model froze at the first."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a backend's outputs lie from those of eager float32."""

    difference: float
    """Largest absolute difference, as a share of the value range."""
    psnr_between: float
    """PSNR of one output against the other in dB, of RGB as it is shown but not rounded; ``inf`` if equal."""
    psnr_change: float
    """PSNR against the original of the backend's output less that of eager's, in dB, under ``sr-y``."""
    images: tuple[str, ...]
    """What was upscaled, such as ``astronaut, 96x64``."""
    limit: str
    """What was asked of it, in words."""
    equal: bool
    """Whether it keeps the limit."""

    def plain(self) -> dict[str, Any]:
        """Plain JSON for a record."""
        return dataclasses.asdict(self)

    @property
    def summary(self) -> str:
        """What it differs by, in words."""
        change = f"which changes PSNR by {self.psnr_change:+.4f} dB"
        return f"by up to {self.difference:.1e} of the value range, {change}"


def usual_pairs(subject: Subject, sizes: Sequence[tuple[int, int]] = SIZES) -> list[Pair]:
    """Crops of a photograph that comes with scikit-image, at least as large as the network needs."""
    from suite.datasets import open_dataset

    return crops(next(open_dataset("photos", subject.scale, Path()).pairs()), subject, sizes)


def crops(pair: Pair, subject: Subject, sizes: Sequence[tuple[int, int]] = SIZES) -> list[Pair]:
    """Crops of a pair, at least as large as the network needs where the pair is."""
    least = subject.card.input.min_size
    return [crop(pair, subject.scale, max(h, least), max(w, least)) for h, w in sizes]


def crop(pair: Pair, scale: int, height: int, width: int) -> Pair:
    """The middle of a pair, with a low-resolution image of that size, or as large as there is."""
    lr = pair.lr
    height, width = min(height, lr.shape[0]), min(width, lr.shape[1])
    top, left = (lr.shape[0] - height) // 2, (lr.shape[1] - width) // 2
    small = (slice(top, top + height), slice(left, left + width))
    large = (slice(scale * top, scale * (top + height)), slice(scale * left, scale * (left + width)))
    return dataclasses.replace(pair, name=f"{pair.name}, {width}x{height}", lr=lr[small], hr=pair.hr[large])


@dataclass(frozen=True, slots=True)
class _Seen:
    """One image as a backend upscaled it."""

    output: Tensor
    """As the network gave it, float32 on the CPU."""
    levels: Levels
    psnr: float
    """Against the original; not a number for an image too small for the protocol."""


def compare(subject: Subject, forward: Forward, eager: Forward, pairs: Sequence[Pair]) -> Agreement:
    """Upscale pairs by both and compare what comes out.

    ``subject`` is the one that runs, ``eager`` its network in eager float32. A pair that eager itself cannot
    take (a network may want multiples of its window) is left out. Raises `SuiteError` for an output that is
    no image, and if no pair is left.
    """
    from suite.measures.psnr_ssim import psnr

    seen: list[tuple[str, _Seen, _Seen]] = []
    refusal = "no image"
    for pair in pairs:
        try:
            reference = _see(eager, subject, pair)
        except Exception as error:  # the network itself refuses this size, in any way
            refusal = str(error)
            continue
        try:
            seen.append((pair.name, _see(forward, subject, pair), reference))
        except SuiteError as error:
            raise SuiteError(f"its output differs from that of eager: {error}") from None
    if not seen:
        raise SuiteError(f"{subject.title}: nothing to compare, since eager gave no output: {refusal}")
    difference = max(
        float((ours.output - theirs.output).abs().max()) / subject.card.input.range
        for _, ours, theirs in seen
    )
    changes = [ours.psnr - theirs.psnr for _, ours, theirs in seen if ours.psnr != theirs.psnr]
    change = max(filter(math.isfinite, changes), key=abs, default=0.0)
    exact = subject.precision == "fp32"
    equal = difference <= LARGEST_DIFFERENCE if exact else abs(change) <= LARGEST_CHANGE_DB
    limit = (
        f"largest difference at most {LARGEST_DIFFERENCE:g} of the value range"
        if exact
        else f"PSNR change at most {LARGEST_CHANGE_DB:g} dB"
    )
    names = tuple(name for name, _, _ in seen)
    between = psnr(
        np.concatenate([ours.levels.ravel() for _, ours, _ in seen]),
        np.concatenate([theirs.levels.ravel() for _, _, theirs in seen]),
    )
    return Agreement(difference, between, change, names, limit, equal)


def _see(forward: Forward, subject: Subject, pair: Pair) -> _Seen:
    from suite.catalog.protocols import DEFAULT, protocol_by_id
    from suite.measures.psnr_ssim import judge
    from suite.upscaling import upscale

    outputs: list[Tensor] = []

    def watched(image: Tensor) -> Tensor:
        outputs.append(forward(image))
        return outputs[-1]

    levels = upscale(watched, subject, pair.lr, pair.name)
    score = judge(levels, pair.hr, subject.scale, protocol_by_id(DEFAULT))
    return _Seen(outputs[-1].float().cpu(), levels, score.psnr)
