"""One image through a network: to a tensor, upscaled, back to levels of 8 bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suite.backends import Forward
from suite.errors import SuiteError
from suite.images import Rgb
from suite.task import Subject

if TYPE_CHECKING:
    from torch import Tensor

Levels = NDArray[np.float32]
"""``(H, W, 3)`` RGB in 0..255, clipped but not rounded."""


def to_tensor(image: Rgb, value_range: float) -> Tensor:
    """``(H, W, 3)`` uint8 to ``(1, 3, H, W)`` float32 with 255 mapped to ``value_range``."""
    import torch

    planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    return planes.float().mul_(value_range / 255.0).unsqueeze(0)


def to_levels(output: Tensor, value_range: float) -> Levels:
    """``(1, 3, H, W)`` to ``(H, W, 3)``: levels in 0..255, clipped, not rounded."""
    levels = output[0].float().mul(255.0 / value_range).clamp(0, 255)
    return np.ascontiguousarray(levels.cpu().numpy().transpose(1, 2, 0))


def quantize(levels: Levels) -> Rgb:
    """Levels rounded to the nearest of 8 bit."""
    return np.rint(levels).astype(np.uint8)


def upscale(forward: Forward, subject: Subject, image: Rgb, name: str) -> Levels:
    """One image through a network: ``(H, W, 3)`` uint8 to the levels of ``(scale * H, scale * W, 3)``.

    Raises `SuiteError` for an image that is too small for the network, and for an output of the wrong
    size or with values that are not finite.
    """
    import torch

    height, width = image.shape[:2]
    if min(height, width) < subject.card.input.min_size:
        raise SuiteError(
            f"{name} is {width}x{height} pixels; {subject.title} needs at least "
            f"{subject.card.input.min_size} each way."
        )
    output = forward(to_tensor(image, subject.card.input.range))
    expected = (1, 3, height * subject.scale, width * subject.scale)
    if tuple(output.shape) != expected:
        raise SuiteError(f"{subject.title} gave {tuple(output.shape)} for {name} instead of {expected}.")
    if not torch.isfinite(output).all():
        raise SuiteError(f"{subject.title} gave values that are not finite for {name}.")
    return to_levels(output, subject.card.input.range)
