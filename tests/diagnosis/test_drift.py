"""Drift and step size: cycles, ways and random walks (facts.md 8), and values that jump."""

import numpy as np
import pytest
from small_runs import parse_only

from coterie.diagnosis.drift import FEWEST_SNAPSHOTS, JUMP, MANY_TURNS, drift, measure, step_size

SEEDS = range(40)


def pennies(opposed, steps=6_000, every=20, rate=0.1):
    """Both agents of a 2x2 game follow the gradient of their own payoff, in log odds; [S, 2, 2], a probe an agent.

    Matching pennies (opposed) has no pure equilibrium, coordination has two.
    """
    odds, rows = np.array([1.2, 0.3]), []
    for _ in range(steps):
        x, y = 1 / (1 + np.exp(-odds))
        rows.append([[x, 1 - x], [y, 1 - y]])
        sign = -1.0 if opposed else 1.0
        odds = odds + rate * np.array([(4 * y - 2) * x * (1 - x), sign * (4 * x - 2) * y * (1 - y)])
    return np.array(rows[::every])


def walk(seed, snapshots=300, probes=2, actions=2):
    scores = np.cumsum(0.1 * np.random.default_rng(seed).normal(size=(snapshots, probes, actions)), 0)
    return np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)


def circle(turns, snapshots=200, radius=0.3):
    angle = np.linspace(0, 2 * np.pi * turns, snapshots)
    x, y = 0.5 + radius * np.cos(angle), 0.5 + radius * np.sin(angle)
    return np.stack([np.stack([x, 1 - x], -1), np.stack([y, 1 - y], -1)], 1)


def test_matching_pennies_go_round():
    finding = drift(pennies(True))
    assert (finding.name, finding.verdict) == ("drift", "yes")
    assert abs(finding.value) > 5
    assert measure(pennies(True)).net < 0.05
    assert finding.picture.kind == "path"
    parse_only(["train", "rendezvous", *finding.flags])


def test_coordination_goes_straight():
    found = measure(pennies(False))
    assert drift(pennies(False)).verdict == "no"
    assert abs(found.turns) < 1
    assert found.net > 0.95


@pytest.mark.parametrize("turns", [2.5, 3, 7.25, -4])
def test_turns_are_counted(turns):
    found = measure(circle(turns))
    assert abs(found.turns) == pytest.approx(abs(turns), abs=0.3)  # about the mean, not the middle
    assert drift(circle(turns)).verdict == "yes"


def test_a_random_walk_shows_that_one_number_alone_cannot_tell():
    """As little net movement as a cycle, and now and then as many turns: hardly ever both, and one way."""
    found = [measure(walk(seed)) for seed in SEEDS]
    assert np.median([one.net for one in found]) < 0.1  # net alone would call most of them cycles
    alarms = [drift(walk(seed)).verdict for seed in range(200)].count("yes")
    assert alarms <= 6


def test_winding_alone_cannot_tell():
    """A spiral staircase winds three times and goes somewhere all the same."""
    stairs = np.concatenate([circle(3, radius=0.02), np.linspace(0, 0.9, 200)[:, None, None] * [[1, -1]] + [[0, 1]]], 1)
    assert drift(circle(3)).verdict == "yes"
    assert measure(stairs).net > 0.5
    assert drift(stairs).verdict == "no"


def test_noise_about_a_point_winds_by_chance_only():
    rng = np.random.default_rng(0)
    noisy = [0.5 + 0.1 * rng.uniform(-1, 1, (1_000, 2, 2)) for _ in SEEDS]
    assert np.max([abs(measure(one).turns) for one in noisy]) > MANY_TURNS  # turns alone would call this a cycle
    assert [drift(one).verdict for one in noisy].count("yes") <= 2


def test_one_agent_on_a_line_swings():
    """One probability alone cannot wind, but it can swing to and fro."""
    assert drift(pennies(True)[:, :1]).verdict == "yes"
    assert drift(pennies(False)[:, :1]).verdict == "no"
    alarms = [drift(walk(seed, probes=1)).verdict for seed in range(200)].count("yes")
    assert alarms <= 8


def test_a_cycle_that_dies_out_has_settled():
    fading = 0.5 + (circle(8) - 0.5) * np.exp(-np.linspace(0, 8, 200))[:, None, None]
    finding = drift(fading)
    assert finding.verdict == "no"
    assert "it settles" in finding.sentence


def test_what_is_too_short_or_still():
    assert drift(circle(3)[: FEWEST_SNAPSHOTS - 1]).verdict == "cannot tell"
    assert drift(np.full((50, 2, 2), 0.5)).verdict == "no"


def test_a_broken_centre_would_be_noticed():
    """Negative control: about a point outside, the same circles do not wind."""
    path = circle(5).reshape(200, -1)[:, [0, 2]] - 2.0
    angles = np.unwrap(np.arctan2(path[:, 1], path[:, 0]))
    assert abs(angles[-1] - angles[0]) < np.pi
    assert abs(measure(circle(5)).turns) > 4


# Step size


