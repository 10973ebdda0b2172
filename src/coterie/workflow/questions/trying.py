"""What a finding advises, applied to the plan of a run: the words of a command that change it, and what that costs."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from coterie.errors import BadInput
from coterie.running.train import Tick
from coterie.settings import TabularOptions
from coterie.types import Finding
from coterie.workflow.planning.game import game_of
from coterie.workflow.planning.plan import Plan, plan
from coterie.workflow.planning.presets import preset_options
from coterie.workflow.train import Run, learn, open_run


class Cost(NamedTuple):
    """What a trial takes: teams, episodes each, and the seconds that the run itself would have taken for them."""

    teams: int
    episodes: int
    seconds: float | None


def changed(chosen: Plan, flags: Sequence[str]) -> Plan:
    """The plan with the words of a command applied to it, such as ("--epsilon-end", "0", "--no-stay").

    Raises BadInput for words that do not fit.
    """
    words = _pairs(flags)
    algorithm = words.pop("algorithm", chosen.algorithm)
    theirs = isinstance(chosen.env, Mapping)  # the options of an environment from elsewhere
    learner = dataclasses.asdict(chosen.learner)
    env = dict(chosen.env) if theirs else dataclasses.asdict(chosen.env)
    if algorithm != chosen.algorithm:
        learner["hysteresis"] = preset_options(chosen.preset, algorithm)[1].hysteresis
    episodes, teams = int(words.pop("episodes", chosen.episodes)), int(words.pop("seeds", chosen.teams))
    for name, word in words.items():
        place, options = (name[4:], env) if name.startswith("env.") else (name, learner)
        kind = type(chosen.env) if options is env else TabularOptions
        if options is env and theirs and place == "horizon":
            env[place] = int(word)
            continue
        if place not in options or (options is env and theirs):
            raise BadInput(f"there is no option --{name.replace('_', '-')} to change")
        options[place] = _read(word, typing.get_type_hints(kind)[place])
    return plan(
        chosen.environment,
        algorithm=algorithm,
        preset=chosen.preset,
        env=env,
        seeds=teams,
        seed=chosen.seed,
        episodes=episodes,
        learner=learner,
    )


def possible(chosen: Plan, finding: Finding) -> tuple[str, ...]:
    """The flags of a finding that would change this run; none where they are in force already or do not fit it."""
    try:
        return finding.flags if finding.flags and changed(chosen, finding.flags) != chosen else ()
    except BadInput:
        return ()


def first_remedy(findings: Sequence[Finding]) -> Finding | None:
    """The most important finding that an option can mend."""
    return next((one for one in findings if one.verdict == "yes" and one.flags), None)


def try_remedy(
    chosen: Plan,
    flags: Sequence[str],
    runs: Path,
    *,
    threads: int = 0,
    on_tick: Callable[[Tick], None] | None = None,
) -> Run:
    """A new run with the plan changed by these words, in the same folder of runs."""
    trial = changed(chosen, flags)
    game = game_of(trial)
    folder, teams = open_run(trial, game, runs, None, threads)
    run = learn(trial, game, folder, teams, threads=threads, on_tick=on_tick)
    run.draw()
    return run


def cost(folder: Path, chosen: Plan, flags: Sequence[str]) -> Cost:
    """What a trial takes, by the time that the run in a folder took."""
    trial = changed(chosen, flags)
    try:
        lines = [json.loads(line) for line in (folder / "timing.jsonl").read_text().splitlines()]
        seconds = sum(line["seconds"] for line in lines)
        return Cost(
            trial.teams, trial.episodes, seconds * trial.teams * trial.episodes / (chosen.teams * chosen.episodes)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Cost(trial.teams, trial.episodes, None)


def _pairs(flags: Sequence[str]) -> dict[str, Any]:
    """Flags with their values, by the names of the fields; a flag without a value switches on, or off with `no-`."""
    found: dict[str, Any] = {}
    name = ""
    for word in flags:
        if word.startswith("--"):
            name = word[2:].replace("-", "_")
            if name.startswith("no_"):
                found[name[3:]] = "False"
            else:
                found[name] = "True"
        elif name:
            found[name] = word
        else:
            raise BadInput(f"'{word}' stands before any option")
    return found


def _read(word: str, kind: Any) -> Any:
    try:
        if kind is bool:
            return {"True": True, "False": False}[word]
        if kind in (int, float):
            return kind(word)
    except (KeyError, ValueError):
        raise BadInput(f"'{word}' is no {getattr(kind, '__name__', kind)}") from None
    return word
