"""Environments in processes of their own, over one block of shared memory, behind the interface of `Drive`.

A worker is a fresh interpreter that imports no JAX and computes in one thread. Worker and parent exchange a byte a
joint step through a pipe (16 us there and back, where a step of the lightest environments takes 150); all arrays stand
in memory that has no name, so that nothing is left behind however the parent ends. A worker that raises, dies or hangs
is an EnvironmentFault that names the environment, its seed and its step. Worlds can be stepped by halves: while the
policy acts for one half, the workers step the other.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import select
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import resource_tracker, util
from typing import Any

import numpy as np

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.board import read_board, sight
from coterie.pettingzoo.drive import where
from coterie.pettingzoo.live import WORKER
from coterie.pettingzoo.worker import Answer, Reads, Task, arrange, board_part, drive, made, work
from coterie.types import Outcome, Sight, Spec
from coterie.yours import told

PATIENCE = 120.0  # seconds for one joint step
USUAL = Reads()
START_PATIENCE = 300.0  # seconds to import and make the environments, or to reset and restore them all
LAST_PATIENCE = 3.0  # seconds to close the environments before a worker is killed
CHILD_VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",  # for environments that use JAX themselves: the accelerator belongs to the learner
}


class Workers:
    """E equal environments, stepped in `workers` processes; what they do is what a `Drive` of them does.

    make makes one environment; it and how it is read are sent to the workers, so they must be found by name in a
    module. halves are the slices of [E] that can be stepped by themselves, with `send` and `receive`: two, or one, or
    as `best_parts` says. Neither their number nor that of the workers changes a result.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        environments: int,
        workers: int,
        reads: Reads = USUAL,
        *,
        parts: int | None = None,
        patience: float = PATIENCE,
    ) -> None:
        if not 1 <= workers <= environments:
            raise BadInput(f"{workers} workers for {environments} environments; expected 1 to {environments}")
        self.spec = spec_of(make, reads)
        self.halves = halves_of(environments, workers, parts or best_parts(workers))
        self.patience, self.deadline = patience, 0.0
        memory = multiprocessing.get_context("spawn").RawArray(
            ctypes.c_uint8, arrange(self.spec, environments, workers, None)[1]
        )
        self.shared, _ = arrange(self.spec, environments, workers, memory)
        self.shared.board.at.fill(-1)
        self.boards = [board_part(self.shared.board, half) for half in self.halves]
        self.processes: list[Any] = []
        self.pipes: list[Any] = []
        self.pollers: list[Any] = []
        self.close = util.Finalize(self, shut, (self.processes, self.pipes), exitpriority=100)
        try:
            for worker in range(workers):
                groups = tuple(share(half, worker, workers) for half in self.halves)
                task = Task(make, reads, self.spec, environments, worker, workers, groups)
                self._start(task, memory)
            for worker in range(workers):
                self._answer(worker, time.monotonic() + START_PATIENCE)
        except BaseException:
            self.close()
            raise

    def reset(self, seeds: np.ndarray) -> Sight:
        """Begin an episode everywhere, with these seeds [E]."""
        self.shared.seeds[:] = seeds
        self._ask("reset")
        return sight(self.shared.board.begun)

    def step(self, actions: np.ndarray, seeds: np.ndarray) -> tuple[Outcome, Sight]:
        """Step all with actions [E, all]: what happened, and what is shown now, after resets with seeds from [E]."""
        for number, half in enumerate(self.halves):
            self.send(number, actions[half], seeds[half])
        for _ in self.halves:
            self._wait()
        return read_board(self.shared.board)

    def send(self, number: int, actions: np.ndarray, seeds: np.ndarray) -> None:
        """Have one half stepped, with its own actions and seeds; returns at once."""
        half = self.halves[number]
        self.shared.actions[half] = actions
        self.shared.seeds[half] = seeds
        self._tell(bytes([number]))
        self.deadline = time.monotonic() + self.patience

    def receive(self, number: int) -> tuple[Outcome, Sight]:
        """What the step of a half did, and what it shows now; halves are received in the order they were sent in."""
        self._wait()
        return read_board(self.boards[number])

    def save(self) -> dict[str, np.ndarray]:
        """The episodes under way, as `Drive.save` keeps them: with another number of workers they go on just so."""
        answers = self._ask("save")
        parts = [saved[number] for number in range(len(self.halves)) for saved in answers]
        return {name: np.concatenate([saved[name] for saved in parts]) for name in parts[0]}

    def restore(self, saved: Mapping[str, np.ndarray]) -> Sight:
        """Play the saved episodes again, up to where they were."""
        self._ask("restore", dict(saved))
        return sight(self.shared.board.begun)

    def _start(self, task: Task, memory: Any) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(task, memory, theirs), name=f"{WORKER}-{task.worker}")
        try:
            with fresh_child():
                process.start()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            ours.close()
            raise BadInput(
                f"the environments cannot be made in other processes ({told(error)}); use workers=0, or a function "
                "that stands in a file of its own, like ./mine.py:make_env"
            ) from error
        finally:
            theirs.close()
        self.processes.append(process)
        self.pipes.append(ours)
        self.pollers.append(select.poll())
        self.pollers[-1].register(ours.fileno(), select.POLLIN)

    def _ask(self, command: str, argument: Any = None) -> list[Any]:
        self._tell(pickle.dumps((command, argument)))
        deadline = time.monotonic() + START_PATIENCE
        return [self._answer(worker, deadline) for worker in range(len(self.pipes))]

    def _tell(self, message: bytes) -> None:
        if not self.pipes:
            raise EnvironmentFault("the workers are closed")
        for pipe in self.pipes:
            with contextlib.suppress(ConnectionError):  # what happened is told where the answer is waited for
                pipe.send_bytes(message)

    def _wait(self) -> None:
        for worker in range(len(self.pipes)):
            self._answer(worker, self.deadline)

    def _answer(self, worker: int, deadline: float) -> Any:
        """What a worker answers; everything is closed and a fault raised where it does not."""
        answer = Answer()
        try:
            if self.pollers[worker].poll(1000 * max(0.0, deadline - time.monotonic())):
                message = self.pipes[worker].recv_bytes()
                answer = pickle.loads(message) if message else answer
            else:
                answer = Answer(error=self._fault(worker, "no answer in time: it hangs or is too slow"))
        except (EOFError, ConnectionError):
            self.processes[worker].join(LAST_PATIENCE)
            how = how_it_ended(self.processes[worker].exitcode)
            answer = Answer(error=self._fault(worker, f"its process ended with {how}"))
        if answer.error is not None:
            self.close()
            raise answer.error
        return answer.told

    def _fault(self, worker: int, what: str) -> EnvironmentFault:
        board = self.shared.board
        at = int(board.at[worker])
        if at < 0:
            return EnvironmentFault(f"worker {worker}, making its environments: {what}")
        return EnvironmentFault(f"worker {worker}, {where(at, board.seeds[at], board.steps[at])}: {what}")


