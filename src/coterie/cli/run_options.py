"""Options of the commands that look at a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunOptions:
    """Which runs there are, and who reads the output."""

    runs: str = "runs"
    """The folder that holds the runs."""
    json: bool = False
    """Print for programs."""
