"""Several runs of one game, side by side: do teams that were trained apart play together?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from coterie.diagnosis.strangers import strangers
from coterie.errors import BadInput
from coterie.finite.solve import greedy_policy
from coterie.running.stage import TableStage
from coterie.types import Finding
from coterie.workflow.evaluate import saved_judgement
from coterie.workflow.planning.plan import Plan

MOST_RUNS = 10


def across_runs(folders: Sequence[Path]) -> Finding:
    """Whether the best teams of several runs of one game coordinate with each other; at most the first ten runs.

    Raises BadInput where the runs are not of one game: the same environment, its options, and the same memory.
    """
    saved = [saved_judgement(folder) for folder in folders[:MOST_RUNS]]
    first = saved[0][0]
    for folder, (chosen, *_) in zip(folders, saved, strict=False):
        if not same_game(first, chosen):
            raise BadInput(
                f"{folder.name} is another game than {folders[0].name}; only teams of one game can play together"
            )
    game = saved[0][1]
    best = [teams.q[judgement.best_team] for _, _, teams, judgement in saved]
    return strangers(TableStage(game, np.stack([greedy_policy(game, q) for q in best])), game.success_word)


def same_game(one: Plan, other: Plan) -> bool:
    """Whether agents of two plans see and do the same things."""
    return (one.environment, one.env, one.learner.history) == (other.environment, other.env, other.learner.history)
