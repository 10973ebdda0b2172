"""Identities: agents in each other's places, exact and sampled."""

from itertools import product

import numpy as np
import pytest
from finite_games import by_policy, make_game, meeting_game, random_game, random_policy, value_by_recursion
from small_stages import acted, always, one_shot, staged

from coterie.diagnosis.identities import identities

LEFT, RIGHT = 0, 1


def corridor(length=5):
    """Two agents at the ends of a corridor want to be at the other end; each sees its own cell, and they can pass."""
    cells = list(product(range(length), repeat=2))
    number = {pair: place for place, pair in enumerate(cells)}
    ways = {}
    for pair, (a, b) in product(cells, product((LEFT, RIGHT), repeat=2)):
        after = tuple(
            min(max(cell + (1, -1)[act == LEFT], 0), length - 1) for cell, act in zip(pair, (a, b), strict=True)
        )
        there = after == (length - 1, 0)
        ways[number[pair], (a, b)] = [(1.0, number[after], 10.0 if there else -1.0, there, there)]
    seen = [((one,), (other,)) for one, other in cells]
    return make_game((2, 2), ways, seen, horizon=10, starts=[(1.0, number[0, length - 1])])


def test_agents_of_a_corridor_in_each_others_places():
    game = corridor()
    finding = identities(staged(game, always(game, LEFT, RIGHT)))
    assert (finding.verdict, finding.value) == ("yes", 17.0)  # 10 steps for -1, against three and then 10
    assert "agent_1 and agent_0 in each other's places the team earns 7.00 instead of -10.00" in finding.sentence
    right = identities(staged(game, always(game, RIGHT, LEFT)))
    assert (right.verdict, right.value) == ("no", -17.0)


@pytest.mark.parametrize("seed", range(5))
def test_sampled_corridors(seed):
    game = corridor()
    wrong, right = 0.8 * always(game, LEFT, RIGHT) + 0.1, 0.8 * always(game, RIGHT, LEFT) + 0.1
    finding = identities(acted(game, wrong, seed=seed))
    assert finding.verdict == "yes"
    assert finding.p < 0.05
    assert finding.interval[0] > 0
    fine = identities(acted(game, right, seed=seed))
    assert (fine.verdict, fine.p) == ("no", None)  # that swaps cost much is no fault that was tested
    assert identities(acted(game, wrong, episodes=4, seed=seed)).verdict == "cannot tell"


def test_three_agents_one_of_them_well_placed():
    game = one_shot(lambda a, b, c: float((a, b, c) == (0, 1, 2)), (3, 3, 3))
    finding = identities(staged(game, always(game, 0, 2, 1)))
    assert (finding.verdict, finding.value) == ("yes", 1.0)
    assert "agent_1 and agent_2" in finding.sentence.replace("agent_2 and agent_1", "agent_1 and agent_2")


def test_unlike_agents_do_not_swap():
    game = one_shot(lambda a, b: float(a == b), (2, 3))
    assert identities(staged(game, always(game, 0, 1))).verdict == "cannot tell"


def test_equal_agents_lose_and_gain_nothing():
    game = meeting_game()
    one = random_policy(game, 3)[:1]
    finding = identities(staged(game, np.concatenate([one, one])))
    assert finding.verdict == "no"
    assert finding.value == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_gain_by_recursion(seed):
    game = random_game(seed)
    policy = random_policy(game, seed)
    values = [value_by_recursion(game, by_policy(game, one), game.horizon)[0].mean() for one in (policy, policy[::-1])]
    assert identities(staged(game, policy)).value == pytest.approx(values[1] - values[0])
