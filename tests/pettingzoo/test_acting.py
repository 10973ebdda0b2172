"""Actions of any space: idle ones, and a user's own, taken or refused."""

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

from coterie.errors import BadInput
from coterie.pettingzoo.reading.acting import fitting, idle_action, idle_words

SPACES = [
    Discrete(3),
    Discrete(3, start=-1),
    Box(-1, 1, (2,)),
    Box(0.5, 1.0, (1, 2), np.float64),
    Box(0, 255, (2,), np.uint8),
    MultiDiscrete([2, 3], start=[1, 0]),
    MultiBinary(4),
    Tuple((Discrete(2), Box(-1, 1, ()))),
    Dict({"go": Discrete(2, start=5), "say": MultiDiscrete([3])}),
]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_idle_play_is_always_one_action_of_the_space(space):
    one, again = idle_action(space), idle_action(space)
    assert space.contains(one)
    assert repr(one) == repr(again)
    assert idle_words(space)


def test_idle_play_does_nothing_where_amounts_can_be_nothing():
    assert idle_action(Box(-1, 1, (2,))).tolist() == [0.0, 0.0]
    assert idle_action(Box(0.5, 1.0, (1,))).tolist() == [0.5]
    assert idle_action(Box(-3.0, -2.0, (1,))).tolist() == [-2.0]
    assert idle_words(Box(0.5, 1.0, (1,))) == "the amount that is nearest to 0"


def test_idle_play_obeys_a_mask():
    assert idle_action(Discrete(4, start=10), np.array([0, 0, 1, 1])) == 12
    assert idle_action(Discrete(4, start=10), np.zeros(4)) == 10  # nothing is legal: the world's own affair


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_what_a_space_draws_fits_it_as_it_is(space):
    space.seed(0)
    for _ in range(20):
        drawn = space.sample()
        found = fitting(drawn, space)
        assert space.contains(found)
        assert repr(found) == repr(drawn) or int(found) == int(drawn)


@pytest.mark.parametrize(
    "action, space, expected",
    [
        (np.array([2]), Discrete(3), 2),
        (0.25, Box(-1, 1, (1,)), np.array([0.25], np.float32)),
        ([1, 0], Box(-1, 1, (2,)), np.array([1.0, 0.0], np.float32)),
        ([2, 1], MultiDiscrete([2, 3], start=[1, 0]), np.array([2, 1])),
        ([True, False], MultiBinary(2), np.array([1, 0], np.int8)),
    ],
)
def test_what_is_meant_is_taken(action, space, expected):
    found = fitting(action, space)
    assert np.array_equal(found, expected)
    assert getattr(found, "dtype", None) == getattr(expected, "dtype", None)


@pytest.mark.parametrize(
    "action, space",
    [
        (3, Discrete(3)),
        (1.0, Discrete(3)),
        (None, Discrete(3)),
        ("up", Discrete(3)),
        ([0, 1], Discrete(3)),
        (1.5, Box(-1, 1, (1,))),
        (float("nan"), Box(-1, 1, (1,))),
        ([0.0, 0.0, 0.0], Box(-1, 1, (2,))),
        (True, Box(-1, 1, (1,))),
        ([300, 0], Box(0, 255, (2,), np.uint8)),
        ([0.5, 1], MultiDiscrete([2, 3])),
        ((0, 5), Tuple((Discrete(2), Discrete(2)))),
        (object(), Box(-1, 1, (1,))),
    ],
)
def test_what_is_no_action_is_refused(action, space):
    with pytest.raises(BadInput, match=r", expected an action of (Discrete|Box|MultiDiscrete|Tuple)"):
        fitting(action, space)


def test_a_forbidden_action_is_told_with_the_legal_ones():
    mask = np.array([1, 0, 1], np.int8)
    assert fitting(7, Discrete(3, start=5), mask) == 7
    with pytest.raises(BadInput, match=r"^6, which its action mask forbids; legal are 5, 7$"):
        fitting(6, Discrete(3, start=5), mask)