def spec_of(make: Callable[[], Any], reads: Reads) -> Spec:
    """Who the agents of an environment are; makes one and closes it again."""
    one = drive([made(make)], reads)
    try:
        return one.spec
    finally:
        one.close()


def best_parts(workers: int) -> int:
    """Two, where a processor is left over to act for one half while the workers step the other.

    Where there is none, nothing is won, and acting twice for each joint step is lost.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 2 if workers < processors else 1


def halves_of(environments: int, workers: int, parts: int) -> tuple[slice, ...]:
    """The parts of [E] that are stepped by themselves: two only where every worker has an environment in both."""
    if parts == 1 or environments < 2 * workers:
        return (slice(0, environments),)
    middle = (environments + 1) // 2
    return slice(0, middle), slice(middle, environments)


def share(half: slice, worker: int, workers: int) -> slice:
    """One worker's environments of a half."""
    size = half.stop - half.start
    return slice(half.start + size * worker // workers, half.start + size * (worker + 1) // workers)


def how_it_ended(code: int | None) -> str:
    """A process's exit code in words."""
    if code is not None and code < 0:
        return f"signal {-code} ({signal.Signals(-code).name})"
    return f"exit code {code}"


@contextlib.contextmanager
def fresh_child() -> Iterator[None]:
    """How a worker is started: with one thread, without this program's main module, and deaf to Ctrl-C.

    Without its main module a program needs no `if __name__ == "__main__"`, and what it imports is not imported again.
    """
    before, main = {name: os.environ.get(name) for name in CHILD_VARIABLES}, sys.modules["__main__"]
    resource_tracker.ensure_running()  # when it is started later, it lets Ctrl-C through again
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ.update(CHILD_VARIABLES)
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def shut(processes: list[Any], pipes: list[Any]) -> None:
    """Let the workers go: they end when their pipe is closed, and are killed where they do not."""
    for pipe in pipes:
        pipe.close()
    pipes.clear()
    deadline = time.monotonic() + LAST_PATIENCE
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join()
        process.close()
    processes.clear()
