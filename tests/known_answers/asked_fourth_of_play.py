"""A fourth round about gaps and noise, from the definitions alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from asked_of_noise import ask_noise
from asked_of_tables import ask_gaps
from families import Chance, Question
from worlds import Ways, mostly, policy, stage, world

from coterie.finite.game import FiniteGame
from coterie.finite.solve import uniform_policy

# --- gaps: between agents of different teams, whether one alone could gain --------------------------------------------


def a_traitor_could_gain(chance: Chance) -> tuple:
    """Two rivals with rewards of their own keep faith in a prisoner's dilemma: either alone would gain by treason."""
    game = _dilemma(chance)
    return game, policy(game, lambda agent, seen: 0)


def always_the_same_hand(chance: Chance) -> tuple:
    """Rivals play rock, paper, scissors for some rounds, both always the same hand, which the other could beat."""
    game, hands = _hands(chance), chance.integers(3, size=2)
    return game, policy(game, lambda agent, seen: int(hands[agent]))


def the_small_prize_near_by(chance: Chance) -> tuple:
    """To the left is a small prize a step away, to the right a far larger one, some steps away and within the time;
    they take the small one."""
    game = _prizes(chance)
    return game, policy(game, lambda agent, seen: 2)


def the_key_is_left_behind(chance: Chance) -> tuple:
    """The door opens only to those who have fetched the key; there is time enough for both ways, and they walk to the
    door at once and stand before it."""
    game = _key(chance)
    return game, policy(game, lambda agent, seen: 1)


def both_are_traitors(chance: Chance) -> tuple:
    """The prisoner's dilemma between rivals, and neither keeps faith: both could earn more together, and neither can by
    itself. That is the equilibrium of a game between rivals, and no fault of an agent."""
    game = _dilemma(chance)
    return game, policy(game, lambda agent, seen: 1)


def any_hand_equally_often(chance: Chance) -> tuple:
    """Rock, paper, scissors between rivals, drawn evenly: nobody can gain by anything else."""
    game = _hands(chance)
    return game, uniform_policy(game)


def the_large_prize_far_away(chance: Chance) -> tuple:
    """The two prizes again, and they walk to the large one."""
    game = _prizes(chance)
    return game, policy(game, lambda agent, seen: 1)


def the_key_is_fetched(chance: Chance) -> tuple:
    """The key again: they fetch it and then walk to the door, by the shortest way."""
    game = _key(chance)
    return game, policy(game, lambda agent, seen: 0 if agent else 1 if seen[1] else 2)


def _rivals(game: FiniteGame) -> FiniteGame:
    """The same game in which every agent is a team of its own."""
    return game._replace(spec=replace(game.spec, team=tuple(range(len(game.actions)))))


def _dilemma(chance: Chance) -> FiniteGame:
    """Keep faith (0) or betray (1), for some rounds in which nothing is remembered."""
    unit, (worst, poor, good, best) = float(chance.uniform(0.5, 5)), np.cumsum(chance.uniform(0.5, 1.5, 4))
    good = max(good, (best + worst) / 2 + 0.1)
    best = good + 1.0
    pays = {(0, 0): (good, good), (0, 1): (worst, best), (1, 0): (best, worst), (1, 1): (poor, poor)}

    def step(state, joint) -> Ways:
        return [(1.0, state, tuple(unit * float(one) for one in pays[joint]), False, joint == (0, 0))]

    return _rivals(world((2, 2), [0], step, lambda state, agent: (0,), int(chance.integers(1, 5))))


def _hands(chance: Chance) -> FiniteGame:
    """Rock, paper, scissors: what one wins the other loses."""
    stake = float(chance.uniform(0.5, 10))

    def step(state, joint) -> Ways:
        won = (0.0, stake, -stake)[(joint[0] - joint[1]) % 3]
        return [(1.0, state, (won, -won), False, won > 0)]

    return _rivals(world((3, 3), [0], step, lambda state, agent: (0,), int(chance.integers(1, 5))))


def _prizes(chance: Chance) -> FiniteGame:
    """Stay, right, left: the first agent is a step from a small prize and some steps from a large one; to take one ends
    it. The second agent only looks on."""
    far, small = int(chance.integers(3, 7)), float(chance.uniform(0.5, 3))
    large = small * float(chance.uniform(2, 5))

    def step(place, joint) -> Ways:
        new = place + (0, 1, -1)[joint[0]]
        taken = new in (-1, far)
        return [(1.0, new, {-1: small, far: large}.get(new, 0.0), taken, new == far)]

    return world((3, 3), [0], step, lambda place, agent: (-2 if agent else place,), far + int(chance.integers(0, 4)))


def _key(chance: Chance) -> FiniteGame:
    """Stay, right, left: the key lies at the left end, the door is at the right end, the first agent begins between."""
    left, length, pays = int(chance.integers(1, 3)), int(chance.integers(4, 7)), float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        place, key = state
        new = min(max(place + (0, 1, -1)[joint[0]], 0), length)
        key = int(key or new == 0)
        there = bool(key and new == length)
        return [(1.0, (new, key), pays * there, there, there)]

    horizon = left + length + int(chance.integers(0, 5))
    return world((3, 2), [(left, 0)], step, lambda state, agent: (0, 0) if agent else state, horizon)


