"""Small environments, one for each thing that makes others' agents hard to handle; all are functions of a seed."""

import gymnasium
import numpy as np
import pettingzoo
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple


class Small(pettingzoo.ParallelEnv):
    """Two agents that see their own number, the step and what was done last; episodes end after four steps."""

    length = 4

    def __init__(self):
        self.metadata = {"name": type(self).__name__}
        self.possible_agents = ["a", "b"]

    def observation_space(self, agent):
        return Box(-50, 50, (3,), np.float32)

    def action_space(self, agent):
        return Discrete(3)

    def reset(self, seed=None, options=None):
        self.draws = np.random.default_rng(seed)
        self.agents, self.step_number, self.last = self.first_agents(), 0, {}
        return {agent: self.sight(agent) for agent in self.agents}, {agent: self.info(agent) for agent in self.agents}

    def first_agents(self):
        return self.possible_agents[:]

    def sight(self, agent):
        place = self.possible_agents.index(agent)
        return np.array([place, self.step_number, self.last.get(agent, -1)], np.float32)

    def info(self, agent):
        return {}

    def reward(self, agent, actions):
        return float(actions[agent]) + self.step_number

    def ending(self, agent):
        over = self.step_number >= self.length
        return over, False

    def newcomers(self):
        return []

    def step(self, actions):
        self.step_number += 1
        self.last = dict(actions)
        present = list(self.agents)
        rewards = {agent: self.reward(agent, actions) for agent in present}
        endings = {agent: self.ending(agent) for agent in present}
        self.agents = [agent for agent in present if not any(endings[agent])] + self.newcomers()
        shown = [*present, *(agent for agent in self.agents if agent not in present)]
        return (
            {agent: self.sight(agent) for agent in shown},
            rewards,
            {agent: ended for agent, (ended, _) in endings.items()},
            {agent: cut for agent, (_, cut) in endings.items()},
            {agent: self.info(agent) for agent in shown},
        )

    def close(self):
        pass


class Births(Small):
    """One agent at first; after the first and the third step another is born, under a name that nobody lists.

    Each lives for three steps; the episode ends when nobody is left.
    """

    def __init__(self):
        super().__init__()
        del self.possible_agents

    def first_agents(self):
        self.born = {"cell-0": 0}
        return ["cell-0"]

    def sight(self, agent):
        return np.array([int(agent.split("-")[1]), self.step_number, self.born[agent]], np.float32)

    def ending(self, agent):
        return self.step_number - self.born[agent] >= 3, False

    def newcomers(self):
        if self.step_number not in (1, 3):
            return []
        name = f"cell-{len(self.born)}"
        self.born[name] = self.step_number
        return [name]


class Deaths(Small):
    """The first agent dies after two steps; the second goes on to the end."""

    def ending(self, agent):
        return (self.step_number >= (2 if agent == "a" else self.length)), False


class MixedEndings(Small):
    """At the end the first agent has truly ended and the second is cut off."""

    def ending(self, agent):
        over = self.step_number >= self.length
        return over and agent == "a", over and agent == "b"


class MaskInInfo(Small):
    """Which actions are legal stands in the infos: action k is illegal at steps k, k + 3, …"""

    def info(self, agent):
        mask = np.ones(3, np.int8)
        mask[self.step_number % 3] = 0
        return {"action_mask": mask}


class Unlike(Small):
    """Two kinds: other sights and other numbers of actions."""

    def observation_space(self, agent):
        return Box(-50, 50, (3 if agent == "a" else 2,), np.float32)

    def action_space(self, agent):
        return Discrete(3 if agent == "a" else 2)

    def sight(self, agent):
        return super().sight(agent)[: 3 if agent == "a" else 2]


class Doubles(Small):
    """Observations and rewards in float64, with digits that float32 has not."""

    def observation_space(self, agent):
        return Box(-50, 50, (3,), np.float64)

    def sight(self, agent):
        return super().sight(agent).astype(np.float64) + 1 / 3


class TupleNames(Small):
    """Agents are called by tuples."""

    def __init__(self):
        super().__init__()
        self.possible_agents = [("team", 0), ("team", 1)]


class ImageState(Small):
    """Agents see small pictures, and the central state is a larger one."""

    def observation_space(self, agent):
        return Box(0, 255, (5, 4, 3), np.uint8)

    def sight(self, agent):
        return np.full((5, 4, 3), 10 * self.step_number + self.possible_agents.index(agent), np.uint8)

    def state(self):
        return np.full((6, 7, 3), self.step_number, np.uint8)


