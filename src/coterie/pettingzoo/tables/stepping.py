"""One environment stepped and looked at from outside, with copies of itself in the middle of an episode."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

import numpy as np
from gymnasium.spaces import Space
from gymnasium.utils import EzPickle

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.driving.board import Glance, blank, clear, each
from coterie.pettingzoo.driving.drive import told_of
from coterie.pettingzoo.forms.parallel import InfoSays, Reads, write
from coterie.pettingzoo.forms.turns import OneInTurns
from coterie.pettingzoo.reading.agents import of_amounts
from coterie.pettingzoo.tables.insides import Path, leaves
from coterie.pettingzoo.workers.worker import drive
from coterie.yours import FAILURES

Style = Literal["sights", "insides"]
BELOW = ("env", "aec_env", "par_env", "environment", "layers", "raw")  # what wrappers call what they wrap
WAITS = (0,)  # the one legal action of who does not decide


class Identity(NamedTuple):
    """What tells states apart: what all agents see with the central state, or the environment's attributes but some."""

    style: Style = "sights"
    dropped: frozenset[Path] = frozenset()


class Look(NamedTuple):
    """What an environment shows between two steps.

    key      equal where states are taken to be equal
    seen     for each agent what it sees and may do, as bytes; None: it waits, or there is nothing left to decide
    legal    for each agent its legal actions; (0,) for who waits
    over     the episode is over
    picture  what the first agent sees, as bytes, whether it waits or not
    """

    key: bytes
    seen: tuple[tuple[bytes, bytes] | None, ...]
    legal: tuple[tuple[int, ...], ...]
    over: bool
    picture: bytes


class Happened(NamedTuple):
    """What a joint step did: ended truly, or cut off by a time limit, for all."""

    reward: tuple[float, ...]
    ended: bool
    cut: bool
    success: bool


