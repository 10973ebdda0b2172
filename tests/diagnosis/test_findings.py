"""Accounting and stability: every branch, and every sentence as it is read."""

import numpy as np
import pytest
from finite_games import CLIMBING, matrix_table, meeting_game

from coterie.diagnosis.accounting import accounting
from coterie.diagnosis.stability import stability_finding
from coterie.running.evaluate import Baselines, Stability, baselines, stability
from coterie.tabular.engine import Progress

FLOORS = Baselines(7.0, np.array([7.0]), "undiscounted", random=-15.84, idle=-20.0, idle_action="R")


def account(better, teams, never=0):
    """Of so many teams, how many earn more than random play, and how many never succeeded."""
    returns = np.full(teams, -20.0)
    returns[:better] = 7.0
    successes = np.ones(teams)
    successes[:never] = 0
    return accounting(returns, FLOORS, successes, 1_000)


def test_teams_that_beat_the_floors_are_fine():
    finding = account(92, 100)
    assert (finding.name, finding.verdict, finding.value, finding.remedy) == ("accounting", "no", 0.92, "")
    assert finding.sentence == "92 of 100 teams earn more than random play (-15.84) and idle play (-20.00)."
    assert finding.interval == pytest.approx((0.850, 0.959), abs=1e-3)


def test_teams_that_never_succeeded_had_nothing_to_learn_from():
    finding = account(0, 1_000, never=501)
    assert finding.verdict == "yes"
    assert finding.sentence == (
        "501 of 1,000 teams never once succeeded in 1,000 training episodes, so they had nothing to learn from."
    )
    assert "--env.starts random" in finding.remedy
    assert account(1_000, 1_000, never=500).verdict == "no"  # half of them is not most


def test_teams_that_do_not_beat_the_floors_learned_nothing():
    finding = account(30, 100)
    assert finding.verdict == "yes"
    assert finding.sentence == "Only 30 of 100 teams earn more than random play (-15.84) and idle play (-20.00)."
    assert "--episodes" in finding.remedy


@pytest.mark.parametrize("better, teams", [(50, 100), (55, 100), (45, 100), (2, 3), (1, 1)])
def test_about_half_cannot_be_told(better, teams):
    finding = account(better, teams)
    assert finding.verdict == ("cannot tell" if teams > 1 else finding.verdict)
    assert finding.interval[0] <= 0.5 <= finding.interval[1] or teams == 1


def test_as_good_as_the_floor_is_not_better():
    equal = accounting(np.full(100, -15.84), FLOORS, np.ones(100), 10)
    assert (equal.verdict, equal.value) == ("yes", 0.0)
    idle_is_better = FLOORS._replace(idle=-1.0)
    assert accounting(np.full(100, -5.0), idle_is_better, np.ones(100), 10).value == 0.0


def test_the_floors_of_a_game_are_exact():
    floors = baselines(meeting_game())
    assert (floors.optimum, floors.idle, floors.start_values.tolist()) == (7.0, -20.0, [7.0])
    assert round(floors.random, 2) == -15.84
    assert (floors.objective, floors.idle_action) == (
        "undiscounted, within 20 steps",
        "always R: no action stands still",
    )
    climb = baselines(matrix_table(CLIMBING))
    assert (climb.optimum, climb.idle) == (11.0, 11.0)
    assert climb.random == pytest.approx((11 - 30 - 30 + 7 + 6 + 5) / 9)


# Stability


def steadiness(*rows):
    checks = np.array(rows, bool)
    nothing = np.zeros(len(rows))
    return stability(Progress(nothing, nothing, nothing, nothing, checks, checks * 7.0, nothing))


def test_only_checks_after_the_first_success_count():
    found = steadiness([0, 0, 1, 1, 1], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1])
    assert found.succeeded.tolist() == [True, True, False, True]
    assert found.relapsed.tolist() == [False, True, False, False]
    assert found.failed_share == pytest.approx(2 / (2 + 3 + 0 + 4))


def test_a_success_in_the_last_check_can_no_longer_be_lost():
    found = steadiness([0, 0, 1])
    assert (found.succeeded.tolist(), found.relapsed.tolist(), found.failed_share) == ([True], [False], 0.0)


def test_teams_that_forget_are_named():
    finding = stability_finding(Stability(np.ones(1_000, bool), np.arange(1_000) < 468, 0.127), "meet")
    assert (finding.name, finding.verdict, finding.value) == ("stability", "yes", 0.127)
    assert finding.sentence == (
        "468 of the 1,000 teams that once could meet failed a later greedy check (12.7 % of those checks)."
    )
    assert "--epsilon-end 0" in finding.remedy


@pytest.mark.parametrize("failed, verdict", [(0.0, "no"), (0.05, "no"), (0.0501, "yes")])
def test_the_share_of_failed_checks_decides(failed, verdict):
    finding = stability_finding(Stability(np.ones(10, bool), np.zeros(10, bool), failed), "meet")
    assert finding.verdict == verdict
    assert bool(finding.remedy) == (verdict == "yes")


def test_who_never_succeeded_cannot_forget():
    finding = stability_finding(steadiness([0, 0], [0, 0]), "meet")
    assert (finding.verdict, finding.sentence) == ("cannot tell", "No team ever passed a greedy check to meet.")
