"""Exact answers on finite games: the joint optimum, the value of any policy, best responses, and optimal play.

Values are team-mean: the mean over agents of the (discounted) sum of rewards. A policy is float64[N, O, A]: for each
agent and each thing it can see, the probability of each action. All dynamic programming is Bellman's (1957).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from coterie.finite.game import FiniteGame

TOLERANCE = 1e-12
SWEEPS_CAP = 100_000
LONGEST_PLAY = 10_000


class Optimum(NamedTuple):
    """The best that the agents could do together, if one mind that sees the whole state moved them all.

    objective      in words
    value          expected over the starts
    start_values   float64[K0]
    policy         int32[T, S]: the joint action with t steps gone; T is 1 where the objective has no time limit
    """

    objective: str
    value: float
    start_values: np.ndarray
    policy: np.ndarray


class PolicyValue(NamedTuple):
    """What a policy is worth within the time limit.

    returns float64[N], the probabilities of success and of a true ending, and the expected number of steps.
    """

    returns: np.ndarray
    success: float
    ended: float
    steps: float


def optimum(game: FiniteGame) -> Optimum:
    """The optimum without discount, within the game's time limit (the return that evaluation measures)."""
    if game.horizon <= 0:
        raise ValueError("a game without a time limit has no undiscounted optimum; use discounted_optimum")
    value = np.zeros(len(game.states))
    policy = np.empty((game.horizon, len(game.states)), np.int32)
    barred = _barred(game)
    for steps_gone in reversed(range(game.horizon)):
        worth = _action_values(game, value, 1.0, barred)
        policy[steps_gone] = worth.argmax(1)
        value = worth.max(1)
    return _optimum(game, f"undiscounted, within {game.horizon} step{'s' if game.horizon > 1 else ''}", value, policy)


def discounted_optimum(game: FiniteGame, discount: float) -> Optimum:
    """The discounted optimum without a time limit: V(s) = max_a sum_e p_e (r_e + discount V(s_e))."""
    value = discounted_values(game, discount)
    worth = _action_values(game, value, discount, _barred(game))
    best = worth.argmax(1)
    return _optimum(game, f"discounted by {discount:g}, no time limit", value, best[None].astype(np.int32))


def discounted_values(game: FiniteGame, discount: float) -> np.ndarray:
    """The fixed point of value iteration, float64[S], to a relative error of at most about 1e-12 / (1 - discount)."""
    if not 0.0 <= discount < 1.0:
        raise ValueError(f"value iteration without a time limit needs a discount below 1, not {discount}")
    value, barred = np.zeros(len(game.states)), _barred(game)
    for _ in range(SWEEPS_CAP):
        new = _action_values(game, value, discount, barred).max(1)
        change = np.abs(new - value).max()
        value = new
        if change <= TOLERANCE * max(1.0, np.abs(value).max()):
            break
    return value


def success_of_optimal_play(game: FiniteGame, discount: float) -> tuple[float, float]:
    """The least and the greatest probability that a discounted-optimal play ever succeeds, expected over the starts.

    Optimal plays differ where actions tie; (0, 0) means that no optimum of this reward ever succeeds.
    """
    worth = _action_values(game, discounted_values(game, discount), discount, _barred(game))
    size = np.abs(worth).max(initial=0.0, where=np.isfinite(worth))
    optimal = worth >= worth.max(1, keepdims=True) - 1e-9 * np.maximum(1.0, size)
    return _success(game, optimal, np.min), _success(game, optimal, np.max)


def greatest_success(game: FiniteGame, steps: int = LONGEST_PLAY) -> float:
    """The probability that the likeliest play succeeds within so many steps, whatever it earns, over the starts."""
    return _success(game, game.possible, np.max, steps)


