"""A clone is trusted only where it earns what the original earned."""

import random
import threading

import gymnasium
import numpy as np
import pytest
from pettingzoo import ParallelEnv

from coterie.envs import rendezvous_v0
from coterie.running.cloning import cloning

COMMON = random.Random(0)  # chance that no seed reaches


class Dice(ParallelEnv):
    """Two agents earn what a die shows; `chance` says whose die it is."""

    metadata = {"name": "dice"}  # noqa: RUF012
    possible_agents = ("a", "b")

    def __init__(self, chance="own", locked=False):
        self.chance = chance
        self.lock = threading.Lock() if locked else None  # what cannot be copied

    def observation_space(self, agent):
        return gymnasium.spaces.Discrete(2)

    def action_space(self, agent):
        return gymnasium.spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        self.draws = np.random.default_rng(seed if self.chance == "own" else None)
        self.agents = list(self.possible_agents)
        return dict.fromkeys(self.agents, 0), {agent: {} for agent in self.agents}

    def step(self, actions):
        number = COMMON.random() if self.chance == "common" else self.draws.random()
        each = {agent: number + actions[agent] for agent in self.agents}
        none = dict.fromkeys(self.agents, False)
        return dict.fromkeys(self.agents, 0), each, none, none, {agent: {} for agent in self.agents}


def actions(steps, seed=0):
    draws = np.random.default_rng(seed)
    return [{"a": int(draws.integers(2)), "b": int(draws.integers(2))} for _ in range(steps)]


def test_an_environment_with_its_own_chance_is_copied():
    found = cloning(Dice, 3, actions(10))
    assert found is not None
    assert found.way == "deepcopy"
    one, other = found.at(4), found.at(4)
    assert one is not other
    assert one.step({"a": 1, "b": 0})[1] == other.step({"a": 1, "b": 0})[1]


def test_what_cannot_be_copied_is_played_again():
    found = cloning(lambda: Dice(locked=True), 3, actions(10))
    assert found is not None
    assert found.way == "replay"
    original = Dice()
    original.reset(seed=3)
    for step in actions(10)[:7]:
        original.step(step)
    assert found.at(7).step({"a": 0, "b": 1})[1] == original.step({"a": 0, "b": 1})[1]


@pytest.mark.parametrize("chance", ["common", "unseeded"])
def test_chance_that_no_seed_reaches_is_not_trusted(chance):
    assert cloning(lambda: Dice(chance, locked=True), 3, actions(10)) is None


def test_one_common_stream_is_not_trusted_even_when_copied():
    assert cloning(lambda: Dice("common"), 3, actions(10)) is None


def test_our_own_environment_can_be_cloned():
    env = rendezvous_v0.parallel_env()
    draws = np.random.default_rng(0)
    moves = [{agent: int(draws.integers(4)) for agent in env.possible_agents} for _ in range(3)]
    found = cloning(rendezvous_v0.parallel_env, 0, moves)
    assert found is not None
    assert found.at(2).step(moves[2])[1] == dict.fromkeys(env.possible_agents, -1.0)
