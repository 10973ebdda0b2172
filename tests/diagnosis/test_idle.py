"""Idle agents: a screen for who does nothing or always the same."""

import numpy as np
import pytest
from recorded import episode
from small_runs import parse_only

from coterie.diagnosis.idle import FEWEST_STEPS, NEARLY_ALWAYS, idle
from coterie.types import Evidence

BUSY = np.arange(20) % 4


def acting(*columns, team=0):
    actions = np.stack(columns, 1)
    return episode(np.zeros(actions.shape), actions=actions, team=team)


def mostly(share, action=2, steps=20):
    """So great a share of one action, the rest all others in turn."""
    rest = round(steps * (1 - share))
    return np.concatenate([np.arange(rest) % 2, np.full(steps - rest, action)])


def test_who_does_nothing_is_named():
    finding = idle([acting(BUSY, np.full(20, 4), team=7)], idle_actions=(4, 4))
    assert (finding.name, finding.verdict, finding.value) == ("idle", "yes", 1.0)
    assert finding.sentence.startswith("Agent 1 does nothing on 100.0 % of its steps.")
    same = idle([acting(BUSY, np.full(20, 4), team=7)])  # it is not known that action 4 does nothing
    assert same.sentence.startswith("Agent 1 always does the same (action 4).")
    named = idle([acting(BUSY, mostly(0.95, 3), team=7)], None, ("scout", "carrier"), ("up", "down", "left", "go"))
    assert named.sentence.startswith("carrier nearly always does the same (action 'go' on 95.0 % of its steps).")
    assert named.picture.labels == ("scout", "carrier")
    assert finding.evidence == (Evidence(7, 1, 20),)
    assert finding.picture.values == (0.25, 1.0)
    parse_only(["train", "rendezvous", *finding.flags])


def test_an_agent_that_is_right_to_stay_is_idle_only_as_a_screen():
    """A guard on its plate keeps the door open: it looks the same as a lazy one, and the sentence says so."""
    finding = idle([acting(BUSY, np.full(20, 3))._replace(success=True)] * 5)
    assert finding.verdict == "yes"
    assert "always does the same (action 3)" in finding.sentence
    assert "a reason to look, not a proof" in finding.sentence
    assert "where the agents can play again, contribution tells" in finding.remedy


@pytest.mark.parametrize("share, verdict", [(1.0, "yes"), (0.95, "yes"), (0.9, "yes"), (0.85, "no"), (0.25, "no")])
def test_nearly_always_is_nine_in_ten(share, verdict):
    assert idle([acting(BUSY, mostly(share))]).verdict == verdict
    assert NEARLY_ALWAYS == 0.9


def test_doing_one_thing_in_one_episode_and_another_in_the_next_is_not_the_same():
    assert idle([acting(BUSY, np.full(20, k % 2)) for k in range(4)]).verdict == "no"


def test_teams_are_judged_one_by_one():
    """In every team somebody else always does something else; put together nobody would."""
    plays = [acting(np.full(20, team % 4), BUSY, team=team) for team in range(8)]
    finding = idle(plays)
    assert finding.verdict == "yes"
    assert "8 of 8 teams have such an agent" in finding.sentence
    few = [acting(BUSY, BUSY[::-1], team=team) for team in range(99)] + [acting(BUSY, np.full(20, 0), team=99)]
    assert idle(few).verdict == "no"  # 1 of 100 teams
    assert idle(few[-20:]).verdict == "yes"  # 1 of 20


def test_teams_that_succeed_early_count_though_they_are_not_judged():
    early = [acting(BUSY[:4], BUSY[:4], team=team) for team in range(10)]
    finding = idle([*early, acting(BUSY, np.full(20, 3), team=77)])
    assert "(1 of 11 teams have such an agent; 10 played too few steps to be judged)" in finding.sentence
    many = [one._replace(team=one.team + 10 * k) for k in range(3) for one in early]
    assert idle([*many, acting(BUSY, np.full(20, 3), team=77)]).verdict == "no"  # 1 of 31


def test_too_little_cannot_be_told():
    short = acting(np.zeros(FEWEST_STEPS - 1, int), BUSY[: FEWEST_STEPS - 1])
    assert idle([short]).verdict == "cannot tell"
    assert idle([]).verdict == "cannot tell"
    assert idle([short._replace(team=team) for team in range(3)]).verdict == "yes"  # put together it is enough
    once = acting(np.zeros(1, int), np.ones(1, int))
    assert "single decision" in idle([once] * 50).sentence
