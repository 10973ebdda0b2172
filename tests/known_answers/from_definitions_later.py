"""More known answers for three questions whose detectors were changed after the first cases had been asked. Written
from the definitions, too, before any detector had been asked these: the detectors were not read, neither as they had
been nor as they were changed."""

from __future__ import annotations

import numpy as np
from asked_of_drift import ask_step_size
from asked_of_moves import ask_loops
from asked_of_rewards import ask_endings
from case import Case
from families import Chance, Question, cases_of
from shared import wandering
from worlds import Ways, any_actions, episode, policy, stage, successes, world

from coterie.running.stage import own_cast
from coterie.types import Play

# --- endings ----------------------------------------------------------------------------------------------------------


def a_door_that_opens_too_late(chance: Chance) -> tuple:
    """The way is short, but a door on it opens only after the time limit, as the table shows: there is an aim, and no
    play can reach it in time."""
    length, horizon = int(chance.integers(2, 5)), int(chance.integers(8, 16))
    opens = horizon + int(chance.integers(1, 4))

    def step(state, joint) -> Ways:
        place, clock = state
        new = min(max(place + (0, 1, -1)[joint[0]], 0), length)
        there = new == length and clock >= opens
        after = (new if there else min(new, length - 1), min(clock + 1, opens))
        return [(1.0, after, float(there), there, there)]

    game = world((3, 2), [(0, 0)], step, lambda state, agent: (state[0],) if agent == 0 else (0,), horizon)
    team = stage(game, policy(game, lambda agent, seen: np.array([0.2, 0.6, 0.2]) if agent == 0 else 0), seed=7)
    return [team.play(own_cast(team), k) for k in range(int(chance.integers(8, 14)))], game


def all_cut_off_in_mid_air(chance: Chance) -> tuple:
    """Every episode earns something on the way and none arrives: all are cut off at the limit."""
    agents, steps = int(chance.integers(2, 5)), int(chance.integers(15, 100))
    count = int(chance.integers(15, 40))
    return ([wandering(chance, steps, chance.random((steps, agents)), team) for team in range(count)],)


def all_endings_marked_as_cut_off(chance: Chance) -> tuple:
    """Every episode succeeds, at many different steps, and every one is marked as cut off by a time limit."""
    plays = successes(chance, int(chance.integers(20, 40)), int(chance.integers(2, 5)), step=-0.1)
    return ([play._replace(ended=False) for play in plays],)


def most_fall_and_some_arrive(chance: Chance) -> tuple:
    """Most episodes truly end without success, some with it, and none is cut off: bad play, proper endings."""
    plays = successes(chance, int(chance.integers(15, 40)), int(chance.integers(2, 4)))
    return ([play if k % 4 == 0 else play._replace(success=False) for k, play in enumerate(plays)],)


def slow_and_in_time(chance: Chance) -> tuple:
    """Most arrive in the last few steps, some in the very last, and one in ten is cut off."""
    agents, limit = int(chance.integers(2, 4)), int(chance.integers(15, 40))
    plays = []
    for team in range(int(chance.integers(20, 40))):
        late = team % 10 == 9
        steps = limit if late else limit - int(chance.integers(0, 5))
        rewards = np.zeros((steps, agents))
        rewards[-1] = 0.0 if late else 1.0
        keys, actions = chance.permutation(1000)[: steps + 1], any_actions(chance, steps, agents, 4)
        plays.append(episode(keys, rewards, actions=actions, success=not late, team=team))
    return (plays,)


def one_in_five_is_cut_off_on_a_table(chance: Chance) -> tuple:
    """They walk to and fro with a drift to the right: most arrive in time, and some are cut off."""
    length, horizon = int(chance.integers(3, 6)), 16

    def step(state, joint) -> Ways:
        new = min(max(state + (0, 1, -1)[joint[0]], 0), length)
        return [(1.0, new, float(new == length), new == length, new == length)]

    game = world((3, 2), [0], step, lambda state, agent: (state,) if agent == 0 else (0,), horizon)
    drift = policy(game, lambda agent, seen: np.array([0.15, 0.7, 0.15]) if agent == 0 else 0)
    team = stage(game, drift, seed=int(chance.integers(1000)))
    return [team.play(own_cast(team), k) for k in range(15)], game


# --- loops ------------------------------------------------------------------------------------------------------------


def two_circles(chance: Chance) -> tuple:
    """A third of the episode in one circle, then a walk, then a third in another circle."""
    one, other = (int(chance.integers(1, 5)) for _ in range(2))

    def keys(steps: int) -> np.ndarray:
        clock, third = np.arange(steps + 1), steps // 3
        return np.where(clock < third, clock % one, np.where(clock < 2 * third, 100 + clock, 50 + clock % other))

    return (_failing(chance, keys),)


def walk_half_and_circle_half(chance: Chance) -> tuple:
    """A long walk, and then a circle to the end that takes as many steps."""
    period = int(chance.integers(1, 6))
    return (_failing(chance, lambda steps: _clocked(steps, lambda t: 100 + t if 2 * t < steps else t % period)),)


def wide_circles(chance: Chance) -> tuple:
    """A circle of eight to eleven states, gone round five times or more."""
    period = int(chance.integers(8, 12))
    return (_failing(chance, lambda steps: np.arange(steps + 1) % period, steps=(60, 100)),)


def stopping_for_long(chance: Chance) -> tuple:
    """They stand for six steps or more, walk two, stand again somewhere else: most of the time nobody moves."""
    stand = int(chance.integers(6, 10))

    def keys(steps: int) -> np.ndarray:
        return np.cumsum(np.r_[0, np.arange(steps) % (stand + 2) >= stand])

    return (_failing(chance, keys),)


