"""Ranks: 1 is best, equal figures share a rank, and the next one counts all that are before it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence


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
