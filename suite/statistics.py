"""The statistics of repeated timings, each with its source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2000


def bootstrap_median(samples: Sequence[float], *, confidence: float = 0.95) -> tuple[float, float, float]:
    """Median of the samples and the ends of its interval: ``(median, lower, upper)``.

    Percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13) with a
    fixed seed, so that the same samples give the same interval. Raises ``ValueError`` without samples.
    """
    if not samples:
        raise ValueError("no samples")
    values = np.asarray(samples, dtype=np.float64)
    draws = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    medians = np.median(values[draws], axis=1)
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(medians, (tail, 1 - tail))
    return float(np.median(values)), float(lower), float(upper)
