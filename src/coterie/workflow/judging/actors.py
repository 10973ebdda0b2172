"""Anybody's agents, made by a function of the user's, whose mistakes are told in one sentence."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from coterie.errors import BadInput
from coterie.running.stage import Actor
from coterie.workflow.judging.yours import FAILURES, told
from coterie.yours import shown


def actors(
    make_team: Callable[..., Any],
    names: Sequence[str],
    sizes: Sequence[int],
    seed: int | None,
    team: int,
    firsts: Sequence[int] | None = None,
) -> list[Actor]:
    """A user's team: one actor for each of `names`, with so many actions each, from `firsts` on (0 where not given).

    A `seed` is passed on.
    """
    made = made_team(make_team, names, seed)
    rows = zip(made, names, sizes, firsts or [0] * len(names), strict=True)
    return [as_actor(agent, name, size, team, first) for agent, name, size, first in rows]


def takes_seed(make_team: Callable[..., Any]) -> bool:
    """Whether a user's function is to be called once a team."""
    try:
        return "seed" in inspect.signature(make_team).parameters
    except (TypeError, ValueError):  # not every callable tells
        return False


def made_team(make_team: Callable[..., Any], names: Sequence[str], seed: int | None) -> list[Any]:
    """The agents that a user's function gives, in the order of `names`; raises BadInput where it gives others."""
    try:
        made = make_team() if seed is None else make_team(seed=seed)
    except FAILURES as error:
        raise BadInput(f"make_team failed: {told(error)}") from error
    if isinstance(made, Mapping):
        made = {str(name): agent for name, agent in made.items()}
        missing = [name for name in names if name not in made]
        if missing:
            raise BadInput(f"make_team gave no agent '{missing[0]}'; expected {', '.join(names)}")
        made = [made[name] for name in names]
    if not isinstance(made, Sequence) or len(made) != len(names):
        found = len(made) if isinstance(made, Sequence) else type(made).__name__
        raise BadInput(f"make_team must give {len(names)} agents ({', '.join(names)}), it gave {found}")
    for name, agent in zip(names, made, strict=True):
        if not _has(agent, "act"):
            raise BadInput(f"{name} ({type(agent).__name__}) has no method act(observation)")
    return list(made)


def as_actor(agent: Any, name: str, size: int, team: int, first: int = 0) -> Actor:
    """A user's agent, whose mistakes are told in one sentence; `first` is the number of its first action."""

    def begin() -> None:
        if _has(agent, "reset"):
            try:
                agent.reset()
            except FAILURES as error:
                raise BadInput(f"{name} of team {team}: reset() failed: {told(error)}") from error

    def act(observation: Any, step: int) -> int:
        return _act(agent, range(first, first + size), observation, f"{name} of team {team} at step {step}")

    return Actor(begin, act)


def _has(agent: Any, method: str) -> bool:
    try:
        return callable(getattr(agent, method, None))
    except FAILURES:  # a property of the user's that fails is none
        return False


def _act(agent: Any, numbers: range, observation: Any, where: str) -> int:
    try:
        action = agent.act(_own_copy(observation))
    except FAILURES as error:
        raise BadInput(f"{where}: act({shown(_plain(observation))}) failed: {told(error)}") from error
    try:
        number = np.asarray(action)
    except Exception:
        number = np.empty(0)
    if number.size != 1 or number.dtype.kind not in "iu" or number.item() not in numbers:
        saw, span = shown(_plain(observation)), f"{numbers[0]} to {numbers[-1]}"
        raise BadInput(f"{where}: act({saw}) gave {shown(action)}, expected a whole number {span}")
    return int(number.item())


def _own_copy(observation: Any) -> Any:
    """A copy that the agent may change, also where arrays stand beside a mask in a dictionary."""
    if isinstance(observation, Mapping):
        return {name: _own_copy(value) for name, value in observation.items()}
    return copy.copy(observation)


def _plain(observation: Any) -> Any:
    return observation.tolist() if isinstance(observation, np.ndarray) and observation.size < 100 else observation
