"""A third round about noise, from the definition alone."""

from __future__ import annotations

import numpy as np
from asked_of_noise import ask_noise
from asked_third_of_strangers import tasks
from families import Chance, Question
from worlds import Ways, actors, mostly, policy, stage, world

from coterie.finite.game import FiniteGame
from coterie.finite.solve import uniform_policy

# --- noise ------------------------------------------------------------------------------------------------------------


def after_you(chance: Chance) -> tuple:
    """Two or three polite agents before a narrow place all wait for the others, for ever; if by chance one goes alone,
    all come through one after the other."""
    agents, horizon = int(chance.integers(2, 4)), int(chance.integers(40, 80))

    def step(free, joint) -> Ways:
        through = free or sum(joint) == 1
        return [(1.0, int(through), 5.0 if free else 0.0, bool(free), bool(free))]

    game = world((2,) * agents, [0], step, lambda free, agent: (free,), horizon)
    own = policy(game, lambda agent, seen: 0)
    sampled = policy(game, lambda agent, seen: mostly(0, 2, 0.7))
    return (stage(game, own, sampled=[sampled] if chance.random() < 0.5 else None),)


def past_the_way_out(chance: Chance) -> tuple:
    """An agent goes round and round in a ring of rooms that all look alike, and in one of them is the way out, which it
    never tries; one that tries anything now and then gets out."""
    game = _ring(chance)
    own = policy(game, lambda agent, seen: 1)
    sampled = policy(game, lambda agent, seen: np.array([0.1, 0.7, 0.2]) if agent == 0 else 1)
    return (stage(game, own, sampled=[sampled] if chance.random() < 0.5 else None),)


def past_the_way_out_in_sampled_episodes(chance: Chance) -> tuple:
    """The same ring, and only sampled episodes of the agents are known."""
    return (actors(_ring(chance, rooms=2), lambda agent, seen: 1, 15, int(chance.integers(1000))),)


def all_want_the_same_task(chance: Chance) -> tuple:
    """Three agents, three tasks, each to be done by exactly one, tried for some steps; greedily all take the same task,
    and their own policies, which prefer it slightly, get it right in one step of five."""
    game = tasks(chance, steps=int(chance.integers(6, 15)))
    return (
        stage(
            game,
            policy(game, lambda agent, seen: 0),
            sampled=[policy(game, lambda agent, seen: np.array([0.4, 0.3, 0.3]))],
        ),
    )


def the_empty_lever(chance: Chance) -> tuple:
    """A lever pays and is empty until another one has been pulled; greedily the agent pulls the empty lever on and on,
    and by noise it comes to be filled now and then."""
    agents, pays, horizon = int(chance.integers(1, 3)), float(chance.uniform(1, 10)), int(chance.integers(30, 60))

    def step(full, joint) -> Ways:
        pulled = joint[0] == 0
        after = 0 if pulled else 1
        return [(1.0, after, pays if pulled and full else 0.0, False, bool(pulled and full))]

    game = world((3,) * agents, [1], step, lambda full, agent: (0,), horizon)
    return (stage(game, policy(game, lambda agent, seen: 0)),)


def hand_in_hand(chance: Chance) -> tuple:
    """All must do the same in every step, the step's own sign, or what they carry falls and all is over: noise does
    harm."""
    size, agents, length = int(chance.integers(2, 4)), int(chance.integers(2, 4)), int(chance.integers(3, 7))
    word, pays = chance.integers(size, size=length), float(chance.uniform(1, 10))

    def step(place, joint) -> Ways:
        right = all(action == word[place] for action in joint)
        there = right and place + 1 == length
        return [(1.0, min(place + 1, length - 1), pays if there else 0.0, there or not right, there)]

    game = world((size,) * agents, [0], step, lambda place, agent: (place,), length)
    own = policy(game, lambda agent, seen: int(word[seen[0]]))
    sampled = policy(game, lambda agent, seen: mostly(int(word[seen[0]]), size, 0.8))
    return (stage(game, own, sampled=[sampled]),)


