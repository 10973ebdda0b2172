"""Recorded episodes as lines of JSON: the first board whole, then only the cells that change."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from coterie.errors import StorageFault
from coterie.running.storage import write_atomically
from coterie.types import Play


class Line(msgspec.Struct, frozen=True):
    """One episode: `changes[t]` lists [row, column, cell] for what differs from the board before."""

    team: int
    success: bool
    ended: bool
    keys: list[int]
    board: list[list[int]]
    changes: list[list[tuple[int, int, int]]]
    actions: list[list[int]]
    rewards: list[list[float]]


def write_plays(path: Path, plays: list[Play]) -> None:
    """Write episodes to one file, a line each."""
    write_atomically(path, "".join(_line(play) + "\n" for play in plays))


def read_plays(path: Path) -> list[Play]:
    """The episodes of a file; raises StorageFault with the line where it is damaged."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise StorageFault(f"{path} cannot be read: {error.strerror or error}") from error
    plays = []
    for number, text in enumerate(lines, 1):
        try:
            plays.append(_play(msgspec.json.decode(text, type=Line)))
        except (msgspec.DecodeError, ValueError, IndexError, OverflowError, RecursionError) as error:
            raise StorageFault(f"{path}, line {number} is not an episode: {error}") from error
    return plays


def _line(play: Play) -> str:
    boards = np.asarray(play.boards)
    changes = []
    for before, after in pairwise(boards):
        rows, columns = np.nonzero(before != after)
        changes.append([[int(r), int(c), int(after[r, c])] for r, c in zip(rows, columns, strict=True)])
    return json.dumps(
        {
            "team": play.team,
            "success": play.success,
            "ended": play.ended,
            "keys": np.asarray(play.keys).tolist(),
            "board": boards[0].tolist(),
            "changes": changes,
            "actions": np.asarray(play.actions).tolist(),
            "rewards": np.asarray(play.rewards).tolist(),
        }
    )


def _play(line: Line) -> Play:
    steps = len(line.actions)
    if not len(line.keys) - 1 == len(line.changes) == len(line.rewards) == steps:
        raise ValueError(f"{steps} actions do not fit the other steps")
    boards = np.empty((steps + 1, *(np.shape(line.board) if line.board else (0, 0))), np.uint8)
    boards[0] = line.board
    for step, cells in enumerate(line.changes, 1):
        boards[step] = boards[step - 1]
        for row, column, cell in cells:
            boards[step, row, column] = cell
    return Play(
        keys=np.array(line.keys, np.int64),
        boards=boards,
        actions=np.array(line.actions, np.int32),
        rewards=np.array(line.rewards, np.float64),
        success=line.success,
        ended=line.ended,
        team=line.team,
    )
