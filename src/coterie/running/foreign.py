"""Anybody's parallel PettingZoo environment, whose broken promises are told in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from coterie.errors import EnvironmentFault
from coterie.yours import FAILURES, let_through

LONGEST_TEXT = 300


class Moved(NamedTuple):
    """What a step did: whose world truly ended, who was cut off (each may be both), and who acts next."""

    observations: Mapping[Any, Any]
    rewards: dict[Any, float]
    ended: set[Any]
    cut: set[Any]
    acting: list[Any]
    infos: Mapping[Any, Mapping[str, Any]]


def made(make_env: Callable[[], Any]) -> Any:
    """The environment that a user's function gives, if it can be stepped with whole numbers for all agents at once.

    Raises EnvironmentFault where it fails, gives something else, or an agent's actions are not Discrete.
    """
    try:
        env = make_env()
    except FAILURES as error:
        raise EnvironmentFault(f"the environment could not be made: {_told(error)}") from error
    if hasattr(env, "agent_iter"):
        raise EnvironmentFault(
            f"{type(env).__name__} lets agents move in turns; expected a parallel PettingZoo environment "
            "(pettingzoo.utils.aec_to_parallel makes one of many)"
        )
    name = type(env).__name__
    if not len(getattr(env, "possible_agents", ())):
        raise EnvironmentFault(f"{name} names no `possible_agents`; expected a parallel PettingZoo environment")
    for agent in env.possible_agents:
        space = _asked(env, "action_space", agent)
        if not hasattr(space, "n") or getattr(space, "shape", ()) != ():
            raise EnvironmentFault(f"{agent} acts in {space}; only whole numbers (Discrete) can be exchanged yet")
        _asked(env, "observation_space", agent)
    missing = [one for one in ("reset", "step") if not callable(getattr(env, one, None))]
    if missing:
        raise EnvironmentFault(f"{name} has no {missing[0]}(); expected a parallel PettingZoo environment")
    return env


def _asked(env: Any, question: str, agent: Any) -> Any:
    try:
        return getattr(env, question)(agent)
    except FAILURES as error:
        raise EnvironmentFault(f"{question}({agent!r}) failed: {_told(error)}") from error


def begun(env: Any, seed: int) -> tuple[Mapping[Any, Any], Mapping[Any, Mapping[str, Any]]]:
    """What the agents see at the start of an episode, and their infos."""
    try:
        answer = env.reset(seed=seed)
    except FAILURES as error:
        let_through(error)
        raise EnvironmentFault(f"reset(seed={seed}) failed: {_told(error)}") from error
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise EnvironmentFault(f"reset(seed={seed}) gave {_what(answer)}, expected observations and infos")
    observations, infos = _by_agent(answer[0], "observations", "reset()"), _infos(answer[1], env.agents)
    _all_there(env, observations, env.agents, "reset()")
    return observations, infos


def moved(env: Any, actions: Mapping[Any, Any], step: int) -> Moved:
    """One step.

    Who has ended or is cut off acts no more, even where the environment forgets to take its name out of `agents`.
    """
    where = f"step {step}"
    try:
        answer = env.step(dict(actions))
    except FAILURES as error:
        let_through(error)
        raise EnvironmentFault(f"{where} failed: {_told(error)}") from error
    if not isinstance(answer, tuple) or len(answer) != 5:
        raise EnvironmentFault(
            f"{where} gave {_what(answer)}, expected observations, rewards, terminations, truncations and infos"
        )
    observations = _by_agent(answer[0], "observations", where)
    rewards = _rewards(_by_agent(answer[1], "rewards", where), actions, where)
    terminations = _by_agent(answer[2], "terminations", where)
    truncations = _by_agent(answer[3], "truncations", where)
    ended = {agent for agent, over in terminations.items() if over}
    cut = {agent for agent, out in truncations.items() if out}
    acting = [agent for agent in env.agents if agent not in ended | cut]
    _all_there(env, observations, acting, where)
    return Moved(observations, rewards, ended, cut, acting, _infos(answer[4], acting))


def _rewards(found: Mapping[Any, Any], actions: Mapping[Any, Any], where: str) -> dict[Any, float]:
    rewards = {}
    for agent in {**dict.fromkeys(actions), **found}:
        if agent not in found:
            raise EnvironmentFault(f"{where}: there is no reward for {agent}, who acted")
        number = np.asarray(found[agent])
        if number.size != 1 or number.dtype.kind not in "iufb" or not np.isfinite(number.item()):
            raise EnvironmentFault(
                f"{where}: the reward of {agent} is {_short(found[agent])}, expected a finite number"
            )
        rewards[agent] = float(number.item())
    return rewards


def _by_agent(found: Any, what: str, where: str) -> Mapping[Any, Any]:
    if not isinstance(found, Mapping):
        raise EnvironmentFault(f"{where}: the {what} are {_what(found)}, expected a dictionary by agent")
    return found


def _infos(found: Any, agents: list[Any]) -> dict[Any, Mapping[str, Any]]:
    """Infos by agent; what is missing counts as empty, for nobody needs it."""
    known = found if isinstance(found, Mapping) else {}
    named = {agent: info for agent, info in known.items() if isinstance(info, Mapping)}
    return {**{agent: {} for agent in agents}, **named}


def _all_there(env: Any, observations: Mapping[Any, Any], acting: list[Any], where: str) -> None:
    listed = getattr(env, "possible_agents", None)  # agents that come and go need no list
    for agent in acting:
        if listed is not None and agent not in listed:
            raise EnvironmentFault(f"{where}: {agent} acts, but is not among `possible_agents`")
        if observations.get(agent) is None:
            raise EnvironmentFault(f"{where}: there is no observation for {agent}, who acts next")


def _what(found: Any) -> str:
    return f"{len(found)} things" if isinstance(found, (tuple, list)) else type(found).__name__


def _told(error: BaseException) -> str:
    return _short(f"{type(error).__name__}: {error}")


def _short(found: Any) -> str:
    text = " ".join(str(found).split())
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
