"""A third round about closed loops and influence, from the definitions alone."""

from __future__ import annotations

import numpy as np
from asked_of_sight import ask_closed_loop, ask_influence
from families import Chance, Question
from shared import light_game
from worlds import Ways, mostly, policy, stage, world

from coterie.finite.game import FiniteGame

# --- closed loop ------------------------------------------------------------------------------------------------------


def crosses_at_red(chance: Chance) -> tuple:
    """A light is red or green; to go pays a little at green and costs much at red. The agent sees it and always
    goes."""
    game = _crossing_light(chance)
    return stage(game, policy(game, lambda agent, seen: 0 if agent else 1)), game


def waits_at_green(chance: Chance) -> tuple:
    """The same light, and an agent that never goes, whatever it shows: it loses nothing and could earn something."""
    game = _crossing_light(chance)
    return stage(game, policy(game, lambda agent, seen: 0)), game


def tosses_for_it(chance: Chance) -> tuple:
    """The ball comes to the left, the right or the middle, visibly; the keeper throws a loaded die that has nothing to
    do with where it comes."""
    game, sides = _keeper(chance), 3
    loaded = chance.dirichlet(np.full(sides, 3.0))
    return stage(game, policy(game, lambda agent, seen: loaded)), game


def never_looks_at_its_hands(chance: Chance) -> tuple:
    """A carrier sees whether it is loaded; it loads and delivers at random, loaded or not, and so makes every second
    step in vain."""
    game = _carrier(chance)
    return stage(game, policy(game, lambda agent, seen: np.array([0.5, 0.5]))), game


def one_of_three_never_looks_up(chance: Chance) -> tuple:
    """A scout walks at random between some places; two others see where it is and are paid for standing there. One of
    them follows, the other stands in the same place all the time."""
    game, places = _scouted(chance)
    blind, stands = 1 + int(chance.integers(2)), int(chance.integers(places))

    def rule(agent: int, seen: tuple[int, ...]) -> int | np.ndarray:
        return np.full(places, 1 / places) if agent == 0 else stands if agent == blind else seen[0]

    return stage(game, policy(game, rule)), game


def waits_at_red(chance: Chance) -> tuple:
    """The light again, and an agent that goes at green and waits at red."""
    game = _crossing_light(chance)
    return stage(game, policy(game, lambda agent, seen: 0 if agent else seen[0])), game


def loads_and_delivers(chance: Chance) -> tuple:
    """The carrier looks at its hands: it loads when they are empty and delivers when they are full."""
    game = _carrier(chance)
    return stage(game, policy(game, lambda agent, seen: seen[0])), game


def looks_and_misunderstands(chance: Chance) -> tuple:
    """Every light is answered, each by an action of its own, and all of them are wrong: another fault, for what it does
    depends on all that it sees."""
    game, lights = light_game(chance)
    return stage(game, policy(game, lambda agent, seen: (seen[0] + 1) % lights)), game


def a_better_habit_would_do(chance: Chance) -> tuple:
    """The light means nothing and one action is always right; the agents always take another one. They could do better,
    and not by looking."""
    game, lights = light_game(chance, meaningless=True)
    return stage(game, policy(game, lambda agent, seen: lights - 1)), game


def by_the_clock(chance: Chance) -> tuple:
    """Agents see the clock, and the right action of each step is known beforehand; they take it."""
    game, timetable = _timetable(chance)
    return stage(game, policy(game, lambda agent, seen: int(timetable[seen[0]]))), game


def keeps_where_it_comes(chance: Chance) -> tuple:
    """The keeper goes where the ball comes, and now and then elsewhere."""
    game = _keeper(chance)
    share = float(chance.uniform(0.8, 1.0))
    return stage(game, policy(game, lambda agent, seen: mostly(seen[0], 3, share))), game


# --- influence --------------------------------------------------------------------------------------------------------


def does_not_make_way(chance: Chance) -> tuple:
    """The first agent comes from the left or the right at random, and the second sees it a step later and should keep
    to the other side; it always keeps to the same."""
    game = _making_way(chance)
    side = int(chance.integers(2))
    return game, policy(game, lambda agent, seen: side if agent else np.array([0.5, 0.5]))


