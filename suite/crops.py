"""Crops of the pictures that runs keep: the same part of an image as every network gives it back.

Read from the records and pictures of runs. Nothing is upscaled here but the LR image, bicubically, which
stands beside the networks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suite.errors import SuiteError
from suite.images import Plane, Rgb, enlarge, luma
from suite.measures.psnr_ssim import psnr, ssim
from suite.outputs import Kept, kept_in, left_out, load
from suite.records import Record
from suite.regions import Region
from suite.weights import WITHOUT_PARAMETERS

WINDOW = 96
"""Width and height of the crops that are picked, in pixels of HR."""
PICKED = 3
"""How many are picked of each dataset and scale."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A crop as one network gives it back."""

    pixels: Rgb
    psnr: float
    """Of the crop alone, in dB: luma in floating point, all pixels of the crop."""
    ssim: float
    """Of the crop alone, on the same luma."""
    record: Record | None = None
    """The record that names the picture; None for the bicubic enlargement that is made here."""


@dataclass(frozen=True, slots=True)
class Crop:
    """One part of one image, as it is and as networks give it back."""

    dataset: str
    scale: int
    region: Region
    whole: Rgb
    """The whole HR image."""
    hr: Rgb
    """The crop of it."""
    bicubic: Shot
    shots: tuple[Shot, ...]
    score: float = 0.0
    """Mean variance between the networks' luma, by which it was picked."""


