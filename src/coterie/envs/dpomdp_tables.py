"""A Dec-POMDP's tables as a finite game, whose states are split by what the agents have just observed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from coterie.errors import BadInput
from coterie.finite.game import FiniteGame, check_game
from coterie.types import Kind, Spec

EDGES_CAP = 4_000_000
SAME_REWARD = 1e-9


class Problem(NamedTuple):
    """A Dec-POMDP (Bernstein, Givan, Immerman and Zilberstein 2002) of S states, J joint actions, Z joint observations.

    Names of states, and of each agent's actions and observations; start float64[S]; transition float64[J, S, S];
    observation float64[J, S, Z] in the successor; reward float64[J, S, S or 1, Z or 1]. The last agent counts fastest.
    """

    states: tuple[str, ...]
    actions: tuple[tuple[str, ...], ...]
    observations: tuple[tuple[str, ...], ...]
    start: np.ndarray
    transition: np.ndarray
    observation: np.ndarray
    reward: np.ndarray


def finite_game(problem: Problem, name: str, horizon: int, success_word: str) -> FiniteGame:
    """The game of a problem: its states are (world state, each agent's observation), 0 for an agent that saw nothing.

    Edges have the probability T(s' | s, a) O(o | a, s') and the reward R(s, a, s', o), paid to every agent; success is
    the greatest reward of all edges, never where all are equal. Only what can be reached is kept. Raises BadInput for
    more than four million edges.
    """
    sizes = tuple(map(len, problem.observations))
    agents, joint_count = len(sizes), len(problem.transition)
    arrives = _arrivals(problem)
    starts = np.flatnonzero(problem.start)
    world, sight = np.nonzero(arrives)
    seen = np.stack(np.unravel_index(sight, sizes), axis=-1) + 1
    states = np.concatenate(
        [
            np.concatenate([starts[:, None], np.zeros((len(starts), agents), np.int64)], axis=1),
            np.concatenate([world[:, None], seen], axis=1),
        ]
    )
    number = np.full(arrives.shape, -1)
    number[world, sight] = len(starts) + np.arange(len(world))
    blocks = {int(state): _edges(problem, int(state), number) for state in np.unique(states[:, 0])}
    edges = sum(len(blocks[int(state)][1]) for state in states[:, 0])
    if edges > EDGES_CAP:
        raise BadInput(f"{name}: {edges:,} edges are too many for an exact table, {EDGES_CAP:,} are the limit")
    counts, probability, successor, reward = (
        np.concatenate([blocks[int(state)][part] for state in states[:, 0]]) for part in range(4)
    )
    kinds = kinds_of(problem)
    best = reward.max()
    everyone = tuple(range(agents))
    offsets, offset = np.zeros(agents, np.int64), 0
    for kind in kinds:
        offsets[list(kind.agents)] = offset
        offset += (kind.observation_high or 0) + 1
    game = FiniteGame(
        name=name,
        spec=Spec(
            agents=tuple(f"agent_{agent}" for agent in everyone),
            kinds=kinds,
            team=(0,) * agents,
            parameters=everyone,
            experience=everyone,
            state_shape=(1 + agents,),
        ),
        action_names=shared_names(problem.actions),
        horizon=horizon,
        idle=(0,) * agents,
        idle_is_noop=False,
        success_word=success_word,
        first_edge=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        probability=probability,
        successor=successor.astype(np.int32),
        reward=np.repeat(reward[:, None], agents, axis=1),
        ended=np.zeros(edges, bool),
        success=(reward >= best - SAME_REWARD) & (reward.min() < best - SAME_REWARD),
        seen=(states[:, 1:] + offsets).astype(np.int32),
        start_probability=problem.start[starts],
        start_state=np.arange(len(starts), dtype=np.int32),
        states=states.astype(np.int64),
        boards=np.empty((len(states), 0, 0), np.uint8),
        action_boards=np.empty((0, 0, 0), np.uint8),
        observations=tuple(np.arange((kind.observation_high or 0) + 1, dtype=np.int32)[:, None] for kind in kinds),
    )
    assert len(game.first_edge) == len(states) * joint_count + 1
    check_game(game)
    return game


def kinds_of(problem: Problem) -> tuple[Kind, ...]:
    """Agents with equally many actions and observations are of one kind; kinds stand in the order of their first."""
    sizes = [(len(own), len(sees)) for own, sees in zip(problem.actions, problem.observations, strict=True)]
    return tuple(
        Kind(tuple(agent for agent, one in enumerate(sizes) if one == size), size[0], (1,), "int32", size[1])
        for size in dict.fromkeys(sizes)
    )


def shared_names(actions: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """One name a number of action; where agents call it differently, all that they call it: "up/north"."""
    longest = max(map(len, actions))
    columns = ([own[index] for own in actions if index < len(own)] for index in range(longest))
    return tuple("/".join(dict.fromkeys(column)) for column in columns)


def _arrivals(problem: Problem) -> np.ndarray:
    """Which states can be arrived in with which joint observation, bool[S, Z]."""
    reached = problem.start > 0
    onward = np.any(problem.transition, axis=0)
    while True:
        further = reached | np.any(onward[reached], axis=0)
        if (further == reached).all():
            break
        reached = further
    by_action = np.any(problem.transition[:, reached], axis=1)
    return np.any(by_action[:, :, None] & (problem.observation > 0), axis=0)


def _edges(problem: Problem, state: int, number: np.ndarray) -> tuple[np.ndarray, ...]:
    """The edges from one world state: how many a joint action [J], and their chances, successors and rewards."""
    chance = problem.transition[:, state, :, None] * problem.observation
    joint, successor, sight = np.nonzero(chance)
    reward = np.broadcast_to(problem.reward[:, state], chance.shape)
    place = (joint, successor, sight)
    return np.bincount(joint, minlength=len(chance)), chance[place], number[successor, sight], reward[place]
