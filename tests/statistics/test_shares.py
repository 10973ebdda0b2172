"""Wilson intervals: published values, edges, and the coverage that they claim."""

from math import comb, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.errors import BadInput
from coterie.statistics import interval, percent, wilson

Z = 1.959963984540054  # the 97.5 % point of the normal distribution


@pytest.mark.smoke
@pytest.mark.parametrize(
    "count, total, low, high",
    [
        # Newcombe (1998), "Two-sided confidence intervals for the single proportion", Table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals(count, total, low, high):
    share = wilson(count, total)
    assert (round(share.low, 4), round(share.high, 4)) == (low, high)
    assert (share.count, share.total, share.share) == (count, total, count / total)


def test_half_by_hand():
    # p = 1/2: the centre is 1/2, the half width z / (2 sqrt(n + z^2)).
    share = wilson(50, 100)
    assert share.low == pytest.approx(0.5 - Z / (2 * sqrt(100 + Z * Z)), abs=1e-12)
    assert share.high == pytest.approx(0.5 + Z / (2 * sqrt(100 + Z * Z)), abs=1e-12)


@pytest.mark.parametrize("total", [1, 2, 10, 1_000, 10_000])
def test_none_and_all(total):
    # At p = 0 the interval is 0 to z^2 / (n + z^2), at p = 1 its mirror image.
    none, every = wilson(0, total), wilson(total, total)
    assert (none.share, none.low, every.share, every.high) == (0.0, 0.0, 1.0, 1.0)
    assert none.high == pytest.approx(Z * Z / (total + Z * Z), abs=1e-12)
    assert every.low == pytest.approx(total / (total + Z * Z), abs=1e-12)


@pytest.mark.parametrize("count, total", [(1, 7), (3, 7), (40, 41), (123, 1_000)])
def test_the_ends_are_where_the_score_test_rejects(count, total):
    # Wilson (1927): the p with (count / n - p)^2 = z^2 p (1 - p) / n.
    share = wilson(count, total)
    for p in (share.low, share.high):
        assert (count / total - p) ** 2 == pytest.approx(Z * Z * p * (1 - p) / total, abs=1e-12)


def test_failures_mirror_successes():
    for count in range(8):
        share, mirrored = wilson(count, 7), wilson(7 - count, 7)
        assert share.low == pytest.approx(1 - mirrored.high, abs=1e-12)
        assert share.low <= share.share <= share.high
        assert 0 <= share.low < share.high <= 1


def test_more_confidence_is_wider_and_more_data_narrower():
    widths = [wilson(30, 100, confidence).high - wilson(30, 100, confidence).low for confidence in (0.5, 0.9, 0.99)]
    assert widths == sorted(widths)
    assert wilson(300, 1_000).high - wilson(300, 1_000).low < widths[1]


def coverage(total, p):
    """The exact probability that the interval of a binomial sample holds p."""
    return sum(
        comb(total, count) * p**count * (1 - p) ** (total - count)
        for count in range(total + 1)
        if wilson(count, total).low <= p <= wilson(count, total).high
    )


@pytest.mark.parametrize("total", [10, 50])
def test_coverage_by_enumeration(total):
    # Mean coverage over p is near 95 %; it dips near 0 and 1 (Brown, Cai and DasGupta 2001, figure 5).
    by_share = [coverage(total, (step + 0.5) / 200) for step in range(200)]
    assert sum(by_share) / 200 == pytest.approx(0.95, abs=0.006)
    assert min(by_share) > 0.83
    assert min(by_share[20:-20]) > 0.90


@pytest.mark.parametrize("count, total", [(-1, 10), (11, 10), (0, 0), (1, 0), (0, -1), (float("nan"), 10)])
def test_what_is_no_share_is_refused(count, total):
    with pytest.raises(BadInput, match="a share needs 0 <= count <= total and total >= 1"):
        wilson(count, total)


# Shares in words


@pytest.mark.parametrize(
    "share, words",
    [(0.0, "0.0 %"), (1.0, "100.0 %"), (0.5, "50.0 %"), (0.921, "92.1 %"), (0.9996, "99.96 %"), (0.0004, "0.04 %")],
)
def test_a_share_is_rounded_but_not_to_none_or_all(share, words):
    assert percent(share) == words


@given(st.floats(1e-9, 1 - 1e-9))
def test_some_is_never_none_and_never_all(share):
    shown = float(percent(share).removesuffix(" %"))
    assert 0 < shown < 100
    assert shown == pytest.approx(100 * share, abs=0.0501)


@given(st.integers(1, 10_000), st.data())
def test_an_interval_is_rounded_outwards(total, data):
    share = wilson(data.draw(st.integers(0, total)), total)
    low, high = (float(word) for word in interval(share).removesuffix(" %").split(" to "))
    assert low <= 100 * share.low + 1e-6
    assert high >= 100 * share.high - 1e-6
    assert high - low <= 100 * (share.high - share.low) + 0.2
    assert (low > 0) == (share.low > 0)
    assert (high < 100) == (share.high < 1)
