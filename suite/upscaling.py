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

NOT_FINITE = "non-finite output"
WRONG_SIZE = "wrong output size"
IGNORES_INPUT = "output ignores its input"
"""What can be found instead of figures: stable names, with which the messages begin."""

PROBE = 64
"""Side of the images of `require_response` in pixels: a multiple of the windows that networks divide into."""

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


def quantize(levels: Levels | Rgb) -> Rgb:
    """Levels rounded to the nearest of 8 bit; what is 8 bit already stays as it is."""
    return np.rint(levels).astype(np.uint8)


def upscale(forward: Forward, subject: Subject, image: Rgb, name: str) -> Levels:
    """One image through a network: ``(H, W, 3)`` uint8 to the levels of ``(scale * H, scale * W, 3)``.

    Raises `SuiteError` for an image that is too small for the network, and for an output of the wrong
    size or with values that are not finite, which the message calls `WRONG_SIZE` and `NOT_FINITE`.
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
        shape = tuple(output.shape)
        raise SuiteError(f"{WRONG_SIZE}: {subject.title} gave {shape} for {name} instead of {expected}.")
    if not torch.isfinite(output).all():
        raise SuiteError(f"{NOT_FINITE}: {subject.title} gave values that are not finite for {name}.")
    return to_levels(output, subject.card.input.range)


def require_response(forward: Forward, subject: Subject) -> None:
    """Raise `SuiteError` if a network gives one and the same output for two unlike images.

    The images are small noise and its mirror image in value, so that every pixel differs.
    """
    import torch

    convention = subject.card.input
    side = max(PROBE, convention.min_size)
    noise = torch.rand((1, convention.channels, side, side), generator=torch.Generator().manual_seed(0))
    first, second = (forward(image * convention.range) for image in (noise, 1 - noise))
    if torch.isfinite(first).all() and torch.equal(first, second):
        raise SuiteError(
            f"{IGNORES_INPUT}: {subject.title} gave the same output for two unlike images of {side}x{side}."
        )
