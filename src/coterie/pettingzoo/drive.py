"""Environments stepped in this process, each beginning its next episode by itself; whoever is at fault is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.board import (
    Board,
    Glance,
    blank_board,
    checksum,
    clear,
    each,
    no_number,
    read_board,
    sight,
    without_choice,
)
from coterie.types import Outcome, Sight
from coterie.yours import FAILURES, told

if TYPE_CHECKING:
    from coterie.pettingzoo.reading import Reading


class One(Protocol):
    """One environment behind arrays; `Drive` steps E of them. Each is given a blank glance to write into."""

    reading: Reading

    def reset(self, seed: int, glance: Glance) -> None:
        """Begin an episode that is a function of this seed."""
        ...

    def step(self, actions: Sequence[int], glance: Glance) -> None:
        """One joint step with the actions of all; nothing is reset."""
        ...

    def close(self) -> None:
        """Close the environment."""
        ...


class Drive:
    """E environments stepped in this process, each beginning its next episode by itself.

    An episode is a function of its seed and actions, which are all that `save` keeps; `restore` plays them again.
    `first` is the number of the first environment, for messages. They are stepped as one part: halves has one slice.
    """

    def __init__(self, ones: Sequence[One], board: Board | None = None, first: int = 0) -> None:
        self.ones, self.first = list(ones), first
        self.spec = ones[0].reading.spec
        if any(one.reading.spec != self.spec for one in ones):
            raise BadInput("the environments driven together have different agents or spaces")
        self.halves = (slice(0, len(self.ones)),)
        self.board = blank_board(self.spec, len(self.ones)) if board is None else board
        self.after, self.begun = (
            [each(lambda array, place=place: array[place, ...], glance) for place in range(len(self.ones))]
            for glance in self.board[:2]
        )
        self.shown = list(self.begun)
        self.played: list[list[list[int]]] = [[] for _ in self.ones]

    def reset(self, seeds: np.ndarray) -> Sight:
        """Begin an episode everywhere, with these seeds [E]."""
        for place, seed in enumerate(seeds.tolist()):
            self.begin(place, seed)
        self.check(self.board.begun)
        return sight(self.board.begun)

    def step(self, actions: np.ndarray, seeds: np.ndarray) -> tuple[Outcome, Sight]:
        """Step all with actions [E, all]: what happened, and what is shown now, after resets with seeds from [E]."""
        self.advance(actions, seeds)
        return read_board(self.board)

    def send(self, number: int, actions: np.ndarray, seeds: np.ndarray) -> None:
        """Step part 0, which is all; see Workers."""
        self.advance(actions, seeds)

    def receive(self, number: int) -> tuple[Outcome, Sight]:
        """What the step of part 0 did, and what is shown now."""
        return read_board(self.board)

    def advance(self, actions: np.ndarray, seeds: np.ndarray) -> None:
        """Step all on the board."""
        board = self.board
        clear(board.after)
        for place, joint in enumerate(actions.tolist()):
            self.move(place, joint, self.after[place])
        self.shown[:] = self.after
        self.check(board.after)
        np.logical_not(board.after.alive.any(-1), out=board.over)
        if board.over.any():
            for place in np.flatnonzero(board.over).tolist():
                self.begin(place, int(seeds[place]))
            self.check(board.begun)

    def begin(self, place: int, seed: int) -> None:
        """Begin one environment's next episode."""
        board, glance = self.board, self.begun[place]
        board.at[0], board.seeds[place], board.steps[place] = self.first + place, seed, 0
        self.played[place] = []
        clear(glance)
        try:
            self.ones[place].reset(seed, glance)
        except FAILURES as error:
            raise self.fault(place, told_of(error)) from error
        if not glance.alive.any():
            raise self.fault(place, "an episode was over before anybody moved")
        self.shown[place] = glance

    def move(self, place: int, joint: list[int], glance: Glance) -> None:
        """One joint step of one environment, into a blank glance."""
        board = self.board
        board.at[0] = self.first + place
        self.played[place].append(joint)
        board.steps[place] = len(self.played[place])
        try:
            self.ones[place].step(joint, glance)
        except FAILURES as error:
            raise self.fault(place, told_of(error)) from error

    def check(self, glance: Glance) -> None:
        """Raises EnvironmentFault where an agent is to move and may do nothing, or something told is no number."""
        if (broken := no_number(self.spec, glance)) is not None:
            raise self.fault(*broken)
        if (stuck := without_choice(self.spec, glance)) is not None:
            raise self.fault(stuck[0], f"agent '{stuck[1]}' is to move and its action mask allows nothing")

    def fault(self, place: int, what: str) -> EnvironmentFault:
        """What is wrong with one environment, with all that is needed to see it again."""
        seed, step = self.board.seeds[place], self.board.steps[place]
        return EnvironmentFault(f"{where(self.first + place, seed, step)}: {what}")

    def save(self) -> dict[str, np.ndarray]:
        """The episodes under way: their seeds, the actions since, and a checksum of what is shown."""
        joints = [joint for played in self.played for joint in played]
        return {
            "seeds": self.board.seeds.copy(),
            "lengths": np.array([len(played) for played in self.played], np.int32),
            "actions": np.array(joints, np.int32).reshape(len(joints), len(self.spec.agents)),
            "checksums": np.array([checksum(glance) for glance in self.shown], np.uint32),
        }

    def restore(self, saved: Mapping[str, np.ndarray]) -> Sight:
        """Play the saved episodes again, up to where they were; refuses a world that does not repeat itself."""
        ends = np.cumsum(saved["lengths"])
        for place, glance in enumerate(self.begun):
            self.begin(place, int(saved["seeds"][place]))
            for joint in saved["actions"][ends[place] - saved["lengths"][place] : ends[place]].tolist():
                clear(glance)
                self.move(place, joint, glance)
            if checksum(glance) != saved["checksums"][place]:
                what = "the environment does not repeat itself from its seed, so no run can be resumed"
                raise self.fault(place, what)
        return sight(self.board.begun)

    def close(self) -> None:
        """Close the environments."""
        for one in self.ones:
            one.close()


def where(environment: int, seed: int, step: int) -> str:
    """All that is needed to see a fault again, in words."""
    return f"environment {environment}, seed {seed}, step {step}"


def told_of(error: BaseException) -> str:
    """What an environment or what we found about it says."""
    return str(error) if isinstance(error, EnvironmentFault) else told(error)
