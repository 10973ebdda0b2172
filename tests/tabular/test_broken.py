"""Negative controls: a learner that is broken on purpose is caught by the checks that the sound one passes."""

from dataclasses import replace

import numpy as np
import pytest
from finite_games import make_game, meeting_game
from slow_learner import MASKED, TUTORIAL, train

from coterie.tabular.learn import advance, as_rule, as_table, greedy_outcomes, new_teams

# A sound learner of this recipe meets in every team (facts.md 1: 100 %).
RECIPE = replace(MASKED, epsilon_end=0.0, epsilon_decay=1.0)


def share_that_meets(game, options, **broken):
    """The share of 200 teams that meet, judged in the true game whatever they learned from."""
    teams = train(game, options, episodes=1_000, teams=200, **broken)
    return greedy_outcomes(meeting_game(), teams.q)[1].mean()


def learns_to_meet(share):
    return share > 0.9


LEARNERS = {
    "independent": RECIPE,
    "hysteretic": replace(RECIPE, hysteresis=0.1),
    "pooled experience": replace(RECIPE, share_experience="pooled"),
    "one common table": replace(RECIPE, share_parameters=True),
}


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_sound_learner_learns_to_meet(learner):
    assert learns_to_meet(share_that_meets(meeting_game(), LEARNERS[learner]))


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("broken", [{"rate_start": 0.0, "rate_end": 0.0}, {"rate_start": -0.01, "rate_end": -0.01}])
def test_a_learner_without_an_update_or_with_its_sign_reversed_does_not(learner, broken):
    assert not learns_to_meet(share_that_meets(meeting_game(), LEARNERS[learner], **broken))


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_learner_without_its_mask_expects_more_than_can_be_earned(learner):
    assert (greatest_values(LEARNERS[learner]) <= 10 + 1e-9).all()
    assert (greatest_values(replace(LEARNERS[learner], terminal_mask=False)) > 10.5).mean() > 0.3


def test_a_learner_that_no_longer_learns_neither_gains_nor_loses():
    # From random starts a frozen team meets from some and not from others; its checks must not call that forgetting.
    game = meeting_game(random_starts=True, sees="all")
    learned = train(game, replace(MASKED, epsilon=0.3, epsilon_end=0.3), episodes=1_000, teams=50)
    frozen = new_teams(game, MASKED, 50, 20)._replace(q=learned.q)
    rule = as_rule(MASKED, 200, 10)._replace(rate_start=0.0, rate_end=0.0)
    checks = advance(as_table(game), rule, frozen, 5, 200, 1).progress.check_success
    assert 0 < checks.mean() < 1
    assert (checks == checks[:, :1]).all()


def test_a_learner_that_never_looks_ahead_does_not():
    assert not learns_to_meet(share_that_meets(meeting_game(), RECIPE, discount=0.0))


def test_a_learner_of_shuffled_rewards_does_not():
    game = meeting_game()
    order = np.random.default_rng(0).permutation(len(game.reward))
    assert not learns_to_meet(share_that_meets(game._replace(reward=game.reward[order]), RECIPE))
    assert learns_to_meet(share_that_meets(game._replace(reward=game.reward[np.arange(len(order))]), RECIPE))


def test_a_learner_of_reversed_rewards_does_not():
    game = meeting_game()
    assert not learns_to_meet(share_that_meets(game._replace(reward=-game.reward), RECIPE))


def before_the_meeting(mask):
    """A corridor of three cells: one agent walks (right, left), the other stands at the right end.

    From a quarter of the starts the game goes on at the right end, so that cell's values are not zero. Returns the
    learned values of walking right from each cell.
    """
    ways = {}
    for cell in range(2):
        ways[cell, (0, 0)] = [(1.0, cell + 1, 10.0 if cell == 1 else -1.0, cell == 1, cell == 1)]
        ways[cell, (1, 0)] = [(1.0, max(0, cell - 1), -1.0, False, False)]
    ways[3, (0, 0)] = ways[3, (1, 0)] = [(1.0, 1, -1.0, False, False)]  # looks like the meeting cell
    seen = [((cell,), (9,)) for cell in (0, 1, 2, 2)]
    game = make_game((2, 1), ways, seen, horizon=10, starts=[(0.75, 0), (0.25, 3)])
    options = replace(MASKED, terminal_mask=mask, learning_rate=0.5, epsilon=0.3, epsilon_end=0.3)
    return train(game, options, episodes=3_000, teams=5).q[:, 0, :2, 0]


def test_the_cell_before_the_meeting_is_worth_exactly_the_meeting():
    assert before_the_meeting(mask=True) == pytest.approx(np.tile([-1 + 0.9 * 10, 10], (5, 1)), abs=1e-9)


def test_without_the_mask_it_is_worth_more_than_can_be_earned():
    # Q(1) = 10 + .9 Q(2) and Q(2) = -1 + .9 Q(1): Q(1) = 9.1 / .19 = 47.9 instead of 10.
    values = before_the_meeting(mask=False)
    assert values == pytest.approx(np.tile([-1 + 0.9 * 9.1 / 0.19, 9.1 / 0.19], (5, 1)), abs=1e-6)


def greatest_values(options):
    return train(meeting_game(), options, episodes=1_000, teams=100).q.max((1, 2, 3))


def test_with_the_mask_no_value_exceeds_the_greatest_return():
    # 10 at once is the most that anybody can earn, and every target is a mean of returns and earlier values.
    assert greatest_values(MASKED).max() <= 10.0


def test_without_the_mask_most_teams_expect_more_than_there_is():
    values = greatest_values(TUTORIAL)
    assert (values > 10.0).mean() > 0.7
    assert values.max() > 50.0
