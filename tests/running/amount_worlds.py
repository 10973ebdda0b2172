"""Worlds whose actions are amounts, small enough for their books to be kept by hand; each checks what it is given."""

import os

import gymnasium
import numpy as np
import pettingzoo
from gymnasium.spaces import Box, Discrete, Tuple


class Boats(pettingzoo.ParallelEnv):
    """Two boats act in amounts of float64, the second one not bounded above; between them a pilot chooses 5, 6 or 7.

    All see [step, seed, sum of all that was done]. A boat earns its first amount and ten times its second, the pilot
    its number. An episode has 3 + seed % 4 steps; `right` ends in the second where the seed is a multiple of 3. The
    pilot may not choose 5 after an odd step. In step `life` of the first environment a process is lost, once (`place`).
    """

    made = 0

    def __init__(self, place="", life=0):
        self.metadata = {"name": "boats_v0", "render_modes": []}
        self.possible_agents = ["left", "pilot", "right"]
        self.place, self.when, self.life, self.number = place, life, 0, Boats.made
        Boats.made += 1

    def observation_space(self, agent):
        return Box(-np.inf, np.inf, (3,), np.float64)

    def action_space(self, agent):
        if agent == "pilot":
            return Discrete(3, start=5)
        return Box(np.array([-0.1, -1.0]), np.array([0.3, np.inf]), dtype=np.float64)

    def seen(self):
        return {agent: np.array([self.steps, self.seed % 97, self.total]) for agent in self.agents}

    def infos(self):
        return {"pilot": {"action_mask": np.array([self.steps % 2 == 0, True, True])}}

    def reset(self, seed=None, options=None):
        self.seed, self.steps, self.total, self.agents = seed, 0, 0.0, self.possible_agents[:]
        return self.seen(), self.infos()

    def lost(self):
        self.life += 1
        if not self.place or self.number or self.life != self.when:
            return False
        try:
            open(self.place, "x").close()
        except FileExistsError:
            return False
        return True

    def step(self, actions):
        if self.lost():
            os._exit(4)
        for agent, action in actions.items():
            assert self.action_space(agent).contains(action), (agent, action)
        self.steps += 1
        self.total += float(sum(np.sum(action) for action in actions.values()))
        rewards = {
            agent: float(action) if agent == "pilot" else float(action[0] + 10 * action[1])
            for agent, action in actions.items()
        }
        over = self.steps == 3 + self.seed % 4
        ended = {agent: agent == "right" and self.seed % 3 == 0 and self.steps == 2 for agent in self.agents}
        cut = {agent: over and not ended[agent] for agent in self.agents}
        told = self.seen()
        self.agents = [agent for agent in self.agents if not (ended[agent] or cut[agent])]
        return told, rewards, ended, cut, self.infos()


class Rafts(pettingzoo.ParallelEnv):
    """Two agents of one kind see a number in [-1, 1] and earn as much as their amount is near it; four steps.

    An aim counts as reached (the info's `success`) where both are within 0.25 in the last step.
    """

    def __init__(self, continuous=True):
        self.metadata = {"name": "rafts_v0", "render_modes": []}
        self.possible_agents = ["a", "b"]
        self.continuous = continuous

    def observation_space(self, agent):
        return Box(-1, 1, (1,), np.float32)

    def action_space(self, agent):
        return Box(-1, 1, (1,), np.float32) if self.continuous else Discrete(3)

    def reset(self, seed=None, options=None):
        self.draws, self.steps, self.agents = np.random.default_rng(seed), 0, self.possible_agents[:]
        return self.seen(), {}

    def seen(self):
        self.wanted = {agent: self.draws.uniform(-1, 1, 1).astype(np.float32) for agent in self.possible_agents}
        return {agent: self.wanted[agent] for agent in self.agents}

    def step(self, actions):
        self.steps += 1
        told = {agent: action if self.continuous else action - 1 for agent, action in actions.items()}
        away = {agent: float(np.abs(self.wanted[agent] - told[agent]).item()) for agent in self.agents}
        over = self.steps == 4
        infos = {agent: {"success": over and max(away.values()) < 0.25} for agent in self.agents}
        rewards, none, flags = {a: -d for a, d in away.items()}, dict.fromkeys(away, False), dict.fromkeys(away, over)
        seen = self.seen()
        self.agents = [] if over else self.agents
        return seen, rewards, none, flags, infos


class Barter(pettingzoo.AECEnv):
    """Two agents in turn, three turns each: who moves pays the other the sum of its amounts; then both have ended.

    The first gives two amounts in an array (1, 2) within [-1, 1], the second one without bounds. They see [turn, last].
    """

    def __init__(self):
        self.metadata = {"name": "barter_v0", "render_modes": []}
        self.possible_agents = ["first", "second"]

    def observation_space(self, agent):
        return Box(-np.inf, np.inf, (2,), np.float32)

    def action_space(self, agent):
        return Box(-1, 1, (1, 2), np.float32) if agent == "first" else Box(-np.inf, np.inf, (1,), np.float32)

    def reset(self, seed=None, options=None):
        self.agents, self.turn, self.last_given = self.possible_agents[:], 0, 0.0
        self.rewards, self._cumulative_rewards = dict.fromkeys(self.agents, 0.0), dict.fromkeys(self.agents, 0.0)
        self.terminations, self.truncations = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}
        self.agent_selection = "first"

    def observe(self, agent):
        return np.array([self.turn, self.last_given], np.float32)

    def step(self, action):
        agent = self.agent_selection
        if self.terminations[agent]:
            return self._was_dead_step(action)
        assert self.action_space(agent).contains(action), (agent, action)
        other = "second" if agent == "first" else "first"
        self._cumulative_rewards[agent] = 0.0
        self.last_given = float(np.sum(action))
        self.rewards = {agent: -self.last_given, other: self.last_given}
        self.turn += 1
        if self.turn == 6:
            self.terminations = dict.fromkeys(self.agents, True)
        self._accumulate_rewards()
        self.agent_selection = other


class Pairs(gymnasium.Env):
    """A gymnasium environment with tuples: two agents give an amount each, and earn it; three steps."""

    action_space = Tuple((Box(0.5, 2.0, (1,)), Box(-1.0, 1.0, (1,))))
    observation_space = Tuple((Box(-9, 9, (1,), np.float32),) * 2)

    def seen(self):
        return tuple(np.array([self.steps], np.float32) for _ in range(2))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self.seen(), {}

    def step(self, action):
        assert self.action_space.contains(action), action
        self.steps += 1
        return self.seen(), [float(one.item()) for one in action], False, self.steps == 3, {}


def make_boats(**options):
    return Boats(**options)


def make_rafts(**options):
    return Rafts(**options)


def make_barter():
    return Barter()


def make_pairs():
    return Pairs()


def steady(observation, agent, info):
    """A rule: the same amounts for ever."""
    return [0.25, 3]


def pushy(observation, agent, info):
    """A rule that leaves its bounds."""
    return [2.0, 0.0]
