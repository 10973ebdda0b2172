"""Exact values of deep teams on finite games: their networks are asked about everything that can be seen."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np

from coterie.diagnosis.loops import REPEATS, loops
from coterie.diagnosis.reward_audit import reward_audit
from coterie.envs import catalogue
from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.finite.solve import PolicyValue, idle_policy, policy_value, uniform_policy
from coterie.networks.team import act_values
from coterie.running.deep.runs import Opened
from coterie.running.deep.session import Progress
from coterie.running.evaluate import baselines, outcomes, play_of
from coterie.running.tables import exact_game
from coterie.types import Finding, Play, Spec, View
from coterie.workflow.deep.plan import DeepPlan

MOST_PAIRS = 400_000  # of a state and a joint action: larger tables take longer than they are worth here


class Exact(NamedTuple):
    """Exact returns and success float64[S] of the greedy teams, the joint optimum, episodes, and what was found.

    random and idle: what untrained play is worth, exactly.
    """

    returns: np.ndarray
    success: np.ndarray
    optimum: float
    objective: str
    random: PolicyValue
    idle: PolicyValue
    success_word: str
    game: FiniteGame
    plays: list[Play]
    findings: tuple[Finding, ...]


def exact_judgement(chosen: DeepPlan, opened: Opened, progress: Progress) -> Exact | None:
    """Judge the best saved teams exactly; None where the environment has no small table or agents have a memory."""
    if opened.made_of is None or any(network.memory for network in opened.made_of.networks):
        return None
    game = small_table(chosen)
    if game is None:
        return None
    q = np.concatenate([tables(opened, game, policy) for policy in progress.best])
    base = baselines(game)
    found = outcomes(game, q, base.optimum)
    plays = [
        play_of(game, one, chosen.seed, chosen.seed + place, int(start))
        for place, (one, start) in enumerate(zip(q, found.failing_start, strict=True))
    ]
    failing = [play for place, play in enumerate(plays) if not found.coordinated[place]]
    repeats = 1 if game.deterministic else REPEATS
    asked = [reward_audit(game, chosen.learner.discount).finding]
    if game.common and len(game.states) > 1:
        asked.append(loops(failing, len(q), game.success_word, repeats, ""))
    return Exact(
        found.returns,
        found.success,
        base.optimum,
        base.objective,
        policy_value(game, uniform_policy(game)),
        policy_value(game, idle_policy(game)),
        game.success_word,
        game,
        plays,
        tuple(asked),
    )


def small_table(chosen: DeepPlan) -> FiniteGame | None:
    """The exact table of a plan's environment, where it has one that is quickly made."""
    if ":" in chosen.environment:
        return None
    entry = catalogue.find(chosen.environment)
    listed = entry.table is not None or entry.group == catalogue.MATRIX_GAMES
    if not listed and not 0 < entry.size(chosen.env)[0] <= MOST_PAIRS:
        return None
    try:
        return exact_game(chosen.environment, chosen.env)
    except BadInput:
        return None


def tables(opened: Opened, game: FiniteGame, policies: Any) -> np.ndarray:
    """The action values of each seed's agents for all that can be seen, float64[S, N, O, A]."""
    spec: Spec = opened.spec
    q = np.zeros((_seeds(policies), len(spec.agents), game.observation_count, max(game.actions)))
    offset = 0
    for k, kind in enumerate(spec.kinds):
        assert opened.made_of is not None, "one algorithm plays all"
        seen, network = game.observations[k], opened.made_of.networks[k]
        obs = np.repeat(seen[:, None], len(kind.agents), axis=1).astype(kind.observation_dtype)
        there = np.ones(obs.shape[:2], bool)
        view = View(obs, np.ones((*there.shape, kind.actions), bool), there, there, there)

        def ask(params: Any, network: Any = network, kind: Any = kind, view: View = view) -> Any:
            return act_values(network, spec, kind, params, view, ())[0]

        told = np.asarray(jax.jit(jax.vmap(ask))(policies.agents[k]))
        q[:, list(kind.agents), offset : offset + len(seen), : kind.actions] = np.swapaxes(told, 1, 2)
        offset += len(seen)
    return q


def _seeds(policies: Any) -> int:
    return jax.tree.leaves(policies.agents)[0].shape[0]
