"""Strangers: teams whose members only know each other, and teams whose members would play with anybody."""

from __future__ import annotations

import numpy as np
from families import Chance, Question
from shared import code_policy, light_game, sign_game
from worlds import WORD, Ways, mostly, played_once, policy, stage, world

from coterie.finite.game import FiniteGame
from coterie.finite.solve import uniform_policy
from coterie.running.stage import Stage
from coterie.types import Finding


def ask_strangers(where: Stage) -> Finding:
    """Do they only know each other?"""
    from coterie.diagnosis.strangers import strangers

    return strangers(where, WORD)


# --- strangers --------------------------------------------------------------------------------------------------------


def conventions(chance: Chance) -> tuple:
    """K actions are equally good if all choose the same; every team has chosen, not all alike: with strangers one in K
    or so succeeds."""
    size, agents = int(chance.integers(2, 5)), int(chance.integers(2, 4))
    payoffs = np.zeros((size,) * agents)
    payoffs[(np.arange(size),) * agents] = float(chance.uniform(1, 10))
    game = played_once(payoffs)
    chosen = _not_alike(chance, size)
    return (stage(game, *[policy(game, lambda a, s, one=one: int(one)) for one in chosen]),)


def codes(chance: Chance) -> tuple:
    """One agent sees a light and gives a sign, the other sees the sign and acts; every team has a code of its own."""
    size, teams = int(chance.integers(3, 5)), int(chance.integers(3, 6))
    game = sign_game(size, chance)
    shift = _not_alike(chance, size, teams)
    return (stage(game, *[code_policy(game, size, int(one)) for one in shift]),)


def right_and_left_of_the_way(chance: Chance) -> tuple:
    """Two agents come towards each other and pass if both keep to the same hand; some teams keep right, some left."""
    game = _passing(chance)
    hands = _not_alike(chance, 2, int(chance.integers(3, 7)))
    return (stage(game, *[policy(game, lambda a, s, hand=hand: int(hand)) for hand in hands]),)


def own_paths_only(chance: Chance) -> tuple:
    """The first agent chooses one of several ways, which both then walk; everybody knows what to do on the way of its
    own team and has hardly ever been on another: coverage, not convention."""
    ways, teams = int(chance.integers(2, 4)), int(chance.integers(3, 6))
    game = _routes(chance, ways)
    own = _not_alike(chance, ways, teams)
    return (stage(game, *[_on_route(game, int(one), {int(one)}) for one in own]),)


def one_convention_for_all(chance: Chance) -> tuple:
    """A healthy case: all teams have chosen the same action."""
    size = int(chance.integers(2, 5))
    game, chosen = played_once(np.eye(size)), int(chance.integers(size))
    return (stage(game, *[policy(game, lambda a, s: chosen)] * int(chance.integers(3, 6))),)


def all_know_all_paths(chance: Chance) -> tuple:
    """Every team prefers a way of its own, but everybody knows what to do on all of them."""
    ways, teams = int(chance.integers(2, 4)), int(chance.integers(3, 6))
    game = _routes(chance, ways)
    return (stage(game, *[_on_route(game, int(one), set(range(ways))) for one in _not_alike(chance, ways, teams)]),)


def strangers_read_signs(chance: Chance) -> tuple:
    """One agent gives a sign and the other acts on it; all teams use the same code."""
    size = int(chance.integers(3, 5))
    game, shift = sign_game(size, chance), int(chance.integers(size))
    return (stage(game, *[code_policy(game, size, shift)] * int(chance.integers(3, 6))),)


def nobody_knows_anybody(chance: Chance) -> tuple:
    """All teams play at random, with each other as badly as with strangers: that is another fault."""
    size = int(chance.integers(2, 5))
    game = played_once(np.eye(size))
    return (stage(game, *[uniform_policy(game)] * int(chance.integers(3, 6))),)


def tasks_of_their_own(chance: Chance) -> tuple:
    """Everybody does what the light shows, some teams a little less surely; nobody needs to know anybody."""
    game, _ = light_game(chance)
    teams = []
    for _ in range(int(chance.integers(3, 6))):
        share = float(chance.uniform(0.97, 1.0))
        teams.append(policy(game, lambda a, s, share=share: mostly(s[0], game.actions[0], share)))
    return (stage(game, *teams),)


def _passing(chance: Chance) -> FiniteGame:
    """Keep right or keep left: they pass if both do the same, and otherwise lose a step and try again, twice or so."""
    cost, pays = -float(chance.uniform(1, 3)), float(chance.uniform(5, 10))

    def step(state, joint) -> Ways:
        passed = joint[0] == joint[1]
        return [(1.0, state, pays if passed else cost, passed, passed)]

    return world((2, 2), [0], step, lambda state, agent: (0,), int(chance.integers(1, 4)))


def _routes(chance: Chance, ways: int) -> FiniteGame:
    """The first agent chooses a way; on way w both must take action w in every step, or all is lost. Seen: way,
    place."""
    length, pays = int(chance.integers(2, 4)), float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        way, place = state
        if way == ways:
            return [(1.0, (joint[0], 0), 0.0, False, False)]
        good = joint == (way, way)
        there = good and place + 1 == length
        return [(1.0, (way, place + 1), pays if there else 0.0, there or not good, there)]

    return world((ways, ways), [(ways, 0)], step, lambda state, agent: state, length + 1)


def _on_route(game: FiniteGame, own: int, known: set[int]) -> np.ndarray:
    ways = game.actions[0]
    return policy(game, lambda agent, seen: own if seen[0] == ways or seen[0] not in known else seen[0])


def _not_alike(chance: Chance, size: int, teams: int = 4) -> np.ndarray:
    """What each of some teams has chosen of `size` things: as evenly as can be, so not all alike."""
    return chance.permutation(np.arange(teams) % size)


QUESTIONS = (
    Question(
        "strangers",
        ask_strangers,
        (conventions, own_paths_only, codes, right_and_left_of_the_way),
        (one_convention_for_all, all_know_all_paths, nobody_knows_anybody, strangers_read_signs, tasks_of_their_own),
    ),
)
