"""How a deep run stopped or failed, in words, and what was saved of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from coterie.errors import CoterieError, Diverged, EnvironmentFault, StorageFault
from coterie.running import recorder
from coterie.running.deep.lanes import Lane
from coterie.running.deep.runs import Opened
from coterie.running.deep.session import Progress
from coterie.running.deep.verdict import DeepVerdict
from coterie.workflow.deep.plan import DeepPlan


def learned_words(opened: Opened, progress: Progress, steps: int) -> str:
    """How much was learned from, in words: of each seed, where they are alike.

    Lanes learn one after another, so that of several some may not have begun.
    """
    each = opened.schedule.steps_a_visit
    if len(set(progress.visited)) == 1:
        return f"{progress.visited[0] * each:,} of {steps:,} joint steps of each seed"
    told = [
        f"{many * each:,} of {steps:,} joint steps of seed {', '.join(map(str, lane.seeds))}"
        for many, lane in zip(progress.visited, opened.lanes, strict=True)
        if many
    ]
    waiting = progress.visited.count(0)
    return "; ".join(told) + (f"; {waiting} {'have' if waiting > 1 else 'has'} not begun" if waiting else "")


def kept(save: Callable[[], None], behind: Callable[[], str], folder: Path) -> str:
    """Save what was learned before the environment failed, and say how to go on."""
    try:
        save()
    except StorageFault as error:
        return f"and what was learned is not saved: {error}"
    return (
        f"what was learned in {behind()} is saved; mend it, and go on with: coterie resume {recorder.word_for(folder)}"
    )


def frozen(chosen: DeepPlan, verdict: DeepVerdict, folder: Path, told_numbers: bool) -> CoterieError:
    """What to raise where seeds were frozen: it is the environment's fault where it told what is no number."""
    others = "" if len(verdict.frozen) == chosen.seeds else f"; the others are judged in {folder}"
    where = f"{len(verdict.frozen)} of {chosen.seeds} seeds were frozen there (seed {verdict.frozen[0]}){others}"
    if not told_numbers:
        return EnvironmentFault(f"{chosen.environment} paid or showed something that is no finite number; {where}")
    instead = "use a smaller --learning-rate, or a smaller --reward-scale where rewards are huge"
    return Diverged(f"learning left the finite numbers; {where}; {instead}")


def all_numbers(lanes: list[Lane]) -> bool:
    """Whether all that was kept of the environment is finite."""
    kept = [leaf for lane in lanes for leaf in jax.tree.leaves(lane.state().get("replay", ()))]
    return all(np.isfinite(leaf).all() for leaf in kept if leaf.dtype.kind == "f")
