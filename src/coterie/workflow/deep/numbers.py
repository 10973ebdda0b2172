"""The numbers of a finished deep run's verdict, read back from its folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from coterie.errors import BadInput, StorageFault
from coterie.running import recorder
from coterie.workflow.deep.plan import DeepPlan


class DeepNumbers(msgspec.Struct):
    """What is read again of a deep run's verdict: one number a seed, and what they are held against."""

    seeds: list[int]
    returns: list[float]
    success: list[float]
    success_word: str
    success_known: bool
    agents: int
    optimum: float | None
    objective: str
    random: float
    idle: float
    idle_action: str
    exact: bool
    episodes: int
    env_steps: int
    unit: str


def deep_numbers(folder: Path, chosen: DeepPlan) -> DeepNumbers:
    """The verdict's numbers; BadInput where the run has none yet, StorageFault where they are damaged."""
    place = folder / "evaluation.json"
    if not place.exists():
        word = recorder.word_for(folder)
        raise BadInput(f"{folder.name} was stopped before its end; go on with: coterie resume {word}")
    try:
        saved = msgspec.json.decode(place.read_bytes(), type=DeepNumbers)
    except OSError as error:
        raise StorageFault(f"{place} cannot be read: {error.strerror or error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise StorageFault(f"{place} is not a deep run's verdict: {error}") from error
    if not len(saved.seeds) == len(saved.returns) == len(saved.success) == chosen.seeds:
        raise StorageFault(f"{place} does not fit its run's settings: it has not {chosen.seeds} seeds")
    return saved