def noisy(spread, snapshots=40, entries=30, seed=0):
    level = np.linspace(-10, 10, entries)
    return level + spread * np.random.default_rng(seed).normal(size=(snapshots, entries))


@pytest.mark.parametrize("seed", range(5))
def test_the_jump_is_the_noise(seed):
    finding = step_size(noisy(2.0, snapshots=200, seed=seed))
    assert (finding.name, finding.verdict) == ("step size", "yes")
    parse_only(["train", "rendezvous", *finding.flags])
    values = noisy(2.0, snapshots=200, seed=seed)
    assert finding.value * np.ptp(values) == pytest.approx(2.0, rel=0.1)


def test_small_noise_is_no_jump():
    assert step_size(noisy(0.3)).verdict == "no"
    assert JUMP == 0.05


def test_steady_growth_is_no_jump():
    growing = np.linspace(0, 10, 40)[:, None] * np.ones(5)
    finding = step_size(growing)
    assert finding.verdict == "no"
    assert finding.value == pytest.approx(0.0, abs=1e-9)


def test_only_the_end_counts():
    early = noisy(0.0)
    early[:15] += 5 * np.random.default_rng(1).normal(size=early[:15].shape)
    assert step_size(early).verdict == "no"
    assert step_size(early[::-1]).verdict == "yes"


def test_few_that_jump_among_many_that_stand():
    values = np.tile(np.linspace(-10, 10, 1_000), (40, 1))
    values[:, 3] += 4 * (np.arange(40) % 2)
    assert step_size(values).verdict == "yes"


def test_what_all_actions_share_changes_no_choice():
    values = np.zeros((40, 5, 3)) + np.array([0.0, 1.0, 2.0])
    shared = 3 * np.random.default_rng(0).normal(size=(40, 5, 1))
    assert step_size(values + shared).verdict == "no"
    assert step_size((values + shared).reshape(40, -1)).verdict == "yes"  # without an axis of actions they are jumps


def test_jumps_that_change_no_choice_do_no_harm():
    rng = np.random.default_rng(0)
    below = rng.uniform(-10, -5, (40, 6, 3))
    below[..., 1] = 5.0  # always the best, by far
    finding = step_size(below)
    assert finding.verdict == "no"
    assert "hardly ever change to and fro which action is best (0.0 % of snapshots)" in finding.sentence
    assert step_size(below - 15 * (np.arange(3) == 1)).verdict == "yes"  # the same jumps about one level


@pytest.mark.parametrize("seed", range(5))
def test_jumps_in_one_state_that_change_no_choice(seed):
    """A repeated game has one observation: the worse actions are hardly tried, and jump with every single try."""
    rng = np.random.default_rng(seed)
    values = np.zeros((40, 2, 1, 3)) + np.array([8.0, 0.0, 0.0])
    values[..., 1:] = rng.choice([-30.0, 6.0, 0.0], (40, 2, 1, 2))
    assert step_size(values).verdict == "no"
    values[..., 0] = rng.choice([-30.0, 6.0, 0.0], (40, 2, 1))  # the best one jumps, too
    assert step_size(values).verdict == "yes"


@pytest.mark.parametrize("at", [22, 30, 38])
def test_one_leap_late_is_a_discovery(at):
    """What is found late changes the best action once, and it stays so; to go back again is a jump."""
    values = np.zeros((40, 4, 2)) + np.array([5.0, 0.0])
    values += 0.01 * np.random.default_rng(at).normal(size=values.shape)
    values[at:, :, 1] += 10.0
    finding = step_size(values)
    assert (finding.verdict, finding.value > JUMP) == ("no", True)
    assert "leap once late in learning" in finding.sentence
    assert step_size(values.reshape(40, -1)).verdict == "no"  # without an axis of actions, too
    for to_and_fro in (range(20, 40, 2), range(20, 40, 4)):
        jumping = np.zeros((40, 4, 2)) + np.array([5.0, 0.0])
        jumping[list(to_and_fro), :, 1] += 10.0
        assert step_size(jumping).verdict == "yes"


def test_leaps_in_turn_that_each_change_the_choice_for_good():
    """Two leaps of one action, at different times: every change is for good, so nothing goes to and fro."""
    values = np.zeros((40, 3, 3)) + np.array([5.0, 0.0, 0.0])
    values[24:, :, 1] += 10.0
    values[30:, :, 2] += 10.0
    values[34:, :, 2] += 10.0
    assert step_size(values).verdict == "no"


def test_a_constant_rate_leaves_what_the_formula_says():
    """v <- v + a (noise - v) has the standard deviation s sqrt(a / (2 - a)) in the end."""
    rng, value, rows = np.random.default_rng(0), np.zeros(50), []
    for step in range(6_000):
        value = value + 0.5 * (rng.normal(size=50) - value)
        if step % 20 == 0:
            rows.append(value)
    rows = np.array(rows)
    finding = step_size(rows)
    assert finding.value * np.ptp(rows) == pytest.approx(np.sqrt(0.5 / 1.5), rel=0.05)


def test_too_few_snapshots():
    assert step_size(noisy(1.0, snapshots=9)).verdict == "cannot tell"
    assert step_size(np.zeros((20, 3))).verdict == "no"
