"""Stability, accounting and exploration: families of what a run leaves behind."""

from __future__ import annotations

import numpy as np
from families import Chance, Question
from worlds import WORD

from coterie.running.evaluate import Baselines, Stability
from coterie.types import Finding


def ask_stability(stability: Stability) -> Finding:
    """Do teams lose what they had learned?"""
    from coterie.diagnosis.stability import stability_finding

    return stability_finding(stability, WORD)


def ask_accounting(returns: np.ndarray, baselines: Baselines, successes: np.ndarray, episodes: int) -> Finding:
    """Is what they earn more than doing nothing, or anything, would earn?"""
    from coterie.diagnosis.accounting import accounting

    return accounting(returns, baselines, successes, episodes)


def ask_exploration(
    tried: np.ndarray, reached: np.ndarray, first_success: int | None = None, epsilon: np.ndarray | None = None
) -> Finding:
    """Did they try what was within reach, for long enough? first_success: an episode (-1: never); epsilon: one each."""
    from coterie.diagnosis.exploration import exploration

    return exploration(tried, reached, first_success, epsilon)


# --- stability --------------------------------------------------------------------------------------------------------


def most_relapse(chance: Chance) -> tuple:
    """Most teams that had succeeded fail again later, in a good share of the later checks."""
    return (_teams(chance, float(chance.uniform(0.6, 1.0)), float(chance.uniform(0.1, 0.5))),)


def a_third_relapses(chance: Chance) -> tuple:
    """A third of the teams lose what they had learned, some of them again and again."""
    return (_teams(chance, 0.33, float(chance.uniform(0.03, 0.15))),)


def all_are_lost(chance: Chance) -> tuple:
    """Every team that had succeeded fails in nearly all later checks."""
    return (_teams(chance, 1.0, float(chance.uniform(0.8, 1.0))),)


def none_relapses(chance: Chance) -> tuple:
    """A healthy run: all succeed, and none fails again."""
    teams = int(chance.integers(5, 200))
    return (Stability(np.ones(teams, bool), np.zeros(teams, bool), 0.0),)


def some_never_succeed(chance: Chance) -> tuple:
    """Some teams never succeed, which is another matter; those that do keep it."""
    teams = int(chance.integers(10, 100))
    return (Stability(np.arange(teams) % 3 > 0, np.zeros(teams, bool), 0.0),)


def none_ever_succeeds(chance: Chance) -> tuple:
    """Nobody ever succeeds, so there is nothing to lose."""
    teams = int(chance.integers(5, 100))
    return (Stability(np.zeros(teams, bool), np.zeros(teams, bool), 0.0),)


# --- accounting -------------------------------------------------------------------------------------------------------


def no_better_than_random(chance: Chance) -> tuple:
    """They earn what random play earns, far below the optimum, and have never succeeded in thousands of episodes."""
    base, teams = _baselines(chance), int(chance.integers(5, 60))
    return base.random + 0.02 * _span(base) * chance.normal(size=teams) - 0.05 * _span(base), base, _none(teams), 2_000


def worse_than_doing_nothing(chance: Chance) -> tuple:
    """All of them earn less than agents that do nothing would, and they do not succeed."""
    base, teams = _baselines(chance), int(chance.integers(5, 60))
    base = base._replace(idle=base.random + 0.3 * _span(base))
    return base.random + _span(base) * chance.uniform(0, 0.15, teams), base, _none(teams), 1_000


def worse_than_anything(chance: Chance) -> tuple:
    """They have learned something that earns less than random play and than no play."""
    base, teams = _baselines(chance), int(chance.integers(5, 60))
    return min(base.random, base.idle) - _span(base) * chance.uniform(0.1, 0.4, teams), base, _none(teams), 3_000


def at_the_optimum(chance: Chance) -> tuple:
    """All of them earn the optimum."""
    base, teams = _baselines(chance), int(chance.integers(5, 60))
    return np.full(teams, base.optimum), base, chance.integers(500, 1000, teams), 1_000


def near_the_optimum(chance: Chance) -> tuple:
    """A healthy run: all of them earn most of what there is above random play, and have succeeded often."""
    base, teams = _baselines(chance), int(chance.integers(5, 60))
    return base.optimum - _span(base) * chance.uniform(0, 0.1, teams), base, chance.integers(300, 900, teams), 1_000


def below_zero_and_well(chance: Chance) -> tuple:
    """Every return is negative, since steps cost; but the optimum is negative too, and they are close to it."""
    base, teams = _baselines(chance), int(chance.integers(5, 60))
    down = base.optimum + float(chance.uniform(1, 10))
    base = base._replace(
        optimum=base.optimum - down,
        start_values=base.start_values - down,
        random=base.random - down,
        idle=base.idle - down,
    )
    return base.optimum - _span(base) * chance.uniform(0, 0.1, teams), base, chance.integers(300, 900, teams), 1_000


