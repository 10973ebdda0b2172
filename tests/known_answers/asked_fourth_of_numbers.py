"""A fourth round about the step size, accounting and coupling, from the definitions alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from asked_of_controls import ask_coupling
from asked_of_drift import ask_step_size
from asked_of_learning import ask_accounting
from families import Chance, Question
from worlds import episode, mostly

from coterie.running.evaluate import Baselines

# --- step size --------------------------------------------------------------------------------------------------------


def chases_its_opponent(chance: Chance) -> tuple:
    """Rock, paper, scissors against somebody who answers the last choice: each value is nearly what the action would
    have paid a moment ago, so that in every snapshot or two another one looks best, to the end."""
    pays, step = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0.0]]), float(chance.uniform(0.85, 1.0))
    other = chance.integers(3, size=int(chance.integers(2, 7)))
    values, rows = np.zeros((len(other), 3)), []
    for _ in range(int(chance.integers(20, 50))):
        values = values + step * (pays[:, other].T - values)
        other = pays[:, values.argmax(1)].argmax(0)
        rows.append(values)
    return (np.stack(rows) * float(chance.uniform(0.5, 50)),)


def raised_too_far(chance: Chance) -> tuple:
    """All was settled; then the step size was raised, and in the last two fifths every value is off by more than the
    actions differ, in every snapshot."""
    snapshots, truth = int(chance.integers(30, 60)), _ordered(chance)
    wild = (np.arange(snapshots) >= 0.6 * snapshots)[:, None, None]
    return (truth + wild * chance.normal(0, 3, (snapshots, *truth.shape)),)


def like_a_pendulum(chance: Chance) -> tuple:
    """Two actions' values swing against each other, smoothly and with the same width to the end, by more than they
    differ: every few snapshots the other one is the best."""
    snapshots, probes = int(chance.integers(24, 50)), int(chance.integers(2, 8))
    period, width = float(chance.uniform(3.5, 7)), float(chance.uniform(1, 10))
    swing = width * np.sin(2 * np.pi * np.arange(snapshots)[:, None] / period + chance.uniform(0, 6.28, probes))
    return (np.stack([swing, -swing, np.full_like(swing, -3 * width)], axis=2),)


def swings_that_die_away(chance: Chance) -> tuple:
    """At first values leap by more than the actions differ; every swing is a quarter smaller than the one before, and
    long before the middle no choice changes any more."""
    snapshots, truth = int(chance.integers(40, 60)), _ordered(chance)
    size = 4 * 0.75 ** np.arange(snapshots)[:, None, None]
    return (truth + size * chance.uniform(-1, 1, (snapshots, *truth.shape)),)


def one_after_another(chance: Chance) -> tuple:
    """Each observation is settled by one leap, at a time of its own, and stays so: leaps here and there, and nothing
    goes to and fro."""
    snapshots, truth = int(chance.integers(40, 60)), _ordered(chance)
    times = chance.integers(1, snapshots - 3, len(truth))
    known = (np.arange(snapshots)[:, None] >= times)[..., None]
    return (np.where(known, truth, truth[:, ::-1]),)


def ever_further_apart(chance: Chance) -> tuple:
    """All values grow with every snapshot, each by its own constant amount, so that they move by as much as they once
    differed; the best was the best from the beginning."""
    truth = _ordered(chance) + 1.0
    return (truth * np.arange(1, int(chance.integers(20, 50)))[:, None, None],)


def equally_good_and_trembling(chance: Chance) -> tuple:
    """Two actions are equally good and far better than the rest; their values tremble by a millionth, so that now the
    one and now the other is ahead by nothing: nothing jumps."""
    snapshots, truth = int(chance.integers(20, 50)), _ordered(chance, least=3)
    truth = np.minimum(truth, truth.max(1, keepdims=True) - 1) * float(chance.uniform(1, 10))
    return (truth + chance.uniform(-1e-6, 1e-6, (snapshots, *truth.shape)),)


def _ordered(chance: Chance, least: int = 2) -> np.ndarray:
    """Values of some actions at some observations, each one better than the next."""
    size = int(chance.integers(least, 6))
    return np.stack([chance.permutation(size) for _ in range(int(chance.integers(2, 8)))]).astype(float)


# --- accounting -------------------------------------------------------------------------------------------------------


def they_might_as_well_stand_still(chance: Chance) -> tuple:
    """Random play hurts, standing still does not, and they earn what standing still earns, far below the optimum,
    without any success."""
    base, teams = _baselines(chance, idle=0.5), int(chance.integers(5, 60))
    return base.idle - 0.01 * _span(base) * chance.random(teams), base, np.zeros(teams, int), 2_000


def scattered_around_random_play(chance: Chance) -> tuple:
    """Some teams earn a little more than random play and others as much less, and none has ever succeeded."""
    base, teams = _baselines(chance), 2 * int(chance.integers(5, 30))
    off = np.repeat(chance.uniform(0.01, 0.08, teams // 2), 2) * np.tile([1, -1], teams // 2)
    return base.random - 0.02 * _span(base) + _span(base) * off, base, np.zeros(teams, int), 3_000


def a_success_in_a_thousand(chance: Chance) -> tuple:
    """They have succeeded once or twice in thousands of episodes, and what they do now earns somewhat less than random
    play does."""
    base, teams = _baselines(chance), int(chance.integers(5, 60))
    return base.random - _span(base) * chance.uniform(0.02, 0.1, teams), base, chance.integers(0, 3, teams), 4_000


def standing_still_is_nearly_best(chance: Chance) -> tuple:
    """There is little to be had beyond what standing still earns, and they have it: they earn the optimum."""
    base, teams = _baselines(chance, idle=0.9), int(chance.integers(5, 60))
    return np.full(teams, base.optimum), base, chance.integers(500, 1_000, teams), 1_000


def in_another_unit(chance: Chance) -> tuple:
    """Rewards are counted in millionths or in millions; they earn nine tenths or more of what there is above random
    play."""
    base, unit, teams = _baselines(chance), float(10.0 ** chance.choice([-6, 6])), int(chance.integers(5, 60))
    scaled = base._replace(
        optimum=unit * base.optimum,
        start_values=unit * base.start_values,
        random=unit * base.random,
        idle=unit * base.idle,
    )
    return (
        scaled.optimum - _span(scaled) * chance.uniform(0, 0.1, teams),
        scaled,
        chance.integers(300, 900, teams),
        1_000,
    )


def one_of_many_is_lost(chance: Chance) -> tuple:
    """One team of twenty or more earns what random play earns; all others earn the optimum, and succeed."""
    base, teams = _baselines(chance), int(chance.integers(20, 60))
    lost = np.arange(teams) == chance.integers(teams)
    successes = np.where(lost, 0, chance.integers(500, 1_000, teams))
    return np.where(lost, base.random, base.optimum), base, successes, 1_000


def _baselines(chance: Chance, idle: float = -0.1) -> Baselines:
    """idle: what standing still earns, in parts of the way from random play to the optimum."""
    best, random = float(chance.uniform(5, 30)), -float(chance.uniform(5, 30))
    return Baselines(
        best, np.array([best]), "undiscounted, within 30 steps", random, random + idle * (best - random), "a"
    )


def _span(base: Baselines) -> float:
    return base.optimum - base.random


# --- coupling ---------------------------------------------------------------------------------------------------------


def a_beat_begun_at_random(chance: Chance) -> tuple:
    """Both keep time by a beat that nobody sees and that begins on another foot in every episode: each alone plays
    either action equally often in every step, and together they are always in step."""
    slip = float(chance.uniform(0, 0.15))

    def act(random: Chance, sights: np.ndarray, step: int, hidden: int) -> list[int]:
        foot = (hidden + step) % 2
        return [foot if random.random() > slip else 1 - foot for _ in range(2)]

    return _recorded(chance, act, lambda agent, seen: np.full(2, 0.5))


def agreed_when_the_bell_rings(chance: Chance) -> tuple:
    """While a bell rings, which both hear, they follow a hidden coin together; otherwise each draws its own."""

    def act(random: Chance, sights: np.ndarray, step: int, hidden: int) -> list[int]:
        own = random.integers(2, size=2)
        return [int(own[0]), int(own[0] if sights[0] else own[1])]

    return _recorded(chance, act, lambda agent, seen: np.full(2, 0.5), see=_common)


def in_the_same_half(chance: Chance) -> tuple:
    """Of four actions a hidden coin chooses two, the same two for both, and each draws freely between these."""

    def act(random: Chance, sights: np.ndarray, step: int, hidden: int) -> list[int]:
        half = 2 * int(random.integers(2))
        return [half + int(random.integers(2)) for _ in range(2)]

    return _recorded(chance, act, lambda agent, seen: np.full(4, 0.25))


def a_timetable_for_all(chance: Chance) -> tuple:
    """Each step has its own usual action, the same in all episodes, which everybody takes in most cases, each for
    itself: given the step, what one does says nothing about what the other does."""
    usual, share = chance.integers(2, size=100), float(chance.uniform(0.65, 0.85))
    often = share * usual[:40].mean() + (1 - share) * (1 - usual[:40].mean())

    def act(random: Chance, sights: np.ndarray, step: int, hidden: int) -> list[int]:
        return [int(usual[step] if random.random() < share else 1 - usual[step]) for _ in range(2)]

    return _recorded(chance, act, lambda agent, seen: np.array([1 - often, often]), steps=40, count=16)


def the_same_lamp_seen_dimly(chance: Chance) -> tuple:
    """A lamp that nobody sees quite rightly: each sees a copy of it that is right in most steps, and acts on what it
    sees itself. What they see agrees, and so do their actions, because of what they see and nothing else."""
    right, share = float(chance.uniform(0.75, 0.95)), float(chance.uniform(0.7, 0.95))

    def see(random: Chance, lamp: int, before: list[int]) -> list[int]:
        return [lamp if random.random() < right else 1 - lamp for _ in range(2)]

    def act(random: Chance, sights: np.ndarray, step: int, hidden: int) -> list[int]:
        return [int(random.choice(2, p=mostly(int(seen), 2, share))) for seen in sights]

    return _recorded(chance, act, lambda agent, seen: mostly(int(seen[0]), 2, share), see=see)


def follows_what_it_saw(chance: Chance) -> tuple:
    """Both see what the first did last; the first mostly does it again, and the second mostly does the same: their
    actions agree, and what they see explains all of it."""
    again, share = float(chance.uniform(0.6, 0.85)), float(chance.uniform(0.7, 0.95))

    def act(random: Chance, sights: np.ndarray, step: int, hidden: int) -> list[int]:
        return [int(random.choice(2, p=mostly(int(sights[k]), 2, (again, share)[k]))) for k in range(2)]

    return _recorded(
        chance,
        act,
        lambda agent, seen: mostly(int(seen[0]), 2, (again, share)[agent]),
        see=lambda random, lamp, before: [before[0]] * 2,
    )


def _own(random: Chance, lamp: int, before: list[int]) -> list[int]:
    return random.integers(2, size=2).tolist()


def _common(random: Chance, lamp: int, before: list[int]) -> list[int]:
    return [lamp] * 2


def _recorded(
    chance: Chance,
    act: Callable[[Chance, np.ndarray, int, int], list[int]],
    policy_of: Callable[[int, np.ndarray], np.ndarray],
    see: Callable[[Chance, int, list[int]], list[int]] = _own,
    steps: int = 0,
    count: int = 0,
) -> tuple:
    """Episodes of two agents; see(chance, lamp, last actions) is what they see, act(.., hidden) what they do, where
    hidden is drawn once an episode."""
    plays = []
    for team in range(count or int(chance.integers(8, 13))):
        length, hidden, before = steps or int(chance.integers(40, 60)), int(chance.integers(2)), [0, 0]
        sights, actions = [], []
        for step in range(length + 1):
            sights.append(see(chance, int(chance.integers(2)), before))
            before = act(chance, np.array(sights[-1]), step, hidden)
            actions.append(before)
        plays.append(
            episode(
                np.arange(length + 1),
                np.zeros((length, 2)),
                actions=np.array(actions[:-1]),
                team=team,
                observations=tuple(np.array(sights)[:, [agent]] for agent in range(2)),
            )
        )
    return plays, policy_of


QUESTIONS = (
    Question(
        "step size",
        ask_step_size,
        (chases_its_opponent, raised_too_far, like_a_pendulum),
        (swings_that_die_away, one_after_another, ever_further_apart, equally_good_and_trembling),
    ),
    Question(
        "accounting",
        ask_accounting,
        (they_might_as_well_stand_still, scattered_around_random_play, a_success_in_a_thousand),
        (standing_still_is_nearly_best, in_another_unit, one_of_many_is_lost),
    ),
    Question(
        "coupling",
        ask_coupling,
        (a_beat_begun_at_random, agreed_when_the_bell_rings, in_the_same_half),
        (a_timetable_for_all, the_same_lamp_seen_dimly, follows_what_it_saw),
    ),
)
