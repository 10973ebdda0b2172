"""Every belief that can occur over a short horizon, and what one agent could earn by acting on its own observations.

Axis letters: S states, J actions (of one agent, or joint), B beliefs, Z sights, M edges, N agents.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from coterie.finite.game import FiniteGame

NUMBERS_CAP = 20_000_000  # of a dense table, or of one level of beliefs
WORK_CAP = 6 * 10**9  # multiplications for all levels: some seconds


class Level(NamedTuple):
    """Beliefs that can occur at one step: float64[B, S], action values float64[B, J], and int[B, J, Z] of the next."""

    beliefs: np.ndarray
    values: np.ndarray
    following: np.ndarray


class Model(NamedTuple):
    """Dense chances float64[S, J, S] of going on, rewards float64[S, J], sights int[S] from 0, start float64[S]."""

    chance: np.ndarray
    reward: np.ndarray
    sight: np.ndarray
    start: np.ndarray


def best_response_value(
    game: FiniteGame,
    policy: np.ndarray,
    agent: int,
    horizon: int = 0,
    reward: Literal["own", "team-mean"] = "own",
) -> float:
    """The most that one agent can earn by acting on its own observation history, while the others keep their policies.

    policy float64[N, O, A] is what all play now; the agent's own rows do not matter. The others are part of the agent's
    world, which is then a POMDP, solved over the beliefs that can occur (Astrom 1965): at most `best_response` of
    finite/solve.py, which sees the whole state. `reward`: what is earned is the agent's own, or the mean over all.
    Raises ValueError, with the count, where the beliefs are too many.
    """
    horizon = horizon or game.horizon
    if horizon <= 0:
        raise ValueError("a game without a time limit has no undiscounted best response; give a horizon")
    if game.masked:
        raise ValueError("what can be believed in a game with illegal actions is not written out")
    reached = reachable(game, horizon)
    _, sight = np.unique(game.seen[reached, agent], return_inverse=True)
    earned = game.reward.mean(1) if reward == "team-mean" else game.reward[:, agent]
    model = dense_model(game, reached, sight, earned)
    joint, own = game.joint_actions, game.actions[agent]
    others = np.ones((len(reached), len(joint)))
    for other in range(len(game.actions)):
        if other != agent:
            others *= policy[other, game.seen[reached, other]][:, joint[:, other]]
    chance, mean = np.zeros((len(reached), own, len(reached))), np.zeros((len(reached), own))
    for action in range(own):
        with_it = others * (joint[:, agent] == action)
        chance[:, action] = np.einsum("sj,sjt->st", with_it, model.chance)
        mean[:, action] = (with_it * model.reward).sum(1)
    level, mass = first_beliefs(model)
    values = belief_levels(model._replace(chance=chance, reward=mean), level, horizon)[0].values
    return float(mass @ values.max(1))


def reachable(game: FiniteGame, horizon: int) -> np.ndarray:
    """The states in which somebody may act within so many steps, int[S], in order."""
    counts = np.diff(game.first_edge)
    source = np.repeat(np.arange(len(counts)), counts) // (len(counts) // len(game.states))
    known = np.zeros(len(game.states), bool)
    known[game.start_state[game.start_probability > 0]] = True
    for _ in range(horizon - 1):
        going = known[source] & ~game.ended
        before = int(known.sum())
        known[game.successor[going]] = True
        if known.sum() == before:
            break
    return np.flatnonzero(known)


def dense_model(game: FiniteGame, reached: np.ndarray, sight: np.ndarray, earned: np.ndarray | None = None) -> Model:
    """The states that are reached, densely; earned float64[M] is the mean over agents unless it is given."""
    states, joint = len(reached), len(game.joint_actions)
    if states * joint * states > NUMBERS_CAP:
        raise ValueError(
            f"{states:,} states and {joint:,} joint actions are {states * joint * states:,} chances of going from one "
            f"state to another, where {NUMBERS_CAP:,} are the limit"
        )
    place = np.full(len(game.states), -1)
    place[reached] = np.arange(states)
    counts = np.diff(game.first_edge)
    pair = np.repeat(np.arange(len(counts)), counts)
    source = place[pair // joint]
    earned = game.reward.mean(1) if earned is None else earned
    reward = np.bincount(pair, game.probability * earned, len(counts)).reshape(-1, joint)[reached]
    going = ~game.ended & (source >= 0) & (place[game.successor] >= 0)
    chance = np.zeros((states, joint, states))
    where = (source[going], pair[going] % joint, place[game.successor[going]])
    np.add.at(chance, where, game.probability[going])
    start = np.bincount(place[game.start_state], game.start_probability, states + 1)[:states]
    return Model(chance, reward, sight, start)


def first_beliefs(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """The beliefs on the first sight, float64[B, S], and the chance of each, float64[B]."""
    rows = np.array([model.start * (model.sight == one) for one in range(model.sight.max() + 1)])
    mass = rows.sum(1)
    return rows[mass > 0] / mass[mass > 0, None], mass[mass > 0]


def belief_levels(model: Model, roots: np.ndarray, horizon: int) -> list[Level]:
    """Every belief that can occur before the last step, from the first step on, and its exact action values.

    Q_t(b, j) = sum_s b(s) r(s, j) + sum_z P(z | b, j) max_j' Q_t+1(b_jz, j'), equal beliefs taken together. The last
    step's beliefs, the most, are not kept; where the horizon is one step, the only level has no followers.
    """
    states, joint = model.reward.shape
    sights = [np.flatnonzero(model.sight == one) for one in range(model.sight.max() + 1)]
    beliefs, steps, work = [roots], [], 0
    while len(beliefs) < horizon:
        now = beliefs[-1]
        numbers = len(now) * joint * states
        work += numbers * states
        if numbers > NUMBERS_CAP or work > WORK_CAP:
            raise ValueError(
                f"step {len(beliefs)} of {horizon} has {len(now):,} beliefs over {states:,} states, too many for "
                f"{joint:,} actions: {numbers:,} numbers and {work:,} multiplications, where {NUMBERS_CAP:,} and "
                f"{WORK_CAP:,} are the limits"
            )
        going = (now @ model.chance.reshape(states, -1)).reshape(len(now), joint, states)
        if len(beliefs) == horizon - 1:
            last = sum((going[..., one] @ model.reward[one]).max(-1) for one in sights)
            steps.append((np.zeros((*going.shape[:2], 0)), np.zeros((*going.shape[:2], 0), int), last))
            break
        mass = np.stack([going[..., one].sum(-1) for one in sights], -1)
        following, found, first = np.full(mass.shape, -1), [], 0
        for number, one in enumerate(sights):
            there = mass[..., number] > 0
            rows = going[there][:, one] / mass[there][:, number, None]
            distinct, index, inverse = np.unique(rows.round(11), axis=0, return_index=True, return_inverse=True)
            full = np.zeros((len(distinct), states))
            full[:, one] = rows[index]
            following[there, number] = first + inverse.reshape(-1)
            found.append(full)
            first += len(distinct)
        steps.append((mass, following, None))
        beliefs.append(np.concatenate(found))
    if horizon == 1:
        values = roots @ model.reward
        return [Level(roots, values, np.zeros((*values.shape, 0), int))]
    levels: list[Level] = []
    worth = np.zeros(0)
    for now, (mass, following, last) in zip(reversed(beliefs), reversed(steps), strict=True):
        later = last if last is not None else (mass * np.append(worth, 0.0)[following]).sum(-1)
        values = now @ model.reward + later
        worth = values.max(1)
        levels.append(Level(now, values, following))
    return levels[::-1]
