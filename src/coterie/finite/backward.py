"""Perfect play of games in which one agent decides at a time and sees all that matters, by backward induction.

Zermelo (1913), and in general Kuhn (1953): from the last decisions backwards, whoever decides takes what is worth most
to itself, knowing what will follow. In a two-player zero-sum game that is the value of the game.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from coterie.finite.game import FiniteGame
from coterie.finite.solve import LONGEST_PLAY, uniform_policy

SAME = 1e-9
NOBODY = -1


class PerfectPlay(NamedTuple):
    """Every agent at its best, whatever the others did before; of equally good moves any, equally likely.

    values    float64[S, N]: what each agent earns from each state on, the others perfect, too
    start     float64[N]: the same from the start, expected over the starts
    mover     int[S]: who has a choice there, NOBODY (-1) where nobody has
    moves     bool[S, J]: the joint actions with a best move of the mover
    policy    float64[N, O, A]
    unique    whether equally good moves of one agent are equal for all, so that the values are the game's
    """

    values: np.ndarray
    start: np.ndarray
    mover: np.ndarray
    moves: np.ndarray
    policy: np.ndarray
    unique: bool


class Shares(NamedTuple):
    """How often each agent wins (earns more than 0), draws and loses, float64[N] each; they add up to 1."""

    won: np.ndarray
    drawn: np.ndarray
    lost: np.ndarray


def perfect_play(game: FiniteGame) -> PerfectPlay:
    """V_i(s) = mean over the mover's best a of sum_e p_e (r_e,i + V_i(s_e)), best: argmax of the same for the mover.

    The mean over equally good moves makes values of general games one of possibly many perfect plays (`unique` tells).
    Raises ValueError where two agents decide at once, where play can come back to where it was or is cut by the time
    limit, and where a mover sees the same in states that ask for different moves.
    """
    mover, reached = _movers(game), _reachable(game)
    counts = np.diff(game.first_edge)
    pair_of_edge = np.repeat(np.arange(len(counts)), counts)
    pairs, row = np.unique(pair_of_edge, return_inverse=True)
    joint_count = int(np.prod(game.actions))
    source, edge_source = pairs // joint_count, pair_of_edge // joint_count
    agents, states = game.seen.shape[1], len(game.states)
    values, moves, unique = np.zeros((states, agents)), np.zeros((states, joint_count), bool), True
    solved = ~reached | (np.bincount(source, minlength=states) == 0)
    rounds = 0
    while not solved.all():
        open_ = ~game.ended & ~solved[game.successor]
        ready = ~solved & (np.bincount(edge_source[open_], minlength=states) == 0)
        if not ready.any():
            raise ValueError("play can come back to where it was, so it has no last decision to begin from")
        earned = game.probability[:, None] * (game.reward + ~game.ended[:, None] * values[game.successor])
        worth = np.stack([np.bincount(row, column, len(pairs)) for column in earned.T], axis=1)
        here = np.flatnonzero(ready[source])
        place, own = source[here], worth[here, np.maximum(mover[source[here]], 0)]
        most = np.full(states, -np.inf)
        np.maximum.at(most, place, own)
        good = (own >= most[place] - SAME * np.maximum(1.0, np.abs(most[place]))) | (mover[place] == NOBODY)
        chosen = here[good]
        moves[source[chosen], pairs[chosen] % joint_count] = True
        total = np.maximum(np.bincount(source[chosen], minlength=states), 1)
        means = np.stack([np.bincount(source[chosen], column, states) for column in worth[chosen].T], axis=1)
        values[ready] = (means / total[:, None])[ready]
        unique &= bool(np.allclose(worth[chosen], values[source[chosen]], rtol=SAME, atol=SAME))
        solved |= ready
        rounds += 1
    if 0 < game.horizon < rounds:
        raise ValueError(f"play can last {rounds} steps, and is cut off after {game.horizon}")
    start = game.start_probability @ values[game.start_state]
    return PerfectPlay(values, start, mover, moves, _policy(game, mover, moves & reached[:, None]), unique)


def perfect_line(game: FiniteGame, perfect: PerfectPlay, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """One perfect game from a start row, its first best moves and likeliest edges: int32[T], actions int32[T, N]."""
    state, edges, actions = int(game.start_state[start]), [], []
    while perfect.moves[state].any():
        joint = int(perfect.moves[state].argmax())
        pair = state * perfect.moves.shape[1] + joint
        first, stop = int(game.first_edge[pair]), int(game.first_edge[pair + 1])
        edges.append(first + int(game.probability[first:stop].argmax()))
        actions.append(joint)
        state = int(game.successor[edges[-1]])
        if game.ended[edges[-1]]:
            break
    return np.array(edges, np.int32), game.joint_actions[np.array(actions, int)]


def zero_sum(game: FiniteGame) -> bool:
    """Whether two agents play for the same stake: what one earns the other loses, on every edge."""
    return game.seen.shape[1] == 2 and bool(np.allclose(game.reward.sum(1), 0.0) and game.reward.any())


def decided_at_the_end(game: FiniteGame) -> bool:
    """Whether nothing is earned before the last step, so that it alone says who has won."""
    return not game.reward[~game.ended].any()


def shares(game: FiniteGame, policy: np.ndarray) -> Shares:
    """The exact shares of games won, drawn and lost by each agent, float64[N, O, A] being what they play.

    Who is cut off by the time limit has drawn. Raises ValueError where anything is earned before the last step.
    """
    if not decided_at_the_end(game):
        raise ValueError("rewards are earned on the way, so the last step does not say who has won")
    source, joint = _source_and_joint(game)
    flow = game.probability.copy()
    for agent in range(joint.shape[1]):
        flow *= policy[agent, game.seen[source, agent], joint[:, agent]]
    taken = np.flatnonzero(flow)
    source, flow, ended = source[taken], flow[taken], game.ended[taken]
    won, lost = game.reward[taken] > SAME, game.reward[taken] < -SAME
    states = len(game.states)
    mass, shares_won, shares_lost = np.bincount(game.start_state, game.start_probability, states), 0.0, 0.0
    for _ in range(game.horizon or LONGEST_PLAY):
        if not mass.any():
            break
        arriving = mass[source] * flow
        shares_won, shares_lost = shares_won + arriving @ (won & ended[:, None]), shares_lost + arriving @ lost
        mass = np.bincount(game.successor[taken], arriving * ~ended, states)
    shares_won, shares_lost = (np.zeros(joint.shape[1]) + one for one in (shares_won, shares_lost))
    return Shares(shares_won, 1.0 - shares_won - shares_lost, shares_lost)


def can_lose(game: FiniteGame, policy: np.ndarray, seat: int) -> bool:
    """Whether any play of the others can make one seat lose that keeps to its policy float64[N, O, A]."""
    source, joint = _source_and_joint(game)
    possible = policy[seat, game.seen[source, seat], joint[:, seat]] > 0
    onward = possible & ~game.ended
    known = _closure(game, source[onward], game.successor[onward])
    return bool((game.reward[possible & game.ended & known[source], seat] < -SAME).any())


def against(game: FiniteGame, policy: np.ndarray, opponent: np.ndarray, seat: int) -> np.ndarray:
    """A joint policy float64[N, O, A] in which one seat plays by `policy` and all others by `opponent`."""
    return np.stack([policy[agent] if agent == seat else opponent[agent] for agent in range(len(policy))])


def _movers(game: FiniteGame) -> np.ndarray:
    choices = (game.allowed.sum(2) > 1)[np.arange(game.seen.shape[1]), game.seen]
    if (choices.sum(1) > 1).any():
        raise ValueError("two agents decide at once, and neither knows what the other does")
    return np.where(choices.any(1), choices.argmax(1), NOBODY)


def _source_and_joint(game: FiniteGame) -> tuple[np.ndarray, np.ndarray]:
    """For each edge the state that it begins in, int[M], and the joint action, int[M, N]."""
    counts = np.diff(game.first_edge)
    pair = np.repeat(np.arange(len(counts)), counts)
    joint_count = int(np.prod(game.actions))
    return pair // joint_count, np.stack(np.unravel_index(pair % joint_count, game.actions), axis=1)


def _reachable(game: FiniteGame) -> np.ndarray:
    """The states that any play leads to, bool[S]."""
    source, _ = _source_and_joint(game)
    return _closure(game, source[~game.ended], game.successor[~game.ended])


def _closure(game: FiniteGame, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The states that some steps lead to from the starts, bool[S]."""
    known = np.zeros(len(game.states), bool)
    known[game.start_state[game.start_probability > 0]] = True
    while True:
        fresh = np.unique(after[known[before]])
        if known[fresh].all():
            return known
        known[fresh] = True


def _policy(game: FiniteGame, mover: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """The best moves by what the mover sees; raises ValueError where one sight asks for different moves."""
    policy, joint = uniform_policy(game), game.joint_actions
    for agent in range(game.seen.shape[1]):
        states = np.flatnonzero((mover == agent) & moves.any(1))
        if not len(states):
            continue
        own = np.eye(policy.shape[2])[joint[:, agent]]
        best = (moves[states] @ own) > 0
        sights, first, inverse = np.unique(game.seen[states, agent], return_index=True, return_inverse=True)
        if (best != best[first][inverse.reshape(-1)]).any():
            raise ValueError(
                f"{game.spec.agents[agent]} sees the same in states that ask for different moves: it does not see all "
                "that matters"
            )
        policy[agent, sights] = best[first] / best[first].sum(1, keepdims=True)
    return policy
