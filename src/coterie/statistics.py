"""Intervals that have the coverage they claim."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from coterie.errors import BadInput


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
