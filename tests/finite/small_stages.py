"""Small worlds in which everything can be seen by hand, for the tests of several detectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from finite_games import make_game

from coterie.finite.game import FiniteGame
from coterie.running.stage import Actor, ActorStage, TableStage

REST, PRESS = 0, 1


def one_shot(pays: Callable[..., float], sizes: Sequence[int]) -> FiniteGame:
    """A game of one decision: pays(*actions) for everybody; action 0 stands for idle play."""
    ways = {
        (0, joint): [(1.0, 0, float(pays(*joint)), True, pays(*joint) > 0)] for joint in product(*map(range, sizes))
    }
    return make_game(sizes, ways, [((0,),) * len(sizes)], horizon=1)


def always(game: FiniteGame, *actions: int) -> np.ndarray:
    """A team that always takes the same actions, float64[N, O, A]."""
    return np.stack([np.tile(np.eye(max(game.actions))[action], (game.observation_count, 1)) for action in actions])


def acted(game: FiniteGame, *teams: np.ndarray, episodes: int = 30, seed: int = 0) -> ActorStage:
    """Actors that draw from policies float64[N, O, A], in sampled episodes; for games of one kind."""

    def actor(rows: np.ndarray, draws: np.random.Generator) -> Actor:
        seen = game.observations[0]

        def act(observation: np.ndarray, step: int) -> int:
            row = int(np.flatnonzero((seen == observation).reshape(len(seen), -1).all(1))[0])
            return int(draws.choice(len(rows[row]), p=rows[row]))

        return Actor(lambda: None, act)

    draws = np.random.default_rng(seed)
    return ActorStage(game, [[actor(rows, draws) for rows in team] for team in teams], episodes, seed)


def staged(game: FiniteGame, *teams: np.ndarray) -> TableStage:
    """Exact policies float64[N, O, A] on a table."""
    return TableStage(game, np.stack(teams))


def signals(count: int = 2, horizon: int = 1, told: float = 1.0) -> FiniteGame:
    """A new signal each step, shown to both agents; the first earns for both by naming it, the second's part is idle.

    told: the chance that the first agent is shown the true signal; else it is shown any.
    """
    states = list(product(range(count), range(count)))
    chances = {(true, shown): (told * (shown == true) + (1 - told) / count) / count for true, shown in states}
    after = [(chance, place) for place, (state, chance) in enumerate(chances.items()) if chance > 0]
    ways = {}
    for place, (true, _) in enumerate(states):
        for a, b in product(range(count), range(2)):
            ways[place, (a, b)] = [(chance, to, float(a == true), False, a == true) for chance, to in after]
    seen = [((shown,), (0,)) for _, shown in states]
    return make_game((count, 2) if count != 2 else (2, 2), ways, seen, horizon=horizon, starts=after)


def copying(actions: int = 4, horizon: int = 5) -> FiniteGame:
    """The second agent is shown the first one's last action, and both earn where it repeats it."""
    ways = {
        (last, (a, b)): [(1.0, a, float(b == last), False, b == last)]
        for last, a, b in product(range(actions), repeat=3)
    }
    return make_game((actions, actions), ways, [((actions,), (last,)) for last in range(actions)], horizon=horizon)


def rooms(count: int = 3, depth: int = 3) -> FiniteGame:
    """The first agent picks a room, both see it, and in it the second must press once for each of `depth` steps."""
    hall, size = 0, 1 + count * depth
    ways = {}
    for a, b in product(range(count), repeat=2):
        ways[hall, (a, b)] = [(1.0, 1 + a * depth, 0.0, False, False)]
        for room, step in product(range(count), range(depth)):
            last = step == depth - 1
            ok = b == PRESS
            onwards = 1 + room * depth + min(step + 1, depth - 1)
            ways[1 + room * depth + step, (a, b)] = [(1.0, onwards, float(ok and last), last or not ok, ok and last)]
    return make_game((count, count), ways, [((state,), (state,)) for state in range(size)], horizon=depth + 1)
