"""The recipes that work do, and hasty ones do not; benchmarks/meeting_game.py has 10,000 teams of each."""

from dataclasses import replace

from finite_games import meeting_game
from slow_learner import train

from coterie.running.evaluate import baselines, outcomes
from coterie.settings import PRESETS
from coterie.statistics import wilson
from coterie.workflow.planning.presets import preset_options


def shortest(game, options, episodes, teams):
    """The share of teams that take a shortest way."""
    learned = train(game, options, episodes=episodes, teams=teams, seed=77, threads=2)
    found = outcomes(game, learned.q, baselines(game).optimum)
    return wilson(int(found.optimal.sum()), teams)


def test_the_default_takes_the_shortest_way_on_5x5():
    options, episodes = preset_options("default")[1], PRESETS["default"].episodes
    assert shortest(meeting_game(), options, episodes, 1_000).high >= 0.999
    assert shortest(meeting_game(), replace(options, epsilon=0.1), 1_000, 1_000).high < 0.99


def test_the_thorough_recipe_takes_the_shortest_way_on_8x8():
    options, episodes = preset_options("thorough")[1], PRESETS["thorough"].episodes
    assert shortest(meeting_game(size=8, horizon=30), options, episodes, 200).high >= 0.99
    hasty = replace(options, epsilon=0.1, epsilon_end=0.1)
    assert shortest(meeting_game(size=8, horizon=30), hasty, 2_000, 200).high < 0.99
