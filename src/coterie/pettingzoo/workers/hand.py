"""One worker process as its parent holds it: it is told, it is heard within a deadline, and it always ends.

What is said goes through a pair of sockets: a byte a joint step and a byte in answer; what is longer has its length
before it. Nothing of the parent's is changed to start a worker: it may use threads, signals and any main module.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any

from coterie.errors import CoterieError

CHILD_VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",  # for environments that use JAX themselves: the accelerator belongs to the learner
}
PROGRAM = (
    "import sys; sys.path[:] = {path!r}\n"
    "from coterie.pettingzoo.workers.lifeline import tie; tie({pipe})\n"
    "from coterie.pettingzoo.workers.worker import work; work({line}, {memory})"
)
WORKER = "coterie-worker"  # what the processes are called that step environments
LAST_PATIENCE = 3.0  # seconds to close the environments before a worker is killed
TELLING_PATIENCE = 60.0  # seconds until what is longer than a byte is taken
ONCE_MORE = 0.1  # seconds after a deadline, for a parent that was held up itself meanwhile
FINE, LONG = b"\0", 255  # the answer to what was done, and the byte before a message with its length


class Lost(Exception):
    """A worker does not answer; what happened to it, in words."""


class Memory:
    """A block of memory without a name, so that nothing is left behind; shared with whoever is passed its file."""

    def __init__(self, size: int) -> None:
        self.file = io.FileIO(_without_a_name(), "r+")
        self.file.truncate(size)
        self.block = mmap.mmap(self.file.fileno(), size)


def _without_a_name() -> int:
    """A file that nobody can find; where the system has none, one whose name is taken away at once."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("coterie")
    number, place = tempfile.mkstemp()
    os.unlink(place)
    return number


class Hand:
    """A worker process that was just started, in a process group of its own."""

    def __init__(self, number: int, memory: Memory) -> None:
        self.over = False
        self.process: subprocess.Popen[bytes] | None = None
        self.line, theirs = socket.socketpair()
        reading, writing = os.pipe()
        self.life = io.FileIO(writing, "w")  # closed where the worker is to end
        line, file = theirs.fileno(), memory.file.fileno()
        program = PROGRAM.format(path=list(map(str, sys.path)), pipe=reading, line=line, memory=file)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program, f"{WORKER}-{number}"],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **CHILD_VARIABLES},
                pass_fds=(reading, line, file),
                process_group=0,
            )
        except BaseException:
            self.kill()
            raise
        finally:
            theirs.close()
            os.close(reading)

    def tell(self, message: bytes) -> None:
        """Say something; where nobody listens, it is found out where the answer is waited for."""
        if len(message) > 1:
            self.line.settimeout(TELLING_PATIENCE)
        with contextlib.suppress(ConnectionError, TimeoutError):
            self.line.sendall(message)

    def hear(self, patience: float) -> None:
        """Wait for an answer; raises Lost where there is none in time, and the worker's own error where it is one."""
        error: CoterieError | None = None
        try:
            if self._next(patience) != FINE:
                error = pickle.loads(read_long(self.line))
        except TimeoutError:
            raise Lost("no answer in time: it hangs or is too slow") from None
        except (EOFError, ConnectionError):
            raise Lost(f"its process ended with {self._how()}") from None
        if error is not None:
            raise error

    def _next(self, patience: float) -> bytes:
        for seconds in (patience, ONCE_MORE):
            if self.line.gettimeout() != seconds:
                self.line.settimeout(seconds)
            with contextlib.suppress(TimeoutError):
                return read(self.line, 1)
        raise TimeoutError

    def _how(self) -> str:
        """How the process ended, in words."""
        try:
            code = self.process.wait(LAST_PATIENCE) if self.process is not None else None
        except subprocess.TimeoutExpired:
            return "no exit code: it closed its line"
        if code is not None and code < 0:
            return f"signal {-code} ({signal.Signals(-code).name})"
        return f"exit code {code}"

    def let_go(self) -> None:
        """Say that nothing more will come; the worker closes its environments and ends."""
        with contextlib.suppress(OSError):
            self.line.shutdown(socket.SHUT_WR)

    def wait(self, deadline: float) -> None:
        """Until the worker has ended, or it is this time (of time.monotonic)."""
        with contextlib.suppress(OSError):
            while (left := deadline - time.monotonic()) > 0:
                self.line.settimeout(left)
                if not self.line.recv(4096):
                    break

    def kill(self) -> None:
        """End the worker and all that it has started, at once; what is over stays so."""
        if self.over:
            return
        self.life.close()
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(LAST_PATIENCE)
        self.line.close()
        self.over = True


def shut(hands: list[Hand], memory: Memory, owner: int) -> None:
    """Let workers end by themselves, and kill those that do not; a process that forked from their owner has none."""
    if os.getpid() != owner:
        return
    try:
        for hand in hands:
            hand.let_go()
        deadline = time.monotonic() + LAST_PATIENCE
        for hand in hands:
            hand.wait(deadline)
    finally:
        for hand in hands:
            hand.kill()
        hands.clear()
        memory.file.close()


# What is said


def read(line: socket.socket, count: int) -> bytes:
    """So many bytes; raises EOFError where the other side has gone."""
    told = line.recv(count)
    while told and len(told) < count:
        more = line.recv(count - len(told))
        told = told + more if more else b""
    if not told and count:
        raise EOFError
    return told


def long(told: Any) -> bytes:
    """A message of any length."""
    body = pickle.dumps(told)
    return bytes([LONG]) + len(body).to_bytes(8, "big") + body


def read_long(line: socket.socket) -> bytes:
    """The rest of a long message, whose first byte was read."""
    return read(line, int.from_bytes(read(line, 8), "big"))
