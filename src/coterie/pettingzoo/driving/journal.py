"""What the episodes under way are made of, kept where the policy acts: their seeds and the joint actions since.

An episode is a function of its seed and actions, so that from a journal every world can be brought to where it was:
in a new process after a fault, or in a run that is resumed. A mark of it costs as much as E numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from coterie.pettingzoo.driving.board import checksum, each
from coterie.types import Sight

NUMBER = np.dtype(np.int32)  # of an action
PIECE = 8_192  # numbers of actions at most that are played again at one request
PIECE_STEPS = 100


class Mark(NamedTuple):
    """Where the episodes under way stood: seeds int64[E], and how much of each one's growing row of actions was there.

    An earlier mark stays what it was while the journal goes on.
    """

    agents: int
    seeds: np.ndarray
    played: tuple[bytearray, ...]
    lengths: tuple[int, ...]

    def saved(self, sight: Sight) -> dict[str, np.ndarray]:
        """What a checkpoint keeps: seeds, lengths, all actions one after another, and checksums of what was shown."""
        width = self.agents * NUMBER.itemsize
        actions = b"".join(row[:length] for row, length in zip(self.played, self.lengths, strict=True))
        return {
            "seeds": self.seeds.copy(),
            "lengths": np.array(self.lengths, np.int32) // width,
            "actions": np.frombuffer(actions, NUMBER).reshape(-1, self.agents).copy(),
            "checksums": np.array([checksum(part(sight, place)) for place in range(len(self.seeds))], np.uint32),
        }


class Journal:
    """The seeds int64[E] of the episodes under way, and each one's joint actions since; empty before the first reset.

    A row of actions only grows, and the next episode has a row of its own.
    """

    def __init__(self, environments: int, agents: int) -> None:
        self.agents = agents
        self.seeds = np.zeros(environments, np.int64)
        self.played: list[bytearray] = []

    def begin(self, seeds: np.ndarray) -> None:
        """Episodes begin everywhere, with these seeds [E]."""
        self.seeds[:] = seeds
        self.played = [bytearray() for _ in self.seeds]

    def clear(self) -> None:
        """Nothing is under way: all is about to begin anew."""
        self.played = []

    def step(self, half: slice, actions: np.ndarray, over: np.ndarray, seeds: np.ndarray) -> None:
        """A half took a joint step with actions [., all]; where its episode is over, the next began with its seed."""
        rows, width, played = (
            np.ascontiguousarray(actions, NUMBER).tobytes(),
            self.agents * NUMBER.itemsize,
            self.played,
        )
        begin = 0
        for place in range(half.start, half.stop):
            played[place] += rows[begin : begin + width]
            begin += width
        if over.any():
            for place in np.flatnonzero(over).tolist():
                played[half.start + place] = bytearray()
                self.seeds[half.start + place] = seeds[place]

    def load(self, saved: Mapping[str, np.ndarray]) -> None:
        """Take over the episodes that a checkpoint kept."""
        self.begin(saved["seeds"])
        actions, ends = np.ascontiguousarray(saved["actions"], NUMBER), np.cumsum(saved["lengths"])
        for row, end, length in zip(self.played, ends.tolist(), saved["lengths"].tolist(), strict=True):
            row += actions[end - length : end].tobytes()

    def mark(self) -> Mark:
        """Where the episodes stand now."""
        return Mark(self.agents, self.seeds.copy(), tuple(self.played), tuple(map(len, self.played)))

    def pieces(self, place: int, check: int | None) -> Iterator[tuple[int | None, np.ndarray, int | None]]:
        """One episode in pieces: its seed with the first, actions [., all], what it must show then with the last."""
        actions = np.frombuffer(bytes(self.played[place]), NUMBER).reshape(-1, self.agents)
        size = max(1, min(PIECE_STEPS, PIECE // max(1, self.agents)))
        for begin in range(0, max(1, len(actions)), size):
            last = begin + size >= len(actions)
            yield int(self.seeds[place]) if begin == 0 else None, actions[begin : begin + size], check if last else None


def part(sight: Sight, where: Any) -> Sight:
    """The sight of one world, or of some."""
    return each(lambda array: array[where], sight)
