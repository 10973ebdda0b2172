"""PettingZoo's Parallel API as arrays: kinds by equal spaces, agents in one order, endings by their exact names.

`parallel(environments)` makes a `Drive`: E live environment objects stepped in this process, each starting its next
episode by itself. It imports no JAX, so that a worker process starts quickly.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from pettingzoo import ParallelEnv

from coterie.errors import EnvironmentFault
from coterie.pettingzoo.driving.board import Board, Glance
from coterie.pettingzoo.driving.drive import Drive
from coterie.pettingzoo.forms.anew import formed
from coterie.pettingzoo.forms.direct import Direct, fastest
from coterie.pettingzoo.pictures.surfaces import looks_of, pixels_of
from coterie.pettingzoo.reading.agents import Reading, Seats, read
from coterie.pettingzoo.reading.checks import (
    alive_again,
    encoded,
    everybody_sees,
    paid,
    put,
    put_mask,
    put_state,
    told_state,
    unseen,
)
from coterie.pettingzoo.reading.checks import shown as in_one_line
from coterie.pettingzoo.reading.layouts import masked
from coterie.settings import PictureOptions

Success = Callable[[Mapping[Hashable, Any]], bool]  # reads the infos of one step
NOTHING: Mapping[str, Any] = {}
WRITTEN = object()


def write(seats: Seats, glance: Glance, number: int, observation: Any, info: Mapping[str, Any]) -> None:
    """Write what one agent sees and may do; the mask stands beside the observation or in the info.

    An observation that is WRITTEN has been written already.
    """
    reading = seats.reading
    kind, place = reading.places[number]
    agent, (observation, mask) = reading.spec.agents[number], masked(observation, info)
    encode, stack = reading.encoders[kind], seats.stacks[kind]
    if stack is not None and observation is not WRITTEN:
        picture = observation if encode is None else encoded(agent, observation, encode)
        put(glance.obs[kind], place, agent, stack.add(np.asarray(picture)[None], slice(place, place + 1))[0])
    elif observation is not WRITTEN:
        put(glance.obs[kind], place, agent, observation, encode)
    if mask is not None:
        put_mask(glance.legal[kind], place, agent, mask)


class InfoSays(NamedTuple):
    """A success that an info tells: its name, or one of its `names`, is true for some agent; it can be pickled."""

    names: str | tuple[str, ...] = ("success", "is_success")

    def __call__(self, infos: Mapping[Any, Any]) -> bool:
        """Whether one step's infos say so."""
        told = [info for info in infos.values() if isinstance(info, Mapping)]
        names = (self.names,) if isinstance(self.names, str) else self.names
        return any(is_true(name, info[name]) for info in told for name in names if name in info)


def is_true(name: str, value: Any) -> bool:
    """Whether a truth, a number or one of an array is true; EnvironmentFault for words and what is no number."""
    given = np.asarray(False if value is None else value)
    if given.dtype.kind not in "biuf" or not np.isfinite(given).all():
        raise EnvironmentFault(f"the info '{name}' is {in_one_line(value)}, which is neither true nor false")
    return bool(given.any())


class Reads(NamedTuple):
    """How environments are read.

    team: each agent's team number; success: what reads the infos of a step. Not `central`: their central state is not
    asked for, which some take long to make. slots, picture: see `reading.agents.read`.
    """

    team: Sequence[int] | None = None
    success: Success | None = None
    central: bool = True
    slots: int = 0
    picture: PictureOptions | None = None


USUAL = Reads()


def write_whole(glance: Glance, reading: Reading, environment: Any, success: Success | None, infos: Mapping) -> None:
    """Write what is told of the whole world: its central state, where it has one, and whether it succeeded."""
    if reading.has_state:
        put_state(glance.state, told_state(environment))
    if success is not None:
        glance.success[...] = success(infos)


def shown(reading: Reading) -> tuple[list[list[Hashable]], list[Any]]:
    """By kind, the names of its agents in their order, and their lens."""
    names = {number: name for name, number in reading.numbers.items()}
    kinds = [[names[number] for number in kind.agents if number in names] for kind in reading.spec.kinds]
    return kinds, [layout.lens for layout in reading.layouts]


