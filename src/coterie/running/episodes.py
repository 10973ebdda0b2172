"""Recorded episodes as lines of JSON that any tool can write: a first line about the agents, then an episode a line.

Pictures and observations are whole at the first step and then only what changes. docs/episodes.md has the format.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from coterie.errors import StorageFault
from coterie.running.storage import write_atomically
from coterie.types import Play

VERSION = 1
MOST_ACTION, MOST_CELL = 2**31 - 1, 255
MOST_AMOUNT = float(np.finfo(np.float32).max)
MOST_AMOUNTS = 4_096  # of one action
MOST_REWARD = 1e100  # so that sums and squares of rewards stay finite
MOST_NUMBERS = 200_000_000  # of one episode's frames, so that a small hostile file cannot fill the memory


class Recording(NamedTuple):
    """Episodes with what is needed to read them.

    actions: their names, the same for all agents; idle: the action of each agent that does nothing, None where there
    is none or nobody says; environment and options: coterie's own, where it is one; horizon: the time limit, 0 if none
    """

    agents: tuple[str, ...]
    actions: tuple[str, ...]
    plays: list[Play]
    success_word: str = "succeed"
    environment: str = ""
    options: Mapping[str, Any] = {}
    horizon: int = 0
    idle: tuple[int, ...] | None = None


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first line of a file; amounts: how many each agent's action has, 0 where it is a number, [] where all are."""

    format: Literal["coterie-episodes"]
    version: int
    agents: list[str]
    actions: list[str] = []
    success_word: str = "succeed"
    environment: str = ""
    options: dict[str, Any] = {}
    horizon: int = 0
    idle: list[int] | None = None
    observation_shapes: list[list[int]] = []
    observation_types: list[str] = []
    amounts: list[int] = []


class Line(msgspec.Struct, frozen=True):
    """One episode: `changes[t]` lists [row, column, cell] for what differs from the board before.

    observation_changes[t] lists [agent, place, number] for what differs from the observations before, `place` counting
    through the flattened observation.
    """

    actions: list[list[int | list[float]]]
    rewards: list[list[float]]
    team: int = 0
    success: bool = False
    ended: bool = False
    keys: list[int] | None = None
    board: list[list[int]] = []
    changes: list[list[tuple[int, int, int]]] = []
    observations: list[list[float]] = []
    observation_changes: list[list[tuple[int, int, float]]] = []
    values: list[list[float]] | None = None
    reported: float | None = msgspec.field(default=None, name="return")


def write_recording(path: Path, recording: Recording) -> None:
    """Write episodes to one file."""
    first = recording.plays[0].observations if recording.plays else ()
    header = Header(
        "coterie-episodes",
        VERSION,
        list(recording.agents),
        list(recording.actions),
        recording.success_word,
        recording.environment,
        dict(recording.options),
        recording.horizon,
        None if recording.idle is None else list(recording.idle),
        [list(np.shape(seen)[1:]) for seen in first],
        [np.asarray(seen).dtype.name for seen in first],
        list(recording.plays[0].amounts) if recording.plays else [],
    )
    lines = [msgspec.json.encode(header).decode(), *(_line(play) for play in recording.plays)]
    write_atomically(path, "".join(line + "\n" for line in lines))


def read_recording(path: Path) -> Recording:
    """The episodes of a file; raises StorageFault with the line where it is damaged."""
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    except OSError as error:
        raise StorageFault(f"{path} cannot be read: {error.strerror or error}") from error
    if not lines:
        raise StorageFault(f"{path} is empty; recorded episodes begin with a line about the agents (docs/episodes.md)")
    faults = (msgspec.DecodeError, ValueError, IndexError, TypeError, OverflowError, RecursionError)
    try:
        header = msgspec.json.decode(lines[0], type=Header)
        _check_header(header)
    except faults as error:
        raise StorageFault(f"{path}, line 1 does not describe recorded episodes (docs/episodes.md): {error}") from error
    plays = []
    for number, text in enumerate(lines[1:], 2):
        if not text.strip():
            continue
        try:
            plays.append(_play(msgspec.json.decode(text, type=Line), header))
        except faults as error:
            raise StorageFault(f"{path}, line {number} is not an episode: {error}") from error
    return Recording(
        tuple(header.agents),
        tuple(header.actions),
        plays,
        header.success_word,
        header.environment,
        header.options,
        header.horizon,
        None if header.idle is None else tuple(header.idle),
    )


def is_recording(path: Path) -> bool:
    """Whether a file begins as recorded episodes do."""
    try:
        with path.open("rb") as file:
            return b"coterie-episodes" in file.read(4096)
    except OSError:
        return False


