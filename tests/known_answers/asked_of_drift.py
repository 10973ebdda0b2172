"""Drift and step size: families of policies and values while they are learned."""

from __future__ import annotations

import numpy as np
from families import Chance, Question

from coterie.types import Finding

ENOUGH = 120  # snapshots of a policy


def ask_drift(policies: np.ndarray) -> Finding:
    """Does a policy go round in circles while it learns?"""
    from coterie.diagnosis.drift import drift

    return drift(policies)


def ask_step_size(values: np.ndarray) -> Finding:
    """Do values still jump at the end?"""
    from coterie.diagnosis.drift import step_size

    return step_size(values)


# --- drift ------------------------------------------------------------------------------------------------------------


def rock_paper_scissors(chance: Chance) -> tuple:
    """Rock, paper, scissors by replicator dynamics: two learners that begin nearly alike go round the equilibrium for
    ever (Sato et al. 2002)."""
    payoffs = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    x = chance.dirichlet(np.full(3, 20.0))
    y = np.abs(x + chance.normal(0, 0.01, 3))
    rows, pace = [], 0.04
    for step in range(2_500):
        x, y = x * np.exp(pace * payoffs @ y), y * np.exp(pace * payoffs @ x)
        x, y = x / x.sum(), y / y.sum()
        if step % 10 == 0:
            rows.append(x)
    return (np.stack(rows)[:, None],)


def matching_pennies(chance: Chance) -> tuple:
    """Matching pennies on several observations that are a quarter of a round apart: six rounds or more, and none
    closer."""
    turns, probes = float(chance.uniform(6, 12)), int(chance.integers(2, 5))
    angle = 2 * np.pi * turns * np.linspace(0, 1, ENOUGH)[:, None] + np.pi / 2 * np.arange(probes)
    return (_coins(0.5 + chance.uniform(0.1, 0.4) * np.sin(angle)),)


def noisy_circling(chance: Chance) -> tuple:
    """The same, seen through a little noise, and not always equally fast."""
    turns, probes = float(chance.uniform(6, 10)), int(chance.integers(2, 5))
    clock = np.cumsum(chance.uniform(0.5, 1.5, ENOUGH))
    angle = 2 * np.pi * turns * (clock / clock[-1])[:, None] + np.pi / 2 * np.arange(probes)
    return (_coins(0.5 + 0.35 * np.sin(angle) + chance.normal(0, 0.03, (ENOUGH, probes))),)


def widening_circles(chance: Chance) -> tuple:
    """Circles that widen, as gradient steps of a fixed size make them in a zero-sum game."""
    turns, probes = float(chance.uniform(6, 10)), int(chance.integers(2, 4))
    angle = 2 * np.pi * turns * np.linspace(0, 1, ENOUGH)[:, None] + np.pi / 2 * np.arange(probes)
    return (_coins(0.5 + np.linspace(0.1, 0.45, ENOUGH)[:, None] * np.sin(angle)),)


def straight_to_the_point(chance: Chance) -> tuple:
    """Coordination: each policy goes from anything to one action and stays: hardly a turn, and net is nearly all."""
    probes, size = int(chance.integers(1, 5)), int(chance.integers(2, 5))
    start, goal = chance.dirichlet(np.ones(size), probes), np.eye(size)[chance.integers(size, size=probes)]
    share = 1 - np.exp(-np.linspace(0, chance.uniform(4, 8), ENOUGH))[:, None, None]
    return ((1 - share) * start + share * goal,)


def there_with_some_noise(chance: Chance) -> tuple:
    """The same with noise on the way: it arrives."""
    (policies,) = straight_to_the_point(chance)
    noisy = np.clip(policies + chance.normal(0, 0.02, policies.shape), 1e-6, None)
    return (noisy / noisy.sum(-1, keepdims=True),)


def random_wandering(chance: Chance) -> tuple:
    """A random walk goes nowhere, but it does not go round either: net is little of its path, and turns are few."""
    probes, size = int(chance.integers(2, 5)), int(chance.integers(2, 5))
    return (_softmax(chance.normal(0, 0.1, (ENOUGH, probes, size)).cumsum(0)),)


def never_changed(chance: Chance) -> tuple:
    """A policy that stands still does not go round."""
    probes, size = int(chance.integers(1, 5)), int(chance.integers(2, 5))
    return (np.repeat(chance.dirichlet(np.ones(size), probes)[None], ENOUGH, 0),)


def one_bend(chance: Chance) -> tuple:
    """It learns first what to do here and then what to do there: a bend of the way, and no circle."""
    angle = np.linspace(0, chance.uniform(0.3, 0.7), ENOUGH)[:, None] * np.pi + np.pi / 2 * np.arange(2)
    return (_coins(0.5 + chance.uniform(0.2, 0.45) * np.sin(angle)),)


def one_turn_and_settled(chance: Chance) -> tuple:
    """It overshoots once and then stays where it belongs."""
    share = np.linspace(0, 1, ENOUGH)[:, None]
    angle = 2 * np.pi * chance.uniform(0.5, 1.2) * np.sqrt(share) + np.pi / 2 * np.arange(2)
    return (_coins(0.5 + 0.45 * np.exp(-6 * share) * np.sin(angle)),)


