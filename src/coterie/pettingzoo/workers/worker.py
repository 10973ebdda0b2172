"""What runs in a worker process: it imports no JAX, makes its environments and steps them as it is asked."""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import signal
import socket
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from pettingzoo import AECEnv

from coterie.errors import BadInput, CoterieError, EnvironmentFault
from coterie.pettingzoo.driving.board import Board, blank_board, each
from coterie.pettingzoo.driving.drive import Drive
from coterie.pettingzoo.forms.parallel import Reads, parallel
from coterie.pettingzoo.forms.turns import turns
from coterie.pettingzoo.workers.hand import FINE, LONG, long, read, read_long
from coterie.types import Spec
from coterie.yours import FAILURES, told

ALIGNMENT = 64  # bytes


class Shared(NamedTuple):
    """What stands in shared memory: the board, and actions (see `joint_action`) and seeds int64[E] for its next step.

    The board's `at` is int32[W]: the environment that each worker is busy with; -1 while it makes them.
    """

    board: Board
    actions: np.ndarray
    seeds: np.ndarray


class Task(NamedTuple):
    """What a worker is started with: how to make an environment, its own number, and its environments in each half."""

    make: Callable[[], Any]
    reads: Reads
    spec: Spec
    environments: int
    worker: int
    workers: int
    groups: tuple[slice, ...]


def arrange(spec: Spec, environments: int, workers: int, memory: Any) -> tuple[Shared, int]:
    """The arrays in a block of memory, and how many bytes they take; without a block they stand by themselves."""
    board = blank_board(spec, environments)._replace(at=np.zeros(workers, np.int32))
    actions = np.zeros((environments, len(spec.agents), *spec.action_shape), spec.action_dtype)
    seeds = np.zeros(environments, np.int64)
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
    try:
        return form(environments, reads, board, first)
    except CoterieError:
        raise
    except FAILURES as error:
        raise EnvironmentFault(f"the environment fails as soon as it is looked at: {told(error)}") from error


def elsewhere(error: BaseException) -> BadInput:
    """What to say where a function does not reach another process."""
    return BadInput(
        f"the environments cannot be made in other processes ({told(error)}); use workers=0, or a function that stands "
        "in a file of its own, like ./mine.py:make_env"
    )


def work(line: int, memory: int) -> None:
    """A worker's life: make its environments, then step, reset and restore them as it is asked.

    line is the socket that it is told and answers through, memory the file of what it shares with its parent.
    """
    for told_to_all in (signal.SIGINT, signal.SIGTERM):  # the parent saves first, and lets its workers go then
        signal.signal(told_to_all, _deaf)
    talk, block = socket.socket(fileno=line), mmap.mmap(memory, 0)
    talk.set_inheritable(False)
    os.close(memory)
    drives: list[Drive] = []
    with contextlib.suppress(EOFError, ConnectionError):  # the parent let go
        worker = "a worker"
        try:
            task = read_task(talk)
            worker = f"worker {task.worker}"
            board, actions, seeds = arrange(task.spec, task.environments, task.workers, block)[0]
            drives = [make_drive(task, board, group) for group in task.groups]
            joint = [(drive, actions[g], seeds[g]) for drive, g in zip(drives, task.groups, strict=True)]
            talk.sendall(FINE)
            while True:
                number = read(talk, 1)[0]
                if number != LONG:
                    drive, chosen, coming = joint[number]
                    drive.advance(chosen, coming)
                else:
                    obey(drives, [coming for _, _, coming in joint], *pickle.loads(read_long(talk)))
                talk.sendall(FINE)
        except (EOFError, ConnectionError):
            raise
        except FAILURES as error:
            fault = error if isinstance(error, CoterieError) else EnvironmentFault(told(error))
            fault = fault if isinstance(fault, BadInput) else type(fault)(f"{worker}, {fault}")
            fault.add_note("".join(traceback.format_exception(error)))
            talk.sendall(long(fault))
            read(talk, 1)
    for drive in drives:
        drive.close()


def _deaf(number: int, frame: object) -> None:
    """Nothing; unlike a signal that is ignored, what an environment starts hears it again."""


def read_task(talk: socket.socket) -> Task:
    """What a worker is told first."""
    read(talk, 1)
    task = read_long(talk)
    try:
        return pickle.loads(task)
    except FAILURES as error:
        raise elsewhere(error) from error


def make_drive(task: Task, board: Board, group: slice) -> Drive:
    """The environments of a group, made and driven here."""
    environments = several(task.make, group.stop - group.start)
    mine = board_part(board, group, slice(task.worker, task.worker + 1))
    driven = drive(environments, task.reads, mine, group.start)
    if driven.spec != task.spec:
        raise EnvironmentFault("an environment has other agents or spaces than the first that was made")
    return driven


def several(make: Callable[[], Any], count: int) -> list[Any]:
    """So many environments; BadInput where they are one and the same, which cannot be stepped side by side."""
    environments = [made(make) for _ in range(count)]
    inside = {id(getattr(one, "unwrapped", one)) for one in environments}
    if len(inside) < count:
        raise BadInput(
            f"what makes the environments gave the same {type(environments[0]).__name__} twice, and {count} are "
            "stepped side by side; make a new one in each call"
        )
    return environments


def obey(drives: list[Drive], seeds: list[np.ndarray], command: str, *arguments: Any) -> None:
    """Do what is not a step: reset all, or play a piece of one episode again."""
    if command == "reset":
        for drive, coming in zip(drives, seeds, strict=True):
            drive.reset(coming)
    else:
        group, *piece = arguments
        drives[group].replay(*piece)
