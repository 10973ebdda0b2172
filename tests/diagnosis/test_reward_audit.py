"""The reward audit on the known answers of facts.md 1, and on games made for each of its sentences."""

import math

import numpy as np
import pytest
from finite_games import CLIMBING, make_game, matrix_table, meeting_game

from coterie.diagnosis.loops import find_loop
from coterie.diagnosis.reward_audit import PLAY_STEPS, reward_audit
from coterie.types import Evidence


def choices(*ways):
    """One agent in one place: a way for each of its actions."""
    return make_game((len(ways),), {(0, (k,)): way for k, way in enumerate(ways)}, [((0,),)], horizon=20, word="arrive")


def test_the_plain_game_is_fine():
    audit = reward_audit(meeting_game(), 0.9)
    assert (audit.finding.name, audit.finding.verdict, audit.finding.value) == ("reward audit", "no", 1.0)
    assert audit.finding.sentence == (
        "The exact optimum of this reward can meet: it is worth 4.580 (discounted by 0.9, no time limit)."
    )
    assert (audit.finding.evidence, audit.finding.remedy) == ((), "")
    assert audit.value == pytest.approx(4.58)
    assert audit.play.success
    assert audit.play.rewards.mean(1).tolist() == [-1, -1, -1, 10]
    assert audit.play.boards.shape == (5, 5, 5)


@pytest.mark.smoke
@pytest.mark.parametrize("prize", [1, 6])
def test_small_prizes_make_circling_the_optimum(prize):
    audit = reward_audit(meeting_game(meet=prize, step=0.0, closer=1.0), 0.9)
    assert audit.finding.verdict == "yes"
    assert audit.finding.sentence == (
        "Not your learner: the exact optimum of this reward never meets; circling earns 8.235 "
        "(discounted by 0.9, no time limit)."
    )
    assert (audit.finding.value, audit.finding.interval) == (0.0, (0.0, 0.0))
    assert "--env.meet-reward 10" in audit.finding.remedy
    # The play that is shown does circle, and earns what is said.
    assert not audit.play.success
    assert len(audit.play.actions) == PLAY_STEPS
    (shown,) = audit.finding.evidence
    loop = find_loop(audit.play.keys.tolist(), repeats=1)
    assert shown == Evidence(-1, loop.first_step, loop.last_step)
    assert loop.period > 1
    earned = (audit.play.rewards.mean(1) * 0.9 ** np.arange(PLAY_STEPS)).sum()
    assert earned == pytest.approx(8.235, abs=10 * 0.9**PLAY_STEPS)


@pytest.mark.parametrize("prize, worth", [(8, "9.043"), (10, "10.000")])
def test_large_prizes_are_fetched_late(prize, worth):
    audit = reward_audit(meeting_game(meet=prize, step=0.0, closer=1.0), 0.9)
    assert audit.finding.verdict == "no"
    assert f"can meet: it is worth {worth} (" in audit.finding.sentence
    assert audit.play.success
    assert len(audit.play.actions) == 8


def test_standing_still_is_called_that():
    audit = reward_audit(choices([(1.0, 0, 1.0, False, False)], [(1.0, 0, 1.0, True, True)]), 0.9)
    assert audit.finding.sentence == (
        "Not your learner: the exact optimum of this reward never arrives; standing still earns 10.000 "
        "(discounted by 0.9, no time limit)."
    )


def test_leaving_for_good_is_called_avoiding():
    audit = reward_audit(choices([(1.0, 0, 5.0, True, False)], [(1.0, 0, 1.0, True, True)]), 0.9)
    assert "never arrives; avoiding it earns 5.000" in audit.finding.sentence
    assert audit.finding.evidence == ()


def test_equally_good_plays_that_differ():
    audit = reward_audit(choices([(1.0, 0, 5.0, True, True)], [(1.0, 0, 5.0, True, False)]), 0.9)
    assert (audit.finding.verdict, audit.finding.interval) == ("yes", (0.0, 1.0))
    assert audit.finding.sentence == (
        "Not only your learner: an exact optimum of this reward need not arrive; it succeeds with a chance between "
        "0.0 % and 100.0 %, as equally good plays differ (5.000, discounted by 0.9, no time limit)."
    )


def test_chance_that_nobody_can_help_is_no_fault_of_the_reward():
    audit = reward_audit(choices([(0.6, 0, 5.0, True, True), (0.4, 0, -5.0, True, False)]), 0.9)
    assert audit.finding.verdict == "no"
    assert audit.finding.interval == pytest.approx((0.6, 0.6))


def test_a_reward_that_prefers_a_smaller_chance():
    audit = reward_audit(
        choices(
            [(0.9, 0, 1.0, True, True), (0.1, 0, 0.0, True, False)],
            [(0.5, 0, 5.0, True, True), (0.5, 0, 0.0, True, False)],
        ),
        0.9,
    )
    assert audit.finding.verdict == "yes"
    assert audit.finding.sentence == (
        "Not only your learner: the exact optimum of this reward (2.500, discounted by 0.9, no time limit) succeeds "
        "with a chance of 50.0 %, where 90.0 % is possible."
    )


def test_matrix_games_are_fine():
    assert reward_audit(matrix_table(CLIMBING), 0.9).finding.verdict == "no"


def test_without_a_discount_it_says_that_it_cannot_tell():
    audit = reward_audit(meeting_game(), 1.0)
    assert audit.finding.verdict == "cannot tell"
    assert math.isnan(audit.value)
    assert len(audit.play.actions) == 0


def test_what_nobody_can_reach_in_time_is_said_before_the_learner_is_blamed():
    # From corner to corner of a 5x5 grid both need 4 steps.
    assert reward_audit(meeting_game(horizon=4), 0.9).finding.verdict == "no"
    finding = reward_audit(meeting_game(horizon=3), 0.9).finding
    assert (finding.verdict, finding.value) == ("yes", 0.0)
    assert finding.sentence == "Not your learner: nobody can meet within the time limit of 3 steps."
    assert "--env.horizon" in finding.remedy
