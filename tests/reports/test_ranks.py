"""Ranks: who is before whom, and who cannot be told apart."""

from __future__ import annotations

import pytest

from reports.ranks import shared_ranks, value_ranks


@pytest.mark.parametrize(
    ("values", "higher", "expected"),
    [
        ([3, 1, 2], False, [3, 1, 2]),
        ([3, 1, 2], True, [1, 3, 2]),
        ([5, 5, 7], False, [1, 1, 3]),
        ([7, 5, 5], True, [1, 2, 2]),
        ([None, 2, 1], False, [None, 2, 1]),
        ([4, None], False, [None, None]),
        ([], False, []),
        ([float("inf"), 30.0], True, [1, 2]),
    ],
)
def test_values(values: list[float | None], higher: bool, expected: list[int | None]) -> None:
    assert value_ranks(values, range(len(values)), higher_is_better=higher) == expected


def test_one_model_on_two_machines_counts_once() -> None:
    ranks = value_ranks([10, 20, 10, 20, 30], ["a", "b", "a", "b", "c"], higher_is_better=False)
    assert ranks == [1, 2, 1, 2, 3]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([10, 20], [1, 2]),
        ([20, 10], [2, 1]),
        # Neighbours that are not told apart share a rank; the next counts all that are before it.
        ([10, 11, 30], [1, 1, 3]),
        # A chain: the third is near the second but not near the first of the shared rank.
        ([10, 12, 14], [1, 1, 3]),
        ([None, 1, 20], [None, 1, 2]),
        ([1, None], [None, None]),
        ([], []),
    ],
)
def test_what_differs_by_less_than_three_shares_a_rank(
    values: list[float | None], expected: list[int | None]
) -> None:
    def different(first: int, second: int) -> bool:
        a, b = values[first], values[second]
        assert a is not None and b is not None
        return abs(a - b) >= 3

    assert shared_ranks(values, different) == expected