class World:
    """An environment that can be begun, stepped with action numbers of all agents, and copied as it stands.

    What an agent earns is counted on the step that pays it, also where it is told only at its own next turn.
    """

    def __init__(self, one: Any, identity: Identity, slate: Glance) -> None:
        self.one, self.identity, self.slate = one, identity, slate
        self.turns = isinstance(one, OneInTurns)
        self.owed = np.zeros(len(one.reading.spec.agents))

    def begin(self, seed: int) -> Look:
        """Begin an episode."""
        clear(self.slate)
        self._done(partial(self.one.reset, seed, self.slate), f"seed {seed}")
        if not self.slate.alive.all():
            raise BadInput(f"{self.name}: agents that come and go have no exact table yet")
        self.owed = self._owing()
        return self._look(False, False)

    def step(self, joint: Sequence[int]) -> tuple[Happened, Look]:
        """One joint step; the actions of those who wait do not matter."""
        clear(self.slate)
        self._done(partial(self.one.step, joint, self.slate), f"the joint action {tuple(joint)}")
        slate, before = self.slate, self.owed
        self.owed = self._owing()
        over, ended = not slate.alive.any(), bool(slate.terminated.all())
        if (not over and not slate.alive.all()) or (over and not ended and slate.terminated.any()):
            raise BadInput(f"{self.name}: agents that end before their team have no exact table yet")
        reward = tuple((slate.reward + self.owed - before).tolist())
        return Happened(reward, ended, over and not ended, bool(slate.success)), self._look(over, ended)

    def copy(self) -> World:
        """Another world that goes on from here by itself."""
        memo: dict[int, Any] = {id(part): part for part in (self.one.reading, self.one.success)}
        parts = layers(self.one.environment)
        memo.update({id(one): one for part in parts for one in vars(part).values() if is_space(one)})
        for part in parts:
            if isinstance(part, EzPickle):  # which would come out of a copy as if it had just been made
                shell = object.__new__(type(part))
                memo[id(part)] = shell
                vars(shell).update(copy.deepcopy(vars(part), memo))
        again = World(copy.deepcopy(self.one, memo), self.identity, self.slate)
        again.owed = self.owed
        return again

    def play_up_to(self, seed: int, joints: Sequence[Sequence[int]]) -> None:
        """Begin an episode and take these joint actions, without looking."""
        self.begin(seed)
        for joint in joints:
            clear(self.slate)
            self._done(partial(self.one.step, joint, self.slate), f"the joint action {tuple(joint)}")
        if joints:
            self.owed = self._owing()

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return str(self.one.environment)

    def insides(self) -> dict[Path, Any]:
        """Its attributes."""
        return leaves(self.one.environment)

    def _done(self, act: Callable[[], None], where: str) -> None:
        try:
            act()
        except FAILURES as error:
            raise EnvironmentFault(f"{self.name}, {where}: {told_of(error)}") from error

    def _owing(self) -> np.ndarray:
        """What each agent has earned and will be told at its next turn, float64[N]; whoever is to move knows all."""
        owed = np.zeros(len(self.slate.reward))
        if self.turns and self.slate.alive.any():
            environment = self.one.environment
            for name, earned in getattr(environment, "_cumulative_rewards", {}).items():
                if name in environment.agents and name != environment.agent_selection:
                    owed[self.one.seats.number(name)] = earned
        return owed

    def _look(self, over: bool, ended: bool) -> Look:
        """What is on the slate, with what those see who wait, where the environment tells it."""
        reading, slate = self.one.reading, self.slate
        deciding = slate.to_move.copy() if not over else np.full(len(slate.to_move), not self.turns)
        masks = [slate.legal[kind][place].copy() for kind, place in reading.places]
        if self.turns and not over:
            self._see_those_who_wait(deciding)
        sights = [unsigned(slate.obs[kind][place]).tobytes() for kind, place in reading.places]
        legal = [tuple(np.flatnonzero(mask).tolist()) for mask in masks]
        for agent in np.flatnonzero(deciding if not over else np.zeros(0, bool)).tolist():
            if not legal[agent]:
                raise EnvironmentFault(
                    f"{self.name}: agent '{reading.spec.agents[agent]}' is to move and its action mask allows nothing"
                )
        decides = [bool(one) and len(may) > 0 for one, may in zip(deciding, legal, strict=True)]
        seen = tuple(
            (sight, mask.tobytes()) if one else None for one, sight, mask in zip(decides, sights, masks, strict=True)
        )
        shown = tuple(may if one else WAITS for one, may in zip(decides, legal, strict=True))
        state = b"E" if ended else b"C" if over and self.turns else b"-"
        return Look(self._key(state, sights, seen), seen, shown, over, sights[0])

    def _key(self, state: bytes, sights: list[bytes], seen: tuple[tuple[bytes, bytes] | None, ...]) -> bytes:
        digest = blake2b(state, digest_size=16)
        for sight, own in zip(sights, seen, strict=True):
            digest.update(sight if own is None else sight + own[1])
            digest.update(b"w" if own is None else b"d")
        digest.update(unsigned(self.slate.state).tobytes())
        if self.identity.style == "insides":
            kept = sorted((path, leaf) for path, leaf in self.insides().items() if path not in self.identity.dropped)
            digest.update(repr(kept).encode())
        return digest.digest()

    def _see_those_who_wait(self, deciding: np.ndarray) -> None:
        environment, numbers = self.one.environment, self.one.seats.numbers
        for name in environment.agents:
            if not deciding[numbers[name]]:
                try:
                    seen = environment.observe(name)
                except FAILURES:
                    continue  # not every environment tells who waits what there is
                if seen is not None:
                    write(self.one.seats, self.slate, numbers[name], seen, {})


def world_of(environment: Any, identity: Identity, team: Sequence[int] | None, success: str = "") -> World:
    """The world of an environment object, parallel or in turns; `success` names what is read of its infos."""
    one = drive(
        [environment], Reads(team, InfoSays(success) if success else InfoSays(), tells_state(environment))
    ).ones[0]
    spec = one.reading.spec
    if spec.births:
        raise BadInput(f"{environment}: agents that come and go have no exact table yet")
    if (fault := of_amounts(one.reading, environment)) is not None:
        raise fault
    slate = each(lambda array: array[0, ...], blank(spec, 1))
    return World(one, identity, slate._replace(reward=np.zeros(len(spec.agents))))


def tells_state(environment: Any) -> bool:
    """Whether there is a central state to ask for; some environments have something else under that name."""
    try:
        environment.reset(seed=0)
        environment.state()
    except FAILURES:
        return False
    return True


def layers(environment: Any) -> list[Any]:
    """An environment and what is below it, from wrapper to wrapper."""
    found = [environment]
    while (below := next((vars(found[-1])[name] for name in BELOW if name in vars(found[-1])), None)) is not None:
        if any(below is one for one in found) or not hasattr(below, "__dict__"):
            break
        found.append(below)
    return found


def is_space(thing: Any) -> bool:
    """Whether this is a space, or spaces by agent: what an environment does not change."""
    return isinstance(thing, Space) or (
        isinstance(thing, dict) and bool(thing) and all(isinstance(one, Space) for one in thing.values())
    )


def unsigned(numbers: np.ndarray) -> np.ndarray:
    """The same numbers, and no zero with a sign."""
    return numbers + 0.0 if numbers.dtype.kind == "f" else numbers
