"""A third round about identities, from the definition alone."""

from __future__ import annotations

import numpy as np
from asked_of_stages import ask_identities
from families import Chance, Question
from shared import code_policy, sign_game
from worlds import Ways, actors, mostly, policy, stage, world

from coterie.finite.game import FiniteGame

# --- identities -------------------------------------------------------------------------------------------------------


def each_walks_to_the_others_end(chance: Chance) -> tuple:
    """The first agent is needed at the right end of its corridor and the second at the left end of its own; each has
    learned the way of the other."""
    game = _two_ends(chance)
    return (stage(game, policy(game, lambda agent, seen: 2 if agent == 0 else 1)),)


def opposite_seats(chance: Chance) -> tuple:
    """Four agents round a table, each of whom does what the seat opposite asks for."""
    game, right = _seats(chance, 4)
    return (stage(game, policy(game, lambda agent, seen: int(right[(agent + 2) % 4]))),)


def the_best_where_it_matters_least(chance: Chance) -> tuple:
    """Three agents of different skill and three places of different weight; the best stands where it matters least and
    the poorest where it matters most."""
    weight = np.array([6.0, 2.0, 0.5]) * float(chance.uniform(0.5, 3))
    game, skill = _weighted(chance, weight), (0.2, 0.6, 0.95)
    return (stage(game, policy(game, lambda agent, seen: mostly(1, 2, skill[agent]))),)


def writer_and_reader_exchanged(chance: Chance) -> tuple:
    """One agent can write a sign for a light and the other can read it; they sit in each other's places, where the one
    always writes the same and the other always does the same."""
    size = int(chance.integers(3, 5))
    game = sign_game(size, chance)
    return (stage(game, policy(game, lambda agent, seen: seen[1] if (seen[0] == 0) == (agent == 1) else 0)),)


def out_of_time_in_sampled_episodes(chance: Chance) -> tuple:
    """The first agent should act in even steps and the second in odd ones, and each does it in the other's; only
    sampled episodes are known, and what is earned is noisy."""
    game = _even_and_odd(chance)
    return (actors(game, lambda agent, seen: int(seen[0] != agent), 12, int(chance.integers(1000))),)


def unequal_in_equal_places(chance: Chance) -> tuple:
    """Two or three agents of different skill in places of the same weight: whoever stands where, the sum is the
    same."""
    agents = int(chance.integers(2, 4))
    game, skill = _weighted(chance, np.full(agents, float(chance.uniform(1, 5)))), chance.permutation([0.3, 0.9, 0.6])
    return (stage(game, policy(game, lambda agent, seen: mostly(1, 2, float(skill[agent])))),)


def the_best_where_it_matters_most(chance: Chance) -> tuple:
    """Three agents of different skill, the best in the place that weighs most, and so on."""
    weight = np.array([6.0, 2.0, 0.5]) * float(chance.uniform(0.5, 3))
    game, skill = _weighted(chance, weight), (0.95, 0.6, 0.2)
    return (stage(game, policy(game, lambda agent, seen: mostly(1, 2, skill[agent]))),)


def in_place_and_half_asleep(chance: Chance) -> tuple:
    """Everybody does what its own place asks for in two steps of three and anything else in the third: poor work, in
    the right places."""
    game, right = _seats(chance, int(chance.integers(2, 5)))
    size = game.actions[0]
    return (stage(game, policy(game, lambda agent, seen: mostly(int(right[agent]), size, 0.65))),)


def better_for_one_and_worse_for_all(chance: Chance) -> tuple:
    """If the two exchanged places one of them would earn more for itself; together they would earn much less."""
    gain, loss = float(chance.uniform(1, 3)), float(chance.uniform(5, 10))

    def step(state, joint) -> Ways:
        return [(1.0, state, (0.0, loss) if joint == (0, 1) else (gain, 0.0), False, joint == (0, 1))]

    game = world((2, 2), [0], step, lambda state, agent: (0,), int(chance.integers(1, 6)))
    return (stage(game, policy(game, lambda agent, seen: agent)),)


def writer_and_reader_in_place(chance: Chance) -> tuple:
    """The one writes and the other reads, by a code of their own; in each other's places neither knows what to do."""
    size = int(chance.integers(3, 5))
    game = sign_game(size, chance)
    return (stage(game, code_policy(game, size, int(chance.integers(1, size)))),)


def in_time_in_sampled_episodes(chance: Chance) -> tuple:
    """The first acts in even steps, the second in odd ones, as they should; sampled episodes, noisy earnings."""
    game = _even_and_odd(chance)
    return (actors(game, lambda agent, seen: int(seen[0] == agent), 12, int(chance.integers(1000))),)


def _two_ends(chance: Chance) -> FiniteGame:
    """Two agents in the middle of a corridor each: stay, right, left; the aim: the first right and the second left."""
    length, pays = int(chance.integers(2, 4)), float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        new = tuple(
            min(max(place + (0, 1, -1)[action], -length), length) for place, action in zip(state, joint, strict=True)
        )
        there = new == (length, -length)
        return [(1.0, new, pays if there else -0.1, there, there)]

    return world((3, 3), [(0, 0)], step, lambda state, agent: (state[agent],), 2 * length + 2)


def _seats(chance: Chance, agents: int) -> tuple[FiniteGame, np.ndarray]:
    """Seats that each ask for another action; all earn for each seat that gets it, but the more the more sit right."""
    size = max(agents, 2)
    right, pays = chance.permutation(size)[:agents], float(chance.uniform(0.5, 5))

    def step(state, joint) -> Ways:
        hits = int((np.array(joint) == right).sum())
        return [(1.0, state, pays * hits**1.5, False, hits == agents)]

    return world((size,) * agents, [0], step, lambda state, agent: (0,), int(chance.integers(1, 4))), right


def _weighted(chance: Chance, weight: np.ndarray) -> FiniteGame:
    """Places of different weight: all earn the weights of the places where somebody works."""

    def step(state, joint) -> Ways:
        return [(1.0, state, float(weight @ np.array(joint)), False, all(joint))]

    return world((2,) * len(weight), [0], step, lambda state, agent: (0,), int(chance.integers(1, 6)))


def _even_and_odd(chance: Chance) -> FiniteGame:
    """The first agent should act (1) in even steps and rest in odd ones, the second the other way round; a coin adds to
    or takes from what is earned."""
    pays = float(chance.uniform(1, 4))

    def step(clock, joint) -> Ways:
        right = sum(joint[agent] == int(clock == agent) for agent in range(2))
        return [(0.5, 1 - clock, pays * right + noise, False, right == 2) for noise in (-0.5, 0.5)]

    return world((2, 2), [0], step, lambda clock, agent: (clock,), int(chance.integers(4, 9)))


QUESTIONS = (
    Question(
        "identities",
        ask_identities,
        (
            each_walks_to_the_others_end,
            opposite_seats,
            the_best_where_it_matters_least,
            writer_and_reader_exchanged,
            out_of_time_in_sampled_episodes,
        ),
        (
            unequal_in_equal_places,
            the_best_where_it_matters_most,
            in_place_and_half_asleep,
            better_for_one_and_worse_for_all,
            writer_and_reader_in_place,
            in_time_in_sampled_episodes,
        ),
    ),
)
