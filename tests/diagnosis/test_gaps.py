"""Gaps: the ladder of climbing, and of games in which something cannot be seen."""

from itertools import product

import numpy as np
import pytest
from finite_games import CLIMBING, make_game, matrix_table, meeting_game, random_game, random_policy
from small_stages import always, signals

from coterie.diagnosis.gaps import gaps, rungs
from coterie.finite.solve import fixed_policy, policy_value

A, B, C = range(3)
CLIMB = matrix_table(CLIMBING)


def test_climbing_at_c_c():
    found = rungs(CLIMB, always(CLIMB, C, C))
    assert (found.now, found.response, found.decentralised, found.joint) == (5.0, 6.0, 11.0, 11.0)
    finding = gaps(CLIMB, always(CLIMB, C, C))
    assert (finding.verdict, finding.value) == ("yes", 6.0)
    assert "5.00 of the missing 6.00 is selection" in finding.sentence


def test_climbing_at_b_b_is_an_equilibrium():
    found = rungs(CLIMB, always(CLIMB, B, B))
    assert (found.now, found.response, found.decentralised, found.joint) == (7.0, 7.0, 11.0, 11.0)
    finding = gaps(CLIMB, always(CLIMB, B, B))
    assert "4.00 of the missing 4.00 is selection" in finding.sentence
    assert finding.flags == ("--algorithm", "distributed")


def test_the_optimum_lacks_nothing():
    assert (gaps(CLIMB, always(CLIMB, A, A)).verdict, gaps(CLIMB, always(CLIMB, A, A)).value) == ("no", 0.0)


def test_an_agent_that_could_do_better_alone():
    game = signals(2, 1)
    finding = gaps(game, always(game, 0, 0))
    assert "0.50 of the missing 0.50 is learning: agent_0" in finding.sentence
    assert finding.flags == ("--algorithm", "hysteretic")


def unseen(horizon):
    """Two coins that nobody sees: naming both pays 1."""
    coins = list(product((0, 1), repeat=2))
    ways = {
        (place, joint): [(0.25, after, float(joint == coin), False, joint == coin) for after in range(4)]
        for place, coin in enumerate(coins)
        for joint in product((0, 1), repeat=2)
    }
    return make_game((2, 2), ways, [((0,), (0,))] * 4, horizon=horizon, starts=[(0.25, place) for place in range(4)])


def test_what_is_not_seen_cannot_be_learned():
    game = unseen(1)
    found = rungs(game, always(game, 0, 1))
    assert (found.now, found.response, found.decentralised, found.joint) == (0.25, 0.25, 0.25, 1.0)
    finding = gaps(game, always(game, 0, 1))
    assert "0.75 of the missing 0.75 is seeing" in finding.sentence
    assert finding.flags == ("--env.observation", "all")


@pytest.mark.parametrize("seed", range(6))
def test_one_decision_by_trying_every_policy(seed):
    game = random_game(seed, states=4, sizes=(2, 3), horizon=1, starts=3)
    ways = [list(product(range(size), repeat=game.observation_count)) for size in game.actions]
    best = (
        max(policy_value(game, fixed_policy(game, np.array(pair))).returns.mean() for pair in product(*ways))
        if game.observation_count <= 3
        else None
    )
    found = rungs(game, random_policy(game, seed))
    assert found.now <= found.response + 1e-9
    if best is not None:
        assert found.decentralised == pytest.approx(best)
    assert found.response <= found.decentralised + 1e-9 <= found.joint + 2e-9


@pytest.mark.parametrize("seed", range(6))
def test_rungs_never_fall(seed):
    game = random_game(seed, states=4, horizon=3)
    found = rungs(game, random_policy(game, seed))
    assert found.now <= found.response + 1e-9 <= found.joint + 2e-9
    parts = (found.response - found.now) + (found.joint - found.response)
    assert gaps(game, random_policy(game, seed)).value == pytest.approx(parts)


def test_the_meeting_game_has_a_ladder():
    game = meeting_game()
    finding = gaps(game, random_policy(game, 0))
    assert finding.verdict == "yes"
    assert finding.picture.values[-1] == 7.0
    assert gaps(game._replace(horizon=0), random_policy(game, 0)).verdict == "cannot tell"
