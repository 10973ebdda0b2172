"""Can agents of one kind do the same? From equal sight and action, do equal things follow?"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from coterie.finite.game import FiniteGame
from coterie.types import Finding, Picture

LEAST_DISTANCE = 0.01  # of total variation: exact tables differ by less only through rounding
DIGITS = 6  # of a reward that count


class Unlikeness(NamedTuple):
    """Two agents of one kind: in how many comparable situations what follows differs, and by how much at most.

    A situation is what everybody sees and does. distance is a total variation, from 0 (alike) to 1.
    """

    one: int
    other: int
    compared: int
    different: int
    distance: float


def unlikeness(game: FiniteGame, one: int, other: int) -> Unlikeness:
    """Holds one agent's outcomes against another's in the same situation with their parts exchanged.

    For every joint sight and action in which i sees o and does a while j sees o' and does a', and which the game also
    has with i and j exchanged: TV = 1/2 sum over (next sight, reward, ending) of |P_i(. | o, a; o', a') -
    P_j(. | o, a; o', a')|, the first with i in the first part, the second with j. States that look alike to everybody
    are averaged. Everybody else sees and does the same in both.
    """
    joint = game.joint_actions
    counts = np.diff(game.first_edge)
    pair = np.repeat(np.arange(len(counts)), counts)
    state, chosen = pair // len(joint), pair % len(joint)
    swapped = np.arange(len(game.actions))
    swapped[[one, other]] = other, one
    situations = np.concatenate([_situation(game, state, chosen, order) for order in (slice(None), swapped)])
    key = _numbers(situations)
    follows = np.concatenate([_follows(game, one), _follows(game, other)])
    outcome = _numbers(np.column_stack([key, follows]))
    side = np.repeat([0, 1], len(pair))
    weight = np.tile(game.probability, 2)
    size = int(key.max(initial=-1)) + 1
    total = np.stack([np.bincount(key[side == one], weight[side == one], size) for one in (0, 1)])
    both = (total > 0).all(0)
    share = weight / total[side, key]
    signed = np.bincount(outcome, np.where(side == 0, share, -share))
    where = np.zeros(len(signed), np.int64)
    where[outcome] = key
    distance = 0.5 * np.bincount(where, np.abs(signed), size)[both]
    different = int((distance > LEAST_DISTANCE).sum())
    return Unlikeness(one, other, int(both.sum()), different, float(distance.max(initial=0.0)))


def capability(game: FiniteGame) -> Finding:
    """Whether agents with equal spaces differ in what they can do, so that they should not share what they learn.

    yes: for some two agents of one kind, equal sights and actions of both, with their parts exchanged, lead to
    different next sights, rewards or endings (`unlikeness` above 0.01). cannot tell: no two agents of one kind are
    ever in each other's situation.
    """
    two = [both for kind in game.spec.kinds for both in combinations(kind.agents, 2)]
    if not two:
        return Finding("capability", "cannot tell", "No two agents are of one kind.")
    found = [unlikeness(game, *both) for both in two]
    compared = [one for one in found if one.compared]
    names = game.spec.agents
    if not compared:
        sentence = "No two agents of one kind are ever in each other's situation, so they cannot be compared."
        return Finding("capability", "cannot tell", sentence)
    worst = max(compared, key=lambda one: (one.distance > LEAST_DISTANCE, one.different / one.compared))
    share = worst.different / worst.compared
    picture = Picture(
        "bars",
        "share of equal situations in which something else follows",
        tuple(f"{names[one.one]}, {names[one.other]}" for one in compared),
        tuple(one.different / one.compared for one in compared),
    )
    who, null = f"{names[worst.one]} and {names[worst.other]}", "equal things follow from equal sight and action"
    if worst.distance > LEAST_DISTANCE:
        sentence = (
            f"{who} have equal spaces but not equal capabilities: in {worst.different:,} of {worst.compared:,} "
            "situations with their parts exchanged, something else follows from the same action."
        )
        remedy = "let each learn from its own experience, or tell agents apart in what they see"
        return Finding("capability", "yes", sentence, share, null=null, remedy=remedy, picture=picture)
    sentence = f"Agents of one kind can do the same: nothing else follows in {worst.compared:,} equal situations."
    return Finding("capability", "no", sentence, share, null=null, picture=picture)


def _situation(game: FiniteGame, state: np.ndarray, chosen: np.ndarray, order: slice | np.ndarray) -> np.ndarray:
    """What everybody sees and does at each edge, int[M, 2 N], agents in the given order."""
    return np.concatenate([game.seen[state][:, order], game.joint_actions[chosen][:, order]], axis=1)


def _follows(game: FiniteGame, agent: int) -> np.ndarray:
    """What follows for one agent, int[M, 4]: next sight (none after an ending), reward, ending, success."""
    sight = np.where(game.ended, -1, game.seen[game.successor, agent])
    reward = np.unique(np.round(game.reward, DIGITS), return_inverse=True)[1].reshape(game.reward.shape)[:, agent]
    return np.column_stack([sight, reward, game.ended, game.success]).astype(np.int64)


def _numbers(rows: np.ndarray) -> np.ndarray:
    """Equal rows of int[M, K] as equal numbers from 0."""
    number = np.zeros(len(rows), np.int64)
    for column in rows.T:
        _, place = np.unique(column, return_inverse=True)
        number = np.unique(number * (int(place.max(initial=0)) + 1) + place.reshape(-1), return_inverse=True)[1]
        number = number.reshape(-1)
    return number
