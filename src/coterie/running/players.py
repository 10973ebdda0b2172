"""Who decides for the agents of a live environment: chance, nobody, a rule of the user's, or a team."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.forms.rules import Ask, meaning, own_copy
from coterie.pettingzoo.reading.acting import fitting, idle_action, idle_words
from coterie.pettingzoo.reading.agents import any_action
from coterie.pettingzoo.reading.layouts import label, masked
from coterie.yours import FAILURES, let_through, shown, told


class Turn(NamedTuple):
    """An agent decides: what it sees, in which space it acts, and at which step (or turn), counted from 1."""

    agent: Hashable
    observation: Any
    info: Mapping[str, Any]
    space: Any
    step: int
    unit: str = "step"

    @property
    def where(self) -> str:
        """Which decision this is, in words."""
        return f"{self.unit} {self.step}, agent '{label(self.agent)}'"


class Player(Protocol):
    """Who decides for all agents.

    at_once: it learned where all move at once, and plays so where the environment has that form.
    """

    name: str
    at_once: bool

    def begin(self, episode: int) -> None:
        """An episode begins; they are numbered from 0."""
        ...

    def act(self, turn: Turn) -> Any:
        """An action of the turn's space."""
        ...

    def words(self) -> str:
        """Who played, told when it is over."""
        ...


class RandomPlay:
    """Every legal action alike; an episode's actions are a function of the seed and its number."""

    name, at_once = "random", False

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.begin(0)

    def begin(self, episode: int) -> None:
        """Draw anew."""
        self.draws = np.random.default_rng([self.seed, episode])

    def act(self, turn: Turn) -> Any:
        """Any legal action."""
        mask = masked(turn.observation, turn.info)[1]
        if mask is not None and not np.any(mask):
            raise EnvironmentFault(f"{turn.where}: its action mask allows nothing")
        return any_action(self.draws, turn.space, turn.observation, turn.info)

    def words(self) -> str:
        """Who played."""
        return "random play"


class IdlePlay:
    """The same action for ever; nobody can know which one does nothing, so it is named."""

    name, at_once = "idle", False

    def __init__(self) -> None:
        self.always: dict[str, None] = {}

    def begin(self, episode: int) -> None:
        """Nothing changes."""

    def act(self, turn: Turn) -> Any:
        """The first action, or the first legal one; 0 where actions are amounts."""
        mask = masked(turn.observation, turn.info)[1]
        self.always[idle_words(turn.space, mask is not None)] = None
        return idle_action(turn.space, mask)

    def words(self) -> str:
        """Who played, and what that always was."""
        return f"idle play (always {' or '.join(self.always) or 'the same action'})"


class OwnPlay:
    """Functions or objects of the user's, whose mistakes are told in one sentence.

    asks: one function for all agents, or one for each agent's name; resets are called where an episode begins.
    """

    at_once = False

    def __init__(self, name: str, asks: Ask | Mapping[str, Ask], resets: tuple[Callable[[], Any], ...] = ()) -> None:
        self.name, self.asks, self.resets = name, asks, resets

    def begin(self, episode: int) -> None:
        """Let the user's agents forget."""
        for reset in self.resets:
            try:
                reset()
            except FAILURES as error:
                raise BadInput(f"{self.name}: reset() failed: {told(error)}") from error

    def act(self, turn: Turn) -> Any:
        """What the user's function says, if it is an action."""
        mask = masked(turn.observation, turn.info)[1]
        ask = self.asks if callable(self.asks) else self.asks.get(label(turn.agent))
        if ask is None:
            raise BadInput(f"{self.name} has nobody for agent '{label(turn.agent)}'")
        try:
            action = ask(own_copy(turn.observation), turn.agent, turn.info)
        except FAILURES as error:
            let_through(error)
            raise BadInput(f"{turn.where}: {self.name} failed: {told(error)}") from error
        try:
            return fitting(action, turn.space, mask)
        except BadInput as error:
            raise BadInput(f"{turn.where}: {self.name} gave {error}") from None

    def words(self) -> str:
        """Who played."""
        return f"played by {self.name}"


class TeamPlay:
    """A trained team, which knows its agents by name."""

    at_once = True

    def __init__(self, name: str, team: Any) -> None:
        self.name, self.team = name, team

    def begin(self, episode: int) -> None:
        """Let the team forget."""
        self.team.reset()

    def act(self, turn: Turn) -> Any:
        """The team's greedy action; BadInput where it was trained on something else."""
        try:
            return self.team.act(label(turn.agent), turn.observation, turn.info)
        except (BadInput, EnvironmentFault) as error:
            raise BadInput(f"{turn.where}: the team of {self.name} does not fit: {error}") from error
        except FAILURES as error:
            what = f"{turn.where}: the team of {self.name} cannot see {shown(turn.observation)}"
            raise BadInput(f"{what}: {told(error)}") from error

    def words(self) -> str:
        """Who played."""
        return f"the greedy team of {self.name}"


def is_factory(function: Callable[..., Any]) -> bool:
    """Whether a function of the user's makes a team: it can be called without an observation, at most with a seed.

    >>> is_factory(lambda: 0), is_factory(lambda seed: 0), is_factory(lambda observation: 0), is_factory(lambda *a: 0)
    (True, True, False, False)
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # not every callable tells
        return False
    if any(one.kind is one.VAR_POSITIONAL or meaning(one.name) for one in parameters):
        return False
    return all(one.default is not one.empty or one.kind is one.VAR_KEYWORD or one.name == "seed" for one in parameters)
