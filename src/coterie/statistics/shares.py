"""Shares with their interval, and in words that never round to none or to all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, sqrt
from statistics import NormalDist

from coterie.errors import BadInput

FEWEST_DIGITS, MOST_DIGITS = 1, 12


@dataclass(frozen=True)
class Share:
    """How many of how many, as a share with its interval."""

    count: int
    total: int
    share: float
    low: float
    high: float


def wilson(count: int, total: int, confidence: float = 0.95) -> Share:
    """The Wilson score interval of a binomial share (Wilson 1927).

    centre = (p + z^2 / 2n) / (1 + z^2 / n), half width = z sqrt(p (1 - p) / n + z^2 / 4 n^2) / (1 + z^2 / n).
    Raises BadInput unless 0 <= count <= total and total >= 1.
    """
    if not 0 <= count <= total or total < 1:
        raise BadInput(f"a share needs 0 <= count <= total and total >= 1, not {count} of {total}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p, spread = count / total, z * z / total
    centre = (p + spread / 2) / (1 + spread)
    half = z * sqrt(p * (1 - p) / total + spread / (4 * total)) / (1 + spread)
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == total else min(1.0, centre + half)
    return Share(count, total, p, low, high)


def percent(share: float) -> str:
    """A share in per cent, with as many digits as it takes not to round it to none or to all.

    >>> percent(1.0), percent(0.999), percent(0.9999), percent(0.00004)
    ('100.0 %', '99.9 %', '99.99 %', '0.004 %')
    """
    return f"{_digits(share, lambda scaled: float(round(scaled)))} %"


def interval(share: Share) -> str:
    """The interval of a share, rounded outwards, so that it covers what it claims.

    >>> interval(wilson(1000, 1000)), interval(wilson(921, 1000))
    ('99.6 to 100.0 %', '90.2 to 93.7 %')
    """
    return f"{_digits(share.low, floor)} to {_digits(share.high, ceil)} %"


def _digits(share: float, rounding: Callable[[float], float]) -> str:
    """100 * share with the fewest decimals that keep a share inside (0, 1) away from 0 and 100."""
    for digits in range(FEWEST_DIGITS, MOST_DIGITS + 1):
        rounded = rounding(round(share * 100 * 10**digits, 6)) / 10**digits
        if not 0 < share < 1 or 0 < rounded < 100:
            return f"{rounded:.{digits}f}"
    return f"{share * 100:.{MOST_DIGITS}g}"
