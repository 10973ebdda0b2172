"""A fourth round about closed loops and influence, from the definitions alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from asked_of_sight import ask_closed_loop, ask_influence
from families import Chance, Question
from worlds import Ways, mostly, policy, stage, world

from coterie.finite.game import FiniteGame

# --- closed loop ------------------------------------------------------------------------------------------------------


def heats_in_any_weather(chance: Chance) -> tuple:
    """A thermometer is seen, and comfort in the middle is paid; the agent always heats, or never does, and so it is too
    hot or too cold nearly all the time, where to heat only in the cold would pay in most steps."""
    game, on = _heated(chance), int(chance.integers(2))
    return _looked_at(game, lambda agent, seen: 0 if agent else on)


def bids_whatever_it_holds(chance: Chance) -> tuple:
    """An agent sees its hand and bids or passes; a bid wins with good hands and loses with poor ones. It bids with
    every hand."""
    return _looked_at(_dealt(chance), lambda agent, seen: 0 if agent else 1)


def switched_by_a_coin(chance: Chance) -> tuple:
    """The thermometer again; whether the agent heats is decided by a coin, in the cold as in the heat."""
    return _looked_at(_heated(chance), lambda agent, seen: 0 if agent else np.array([0.5, 0.5]))


def guesses_though_it_is_told(chance: Chance) -> tuple:
    """Both agents are told in which of some drawers the thing is, each sometimes wrongly; the first believes it, the
    second always opens the same drawer."""
    game, size, _ = _drawers(chance, told=True)
    always = int(chance.integers(size))
    return _looked_at(game, lambda agent, seen: always if agent else seen[0])


def heats_when_it_is_cold(chance: Chance) -> tuple:
    """The thermometer again, and an agent that heats when it is cold and stops when it is warm."""
    return _looked_at(_heated(chance), lambda agent, seen: 0 if agent else int(seen[0] < 2))


def bids_on_good_hands(chance: Chance) -> tuple:
    """The agent bids with the better hands and passes with the others; where exactly the border lies is another
    matter."""
    border = int(chance.integers(2, 4))
    return _looked_at(_dealt(chance), lambda agent, seen: 0 if agent else int(seen[0] >= border))


def told_by_a_liar(chance: Chance) -> tuple:
    """What the agents are told about the drawer has nothing to do with where the thing is, and one drawer is the
    likeliest: both always open that one, and nothing that they see could teach them better."""
    game, _, likeliest = _drawers(chance, told=False)
    return _looked_at(game, lambda agent, seen: likeliest)


def sees_only_its_own_last_choice(chance: Chance) -> tuple:
    """An agent sees what it did last and nothing else; one choice pays more than the others in every step, and it
    always takes that one."""
    pays = chance.permutation(np.arange(3)) + float(chance.uniform(0.5, 3))

    def step(did, joint) -> Ways:
        return [(1.0, joint, float(pays[list(joint)].sum()), False, bool(pays[joint[0]] == pays.max()))]

    starts = [(one, one) for one in range(3)]
    game = world((3, 3), starts, step, lambda did, agent: (did[agent],), int(chance.integers(3, 9)))
    return _looked_at(game, lambda agent, seen: int(pays.argmax()))


def _looked_at(game: FiniteGame, rule: Callable[[int, tuple[int, ...]], int | np.ndarray]) -> tuple:
    return stage(game, policy(game, rule)), game


def _heated(chance: Chance) -> FiniteGame:
    """Five temperatures, from 0 (cold) to 4; rest or heat (the first agent) makes it colder or warmer, mostly; the
    middle pays, the ends cost."""
    sure, pays = float(chance.uniform(0.85, 1.0)), float(chance.uniform(1, 5))
    worth = pays * np.array([-1.0, 0.5, 1.0, 0.5, -1.0])

    def step(degree, joint) -> Ways:
        after = min(max(degree + (1 if joint[0] else -1), 0), 4)
        earned = float(worth[degree])
        return [(p, to, earned, False, degree == 2) for p, to in ((sure, after), (1 - sure, degree)) if p > 0]

    agents = int(chance.integers(1, 3))
    see = lambda degree, agent: (-1,) if agent else (degree,)  # noqa: E731
    return world((2,) * agents, [0, 2, 4], step, see, int(chance.integers(8, 14)))


def _dealt(chance: Chance) -> FiniteGame:
    """A hand from 0 to 4 is dealt to the first agent in each round; to bid (1) pays the hand less a cost for all."""
    cost, unit = float(chance.uniform(1.6, 2.4)), float(chance.uniform(0.5, 4))

    def step(hand, joint) -> Ways:
        earned = unit * (hand - cost) * joint[0]
        return [(0.2, after, earned, False, earned > 0) for after in range(5)]

    agents = int(chance.integers(1, 3))
    see = lambda hand, agent: (-1,) if agent else (hand,)  # noqa: E731
    return world((2,) * agents, list(range(5)), step, see, int(chance.integers(2, 7)))


def _drawers(chance: Chance, told: bool) -> tuple[FiniteGame, int, int]:
    """A thing lies in one of some drawers in each round, in one of them oftener; both hear of a drawer, and each who
    opens the right one earns for all."""
    size, pays = int(chance.integers(2, 4)), float(chance.uniform(1, 5))
    likeliest, true = int(chance.integers(size)), float(chance.uniform(0.75, 0.9))
    place = np.full(size, 1 / size) if told else mostly(likeliest, size, 0.6)

    def step(state, joint) -> Ways:
        right = sum(action == state[0] for action in joint)
        heard = [mostly(where, size, true) if told else np.full(size, 1 / size) for where in range(size)]
        return [
            (float(place[where] * heard[where][one]), (where, one), pays * right, False, right > 0)
            for where in range(size)
            for one in range(size)
        ]

    starts = [(where, one) for where in range(size) for one in range(size)]
    return (
        world((size, size), starts, step, lambda state, agent: (state[1],), int(chance.integers(3, 8))),
        size,
        likeliest,
    )


# --- influence: agents see (what has nothing to do with others, what shows what another did last) ---------------------


def adds_up_nothing(chance: Chance) -> tuple:
    """The second agent sees a die of its own and what the first did last, and both are paid if it says the sum. It says
    what its own die shows, which is right by chance only; with what it sees of its partner it could always be right."""
    game, size = _sums(chance)
    return game, policy(game, lambda agent, seen: seen[0] if agent else np.full(size, 1 / size))


def guards_against_the_usual_blow(chance: Chance) -> tuple:
    """Blows come from above in most cases and from below in the others, and are seen before they fall; the second agent
    guards its head in every step. That is its best habit, and to look would pay more."""
    game, often = _blows(chance), float(chance.uniform(0.6, 0.8))
    return game, policy(game, lambda agent, seen: 0 if agent else np.array([often, 1 - often]))


def takes_no_turns(chance: Chance) -> tuple:
    """Each sees what the other did last and is paid for doing something else than that; both, or all three, play at
    random all the time."""
    game, size = _turns(chance)
    return game, policy(game, lambda agent, seen: np.full(size, 1 / size))


def a_whisper_nobody_passes_on(chance: Chance) -> tuple:
    """Three in a row: each but the first hears what the one before said last and is paid for saying it again. The first
    says anything, the others always the same."""
    game, size = _whisper(chance)
    says = chance.integers(size, size=3)
    return game, policy(game, lambda agent, seen: int(says[agent]) if agent else np.full(size, 1 / size))


def its_own_die_and_its_partner_by_turns(chance: Chance) -> tuple:
    """The second agent says what its own die shows or what the first did last, one as often as the other: not what is
    paid for, and moved by the first in half of its steps."""
    game, size = _sums(chance)
    both = np.eye(size) / 2
    return game, policy(game, lambda agent, seen: both[seen[0]] + both[seen[1]] if agent else np.full(size, 1 / size))


def the_blow_always_comes_from_above(chance: Chance) -> tuple:
    """Every blow comes from above, and the second agent always guards its head: it could see each blow, and need not
    look, for it parries all of them."""
    return (game := _blows(chance)), policy(game, lambda agent, seen: 0)


def yesterday_tells_nothing(chance: Chance) -> tuple:
    """The second agent sees what the first did last and is paid for doing what the first does now, which is drawn anew;
    it always does the same, and all that it can do is equally good."""
    size, pays = int(chance.integers(2, 5)), float(chance.uniform(0.5, 5))

    def step(did, joint) -> Ways:
        same = joint[0] == joint[1]
        return [(1.0, joint[0], pays * same, False, same)]

    game = world((size, size), list(range(size)), step, lambda did, a: (0, did if a else 0), int(chance.integers(4, 9)))
    always = int(chance.integers(size))
    return game, policy(game, lambda agent, seen: always if agent else np.full(size, 1 / size))


def neglects_its_own_die(chance: Chance) -> tuple:
    """The second agent sees a die of its own and what the first did last, and is paid for saying what its die shows; it
    always says the same. It could earn more by looking at its die, and no more by reacting to its partner."""
    game, size = _sums(chance, partner_counts=False)
    always = int(chance.integers(size))
    return game, policy(game, lambda agent, seen: always if agent else np.full(size, 1 / size))


def _sums(chance: Chance, partner_counts: bool = True) -> tuple[FiniteGame, int]:
    size, pays = int(chance.integers(2, 4)), float(chance.uniform(0.5, 5))

    def step(state, joint) -> Ways:
        die, did = state
        right = joint[1] == (die + did * partner_counts) % size
        return [(1 / size, (after, joint[0]), pays * right, False, bool(right)) for after in range(size)]

    starts = [(die, did) for die in range(size) for did in range(size)]
    return world((size, size), starts, step, lambda s, agent: s if agent else (0, 0), int(chance.integers(4, 9))), size


def _blows(chance: Chance) -> FiniteGame:
    """Above (0) or below (1): the second agent sees the blow that now falls, and all lose where it guards elsewhere."""
    hurt = float(chance.uniform(1, 10))

    def step(blow, joint) -> Ways:
        hit = blow >= 0 and joint[1] != blow
        return [(1.0, joint[0], -hurt * hit, False, not hit)]

    return world((2, 2), [-1], step, lambda blow, agent: (0, blow if agent else 0), int(chance.integers(4, 10)))


def _turns(chance: Chance) -> tuple[FiniteGame, int]:
    """Each of two or three agents sees what the next one did last, and all earn for each who does otherwise."""
    agents, size, pays = int(chance.integers(2, 4)), 2, float(chance.uniform(0.5, 5))

    def step(did, joint) -> Ways:
        hits = sum(joint[agent] != did[(agent + 1) % agents] for agent in range(agents))
        return [(1.0, joint, pays * hits, False, hits == agents)]

    starts = [tuple(int(n) for n in places) for places in np.ndindex((size,) * agents)]
    see = lambda did, agent: (0, did[(agent + 1) % agents])  # noqa: E731
    return world((size,) * agents, starts, step, see, int(chance.integers(4, 8))), size


def _whisper(chance: Chance) -> tuple[FiniteGame, int]:
    size, pays = int(chance.integers(2, 4)), float(chance.uniform(0.5, 5))

    def step(said, joint) -> Ways:
        hits = sum(joint[agent] == said[agent - 1] for agent in (1, 2))
        return [(1.0, joint[:2], pays * hits, False, hits == 2)]

    starts = [(one, other) for one in range(size) for other in range(size)]
    see = lambda said, agent: (0, said[agent - 1] if agent else 0)  # noqa: E731
    return world((size,) * 3, starts, step, see, int(chance.integers(4, 8))), size


QUESTIONS = (
    Question(
        "closed loop",
        ask_closed_loop,
        (heats_in_any_weather, bids_whatever_it_holds, switched_by_a_coin, guesses_though_it_is_told),
        (heats_when_it_is_cold, bids_on_good_hands, told_by_a_liar, sees_only_its_own_last_choice),
    ),
    Question(
        "influence",
        ask_influence,
        (adds_up_nothing, guards_against_the_usual_blow, takes_no_turns, a_whisper_nobody_passes_on),
        (
            its_own_die_and_its_partner_by_turns,
            the_blow_always_comes_from_above,
            yesterday_tells_nothing,
            neglects_its_own_die,
        ),
    ),
)