def keys_of(sights: Sequence[Any]) -> np.ndarray:
    """Numbers that are equal where everything that is seen is equal, int64[T + 1]; sights: arrays [T + 1, ...]."""
    rows = np.concatenate([np.asarray(one, np.float64).reshape(len(one), -1) for one in sights], axis=1)
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _check_header(header: Header) -> None:
    if header.version != VERSION:
        raise ValueError(f"its version is {header.version}, this coterie reads {VERSION}")
    if not header.agents or len(set(header.agents)) != len(header.agents):
        raise ValueError("`agents` must name every agent once")
    if not all(
        word.isprintable() for word in (*header.agents, *header.actions, header.success_word, header.environment)
    ):
        raise ValueError("names and words must be printable text in one line")
    most = len(header.actions) - 1 if header.actions else MOST_ACTION
    if header.idle is not None and (
        len(header.idle) != len(header.agents) or not all(0 <= action <= most for action in header.idle)
    ):
        raise ValueError(f"`idle` must hold one action an agent, {_span(header)}")
    if header.amounts and (
        len(header.amounts) != len(header.agents) or not all(0 <= count <= MOST_AMOUNTS for count in header.amounts)
    ):
        raise ValueError(f"`amounts` must hold one number an agent, 0 (its action is a number) to {MOST_AMOUNTS}")
    if header.horizon < 0:
        raise ValueError(f"`horizon` is {header.horizon}, expected a number of steps, or 0 for no time limit")
    shapes, types = header.observation_shapes, header.observation_types
    if (shapes or types) and not len(shapes) == len(types) == len(header.agents):
        raise ValueError("`observation_shapes` and `observation_types` must have one entry an agent")
    if any(size < 0 for shape in shapes for size in shape) or any(np.dtype(name).kind not in "iufb" for name in types):
        raise ValueError("observations must be arrays of numbers")


def taken(play: Play, step: int) -> list[Any]:
    """What each agent did in a step, counted from 0: a number, or a list of its amounts."""
    row = np.asarray(play.actions)[step]
    if not play.amounts:
        return row.tolist()
    return [own[:count].tolist() if count else int(own[0]) for own, count in zip(row, play.amounts, strict=True)]


def _shortest(action: Any) -> Any:
    """Amounts of float32 in as few digits as tell them apart."""
    return [float(str(np.float32(amount))) for amount in action] if isinstance(action, list) else action


def _line(play: Play) -> str:
    boards = np.asarray(play.boards)
    changes = []
    for before, after in pairwise(boards):
        rows, columns = np.nonzero(before != after)
        changes.append([[int(r), int(c), int(after[r, c])] for r, c in zip(rows, columns, strict=True)])
    flat = [np.asarray(seen).reshape(len(seen), -1) for seen in play.observations]
    seen_changes = [
        [
            [agent, int(place), seen[step, place].item()]
            for agent, seen in enumerate(flat)
            for place in np.flatnonzero(seen[step] != seen[step - 1])
        ]
        for step in range(1, len(boards))
        if flat
    ]
    line = {
        "team": int(play.team),
        "success": bool(play.success),
        "ended": bool(play.ended),
        "keys": np.asarray(play.keys).tolist(),
        "board": boards[0].tolist() if boards.size else [],
        "changes": changes if boards.size else [],
        "observations": [seen[0].tolist() for seen in flat],
        "observation_changes": seen_changes,
        "actions": [[_shortest(action) for action in taken(play, step)] for step in range(len(play.actions))],
        "rewards": np.asarray(play.rewards).tolist(),
        "values": None if play.values is None else np.asarray(play.values).tolist(),
        "return": play.reported,
    }
    return json.dumps({name: value for name, value in line.items() if value is not None and value != []})


def _play(line: Line, header: Header) -> Play:
    steps, agents = len(line.actions), len(header.agents)
    if steps == 0:
        raise ValueError("it has no step")
    for name, rows in (("actions", line.actions), ("rewards", line.rewards)):
        if len(rows) != steps or any(len(row) != agents for row in rows):
            raise ValueError(f"`{name}` must hold {agents} numbers for each of {steps} steps")
    actions, rewards = _actions(line.actions, header), np.array(line.rewards, np.float64)
    if not (np.abs(rewards) <= MOST_REWARD).all():
        raise ValueError(f"every reward must be a number up to {MOST_REWARD:g} in size")
    boards, observations = _boards(line, steps), _observations(line, header, steps)
    values = None
    if line.values is not None:
        if len(line.values) != steps or any(len(row) != agents for row in line.values):
            raise ValueError(f"`values` must hold {agents} numbers for each of {steps} steps")
        values = np.array(line.values, np.float64)
    if line.keys is not None:
        if len(line.keys) != steps + 1:
            raise ValueError(f"`keys` must hold {steps + 1} numbers, one more than there are steps")
        keys = np.array(line.keys, np.int64)
    elif observations or boards.size:
        keys = keys_of(observations or [boards])
    else:
        keys = np.arange(steps + 1, dtype=np.int64)
    return Play(
        keys, boards, actions, rewards, line.success, line.ended, line.team, observations, values, line.reported,
        amounts=tuple(header.amounts) if any(header.amounts) else (),
    )  # fmt: skip


