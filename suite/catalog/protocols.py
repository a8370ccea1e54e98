"""The protocols: how an upscaled image is compared with the original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from suite.errors import unknown_name

DEFAULT = "sr-y"
ALL = "all"
"""Stands for every protocol on the command line."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """A convention for PSNR and SSIM. The output is always clipped to the range of values first."""

    id: str
    description: str
    colour: Literal["studio-luma", "full-luma", "rgb"] = "studio-luma"
    """``studio-luma``: BT.601 luma in 16..235. ``full-luma``: 0.299 R + 0.587 G + 0.114 B in 0..255.
    ``rgb``: the three planes, whose squared errors are averaged together; SSIM is the mean of three."""
    round_output: bool = True
    """Whether the output is rounded to 8 bit before anything else, as when it is stored."""
    round_luma: bool = False
    """Whether luma is rounded to integers, halves upwards. Without meaning for ``rgb``."""
    border_scales: int = 1
    """Pixels cropped at every edge, in multiples of the scale ..."""
    border_pixels: int = 0
    """... and as many more."""
    window: Literal["gaussian", "uniform"] = "gaussian"
    """SSIM's window. ``gaussian``: 11x11, sigma 1.5, variances divided by N. ``uniform``: 7x7, divided by
    N - 1, the defaults of scikit-image."""
    pooling: Literal["images", "image-errors", "pixel-errors"] = "images"
    """From the images to the set. ``images``: means of their PSNR and SSIM. ``image-errors``: PSNR of the
    mean of their mean squared errors, each with the same weight; mean of their SSIM. ``pixel-errors``: PSNR
    of the mean squared error of all pixels of the set; mean of SSIM over all windows of the set."""

    def border(self, scale: int) -> int:
        """Pixels that are cropped at every edge."""
        return self.border_scales * scale + self.border_pixels

    @property
    def of_an_image(self) -> Protocol:
        """What makes up the figures of one image: equal for protocols that differ in pooling alone."""
        return replace(self, id="", description="", pooling="images")


_PROTOCOLS = (
    Protocol("sr-y", "luma in floating point (BasicSR and most papers since 2018)"),
    Protocol("matlab-y", "luma rounded to 8 bit (MATLAB scripts)", round_luma=True),
    Protocol("ntire-rgb", "RGB (NTIRE challenges)", colour="rgb"),
    Protocol("full-y", "luma in full range, 0..255 (JPEG's), in floating point", colour="full-luma"),
    Protocol(
        "pillow-y",
        "luma in full range rounded to 8 bit (Pillow, OpenCV)",
        colour="full-luma",
        round_luma=True,
    ),
    Protocol("y-uncropped", "sr-y without cropping the border", border_scales=0),
    Protocol("y-unrounded", "sr-y on the output as it is, not rounded to 8 bit", round_output=False),
    Protocol("y-uniform", "sr-y with SSIM as scikit-image computes it by default", window="uniform"),
    Protocol("y-image-errors", "sr-y, but PSNR of the images' mean squared error", pooling="image-errors"),
    Protocol("y-pixel-errors", "sr-y, but PSNR and SSIM over all pixels of the set", pooling="pixel-errors"),
    Protocol("rgb-uncropped", "ntire-rgb without cropping the border", colour="rgb", border_scales=0),
    Protocol(
        "rgb-unrounded",
        "RGB of the output as it is, neither cropped nor rounded (validation in training scripts)",
        colour="rgb",
        round_output=False,
        border_scales=0,
    ),
    Protocol(
        "rgb-border-6", "RGB with six more pixels cropped (EDSR on DIV2K)", colour="rgb", border_pixels=6
    ),
)

PROTOCOLS: dict[str, Protocol] = {protocol.id: protocol for protocol in _PROTOCOLS}


def protocol_by_id(name: str) -> Protocol:
    """The protocol of an id. Raises `suite.errors.UsageError` with the nearest id if unknown."""
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, (*PROTOCOLS, ALL))
    return PROTOCOLS[name]


def protocol_ids(names: Sequence[str]) -> tuple[str, ...]:
    """The ids of protocols as a user names them, each once; ``all`` stands for every one.

    Raises `suite.errors.UsageError` with the nearest id for an unknown name.
    """
    expanded = [id for name in names for id in (PROTOCOLS if name == ALL else (protocol_by_id(name).id,))]
    return tuple(dict.fromkeys(expanded))
