"""A fourth round about contribution and strangers, from the definitions alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from asked_of_stages import ask_contribution
from asked_of_strangers import ask_strangers
from families import Chance, Question
from worlds import Ways, mostly, policy, stage, world

from coterie.finite.game import FiniteGame

# --- contribution -----------------------------------------------------------------------------------------------------


def a_voice_that_never_counts(chance: Chance) -> tuple:
    """A vote by weight: two large voices reach the quota together, and neither with the small one does. All vote for
    it; the small voice changes no outcome in any company."""
    large = int(chance.integers(2, 6))
    return _voted(chance, [large, large, int(chance.integers(1, large))], 2 * large)


def a_guard_where_nothing_comes(chance: Chance) -> tuple:
    """One agent watches a gate and would be worth a lot if anything came; nothing ever does. The others work."""
    agents, watch = int(chance.integers(2, 5)), 0
    damage, worth = float(chance.uniform(5, 20)), chance.uniform(1, 3, agents)

    def step(enemy, joint) -> Ways:
        earned = float(np.delete(worth * np.array(joint), watch).sum()) - damage * (enemy and not joint[watch])
        return [(1.0, 0, earned, False, earned > 0)]

    game = world((2,) * agents, [0], step, lambda enemy, agent: (enemy,), int(chance.integers(1, 7)))
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def stands_in_the_doorway(chance: Chance) -> tuple:
    """A carrier goes to and fro through a door; the other agent steps into the doorway and stays there for a while,
    where it is in the way. If it did nothing it would stand aside, and more would be carried."""
    blocks, length = float(chance.uniform(0.3, 0.7)), int(chance.integers(6, 12))

    def step(state, joint) -> Ways:
        inside, _ = state
        through = joint[0] == 1 and joint[1] == 0
        return [(1.0, (int(inside != through), joint[1]), float(through and inside), False, bool(through and inside))]

    game = world((2, 2), [(0, 0)], step, lambda state, agent: (state[0] if agent == 0 else 9,), length)
    return (stage(game, policy(game, lambda agent, seen: np.array([1 - blocks, blocks]) if agent else 1)),)


def a_small_voice_that_counts(chance: Chance) -> tuple:
    """A vote by weight: the largest voice reaches the quota with either of the others, and these do not without it. The
    smallest is worth a sixth, as much as the middle one."""
    small = int(chance.integers(1, 4))
    return _voted(chance, [3 * small, 2 * small, small], 4 * small)


def the_second_best_of_a_maximum(chance: Chance) -> tuple:
    """Only the best of all bids counts, and the same agent's is always the best; but if that one were away the next
    would count: each is worth its share of it."""
    worth = np.array([1.0, float(chance.uniform(0.5, 0.9))])[chance.permutation(2)] * float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        best = float((worth * np.array(joint)).max())
        return [(1.0, state, best, False, best > 0)]

    game = world((2, 2), [0], step, lambda state, agent: (0,), int(chance.integers(1, 7)))
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def day_and_night_shift(chance: Chance) -> tuple:
    """Each works in a part of the day of its own and rests in the others, by the clock: in every step only one of them
    does anything, and all are needed for what is earned."""
    agents, hours = int(chance.integers(2, 4)), int(chance.integers(1, 4))
    pays = float(chance.uniform(1, 5))

    def step(clock, joint) -> Ways:
        earned = pays * any(joint)
        return [(1.0, (clock + 1) % (agents * hours), earned, False, earned > 0)]

    game = world((2,) * agents, [0], step, lambda clock, agent: (clock,), agents * hours)
    return (stage(game, policy(game, lambda agent, seen: int(seen[0] // hours == agent))),)


def _voted(chance: Chance, weights: list[int], quota: int) -> tuple:
    """Agents that may vote (1) in some rounds; all are paid where the weights of those who do reach the quota."""
    weight, pays = np.array(weights)[chance.permutation(len(weights))], float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        won = bool(weight @ np.array(joint) >= quota)
        return [(1.0, state, pays * won, False, won)]

    game = world((2,) * len(weights), [0], step, lambda state, agent: (0,), int(chance.integers(1, 6)))
    return (stage(game, policy(game, lambda agent, seen: 1)),)


# --- strangers --------------------------------------------------------------------------------------------------------


def rings_at_its_own_hour(chance: Chance) -> tuple:
    """All must ring in the same hour, each once; every team has agreed on an hour of its own, and nobody hears the
    others."""
    hours, agents = int(chance.integers(3, 6)), int(chance.integers(2, 4))
    game = _rung(chance, hours, agents)
    return _teams(game, chance.permutation(hours), lambda hour: lambda agent, seen: int(seen[0] == hour))


def whose_turn_it_is(chance: Chance) -> tuple:
    """In every step exactly one of two must row, or the boat is lost; in some teams the first rows in even steps, in
    others in odd ones."""
    game = _rowed(chance)
    halves = chance.permutation(np.arange(int(chance.integers(4, 7))) % 2)
    return _teams(game, halves, lambda half: lambda agent, seen: int((seen[0] + agent + half) % 2))


def norms_of_fairness(chance: Chance) -> tuple:
    """One agent offers a part of what there is, the other sees it and takes nothing less than its team thinks fair;
    each team has a norm of its own and offers just that. Half of all strangers offer less than is asked for."""
    game, size = _offered(chance)
    return _teams(
        game, chance.permutation(size), lambda norm: lambda agent, seen: int(seen[1] >= norm) if agent else int(norm)
    )


def ring_when_the_sun_is_high(chance: Chance) -> tuple:
    """All must ring in the same hour; all teams ring at the same one, which they can see, and never miss it by much: no
    stranger is in their way."""
    hours, agents = int(chance.integers(3, 6)), int(chance.integers(2, 4))
    game, noon = _rung(chance, hours, agents), int(chance.integers(hours))
    return _teams(game, np.zeros(4, int), lambda team: lambda agent, seen: int(seen[0] == noon))


def the_board_says_whose_turn_it_is(chance: Chance) -> tuple:
    """In every step exactly one of two must row; a board shows who, all teams go by it, and some slip a little more
    often than others, at home as among strangers."""
    game = _rowed(chance, board=True)
    sure = chance.uniform(0.98, 1.0, int(chance.integers(3, 6)))
    return _teams(game, sure, lambda one: lambda agent, seen: mostly(int(seen[1] == agent), 2, float(one)))


def generous_to_everybody(chance: Chance) -> tuple:
    """What teams think fair differs, but all offer everything there is: every offer is taken, by strangers too."""
    game, size = _offered(chance)
    return _teams(
        game, chance.permutation(size), lambda norm: lambda agent, seen: int(seen[1] >= norm) if agent else size - 1
    )


def _teams(game: FiniteGame, kinds: np.ndarray, rule: Callable) -> tuple:
    """A stage of one team for each kind, which plays by rule(kind)."""
    return (stage(game, *[policy(game, rule(kind)) for kind in kinds]),)


def _rung(chance: Chance, hours: int, agents: int) -> FiniteGame:
    """Rest or ring: when anybody rings it ends, and all are paid if all ring; the hour is seen."""
    pays = float(chance.uniform(1, 10))

    def step(hour, joint) -> Ways:
        together = all(joint)
        return [(1.0, min(hour + 1, hours - 1), pays * together, any(joint), together)]

    return world((2,) * agents, [0], step, lambda hour, agent: (hour,), hours)


def _rowed(chance: Chance, board: bool = False) -> FiniteGame:
    """Rest or row; seen: even or odd, and on the board (where there is one) whose turn it is. After some good steps
    they are across."""
    length, pays = int(chance.integers(2, 5)), float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        place, turn = state
        good = sum(joint) == 1 and (not board or joint[turn] == 1)
        across = good and place + 1 == length
        after = min(place + 1, length - 1)
        ends = across or not good
        return [(0.5, (after, shown), pays * across, ends, across) for shown in range(2)]

    see = lambda state, agent: (state[0] % 2, state[1] if board else 0)  # noqa: E731
    return world((2, 2), [(0, 0), (0, 1)], step, see, length)


def _offered(chance: Chance) -> tuple[FiniteGame, int]:
    """The first agent offers a number; the second sees it and refuses (0) or takes it (1), which pays all."""
    size, pays = int(chance.integers(3, 6)), float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        if state[0] == 0:
            return [(1.0, (1, joint[0]), 0.0, False, False)]
        taken = joint[1] == 1
        return [(1.0, state, pays * taken, True, taken)]

    return world((size, 2), [(0, 0)], step, lambda state, agent: state, 2), size


QUESTIONS = (
    Question(
        "contribution",
        ask_contribution,
        (a_voice_that_never_counts, a_guard_where_nothing_comes, stands_in_the_doorway),
        (a_small_voice_that_counts, the_second_best_of_a_maximum, day_and_night_shift),
    ),
    Question(
        "strangers",
        ask_strangers,
        (rings_at_its_own_hour, whose_turn_it_is, norms_of_fairness),
        (ring_when_the_sun_is_high, the_board_says_whose_turn_it_is, generous_to_everybody),
    ),
)
