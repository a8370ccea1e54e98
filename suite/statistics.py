"""The statistics of repeated timings, of paired figures and of orders, each with its source."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEAST_RANKED = 5
"""Pairs below which a rank correlation says nothing, and the approximation of its interval fails."""

Interval = tuple[float, float, float]
"""A figure and the ends of its interval: ``(figure, lower, upper)``."""

_Floats = NDArray[np.float64]


def bootstrap_median(samples: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """Median of the samples with its interval.

    Percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13) with a
    fixed seed, so that the same samples give the same interval. Raises ``ValueError`` without samples.
    """
    return _median_interval(np.asarray(samples, dtype=np.float64), confidence)


def paired_difference(
    first: Sequence[float], second: Sequence[float], *, confidence: float = 0.95
) -> Interval:
    """Mean of ``first - second`` over pairs, such as two networks' PSNR of each image, with its interval.

    Percentile bootstrap over the pairs, which keeps what the two have in common (a hard image is hard for
    both) out of the interval; expanded, because that of few pairs is too narrow (Hesterberg, What Teachers
    Should Know about the Bootstrap, The American Statistician 69(4), 2015). Pairs of which both are infinite
    and equal differ by zero. Raises ``ValueError`` for sequences of unlike length or without pairs.
    """
    (found,) = paired_differences([first], second, confidence=confidence)
    return found


def paired_differences(
    firsts: Sequence[Sequence[float]], second: Sequence[float], *, confidence: float = 0.95
) -> list[Interval]:
    """`paired_difference` of each of many and one and the same, in half the time of one after the other."""
    for first in firsts:
        _check_pairs(first, second)
    if not firsts:
        return []
    a, b = np.asarray(firsts, dtype=np.float64), np.asarray(second, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        differences = np.where(a == b, 0.0, a - b)
    return _mean_intervals(differences, _expanded(confidence, len(second)))


def paired_ratio(first: Sequence[float], second: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """Median of ``first / second`` over pairs, such as two networks' times in each round, with its interval.

    What slows a whole round down touches both and cancels. Raises ``ValueError`` for sequences of unlike
    length, without pairs, or with values that are not positive.
    """
    a, b = _pair(first, second)
    if not ((a > 0).all() and (b > 0).all()):
        raise ValueError("values that are not positive")
    return _median_interval(a / b, confidence)


def pooled_differences(groups: Sequence[Sequence[float]], control: int = 0) -> list[Interval | None]:
    """Mean of every group minus that of the control group, with 95 % intervals that hold together.

    For few repetitions each, such as two or three seeds of several trained networks: the spread inside the
    groups is taken to be the same in all and pooled, as in the analysis of variance, and the intervals are
    Student's, widened by Bonferroni's correction for the number of comparisons (Miller, Simultaneous
    Statistical Inference, 1981, chapter 2). None for the control itself, and for all where no group has
    two values. Raises ``ValueError`` for an empty group.
    """
    from scipy.stats import t

    if not all(map(len, groups)):
        raise ValueError("a group without values")
    values = [np.asarray(group, dtype=np.float64) for group in groups]
    freedom = sum(len(group) - 1 for group in values)
    if freedom == 0 or len(values) < 2:
        return [None] * len(values)
    variance = sum(float(np.sum((group - group.mean()) ** 2)) for group in values) / freedom
    quantile = float(t.ppf(1 - 0.05 / (2 * (len(values) - 1)), freedom))
    found: list[Interval | None] = []
    for number, group in enumerate(values):
        difference = float(group.mean() - values[control].mean())
        half = quantile * (variance * (1 / len(group) + 1 / len(values[control]))) ** 0.5
        found.append(None if number == control else (difference, difference - half, difference + half))
    return found


def ratio_of_medians(
    first: Sequence[float], second: Sequence[float], *, confidence: float = 0.95
) -> Interval:
    """Median of ``first`` over median of ``second``, such as times of two sessions, with its interval.

    The two are drawn independently of one another (Efron and Tibshirani 1993, chapter 8): what slows one
    session down does not touch the other and stays in the ratio. Raises ``ValueError`` without samples or for
    values that are not positive.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if not len(a) or not len(b):
        raise ValueError("no samples")
    if not ((a > 0).all() and (b > 0).all()):
        raise ValueError("values that are not positive")
    generator = np.random.default_rng(0)
    medians = [np.median(v[generator.integers(0, len(v), (RESAMPLES, len(v)))], axis=1) for v in (a, b)]
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(medians[0] / medians[1], (tail, 1 - tail))
    return float(np.median(a) / np.median(b)), float(lower), float(upper)


