"""Gaps: the ladder of climbing, and of games in which something cannot be seen."""

from dataclasses import replace
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
    assert finding.flags == ()  # one decision: nothing to remember, and no option of this game shows more
    assert gaps(game._replace(name="rendezvous"), always(game, 0, 1)).flags == ("--env.observation", "all")


def test_where_several_steps_hide_something_memory_is_named():
    game = unseen(3)
    finding = gaps(game, always(game, 0, 1))
    assert "is seeing" in finding.sentence
    assert finding.flags == ("--history", "3")
    assert gaps(game, always(game, 0, 1), game).flags == ()  # these agents remember already


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


def rivals(one, other):
    """A two by two game of two teams: what the first and the second agent earn by their actions."""
    ways = {
        (0, (a, b)): [(1.0, 0, (float(one[a][b]), float(other[a][b])), True, False)] for a in (0, 1) for b in (0, 1)
    }
    game = make_game((2, 2), ways, [((0,), (0,))], horizon=1)
    return game._replace(spec=replace(game.spec, team=(0, 1)))


PRISONERS = rivals([[3, 0], [5, 1]], [[3, 5], [0, 1]])
CHICKEN = rivals([[3, 2], [5, 0]], [[3, 5], [2, 0]])
PENNIES = rivals([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])
STAG = rivals([[4, 0], [3, 3]], [[4, 3], [0, 3]])


@pytest.mark.parametrize("game, acts", [(PRISONERS, (1, 1)), (CHICKEN, (0, 1)), (STAG, (1, 1)), (STAG, (0, 0))])
def test_rivals_in_equilibrium_miss_nothing(game, acts):
    finding = gaps(game, always(game, *acts))
    assert (finding.verdict, finding.value) == ("no", 0.0)
    assert finding.sentence.startswith("Nobody alone can do better: an equilibrium")


def test_what_all_could_have_is_a_remark():
    assert (
        "Together they could earn 3.00 on average instead of 1.00" in gaps(PRISONERS, always(PRISONERS, 1, 1)).sentence
    )
    assert "Together" not in gaps(STAG, always(STAG, 0, 0)).sentence


def test_rivals_who_could_gain_alone_are_named():
    finding = gaps(PRISONERS, always(PRISONERS, 0, 1))
    assert (finding.verdict, finding.value) == ("yes", 1.0)
    assert "agent_0 1.00 (1.00 instead of 0.00)" in finding.sentence
    assert "agent_1" not in finding.sentence


def test_matching_pennies_is_in_equilibrium_where_both_draw():
    even = np.full((2, 1, 2), 0.5)
    assert gaps(PENNIES, even).verdict == "no"
    assert gaps(PENNIES, np.array([[[0.6, 0.4]], [[0.5, 0.5]]])).value == pytest.approx(0.2)


def test_one_team_that_is_paid_apart_is_asked_about_its_optimum():
    together = PRISONERS._replace(spec=replace(PRISONERS.spec, team=(0, 0)))
    finding = gaps(together, always(together, 1, 1))
    assert (finding.verdict, finding.value) == ("yes", 2.0)
