"""Exploration: what was never tried, and exploration that ended too early."""

import numpy as np
import pytest
from small_runs import parse_only

from coterie.diagnosis.exploration import ENDED, FLAGS, LEAST_UNTRIED, exploration


def counts(untried, entries=40):
    """One agent's 20 observations and 2 actions, of which so many pairs were never tried."""
    return np.where(np.arange(entries) < untried, 0, 3).reshape(1, entries // 2, 2)


EVERYWHERE = np.ones((1, 20), bool)


@pytest.mark.parametrize("untried, verdict", [(0, "no"), (4, "no"), (5, "yes"), (40, "yes")])
def test_a_tenth_may_be_left_untried(untried, verdict):
    finding = exploration(counts(untried), EVERYWHERE)
    assert (finding.name, finding.verdict, finding.value) == ("exploration", verdict, untried / 40)
    assert finding.flags == (FLAGS if verdict == "yes" else ())
    assert LEAST_UNTRIED == 0.1
    parse_only(["train", "rendezvous", *finding.flags])


def test_what_is_out_of_reach_need_not_be_tried():
    tried = counts(20)
    reached = tried.any(-1)
    assert exploration(tried, EVERYWHERE).verdict == "yes"
    finding = exploration(tried, reached)
    assert (finding.verdict, finding.value) == ("no", 0.0)
    assert exploration(tried, reached[..., None] & (tried >= 0)).value == 0.0  # by observation and action, too
    assert exploration(tried, np.zeros((1, 20))).verdict == "cannot tell"


def test_the_sentence_and_the_picture():
    tried = np.array([[[3, 0], [1, 0]], [[1, 1], [1, 1]]])
    finding = exploration(tried, np.ones((2, 2)))
    assert finding.sentence == "2 of 8 pairs of an observation within reach and an action (25.0 %) were never tried."
    assert finding.picture.rows == ("agent 0", "agent 1")
    assert finding.picture.values == ((1.0, 0.0), (1.0, 1.0))


@pytest.mark.parametrize(
    "first_success, verdict",
    [(1, "no"), (50, "no"), (51, "yes"), (99, "yes"), (-1, "yes"), (np.nan, "yes"), (np.inf, "yes"), (None, "no")],
)
def test_exploration_must_last_until_the_first_success(first_success, verdict):
    epsilon = np.where(np.arange(100) < 50, 0.5, ENDED)
    finding = exploration(counts(0), EVERYWHERE, first_success, epsilon)
    assert finding.verdict == verdict
    if verdict == "yes":
        assert finding.sentence.startswith("Exploration ended after episode 50, ")


def test_exploration_that_never_ends_is_never_too_short():
    assert exploration(counts(0), EVERYWHERE, -1, np.full(100, 0.1)).verdict == "no"
    assert exploration(counts(0), EVERYWHERE, -1, 0.1).verdict == "no"
    assert exploration(counts(0), EVERYWHERE, 5, 0.0).verdict == "yes"  # it never began


def test_what_is_not_known_is_not_mentioned_beside_a_cause():
    epsilon = np.where(np.arange(100) < 50, 0.5, 0.0)
    unknown = exploration(None, None, 99, epsilon)
    assert (unknown.verdict, unknown.value, unknown.picture) == ("yes", None, None)
    assert unknown.sentence == "Exploration ended after episode 50, before the team's first success."
    assert exploration(counts(0), np.zeros((1, 20)), 99, epsilon).sentence == unknown.sentence
    both = exploration(counts(0), EVERYWHERE, 99, epsilon).sentence
    assert both.endswith(
        "first success. 0 of 40 pairs of an observation within reach and an action (0.0 %) were never tried."
    )
    nothing = exploration()
    assert (nothing.verdict, nothing.sentence) == ("cannot tell", "It is not known what is within reach.")


def test_agents_of_different_teams_need_no_common_success():
    epsilon = np.where(np.arange(100) < 50, 0.5, 0.0)
    finding = exploration(None, None, -1, epsilon, common=False)
    assert finding.verdict == "cannot tell"
    assert finding.sentence.endswith("in different teams, so when they first succeeded together tells nothing.")
    assert exploration(counts(0), EVERYWHERE, -1, epsilon, common=False).verdict == "no"
    assert exploration(counts(5), EVERYWHERE, -1, epsilon, common=False).verdict == "yes"  # untried is untried


def test_many_teams_are_counted():
    epsilon = np.where(np.arange(100) < 50, 0.5, 0.0)
    first = np.where(np.arange(100) < 5, 60, 10)
    finding = exploration(counts(0), EVERYWHERE, first, epsilon)
    assert finding.verdict == "yes"
    assert "before 5 of 100 teams had ever succeeded" in finding.sentence
    assert exploration(counts(0), EVERYWHERE, np.where(np.arange(100) < 4, 60, 10), epsilon).verdict == "no"
