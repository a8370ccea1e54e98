"""Axes of a plot: the range of the data and round numbers for the ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of numbers mapped to a stretch of pixels."""

    low: float
    high: float
    start: float
    """Pixel of ``low``."""
    end: float
    logarithmic: bool

    def pixel(self, value: float) -> float:
        """Where a value lies. A logarithmic axis takes positive values only."""
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def linear_axis(values: Sequence[float], start: float, end: float, margin: float = 0.14) -> Axis:
    """An axis for finite values, with a margin on both sides as a share of their range."""
    low, high = min(values), max(values)
    pad = (high - low) * margin or abs(high) * 0.01 or 1.0
    return Axis(low - pad, high + pad, start, end, logarithmic=False)


def log_axis(values: Sequence[float], start: float, end: float, margin: float = 0.12) -> Axis:
    """A logarithmic axis for finite positive values, with a margin on both sides."""
    low, high = min(values), max(values)
    factor = max((high / low) ** margin, 1.15)
    return Axis(low / factor, high * factor, start, end, logarithmic=True)


def ticks(axis: Axis, wanted: int) -> list[tuple[float, str]]:
    """About ``wanted`` round values inside an axis, each with its text."""
    found = _log_values(axis, wanted) if axis.logarithmic else []
    if len(found) >= 3:
        return [(value, _plain(value)) for value in found]
    step = _round_step((axis.high - axis.low) / max(wanted, 1))
    first = math.ceil(axis.low / step - 1e-9)
    last = math.floor(axis.high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    values = [number * step for number in range(first, last + 1)]
    return [(v, f"{v:,.{decimals}f}") for v in values if v > 0 or not axis.logarithmic]


def _log_values(axis: Axis, wanted: int) -> list[float]:
    """Round values on a logarithmic axis, from the coarsest set that gives enough of them."""
    decades = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
    for heads in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)):
        values = [head * 10.0**decade for decade in decades for head in heads]
        inside = [value for value in values if axis.low <= value <= axis.high]
        if len(inside) >= min(wanted, 4):
            return inside
    return inside


def _round_step(step: float) -> float:
    """The 1, 2, 5 or 10 times a power of ten that is nearest by its ratio."""
    power = 10.0 ** math.floor(math.log10(step))
    return min(
        (head * power for head in (1, 2, 5, 10)), key=lambda round_one: abs(math.log(round_one / step))
    )


def _plain(value: float) -> str:
    """A tick's value, with commas between thousands and no needless zeros."""
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return text or "0"
