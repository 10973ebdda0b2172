"""Where ticks, lines and labels of a chart go."""

from __future__ import annotations

from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coterie.running.verdict import Verdict


def reference_lines(verdict: Verdict) -> list[tuple[str, float]]:
    """What returns are held against, by name; what is not known is left out."""
    known = (("optimum", verdict.optimum), ("random", verdict.random), ("idle", verdict.idle))
    return [(name, value) for name, value in known if value is not None and isfinite(value)]


def spread(heights: list[float], least: float) -> list[float]:
    """Heights moved down as little as needed so that neighbours are at least so far apart, from the highest on.

    >>> spread([7.0, 6.9, -20.0], 1.0)
    [7.0, 6.0, -20.0]
    """
    moved, limit = list(heights), float("inf")
    for place in sorted(range(len(heights)), key=lambda place: -heights[place]):
        moved[place] = min(heights[place], limit)
        limit = moved[place] - least
    return moved


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers between two limits, about as many as wanted.

    >>> nice_ticks(-20, 7), nice_ticks(1, 1000)
    ([-20.0, -15.0, -10.0, -5.0, 0.0, 5.0], [200.0, 400.0, 600.0, 800.0, 1000.0])
    """
    raw = (high - low) / wanted or 1.0
    size = 10.0 ** floor(log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw * 0.9)
    return [step * place for place in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
