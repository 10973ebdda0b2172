"""Cases with known answers for the findings about episodes, rewards and learning, generated over several families."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from case import Case
from finite_games import make_game

from coterie.diagnosis.accounting import accounting
from coterie.diagnosis.drift import drift, step_size
from coterie.diagnosis.endings import endings
from coterie.diagnosis.exploration import exploration
from coterie.diagnosis.idle import idle
from coterie.diagnosis.loops import loops
from coterie.diagnosis.noise import noise
from coterie.diagnosis.reward_audit import outcome_audit, reward_audit
from coterie.diagnosis.rewards import rewards
from coterie.diagnosis.stability import stability_finding
from coterie.running.evaluate import Baselines, Stability
from coterie.running.stage import Actor, ActorStage, TableStage
from coterie.types import Finding, Play

Draws = np.random.Generator
Family = Callable[[Draws], Finding]


def cases(count: int) -> list[Case]:
    """So many of each answer for every diagnostic; family and sizes follow from the seed."""
    made = []
    for (diagnostic, answer), families in FAMILIES.items():
        for seed in range(count):
            family = families[(seed // 2) % len(families)]
            number = list(FAMILIES).index((diagnostic, answer))
            made.append(Case(diagnostic, family.__name__, seed, answer, asking(family, number, seed)))
    return made


def asking(family: Family, number: int, seed: int) -> Callable[[], Finding]:
    """The question of one case; its draws depend on the diagnostic, the answer and the seed alone."""
    return lambda: family(np.random.default_rng([number, seed]))


def play(rewards, *, keys=None, actions=None, success=False, ended=False, team=0, reported=None, seen=()) -> Play:
    """An episode of which only some is known; rewards [T, N]."""
    paid = np.atleast_2d(np.asarray(rewards, float))
    steps, agents = paid.shape
    return Play(
        keys=np.arange(steps + 1) if keys is None else np.asarray(keys, np.int64),
        boards=np.zeros((steps + 1, 0, 0), np.uint8),
        actions=np.zeros((steps, agents), np.int32) if actions is None else np.asarray(actions, np.int32),
        rewards=paid,
        success=success,
        ended=ended,
        team=team,
        observations=seen,
        reported=reported,
    )


def counts(draws: Draws) -> tuple[int, int]:
    """Numbers of agents and of episodes."""
    return int(draws.integers(2, 5)), int(draws.integers(10, 40))


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


# Games: agents at a door through which only one can go at a time, and a chain of rooms


def door(agents: int, sizes: int, horizon: int, prize: float = 1.0, cost: float = 0.0):
    """Everybody stands at a door; if exactly one goes (action 0), all earn the prize; else they stand as before."""
    ways = {}
    for joint in product(range(sizes), repeat=agents):
        one = joint.count(0) == 1
        ways[0, joint] = [(1.0, 0, prize if one else -cost, one, one)]
    return make_game((sizes,) * agents, ways, [((0,),) * agents], horizon=horizon, word="pass")


def chain(length: int, horizon: int, prize: float, cost: float = 0.0, circling: float = 0.0, slip: float = 0.0):
    """Two agents who both must press 0 to come a room further; in the last room waits the prize; 1 and 1 circles."""
    ways = {}
    for room, (a, b) in product(range(length), product(range(2), repeat=2)):
        on = a == b == 0
        last = on and room == length - 1
        earned = prize if last else (circling if a == b == 1 else -cost)
        rows = [(1.0 - slip if on else 1.0, min(room + on, length - 1), earned, last, last)]
        if on and slip:
            rows.append((slip, room, -cost, False, False))
        ways[room, (a, b)] = rows
    return make_game((2, 2), ways, [((room,), (room,)) for room in range(length)], horizon=horizon, word="arrive")


def mixed(game, draws: Draws) -> np.ndarray:
    """Any stochastic policy, float64[N, O, A]."""
    return draws.dirichlet(np.ones(max(game.actions)), (len(game.actions), game.observation_count))


def certain(game, *actions: int) -> np.ndarray:
    """The policy of always the same actions."""
    return np.repeat(np.eye(max(game.actions))[list(actions)][:, None], game.observation_count, 1)


def part(agent: int):
    """One agent of the first team as it is."""
    from coterie.running.stage import Part

    return Part(0, agent)


# Endings


def too_little_time(draws):
    length = int(draws.integers(4, 12))
    game = chain(length, int(draws.integers(2, length)), 10.0, 1.0)
    return endings(played(game, mixed(game, draws), 8), game)


def played(game, policy: np.ndarray, episodes: int) -> list[Play]:
    """Episodes of a policy on a table."""
    stage = TableStage(game, policy[None])
    return [stage.play([part(agent) for agent in range(len(game.actions))], k) for k in range(episodes)]


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


# Noise


def stuck_at_the_door(draws):
    game = door(int(draws.integers(2, 4)), int(draws.integers(2, 4)), int(draws.integers(5, 25)))
    return noise(TableStage(game, certain(game, *[0] * len(game.actions))[None]))


def greedy_where_luck_is_needed(draws):
    agents = int(draws.integers(2, 4))
    game = door(agents, 2, 1)
    sampled = np.tile([1 / agents, 1 - 1 / agents], (agents, 1, 1))
    return noise(TableStage(game, certain(game, *[1] * agents)[None], sampled[None]))


def actors_stuck_at_the_door(draws):
    game = door(2, 2, int(draws.integers(15, 30)))
    same = [Actor(lambda: None, lambda seen, step: 0)] * 2
    return noise(ActorStage(game, [same], 20, seed=int(draws.integers(1000))))


def stuck_in_a_room(draws):
    game = chain(1, int(draws.integers(30, 60)), draws.uniform(5, 20), cost=draws.uniform(0, 0.1))
    return noise(TableStage(game, certain(game, 0, 1)[None]))


def one_waits(draws):
    game = door(int(draws.integers(2, 4)), int(draws.integers(2, 4)), int(draws.integers(1, 25)), cost=0.1)
    return noise(TableStage(game, certain(game, 0, *[1] * (len(game.actions) - 1))[None]))


def straight_through(draws):
    game = chain(int(draws.integers(2, 8)), 30, 10.0, 1.0, slip=float(draws.choice([0.0, 0.2])))
    return noise(
        TableStage(game, certain(game, 0, 0)[None], (0.2 * mixed(game, draws) + 0.8 * certain(game, 0, 0))[None])
    )


def random_already(draws):
    game = chain(int(draws.integers(2, 5)), 10, 10.0, 1.0)
    return noise(TableStage(game, np.full((1, 2, game.observation_count, 2), 0.5)))


def actors_that_arrive(draws):
    game = chain(int(draws.integers(2, 6)), 12, 10.0, 1.0, slip=0.2)
    return noise(
        ActorStage(game, [[Actor(lambda: None, lambda seen, step: 0)] * 2], 20, seed=int(draws.integers(1000)))
    )


# Exploration


def table(draws: Draws, untried: float) -> tuple[np.ndarray, np.ndarray]:
    """Counts [N, O, A] and reach [N, O]: so great a share of what is within reach was never tried."""
    shape = int(draws.integers(1, 4)), int(draws.integers(10, 40)), int(draws.integers(2, 6))
    reached = draws.random(shape[:2]) < 0.8
    reached[:, 0] = True
    tried = np.where(reached[..., None], draws.integers(1, 50, shape), 0)
    places = np.argwhere(np.broadcast_to(reached[..., None], shape))
    for place in places[draws.permutation(len(places))[: round(untried * len(places))]]:
        tried[tuple(place)] = 0
    return tried, reached


def much_untried(draws):
    return exploration(*table(draws, draws.uniform(0.2, 0.9)))


def ended_too_early(draws):
    epsilon = np.clip(np.linspace(1, -draws.uniform(0.5, 3), 1000), 0, 1)
    last = int(np.flatnonzero(epsilon > 0.01)[-1])
    return exploration(*table(draws, 0.0), int(draws.integers(last + 20, 1000)), epsilon)


def never_succeeded(draws):
    return exploration(*table(draws, 0.02), -1, np.clip(np.linspace(0.5, -0.5, 400), 0, 1))


def one_action_forgotten(draws):
    tried, reached = table(draws, 0.0)
    tried[..., 0] = 0
    return exploration(tried, reached)


def all_tried(draws):
    return exploration(*table(draws, 0.0))


def nearly_all_tried(draws):
    return exploration(*table(draws, draws.uniform(0, 0.04)))


def success_while_exploring(draws):
    epsilon = np.clip(np.linspace(1, -1, 1000), 0, 1)
    return exploration(*table(draws, 0.0), int(draws.integers(1, 450)), epsilon)


def exploring_for_ever(draws):
    return exploration(*table(draws, 0.01), int(draws.integers(1, 400)), np.full(400, 0.1))


def out_of_reach(draws):
    tried, reached = table(draws, 0.0)
    reached[:, 1:] &= draws.random(reached[:, 1:].shape) < 0.5
    return exploration(tried * reached[..., None], reached)


# Drift


def softmax(scores: np.ndarray) -> np.ndarray:
    chances = np.exp(scores - scores.max(-1, keepdims=True))
    return chances / chances.sum(-1, keepdims=True)


def pennies(draws: Draws, matching: bool) -> np.ndarray:
    """Gradient play in 2x2 games (Singh et al. 2000): both agents' chances as two probes, [S, 2, 2]."""
    scores, rows = draws.normal(size=2) * 0.6 + np.array([0.8, 0.0]), []
    other = -1 if matching else 1
    for _ in range(3000):
        x, y = 1 / (1 + np.exp(-scores))
        rows.append((x, y))
        scores += 0.1 * np.array([(4 * y - 2) * x * (1 - x), other * (4 * x - 2) * y * (1 - y)])
    chances = np.array(rows[:: int(draws.integers(8, 20))])
    return np.stack([chances, 1 - chances], -1)


