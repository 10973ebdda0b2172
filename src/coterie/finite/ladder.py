"""The gap ladder: how much of what a team misses is one agent's fault, all agents' choice, or not to be had at all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from coterie.finite.beliefs import best_response_value
from coterie.finite.decentralised import EFFORT_CAP, decentralised_optimum, is_certain
from coterie.finite.game import FiniteGame
from coterie.finite.solve import best_response, optimum, policy_value


class GapLadder(NamedTuple):
    """Four values, team-mean, undiscounted, within the time limit: value <= best_response <= decentralised <= joint.

    value           what the policy earns
    best_response   the most after one agent, the `responder`, changes alone, acting on its own observation history;
                    where `is_bound`, on the whole state, so that the truth may be less
    decentralised   the most after all change, each acting on its own observation history; None: too large to be known
    joint           the most that one mind could do that sees everything
    reasons         in words, why a value is missing or a bound; empty where all four are exact
    """

    value: float
    best_response: float
    responder: int
    is_bound: bool
    decentralised: float | None
    joint: float
    reasons: tuple[str, ...]

    @property
    def rungs(self) -> tuple[float, float | None, float | None]:
        """The gains from each value to the next: one agent's, the team's, and what only seeing more would bring."""
        if self.decentralised is None:
            return self.best_response - self.value, None, None
        return (
            self.best_response - self.value,
            self.decentralised - self.best_response,
            self.joint - self.decentralised,
        )


def gap_ladder(
    game: FiniteGame, policy: np.ndarray, *, plain: FiniteGame | None = None, effort: int = EFFORT_CAP
) -> GapLadder:
    """J*_joint - J = (J*_joint - J*_decentralised) + (J*_decentralised - J_best-response) + (J_best-response - J).

    policy float64[N, O, A] is what the agents of `game` play; `plain` is the same game without memory where `game` is a
    remembering one (finite/histories.py): its decentralised optimum is the same and found sooner. In climbing at (c, c)
    one agent alone gains 1 of the 6 that are missing; at (b, b) nobody gains alone, the 4 are a matter of selection.
    All rewards are counted as the mean over agents, so in a game of selfish agents the first rung is what one agent
    could do for the team. Raises ValueError for a game without a time limit.
    """
    if game.horizon <= 0:
        raise ValueError("a game without a time limit has no undiscounted values; give it a horizon")
    team = game._replace(reward=np.repeat(game.reward.mean(1, keepdims=True), game.reward.shape[1], 1))
    agents, reasons = range(len(game.actions)), []
    value, joint = float(policy_value(team, policy).returns[0]), optimum(team).value
    certain = is_certain(game) and bool(np.isin(policy, (0.0, 1.0)).all())  # then everything is known by heart
    is_bound = False
    if certain:
        responses = [best_response(team, policy, agent) for agent in agents]
    else:
        try:
            responses = [best_response_value(team, policy, agent) for agent in agents]
        except ValueError as error:
            responses, is_bound = [best_response(team, policy, agent) for agent in agents], True
            reasons.append(f"the best response is a bound, by an agent that sees the whole state: {error}")
    try:
        decentralised = decentralised_optimum(team if plain is None else plain, effort=effort).value
    except ValueError as error:
        decentralised = None
        reasons.append(f"the decentralised optimum is not known: {error}")
    responder = int(np.argmax(responses))
    least = joint if decentralised is None else decentralised
    response = min(responses[responder], least) if is_bound else responses[responder]
    return GapLadder(value, response, responder, is_bound, decentralised, joint, tuple(reasons))
