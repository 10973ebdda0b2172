"""An environment in any form, asked for everything; what it tells is copied at once."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from pettingzoo import AECEnv

from coterie.pettingzoo.check.digests import digest, numbers_of
from coterie.pettingzoo.reading.agents import any_action, state_of
from coterie.pettingzoo.reading.layouts import label, masked
from coterie.yours import FAILURES, told

CALLS = ("make", "reset", "step", "observe", "state", "copy", "render", "close")
STATE_ALWAYS, STATE_EVERY = 20, 10  # the central state is asked for in the first steps, and now and then later
FEWEST_STEPS = 4  # of an episode, however slow they are
ALIAS_STEPS = 30  # of an environment's life in which it is seen whether it changes what it has handed out
ROOM = 200_000_000  # bytes of observations that are kept whole; of later ones only digests

Beat = Callable[[str, int | None, int], None]  # told before each call: what, the episode's seed, the step


class Shown(NamedTuple):
    """An observation or a state: its copy, None where there was no room for it, and its digest."""

    value: Any
    digest: int


class Moment(NamedTuple):
    """All that an environment told after a reset or one step; everything by agent.

    acted: what was done, None in the turn of one who had ended. here: `agents` before it; agents: after it. to_move:
    who decides next. masks: of those who decide, None where there is none. paid: in turns, what `last()` said.
    """

    acted: Mapping[Hashable, Any]
    here: tuple[Hashable, ...]
    agents: tuple[Hashable, ...]
    to_move: tuple[Hashable, ...]
    observations: Mapping[Hashable, Shown]
    masks: Mapping[Hashable, np.ndarray | None]
    rewards: Mapping[Hashable, Any]
    paid: Mapping[Hashable, Any]
    terminations: Mapping[Hashable, Any]
    truncations: Mapping[Hashable, Any]
    infos: Mapping[Hashable, Any]
    state: Shown | None

    def over(self, name: Hashable) -> bool:
        """Whether this agent has ended."""
        return bool(self.terminations.get(name)) or bool(self.truncations.get(name))


class Fault(NamedTuple):
    """What an environment raised: in which call, at which seed and step, in words, and where in which file."""

    call: str
    seed: int | None
    step: int
    told: str
    place: str


class Episode(NamedTuple):
    """One episode of play; the first moment is the reset. over: it ended by itself. fault: it raised something."""

    seed: int | None
    moments: list[Moment]
    over: bool
    fault: Fault | None = None

    @property
    def steps(self) -> int:
        """How many steps were made; in turns, those of the dead are not counted."""
        return sum(any(action is not None for action in one.acted.values()) for one in self.moments[1:])


class Malformed(Exception):
    """What an environment told has not the form that PettingZoo asks for; the fix is told beside it."""

    def __init__(self, name: str, what: str, fix: str) -> None:
        super().__init__(what)
        self.name, self.fix = name, fix


class Room:
    """How many bytes of observations are still kept."""

    def __init__(self, left: int = ROOM) -> None:
        self.left = left

    def keep(self, value: Any) -> Shown:
        """A copy of what was shown, where there is room."""
        size = getattr(value, "nbytes", 512)
        if size > self.left:
            return Shown(None, digest(value))
        self.left -= size
        return Shown(copy.deepcopy(value), digest(value))


class Subject:
    """An environment under examination, parallel or in turns; every call is announced, timed and counted."""

    def __init__(self, environment: Any, beat: Beat | None = None, room: Room | None = None) -> None:
        self.environment, self.turns = environment, isinstance(environment, AECEnv)
        self.beat, self.room = beat or (lambda what, seed, step: None), room or Room(2**62)
        self.seconds: dict[str, float] = dict.fromkeys(CALLS, 0.0)
        self.calls: dict[str, int] = dict.fromkeys(CALLS, 0)
        self.seed: int | None = None
        self.step = 0
        self.handed: dict[Hashable, tuple[Any, int]] = {}
        self.aliased: set[Hashable] = set()
        self.malformed: dict[str, Malformed] = {}

    def call(self, what: str, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Call something of the environment's."""
        self.beat(what, self.seed, self.step)
        began = perf_counter()
        try:
            return function(*given, **named)
        finally:
            self.seconds[what] += perf_counter() - began
            self.calls[what] += 1

    def reset(self, seed: int | None) -> Moment:
        """Begin an episode."""
        environment, self.seed, self.step = self.environment, seed, 0
        self.handed.clear()
        answer = self.call("reset", environment.reset, seed=seed)
        if self.turns:
            return self._turn({}, ())
        if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[0], Mapping)):
            raise Malformed("reset returns", f"reset returns {shape_of_answer(answer)}", "return observations, infos")
        return self._moment({}, (), answer[0], {}, {}, {}, {}, answer[1])

    def act(self, actions: Mapping[Hashable, Any]) -> Moment:
        """One step: everybody's actions, or in turns that of the one whose turn it is."""
        environment, here = self.environment, tuple(self.environment.agents)
        self.step += 1
        if self.turns:
            (action,) = actions.values()
            self.call("step", environment.step, action)
            return self._turn(actions, here)
        answer = self.call("step", environment.step, dict(actions))
        if not (isinstance(answer, tuple) and len(answer) == 5 and all(isinstance(part, Mapping) for part in answer)):
            raise Malformed(
                "step returns",
                f"step returns {shape_of_answer(answer)}",
                "return observations, rewards, terminations, truncations, infos: five dictionaries by agent",
            )
        observations, rewards, terminations, truncations, infos = answer
        return self._moment(actions, here, observations, rewards, {}, terminations, truncations, infos)

    def _turn(self, actions: Mapping[Hashable, Any], here: tuple[Hashable, ...]) -> Moment:
        environment = self.environment
        observations, paid = {}, {}
        if environment.agents:
            name = environment.agent_selection
            if name not in environment.agents:
                raise Malformed(
                    "not selected",
                    f"agent_selection is {label(name)}, who is not in `agents`",
                    "after agents were removed: self.agent_selection = self._agent_selector.next()",
                )
            observation, paid[name], *_ = self.call("observe", environment.last)
            if observation is not None:
                observations[name] = observation
        ends = environment.terminations, environment.truncations
        return self._moment(actions, here, observations, environment.rewards, paid, *ends, environment.infos)

    def _moment(self, acted, here, observations, rewards, paid, terminations, truncations, infos) -> Moment:
        environment = self.environment
        agents = tuple(environment.agents)
        to_move = ((environment.agent_selection,) if agents else ()) if self.turns else agents
        infos = infos if isinstance(infos, Mapping) else {}
        if self.calls["step"] < ALIAS_STEPS:
            self._see_aliases(observations)
        masks = {}
        for name in to_move:
            info = infos.get(name)
            mask = masked(observations.get(name), info if isinstance(info, Mapping) else {})[1]
            masks[name] = None if mask is None else np.array(mask)
        asked = self.step < STATE_ALWAYS or self.step % STATE_EVERY == 0
        state = self.call("state", state_of, environment) if asked else None
        return Moment(
            dict(acted),
            here,
            agents,
            to_move,
            {name: self.room.keep(observation) for name, observation in observations.items()},
            masks,
            dict(rewards),
            dict(paid),
            dict(terminations),
            dict(truncations),
            {name: copy_of(info) for name, info in infos.items()},
            None if state is None else self.room.keep(state),
        )

    def _see_aliases(self, observations: Mapping[Hashable, Any]) -> None:
        """Whether arrays that were handed out earlier hold something else now."""
        self.aliased.update(name for name, (kept, was) in self.handed.items() if digest(kept) != was)
        self.handed = {name: (shown, digest(shown)) for name, shown in observations.items()}


