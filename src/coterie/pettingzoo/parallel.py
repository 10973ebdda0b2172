"""PettingZoo's Parallel API as arrays: kinds by equal spaces, agents in one order, endings by their exact names.

`parallel(environments)` makes a `Drive`: E live environment objects stepped in this process, each starting its next
episode by itself. It imports no JAX, so that a worker process starts quickly.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from coterie.errors import BadInput, EnvironmentFault
from coterie.types import Kind, Outcome, Sight, Spec

Success = Callable[[Mapping[Hashable, Any]], bool]  # reads the infos of one step


class Reading(NamedTuple):
    """How one environment is read: names in agent order, each agent's (kind, place in it), spaces and first actions."""

    spec: Spec
    names: tuple[Hashable, ...]
    places: Mapping[Hashable, tuple[int, int]]
    numbers: Mapping[Hashable, int]
    first_actions: tuple[int, ...]
    has_state: bool


class Glance(NamedTuple):
    """One world after one step, arrays to be written into: obs and legal by kind [N, ...], the rest by agent [all]."""

    obs: tuple[np.ndarray, ...]
    legal: tuple[np.ndarray, ...]
    alive: np.ndarray
    to_move: np.ndarray
    state: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    success: np.ndarray


class One(Protocol):
    """One environment behind arrays; `Drive` steps E of them."""

    reading: Reading

    def reset(self, seed: int) -> Glance:
        """Begin an episode that is a function of this seed."""
        ...

    def step(self, actions: np.ndarray) -> Glance:
        """One joint step with actions int[all]; nothing is reset."""
        ...


