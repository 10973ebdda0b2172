"""Idle agents and loops: families of recorded episodes."""

from __future__ import annotations

import numpy as np
from families import Chance, Question
from worlds import WORD, any_actions, episode

from coterie.types import Finding, Play


def ask_idle(plays: list[Play], idle_actions: tuple[int, ...] | None = None) -> Finding:
    """Does an agent do nearly nothing, or always the same?"""
    from coterie.diagnosis.idle import idle

    return idle(plays, idle_actions)


def ask_loops(plays: list[Play]) -> Finding:
    """Do failing episodes go in circles? Only the episodes without success are given, as a run's judgement gives
    them."""
    from coterie.diagnosis.loops import loops

    return loops([play for play in plays if not play.success], len(plays), WORD)


# --- idle -------------------------------------------------------------------------------------------------------------


def one_stands_still(chance: Chance) -> tuple:
    """One agent takes its no-op in every step of every episode while the others do all sorts of things."""
    plays, agents = _busy(chance)
    return _with(plays, int(chance.integers(agents)), lambda actions: 0), (0,) * agents


def all_stand_still(chance: Chance) -> tuple:
    """Everybody takes the no-op in every step."""
    plays, agents = _busy(chance)
    for agent in range(agents):
        plays = _with(plays, agent, lambda actions: 0)
    return plays, (0,) * agents


def one_always_pushes(chance: Chance) -> tuple:
    """One agent takes one and the same action, which is not a no-op, in every step of many long episodes."""
    plays, agents = _busy(chance)
    action = int(chance.integers(1, 4))
    return _with(plays, int(chance.integers(agents)), lambda actions: action), None


def one_hardly_moves(chance: Chance) -> tuple:
    """One agent takes its no-op in all but one step of a hundred: it does nearly nothing."""
    plays, agents = _busy(chance)
    return (
        _with(
            plays,
            int(chance.integers(agents)),
            lambda actions: np.where(chance.random(len(actions)) < 0.01, actions, 0),
        ),
        (0,) * agents,
    )


def all_are_busy(chance: Chance) -> tuple:
    """A healthy team: everybody does all sorts of things."""
    plays, agents = _busy(chance)
    return plays, (0,) * agents


def busy_and_no_action_stands_still(chance: Chance) -> tuple:
    """The same where it is not known which action does nothing."""
    return _busy(chance)[0], None


