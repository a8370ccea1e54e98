"""PSNR image by image: how the images of a set lie around the mean that tables print."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from reports.columns import leaderboard_protocols
from reports.definitions import dataset_order, protocol_order
from reports.identity import (
    group_key,
    kept,
    model_title,
    row_id,
    sort_records,
    weights_digest,
    weights_label,
)
from suite.pairs import image_figures
from suite.records import Record

WIDTH, HEIGHT = 200, 10
"""Of the picture of one row, in units of its own; the style sheet gives it its size."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box plot: quartiles, and whiskers to the farthest image within 1.5 interquartile ranges (Tukey)."""

    low: float
    first: float
    median: float
    third: float
    high: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The PSNR in dB of one network on every image of a set."""

    id: str
    """That of its row in the leaderboard."""
    key: str
    """That of its record."""
    title: str
    origin: str
    values: tuple[float, ...]
    """In the order of the images."""
    box: Box


@dataclass(frozen=True, slots=True)
class Distribution:
    """The networks that were measured on the same images."""

    scale: int
    dataset: str
    protocol: str
    images: tuple[str, ...]
    spreads: tuple[Spread, ...]
    """The highest median first."""

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest PSNR of all."""
        low = min(min(spread.values) for spread in self.spreads)
        high = max(max(spread.values) for spread in self.spreads)
        return (low, high) if high > low else (low - 0.5, high + 0.5)


def boxes_of(rows: Sequence[Sequence[float]]) -> list[Box]:
    """The box plot of each of equally long rows of finite values; quartiles are interpolated linearly."""
    values = np.array(rows)
    first, median, third = np.quantile(values, (0.25, 0.5, 0.75), axis=1)
    reach = 1.5 * (third - first)
    inside = (values >= (first - reach)[:, None]) & (values <= (third + reach)[:, None])
    low = values.min(axis=1, where=inside, initial=np.inf)
    high = values.max(axis=1, where=inside, initial=-np.inf)
    return [Box(*map(float, box)) for box in zip(low, first, median, third, high, strict=True)]


@kept
def find_distributions(records: Sequence[Record]) -> list[Distribution]:
    """One for each scale, dataset and protocol of the leaderboard with two images or more.

    A network that was measured on other images than most, or with an infinite PSNR, is left out; of one in
    several configurations the first counts, since its images are the same.
    """

    def place(record: Record) -> tuple[Any, ...]:
        return (record.scale, dataset_order(record.dataset), protocol_order(record.protocol))

    quality = [r for r in sort_records(records) if r.measure == "quality" and r.values]
    used: dict[tuple[int, str], set[str]] = {}
    for record in quality:
        used.setdefault((record.scale, record.dataset), set()).add(record.protocol)
    shown = [r for r in quality if r.protocol in leaderboard_protocols(used[r.scale, r.dataset])]
    found = []
    for _, members in groupby(sorted(shown, key=place), key=place):
        distribution = _distribution(list(members))
        if distribution:
            found.append(distribution)
    return found


def _distribution(records: Sequence[Record]) -> Distribution | None:
    by_network: dict[tuple[str, str, str], tuple[Record, dict[str, float], tuple[str, ...]]] = {}
    for record in sorted(records, key=group_key):
        psnr = image_figures(record, "psnr")
        if psnr and all(map(math.isfinite, psnr.values())):
            who = (record.model, record.weights, weights_digest(record))
            by_network.setdefault(who, (record, psnr, tuple(sorted(psnr))))
    if not by_network:
        return None
    sets = Counter(names for *_, names in by_network.values())
    images = max(sets, key=lambda names: (sets[names], names))
    if len(images) < 2:
        return None
    shown = [(record, psnr) for record, psnr, names in by_network.values() if names == images]
    in_order = itemgetter(*images)
    rows: list[tuple[float, ...]] = [in_order(psnr) for _, psnr in shown]
    spreads = [
        Spread(row_id(record), record.key, model_title(record), weights_label(record), values, box)
        for (record, _), values, box in zip(shown, rows, boxes_of(rows), strict=True)
    ]
    spreads.sort(key=lambda spread: (-spread.box.median, spread.title.lower(), spread.origin))
    first = records[0]
    return Distribution(first.scale, first.dataset, first.protocol, images, tuple(spreads))


@dataclass(frozen=True, slots=True)
class BoxPaths:
    """A box plot as SVG path data, `WIDTH` by `HEIGHT`."""

    whiskers: str
    box: str
    median: str


def draw_box(box: Box, ends: tuple[float, float]) -> BoxPaths:
    """Where a box plot lies between two ends, with a little room on both sides."""
    low, high = ends
    x = {
        name: 2 + (getattr(box, name) - low) / (high - low) * (WIDTH - 4)
        for name in ("low", "first", "median", "third", "high")
    }
    return BoxPaths(
        f"M{x['low']:.1f},5H{x['first']:.1f}M{x['third']:.1f},5H{x['high']:.1f}",
        f"M{x['first']:.1f},1H{x['third']:.1f}V9H{x['first']:.1f}z",
        f"M{x['median']:.1f},1V9",
    )


def distribution_data(distribution: Distribution) -> dict[str, Any]:
    """Plain data for the script, to a thousandth of a dB; what networks have in common is written once."""
    figures = np.array([spread.values for spread in distribution.spreads])
    thousandths = np.rint(1000 * figures).astype(np.int64)
    base = np.rint(thousandths.mean(axis=0)).astype(np.int64)
    return {
        "images": distribution.images,
        "base": base.tolist(),
        "networks": [
            [spread.id, spread.title, spread.origin, offsets]
            for spread, offsets in zip(distribution.spreads, (thousandths - base).tolist(), strict=True)
        ],
    }
