"""What the cases of the detectors' authors are made of: families, episodes by hand, and two small games."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

import numpy as np
from case import Case
from finite_games import make_game
from scoring import DIAGNOSTICS

from coterie.running.stage import Part, TableStage
from coterie.types import Finding, Play

Draws = np.random.Generator
Family = Callable[[Draws], Finding]
Families = Mapping[tuple[str, bool], tuple[Family, ...]]


def generated(families: Families, count: int) -> list[Case]:
    """So many cases of each answer for every diagnostic; family and sizes follow from the seed."""
    made = []
    for (diagnostic, answer), several in families.items():
        number = 2 * DIAGNOSTICS.index(diagnostic) + answer
        for seed in range(count):
            family = several[(seed // 2) % len(several)]
            made.append(Case(diagnostic, family.__name__, seed, answer, asking(family, number, seed)))
    return made


def asking(family: Family, number: int, seed: int) -> Callable[[], Finding]:
    """The question of one case; its draws depend on the diagnostic, the answer and the seed alone."""
    return lambda: family(np.random.default_rng([number, seed]))


def play(rewards, *, keys=None, actions=None, success=False, ended=False, team=0, reported=None, seen=()) -> Play:
    """An episode of which only some is known; rewards [T, N]."""
    paid = np.atleast_2d(np.asarray(rewards, float))
    steps, agents = paid.shape
    return Play(
        keys=np.arange(steps + 1) if keys is None else np.asarray(keys, np.int64),
        boards=np.zeros((steps + 1, 0, 0), np.uint8),
        actions=np.zeros((steps, agents), np.int32) if actions is None else np.asarray(actions, np.int32),
        rewards=paid,
        success=success,
        ended=ended,
        team=team,
        observations=seen,
        reported=reported,
    )


def counts(draws: Draws) -> tuple[int, int]:
    """Numbers of agents and of episodes."""
    return int(draws.integers(2, 5)), int(draws.integers(10, 40))


# Games: agents at a door through which only one can go at a time, and a chain of rooms


def door(agents: int, sizes: int, horizon: int, prize: float = 1.0, cost: float = 0.0):
    """Everybody stands at a door; if exactly one goes (action 0), all earn the prize; else they stand as before."""
    ways = {}
    for joint in product(range(sizes), repeat=agents):
        one = joint.count(0) == 1
        ways[0, joint] = [(1.0, 0, prize if one else -cost, one, one)]
    return make_game((sizes,) * agents, ways, [((0,),) * agents], horizon=horizon, word="pass")


def chain(length: int, horizon: int, prize: float, cost: float = 0.0, circling: float = 0.0, slip: float = 0.0):
    """Two agents who both must press 0 to come a room further; in the last room waits the prize; 1 and 1 circles."""
    ways = {}
    for room, (a, b) in product(range(length), product(range(2), repeat=2)):
        on = a == b == 0
        last = on and room == length - 1
        earned = prize if last else (circling if a == b == 1 else -cost)
        rows = [(1.0 - slip if on else 1.0, min(room + on, length - 1), earned, last, last)]
        if on and slip:
            rows.append((slip, room, -cost, False, False))
        ways[room, (a, b)] = rows
    return make_game((2, 2), ways, [((room,), (room,)) for room in range(length)], horizon=horizon, word="arrive")


def mixed(game, draws: Draws) -> np.ndarray:
    """Any stochastic policy, float64[N, O, A]."""
    return draws.dirichlet(np.ones(max(game.actions)), (len(game.actions), game.observation_count))


def certain(game, *actions: int) -> np.ndarray:
    """The policy of always the same actions."""
    return np.repeat(np.eye(max(game.actions))[list(actions)][:, None], game.observation_count, 1)


def part(agent: int):
    """One agent of the first team as it is."""
    return Part(0, agent)


def played(game, policy: np.ndarray, episodes: int) -> list[Play]:
    """Episodes of a policy on a table."""
    stage = TableStage(game, policy[None])
    return [stage.play([part(agent) for agent in range(len(game.actions))], k) for k in range(episodes)]