def one_waits_half_the_time(chance: Chance) -> tuple:
    """One agent stands still for the first half of each episode and then acts: waiting for a partner is no idleness."""
    plays, agents = _busy(chance)
    return (
        _with(
            plays,
            int(chance.integers(agents)),
            lambda actions: np.where(np.arange(len(actions)) < len(actions) // 2, 0, np.maximum(actions, 1)),
        ),
        (0,) * agents,
    )


def one_has_a_favourite(chance: Chance) -> tuple:
    """One agent takes one action in two steps of three, and the others in the rest: lopsided, but not always the
    same."""
    plays, agents = _busy(chance)
    action = int(chance.integers(4))
    return (
        _with(
            plays,
            int(chance.integers(agents)),
            lambda actions: np.where(chance.random(len(actions)) < 0.6, action, actions),
        ),
        (0,) * agents,
    )


def to_and_fro(chance: Chance) -> tuple:
    """One agent carries things: ten steps to the right, ten to the left; each half always the same, the whole not."""
    plays, agents = _busy(chance)
    half = int(chance.integers(3, 7))
    return (
        _with(plays, int(chance.integers(agents)), lambda actions: 1 + np.arange(len(actions)) // half % 2),
        (0,) * agents,
    )


def straight_to_where_it_is_needed(chance: Chance) -> tuple:
    """Each short episode is one straight walk, so always the same inside it; its direction differs between episodes,
    as the start does: the agent does what each start asks for."""
    agents, plays = int(chance.integers(2, 4)), []
    for team in range(int(chance.integers(16, 30))):
        steps = int(chance.integers(3, 7))
        directions = chance.integers(1, 5, agents)
        plays.append(_play(chance, np.broadcast_to(directions, (steps, agents)).copy(), True, team))
    return plays, (0,) * agents


# --- loops ------------------------------------------------------------------------------------------------------------


def circlers(chance: Chance) -> tuple:
    """All walk in a circle of three to six states from beginning to end; nothing is earned, or a step costs."""
    period = int(chance.integers(3, 7))
    return (_keyed(chance, lambda steps: np.arange(steps + 1) % period),)


def frozen_pairs(chance: Chance) -> tuple:
    """Nothing moves at all: a deadlock, of period one."""
    return (_keyed(chance, lambda steps: np.zeros(steps + 1, int)),)


def side_steppers(chance: Chance) -> tuple:
    """Two agents step aside for each other, to the same side, again and again: a livelock of period two."""
    return (_keyed(chance, lambda steps: np.arange(steps + 1) % 2),)


def circlers_after_a_walk(chance: Chance) -> tuple:
    """They walk for a few steps and then go in circles until they are cut off."""
    walk, period = int(chance.integers(2, 6)), int(chance.integers(2, 4))
    return (
        _keyed(
            chance,
            lambda steps: np.where(
                np.arange(steps + 1) < walk, 100 + np.arange(steps + 1), np.arange(steps + 1) % period
            ),
        ),
    )


def half_circlers(chance: Chance) -> tuple:
    """They go in circles for somewhat less than half of the episode, and walk on before and after."""

    def keys(steps: int) -> np.ndarray:
        period = int(chance.integers(1, 4))
        looping = max(3 * period, int(0.45 * steps))
        first = int(chance.integers(1, steps - looping))
        walk = 100 + np.arange(steps + 1)
        walk[first : first + looping + 1] = np.arange(looping + 1) % period
        return walk

    return (_keyed(chance, keys),)


def shaped_circlers(chance: Chance) -> tuple:
    """Coming closer pays what going away costs, so that going round earns nothing on the whole."""
    period, pays = int(chance.integers(2, 5)), float(chance.uniform(0.5, 2))

    def rewards(steps: int, agents: int) -> np.ndarray:
        way = np.zeros(period)
        way[0], way[-1] = pays, -pays
        return np.repeat(np.resize(way, steps)[:, None], agents, 1)

    return (_keyed(chance, lambda steps: np.arange(steps + 1) % period, rewards),)


def some_of_them_circle(chance: Chance) -> tuple:
    """Most of the failing episodes go in circles, the others walk about."""
    period = int(chance.integers(1, 4))
    looping = _keyed(chance, lambda steps: np.arange(steps + 1) % period)
    return (looping + _keyed(chance, lambda steps: chance.permutation(1000)[: steps + 1])[: len(looping) // 2],)


def random_walkers(chance: Chance) -> tuple:
    """Two random walkers on a large torus: what repeats there repeats by chance, hardly ever three times exactly."""
    size = int(chance.integers(6, 12))

    def keys(steps: int) -> np.ndarray:
        moves = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)])[chance.integers(4, size=(steps, 2))]
        cells = np.concatenate([np.zeros((1, 2, 2), int), moves.cumsum(0)]) % size
        return cells.reshape(steps + 1, 4) @ size ** np.arange(4)

    return (_keyed(chance, keys),)


def productive_shuttles(chance: Chance) -> tuple:
    """They carry things to and fro: states repeat exactly, and every round earns more than its steps cost."""
    period = int(chance.integers(2, 7))

    def rewards(steps: int, agents: int) -> np.ndarray:
        way = np.full(period, float(chance.choice([0.0, -0.1])))
        way[-1] += float(chance.uniform(1, 5))
        return np.repeat(np.resize(way, steps)[:, None], agents, 1)

    return (_keyed(chance, lambda steps: np.arange(steps + 1) % period, rewards),)


def long_walkers(chance: Chance) -> tuple:
    """They walk on and on and never see a state twice; they are just too slow."""
    return (_keyed(chance, lambda steps: np.arange(steps + 1)),)


def broken_loops(chance: Chance) -> tuple:
    """They go round twice and then leave the circle, once: two rounds are no loop, three are."""
    period = int(chance.integers(3, 6))

    def keys(steps: int) -> np.ndarray:
        walk, first = 100 + np.arange(steps + 1), int(chance.integers(0, 4))
        walk[first : first + 2 * period] = np.arange(2 * period) % period
        return walk

    return (_keyed(chance, keys),)


def short_waits(chance: Chance) -> tuple:
    """Now and then they stand for one step, as one does to let others pass, and walk on."""

    def keys(steps: int) -> np.ndarray:
        return 100 + np.cumsum(np.r_[0, np.arange(steps) % int(chance.integers(3, 6)) > 0])

    return (_keyed(chance, keys),)


def nobody_fails(chance: Chance) -> tuple:
    """A healthy team: every episode succeeds by a straight way, so no failing one goes in circles."""
    return ([play._replace(success=True, ended=True) for play in _keyed(chance, lambda steps: np.arange(steps + 1))],)


def too_short_to_tell(chance: Chance) -> tuple:
    """A circle as long as half the episode cannot be gone round three times: nothing repeats three times."""

    def keys(steps: int) -> np.ndarray:
        return np.arange(steps + 1) % (steps // 2 + 1)

    return (_keyed(chance, keys),)


def _busy(chance: Chance) -> tuple[list[Play], int]:
    agents, count = int(chance.integers(2, 5)), int(chance.integers(6, 15))
    lengths = chance.integers(20, 40, count)
    return [_play(chance, any_actions(chance, int(n), agents, 4), False, k) for k, n in enumerate(lengths)], agents


def _play(chance: Chance, actions: np.ndarray, success: bool, team: int) -> Play:
    keys = chance.permutation(1000)[: len(actions) + 1]
    return episode(keys, np.zeros(actions.shape), actions=actions, success=success, team=team)


def _with(plays: list[Play], agent: int, change) -> list[Play]:
    changed = []
    for play in plays:
        actions = play.actions.copy()
        actions[:, agent] = change(actions[:, agent])
        changed.append(play._replace(actions=actions))
    return changed


def _keyed(chance: Chance, keys, rewards=None) -> list[Play]:
    agents, steps, cost = int(chance.integers(2, 4)), int(chance.integers(20, 60)), float(chance.choice([0.0, -1.0]))
    return [
        episode(
            keys(steps),
            np.full((steps, agents), cost) if rewards is None else rewards(steps, agents),
            actions=any_actions(chance, steps, agents, 4),
            team=team,
        )
        for team in range(int(chance.integers(4, 10)))
    ]


QUESTIONS = (
    Question(
        "idle",
        ask_idle,
        (one_stands_still, one_always_pushes, one_hardly_moves, all_stand_still),
        (
            all_are_busy,
            one_waits_half_the_time,
            one_has_a_favourite,
            to_and_fro,
            straight_to_where_it_is_needed,
            busy_and_no_action_stands_still,
        ),
    ),
    Question(
        "loops",
        ask_loops,
        (
            circlers,
            frozen_pairs,
            half_circlers,
            side_steppers,
            circlers_after_a_walk,
            shaped_circlers,
            some_of_them_circle,
        ),
        (
            random_walkers,
            productive_shuttles,
            broken_loops,
            long_walkers,
            nobody_fails,
            short_waits,
            too_short_to_tell,
        ),
    ),
)
