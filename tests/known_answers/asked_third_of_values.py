"""A third round about the step size, from the definition alone."""

from __future__ import annotations

import numpy as np
from asked_of_drift import ask_step_size
from families import Chance, Question

# --- step size --------------------------------------------------------------------------------------------------------


def a_bandit_that_believes_the_last_reward(chance: Chance) -> tuple:
    """Each observation is a bandit, played by a learner that tries one action at a time and nearly replaces its value
    by the last reward, which is noisier than the actions differ: which one looks best changes to and fro, to the
    end."""
    return (_bandits(chance, noise=float(chance.uniform(2, 4)), step=float(chance.uniform(0.7, 1.0))),)


def two_who_change_sides_together(chance: Chance) -> tuple:
    """Two learners want to agree and do not; each in one step values what the other does now, so both change sides in
    every round, for ever."""
    rounds, probes, step = int(chance.integers(20, 50)), int(chance.integers(2, 6)), float(chance.uniform(0.6, 1.0))
    side = chance.integers(2, size=probes)
    mine, other, rows = np.eye(2)[side], np.eye(2)[1 - side], []
    for _ in range(rounds):
        heard, told = np.eye(2)[other.argmax(1)], np.eye(2)[mine.argmax(1)]
        mine, other = mine + step * (heard - mine), other + step * (told - other)
        rows.append(mine)
    return (np.stack(rows) * float(chance.uniform(0.5, 20)),)


def half_of_them_jump(chance: Chance) -> tuple:
    """In half of the observations everything is settled, in the other half values leap by more than the actions
    differ, from snapshot to snapshot."""
    values = _ordered(chance, 2 * int(chance.integers(2, 5)), int(chance.integers(2, 5)))
    leaps = chance.normal(0, 3, (int(chance.integers(20, 50)), *values.shape))
    leaps[:, ::2] = 0
    return (values + leaps,)


def ever_wider_swings(chance: Chance) -> tuple:
    """A step of more than twice what is still missing: every action's value swings past its aim, each time a little
    further, and two actions that swing against each other take turns at the top."""
    snapshots, probes, size = int(chance.integers(20, 40)), int(chance.integers(2, 6)), int(chance.integers(2, 5))
    truth = _ordered(chance, probes, size)
    off = chance.uniform(1, 2, truth.shape) * np.where(truth == truth.max(1, keepdims=True), -1, 1)
    growth = -float(chance.uniform(1.05, 1.15))
    return (truth + size * off * growth ** np.arange(snapshots)[:, None, None],)


