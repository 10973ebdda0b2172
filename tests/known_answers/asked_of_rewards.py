"""Rewards and endings: families of recorded episodes."""

from __future__ import annotations

import numpy as np
from families import Chance, Question
from shared import wandering
from worlds import any_actions, corridor, episode, policy, stage, successes

from coterie.finite.game import FiniteGame
from coterie.running.stage import own_cast
from coterie.types import Finding, Play


def ask_rewards(plays: list[Play], game: FiniteGame | None = None) -> Finding:
    """Does any reward occur, is everybody paid, is anything counted twice?"""
    from coterie.diagnosis.rewards import rewards

    return rewards(plays, game)


def ask_endings(plays: list[Play], game: FiniteGame | None = None) -> Finding:
    """Do episodes end as they should?"""
    from coterie.diagnosis.endings import endings

    return endings(plays, game)


# --- rewards ----------------------------------------------------------------------------------------------------------


def nothing_is_ever_paid(chance: Chance) -> tuple:
    """No reward occurs in any episode, so that there is nothing to learn from."""
    agents, steps = int(chance.integers(2, 5)), int(chance.integers(5, 40))
    return ([wandering(chance, steps, np.zeros((steps, agents)), team) for team in range(int(chance.integers(5, 20)))],)


def success_is_not_paid(chance: Chance) -> tuple:
    """Agents succeed, the environment says so, and nobody is ever paid for it."""
    return (successes(chance, int(chance.integers(5, 20)), int(chance.integers(2, 4)), pays=0.0),)


def only_one_is_paid(chance: Chance) -> tuple:
    """They succeed together every time and only who happens to come last is paid: a cooperative flag that is off."""
    agents = int(chance.integers(2, 5))
    plays = []
    for play in successes(chance, int(chance.integers(10, 30)), agents, pays=float(chance.uniform(1, 20))):
        rewards = play.rewards.copy()
        rewards[-1, np.arange(agents) != chance.integers(agents)] = 0.0
        plays.append(play._replace(rewards=rewards))
    return (plays,)


def one_is_never_paid(chance: Chance) -> tuple:
    """They succeed together, and one agent gets nothing in any of the episodes while the others are paid."""
    agents = int(chance.integers(2, 5))
    left_out = int(chance.integers(agents))
    plays = []
    for play in successes(chance, int(chance.integers(10, 30)), agents, step=float(chance.choice([0.0, -0.1]))):
        rewards = play.rewards.copy()
        rewards[-1, left_out] = 0.0
        plays.append(play._replace(rewards=rewards))
    return (plays,)


def returns_are_reported_twice(chance: Chance) -> tuple:
    """What is reported for every episode is a whole multiple of what the agents, who share all rewards, earned."""
    agents, times = int(chance.integers(2, 4)), int(chance.integers(2, 5))
    plays = successes(chance, int(chance.integers(8, 20)), agents, pays=float(chance.integers(2, 20)), step=-0.5)
    return ([play._replace(reported=times * float(play.rewards.sum(0).mean())) for play in plays],)


def recorded_are_twice_what_the_table_pays(chance: Chance) -> tuple:
    """The same joint actions are paid on the table, and the record holds a whole multiple of that."""
    times = int(chance.integers(2, 4))
    game, plays = _on_a_corridor(chance, 0.8)
    return [play._replace(rewards=times * play.rewards) for play in plays], game


def all_are_paid_for_success(chance: Chance) -> tuple:
    """A healthy team: success is paid to everybody; a step may cost a little."""
    step = float(chance.choice([0.0, -0.1, -1.0]))
    return (successes(chance, int(chance.integers(8, 30)), int(chance.integers(2, 5)), step=step),)


def success_is_rare_and_paid(chance: Chance) -> tuple:
    """Most episodes fail and earn nothing, a quarter succeed and all are paid: sparse, but it is there for everyone."""
    agents = int(chance.integers(2, 4))
    won = successes(chance, int(chance.integers(4, 8)), agents, pays=1.0)
    steps = int(chance.integers(10, 25))
    lost = [wandering(chance, steps, np.zeros((steps, agents)), len(won) + k) for k in range(3 * len(won))]
    return (won + lost,)


def reported_as_earned(chance: Chance) -> tuple:
    """What is reported is exactly what each of the agents, who share all rewards, earned."""
    plays = successes(chance, int(chance.integers(8, 20)), int(chance.integers(2, 5)), pays=7.0, step=-0.25)
    return ([play._replace(reported=float(play.rewards.sum(0).mean())) for play in plays],)


def recorded_as_the_table_pays(chance: Chance) -> tuple:
    """The record holds what the table pays for the same joint actions."""
    game, plays = _on_a_corridor(chance, 0.8)
    return plays, game


def shaped_a_little_differently(chance: Chance) -> tuple:
    """All are paid the same large sum for success; small terms of an agent's own (its way, its effort) differ."""
    agents = int(chance.integers(2, 4))
    plays = successes(chance, int(chance.integers(10, 30)), agents, pays=10.0)
    return ([play._replace(rewards=play.rewards + chance.uniform(-0.1, 0.1, play.rewards.shape)) for play in plays],)


def each_for_itself(chance: Chance) -> tuple:
    """Agents with tasks of their own are paid at different steps for what each of them does; nothing is achieved
    together, so there is no common success that all ought to be paid for."""
    agents, steps = int(chance.integers(2, 4)), int(chance.integers(20, 40))
    count = int(chance.integers(10, 20))
    return (
        [wandering(chance, steps, (chance.random((steps, agents)) < 0.2).astype(float), team) for team in range(count)],
    )


