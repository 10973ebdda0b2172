"""The figures of facts.md 1, which another program measured, within sampling error."""

from dataclasses import replace

import numpy as np
import pytest
from finite_games import meeting_game
from slow_learner import MASKED, TUTORIAL, train

from coterie.running.evaluate import outcomes, stability
from coterie.tabular.learn import greedy_outcomes

TEAMS = 1_000
PUBLISHED_TEAMS = 1_000


def assert_share(ours, published):
    """Two shares of 1,000 each that differ by at most 4 standard errors of their difference."""
    error = (published * (1 - published) * (1 / TEAMS + 1 / PUBLISHED_TEAMS)) ** 0.5
    assert ours == pytest.approx(published, abs=4 * error + 0.003)  # and a little where the share is all


VARIANTS = {
    # options, sight, meets, takes a shortest way, fails a check in episodes 510 to 1,000
    "as listed": (TUTORIAL, "own", 0.921, 0.580, 0.468),
    "masked": (MASKED, "own", 0.954, 0.668, 0.429),
    "random ties": (replace(MASKED, ties="random"), "own", 0.961, 0.654, None),
    "epsilon to 0": (replace(MASKED, epsilon_end=0.0, epsilon_decay=1.0), "own", 1.0, 0.740, 0.041),
    "hysteretic": (replace(MASKED, hysteresis=0.1), "own", 1.0, 0.591, None),
    "both cells": (MASKED, "all", 1.0, 0.786, None),
    "one table": (replace(MASKED, share_parameters=True), "own", 0.976, 0.489, None),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_greedy_teams_after_the_tutorial(name):
    options, sees, meets, shortest, fails_late = VARIANTS[name]
    game = meeting_game(sees=sees)
    teams = train(game, options, episodes=1_000, teams=TEAMS, seed=1, check_every=10, threads=2)
    found = outcomes(game, teams.q, 7.0)
    assert_share(found.coordinated.mean(), meets)
    assert_share(found.optimal.mean(), shortest)
    if fails_late is not None:
        assert_share((~teams.progress.check_success[:, 50:]).any(1).mean(), fails_late)
        steady = stability(teams.progress)
        assert steady.succeeded.all()
        assert steady.relapsed.mean() >= fails_late - 0.1  # earlier relapses count, too
    failing = found.failing_start >= 0
    assert (failing == ~found.coordinated).all()


def test_of_the_teams_that_are_paid_for_coming_closer_none_meets():
    game = meeting_game(meet=1.0, step=0.0, closer=1.0)
    teams = train(game, MASKED, episodes=1_000, teams=TEAMS, threads=2)
    assert not outcomes(game, teams.q, None).coordinated.any()


@pytest.mark.parametrize(
    "mirrored, shared, by_episodes",
    [
        (False, False, {500: 79.4, 1_000: 90.2, 2_000: 96.9}),
        (False, True, {500: 90.0, 1_000: 97.2, 2_000: 99.5}),
        (True, False, {500: 79.1, 1_000: 91.4, 2_000: 97.4}),
        (True, True, {500: 42.6, 1_000: 50.8, 2_000: 66.2}),
    ],
)
def test_shared_experience_and_mirrored_controls(mirrored, shared, by_episodes):
    game = meeting_game(sees="all", random_starts=True, mirrored=mirrored)
    options = replace(MASKED, epsilon=0.3, epsilon_end=0.3, share_experience="pooled" if shared else "none")
    for episodes, published in by_episodes.items():
        teams = train(game, options, episodes=episodes, teams=60)
        share = 100 * greedy_outcomes(game, teams.q)[1].mean(1)  # of all 600 starts, by team
        error = np.std(share) * (2 / 60) ** 0.5
        assert share.mean() == pytest.approx(published, abs=4 * error + 0.05)
