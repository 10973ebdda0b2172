"""PettingZoo environments of a reader's own, small enough for a table, each with one thing that makes tables hard."""

from __future__ import annotations

import random
from typing import ClassVar

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.utils import EzPickle
from pettingzoo import AECEnv, ParallelEnv

MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0))
COMMON = {"pressed": 0}


class Corridor(ParallelEnv):
    """Two agents in a corridor of cells; both earn 1 when they meet, and -0.5 a step before; 10 steps at most.

    Subclasses change what makes it hard.
    """

    metadata: ClassVar = {"name": "corridor_v0"}
    limit = 10

    def __init__(self, length: int = 5):
        self.length = length
        self.possible_agents = ["left", "right"]
        self.render_mode = None
        self.sees, self.does = Box(0, length, (1,), np.int32), Discrete(2)

    def observation_space(self, agent):
        return self.sees

    def action_space(self, agent):
        return self.does

    def reset(self, seed=None, options=None):
        self.agents = self.possible_agents[:]
        self.random = np.random.default_rng(seed)
        self.cells = self.start()
        self.steps = 0
        return self.seen(), {agent: {} for agent in self.agents}

    def start(self):
        return [0, self.length - 1]

    def seen(self):
        return {agent: np.array([cell], np.int32) for agent, cell in zip(self.agents, self.cells, strict=True)}

    def moved(self, cell, action):
        return min(max(cell + (1 if action else -1), 0), self.length - 1)

    def pays(self, met):
        return dict.fromkeys(self.agents, 1.0 if met else -0.5)

    def step(self, actions):
        self.cells = [self.moved(cell, actions[agent]) for agent, cell in zip(self.agents, self.cells, strict=True)]
        self.steps += 1
        met = self.cells[0] == self.cells[1]
        told = (
            self.seen(),
            self.pays(met),
            dict.fromkeys(self.agents, met),
            dict.fromkeys(self.agents, self.cut()),
            {agent: {} for agent in self.agents},
        )
        if met or self.cut():
            self.agents = []
        return told

    def cut(self):
        return self.steps >= self.limit


class Blindfolded(Corridor):
    """Agents see nothing, so that only the attributes tell states apart; nothing is reset but what must be."""

    episodes_ever = 0

    def reset(self, seed=None, options=None):
        self.seed_given = seed
        self.episodes_ever += 1
        return super().reset(seed, options)

    def seen(self):
        return {agent: np.zeros(1, np.int32) for agent in self.agents}


class Tired(Blindfolded):
    """After four steps nobody gets anywhere any more: the clock is a part of the state."""

    def moved(self, cell, action):
        return super().moved(cell, action) if self.steps < 4 else cell


class Slippery(Corridor):
    """One move in ten goes nowhere."""

    def moved(self, cell, action):
        return cell if self.random.random() < 0.1 else super().moved(cell, action)


class Lottery(Corridor):
    """The cell of the first agent is drawn: 0 twice as often as 1."""

    def start(self):
        return [int(self.random.integers(3) == 0), self.length - 1]


class Deck(Corridor):
    """No episode begins like another: the state holds a number that is drawn."""

    def start(self):
        self.card = self.random.random()
        return super().start()

    def state(self):
        return np.array([self.card, *self.cells])


class HiddenDoor(Corridor):
    """Drawn at the reset, and seen by nobody: whether moving right in the last cell ends the game."""

    def start(self):
        self.open = bool(self.random.integers(2))
        return super().start()

    def step(self, actions):
        through = self.open and self.cells[1] == self.length - 1 and actions["right"] == 1
        told = super().step(actions)
        if through and self.agents:
            self.agents = []
            return (told[0], dict.fromkeys(told[1], 5.0), dict.fromkeys(told[2], True), *told[3:])
        return told


class Unseeded(Corridor):
    """Draws from Python's common generator, which no reset begins anew."""

    def start(self):
        return [random.randrange(2), self.length - 1]


class SharedState(Corridor):
    """Keeps where the agents are outside itself, so that copies disturb each other."""

    @property
    def cells(self):
        return COMMON["cells"]

    @cells.setter
    def cells(self, cells):
        COMMON["cells"] = cells