# --- exploration ------------------------------------------------------------------------------------------------------


def half_was_never_tried(chance: Chance) -> tuple:
    """Half or more of what was within reach was never tried."""
    reached, tried = _tables(chance)
    return tried & (chance.random(tried.shape) < chance.uniform(0.2, 0.5)), reached, 50, np.full(1_000, 0.1)


def one_action_only(chance: Chance) -> tuple:
    """In every observation one action was tried and none of the others: there was no exploration at all."""
    reached, tried = _tables(chance)
    only = np.eye(tried.shape[2], dtype=bool)[chance.integers(tried.shape[2], size=tried.shape[:2])]
    return only & tried, reached, None, np.zeros(1_000)


def it_ended_before_the_first_success(chance: Chance) -> tuple:
    """Exploration fell to nothing long before anybody succeeded for the first time, and much was never tried."""
    reached, tried = _tables(chance)
    epsilon = np.maximum(0.0, 1 - np.arange(1_000) / 100)
    return tried & (chance.random(tried.shape) < 0.5), reached, int(chance.integers(500, 900)), epsilon


def it_ended_and_nobody_ever_succeeded(chance: Chance) -> tuple:
    """Exploration fell to nothing in the first tenth, and nobody has succeeded at all."""
    reached, tried = _tables(chance)
    epsilon = np.maximum(0.0, 1 - np.arange(1_000) / 100)
    return tried & (chance.random(tried.shape) < 0.5), reached, -1, epsilon


def all_was_tried(chance: Chance) -> tuple:
    """Everything within reach was tried, exploration went on, and success came early."""
    reached, tried = _tables(chance)
    return tried, reached, int(chance.integers(5, 100)), np.full(1_000, float(chance.uniform(0.05, 0.3)))


def all_but_a_corner_was_tried(chance: Chance) -> tuple:
    """One entry in a hundred or fewer was never tried."""
    reached, tried = _tables(chance)
    return tried & (chance.random(tried.shape) > 0.01), reached, int(chance.integers(5, 100)), np.full(1_000, 0.2)


def what_was_not_tried_is_out_of_reach(chance: Chance) -> tuple:
    """Most of the table was never tried, since nobody can ever get there; all that can be reached was."""
    reached, tried = _tables(chance)
    reached[:, len(reached[0]) // 3 :] = False
    return tried & reached[..., None], reached, int(chance.integers(5, 100)), np.full(1_000, 0.2)


def it_ended_after_the_first_success(chance: Chance) -> tuple:
    """Exploration ended, as it should, long after the first success, with everything tried."""
    reached, tried = _tables(chance)
    return tried, reached, int(chance.integers(5, 100)), np.maximum(0.0, 1 - np.arange(1_000) / 700)


def _teams(chance: Chance, relapsing: float, failed: float) -> Stability:
    succeeded = np.ones(int(chance.integers(20, 100)), bool)
    relapsed = np.arange(len(succeeded)) < max(1, round(relapsing * len(succeeded)))
    return Stability(succeeded, chance.permutation(relapsed), failed)


def _baselines(chance: Chance) -> Baselines:
    best, random = float(chance.uniform(2, 20)), -float(chance.uniform(1, 20))
    idle = random - float(chance.uniform(0, 0.2)) * (best - random)
    return Baselines(best, np.array([best]), "undiscounted, within 20 steps", random, idle, "a")


def _span(base: Baselines) -> float:
    return base.optimum - base.random


def _none(teams: int) -> np.ndarray:
    return np.zeros(teams, np.int64)


def _tables(chance: Chance) -> tuple[np.ndarray, np.ndarray]:
    """Observations within reach bool[N, O], and the same by action, bool[N, O, A], as if everything had been tried."""
    agents, observations, size = int(chance.integers(2, 4)), int(chance.integers(30, 80)), int(chance.integers(3, 6))
    reached = np.ones((agents, observations), bool)
    return reached, np.ones((agents, observations, size), bool)


QUESTIONS = (
    Question(
        "stability",
        ask_stability,
        (most_relapse, a_third_relapses, all_are_lost),
        (none_relapses, some_never_succeed, none_ever_succeeds),
    ),
    Question(
        "accounting",
        ask_accounting,
        (no_better_than_random, worse_than_doing_nothing, worse_than_anything),
        (near_the_optimum, below_zero_and_well, at_the_optimum),
    ),
    Question(
        "exploration",
        ask_exploration,
        (half_was_never_tried, it_ended_before_the_first_success, one_action_only, it_ended_and_nobody_ever_succeeded),
        (
            all_was_tried,
            what_was_not_tried_is_out_of_reach,
            all_but_a_corner_was_tried,
            it_ended_after_the_first_success,
        ),
    ),
)
