"""The protocols: how an upscaled image is compared with the original."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from suite.errors import unknown_name


@dataclass(frozen=True, slots=True)
class Protocol:
    """A convention for PSNR and SSIM. All clip and round the output to uint8 first, and crop ``scale``
    pixels at every edge; the mean over a set is the mean of its images' values."""

    id: str
    colour: Literal["y", "rgb"]
    """``y``: studio-range BT.601 luma. ``rgb``: the three planes; SSIM is their mean."""
    round_luma: bool
    """Whether luma is rounded to integers, as MATLAB's ``rgb2ycbcr`` does on uint8 images."""
    description: str


_PROTOCOLS = (
    Protocol("sr-y", "y", False, "luma in floating point (BasicSR and most papers since 2018)"),
    Protocol("matlab-y", "y", True, "luma rounded to 8 bit (MATLAB scripts)"),
    Protocol("ntire-rgb", "rgb", False, "RGB (NTIRE challenges)"),
)

PROTOCOLS: dict[str, Protocol] = {protocol.id: protocol for protocol in _PROTOCOLS}


def protocol_by_id(name: str) -> Protocol:
    """The protocol of an id. Raises `suite.errors.UsageError` with the nearest id if unknown."""
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
