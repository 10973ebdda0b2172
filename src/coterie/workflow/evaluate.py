"""Judge a finished run again, from its checkpoint alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coterie.finite.game import FiniteGame
from coterie.running import recorder
from coterie.running.evaluate import curve
from coterie.running.train import check_interval, checks_made
from coterie.tabular.learn import Teams
from coterie.workflow.deep.plan import is_deep
from coterie.workflow.judging.judgement import Judgement, judge_tables
from coterie.workflow.planning.game import game_of
from coterie.workflow.planning.plan import Plan, planned
from coterie.workflow.train import Run, saved_teams

if TYPE_CHECKING:
    from coterie.workflow.deep.train import DeepRun


def evaluate(run: str | Path = "latest", *, runs: str | Path = "runs", parts: Any = None) -> Run | DeepRun:
    """The verdict on a run's saved teams, computed anew; nothing in the run's folder is changed.

    `parts` are those that a deep run was trained with, where it was given any.
    """
    folder = recorder.find_run(Path(runs), str(run))
    if is_deep(folder):
        from coterie.workflow.deep.train import evaluate_deep

        return evaluate_deep(folder, parts=parts)
    return Run(folder, saved_judgement(folder)[-1])


def saved_judgement(folder: Path) -> tuple[Plan, FiniteGame, Teams, Judgement]:
    """A run's plan, table, saved teams, and the judgement on them, computed anew."""
    chosen = planned(folder)
    game = game_of(chosen)
    teams = saved_teams(folder, chosen, game)
    made = checks_made(teams, chosen.episodes)
    learned = curve(teams.progress, check_interval(chosen.episodes), made)
    return chosen, game, teams, judge_tables(chosen, game, teams, learned, folder)
