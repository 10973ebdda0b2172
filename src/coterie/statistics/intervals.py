"""Means of few scores, with intervals that cover what they claim.

W is the number of scores, one a team or seed. What each interval really covers at 3, 5, 10 and 20 seeds is measured by
`benchmarks/interval_coverage.py` and stands in docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coterie.errors import BadInput
from coterie.statistics.shares import wilson

Floats = NDArray[np.float64]
FEW = 5  # fewer seeds than this are marked as too few


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; where the scores cannot give one, low and high are None."""

    value: float
    low: float | None
    high: float | None


def t_quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's t distribution with so many degrees of freedom (Student 1908).

    Its tail is P(|T| > t) = I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + t^2), the regularised incomplete beta
    function (Abramowitz and Stegun 1964, 26.7.1); it is inverted by halving, to ten digits from
    0.6 on. Raises BadInput outside 0 < probability < 1 and freedom > 0.
    """
    if not 0 < probability < 1 or not freedom > 0:
        raise BadInput(f"a quantile needs 0 < probability < 1 and freedom > 0, not {probability} and {freedom}")
    if probability < 0.5:
        return -t_quantile(1 - probability, freedom)
    return _t_point(2 * (1 - probability), freedom)


def t_tail(t: float, freedom: float) -> float:
    """P(|T| > |t|) of Student's t distribution, as above."""
    return _beta_share(freedom / (freedom + t * t), freedom / 2, 0.5)


@lru_cache(256)
def _t_point(tail: float, freedom: float) -> float:
    """The t with P(|T| > t) = tail."""
    low, high = 0.0, 1.0
    while _beta_share(freedom / (freedom + high * high), freedom / 2, 0.5) > tail:
        low, high = high, 2 * high
    for _ in range(80):
        middle = (low + high) / 2
        above = _beta_share(freedom / (freedom + middle * middle), freedom / 2, 0.5) > tail
        low, high = (middle, high) if above else (low, middle)
    return (low + high) / 2


