"""Small worlds to be watched, whose every number is known."""

from typing import ClassVar

import numpy as np
import pettingzoo
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple


class Ladder(pettingzoo.ParallelEnv):
    """In step t agent number n earns (n + 1) * t; first ends at step 2, second's time is up at 3, third ends at 3.

    `broken` names what goes wrong at step 2.
    """

    metadata: ClassVar = {"name": "ladder", "render_modes": ["human", "rgb_array"], "render_fps": 5}
    possible_agents: ClassVar = ["first", "second", "third"]

    def __init__(self, broken="", render_mode=None):
        self.broken, self.render_mode = broken, render_mode
        self.drawn = 0

    def observation_space(self, agent):
        return Box(0, 99, (2,), np.float64)

    def action_space(self, agent):
        return {"first": Discrete(3), "second": Box(-1, 1, (1,)), "third": MultiDiscrete([2, 3])}[agent]

    def seen(self):
        return {agent: np.array([self.t, n], np.float64) for n, agent in enumerate(self.possible_agents)}

    def reset(self, seed=None, options=None):
        self.t, self.agents, self.seed, self.taken = 0, self.possible_agents[:], seed, []
        if self.broken == "no reset":
            raise OSError("no ladder")
        return self.seen(), {agent: {} for agent in self.agents}

    def step(self, actions):
        self.t += 1
        self.taken.append(actions)
        here = self.agents
        ended = {"first": self.t >= 2, "second": False, "third": self.t >= 3}
        cut = {"first": False, "second": self.t >= 3, "third": False}
        self.agents = [agent for agent in here if not (ended[agent] or cut[agent])]
        seen = self.seen()
        paid = {agent: float((n + 1) * self.t) for n, agent in enumerate(self.possible_agents) if agent in here}
        if self.t == 2:
            if self.broken == "raises":
                raise RuntimeError("a rung broke")
            if self.broken == "unpaid":
                paid["second"] = float("nan")
            if self.broken == "blind":
                seen["third"] = np.array([np.inf, 0.0])
            if self.broken == "vanishes":
                self.agents = ["third"]
        told = [{agent: of[agent] for agent in here} for of in (seen, paid, ended, cut)]
        return *told, {agent: {} for agent in here}

    def render(self):
        self.drawn += 1
        return np.full((40, 60, 3), 40 * self.t, np.uint8)

    def close(self):
        pass


class Duel(pettingzoo.AECEnv):
    """Two take turns; who moves earns 1 and the other loses 1; it is over after five turns."""

    metadata: ClassVar = {"name": "duel", "render_modes": [], "is_parallelizable": False}
    possible_agents: ClassVar = ["black", "white"]
    render_mode = None

    def observation_space(self, agent):
        return Discrete(10)

    def action_space(self, agent):
        return Discrete(4, start=3)

    def observe(self, agent):
        return np.int64(self.turn)

    def reset(self, seed=None, options=None):
        self.turn, self.agents, self.agent_selection = 0, self.possible_agents[:], "black"
        self.rewards = dict.fromkeys(self.agents, 0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0)
        self.terminations, self.truncations = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, False)
        self.infos = {agent: {"action_mask": np.array([0, 1, 1, 0], np.int8)} for agent in self.agents}

    def step(self, action):
        agent = self.agent_selection
        if self.terminations[agent]:
            self._was_dead_step(action)
            return
        assert action in (4, 5), "the mask allows no other"
        self._cumulative_rewards[agent] = 0
        self.turn += 1
        other = self.possible_agents[1 - self.possible_agents.index(agent)]
        self.rewards = {agent: 1, other: -1}
        if self.turn == 5:
            self.terminations = dict.fromkeys(self.agents, True)
            self.infos["white"]["success"] = False
            self.infos["black"]["success"] = True
        self.agent_selection = other
        self._accumulate_rewards()
        self._deads_step_first()

    def close(self):
        pass


class Crowd(pettingzoo.ParallelEnv):
    """Each step one is born; each lives three steps and earns 1 in each; after nine steps time is up for all."""

    metadata: ClassVar = {"name": "crowd"}
    render_mode = None

    def observation_space(self, agent):
        return Dict({"age": Discrete(10), "place": Tuple((Box(0, 9, (1,)), Discrete(2)))})

    def action_space(self, agent):
        return Discrete(2)

    def seen(self, agents):
        return {one: {"age": self.t - one[1], "place": (np.zeros(1, np.float32), 1)} for one in agents}

    def reset(self, seed=None, options=None):
        self.t, self.agents = 0, [("ant", 0)]
        return self.seen(self.agents), {}

    def step(self, actions):
        self.t += 1
        here = self.agents
        stay = [one for one in here if self.t < one[1] + 3]
        self.agents = [] if self.t == 9 else [*stay, ("ant", self.t)]
        seen = self.seen({*here, *self.agents})
        ended = {one: one not in stay for one in here}
        cut = dict.fromkeys(here, self.t == 9)
        return seen, dict.fromkeys(here, 1.0), ended, cut, {one: {"success": self.t == 9} for one in here}

    def close(self):
        pass


MINE = """
from watched_worlds import Crowd, Duel, Ladder


def make_ladder(broken="", render_mode=None):
    return Ladder(broken, render_mode)


def make_undrawn(broken=""):
    return Ladder(broken)


def make_duel():
    return Duel()


def make_crowd():
    return Crowd()


def climb(observation, agent):
    return {"first": 1, "second": 0.5, "third": [1, 2]}[agent]


def tires(observation):
    raise RuntimeError("too tired")


def babbles(observation, agent, info):
    return "up"


class Climber:
    def __init__(self):
        self.steps = 0

    def reset(self):
        self.steps = 0

    def act(self, agent, observation):
        self.steps += 1
        return climb(observation, agent)


class Alone:
    def __init__(self, action):
        self.action = action

    def act(self, observation):
        return self.action


def make_team():
    return Climber()


def make_agents(seed):
    return [Alone(1), Alone(0.5), Alone([1, 2])]


def make_by_name():
    return {"third": Alone([1, 2]), "first": Alone(1), "second": Alone(0.5)}
"""
