"""A process of its own to examine in: fresh, with one thread, and gone with its parent."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import types
from collections.abc import Iterator
from multiprocessing import connection, resource_tracker

from coterie.pettingzoo.workers.hand import CHILD_VARIABLES


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


def how_it_ended(code: int | None) -> str:
    """A process's exit code in words."""
    if code is not None and code < 0:
        return f"signal {-code} ({signal.Signals(-code).name})"
    return f"exit code {code}"


def end_with_parent() -> None:
    """Wait for the parent's end, which a worker that is stuck in a step would not notice, and end, too."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
