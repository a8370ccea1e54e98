"""One image through a network: to a tensor, upscaled, back to levels of 8 bit.

A network that works on luma alone gets the luma of the image, not rounded, and its output is joined with the
bicubically enlarged chroma, so that it is judged as every other network is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suite.backends import Forward
from suite.catalog.cards import InputConvention
from suite.errors import SuiteError
from suite.images import Plane, Rgb, enlarge, luma, to_rgb, to_ycbcr
from suite.task import Subject

if TYPE_CHECKING:
    from torch import Tensor

WRONG_TYPE = "output is no tensor"
NOT_FINITE = "non-finite output"
WRONG_SIZE = "wrong output size"
IGNORES_INPUT = "output ignores its input"
"""What can be found instead of figures: stable names, with which the messages begin."""

PROBE = 64
"""Side of the images of `require_response` in pixels: a multiple of the windows that networks divide into."""

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
        tensor = to_tensor(image, convention.range)
    else:
        tensor = torch.from_numpy(luma(image) * (convention.range / 255.0)).float()[None, None]
    return tensor - _mean(convention) if convention.mean else tensor


def _mean(convention: InputConvention) -> Tensor:
    """The mean of a convention as ``(1, C, 1, 1)``."""
    import torch

    return torch.tensor(convention.mean).view(1, -1, 1, 1)


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


def quantize(levels: Levels | Rgb) -> Rgb:
    """Levels rounded to the nearest of 8 bit; what is 8 bit already stays as it is."""
    return np.rint(levels).astype(np.uint8)


def upscale(forward: Forward, subject: Subject, image: Rgb | Plane, name: str) -> Levels:
    """One image through a network: ``(H, W, 3)`` levels in 0..255 to those of ``(scale * H, scale * W, 3)``.

    An image of uint8 or of floating point, for images that hold more than 8 bits.

    Raises `SuiteError` for an image that is too small for the network, and for an output of the wrong
    size or with values that are not finite, which the message calls `WRONG_SIZE` and `NOT_FINITE`.
    """
    import torch

    convention = subject.card.input
    height, width = image.shape[:2]
    output = forward(to_input(subject, image, name))
    if not isinstance(output, torch.Tensor):
        kind = type(output).__name__
        raise SuiteError(f"{WRONG_TYPE}: {subject.title} gave {kind} for {name} instead of a tensor.")
    expected = (1, convention.channels, height * subject.scale, width * subject.scale)
    if tuple(output.shape) != expected:
        shape = tuple(output.shape)
        raise SuiteError(f"{WRONG_SIZE}: {subject.title} gave {shape} for {name} instead of {expected}.")
    if not torch.isfinite(output).all():
        raise SuiteError(f"{NOT_FINITE}: {subject.title} gave values that are not finite for {name}.")
    if convention.mean:
        output = output.float().cpu() + _mean(convention)
    if convention.colour == "rgb":
        return to_levels(output, convention.range)
    return with_chroma(to_luma(output, convention.range), image, subject.scale)


def require_response(forward: Forward, subject: Subject) -> None:
    """Raise `SuiteError` if a network gives one and the same output for two unlike images.

    The images are small noise and its mirror image in value, so that every pixel differs.
    """
    import torch

    convention = subject.card.input
    side = max(PROBE, convention.min_size)
    noise = torch.rand((1, convention.channels, side, side), generator=torch.Generator().manual_seed(0))
    first, second = (forward(image * convention.range) for image in (noise, 1 - noise))
    if not isinstance(first, torch.Tensor) or not isinstance(second, torch.Tensor):
        return  # upscaling the first image will say so
    if torch.isfinite(first).all() and torch.equal(first, second):
        raise SuiteError(
            f"{IGNORES_INPUT}: {subject.title} gave the same output for two unlike images of {side}x{side}."
        )