class Pickled(Corridor, EzPickle):
    """Comes out of a copy as if it had just been made, as most of PettingZoo's own environments do."""

    def __init__(self, length: int = 5):
        EzPickle.__init__(self, length)
        Corridor.__init__(self, length)


class Impatient(Corridor):
    """Truncates where an agent runs into the wall, which is no time limit."""

    def cut(self):
        return self.cells[0] == 0 and self.steps > 1


class Endless(Corridor):
    """Has no time limit."""

    def cut(self):
        return False


class Mortal(Corridor):
    """The first agent dies before the other."""

    def step(self, actions):
        seen, rewards, terminations, truncations, infos = super().step(actions)
        if self.steps == 2 and self.agents:
            terminations["left"] = True
            self.agents = ["right"]
            self.cells = self.cells[1:]
        return seen, rewards, terminations, truncations, infos


class Told(Corridor):
    """The infos say what a success is: to meet in the middle."""

    def step(self, actions):
        told = super().step(actions)
        middle = self.cells[0] == self.cells[1] == self.length // 2
        for info in told[4].values():
            info["in_the_middle"] = middle
        return told


class Pits(Corridor):
    """The cell 3 is a pit, which ends the game for less than meeting does."""

    def pays(self, met):
        return dict.fromkeys(self.agents, 10.0 if met and self.cells[0] != 3 else -10.0 if met else -1.0)


class Rivals(Corridor):
    """The first wants to meet, the other one not."""

    def pays(self, met):
        return {"left": 1.0 if met else 0.0, "right": -1.0 if met else 0.0}


class Wordy(Corridor):
    """Sees a dictionary, and calls its actions 1 and 2."""

    def __init__(self, length: int = 5):
        super().__init__(length)
        self.sees = Dict({"cell": Discrete(length), "light": Box(0, 1, (2,), np.float64)})
        self.does = Discrete(2, start=1)

    def seen(self):
        return {
            agent: {"cell": cell, "light": np.array([0.1, cell / 10])}
            for agent, cell in zip(self.agents, self.cells, strict=True)
        }

    def moved(self, cell, action):
        assert action in (1, 2)
        return super().moved(cell, action - 1)


class Sticks(AECEnv):
    """A heap from which agents take one or two in turn; whoever takes the last wins 1, the other loses 1.

    On the way each stick pays its taker a tenth, which it is told at its next turn only. `limit`: turns until all are
    cut off. Whoever waits is not told anything.
    """

    metadata: ClassVar = {"name": "sticks_v0", "is_parallelizable": False}

    def __init__(self, heap: int = 5, pays: float = 0.0, limit: int = 0, masks: bool = True):
        self.heap, self.each, self.limit, self.masks = heap, pays, limit, masks
        self.possible_agents = ["anna", "bert"]
        self.render_mode = None
        seen = Box(0, heap, (1,), np.int32)
        self.sees = Dict({"observation": seen, "action_mask": Box(0, 1, (2,), np.int8)}) if masks else seen
        self.does = Discrete(2)

    def observation_space(self, agent):
        return self.sees

    def action_space(self, agent):
        return self.does

    def observe(self, agent):
        seen = np.array([self.left], np.int32)
        mine = agent == self.agent_selection
        mask = np.array([mine and self.left > 0, mine and self.left > 1], np.int8)
        return {"observation": seen, "action_mask": mask} if self.masks else seen

    def reset(self, seed=None, options=None):
        self.agents = self.possible_agents[:]
        self.left, self.turns = self.heap, 0
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}
        self.agent_selection = self.agents[0]

    def step(self, action):
        who = self.agent_selection
        if self.terminations[who] or self.truncations[who]:
            self._was_dead_step(action)
            return
        other = self.possible_agents[1 - self.possible_agents.index(who)]
        self._cumulative_rewards[who] = 0.0
        taken = min(action + 1, self.left)
        self.left -= taken
        self.turns += 1
        self.rewards = {who: self.each * taken, other: 0.0}
        if self.left == 0:
            self.rewards = {who: self.rewards[who] + 1.0, other: -1.0}
            self.terminations = dict.fromkeys(self.agents, True)
        elif self.turns == self.limit:
            self.truncations = dict.fromkeys(self.agents, True)
        self.agent_selection = other
        self._accumulate_rewards()
