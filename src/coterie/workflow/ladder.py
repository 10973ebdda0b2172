"""The ladder: the tutorial's listing, mended one line at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from coterie.running.evaluate import curve
from coterie.running.tables import exact_game
from coterie.running.train import Tick, begin, check_interval, checks_made, train_tabular
from coterie.running.verdict import Verdict
from coterie.settings import PRESETS
from coterie.workflow.judging.judgement import judge_tables
from coterie.workflow.planning.plan import environment_options, plan
from coterie.workflow.planning.presets import preset_options

RUNGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("the tutorial as listed", {}),
    ("+ terminal mask", {"terminal_mask": True}),
    ("+ random ties", {"ties": "random"}),
    ("+ epsilon falls to zero", {"epsilon_end": 0.0, "epsilon_decay": 1.0}),
)


def climb(
    environment: str,
    env: Any,
    *,
    seeds: int,
    seed: int,
    threads: int = 0,
    on_tick: Callable[[Tick], None] | None = None,
) -> Iterator[tuple[str, Verdict]]:
    """Each rung's label and verdict: the tutorial, each mend on top of the last, and the default recipe."""
    tutorial, (_, learner) = PRESETS["tutorial"], preset_options("tutorial")
    rungs = []
    for label, change in RUNGS:
        learner = dataclasses.replace(learner, **change)
        rungs.append((label, "tutorial", learner, tutorial.episodes))
    default = PRESETS["default"]
    rungs.append((f"the default, {default.episodes:,} episodes", "default", None, default.episodes))
    env = environment_options(environment, env)
    game = exact_game(environment, env)
    for label, preset, options, episodes in rungs:
        chosen = plan(environment, preset=preset, env=env, seeds=seeds, seed=seed, episodes=episodes, learner=options)
        teams = begin(game, chosen.learner, seeds, episodes)
        teams = train_tabular(
            game, chosen.learner, teams, seed=seed, episodes=episodes, threads=threads, on_tick=on_tick
        )
        learned = curve(teams.progress, check_interval(episodes), checks_made(teams, episodes))
        yield label, judge_tables(chosen, game, teams, learned, Path()).verdict
