"""What the episodes under way are made of, kept where the policy acts: their seeds and the joint actions since.

An episode is a function of its seed and actions, so that from a journal every world can be brought to where it was:
in a new process after a fault, or in a run that is resumed. A mark of it costs as much as E numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np

from coterie.pettingzoo.driving.board import checksum, each
from coterie.types import Sight

WIDTH = 4  # bytes of a number of an action, int32 or float32
PIECE = 8_192  # numbers of actions at most that are played again at one request
PIECE_STEPS = 100


class Mark(NamedTuple):
    """Where the episodes under way stood: seeds int64[E], and how much of each one's growing row of actions was there.

    An earlier mark stays what it was while the journal goes on. joint: one joint action, of no steps, [0, all(, W)].
    """

    joint: np.ndarray
    seeds: np.ndarray
    played: tuple[bytearray, ...]
    lengths: tuple[int, ...]

    def saved(self, sight: Sight) -> dict[str, np.ndarray]:
        """What a checkpoint keeps: seeds, lengths, all actions one after another, and checksums of what was shown."""
        actions = b"".join(row[:length] for row, length in zip(self.played, self.lengths, strict=True))
        return {
            "seeds": self.seeds.copy(),
            "lengths": np.array(self.lengths, np.int32) // bytes_of(self.joint),
            "actions": joints_of(self.joint, actions).copy(),
            "checksums": np.array([checksum(part(sight, place)) for place in range(len(self.seeds))], np.uint32),
        }


class Journal:
    """The seeds int64[E] of the episodes under way, and each one's joint actions since; empty before the first reset.

    A row of actions only grows, and the next episode has a row of its own. amounts: () where actions are numbers, else
    (W,), a joint action's width (`Spec.action_shape`).
    """

    def __init__(self, environments: int, agents: int, amounts: tuple[int, ...] = ()) -> None:
        self.joint = np.zeros((0, agents, *amounts), np.float32 if amounts else np.int32)
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
        """A half took a joint step with these actions; where its episode is over, the next began with its seed."""
        rows, width, played = as_bytes(self.joint, actions), bytes_of(self.joint), self.played
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
        actions, ends = saved["actions"], np.cumsum(saved["lengths"])
        for row, end, length in zip(self.played, ends.tolist(), saved["lengths"].tolist(), strict=True):
            row += as_bytes(self.joint, actions[end - length : end])

    def mark(self) -> Mark:
        """Where the episodes stand now."""
        return Mark(self.joint, self.seeds.copy(), tuple(self.played), tuple(map(len, self.played)))

    def pieces(self, place: int, check: int | None) -> Iterator[tuple[int | None, np.ndarray, int | None]]:
        """One episode in pieces: its seed with the first, joint actions, what it must show then with the last."""
        actions = joints_of(self.joint, bytes(self.played[place]))
        size = max(1, min(PIECE_STEPS, PIECE // max(1, bytes_of(self.joint) // WIDTH)))
        for begin in range(0, max(1, len(actions)), size):
            last = begin + size >= len(actions)
            yield int(self.seeds[place]) if begin == 0 else None, actions[begin : begin + size], check if last else None


def bytes_of(joint: np.ndarray) -> int:
    """How many bytes one joint action takes."""
    return prod(joint.shape[1:]) * WIDTH


def as_bytes(joint: np.ndarray, actions: np.ndarray) -> bytes:
    """Joint actions [., all(, W)] as bytes."""
    return np.ascontiguousarray(actions, joint.dtype).tobytes()


def joints_of(joint: np.ndarray, kept: bytes) -> np.ndarray:
    """The joint actions that stand in bytes, [., all(, W)]."""
    return np.frombuffer(kept, joint.dtype).reshape(-1, *joint.shape[1:])


def part(sight: Sight, where: Any) -> Sight:
    """The sight of one world, or of some."""
    return each(lambda array: array[where], sight)