def _actions(rows: list[list[int | list[float]]], header: Header) -> np.ndarray:
    """The actions of an episode, int32[T, N], or float32[T, N, W] where `amounts` says that some are rows of them."""
    counts = header.amounts or [0] * len(header.agents)
    if len(rows) * len(counts) * max(counts) > MOST_NUMBERS:
        raise ValueError("its actions are too many")
    for row in rows:
        for agent, action, count in zip(header.agents, row, counts, strict=True):
            if count and not (isinstance(action, list) and len(action) == count):
                raise ValueError(f"every action of {agent} must be a list of {count} numbers")
            if not count and (isinstance(action, list) or not 0 <= action < (len(header.actions) or 2**31)):
                raise ValueError(f"every action must be a whole number {_span(header)}")
    if not any(counts):
        return np.array(rows, np.int32)
    found = np.zeros((len(rows), len(counts), max(counts)), np.float64)
    for step, row in enumerate(rows):
        for agent, (action, count) in enumerate(zip(row, counts, strict=True)):
            found[step, agent, : count or 1] = action
    if not (np.abs(found) <= MOST_AMOUNT).all():
        raise ValueError(f"every amount must be a number up to {MOST_AMOUNT:g} in size")
    return found.astype(np.float32)


def _boards(line: Line, steps: int) -> np.ndarray:
    widths = {len(row) for row in line.board}
    shape = (len(line.board), widths.pop() if len(widths) == 1 else 0)
    if len(line.changes) != (steps if line.board else len(line.changes)):
        raise ValueError(f"`changes` must have one entry for each of {steps} steps")
    if widths or (steps + 1) * int(np.prod(shape)) > MOST_NUMBERS:
        raise ValueError("`board` must be rows of equal length, and not so many")
    cells = [cell for row in line.board for cell in row] + [cell for step in line.changes for *_, cell in step]
    if not all(0 <= cell <= MOST_CELL for cell in cells):
        raise ValueError(f"every cell of `board` must be a whole number from 0 to {MOST_CELL}")
    boards = np.empty((steps + 1, *shape), np.uint8)
    boards[0] = line.board or boards[0]
    for step, cells in enumerate(line.changes if line.board else (), 1):
        boards[step] = boards[step - 1]
        for row, column, cell in cells:
            if not (0 <= row < shape[0] and 0 <= column < shape[1]):
                raise ValueError(f"step {step} changes row {row}, column {column} of a {shape[0]}x{shape[1]} board")
            boards[step, row, column] = cell
    return boards


def _observations(line: Line, header: Header, steps: int) -> tuple[np.ndarray, ...]:
    if not line.observations:
        return ()
    if len(line.observations) != len(header.agents) or len(line.observation_changes) not in (0, steps):
        raise ValueError(f"`observations` needs one list an agent, `observation_changes` one for each of {steps} steps")
    if (steps + 1) * sum(map(len, line.observations)) > MOST_NUMBERS:
        raise ValueError("its observations are too large")
    frames = [np.empty((steps + 1, len(first)), np.float64) for first in line.observations]
    for frame, first in zip(frames, line.observations, strict=True):
        frame[0] = first
    for step in range(1, steps + 1):
        for frame in frames:
            frame[step] = frame[step - 1]
        for agent, place, number in line.observation_changes[step - 1] if line.observation_changes else ():
            if not (0 <= agent < len(frames) and 0 <= place < frames[agent].shape[1]):
                raise ValueError(
                    f"step {step} changes number {place} of what agent {agent} sees; there is no such number"
                )
            frames[agent][step, place] = number
    if not all(np.isfinite(frame).all() for frame in frames):
        raise ValueError("every observation must be a finite number")
    if not header.observation_shapes:
        return tuple(frames)
    for frame, kind, shape in zip(frames, header.observation_types, header.observation_shapes, strict=True):
        if frame.shape[1] != math.prod(shape):
            raise ValueError(f"an agent sees {frame.shape[1]} numbers, and `observation_shapes` says {shape}")
        lowest, highest = _limits(np.dtype(kind))
        if not ((lowest <= frame) & (frame <= highest)).all():
            raise ValueError(f"an observation does not fit into {kind}, its kind in `observation_types`")
    return tuple(
        frame.astype(kind).reshape(steps + 1, *shape)
        for frame, kind, shape in zip(frames, header.observation_types, header.observation_shapes, strict=True)
    )


def _span(header: Header) -> str:
    return f"from 0 to {len(header.actions) - 1}" if header.actions else "from 0 on, below 2,147,483,648"


def _limits(kind: np.dtype) -> tuple[float, float]:
    if kind.kind == "b":
        return 0.0, 1.0
    found = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    return float(found.min), float(found.max)
