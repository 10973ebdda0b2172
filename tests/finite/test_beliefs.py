"""Best responses by belief, where an episode may be over early."""

from itertools import product

import numpy as np
import pytest
from finite_games import make_game

from coterie.finite.beliefs import best_response_value


def test_a_game_that_surely_ends_before_its_time_limit_leaves_no_belief():
    """At the second of four steps the partner ends it, whatever chance says: the third level is empty."""
    ways = {}
    for joint in product((0, 1), (0, 1)):
        ways[0, joint] = [(0.5, 1, 0.0, False, False), (0.5, 2, 0.0, False, False)]
        for state in (1, 2):
            ways[state, joint] = [(1.0, 3, float(joint[0] == state - 1), joint[1] == 1, False)]
        ways[3, joint] = [(1.0, 3, 0.0, True, False)]
    game = make_game((2, 2), ways, [((0,), (0,)), ((1,), (1,)), ((2,), (2,)), ((3,), (3,))], horizon=4)
    policy = np.zeros((2, game.observation_count, 2))
    policy[0], policy[1, :, 1] = 0.5, 1.0
    assert best_response_value(game, policy, 0) == pytest.approx(1.0)
