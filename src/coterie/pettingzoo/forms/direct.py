"""Driving the environment that lies below PettingZoo's AEC-to-parallel wrapper, with the wrapper's own results.

In one parallel step the wrapper observes every agent twice and reaches the environment through layers that check what
is already known here. Without both, mpe2's simple_spread takes 1.8 times as many steps a second. What is left out is
an observation whose result nobody reads, which is safe where observing changes nothing; an environment promises that,
and `fastest` sees it keep the promise. Where agents see parts of one common picture it is looked at once (surfaces.py).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from pettingzoo.utils.conversions import aec_to_parallel_wrapper
from pettingzoo.utils.wrappers import AssertOutOfBoundsWrapper, ClipOutOfBoundsWrapper, OrderEnforcingWrapper

from coterie.pettingzoo.forms.anew import formed, is_anew, within
from coterie.pettingzoo.pictures.surfaces import Screen, pixels_of, screen_of, sights
from coterie.pettingzoo.reading.agents import any_action, state_of
from coterie.pettingzoo.reading.same import kept, same

# Layers that only check how they are called, and pass on what is given here: amounts are inside their bounds.
CHECKS_ONLY = (OrderEnforcingWrapper, AssertOutOfBoundsWrapper, ClipOutOfBoundsWrapper)
TRIAL_STEPS = 30

# Environments whose state is, by their own code, what their agents observe, one after the other.
STATE_IS_SIGHT = {("mpe2._mpe_utils.simple_env", "SimpleEnv")}


class Direct:
    """A ParallelEnv around an AEC environment whose agents step in a fixed cycle: `aec_to_parallel_wrapper`, leaner.

    Like the wrapper it refuses agents that step out of turn, and lets the dead take their turn after the cycle.
    screen: the common picture of which agents see parts; observations are then views of it, good until the next step.
    """

    def __init__(self, environment: aec_to_parallel_wrapper, screen: Screen | None = None) -> None:
        self.layers = environment.aec_env
        self.raw, self.screen = peel(self.layers), screen
        self.metadata = environment.metadata
        self.possible_agents = environment.possible_agents
        self.state_is_sight = state_is_sight(self.raw)
        self.seen: dict[Hashable, Any] = {}

    @property
    def agents(self) -> list[Any]:
        """Who takes part."""
        return self.raw.agents

    @property
    def unwrapped(self) -> Any:
        """The environment itself."""
        return self.raw.unwrapped

    def observation_space(self, agent: Any) -> Any:
        """What an agent may see."""
        return self.layers.observation_space(agent)

    def action_space(self, agent: Any) -> Any:
        """What an agent may do."""
        return self.layers.action_space(agent)

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict, dict]:
        """Begin an episode: observations and infos."""
        self.layers.reset(seed=seed, options=options)
        raw = self.raw
        if self.screen is not None:
            self.screen.begin()
        out = {agent for agent in raw.agents if raw.terminations[agent] or raw.truncations[agent]}
        return self.observe([agent for agent in raw.agents if agent not in out]), dict(raw.infos)

    def step(self, actions: Mapping[Any, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """Everybody's action, then everybody's observation, once."""
        raw = self.raw
        if self.screen is None:
            rewards = self.turns(actions)
        else:
            self.screen.hold()
            try:
                rewards = self.turns(actions)
            finally:
                self.screen.draw()
        terminations, truncations, infos = dict(raw.terminations), dict(raw.truncations), dict(raw.infos)
        seen = self.observe(raw.agents)
        while raw.agents and (raw.terminations[raw.agent_selection] or raw.truncations[raw.agent_selection]):
            raw.step(None)
        return seen, rewards, terminations, truncations, infos

    def turns(self, actions: Mapping[Any, Any]) -> dict[Any, Any]:
        """Everybody's turn: what each has earned over all of them."""
        raw = self.raw
        rewards: dict[Any, Any] = dict.fromkeys(raw.agents, 0)
        last = raw.agents[-1] if raw.agents else None  # most turns before it pay nothing
        for agent in raw.agents:
            if agent != raw.agent_selection:
                raise AssertionError(f"expected the turn of agent {agent}, and it is that of {raw.agent_selection}")
            raw.step(actions[agent])
            paid = raw.rewards
            if agent == last or any(paid.values()):
                for other in raw.agents:
                    rewards[other] = rewards.get(other, 0) + paid[other]
        return rewards

    def observe(self, agents: Sequence[Any]) -> dict[Any, Any]:
        """What these agents see."""
        if self.screen is not None:
            return sights(self.screen, agents)
        self.seen = {agent: self.raw.observe(agent) for agent in agents}
        return self.seen

    def state(self) -> np.ndarray:
        """The central state."""
        if self.state_is_sight and len(self.seen) == len(self.possible_agents):
            return np.concatenate([self.seen[agent] for agent in self.possible_agents], axis=None)
        return self.raw.state()

    def close(self) -> None:
        """Close the environment."""
        self.layers.close()


