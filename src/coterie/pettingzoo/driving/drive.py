"""Environments stepped in this process, each beginning its next episode by itself; whoever is at fault is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.driving.board import (
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
from coterie.pettingzoo.driving.journal import Journal
from coterie.pettingzoo.reading.checks import LARGEST
from coterie.types import Outcome, Sight
from coterie.yours import FAILURES, told

if TYPE_CHECKING:
    from coterie.pettingzoo.reading.agents import Reading


class One(Protocol):
    """One environment behind arrays; `Drive` steps E of them. Each is given a blank glance to write into."""

    reading: Reading
    environment: Any

    def reset(self, seed: int, glance: Glance) -> None:
        """Begin an episode that is a function of this seed."""
        ...

    def step(self, actions: Sequence[Any], glance: Glance) -> None:
        """One joint step with the actions of all, numbers or rows; nothing is reset."""
        ...

    def close(self) -> None:
        """Close the environment."""
        ...


class Drive:
    """E environments stepped in this process, each beginning its next episode by itself.

    An episode is a function of its seed and actions, which stand in the journal and are all that `save` keeps;
    `restore` plays them again. `first` is the number of the first environment, for messages. They are stepped as one
    part: halves has one slice.
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
        self.journal = Journal(len(self.ones), len(self.spec.agents), self.spec.action_shape)
        self.shown = sight(self.board.begun)
        self.ruled = any(hasattr(one.environment, "acted") for one in self.ones)
        self.by_rule: dict[int, dict[Any, Any]] = {}  # by environment, what rules of the user's did in the last step

    def reset(self, seeds: np.ndarray) -> Sight:
        """Begin an episode everywhere, with these seeds [E]."""
        for place, seed in enumerate(seeds.tolist()):
            self.begin(place, seed)
        self.check(self.board.begun)
        self.journal.begin(seeds)
        self.shown = sight(self.board.begun)
        return self.shown

    def step(self, actions: np.ndarray, seeds: np.ndarray) -> tuple[Outcome, Sight]:
        """Step all with actions [E, all(, W)]: what happened, and what is shown now, after resets with seeds [E]."""
        self.send(0, actions, seeds)
        return self.receive(0)

    def send(self, number: int, actions: np.ndarray, seeds: np.ndarray) -> None:
        """Step part 0, which is all; see Workers."""
        self.advance(actions, seeds)
        self.journal.step(self.halves[0], actions, self.board.over, seeds)

    def receive(self, number: int) -> tuple[Outcome, Sight]:
        """What the step of part 0 did, and what is shown now."""
        outcome, self.shown = read_board(self.board)
        return outcome, self.shown

    def advance(self, actions: np.ndarray, seeds: np.ndarray) -> None:
        """Step all on the board, and leave the journal alone."""
        board = self.board
        clear(board.after)
        for place, joint in enumerate(actions.tolist()):
            self.move(place, joint, self.after[place])
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
        clear(glance)
        try:
            self.ones[place].reset(seed, glance)
        except FAILURES as error:
            raise self.fault(place, told_of(error)) from error
        if not glance.alive.any():
            raise self.fault(place, "an episode was over before anybody moved")

    def move(self, place: int, joint: list[Any], glance: Glance) -> None:
        """One joint step of one environment, into a blank glance."""
        board = self.board
        board.at[0] = self.first + place
        board.steps[place] += 1
        try:
            self.ones[place].step(joint, glance)
            if self.ruled:
                self.by_rule[place] = dict(getattr(self.ones[place].environment, "acted", {}))
        except FAILURES as error:
            raise self.fault(place, told_of(error)) from error

    def acted(self, actions: np.ndarray) -> np.ndarray:
        """The actions [E, all(, W)] that were really taken: those of a rule of the user's, where one decided."""
        taken = actions.copy()
        for place, by_rule in self.by_rule.items():
            one = self.ones[place]
            for name, action in by_rule.items():
                number = one.reading.numbers[name]
                taken[place, number] = told_as(one.reading, number, action)
        return taken

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

    def replay(self, place: int, seed: int | None, actions: np.ndarray, check: int | None) -> None:
        """Play a piece of one environment's episode again, from its start where a seed is given (see Journal.pieces).

        Raises EnvironmentFault where it does not show at the end what it showed: it does not repeat itself.
        """
        glance = self.begun[place]
        if seed is not None:
            self.begin(place, seed)
        for joint in actions.tolist():
            clear(glance)
            self.move(place, joint, glance)
        if check is not None and checksum(glance) != check:
            what = "the environment does not repeat itself from its seed, so its episode cannot be gone on with"
            raise self.fault(place, what)

    def save(self) -> dict[str, np.ndarray]:
        """The episodes under way: their seeds, the actions since, and a checksum of what is shown."""
        return self.journal.mark().saved(self.shown)

    def restore(self, saved: Mapping[str, np.ndarray]) -> Sight:
        """Play the saved episodes again, up to where they were; refuses a world that does not repeat itself."""
        self.journal.load(saved)
        for place, check in enumerate(saved["checksums"].tolist()):
            for piece in self.journal.pieces(place, check):
                self.replay(place, *piece)
        self.shown = sight(self.board.begun)
        return self.shown

    def close(self) -> None:
        """Close the environments."""
        for one in self.ones:
            one.close()


def told_as(reading: Reading, agent: int, action: Any) -> Any:
    """An action as it stands in a joint action: its number, or a row [W] that begins with its amounts or its number."""
    spec = reading.spec
    if not spec.action_shape:
        return number_of(reading, agent, action)
    row = np.zeros(spec.action_shape, np.float32)
    kind = spec.kinds[reading.places[agent][0]]
    if kind.bounds:
        row[: len(kind.bounds)] = np.clip(np.reshape(action, -1), -LARGEST, LARGEST)
    else:
        row[0] = number_of(reading, agent, action)
    return row


def number_of(reading: Reading, agent: int, action: Any) -> int:
    """The number of an action, which one of its kind's decoders makes of it."""
    count = reading.spec.kinds[reading.places[agent][0]].actions
    decode, rows = reading.decoders[agent], bool(reading.spec.action_shape)
    return next(number for number in range(count) if equal(decode([number] if rows else number), action))


def equal(one: Any, other: Any) -> bool:
    """Whether two actions are the same numbers, in whatever they stand."""
    if isinstance(one, Mapping):
        return all(equal(value, other[key]) for key, value in one.items())
    return bool(np.array_equal(one, other))


def where(environment: int, seed: int, step: int) -> str:
    """All that is needed to see a fault again, in words."""
    return f"environment {environment}, seed {seed}, step {step}"


def told_of(error: BaseException) -> str:
    """What an environment or what we found about it says."""
    return str(error) if isinstance(error, EnvironmentFault) else told(error)
