"""Cases with known answers for the findings about learning, generated over several families."""

from __future__ import annotations

import numpy as np
from case import Case
from making import Draws, Families, generated

from coterie.diagnosis.accounting import accounting
from coterie.diagnosis.drift import drift, step_size
from coterie.diagnosis.exploration import exploration
from coterie.diagnosis.stability import stability_finding
from coterie.running.evaluate import Baselines, Stability
from coterie.types import Finding

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


FAMILIES: Families = {
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
}


def cases(count: int) -> list[Case]:
    """So many of each answer for every diagnostic of this module."""
    return generated(FAMILIES, count)
