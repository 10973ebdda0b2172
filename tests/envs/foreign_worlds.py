"""Tiny environments with the interfaces of JaxMARL and Jumanji, whose every number can be computed by hand."""

from types import SimpleNamespace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np


class Lamp(NamedTuple):
    step: Any
    walked: Any  # int32[3]: how often each agent took action 1
    gone: Any  # bool[]: the scout has died


class Discrete:
    def __init__(self, n):
        self.n = n


class Box:
    low, high = 0.0, 1.0


class LampBase:
    """As in JaxMARL: the base class cannot say what is allowed."""

    def get_avail_actions(self, state):
        raise NotImplementedError


LampBase.__module__ = LampBase.get_avail_actions.__module__ = "somewhere.multi_agent_env"


class LampWorld(LampBase):
    """A scout and two guards. Each earns its action; the scout dies of action 1, both guards at 2 end the world.

    A guard sees (walked by itself, steps so far) and has three actions, the scout sees only what it walked, of two.
    """

    def __init__(self, limit=5, checks_late=False, clock="int32", kind="Discrete", **more):
        self.agents = ["guard_0", "scout", "guard_1"]
        self.limit, self.checks_late, self.clock, self.kind = limit, checks_late, clock, kind

    def action_space(self, agent):
        return Box() if self.kind != "Discrete" else Discrete(2 if agent == "scout" else 3)

    def seen(self, state):
        time = jnp.asarray(state.step, jnp.float32)
        guards = {f"guard_{i}": jnp.stack([state.walked[2 * i].astype(jnp.float32), time]) for i in range(2)}
        return {"scout": state.walked[1:2].astype(jnp.float32), **guards}

    def reset(self, key):
        state = Lamp(jnp.zeros((), self.clock), jnp.zeros(3, jnp.int32), jnp.zeros((), bool))
        return self.seen(state), state

    def step(self, key, state, actions):
        raise AssertionError("this one resets by itself")

    def step_env(self, key, state, actions):
        joint = jnp.stack([actions[agent] for agent in self.agents])
        gone = state.gone | (joint[1] == 1)
        after = Lamp(state.step + 1, state.walked + (joint == 1), gone)
        late = (state.step if self.checks_late else after.step) >= self.limit
        over = late | ((joint[0] == 2) & (joint[2] == 2))
        rewards = {agent: joint[place].astype(jnp.float32) for place, agent in enumerate(self.agents)}
        ends = {"guard_0": over, "scout": over | gone, "guard_1": over, "__all__": over}
        return self.seen(after), after, {**rewards, "__all__": rewards["scout"]}, ends, {"lit": joint[0] == 2}


class MaskedLampWorld(LampWorld):
    """Guards may take action 2 only after the first step; it has a world state of its own."""

    def get_avail_actions(self, state):
        guard = jnp.stack([jnp.bool_(True), jnp.bool_(True), state.step > 0])
        return {"guard_0": guard, "guard_1": guard, "scout": jnp.ones(2, bool)}

    def get_world_state(self, state):
        return jnp.stack([state.step, state.walked.sum()])


class Grove(NamedTuple):
    turn: Any
    grid: Any  # int32[3, 3]
    key: Any


class Observation(NamedTuple):
    grid: Any
    place: Any
    action_mask: Any
    step_count: Any


class TimeStep(NamedTuple):
    step_type: Any
    reward: Any
    discount: Any
    observation: Any
    extras: Any


class Part:
    def __init__(self, minimum, maximum, dtype):
        self.minimum, self.maximum, self.dtype = minimum, maximum, dtype


class SpecOf(dict):
    """The parts of an observation, and an example of it."""

    def __init__(self, example, **parts):
        super().__init__(parts)
        self.example = example

    def generate_value(self):
        return self.example


class GroveGenerator:
    def __init__(self, num_agents, first=4):
        self.num_agents, self._first = num_agents, first


class GroveWorld:
    """Agents on a board of 3 x 3; action 1 adds to one's own cell of the first row, 2 is forbidden in the first step.

    All earn together what was added. The world ends when the board's sum is 20 or more; at turn `limit` time is up,
    which is called an ending where it is not `honest`.
    """

    def __init__(self, generator=None, limit=6, honest=True, shared=True):
        self._generator = generator or GroveGenerator(3)
        self.num_agents, self.limit, self.honest, self.shared = self._generator.num_agents, limit, honest, shared
        self.action_spec = SimpleNamespace(num_values=np.full(self.num_agents, 3))
        example = self.look(self.begin(jnp.zeros(2, jnp.uint32)))
        self.observation_spec = SpecOf(example, grid=Part(0, 9, jnp.int32), place=Part(0, 9, jnp.int32))

    def begin(self, key):
        return Grove(jnp.int32(0), jnp.zeros((3, 3), jnp.int32).at[2, 2].set(self._generator._first), key)

    def look(self, state):
        mask = jnp.ones((self.num_agents, 3), bool).at[:, 2].set(state.turn > 0)
        place = jnp.arange(self.num_agents * 2).reshape(self.num_agents, 2)
        return Observation(state.grid, place, mask, state.turn)

    def reset(self, key):
        state = self.begin(key)
        return state, TimeStep(jnp.int8(0), jnp.zeros(()), jnp.ones(()), self.look(state), {"added": jnp.int32(0)})

    def step(self, state, action):
        added = (action == 1).astype(jnp.int32)
        turn, grid = state.turn + 1, state.grid.at[0, : self.num_agents].add(added)
        ends, late = grid.sum() >= 20, turn >= self.limit
        discount = 1.0 - (ends | late if not self.honest else ends)
        after = Grove(turn, grid, state.key)
        reward = added.sum().astype(jnp.float32) if self.shared else added.astype(jnp.float32)
        kind = jnp.where(ends | late, 2, 1).astype(jnp.int8)
        return after, TimeStep(kind, reward, discount, self.look(after), {"added": added.sum()})
