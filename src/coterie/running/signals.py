"""Signals while learning: remembered, so that what was learned is saved before the process ends."""

from __future__ import annotations

import signal


class Signals:
    """Remembers SIGINT or SIGTERM instead of dying of it, while learning; the second one is not waited for.

    Outside the main thread nothing changes.
    """

    received: int | None = None
    deaf = False

    def __enter__(self) -> Signals:
        self.before = {}
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

    def __exit__(self, *problem: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
