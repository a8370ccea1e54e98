"""The image comparison: crops of the outputs side by side, as a part of the page."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from reports.quality import Network, networks
from suite.crops import Crop, Crops, Shot
from suite.images import Rgb, luma
from suite.records import Record

OVERVIEW = 192
"""Longer side of the whole image that shows where a crop is, in pixels."""
COVERED = 99
"""Percentile of the errors of a crop up to which the colours of its error maps reach."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of a crop."""

    id: str
    """``hr``, ``bicubic`` or the key of the record."""
    title: str
    origin: str
    data: str
    """The pixels as a data URL."""
    of_crop: str = ""
    """PSNR and SSIM of the crop; empty for HR."""
    of_image: str = ""
    """PSNR and SSIM of the whole image with the protocol; empty where there is no record of it."""
    best: bool = False
    """Whether no other picture of the crop has a higher PSNR."""


@dataclass(frozen=True, slots=True)
class CropView:
    """One crop with all its pictures."""

    id: str
    """What a link names it by, such as ``x4-Set5-butterfly:80,16,96x96``."""
    title: str
    place: str
    """Where it is, in words."""
    width: int
    height: int
    overview: str
    """The whole image, reduced, as a data URL."""
    size: tuple[int, int]
    """Width and height of the overview."""
    mark: tuple[float, float, float, float]
    """The crop in the overview: left, top, width, height."""
    top: int
    """The error in levels of luma at which the colours of the error maps end."""
    tiles: tuple[Tile, ...]

    @property
    def bytes(self) -> int:
        """What it takes in the page."""
        return len(self.overview) + sum(len(tile.data) for tile in self.tiles)


@dataclass(frozen=True, slots=True)
class Gallery:
    """The part of the page."""

    crops: tuple[CropView, ...]
    notes: tuple[str, ...]
    """What could not be shown, and why."""
    colours: tuple[str, ...]
    """The 256 colours of the error maps from no error upwards, as six hexadecimal digits."""

    @property
    def legend(self) -> list[tuple[int, str]]:
        """Every eighth colour with its place in per cent of the scale."""
        return [(round(number / 2.55), self.colours[number]) for number in range(0, 256, 15)]


def build_gallery(found: Crops, budget_mb: float) -> Gallery | None:
    """The part of the page; None if there is nothing to show or say.

    The crops come in their order for as long as their pictures, as text in the page, fit into the budget; a
    note tells how many do not.
    """
    views: list[CropView] = []
    left = round(budget_mb * 1e6)
    names = networks([shot.record for crop in found.crops for shot in crop.shots if shot.record])
    for number, crop in enumerate(found.crops):
        view = _view(crop, names)
        left -= view.bytes
        if left < 0:
            out = len(found.crops) - number
            note = (
                f"{out} more crop{' is' if out == 1 else 's are'} left out, since the pictures of a page may "
                f"take {budget_mb:g} MB (--images-mb)."
            )
            return _gallery(views, (*found.problems, note))
        views.append(view)
    return _gallery(views, found.problems)


def _gallery(views: Sequence[CropView], notes: Sequence[str]) -> Gallery | None:
    if not views:
        return Gallery((), tuple(notes), ()) if notes else None
    return Gallery(tuple(views), tuple(notes), error_colours())


def error_colours() -> tuple[str, ...]:
    """Matplotlib's perceptually uniform scale ``magma``, from black to a light yellow."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    scale = colormaps["magma"]
    return tuple(to_hex(scale(number)).removeprefix("#") for number in range(256))


def _view(crop: Crop, names: dict[str, Network]) -> CropView:
    region = crop.region
    height, width = crop.whole.shape[:2]
    where = f"{region.width}\u00d7{region.height} pixels at {region.x}, {region.y}"
    factor = min(1.0, OVERVIEW / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    overview = np.asarray(Image.fromarray(crop.whole).resize(size, Image.Resampling.LANCZOS))
    across, down = size[0] / width, size[1] / height
    return CropView(
        id=f"x{crop.scale}-{crop.dataset}-{region}",
        title=f"{region.image}, {crop.dataset}, \u00d7{crop.scale}",
        place=f"{where} of {width}\u00d7{height}",
        width=region.width,
        height=region.height,
        overview=data_url(overview),
        size=size,
        mark=(region.x * across, region.y * down, region.width * across, region.height * down),
        top=_top(crop),
        tiles=tuple(_tiles(crop, names)),
    )


def _tiles(crop: Crop, names: dict[str, Network]) -> list[Tile]:
    """HR, bicubic, then the networks, best PSNR of the crop first."""
    tiles = [Tile("hr", "HR", "the original", data_url(crop.hr))]
    shots = [(shot, shot.record, names[shot.record.key]) for shot in crop.shots if shot.record]
    bicubic = any(record.model == "bicubic" for _, record, _ in shots)
    shots.sort(key=lambda e: (e[1].model != "bicubic", -e[0].psnr, e[2].title.lower(), e[2].origin))
    best = max(shot.psnr for shot in (crop.bicubic, *crop.shots))
    if not bicubic:
        tiles.append(_tile("bicubic", "Bicubic", "of the LR image", crop.bicubic, best, ""))
    for shot, record, network in shots:
        of_image = _of_image(record, crop.region.image)
        tiles.append(_tile(record.key, network.title, network.origin, shot, best, of_image))
    return tiles


def _tile(id: str, title: str, origin: str, shot: Shot, best: float, of_image: str) -> Tile:
    of_crop = f"{shot.psnr:.2f} dB / {shot.ssim:.4f}"
    return Tile(id, title, origin, data_url(shot.pixels), of_crop, of_image, best=shot.psnr == best)


def _of_image(record: Record, image: str) -> str:
    """PSNR and SSIM of the whole image, as measured."""
    found = {value.metric: value.value for value in record.values if value.image == image}
    if "psnr" not in found or "ssim" not in found:
        return ""
    return f"{found['psnr']:.2f} dB / {found['ssim']:.4f} ({record.protocol})"


def _top(crop: Crop) -> int:
    original = luma(crop.hr)
    shots = (crop.bicubic, *crop.shots)
    errors = np.stack([np.abs(luma(shot.pixels) - original) for shot in shots])
    return max(1, math.ceil(np.percentile(errors, COVERED)))


def data_url(pixels: Rgb) -> str:
    """An image as a data URL of lossless WebP; the same pixels give the same text."""
    stream = io.BytesIO()
    # These settings are thirty times as fast as the slowest, whose files are one per cent smaller.
    Image.fromarray(pixels).save(stream, "WEBP", lossless=True, quality=50, method=2)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"
