"""PettingZoo's Parallel API as arrays: kinds by equal spaces, agents in one order, endings by their exact names.

`parallel(environments)` makes a `Drive`: E live environment objects stepped in this process, each starting its next
episode by itself. It imports no JAX, so that a worker process starts quickly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.board import Board, Glance
from coterie.pettingzoo.direct import Direct, safe, state_of
from coterie.pettingzoo.drive import Drive
from coterie.types import Kind, Spec

Success = Callable[[Mapping[Hashable, Any]], bool]  # reads the infos of one step
NOTHING: Mapping[str, Any] = {}


class Reading(NamedTuple):
    """How one environment is read: names in agent order, each agent's (kind, place in it), spaces and first actions."""

    spec: Spec
    names: tuple[Hashable, ...]
    places: Mapping[Hashable, tuple[int, int]]
    numbers: Mapping[Hashable, int]
    first_actions: tuple[int, ...]
    has_state: bool


def read(environment: Any, team: Sequence[int] | None = None, *, alone: bool = False, central: bool = True) -> Reading:
    """The kinds, order and spaces of an environment; resets it once.

    Without `team` all agents are one team, or each is `alone`. Not `central`: the central state is left alone.
    """
    environment.reset(seed=0)
    names = tuple(getattr(environment, "possible_agents", None) or environment.agents)
    if not names:
        raise EnvironmentFault(f"{environment}: it has no agents after reset")
    groups: list[tuple[Any, Any, list[int]]] = []
    for number, name in enumerate(names):
        seen, actions = plain_space(environment.observation_space(name)), environment.action_space(name)
        if not isinstance(actions, spaces.Discrete):
            raise BadInput(f"agent '{name}' has the action space {actions}; only Discrete actions are supported")
        for group in groups:
            if group[0] == seen and group[1] == actions:
                group[2].append(number)
                break
        else:
            groups.append((seen, actions, [number]))
    state = state_of(environment) if central else None
    state_shape = (0,) if state is None else np.shape(state)
    everyone = tuple(range(len(names)))
    kinds = tuple(
        Kind(tuple(agents), int(actions.n), shape_of(seen), str(dtype_of(seen)), high_of(seen))
        for seen, actions, agents in groups
    )
    teams = tuple(team) if team is not None else everyone if alone else (0,) * len(names)
    if len(teams) != len(names):
        raise BadInput(f"{len(teams)} team numbers for {len(names)} agents")
    spec = Spec(tuple(map(str, names)), kinds, teams, everyone, everyone, state_shape)
    return Reading(
        spec,
        names,
        {names[agent]: (k, place) for k, kind in enumerate(kinds) for place, agent in enumerate(kind.agents)},
        {name: number for number, name in enumerate(names)},
        tuple(int(environment.action_space(name).start) for name in names),
        state is not None,
    )


def plain_space(space: Any) -> Any:
    """The space of the observation itself, without an `action_mask` beside it; refuses what arrays cannot hold."""
    if isinstance(space, spaces.Dict) and set(space.spaces) == {"observation", "action_mask"}:
        space = space["observation"]
    if not isinstance(space, (spaces.Box, spaces.Discrete, spaces.MultiBinary, spaces.MultiDiscrete)):
        raise BadInput(f"the observation space {space} is not supported; flatten it to a Box")
    return space


def shape_of(space: Any) -> tuple[int, ...]:
    """The shape of one observation; a Discrete one is a single number."""
    return () if isinstance(space, spaces.Discrete) else tuple(space.shape)


def high_of(space: Any) -> int | None:
    """The greatest number that an observation of whole numbers from 0 can hold; None for others, or where unbounded."""
    if isinstance(space, spaces.Discrete):
        return int(space.start + space.n - 1) if space.start >= 0 else None
    if isinstance(space, spaces.MultiBinary):
        return 1
    if isinstance(space, spaces.MultiDiscrete):
        low, high = np.asarray(space.start), np.asarray(space.start) + np.asarray(space.nvec) - 1
    else:
        low, high = space.low, space.high
    if np.dtype(space.dtype).kind not in "iu" or not low.size or low.min() < 0:
        return None
    unbounded = np.dtype(space.dtype).itemsize > 1 and high.max() >= np.iinfo(space.dtype).max
    return None if unbounded else int(high.max())