def peel(environment: Any) -> Any:
    """The environment below the layers that only check how they are called."""
    while type(environment) in CHECKS_ONLY:
        environment = environment.env
    return environment


def state_is_sight(raw: Any) -> bool:
    """Whether the state is known to be the agents' observations, one after the other, and both are free of chance."""
    owners = (next((c for c in type(raw).__mro__ if name in vars(c)), object) for name in ("state", "observe"))
    by_its_code = all((owner.__module__, owner.__qualname__) in STATE_IS_SIGHT for owner in owners)
    return by_its_code and type(raw.scenario).__module__.startswith("mpe2.")


def on_screen(environment: aec_to_parallel_wrapper) -> Direct | None:
    """An environment driven by the common picture of its agents; None where none is known."""
    screen = screen_of(peel(environment.aec_env))
    return None if screen is None else Direct(environment, screen)


def fastest(environment: Any, steps: int = TRIAL_STEPS) -> Callable[[Any], Direct | None] | None:
    """The fastest form that does just what the environment does behind its wrapper, over some random steps.

    It plays the same episodes in every form. An environment that draws chance while observing, or does not repeat
    itself from its seed, is left behind its wrapper, and so is one that is not behind it at all: None. Of one that is
    made anew for each episode it is the form of each that is made, without a screen, which would be the first one's.
    """
    if type(within(environment)) is not aec_to_parallel_wrapper:
        return None
    try:
        behind = record(environment, steps)
    except Exception:  # whatever is wrong is told where it is driven
        return None
    forms: tuple[Callable[[Any], Direct | None], ...] = (Direct,) if is_anew(environment) else (on_screen, Direct)
    return next((form for form in forms if does_the_same(form, environment, behind, steps)), None)


def does_the_same(form: Callable[[Any], Direct | None], environment: Any, told: list[Any], steps: int) -> bool:
    """Whether a form of an environment tells what was told, and its screen, if it has one, all that changes on it."""
    try:
        one = formed(form, environment)
        if one is None or not same(told, record(one, steps)):
            return False
        return one.screen is None or all(record(one, steps, partial(still, one.screen, [])))
    except Exception:
        return False


def still(screen: Screen, before: list[np.ndarray], told: Any) -> bool:
    """Whether nothing has changed since it was last asked but what the screen says; `before` is kept for the next."""
    picture = pixels_of(screen.surface()).copy()
    elsewhere, last = np.ones(picture.shape[:2], bool), before[0] if before else picture
    for top, bottom, left, right in screen.changed():
        elsewhere[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = False
    before[:] = [picture]
    return bool((picture == last).all(-1)[elsewhere].all())


def record(environment: Any, steps: int, keep: Callable[[Any], Any] | None = None) -> list[Any]:
    """What is kept of all that an environment tells over so many steps of random legal play; else copies (`kept`)."""
    draws, told, over = np.random.default_rng(0), [], True
    observations, infos, keep = {}, {}, keep or kept
    for step in range(steps):
        if over:
            observations = {}  # nothing can be drawn while a picture is looked at
            observations, infos = environment.reset(seed=step)
            told.append(keep((observations, infos, list(environment.agents), state_of(environment))))
        actions = {
            agent: any_action(draws, environment.action_space(agent), observations[agent], infos.get(agent, {}))
            for agent in environment.agents
        }
        observations = {}
        observations, *rest, infos = environment.step(actions)
        over = not environment.agents
        told.append(keep((observations, rest, infos, list(environment.agents), state_of(environment))))
    return told