def three_who_do_not_listen(chance: Chance) -> tuple:
    """The scout walks at random; two others see where it is, are paid for being there, and stand where they stand."""
    game, places = _scouted(chance)
    stands = chance.integers(places, size=3)
    return game, policy(game, lambda agent, seen: int(stands[agent]) if agent else np.full(places, 1 / places))


def deaf_to_a_rumour(chance: Chance) -> tuple:
    """What the second agent sees of the first one's last action is true in four cases of five or more, and to believe
    it pays; it plays at random."""
    game, size = _rumour(chance)
    return game, policy(game, lambda agent, seen: np.full(size, 1 / size))


def looks_at_the_light_only(chance: Chance) -> tuple:
    """The second agent sees a light and what the first did last; each of the two pays on its own. It follows the light
    and takes no notice of its partner, which would pay more."""
    game = _light_and_partner(chance)
    return game, policy(game, lambda agent, seen: seen[0] if agent else np.array([0.5, 0.5]))


def makes_way(chance: Chance) -> tuple:
    """The second agent keeps to the side on which the first does not come."""
    game = _making_way(chance)
    return game, policy(game, lambda agent, seen: 1 - seen[0] if agent else np.array([0.5, 0.5]))


def listens_with_half_an_ear(chance: Chance) -> tuple:
    """The second agent believes the rumour in half of its steps and plays at random in the others: far from best, and
    it is moved by the first."""
    game, size = _rumour(chance)
    both = 0.5 * np.eye(size) + 0.5 / size
    return game, policy(game, lambda agent, seen: both[seen[0]] if agent else np.full(size, 1 / size))


def one_of_two_listens(chance: Chance) -> tuple:
    """Of the two that see the scout one follows it and the other does not: there is a coupled pair."""
    game, places = _scouted(chance)
    deaf, stands = 1 + int(chance.integers(2)), int(chance.integers(places))

    def rule(agent: int, seen: tuple[int, ...]) -> int | np.ndarray:
        return np.full(places, 1 / places) if agent == 0 else stands if agent == deaf else seen[0]

    return game, policy(game, rule)


def both_by_the_clock(chance: Chance) -> tuple:
    """Both follow a timetable that is right; nobody needs to look at anybody."""
    game, timetable = _timetable(chance)
    return game, policy(game, lambda agent, seen: int(timetable[seen[0]]))


def the_partner_does_not_matter(chance: Chance) -> tuple:
    """The second agent sees a light and what the first did last; only the light pays, and it follows the light."""
    game = _light_and_partner(chance, partner_pays=False)
    return game, policy(game, lambda agent, seen: seen[0] if agent else np.array([0.5, 0.5]))


def _crossing_light(chance: Chance) -> FiniteGame:
    """A light is red (0) or green (1) at random; the first agent waits (0) or goes (1)."""
    pays, hurts = float(chance.uniform(1, 3)), float(chance.uniform(4, 10))
    agents, green = int(chance.integers(1, 3)), float(chance.uniform(0.3, 0.6))

    def step(light, joint) -> Ways:
        earned = joint[0] * (pays if light else -hurts)
        return [(chance, after, earned, False, earned > 0) for chance, after in ((1 - green, 0), (green, 1))]

    return world(
        (2,) * agents, [0, 1], step, lambda light, agent: (0,) if agent else (light,), int(chance.integers(3, 9))
    )


def _keeper(chance: Chance) -> FiniteGame:
    """A ball comes to one of three sides; the keepers (one or two) are paid for being there, for some shots."""
    agents, pays, odds = int(chance.integers(1, 3)), float(chance.uniform(1, 5)), chance.dirichlet(np.full(3, 20.0))

    def step(side, joint) -> Ways:
        kept = sum(action == side for action in joint)
        return [(float(odds[after]), after, pays * kept, False, kept > 0) for after in range(3)]

    return world((3,) * agents, [0, 1, 2], step, lambda side, agent: (side,), int(chance.integers(2, 8)))


def _carrier(chance: Chance) -> FiniteGame:
    """Hands are empty (0) or full (1): load (0) fills them, deliver (1) empties them and pays if they were full."""
    agents, pays = int(chance.integers(1, 3)), float(chance.uniform(1, 5))

    def step(state, joint) -> Ways:
        delivered = sum(full and action for full, action in zip(state, joint, strict=True))
        after = tuple(int(action == 0) for action in joint)
        return [(1.0, after, pays * delivered, False, delivered > 0)]

    return world(
        (2,) * agents, [(0,) * agents], step, lambda state, agent: (state[agent],), 2 * int(chance.integers(2, 6))
    )