def middle_rounds(totals: Sequence[float]) -> list[int]:
    """Numbers of the middle half of rounds, ranked by their totals: a quarter is left out at either end."""
    order = np.argsort(np.asarray(totals, dtype=np.float64), kind="stable")
    cut = len(order) // 4
    return sorted(int(number) for number in order[cut : len(order) - cut])


def middle_means(samples: _Floats, totals: Sequence[float]) -> list[Interval]:
    """For parts that were timed in the same rounds, ``(rounds, parts)``: the mean of each over the middle
    half.

    Which rounds these are is said by their ``totals`` (`middle_rounds`), the same for all parts, so that the
    figures add up over any grouping, and what disturbs a whole round is left out with it; their sum is the
    interquartile mean of the totals. Percentile bootstrap over whole rounds (Efron and Tibshirani 1993,
    chapter 8). Raises ``ValueError`` without rounds.
    """
    if not len(samples):
        raise ValueError("no samples")
    ranked = np.asarray(totals, dtype=np.float64)

    def means(rows: NDArray[np.int64]) -> _Floats:
        found: _Floats = samples[rows[middle_rounds(ranked[rows].tolist())]].mean(axis=0)
        return found

    lower, upper = np.quantile([means(rows) for rows in _draws(len(samples))], (0.025, 0.975), axis=0)
    figures = means(np.arange(len(samples)))
    return [(float(f), float(a), float(b)) for f, a, b in zip(figures, lower, upper, strict=True)]


def difference_of(first: Interval, second: Interval) -> Interval:
    """``first - second`` of two figures that were measured independently, with its interval.

    The method of variance estimates recovery (Zou and Donner, Construction of confidence limits about effect
    measures, Statistics in Medicine 27(10), 2008): it takes lopsided intervals as they are.
    """
    figure = first[0] - second[0]
    below = np.hypot(first[0] - first[1], second[2] - second[0])
    above = np.hypot(first[2] - first[0], second[0] - second[1])
    return figure, float(figure - below), float(figure + above)


def rank_correlation(
    first: Sequence[float],
    second: Sequence[float],
    *,
    kind: Literal["spearman", "kendall"] = "spearman",
    confidence: float = 0.95,
) -> Interval | None:
    """Whether two figures put the same things in the same order: -1 for reversed, 1 for alike, with interval.

    Spearman's rho (ranks of equal values averaged) or Kendall's tau-b. The interval is that of Fisher's
    transformation with the variances of Bonett and Wright, Sample size requirements for estimating Pearson,
    Kendall and Spearman correlations, Psychometrika 65(1), 2000: ``(1 + rho^2 / 2) / (n - 3)`` and
    ``0.437 / (n - 4)``. Of a perfect order, whose transformation is infinite, the inner end is that of the
    figure halfway to the nearest one that is possible, so that three networks in a row prove little.

    None for fewer than `LEAST_RANKED` pairs, or if all values of one side are equal. Raises ``ValueError``
    for sequences of unlike length or values that are not finite.
    """
    from scipy.special import ndtri

    a, b = _pair(first, second)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("values that are not finite")
    n = len(a)
    if n < LEAST_RANKED or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    if kind == "spearman":
        figure = float(np.clip(np.corrcoef(_ranks(a), _ranks(b))[0, 1], -1, 1))
        nearest = 1 - 6 / (n**3 - n)
        deviation = np.sqrt((1 + figure**2 / 2) / (n - 3))
    else:
        orders = [np.sign(values[:, None] - values) for values in (a, b)]
        untied = [float(np.square(order).sum()) for order in orders]
        figure = float((orders[0] * orders[1]).sum() / np.sqrt(untied[0] * untied[1]))
        nearest = 1 - 2 / (n * (n - 1))
        deviation = np.sqrt(0.437 / (n - 4))
    half = float(ndtri((1 + confidence) / 2)) * deviation
    middle = np.arctanh(np.clip(figure, -nearest, nearest))
    lower, upper = (float(np.tanh(middle + sign * half)) for sign in (-1, 1))
    return figure, min(lower, figure), max(upper, figure)  # a perfect order lies beyond its own middle