def _beta_share(x: float, a: float, b: float) -> float:
    """I_x(a, b) by its continued fraction (Abramowitz and Stegun 1964, 26.5.8), evaluated as Lentz (1976) does."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_share(1 - x, b, a)
    tiny, term, above, below = 1e-300, 1.0, 1.0, 0.0
    for step in range(10_000):
        half = step // 2
        if step == 0:
            factor = 1.0
        elif step % 2 == 0:
            factor = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        else:
            factor = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        below = 1 / ((1 + factor * below) or tiny)
        above = (1 + factor / above) or tiny
        term *= above * below
        if abs(above * below - 1) < 1e-15:
            break
    front = a * log(x) + b * log1p(-x) + lgamma(a + b) - lgamma(a) - lgamma(b)
    return exp(front) / a * (term - 1)


def t_interval(scores: ArrayLike, confidence: float = 0.95) -> Estimate:
    """The mean of scores float64[W] with Student's interval, mean +- t sqrt(s^2 / W) (Student 1908).

    No interval from fewer than two scores, or from scores that are all alike: they say nothing about the spread.
    """
    return trimmed_t_interval(scores, confidence, cut=0.0)


def trimmed_t_interval(scores: ArrayLike, confidence: float = 0.95, cut: float = 0.25) -> Estimate:
    """A trimmed mean of scores float64[W] with its interval by Student's t (Tukey and McLaughlin 1963).

    With g = floor(cut W) scores cut at each end and h = W - 2 g left: mean +- t_(h-1) s_w sqrt((W - 1) / (h (h - 1))),
    where s_w is the deviation after the g scores at each end are replaced by their nearest kept ones. cut = 0.25 is the
    interquartile mean. No interval where s_w is zero, unless so many scores are alike that the middle half must be.
    """
    ordered = np.sort(as_scores(scores))
    count, g = len(ordered), int(cut * len(ordered))
    kept = ordered[g : count - g]
    value, left = float(kept.mean()), len(kept)
    spread = float(np.clip(ordered, kept[0], kept[-1]).var(ddof=1)) if count > 1 else 0.0
    if left < 2 or spread <= 1e-24 * max(1.0, value * value):
        known = cut > 0 and _middle_is_known(ordered)
        return Estimate(value, value if known else None, value if known else None)
    half = t_quantile(0.5 + confidence / 2, left - 1) * sqrt(spread * (count - 1) / (left * (left - 1)))
    return Estimate(value, value - half, value + half)


def _middle_is_known(ordered: Floats) -> bool:
    """Whether so many of the scores are alike that surely more than three quarters of all would be."""
    return wilson(int((ordered == ordered[len(ordered) // 2]).sum()), len(ordered)).low >= 0.75


def interquartile_mean(scores: ArrayLike) -> Any:
    """The mean of the middle half: a quarter of the scores, rounded down, is cut at each end (Agarwal et al. 2021).

    scores float64[..., W]; float64[...] comes back. With fewer than four scores nothing is cut: it is the mean.
    """
    ordered = np.sort(np.asarray(scores, np.float64), axis=-1)
    cut = ordered.shape[-1] // 4
    return ordered[..., cut : ordered.shape[-1] - cut].mean(-1)


def interquartile_interval(scores: ArrayLike, confidence: float = 0.95) -> Estimate:
    """The interquartile mean of scores float64[W] with the interval that covers best of those measured.

    Below 5 scores Student's t on the trimmed mean, from 5 on the expanded bootstrap. No interval from scores that are
    all alike, unless they are so many (12) that surely the middle half of all would be.
    """
    found = as_scores(scores)
    if len(found) < FEW or (found == found[0]).all():
        return trimmed_t_interval(found, confidence)
    return bootstrap(interquartile_mean, found, confidence=confidence)


def bootstrap(
    statistic: Callable[..., Floats],
    *strata: ArrayLike,
    confidence: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
    expanded: bool = True,
) -> Estimate:
    """A statistic of scores with its stratified bootstrap interval (Efron 1979; strata as in Agarwal et al. 2021).

    strata are float64[W_k], each resampled by itself: one a task, or one a run that is compared. statistic takes them
    as float64[resamples, W_k] and gives float64[resamples]. The interval lies between two quantiles of these: at
    (1 - confidence) / 2 for the percentile interval, which is too narrow for few scores; at
    Phi(-sqrt(W / (W - 1)) t_(W-1)) for the expanded one (Hesterberg 2015), W being the smallest stratum's. The same
    seed gives the same interval. Left out: BCa, which corrects skewness and not the narrowness.
    """
    parts = [as_scores(part) for part in strata]
    random = np.random.Generator(np.random.Philox(seed))
    drawn = [part[random.integers(0, len(part), (resamples, len(part)))] for part in parts]
    value = float(statistic(*(part[None] for part in parts))[0])
    fewest = min(len(part) for part in parts)
    tail = (1 - confidence) / 2
    if fewest < 2:
        return Estimate(value, None, None)
    if expanded:
        tail = NormalDist().cdf(-sqrt(fewest / (fewest - 1)) * t_quantile(1 - tail, fewest - 1))
    low, high = np.quantile(statistic(*drawn), (tail, 1 - tail))
    return Estimate(value, float(low), float(high))


def performance_profile(scores: ArrayLike, thresholds: ArrayLike) -> Floats:
    """The share of scores float64[W] above each of float64[K] thresholds (Dolan and More 2002; Agarwal et al. 2021)."""
    return 1 - np.searchsorted(np.sort(as_scores(scores)), np.asarray(thresholds, np.float64), "right") / np.size(
        scores
    )


def as_scores(scores: ArrayLike) -> Floats:
    """Scores as float64[W]; raises BadInput for none, for a table and for what is not finite."""
    found = np.asarray(scores, np.float64)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise BadInput("scores are expected as a list of one or more finite numbers")
    return found