def read(environment: Any, team: Sequence[int] | None = None, *, alone: bool = False) -> Reading:
    """The kinds, order and spaces of an environment; resets it once.

    Without `team` all agents are one team, or each is `alone`.
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
    try:
        state_shape, has_state = np.shape(environment.state()), True
    except (NotImplementedError, AttributeError):
        state_shape, has_state = (0,), False
    everyone = tuple(range(len(names)))
    kinds = tuple(
        Kind(tuple(agents), int(actions.n), shape_of(seen), str(dtype_of(seen))) for seen, actions, agents in groups
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
        has_state,
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


def dtype_of(space: Any) -> np.dtype:
    """The dtype that JAX will hold: float32 for every float, int32 for wide integers, the same for the others."""
    dtype = np.dtype(space.dtype)
    if dtype.kind == "f":
        return np.dtype(np.float32)
    return np.dtype(np.int32) if dtype.kind in "iu" and dtype.itemsize > 2 else dtype


def blank(reading: Reading) -> Glance:
    """A glance in which nobody is there and nothing happened."""
    spec, everyone = reading.spec, len(reading.names)
    flags = (np.zeros(everyone, bool) for _ in range(4))
    alive, to_move, terminated, truncated = flags
    return Glance(
        tuple(np.zeros((len(kind.agents), *kind.observation_shape), kind.observation_dtype) for kind in spec.kinds),
        tuple(np.ones((len(kind.agents), kind.actions), bool) for kind in spec.kinds),
        alive,
        to_move,
        np.zeros(spec.state_shape, np.float32),
        np.zeros(everyone, np.float32),
        terminated,
        truncated,
        np.zeros((), bool),
    )


def write(reading: Reading, glance: Glance, name: Hashable, observation: Any, info: Mapping[str, Any]) -> None:
    """Write what one agent sees and may do; the mask stands beside the observation or in the info."""
    kind, place = reading.places[name]
    mask = info.get("action_mask")
    if isinstance(observation, Mapping):
        mask = observation.get("action_mask", mask)
        observation = observation["observation"]
    glance.obs[kind][place] = observation
    if mask is not None:
        glance.legal[kind][place] = np.asarray(mask, bool)


def finite(name: Hashable, reward: Any) -> float:
    """The reward as a number; raises EnvironmentFault where it is none."""
    reward = float(reward)
    if not np.isfinite(reward):
        raise EnvironmentFault(f"agent '{name}' got the reward {reward}")
    return reward


def must_have_a_choice(reading: Reading, glance: Glance) -> None:
    """Raises EnvironmentFault where an agent is to move and has no legal action."""
    for name, number in reading.numbers.items():
        kind, place = reading.places[name]
        if glance.to_move[number] and not glance.legal[kind][place].any():
            raise EnvironmentFault(f"agent '{name}' is to move and its action mask allows nothing")


class OneParallel:
    """One ParallelEnv: everybody who is alive moves at once."""

    def __init__(self, environment: ParallelEnv, reading: Reading, success: Success | None = None) -> None:
        self.environment, self.reading, self.success = environment, reading, success
        self.gone: set[Hashable] = set()

    def reset(self, seed: int) -> Glance:
        """Begin an episode that is a function of this seed."""
        observations, infos = self.environment.reset(seed=seed)
        self.gone.clear()
        return self.glance(observations, infos or {})

    def step(self, actions: np.ndarray) -> Glance:
        """One joint step; an agent that has ended once is never alive again in this episode."""
        reading, present = self.reading, list(self.environment.agents)
        observations, rewards, terminations, truncations, infos = self.environment.step(
            {name: int(actions[(n := reading.numbers[name])]) + reading.first_actions[n] for name in present}
        )
        ended = {name for name in present if terminations.get(name) or truncations.get(name)}
        vanished = set(present) - ended - set(self.environment.agents) - self.gone
        if vanished:
            raise EnvironmentFault(f"agent '{min(map(str, vanished))}' vanished, neither terminated nor truncated")
        before = set(present) - self.gone
        self.gone |= ended
        glance = self.glance(observations, infos or {})
        for name in before:
            number = reading.numbers[name]
            glance.reward[number] = finite(name, rewards.get(name, 0.0))
            glance.terminated[number] = bool(terminations.get(name))
            glance.truncated[number] = bool(truncations.get(name))
        return glance

    def glance(self, observations: Mapping[Hashable, Any], infos: Mapping[Hashable, Any]) -> Glance:
        """The arrays of what was observed; the last observation of an agent that has just ended is among them."""
        reading = self.reading
        glance = blank(reading)
        for name, observation in observations.items():
            if name not in reading.numbers:
                raise EnvironmentFault(f"agent '{name}' appeared, which is not among possible_agents")
            write(reading, glance, name, observation, infos.get(name, {}))
        for name in self.environment.agents:
            glance.alive[reading.numbers[name]] = name not in self.gone
        glance.to_move[:] = glance.alive
        if reading.has_state:
            glance.state[...] = self.environment.state()
        if self.success is not None:
            glance.success[...] = self.success(infos)
        must_have_a_choice(reading, glance)
        return glance


class Drive:
    """E environments stepped in this process, each beginning its next episode by itself.

    An episode is a function of its seed and actions, which are all that `save` keeps; `restore` plays them again.
    """

    def __init__(self, ones: Sequence[One]) -> None:
        self.ones = list(ones)
        self.spec = ones[0].reading.spec
        if any(one.reading.spec != self.spec for one in ones):
            raise BadInput("the environments driven together have different agents or spaces")
        self.seeds = np.zeros(len(self.ones), np.int64)
        self.played: list[list[np.ndarray]] = [[] for _ in self.ones]
        self.shown: list[Glance] = []

    def reset(self, seeds: np.ndarray) -> Sight:
        """Begin an episode everywhere, with these seeds [E]."""
        self.shown = [self.begin(place, int(seed)) for place, seed in enumerate(seeds)]
        return sight(self.shown)

    def begin(self, place: int, seed: int) -> Glance:
        """Begin one environment's next episode."""
        self.seeds[place], self.played[place] = seed, []
        glance = self.ones[place].reset(seed)
        if not glance.alive.any():
            raise EnvironmentFault("an episode was over before anybody moved")
        return glance

    def step(self, actions: np.ndarray, seeds: np.ndarray) -> tuple[Outcome, Sight]:
        """Step all with actions [E, all]: what happened, and what is shown now, after resets with seeds from [E]."""
        after = []
        for place, one in enumerate(self.ones):
            self.played[place].append(np.array(actions[place], np.int32))
            after.append(one.step(actions[place]))
        over = np.array([not glance.alive.any() for glance in after])
        stacked = [np.stack(parts) for parts in zip(*(glance[5:] for glance in after), strict=True)]
        reward, terminated, truncated, success = stacked
        outcome = Outcome(reward, terminated, truncated, success, over, sight(after))
        if not over.any():
            self.shown = after
            return outcome, outcome.next
        self.shown = [
            self.begin(place, int(seeds[place])) if over[place] else glance for place, glance in enumerate(after)
        ]
        return outcome, sight(self.shown)

    def save(self) -> dict[str, np.ndarray]:
        """The episodes under way: their seeds, the actions since, and a checksum of what is shown."""
        none = np.zeros((0, len(self.spec.agents)), np.int32)
        return {
            "seeds": self.seeds.copy(),
            "lengths": np.array([len(played) for played in self.played], np.int32),
            "actions": np.concatenate([none, *(np.stack(played) for played in self.played if played)]),
            "checksums": np.array([checksum(glance) for glance in self.shown], np.uint32),
        }

    def restore(self, saved: Mapping[str, np.ndarray]) -> Sight:
        """Play the saved episodes again, up to where they were; refuses a world that does not repeat itself."""
        ends = np.cumsum(saved["lengths"])
        self.shown = []
        for place, one in enumerate(self.ones):
            glance = self.begin(place, int(saved["seeds"][place]))
            for actions in saved["actions"][ends[place] - saved["lengths"][place] : ends[place]]:
                self.played[place].append(np.array(actions, np.int32))
                glance = one.step(actions)
            if checksum(glance) != saved["checksums"][place]:
                raise EnvironmentFault("the environment does not repeat itself from its seed, so no run can be resumed")
            self.shown.append(glance)
        return sight(self.shown)


def sight(glances: Sequence[Glance]) -> Sight:
    """What E worlds show, stacked."""
    obs, legal = (tuple(np.stack(parts) for parts in zip(*(g[i] for g in glances), strict=True)) for i in (0, 1))
    alive, to_move, state = (np.stack([g[i] for g in glances]) for i in (2, 3, 4))
    return Sight(obs, legal, alive, to_move, state)


def checksum(glance: Glance) -> int:
    """A number that tells two glances apart."""
    total = 0
    for array in (*glance.obs, *glance.legal, glance.alive, glance.to_move, glance.state):
        total = zlib.crc32(np.ascontiguousarray(array).tobytes(), total)
    return total


def parallel(
    environments: Sequence[ParallelEnv], *, team: Sequence[int] | None = None, success: Success | None = None
) -> Drive:
    """Drive E equal ParallelEnv objects; `team` gives each agent's team number, `success` reads the infos of a step."""
    return Drive([OneParallel(environment, read(environment, team), success) for environment in environments])