def dtype_of(space: Any) -> np.dtype:
    """The dtype that JAX will hold: float32 for every float, int32 for wide integers, the same for the others."""
    dtype = np.dtype(space.dtype)
    if dtype.kind == "f":
        return np.dtype(np.float32)
    return np.dtype(np.int32) if dtype.kind in "iu" and dtype.itemsize > 2 else dtype


def write(reading: Reading, glance: Glance, name: Hashable, observation: Any, info: Mapping[str, Any]) -> None:
    """Write what one agent sees and may do; the mask stands beside the observation or in the info."""
    kind, place = reading.places[name]
    mask = info.get("action_mask")
    if type(observation) is not np.ndarray and isinstance(observation, Mapping):
        mask = observation.get("action_mask", mask)
        observation = observation["observation"]
    glance.obs[kind][place] = observation
    if mask is not None:
        glance.legal[kind][place] = np.asarray(mask, bool)


def finite(name: Hashable, reward: Any) -> float:
    """The reward as a number; raises EnvironmentFault where it is none."""
    reward = float(reward)
    if not math.isfinite(reward):
        raise EnvironmentFault(f"agent '{name}' got the reward {reward}")
    return reward


class OneParallel:
    """One ParallelEnv: everybody who is alive moves at once."""

    def __init__(self, environment: ParallelEnv | Direct, reading: Reading, success: Success | None = None) -> None:
        self.environment, self.reading, self.success = environment, reading, success
        self.gone: set[Hashable] = set()

    def reset(self, seed: int, glance: Glance) -> None:
        """Begin an episode that is a function of this seed."""
        observations, infos = self.environment.reset(seed=seed)
        self.gone.clear()
        self.write(glance, observations, infos or {})

    def step(self, actions: Sequence[int], glance: Glance) -> None:
        """One joint step; an agent that has ended once is never alive again in this episode."""
        numbers, firsts, gone = self.reading.numbers, self.reading.first_actions, self.gone
        present = list(self.environment.agents)
        observations, rewards, terminations, truncations, infos = self.environment.step(
            {name: actions[(number := numbers[name])] + firsts[number] for name in present}
        )
        following = self.environment.agents
        for name in present:
            if name in gone:
                continue
            number, ended, cut = numbers[name], terminations.get(name), truncations.get(name)
            glance.reward[number] = finite(name, rewards.get(name, 0.0))
            if ended or cut:
                glance.terminated[number], glance.truncated[number] = bool(ended), bool(cut)
                gone.add(name)
            elif name not in following:
                raise EnvironmentFault(f"agent '{name}' vanished, neither terminated nor truncated")
        self.write(glance, observations, infos or {})

    def close(self) -> None:
        """Close the environment."""
        self.environment.close()

    def write(self, glance: Glance, observations: Mapping[Hashable, Any], infos: Mapping[Hashable, Any]) -> None:
        """Write what was observed; the last observation of an agent that has just ended is among it."""
        reading = self.reading
        for name, observation in observations.items():
            if name not in reading.numbers:
                raise EnvironmentFault(f"agent '{name}' appeared, which is not among possible_agents")
            write(reading, glance, name, observation, infos.get(name, NOTHING))
        agents = self.environment.agents
        if not self.gone and len(agents) == len(reading.names):
            glance.alive.fill(True)
            glance.to_move.fill(True)
        else:
            here = [reading.numbers[name] for name in agents if name not in self.gone]
            glance.alive[here] = glance.to_move[here] = True
        if reading.has_state:
            glance.state[...] = self.environment.state()
        if self.success is not None:
            glance.success[...] = self.success(infos)


def parallel(
    environments: Sequence[ParallelEnv],
    *,
    team: Sequence[int] | None = None,
    success: Success | None = None,
    central: bool = True,
    board: Board | None = None,
    first: int = 0,
) -> Drive:
    """Drive E equal ParallelEnv objects; `team` gives each agent's team number, `success` reads the infos of a step.

    Not `central`: their central state is not asked for, which some take long to make. Where they stand behind the
    AEC-to-parallel wrapper and it is safe, what is below it is driven directly.
    """
    direct = safe(environments[0])

    def one(environment: Any) -> OneParallel:
        reading = read(environment, team, central=central)
        return OneParallel(Direct(environment) if direct else environment, reading, success)

    return Drive([one(environment) for environment in environments], board, first)