def the_weather_alone(chance: Chance) -> tuple:
    """What is earned depends on the weather, which nobody makes: they play well or badly to no effect."""
    stays, pays = float(chance.uniform(0.5, 0.9)), float(chance.uniform(1, 10))

    def step(sun, joint) -> Ways:
        return [(stays, sun, pays * sun, False, bool(sun)), (1 - stays, 1 - sun, pays * sun, False, bool(sun))]

    game = world((3, 3), [0, 1], step, lambda sun, agent: (sun,), int(chance.integers(4, 15)))
    return (stage(game, policy(game, lambda a, s: s[0]), sampled=[uniform_policy(game)]),)


def to_each_its_task(chance: Chance) -> tuple:
    """Three agents with three tasks, each by exactly one; they have dealt them out, and noise only upsets it."""
    game, dealt = tasks(chance, steps=int(chance.integers(1, 8))), chance.permutation(3)
    own = policy(game, lambda agent, seen: int(dealt[agent]))
    return (stage(game, own, sampled=[policy(game, lambda a, s: mostly(int(dealt[a]), 3, 0.85))]),)


def chance_is_its_policy(chance: Chance) -> tuple:
    """The ring of rooms that look alike again, played by an agent that draws its actions, and draws them well, when it
    is judged too: nothing is kept back by the way it is judged, and more noise makes it slower."""
    game = _ring(chance, costs=True)
    own = policy(game, lambda agent, seen: np.array([0.0, 0.5, 0.5]) if agent == 0 else 1)
    return (stage(game, own, sampled=[own]),)


def a_lock_of_many_digits(chance: Chance) -> tuple:
    """They do not know the number of a lock of five digits or more and all their digits are wrong; noise would open it
    once in many millions of episodes, which is no help."""
    digits, size = int(chance.integers(5, 8)), int(chance.integers(3, 5))

    def step(place, joint) -> Ways:
        right = joint == (1, 1)
        there = right and place + 1 == digits
        return [(1.0, place + 1, 10.0 if there else 0.0, there or not right, there)]

    game = world((size, size), [0], step, lambda place, agent: (place,), digits)
    return (stage(game, policy(game, lambda agent, seen: 0)),)


def a_steady_pair_in_sampled_episodes(chance: Chance) -> tuple:
    """A healthy pair: each does what its light shows; what is paid for it is noisy, and only sampled episodes are
    known."""
    pays = float(chance.uniform(1, 3))

    def step(light, joint) -> Ways:
        right = sum(action == light for action in joint)
        return [(0.25, after, pays * right + noise, False, right == 2) for after in range(2) for noise in (-1.0, 1.0)]

    game = world((2, 2), [0, 1], step, lambda light, agent: (light,), int(chance.integers(5, 12)))
    return (actors(game, lambda agent, seen: seen[0], 15, int(chance.integers(100_000))),)


def _ring(chance: Chance, costs: bool = False, rooms: int = 0) -> FiniteGame:
    """A ring of rooms that look alike: stay, go on, try the door; the door of one room leads out."""
    rooms, horizon, pays = (
        rooms or int(chance.integers(2, 5)),
        int(chance.integers(60, 100)),
        float(chance.uniform(2, 10)),
    )

    def step(room, joint) -> Ways:
        out = joint[0] == 2 and room == rooms - 1
        after = (room + 1) % rooms if joint[0] == 1 else room
        return [(1.0, after, pays if out else -0.1 * costs, out, out)]

    return world((3, 2), [0], step, lambda room, agent: (0,), horizon)


QUESTIONS = (
    Question(
        "noise",
        ask_noise,
        (after_you, past_the_way_out, past_the_way_out_in_sampled_episodes, all_want_the_same_task, the_empty_lever),
        (
            hand_in_hand,
            the_weather_alone,
            to_each_its_task,
            chance_is_its_policy,
            a_lock_of_many_digits,
            a_steady_pair_in_sampled_episodes,
        ),
    ),
)