def ever_wider_rounds(chance: Chance) -> tuple:
    """Every round goes one state further than the one before: much is seen again, nothing repeats, and they get on."""

    def keys(steps: int) -> np.ndarray:
        walk = [place for turn in range(2, steps) for place in range(turn)]
        return np.array(walk[: steps + 1])

    return (_failing(chance, keys),)


def carriers_who_are_paid_at_one_end(chance: Chance) -> tuple:
    """To and fro along some cells with a load, at a small cost a step, and well paid at one end in every round."""
    length, pays = int(chance.integers(2, 6)), float(chance.uniform(5, 10))
    way = np.r_[np.arange(length), np.arange(length, 0, -1)]

    def earned(steps: int, agents: int) -> np.ndarray:
        return np.repeat(np.resize(np.where(way == length, pays - 0.1, -0.1), steps)[:, None], agents, 1)

    return (_failing(chance, lambda steps: np.resize(way, steps + 1), earned),)


def back_once(chance: Chance) -> tuple:
    """They take a wrong turn, come back the same way once, and walk on."""

    def keys(steps: int) -> np.ndarray:
        turn = int(chance.integers(3, 10))
        return np.array([*range(turn), *range(turn - 2, -1, -1), *range(100, 100 + steps)])[: steps + 1]

    return (_failing(chance, keys),)


# --- step size --------------------------------------------------------------------------------------------------------


def one_action_goes_up_and_down(chance: Chance) -> tuple:
    """One action's value jumps from well above the others to well below and back, to the end."""
    snapshots, probes, size = int(chance.integers(20, 50)), int(chance.integers(2, 8)), int(chance.integers(2, 5))
    values = chance.normal(0, 0.2, (probes, size)) + chance.normal(0, 0.01, (snapshots, probes, size))
    values[..., int(chance.integers(size))] += 2.0 * chance.choice([-1, 1], (snapshots, probes))
    return (values,)


def three_minds(chance: Chance) -> tuple:
    """Values go round three orders of the actions, a step in every snapshot."""
    snapshots, probes, size = int(chance.integers(20, 50)), int(chance.integers(2, 8)), int(chance.integers(3, 6))
    orders = [float(chance.uniform(1, 9)) * np.roll(np.arange(size), k) for k in range(3)]
    return (np.stack([np.tile(orders[k % 3], (probes, 1)) for k in range(snapshots)]),)


def swept_away_by_the_last_reward(chance: Chance) -> tuple:
    """Every value is the last reward of a coin that pays ten or nothing, whatever the action's mean."""
    snapshots, probes, size = int(chance.integers(20, 50)), int(chance.integers(2, 8)), int(chance.integers(2, 4))
    return (np.where(chance.random((snapshots, probes, size)) < np.linspace(0.4, 0.6, size), 10.0, 0.0),)


def large_values_and_small_noise(chance: Chance) -> tuple:
    """Values of a thousand tremble by one, and the actions differ by fifty."""
    probes, size = int(chance.integers(2, 8)), int(chance.integers(2, 5))
    values = 1000.0 + 50.0 * np.stack([chance.permutation(size) for _ in range(probes)])
    return (values + chance.normal(0, 1, (int(chance.integers(20, 50)), probes, size)),)


def each_creeps_on_its_own(chance: Chance) -> tuple:
    """Every value still creeps, each at a pace of its own, and the best stays well ahead of the next."""
    probes, size, snapshots = int(chance.integers(2, 8)), int(chance.integers(2, 5)), int(chance.integers(20, 50))
    values = np.stack([chance.permutation(size) for _ in range(probes)]).astype(float)
    return (values + np.linspace(0, 0.4, snapshots)[:, None, None] * chance.random((probes, size)),)


def the_worst_jump(chance: Chance) -> tuple:
    """The values of bad actions jump, far below that of the best, which stands still: nothing comes of it."""
    probes, size, snapshots = int(chance.integers(2, 8)), int(chance.integers(3, 6)), int(chance.integers(20, 50))
    values = chance.uniform(-10, -5, (snapshots, probes, size))
    values[:, np.arange(probes), chance.integers(size, size=probes)] = 5.0
    return (values,)


def _clocked(steps: int, key) -> np.ndarray:
    return np.array([key(step) for step in range(steps + 1)])


def _failing(chance: Chance, keys, earned=None, steps: tuple[int, int] = (30, 60)) -> list[Play]:
    agents, plays = int(chance.integers(2, 4)), []
    for team in range(int(chance.integers(5, 12))):
        count = int(chance.integers(*steps))
        rewards = np.full((count, agents), -0.1) if earned is None else earned(count, agents)
        plays.append(episode(keys(count), rewards, actions=any_actions(chance, count, agents, 4), team=team))
    return plays


QUESTIONS = (
    Question(
        "endings",
        ask_endings,
        (a_door_that_opens_too_late, all_cut_off_in_mid_air, all_endings_marked_as_cut_off),
        (most_fall_and_some_arrive, slow_and_in_time, one_in_five_is_cut_off_on_a_table),
    ),
    Question(
        "loops",
        ask_loops,
        (two_circles, walk_half_and_circle_half, wide_circles, stopping_for_long),
        (ever_wider_rounds, carriers_who_are_paid_at_one_end, back_once),
    ),
    Question(
        "step size",
        ask_step_size,
        (one_action_goes_up_and_down, three_minds, swept_away_by_the_last_reward),
        (large_values_and_small_noise, each_creeps_on_its_own, the_worst_jump),
    ),
)


def cases(count: int) -> list[Case]:
    """`count` cases with the answer yes and `count` with no for every question."""
    return cases_of(QUESTIONS, count)
