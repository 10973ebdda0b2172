"""The rungs between a policy and the joint optimum: by hand, in order, and honest about what is not known."""

from itertools import pairwise

import numpy as np
import pytest
from dec_pomdps import recycling
from finite_games import CLIMBING, matrix_table, meeting_game, random_game, random_policy, tiger

from coterie.finite.beliefs import best_response_value
from coterie.finite.decentralised import decentralised_optimum
from coterie.finite.histories import remember
from coterie.finite.ladder import gap_ladder
from coterie.finite.solve import fixed_policy, optimum, uniform_policy


def always(game, *actions):
    return fixed_policy(game, np.array(actions)[:, None])


@pytest.mark.parametrize(
    ("actions", "value", "rungs"),
    [((2, 2), 5, (1, 5, 0)), ((1, 1), 7, (0, 4, 0)), ((0, 0), 11, (0, 0, 0)), ((0, 1), -30, (41, 0, 0))],
)
def test_climbing_by_hand(actions, value, rungs):
    """At (a, b) the second agent alone reaches the optimum; at (b, b) nobody gains alone."""
    game = matrix_table(CLIMBING)
    found = gap_ladder(game, always(game, *actions))
    assert (found.value, found.rungs, found.reasons, found.is_bound) == (value, rungs, (), False)


def test_who_responds():
    game = matrix_table(CLIMBING)
    assert gap_ladder(game, always(game, 0, 1)).responder == 1  # 11 by the second, 7 by the first
    assert gap_ladder(game, always(game, 1, 0)).responder == 0


def test_selfish_agents_are_judged_by_what_they_do_for_the_team():
    """In the prisoner's dilemma defecting together pays 1 each, cooperating alone 2.5 in the mean."""
    from finite_games import make_game

    pays = {(0, 0): (3, 3), (0, 1): (0, 5), (1, 0): (5, 0), (1, 1): (1, 1)}
    game = make_game(
        (2, 2), {(0, joint): [(1.0, 0, pays[joint], True, False)] for joint in pays}, [((0,), (0,))], horizon=1
    )
    assert gap_ladder(game, always(game, 1, 1)).rungs == (1.5, 0.5, 0.0)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_the_values_are_in_order(seed, horizon):
    game = random_game(seed, horizon=horizon, branches=2)
    found = gap_ladder(game, random_policy(game, seed))
    values = (found.value, found.best_response, found.decentralised, found.joint)
    assert all(low <= high + 1e-9 for low, high in pairwise(values))
    assert sum(found.rungs) == pytest.approx(found.joint - found.value)


def test_the_tiger():
    """Both listen for ever: -2 a step.

    One alone opens after two equal sounds (chance .85^2 + .15^2 = .745, then right with .7225 / .745): -2 - 2 + .7225 *
    9 - .0225 * 101 - .255 * 2 = -.28. Together 5.19 is possible, and 60 to one who sees the tiger.
    """
    game = tiger(3)
    found = gap_ladder(game, always(game, 0, 0))
    assert found.value == pytest.approx(-6.0)
    assert found.best_response == pytest.approx(-0.28)
    assert found.decentralised == pytest.approx(5.1908125)
    assert found.joint == pytest.approx(60.0)


def test_a_remembering_game_has_the_ladder_of_the_plain_one():
    game = recycling(3)
    remembering = remember(game, 3)
    one = gap_ladder(game, uniform_policy(game))
    other = gap_ladder(remembering, uniform_policy(remembering), plain=game)
    assert other[:2] == pytest.approx(one[:2])
    assert other[3:6] == pytest.approx(one[3:6])


def test_certain_games_are_exact_however_long():
    """One goes right and one left, along the first and the last row, for ever: going down instead meets in 4 steps."""
    game = meeting_game()
    found = gap_ladder(game, always(game, 0, 1))
    assert found[:2] == (-20.0, 7.0)
    assert found.rungs == (27.0, 0.0, 0.0)
    assert (found.is_bound, found.reasons) == (False, ())


def test_what_is_too_large_is_a_bound_or_missing_with_its_reason():
    game = meeting_game(3, horizon=6, random_starts=True)
    found = gap_ladder(game, uniform_policy(game))
    assert found.decentralised is None
    assert found.rungs[1:] == (None, None)
    assert "the decentralised optimum is not known: step 1 has" in found.reasons[-1]
    if found.is_bound:
        assert "sees the whole state" in found.reasons[0]
    assert found.value <= found.best_response <= found.joint


def test_a_bound_never_passes_the_decentralised_optimum(monkeypatch):
    from coterie.finite import ladder

    def too_many(*given):
        raise ValueError("too many beliefs")

    monkeypatch.setattr(ladder, "best_response_value", too_many)
    game = tiger(3)
    found = gap_ladder(game, always(game, 0, 0))
    assert found.is_bound
    assert found.reasons == ("the best response is a bound, by an agent that sees the whole state: too many beliefs",)
    assert found.best_response == found.decentralised == decentralised_optimum(game).value
    assert best_response_value(game, always(game, 0, 0), 0) < found.best_response < optimum(game).value


def test_a_game_without_a_limit_is_refused():
    game = tiger(2)._replace(horizon=0)
    with pytest.raises(ValueError, match="give it a horizon"):
        gap_ladder(game, uniform_policy(game))
