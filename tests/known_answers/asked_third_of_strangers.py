"""A third round about strangers, from the definition alone."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from asked_of_strangers import ask_strangers
from families import Chance, Question
from shared import sign_game
from worlds import Ways, mostly, played_once, policy, stage, world

from coterie.finite.game import FiniteGame

# --- strangers --------------------------------------------------------------------------------------------------------


def who_goes_first(chance: Chance) -> tuple:
    """One must go and the other wait; in some teams the first agent goes and in others the second. Strangers both go,
    which ends in a crash, or both wait."""
    game = _crossing(chance)
    return (stage(game, *[policy(game, lambda a, s, one=one: int(a == one)) for one in _shuffled(chance, 2)]),)


def a_password(chance: Chance) -> tuple:
    """In every step all must give the same sign, or all is lost; which sign in which step, every team has agreed on for
    itself."""
    length, size = int(chance.integers(2, 4)), int(chance.integers(2, 4))
    game, words = _same_signs(chance, length, size), chance.permutation(size**length)[: int(chance.integers(3, 5))]
    word = [[int(one) // size**k % size for k in range(length)] for one in words]
    return (stage(game, *[policy(game, lambda a, s, said=said: said[s[0]]) for said in word]),)


def meeting_places(chance: Chance) -> tuple:
    """Two agents come from the ends of a street and must stand in one place when time is up; each team has a corner of
    its own, and nobody sees the other."""
    length = int(chance.integers(3, 6))
    game = _street(chance, length, sees=False)
    corners = _shuffled(chance, 3)
    return (stage(game, *[_goes_to(game, (0, length // 2, length)[int(one)]) for one in corners]),)


def roles_of_three(chance: Chance) -> tuple:
    """Three agents, three tasks, each to be done by exactly one; every team has given them out in another way."""
    game = tasks(chance)
    dealt = list(permutations(range(3)))
    chosen = chance.permutation(len(dealt))[: int(chance.integers(3, 5))]
    return (stage(game, *[policy(game, lambda a, s, one=one: dealt[one][a]) for one in chosen]),)


def a_dialect(chance: Chance) -> tuple:
    """One agent gives a sign for the light it sees, the other acts on it; half of the signs mean the same to all teams,
    and the other half change places from team to team: strangers misunderstand each other often, if not always."""
    size = 4
    game = sign_game(size, chance)
    teams = []
    for one in _shuffled(chance, 2):
        means = (0, 1, 3, 2) if one else (0, 1, 2, 3)
        teams.append(policy(game, lambda a, s, means=means: means[s[1]] if s[0] == a else 0))
    return (stage(game, *teams),)


def any_leader_is_followed(chance: Chance) -> tuple:
    """The first agent of each team has a favourite of its own, the second sees what it chose and does the same, whoever
    it is: robust."""
    size = int(chance.integers(2, 5))
    game = _led(chance, size)
    favourites = chance.permutation(np.arange(4) % size)
    return (
        stage(
            game, *[policy(game, lambda a, s, one=one: (s[1] if s[0] else 0) if a else int(one)) for one in favourites]
        ),
    )


def habits_that_do_not_matter(chance: Chance) -> tuple:
    """Every team has habits of its own (which of several equally good actions to take), and nothing depends on whether
    they agree."""
    size, agents = int(chance.integers(3, 6)), int(chance.integers(2, 4))
    game = played_once(np.pad(np.full((size,) * agents, float(chance.uniform(1, 5))), [(0, 1)] * agents))
    habits = chance.integers(size, size=(int(chance.integers(3, 6)), agents))
    return (stage(game, *[policy(game, lambda a, s, habit=habit: int(habit[a])) for habit in habits]),)


def good_and_poor_teams(chance: Chance) -> tuple:
    """One agent, drawn by lot and seen by all, is put to the test alone; some teams are good at it and others poor, and
    a stranger is as good as it was at home."""
    agents, pays = int(chance.integers(2, 4)), float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        right = joint[state] == 1
        return [(1.0, state, pays * right, True, bool(right))]

    game = world((3,) * agents, list(range(agents)), step, lambda state, agent: (int(state == agent),), 1)
    skills = chance.uniform(0.4, 1.0, int(chance.integers(3, 6)))
    return (stage(game, *[policy(game, lambda a, s, skill=skill: mostly(1, 3, skill)) for skill in skills]),)


def the_one_on_the_left_goes(chance: Chance) -> tuple:
    """One must go and the other wait, and in all teams it is the agent on the left that goes: unequal roles, and the
    same everywhere. Some are a little less sure of it."""
    game = _crossing(chance)
    sure = chance.uniform(0.97, 1.0, int(chance.integers(3, 6)))
    return (stage(game, *[policy(game, lambda a, s, one=one: mostly(int(a == 0), 2, one)) for one in sure]),)


def they_find_each_other(chance: Chance) -> tuple:
    """Two agents in a street see each other; teams prefer other corners, but the second agent goes to wherever the
    first one is: with a stranger too they stand in one place when time is up."""
    length = int(chance.integers(3, 6))
    game = _street(chance, length, sees=True)
    return (stage(game, *[_goes_to(game, (0, length // 2, length)[int(one)], True) for one in _shuffled(chance, 3)]),)


def a_misunderstanding_put_right(chance: Chance) -> tuple:
    """Teams begin with different signs; where these differ both see it and give sign 0 from then on: a stranger costs
    one step of many and a trifle."""
    size, pays = int(chance.integers(2, 5)), float(chance.uniform(5, 10))

    def step(state, joint) -> Ways:
        same = len(set(joint)) == 1
        return [(1.0, 1, pays if same else -0.05, same, same)]

    game = world((size, size), [0], step, lambda state, agent: (state,), int(chance.integers(5, 12)))
    return (
        stage(game, *[policy(game, lambda a, s, one=one: 0 if s[0] else int(one)) for one in _shuffled(chance, size)]),
    )


def _shuffled(chance: Chance, kinds: int) -> list[int]:
    """What each of four to six teams has chosen of so many kinds, as evenly as can be."""
    return [int(one) for one in chance.permutation(np.arange(int(chance.integers(4, 7))) % kinds)]


def _crossing(chance: Chance) -> FiniteGame:
    """Wait (0) or go (1): one alone comes through and all are paid; both crash, and it is over; nobody: try again."""
    crash, pays = -float(chance.uniform(0, 5)), float(chance.uniform(2, 10))

    def step(state, joint) -> Ways:
        going = sum(joint)
        return [(1.0, state, (-0.1, pays, crash)[going], going > 0, going == 1)]

    return world((2, 2), [0], step, lambda state, agent: (0,), int(chance.integers(1, 6)))


def _same_signs(chance: Chance, length: int, size: int) -> FiniteGame:
    pays, agents = float(chance.uniform(1, 10)), int(chance.integers(2, 4))

    def step(place, joint) -> Ways:
        same = len(set(joint)) == 1
        there = same and place + 1 == length
        return [(1.0, min(place + 1, length - 1), pays if there else 0.0, there or not same, there)]

    return world((size,) * agents, [0], step, lambda place, agent: (place,), length)


def _street(chance: Chance, length: int, sees: bool) -> FiniteGame:
    """Two agents at the ends of a street: stay, right, left. When time is up all are paid if both are in one place."""
    pays, steps = float(chance.uniform(1, 10)), 2 * length + 1

    def step(state, joint) -> Ways:
        *places, clock = state
        new = [min(max(place + (0, 1, -1)[action], 0), length) for place, action in zip(places, joint, strict=True)]
        last = clock + 1 == steps
        met = last and new[0] == new[1]
        return [(1.0, (*new, clock + 1), pays * met, last, met)]

    def see(state, agent: int) -> tuple[int, ...]:
        return (state[agent], state[1 - agent]) if sees else (state[agent],)

    return world((3, 3), [(0, length, 0)], step, see, steps)


def _goes_to(game: FiniteGame, corner: int, follows: bool = False) -> np.ndarray:
    """Agents that go to a corner and stay; the second may instead follow the first."""

    def rule(agent: int, seen: tuple[int, ...]) -> int:
        aim = seen[1] if follows and agent == 1 else corner
        return 0 if seen[0] == aim else 1 if seen[0] < aim else 2

    return policy(game, rule)


def tasks(chance: Chance, steps: int = 1) -> FiniteGame:
    """Three tasks, each to be done by exactly one of three agents; a step in which that is so pays all."""
    pays = float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        dealt = len(set(joint)) == 3
        return [(1.0, state, pays * dealt, False, dealt)]

    return world((3, 3, 3), [0], step, lambda state, agent: (0,), steps)


def _led(chance: Chance, size: int) -> FiniteGame:
    """The first agent chooses; the second sees it, and all are paid if it then does the same. Seen: stage, choice."""
    pays = float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        if state[0] == 0:
            return [(1.0, (1, joint[0]), 0.0, False, False)]
        same = joint[1] == state[1]
        return [(1.0, state, pays * same, True, bool(same))]

    return world((size, size), [(0, 0)], step, lambda state, agent: state, 2)


QUESTIONS = (
    Question(
        "strangers",
        ask_strangers,
        (who_goes_first, a_password, meeting_places, roles_of_three, a_dialect),
        (
            any_leader_is_followed,
            habits_that_do_not_matter,
            good_and_poor_teams,
            the_one_on_the_left_goes,
            they_find_each_other,
            a_misunderstanding_put_right,
        ),
    ),
)