def matching_pennies(draws):
    return drift(pennies(draws, True))


def turning(draws: Draws, noise_level: float, outwards: float = 0.0) -> np.ndarray:
    snapshots, probes, actions = int(draws.integers(60, 300)), int(draws.integers(1, 5)), int(draws.integers(3, 6))
    angle = np.linspace(0, 2 * np.pi * draws.uniform(3.5, 10), snapshots)
    radius = 0.4 + outwards * np.linspace(0, 1, snapshots)
    first, second = draws.normal(size=(2, probes, actions))
    path = radius[:, None, None] * (np.cos(angle)[:, None, None] * first + np.sin(angle)[:, None, None] * second)
    return softmax(path + noise_level * draws.normal(size=path.shape))


def round_and_round(draws):
    return drift(turning(draws, 0.02))


def round_with_noise(draws):
    return drift(turning(draws, 0.08))


def round_and_outwards(draws):
    return drift(turning(draws, 0.01, 0.8))


def coordination(draws):
    return drift(pennies(draws, False))


def steps_at_random(draws):
    snapshots, probes, actions = int(draws.integers(30, 300)), int(draws.integers(1, 5)), int(draws.integers(2, 6))
    return drift(softmax(np.cumsum(draws.normal(size=(snapshots, probes, actions)) * 0.1, 0)))