class Parts(Small):
    """Observations of several parts with a mask beside them, actions of several choices or that do not begin with 0."""

    def observation_space(self, agent):
        inner = Dict({"where": Box(-9, 9, (2,), np.float32), "what": Discrete(4, start=1), "bits": MultiBinary(2)})
        both = Tuple((inner, Discrete(2)))
        return Dict({"observation": both, "action_mask": Box(0, 1, (6 if agent == "a" else 3,), np.int8)})

    def action_space(self, agent):
        return MultiDiscrete([3, 2]) if agent == "a" else Discrete(3, start=5)

    def sight(self, agent):
        where = np.array([self.step_number, -1], np.float32)
        inner = {"where": where, "what": 1 + self.step_number % 4, "bits": np.array([1, self.step_number % 2], np.int8)}
        mask = np.ones(6 if agent == "a" else 3, np.int8)
        mask[0] = self.step_number % 2
        return {"observation": (inner, self.possible_agents.index(agent)), "action_mask": mask}

    def reward(self, agent, actions):
        given = actions[agent]
        if agent == "a":
            assert given.shape == (2,)
            return float(10 * given[0] + given[1])
        assert 5 <= given <= 7
        return float(given)


def played_parts(team):
    """The actions of one greedy episode of Parts, by number, as its team takes them when it is asked."""
    env, told = Parts(), []
    observations, infos = env.reset(seed=0)
    while env.agents:
        actions = team.act_all(observations, infos)
        told.append([int(2 * actions["a"][0] + actions["a"][1]), actions["b"] - 5])
        observations, *_, infos = env.step(actions)
    return told


class InTuples(gymnasium.Env):
    """A gymnasium environment of two agents, observations and actions in tuples, rewards in a list."""

    def __init__(self):
        self.action_space = Tuple((Discrete(3), Discrete(3)))
        self.observation_space = Tuple((Box(-9, 9, (2,), np.float32),) * 2)

    def sights(self):
        return tuple(np.array([place, self.step_number], np.float32) for place in range(2))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.step_number = 0
        return self.sights(), {}

    def step(self, action):
        self.step_number += 1
        rewards = [float(choice) for choice in action]
        return self.sights(), rewards, False, self.step_number >= 4, {"both_two": all(one == 2 for one in action)}


class OneByOne(InTuples):
    """Endings and infos are lists: the first agent ends after two steps, the second is cut off after four."""

    def __init__(self):
        super().__init__()
        self.action_space = Tuple((Discrete(3, start=1), Discrete(3)))

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0], [{"action_mask": [1, 1, 0]}, {}]

    def step(self, action):
        sights, rewards, *_ = super().step(action)
        assert self.step_number <= 2 or action[0] == 1  # its first action
        infos = [{"action_mask": [1, 1, 0]}, {"reached": action[1] == 2}]
        return sights, rewards, [self.step_number >= 2, False], np.array([False, self.step_number >= 4]), infos


class InTurns(pettingzoo.AECEnv):
    """Two agents in turn; masks stand beside observations; who first has taken 2 twice wins what the other loses."""

    def __init__(self):
        self.metadata = {"name": "in_turns"}
        self.possible_agents = ["first", "second"]

    def observation_space(self, agent):
        return Dict({"observation": Box(0, 20, (3,), np.int8), "action_mask": Box(0, 1, (3,), np.int8)})

    def action_space(self, agent):
        return Discrete(3)

    def reset(self, seed=None, options=None):
        self.draws = np.random.default_rng(seed)
        self.agents = self.possible_agents[:]
        self.made, self.twos = 0, dict.fromkeys(self.agents, 0)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}
        self.agent_selection = "first"

    def observe(self, agent):
        mask = np.ones(3, np.int8)
        mask[self.made % 2] = 0
        seen = np.array([self.possible_agents.index(agent), self.made, self.twos[agent]], np.int8)
        return {"observation": seen, "action_mask": mask}

    def step(self, action):
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        other = self.possible_agents[1 - self.possible_agents.index(agent)]
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        self.made += 1
        self.twos[agent] += action == 2
        if self.twos[agent] == 2:
            self.rewards = {agent: 1.0, other: -1.0}
            self.terminations = dict.fromkeys(self.agents, True)
        elif self.made >= 12:
            self.truncations = dict.fromkeys(self.agents, True)
        self._accumulate_rewards()
        self.agent_selection = other


def make_births():
    return Births()


def make_deaths():
    return Deaths()


def make_mixed_endings():
    return MixedEndings()


def make_mask_in_info():
    return MaskInInfo()


def make_unlike():
    return Unlike()


def make_doubles():
    return Doubles()


def make_tuple_names():
    return TupleNames()


def make_image_state():
    return ImageState()


def make_parts():
    return Parts()


def make_in_tuples():
    return InTuples()


def make_one_by_one():
    return OneByOne()


def make_in_turns():
    return InTurns()
