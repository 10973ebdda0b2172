"""What one agent could earn by reacting to what it sees, while the others keep their policies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from coterie.finite.game import FiniteGame
from coterie.finite.solve import legal_part

ROUNDS = 12  # of improvement from each beginning; most need three
TINY = 1e-12


class Response(NamedTuple):
    """What one agent earns in its own undiscounted reward: with its policy, with its best fixed action (where legal),
    and at best.

    reacting is attained by the policy float64[O, A], found by improvement: a lower bound of the best reaction without
    memory, and exact where the agent decides once.
    """

    now: float
    fixed: float
    reacting: float
    policy: np.ndarray


class _Side(NamedTuple):
    """One agent's decision problem: flows from (state, own action) to states; the others' play is chance in it."""

    pair: np.ndarray
    source: np.ndarray
    successor: np.ndarray
    going: np.ndarray
    reward: np.ndarray
    start: np.ndarray
    seen: np.ndarray
    may: np.ndarray
    actions: int
    sights: int
    horizon: int


def response(game: FiniteGame, policy: np.ndarray, agent: int, enough: float = np.inf) -> Response:
    """What an agent earns, and could earn by reacting to what it sees; policy float64[N, O, A].

    Policy improvement on observations: with d_t the visits and Q_t the action values of the present policy, each
    observation o takes the action with the greatest sum over t and s seen as o of d_t(s) Q_t(s, a); kept where the
    return rises, else only the single best change is tried. Begun from the present policy, from the best fixed action
    and from random play; the search ends once `enough` more than now is found. Raises ValueError for a game without a
    time limit.
    """
    if game.horizon <= 0:
        raise ValueError("a game without a time limit has no undiscounted best response")
    side = _side(game, policy, agent)
    own = policy[agent][:, : side.actions]
    fixed = [
        legal_part(game, np.tile(np.eye(policy.shape[2])[action], (side.sights, 1)), agent)[:, : side.actions]
        for action in range(side.actions)
    ]
    worths = [_value(side, one) for one in fixed]
    now = _value(side, own)
    best_value, best = max([(now, own), (max(worths), fixed[int(np.argmax(worths))])], key=lambda found: found[0])
    random = side.may / side.may.sum(1, keepdims=True)
    for begin in (best, random):
        if best_value - now > enough:
            break
        value, found = _improved(side, begin)
        if value > best_value + TINY:
            best_value, best = value, found
    whole = np.zeros(policy.shape[1:])
    whole[:, : side.actions] = best
    return Response(now, max(worths), best_value, whole)


def _side(game: FiniteGame, policy: np.ndarray, agent: int) -> _Side:
    joint, sizes, states = game.joint_actions, game.actions, len(game.states)
    others = np.ones((states, len(joint)))
    for other in range(len(sizes)):
        if other != agent:
            others *= policy[other, game.seen[:, other]][:, joint[:, other]]
    counts = np.diff(game.first_edge)
    pair = np.repeat(np.arange(len(counts)), counts)
    source = pair // len(joint)
    flow = others.reshape(-1)[pair] * game.probability
    possible = flow > 0
    reached = np.zeros(states, bool)
    reached[game.start_state[game.start_probability > 0]] = True
    onward = possible & ~game.ended
    before, after = source[onward], game.successor[onward]
    while True:
        new = np.zeros(states, bool)
        new[after[reached[before]]] = True
        if not (new & ~reached).any():
            break
        reached |= new
    kept = np.flatnonzero(possible & reached[source])
    chosen = joint[pair[kept] % len(joint), agent]
    keys = source[kept] * sizes[agent] + chosen
    return _Side(
        keys,
        source[kept],
        game.successor[kept],
        flow[kept] * ~game.ended[kept],
        np.bincount(keys, flow[kept] * game.reward[kept, agent], states * sizes[agent]),
        np.bincount(game.start_state, game.start_probability, states),
        game.seen[:, agent],
        game.allowed[agent][:, : sizes[agent]],
        sizes[agent],
        game.observation_count,
        game.horizon,
    )


def _action_values(side: _Side, own: np.ndarray) -> np.ndarray:
    """Q_t(s, a) under the agent's policy, float64[T, S, A]."""
    states = len(side.seen)
    value, rows = np.zeros(states), []
    for _ in range(side.horizon):
        worth = side.reward + np.bincount(side.pair, side.going * value[side.successor], states * side.actions)
        worth = worth.reshape(states, side.actions)
        rows.append(worth)
        value = (own[side.seen] * worth).sum(1)
    return np.stack(rows[::-1])


def _value(side: _Side, own: np.ndarray) -> float:
    worth = _action_values(side, own)[0]
    return float(side.start @ (own[side.seen] * worth).sum(1))


def _gains(side: _Side, own: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """The sum over t and s of d_t(s) Q_t(s, a) by what is seen, float64[O, A]."""
    states, chance = len(side.seen), own[side.seen].reshape(-1)[side.pair]
    mass, total = side.start, np.zeros((states, side.actions))
    for step in range(side.horizon):
        total += mass[:, None] * worth[step]
        mass = np.bincount(side.successor, mass[side.source] * chance * side.going, states)
    gains = np.zeros((side.sights, side.actions))
    np.add.at(gains, side.seen, total)
    return np.where(side.may, gains, -np.inf)


def _improved(side: _Side, own: np.ndarray) -> tuple[float, np.ndarray]:
    worth = _action_values(side, own)
    value = float(side.start @ (own[side.seen] * worth[0]).sum(1))
    for _ in range(ROUNDS):
        gains = _gains(side, own, worth)
        present = (own * np.where(side.may, gains, 0.0)).sum(1)
        better = gains.max(1) > present + TINY * np.maximum(1.0, np.abs(present))
        if not better.any():
            break
        greedy = np.eye(side.actions)[gains.argmax(1)]
        single = np.arange(side.sights) == np.where(better, gains.max(1) - present, -np.inf).argmax()
        for changed in (better, single):
            tried = np.where(changed[:, None], greedy, own)
            tried_worth = _action_values(side, tried)
            tried_value = float(side.start @ (tried[side.seen] * tried_worth[0]).sum(1))
            if tried_value > value + TINY * max(1.0, abs(value)):
                value, own, worth = tried_value, tried, tried_worth
                break
        else:
            break
    return value, own
