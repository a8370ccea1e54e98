"""Ranks: who is before whom, and who cannot be told apart."""

from __future__ import annotations

import pytest

from reports.ranks import interval_ranks, value_ranks


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
    ("intervals", "expected"),
    [
        ([(10, 9, 11), (20, 19, 21)], [1, 2]),
        ([(20, 19, 21), (10, 9, 11)], [2, 1]),
        # Overlapping neighbours share a rank; touching ends overlap.
        ([(10, 9, 12), (11, 12, 13), (30, 29, 31)], [1, 1, 3]),
        # A chain: the third overlaps the second but not the first of the shared rank.
        ([(10, 9, 12), (12, 11, 15), (15, 14, 17)], [1, 1, 3]),
        # All that overlap the first share its rank, however many there are.
        ([(10, 9, 20), (12, 11, 13), (15, 14, 16), (30, 28, 32)], [1, 1, 1, 4]),
        ([None, (1, 1, 1), (2, 2, 2)], [None, 1, 2]),
        ([(1, 1, 1), None], [None, None]),
    ],
)
def test_intervals(intervals: list[tuple[float, float, float] | None], expected: list[int | None]) -> None:
    assert interval_ranks(intervals) == expected
