"""A stage: where agents play and can be exchanged for others, exactly on a table, or by episodes with common chance.

Every question of the kind "what if this agent were idle, noisy, blind, or somebody else's?" is a cast on a stage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np

from coterie.finite.game import FiniteGame
from coterie.finite.solve import idle_policy, legal_part, policy_value, uniform_policy
from coterie.running.evaluate import walk
from coterie.types import Play

Way = Literal["own", "sampled", "idle", "random", "noisy"]
NOISE = 0.1  # the share of random actions of a noisy agent


class Part(NamedTuple):
    """Who stands in one agent's place: agent `agent` of team `team`, and in which way it acts.

    own      as it is judged (greedily, if that is how it plays)
    sampled  as its own policy draws actions, where that is known
    idle, random  not itself at all;  noisy: as it is judged, but one action in ten is random
    shown    float64[O, O]: what it is shown instead of what it sees, a distribution a row; None: what it sees
    """

    team: int
    agent: int
    way: Way = "own"
    shown: np.ndarray | None = None


Cast = Sequence[Part]  # one part a place, in the environment's order of agents


class Score(NamedTuple):
    """What a cast earns, undiscounted: returns float64[E, N] and success float64[E].

    Row e of every cast's score is an episode with the same start and chance; an exact score is one row of expectations.
    """

    returns: np.ndarray
    success: np.ndarray

    @property
    def team(self) -> np.ndarray:
        """The mean over agents, float64[E]."""
        return self.returns.mean(1)


class Stage(Protocol):
    """Agents of several teams in one world, who can stand in for each other."""

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of the places."""
        ...

    @property
    def teams(self) -> int:
        """How many teams there are."""
        ...

    @property
    def exact(self) -> bool:
        """Whether scores are expectations instead of samples."""
        ...

    @property
    def can_sample(self) -> bool:
        """Whether the agents' own distributions over actions are known."""
        ...

    def score(self, cast: Cast) -> Score:
        """What a cast earns."""
        ...

    def play(self, cast: Cast, episode: int = 0) -> Play:
        """One episode of a cast, recorded."""
        ...


def own_cast(stage: Stage, team: int = 0) -> list[Part]:
    """A team as it is."""
    return [Part(team, agent) for agent in range(len(stage.agents))]


def replaced(cast: Cast, place: int, **change: object) -> list[Part]:
    """A cast with one part changed, such as `way="idle"`."""
    return [part._replace(**change) if at == place else part for at, part in enumerate(cast)]


class TableStage:
    """Policies on an exact table: every score is the exact expectation.

    policies float64[W, N, O, A]: what the agents of each team do when they are judged; sampled, of the same shape: the
    distributions that they would draw actions from, where those differ.
    """

    exact = True

    def __init__(
        self, game: FiniteGame, policies: np.ndarray, sampled: np.ndarray | None = None, seed: int = 0
    ) -> None:
        self.game, self.policies, self.sampled, self.seed = game, policies, sampled, seed
        self._idle, self._random = idle_policy(game), uniform_policy(game)

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of the places."""
        return self.game.spec.agents

    @property
    def teams(self) -> int:
        """How many teams there are."""
        return len(self.policies)

    @property
    def can_sample(self) -> bool:
        """Whether the agents' own distributions over actions are known."""
        return self.sampled is not None

    def policy(self, cast: Cast) -> np.ndarray:
        """A cast as one policy, float64[N, O, A]."""
        return np.stack([self._row(part, place) for place, part in enumerate(cast)])

    def _row(self, part: Part, place: int) -> np.ndarray:
        if part.way == "idle":
            return self._idle[place]
        if part.way == "random":
            return self._random[place]
        if part.way == "sampled":
            if self.sampled is None:
                raise ValueError("these agents' distributions over actions are not known")
            row = self.sampled[part.team, part.agent]
        else:
            row = self.policies[part.team, part.agent]
        if part.shown is not None:
            row = legal_part(self.game, part.shown @ row, place)
        return (1 - NOISE) * row + NOISE * self._random[place] if part.way == "noisy" else row

    def score(self, cast: Cast) -> Score:
        """The exact expected return of every agent, and the exact probability of success."""
        value = policy_value(self.game, self.policy(cast))
        return Score(value.returns[None], np.array([value.success]))

    def play(self, cast: Cast, episode: int = 0) -> Play:
        """One episode of a cast, recorded; its chance depends on the stage's seed and the episode's number."""
        policy, game = self.policy(cast), self.game
        draws = np.random.default_rng([self.seed, episode, 1])

        def choose(state: int, step: int) -> list[int]:
            rows = [policy[place, game.seen[state, place]] for place in range(len(policy))]
            return [int(draws.choice(len(row), p=row)) for row in rows]

        return walk(game, choose, np.random.default_rng([self.seed, episode]), cast[0].team)


class Actor(NamedTuple):
    """Anybody's agent: `begin()` at the start of an episode, then `act(observation, step) -> action`."""

    begin: Callable[[], None]
    act: Callable[[np.ndarray, int], int]


class ActorStage:
    """Anybody's agents in the world of a table: scores are samples over the same episodes for every cast.

    actors[team][agent]; `episodes` are played for a score, their chance depends on the seed and their number alone.
    """

    exact = False
    can_sample = False

    def __init__(self, game: FiniteGame, actors: list[list[Actor]], episodes: int = 30, seed: int = 0) -> None:
        self.game, self.actors, self.episodes, self.seed = game, actors, episodes, seed
        self._kind = np.concatenate([np.full(len(values), k) for k, values in enumerate(game.observations)])
        self._place = np.concatenate([np.arange(len(values)) for values in game.observations])

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of the places."""
        return self.game.spec.agents

    @property
    def teams(self) -> int:
        """How many teams there are."""
        return len(self.actors)

    def score(self, cast: Cast) -> Score:
        """What a cast earns in each of the stage's episodes."""
        plays = [self.play(cast, episode) for episode in range(self.episodes)]
        return Score(
            np.stack([play.rewards.sum(0) for play in plays]), np.array([float(play.success) for play in plays])
        )

    def play(self, cast: Cast, episode: int = 0) -> Play:
        """One episode of a cast, recorded."""
        game, sizes = self.game, self.game.actions
        draws = [np.random.default_rng([self.seed, episode, place + 1]) for place in range(len(sizes))]
        for part in cast:
            self.actors[part.team][part.agent].begin()

        def choose(state: int, step: int) -> list[int]:
            return [
                self._act(part, place, int(game.seen[state, place]), step, draws[place])
                for place, part in enumerate(cast)
            ]

        return walk(game, choose, np.random.default_rng([self.seed, episode]), cast[0].team)

    def _act(self, part: Part, place: int, row: int, step: int, draws: np.random.Generator) -> int:
        game, size = self.game, self.game.actions[place]
        luck, action = draws.random(), int(draws.integers(size))  # drawn always, so that ways share their chance
        if part.way == "idle":
            return game.idle[place]
        if part.way == "random":
            return action
        if part.way == "sampled":
            raise ValueError("these agents' distributions over actions are not known")
        if part.shown is not None:
            row = int(draws.choice(game.observation_count, p=part.shown[row]))
        chosen = self.actors[part.team][part.agent].act(
            game.observations[self._kind[row]][self._place[row]].copy(), step
        )
        return action if part.way == "noisy" and luck < NOISE else chosen