def still_with_noise(draws):
    snapshots, probes = int(draws.integers(30, 200)), int(draws.integers(1, 5))
    return drift(softmax(draws.normal(size=(1, probes, 4)) + 0.1 * draws.normal(size=(snapshots, probes, 4))))


def learned_and_kept(draws):
    snapshots, probes, actions = int(draws.integers(30, 200)), int(draws.integers(1, 5)), int(draws.integers(2, 6))
    way = np.clip(np.linspace(0, draws.uniform(1, 3), snapshots), 0, 1)[:, None, None]
    return drift(softmax(way * 3 * draws.normal(size=(probes, actions))))


# Step size


def learned_values(draws: Draws, rate: float, spread: float, falls: bool = False) -> np.ndarray:
    """Values that follow noisy targets in -10..10: v <- v + a (target + noise - v), a snapshot each 10 steps."""
    targets = draws.uniform(-10, 10, int(draws.integers(4, 40)))
    targets[:2] = -10, 10
    values, rows = np.zeros_like(targets), []
    for step in range(600):
        now = rate * (1 - step / 600) ** 2 if falls else rate
        values = values + now * (targets + spread * draws.normal(size=values.shape) - values)
        if step % 10 == 0:
            rows.append(values)
    return np.array(rows)


def a_large_rate(draws):
    return step_size(learned_values(draws, draws.uniform(0.5, 1.0), draws.uniform(4, 8)))


