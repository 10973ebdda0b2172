"""A case with a known answer: what is asked, and what an expert answers from the definition alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from coterie.types import Finding


class Case(NamedTuple):
    """answer: whether there is something to mend; `ask()` gives the finding, whose verdict "yes" is a detection."""

    diagnostic: str
    family: str
    seed: int
    answer: bool
    ask: Callable[[], Finding]

    @property
    def detected(self) -> bool:
        """Whether the detector says yes."""
        return self.ask().verdict == "yes"
