"""Small worlds, policies and episodes from which known answers are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from finite_games import make_game

from coterie.finite.game import FiniteGame
from coterie.running.stage import Actor, ActorStage, TableStage
from coterie.types import Play

Chance = np.random.Generator
State = Any  # anything that can be a key
# probability, successor, reward (one for all, or one an agent), ended, success
Ways = list[tuple[float, State, float | tuple[float, ...], bool, bool]]
WORD = "succeed"


def world(
    sizes: Sequence[int],
    starts: Sequence[State],
    step: Callable[[State, tuple[int, ...]], Ways],
    see: Callable[[State, int], tuple[int, ...]],
    horizon: int,
) -> FiniteGame:
    """A game from its rules, over the states that can be reached; action 0 stands still, starts are equally likely."""
    number = {state: place for place, state in enumerate(dict.fromkeys(starts))}
    first = list(number)
    ways, queue, opened = {}, list(number), set(number)
    for state in queue:  # it grows as we go
        for joint in product(*map(range, sizes)):
            turned_out = []
            for chance, after, reward, ended, success in step(state, joint):
                if chance > 0:
                    place = number.setdefault(after, len(number))
                    turned_out.append((chance, place, reward, ended, success))
                    if not ended and after not in opened:
                        opened.add(after)
                        queue.append(after)
            ways[number[state], joint] = turned_out
    seen = [tuple(see(state, agent) for agent in range(len(sizes))) for state in number]
    chances = [(1 / len(first), number[state]) for state in first]
    return make_game(sizes, ways, seen, horizon=horizon, starts=chances, word=WORD)._replace(
        idle_is_noop=True, action_names=tuple("abcdefgh"[: max(sizes)])
    )


def played_once(payoffs: np.ndarray, best: float | None = None) -> FiniteGame:
    """A matrix game of any number of agents with one payoff for all, [A, A, ..]; success: the best payoff."""
    goal = float(payoffs.max()) if best is None else best

    def step(state: State, joint: tuple[int, ...]) -> Ways:
        return [(1.0, 0, float(payoffs[joint]), True, bool(payoffs[joint] >= goal))]

    return world(payoffs.shape, [0], step, lambda state, agent: (0,), 1)


def policy(game: FiniteGame, rule: Callable[[int, tuple[int, ...]], int | np.ndarray]) -> np.ndarray:
    """A policy float64[N, O, A] from rule(agent, observation), which gives an action or chances."""
    count = max(game.actions)
    found = np.zeros((len(game.actions), game.observation_count, count))
    first = 0
    for kind, sights in zip(game.spec.kinds, game.observations, strict=True):
        for agent in range(len(game.actions)):
            if agent not in kind.agents:
                found[agent, first : first + len(sights), : game.actions[agent]] = 1 / game.actions[agent]
                continue
            for row, sight in enumerate(sights):
                given = rule(agent, tuple(int(one) for one in np.ravel(sight)))
                if isinstance(given, np.ndarray) and given.ndim:
                    found[agent, first + row, : len(given)] = given
                else:
                    found[agent, first + row, int(given)] = 1.0
        first += len(sights)
    return found


def stage(game: FiniteGame, *teams: np.ndarray, sampled: Sequence[np.ndarray] | None = None, seed: int = 0):
    """Teams on an exact stage."""
    return TableStage(game, np.stack(teams), None if sampled is None else np.stack(sampled), seed)


def actors(game: FiniteGame, rule: Callable[[int, tuple[int, ...]], int], episodes: int, seed: int) -> ActorStage:
    """One team of anybody's agents, which choose by a rule and of whom nothing else is known."""

    def actor(agent: int) -> Actor:
        return Actor(lambda: None, lambda sight, step: rule(agent, tuple(int(one) for one in np.ravel(sight))))

    return ActorStage(game, [[actor(agent) for agent in range(len(game.actions))]], episodes, seed)


def mostly(action: int, size: int, share: float) -> np.ndarray:
    """Chances of an agent that takes one action with a share, and any of the others otherwise."""
    chances = np.full(size, (1 - share) / (size - 1))
    chances[action] = share
    return chances


def episode(
    keys: Sequence[int] | np.ndarray,
    rewards: np.ndarray,
    *,
    actions: np.ndarray | None = None,
    success: bool = False,
    ended: bool | None = None,
    team: int = 0,
    observations: tuple[np.ndarray, ...] = (),
    reported: float | None = None,
) -> Play:
    """A recorded episode without a picture: keys [T + 1], rewards [T, N]; it truly ended where it succeeded."""
    steps = len(keys) - 1
    rewards = np.asarray(rewards, np.float64).reshape(steps, -1)
    return Play(
        keys=np.asarray(keys, np.int64),
        boards=np.empty((steps + 1, 0, 0), np.uint8),
        actions=np.zeros(rewards.shape, np.int32) if actions is None else np.asarray(actions, np.int32),
        rewards=rewards,
        success=success,
        ended=success if ended is None else ended,
        team=team,
        observations=observations,
        reported=reported,
    )


def any_actions(chance: Chance, steps: int, agents: int, size: int) -> np.ndarray:
    """Actions of agents that do all sorts of things, int32[T, N]."""
    return chance.integers(size, size=(steps, agents)).astype(np.int32)


def successes(chance: Chance, count: int, agents: int, *, pays: float = 10.0, step: float = 0.0) -> list[Play]:
    """Episodes of a healthy team: it gets where it wants in a few different steps, and all are paid alike."""
    plays = []
    for team in range(count):
        steps = int(chance.integers(4, 10))
        rewards = np.full((steps, agents), step)
        rewards[-1] = pays
        keys = chance.permutation(1000)[: steps + 1]
        plays.append(episode(keys, rewards, actions=any_actions(chance, steps, agents, 4), success=True, team=team))
    return plays


def corridor(
    length: int, horizon: int, agents: int = 1, pays: float = 10.0, step: float = 0.0, *, pit: float | None = None
) -> FiniteGame:
    """Agents in a corridor each: stay, right, left; the aim is that all stand at its right end, which ends the game.

    pit: what all earn where the first agent steps left at the left end, which ends the game without success.
    """

    def go(place: int, action: int) -> int:
        return min(max(place + (0, 1, -1)[action], 0), length)

    def after(state: State, joint: tuple[int, ...]) -> Ways:
        if pit is not None and state[0] == 0 and joint[0] == 2:
            return [(1.0, ("pit",) * agents, pit, True, False)]
        new = tuple(go(place, action) for place, action in zip(state, joint, strict=True))
        there = all(place == length for place in new)
        return [(1.0, new, pays if there else step, there, there)]

    def see(state: State, agent: int) -> tuple[int, ...]:
        return (-1,) if state[agent] == "pit" else (int(state[agent]),)

    return world((3,) * agents, [(0,) * agents], after, see, horizon)
