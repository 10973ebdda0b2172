"""From a user's words to a checked plan: environment, algorithm, preset and options, before anything is started."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from coterie.envs import catalogue
from coterie.errors import BadInput, nearest
from coterie.running import recorder
from coterie.settings import PRESETS, TabularOptions
from coterie.tabular.learn import check_options
from coterie.workflow.presets import preset_options


class Plan(NamedTuple):
    """All that decides a run's result, resolved."""

    environment: str
    env: Any
    algorithm: str
    preset: str
    learner: TabularOptions
    teams: int
    seed: int
    episodes: int


def plan(
    environment: str,
    *,
    algorithm: str | None = None,
    preset: str = "default",
    env: Any = None,
    seeds: int = 1_000,
    seed: int = 0,
    episodes: int | None = None,
    learner: Mapping[str, Any] | TabularOptions | None = None,
) -> Plan:
    """A checked plan; `env` and `learner` are options (a mapping replaces single defaults of preset and algorithm)."""
    entry = catalogue.find(environment)
    algorithm, defaults = preset_options(preset, algorithm)
    env = env if isinstance(env, entry.options) else replaced(entry.options(), env or {}, f"{environment} option")
    if not isinstance(learner, TabularOptions):
        learner = replaced(defaults, learner or {}, "option")
    count = PRESETS[preset].episodes if episodes is None else episodes
    check_options(learner, count, seeds)
    if not 0 <= seed < 2**63:
        raise BadInput(f"--seed {seed}: expected a whole number from 0 to 2^63 - 1")
    entry.check(env)
    return Plan(environment, env, algorithm, preset, learner, seeds, seed, count)


def planned(folder: Path) -> Plan:
    """The plan in a run's folder."""
    config = recorder.read_config(folder)
    try:
        learner = TabularOptions(**config["learner"])
        return plan(
            config["environment"],
            algorithm=config["algorithm"],
            preset=config["preset"],
            env=config["env"],
            seeds=config["teams"],
            seed=config["seed"],
            episodes=config["episodes"],
            learner=learner,
        )
    except (KeyError, TypeError) as error:
        raise BadInput(f"{folder / 'config.toml'} does not describe a run of this coterie: {error}") from error


def replaced(options: Any, changes: Mapping[str, Any], what: str) -> Any:
    """A frozen dataclass with some fields replaced; raises BadInput for an unknown name or a value of another type."""
    known = {field.name: field for field in dataclasses.fields(options)}
    for name, value in changes.items():
        if name not in known:
            raise BadInput(f"there is no {what} '{name}'{nearest(name, known)}")
        default = getattr(options, name)
        wanted = (int, float) if isinstance(default, float) else type(default)
        if not isinstance(value, wanted) or (isinstance(value, bool) and not isinstance(default, bool)):
            raise BadInput(f"{what} {name}: expected {type(default).__name__}, found {value!r}")
    return dataclasses.replace(options, **changes)
