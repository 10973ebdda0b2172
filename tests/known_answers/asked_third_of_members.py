"""A third round about contribution, from the definition alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from asked_of_stages import ask_contribution
from families import Chance, Question
from shared import code_policy, sign_game
from worlds import Ways, mostly, policy, stage, world

from coterie.finite.game import FiniteGame

# --- contribution -----------------------------------------------------------------------------------------------------


def a_spare_pair_and_one_who_sleeps(chance: Chance) -> tuple:
    """Either of two agents would do, and a third or fourth never does anything: the two share what is earned, the last
    adds nothing."""
    agents, pays = int(chance.integers(3, 5)), float(chance.uniform(1, 10))
    able = chance.permutation(agents)[:2]
    game = _rounds(chance, agents, lambda work: pays * work[able].any())
    asleep = np.setdiff1d(np.arange(agents), able)
    return (stage(game, policy(game, lambda agent, seen: int(agent not in asleep))),)


def one_of_many_sleeps(chance: Chance) -> tuple:
    """Four or five agents; enough of them must work at once, all but one do, and that is enough; one never does."""
    agents, pays = int(chance.integers(4, 6)), float(chance.uniform(1, 10))
    asleep, enough = int(chance.integers(agents)), int(chance.integers(2, agents))
    game = _rounds(chance, agents, lambda work: pays * (work.sum() >= enough))
    return (stage(game, policy(game, lambda agent, seen: int(agent != asleep))),)


def carries_out_what_the_other_carries_in(chance: Chance) -> tuple:
    """One agent brings a box in a step, the other throws one out in every step in which there is one; what lies there
    at the end is paid for. Without the second the team would earn more."""
    steps, pays = int(chance.integers(4, 9)), float(chance.uniform(1, 5))
    bad = int(chance.integers(2))

    def step(state, joint) -> Ways:
        boxes, clock = state
        boxes += joint[1 - bad]
        sure, last = [(1.0, boxes)], clock + 1 == steps
        if joint[bad] and boxes:
            sure = [(0.8, boxes - 1), (0.2, boxes)]
        return [(p, (left, clock + 1), pays * left * last, last, last and left > 0) for p, left in sure]

    game = world((2, 2), [(0, 0)], step, lambda state, agent: (min(state[0], 2),), steps)
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def comes_when_all_is_over(chance: Chance) -> tuple:
    """What is lifted in the first steps is paid for; one agent lifts only afterwards, when nothing is left to lift,
    while the others did it without its help. They see the clock."""
    agents, steps = int(chance.integers(2, 4)), int(chance.integers(4, 8))
    late, until, worth = int(chance.integers(agents)), int(chance.integers(1, 4)), chance.uniform(1, 4, agents)

    def step(state, joint) -> Ways:
        lifted = float(worth @ np.array(joint)) if state < until else 0.0
        return [(1.0, min(state + 1, steps), lifted, False, lifted > 0)]

    game = world((2,) * agents, [0], step, lambda state, agent: (state,), steps)
    return (stage(game, policy(game, lambda agent, seen: int((seen[0] >= until) == (agent == late)))),)


def tosses_a_coin_for_all(chance: Chance) -> tuple:
    """One agent bets in every step: the team wins or loses as much, equally often, so that its bets are worth nothing;
    the others earn by work."""
    agents, stake = int(chance.integers(2, 5)), float(chance.uniform(1, 10))
    bets, worth = int(chance.integers(agents)), chance.uniform(1, 3, agents)

    def step(state, joint) -> Ways:
        earned = float(np.delete(worth * np.array(joint), bets).sum())
        swing = stake * joint[bets]
        return [(0.5, state, earned + swing, False, True), (0.5, state, earned - swing, False, False)]

    game = world((2,) * agents, [0], step, lambda state, agent: (0,), int(chance.integers(1, 6)))
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def spoils_it_now_and_then(chance: Chance) -> tuple:
    """Three to five agents; one of them, in half of its steps, breaks what the others have made in that step, and makes
    nothing itself."""
    agents = int(chance.integers(3, 6))
    spoiler, worth = int(chance.integers(agents)), chance.uniform(1, 3, agents)

    def earned(work: np.ndarray) -> float:
        return 0.0 if work[spoiler] else float(np.delete(worth * work, spoiler).sum())

    game = _rounds(chance, agents, earned, longest=4)
    return (stage(game, policy(game, lambda agent, seen: mostly(1, 2, 0.5) if agent == spoiler else 1)),)


def most_of_them_are_enough(chance: Chance) -> tuple:
    """So many of three to five agents must work at once, and all do: one can be spared, whichever it is, and each of
    them is worth its equal share."""
    agents = int(chance.integers(3, 6))
    enough, pays = int(chance.integers(1, agents)), float(chance.uniform(1, 10))
    game = _rounds(chance, agents, lambda work: pays * (work.sum() >= enough), longest=4)
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def needed_for_one_moment(chance: Chance) -> tuple:
    """One agent stands still all the time but for one step, in which it unlocks the door; without it the other's way
    would end there."""
    length, horizon = int(chance.integers(3, 7)), int(chance.integers(12, 20))
    moment, helper = int(chance.integers(0, length - 1)), int(chance.integers(2))

    def step(state, joint) -> Ways:
        place, clock, unlocked = state
        unlocked = int(unlocked or (joint[helper] == 1 and clock == moment))
        new = place + (joint[1 - helper] == 1 and (place != length - 1 or unlocked))
        there = new == length
        return [(1.0, (int(new), min(clock + 1, length), unlocked), 7.0 if there else 0.0, bool(there), bool(there))]

    def see(state, agent: int) -> tuple[int, ...]:
        return (state[1],) if agent == helper else (state[0],)

    game = world((2, 2), [(0, 0, 0)], step, see, horizon)
    return (stage(game, policy(game, lambda agent, seen: int(agent != helper or seen[0] == moment))),)


def large_and_small_shares(chance: Chance) -> tuple:
    """Three or four agents; a product needs all of them, and beside it each earns a share of its own, large or small:
    they are unequal and none can be missed."""
    agents, whole = int(chance.integers(3, 5)), float(chance.uniform(4, 8))
    worth = chance.permutation([5.0, 2.0, 1.0, 0.5][:agents])
    game = _rounds(chance, agents, lambda work: whole * work.all() + float(worth @ work), longest=5)
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def a_fire_watch(chance: Chance) -> tuple:
    """Now and then there is a fire, which costs much if nobody puts it out; the watch does nothing else than that. The
    others work, and see no fire."""
    agents, often = int(chance.integers(2, 4)), float(chance.uniform(0.15, 0.4))
    watch, damage = int(chance.integers(agents)), float(chance.uniform(6, 20))

    def step(fire, joint) -> Ways:
        earned = sum(joint) - joint[watch] - damage * (fire and not joint[watch])
        return [(p, after, float(earned), False, earned > 0) for p, after in ((often, 1), (1 - often, 0))]

    game = world(
        (2,) * agents, [0], step, lambda fire, agent: (fire if agent == watch else 0,), int(chance.integers(5, 12))
    )
    return (stage(game, policy(game, lambda agent, seen: seen[0] if agent == watch else 1)),)


def a_good_and_a_poor_shot(chance: Chance) -> tuple:
    """One hit is enough; one agent hits in nine shots of ten, another in half of them. Without the poor one little
    would be lost, but its share is far from nothing."""
    agents = int(chance.integers(2, 4))
    skill, pays = [0.9, 0.5, 0.6][:agents], float(chance.uniform(1, 10))
    order = chance.permutation(agents)

    def step(state, joint) -> Ways:
        miss = float(np.prod([1 - skill[order[agent]] * (action == 1) for agent, action in enumerate(joint)]))
        return [(1 - miss, 0, pays, True, True), (miss, 0, 0.0, True, False)]

    game = world((2,) * agents, [0], step, lambda state, agent: (0,), 1)
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def tells_and_does(chance: Chance) -> tuple:
    """One agent sees the light and gives a sign, the other acts on it: neither is worth anything without the other."""
    size = int(chance.integers(2, 5))
    game = sign_game(size, chance)
    return (stage(game, code_policy(game, size, int(chance.integers(size)))),)


def two_pairs(chance: Chance) -> tuple:
    """Two pairs each could do it alone, and a pair needs both: leaving any one out costs nothing, each is worth a
    quarter."""
    pays, order = float(chance.uniform(1, 10)), chance.permutation(4)
    game = _rounds(chance, 4, lambda work: pays * (work[order[:2]].all() or work[order[2:]].all()), longest=4)
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def _rounds(chance: Chance, agents: int, earned: Callable[[np.ndarray], float], longest: int = 7) -> FiniteGame:
    """Agents that rest (0) or work (1) for some steps; what a step earns depends on who works in it."""

    def step(state, joint) -> Ways:
        pays = float(earned(np.array(joint)))
        return [(1.0, state, pays, False, pays > 0)]

    return world((2,) * agents, [0], step, lambda state, agent: (0,), int(chance.integers(1, longest)))


QUESTIONS = (
    Question(
        "contribution",
        ask_contribution,
        (
            a_spare_pair_and_one_who_sleeps,
            one_of_many_sleeps,
            carries_out_what_the_other_carries_in,
            comes_when_all_is_over,
            tosses_a_coin_for_all,
            spoils_it_now_and_then,
        ),
        (
            most_of_them_are_enough,
            needed_for_one_moment,
            large_and_small_shares,
            a_fire_watch,
            a_good_and_a_poor_shot,
            tells_and_does,
            two_pairs,
        ),
    ),
)