def optimal_play(game: FiniteGame, best: Optimum, start: int = 0, steps: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """One play of an optimum from a start row along the likeliest edges: edges int32[T], joint actions int32[T, N]."""
    limit = steps or game.horizon or 100
    joint_count, joint = joint_action_count(game), game.joint_actions
    state, edges, actions = int(game.start_state[start]), [], []
    while len(actions) < limit:
        action = int(best.policy[min(len(actions), len(best.policy) - 1), state])
        pair = state * joint_count + action
        choices = slice(game.first_edge[pair], game.first_edge[pair + 1])
        edge = int(game.first_edge[pair]) + int(game.probability[choices].argmax())
        edges.append(edge)
        actions.append(joint[action])
        state = int(game.successor[edge])
        if game.ended[edge]:
            break
    return np.array(edges, np.int32), np.array(actions, np.int32).reshape(-1, joint.shape[1])


def joint_action_count(game: FiniteGame) -> int:
    """The number of joint actions."""
    return int(np.prod(game.actions))


def policy_value(game: FiniteGame, policy: np.ndarray, horizon: int = 0) -> PolicyValue:
    """The exact value of a policy float64[N, O, A] within the time limit, undiscounted, over the starts.

    The distribution over states is pushed forward step by step, so only what is reached costs time.
    """
    joint_count, joint = joint_action_count(game), game.joint_actions
    agents, states = game.seen.shape[1], len(game.states)
    mass = np.bincount(game.start_state, game.start_probability, states)
    waiting = mass.copy()  # the part of it that has not succeeded yet
    returns, success, ended, steps = np.zeros(agents), 0.0, 0.0, 0.0
    for _ in range(horizon or game.horizon or LONGEST_PLAY):
        live = np.flatnonzero(mass > 0.0)
        if not len(live):
            break
        chance = np.ones((len(live), joint_count))
        for agent in range(agents):
            chance *= policy[agent, game.seen[live, agent]][:, joint[:, agent]]
        row, action = np.nonzero(chance)
        edge, source = _edges_of(game, live[row] * joint_count + action)
        row = row[source]
        flow = chance[row, action[source]] * game.probability[edge]
        arriving, still_waiting = flow * mass[live[row]], flow * waiting[live[row]]
        going = ~game.ended[edge]
        returns += arriving @ game.reward[edge]
        steps += arriving.sum()
        ended += arriving[~going].sum()
        success += still_waiting[game.success[edge]].sum()
        mass = np.bincount(game.successor[edge][going], arriving[going], states)
        going &= ~game.success[edge]
        waiting = np.bincount(game.successor[edge][going], still_waiting[going], states)
    return PolicyValue(returns, float(success), float(ended), float(steps))


def best_response(game: FiniteGame, policy: np.ndarray, agent: int, horizon: int = 0) -> float:
    """What an agent could earn at best, itself seeing the whole state, while the others keep their policies.

    The maximum over the agent's actions of the expectation over the others', by backward induction within the time
    limit, in the agent's own undiscounted reward. An upper bound where the agent sees less than the state.
    """
    if (horizon or game.horizon) <= 0:
        raise ValueError("a game without a time limit has no undiscounted best response; give a horizon")
    joint, sizes = game.joint_actions, game.actions
    others = np.ones((len(game.states), len(joint)))
    for other in range(len(sizes)):
        if other != agent:
            others *= policy[other, game.seen[:, other]][:, joint[:, other]]
    own = np.eye(sizes[agent])[joint[:, agent]]
    may = game.allowed[agent, game.seen[:, agent], : sizes[agent]]
    value = np.zeros(len(game.states))
    for _ in range(horizon or game.horizon):
        earned = game.probability * (game.reward[:, agent] + ~game.ended * value[game.successor])
        value = np.where(may, (others * _over_edges(game, earned)) @ own, -np.inf).max(1)
    return float(game.start_probability @ value[game.start_state])


def uniform_policy(game: FiniteGame) -> np.ndarray:
    """Random play: every legal action of an agent equally likely, float64[N, O, A]."""
    allowed = game.allowed
    return allowed / allowed.sum(2, keepdims=True)


def fixed_policy(game: FiniteGame, actions: np.ndarray) -> np.ndarray:
    """Certain actions as a policy: actions int[N, O] (or anything that broadcasts to it) to float64[N, O, A]."""
    wanted = np.broadcast_to(actions, (len(game.actions), game.observation_count))
    return np.eye(max(game.actions))[wanted]


def idle_policy(game: FiniteGame) -> np.ndarray:
    """Idle play: each agent's no-op, or the fixed action that stands for it; where that is illegal, the first legal."""
    wanted = np.eye(max(game.actions))[np.array(game.idle)]
    return greedy_policy(game, np.repeat(wanted[:, None], game.observation_count, axis=1))


def greedy_policy(game: FiniteGame, q: np.ndarray, epsilon: float = 0.0) -> np.ndarray:
    """The policy of tables float64[tables, O, A]: the first best legal action, mixed with random play by epsilon."""
    best = np.where(game.allowed, np.broadcast_to(q, (len(game.actions), *q.shape[1:])), -np.inf).argmax(2)
    return (1.0 - epsilon) * fixed_policy(game, best) + epsilon * uniform_policy(game)


def legal_part(game: FiniteGame, policy: np.ndarray, agent: int) -> np.ndarray:
    """What one agent's policy float64[O, A] says about legal actions alone; any of them where it says nothing.

    For agents that are shown something else than what they see, and may then want what is illegal.
    """
    may = game.allowed[agent]
    kept = np.where(may, policy, 0.0)
    total = kept.sum(1, keepdims=True)
    return np.where(total > 0, kept / np.where(total > 0, total, 1.0), may / may.sum(1, keepdims=True))


def _optimum(game: FiniteGame, objective: str, value: np.ndarray, policy: np.ndarray) -> Optimum:
    start_values = value[game.start_state]
    return Optimum(objective, float(game.start_probability @ start_values), start_values, policy)


def _barred(game: FiniteGame) -> np.ndarray | None:
    """The illegal joint actions of each state, bool[S, J]; None in a game without any."""
    return ~game.possible if game.masked else None


def _action_values(
    game: FiniteGame, value: np.ndarray, discount: float, barred: np.ndarray | None = None
) -> np.ndarray:
    """sum_e p_e (team-mean reward + discount V(s_e), nothing beyond a true ending), float64[S, J].

    What is barred is worth -inf.
    """
    earned = game.probability * (game.reward.mean(1) + discount * ~game.ended * value[game.successor])
    worth = _over_edges(game, earned)
    return worth if barred is None else np.where(barred, -np.inf, worth)


def _success(
    game: FiniteGame, allowed: np.ndarray, choose: Callable[..., np.ndarray], steps: int = LONGEST_PLAY
) -> float:
    """The least (np.min) or greatest (np.max) chance that a play of allowed bool[S, J] joint actions succeeds."""
    other = np.inf if choose is np.min else -np.inf
    chance = np.zeros(len(game.states))
    for _ in range(steps):
        gain = game.success + (~game.success & ~game.ended) * chance[game.successor]
        new = choose(np.where(allowed, _over_edges(game, game.probability * gain), other), axis=1)
        change = np.abs(new - chance).max()
        chance = new
        if change <= TOLERANCE:
            break
    return float(game.start_probability @ chance[game.start_state])


def _over_edges(game: FiniteGame, weight: np.ndarray) -> np.ndarray:
    """Sums of an edge quantity over each (state, joint action), float64[S, J]; 0 where there is no edge."""
    counts = np.diff(game.first_edge)
    pair = np.repeat(np.arange(len(counts)), counts)
    return np.bincount(pair, weight, len(counts)).reshape(len(game.states), -1)


def _edges_of(game: FiniteGame, pair: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All edges of some (state, joint action) pairs, and the index of the pair that each belongs to."""
    counts = game.first_edge[pair + 1] - game.first_edge[pair]
    source = np.repeat(np.arange(len(pair)), counts)
    within = np.arange(len(source)) - np.repeat(np.cumsum(counts) - counts, counts)
    return game.first_edge[pair][source] + within, source
