"""Noise: teams that play better when they are disturbed, and teams that do not."""

from __future__ import annotations

import numpy as np
from families import Chance, Question
from worlds import Ways, actors, corridor, mostly, played_once, policy, stage, world

from coterie.finite.game import FiniteGame
from coterie.finite.solve import uniform_policy
from coterie.running.stage import Stage
from coterie.types import Finding


def ask_noise(where: Stage) -> Finding:
    """Do they play better sampled or disturbed than in the way they are judged?"""
    from coterie.diagnosis.noise import noise

    return noise(where)


def corridor_swap(chance: Chance) -> tuple:
    """Two agents swap ends of a corridor with one bay in its middle: each walks straight on, so they stand in front of
    each other for ever; one random step into the bay lets the other pass."""
    length, horizon = int(chance.choice([3, 5])), int(chance.integers(60, 120))
    middle, ends = length // 2, (length - 1, 0)
    bay = length

    def wants(place: int, action: int) -> int:
        if place == bay:
            return middle if action == 3 else bay
        if action == 3:
            return bay if place == middle else place
        return min(max(place + (0, 1, -1)[action], 0), length - 1)

    def step(state, joint) -> Ways:
        new = tuple(wants(place, action) for place, action in zip(state, joint, strict=True))
        if new[0] == new[1] or new == (state[1], state[0]):
            new = state
        there = new == ends
        return [(1.0, new, 1.0 if there else 0.0, there, there)]

    game = world((4, 4), [(0, length - 1)], step, lambda state, agent: (state[agent],), horizon)
    return (stage(game, policy(game, lambda agent, seen: 3 if seen[0] == bay else 1 + agent)),)


def one_door(chance: Chance) -> tuple:
    """Some agents stand before a door through which one can go at a time: greedily all go at once, for ever; as their
    own policies draw, or with noise, sooner or later one goes alone."""
    game, go = _door(int(chance.integers(2, 4)), int(chance.integers(20, 40))), float(chance.uniform(0.55, 0.8))
    own = policy(game, lambda agent, seen: 1)
    sampled = policy(game, lambda agent, seen: np.array([1 - go, go]) if seen[0] else 1)
    return (stage(game, own, sampled=[sampled] if chance.random() < 0.5 else None),)


def all_choose_the_same(chance: Chance) -> tuple:
    """Only different choices pay, the agents see nothing that tells them apart, and greedily all choose the same."""
    size = int(chance.integers(2, 5))
    game = played_once(float(chance.uniform(1, 10)) * (1 - np.eye(size)))
    own = policy(game, lambda agent, seen: 0)
    return (stage(game, own, sampled=[uniform_policy(game)] if chance.random() < 0.7 else None),)


def two_places_look_alike(chance: Chance) -> tuple:
    """The aim is between two places that look the same: a greedy agent finds it from one of them only, a noisy one from
    both."""
    pays, horizon = float(chance.uniform(1, 10)), int(chance.integers(15, 40))

    def step(state, joint) -> Ways:
        place = min(max(state + (0, 1, -1)[joint[0]], 0), 2)
        return [(1.0, place, pays if place == 1 else 0.0, place == 1, place == 1)]

    game = world((3, 2), [0, 2], step, lambda state, agent: (0,), horizon)
    left = int(chance.integers(1, 3))
    own = policy(game, lambda agent, seen: left if agent == 0 else 0)
    sampled = policy(game, lambda agent, seen: np.array([0, 0.5, 0.5]) if agent == 0 else 0)
    return (stage(game, own, sampled=[sampled] if chance.random() < 0.5 else None),)


def stuck_at_one_place(chance: Chance) -> tuple:
    """At one place of the corridor the greedy action is to stay, by a narrow margin: sampled play walks on."""
    length, agents = int(chance.integers(3, 6)), int(chance.integers(1, 3))
    game, stuck = corridor(length, 8 * length, agents), int(chance.integers(1, length))
    own = policy(game, lambda agent, seen: 0 if seen[0] == stuck else 1)
    sampled = policy(game, lambda agent, seen: np.array([0.51, 0.49, 0]) if seen[0] == stuck else 1)
    return (stage(game, own, sampled=[sampled] if chance.random() < 0.6 else None),)


