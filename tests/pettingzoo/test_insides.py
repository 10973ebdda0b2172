"""What is in an environment, as a key: every way there, clocks and echoes of the seed told apart from state."""

import enum
import random

import numpy as np
from gymnasium.spaces import Discrete

from coterie.pettingzoo.tables.insides import clocks, echoes, leaves


class Colour(enum.Enum):
    RED = 1


class Slotted:
    __slots__ = ("cell",)

    def __init__(self):
        self.cell = (1, 2)


class World:
    def __init__(self):
        self.grid = np.arange(3)
        self.agents = {"a": Slotted(), 7: [True, None]}
        self.again = self.agents
        self.colour = Colour.RED
        self.draws, self.numpy_draws = random.Random(0), np.random.default_rng(0)
        self.space = Discrete(3)
        self.rewards, self.infos = {"a": 1.0}, {"a": {}}
        self.act = lambda: 0
        self.itself = self


def test_every_way_leads_to_something_small():
    found = leaves(World())
    assert found["agents", "'a'", "cell", "1"] == 2
    assert found["agents", "7", "0"] is True
    assert found["colour",] == "Colour.RED"
    assert found["grid",] == ("<i8", (3,), np.arange(3).tobytes())
    assert found["again",] == ("agents",)  # one thing under two names
    assert found["itself",] == ()
    left_out = {"draws", "numpy_draws", "space", "rewards", "infos", "act"}
    assert not left_out & {path[0] for path in found if path}


def test_equal_worlds_have_equal_leaves_and_unlike_ones_do_not():
    one, other = World(), World()
    assert leaves(one) == leaves(other)
    other.grid[1] = 9
    assert leaves(one) != leaves(other)
    other.grid[1] = 1
    other.agents["a"].cell = (1, 3)
    assert leaves(one) != leaves(other)


def steps(*rows):
    return [{("clock",): t, ("cell",): cell, ("seed",): seed, ("phase",): t % 2} for t, cell, seed in rows]


def test_clocks_and_echoes_are_found_and_nothing_else():
    episodes = [steps((0, 0, 4), (1, 1, 4), (2, 2, 4)), steps((0, 0, 9), (1, 0, 9))]
    assert clocks(episodes) == {("clock",)}
    assert echoes(episodes, [4, 9]) == {("seed",)}
    assert echoes(episodes, [4, 4]) == frozenset()


def test_a_number_that_falls_is_a_clock_and_one_that_rests_is_none():
    falling = [[{("left",): 9 - t, ("same",): 3} for t in range(4)]] * 2
    assert clocks(falling) == {("left",)}
    assert clocks([]) == frozenset()
