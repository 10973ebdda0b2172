"""Is one higher than the other? Every test against counting all cases, and against the power that it promises."""

import time
from itertools import combinations, product
from math import comb, inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.errors import BadInput
from coterie.statistics import (
    binomial_p,
    brunner_munzel,
    holm,
    improvement,
    improvement_interval,
    mann_whitney_p,
    paired_p,
    seeds_needed,
    wilson,
)

few = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=6)


@given(few, few)
def test_improvement_counts_pairs_and_ties_half(x, y):
    by_hand = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in product(x, y)) / (len(x) * len(y))
    assert improvement(x, y) == pytest.approx(by_hand)
    assert improvement(x, y) + improvement(y, x) == pytest.approx(1)


@given(few, few)
def test_the_interval_of_improvement_is_where_the_score_test_rejects(x, y):
    found, m, n = improvement_interval(x, y), len(x), len(y)
    assert 0 <= found.low <= found.value <= found.high <= 1
    for p in {found.low, found.high} - {0.0, 1.0}:
        k = (m + n) / 2 - 1
        variance = p * (1 - p) * (1 + k * (1 - p) / (2 - p) + k * p / (1 + p)) / (m * n)
        assert (found.value - p) ** 2 == pytest.approx(1.959963984540054**2 * variance, rel=1e-6, abs=1e-12)
    mirrored = improvement_interval(y, x)
    assert mirrored.low == pytest.approx(1 - found.high, abs=1e-9)


def test_one_against_one_is_wilsons_share():
    # with m = n = 1 there is one trial, and k = 0: V = P (1 - P)
    found, share = improvement_interval([2.0], [1.0]), wilson(1, 1)
    assert found.low == pytest.approx(share.low)
    assert found.high == 1


def test_an_interval_has_a_width_where_every_score_is_the_higher():
    found = improvement_interval([5, 6, 7], [1, 2, 3])
    assert found.value == found.high == 1
    assert 0.3 < found.low < 0.75


def dealt_out(x, y):
    """The p-value by dealing the scores out in every way."""
    both, m = x + y, len(x)
    observed = abs(improvement(x, y) - 0.5)
    away = [
        abs(improvement([both[i] for i in chosen], [both[i] for i in set(range(len(both))) - set(chosen)]) - 0.5)
        for chosen in combinations(range(len(both)), m)
    ]
    return sum(one >= observed - 1e-12 for one in away) / len(away)


@settings(max_examples=40, deadline=None)
@given(few, few)
def test_mann_whitney_counts_every_way_to_deal_the_scores_out(x, y):
    assert mann_whitney_p(x, y) == pytest.approx(dealt_out(x, y))


def test_three_against_three_settles_nothing():
    assert mann_whitney_p([4, 5, 6], [1, 2, 3]) == pytest.approx(2 / comb(6, 3))
    assert mann_whitney_p([5, 6, 7, 8], [1, 2, 3, 4]) == pytest.approx(2 / comb(8, 4))


def test_many_scores_meet_the_exact_count():
    """Where counting ends the normal approximation takes over, without a jump."""
    random = np.random.default_rng(1)
    for ties in (False, True):
        x, y = random.normal(0.3, 1, 50), random.normal(0, 1, 50)
        if ties:
            x, y = np.round(x), np.round(y)
        exact = mann_whitney_p(x, y)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("coterie.statistics.comparisons.EXACT_PAIRS", 0)
            assert mann_whitney_p(x, y) == pytest.approx(exact, abs=0.004)
    assert mann_whitney_p([1.0] * 100, [1.0] * 100) == 1


def test_a_published_example_of_mann_whitney():
    # Siegel (1956), Nonparametric Statistics, pages 118 to 119: U = 9 of 20 pairs, one-tailed p = 0.452
    first, other = [110, 70, 53, 51], [78, 64, 75, 45, 82]
    assert improvement(first, other) == pytest.approx(9 / 20)
    assert mann_whitney_p(first, other) == pytest.approx(2 * 57 / 126)
    assert round(57 / 126, 3) == 0.452


def signed(differences):
    """The p-value by trying every pattern of signs."""
    observed = abs(sum(differences))
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(one >= observed - 1e-9 for one in sums) / len(sums)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-5, 5).map(lambda number: number / 10), min_size=1, max_size=8))
def test_paired_differences_under_every_pattern_of_signs(differences):
    assert paired_p(differences) == pytest.approx(signed(differences))


def test_a_published_example_of_random_signs():
    # Fisher (1935), The Design of Experiments, section 21, Darwin's maize: 1,726 of 32,768 patterns
    darwin = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    assert paired_p(darwin) == pytest.approx(1_726 / 32_768)


def test_many_paired_differences_are_sampled_always_alike():
    found = np.random.default_rng(0).normal(0.4, 1, 40)
    p = paired_p(found)
    assert p == paired_p(found)
    z = abs(found.sum()) / np.sqrt((found**2).sum())  # the normal limit
    from statistics import NormalDist

    assert p == pytest.approx(2 * NormalDist().cdf(-z), abs=0.005)
    assert paired_p(np.ones(40)) == pytest.approx(1 / 20_001)
    assert paired_p([0.0, 0.0]) == 1


