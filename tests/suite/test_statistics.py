"""Medians, paired differences and paired ratios with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from scipy.stats import bootstrap, ttest_ind

from suite.statistics import (
    RESAMPLES,
    bootstrap_median,
    difference_of,
    middle_means,
    middle_rounds,
    paired_difference,
    paired_differences,
    paired_ratio,
    pooled_differences,
    rank_correlation,
    ratio_of_medians,
)


@pytest.mark.parametrize("samples", [[5.0], [5.0, 5.0], [5.0] * 30])
def test_equal_samples_have_an_interval_of_no_width(samples: list[float]) -> None:
    assert bootstrap_median(samples) == (5, 5, 5)


def test_one_slow_pass_does_not_move_the_median() -> None:
    assert bootstrap_median([10, 11, 12, 13, 9000])[0] == 12


def test_the_median_of_an_even_number_lies_between_two() -> None:
    assert bootstrap_median([1, 2, 4, 8])[0] == 3


@pytest.mark.parametrize(
    ("samples", "confidence", "expected"),
    [
        # Two draws: both 0 with probability 1/4, which is more than 2.5 %.
        ([0, 1], 0.95, (0, 1)),
        # The median of 7 draws from 1..7 is 1 if at least 4 of them are: probability 1.0 %; it is at
        # most 2 with 10.8 %. The quantile at 2.5 % is therefore 2, and that at 0.5 % is 1.
        ([1, 2, 3, 4, 5, 6, 7], 0.95, (2, 6)),
        ([1, 2, 3, 4, 5, 6, 7], 0.99, (1, 7)),
    ],
)
def test_intervals_that_can_be_worked_out(
    samples: list[float], confidence: float, expected: tuple[float, float]
) -> None:
    assert bootstrap_median(samples, confidence=confidence)[1:] == expected


def test_the_same_samples_give_the_same_interval() -> None:
    samples = list(np.random.default_rng(3).normal(100, 5, 15))
    assert bootstrap_median(samples) == bootstrap_median(samples)


def test_the_order_of_the_samples_does_not_matter() -> None:
    samples = list(np.random.default_rng(4).normal(100, 5, 16))
    assert bootstrap_median(samples[::-1]) == bootstrap_median(samples)


def test_an_infinite_difference_leaves_the_resamples_without_it() -> None:
    mean, lower, upper = paired_difference([math.inf, *[1.0] * 9], [0.0] * 10)
    assert (mean, lower, upper) == (math.inf, 1.0, math.inf)


def test_other_units_give_the_same_interval_in_those_units() -> None:
    samples = np.random.default_rng(3).normal(100, 5, 15)
    in_ms, in_s = bootstrap_median(list(samples)), bootstrap_median(list(samples / 1000))
    assert in_s == pytest.approx([value / 1000 for value in in_ms])


def test_more_samples_narrow_the_interval() -> None:
    samples = list(np.random.default_rng(3).normal(100, 5, 400))
    few, many = (bootstrap_median(samples[:n]) for n in (15, 400))
    assert many[2] - many[1] < (few[2] - few[1]) / 2


def test_the_interval_holds_the_true_median_about_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).exponential(1, (300, 15))  # as lopsided as timings
    intervals = [bootstrap_median(list(row)) for row in draws]
    share = np.mean([lower <= np.log(2) <= upper for _, lower, upper in intervals])
    assert 0.90 <= share <= 0.98


def test_no_samples_have_no_median() -> None:
    with pytest.raises(ValueError, match="no samples"):
        bootstrap_median([])


def test_a_constant_difference_of_pairs_has_no_spread() -> None:
    hard_and_easy = [20.0, 30.0, 40.0]
    better = [value + 0.25 for value in hard_and_easy]
    assert paired_difference(better, hard_and_easy) == (0.25, 0.25, 0.25)


def test_the_interval_of_a_difference_is_that_of_scipy() -> None:
    random = np.random.default_rng(3)
    first, second = random.normal(30, 5, 100), random.normal(30, 5, 100)
    mean, lower, upper = paired_difference(list(first), list(second))
    reference = bootstrap((first - second,), np.mean, n_resamples=9999, method="percentile", rng=1)
    assert mean == pytest.approx((first - second).mean())
    width = upper - lower
    assert (lower, upper) == pytest.approx(tuple(reference.confidence_interval), abs=0.05 * width)


@pytest.mark.parametrize("images", [6, 14, 100])
def test_the_interval_of_a_difference_holds_as_often_as_it_says_even_for_few_images(images: int) -> None:
    draws = np.random.default_rng(0).normal(0, 1, (400, images))
    intervals = [paired_difference(list(row), [0.0] * images) for row in draws]
    share = np.mean([lower <= 0 <= upper for _, lower, upper in intervals])
    assert 0.90 <= share <= 0.98  # without the expansion six images give 0.84


def test_the_interval_of_a_difference_of_two_pairs_is_all_there_is() -> None:
    # Student's factor with one degree of freedom is 12.7: no quantile is left out
    assert paired_difference([0.0, 1.0], [0.0, 0.0]) == (0.5, 0, 1)


def test_differences_of_many_are_those_of_each() -> None:
    random = np.random.default_rng(7)
    second = list(random.normal(30, 5, 14))
    firsts = [list(random.normal(30, 5, 14)), [value + 0.1 for value in second], [math.inf, *second[1:]]]
    found = paired_differences(firsts, second)
    for one, first in zip(found, firsts, strict=True):
        assert one == pytest.approx(paired_difference(first, second), abs=1e-12)
    assert found[1] == pytest.approx((0.1, 0.1, 0.1))
    assert paired_differences([], second) == []


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.999])
def test_ends_of_intervals_are_the_quantiles_of_numpy(confidence: float) -> None:
    samples = np.random.default_rng(1).exponential(1, 40)
    draws = np.random.default_rng(0).integers(0, 40, (RESAMPLES, 40))  # those of the suite
    medians = np.median(np.sort(samples)[draws], axis=1)
    _, *ends = bootstrap_median(list(samples), confidence=confidence)
    assert ends == pytest.approx(np.quantile(medians, [(1 - confidence) / 2, (1 + confidence) / 2]))


def test_two_perfect_images_do_not_differ() -> None:
    assert paired_difference([math.inf, 1.0], [math.inf, 1.0]) == (0, 0, 0)


def test_a_ratio_of_pairs_ignores_what_slows_both_down() -> None:
    load = [1.0, 3.0, 1.0, 9.0]
    assert paired_ratio([2 * x for x in load], load) == (2, 2, 2)


@pytest.mark.parametrize("function", [paired_difference, paired_ratio])
def test_what_is_no_pair_is_refused(function: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="2 and 1 values are not pairs"):
        function([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="no samples"):
        function([], [])


def test_a_ratio_needs_positive_values() -> None:
    with pytest.raises(ValueError, match="not positive"):
        paired_ratio([1.0, 0.0], [1.0, 1.0])


def test_two_groups_have_the_interval_of_student_s_test() -> None:
    first, second = [1.0, 2.0, 4.0], [5.0, 5.5]
    expected = ttest_ind(second, first).confidence_interval(0.95)
    none, (difference, lower, upper) = pooled_differences([first, second])
    assert none is None
    assert difference == pytest.approx(5.25 - 7 / 3)
    assert (lower, upper) == pytest.approx((expected.low, expected.high))


def test_a_third_group_adds_a_comparison_and_a_degree_of_freedom() -> None:
    pair, other = [[0.0, 1.0], [2.0, 3.0]], [4.0, 5.0]
    narrow, wide = pooled_differences(pair)[1], pooled_differences([*pair, other])[1]
    assert narrow is not None and wide is not None
    # Two degrees of freedom and 5 %: Student's 4.303; three and 2.5 %: 4.177, so here pooling wins.
    assert narrow[2] - narrow[0] == pytest.approx(4.303 * 0.7071, abs=1e-3)
    assert wide[2] - wide[0] == pytest.approx(4.177 * 0.7071, abs=1e-3)


def test_single_values_have_no_spread_to_judge_by() -> None:
    assert pooled_differences([[1.0], [2.0]]) == [None, None]


def test_an_empty_group_is_refused() -> None:
    with pytest.raises(ValueError, match="a group without values"):
        pooled_differences([[1.0], []])


def timed(centre: float, count: int = 30, spread: float = 0.01, seed: int = 1) -> list[float]:
    return [float(t) for t in np.random.default_rng(seed).normal(centre, centre * spread, count)]


def test_ratio_of_medians_that_can_be_worked_out() -> None:
    # Two draws of (1, 3) have the median 1, 2 or 3; over a constant, these are the ratios.
    assert ratio_of_medians([2, 6], [2, 2]) == (2, 1, 3)
    assert ratio_of_medians([5.0] * 9, [2.0] * 4) == (2.5, 2.5, 2.5)


def test_ratio_of_medians_draws_both_sides() -> None:
    a, b = timed(100, seed=1), timed(100, seed=2)
    _, lower, upper = ratio_of_medians(a, b)
    one_sided = ratio_of_medians(a, [float(np.median(b))])
    assert upper - lower > one_sided[2] - one_sided[1] > 0


def test_interval_of_the_ratio_holds_the_true_one_about_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(200):
        a, b = timed(120, 25, 0.1, seed), timed(100, 25, 0.1, 10_000 + seed)
        _, lower, upper = ratio_of_medians(a, b)
        inside += lower <= 1.2 <= upper
    assert 180 <= inside <= 200


@pytest.mark.parametrize("bad", [([], [1.0]), ([1.0], []), ([0.0], [1.0]), ([1.0], [-1.0])])
def test_ratio_of_medians_refuses(bad: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match=r"no samples|not positive"):
        ratio_of_medians(*bad)


Kind = Literal["spearman", "kendall"]
KINDS: tuple[Kind, ...] = ("spearman", "kendall")


@pytest.mark.parametrize(
    ("second", "rho", "tau"),
    [
        # Differences of ranks 1, -1, 0, 0, 0: 1 - 6 * 2 / (5 * 24); 9 of 10 pairs agree: 8 / 10
        ([2, 1, 3, 4, 5], 0.9, 0.8),
        # -4, -2, 0, 2, 4: 1 - 6 * 40 / 120
        ([5, 4, 3, 2, 1], -1.0, -1.0),
        ([10, 20, 40, 80, 1e9], 1.0, 1.0),  # only the order counts
        # 0, -2, 1, 1, 0: 1 - 6 * 6 / 120; pairs (2, 3) and (2, 4) disagree
        ([1, 4, 2, 3, 5], 0.7, 0.6),
    ],
)
def test_rank_correlations_that_can_be_worked_out(second: list[float], rho: float, tau: float) -> None:
    for kind, expected in zip(KINDS, (rho, tau), strict=True):
        found = rank_correlation([1, 2, 3, 4, 5], second, kind=kind)
        assert found is not None
        assert found[0] == pytest.approx(expected)


def test_ties_share_their_ranks() -> None:
    # Ranks 1.5, 1.5, 3, 4, 5 against 1, 2, 3, 4, 5: covariance 9.5, variances 9.5 and 10
    rho = rank_correlation([1, 1, 3, 4, 5], [1, 2, 3, 4, 5])
    # One pair is tied on one side: 9 / sqrt(9 * 10)
    tau = rank_correlation([1, 1, 3, 4, 5], [1, 2, 3, 4, 5], kind="kendall")
    assert rho is not None and tau is not None
    assert rho[0] == pytest.approx(9.5 / math.sqrt(9.5 * 10))
    assert tau[0] == pytest.approx(9 / math.sqrt(90))


def test_the_interval_of_a_rank_correlation_is_that_of_its_formula() -> None:
    found = rank_correlation([1, 2, 3, 4, 5], [1, 4, 2, 3, 5])
    assert found is not None
    # atanh(0.7) = 0.86730; sqrt((1 + 0.245) / 2) = 0.78899, times 1.95996
    assert found == pytest.approx((0.7, math.tanh(0.86730 - 1.54640), math.tanh(0.86730 + 1.54640)), abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_perfect_order_of_few_proves_less_than_one_of_many(kind: Kind) -> None:
    few, many = (rank_correlation(range(n), range(n), kind=kind) for n in (5, 40))
    assert few is not None and many is not None
    assert (few[0], few[2], many[2]) == pytest.approx((1, 1, 1))
    assert few[1] < 0.7 < 0.95 < many[1] < 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_interval_of_a_rank_correlation_holds_the_truth_as_often_as_it_says(kind: Kind) -> None:
    r = 0.6  # of the normal distribution; Kendall, Rank Correlation Methods, gives both of its orders'
    truth = {"spearman": 6 / math.pi * math.asin(r / 2), "kendall": 2 / math.pi * math.asin(r)}[kind]
    draws = np.random.default_rng(0).multivariate_normal([0, 0], [[1, r], [r, 1]], (400, 20))
    intervals = [rank_correlation(pairs[:, 0], pairs[:, 1], kind=kind) for pairs in draws]
    share = np.mean([found is not None and found[1] <= truth <= found[2] for found in intervals])
    assert 0.93 <= share <= 0.99


def test_where_there_is_no_order_there_is_no_correlation() -> None:
    assert rank_correlation([1, 2, 3, 4], [1, 2, 3, 4]) is None
    assert rank_correlation([1, 2, 3, 4, 5], [7, 7, 7, 7, 7]) is None
    with pytest.raises(ValueError, match="not pairs"):
        rank_correlation([1, 2, 3, 4, 5], [1])
    with pytest.raises(ValueError, match="not finite"):
        rank_correlation([1, 2, 3, 4, math.inf], [1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("totals", "middle"),
    [
        ([7], [0]),
        ([3, 1, 2], [0, 1, 2]),
        ([9, 1, 5, 2], [2, 3]),
        ([5, 1, 4, 2, 3, 9, 8, 7, 6], [0, 2, 4, 7, 8]),
    ],
)
def test_the_middle_half_of_rounds(totals: list[float], middle: list[int]) -> None:
    assert middle_rounds(totals) == middle


def test_means_over_the_middle_rounds_add_up_over_any_grouping() -> None:
    rounds = np.random.default_rng(1).exponential(1, (9, 6))
    totals = rounds.sum(axis=1).tolist()
    alone = [figure for figure, _, _ in middle_means(rounds, totals)]
    grouped = np.stack([rounds[:, [0, 2, 5]].sum(axis=1), rounds[:, [1, 3, 4]].sum(axis=1)], axis=1)
    together = [figure for figure, _, _ in middle_means(grouped, totals)]
    assert together == pytest.approx([alone[0] + alone[2] + alone[5], alone[1] + alone[3] + alone[4]])
    assert sum(alone) == pytest.approx(np.mean(sorted(totals)[2:-2]))


def test_a_disturbed_round_does_not_move_them() -> None:
    quiet = np.ones((9, 3))
    noisy = quiet.copy()
    noisy[4] = [50, 1, 80]
    for rounds in (quiet, noisy):
        found = middle_means(rounds, rounds.sum(axis=1).tolist())
        assert [figure for figure, _, _ in found] == [1, 1, 1]


def test_the_interval_of_a_mean_holds_the_truth_about_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).normal(10, 1, (150, 15, 2))
    found = [middle_means(rounds, rounds.sum(axis=1).tolist())[0] for rounds in draws]
    share = np.mean([lower <= 10 <= upper for _, lower, upper in found])
    assert 0.85 <= share <= 0.99


def test_means_need_rounds() -> None:
    with pytest.raises(ValueError, match="no samples"):
        middle_means(np.empty((0, 2)), [])


def test_a_difference_of_two_figures_has_the_interval_of_both() -> None:
    # 10 - 7: down by hypot(10 - 9, 8 - 7), up by hypot(13 - 10, 7 - 3)
    found = difference_of((10, 9, 13), (7, 3, 8))
    assert found == pytest.approx((3, 3 - math.sqrt(2), 8))
    assert difference_of((10, 9, 13), (0, 0, 0)) == (10, 9, 13)
