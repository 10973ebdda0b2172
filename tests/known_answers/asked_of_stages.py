"""Contribution and identities: teams on a stage, some of whose members are idle, harmful, or in the wrong place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from families import Chance, Question
from worlds import Ways, actors, mostly, played_once, policy, stage, world

from coterie.finite.game import FiniteGame
from coterie.running.stage import Stage
from coterie.types import Finding


def ask_contribution(where: Stage) -> Finding:
    """Does every agent add something?"""
    from coterie.diagnosis.contribution import contribution

    return contribution(where)


def ask_identities(where: Stage) -> Finding:
    """Would they do better in each other's places?"""
    from coterie.diagnosis.identities import identities

    return identities(where)


# --- contribution -----------------------------------------------------------------------------------------------------


def one_does_not_work(chance: Chance) -> tuple:
    """Everybody's work adds to what all earn, and one agent never works."""
    agents = int(chance.integers(2, 5))
    game, lazy = _work(chance, agents, lambda working, worth: float(worth @ working)), int(chance.integers(agents))
    return (stage(game, policy(game, lambda agent, seen: int(agent != lazy))),)


def busy_for_nothing(chance: Chance) -> tuple:
    """One agent is busy all the time, but nothing of what it does changes what anybody earns."""
    agents = int(chance.integers(2, 5))
    useless = int(chance.integers(agents))
    game = _work(chance, agents, lambda working, worth: float(np.delete(worth * working, useless).sum()))
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def not_one_of_the_pair(chance: Chance) -> tuple:
    """Two agents together do a task that needs both; the third works as hard and is not needed for anything."""
    third, pays = int(chance.integers(3)), float(chance.uniform(1, 10))
    game = _work(chance, 3, lambda working, worth: pays * float(np.delete(working, third).all()))
    return (stage(game, policy(game, lambda agent, seen: mostly(1, 2, 0.9))),)


def saboteur(chance: Chance) -> tuple:
    """One agent's doings cost the team something: without it they would earn more, so it adds less than nothing."""
    agents = int(chance.integers(2, 5))
    harmful = int(chance.integers(agents))
    sign = np.where(np.arange(agents) == harmful, -0.5, 1.0)
    game = _work(chance, agents, lambda working, worth: float((sign * worth) @ working))
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def walks_beside_the_worker(chance: Chance) -> tuple:
    """One agent carries a load to the end of the way; the other walks beside it and carries nothing."""
    length, carrier = int(chance.integers(2, 5)), int(chance.integers(2))

    def step(state, joint) -> Ways:
        new = tuple(min(place + action, length) for place, action in zip(state, joint, strict=True))
        there = new[carrier] == length
        return [(1.0, new, 5.0 if there else 0.0, there, there)]

    game = world((2, 2), [(0, 0)], step, lambda state, agent: (state[agent],), length + 2)
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def one_does_not_work_in_sampled_episodes(chance: Chance) -> tuple:
    """Everybody's work adds to a noisy reward, one agent never works, and only sampled episodes are known."""
    game = _noisy_work(chance, 2)
    lazy = int(chance.integers(2))
    return (actors(game, lambda agent, seen: int(agent != lazy), 12, int(chance.integers(1000))),)


def all_work(chance: Chance) -> tuple:
    """A healthy team: everybody works, and everybody's work adds to what all earn."""
    agents = int(chance.integers(2, 5))
    game = _work(chance, agents, lambda working, worth: float(worth @ working))
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def all_are_needed(chance: Chance) -> tuple:
    """AND: only if everybody works does anything come of it; each of them is needed."""
    game = _work(chance, int(chance.integers(2, 5)), lambda working, worth: 3.0 * float(working.all()))
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def either_suffices(chance: Chance) -> tuple:
    """OR: any one of them suffices, so that leaving one out costs nothing; but each is worth its share (Shapley), and
    calling all of them lazy would be wrong."""
    game = _work(chance, int(chance.integers(2, 4)), lambda working, worth: 3.0 * float(working.any()))
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def sentinel(chance: Chance) -> tuple:
    """One agent takes a single step, onto a button, and stays there for good; only while it does is the door open
    through which the other carries things: it hardly moves, and without it nothing would be earned."""
    watcher = int(chance.integers(2))

    def step(state, joint) -> Ways:
        on_button, place = state
        new = 1 if joint[watcher] == 1 else on_button
        carried = new and joint[1 - watcher] == 1
        after = (place + 1) % 3 if carried else place
        return [(1.0, (new, after), 1.0 if carried and after == 0 else 0.0, False, bool(carried and after == 0))]

    game = world(
        (2, 2),
        [(0, 0)],
        step,
        lambda state, agent: state if agent != watcher else (state[0], 9),
        int(chance.integers(8, 20)),
    )
    return (stage(game, policy(game, lambda agent, seen: 1 - seen[0] if agent == watcher else 1)),)