def copy_of(info: Any) -> Any:
    """A copy of an info; what cannot be copied is left out."""
    try:
        return copy.deepcopy(info)
    except FAILURES:
        return numbers_of(info)


def shape_of_answer(answer: Any) -> str:
    """What was returned instead of the right thing."""
    if isinstance(answer, tuple):
        return f"a tuple of {len(answer)} ({', '.join(type(part).__name__ for part in answer)})"
    return f"a {type(answer).__name__}"


Choose = Callable[[Moment], Mapping[Hashable, Any]]


def play(subject: Subject, seed: int | None, choose: Choose, most: int, go_on: Callable[[], bool]) -> Episode:
    """One episode of at most so many steps, while `go_on` says so; what the environment raises ends it."""
    moments: list[Moment] = []
    try:
        moments.append(subject.reset(seed))
        while moments[-1].agents and len(moments) <= most and (len(moments) <= FEWEST_STEPS or go_on()):
            moments.append(subject.act(choose(moments[-1])))
    except FAILURES as error:
        if isinstance(error, Malformed):
            subject.malformed[str(error)] = error
        return Episode(seed, moments, False, fault_of(error, subject))
    return Episode(seed, moments, not moments[-1].agents and len(moments) > 1)


def fault_of(error: BaseException, subject: Subject) -> Fault:
    """What was raised, and the line of the environment's that raised it."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "coterie" not in Path(one.filename).parts]
    place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    call = "reset" if subject.step == 0 else "step"
    return Fault(call, subject.seed, subject.step, str(error) if isinstance(error, Malformed) else told(error), place)


def at_random(subject: Subject, draws: np.random.Generator) -> Choose:
    """Random legal actions; None for those whose turn comes after their end."""

    def choose(moment: Moment) -> dict[Hashable, Any]:
        return {
            name: None
            if subject.turns and moment.over(name)
            else legal_action(draws, subject.environment.action_space(name), moment.masks.get(name))
            for name in moment.to_move
        }

    return choose


def legal_action(draws: np.random.Generator, space: Any, mask: np.ndarray | None) -> Any:
    """A legal action, drawn evenly; any where the mask allows none or is of another length."""
    size = getattr(space, "n", None)
    usable = mask is not None and mask.any() and len(mask) == size
    return any_action(draws, space, None, {"action_mask": mask} if usable else {})


def listed(names: Sequence[Hashable], most: int = 4) -> str:
    """Names in a row, the first few of them."""
    shown = ", ".join(label(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown or "nobody"
