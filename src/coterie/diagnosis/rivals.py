"""Agents of different teams who are paid differently: no common optimum is owed, an equilibrium is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from coterie.diagnosis.paired import scale
from coterie.diagnosis.responses import response
from coterie.finite.beliefs import best_response_value
from coterie.finite.decentralised import is_certain
from coterie.finite.game import FiniteGame
from coterie.finite.solve import best_response, optimum, policy_value
from coterie.types import Finding, Picture

LEAST_GAIN = 0.01  # of what is earned, or of the largest single payment where that is more: less is no reason to change
SMALL = 500  # states times joint actions up to which an agent may remember all it has seen


class Alone(NamedTuple):
    """What each agent earns, float64[N], and could earn in its own reward if it alone changed, float64[N]."""

    now: np.ndarray
    best: np.ndarray


def apart(game: FiniteGame) -> bool:
    """Whether there are several teams, and some of their rewards differ."""
    team = np.array(game.spec.team)
    firsts = [int(np.flatnonzero(team == one)[0]) for one in np.unique(team)]
    return len(firsts) > 1 and bool(np.ptp(game.reward[:, firsts], axis=1).max(initial=0.0) > 0)


def alone(game: FiniteGame, policy: np.ndarray) -> Alone:
    """What each agent could gain by itself; policy float64[N, O, A].

    best_i = max over pi_i of J_i(pi_i, pi_-i), agent i acting on all it has seen: exact where everything is certain or
    the game is small. Elsewhere a lower bound, the best that improvement finds for an agent without memory
    (`responses.response`). Raises ValueError for a game without a time limit.
    """
    now = policy_value(game, policy).returns
    best = [_best(game, policy, agent) for agent in range(len(game.actions))]
    return Alone(now, np.maximum(best, now))


def _best(game: FiniteGame, policy: np.ndarray, agent: int) -> float:
    if is_certain(game) and np.isin(policy, (0.0, 1.0)).all():
        return best_response(game, policy, agent)
    if len(game.states) * int(np.prod(game.actions)) <= SMALL:
        try:
            return best_response_value(game, policy, agent)
        except ValueError:
            pass
    return response(game, policy, agent).reacting


def equilibrium(game: FiniteGame, policy: np.ndarray) -> Finding:
    """Whether agents of different teams play an equilibrium (Nash 1951): no agent alone could gain more than 1 %.

    yes: somebody could; the value is the largest such gain. That all together could earn more on average is remarked
    and is no fault: nobody owes it to anybody.
    """
    found, names = alone(game, policy), game.spec.agents
    gains = found.best - found.now
    largest = np.abs(game.reward).max(0, initial=0.0)
    worth = [gain > LEAST_GAIN * scale(*parts) for gain, *parts in zip(gains, *found, largest, strict=True)]
    most = int(gains.argmax())
    picture = Picture(
        "bars",
        "what each agent earns, and could earn if it alone changed",
        tuple(f"{name}: {what}" for name in names for what in ("now", "at best")),
        tuple(float(one) for pair in zip(*found, strict=True) for one in pair),
    )
    if any(worth):
        who = [agent for agent in np.argsort(-gains, kind="stable") if worth[agent]]
        told = ", ".join(
            f"{names[at]} {gains[at]:.2f} ({found.best[at]:.2f} instead of {found.now[at]:.2f})" for at in who
        )
        return Finding(
            "gaps",
            "yes",
            f"This is no equilibrium; alone, by answering better what the others do, could gain: {told}.",
            float(gains[most]),
            null="its best response",
            remedy="let them learn on until nobody gains by a change, and let exploration end",
            flags=("--epsilon-end", "0", "--epsilon-decay", "0.9"),
            picture=picture,
        )
    sentence = "Nobody alone can do better: an equilibrium."
    together, earned = optimum(game).value, float(found.now.mean())
    if together - earned > LEAST_GAIN * scale(together, earned):
        sentence += (
            f" (Together they could earn {together:.2f} on average instead of {earned:.2f}, but agents of different "
            "teams do not owe each other that.)"
        )
    return Finding("gaps", "no", sentence, float(gains[most]), null="its best response", picture=picture)
