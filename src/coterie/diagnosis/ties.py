"""Two agents' actions tied by more than what they see, and when: tests by conditional randomisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from coterie.diagnosis import by_step
from coterie.diagnosis.paired import scale

RESAMPLES = 999
DRIFTING = 0.05  # above this p habits are taken not to depend on the step
LARGEST_TABLE = 4_000_000  # counts that are held at once


class Tie(NamedTuple):
    """Two agents whose actions may be tied: bits beyond what chance gives, the spread of that, and p."""

    one: int
    other: int
    bits: float
    spread: float
    p: float


def beyond_steps(
    tie: Tie,
    sights: Sequence[np.ndarray],
    steps: np.ndarray,
    actions: np.ndarray,
    chances: Sequence[np.ndarray],
) -> Tie | None:
    """The tie given the step, too, where both agents' habits change with it; None where that is not to be told.

    The step can tie only two that both go by it: else the tie stands as it is.
    """
    one, other = tie.one, tie.other
    if any(by_step.drifts(sights[agent], steps, actions[:, agent]) >= DRIFTING for agent in (one, other)):
        return tie
    if by_step.alike(sights[other], steps) < by_step.FEWEST_ALIKE:
        return None
    own, taken = actions[:, one], actions[:, other]
    every = np.concatenate([taken[None], by_step.redrawn(sights[other], steps, taken, RESAMPLES)]).astype(np.int32)
    residual = np.eye(chances[one].shape[1])[own] - by_step.shares(sights[one], steps, own, chances[one].shape[1])
    expected = residual.T @ by_step.shares(sights[other], steps, taken, chances[other].shape[1])
    return _held_against(one, other, (sights[one], sights[other]), own, every, residual, expected)


def tied(
    one: int,
    other: int,
    sight: np.ndarray,
    other_sight: np.ndarray,
    actions: np.ndarray,
    chance: np.ndarray,
    other_chance: np.ndarray,
) -> Tie:
    """How far two agents are tied: sights and actions int[D], chances of actions at each sight float64[O, A]."""
    draws = np.random.default_rng([one, other])
    own, taken = actions[:, one], actions[:, other]
    steps = np.cumsum(other_chance, axis=1)[other_sight].astype(np.float32)
    luck, every = draws.random((RESAMPLES, len(taken)), np.float32), np.zeros((1 + RESAMPLES, len(taken)), np.int32)
    every[0] = taken
    for action in range(other_chance.shape[1] - 1):
        every[1:] += luck >= steps[:, action]
    residual = np.eye(chance.shape[1])[own] - chance[sight]
    expected = residual.T @ other_chance[other_sight]
    return _held_against(one, other, (sight, other_sight), own, every, residual, expected)


def _held_against(
    one: int,
    other: int,
    sights: tuple[np.ndarray, np.ndarray],
    own: np.ndarray,
    every: np.ndarray,
    residual: np.ndarray,
    expected: np.ndarray,
) -> Tie:
    """The first row of every int[R, D] held against the others; residual float64[D, A], expected float64[A, B]."""
    size, other_size = expected.shape
    sums = [(every == action).astype(np.float64) @ residual for action in range(other_size)]
    covariance = ((np.stack(sums, axis=-1) - expected) ** 2).sum((1, 2))
    group = np.unique(np.stack(sights, 1), axis=0, return_inverse=True)[1].reshape(-1)
    bits = _bits(group, own, every, size, other_size)
    p = _share(np.maximum(_standing_out(covariance), _standing_out(bits)))
    return Tie(one, other, float(bits[0] - bits[1:].mean()), float(2 * bits[1:].std()), p)


def _standing_out(statistic: np.ndarray) -> np.ndarray:
    """Deviations from the mean in standard deviations, 0 where nothing varies."""
    spread = float(statistic.std())
    return (statistic - statistic.mean()) / spread if spread > 1e-12 * scale(statistic) else np.zeros_like(statistic)


def _share(statistic: np.ndarray) -> float:
    """The p of the first among all, as large or larger by more than rounding."""
    return float(np.mean(statistic >= statistic[0] - 1e-9 * max(1.0, abs(float(statistic[0])))))


def _bits(group: np.ndarray, own: np.ndarray, every: np.ndarray, size: int, other_size: int) -> np.ndarray:
    """The plug-in I(A_i; A_j | group) in bits for each row of `every` int[R, D], float64[R]."""
    groups, cells = int(group.max()) + 1, size * other_size
    place = (group * size + own) * other_size
    at_once = max(1, LARGEST_TABLE // (groups * cells))
    found = []
    for first in range(0, len(every), at_once):
        rows = every[first : first + at_once]
        keys = place + rows + np.arange(len(rows))[:, None] * (groups * cells)
        table = np.bincount(keys.reshape(-1), minlength=len(rows) * groups * cells)
        table = table.reshape(len(rows), groups, size, other_size) / len(own)
        entropies = [_entropy(table.sum(axes)) for axes in ((), (3,), (2,), (2, 3))]
        found.append(entropies[1] + entropies[2] - entropies[0] - entropies[3])
    return np.concatenate(found)


def _entropy(table: np.ndarray) -> np.ndarray:
    """The entropy in bits of each row's table, float64[R]."""
    logs = np.log2(table, out=np.zeros_like(table), where=table > 0)
    return -(table * logs).reshape(len(table), -1).sum(1)
