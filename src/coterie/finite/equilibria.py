"""The equilibria of matrix games: joint plays from which nobody gains by changing alone (Nash 1951).

Payoffs are float64[A1, .., AN, N]: what each agent earns for a joint action. Pure equilibria are found for any number
of agents; mixed ones for two, by support enumeration.
"""

from __future__ import annotations

from itertools import combinations, product
from math import comb
from typing import NamedTuple

import numpy as np

from coterie.finite.game import FiniteGame

SAME = 1e-9
PAIRS_CAP = 20_000  # of supports: about two seconds


class Equilibrium(NamedTuple):
    """One equilibrium, and what kind it is.

    strategies   one float64[A_i] an agent: the chance of each action
    payoffs      float64[N]
    pure         every agent plays one action for certain
    strict       whoever changes alone loses (never so where somebody mixes)
    dominated    another equilibrium found pays somebody more and nobody less (Pareto)
    optimal      it attains the greatest mean payoff of all joint actions
    """

    strategies: tuple[np.ndarray, ...]
    payoffs: np.ndarray
    pure: bool
    strict: bool
    dominated: bool
    optimal: bool


class Equilibria(NamedTuple):
    """The equilibria of a matrix game.

    found            pure ones first, in the order of joint actions, then mixed ones by the size of their supports
    optimum          the greatest mean payoff;  optima: the joint actions that attain it
    risk_dominant    the risk-dominant joint action of a 2x2 game with two strict equilibria, else, or on a tie, None
    complete         False: only pure ones were looked for, as there are more than two agents or too many supports
    degenerate       somebody has more best answers than the other's support has actions: there may be more equilibria,
                     also continua of them, of which those with equally large supports are listed
    """

    found: tuple[Equilibrium, ...]
    optimum: float
    optima: tuple[tuple[int, ...], ...]
    risk_dominant: tuple[int, ...] | None
    complete: bool
    degenerate: bool


def payoffs_of(game: FiniteGame) -> np.ndarray:
    """The expected payoffs of a game in which everybody decides once, or again and again in the same situation.

    Raises ValueError where what is decided changes: several states, or several starts.
    """
    if game.masked:
        raise ValueError("in a matrix game every action is legal")
    starts = np.unique(game.start_state[game.start_probability > 0])
    if len(starts) != 1:
        raise ValueError(f"a matrix game has one start, this one has {len(starts)}")
    pairs = len(game.joint_actions)
    edges = slice(game.first_edge[starts[0] * pairs], game.first_edge[(starts[0] + 1) * pairs])
    ended = game.ended[edges]
    again = (game.successor[edges] == starts[0]).all() and not ended.any()
    if game.horizon != 1 and not (ended.all() or again):
        raise ValueError("the agents decide more than once, and not always in the same state; it is no matrix game")
    counts = np.diff(game.first_edge)[starts[0] * pairs : (starts[0] + 1) * pairs]
    pair = np.repeat(np.arange(pairs), counts)
    paid = [
        np.bincount(pair, game.probability[edges] * game.reward[edges, agent], pairs)
        for agent in range(len(game.actions))
    ]
    return np.stack(paid, -1).reshape(*game.actions, len(game.actions))


def equilibria(game: FiniteGame | np.ndarray) -> Equilibria:
    """All pure equilibria, and for two agents the mixed ones, by support enumeration.

    A pair of strategies (x, y) is an equilibrium where every action that x plays earns as much against y as any does,
    and the other way round; for each pair of equally large supports, both are solutions of linear equations (Nash 1951;
    in games that are not degenerate all equilibria have equally large supports: von Stengel 2002). Raises ValueError
    for payoffs of another shape. Left out: mixed equilibria of three and more agents, or where there are more than
    20,000 pairs of supports (beyond 8x8 actions), and correlated ones.
    """
    payoffs = payoffs_of(game) if isinstance(game, FiniteGame) else _checked(game)
    agents = payoffs.shape[-1]
    pure = [tuple(int(action) for action in joint) for joint in np.argwhere(_stable(payoffs))]
    profiles = [_certain(joint, payoffs.shape[:-1]) for joint in pure]
    degenerate = False
    complete = agents == 2 and _support_pairs(*payoffs.shape[:2]) <= PAIRS_CAP
    if complete:
        profiles += _mixed(payoffs)
        degenerate = not profiles or any(_more_answers(payoffs, one) for one in profiles)
    worth = payoffs.mean(-1)
    optimum = float(worth.max())
    paid = [_expected(payoffs, profile) for profile in profiles]
    found = tuple(
        Equilibrium(
            profile,
            value,
            number < len(pure),
            number < len(pure) and _strict(payoffs, pure[number]),
            any((other >= value - SAME).all() and (other > value + SAME).any() for other in paid),
            bool(value.mean() >= optimum - SAME),
        )
        for number, (profile, value) in enumerate(zip(profiles, paid, strict=True))
    )
    optima = tuple(tuple(int(action) for action in joint) for joint in np.argwhere(worth >= optimum - SAME))
    return Equilibria(found, optimum, optima, risk_dominant(payoffs), complete, degenerate)


