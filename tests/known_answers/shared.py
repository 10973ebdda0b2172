"""Worlds and episodes that several questions are asked about."""

from __future__ import annotations

import numpy as np
from families import Chance
from worlds import Ways, any_actions, episode, policy, world

from coterie.finite.game import FiniteGame
from coterie.types import Play


def wandering(chance: Chance, steps: int, rewards: np.ndarray, team: int) -> Play:
    """An episode of all sorts of actions, which leads nowhere and earns the given rewards."""
    keys = chance.permutation(1000)[: steps + 1]
    return episode(keys, rewards, actions=any_actions(chance, steps, rewards.shape[1], 4), team=team)


def light_game(chance: Chance, meaningless: bool = False, agents: int = 0, blind: int = -1) -> tuple[FiniteGame, int]:
    """A light changes at random; all but one that is blind see it, and everybody who does what it shows (or action 0)
    earns something for all."""
    lights, pays = int(chance.integers(2, 5)), float(chance.uniform(0.5, 5))
    agents = agents or int(chance.integers(2, 4))

    def step(state, joint) -> Ways:
        right = sum(action == (0 if meaningless else state) for action in joint)
        return [(1 / lights, after, pays * right, False, right == agents) for after in range(lights)]

    size = range(lights)
    return world(
        (lights,) * agents,
        list(size),
        step,
        lambda state, agent: (0 if agent == blind else state,),
        int(chance.integers(2, 7)),
    ), lights


def sign_game(size: int, chance: Chance) -> FiniteGame:
    """A light, seen by the first agent; its sign (an action), seen by the second; all earn if that one then acts as the
    light had shown. Agents see (stage of the game, light or sign)."""
    pays = float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        if state[0] == 0:
            return [(1.0, (1, state[1], joint[0]), 0.0, False, False)]
        right = joint[1] == state[1]
        return [(1.0, state, pays * right, True, bool(right))]

    def see(state, agent: int) -> tuple[int, ...]:
        if state[0] == 0:
            return (0, state[1] if agent == 0 else 0)
        return (1, state[2] if agent == 1 else 0)

    return world((size, size), [(0, light, 0) for light in range(size)], step, see, 2)


def code_policy(game: FiniteGame, size: int, shift: int) -> np.ndarray:
    """A policy in which each sign means the light that lies `shift` further."""

    def rule(agent: int, seen: tuple[int, ...]) -> int:
        if agent == 0:
            return (seen[1] + shift) % size if seen[0] == 0 else 0
        return (seen[1] - shift) % size if seen[0] == 1 else 0

    return policy(game, rule)
