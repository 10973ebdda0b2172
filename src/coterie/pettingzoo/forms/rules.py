"""Rules of the user's: functions of an observation, asked as their signature says, also for some agents of a world."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import Any

from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils.wrappers import BaseParallelWrapper, BaseWrapper

from coterie.errors import BadInput, CoterieError, EnvironmentFault
from coterie.pettingzoo.reading.acting import fitting
from coterie.pettingzoo.reading.layouts import label, masked
from coterie.yours import FAILURES, let_through, read_function, told

ORDER = ("observation", "agent", "info")  # what a rule is given, where its parameters do not say it by name
CALLED = {"obs": "observation", "seen": "observation", "agent_id": "agent", "name": "agent", "infos": "info"}

Ask = Callable[[Any, Hashable, Mapping[str, Any]], Any]


def meaning(name: str) -> str:
    """Which of a rule's arguments a parameter is by its name; empty where the name does not say."""
    name = CALLED.get(name, name)
    return name if name in ORDER else ""


def asking(function: Callable[..., Any], name: str) -> Ask:
    """A function of the user's as one of (observation, agent, info), of which it takes as much as its signature says.

    Parameters called observation, agent or info (or obs, name, …) get these; others are filled in this order.

    >>> asking(lambda x, me: (x, me), "it")(5, "ann", {}), asking(lambda agent, obs: (agent, obs), "it")(5, "ann", {})
    ((5, 'ann'), ('ann', 5))
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # not every callable tells
        return lambda observation, agent, info: function(observation, agent)
    left = [word for word in ORDER if word not in {meaning(one.name) for one in parameters}]
    placed: list[str] = []
    named: dict[str, str] = {}
    skipped = False  # a parameter is left at its default, so those behind it are named
    for one in parameters:
        word = meaning(one.name)
        if one.kind is one.VAR_KEYWORD or (one.kind is one.VAR_POSITIONAL and skipped):
            continue
        if one.kind is one.VAR_POSITIONAL:
            placed += left
            left = []
        elif not word and one.default is not one.empty:
            skipped = True
        else:
            word = word or (left.pop(0) if left else "")
            if not word:
                raise BadInput(f"{name} needs '{one.name}', too; a rule is given (observation, agent, info)")
            if one.kind is one.KEYWORD_ONLY or skipped:
                named[one.name] = word
            else:
                placed.append(word)
    if "observation" not in {*placed, *named.values()}:
        raise BadInput(f"{name} takes no observation; a rule is given (observation, agent, info)")

    def ask(observation: Any, agent: Hashable, info: Mapping[str, Any]) -> Any:
        known = {"observation": observation, "agent": agent, "info": info}
        return function(*(known[word] for word in placed), **{key: known[word] for key, word in named.items()})

    return ask


def own_copy(observation: Any) -> Any:
    """A copy that a rule may change, in whatever the arrays stand."""
    if isinstance(observation, Mapping):
        return {name: own_copy(value) for name, value in observation.items()}
    if isinstance(observation, tuple):
        return tuple(map(own_copy, observation))
    return copy.copy(observation)


@lru_cache(maxsize=8)
def rule_of(word: str) -> Ask:
    """The rule that `./rule.py:act` means; its file is run once a process."""
    return asking(read_function(word), word)


def with_rules(environment: Any, rules: Mapping[str, str]) -> Any:
    """The environment, in which these agents (by their names in print) act by rules, whatever action is given."""
    if not rules:
        return environment
    return RuledTurns(environment, rules) if isinstance(environment, AECEnv) else Ruled(environment, rules)


class Ruled(BaseParallelWrapper):
    """A parallel environment of which some agents act by rules."""

    def __init__(self, environment: ParallelEnv, rules: Mapping[str, str]) -> None:
        super().__init__(environment)
        self.rules = {name: (word, rule_of(word)) for name, word in rules.items()}
        self.told: tuple[Mapping[Any, Any], Mapping[Any, Any]] = ({}, {})
        self.acted: dict[Any, Any] = {}

    def reset(self, seed: int | None = None, options: dict | None = None) -> Any:
        """Begin an episode."""
        observations, infos = self.env.reset(seed=seed, options=options)
        self.told = observations, infos or {}
        return observations, infos

    def step(self, actions: Mapping[Any, Any]) -> Any:
        """One joint step, in which rules decide for their agents."""
        self.acted = {
            agent: by_rule(
                *self.rules[label(agent)], agent, self.told[0][agent], self.told[1].get(agent, {}),
                self.env.action_space(agent),
            )
            for agent in actions
            if label(agent) in self.rules
        }  # fmt: skip
        answer = self.env.step({**actions, **self.acted})
        self.told = answer[0], answer[-1] or {}
        return answer


class RuledTurns(BaseWrapper):
    """An environment in turns of which some agents act by rules."""

    def __init__(self, environment: AECEnv, rules: Mapping[str, str]) -> None:
        super().__init__(environment)
        self.rules = {name: (word, rule_of(word)) for name, word in rules.items()}
        self.acted: dict[Any, Any] = {}

    def step(self, action: Any) -> None:
        """One turn."""
        agent = self.agent_selection
        self.acted = {} if action is not None else self.acted  # the turns of the dead decide nothing
        if action is not None and label(agent) in self.rules:
            observation, *_, info = self.env.last()
            action = by_rule(*self.rules[label(agent)], agent, observation, info or {}, self.action_space(agent))
            self.acted = {agent: action}
        super().step(action)


def by_rule(word: str, ask: Ask, agent: Any, observation: Any, info: Mapping[str, Any], space: Any) -> Any:
    """What a rule does; its mistakes are told in one sentence."""
    try:
        return fitting(ask(own_copy(observation), agent, info), space, masked(observation, info)[1])
    except CoterieError as error:
        raise EnvironmentFault(f"agent '{label(agent)}': {word} gave {error}") from None
    except FAILURES as error:
        let_through(error)
        raise EnvironmentFault(f"agent '{label(agent)}': {word} failed: {told(error)}") from error