def risk_dominant(payoffs: np.ndarray) -> tuple[int, ...] | None:
    """The strict equilibrium of a 2x2 game that loses most by deviations (Harsanyi and Selten 1988), if there are two.

    Compared is the product over agents of what each loses by changing alone. None on a tie, and in any other game.
    """
    if payoffs.shape != (2, 2, 2):
        return None
    strict = [joint for joint in product(range(2), repeat=2) if _strict(payoffs, joint)]
    if len(strict) != 2:
        return None
    products = [
        (payoffs[a, b, 0] - payoffs[1 - a, b, 0]) * (payoffs[a, b, 1] - payoffs[a, 1 - b, 1]) for a, b in strict
    ]
    if abs(products[0] - products[1]) <= SAME * max(products):
        return None
    return strict[int(products[1] > products[0])]


def _checked(payoffs: np.ndarray) -> np.ndarray:
    table = np.asarray(payoffs, np.float64)
    if table.ndim < 2 or table.shape[-1] != table.ndim - 1 or table.size == 0:
        raise ValueError(f"payoffs have the shape [A1, .., AN, N], not {list(table.shape)}")
    if not np.isfinite(table).all():
        raise ValueError("every payoff is a finite number")
    return table


def _stable(payoffs: np.ndarray) -> np.ndarray:
    """Where nobody gains by changing alone, bool[A1, .., AN]."""
    agents = payoffs.shape[-1]
    gains = [payoffs[..., agent].max(agent, keepdims=True) - payoffs[..., agent] for agent in range(agents)]
    return np.logical_and.reduce([gain <= SAME for gain in gains])


def _strict(payoffs: np.ndarray, joint: tuple[int, ...]) -> bool:
    """Whether everybody loses by changing alone."""
    for agent in range(payoffs.shape[-1]):
        line = payoffs[(*joint[:agent], slice(None), *joint[agent + 1 :], agent)]
        if (np.delete(line, joint[agent]) >= line[joint[agent]] - SAME).any():
            return False
    return True


def _certain(joint: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    return tuple(np.eye(size)[action] for size, action in zip(sizes, joint, strict=True))


def _expected(payoffs: np.ndarray, strategies: tuple[np.ndarray, ...]) -> np.ndarray:
    for strategy in strategies:
        payoffs = np.tensordot(strategy, payoffs, 1)
    return payoffs


def _support_pairs(rows: int, columns: int) -> int:
    return sum(comb(rows, size) * comb(columns, size) for size in range(2, min(rows, columns) + 1))


def _mixed(payoffs: np.ndarray) -> list[tuple[np.ndarray, ...]]:
    """The equilibria of two agents in which both mix over equally many actions."""
    rows, columns = payoffs.shape[:2]
    one, other = payoffs[..., 0], payoffs[..., 1].T  # each [own action, the other's]
    found: list[tuple[np.ndarray, ...]] = []
    for size in range(2, min(rows, columns) + 1):
        for own, others in product(combinations(range(rows), size), combinations(range(columns), size)):
            y = _indifferent(one[np.ix_(own, others)])
            x = _indifferent(other[np.ix_(others, own)])
            if x is None or y is None or x.min() <= SAME or y.min() <= SAME:
                continue
            full = np.zeros(rows), np.zeros(columns)
            full[0][list(own)], full[1][list(others)] = x, y
            against = one @ full[1], other @ full[0]
            if all(
                worth.max() <= worth[place] + SAME for worth, place in zip(against, (own[0], others[0]), strict=True)
            ):
                found.append(full)
    return found


def _indifferent(payoffs: np.ndarray) -> np.ndarray | None:
    """The other's strategy, adding up to 1, against which all rows earn the same; None unless there is exactly one."""
    size = len(payoffs)
    equations = np.vstack([payoffs[:-1] - payoffs[1:], np.ones((1, size))])
    if np.linalg.matrix_rank(equations, tol=1e-9 * max(1.0, np.abs(equations).max())) < size:
        return None
    return np.linalg.solve(equations, np.eye(size)[-1])


def _more_answers(payoffs: np.ndarray, strategies: tuple[np.ndarray, ...]) -> bool:
    """Whether an agent has more best answers than the other plays actions: the mark of a degenerate game."""
    x, y = strategies
    against = payoffs[..., 0] @ y, x @ payoffs[..., 1]
    answers = [(worth >= worth.max() - SAME).sum() for worth in against]
    return bool(answers[0] > (y > SAME).sum() or answers[1] > (x > SAME).sum())