# --- step size --------------------------------------------------------------------------------------------------------


def chasing_noise(chance: Chance) -> tuple:
    """Q-learning with a step size near one on noisy rewards: each value is nearly the last reward, and which action
    looks best changes all the time."""
    shape = (int(chance.integers(20, 50)), int(chance.integers(2, 10)), int(chance.integers(2, 5)))
    return (_learned(chance, shape, step=float(chance.uniform(0.6, 1.0)), noise=1.0, gap=0.5),)


def two_minds(chance: Chance) -> tuple:
    """Values jump between two orders of the actions from snapshot to snapshot."""
    snapshots, probes, size = int(chance.integers(20, 40)), int(chance.integers(2, 8)), int(chance.integers(2, 5))
    one = chance.normal(0, 1, (probes, size))
    values = np.where(np.arange(snapshots)[:, None, None] % 2 == 0, one, np.roll(one, 1, axis=-1))
    return (values + chance.normal(0, 0.02, values.shape),)


def jumps_by_the_range(chance: Chance) -> tuple:
    """Every snapshot is off by as much as the actions differ, all the way to the end."""
    values = chance.normal(0, 1, (1, int(chance.integers(3, 10)), int(chance.integers(2, 6))))
    snapshots = int(chance.integers(20, 50))
    return (values + values.std() * chance.normal(0, 1.5, (snapshots, *values.shape[1:])),)


def averaged_well(chance: Chance) -> tuple:
    """The same noisy rewards with a small step size: values move by a fraction of what separates the actions."""
    shape = (int(chance.integers(20, 50)), int(chance.integers(2, 10)), int(chance.integers(2, 5)))
    return (_learned(chance, shape, step=0.003, noise=1.0, gap=1.0),)


def settled(chance: Chance) -> tuple:
    """Values that do not change any more."""
    values = _apart(chance, int(chance.integers(2, 10)), int(chance.integers(2, 5)))
    return (np.repeat(values[None], int(chance.integers(20, 50)), 0),)


def a_little_noise(chance: Chance) -> tuple:
    """Values tremble by a fiftieth of what separates the best action from the next."""
    values = _apart(chance, int(chance.integers(2, 10)), int(chance.integers(2, 5)))
    return (values + chance.normal(0, 0.02, (int(chance.integers(20, 50)), *values.shape)),)


def all_rise_together(chance: Chance) -> tuple:
    """All values rise by much, and by the same, as they do late in a long task: the best action stays the best."""
    values = _apart(chance, int(chance.integers(2, 10)), int(chance.integers(2, 5)))
    snapshots = int(chance.integers(20, 50))
    return (values + np.linspace(0, float(chance.uniform(2, 20)), snapshots)[:, None, None],)


def all_jump_together(chance: Chance) -> tuple:
    """All values of an observation jump by the same: a large jump that changes nothing about which action is best."""
    values = _apart(chance, int(chance.integers(2, 10)), int(chance.integers(2, 5)))
    snapshots = int(chance.integers(20, 50))
    return (values + chance.normal(0, 3, (snapshots, len(values), 1)),)


def jumped_at_first(chance: Chance) -> tuple:
    """They jumped in the first third, when nothing was known, and have been settled since."""
    values = _apart(chance, int(chance.integers(2, 10)), int(chance.integers(2, 5)))
    snapshots = int(chance.integers(30, 50))
    early = (np.arange(snapshots) < snapshots // 3)[:, None, None]
    return (values + np.where(early, chance.normal(0, 3, (snapshots, *values.shape)), 0.0),)


def _coins(chances: np.ndarray) -> np.ndarray:
    heads = np.clip(chances, 0.0, 1.0)
    return np.stack([heads, 1 - heads], -1)


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def _apart(chance: Chance, probes: int, size: int) -> np.ndarray:
    """Values whose best action is one better than the next."""
    return np.stack([chance.permutation(size) for _ in range(probes)]).astype(float) + float(chance.normal(0, 5))


def _learned(chance: Chance, shape: tuple[int, int, int], step: float, noise: float, gap: float) -> np.ndarray:
    truth = gap * np.stack([chance.permutation(shape[2]) for _ in range(shape[1])])
    value, rows = truth.astype(float), []
    for _ in range(shape[0]):
        for _ in range(20):
            value = value + step * (truth + noise * chance.normal(size=truth.shape) - value)
        rows.append(value)
    return np.stack(rows)


QUESTIONS = (
    Question(
        "drift",
        ask_drift,
        (rock_paper_scissors, matching_pennies, noisy_circling, widening_circles),
        (straight_to_the_point, random_wandering, there_with_some_noise, one_bend, one_turn_and_settled, never_changed),
    ),
    Question(
        "step size",
        ask_step_size,
        (chasing_noise, two_minds, jumps_by_the_range),
        (averaged_well, all_jump_together, settled, a_little_noise, jumped_at_first, all_rise_together),
    ),
)
