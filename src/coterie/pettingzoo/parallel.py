"""PettingZoo's Parallel API as arrays: kinds by equal spaces, agents in one order, endings by their exact names.

`parallel(environments)` makes a `Drive`: E live environment objects stepped in this process, each starting its next
episode by itself. It imports no JAX, so that a worker process starts quickly.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.direct import Direct, safe, state_of
from coterie.types import Kind, Outcome, Sight, Spec
from coterie.yours import FAILURES, told

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


class Glance(NamedTuple):
    """One world after one step, arrays to be written into: obs and legal by kind [N, ...], the rest by agent [all].

    The same type with a leading axis, [E, ...], is what E worlds write into, each into its own row.
    """

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
    """One environment behind arrays; `Drive` steps E of them. Each is given a blank glance to write into."""

    reading: Reading

    def reset(self, seed: int, glance: Glance) -> None:
        """Begin an episode that is a function of this seed."""
        ...

    def step(self, actions: Sequence[int], glance: Glance) -> None:
        """One joint step with the actions of all; nothing is reset."""
        ...

    def close(self) -> None:
        """Close the environment."""
        ...


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


def dtype_of(space: Any) -> np.dtype:
    """The dtype that JAX will hold: float32 for every float, int32 for wide integers, the same for the others."""
    dtype = np.dtype(space.dtype)
    if dtype.kind == "f":
        return np.dtype(np.float32)
    return np.dtype(np.int32) if dtype.kind in "iu" and dtype.itemsize > 2 else dtype


def blank(spec: Spec, environments: int) -> Glance:
    """Glances [E, ...] in which nobody is there and nothing happened."""
    rows, everyone = (environments,), (environments, len(spec.agents))
    return Glance(
        tuple(np.zeros((*rows, len(k.agents), *k.observation_shape), k.observation_dtype) for k in spec.kinds),
        tuple(np.ones((*rows, len(kind.agents), kind.actions), bool) for kind in spec.kinds),
        np.zeros(everyone, bool),
        np.zeros(everyone, bool),
        np.zeros((*rows, *spec.state_shape), np.float32),
        np.zeros(everyone, np.float32),
        np.zeros(everyone, bool),
        np.zeros(everyone, bool),
        np.zeros(rows, bool),
    )


def clear(glance: Glance) -> None:
    """Make it blank again."""
    for array in (*glance.obs, *glance[2:]):
        array.fill(0)
    for array in glance.legal:
        array.fill(1)


def each(change: Callable[..., Any], *trees: Any) -> Any:
    """Change every array of tuples of tuples, as `jax.tree.map` does."""
    if not isinstance(trees[0], tuple):
        return change(*trees)
    parts = [each(change, *parts) for parts in zip(*trees, strict=True)]
    return type(trees[0])(*parts) if hasattr(trees[0], "_fields") else tuple(parts)


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


def without_choice(spec: Spec, glance: Glance) -> tuple[int, str] | None:
    """The first of the worlds [E], and its agent, that is to move and has no legal action."""
    for kind, legal in zip(spec.kinds, glance.legal, strict=True):
        if not legal.all():
            stuck = np.argwhere(glance.to_move[:, list(kind.agents)] & ~legal.any(-1))
            if len(stuck):
                return int(stuck[0][0]), spec.agents[kind.agents[stuck[0][1]]]
    return None


def where(environment: int, seed: int, step: int) -> str:
    """All that is needed to see a fault again, in words."""
    return f"environment {environment}, seed {seed}, step {step}"


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


class Board(NamedTuple):
    """What E driven worlds write down: the glance after the last joint step, and the one after the last reset.

    over bool[E]: the last step ended the episode, so that `begun` is what is shown, and `after` elsewhere.
    seeds int64[E] and steps int32[E] are those of the present episodes; at int32[1]: the number of the environment
    that is being stepped.
    """

    after: Glance
    begun: Glance
    over: np.ndarray
    seeds: np.ndarray
    steps: np.ndarray
    at: np.ndarray


def blank_board(spec: Spec, environments: int) -> Board:
    """A board on which nothing is written yet."""
    after, begun = blank(spec, environments), blank(spec, environments)
    seeds, steps = np.zeros(environments, np.int64), np.zeros(environments, np.int32)
    return Board(after, begun, np.zeros(environments, bool), seeds, steps, np.zeros(1, np.int32))


class Drive:
    """E environments stepped in this process, each beginning its next episode by itself.

    An episode is a function of its seed and actions, which are all that `save` keeps; `restore` plays them again.
    `first` is the number of the first environment, for messages. They are stepped as one part: halves has one slice.
    """

    def __init__(self, ones: Sequence[One], board: Board | None = None, first: int = 0) -> None:
        self.ones, self.first = list(ones), first
        self.spec = ones[0].reading.spec
        if any(one.reading.spec != self.spec for one in ones):
            raise BadInput("the environments driven together have different agents or spaces")
        self.halves = (slice(0, len(self.ones)),)
        self.board = blank_board(self.spec, len(self.ones)) if board is None else board
        self.after, self.begun = (
            [each(lambda array, place=place: array[place, ...], glance) for place in range(len(self.ones))]
            for glance in self.board[:2]
        )
        self.shown = list(self.begun)
        self.played: list[list[list[int]]] = [[] for _ in self.ones]

    def reset(self, seeds: np.ndarray) -> Sight:
        """Begin an episode everywhere, with these seeds [E]."""
        for place, seed in enumerate(seeds.tolist()):
            self.begin(place, seed)
        self.check(self.board.begun)
        return sight(self.board.begun)

    def step(self, actions: np.ndarray, seeds: np.ndarray) -> tuple[Outcome, Sight]:
        """Step all with actions [E, all]: what happened, and what is shown now, after resets with seeds from [E]."""
        self.advance(actions, seeds)
        return read_board(self.board)

    def send(self, number: int, actions: np.ndarray, seeds: np.ndarray) -> None:
        """Step part 0, which is all; see Workers."""
        self.advance(actions, seeds)

    def receive(self, number: int) -> tuple[Outcome, Sight]:
        """What the step of part 0 did, and what is shown now."""
        return read_board(self.board)

    def advance(self, actions: np.ndarray, seeds: np.ndarray) -> None:
        """Step all on the board."""
        board = self.board
        clear(board.after)
        for place, joint in enumerate(actions.tolist()):
            self.move(place, joint, self.after[place])
        self.shown[:] = self.after
        self.check(board.after)
        np.logical_not(board.after.alive.any(-1), out=board.over)
        if board.over.any():
            for place in np.flatnonzero(board.over).tolist():
                self.begin(place, int(seeds[place]))
            self.check(board.begun)

    def begin(self, place: int, seed: int) -> None:
        """Begin one environment's next episode."""
        board, glance = self.board, self.begun[place]
        board.at[0], board.seeds[place], board.steps[place] = self.first + place, seed, 0
        self.played[place] = []
        clear(glance)
        try:
            self.ones[place].reset(seed, glance)
        except FAILURES as error:
            raise self.fault(place, told_of(error)) from error
        if not glance.alive.any():
            raise self.fault(place, "an episode was over before anybody moved")
        self.shown[place] = glance

    def move(self, place: int, joint: list[int], glance: Glance) -> None:
        """One joint step of one environment, into a blank glance."""
        board = self.board
        board.at[0] = self.first + place
        self.played[place].append(joint)
        board.steps[place] = len(self.played[place])
        try:
            self.ones[place].step(joint, glance)
        except FAILURES as error:
            raise self.fault(place, told_of(error)) from error

    def check(self, glance: Glance) -> None:
        """Raises EnvironmentFault where an agent is to move and may do nothing."""
        if (stuck := without_choice(self.spec, glance)) is not None:
            raise self.fault(stuck[0], f"agent '{stuck[1]}' is to move and its action mask allows nothing")

    def fault(self, place: int, what: str) -> EnvironmentFault:
        """What is wrong with one environment, with all that is needed to see it again."""
        seed, step = self.board.seeds[place], self.board.steps[place]
        return EnvironmentFault(f"{where(self.first + place, seed, step)}: {what}")

    def save(self) -> dict[str, np.ndarray]:
        """The episodes under way: their seeds, the actions since, and a checksum of what is shown."""
        joints = [joint for played in self.played for joint in played]
        return {
            "seeds": self.board.seeds.copy(),
            "lengths": np.array([len(played) for played in self.played], np.int32),
            "actions": np.array(joints, np.int32).reshape(len(joints), len(self.spec.agents)),
            "checksums": np.array([checksum(glance) for glance in self.shown], np.uint32),
        }

    def restore(self, saved: Mapping[str, np.ndarray]) -> Sight:
        """Play the saved episodes again, up to where they were; refuses a world that does not repeat itself."""
        ends = np.cumsum(saved["lengths"])
        for place, glance in enumerate(self.begun):
            self.begin(place, int(saved["seeds"][place]))
            for joint in saved["actions"][ends[place] - saved["lengths"][place] : ends[place]].tolist():
                clear(glance)
                self.move(place, joint, glance)
            if checksum(glance) != saved["checksums"][place]:
                what = "the environment does not repeat itself from its seed, so no run can be resumed"
                raise self.fault(place, what)
        return sight(self.board.begun)

    def close(self) -> None:
        """Close the environments."""
        for one in self.ones:
            one.close()


