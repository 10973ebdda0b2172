"""Is one set of scores higher than another, how sure is that, and how many scores would settle it?"""

from __future__ import annotations

from math import ceil, comb, lgamma, log, log1p, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coterie.errors import BadInput
from coterie.statistics.intervals import Estimate, Floats, as_scores, t_quantile, t_tail

EXACT_PAIRS, EXACT_SIGNS = 2_500, 16  # up to here the tests by chance alone count every case
FLIPS = 20_000  # random sign flips beyond


def improvement(x: ArrayLike, y: ArrayLike) -> float:
    """The probability that a score of x is higher than one of y, ties counted as half (Mann and Whitney 1947).

    P = (1 / (m n)) sum over i, j of [x_i > y_j] + [x_i = y_j] / 2, for x float64[m] and y float64[n].
    """
    first, other = as_scores(x), np.sort(as_scores(y))
    below, upto = np.searchsorted(other, first, "left"), np.searchsorted(other, first, "right")
    return float((below + upto).sum() / (2 * len(first) * len(other)))


def improvement_interval(x: ArrayLike, y: ArrayLike, confidence: float = 0.95) -> Estimate:
    """The probability of improvement with its score interval (Newcombe 2006, method 5).

    The P with (observed - P)^2 = z^2 V(P), where V(P) = P (1 - P) (1 + k ((1 - P) / (2 - P) + P / (1 + P))) / (m n) and
    k = (m + n) / 2 - 1. Unlike a bootstrap it has a width, too, where every score of one side is the higher.
    """
    m, n = len(as_scores(x)), len(as_scores(y))
    observed, z = improvement(x, y), NormalDist().inv_cdf(0.5 + confidence / 2)

    def inside(p: float) -> bool:
        k = (m + n) / 2 - 1
        variance = p * (1 - p) * (1 + k * ((1 - p) / (2 - p) + p / (1 + p))) / (m * n)
        return (observed - p) ** 2 <= z * z * variance

    def end(outside: float) -> float:
        if observed == outside:
            return outside
        far, near = outside, observed
        for _ in range(60):
            middle = (far + near) / 2
            far, near = (far, middle) if inside(middle) else (middle, near)
        return near

    return Estimate(observed, end(0.0), end(1.0))


def brunner_munzel(x: ArrayLike, y: ArrayLike, confidence: float = 0.95) -> tuple[Estimate, float]:
    """The probability of improvement with an interval, and the two-sided p-value of its being 1/2, whatever the spreads
    (Brunner and Munzel 2000).

    With v_i the share of y below x_i and w_j that of x above y_j, ties half: P +- t sqrt(s_v^2 / m + s_w^2 / n), and
    Welch's degrees of freedom. Mann and Whitney's test takes both sides to be spread alike: where the smaller side is
    the wider one it finds differences that are none. Here, where no score lies among the other side's, the p-value is 0
    and says nothing: ask both tests. With fewer than two scores on a side the interval is 0 to 1, and the p-value 1.
    """
    first, other = np.sort(as_scores(x)), np.sort(as_scores(y))
    observed = improvement(first, other)
    if min(len(first), len(other)) < 2:
        return Estimate(observed, 0.0, 1.0), 1.0
    parts: list[float] = []
    for own, rival in ((first, other), (other, first)):
        below, upto = np.searchsorted(rival, own, "left"), np.searchsorted(rival, own, "right")
        parts.append(float(((below + upto) / (2 * len(rival))).var(ddof=1)) / len(own))
    variance = sum(parts)
    if variance <= 0:
        return Estimate(observed, observed, observed), float(observed == 0.5)
    freedom = variance**2 / sum(part**2 / (len(own) - 1) for part, own in zip(parts, (first, other), strict=True))
    half = t_quantile(0.5 + confidence / 2, freedom) * sqrt(variance)
    interval = Estimate(observed, max(0.0, observed - half), min(1.0, observed + half))
    return interval, t_tail((observed - 0.5) / sqrt(variance), freedom)


def holm(p_values: ArrayLike) -> Floats:
    """p-values float64[K] adjusted for being K at once, in their order (Holm 1979).

    With p_(1) <= … <= p_(K): adjusted p_(k) = max over j <= k of min(1, (K - j + 1) p_(j)).
    """
    p = np.asarray(p_values, np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise BadInput("p-values are expected as a list of numbers from 0 to 1")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, p[order] * np.arange(len(p), 0, -1)))
    return adjusted


