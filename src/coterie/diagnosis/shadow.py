"""Is the optimum in the shadow of its neighbours? What looks best on average against what is best together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from coterie.diagnosis.paired import TINY, scale
from coterie.diagnosis.rivals import apart
from coterie.finite.game import FiniteGame
from coterie.finite.solve import uniform_policy
from coterie.types import Finding, Picture

LEAST_REACH = 0.01  # the chance of getting to a decision in optimal play, below which it is passed over
LEAST_COST = 1e-6  # of the size of the values: a smaller difference is none


class Shadow(NamedTuple):
    """One agent's decision: averages and bests of its actions, float64[A], and what choosing by averages costs."""

    agent: int
    step: int
    state: int
    averages: np.ndarray
    bests: np.ndarray
    cost: float


def deepest_shadow(game: FiniteGame, policy: np.ndarray | None = None) -> Shadow:
    """The decision of optimal play at which choosing by averages costs most.

    With Q_t(s, a) the value of a joint action followed by optimal joint play, averages_i(a_i) = E over the partners'
    actions of Q, bests_i(a_i) = max over them, cost = max_a bests(a) - max over a in argmax averages of bests(a): the
    overgeneralisation of Wiegand (2003) and the relative overgeneralisation of Panait et al. (2006). Partners draw
    uniformly, or from policy float64[N, O, A]. Ties of averages count for the better action. Raises ValueError for a
    game without a time limit.
    """
    if game.horizon <= 0:
        raise ValueError("a game without a time limit has no undiscounted optimum")
    partners = uniform_policy(game) if policy is None else policy
    states, sizes = len(game.states), game.actions
    values, worths = np.zeros(states), []
    counts = np.diff(game.first_edge)
    pair = np.repeat(np.arange(len(counts)), counts)
    for _ in range(game.horizon):
        earned = game.probability * (game.reward.mean(1) + ~game.ended * values[game.successor])
        worths.append(np.bincount(pair, earned, len(counts)).reshape(states, -1))
        values = worths[-1].max(1)
    mass, deepest = np.bincount(game.start_state, game.start_probability, states), None
    for step, worth in enumerate(reversed(worths), 1):
        live = np.flatnonzero(mass >= LEAST_REACH)
        for agent in range(len(sizes)):
            averages, bests = _by_action(game, worth[live], partners, live, agent)
            tied = averages >= averages.max(1, keepdims=True, initial=-np.inf) - LEAST_COST * scale(worth)
            costs = bests.max(1, initial=-np.inf) - np.where(tied, bests, -np.inf).max(1, initial=-np.inf)
            if len(live) and (deepest is None or costs.max() > deepest.cost + TINY):
                at = int(costs.argmax())
                deepest = Shadow(agent, step, int(live[at]), averages[at], bests[at], float(costs[at]))
        chosen = worth.argmax(1)
        flow = game.probability * ~game.ended * (pair % worth.shape[1] == chosen[pair // worth.shape[1]])
        mass = np.bincount(game.successor, mass[pair // worth.shape[1]] * flow, states)
    if deepest is None:
        return Shadow(0, 1, int(game.start_state[0]), np.zeros(sizes[0]), np.zeros(sizes[0]), 0.0)
    return deepest


def shadow(game: FiniteGame, policy: np.ndarray | None = None) -> Finding:
    """Whether the action that is best on average differs from the action that is best together.

    yes: at some decision of optimal play an agent that chooses by averages over its partners' actions, uniform or those
    of policy float64[N, O, A], gives the optimum away (`deepest_shadow`). Learners that average over what their
    partners try are drawn to it. The value is the cost of that one decision. Agents of different teams who are paid
    differently have no common optimum to miss: cannot tell.
    """
    if game.horizon <= 0:
        return Finding("shadowed optimum", "cannot tell", "Without a time limit the optimum is not computed here.")
    if len(game.actions) < 2:
        return Finding("shadowed optimum", "cannot tell", "One agent alone has no partners to be mistaken about.")
    if game.masked:
        sentence = "Where actions are illegal at times, averages over what partners might do are not computed."
        return Finding("shadowed optimum", "cannot tell", sentence)
    if apart(game):
        sentence = "Agents of different teams who are paid differently owe each other no common optimum."
        return Finding("shadowed optimum", "cannot tell", sentence)
    found = deepest_shadow(game, policy)
    size = scale(found.bests, found.averages)
    labels = tuple(game.action_names[: len(found.bests)])
    picture = Picture(
        "grid",
        "each action on average and at best",
        ("on average", "at best"),
        tuple(zip(found.averages.tolist(), found.bests.tolist(), strict=True)),
        rows=labels,
    )
    who = "random partners" if policy is None else "its present partners"
    if found.cost <= LEAST_COST * size:
        sentence = f"What looks best on average over {who} is also best together."
        return Finding("shadowed optimum", "no", sentence, 0.0, null="the optimum", picture=picture)
    tempting, best = int(found.averages.argmax()), int(found.bests.argmax())
    sentence = (
        f"The optimum is in a shadow: {game.spec.agents[found.agent]}'s action {labels[tempting]} looks best on "
        f"average over {who}, but together {labels[best]} is; that costs {found.cost:.2f} at step {found.step}."
    )
    return Finding(
        "shadowed optimum",
        "yes",
        sentence,
        found.cost,
        null="the optimum",
        remedy="learn from the best that happened, not from the average, as hysteretic and distributed learners do",
        flags=("--algorithm", "hysteretic") if not game.deterministic else ("--algorithm", "distributed"),
        picture=picture,
    )


def _by_action(
    game: FiniteGame, worth: np.ndarray, partners: np.ndarray, live: np.ndarray, agent: int
) -> tuple[np.ndarray, np.ndarray]:
    """An agent's averages and bests over its partners' actions, float64[L, A] each; worth float64[L, J]."""
    sizes, joint = game.actions, game.joint_actions
    chance = np.ones((len(live), len(joint)))
    for other in range(len(sizes)):
        if other != agent:
            chance *= partners[other, game.seen[live, other]][:, joint[:, other]]
    cube = (len(live), *sizes)
    others = tuple(axis + 1 for axis in range(len(sizes)) if axis != agent)
    return (worth * chance).reshape(cube).sum(others), worth.reshape(cube).max(others)
