"""Gaps and shadowed optima: games whose values are known exactly."""

from __future__ import annotations

import numpy as np
from families import Chance, Question
from finite_games import CLIMBING
from worlds import Ways, corridor, mostly, played_once, policy, world

from coterie.finite.game import FiniteGame
from coterie.finite.solve import uniform_policy
from coterie.types import Finding


def ask_gaps(game: FiniteGame, policies: np.ndarray) -> Finding:
    """What is missing between what they earn and the joint optimum?"""
    from coterie.diagnosis.gaps import gaps

    return gaps(game, policies)


def ask_shadow(game: FiniteGame, policies: np.ndarray | None = None) -> Finding:
    """Does the best action look bad because of what partners do?"""
    from coterie.diagnosis.shadow import shadow

    return shadow(game, policies)


# --- gaps -------------------------------------------------------------------------------------------------------------


def climbing_half_way(chance: Chance) -> tuple:
    """The climbing game at (b, b), an equilibrium that earns 7 of 11, or at (c, c), where one alone could earn 6 of
    5."""
    game, order = _relabelled(chance, np.array(CLIMBING, float) * float(chance.uniform(0.5, 3)))
    chosen = 1 + int(chance.integers(2))
    return game, policy(game, lambda agent, seen: int(order[agent][chosen]))


def the_safe_equilibrium(chance: Chance) -> tuple:
    """The penalty game played safely: 2 where 10 can be had, and nobody alone can better it."""
    game, order = _relabelled(chance, _penalty(-float(chance.uniform(10, 100))))
    return game, policy(game, lambda agent, seen: int(order[agent][1]))


def any_choice_but_the_best(chance: Chance) -> tuple:
    """A matrix of random payoffs, and a joint action that earns at least a third less than the best."""
    size = int(chance.integers(2, 5))
    payoffs = chance.permutation(size * size).astype(float).reshape(size, size)
    worse = np.argwhere(payoffs < 2 / 3 * payoffs.max())
    chosen = worse[int(chance.integers(len(worse)))]
    game = played_once(payoffs)
    return game, policy(game, lambda agent, seen: int(chosen[agent]))


def random_in_a_corridor(chance: Chance) -> tuple:
    """They walk at random where all could walk straight to the aim."""
    length = int(chance.integers(2, 5))
    game = corridor(length, 2 * length, int(chance.integers(1, 3)), step=-1.0)
    return game, uniform_policy(game)


def turned_back_before_the_aim(chance: Chance) -> tuple:
    """They turn back one cell before the aim, each time."""
    length = int(chance.integers(2, 5))
    game = corridor(length, 3 * length, 2)
    return game, policy(game, lambda agent, seen: 1 if seen[0] < length - 1 else 2)


def climbing_at_the_top(chance: Chance) -> tuple:
    """The climbing game at (a, a): there is no more to be had."""
    game, order = _relabelled(chance, np.array(CLIMBING, float) * float(chance.uniform(0.5, 3)))
    return game, policy(game, lambda agent, seen: int(order[agent][0]))


def one_of_the_best(chance: Chance) -> tuple:
    """The penalty game at one of its two best equilibria; the other pays as much."""
    game, order = _relabelled(chance, _penalty(-float(chance.uniform(0, 100))))
    chosen = int(chance.choice([0, 2]))
    return game, policy(game, lambda agent, seen: int(order[agent][chosen]))


def straight_to_the_aim(chance: Chance) -> tuple:
    """A healthy team: straight to the aim, by a shortest way."""
    length = int(chance.integers(2, 5))
    game = corridor(length, 2 * length, int(chance.integers(1, 3)), step=-1.0)
    return game, policy(game, lambda agent, seen: 1)


def best_though_it_mixes(chance: Chance) -> tuple:
    """They mix actions that all earn the best there is: a mixed policy, and nothing is missing."""
    payoffs = np.array([[5, 5, 0], [5, 5, 0], [0, 0, 1.0]]) * float(chance.uniform(0.5, 3))
    game, order = _relabelled(chance, payoffs)
    share = float(chance.uniform(0.1, 0.9))

    def rule(agent: int, seen: tuple[int, ...]) -> np.ndarray:
        chances = np.zeros(3)
        chances[order[agent][0]], chances[order[agent][1]] = share, 1 - share
        return chances

    return game, policy(game, rule)


