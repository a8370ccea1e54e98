"""What may be said about two networks' times."""

from __future__ import annotations

import numpy as np
import pytest

from suite.timing import noise_floor, time_ratio

LOAD = [1.0, 1.3, 0.9, 2.0, 1.1, 1.0, 1.7, 1.0, 1.2]
"""How slow the machine is in each round."""


def times(milliseconds: float) -> list[float]:
    return [milliseconds * load for load in LOAD]


def test_what_slows_the_rounds_down_cancels() -> None:
    ratio = time_ratio(times(30), times(20), floor=0.02)
    assert (ratio.ratio, ratio.lower, ratio.upper) == pytest.approx((1.5, 1.5, 1.5))
    assert (ratio.verdict, ratio.rounds) == ("slower", 9)
    assert time_ratio(times(20), times(30), floor=0.02).verdict == "faster"


@pytest.mark.parametrize(
    ("share", "floor", "verdict"),
    [
        (1.03, 0.02, "slower"),
        (1.03, 0.04, "not told apart"),
        (1 / 1.03, 0.02, "faster"),
        (1 / 1.03, 0.04, "not told apart"),
        (1.0, 0.0, "not told apart"),
    ],
)
def test_below_the_noise_floor_nothing_differs(share: float, floor: float, verdict: str) -> None:
    assert time_ratio(times(20 * share), times(20), floor).verdict == verdict


def test_an_interval_that_reaches_the_floor_is_not_enough() -> None:
    first = [20 * factor for factor in (1.0, 1.0, 1.2, 1.2, 1.2, 1.2, 1.0, 1.0, 1.2)]
    assert time_ratio(first, [20.0] * 9, floor=0.0).verdict == "not told apart"


def test_only_rounds_of_both_are_compared() -> None:
    ratio = time_ratio([10.0, 10.0, 10.0, 500.0], [10.0, 10.0, 10.0], floor=0)
    assert (ratio.ratio, ratio.rounds) == (1.0, 3)


def test_the_floor_is_the_far_end_of_the_interval_either_way() -> None:
    assert noise_floor(times(20), times(20)) == 0
    assert noise_floor(times(21), times(20)) == pytest.approx(0.05)
    assert noise_floor(times(20), times(21)) == pytest.approx(0.05)


def test_without_a_common_round_there_is_no_ratio() -> None:
    with pytest.raises(ValueError, match="no samples"):
        time_ratio([], [1.0], 0.0)


def test_two_equal_networks_are_seldom_told_apart() -> None:
    """Ten sessions of three equal networks under multiplicative noise, the third for the floor."""
    random = np.random.default_rng(5)

    def session() -> bool:
        load = random.lognormal(0, 0.2, 20)
        first, second, twin = (list(load * random.lognormal(0, 0.03, 20) * 50) for _ in range(3))
        return time_ratio(second, first, noise_floor(first, twin)).verdict != "not told apart"

    assert sum(session() for _ in range(10)) <= 1
