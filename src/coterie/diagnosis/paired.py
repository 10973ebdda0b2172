"""What one cast earns more than another: exactly, or over the same episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from coterie.statistics import paired_p, t_interval
from coterie.types import Evidence

CHANCE = 0.05  # below this a difference is not put down to luck
FEWEST_EPISODES = 6  # the fewest paired episodes whose signs can fall below CHANCE: 2 / 2^6 = 0.03
TINY = 1e-9  # exact values this near to each other are equal


class Effect(NamedTuple):
    """A mean difference; where it is sampled also its 95 % interval and its two-sided p."""

    value: float
    interval: tuple[float, float] | None = None
    p: float | None = None


def effect(differences: np.ndarray, exact: bool) -> Effect:
    """The mean of differences float64[E], each between two casts in one episode; no interval where all are alike."""
    value = float(differences.mean())
    if exact:
        return Effect(value)
    found = t_interval(differences)
    interval = None if found.low is None or found.high is None else (found.low, found.high)
    return Effect(value, interval, paired_p(differences))


def scale(*values: float | np.ndarray) -> float:
    """The size that a difference is held against: the largest of some values, at least a little above nothing."""
    return max(TINY, *(float(np.abs(value).max()) for value in values))


def listed(names: Sequence[str]) -> str:
    """Names as they are read aloud.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def whole_episode(team: int, steps: int) -> tuple[Evidence, ...]:
    """A whole episode to look at; nothing where there is no step."""
    return (Evidence(team, 1, steps),) if steps else ()