def a_rate_of_one(draws):
    return step_size(learned_values(draws, 1.0, draws.uniform(3, 8)))


def two_values_in_turn(draws):
    level, jump = draws.uniform(1, 5), draws.uniform(1, 3)
    flips = (np.arange(40) // int(draws.integers(1, 3))) % 2
    return step_size((level + jump * flips)[:, None] * np.ones(5))


def a_small_rate(draws):
    return step_size(learned_values(draws, draws.uniform(0.01, 0.05), draws.uniform(0, 4)))


def a_falling_rate(draws):
    return step_size(learned_values(draws, draws.uniform(0.3, 0.8), draws.uniform(0, 4), falls=True))


def steady_growth(draws):
    return step_size(np.linspace(0, 1, 60)[:, None] * draws.uniform(-10, 10, 8))


def certain_targets(draws):
    return step_size(learned_values(draws, draws.uniform(0.05, 1.0), 0.0))


# Stability and accounting


def checks(draws: Draws, failing: float) -> Finding:
    """Greedy checks of many teams: after its first success, each fails with such a chance."""
    teams, made = int(draws.integers(20, 200)), 50
    first = draws.integers(1, 20, teams)
    later = np.arange(made) > first[:, None]
    failed = later & (draws.random((teams, made)) < failing)
    return stability_finding(
        Stability(np.ones(teams, bool), failed.any(1), float(failed.sum() / later.sum())), "meet", "try this"
    )


def often_lost(draws):
    return checks(draws, draws.uniform(0.1, 0.6))


def sometimes_lost(draws):
    return checks(draws, draws.uniform(0.07, 0.1))


def kept(draws):
    return checks(draws, 0.0)


def hardly_ever_lost(draws):
    return checks(draws, draws.uniform(0.0, 0.03))


def account(draws: Draws, better: float, never: float = 0.0) -> Finding:
    teams, random = int(draws.integers(40, 400)), float(draws.uniform(-30, 0))
    best = random + float(draws.uniform(5, 40))
    idle_play = random - float(draws.uniform(0, 10))
    wins = np.arange(teams) < better * teams
    returns = np.where(wins, draws.uniform(random + 1, best, teams), random - draws.uniform(0.1, 9, teams))
    successes = np.where(np.arange(teams) >= (1 - never) * teams, 0.0, 5.0)
    floors = Baselines(best, np.array([best]), "undiscounted", random, idle_play, "stay")
    return accounting(returns, floors, successes, 1_000)


def never_met_success(draws):
    return account(draws, 0.0, draws.uniform(0.6, 1.0))


def no_better_than_random(draws):
    return account(draws, draws.uniform(0.0, 0.3))


def no_better_than_idle(draws):
    teams = int(draws.integers(40, 400))
    floors = Baselines(10.0, np.array([10.0]), "undiscounted", -5.0, 0.0, "stay")
    return accounting(draws.uniform(-4, -1, teams), floors, np.ones(teams), 1_000)


def nearly_all_better(draws):
    return account(draws, draws.uniform(0.8, 1.0))


def all_better_few_unlucky(draws):
    return account(draws, 0.9, draws.uniform(0, 0.08))


def best_is_the_idle_action(draws):
    teams = int(draws.integers(40, 400))
    floors = Baselines(11.0, np.array([11.0]), "undiscounted", -3.4, 11.0, "a")
    return accounting(np.full(teams, 11.0) - draws.choice([0.0, 4.0], teams), floors, np.ones(teams), 1_000)


# Reward audit and outcome audit


def audited(draws: Draws, circling_is_worth: tuple[float, float]) -> Finding:
    """A chain where circling for ever is worth so many times the prize (discounted): c / (1 - g) = times g^(n-1) G."""
    length, discount = int(draws.integers(2, 9)), float(draws.choice([0.8, 0.9, 0.95]))
    prize = float(draws.uniform(5, 20))
    circling = draws.uniform(*circling_is_worth) * prize * discount ** (length - 1) * (1 - discount)
    return reward_audit(chain(length, 40, prize, 0.0, circling), discount).finding


def circling_pays(draws):
    return audited(draws, (1.1, 4.0))


def arriving_pays(draws):
    return audited(draws, (0.0, 0.9))


def out_of_time(draws):
    length = int(draws.integers(4, 10))
    return reward_audit(chain(length, int(draws.integers(1, length)), 10.0, 0.1), 0.95).finding


def another_joint_action_pays_more(draws):
    return reward_audit(one_shot(draws, False), 0.9).finding


def the_aim_pays_most(draws):
    return reward_audit(one_shot(draws, True), 0.9).finding


def one_shot(draws: Draws, right: bool):
    """A matrix game whose aim is the joint action that pays most, or the one that pays least."""
    sizes = tuple(draws.integers(2, 5, int(draws.integers(2, 4))).tolist())
    pays = draws.permutation(int(np.prod(sizes))).reshape(sizes).astype(float)
    aim = np.unravel_index(pays.argmax() if right else pays.argmin(), sizes)
    ways = {(0, joint): [(1.0, 0, float(pays[joint]), True, joint == aim)] for joint in product(*map(range, sizes))}
    return make_game(sizes, ways, [((0,),) * len(sizes)], horizon=1)


def a_cost_a_step(draws):
    return reward_audit(chain(int(draws.integers(2, 8)), 40, 10.0, draws.uniform(0.1, 1), slip=0.2), 0.95).finding


def compared(draws: Draws, failing: float, spread: float) -> Finding:
    """Episodes whose failing ones earn so much more on average, relative to the spread."""
    agents, count = int(draws.integers(2, 5)), int(draws.integers(12, 60))
    plays = []
    for k in range(2 * count):
        success = k % 2 == 0
        total = draws.normal() * spread + (0 if success else failing * spread)
        steps = int(draws.integers(3, 20))
        plays.append(play(np.full((steps, agents), total / steps), success=success, ended=success, team=k))
    return outcome_audit(plays)


def failing_pays_much_more(draws):
    return compared(draws, draws.uniform(2, 5), 3.0)


def failing_pays_more(draws):
    return compared(draws, draws.uniform(1.3, 2), 1.0)


def long_circles_earn(draws):
    plays = [play(np.full((20, 2), draws.uniform(0.5, 1)), team=k) for k in range(10)]
    lengths = draws.integers(2, 8, 10)
    return outcome_audit([*plays, *(play(np.full((n, 2), 1.0), success=True, ended=True) for n in lengths)])


def success_pays(draws):
    return compared(draws, -draws.uniform(0.5, 4), 2.0)


def success_pays_the_same(draws):
    return compared(draws, 0.0, 2.0)


def steps_cost(draws):
    plays = [play(np.full((20, 2), -1.0), team=k) for k in range(10)]
    lengths = draws.integers(2, 8, 10)
    return outcome_audit([*plays, *(play(np.full((n, 2), -1.0), success=True, ended=True) for n in lengths)])


FAMILIES: dict[tuple[str, bool], tuple[Family, ...]] = {
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
    ("noise", True): (stuck_at_the_door, greedy_where_luck_is_needed, actors_stuck_at_the_door, stuck_in_a_room),
    ("noise", False): (one_waits, straight_through, random_already, actors_that_arrive),
    ("exploration", True): (much_untried, ended_too_early, never_succeeded, one_action_forgotten),
    ("exploration", False): (
        all_tried,
        nearly_all_tried,
        success_while_exploring,
        exploring_for_ever,
        out_of_reach,
    ),
    ("drift", True): (matching_pennies, round_and_round, round_with_noise, round_and_outwards),
    ("drift", False): (coordination, steps_at_random, still_with_noise, learned_and_kept),
    ("step size", True): (a_large_rate, a_rate_of_one, two_values_in_turn),
    ("step size", False): (a_small_rate, a_falling_rate, steady_growth, certain_targets),
    ("stability", True): (often_lost, sometimes_lost),
    ("stability", False): (kept, hardly_ever_lost),
    ("accounting", True): (never_met_success, no_better_than_random, no_better_than_idle),
    ("accounting", False): (nearly_all_better, all_better_few_unlucky, best_is_the_idle_action),
    ("reward audit", True): (circling_pays, out_of_time, another_joint_action_pays_more),
    ("reward audit", False): (arriving_pays, the_aim_pays_most, a_cost_a_step),
    ("outcome audit", True): (failing_pays_much_more, failing_pays_more, long_circles_earn),
    ("outcome audit", False): (success_pays, success_pays_the_same, steps_cost),
}
