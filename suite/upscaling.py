"""One image through a network: to a tensor, upscaled, back to levels of 8 bit.

A network that works on luma alone gets the luma of the image, not rounded, and its output is joined with the
bicubically enlarged chroma, so that it is judged as every other network is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suite.backends import Forward
from suite.errors import SuiteError
from suite.images import Plane, Rgb, enlarge, luma, to_rgb, to_ycbcr
from suite.task import Subject

if TYPE_CHECKING:
    from torch import Tensor

Levels = NDArray[np.float32]
"""``(H, W, 3)`` RGB in 0..255, clipped but not rounded."""


def to_tensor(image: Rgb | Plane, value_range: float) -> Tensor:
    """``(H, W, 3)`` levels in 0..255 to ``(1, 3, H, W)`` float32 with 255 mapped to ``value_range``."""
    import torch

    planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    return planes.float().mul_(value_range / 255.0).unsqueeze(0)


def to_input(subject: Subject, image: Rgb | Plane, name: str) -> Tensor:
    """``(H, W, 3)`` levels in 0..255 to the ``(1, C, H, W)`` float32 that a network is fed.

    Raises `SuiteError` for an image that is too small for the network.
    """
    import torch

    convention = subject.card.input
    height, width = image.shape[:2]
    if min(height, width) < convention.min_size:
        raise SuiteError(
            f"{name} is {width}x{height} pixels; {subject.title} needs at least "
            f"{convention.min_size} each way."
        )
    if convention.colour == "rgb":
        return to_tensor(image, convention.range)
    return torch.from_numpy(luma(image) * (convention.range / 255.0)).float()[None, None]


def to_levels(output: Tensor, value_range: float) -> Levels:
    """``(1, 3, H, W)`` to ``(H, W, 3)``: levels in 0..255, clipped, not rounded."""
    levels = output[0].float().mul(255.0 / value_range).clamp(0, 255)
    return np.ascontiguousarray(levels.cpu().numpy().transpose(1, 2, 0))


def to_luma(output: Tensor, value_range: float) -> Plane:
    """``(1, 1, H, W)`` of a network on luma to ``(H, W)``: studio-range luma, not clipped, not rounded."""
    luma_plane: Plane = output[0, 0].double().cpu().numpy() * (255.0 / value_range)
    return luma_plane


def with_chroma(upscaled: Plane, image: Rgb | Plane, scale: int) -> Levels:
    """Upscaled luma ``(scale * H, scale * W)`` with the bicubically enlarged chroma of ``image``.

    Gives ``(scale * H, scale * W, 3)`` levels of RGB, clipped, not rounded.
    """
    ycbcr = enlarge(to_ycbcr(image), scale)
    ycbcr[..., 0] = upscaled
    return np.clip(to_rgb(ycbcr), 0, 255).astype(np.float32)


def quantize(levels: Levels) -> Rgb:
    """Levels rounded to the nearest of 8 bit."""
    return np.rint(levels).astype(np.uint8)


def upscale(forward: Forward, subject: Subject, image: Rgb | Plane, name: str) -> Levels:
    """One image through a network: ``(H, W, 3)`` levels in 0..255 to those of ``(scale * H, scale * W, 3)``.

    An image of uint8 or of floating point, for images that hold more than 8 bits.

    Raises `SuiteError` for an image that is too small for the network, and for an output of the wrong
    size or with values that are not finite.
    """
    import torch

    convention = subject.card.input
    height, width = image.shape[:2]
    output = forward(to_input(subject, image, name))
    expected = (1, convention.channels, height * subject.scale, width * subject.scale)
    if tuple(output.shape) != expected:
        raise SuiteError(f"{subject.title} gave {tuple(output.shape)} for {name} instead of {expected}.")
    if not torch.isfinite(output).all():
        raise SuiteError(f"{subject.title} gave values that are not finite for {name}.")
    if convention.colour == "rgb":
        return to_levels(output, convention.range)
    return with_chroma(to_luma(output, convention.range), image, subject.scale)
