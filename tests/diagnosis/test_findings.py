"""Accounting and stability: every branch, and every sentence as it is read."""

from dataclasses import replace

import numpy as np
import pytest
from finite_games import CLIMBING, matrix_table, meeting_game
from small_runs import parse_only

from coterie.diagnosis.accounting import accounting, shortfall
from coterie.diagnosis.remedies import against_disturbance, flags_against_disturbance
from coterie.diagnosis.stability import stability_finding
from coterie.running.evaluate import Baselines, Stability, baselines, stability
from coterie.settings import TabularOptions
from coterie.tabular.engine import Progress
from coterie.workflow.planning.presets import preset_options

FLOORS = Baselines(7.0, np.array([7.0]), "undiscounted", random=-15.84, idle=-20.0, idle_action="R")


def account(better, teams, never=0, **more):
    """Of so many teams, how many earn more than random play, and how many never succeeded."""
    returns = np.full(teams, -20.0)
    returns[:better] = 7.0
    successes = np.ones(teams)
    successes[:never] = 0
    return accounting(returns, FLOORS, successes, 1_000, **more)


def test_nobody_is_blamed_where_nobody_can_earn_more_than_random_play():
    """Matching pennies: one wins what the other loses, so the mean return is 0 whatever anybody does."""
    floors = Baselines(0.0, np.array([0.0]), "undiscounted", random=0.0, idle=0.0, idle_action="heads")
    finding = accounting(np.zeros(100), floors, np.ones(100), 300)
    assert (finding.verdict, finding.remedy, finding.flags) == ("cannot tell", "", ())
    assert finding.sentence == (
        "On average over the agents random play earns as much as the exact optimum (0.00), so what they earn together "
        "does not tell whether they learned."
    )
    assert accounting(np.zeros(100), floors._replace(optimum=0.1), np.ones(100), 300).verdict == "yes"


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
    assert finding.remedy.endswith("or start nearer to the goal")
    assert "--env.starts random" in account(0, 1_000, never=501, environment="rendezvous").remedy
    assert "--env" not in account(0, 1_000, never=501, environment="stag_hunt").remedy
    assert account(1_000, 1_000, never=500).verdict == "no"  # half of them is not most


def test_teams_that_do_not_beat_the_floors_learned_nothing():
    finding = account(30, 100)
    assert finding.verdict == "yes"
    assert finding.sentence == "Only 30 of 100 teams earn more than random play (-15.84) and idle play (-20.00)."
    assert "--episodes" in finding.remedy


@pytest.mark.parametrize("better, teams", [(50, 100), (55, 100), (45, 100), (2, 3)])
def test_about_half_cannot_be_told(better, teams):
    finding = account(better, teams)
    assert finding.verdict == "cannot tell"
    assert finding.interval[0] <= 0.5 <= finding.interval[1]


def test_agents_of_different_teams_are_not_asked_for_a_common_success():
    """Prisoner's dilemma: who defects against a defector learned its game, and all earn less than at random."""
    for never in (0, 100):
        finding = account(0, 100, never=never, common=False)
        assert (finding.verdict, finding.value, finding.remedy, finding.flags) == ("cannot tell", None, "", ())
        assert finding.sentence.startswith("The agents are in different teams and each learns from its own reward")
    forgets = Stability(np.ones(10, bool), np.ones(10, bool), 0.9)
    finding = stability_finding(forgets, "cooperate", "try", ("--ties", "random"), common=False)
    assert (finding.verdict, finding.remedy, finding.flags) == ("cannot tell", "", ())
    assert finding.sentence == (
        "The agents are in different teams, so to cooperate is not their aim and need not be kept."
    )


def test_one_team_is_itself():
    assert (account(1, 1).verdict, account(0, 1).verdict) == ("no", "yes")


def test_nobody_is_asked_to_beat_the_optimum():
    # In climbing the fixed action that stands for idle play is the optimum: perfect teams must not be called worse.
    floors = baselines(matrix_table(CLIMBING))
    perfect = accounting(np.full(100, 11.0), floors, np.ones(100), 10)
    assert (perfect.verdict, perfect.value) == ("no", 1.0)
    assert "idle" not in perfect.sentence
    assert accounting(np.full(100, floors.random), floors, np.ones(100), 10).verdict == "yes"


def test_agents_that_nobody_trained_are_not_told_to_train():
    finding = accounting(np.full(100, -20.0), FLOORS)
    assert (finding.verdict, finding.remedy) == ("yes", "")
    assert "training" not in finding.sentence