def best_in_bad_luck(chance: Chance) -> tuple:
    """Half of the time nothing comes of it, however they play; they play best, and earn half of the best outcome."""
    pays = float(chance.uniform(2, 10))

    def step(state, joint) -> Ways:
        earned = pays if joint == (1, 1) else 1.0 if joint == (0, 0) else 0.0
        return [(0.5, 0, 0.0, True, False), (0.5, 0, earned, True, joint == (1, 1))]

    game = world((2, 2), [0], step, lambda state, agent: (0,), 1)
    return game, policy(game, lambda agent, seen: 1 if pays > 1 else 0)


# --- shadowed optimum -------------------------------------------------------------------------------------------------


def climbing(chance: Chance) -> tuple:
    """Climbing: on average over partners c looks best, and the best joint action is (a, a); at (c, c) this costs 6 of
    11. Scaling, shifting and renaming change nothing."""
    payoffs = np.array(CLIMBING, float) * float(chance.uniform(0.2, 5)) + float(chance.uniform(-10, 10))
    return _relabelled(chance, payoffs)[0], None


def penalty(chance: Chance) -> tuple:
    """The penalty game with a penalty worse than -10: the safe action looks best on average, and costs 8 of 10."""
    return _relabelled(chance, _penalty(-float(chance.uniform(12, 100))))[0], None


def stag_hunt(chance: Chance) -> tuple:
    """Two or three agents hunt, gather or rest: if all hunt they get the stag, if only some do they are hurt; gathering
    is safe and looks better on average, although hunting together pays more."""
    agents, berries, hurt = int(chance.integers(2, 4)), float(chance.uniform(6, 9)), float(chance.uniform(5, 20))
    payoffs = np.zeros((3,) * agents)
    for joint in np.ndindex(payoffs.shape):
        hunting = joint.count(0)
        payoffs[joint] = 10.0 if hunting == agents else -hurt if hunting else berries * joint.count(1) / agents
    return _relabelled(chance, payoffs)[0], None


def partners_stay_in_the_middle(chance: Chance) -> tuple:
    """The penalty game without penalty, but the partners now play the middle: from what they do the middle looks best,
    and the best that can be had together pays five times as much."""
    game, order = _relabelled(chance, _penalty(0.0))
    share = float(chance.uniform(0.85, 0.98))
    return game, policy(game, lambda agent, seen: mostly(int(order[agent][1]), 3, share))


def no_penalty(chance: Chance) -> tuple:
    """The penalty game with no penalty: even on average the best actions look best."""
    return _relabelled(chance, _penalty(0.0) * float(chance.uniform(0.5, 5)))[0], None


def pure_coordination(chance: Chance) -> tuple:
    """All agree or nothing, and one agreement is the best: on average it looks best too."""
    size = int(chance.integers(2, 6))
    return _relabelled(chance, np.diag(1.0 + chance.permutation(size)))[0], None


def everybody_for_itself(chance: Chance) -> tuple:
    """What is earned is the sum of what each action is worth: the best action is best whatever the others do."""
    size = int(chance.integers(2, 5))
    one, other = chance.permutation(size), chance.permutation(size)
    return played_once((one[:, None] + other[None]).astype(float)), None


def partners_at_the_best(chance: Chance) -> tuple:
    """Agreement pays, one agreement most, and the partners are there: it looks best on average, and in fact."""
    game, order = _relabelled(chance, np.diag([5.0, 2.0, 1.0]))
    return game, policy(game, lambda agent, seen: mostly(int(order[agent][0]), 3, 0.9))


def _relabelled(chance: Chance, payoffs: np.ndarray) -> tuple[FiniteGame, list[np.ndarray]]:
    """A matrix game whose actions have new names; order[agent][old] is the new number of an action."""
    order = [chance.permutation(size) for size in payoffs.shape]
    renamed = np.empty_like(payoffs)
    renamed[np.ix_(*order)] = payoffs
    return played_once(renamed), order


def _penalty(k: float) -> np.ndarray:
    return np.array([[10, 0, k], [0, 2, 0], [k, 0, 10.0]])


QUESTIONS = (
    Question(
        "gaps",
        ask_gaps,
        (
            climbing_half_way,
            the_safe_equilibrium,
            any_choice_but_the_best,
            random_in_a_corridor,
            turned_back_before_the_aim,
        ),
        (climbing_at_the_top, one_of_the_best, straight_to_the_aim, best_though_it_mixes, best_in_bad_luck),
    ),
    Question(
        "shadowed optimum",
        ask_shadow,
        (climbing, penalty, stag_hunt, partners_stay_in_the_middle),
        (no_penalty, pure_coordination, everybody_for_itself, partners_at_the_best),
    ),
)
