"""What each number is, in the words that headers, tooltips and the page's list of definitions use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """How a metric is shown."""

    measure: str
    metric: str
    label: str
    unit: str
    divisor: float
    definition: str
    """Sentence without the final stop; what differs between columns (input, samples) is added to it."""
    higher_is_better: bool = False
    by_input: bool = False
    """Whether the figure depends on the input's size, so that each size has a column of its own."""
    decimals: int | None = None
    """Decimal places where the field agrees on them; None to choose them by the size of the figures."""


FIGURES = (
    Figure("cost", "params", "Parameters", "K", 1e3, "Number of learned values in the network"),
    Figure(
        "cost",
        "macs",
        "MACs",
        "G",
        1e9,
        "Multiply-accumulates of convolutions, linear layers and matrix products, no bias "
        "(the 'FLOPs' or 'Multi-Adds' of most papers)",
        by_input=True,
    ),
    Figure(
        "cost",
        "activations",
        "Activations",
        "M",
        1e6,
        "Elements of the outputs of all convolutions and linear layers",
        by_input=True,
    ),
    Figure(
        "cost",
        "conv_layers",
        "Conv layers",
        "",
        1,
        "Convolutions executed in one forward pass, transposed ones included; one called twice counts twice; "
        "1x1 convolutions that a network writes as linear layers, as BSRN-S does, are not among them",
        decimals=0,
    ),
    Figure(
        "cost",
        "bytes_moved",
        "Bytes moved",
        "MB",
        1e6,
        "Bytes that the executed operators read and write, weights included, each tensor once an operator, "
        "in 32-bit floating point; views are free, caches are left out of account",
        by_input=True,
    ),
    Figure(
        "memory",
        "peak_bytes",
        "Peak memory",
        "MiB",
        2**20,
        "Peak of the memory that one forward pass allocates, beyond weights and input",
        by_input=True,
    ),
    Figure(
        "runtime", "latency_ms", "Latency", "ms", 1, "Time of one forward pass of one image", by_input=True
    ),
)
"""The figures of a row that do not depend on a dataset, in the order of the columns."""

PSNR = Figure(
    "quality",
    "psnr",
    "PSNR",
    "dB",
    1,
    "Mean over the images of each image's peak signal-to-noise ratio",
    higher_is_better=True,
    decimals=2,
)
SSIM = Figure(
    "quality",
    "ssim",
    "SSIM",
    "",
    1,
    "Mean over the images of each image's structural similarity (11x11 Gaussian window, sigma 1.5, "
    "positions where the window fits)",
    higher_is_better=True,
    decimals=4,
)

_STUDIO = "luma (BT.601, 16 to 235)"
_CROPPED = "as many pixels as the scale cropped at every edge"
_ROUNDED = "output clipped and rounded to 8 bit"
_SR_Y = f"{_ROUNDED}; {_STUDIO} in floating point; {_CROPPED}"

PROTOCOLS = {
    "sr-y": _SR_Y,
    "matlab-y": f"{_ROUNDED}; {_STUDIO} rounded to 8 bit as MATLAB does; {_CROPPED}",
    "ntire-rgb": f"{_ROUNDED}; the three RGB planes; {_CROPPED}",
    "full-y": f"{_ROUNDED}; luma (BT.601, 0 to 255) in floating point; {_CROPPED}",
    "pillow-y": f"{_ROUNDED}; luma (BT.601, 0 to 255) rounded to 8 bit as Pillow and OpenCV do; {_CROPPED}",
    "y-uncropped": f"{_ROUNDED}; {_STUDIO} in floating point; nothing cropped",
    "y-unrounded": f"output clipped but not rounded; {_STUDIO} in floating point; {_CROPPED}",
    "y-uniform": f"{_SR_Y}; SSIM with a 7x7 window of equal weights and unbiased variances, the defaults of "
    "scikit-image",
    "y-image-errors": f"{_SR_Y}; PSNR of the set not the mean of its images' but that of the mean of their "
    "mean squared errors",
    "y-pixel-errors": f"{_SR_Y}; PSNR of the set not the mean of its images' but that of the mean squared "
    "error of all its pixels, SSIM the mean over all its windows",
    "rgb-uncropped": f"{_ROUNDED}; the three RGB planes; nothing cropped",
    "rgb-unrounded": "output clipped but not rounded; the three RGB planes; nothing cropped",
    "rgb-border-6": f"{_ROUNDED}; the three RGB planes; the scale and six more pixels cropped at every edge",
}
"""How an upscaled image is compared with the original, by the protocol's id."""

REFERENCE = "sr-y"
"""The protocol from which the others are told apart."""

HEADLINE = ("sr-y", "matlab-y", "ntire-rgb")
"""The protocols that have columns in the leaderboard. The others of `PROTOCOLS` explain figures."""

_SHORT = {
    "sr-y": "the suite's default; the others differ from it as said",
    "matlab-y": "luma rounded to 8 bit",
    "ntire-rgb": "RGB",
    "full-y": "luma in full range",
    "pillow-y": "luma in full range, rounded to 8 bit",
    "y-uncropped": "no border cropped",
    "y-unrounded": "output not rounded",
    "y-uniform": "SSIM as scikit-image by default",
    "y-image-errors": "squared errors pooled, images weigh the same",
    "y-pixel-errors": "squared errors pooled, pixels weigh the same",
    "rgb-uncropped": "RGB, no border cropped",
    "rgb-unrounded": "RGB, no border cropped, output not rounded",
    "rgb-border-6": "RGB, border of the scale and six",
}

GROUPS = {"cost": "Cost", "memory": "Memory", "runtime": "Runtime"}
"""Headings over the columns of a measure."""

ORIGINS = {"none": "random (no weights)"}
"""Origins of weights that are shown in other words than the record's."""

FIELD_ORDER = ("Set5", "Set14", "B100", "Urban100", "Manga109")
"""The order in which papers list the test sets; others follow by name."""


def protocol_meaning(protocol: str) -> str:
    """What a protocol does, without the final stop; says so if the id is not known here."""
    return PROTOCOLS.get(protocol, "a protocol that this report does not know")


def protocol_short(protocol: str) -> str:
    """What a protocol does otherwise than `REFERENCE`, in a few words; empty if the id is not known here."""
    return _SHORT.get(protocol, "")


def origin_label(weights: str, sha256: str = "") -> str:
    """The origin of weights as shown. A path becomes the file's name with the start of its digest."""
    if weights in ("official", "shipped", "no parameters"):
        return weights
    if weights in ORIGINS:
        return ORIGINS[weights]
    name = weights.replace("\\", "/").rstrip("/").rpartition("/")[2] or weights
    return f"file {name} ({sha256[:8]})" if sha256 else f"file {name}"


def size_label(size: str) -> str:
    """An input size ``CxHxW`` as printed, with multiplication signs."""
    return size.replace("x", "\u00d7")


def hd_pixels(scale: int) -> str:
    """Height and width of the input whose output is 1280x720 (or the nearest below it), as ``HxW``."""
    return f"{720 // scale}x{1280 // scale}"


def protocol_order(protocol: str) -> tuple[int, str]:
    """Sort key that puts protocols into the order of `PROTOCOLS`, the suite's default first."""
    known = list(PROTOCOLS)
    return (known.index(protocol) if protocol in known else len(known), protocol)


def dataset_order(name: str) -> tuple[int, str]:
    """Sort key that puts datasets into the order of the field's tables."""
    return (FIELD_ORDER.index(name) if name in FIELD_ORDER else len(FIELD_ORDER), name)
