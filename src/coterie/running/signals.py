"""Signals while learning: remembered, so that what was learned is saved before the process ends."""

from __future__ import annotations

import signal
from types import FrameType
from typing import ClassVar


class Signals:
    """Remembers SIGINT or SIGTERM instead of dying of it, while learning; the second one is not waited for.

    Outside the main thread nothing changes. latest: the last one that any of them remembered; a signal that comes while
    a finished run is judged does not stop that run, and whoever carries out several must know of it. early: one that
    came before and should have stopped the command, and did not.
    """

    latest: ClassVar[int | None] = None
    early: ClassVar[int | None] = None
    received: int | None = None
    deaf = False

    def __enter__(self) -> Signals:
        self.before, self.received = {}, Signals.early
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self.before[number] = signal.signal(number, self._note)
        except ValueError:  # not the main thread
            pass
        return self

    def _note(self, number: int, frame: object) -> None:
        if self.received is not None and not self.deaf:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
        self.received = self.received or number
        Signals.latest = number

    def __exit__(self, *problem: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)


def importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported where the program stands."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