# Shortfall


def short(optimal, meeting, teams=100):
    """Of so many teams, how many meet, and how many of these in the best way; the others earn 1 less, or -20."""
    place = np.arange(teams)
    returns = np.where(place < optimal, 7.0, np.where(place < meeting, 6.0, -20.0))
    return shortfall(returns, place < meeting, place < optimal, FLOORS, "meet")


def test_succeeding_in_a_worse_way_is_counted_and_priced():
    finding = short(57, 92)
    assert (finding.verdict, finding.value) == ("yes", pytest.approx(35 / 92))
    assert "35 of the 92 teams that meet" in finding.sentence
    assert "1.00 less than the optimum" in finding.sentence


def test_the_best_way_is_no_shortfall():
    assert short(100, 100).verdict == "no"
    assert short(88, 92).verdict == "no"  # 4 of 92 are less than 5 %
    assert short(87, 92).verdict == "yes"
    assert "--env" not in short(87, 92).remedy
    assert short(0, 0).verdict == "cannot tell"


# Remedies


def test_what_is_in_force_is_not_advised():
    works, listed = TabularOptions(), preset_options("tutorial")[1]
    assert against_disturbance(works) == "train longer (--episodes)"
    for flag in ("--epsilon-end 0 --epsilon-decay 0.9", "--terminal-mask", "--ties random"):
        assert flag in against_disturbance(listed)
    assert "hysteretic" not in against_disturbance(listed)  # it meets, but hardly ever by a shortest way
    rest = replace(works, hysteresis=1.0)
    assert against_disturbance(rest) == (
        "learn bad news more slowly (--algorithm hysteretic), train longer (--episodes)"
    )
    assert flags_against_disturbance(rest) == ()
    assert "--epsilon-end" not in against_disturbance(replace(listed, epsilon_end=0.0, epsilon_decay=0.9))


def test_the_flags_say_what_the_words_say():
    listed = preset_options("tutorial")[1]
    assert flags_against_disturbance(TabularOptions()) == ()
    flags = flags_against_disturbance(listed)
    assert flags == (
        *("--epsilon-end", "0", "--epsilon-decay", "0.9"),
        *("--terminal-mask", "--ties", "random"),
    )
    parse_only(["train", "rendezvous", "--preset", "tutorial", *flags])
    assert all(flag in against_disturbance(listed) for flag in flags)


def test_findings_hand_on_flags_that_the_command_understands():
    found = [account(0, 1_000, never=501), account(30, 100), short(57, 92)]
    assert [finding.flags for finding in found] == [
        ("--epsilon", "1", "--epsilon-decay", "0.9"),
        ("--epsilon", "1", "--epsilon-decay", "0.9"),
        ("--preset", "thorough"),
    ]
    for finding in found:
        parse_only(["train", "rendezvous", *finding.flags])
    assert account(92, 100).flags == short(88, 92).flags == ()
    unstable = Stability(np.ones(10, bool), np.ones(10, bool), 0.2)
    assert stability_finding(unstable, "meet", "try", ("--ties", "random")).flags == ("--ties", "random")
    steady = unstable._replace(failed_share=0.0)
    assert stability_finding(steady, "meet", "try", ("--ties", "random")).flags == ()


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
    finding = stability_finding(Stability(np.ones(1_000, bool), np.arange(1_000) < 468, 0.127), "meet", "try this")
    assert (finding.name, finding.verdict, finding.value) == ("stability", "yes", 0.127)
    assert finding.sentence == (
        "12.7 % of the greedy checks after a team's first success failed (468 of the 1,000 teams that once could meet "
        "failed at least one)."
    )
    assert finding.remedy == "try this"


@pytest.mark.parametrize("failed, verdict", [(0.0, "no"), (0.05, "no"), (0.0501, "yes")])
def test_the_share_of_failed_checks_decides(failed, verdict):
    finding = stability_finding(Stability(np.ones(10, bool), np.zeros(10, bool), failed), "meet", "try this")
    assert finding.verdict == verdict
    assert bool(finding.remedy) == (verdict == "yes")


def test_who_never_succeeded_cannot_forget():
    finding = stability_finding(steadiness([0, 0], [0, 0]), "meet")
    assert (finding.verdict, finding.sentence) == ("cannot tell", "No team ever passed a greedy check to meet.")