# --- endings ----------------------------------------------------------------------------------------------------------


def too_far_for_the_time_limit(chance: Chance) -> tuple:
    """The aim is further away than the time limit allows, as the table shows, however well they play."""
    length = int(chance.integers(4, 12))
    game = corridor(length, length - int(chance.integers(1, 3)), int(chance.integers(1, 3)))
    return _played(game, 1.0 - 0.3 * chance.random(), int(chance.integers(5, 10)), chance), game


def every_episode_runs_into_the_limit(chance: Chance) -> tuple:
    """No episode of many truly ends or succeeds; all are cut off at the same step."""
    agents, steps = int(chance.integers(2, 4)), int(chance.integers(10, 60))
    count = int(chance.integers(12, 30))
    return ([wandering(chance, steps, np.full((steps, agents), -1.0), team) for team in range(count)],)


def reachable_and_always_cut_off(chance: Chance) -> tuple:
    """The aim can be reached on the table, but these agents turn back and are cut off in every episode: the limit
    leaves time enough and is not what is wrong. (The answer was yes until the question was put more sharply: a limit
    that all run into is a symptom where the table shows time enough.)
    """
    length = int(chance.integers(3, 6))
    game = corridor(length, 2 * length, 2)
    there = policy(game, lambda agent, seen: 1 if seen[0] < length - 1 else 2)
    team = stage(game, there, seed=int(chance.integers(1000)))
    return [team.play(own_cast(team), k) for k in range(int(chance.integers(10, 13)))], game


def success_marked_as_cut_off(chance: Chance) -> tuple:
    """Episodes stop with success after 4 to 9 steps, failing ones after 30, and no record says that the world ended: a
    true ending is taken for a time limit, since a time limit would not cut at so many different steps."""
    agents = int(chance.integers(2, 4))
    won = [play._replace(ended=False) for play in successes(chance, int(chance.integers(10, 25)), agents)]
    return (won + [wandering(chance, 30, np.zeros((30, agents)), len(won) + k) for k in range(4)],)


def ends_with_success(chance: Chance) -> tuple:
    """A healthy team: every episode truly ends with success, long before the limit."""
    return (successes(chance, int(chance.integers(8, 30)), int(chance.integers(2, 5)), step=-1.0),)


def some_are_cut_off(chance: Chance) -> tuple:
    """Up to a third of the episodes are cut off, which is what a time limit is for; the others truly end."""
    agents = int(chance.integers(2, 4))
    won = successes(chance, int(chance.integers(10, 25)), agents)
    lost = [wandering(chance, 20, np.zeros((20, agents)), len(won) + k) for k in range(len(won) // 3)]
    return (won + lost,)


def just_enough_time(chance: Chance) -> tuple:
    """The limit is exactly as long as the way, and the agents arrive, truly, in the last step."""
    length = int(chance.integers(3, 10))
    game = corridor(length, length, int(chance.integers(1, 3)))
    return _played(game, 1.0, int(chance.integers(5, 12)), chance), game


def ample_time(chance: Chance) -> tuple:
    """The limit leaves room for detours: most episodes end with success at different steps."""
    game, plays = _on_a_corridor(chance, 0.85)
    return plays, game


def one_decision(chance: Chance) -> tuple:
    """A game of one decision truly ends after it, won or lost."""
    agents = int(chance.integers(2, 4))
    won = chance.random(int(chance.integers(10, 30))) < 0.7
    return (
        [
            episode(
                [0, 1],
                np.full((1, agents), float(one)),
                actions=any_actions(chance, 1, agents, 3),
                success=bool(one),
                ended=True,
                team=team,
            )
            for team, one in enumerate(won)
        ],
    )


def some_fall(chance: Chance) -> tuple:
    """Some episodes truly end without success (they fall), the others truly end with it: both are endings."""
    agents = int(chance.integers(2, 4))
    plays = successes(chance, int(chance.integers(10, 30)), agents)
    return (
        [play if k % 3 else play._replace(success=False, rewards=0 * play.rewards) for k, play in enumerate(plays)],
    )


def _played(game: FiniteGame, right: float, count: int, chance: Chance) -> list[Play]:
    going = policy(game, lambda agent, seen: np.array([(1 - right) / 2, right, (1 - right) / 2]))
    team = stage(game, going, seed=int(chance.integers(1000)))
    return [team.play(own_cast(team), k) for k in range(count)]


def _on_a_corridor(chance: Chance, right: float) -> tuple[FiniteGame, list[Play]]:
    length = int(chance.integers(3, 7))
    game = corridor(length, 6 * length, int(chance.integers(1, 3)), pays=float(chance.integers(1, 10)), step=-0.1)
    return game, _played(game, right, int(chance.integers(6, 12)), chance)


QUESTIONS = (
    Question(
        "rewards",
        ask_rewards,
        (
            nothing_is_ever_paid,
            only_one_is_paid,
            returns_are_reported_twice,
            recorded_are_twice_what_the_table_pays,
            success_is_not_paid,
            one_is_never_paid,
        ),
        (
            all_are_paid_for_success,
            success_is_rare_and_paid,
            reported_as_earned,
            recorded_as_the_table_pays,
            shaped_a_little_differently,
            each_for_itself,
        ),
    ),
    Question(
        "endings",
        ask_endings,
        (
            too_far_for_the_time_limit,
            every_episode_runs_into_the_limit,
            success_marked_as_cut_off,
        ),
        (
            reachable_and_always_cut_off,
            ends_with_success,
            some_are_cut_off,
            just_enough_time,
            ample_time,
            one_decision,
            some_fall,
        ),
    ),
)
