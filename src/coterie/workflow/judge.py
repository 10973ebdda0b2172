"""The same verdict for anybody's agents: objects with `act(observation)`, made by a function in the user's file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from coterie.diagnosis.accounting import accounting, shortfall
from coterie.diagnosis.loops import REPEATS, loops
from coterie.diagnosis.reward_audit import reward_audit
from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.running.evaluate import SAME_RETURN, baselines, walk
from coterie.running.tables import exact_game
from coterie.running.verdict import Verdict
from coterie.statistics import wilson
from coterie.types import Play
from coterie.workflow.judgement import Judgement, recording_of
from coterie.workflow.plan import check_seed, environment_options, whole
from coterie.workflow.yours import FAILURES, told

DISCOUNT = 0.9  # of the reward audit


def judge(
    make_team: Callable[..., Any], environment: str = "rendezvous", *, env: Any = None, teams: int = 100, seed: int = 0
) -> Judgement:
    """Play one episode with each of `teams` teams, and judge them as our own are judged.

    make_team() gives agents in the environment's order, or by name, each with `act(observation)`; if it has an argument
    named `seed` it is called once a team, else once, and that team plays every episode. Observations are numpy arrays.
    Raises BadInput where make_team or an agent fails, or an action lies outside its space.
    """
    teams, seed = whole("--teams", teams), check_seed(seed)
    if teams < 1:
        raise BadInput(f"--teams {teams}: at least 1 team is needed")
    options = environment_options(environment, env)
    game = exact_game(environment, options)
    seeded = _takes_seed(make_team)
    agents, plays = None, []
    for team in range(teams):
        if seeded or agents is None:
            agents = _agents(make_team, game, seed + team if seeded else None)
        plays.append(_play(game, agents, np.random.default_rng([seed, team]), team))
    if not seeded and game.deterministic and len(game.start_state) == 1 and _all_alike(plays):
        plays = plays[:1]  # a hundred times the same episode is evidence of one
    return _judgement(environment, options, game, plays, seed, "team" if seeded or len(plays) == 1 else "episode")


def _takes_seed(make_team: Callable[..., Any]) -> bool:
    try:
        return "seed" in inspect.signature(make_team).parameters
    except (TypeError, ValueError):  # not every callable tells
        return False


def _agents(make_team: Callable[..., Any], game: FiniteGame, seed: int | None) -> list[Any]:
    try:
        made = make_team() if seed is None else make_team(seed=seed)
    except FAILURES as error:
        raise BadInput(f"make_team failed: {told(error)}") from error
    names = game.spec.agents
    if isinstance(made, Mapping):
        missing = [name for name in names if name not in made]
        if missing:
            raise BadInput(f"make_team gave no agent '{missing[0]}'; expected {', '.join(names)}")
        made = [made[name] for name in names]
    if not isinstance(made, Sequence) or len(made) != len(names):
        found = len(made) if isinstance(made, Sequence) else type(made).__name__
        raise BadInput(f"make_team must give {len(names)} agents ({', '.join(names)}), it gave {found}")
    for name, agent in zip(names, made, strict=True):
        if not callable(getattr(agent, "act", None)):
            raise BadInput(f"{name} ({type(agent).__name__}) has no method act(observation)")
    return list(made)


def _play(game: FiniteGame, agents: list[Any], random: np.random.Generator, team: int) -> Play:
    sights = np.concatenate([np.arange(len(values)) for values in game.observations])
    kinds = np.concatenate([np.full(len(values), k) for k, values in enumerate(game.observations)])
    for name, agent in zip(game.spec.agents, agents, strict=True):
        if callable(getattr(agent, "reset", None)):
            try:
                agent.reset()
            except FAILURES as error:
                raise BadInput(f"{name} of team {team}: reset() failed: {told(error)}") from error

    def choose(state: int, step: int) -> list[int]:
        rows = [game.seen[state, place] for place in range(len(agents))]
        seen = [game.observations[kinds[row]][sights[row]] for row in rows]
        return [_act(game, agent, place, seen[place], team, step) for place, agent in enumerate(agents)]

    return walk(game, choose, random, team)


def _all_alike(plays: list[Play]) -> bool:
    return all(np.array_equal(play.actions, plays[0].actions) for play in plays)


def _act(game: FiniteGame, agent: Any, place: int, observation: np.ndarray, team: int, step: int) -> int:
    name, size = game.spec.agents[place], game.actions[place]
    where = f"{name} of team {team} at step {step}"
    try:
        action = agent.act(observation.copy())
    except FAILURES as error:
        raise BadInput(f"{where}: act({observation.tolist()}) failed: {told(error)}") from error
    try:
        number = np.asarray(action)
    except Exception:
        number = np.empty(0)
    if number.size != 1 or number.dtype.kind not in "iu" or not 0 <= number.item() < size:
        raise BadInput(
            f"{where}: act({observation.tolist()}) gave {_shown(action)}, expected a whole number 0 to {size - 1}"
        )
    return int(number.item())


def _shown(value: Any) -> str:
    """A value in one short line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def _judgement(environment: str, options: Any, game: FiniteGame, plays: list[Play], seed: int, unit: str) -> Judgement:
    base, count = baselines(game), len(plays)
    returns = np.array([play.rewards.mean(1).sum() for play in plays])
    won = np.array([play.success for play in plays])
    starts = {int(state): value for state, value in zip(game.start_state, base.start_values, strict=True)}
    best = np.array([starts[int(play.keys[0])] for play in plays])
    audit, word = reward_audit(game, DISCOUNT).finding, game.success_word
    optimal = returns >= best - SAME_RETURN
    findings = (
        *([audit] if audit.verdict == "yes" else []),
        accounting(returns, base, unit=unit),
        *([loops([play for play in plays if not play.success], count, word)] if len(game.states) > 1 else []),
        *([shortfall(returns, won, optimal, base, word, unit)] if game.deterministic else []),
    )
    verdict = Verdict(
        environment=environment,
        algorithm="your agents",
        preset="",
        teams=count,
        agents=len(game.spec.agents),
        success_word=game.success_word,
        coordinated=wilson(int(won.sum()), count),
        optimal=wilson(int(optimal.sum()), count) if game.deterministic else None,
        relapsed=None,
        failed_checks=None,
        return_=float(returns.mean()),
        optimum=base.optimum,
        objective=base.objective,
        random=base.random,
        idle=base.idle,
        idle_action=base.idle_action,
        mean_success=float(won.mean()),
        starts=len(game.start_state),
        seed=seed,
        unit=unit,
        env_steps=sum(len(play.actions) for play in plays),
        findings=findings,
    )
    recording = recording_of(game, environment, options, plays)
    return Judgement(verdict, None, recording, int(returns.argmax()), REPEATS)