def _scouted(chance: Chance) -> tuple[FiniteGame, int]:
    """The first agent chooses a place; in the next step the two others see it, and all earn for each that goes
    there."""
    places, pays = int(chance.integers(2, 4)), float(chance.uniform(1, 5))

    def step(place, joint) -> Ways:
        there = sum(action == place for action in joint[1:])
        return [(1.0, joint[0], pays * there, False, there == 2)]

    def see(place, agent: int) -> tuple[int, ...]:
        return (place,) if agent else (0,)

    return world((places,) * 3, list(range(places)), step, see, int(chance.integers(4, 9))), places


def _making_way(chance: Chance) -> FiniteGame:
    """The second agent sees the side that the first took last; to be on the same side hurts both."""
    hurts, pays = float(chance.uniform(1, 5)), float(chance.uniform(0, 2))

    def step(side, joint) -> Ways:
        met = joint[1] == side
        return [(1.0, joint[0], -hurts if met else pays, False, not met)]

    def see(side, agent: int) -> tuple[int, ...]:
        return (side,) if agent else (0,)

    return world((2, 2), [0, 1], step, see, int(chance.integers(4, 10)))


def _rumour(chance: Chance) -> tuple[FiniteGame, int]:
    """The second agent hears what the first did last, mostly rightly, and all earn if it does the same."""
    size, pays, true = int(chance.integers(2, 4)), float(chance.uniform(0.5, 5)), float(chance.uniform(0.8, 0.95))

    def step(state, joint) -> Ways:
        did, _ = state
        same = joint[1] == did
        heard = mostly(joint[0], size, true)
        return [(float(heard[one]), (joint[0], one), pays * same, False, bool(same)) for one in range(size)]

    def see(state, agent: int) -> tuple[int, ...]:
        return (state[1],) if agent else (0,)

    return world((size, size), [(one, one) for one in range(size)], step, see, int(chance.integers(4, 9))), size


def _light_and_partner(chance: Chance, partner_pays: bool = True) -> FiniteGame:
    """The second agent sees a light and what the first did last. To do as the light shows pays one, to do as the
    partner did pays two or more, if anything."""
    more = float(chance.uniform(2, 4)) if partner_pays else 0.0

    def step(state, joint) -> Ways:
        light, did = state
        earned = float(joint[1] == light) + more * (joint[1] == did)
        return [(0.5, (after, joint[0]), earned, False, earned > 0) for after in range(2)]

    def see(state, agent: int) -> tuple[int, ...]:
        return state if agent else (0, 0)

    starts = [(light, did) for light in range(2) for did in range(2)]
    return world((2, 2), starts, step, see, int(chance.integers(4, 10)))


def _timetable(chance: Chance) -> tuple[FiniteGame, np.ndarray]:
    """Agents that see the clock; each step has one right action, and all earn for each who takes it."""
    agents, size, steps = int(chance.integers(2, 4)), int(chance.integers(2, 4)), int(chance.integers(3, 8))
    right, pays = chance.integers(size, size=steps + 1), float(chance.uniform(0.5, 5))

    def step(clock, joint) -> Ways:
        hits = sum(action == right[clock] for action in joint)
        return [(1.0, clock + 1, pays * float(hits), clock + 1 == steps, bool(hits == agents))]

    return world((size,) * agents, [0], step, lambda clock, agent: (clock,), steps), right


QUESTIONS = (
    Question(
        "closed loop",
        ask_closed_loop,
        (crosses_at_red, waits_at_green, tosses_for_it, never_looks_at_its_hands, one_of_three_never_looks_up),
        (
            waits_at_red,
            loads_and_delivers,
            looks_and_misunderstands,
            a_better_habit_would_do,
            by_the_clock,
            keeps_where_it_comes,
        ),
    ),
    Question(
        "influence",
        ask_influence,
        (does_not_make_way, three_who_do_not_listen, deaf_to_a_rumour, looks_at_the_light_only),
        (
            makes_way,
            listens_with_half_an_ear,
            one_of_two_listens,
            both_by_the_clock,
            the_partner_does_not_matter,
        ),
    ),
)
