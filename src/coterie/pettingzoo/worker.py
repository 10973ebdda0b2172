"""What runs in a worker process: it imports no JAX, makes its environments and steps them as it is asked."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import connection
from typing import Any, NamedTuple

import numpy as np
from pettingzoo import AECEnv

from coterie.errors import CoterieError, EnvironmentFault
from coterie.pettingzoo.board import Board, blank_board, each
from coterie.pettingzoo.drive import Drive
from coterie.pettingzoo.parallel import Success, parallel
from coterie.pettingzoo.turns import turns
from coterie.settings import PictureOptions
from coterie.types import Spec
from coterie.yours import FAILURES, told

ALIGNMENT = 64  # bytes


class Shared(NamedTuple):
    """What stands in shared memory: the board, and actions int32[E, all] and seeds int64[E] for its next step.

    The board's `at` is int32[W]: the environment that each worker is busy with; -1 while it makes them.
    """

    board: Board
    actions: np.ndarray
    seeds: np.ndarray


class Reads(NamedTuple):
    """How environments are read: see `parallel`."""

    team: Sequence[int] | None = None
    success: Success | None = None
    central: bool = True
    slots: int = 0
    picture: PictureOptions | None = None


class Task(NamedTuple):
    """What a worker is started with: how to make an environment, its own number, and its environments in each half."""

    make: Callable[[], Any]
    reads: Reads
    spec: Spec
    environments: int
    worker: int
    workers: int
    groups: tuple[slice, ...]


class Answer(NamedTuple):
    """What a worker answers: what was asked for, or what went wrong."""

    told: Any = None
    error: CoterieError | None = None


def arrange(spec: Spec, environments: int, workers: int, memory: Any) -> tuple[Shared, int]:
    """The arrays in a block of memory, and how many bytes they take; without a block they stand by themselves."""
    board = blank_board(spec, environments)._replace(at=np.zeros(workers, np.int32))
    actions, seeds = np.zeros((environments, len(spec.agents)), np.int32), np.zeros(environments, np.int64)
    size = 0

    def place(array: np.ndarray) -> np.ndarray:
        nonlocal size
        offset, size = size, size + -(-array.nbytes // ALIGNMENT) * ALIGNMENT
        if memory is None or not array.size:
            return array
        return np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)

    return each(place, Shared(board, actions, seeds)), size


def board_part(board: Board, environments: slice, workers: slice = slice(None)) -> Board:
    """The board of a part of the environments and workers."""
    return each(lambda array: array[environments], board._replace(at=()))._replace(at=board.at[workers])


def made(make: Callable[[], Any]) -> Any:
    """The environment that a function makes."""
    try:
        return make()
    except CoterieError:
        raise
    except FAILURES as error:
        raise EnvironmentFault(f"the environment cannot be made: {told(error)}") from error


def drive(environments: Sequence[Any], reads: Reads, board: Board | None = None, first: int = 0) -> Drive:
    """Drive equal environments in the form that they have, parallel or in turns; `first` is the number of the first."""
    form = turns if isinstance(environments[0], AECEnv) else parallel
    return form(environments, **reads._asdict(), board=board, first=first)


def work(task: Task, memory: Any, pipe: connection.Connection) -> None:
    """A worker's life: make its environments, then step, reset, save and restore them as it is asked."""
    for told_to_all in (signal.SIGINT, signal.SIGTERM):  # the parent saves first, and lets its workers go then
        signal.signal(told_to_all, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    drives: list[Drive] = []
    with contextlib.suppress(EOFError, ConnectionError):  # the parent let go
        try:
            board, actions, seeds = arrange(task.spec, task.environments, task.workers, memory)[0]
            drives = [make_drive(task, board, group) for group in task.groups]
            joint = [(drive, actions[g], seeds[g]) for drive, g in zip(drives, task.groups, strict=True)]
            pipe.send_bytes(b"")
            while True:
                message = pipe.recv_bytes()
                if len(message) == 1:
                    drive, chosen, coming = joint[message[0]]
                    drive.advance(chosen, coming)
                    pipe.send_bytes(b"")
                else:
                    pipe.send_bytes(pickle.dumps(Answer(obey(task, drives, seeds, *pickle.loads(message)))))
        except (EOFError, ConnectionError):
            raise
        except FAILURES as error:
            fault = error if isinstance(error, CoterieError) else EnvironmentFault(told(error))
            fault = type(fault)(f"worker {task.worker}, {fault}")
            fault.add_note("".join(traceback.format_exception(error)))
            pipe.send_bytes(pickle.dumps(Answer(error=fault)))
            pipe.recv_bytes()
    for drive in drives:
        drive.close()


def end_with_parent() -> None:
    """Wait for the parent's end, which a worker that is stuck in a step would not notice, and end, too."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def make_drive(task: Task, board: Board, group: slice) -> Drive:
    """The environments of a group, made and driven here."""
    environments = [made(task.make) for _ in range(group.start, group.stop)]
    mine = board_part(board, group, slice(task.worker, task.worker + 1))
    driven = drive(environments, task.reads, mine, group.start)
    if driven.spec != task.spec:
        raise EnvironmentFault("an environment has other agents or spaces than the first that was made")
    return driven


def obey(task: Task, drives: list[Drive], seeds: np.ndarray, command: str, argument: Any) -> Any:
    """Do what is not a step."""
    if command == "reset":
        for drive, group in zip(drives, task.groups, strict=True):
            drive.reset(seeds[group])
    elif command == "restore":
        ends = np.cumsum(argument["lengths"])
        for drive, group in zip(drives, task.groups, strict=True):
            saved = {name: values[group] for name, values in argument.items() if name != "actions"}
            first = ends[group.start] - argument["lengths"][group.start]
            drive.restore({**saved, "actions": argument["actions"][first : ends[group.stop - 1]]})
    else:
        return [drive.save() for drive in drives]
    return None
