"""Three small problems from the literature, written out by hand, and slow, plain ways to value play by history."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache
from itertools import product

import numpy as np
from finite_games import make_game, ways_of

from coterie.finite.game import FiniteGame

# Amato, Bernstein and Zilberstein 2007: what one robot's battery (0 high, 1 low) becomes, by its own action.
BATTERY = (((1.0, 0.0), (0.7, 0.3), (0.5, 0.5)), ((1.0, 0.0), (0.2, 0.8), (0.3, 0.7)))
RECYCLED = {
    (0, 0): ((0, 2, 0), (2, 4, 2), (0, 2, 5)),
    (0, 1): ((0, -0.4, -3), (2, 1.2, -1.6), (0, -0.4, 0.5)),
    (1, 0): ((0, 2, 0), (-0.4, 1.2, -0.4), (-3, -1.6, 0.5)),
    (1, 1): ((0, -0.4, -3), (-0.4, -1.44, -3.88), (-3, -3.88, -3.55)),
}


@cache
def recycling(horizon: int) -> FiniteGame:
    """Two robots collect cans; each sees its own battery."""
    ways = {}
    for (state, pair), (a, b) in product(enumerate(product((0, 1), repeat=2)), product(range(3), repeat=2)):
        ways[state, (a, b)] = [
            (BATTERY[pair[0]][a][one] * BATTERY[pair[1]][b][other], 2 * one + other, RECYCLED[pair][a][b], False, False)
            for one, other in product((0, 1), repeat=2)
            if BATTERY[pair[0]][a][one] * BATTERY[pair[1]][b][other] > 0
        ]
    seen = [((one,), (other,)) for one, other in product((0, 1), repeat=2)]
    return make_game((3, 3), ways, seen, horizon=horizon, name="recycling robots")


@cache
def grid_small(horizon: int) -> FiniteGame:
    """Two robots on a 2x2 grid from opposite corners (Bernstein, Hansen and Zilberstein 2005; Amato et al. 2006).

    Up, down, left, right go that way with 0.6, each other way or nowhere with 0.1; staying is sure. Each sees in which
    column it is. Being on one cell after the step pays 1.
    """

    def moves(cell, action):
        chances = dict.fromkeys(range(4), 0.0)
        for way in range(5):
            row, column = divmod(cell, 2)
            row, column = {0: (0, column), 1: (1, column), 2: (row, 0), 3: (row, 1), 4: (row, column)}[way]
            chances[2 * row + column] += float(way == 4) if action == 4 else 0.6 if way == action else 0.1
        return [(cell, chance) for cell, chance in chances.items() if chance]

    ways = {}
    for (one, other), (a, b) in product(product(range(4), repeat=2), product(range(5), repeat=2)):
        ways[4 * one + other, (a, b)] = [
            (p * q, 4 * to + there, float(to == there), False, to == there)
            for (to, p), (there, q) in product(moves(one, a), moves(other, b))
        ]
    seen = [((one % 2,), (other % 2,)) for one, other in product(range(4), repeat=2)]
    return make_game((5, 5), ways, seen, horizon=horizon, starts=[(1.0, 4 * 1 + 2)], name="2x2 grid")


History = tuple[int, ...]
Policy = Mapping[History, Mapping[int, float]]  # the chance of each action after a history of what was seen


def value_by_histories(game: FiniteGame, policies: list[Policy], horizon: int, window: int = 10**9) -> list[float]:
    """What each agent earns where each draws its action by its own last sights: the definition, as a recursion."""
    agents = len(game.actions)

    def onwards(time: int, state: int, histories: tuple[History, ...]) -> list[float]:
        total = [0.0] * agents
        if time == horizon:
            return total
        for joint, actions in enumerate(product(*map(range, game.actions))):
            chance = 1.0
            for agent in range(agents):
                chance *= policies[agent][histories[agent][-window:]].get(actions[agent], 0.0)
            if not chance:
                continue
            for probability, after, reward, ended, _ in ways_of(game, state, joint):
                grown = tuple((*old, int(sight)) for old, sight in zip(histories, game.seen[after], strict=True))
                later = [0.0] * agents if ended else onwards(time + 1, after, grown)
                for agent in range(agents):
                    total[agent] += chance * probability * (reward[agent] + later[agent])
        return total

    found = [0.0] * agents
    for probability, state in zip(game.start_probability, game.start_state, strict=True):
        begun = tuple((int(sight),) for sight in game.seen[state])
        for agent, value in enumerate(onwards(0, int(state), begun)):
            found[agent] += probability * value
    return found


Step = tuple[History, int]  # what an agent has seen, and what it did then


def ways_through(game: FiniteGame, horizon: int) -> list[tuple[float, list[list[Step]], np.ndarray]]:
    """Every way that a game can go, cut after each of its steps: its chance if these actions are taken, each agent's
    steps on it, and what the last of them paid.
    """
    found = []

    def onwards(time: int, state: int, chance: float, histories: list[History], steps: list[list[Step]]) -> None:
        if time == horizon:
            return
        for joint, actions in enumerate(product(*map(range, game.actions))):
            taken = [[*old, (seen, act)] for old, seen, act in zip(steps, histories, actions, strict=True)]
            for probability, after, reward, ended, _ in ways_of(game, state, joint):
                found.append((chance * probability, taken, reward))
                if not ended:
                    grown = [(*old, int(sight)) for old, sight in zip(histories, game.seen[after], strict=True)]
                    onwards(time + 1, after, chance * probability, grown, taken)

    for probability, state in zip(game.start_probability, game.start_state, strict=True):
        begun = [(int(sight),) for sight in game.seen[state]]
        onwards(0, int(state), probability, begun, [[] for _ in begun])
    return found


def follows(ways: list[tuple[float, list[list[Step]], np.ndarray]], agent: int, actions: int) -> np.ndarray:
    """bool[policies, ways]: every deterministic policy of an agent, and whether it takes its steps on each way."""
    histories = sorted({history for _, steps, _ in ways for history, _ in steps[agent]})
    policies = np.array(list(product(range(actions), repeat=len(histories))))
    place = {history: column for column, history in enumerate(histories)}
    columns = []
    for _, steps, _ in ways:
        columns.append(np.all([policies[:, place[history]] == action for history, action in steps[agent]], axis=0))
    return np.stack(columns, 1)


def drawn_policy(game: FiniteGame, agent: int, horizon: int, numbers: random.Random) -> Policy:
    """Any policy by history; some actions are never taken."""
    sights = sorted(set(game.seen[:, agent].tolist()))
    found = {}
    for history in (one for length in range(1, horizon + 1) for one in product(sights, repeat=length)):
        weights = [numbers.randint(0, 3) for _ in range(game.actions[agent])]
        weights[0] += not sum(weights)
        found[history] = {action: weight / sum(weights) for action, weight in enumerate(weights)}
    return found
