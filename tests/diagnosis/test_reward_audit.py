"""The reward audit on the known answers of facts.md 1, and on games made for each of its sentences."""

import math
from dataclasses import replace

import numpy as np
import pytest
from finite_games import CLIMBING, make_game, matrix_table, meeting_game
from recorded import episode
from small_runs import parse_only

from coterie.diagnosis.loops import find_loop
from coterie.diagnosis.reward_audit import PLAY_STEPS, outcome_audit, reward_audit
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


def test_the_flags_are_a_command_that_mends_it():
    circling = reward_audit(meeting_game(meet=1, step=0.0, closer=1.0), 0.9).finding
    assert circling.flags == ("--env.meet-reward", "10", "--env.step-reward", "-1", "--env.closer-reward", "0")
    parse_only(["train", "rendezvous", *circling.flags])
    elsewhere = reward_audit(meeting_game(meet=1, step=0.0, closer=1.0)._replace(name="other"), 0.9).finding
    assert (elsewhere.verdict, elsewhere.flags) == ("yes", ())
    assert reward_audit(meeting_game(horizon=3), 0.9).finding.flags == ("--env.horizon", "8")
    assert reward_audit(meeting_game(), 0.9).finding.flags == ()


def paid_apart(table):
    """Two agents, each with a payoff of its own: table[a][b] = (first's, second's)."""
    game = matrix_table([[sum(pays) for pays in row] for row in table])
    own = np.array(table, float).reshape(-1, 2)
    return game._replace(reward=own, spec=replace(game.spec, team=(0, 1)))


PENNIES = [[(1, -1), (-1, 1)], [(-1, 1), (1, -1)]]
DILEMMA = [[(3, 3), (0, 5)], [(5, 0), (1, 1)]]


@pytest.mark.parametrize("table", [PENNIES, DILEMMA])
def test_agents_of_different_teams_have_no_common_optimum(table):
    finding = reward_audit(paid_apart(table), 0.9).finding
    assert (finding.verdict, finding.remedy, finding.flags) == ("cannot tell", "", ())
    assert finding.sentence.startswith("The agents are in different teams and each learns from its own reward")


def test_different_teams_that_are_paid_alike_want_the_same():
    alike = paid_apart([[(11, 11), (0, 0)], [(0, 0), (7, 7)]])
    assert reward_audit(alike, 0.9).finding.verdict == "no"
    together = paid_apart(PENNIES)
    together = together._replace(spec=replace(together.spec, team=(0, 0)))
    assert reward_audit(together, 0.9).finding.verdict != "cannot tell"  # one team that shares what each earns


def test_options_of_rendezvous_are_named_in_rendezvous_alone():
    circling = meeting_game(meet=1, step=0.0, closer=1.0)
    assert "--env.meet-reward 10" in reward_audit(circling._replace(name="rendezvous"), 0.9).finding.remedy
    assert "--env" not in reward_audit(circling._replace(name="other"), 0.9).finding.remedy


# Outcome audit, where there is no table


def outcomes(good, bad):
    """Episodes that succeed and that fail, by what each agent earns in them."""
    won = [episode([[pays, pays]], success=True, ended=True, team=k) for k, pays in enumerate(good)]
    return won + [episode([[pays, pays]], team=100 + k) for k, pays in enumerate(bad)]


def test_failing_episodes_that_earn_more_are_found():
    finding = outcome_audit(outcomes([1, 2, 3, 4], [5, 6, 7, 9]))
    assert (finding.name, finding.verdict, finding.value) == ("reward audit", "yes", 4.25)
    assert finding.p == pytest.approx(2 / 70)  # of 70 ways to deal four of eight ranks, the two most unequal
    assert finding.sentence == (
        "Failing pays: episodes that fail earn more than those that succeed (6.75 on average, against 2.50)."
    )
    assert finding.evidence[0].team == 103  # the one that earns most
    assert finding.picture.values == (2.5, 6.75)


@pytest.mark.parametrize(
    "good, bad",
    [
        ([5, 6, 7, 8], [1, 2, 3, 4]),
        ([1, 2, 3, 4], [1, 2, 3, 4]),
        ([1, 3, 5, 7], [2, 4, 6, 8]),  # more, but no more than chance
        ([5, 5, 5, 5, 5], [4, 4, 4, 4, 100]),  # one lucky failure
        ([7, 7, 7, 7, -99], [8, 8, 8, 1, 1]),  # one unlucky success
    ],
)
def test_failing_episodes_that_do_not(good, bad):
    assert outcome_audit(outcomes(good, bad)).verdict == "no"


def test_too_few_of_a_kind_cannot_tell():
    assert outcome_audit(outcomes([1, 2, 3], [5, 6, 7, 8, 9])).verdict == "cannot tell"
    assert outcome_audit(outcomes([], [5, 6, 7, 8, 9])).verdict == "cannot tell"
    assert outcome_audit([]).verdict == "cannot tell"


def test_a_shaped_way_that_earns_more_than_arriving():
    """Circling for 20 steps at 1 a step earns 20; meeting in 4 steps earns 3 and the prize."""
    circling = [episode(np.ones((20, 2)), team=k) for k in range(5)]
    meeting = [episode(np.array([[1, 1], [1, 1], [1, 1], [10, 10]]), success=True, ended=True)] * 5
    assert outcome_audit(circling + meeting).verdict == "yes"
    plain = [play._replace(rewards=play.rewards - 2) for play in circling + meeting]
    assert outcome_audit(plain).verdict == "no"
