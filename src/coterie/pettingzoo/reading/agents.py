"""Who the agents of an environment are: their order, kinds and spaces, and the places of those that come and go."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.pictures.lenses import Stack, is_picture, lens_for, small, stack_of
from coterie.pettingzoo.reading.layouts import Layout, as_row, decoder, first_of_row, label
from coterie.pettingzoo.reading.spaces import (
    chosen,
    dtype_of,
    high_of,
    one_array,
    seen,
    shape_of,
    sight_of,
    without_number,
)
from coterie.settings import UNTOUCHED, PictureOptions
from coterie.types import Kind, Spec

PROBED_EPISODES, PROBED_STEPS = 4, 250  # of random play, to see how many agents there are at once


class Reading(NamedTuple):
    """How one environment is read; agents are numbered in the order of `spec`.

    numbers: each name's number; empty where agents come and go, who are given places of their kind (see Seats).
    places: by number, (kind, place in it).  encoders by kind: None where an observation is the array that is wanted.
    decoders by number: from an action's number, or a joint action's row, to the action.  spaces by kind: (observation
    space, action space).
    """

    spec: Spec
    numbers: Mapping[Hashable, int]
    places: tuple[tuple[int, int], ...]
    encoders: tuple[Callable[[Any], np.ndarray] | None, ...]
    decoders: tuple[Callable[[Any], Any], ...]
    spaces: tuple[tuple[Any, Any], ...]
    layouts: tuple[Layout, ...]
    has_state: bool

    @property
    def comes_and_goes(self) -> bool:
        """Whether agents are born under names that nobody lists."""
        return not self.numbers


def read(
    environment: Any,
    team: Sequence[int] | None = None,
    *,
    alone: bool = False,
    central: bool = True,
    turns: bool = False,
    slots: int = 0,
    picture: PictureOptions | None = None,
) -> Reading:
    """The kinds, order and spaces of an environment; resets it.

    Without `team` all agents are one team, or each is `alone`. Not `central`: the central state is left alone. turns:
    one agent moves at a time. slots: places a kind, where agents come and go; 0: as many as random play needs.
    picture: how pictures are shown; None: as they are.
    """
    environment.reset(seed=0)
    listed = tuple(getattr(environment, "possible_agents", None) or ())
    present = tuple(environment.agents)
    if not listed and not present:
        raise EnvironmentFault(f"{environment}: it has no agents after reset")
    known: dict[Hashable, tuple[Any, Any]] = {}
    told = [] if listed else crowds(environment, turns, known)
    unlisted = newcomers(told, present)
    groups: list[tuple[Any, Any, list[Hashable]]] = []
    for name in listed or (*present, *unlisted):
        own = known.get(name) or spaces_of(environment, name)
        group = next((one for one in groups if one[:2] == own), None)
        if group is None:
            groups.append((*own, [name]))
        else:
            group[2].append(name)
    if unlisted:
        sizes = [slots or most_at_once(told, group) for group in groups]
        named = [(f"{kind_word(k, groups)}{place}", k) for k, size in enumerate(sizes) for place in range(size)]
        order = [name for name, _ in named]
        kind_numbers = [[number for number, (_, kind) in enumerate(named) if kind == k] for k in range(len(groups))]
    else:
        order = list(listed or present)
        kind_numbers = [[order.index(name) for name in group[2]] for group in groups]
    actions = [chosen(space, group[0], environment) for _, space, group in groups]
    layouts = [seen(space, group[0]) for space, _, group in groups]
    lenses = [lens_for(space, picture or UNTOUCHED) for space, _, _ in groups]
    check_pictures_seen(environment, [space for space, _, _ in groups], picture)
    kinds = tuple(
        Kind(
            tuple(numbers),
            action.count,
            lens.shown if lens else shape_of(space),
            str(dtype_of(space)),
            high_of(space),
            action.choices,
            action.bounds,
        )
        for (space, _, _), numbers, action, lens in zip(groups, kind_numbers, actions, lenses, strict=True)
    )
    everyone = tuple(range(len(order)))
    teams = tuple(team) if team is not None else everyone if alone else (0,) * len(order)
    if len(teams) != len(order):
        raise BadInput(f"{len(teams)} team numbers for {len(order)} agents ({', '.join(map(label, order[:8]))})")
    if len({*map(label, order)}) < len(order):
        raise BadInput(f"two agents are called alike in print: {', '.join(map(label, order[:8]))}")
    state = state_of(environment) if central else None
    waits = turns or bool(unlisted) or set(present) != set(order)
    spec = Spec(
        tuple(map(label, order)), kinds, teams, everyone, everyone,
        (0,) if state is None else np.shape(state), waits=waits, births=bool(unlisted),
    )  # fmt: skip
    decoders = [
        first_of_row(decoder(action)) if spec.action_shape and not action.bounds else decoder(action)
        for action in actions
    ]
    where = {number: (k, place) for k, kind in enumerate(kinds) for place, number in enumerate(kind.agents)}
    return Reading(
        spec,
        {} if unlisted else {name: number for number, name in enumerate(order)},
        tuple(where[number] for number in everyone),
        tuple(
            functools.partial(small, lens)
            if lens
            else None
            if one_array(group[0])
            else functools.partial(as_row, layout)
            for group, layout, lens in zip(groups, layouts, lenses, strict=True)
        ),
        tuple(decoders[where[number][0]] for number in everyone),
        tuple((space, action) for space, action, _ in groups),
        tuple(map(Layout, layouts, actions, lenses)),
        state is not None,
    )


class Seats:
    """Which number each present agent has; who comes under a new name gets a free place of its kind.

    stacks: by kind, the pictures that whoever sits there has seen of late; None where one is shown at a time.
    """

    def __init__(self, reading: Reading, environment: Any) -> None:
        self.reading, self.environment = reading, environment
        self.numbers: dict[Hashable, int] = dict(reading.numbers)
        self.stacks: tuple[Stack | None, ...] = tuple(
            stack_of(layout.lens, len(kind.agents))
            for layout, kind in zip(reading.layouts, reading.spec.kinds, strict=True)
        )

    def begin(self) -> None:
        """An episode begins: all places are free."""
        if self.reading.comes_and_goes:
            self.numbers.clear()
        for stack in self.stacks:
            if stack is not None:
                stack.begin()

    def number(self, name: Hashable) -> int:
        """The number of an agent; EnvironmentFault where it is unknown, or no place is free."""
        found = self.numbers.get(name)
        return self._seat(name) if found is None else found

    def leave(self, names: set[Hashable]) -> None:
        """These have ended, and the step that told so is over: their places are free."""
        if self.reading.comes_and_goes:
            for name in names:
                self.numbers.pop(name, None)

    def _seat(self, name: Hashable) -> int:
        if not self.reading.comes_and_goes:
            raise EnvironmentFault(f"agent '{name}' appeared, which is not among possible_agents")
        own = spaces_of(self.environment, name)
        kinds = [k for k, pair in enumerate(self.reading.spaces) if pair == own]
        if not kinds:
            raise EnvironmentFault(f"agent '{name}' appeared, with spaces that no agent had in random play: {own}")
        taken, kind = set(self.numbers.values()), self.reading.spec.kinds[kinds[0]]
        free = next((number for number in kind.agents if number not in taken), None)
        if free is None:
            raise EnvironmentFault(
                f"agent '{name}' appeared, and all {len(kind.agents)} places of its kind are taken; give more: "
                f"--env.slots {2 * len(kind.agents)}"
            )
        self.numbers[name] = free
        stack, place = self.stacks[kinds[0]], self.reading.places[free][1]
        if stack is not None:
            stack.forget(place)
        return free


def check_pictures_seen(environment: Any, spaces_seen: Sequence[Any], picture: PictureOptions | None) -> None:
    """Raises BadInput where something is asked of pictures, and nobody sees any."""
    asked = picture is not None and picture not in (PictureOptions(), UNTOUCHED)
    if asked and not any(map(is_picture, spaces_seen)):
        raise BadInput(f"--picture: no agent of {environment} sees pictures of bytes; they see {spaces_seen[0]}")


def state_of(environment: Any) -> Any:
    """The central state, None where there is none, or where the word means something else (rock-paper-scissors)."""
    if not callable(getattr(getattr(environment, "unwrapped", environment), "state", None)):
        return None
    try:
        return environment.state()
    except NotImplementedError:
        return None


def kind_word(k: int, groups: Sequence[Any]) -> str:
    """What the places of a kind are called."""
    return "agent_" if len(groups) == 1 else f"kind{k}_"


def of_amounts(reading: Reading, environment: Any, agents: Sequence[int] = ()) -> BadInput | None:
    """What to raise where actions must be counted and some of these agents (of all, without any) act in amounts."""
    for kind, (_, space) in zip(reading.spec.kinds, reading.spaces, strict=True):
        own = [agent for agent in kind.agents if not agents or agent in agents]
        if kind.bounds and own:
            return without_number(space, reading.spec.agents[own[0]], environment)
    return None


def spaces_of(environment: Any, name: Hashable) -> tuple[Any, Any]:
    """What an agent may see, but for its mask, and what it may do."""
    return sight_of(environment.observation_space(name)), environment.action_space(name)


def newcomers(crowd: Sequence[set[Hashable]], present: Sequence[Hashable]) -> tuple[Hashable, ...]:
    """Names that appear in random play and were not there at the start."""
    return tuple(sorted({name for names in crowd for name in names} - set(present), key=label))


def most_at_once(crowd: Sequence[set[Hashable]], group: tuple[Any, Any, list[Hashable]]) -> int:
    """How many agents of a kind were there at once in random play, those that had just ended included."""
    own = set(group[2])
    return max(len(own & (names | before)) for before, names in pairs(crowd))


def pairs(crowd: Sequence[set[Hashable]]) -> list[tuple[set[Hashable], set[Hashable]]]:
    """Each with the one before it."""
    return [(crowd[max(0, place - 1)], names) for place, names in enumerate(crowd)]


def crowds(environment: Any, turns: bool, known: MutableMapping[Hashable, tuple[Any, Any]]) -> list[set[Hashable]]:
    """Who was there after each step of some random episodes; the same each time it is asked.

    The spaces of each are written into `known` while it is there, for some environments know nothing of who is not.
    """

    def here() -> set[Hashable]:
        for name in environment.agents:
            if name not in known:
                known[name] = spaces_of(environment, name)
        return set(environment.agents)

    draws, told = np.random.default_rng(0), []
    for episode in range(PROBED_EPISODES):
        first = environment.reset(seed=episode)
        told.append(here())
        masks = first if not turns else {}
        for _ in range(PROBED_STEPS):
            if not environment.agents:
                break
            if turns:
                observation, _, terminated, truncated, info = environment.last()
                space = environment.action_space(environment.agent_selection)
                over = terminated or truncated
                environment.step(None if over else any_action(draws, space, observation, info or {}))
            else:
                observations, infos = (masks[0], masks[-1] or {}) if isinstance(masks, tuple) else (masks, {})
                masks = environment.step(
                    {
                        name: any_action(
                            draws, environment.action_space(name), observations.get(name), infos.get(name, {})
                        )
                        for name in environment.agents
                    }
                )
            told.append(here())
    environment.reset(seed=0)
    return told


def any_action(draws: np.random.Generator, space: Any, observation: Any, info: Mapping[str, Any]) -> Any:
    """A legal action of any space, drawn evenly."""
    mask = observation.get("action_mask") if isinstance(observation, Mapping) else None
    mask = info.get("action_mask") if mask is None else mask
    if isinstance(space, spaces.Discrete):
        legal = np.arange(space.n) if mask is None else np.flatnonzero(mask)
        return int(draws.choice(legal) + space.start)
    space.seed(int(draws.integers(2**31)))
    return space.sample()
