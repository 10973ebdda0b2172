"""How a worker ends with its parent, whatever either of them is doing; the first thing that a worker imports.

The parent holds the writing end of a pipe, and nobody else does. When it is closed, by the parent or by the parent's
end, the system itself kills the worker's process group: also a worker that hangs in compiled code, and what its
environments have started. Where the system cannot be asked for that, a thread looks out.
"""

from __future__ import annotations

import os
import select
import signal
import threading

_pipes: list[int] = []


def tie(pipe: int) -> None:
    """Let this process, which leads a group of its own, end when the other end of a pipe is closed."""
    os.set_inheritable(pipe, False)
    _pipes.append(pipe)
    try:
        from fcntl import F_GETFL, F_SETFL, F_SETOWN, F_SETSIG, fcntl

        fcntl(pipe, F_SETSIG, signal.SIGKILL)
        fcntl(pipe, F_SETOWN, -os.getpgrp())
        fcntl(pipe, F_SETFL, fcntl(pipe, F_GETFL) | os.O_ASYNC)
    except (ImportError, OSError):  # not on Linux
        pass
    threading.Thread(target=_look_out, args=(pipe, os.getppid()), daemon=True).start()


def is_worker() -> bool:
    """Whether this process steps environments for another."""
    return bool(_pipes)


def _look_out(pipe: int, parent: int) -> None:
    """End once the pipe is closed, which it may have been already, or the parent is another."""
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    while not poller.poll(1000) and os.getppid() == parent:
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)