def told_of(error: BaseException) -> str:
    """What an environment or what we found about it says."""
    return str(error) if isinstance(error, EnvironmentFault) else told(error)


def sight(glance: Glance) -> Sight:
    """What E worlds show, as arrays of its own."""
    obs, legal = tuple([seen.copy() for seen in glance.obs]), tuple([mask.copy() for mask in glance.legal])
    return Sight(obs, legal, glance.alive.copy(), glance.to_move.copy(), glance.state.copy())


def read_board(board: Board) -> tuple[Outcome, Sight]:
    """What the last joint step did, and what is shown now, as arrays of their own."""
    after, over = board.after, board.over.copy()
    following = sight(after)
    happened = after.reward.copy(), after.terminated.copy(), after.truncated.copy(), after.success.copy()
    outcome = Outcome(*happened, over, following)
    if not over.any():
        return outcome, following
    shown = sight(board.begun)
    for now, after in zip(arrays_of(shown), arrays_of(following), strict=True):
        now[~over] = after[~over]
    return outcome, shown


def arrays_of(seen: Sight) -> tuple[np.ndarray, ...]:
    """All arrays of a sight."""
    return (*seen.obs, *seen.legal, *seen[2:])


def checksum(glance: Glance) -> int:
    """A number that tells two glances apart."""
    total = 0
    for array in (*glance.obs, *glance.legal, glance.alive, glance.to_move, glance.state):
        total = zlib.crc32(np.ascontiguousarray(array).tobytes(), total)
    return total


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
