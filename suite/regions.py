"""Parts of the images of a set: what is kept of outputs, and the crops that a user names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.errors import UsageError, unknown_name
from suite.images import Rgb, open_image

if TYPE_CHECKING:
    from suite.datasets import Dataset

SIDE = 352
"""Of an image at most the middle so many pixels, across and down, are kept of an output."""
ALLOWANCE = 400_000
"""Pixels that are kept of one network's outputs together."""
SMALLEST = 16
"""Least width and height of a crop: SSIM needs 11."""

_FORM = re.compile(r"(?P<image>.+):(?P<x>\d{1,6}),(?P<y>\d{1,6}),(?P<width>\d{1,6})x(?P<height>\d{1,6})")


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of an image, in pixels of HR from the top left."""

    image: str
    """Stem of the HR file."""
    x: int
    y: int
    width: int
    height: int
    chosen: bool = False
    """Whether the user named it, to be shown as it is; else crops are looked for inside it."""

    def __str__(self) -> str:
        return f"{self.image}:{self.x},{self.y},{self.width}x{self.height}"

    def of(self, image: Rgb) -> Rgb:
        """The pixels of the region in the whole image."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]

    def inside(self, width: int, height: int) -> bool:
        """Whether an image of this size has all of its pixels."""
        return self.x + self.width <= width and self.y + self.height <= height

    def holds(self, other: Region) -> bool:
        """Whether another region of the same image lies wholly inside."""
        return (
            self.image == other.image
            and self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
        )


def image_sizes(dataset: Dataset) -> dict[str, tuple[int, int]]:
    """Width and height of each HR image of a set by its name, as it is judged; no pixel is decoded.

    Raises `SuiteError` for a file that is no image.
    """
    sizes = {}
    for hr_file, lr_file in dataset.files:
        with open_image(lr_file or hr_file) as image:
            width, height = image.size
        unit = 1 if lr_file else dataset.scale
        sizes[hr_file.stem] = (width // unit * dataset.scale, height // unit * dataset.scale)
    return sizes


def usual_regions(sizes: Mapping[str, tuple[int, int]]) -> tuple[Region, ...]:
    """What is kept if nobody says otherwise: of the smallest images as many as `ALLOWANCE` holds.

    ``sizes`` are those of `image_sizes`. Of an image larger than `SIDE` it is the middle.
    """
    left, found = ALLOWANCE, []
    for name in sorted(sizes, key=lambda name: (sizes[name][0] * sizes[name][1], name)):
        width, height = (min(side, SIDE) for side in sizes[name])
        left -= width * height
        if left < 0:
            break
        x, y = ((side - kept) // 2 for side, kept in zip(sizes[name], (width, height), strict=True))
        found.append(Region(name, x, y, width, height))
    return tuple(found)


def parse_crops(texts: Sequence[str]) -> tuple[Region, ...]:
    """The crops that a user names, each ``IMAGE:X,Y,WxH``.

    Raises `UsageError` for another form, for crops that are too small, and if they are too large together.
    """
    crops = tuple(dict.fromkeys(_parse(text) for text in texts))
    if (pixels := sum(crop.width * crop.height for crop in crops)) > ALLOWANCE:
        raise UsageError(f"--crops: {pixels:,} pixels in all are more than {ALLOWANCE:,}: make them smaller.")
    return crops


def _parse(text: str) -> Region:
    match = _FORM.fullmatch(text)
    if not match:
        raise UsageError(
            f"--crops {text}: write IMAGE:X,Y,WxH in pixels of HR from the top left, as in "
            "butterfly:80,16,96x96."
        )
    x, y, width, height = (int(match[name]) for name in ("x", "y", "width", "height"))
    if min(width, height) < SMALLEST:
        raise UsageError(f"--crops {text}: a crop is at least {SMALLEST}x{SMALLEST} pixels.")
    return Region(match["image"], x, y, width, height, chosen=True)


Sizes = Mapping[str, tuple[int, int]]
"""Width and height of images by name."""


def place_crops(crops: Sequence[Region], sizes: Mapping[str, Sizes]) -> dict[str, tuple[Region, ...]]:
    """The crops by dataset, from the sizes of the datasets' images; the first that has the image counts.

    A set without images could not be read, and may have any. Raises `UsageError` with the nearest name for an
    unknown image, and for a crop that leaves its image.
    """
    found: dict[str, tuple[Region, ...]] = {}
    for crop in crops:
        dataset = next((name for name, images in sizes.items() if crop.image in images), None)
        if dataset is None:
            if not all(sizes.values()):
                continue
            raise unknown_name("image", crop.image, [name for images in sizes.values() for name in images])
        width, height = sizes[dataset][crop.image]
        if not crop.inside(width, height):
            raise UsageError(
                f"--crops {crop}: {crop.image} of {dataset} is {width}x{height} pixels, and the crop ends at "
                f"{crop.x + crop.width},{crop.y + crop.height}."
            )
        found[dataset] = (*found.get(dataset, ()), crop)
    return found