def relay(chance: Chance) -> tuple:
    """A load goes from hand to hand: the first agent carries it half of the way, the second the other half."""
    half, agents = int(chance.integers(1, 4)), int(chance.integers(2, 4))

    def step(state, joint) -> Ways:
        new = state + int(joint[state // half] == 1)
        there = new == half * agents
        return [(1.0, new, 4.0 if there else 0.0, there, there)]

    game = world((2,) * agents, [0], step, lambda state, agent: (state,), half * agents + 2)
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def one_adds_less(chance: Chance) -> tuple:
    """One agent's work is worth about a third of the others': less, and far from nothing."""
    agents = int(chance.integers(2, 5))
    weak, third = int(chance.integers(agents)), float(chance.uniform(0.3, 0.5))
    worth = np.where(np.arange(agents) == weak, third, 1.0)
    game = _work(chance, agents, lambda working, _: float(worth @ working))
    return (stage(game, policy(game, lambda agent, seen: mostly(1, 2, 0.95))),)


def all_work_in_sampled_episodes(chance: Chance) -> tuple:
    """Everybody's work adds to a noisy reward, everybody works, and only sampled episodes are known."""
    game = _noisy_work(chance, 2)
    return (actors(game, lambda agent, seen: 1, 12, int(chance.integers(1000))),)


# --- identities -------------------------------------------------------------------------------------------------------


def in_each_others_places(chance: Chance) -> tuple:
    """Each place asks for an action of its own, and the two agents have learned each other's."""
    game, right = _places(chance, 2)
    return (stage(game, policy(game, lambda agent, seen: right[1 - agent])),)


def one_place_further(chance: Chance) -> tuple:
    """Three or four agents stand one place too far round: all would do better in the place of the one before."""
    agents = int(chance.integers(3, 5))
    game, right = _places(chance, agents)
    return (stage(game, policy(game, lambda agent, seen: right[(agent + 1) % agents])),)


def two_of_three_confused(chance: Chance) -> tuple:
    """Two of three agents do what the other's place asks for; the third is where it belongs."""
    game, right = _places(chance, 3)
    order = chance.permutation(3)
    doing = np.arange(3)
    doing[order[:2]] = order[1], order[0]
    return (stage(game, policy(game, lambda agent, seen: right[doing[agent]])),)


def fast_and_slow(chance: Chance) -> tuple:
    """One agent acts more reliably than the other and stands at the place where that is worth less."""
    heavy, light = float(chance.uniform(4, 8)), float(chance.uniform(0.5, 1.5))
    good, poor = float(chance.uniform(0.8, 1.0)), float(chance.uniform(0.1, 0.4))

    def step(state, joint) -> Ways:
        return [(1.0, state, heavy * joint[0] + light * joint[1], False, bool(joint[0]))]

    game = world((2, 2), [0], step, lambda state, agent: (0,), int(chance.integers(1, 6)))
    return (stage(game, policy(game, lambda agent, seen: mostly(1, 2, (poor, good)[agent]))),)


def confused_in_sampled_episodes(chance: Chance) -> tuple:
    """Each has learned what the other's place asks for, and only sampled episodes are known."""
    game, right = _places(chance, 2)
    return (actors(game, lambda agent, seen: int(right[1 - agent]), 12, int(chance.integers(1000))),)


def each_in_its_place(chance: Chance) -> tuple:
    """A healthy team: everybody does what its own place asks for, and nobody would do it better."""
    game, right = _places(chance, int(chance.integers(2, 5)))
    return (stage(game, policy(game, lambda agent, seen: right[agent])),)


def all_the_same(chance: Chance) -> tuple:
    """All agents do the same, and all places ask for the same: who stands where changes nothing."""
    agents, size = int(chance.integers(2, 4)), int(chance.integers(2, 4))
    game = played_once(np.eye(size) if agents == 2 else np.eye(size)[:, :, None] * np.eye(size)[None])
    return (stage(game, policy(game, lambda agent, seen: mostly(0, size, 0.9))),)


def random_players(chance: Chance) -> tuple:
    """Everybody plays at random: bad, and equally bad in every place."""
    game, _ = _places(chance, int(chance.integers(2, 5)))
    size = game.actions[0]
    return (stage(game, policy(game, lambda agent, seen: np.full(size, 1 / size))),)


def wrong_in_every_place(chance: Chance) -> tuple:
    """Nobody does what any of the places asks for: to change places is no remedy."""
    agents = int(chance.integers(2, 4))
    game, right = _places(chance, agents)
    wrong = int(np.setdiff1d(np.arange(game.actions[0]), right)[0])
    return (stage(game, policy(game, lambda agent, seen: wrong)),)


def a_convention_by_place(chance: Chance) -> tuple:
    """Whoever stands left goes first and the other second; the other way round would pay exactly as much."""
    game = played_once(float(chance.uniform(1, 10)) * (1 - np.eye(2)))
    return (stage(game, policy(game, lambda agent, seen: agent)),)


def noisy_and_in_place(chance: Chance) -> tuple:
    """The agents differ, but what is earned is a fair coin whoever stands where: in sampled episodes the other order
    looks better by chance, half of the time."""

    def step(state, joint) -> Ways:
        heads = float(joint[0])
        return [(0.5, state, 1 - heads, False, True), (0.5, state, heads, False, True)]

    game = world((2, 2), [0], step, lambda state, agent: (0,), int(chance.integers(3, 6)))
    return (actors(game, lambda agent, seen: agent, 15, int(chance.integers(100_000))),)


def _work(chance: Chance, agents: int, earned: Callable[[np.ndarray, np.ndarray], float]) -> FiniteGame:
    """Agents that rest or work for a few steps; what all earn in a step depends on who works."""
    worth = chance.uniform(1, 2, agents)

    def step(state, joint) -> Ways:
        pays = earned(np.array(joint), worth)
        return [(1.0, state, pays, False, pays > 0)]

    return world((2,) * agents, [0], step, lambda state, agent: (0,), int(chance.integers(1, 8)))


def _noisy_work(chance: Chance, agents: int) -> FiniteGame:
    worth = chance.uniform(1, 2, agents)

    def step(state, joint) -> Ways:
        pays = float(worth @ np.array(joint))
        return [(0.5, state, pays - 0.5, False, True), (0.5, state, pays + 0.5, False, True)]

    return world((2,) * agents, [0], step, lambda state, agent: (0,), int(chance.integers(3, 6)))


def _places(chance: Chance, agents: int) -> tuple[FiniteGame, np.ndarray]:
    """Places that each ask for another action; all earn one for each place that gets it, for a few steps."""
    size = agents + 1
    right = (
        chance.permutation(np.arange(1, size))[:agents] if chance.random() < 0.5 else chance.permutation(size)[:agents]
    )
    pays = float(chance.uniform(0.5, 5))

    def step(state, joint) -> Ways:
        hits = int((np.array(joint) == right).sum())
        return [(1.0, state, pays * hits, False, hits == agents)]

    return world((size,) * agents, [0], step, lambda state, agent: (0,), int(chance.integers(1, 4))), right


QUESTIONS = (
    Question(
        "contribution",
        ask_contribution,
        (
            one_does_not_work,
            busy_for_nothing,
            not_one_of_the_pair,
            saboteur,
            walks_beside_the_worker,
            one_does_not_work_in_sampled_episodes,
        ),
        (
            either_suffices,
            sentinel,
            all_work,
            all_are_needed,
            relay,
            one_adds_less,
            all_work_in_sampled_episodes,
        ),
    ),
    Question(
        "identities",
        ask_identities,
        (
            in_each_others_places,
            one_place_further,
            two_of_three_confused,
            fast_and_slow,
            confused_in_sampled_episodes,
        ),
        (
            each_in_its_place,
            all_the_same,
            random_players,
            wrong_in_every_place,
            a_convention_by_place,
            noisy_and_in_place,
        ),
    ),
)
