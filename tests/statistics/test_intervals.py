"""Means of few scores: published quantiles, hand-made intervals, slow oracles, and what declines to answer."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.errors import BadInput
from coterie.statistics import (
    bootstrap,
    interquartile_interval,
    interquartile_mean,
    performance_profile,
    t_interval,
    t_quantile,
    trimmed_t_interval,
)

numbers = st.lists(st.integers(-1_000, 1_000).map(float), min_size=1, max_size=30)


@pytest.mark.smoke
@pytest.mark.parametrize(
    "freedom, ninety_seven_and_a_half, ninety_five",
    [(1, 12.706, 6.314), (2, 4.303, 2.920), (4, 2.776, 2.132), (9, 2.262, 1.833), (30, 2.042, 1.697)],
)
def test_published_quantiles(freedom, ninety_seven_and_a_half, ninety_five):
    # the table of Student's t in any textbook, for example Abramowitz and Stegun (1964), table 26.10
    assert round(t_quantile(0.975, freedom), 3) == ninety_seven_and_a_half
    assert round(t_quantile(0.95, freedom), 3) == ninety_five


@pytest.mark.parametrize("probability", [0.6, 0.9, 0.975, 0.995, 0.99999])
def test_closed_forms(probability):
    # one degree of freedom is Cauchy's distribution; with two, t = (2 p - 1) sqrt(2 / (4 p (1 - p)))
    assert t_quantile(probability, 1) == pytest.approx(np.tan(np.pi * (probability - 0.5)), rel=1e-9)
    p = probability
    assert t_quantile(p, 2) == pytest.approx((2 * p - 1) * sqrt(2 / (4 * p * (1 - p))), rel=1e-9)
    assert t_quantile(1 - p, 2) == pytest.approx(-t_quantile(p, 2), rel=1e-9)


@pytest.mark.parametrize("freedom", [2.5, 4, 19, 999, 1e5])
def test_another_implementation_agrees(freedom):
    scipy_stats = pytest.importorskip("scipy.stats")
    for probability in (0.6, 0.75, 0.975, 0.9999):
        assert t_quantile(probability, freedom) == pytest.approx(scipy_stats.t.ppf(probability, freedom), rel=1e-9)


@pytest.mark.parametrize("probability, freedom", [(0, 3), (1, 3), (0.5, 0), (0.5, -1), (float("nan"), 3)])
def test_no_quantile(probability, freedom):
    with pytest.raises(BadInput, match="a quantile needs 0 < probability < 1 and freedom > 0"):
        t_quantile(probability, freedom)


def test_a_mean_by_hand():
    # 1, 2, 3: mean 2, s = 1, half width 4.302653 / sqrt(3)
    found = t_interval([3, 1, 2])
    assert found.value == 2
    assert found.high - 2 == pytest.approx(4.302652729911275 / sqrt(3), abs=1e-9)
    assert found.low + found.high == pytest.approx(4)


def test_a_trimmed_mean_by_hand():
    # 0 1 2 3 100: one is cut at each end, 1 1 2 3 3 stays with s_w = 1, h = 3; sqrt(4 / (3 * 2)) t_2
    found = trimmed_t_interval([100, 3, 0, 2, 1])
    assert found.value == 2
    assert found.high - 2 == pytest.approx(4.302652729911275 * sqrt(4 / 6), abs=1e-9)


def test_the_interquartile_mean_by_hand():
    assert interquartile_mean([5, 1, 3]) == 3  # fewer than four: the mean
    assert interquartile_mean([100, 1, 2, -50]) == 1.5
    assert interquartile_mean([9, 1, 2, 3, 4, 5, 6, 70]) == 4.5
    assert np.array_equal(interquartile_mean([[0, 0, 4, 4], [1, 2, 3, 40]]), [2, 2.5])


@given(numbers)
def test_the_interquartile_mean_lies_between_the_quartiles_and_does_not_mind_the_order(scores):
    value = interquartile_mean(scores)
    assert min(scores) <= value <= max(scores)
    assert interquartile_mean(scores[::-1]) == value
    cut = len(scores) // 4
    assert value == pytest.approx(sum(sorted(scores)[cut : len(scores) - cut]) / (len(scores) - 2 * cut))


@pytest.mark.parametrize("give", [t_interval, interquartile_interval])
@pytest.mark.parametrize("scores", [[7.0], [7.0] * 3, [7.0] * 11, [0.1] * 5])
def test_scores_that_are_alike_say_nothing_about_their_spread(give, scores):
    found = give(scores)
    assert found.value == pytest.approx(scores[0])
    assert (found.low, found.high) == (None, None)


def test_a_dozen_alike_are_enough_for_the_middle_half_but_not_for_the_mean():
    # Wilson's interval of 12 of 12 begins at 12 / (12 + z^2) = 0.757 > 3/4
    found = interquartile_interval([7.0] * 12)
    assert (found.value, found.low, found.high) == (7, 7, 7)
    assert t_interval([7.0] * 12).low is None


def slow_bootstrap(statistic, strata, seed, resamples, tail):
    """One resample after another, quantiles from the sorted list; the numbers are drawn in the same order."""
    random = np.random.Generator(np.random.Philox(seed))
    picks = [random.integers(0, len(part), (resamples, len(part))) for part in strata]
    values = sorted(
        statistic([[part[i] for i in pick[row]] for part, pick in zip(strata, picks, strict=True)])
        for row in range(resamples)
    )
    at = [q * (resamples - 1) for q in (tail, 1 - tail)]
    return [values[int(x)] + (x - int(x)) * (values[min(int(x) + 1, resamples - 1)] - values[int(x)]) for x in at]


def test_the_bootstrap_against_a_slow_one():
    strata = [[1.0, 4.0, 9.0, 2.0], [3.0, 3.5, -1.0]]
    found = bootstrap(lambda x, y: x.mean(-1) - y.mean(-1), *strata, resamples=300, seed=5, expanded=False)
    slow = slow_bootstrap(lambda parts: sum(parts[0]) / 4 - sum(parts[1]) / 3, strata, 5, 300, 0.025)
    assert found.value == pytest.approx(4 - 5.5 / 3)
    assert [found.low, found.high] == pytest.approx(slow)


def test_the_bootstrap_repeats_itself_and_strata_stay_apart():
    scores = np.arange(10.0)
    assert bootstrap(interquartile_mean, scores) == bootstrap(interquartile_mean, scores)
    assert bootstrap(interquartile_mean, scores) != bootstrap(interquartile_mean, scores, seed=1)
    # two strata that are each constant have no spread, mixed up they would have
    apart = bootstrap(lambda x, y: (x.mean(-1) + y.mean(-1)) / 2, [0.0] * 9, [1.0] * 9)
    assert (apart.low, apart.high) == (0.5, 0.5)
    assert bootstrap(lambda x: x.mean(-1), [0.0] * 9 + [1.0] * 9).low < 0.5


@pytest.mark.parametrize("count, tail", [(5, 0.00096), (10, 0.00855), (20, 0.01589)])
def test_the_expanded_bootstrap_is_wider_by_what_hesterberg_says(count, tail):
    # Phi(-sqrt(n / (n - 1)) t_(n-1, 0.975)), worked out from the printed tables
    scores = np.arange(float(count)) ** 2
    expanded = bootstrap(lambda x: x.mean(-1), scores, resamples=4_000)
    percentile = bootstrap(lambda x: x.mean(-1), scores, resamples=4_000, expanded=False)
    assert expanded.low < percentile.low
    assert percentile.high < expanded.high
    by_hand = bootstrap(lambda x: x.mean(-1), scores, resamples=4_000, expanded=False, confidence=1 - 2 * tail)
    assert [expanded.low, expanded.high] == pytest.approx([by_hand.low, by_hand.high], rel=0.02)


def test_a_profile_by_hand():
    assert performance_profile([1, 2, 2, 4], [0, 1, 2, 3, 4]).tolist() == [1.0, 0.75, 0.25, 0.25, 0.0]


@pytest.mark.parametrize("scores", [[], [[1.0]], [float("nan")], [1.0, float("inf")]])
def test_what_are_no_scores_is_refused(scores):
    with pytest.raises(BadInput, match="one or more finite numbers"):
        interquartile_interval(scores)