def paired_p(differences: ArrayLike) -> float:
    """The two-sided p-value of paired differences float64[W] under random signs (Fisher 1935).

    The share of sign patterns whose sum is at least as far from 0 as the observed one: all 2^W of them up to W = 16,
    else 20,000 random ones and the observed one, always the same. 1 where there is no difference at all.
    """
    found = as_scores(differences)
    found = found[found != 0]
    if not len(found):
        return 1.0
    if len(found) <= EXACT_SIGNS:
        every: NDArray[np.int64] = np.stack(np.meshgrid(*[[0, 1]] * len(found)), -1).reshape(-1, len(found))
        return float(_at_least_as_far(every, found).mean())
    random, far = np.random.Generator(np.random.Philox(0)), 0
    for _ in range(FLIPS // 1_000):
        far += int(_at_least_as_far(random.integers(0, 2, (1_000, len(found))), found).sum())
    return (1 + far) / (1 + FLIPS)


def _at_least_as_far(flipped: NDArray[np.int64], found: Floats) -> NDArray[np.bool_]:
    """Whether the sum with some signs flipped, int64[F, W] of 0 and 1, is as far from 0; rounding does not count."""
    sums = found.sum() - 2 * (flipped @ found)
    return np.abs(sums) >= np.abs(found.sum()) - 1e-12 * np.abs(found).sum()


def binomial_p(
    count: int, total: int, chance: float = 0.5, alternative: Literal["two-sided", "greater", "less"] = "two-sided"
) -> float:
    """The exact p-value of `count` successes in `total` trials that each succeed by `chance` (Clopper, Pearson 1934).

    Two-sided it is the probability of all counts that are no likelier than the observed one.
    """
    if not 0 <= count <= total or total < 1 or not 0 <= chance <= 1:
        raise BadInput(f"a binomial test needs 0 <= count <= total and a chance, not {count} of {total} by {chance}")
    if chance in (0.0, 1.0):
        likely = np.zeros(total + 1)
        likely[total if chance else 0] = 1.0
    else:
        logs = [lgamma(total + 1) - lgamma(k + 1) - lgamma(total - k + 1) for k in range(total + 1)]
        ks = np.arange(total + 1)
        likely = np.exp(np.array(logs) + ks * log(chance) + (total - ks) * log1p(-chance))
    chosen = {
        "greater": np.arange(total + 1) >= count,
        "less": np.arange(total + 1) <= count,
        "two-sided": likely <= likely[count] * (1 + 1e-7),
    }[alternative]
    return float(min(1.0, likely[chosen].sum()))


def mann_whitney_p(x: ArrayLike, y: ArrayLike) -> float:
    """The two-sided p-value of x float64[m] against y float64[n] if both came from one source (Mann, Whitney 1947).

    Up to m n = 2,500 the share of all ways to deal the scores out whose rank sum is at least as far from its mean,
    ties included, counted exactly; beyond, the normal approximation with the correction for ties.
    """
    first, other = sorted((as_scores(x), as_scores(y)), key=len)
    m, both = len(first), np.concatenate([first, other])
    count = len(both)
    _, place, ties = np.unique(both, return_inverse=True, return_counts=True)
    doubled = (2 * np.cumsum(ties) - ties + 1)[place]  # twice the mean rank
    away = abs(int(doubled[:m].sum()) - m * (count + 1))
    if m * (count - m) > EXACT_PAIRS:
        variance = m * (count - m) / 12 * (count + 1 - ((ties**3.0 - ties).sum() / (count * (count - 1))))
        return 1.0 if variance <= 0 else 2 * NormalDist().cdf(-max(0.0, away / 2 - 0.5) / sqrt(variance))
    ways = np.zeros((m + 1, int(np.sort(doubled)[count - m :].sum()) + 1))  # by how many are dealt, and their rank sum
    ways[0, 0] = 1
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    far = np.abs(np.arange(ways.shape[1]) - m * (count + 1)) >= away
    return float(min(1.0, ways[m, far].sum() / comb(count, m)))


def seeds_needed(x: ArrayLike, y: ArrayLike, alpha: float = 0.05, power: float = 0.8) -> float:
    """How many scores on each side would settle a difference as large as the observed one (Noether 1987).

    n = (z_(1 - alpha / 2) + z_power)^2 T / (6 (P - 1/2)^2) for the probability of improvement P, where T <= 1 allows
    for ties; never fewer than it takes for the exact test to reach alpha at all. Infinite where P = 1/2.
    """
    off = improvement(x, y) - 0.5
    if off == 0:
        return float("inf")
    _, ties = np.unique(np.concatenate([as_scores(x), as_scores(y)]), return_counts=True)
    count = int(ties.sum())
    tied = 1 - float((ties**3.0 - ties).sum()) / (count**3.0 - count)
    normal = NormalDist()
    wanted = (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)) ** 2 * tied / (6 * off * off)
    least = next(n for n in range(1, 200) if 2 / comb(2 * n, n) <= alpha)
    return float(max(ceil(wanted), least))
