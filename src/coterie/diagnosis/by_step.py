"""Do habits depend on the step, and what ties two agents' actions beyond that?"""

from __future__ import annotations

import numpy as np

SHUFFLES = 999
BLOCKS = 5  # of an episode, in which drift is looked for beside single steps
FEWEST_ALIKE = 4  # decisions at one sight and step, on average over decisions, for chance within them to tell anything


def drifts(sight: np.ndarray, step: np.ndarray, taken: np.ndarray) -> float:
    """The p of habits that do not depend on the step, for what one agent saw, when, and did, int[D] each.

    The spread of the shares of actions over steps, and over fifths of an episode, at each sight, whichever stands out
    more, held against actions that are shuffled among the decisions at the same sight.
    """
    block = step * BLOCKS // (int(step.max()) + 1)
    cells = [_numbered(sight, step), _numbered(sight, block)]
    draws, every = np.random.default_rng(0), np.eye(int(taken.max()) + 1)
    rows = [taken, *(_shuffled(draws, sight, taken) for _ in range(SHUFFLES))]
    found = np.array([_spread(cells, every[row]) for row in rows])
    width = found.std(0)
    standing = np.where(width > 1e-12, (found - found.mean(0)) / np.where(width > 1e-12, width, 1.0), 0.0).max(1)
    return float(np.mean(standing >= standing[0] - 1e-9))


def alike(sight: np.ndarray, step: np.ndarray) -> float:
    """How many decisions share a decision's sight and step, itself counted, on average."""
    number = _numbered(sight, step)
    return float(np.bincount(number)[number].mean())


def redrawn(sight: np.ndarray, step: np.ndarray, taken: np.ndarray, times: int) -> np.ndarray:
    """Actions shuffled among the decisions at the same sight and step, int[times, D]."""
    draws, number = np.random.default_rng(0), _numbered(sight, step)
    return np.stack([_shuffled(draws, number, taken) for _ in range(times)])


def shares(sight: np.ndarray, step: np.ndarray, taken: np.ndarray, actions: int) -> np.ndarray:
    """The shares of actions at each decision's sight and step, as counted, float64[D, A]."""
    number = _numbered(sight, step)
    counts = np.zeros((int(number.max()) + 1, actions))
    np.add.at(counts, (number, taken), 1.0)
    return (counts / counts.sum(1, keepdims=True))[number]


def _spread(cells: list[np.ndarray], taken: np.ndarray) -> np.ndarray:
    """The sum over cells of n times the squared shares of actions, for each way to divide the decisions."""
    found = []
    for number in cells:
        counts = np.stack([np.bincount(number, column) for column in taken.T])
        found.append((counts**2 / np.bincount(number)).sum())
    return np.array(found)


def _numbered(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.unique(one * (int(other.max()) + 1) + other, return_inverse=True)[1].reshape(-1)


def _shuffled(draws: np.random.Generator, group: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Actions shuffled within groups."""
    order = np.lexsort((draws.random(len(group)), group))
    found = np.empty_like(taken)
    found[np.argsort(group, kind="stable")] = taken[order]
    return found