@dataclass(frozen=True, slots=True)
class Crops:
    """What there is to compare, and in a sentence each what could not be."""

    crops: tuple[Crop, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Source:
    """A picture of one network and the run that it lies in."""

    run: Path
    record: Record
    kept: Kept


def find_crops(runs: Mapping[Path, Sequence[Record]], asked: Sequence[Region] = ()) -> Crops:
    """The crops of the pictures of runs.

    Those in ``asked`` if it names any; else those that the user named when measuring; else of each dataset
    and scale the `PICKED` windows of `WINDOW` in which networks differ most. The order of runs and records
    does not matter. Of several records of one network the latest counts. Damaged pictures are problems, never
    errors.
    """
    sources, problems = _sources(runs)
    if not sources:
        return Crops((), tuple(problems) or _why_none(runs))
    found: list[Crop] = []
    for _, same_set in groupby(sources, key=lambda s: (s.record.scale, s.record.dataset)):
        found += _crops_of_set(list(same_set), asked, problems)
    shown = {crop.region for crop in found}
    problems += [f"No picture shows {region}: name it to 'run'." for region in asked if region not in shown]
    return Crops(tuple(found), tuple(dict.fromkeys(problems)))


def _sources(runs: Mapping[Path, Sequence[Record]]) -> tuple[list[_Source], list[str]]:
    """The pictures of the latest record of each network, by scale and dataset, and what lacks them."""
    latest: dict[tuple[object, ...], tuple[Path, Record]] = {}
    pairs = [(run, record) for run, records in runs.items() for record in records]
    for run, record in sorted(pairs, key=lambda pair: (pair[1].finished, pair[1].key, str(pair[0]))):
        if record.measure == "quality" and (kept_in(record.details) or left_out(record.details)):
            latest[_network(record)] = (run, record)
    chosen = sorted(latest.values(), key=lambda pair: (pair[1].scale, pair[1].dataset, pair[1].key))
    problems = [
        f"{record.model} x{record.scale} on {record.dataset} left no pictures: {reason}."
        for _, record in chosen
        if (reason := left_out(record.details))
    ]
    return [
        _Source(run, record, kept) for run, record in chosen for kept in kept_in(record.details)
    ], problems


def _network(record: Record) -> tuple[object, ...]:
    digest = str(record.details.get("weights", {}).get("sha256", ""))
    configuration = (record.backend, record.device, record.precision)
    return (record.scale, record.dataset, record.model, record.weights, digest, *configuration)


def _why_none(runs: Mapping[Path, Sequence[Record]]) -> tuple[str, ...]:
    quality = [r for records in runs.values() for r in records if r.measure == "quality" and r.values]
    if not quality:
        return ()
    return ("No images are compared: these records keep no pictures. 'run' with the same options adds them.",)


def _crops_of_set(sources: Sequence[_Source], asked: Sequence[Region], problems: list[str]) -> list[Crop]:
    """The crops of one dataset at one scale."""
    named = sorted({s.kept.region for s in sources if s.kept.region.chosen}, key=str)
    wanted = list(asked or named)
    found: list[Crop] = []
    by_image = sorted(sources, key=lambda s: (s.kept.region.image, s.kept.hr, s.kept.lr))
    for _, group in groupby(by_image, key=lambda s: (s.kept.region.image, s.kept.hr, s.kept.lr)):
        same_image = list(group)
        here = [region for region in wanted if region.image == same_image[0].kept.region.image]
        if here or not wanted:
            found += _crops_of_image(same_image, here, problems)
    if wanted:
        return sorted(found, key=lambda crop: wanted.index(crop.region))
    # The best window of every image first, then the second best of each.
    ranked = sorted(found, key=lambda crop: (crop.region.image, -crop.score))
    turns = [
        (turn, -crop.score, number)
        for number, (turn, crop) in enumerate(
            pair
            for _, group in groupby(ranked, key=lambda crop: crop.region.image)
            for pair in enumerate(group)
        )
    ]
    return [ranked[number] for _, _, number in sorted(turns)[:PICKED]]


def _crops_of_image(sources: Sequence[_Source], wanted: Sequence[Region], problems: list[str]) -> list[Crop]:
    """The wanted crops of one image; if none is wanted, those in which the networks differ most."""
    regions = [region for region in wanted if any(s.kept.region.holds(region) for s in sources)]
    usual = Counter(source.kept.region for source in sources).most_common()
    area = min(usual, key=lambda entry: (-entry[1], str(entry[0])))[0]
    if wanted and not regions:
        return []
    try:
        whole, lr = (load(sources[0].run, name) for name in (sources[0].kept.hr, sources[0].kept.lr))
        scale = sources[0].record.scale
        if lr.shape[0] * scale != whole.shape[0] or lr.shape[1] * scale != whole.shape[1]:
            raise SuiteError(f"the pictures of {area.image} in {sources[0].run} do not belong together.")
    except SuiteError as error:
        problems.append(f"No crop of {area.image}: {error}")
        return []
    shown = list(_outputs(sources, whole, regions or [area], problems))
    if not shown:
        return []
    enlarged = enlarge(lr, scale)
    scores = dict.fromkeys(regions, 0.0)
    if not regions:
        planes = _planes(shown, area, area.of(enlarged), area.of(whole))
        scores = dict(pick_windows(planes, area, whole.shape[1::-1], scale))
    return [_crop(region, score, whole, enlarged, shown) for region, score in scores.items()]


def _outputs(
    sources: Sequence[_Source], whole: Rgb, regions: Sequence[Region], problems: list[str]
) -> Iterator[tuple[_Source, Rgb]]:
    """The pictures that show one of the regions, as they are stored, one after the other."""
    height, width = whole.shape[:2]
    for source in sources:
        kept = source.kept
        if not any(kept.region.holds(region) for region in regions):
            continue
        try:
            pixels = load(source.run, kept.output)
            if pixels.shape != (kept.region.height, kept.region.width, 3) or not kept.region.inside(
                width, height
            ):
                raise SuiteError(f"the picture {kept.output} in {source.run} is no part of its image.")
        except SuiteError as error:
            problems.append(f"No crop of {source.record.model}: {error}")
            continue
        yield source, pixels


def _planes(shown: Sequence[tuple[_Source, Rgb]], area: Region, bicubic: Rgb, hr: Rgb) -> Iterator[Plane]:
    """Luma of the networks in the area; of bicubic and of HR too where there are not two networks."""
    learned = [pair for pair in shown if pair[0].record.weights != WITHOUT_PARAMETERS]
    more = [bicubic, hr][: max(0, 2 - len(learned))]
    yield from (luma(_cut(source.kept.region, pixels, area)) for source, pixels in learned)
    yield from map(luma, more)


def _cut(outer: Region, pixels: Rgb, inner: Region) -> Rgb:
    """The pixels of a region from those of one that holds it."""
    return replace(inner, x=inner.x - outer.x, y=inner.y - outer.y).of(pixels)


def pick_windows(
    planes: Iterable[Plane], area: Region, size: tuple[int, int], scale: int
) -> list[tuple[Region, float]]:
    """The windows of an area in which outputs differ most, at most `PICKED`, none overlapping another.

    ``planes`` are the outputs' luma in the area, ``size`` is the image's width and height. The score of a
    window is the mean over its pixels of the variance between the outputs, which is that of their errors as
    well. The best comes first; of equal ones the upper, then the left. Windows keep ``scale`` pixels off the
    edges of the image, which no protocol judges. Where outputs are equal there is no window.
    """
    count, total, squares = 0, np.zeros((area.height, area.width)), np.zeros((area.height, area.width))
    for plane in planes:  # Welford's algorithm: one plane at a time
        count += 1
        change = plane - total
        total += change / count
        squares += change * (plane - total)
    if not count:
        return []
    side_x, side_y = (min(WINDOW, extent) for extent in (area.width, area.height))
    sums = np.zeros((area.height + 1, area.width + 1))
    sums[1:, 1:] = (squares / count).cumsum(0).cumsum(1)
    scores = (
        sums[side_y:, side_x:] - sums[:-side_y, side_x:] - sums[side_y:, :-side_x] + sums[:-side_y, :-side_x]
    )
    scores /= side_x * side_y
    scores[_at_edge(np.arange(scores.shape[0]) + area.y, side_y, size[1], scale)] = -1
    scores[:, _at_edge(np.arange(scores.shape[1]) + area.x, side_x, size[0], scale)] = -1
    found: list[tuple[Region, float]] = []
    while len(found) < PICKED and scores.max() > 1e-9:
        y, x = (int(place) for place in np.unravel_index(scores.argmax(), scores.shape))
        found.append((Region(area.image, area.x + x, area.y + y, side_x, side_y), float(scores[y, x])))
        scores[max(0, y - side_y + 1) : y + side_y, max(0, x - side_x + 1) : x + side_x] = -1
    return found


def _at_edge(starts: NDArray[np.intp], side: int, extent: int, border: int) -> NDArray[np.bool_]:
    """Which windows reach into the border of the image; none where all would."""
    outside = (starts < border) | (starts + side > extent - border)
    return outside & (not outside.all())


def _crop(
    region: Region, score: float, whole: Rgb, enlarged: Rgb, shown: Sequence[tuple[_Source, Rgb]]
) -> Crop:
    hr = region.of(whole)
    shots = (
        _shot(_cut(source.kept.region, pixels, region), hr, source.record)
        for source, pixels in shown
        if source.kept.region.holds(region)
    )
    first = shown[0][0].record
    return Crop(
        first.dataset, first.scale, region, whole, hr, _shot(region.of(enlarged), hr), tuple(shots), score
    )


def _shot(pixels: Rgb, hr: Rgb, record: Record | None = None) -> Shot:
    ours, original = luma(pixels), luma(hr)
    return Shot(pixels, psnr(ours, original), ssim(ours, original), record)
