"""A third round about loops: episodes that stand, circle, patrol and search, from the definition alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from asked_of_moves import ask_loops
from families import Chance, Question
from worlds import any_actions, episode

from coterie.types import Play

# --- loops ------------------------------------------------------------------------------------------------------------


def a_jam_that_loosens_for_a_moment(chance: Chance) -> tuple:
    """They stand for seven steps or more, move one to three cells, and stand again, each time for another while: in
    most steps nothing happens at all, so most of the episode is a deadlock."""

    def keys() -> np.ndarray:
        way, place = [], 0
        for _ in range(int(chance.integers(3, 6))):
            way += [place] * int(chance.integers(7, 15))
            for _ in range(int(chance.integers(1, 4))):
                place += 1
                way.append(place)
        return np.array(way + [place] * 8)

    return (_failing(chance, keys),)


def a_deadlock_and_then_a_livelock(chance: Chance) -> tuple:
    """They stand for a while, walk on a few steps, and step to and fro until they are cut off: two kinds of loop."""
    period = int(chance.integers(2, 6))

    def keys() -> np.ndarray:
        walk = 100 + np.arange(int(chance.integers(2, 6)))
        circle = 200 + np.arange(period * int(chance.integers(4, 8))) % period
        return np.concatenate([np.zeros(int(chance.integers(8, 20)), int), walk, circle])

    return (_failing(chance, keys),)


def every_episode_has_its_own_circle(chance: Chance) -> tuple:
    """Starts are random, and from each they soon come into a circle of another length in another place."""

    def keys() -> np.ndarray:
        walk, period = chance.permutation(1000)[: int(chance.integers(0, 6))], int(chance.integers(2, 8))
        circle = 1000 + chance.permutation(1000)[:period]
        return np.concatenate([walk, np.resize(np.roll(circle, int(chance.integers(period))), 5 * period + 3)])

    return (_failing(chance, keys),)


def half_of_the_failures_stand_for_ever(chance: Chance) -> tuple:
    """Half of the failing episodes stand still from the first step to the last; the others walk about."""
    steps = int(chance.integers(20, 50))
    plays = _failing(chance, lambda: chance.permutation(1000)[: steps + 1], count=(3, 8))
    return (
        plays + _failing(chance, lambda: np.zeros(steps + 1, int), count=(8, 12), agents=plays[0].rewards.shape[1]),
    )


def from_one_circle_into_the_next(chance: Chance) -> tuple:
    """Four to six rounds of one circle, a step, as many of another, and so on to the end: they only go in circles."""

    def keys() -> np.ndarray:
        parts = []
        for turn in range(int(chance.integers(3, 6))):
            period = int(chance.integers(2, 6))
            parts += [100 * turn + np.arange(period * int(chance.integers(4, 7))) % period, [100 * turn + 50]]
        return np.concatenate(parts)

    return (_failing(chance, keys),)


def round_for_a_crumb(chance: Chance) -> tuple:
    """A round finds a crumb, and its steps cost more than the crumb is worth: in all a round loses."""
    period, cost = int(chance.integers(3, 7)), float(chance.uniform(0.2, 1))
    crumb = float(chance.uniform(0.2, 0.7)) * cost * period

    def rewards(steps: int, agents: int) -> np.ndarray:
        earned = np.where(np.arange(steps) % period == period - 1, crumb - cost, -cost)
        return np.repeat(earned[:, None], agents, 1)

    return (_failing(chance, lambda: np.arange(period * 8 + 1) % period, rewards),)


def a_very_wide_circle(chance: Chance) -> tuple:
    """A circle of fifteen to twenty-four states, gone round four times or five."""
    period = int(chance.integers(15, 25))
    return (_failing(chance, lambda: np.arange(period * int(chance.integers(4, 6)) + 1) % period, count=(3, 6)),)


def circling_until_the_world_ends(chance: Chance) -> tuple:
    """They go in circles until what they live on is used up, which truly ends the episode without success."""
    period, walk = int(chance.integers(1, 5)), int(chance.integers(0, 5))

    def keys() -> np.ndarray:
        return np.r_[500 + np.arange(walk), np.arange(int(chance.integers(20, 40))) % period]

    return ([play._replace(ended=True) for play in _failing(chance, keys)],)


def there_and_back_once(chance: Chance) -> tuple:
    """A long corridor is walked to its end and back, once, with a moment's rest here and there: no round is ever gone
    a second time."""
    length = int(chance.integers(25, 60))
    way = np.r_[np.arange(length), np.arange(length - 2, -1, -1)]
    rests = chance.random(len(way)) < 0.1
    return (_failing(chance, lambda: np.repeat(way, 1 + rests)),)


def a_patrol_paid_to_one_of_them(chance: Chance) -> tuple:
    """A patrol goes its round again and again; steps cost everybody a little, and each round one of them is paid more
    than all have spent, now here and now there: the round earns."""
    period, agents = int(chance.integers(3, 9)), int(chance.integers(2, 4))

    def rewards(steps: int, agents: int) -> np.ndarray:
        earned = np.full((steps, agents), -0.1)
        for first in range(0, steps - period + 1, period):
            earned[first + int(chance.integers(period)), int(chance.integers(agents))] += float(chance.uniform(5, 10))
        return earned

    return (_failing(chance, lambda: np.arange(period * 7 + 1) % period, rewards, agents=agents),)


def a_search_from_row_to_row(chance: Chance) -> tuple:
    """Each row of shelves is walked to its end and back, then the next one: every cell is seen twice, none is gone
    round, and they get on."""
    length = int(chance.integers(3, 8))
    row = np.r_[np.arange(length), np.arange(length - 2, 0, -1)]
    return (_failing(chance, lambda: np.concatenate([100 * k + row for k in range(int(chance.integers(5, 10)))])),)


def standing_while_the_bell_rings(chance: Chance) -> tuple:
    """They walk all the time, and stand for the last two to four steps while a bell rings, after which the world truly
    ends: an end that looks like a loop, in a tenth of the steps or less."""

    def keys() -> np.ndarray:
        rings = int(chance.integers(2, 5))
        walk = chance.permutation(1000)[: int(chance.integers(10 * rings, 60))]
        return np.r_[walk, np.repeat(walk[-1], rings)]

    return ([play._replace(ended=True) for play in _failing(chance, keys)],)


def two_drunkards_in_narrow_corridors(chance: Chance) -> tuple:
    """Two agents reel in corridors of five to eight cells each; what repeats there does so by chance, here and
    there."""
    length = int(chance.integers(5, 9))

    def keys() -> np.ndarray:
        steps = int(chance.integers(40, 80))
        moves, place = chance.integers(-1, 2, (steps, 2)), chance.integers(length, size=2)
        way = [place]
        for move in moves:
            place = np.clip(place + move, 0, length - 1)
            way.append(place)
        return np.array(way) @ np.array([length, 1])

    return (_failing(chance, keys),)


def three_rounds_on_a_long_way(chance: Chance) -> tuple:
    """In every episode they step to and fro three times before they find the way on, which takes them a tenth of their
    steps."""

    def keys() -> np.ndarray:
        walk, first = 100 + np.arange(int(chance.integers(60, 90))), int(chance.integers(5, 50))
        return np.r_[walk[:first], np.arange(6) % 2, walk[first:]]

    return (_failing(chance, keys),)


def paid_in_every_second_round(chance: Chance) -> tuple:
    """The same round again and again; at every second return somebody is paid well for what was brought: no stretch of
    three rounds earns less than it costs."""
    period, pays = int(chance.integers(2, 6)), float(chance.uniform(6, 12))

    def rewards(steps: int, agents: int) -> np.ndarray:
        earned = np.full((steps, agents), -0.05)
        earned[2 * period - 1 :: 2 * period] += pays
        return earned

    return (_failing(chance, lambda: np.arange(period * 10 + 1) % period, rewards),)


def _failing(
    chance: Chance,
    keys: Callable[[], np.ndarray],
    earned: Callable[[int, int], np.ndarray] | None = None,
    *,
    count: tuple[int, int] = (5, 12),
    agents: int = 0,
) -> list[Play]:
    """Episodes without success, whose keys are drawn anew for each; steps cost nothing or a little."""
    agents, cost, plays = agents or int(chance.integers(2, 4)), float(chance.choice([0.0, -0.1])), []
    for team in range(int(chance.integers(*count))):
        way = np.asarray(keys())
        steps = len(way) - 1
        rewards = np.full((steps, agents), cost) if earned is None else earned(steps, agents)
        plays.append(episode(way, rewards, actions=any_actions(chance, steps, agents, 4), team=team))
    return plays


LOOPS = Question(
    "loops",
    ask_loops,
    (
        a_jam_that_loosens_for_a_moment,
        a_deadlock_and_then_a_livelock,
        every_episode_has_its_own_circle,
        half_of_the_failures_stand_for_ever,
        from_one_circle_into_the_next,
        round_for_a_crumb,
        a_very_wide_circle,
        circling_until_the_world_ends,
    ),
    (
        there_and_back_once,
        a_patrol_paid_to_one_of_them,
        a_search_from_row_to_row,
        standing_while_the_bell_rings,
        two_drunkards_in_narrow_corridors,
        three_rounds_on_a_long_way,
        paid_in_every_second_round,
    ),
)
