"""Ranks: 1 is best, equal figures share a rank, and the next one counts all that are before it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence

from suite.records import Record
from suite.timing import floor_of, samples_of, time_ratio


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
    ordered = sorted(value for _, value in present if not math.isnan(value))
    return [None if v is None else 1 + bisect_left(ordered, sign * v) for v in values]


def shared_ranks(values: Sequence[float | None], different: Callable[[int, int], bool]) -> list[int | None]:
    """Rank of each value; lower is better, and what cannot be told apart is not ranked apart.

    In the order of the values, one shares the rank of the one before it unless it is ``different`` from the
    first that has that rank; the function takes the places of two values. Ranks are None for missing
    values, and for all if there are fewer than two.
    """
    order = sorted((value, index) for index, value in enumerate(values) if value is not None)
    ranks: list[int | None] = [None] * len(values)
    if len(order) < 2:
        return ranks
    rank, first = 1, order[0][1]
    for position, (_, index) in enumerate(order, start=1):
        if different(index, first):
            rank, first = position, index
        ranks[index] = rank
    return ranks


def time_ranks(records: Sequence[Record | None]) -> list[int | None]:
    """Ranks of the latencies of one machine and configuration by `suite.timing.time_ratio`.

    What lies within the noise of the session is not ranked apart. None for all where the records are of
    more than one session, whose times cannot be compared.
    """
    sessions = {str(record.details.get("session", "")) for record in records if record}
    if len(sessions) > 1:
        return [None] * len(records)

    def different(first: int, second: int) -> bool:
        one, other = records[first], records[second]
        assert one is not None and other is not None
        if not (samples_of(one) and samples_of(other)):
            return True
        ratio = time_ratio(samples_of(one), samples_of(other), floor_of(one) or 0.0)
        return ratio.verdict != "not told apart"

    return shared_ranks([record.value("latency_ms") if record else None for record in records], different)
