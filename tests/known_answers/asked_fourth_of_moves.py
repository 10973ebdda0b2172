"""A fourth round about loops, idleness and endings, from the definitions alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from asked_of_moves import ask_idle, ask_loops
from asked_of_rewards import ask_endings
from families import Chance, Question
from shared import wandering
from worlds import Ways, any_actions, episode, policy, stage, world

from coterie.finite.game import FiniteGame
from coterie.running.stage import own_cast
from coterie.types import Play

# --- loops ------------------------------------------------------------------------------------------------------------


def a_figure_of_eight(chance: Chance) -> tuple:
    """Out from a crossing by one loop, through the crossing and round another, again and again to the end: the crossing
    is seen twice a round, and a round repeats exactly and earns nothing."""
    left, right = int(chance.integers(1, 4)), int(chance.integers(1, 4))
    eight = np.r_[0, 1 + np.arange(left), 0, 10 + np.arange(right)]
    return (_failing(chance, lambda: np.resize(eight, len(eight) * int(chance.integers(5, 9)) + 1)),)


def what_one_wins_the_other_loses(chance: Chance) -> tuple:
    """They go round in a circle, and in every round one agent takes from another what that one has: together they earn
    nothing by it."""
    period, stake = int(chance.integers(2, 7)), float(chance.uniform(0.5, 10))

    def earned(steps: int) -> np.ndarray:
        rewards = np.zeros((steps, 2))
        rewards[period - 1 :: period] = stake, -stake
        return rewards

    return (_failing(chance, lambda: np.arange(period * int(chance.integers(5, 9)) + 1) % period, earned),)


def rich_at_first_and_then_in_circles(chance: Chance) -> tuple:
    """The first steps pay well; then they go in a circle that pays nothing, for three quarters of the episode or more.
    No round of it earns anything."""
    walk, period = int(chance.integers(3, 7)), int(chance.integers(1, 5))
    pays = float(chance.uniform(1, 20))

    def earned(steps: int) -> np.ndarray:
        return pays * (np.arange(steps) < walk)[:, None] * np.ones((1, 2))

    return (
        _failing(
            chance, lambda: np.r_[900 + np.arange(walk), np.arange(int(chance.integers(25, 50))) % period], earned
        ),
    )


def one_long_episode(chance: Chance) -> tuple:
    """A single episode of hundreds of steps, all of them in one circle of twenty-five to forty states."""
    period = int(chance.integers(25, 41))
    return (_failing(chance, lambda: np.arange(period * int(chance.integers(6, 10)) + 1) % period, count=1),)


def never_the_same_loop_twice_running(chance: Chance) -> tuple:
    """From a crossing they go round one of five loops of equal length, at random, and never the same one twice running:
    what repeats three times does so by chance, and rarely."""
    length = int(chance.integers(2, 5))

    def keys() -> np.ndarray:
        way, last = [], -1
        for _ in range(int(chance.integers(12, 20))):
            last = int(chance.choice([loop for loop in range(5) if loop != last]))
            way += [0, *(10 * (last + 1) + np.arange(length))]
        return np.array(way)

    return (_failing(chance, keys),)


def twice_round_every_table(chance: Chance) -> tuple:
    """They go round a table twice, on to the next and round that twice: no round is ever gone a third time."""

    def keys() -> np.ndarray:
        parts = []
        for table in range(int(chance.integers(4, 9))):
            period = int(chance.integers(3, 7))
            parts.append(100 * table + np.arange(2 * period) % period)
        return np.concatenate(parts)

    return (_failing(chance, keys),)


def every_round_pays_less(chance: Chance) -> tuple:
    """The same round again and again, each of which pays less than the one before, and even the last pays more than
    its steps cost: a well that runs low, and still worth the way."""
    period, rounds = int(chance.integers(2, 7)), int(chance.integers(5, 10))
    pays = np.linspace(float(chance.uniform(6, 12)), 2.0, rounds)

    def earned(steps: int) -> np.ndarray:
        rewards = np.full((steps, 2), -0.05)
        rewards[period - 1 :: period] += pays[:, None]
        return rewards

    return (_failing(chance, lambda: np.arange(period * rounds + 1) % period, earned),)


def _failing(
    chance: Chance,
    keys: Callable[[], np.ndarray],
    earned: Callable[[int], np.ndarray] | None = None,
    count: int = 0,
) -> list[Play]:
    """Episodes of two agents without success, with keys drawn anew for each; steps cost nothing or a little."""
    cost, plays = float(chance.choice([0.0, -0.2])), []
    for team in range(count or int(chance.integers(4, 12))):
        way = np.asarray(keys())
        steps = len(way) - 1
        rewards = np.full((steps, 2), cost) if earned is None else earned(steps)
        plays.append(episode(way, rewards, actions=any_actions(chance, steps, 2, 4), team=team))
    return plays


# --- idle -------------------------------------------------------------------------------------------------------------


def moves_in_the_first_step_only(chance: Chance) -> tuple:
    """One agent does something in the first step of each long episode and takes its no-op from then on."""
    return _with_one(chance, lambda actions, k: np.where(np.arange(len(actions)) == 0, 1 + k % 3, 0))


def two_of_them_stand_still(chance: Chance) -> tuple:
    """Of four or five agents two take their no-op in every step."""
    agents = int(chance.integers(4, 6))
    still = chance.permutation(agents)[:2]
    plays = _busy(chance, agents, 60)
    for play in plays:
        play.actions[:, still] = 0
    return plays, (0,) * agents


def presses_one_button_and_slips_rarely(chance: Chance) -> tuple:
    """One agent presses the same button in all but one step of a hundred, whatever happens; which action does nothing
    is not known."""
    button = int(chance.integers(4))
    plays, _ = _with_one(chance, lambda a, k: np.where(chance.random(len(a)) < 0.01, a, button), longest=80)
    return plays, None


def comes_when_it_is_called(chance: Chance) -> tuple:
    """One agent stands still in two steps of three and does all sorts of things in the third."""
    return _with_one(chance, lambda actions, k: np.where(chance.random(len(actions)) < 0.35, 1 + actions % 3, 0))


def left_foot_right_foot(chance: Chance) -> tuple:
    """One agent takes two actions by turns, neither of them its no-op: always on the move."""
    one, other = chance.permutation([1, 2, 3])[:2]
    return _with_one(chance, lambda actions, k: np.where(np.arange(len(actions)) % 2, one, other))


def off_duty_in_every_second_episode(chance: Chance) -> tuple:
    """One agent stands still in every second episode and does all sorts of things in the others, as on duty by
    turns."""
    return _with_one(chance, lambda actions, k: actions if k % 2 else 0 * actions)


def _busy(chance: Chance, agents: int, longest: int) -> list[Play]:
    lengths = chance.integers(35, longest, int(chance.integers(8, 15)))
    return [wandering(chance, int(n), np.zeros((n, agents)), team) for team, n in enumerate(lengths)]


def _with_one(chance: Chance, change: Callable[[np.ndarray, int], np.ndarray], longest: int = 60) -> tuple:
    """Episodes of busy agents, one of whom acts as change(actions, number of the episode) says."""
    agents = int(chance.integers(2, 5))
    one, plays = int(chance.integers(agents)), _busy(chance, agents, longest)
    for k, play in enumerate(plays):
        play.actions[:, one] = change(play.actions[:, one], k)
    return plays, (0,) * agents


# --- endings ----------------------------------------------------------------------------------------------------------


def there_and_back_is_too_far(chance: Chance) -> tuple:
    """Something is to be fetched from the end of a corridor and brought back. The limit is long enough for the way
    there and not for both ways, as the table shows."""
    length = int(chance.integers(3, 7))
    return _fetched(chance, length, 2 * length - int(chance.integers(1, length)))


def too_much_work_for_so_many_hands(chance: Chance) -> tuple:
    """So much is to be carried, a piece a step and agent, that even if all carry in all steps some is left at the
    limit, as the table shows."""
    agents, horizon = int(chance.integers(2, 4)), int(chance.integers(4, 8))
    return _carried(chance, agents, horizon, agents * horizon + int(chance.integers(1, 5)))


def cut_off_at_any_step(chance: Chance) -> tuple:
    """No episode succeeds, each stops after another number of steps, and all are marked as cut off by a time limit; but
    a time limit does not cut at many different steps, so these are true endings that were marked wrongly."""
    agents = int(chance.integers(2, 5))
    lengths = chance.permutation(np.arange(5, 45))[: int(chance.integers(20, 35))]
    return ([wandering(chance, int(n), np.zeros((n, agents)), team) for team, n in enumerate(lengths)],)


def one_of_them_lives_too_far_away(chance: Chance) -> tuple:
    """Two must come to one place; one of them has time enough, the way of the other is longer than the limit, as the
    table shows."""
    near, horizon = int(chance.integers(1, 4)), int(chance.integers(5, 9))
    return _met(chance, near, horizon + int(chance.integers(1, 4)), horizon)


def there_and_back_in_time(chance: Chance) -> tuple:
    """The same errand with time enough for both ways, and they run it."""
    length = int(chance.integers(3, 7))
    return _fetched(chance, length, 2 * length + int(chance.integers(2, 6)))


def time_enough_for_those_who_rest(chance: Chance) -> tuple:
    """All could be carried in half of the time, as the table shows, but nobody ever carries anything: every episode is
    cut off, and the limit is not to blame."""
    agents, horizon = int(chance.integers(2, 4)), int(chance.integers(6, 12))
    return _carried(chance, agents, horizon, agents * (horizon // 2), carrying=0.0)


def all_is_carried_in_time(chance: Chance) -> tuple:
    """There is time enough, and they carry all, some by a step earlier than others."""
    agents, horizon = int(chance.integers(2, 4)), int(chance.integers(8, 12))
    return _carried(chance, agents, horizon, agents * (horizon // 3), carrying=0.95)


def everybody_falls_somewhere(chance: Chance) -> tuple:
    """All episodes truly end without success, each after another number of steps: poor play, and proper endings."""
    agents = int(chance.integers(2, 5))
    lengths = chance.integers(3, 30, int(chance.integers(15, 35)))
    plays = [wandering(chance, int(n), np.zeros((n, agents)), team) for team, n in enumerate(lengths)]
    return ([play._replace(ended=True) for play in plays],)


def _fetched(chance: Chance, length: int, horizon: int) -> tuple:
    """Stay, right, left: the first agent is to touch the right end and to come back; it does so as fast as it can."""

    def step(state, joint) -> Ways:
        place, loaded = state
        new = min(max(place + (0, 1, -1)[joint[0]], 0), length)
        loaded = int(loaded or new == length)
        there = bool(loaded and new == 0)
        return [(1.0, (new, loaded), float(there), there, there)]

    game = world((3, 2), [(0, 0)], step, lambda state, agent: (0, 0) if agent else state, horizon)
    return _played(chance, game, lambda agent, seen: 0 if agent else 1 + seen[1]), game


def _carried(chance: Chance, agents: int, horizon: int, pieces: int, carrying: float = 1.0) -> tuple:
    """Rest or carry: each who carries takes a piece away; when none is left they have succeeded."""

    def step(left, joint) -> Ways:
        after = max(left - sum(joint), 0)
        return [(1.0, after, float(after == 0), after == 0, after == 0)]

    game = world((2,) * agents, [pieces], step, lambda left, agent: (left,), horizon)
    return _played(chance, game, lambda agent, seen: np.array([1 - carrying, carrying])), game


def _met(chance: Chance, near: int, far: int, horizon: int) -> tuple:
    """Stay or go on; they have succeeded when both have no step of their way left."""

    def step(state, joint) -> Ways:
        new = tuple(max(left - action, 0) for left, action in zip(state, joint, strict=True))
        return [(1.0, new, float(not any(new)), not any(new), not any(new))]

    game = world((2, 2), [tuple(int(n) for n in chance.permutation([near, far]))], step, lambda s, a: (s[a],), horizon)
    return _played(chance, game, lambda agent, seen: 1), game


def _played(chance: Chance, game: FiniteGame, rule: Callable[[int, tuple[int, ...]], int | np.ndarray]) -> list[Play]:
    team = stage(game, policy(game, rule), seed=int(chance.integers(1000)))
    return [team.play(own_cast(team), k) for k in range(int(chance.integers(12, 16)))]


QUESTIONS = (
    Question(
        "loops",
        ask_loops,
        (a_figure_of_eight, what_one_wins_the_other_loses, rich_at_first_and_then_in_circles, one_long_episode),
        (never_the_same_loop_twice_running, twice_round_every_table, every_round_pays_less),
    ),
    Question(
        "idle",
        ask_idle,
        (moves_in_the_first_step_only, two_of_them_stand_still, presses_one_button_and_slips_rarely),
        (comes_when_it_is_called, left_foot_right_foot, off_duty_in_every_second_episode),
    ),
    Question(
        "endings",
        ask_endings,
        (
            there_and_back_is_too_far,
            too_much_work_for_so_many_hands,
            cut_off_at_any_step,
            one_of_them_lives_too_far_away,
        ),
        (
            there_and_back_in_time,
            time_enough_for_those_who_rest,
            all_is_carried_in_time,
            everybody_falls_somewhere,
        ),
    ),
)