def sampled_episodes_of_the_door(chance: Chance) -> tuple:
    """The door again, played by agents of whom nothing is known, in sampled episodes."""
    game = _door(2, 25)
    return (actors(game, lambda agent, seen: 1, 12, int(chance.integers(1000))),)


def straight_walkers(chance: Chance) -> tuple:
    """A healthy team walks straight to the aim; every disturbance costs time, and time costs."""
    length = int(chance.integers(3, 6))
    game = corridor(length, 5 * length, int(chance.integers(1, 3)), step=-1.0)
    own, sampled = (policy(game, lambda agent, seen, share=share: mostly(1, 3, share)) for share in (1.0, 0.9))
    return (stage(game, own, sampled=[sampled]),)


def beside_a_cliff(chance: Chance) -> tuple:
    """One false step at the beginning ends the game at a loss: noise can only do harm."""
    length = int(chance.integers(3, 6))
    game = corridor(length, 4 * length, int(chance.integers(1, 3)), pit=-float(chance.uniform(1, 20)))
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def nothing_matters(chance: Chance) -> tuple:
    """Whatever they do pays the same."""
    game = played_once(np.full((3,) * int(chance.integers(2, 4)), float(chance.uniform(-1, 1))))
    return (stage(game, policy(game, lambda agent, seen: 0), sampled=[uniform_policy(game)]),)


def failing_and_noise_does_not_help(chance: Chance) -> tuple:
    """They miss the best payoff, which lies behind losses: noise leads to the losses more often than to the best."""
    loss = -float(chance.uniform(30, 100))
    game = played_once(np.array([[10, loss, loss], [loss, 6, 2], [loss, 2, 5.0]]))
    return (stage(game, policy(game, lambda agent, seen: 1), sampled=[policy(game, lambda a, s: mostly(1, 3, 0.8))]),)


def a_convention_that_works(chance: Chance) -> tuple:
    """They all choose the same of several equally good actions, and only choosing the same pays."""
    size = int(chance.integers(2, 5))
    game, chosen = played_once(np.eye(size)), int(chance.integers(size))
    return (
        stage(game, policy(game, lambda a, s: chosen), sampled=[policy(game, lambda a, s: mostly(chosen, size, 0.7))]),
    )


def better_by_chance_only(chance: Chance) -> tuple:
    """What is earned is a fair coin whatever they do: in sampled episodes noise is a little better half of the time."""

    def step(state, joint) -> Ways:
        heads = float(sum(joint) % 2)
        return [(0.5, state, 1 - heads, False, False), (0.5, state, heads, False, False)]

    game = world((2, 2), [0], step, lambda state, agent: (0,), int(chance.integers(4, 10)))
    return (actors(game, lambda agent, seen: 0, 15, int(chance.integers(100_000))),)


def _door(agents: int, horizon: int) -> FiniteGame:
    def step(state, joint) -> Ways:
        going = [agent for agent in range(agents) if state[agent] and joint[agent] == 1]
        new = tuple(0 if going == [agent] else waiting for agent, waiting in enumerate(state))
        through = not any(new)
        return [(1.0, new, 1.0 if through else 0.0, through, through)]

    return world((2,) * agents, [(1,) * agents], step, lambda state, agent: (state[agent] * sum(state),), horizon)


NOISE = Question(
    "noise",
    ask_noise,
    (
        corridor_swap,
        one_door,
        all_choose_the_same,
        two_places_look_alike,
        stuck_at_one_place,
        sampled_episodes_of_the_door,
    ),
    (
        straight_walkers,
        better_by_chance_only,
        failing_and_noise_does_not_help,
        beside_a_cliff,
        a_convention_that_works,
        nothing_matters,
    ),
)
