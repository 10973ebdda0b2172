"""Shadowed optima: climbing, penalty, and games of several steps."""

from dataclasses import replace

import numpy as np
import pytest
from finite_games import CLIMBING, make_game, matrix_table, meeting_game, random_game
from small_stages import always, one_shot

from coterie.diagnosis.shadow import deepest_shadow, shadow
from coterie.finite.solve import uniform_policy


def penalty(k):
    return matrix_table(((10, 0, k), (0, 2, 0), (k, 0, 10)))


@pytest.mark.parametrize("game, cost", [(matrix_table(CLIMBING), 6.0), (penalty(-100), 8.0)])
def test_shadowed_optima(game, cost):
    finding = shadow(game)
    assert (finding.verdict, finding.value) == ("yes", cost)
    assert finding.flags == ("--algorithm", "distributed")


def test_no_penalty_no_shadow():
    assert (shadow(penalty(0)).verdict, shadow(penalty(0)).value) == ("no", 0.0)


def test_present_partners():
    game = matrix_table(CLIMBING)
    assert shadow(game, always(game, 0, 0)).verdict == "no"
    assert shadow(game, uniform_policy(game)).value == 6.0
    held = shadow(game, always(game, 2, 2))  # c against c: b is best on average for the first, c for the second
    assert (held.verdict, held.value) == ("yes", 5.0)


@pytest.mark.parametrize("seed", range(20))
def test_matrix_games_by_definition(seed):
    draws = np.random.default_rng(seed)
    pays = draws.integers(-20, 21, (3, 4))
    costs = []
    for table in (pays, pays.T):
        means, bests = [sum(row) / len(row) for row in table.tolist()], [max(row) for row in table.tolist()]
        chosen = max(best for mean, best in zip(means, bests, strict=True) if mean > max(means) - 1e-9)
        costs.append(max(bests) - chosen)
    finding = shadow(matrix_table(pays.tolist()))
    assert finding.value == max(costs)
    assert finding.verdict == ("yes" if max(costs) else "no")


def test_a_shadow_behind_a_first_step():
    """A harmless first step, then climbing: found at its second step."""
    ways = {(0, (a, b)): [(1.0, 1, 0.0, False, False)] for a in range(3) for b in range(3)}
    ways |= {
        (1, (a, b)): [(1.0, 1, float(CLIMBING[a][b]), True, CLIMBING[a][b] == 11)] for a in range(3) for b in range(3)
    }
    game = make_game((3, 3), ways, [((0,), (0,)), ((1,), (1,))], horizon=2)
    found = deepest_shadow(game)
    assert (found.step, found.state, found.cost) == (2, 1, 6.0)


def test_three_agents():
    """By the number of ones 5, 5, -9, 9: on average 0 earns (5 + 2 * 5 - 9) / 4, and 1 earns (5 - 2 * 9 + 9) / 4."""
    game = one_shot(lambda a, b, c: (5.0, 5.0, -9.0, 9.0)[a + b + c], (2, 2, 2))
    found = deepest_shadow(game)
    assert found.averages.tolist() == [1.5, -1.0]
    assert (shadow(game).verdict, shadow(game).value) == ("yes", 4.0)


def test_the_plain_meeting_game_casts_no_shadow():
    assert shadow(meeting_game()).verdict == "no"


def test_what_cannot_be_asked():
    assert shadow(meeting_game()._replace(horizon=0)).verdict == "cannot tell"
    assert shadow(one_shot(lambda a: float(a), (3,))).verdict == "cannot tell"


def test_rivals_have_no_common_optimum_to_miss():
    climbing = matrix_table(CLIMBING)
    apart = climbing._replace(spec=replace(climbing.spec, team=(0, 1)))
    assert shadow(apart).verdict == "yes"  # two teams that are paid alike
    paid = apart._replace(reward=apart.reward * [1.0, 2.0])
    assert shadow(paid).verdict == "cannot tell"


@pytest.mark.parametrize("seed", range(5))
def test_costs_are_never_negative(seed):
    assert deepest_shadow(random_game(seed)).cost >= 0