# --- noise ------------------------------------------------------------------------------------------------------------


def out_of_step_with_the_gate(chance: Chance) -> tuple:
    """A gate opens in every second step. The agent walks up to it, is sent back and walks up again, always in the wrong
    step; a moment's rest by chance would bring it through."""
    return _at_the_gate(chance, phase=0)


def digs_on_one_side_only(chance: Chance) -> tuple:
    """A treasure lies to the left or to the right, nobody sees where; there is time to dig in both places many times,
    and the agent digs on one side only, so half of the treasures stay where they are."""
    game, side = _dug(chance, [1, 2]), int(chance.integers(1, 3))
    own = policy(game, lambda agent, seen: 0 if agent else side)
    return (stage(game, own, sampled=[policy(game, _digs)] if chance.random() < 0.5 else None),)


def the_sign_is_never_given(chance: Chance) -> tuple:
    """One waits for the sign of the other, who greedily never gives it, although its own policy would in one step of
    four; with the sign both walk through and are paid."""
    game = _signed(chance)
    own = policy(game, lambda agent, seen: 0 if agent == 0 else seen[0])
    sampled = policy(game, lambda agent, seen: np.array([0.75, 0.25]) if agent == 0 else seen[0])
    return (stage(game, own, sampled=[sampled]),)


def in_step_with_the_gate(chance: Chance) -> tuple:
    """The gate again, and the agent comes when it is open: noise only makes it late."""
    return _at_the_gate(chance, phase=1)


def digs_where_it_lies(chance: Chance) -> tuple:
    """The treasure always lies on the same side, and the agent digs there; digging elsewhere costs."""
    side = int(chance.integers(1, 3))
    game = _dug(chance, [side], cost=0.5)
    return (stage(game, policy(game, lambda agent, seen: 0 if agent else side), sampled=[policy(game, _digs)]),)


def the_sign_is_given_at_once(chance: Chance) -> tuple:
    """The sign is given in the first step and followed in the next, and every step costs: as they draw, it would be
    given later."""
    game = _signed(chance, cost=1.0)
    own = policy(game, lambda agent, seen: 1 if agent == 0 else seen[0])
    sampled = policy(game, lambda agent, seen: mostly(1, 2, 0.8) if agent == 0 else seen[0])
    return (stage(game, own, sampled=[sampled]),)


def _at_the_gate(chance: Chance, phase: int) -> tuple:
    """Wait or go: from the road to the gate, and from the gate through it, where it is open, or back to the road. The
    agent sees where it is and always goes; phase 1: it comes when the gate is open."""
    pays, horizon = float(chance.uniform(1, 10)), int(chance.integers(20, 40))

    def step(state, joint) -> Ways:
        at_gate, beat = state
        through = bool(joint[0] and at_gate and beat)
        after = 1 - at_gate if joint[0] else at_gate
        return [(1.0, (after, 1 - beat), pays if through else -0.1, through, through)]

    agents = int(chance.integers(1, 3))
    see = lambda state, agent: (-1,) if agent else (state[0],)  # noqa: E731
    game = world((2,) * agents, [(0, 1 - phase)], step, see, horizon)
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def _dug(chance: Chance, sides: list[int], cost: float = 0.0) -> FiniteGame:
    """Rest, dig left, dig right; the treasure lies on one of the sides, unseen, and ends it."""
    pays = float(chance.uniform(3, 10))

    def step(side, joint) -> Ways:
        found = joint[0] == side
        return [(1.0, side, pays if found else -cost, found, found)]

    return world((3, 2), sides, step, lambda side, agent: (0,), int(chance.integers(20, 40)))


def _digs(agent: int, seen: tuple[int, ...]) -> int | np.ndarray:
    return 0 if agent else np.array([0.0, 0.5, 0.5])


def _signed(chance: Chance, cost: float = 0.0) -> FiniteGame:
    """The first agent gives a sign (1) or none (0); in the step after it the second may walk (1), which ends it well
    after a sign and is in vain otherwise."""
    pays = float(chance.uniform(4, 10))

    def step(given, joint) -> Ways:
        there = bool(given and joint[1])
        return [(1.0, int(given or joint[0]), pays if there else -cost, there, there)]

    return world((2, 2), [0], step, lambda given, agent: (given,), int(chance.integers(15, 30)))


QUESTIONS = (
    Question(
        "gaps",
        ask_gaps,
        (a_traitor_could_gain, always_the_same_hand, the_small_prize_near_by, the_key_is_left_behind),
        (both_are_traitors, any_hand_equally_often, the_large_prize_far_away, the_key_is_fetched),
    ),
    Question(
        "noise",
        ask_noise,
        (out_of_step_with_the_gate, digs_on_one_side_only, the_sign_is_never_given),
        (in_step_with_the_gate, digs_where_it_lies, the_sign_is_given_at_once),
    ),
)
