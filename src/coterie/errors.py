"""What can go wrong, one class for each exit code, each message one clear sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class CoterieError(Exception):
    """An error with a sentence for the user; `exit_code` is what the command returns.

    run: the finished run that it is about, where something is left to look at.
    """

    exit_code = 1
    run: Any = None


class BadInput(CoterieError, ValueError):
    """The user asked for something that does not exist or cannot be."""

    exit_code = 2


class EnvironmentFault(CoterieError, RuntimeError):
    """An environment or a user's agent broke its promise."""

    exit_code = 3


class StorageFault(CoterieError, OSError):
    """A file or folder could not be read or written, or is not what it claims to be."""

    exit_code = 4


class Diverged(CoterieError, ArithmeticError):
    """Learning left the finite numbers."""

    exit_code = 5


class Stopped(CoterieError):
    """A signal ended the run; what was learned is in its checkpoint."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def nearest(word: str, known: Iterable[str]) -> str:
    """The nearest known name as `; did you mean 'x'?`, or the whole list where none is near."""
    word, known = str(word), list(map(str, known))
    near = difflib.get_close_matches(word.replace("_", "-"), known, n=1, cutoff=0.5) or difflib.get_close_matches(
        word, known, n=1, cutoff=0.5
    )
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known: {', '.join(known[:12])}{', …' if len(known) > 12 else ''}" if known else ""
