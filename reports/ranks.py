"""Ranks: 1 is best, equal figures share a rank, and the next one counts all that are before it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

Interval = tuple[float, float, float]
"""Median, lower and upper end."""


def value_ranks(
    values: Sequence[float | None], competitors: Sequence[Hashable], *, higher_is_better: bool
) -> list[int | None]:
    """Rank of each value among all of them.

    A competitor (a model with its weights) that stands there twice with one and the same value, measured
    on two machines, counts once. Ranks are None for missing values, and for all if fewer than two
    competitors have a value.
    """
    sign = -1.0 if higher_is_better else 1.0
    present = {(who, sign * v) for who, v in zip(competitors, values, strict=True) if v is not None}
    if len({who for who, _ in present}) < 2:
        return [None] * len(values)
    return [None if v is None else 1 + sum(other < sign * v for _, other in present) for v in values]


def interval_ranks(intervals: Sequence[Interval | None]) -> list[int | None]:
    """Rank of each interval; lower is better.

    Sorted by the median, one shares the rank of the one before it if its lower end does not exceed the
    upper end of the first that has that rank: what cannot be told apart is not ranked apart. Ranks are
    None for missing intervals, and for all if there are fewer than two.
    """
    order = sorted((interval, index) for index, interval in enumerate(intervals) if interval is not None)
    ranks: list[int | None] = [None] * len(intervals)
    if len(order) < 2:
        return ranks
    rank, first_upper = 0, float("-inf")
    for position, ((_, lower, upper), index) in enumerate(order, start=1):
        if rank == 0 or lower > first_upper:
            rank, first_upper = position, upper
        ranks[index] = rank
    return ranks
