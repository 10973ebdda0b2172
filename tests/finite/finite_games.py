"""Finite games written by hand, without JAX, and slow, plain ways to value them that share no code with coterie."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import pairwise, product

import numpy as np

from coterie.finite.game import FiniteGame
from coterie.types import Kind, Spec

R, L, D, U = range(4)
MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0))

# One way a joint action can turn out: probability, successor, rewards (one for all, or one an agent), ended, success.
Way = tuple[float, int, float | tuple[float, ...], bool, bool]


def make_game(
    sizes: Sequence[int],
    ways: Mapping[tuple[int, tuple[int, ...]], Sequence[Way]],
    seen: Sequence[Sequence[tuple[int, ...]]],
    *,
    horizon: int,
    starts: Sequence[tuple[float, int]] = ((1.0, 0),),
    states: np.ndarray | None = None,
    boards: np.ndarray | None = None,
    name: str = "by hand",
    word: str = "succeed",
) -> FiniteGame:
    """A game from its rules: ways[state, joint action]; seen[state][agent] is what the agent sees there.

    Agents with equally many actions are of one kind.
    """
    agents, count = len(sizes), len(seen)
    kinds = [[agent for agent in range(agents) if sizes[agent] == size] for size in dict.fromkeys(sizes)]
    numbers, observations, offset = np.empty((count, agents), np.int32), [], 0
    for kind in kinds:
        distinct = sorted({seen[state][agent] for state in range(count) for agent in kind})
        for state, agent in product(range(count), kind):
            numbers[state, agent] = offset + distinct.index(seen[state][agent])
        observations.append(np.array(distinct, np.int32).reshape(len(distinct), -1))
        offset += len(distinct)
    rows, first_edge = [], [0]
    for state in range(count):
        for joint in product(*map(range, sizes)):
            rows += ways.get((state, joint), ())
            first_edge.append(len(rows))
    everyone = tuple(range(agents))
    return FiniteGame(
        name=name,
        spec=Spec(
            tuple(f"agent_{agent}" for agent in everyone),
            tuple(
                Kind(tuple(kind), sizes[kind[0]], values.shape[1:], "int32", int(values.max()))
                for kind, values in zip(kinds, observations, strict=True)
            ),
            (0,) * agents,
            everyone,
            everyone,
            (0,) if states is None else states.shape[1:],
        ),
        action_names=tuple("RLDU") if set(sizes) == {4} else tuple("abcdefgh"[: max(sizes)]),
        horizon=horizon,
        idle=(0,) * agents,
        idle_is_noop=False,
        success_word=word,
        first_edge=np.array(first_edge, np.int32),
        probability=np.array([row[0] for row in rows], np.float64),
        successor=np.array([row[1] for row in rows], np.int32),
        reward=np.array([np.broadcast_to(row[2], agents) for row in rows], np.float64).reshape(-1, agents),
        ended=np.array([row[3] for row in rows], np.bool_),
        success=np.array([row[4] for row in rows], np.bool_),
        seen=numbers,
        start_probability=np.array([start[0] for start in starts], np.float64),
        start_state=np.array([start[1] for start in starts], np.int32),
        states=np.arange(count, dtype=np.int64) if states is None else states.astype(np.int64),
        boards=np.empty((count, 0, 0), np.uint8) if boards is None else boards,
        action_boards=np.empty((0, *((0, 0) if boards is None else boards.shape[1:])), np.uint8),
        observations=tuple(observations),
    )


@cache
def meeting_game(
    size: int = 5,
    *,
    horizon: int = 20,
    meet: float = 10.0,
    step: float = -1.0,
    closer: float = 0.0,
    sees: str = "own",
    random_starts: bool = False,
    mirrored: bool = False,
) -> FiniteGame:
    """The tutorial's game from its description: two agents on an open grid, from opposite corners or anywhere apart."""
    cells = list(product(range(size), repeat=2))
    pairs = list(product(cells, repeat=2))
    number = {pair: place for place, pair in enumerate(pairs)}

    def moved(cell, action):
        return tuple(min(max(place + way, 0), size - 1) for place, way in zip(cell, MOVES[action], strict=True))

    def distance(pair):
        return abs(pair[0][0] - pair[1][0]) + abs(pair[0][1] - pair[1][1])

    ways = {}
    for pair, (a, b) in product(pairs, product(range(4), repeat=2)):
        if pair[0] != pair[1]:
            after = moved(pair[0], a), moved(pair[1], (L, R, U, D)[b] if mirrored else b)
            met = after[0] == after[1]
            earned = meet if met else step + (closer if distance(after) < distance(pair) else 0.0)
            ways[number[pair], (a, b)] = [(1.0, number[after], earned, met, met)]
    apart = [pair for pair in pairs if pair[0] != pair[1]]
    starts = apart if random_starts else [((0, 0), (size - 1, size - 1))]
    boards = np.zeros((len(pairs), size, size), np.uint8)
    for place, pair in enumerate(pairs):
        for agent, cell in enumerate(pair):
            boards[place][cell] |= 2 << agent
    return make_game(
        (4, 4),
        ways,
        [pair if sees == "own" else (pair[0] + pair[1], pair[1] + pair[0]) for pair in pairs],
        horizon=horizon,
        starts=[(1 / len(starts), number[pair]) for pair in starts],
        states=np.array([[cells.index(cell) for cell in pair] for pair in pairs]),
        boards=boards,
        name="rendezvous",
        word="meet",
    )