class OneParallel:
    """One ParallelEnv: everybody who is alive moves at once."""

    def __init__(self, environment: ParallelEnv | Direct, reading: Reading, success: Success | None = None) -> None:
        self.environment, self.reading, self.success = environment, reading, success
        self.seats = Seats(reading, environment)
        self.gone: set[Hashable] = set()
        self.screen = environment.screen if isinstance(environment, Direct) else None
        self.looks = [] if self.screen is None else looks_of(self.screen, *shown(reading))

    def reset(self, seed: int, glance: Glance) -> None:
        """Begin an episode that is a function of this seed."""
        observations, infos = self.environment.reset(seed=seed)
        self.gone.clear()
        self.seats.begin()
        self.write(glance, observations, infos or {})

    def step(self, actions: Sequence[Any], glance: Glance) -> None:
        """One joint step; an agent that has ended once is never alive again in this episode."""
        numbers, decoders, gone = self.seats.numbers, self.reading.decoders, self.gone
        self.seats.leave(gone)
        present = [name for name in self.environment.agents if name in numbers or name not in gone]
        observations, rewards, terminations, truncations, infos = self.environment.step(
            {name: decoders[(number := numbers[name])](actions[number]) for name in present}
        )
        following = self.environment.agents
        for name in present:
            ended, cut = terminations.get(name), truncations.get(name)
            if name in gone:
                if name in following and not (ended or cut):
                    raise alive_again(name)
                continue
            number = numbers[name]
            if name not in rewards:
                raise EnvironmentFault(f"agent '{name}' moved, and there is no reward for it")
            if cut and not ended and name not in observations:
                raise unseen(name)
            glance.reward[number] = paid(name, rewards[name])
            if ended or cut:
                glance.terminated[number], glance.truncated[number] = bool(ended), bool(cut)
                gone.add(name)
            elif name not in following:
                raise EnvironmentFault(f"agent '{name}' vanished, neither terminated nor truncated")
        self.write(glance, observations, infos or {})

    def close(self) -> None:
        """Close the environment."""
        self.environment.close()

    def write(self, glance: Glance, observations: Mapping[Hashable, Any], infos: Mapping[Hashable, Any]) -> None:
        """Write what was observed; the last observation of an agent that has just ended is among it."""
        reading, seats, gone = self.reading, self.seats, self.gone
        known, written = seats.numbers, None
        if self.looks and len(observations) == len(reading.places):
            self.look(glance)
            written = {name: WRITTEN for name in observations if "action_mask" in (infos.get(name) or NOTHING)}
        for name, observation in (observations if written is None else written).items():
            if name not in known and name in gone:
                continue  # it ended earlier, and its place is another's
            write(seats, glance, seats.number(name), observation, infos.get(name) or NOTHING)
        agents = self.environment.agents
        everybody_sees(agents, observations, gone)
        if not gone and len(agents) == len(reading.places):
            glance.alive.fill(True)
            glance.to_move.fill(True)
        else:
            here = [seats.number(name) for name in agents if name not in gone]
            glance.alive[here] = glance.to_move[here] = True
        write_whole(glance, reading, self.environment, self.success, infos)

    def look(self, glance: Glance) -> None:
        """Write what all see of their common picture, at once."""
        assert self.screen is not None, "looks are at a screen"
        pixels, changed = pixels_of(self.screen.surface()), self.screen.changed()
        for look, stack, obs in zip(self.looks, self.seats.stacks, glance.obs, strict=True):
            frames = look.at(pixels, changed)
            obs[:] = frames if stack is None else stack.add(frames, slice(None))


def parallel(
    environments: Sequence[ParallelEnv], reads: Reads = USUAL, board: Board | None = None, first: int = 0
) -> Drive:
    """Drive E equal ParallelEnv objects.

    Where they stand behind the AEC-to-parallel wrapper and it is safe, what is below it is driven directly.
    """
    form = fastest(environments[0])
    forms = ((form and formed(form, one)) or one for one in environments)
    readings = read_each(environments, reads)
    ones = [OneParallel(one, reading, reads.success) for one, reading in zip(forms, readings, strict=True)]
    return Drive(ones, board, first)


def read_each(environments: Sequence[Any], reads: Reads, *, turns: bool = False) -> list[Reading]:
    """Each environment as it is read; where agents come and go, all as the first is, which tells how many there are.

    Without a team all agents are one, or in turns each is alone.
    """
    how = partial(read, team=reads.team, alone=turns, central=reads.central, turns=turns, picture=reads.picture)
    known = how(environments[0], slots=reads.slots)
    return [known, *(known if known.comes_and_goes else how(one) for one in environments[1:])]
