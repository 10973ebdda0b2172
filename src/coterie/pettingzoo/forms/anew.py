"""Environments that leak: what a reset begins depends on what was played before, so each episode gets a fresh one.

An episode must be a function of its seed and actions, or a run cannot go on where it stopped. lbforaging keeps off the
cells where agents stood when the last episode ended; knights_archers_zombies does not wind back the clock of its
zombies. Made anew for every episode, both repeat themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from pettingzoo import AECEnv
from pettingzoo.utils.wrappers import BaseParallelWrapper, BaseWrapper

from coterie.pettingzoo.reading.agents import any_action
from coterie.pettingzoo.reading.same import kept, same
from coterie.yours import FAILURES

TRIED, TRIED_STEPS = (0, 1, 0), 10  # seeds, and steps of each
FRESH = 3  # that must repeat the first episode, where it was another one after others

# Environments that leak by their own code, in a way that few trials show.
LEAKS = {
    ("lbforaging.foraging.environment", "ForagingEnv"),
    ("pettingzoo.butterfly.knights_archers_zombies.knights_archers_zombies", "raw_env"),
}

Form = Callable[[Any], Any]


class Anew(BaseParallelWrapper):
    """A parallel environment that is closed and made anew for each episode but the first."""

    def __init__(self, make: Callable[[], Any], environment: Any) -> None:
        super().__init__(environment)
        self.make, self.played = make, False

    def reset(self, seed: int | None = None, options: dict | None = None) -> Any:
        """Begin an episode in a fresh environment."""
        refresh(self)
        return self.env.reset(seed=seed, options=options)


class AnewInTurns(BaseWrapper):
    """An environment in turns that is closed and made anew for each episode but the first."""

    def __init__(self, make: Callable[[], Any], environment: AECEnv) -> None:
        super().__init__(environment)
        self.make, self.played = make, False

    def reset(self, seed: int | None = None, options: dict | None = None) -> None:
        """Begin an episode in a fresh environment."""
        refresh(self)
        self.env.reset(seed=seed, options=options)


def refresh(wrapper: Anew | AnewInTurns) -> None:
    """Put a fresh environment in the place of one that was played; the old one is closed first."""
    if wrapper.played:
        wrapper.env.close()
        wrapper.env = wrapper.make()
    wrapper.played = True


def anew(make: Callable[[], Any]) -> Anew | AnewInTurns:
    """An environment that is made anew for each episode."""
    environment = make()
    return AnewInTurns(make, environment) if isinstance(environment, AECEnv) else Anew(make, environment)


def is_anew(environment: Any) -> bool:
    """Whether an environment is made anew for each episode."""
    return isinstance(environment, (Anew, AnewInTurns))


def within(environment: Any) -> Any:
    """The environment as it was made, whether or not it is made anew."""
    return environment.env if isinstance(environment, Anew) else environment


def formed(form: Form, environment: Any) -> Any:
    """A form of an environment; of one that is made anew, a form of each that is made."""
    if not isinstance(environment, Anew):
        return form(environment)
    inner = form(environment.env)
    if inner is None:
        return None
    one = Anew(partial(made_in_form, environment.make, form), inner)
    one.played = environment.played
    return one


def made_in_form(make: Callable[[], Any], form: Form) -> Any:
    """A form of the environment that is made."""
    return form(make())


def leaks(make: Callable[[], Any]) -> bool:
    """Whether an episode depends on those before it, in an environment that repeats itself when it is fresh.

    Some are known by their code. Of others a short trial tells, by steps, that finds what shows at once: an episode,
    another and the first again. Where anything fails it finds nothing, for that is told where they are driven.
    """
    try:
        environment = make()
        if known(environment):
            environment.close()
            return True
        first, _, again = tried(environment, TRIED)
        return not same(first, again) and all(same(first, tried(make(), TRIED[:1])[0]) for _ in range(FRESH))
    except FAILURES:
        return False


def known(environment: Any) -> bool:
    """Whether an environment is of a class that is known to leak."""
    inside = type(getattr(environment, "unwrapped", environment))
    return any((one.__module__, one.__qualname__) in LEAKS for one in inside.__mro__)


def tried(environment: Any, seeds: tuple[int, ...]) -> list[Any]:
    """What is told in the first steps of an episode from each seed; closes the environment."""
    try:
        return [beginning(environment, seed) for seed in seeds]
    finally:
        environment.close()


def beginning(environment: Any, seed: int) -> list[Any]:
    """What is told in the first steps of random legal play."""
    draws = np.random.default_rng(seed)
    return (in_turns if isinstance(environment, AECEnv) else at_once)(environment, seed, draws)


def at_once(environment: Any, seed: int, draws: np.random.Generator) -> list[Any]:
    """The beginning of an episode in which all move at once."""
    observations, infos = environment.reset(seed=seed)
    told = [kept((observations, list(environment.agents)))]
    for _ in range(TRIED_STEPS):
        if not environment.agents:
            break
        actions = {
            agent: any_action(draws, environment.action_space(agent), observations[agent], infos.get(agent, {}))
            for agent in environment.agents
        }
        observations, *rest, infos = environment.step(actions)
        told.append(kept((observations, rest, list(environment.agents))))
    return told


def in_turns(environment: AECEnv, seed: int, draws: np.random.Generator) -> list[Any]:
    """The beginning of an episode in turns."""
    environment.reset(seed=seed)
    told = []
    for _ in range(TRIED_STEPS):
        if not environment.agents:
            break
        name = environment.agent_selection
        observation, reward, terminated, truncated, info = environment.last()
        told.append(kept((name, observation, reward, terminated, truncated, list(environment.agents))))
        over = terminated or truncated
        environment.step(None if over else any_action(draws, environment.action_space(name), observation, info or {}))
    return told