def matrix_table(payoffs: Sequence[Sequence[float]]) -> FiniteGame:
    """A two-agent matrix game, played once."""
    best = max(map(max, payoffs))
    ways = {
        (0, (a, b)): [(1.0, 0, pays, True, pays == best)] for a, row in enumerate(payoffs) for b, pays in enumerate(row)
    }
    return make_game((len(payoffs), len(payoffs[0])), ways, [((0,), (0,))], horizon=1, word="coordinate")


CLIMBING = ((11, -30, 0), (-30, 7, 6), (0, 0, 5))
LISTEN = 0
NOTHING, HEARD_LEFT, HEARD_RIGHT = 0, 1, 2


@cache
def tiger(horizon: int, memory: int = 1) -> FiniteGame:
    """Dec-Tiger (Nair et al. 2003): behind one of two doors is a tiger, which each agent hears rightly with 0.85.

    Actions listen, open left, open right. An agent sees the last `memory` things it heard. Success: both open the right
    door.
    """
    empty = (NOTHING,) * memory
    histories = [empty[k:] + heard for k in range(memory + 1) for heard in product((1, 2), repeat=k)]
    states = list(product((1, 2), histories, histories))  # the tiger's side, and what each agent remembers
    number = {state: place for place, state in enumerate(states)}

    def pays(side, a, b):
        if a == b == LISTEN:
            return -2.0
        if LISTEN in (a, b):
            return -101.0 if side in (a, b) else 9.0
        return -100.0 if a != b else -50.0 if a == side else 20.0

    ways = {}
    for (side, old_a, old_b), (a, b) in product(states, product(range(3), repeat=2)):
        turned_out = []
        opened = (a, b) != (LISTEN, LISTEN)
        for after, heard_a, heard_b in product((1, 2), repeat=3):
            chance = 0.5 * 0.25 if opened else float(after == side)
            if not opened:
                chance *= (0.85 if heard_a == after else 0.15) * (0.85 if heard_b == after else 0.15)
            if chance:
                new = number[after, (*old_a, heard_a)[1:], (*old_b, heard_b)[1:]]
                turned_out.append((chance, new, pays(side, a, b), False, a == b == 3 - side))
        ways[number[side, old_a, old_b], (a, b)] = turned_out
    seen = [(old_a, old_b) for _, old_a, old_b in states]
    starts = [(0.5, number[side, empty, empty]) for side in (1, 2)]
    return make_game((3, 3), ways, seen, horizon=horizon, starts=starts, name="tiger", word="open the right door")


def random_game(
    seed: int,
    *,
    states: int = 3,
    sizes: Sequence[int] = (2, 2),
    horizon: int = 3,
    branches: int = 3,
    starts: int = 2,
    endings: float = 0.2,
) -> FiniteGame:
    """Any game: chance, agents that confuse states, rewards in quarters (so that sums are exact), unequal rewards."""
    numbers = random.Random(seed)
    ways = {}
    for state, joint in product(range(states), product(*map(range, sizes))):
        weights = [numbers.randint(1, 5) for _ in range(numbers.randint(1, branches))]
        ways[state, joint] = [
            (
                weight / sum(weights),
                numbers.randrange(states),
                tuple(numbers.randint(-8, 8) / 4 for _ in sizes),
                numbers.random() < endings,
                numbers.random() < 0.3,
            )
            for weight in weights
        ]
    seen = [[(numbers.randrange(2), numbers.randrange(2)) for _ in sizes] for _ in range(states)]
    weights = [numbers.randint(1, 5) for _ in range(starts)]
    return make_game(
        sizes,
        ways,
        seen,
        horizon=horizon,
        starts=[(weight / sum(weights), numbers.randrange(states)) for weight in weights],
    )


def random_policy(game: FiniteGame, seed: int) -> np.ndarray:
    """Any policy, float64[N, O, A]; some actions are never taken."""
    numbers = np.random.default_rng(seed)
    weights = numbers.integers(0, 4, (len(game.actions), game.observation_count, max(game.actions))).astype(float)
    weights *= np.arange(weights.shape[2]) < np.array(game.actions)[:, None, None]
    weights[..., 0] += weights.sum(-1) == 0
    return weights / weights.sum(-1, keepdims=True)