def a_leap_every_few_snapshots(chance: Chance) -> tuple:
    """Every second or third snapshot the two best actions change places, by a leap, and so it goes on to the end."""
    snapshots, every = int(chance.integers(24, 50)), int(chance.integers(2, 4))
    values = _ordered(chance, int(chance.integers(2, 8)), int(chance.integers(2, 5)))
    best = values.argmax(1)
    leap = np.zeros_like(values)
    leap[np.arange(len(values)), best] = -2.0
    on = (np.arange(snapshots) // every % 2)[:, None, None]
    return (values + on * leap + chance.normal(0, 0.02, (snapshots, *values.shape)),)


def a_bandit_that_takes_the_mean(chance: Chance) -> tuple:
    """The bandits again, played by a learner that takes the mean of all rewards so far: at first all is open, and then
    it settles on values whose errors are a small part of what the actions differ by."""
    return (_bandits(chance, noise=0.5, step=None, gap=2.0),)


def once_in_a_while_a_bad_try(chance: Chance) -> tuple:
    """Exploration tries an inferior action now and then and its value leaps, up to four fifths of the best: the choice
    is never in doubt."""
    snapshots, probes, size = int(chance.integers(20, 50)), int(chance.integers(2, 8)), int(chance.integers(3, 6))
    values, rows, best = np.zeros((probes, size)), [], chance.integers(size, size=probes)
    for _ in range(snapshots):
        tried = chance.random(values.shape) < 0.3
        values = np.where(tried, chance.uniform(-10, 8, values.shape), values)
        values[np.arange(probes), best] = 10.0
        rows.append(values)
    return (np.stack(rows),)


def overtaken_slowly(chance: Chance) -> tuple:
    """Values drift slowly and evenly; in the middle of the way another action becomes the best, once, and draws
    ahead."""
    snapshots, probes, size = int(chance.integers(30, 60)), int(chance.integers(2, 8)), int(chance.integers(2, 5))
    first = _ordered(chance, probes, size)
    last = np.where(first == first.max(1, keepdims=True), first - 1.5, first + 0.5)
    share = np.linspace(0, 1, snapshots)[:, None, None]
    return ((1 - share) * first + share * last,)


def each_to_its_limit(chance: Chance) -> tuple:
    """Values come from zero to where they belong, each at a pace of its own, fast at first and ever more slowly."""
    snapshots = int(chance.integers(25, 50))
    values = _ordered(chance, int(chance.integers(2, 8)), int(chance.integers(2, 5))) + 1.0
    pace = chance.uniform(0.15, 0.4, values.shape)
    return (values * (1 - np.exp(-pace * np.arange(snapshots)[:, None, None])),)


def a_late_discovery(chance: Chance) -> tuple:
    """All is settled; past the middle one action turns out to be far better than was thought, in one leap, and stays
    there: a leap, and not to and fro."""
    snapshots = int(chance.integers(30, 50))
    values = _ordered(chance, int(chance.integers(2, 8)), int(chance.integers(2, 5)))
    found = np.zeros_like(values)
    found[np.arange(len(values)), values.argmin(1)] = 10.0
    later = (np.arange(snapshots) >= int(chance.integers(snapshots // 2, snapshots - 8)))[:, None, None]
    return (values + later * found + chance.normal(0, 0.01, (snapshots, *values.shape)),)


def larger_and_smaller_together(chance: Chance) -> tuple:
    """All values are stretched by a half or pressed together by a third from snapshot to snapshot, as a unit of reward
    that changes would do it: they leap, and their order is the same in every one."""
    snapshots = int(chance.integers(20, 50))
    values = _ordered(chance, int(chance.integers(2, 8)), int(chance.integers(2, 5))) + 1.0
    return (values * chance.uniform(0.67, 1.5, (snapshots, len(values), 1)),)


def _bandits(chance: Chance, noise: float, step: float | None, gap: float = 1.0) -> np.ndarray:
    """Values of bandits, one an observation, while they are played with some exploration; step None: the mean."""
    snapshots, probes, size = int(chance.integers(20, 40)), int(chance.integers(2, 8)), int(chance.integers(2, 5))
    truth = gap * np.stack([chance.permutation(size) for _ in range(probes)])
    values, count, all_probes, rows = np.zeros(truth.shape), np.zeros(truth.shape), np.arange(probes), []
    for _ in range(snapshots):
        for _ in range(20):
            tried = np.where(chance.random(probes) < 0.4, chance.integers(size, size=probes), values.argmax(1))
            at = (all_probes, tried)
            count[at] += 1
            reward = truth[at] + noise * chance.normal(size=probes)
            values[at] += (1 / count[at] if step is None else step) * (reward - values[at])
        rows.append(values.copy())
    return np.stack(rows)


def _ordered(chance: Chance, probes: int, size: int) -> np.ndarray:
    """Values of which the best is one more than the next."""
    return np.stack([chance.permutation(size) for _ in range(probes)]).astype(float)


QUESTIONS = (
    Question(
        "step size",
        ask_step_size,
        (
            a_bandit_that_believes_the_last_reward,
            two_who_change_sides_together,
            half_of_them_jump,
            ever_wider_swings,
            a_leap_every_few_snapshots,
        ),
        (
            a_bandit_that_takes_the_mean,
            once_in_a_while_a_bad_try,
            overtaken_slowly,
            each_to_its_limit,
            a_late_discovery,
            larger_and_smaller_together,
        ),
    ),
)
