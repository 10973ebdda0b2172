"""Environments in processes of their own, over one block of shared memory, behind the interface of `Drive`.

A worker is a fresh interpreter that imports no JAX and computes in one thread (hand.py: how it is held; worker.py: what
it does). Worker and parent exchange a byte a joint step, where a step of the lightest environments takes 150 us; all
arrays stand in memory that has no name, so that nothing is left behind however the parent ends. Worlds can be stepped
by halves: while the policy acts for one half, the workers step the other.

A worker that dies or hangs is started again, and plays its episodes from their seeds and actions up to where they were;
then it is asked again for what it did not answer. What an environment raises or breaks is an EnvironmentFault.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import time
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.driving.board import checksum, each, read_board, sight
from coterie.pettingzoo.driving.drive import where
from coterie.pettingzoo.driving.journal import Journal, part
from coterie.pettingzoo.forms.parallel import Reads
from coterie.pettingzoo.workers.hand import Hand, Lost, Memory, long, shut
from coterie.pettingzoo.workers.worker import Task, arrange, board_part, drive, elsewhere, made
from coterie.types import Outcome, Sight, Spec

PATIENCE = 120.0  # seconds for one joint step
START_PATIENCE = 300.0  # seconds to import and make the environments, to reset them all, or to replay a piece
RESTARTS, WITHIN = 3, 3600.0  # so many in so many seconds
USUAL = Reads()
RESET, STEPS = long(("reset",)), (b"\0", b"\1")  # of a half


class Workers:
    """E equal environments, stepped in `workers` processes; what they do is what a `Drive` of them does.

    make makes one environment; it and how it is read are sent to the workers, so they must be found by name in a
    module. halves are the slices of [E] that can be stepped by themselves, with `send` and `receive`: two, or one, or
    as `best_parts` says. Neither their number nor that of the workers changes a result, nor does it that a worker is
    lost: on_restart is told in one sentence (without it, it is a warning), RESTARTS times an hour at most.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        environments: int,
        workers: int,
        reads: Reads = USUAL,
        *,
        parts: int | None = None,
        patience: float | None = None,
        on_restart: Callable[[str], None] | None = None,
    ) -> None:
        if not 1 <= workers <= environments:
            raise BadInput(f"{workers} workers for {environments} environments; expected 1 to {environments}")
        self.spec = spec_of(make, reads)
        self.halves = halves_of(environments, workers, parts or best_parts(workers))
        self.groups = [tuple(share(half, worker, workers) for half in self.halves) for worker in range(workers)]
        self.tasks = [
            packed(Task(make, reads, self.spec, environments, worker, workers, groups))
            for worker, groups in enumerate(self.groups)
        ]
        self.patience, self.on_restart = patience or PATIENCE, on_restart or warn
        self.memory = Memory(arrange(self.spec, environments, workers, None)[1])
        self.shared, _ = arrange(self.spec, environments, workers, self.memory.block)
        self.boards = [board_part(self.shared.board, half) for half in self.halves]
        self.journal = Journal(environments, len(self.spec.agents), self.spec.action_shape)
        self.shown = [sight(board.begun) for board in self.boards]
        self.checks: np.ndarray | None = None
        self.waiting: list[list[bytes]] = [[] for _ in range(workers)]
        self.restarts: list[float] = []
        self.lost_at: tuple[int, ...] = ()
        self.hands: list[Hand] = []
        self.owner = os.getpid()
        weakref.finalize(self, shut, self.hands, self.memory, self.owner)
        with self._closed_where_it_fails():
            for worker in range(workers):
                self.hands.append(self._start(worker))
            for worker, hand in enumerate(self.hands):
                try:
                    hand.hear(START_PATIENCE)
                except Lost as lost:
                    self._restart(worker, lost)

    def reset(self, seeds: np.ndarray) -> Sight:
        """Begin an episode everywhere, with these seeds [E]."""
        self._finish()
        self.journal.clear()
        self.shared.seeds[:] = seeds
        self._tell(RESET)
        self._finish(START_PATIENCE)
        self.journal.begin(seeds)
        return self._begun()

    def step(self, actions: np.ndarray, seeds: np.ndarray) -> tuple[Outcome, Sight]:
        """Step all with actions [E, all(, W)]: what happened, and what is shown now, after resets with seeds [E]."""
        for number, half in enumerate(self.halves):
            self.send(number, actions[half], seeds[half])
        told = [self.receive(number) for number in range(len(self.halves))]
        return told[0] if len(told) == 1 else each(lambda *parts: np.concatenate(parts), *told)

    def send(self, number: int, actions: np.ndarray, seeds: np.ndarray) -> None:
        """Have one half stepped, with its own actions and seeds; returns at once."""
        half = self.halves[number]
        self.shared.actions[half] = actions
        self.shared.seeds[half] = seeds
        self._tell(STEPS[number])

    def receive(self, number: int) -> tuple[Outcome, Sight]:
        """What the step of a half did, and what it shows now; halves are received in the order they were sent in."""
        for worker in range(len(self.hands)):
            self._hear(worker, self.patience)
        half = self.halves[number]
        outcome, shown = read_board(self.boards[number])
        self.journal.step(half, self.shared.actions[half], outcome.over, self.shared.seeds[half])
        self.shown[number] = shown
        return outcome, shown

    def save(self) -> dict[str, np.ndarray]:
        """The episodes under way, as `Drive.save` keeps them: with another number of workers they go on just so."""
        return self.journal.mark().saved(each(lambda *parts: np.concatenate(parts), *self.shown))

    def restore(self, saved: Mapping[str, np.ndarray]) -> Sight:
        """Play the saved episodes again, up to where they were."""
        self._finish()
        self.journal.load(saved)
        self.checks = saved["checksums"]
        with self._closed_where_it_fails():
            past = {worker: self._past(worker) for worker in range(len(self.hands))}
            while past:
                for worker in list(past):
                    piece = next(past[worker], None)
                    if piece is None:
                        del past[worker]
                    else:
                        self.hands[worker].tell(piece)
                for worker in list(past):
                    try:
                        self.hands[worker].hear(START_PATIENCE)
                    except Lost as lost:
                        del past[worker]
                        self._restart(worker, lost)
        self.checks = None
        return self._begun()

    def close(self) -> None:
        """Let the workers go; what was played can still be saved."""
        shut(self.hands, self.memory, self.owner)

    def _start(self, worker: int) -> Hand:
        """A new process, which makes its environments and answers once it has."""
        self.shared.board.at[worker] = -1
        hand = Hand(worker, self.memory)
        hand.tell(self.tasks[worker])
        return hand

    def _begun(self) -> Sight:
        """What is shown where an episode has begun, or was played again, everywhere."""
        self.shown = [sight(board.begun) for board in self.boards]
        return sight(self.shared.board.begun)

    def _tell(self, message: bytes) -> None:
        """Ask every worker for something; each answers once."""
        if not self.hands:
            raise EnvironmentFault("the workers are closed")
        for hand, waiting in zip(self.hands, self.waiting, strict=True):
            waiting.append(message)
            hand.tell(message)

    def _finish(self, patience: float | None = None) -> None:
        """Until nothing is waited for: also what was sent and never received, because the program was interrupted."""
        for worker, waiting in enumerate(self.waiting):
            while waiting and self.hands:
                self._hear(worker, patience or self.patience)

    def _hear(self, worker: int, patience: float) -> None:
        """Wait for a worker's next answer, or for that of another in its place; raises EnvironmentFault."""
        try:
            while True:
                try:
                    self.hands[worker].hear(patience)
                    break
                except Lost as lost:
                    self._restart(worker, lost)
        except BaseException:
            self.close()
            raise
        del self.waiting[worker][0]

    def _restart(self, worker: int, lost: Lost) -> None:
        """Another process in the place of one that is lost: brought to where that was, and asked again."""
        while True:
            self._allow(worker, str(lost))
            self.hands[worker].kill()
            self.hands[worker] = hand = self._start(worker)
            try:
                hand.hear(START_PATIENCE)
                for piece in self._past(worker):
                    hand.tell(piece)
                    hand.hear(START_PATIENCE)
            except Lost as again:
                lost = again
                continue
            for message in self.waiting[worker]:
                hand.tell(message)
            return

    def _allow(self, worker: int, what: str) -> None:
        """Say that a worker is started again; raises EnvironmentFault where it is lost too often, or at one place."""
        board, now = self.shared.board, time.monotonic()
        at = int(board.at[worker])
        place = (worker, at, int(board.seeds[at]), int(board.steps[at])) if at >= 0 else ()
        told = f"worker {worker}, {where(*place[1:]) if place else 'making its environments'}: {what}"
        self.restarts = [one for one in self.restarts if now - one < WITHIN]
        if place and place == self.lost_at:
            raise EnvironmentFault(f"{told}, and so again after it was started anew")
        if len(self.restarts) >= RESTARTS:
            raise EnvironmentFault(f"{told}, after {RESTARTS} restarts within an hour")
        self.restarts.append(now)
        self.lost_at = place
        self.on_restart(f"{told}; it is started again and plays its episodes up to there, so that nothing changes")

    def _past(self, worker: int) -> Iterator[bytes]:
        """All that a worker's environments have to play to be where they are, in pieces."""
        if not self.journal.played:
            return
        for number, group in enumerate(self.groups[worker]):
            for place in range(group.start, group.stop):
                for piece in self.journal.pieces(place, self._check(number, place)):
                    yield long(("replay", number, place - group.start, *piece))

    def _check(self, number: int, place: int) -> int:
        """The checksum of what a world of a half shows."""
        if self.checks is not None:
            return int(self.checks[place])
        return checksum(part(self.shown[number], place - self.halves[number].start))

    @contextlib.contextmanager
    def _closed_where_it_fails(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise


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


def packed(task: Task) -> bytes:
    """What a worker is told first; BadInput where another process could not find it."""
    try:
        return long(task)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise elsewhere(error) from error


def warn(sentence: str) -> None:
    """Say it as Python says things."""
    warnings.warn(sentence, RuntimeWarning, stacklevel=2)