@pytest.mark.parametrize("count, total, chance", [(0, 5, 0.5), (8, 10, 0.5), (3, 20, 0.3), (7, 7, 0.9), (2, 9, 1 / 3)])
def test_binomial_by_summing(count, total, chance):
    likely = [comb(total, k) * chance**k * (1 - chance) ** (total - k) for k in range(total + 1)]
    assert binomial_p(count, total, chance, "greater") == pytest.approx(sum(likely[count:]))
    assert binomial_p(count, total, chance, "less") == pytest.approx(sum(likely[: count + 1]))
    two = sum(one for one in likely if one <= likely[count] * (1 + 1e-9))
    assert binomial_p(count, total, chance) == pytest.approx(two)


def test_binomial_at_the_edges():
    assert binomial_p(0, 10, 0.0) == 1
    assert binomial_p(1, 10, 0.0, "greater") == 0
    assert binomial_p(10, 10, 1.0) == 1
    assert binomial_p(500, 1_000) == pytest.approx(1)
    with pytest.raises(BadInput, match="11 of 10"):
        binomial_p(11, 10)


def test_holm_by_hand():
    # sorted .01 .02 .03 .04: 4 x .01, 3 x .02, then never less than before: .06, .06
    assert holm([0.03, 0.01, 0.04, 0.02]).tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]).tolist() == [1, 1]
    assert holm([0.2]).tolist() == [0.2]
    assert holm([]).tolist() == []
    with pytest.raises(BadInput, match="from 0 to 1"):
        holm([1.5])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.randoms())
def test_holm_steps_down(p_values, random):
    """Holm's own recipe: reject the smallest at alpha / K, the next at alpha / (K - 1), until one stays."""
    adjusted = holm(p_values)
    for alpha in (0.01, 0.05, 0.3):
        expected, left = set(), sorted(range(len(p_values)), key=lambda place: p_values[place])
        while left and p_values[left[0]] <= alpha / len(left):
            expected.add(left.pop(0))
        near = any(abs(one - alpha) < 1e-9 for one in adjusted)
        assert near or {place for place, one in enumerate(adjusted) if one <= alpha} == expected


def test_the_seeds_needed_have_the_power_promised():
    """Two bells one deviation apart: with so many seeds each, the exact test finds it in about 80 % of repetitions."""
    random = np.random.default_rng(3)
    large = random.normal(1, 1, 4_000), random.normal(0, 1, 4_000)
    needed = int(seeds_needed(*large))
    assert 17 <= needed <= 20  # Noether's formula at P = Phi(1 / sqrt 2) = 0.760 gives 19.3
    found = np.mean(
        [mann_whitney_p(random.normal(1, 1, needed), random.normal(0, 1, needed)) <= 0.05 for _ in range(800)]
    )
    assert found == pytest.approx(0.8, abs=0.05)


def test_seeds_needed_at_the_edges():
    assert seeds_needed([1, 2], [1, 2]) == inf
    assert seeds_needed([5, 6, 7], [1, 2, 3]) == 6  # Noether: 7.849 / (6 / 4) = 5.2
    assert seeds_needed([9] * 9, [1] * 9) >= 4  # the exact test needs four
    assert seeds_needed([5, 6, 7], [1, 2, 3], alpha=0.001) > 6


@pytest.mark.parametrize("few, many", [(1, 2_500), (2, 1_000), (5, 400)])
def test_few_against_many_is_counted_in_moments_and_either_way_round(few, many):
    """One score against N: its rank is equally likely to be any, so the p-value is counted on one hand."""
    x, y = np.arange(few) + many - 1.5, np.arange(many).astype(float)
    began = time.perf_counter()
    p, turned = mann_whitney_p(x, y), mann_whitney_p(y, x)
    assert time.perf_counter() - began < 2  # it took gigabytes and minutes before
    assert p == turned
    if few == 1:
        assert p == pytest.approx(4 / (many + 1))  # below one of N, or further out, on either side


@pytest.mark.parametrize(
    "x, y, p",
    [  # pain scores after surgery (Brunner and Munzel 2000), the p-value also scipy's; and two made by hand
        ([1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1], [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4], 0.005786),
        ([1, 2, 3, 4], [1, 2, 3, 4], 1.0),
        ([1, 2], [3, 4], 0.0),
    ],
)
def test_brunner_and_munzel_as_published(x, y, p):
    found, chance = brunner_munzel(y, x)
    assert chance == pytest.approx(p, abs=1e-6)
    assert found.value == improvement(y, x)
    if p == 0.005786:
        assert (found.value, found.low, found.high) == pytest.approx((0.788961, 0.595217, 0.982705), abs=1e-6)


def test_one_score_says_nothing_about_spread():
    found, chance = brunner_munzel([3.0], [1.0, 2.0])
    assert (found.value, found.low, found.high, chance) == (1.0, 0.0, 1.0, 1.0)


def test_the_interval_holds_one_half_where_spreads_differ():
    """Ten wide scores against two hundred narrow ones with one median; Newcombe's interval alone misses a third."""
    random, held, by_score = np.random.default_rng(5), 0, 0
    for _ in range(400):
        few, many = random.normal(0, 20, 10), random.normal(0, 1, 200)
        found, score = brunner_munzel(few, many)[0], improvement_interval(few, many)
        held += found.low <= 0.5 <= found.high
        by_score += score.low <= 0.5 <= score.high
    assert held >= 0.91 * 400
    assert by_score < 0.85 * 400
