"""What timings say about two networks: their ratio, the noise floor, and whether they can be told apart.

Pure functions of samples that were taken in rounds: the n-th sample of each network is of the same round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from suite.records import Record
from suite.statistics import paired_ratio

Verdict = Literal["faster", "slower", "not told apart"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """How long one network takes in comparison with another."""

    ratio: float
    """Median over the rounds of the first's time divided by the second's."""
    lower: float
    """Lower end of the 95 % interval."""
    upper: float
    rounds: int
    verdict: Verdict
    """Of the first: it differs where the whole interval lies beyond the noise floor."""


def noise_floor(first: Sequence[float], second: Sequence[float]) -> float:
    """How far from 1 the ratio of two processes with one and the same network may lie, as a share.

    The far end of the interval of their ratio, so that 0.02 stands for ratios from 1/1.02 to 1.02: no
    smaller difference between two networks of the session means anything. Raises ``ValueError`` for
    samples that are no pairs.
    """
    _, lower, upper = paired_ratio(first, second)
    return max(upper, 1 / lower) - 1


def time_ratio(first: Sequence[float], second: Sequence[float], floor: float) -> Ratio:
    """The ratio of two networks' times over the rounds that both took part in.

    ``floor`` is the session's `noise_floor`. Raises ``ValueError`` without a common round.
    """
    rounds = min(len(first), len(second))
    ratio, lower, upper = paired_ratio(first[:rounds], second[:rounds])
    verdict: Verdict = "not told apart"
    if lower > 1 + floor:
        verdict = "slower"
    elif upper < 1 / (1 + floor):
        verdict = "faster"
    return Ratio(ratio, lower, upper, rounds, verdict)


def samples_of(record: Record) -> tuple[float, ...]:
    """The times of a record in milliseconds, by round."""
    return tuple(map(float, record.details.get("samples_ms", ())))


def floor_of(record: Record) -> float | None:
    """The noise floor of the session of a record, as a share; None where it was not measured."""
    noise = record.details.get("noise") or {}
    return float(noise["floor"]) if "floor" in noise else None