def _ranks(values: _Floats) -> _Floats:
    """The place of each value in their order, counted from 1; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: _Floats = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks


def _check_pairs(first: Sequence[float], second: Sequence[float]) -> None:
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} values are not pairs")


def _pair(first: Sequence[float], second: Sequence[float]) -> tuple[_Floats, _Floats]:
    _check_pairs(first, second)
    return np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)


@functools.lru_cache(maxsize=1024)
def _expanded(confidence: float, count: int) -> float:
    """The confidence at which the percentile interval of a mean has the width of Student's."""
    from scipy.special import ndtr, stdtrit

    if count < 2:
        return confidence
    student = stdtrit(count - 1, (1 + confidence) / 2)
    return float(1 - 2 * ndtr(-student * np.sqrt(count / (count - 1))))


@functools.lru_cache(maxsize=8)
def _draws(count: int) -> NDArray[np.int64]:
    """The places that every resample of ``count`` values takes: the same each time, and slow to draw."""
    return np.random.default_rng(0).integers(0, count, (RESAMPLES, count))


@functools.lru_cache(maxsize=8)
def _shares(count: int) -> _Floats:
    """How often every resample takes each value, over their number: its mean is a product with these."""
    found = np.zeros((RESAMPLES, count))
    np.add.at(found, (np.arange(RESAMPLES)[:, None], _draws(count)), 1 / count)
    return found


@functools.lru_cache(maxsize=8)
def _middles(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the two middle values of every resample, which may be one, if the values are in order."""
    ordered = np.sort(_draws(count), axis=1)
    return ordered[:, (count - 1) // 2], ordered[:, count // 2]


def _mean_intervals(samples: _Floats, confidence: float) -> list[Interval]:
    """The mean of each row of samples ``(rows, count)`` with its percentile interval."""
    count = samples.shape[1]
    if not count:
        raise ValueError("no samples")
    infinite = np.isinf(samples)
    means = np.where(infinite, 0.0, samples) @ _shares(count).T
    for row in np.flatnonzero(infinite.any(axis=1)):
        means[row] = samples[row][_draws(count)].mean(axis=1)  # some may hold no infinite value
    figures = samples.mean(axis=1).tolist()
    return [(figure, *own) for figure, own in zip(figures, _ends(means, confidence), strict=True)]


def _median_interval(samples: _Floats, confidence: float) -> Interval:
    """The median of samples with its percentile interval."""
    if not len(samples):
        raise ValueError("no samples")
    return _known_median_interval(samples.tobytes(), confidence)


@functools.lru_cache(maxsize=8192)
def _known_median_interval(data: bytes, confidence: float) -> Interval:
    """The same of the bytes of the samples: several tables of a page ask for the same ones."""
    samples = np.frombuffer(data, dtype=np.float64)
    ordered = np.sort(samples)
    low, high = _middles(len(samples))
    (ends,) = _ends((ordered[low] + ordered[high])[None] / 2, confidence)
    return float(np.median(samples)), *ends


def _ends(rows: _Floats, confidence: float) -> Iterator[tuple[float, float]]:
    """Of each row the quantiles between which a share ``confidence`` of its values lies, the same outside at
    either end.

    Interpolated linearly, as NumPy's; of equal infinite neighbours they are those.
    """
    place = (1 - confidence) / 2 * (rows.shape[1] - 1)
    first, second, share = math.floor(place), math.ceil(place), place - math.floor(place)
    # Only tails need to be put in order: less than a tenth of the values, if they are spread as means are.
    with np.errstate(invalid="ignore"):
        middles = rows.mean(axis=1)
        reaches = 1.3 * np.sqrt(np.einsum("ij,ij->i", rows, rows) / rows.shape[1] - middles**2)
        bounds = [(middles - reaches).tolist(), (middles + reaches).tolist()]
    for row, below, above in zip(rows, *bounds, strict=True):
        found = []
        for sign, tail in ((1, row[row <= below]), (-1, row[row >= above])):
            ordered = np.sort(sign * (tail if len(tail) > second else row))
            low, high = float(ordered[first]), float(ordered[second])
            found.append(sign * (low if low == high else low + (high - low) * share))
        yield found[0], found[1]