def ways_of(game: FiniteGame, state: int, joint: int) -> list[tuple[float, int, np.ndarray, bool, bool]]:
    """The edges of one (state, joint action), read one by one."""
    pair = state * int(np.prod(game.actions)) + joint
    return [
        (game.probability[edge], int(game.successor[edge]), game.reward[edge], game.ended[edge], game.success[edge])
        for edge in range(game.first_edge[pair], game.first_edge[pair + 1])
    ]


Choose = Callable[[int, int], list[tuple[float, int]]]


def by_policy(game: FiniteGame, policy: np.ndarray) -> Choose:
    """The choice of agents that draw their actions independently: (time, state) -> [(probability, joint action)]."""

    def choose(time, state):
        chances = []
        for joint, actions in enumerate(product(*map(range, game.actions))):
            chance = 1.0
            for agent, action in enumerate(actions):
                chance *= policy[agent, game.seen[state, agent], action]
            chances.append((chance, joint))
        return [(chance, joint) for chance, joint in chances if chance > 0]

    return choose


def value_by_recursion(game: FiniteGame, choose: Choose, horizon: int) -> tuple[np.ndarray, float, float, float]:
    """Returns by agent, success, ending and steps, expected over the starts: the definition, written as a recursion."""

    @cache
    def onwards(time: int, state: int, waiting: bool) -> tuple[np.ndarray, float, float, float]:
        total, success, ended, steps = np.zeros(len(game.actions)), 0.0, 0.0, 0.0
        if time == horizon:
            return total, success, ended, steps
        for chance, joint in choose(time, state):
            for probability, after, reward, ends, succeeds in ways_of(game, state, joint):
                weight = chance * probability
                total = total + weight * reward
                steps += weight
                success += weight * (waiting and succeeds)
                if ends:
                    ended += weight
                else:
                    later = onwards(time + 1, after, waiting and not succeeds)
                    total = total + weight * later[0]
                    success += weight * later[1]
                    ended += weight * later[2]
                    steps += weight * later[3]
        return total, success, ended, steps

    parts = [
        (p, onwards(0, int(s), True)) for p, s in zip(game.start_probability, game.start_state, strict=True) if p > 0
    ]
    return tuple(sum(p * part[k] for p, part in parts) for k in range(4))


def play_by_chance(game: FiniteGame, choose: Choose, numbers: random.Random) -> tuple[np.ndarray, bool, bool, int]:
    """One episode drawn at random: returns by agent, success, ending, steps."""
    state = int(numbers.choices(game.start_state, game.start_probability)[0])
    total, success = np.zeros(len(game.actions)), False
    for time in range(game.horizon):
        chances = choose(time, state)
        joint = numbers.choices([one for _, one in chances], [chance for chance, _ in chances])[0]
        ways = ways_of(game, state, joint)
        _, state, reward, ended, succeeds = numbers.choices(ways, [way[0] for way in ways])[0]
        total = total + reward
        success = bool(success or succeeds)
        if ended:
            return total, success, True, time + 1
    return total, success, False, game.horizon


def renumbered(game: FiniteGame) -> dict[str, list]:
    """The part of a game that can be reached, its states numbered in the order of arrival, breadth first.

    Two games are the same up to the numbering of states (and to 12 digits of chance) exactly where these are equal.
    """
    joint_count = int(np.prod(game.actions))
    order: dict[int, int] = {}

    def arrive(state):
        return order.setdefault(int(state), len(order))

    starts = [(round(float(p), 12), arrive(s)) for p, s in zip(game.start_probability, game.start_state, strict=True)]
    queue = list(order)
    expanded = set(queue)
    ways = {}
    for state in queue:  # it grows as we go
        for joint in range(joint_count):
            turned_out = []
            for probability, after, reward, ended, success in ways_of(game, state, joint):
                turned_out.append(
                    (round(float(probability), 12), arrive(after), reward.tolist(), bool(ended), bool(success))
                )
                if not ended and after not in expanded:
                    expanded.add(after)
                    queue.append(after)
            ways[order[state], joint] = turned_out
    firsts = np.cumsum([0] + [len(values) for values in game.observations])
    kind_of = {agent: kind for kind, one in enumerate(game.spec.kinds) for agent in one.agents}

    def sight(state, agent):
        kind = kind_of[agent]
        return kind, game.observations[kind][game.seen[state, agent] - firsts[kind]].tolist()

    return {
        "starts": starts,
        "ways": sorted(ways.items()),
        "sights": [[sight(state, agent) for agent in range(len(game.actions))] for state in order],
        "boards": [game.boards[state].tolist() for state in order] if game.boards.size else [],
        "action boards": game.action_boards.tolist(),
    }


def falls(values: Sequence[float]) -> bool:
    """Whether numbers fall, each strictly below the one before."""
    return all(later < earlier for earlier, later in pairwise(values))
