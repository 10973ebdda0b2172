"""A stage in any parallel PettingZoo environment: scores are samples over episodes that are reset alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from coterie.running.foreign import made
from coterie.running.record import episode_seed, play_env
from coterie.running.stage import NOISE, Actor, Cast, Part, Score
from coterie.types import Play


class EnvStage:
    """Anybody's agents in a parallel PettingZoo environment with whole numbers as actions.

    actors[team][agent]; `idle` is the action that does nothing, None where nobody says: then idle play is the first
    action. Every cast plays the same `episodes`: each is reset with a seed of its own, so chance is common as far as
    the environment's seed reaches.
    """

    exact = False
    can_sample = False

    def __init__(
        self,
        make_env: Callable[[], Any],
        actors: list[list[Actor]],
        episodes: int = 30,
        seed: int = 0,
        idle: int | None = None,
    ) -> None:
        self.make_env, self.env = make_env, made(make_env)
        self.actors, self.episodes, self.seed, self.idle = actors, episodes, seed, idle
        self.spaces = [self.env.action_space(agent) for agent in self.env.possible_agents]

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of the places."""
        return tuple(map(str, self.env.possible_agents))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many actions each agent has."""
        return tuple(int(space.n) for space in self.spaces)

    @property
    def firsts(self) -> tuple[int, ...]:
        """The number of each agent's first action, which is idle play."""
        return tuple(int(getattr(space, "start", 0)) for space in self.spaces)

    @property
    def teams(self) -> int:
        """How many teams there are."""
        return len(self.actors)

    def score(self, cast: Cast) -> Score:
        """What a cast earns in each of the stage's episodes."""
        plays = [self.play(cast, episode) for episode in range(self.episodes)]
        returns = np.stack([play.rewards.sum(0) for play in plays])
        return Score(returns, np.array([float(play.success) for play in plays]))

    def play(self, cast: Cast, episode: int = 0) -> Play:
        """One episode of a cast, recorded."""
        draws = [np.random.default_rng([self.seed, episode, place + 1]) for place in range(len(self.spaces))]
        for part in cast:
            if part.way not in ("idle", "random"):
                self.actors[part.team][part.agent].begin()

        def choose(place: int, observation: Any, info: Mapping[str, Any], step: int) -> int:
            return self._act(cast[place], place, observation, info, step, draws[place])

        return play_env(self.env, choose, episode_seed(self.seed, episode), cast[0].team)

    def _act(
        self, part: Part, place: int, observation: Any, info: Mapping[str, Any], step: int, draws: np.random.Generator
    ) -> int:
        first, legal = self.firsts[place], _legal(self.sizes[place], observation, info)
        luck, action = draws.random(), int(legal[int(draws.random() * len(legal))])  # drawn always: common chance
        if part.way == "idle":
            own = first if self.idle is None else self.idle
            return own if own - first in legal else first + int(legal[0])
        if part.way == "random":
            return first + action
        if part.shown is not None or part.way == "sampled":
            raise ValueError("what these agents see or would draw cannot be exchanged")
        chosen = self.actors[part.team][part.agent].act(observation, step)
        return first + action if part.way == "noisy" and luck < NOISE else chosen


def _legal(size: int, observation: Any, info: Mapping[str, Any]) -> np.ndarray:
    """The actions that a mask in the observation or the info leaves, as indices; all where there is none."""
    mask = observation.get("action_mask") if isinstance(observation, Mapping) else info.get("action_mask")
    if mask is None:
        return np.arange(size)
    legal = np.flatnonzero(np.asarray(mask))
    return legal if len(legal) else np.arange(size)
