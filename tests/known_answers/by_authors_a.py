"""Known answers for the findings about rewards, endings and what agents do, generated over several families."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from case import Case
from finite_games import make_game
from making import Draws, Families, certain, chain, counts, door, generated, mixed, part, play, played

from coterie.diagnosis.endings import endings
from coterie.diagnosis.idle import idle
from coterie.diagnosis.loops import loops
from coterie.diagnosis.rewards import rewards
from coterie.running.stage import TableStage
from coterie.types import Finding, Play

# Rewards


def common(draws: Draws, agents: int, success: bool = True) -> np.ndarray:
    """A common reward [T, N]: a cost a step, and a prize at the end for those who succeed."""
    paid = np.full(int(draws.integers(3, 25)), -float(draws.choice([0.0, 0.1, 1.0])))
    if success:
        paid[-1] = draws.uniform(5, 20)
    return np.repeat(paid[:, None], agents, 1)


def nothing_is_paid(draws):
    agents, episodes = counts(draws)
    return rewards([play(np.zeros((int(draws.integers(5, 30)), agents))) for _ in range(episodes)])


def hardly_ever_paid(draws):
    agents, _ = counts(draws)
    plays = [play(np.zeros((10, agents))) for _ in range(int(draws.integers(150, 250)))]
    return rewards([*plays, play(common(draws, agents), success=True, ended=True)])


def one_is_paid_for_all(draws):
    agents, episodes = counts(draws)
    plays = []
    for _ in range(episodes):
        paid = common(draws, agents)
        paid[-1, np.arange(agents) != draws.integers(agents)] = paid[0, 0]
        plays.append(play(paid, success=True, ended=True))
    return rewards(plays)


def reported_as_a_sum(draws):
    agents, episodes = counts(draws)
    paid = [common(draws, agents, draws.random() < 0.6) for _ in range(episodes)]
    paid.append(common(draws, agents))
    return rewards([play(one, success=one[-1, 0] > 0, ended=True, reported=float(one.sum())) for one in paid])


def recorded_twice(draws):
    game = door(int(draws.integers(2, 4)), 2, int(draws.integers(3, 12)), prize=draws.uniform(1, 10))
    stage = TableStage(game, mixed(game, draws)[None], seed=int(draws.integers(1000)))
    plays = [stage.play([part(agent) for agent in range(len(game.actions))], k) for k in range(30)]
    times = int(draws.integers(2, 4))
    return rewards([one._replace(rewards=one.rewards * times) for one in plays], game)


def paid_to_all(draws):
    agents, episodes = counts(draws)
    paid = [common(draws, agents, k % 3 > 0) for k in range(episodes)]
    return rewards([play(one, success=one[-1, 0] > 0, ended=True, reported=float(one[:, 0].sum())) for one in paid])


def small_costs_of_ones_own(draws):
    agents, episodes = counts(draws)
    plays = []
    for _ in range(episodes):
        paid = common(draws, agents)
        paid[:, :] -= 0.02 * draws.random(paid.shape)
        plays.append(play(paid, success=True, ended=True))
    return rewards(plays)


def recorded_once(draws):
    game = door(int(draws.integers(2, 4)), 2, int(draws.integers(3, 12)), prize=draws.uniform(1, 10))
    stage = TableStage(game, mixed(game, draws)[None], seed=int(draws.integers(1000)))
    return rewards([stage.play([part(agent) for agent in range(len(game.actions))], k) for k in range(30)], game)


def reported_with_a_discount(draws):
    agents, episodes = counts(draws)
    paid = [common(draws, agents) for _ in range(episodes)]
    worth = [float((one[:, 0] * 0.97 ** np.arange(len(one))).sum()) for one in paid]
    return rewards([play(one, success=True, ended=True, reported=w) for one, w in zip(paid, worth, strict=True)])


# Endings


def too_little_time(draws):
    length = int(draws.integers(4, 12))
    game = chain(length, int(draws.integers(2, length)), 10.0, 1.0)
    return endings(played(game, mixed(game, draws), 8), game)


def all_run_into_the_limit(draws):
    agents, episodes = counts(draws)
    steps = int(draws.integers(5, 60))
    return endings([play(np.zeros((steps, agents)), team=k) for k in range(episodes)])


def a_limit_taken_for_an_ending(draws):
    game = chain(int(draws.integers(2, 5)), int(draws.integers(8, 20)), 10.0, 1.0)
    policy = 0.25 * mixed(game, draws) + 0.75 * certain(game, 1, 1)
    return endings([one._replace(ended=True) for one in played(game, policy, 30)], game)


def failing_at_one_step(draws):
    agents, episodes = counts(draws)
    limit = int(draws.integers(15, 40))
    plays = [play(np.zeros((limit, agents)), ended=True) for _ in range(int(draws.integers(5, 20)))]
    lengths = draws.integers(2, limit, episodes)
    return endings([*plays, *(play(np.ones((n, agents)), success=True, ended=True) for n in lengths)])


def time_enough(draws):
    length = int(draws.integers(2, 6))
    game = chain(length, 3 * length, 10.0, 1.0, slip=float(draws.choice([0.0, 0.1])))
    return endings(played(game, 0.15 * mixed(game, draws) + 0.85 * certain(game, 0, 0), 20), game)


def most_end_by_themselves(draws):
    agents, episodes = counts(draws)
    limit, late = int(draws.integers(15, 40)), draws.uniform(0.0, 0.5)
    plays = []
    for _ in range(episodes):
        cut = draws.random() < late
        steps = limit if cut else int(draws.integers(2, limit))
        plays.append(play(np.zeros((steps, agents)), success=not cut, ended=not cut))
    return endings(plays)


def made_to_go_on(draws):
    game = make_game(
        (2, 2),
        {(0, (a, b)): [(1.0, 0, float(a == b), False, a == b)] for a in range(2) for b in range(2)},
        [((0,), (0,))],
        horizon=int(draws.integers(5, 30)),
    )
    return endings(played(game, mixed(game, draws), 10), game)


def successes_that_go_on(draws):
    agents, episodes = counts(draws)
    return endings([play(np.ones((20, agents)), success=True) for _ in range(episodes)])


# Idle agents


def acting(draws: Draws, shares, episodes=10):
    """Episodes in which agent i takes action 0 with so great a share and any of 4 others else."""
    plays = []
    for team in range(episodes):
        steps = int(draws.integers(10, 40))
        fixed = draws.random((steps, len(shares))) < np.array(shares)
        actions = np.where(fixed, 0, draws.integers(1, 5, (steps, len(shares))))
        plays.append(play(np.zeros(actions.shape), actions=actions, team=team // 5))
    return plays


def shares_of(draws: Draws, low: float, high: float, one: float) -> list[float]:
    shares = list(draws.uniform(low, high, int(draws.integers(2, 5))))
    shares[int(draws.integers(len(shares)))] = one
    return shares


def one_does_nothing(draws):
    shares = shares_of(draws, 0.2, 0.6, 1.0)
    return idle(acting(draws, shares), [0] * len(shares))


def one_does_nearly_nothing(draws):
    shares = shares_of(draws, 0.2, 0.6, float(draws.uniform(0.96, 1.0)))
    return idle(acting(draws, shares), [0] * len(shares))


def one_is_always_the_same(draws):
    return idle(acting(draws, shares_of(draws, 0.2, 0.6, 1.0)))


def everybody_is_frozen(draws):
    agents, episodes = counts(draws)
    actions = np.tile(draws.integers(4, size=agents), (30, 1))
    return idle([play(np.zeros(actions.shape), actions=actions) for _ in range(episodes)])


def all_act(draws):
    shares = shares_of(draws, 0.0, 0.6, 0.3)
    return idle(acting(draws, shares), [0] * len(shares))


def one_has_a_habit(draws):
    return idle(acting(draws, shares_of(draws, 0.1, 0.5, float(draws.uniform(0.5, 0.8)))))


def to_and_fro(draws):
    agents = int(draws.integers(2, 5))
    actions = (np.arange(30)[:, None] // draws.integers(1, 4, agents)) % 2
    return idle([play(np.zeros(actions.shape), actions=actions) for _ in range(6)])


# Loops


def some_fail(draws: Draws, failing: Callable[[int], Play]) -> Finding:
    total = int(draws.integers(20, 200))
    return loops([failing(team) for team in range(int(draws.integers(1, 10)))], total, "meet")


def loop_keys(draws: Draws, period: int, steps: int, before: int) -> np.ndarray:
    keys = np.concatenate([1000 + np.arange(before), np.arange(steps + 1 - before) % period])
    return keys[: steps + 1]


def planted_circle(draws):
    def failing(team):
        period, steps = int(draws.integers(2, 6)), int(draws.integers(30, 80))
        return play(-np.ones((steps, 2)), keys=loop_keys(draws, period, steps, int(draws.integers(0, 12))), team=team)

    return some_fail(draws, failing)


def planted_standstill(draws):
    def failing(team):
        steps = int(draws.integers(20, 80))
        return play(np.zeros((steps, 2)), keys=loop_keys(draws, 1, steps, int(draws.integers(0, 12))), team=team)

    return some_fail(draws, failing)


def deadlock_after_a_random_walk(draws):
    def failing(team):
        walk = random_walk(draws, 20)
        return play(np.zeros((40, 2)), keys=np.concatenate([walk, np.full(20, walk[-1])]), team=team)

    return some_fail(draws, failing)


def to_win_and_to_lose_again(draws):
    def failing(team):
        paid = np.tile([[1.0], [-1.0]], (20, 2))
        return play(paid, keys=loop_keys(draws, 2, 40, 0), team=team)

    return some_fail(draws, failing)


def random_walk(draws: Draws, steps: int, size: int = 5) -> np.ndarray:
    """Two walkers on a grid: the keys of their places [steps + 1]."""
    moves, places = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)]), np.array([[0, 0], [size - 1, size - 1]])
    keys = []
    for _ in range(steps + 1):
        keys.append(int(np.ravel_multi_index(tuple(places.ravel()), (size,) * 4)))
        places = np.clip(places + moves[draws.integers(4, size=2)], 0, size - 1)
    return np.array(keys)


def walking_at_random(draws):
    size = int(draws.integers(4, 9))
    return some_fail(draws, lambda team: play(-np.ones((60, 2)), keys=random_walk(draws, 60, size), team=team))


def never_the_same(draws):
    return some_fail(draws, lambda team: play(-np.ones((50, 2)), keys=draws.permutation(51), team=team))


def productive_shuttle(draws):
    def working(team):
        period, steps = int(draws.integers(2, 6)), int(draws.integers(30, 60))
        paid = (np.arange(steps) % period == 0)[:, None] * np.ones(2)
        return play(paid, keys=loop_keys(draws, period, steps, 3), team=team)

    return some_fail(draws, working)


def true_failure(draws):
    return some_fail(draws, lambda team: play(-np.ones((30, 2)), keys=np.arange(31), ended=True, team=team))


FAMILIES: Families = {
    ("rewards", True): (
        nothing_is_paid,
        hardly_ever_paid,
        one_is_paid_for_all,
        reported_as_a_sum,
        recorded_twice,
    ),
    ("rewards", False): (paid_to_all, small_costs_of_ones_own, recorded_once, reported_with_a_discount),
    ("endings", True): (
        too_little_time,
        all_run_into_the_limit,
        a_limit_taken_for_an_ending,
        failing_at_one_step,
    ),
    ("endings", False): (time_enough, most_end_by_themselves, made_to_go_on, successes_that_go_on),
    ("idle", True): (one_does_nothing, one_does_nearly_nothing, one_is_always_the_same, everybody_is_frozen),
    ("idle", False): (all_act, one_has_a_habit, to_and_fro),
    ("loops", True): (planted_circle, planted_standstill, deadlock_after_a_random_walk, to_win_and_to_lose_again),
    ("loops", False): (walking_at_random, never_the_same, productive_shuttle, true_failure),
}


def cases(count: int) -> list[Case]:
    """So many of each answer for every diagnostic of this module."""
    return generated(FAMILIES, count)
