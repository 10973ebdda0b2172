"""Judge a finished run again, from its checkpoint alone."""

from __future__ import annotations

from pathlib import Path

from coterie.running import recorder
from coterie.running.evaluate import curve
from coterie.running.tables import exact_game
from coterie.running.train import check_interval, checks_made
from coterie.workflow.judgement import judge_tables
from coterie.workflow.plan import planned
from coterie.workflow.train import Run, saved_teams


def evaluate(run: str | Path = "latest", *, runs: str | Path = "runs") -> Run:
    """The verdict on a run's saved teams, computed anew; nothing in the run's folder is changed."""
    folder = recorder.find_run(Path(runs), str(run))
    chosen = planned(folder)
    game = exact_game(chosen.environment, chosen.env)
    teams = saved_teams(folder, chosen, game)
    made = checks_made(teams, chosen.episodes)
    learned = curve(teams.progress, check_interval(chosen.episodes), made)
    return Run(folder, judge_tables(chosen, game, teams, learned, folder))
