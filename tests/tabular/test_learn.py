"""Options into rules, and what is refused before anything is learned."""

from dataclasses import replace

import numpy as np
import pytest
from finite_games import meeting_game, random_game
from slow_learner import MASKED, TUTORIAL

from coterie.errors import BadInput
from coterie.tabular.learn import as_rule, as_table, check_options, new_teams

NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    "changes, complaint",
    [
        ({"learning_rate": 0.0}, r"--learning-rate 0: a learning rate lies in \(0, 1\]; try 0.1"),
        ({"learning_rate": -0.1}, "--learning-rate -0.1"),
        ({"learning_rate": 1.5}, "--learning-rate 1.5"),
        ({"learning_rate": NAN}, "--learning-rate nan"),
        ({"hysteresis": 0.0}, "--hysteresis 0"),
        ({"hysteresis": 2.0}, "--hysteresis 2"),
        ({"learning_rate_end": 1.5}, "--learning-rate-end 1.5"),
        ({"discount": 1.1}, "--discount 1.1: expected a number from 0 to 1"),
        ({"discount": -0.1}, "--discount -0.1"),
        ({"epsilon": NAN}, "--epsilon nan"),
        ({"epsilon_end": 2.0}, "--epsilon-end 2"),
        ({"epsilon_decay": -1.0}, "--epsilon-decay -1"),
        ({"temperature": 0.0}, "--temperature 0: expected a number above 0, in units of reward"),
        ({"temperature_decay": 0.0}, "--temperature-decay 0: expected a share"),
        ({"temperature_decay": 1.1}, "--temperature-decay 1.1"),
        ({"temperature_floor": -1.0}, "--temperature-floor -1: expected a number of at least 0"),
        ({"temperature_floor": NAN}, "--temperature-floor nan"),
        ({"fmq_weight": -1.0}, "--fmq-weight -1: expected a number of at least 0; try 10"),
        ({"lenience": 0.0}, "--lenience 0: expected a number above 0; try 1"),
        ({"temperature_diffusion": 2.0}, "--temperature-diffusion 2: expected a number from 0 to 1"),
        ({"commitments": 1}, "--commitments 1: expected from 2 to 10,000; try 64"),
        ({"commitments": 10_001}, "--commitments 10001"),
        ({"commitment_growth": 0.5}, "--commitment-growth 0.5: expected a number from 1 to 2"),
        ({"commitment_growth": 2.5}, "--commitment-growth 2.5"),
        ({"commitment_margin": -1}, "--commitment-margin -1: expected a number of plays, at least 0"),
        ({"initial_value": INFINITE}, "--initial-value inf: expected a finite number"),
    ],
)
def test_options_that_cannot_be_learned_with(changes, complaint):
    with pytest.raises(BadInput, match=complaint):
        check_options(replace(TUTORIAL, **changes), 10, 10)


def test_at_least_one_episode_and_one_team():
    with pytest.raises(BadInput, match="--episodes 0"):
        check_options(TUTORIAL, 0, 10)
    with pytest.raises(BadInput, match="--seeds 0"):
        check_options(TUTORIAL, 10, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"learning_rate": 1.0, "discount": 1.0, "epsilon": 1.0, "epsilon_decay": 1.0},
        {"learning_rate_end": 0.0, "hysteresis": 1.0, "discount": 0.0, "epsilon": 0.0},
    ],
)
def test_options_that_are_fine(changes):
    check_options(replace(TUTORIAL, **changes), 1, 1)


def test_options_become_numbers():
    rule = as_rule(replace(TUTORIAL, hysteresis=0.2, epsilon_decay=0.25, epsilon_end=0.01), 400, 10)
    assert rule.down_ratio == pytest.approx(0.2)
    assert rule._replace(down_ratio=0.2)._asdict() == {
        "rate_start": 0.1,
        "rate_end": 0.1,
        "rate_episodes": 0.0,
        "down_ratio": 0.2,
        "discount": 0.9,
        "epsilon_start": 0.1,
        "epsilon_end": 0.01,
        "epsilon_episodes": 100.0,
        "random_ties": False,
        "terminal_mask": False,
        "pooled": False,
        "check_every": 10,
    }
    falling = as_rule(replace(MASKED, learning_rate_end=0.0, ties="random", share_experience="pooled"), 400, 0)
    assert (falling.rate_start, falling.rate_end, falling.rate_episodes, falling.down_ratio) == (0.1, 0.0, 400.0, 1.0)
    assert (falling.random_ties, falling.terminal_mask, falling.pooled) == (True, True, True)


def test_new_teams_know_nothing():
    teams = new_teams(meeting_game(), replace(TUTORIAL, initial_value=2.5), 3, 4)
    assert teams.q.shape == (3, 2, 25, 4)
    assert (teams.q == 2.5).all()
    assert teams.episode == 0
    assert all((array == 0).all() and len(array) == 3 for array in teams.progress)
    assert teams.progress.check_success.shape == (3, 4)


@pytest.mark.parametrize("sharing", [{"share_parameters": True}, {"share_experience": "pooled"}])
def test_unlike_agents_cannot_share(sharing):
    with pytest.raises(BadInput, match="unequal observations or actions cannot share"):
        new_teams(random_game(0, sizes=(2, 3)), replace(TUTORIAL, **sharing), 1, 0)
    assert new_teams(random_game(0, sizes=(2, 2)), replace(TUTORIAL, **sharing), 1, 0).episode == 0


def test_the_table_of_the_loop():
    game = random_game(0, sizes=(2, 3))
    table = as_table(game)
    assert table.reward.tolist() == game.reward.reshape(-1).tolist()
    assert table.sizes.tolist() == [2, 3]
    assert (table.joint_count, table.horizon) == (6, 3)
    assert table.start_cumulative[-1] == pytest.approx(1.0)
    assert np.diff(table.start_cumulative, prepend=0).tolist() == pytest.approx(game.start_probability.tolist())
