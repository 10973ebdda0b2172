"""From a user's words to a checked plan: environment, algorithm, preset and options, before anything is started."""

from __future__ import annotations

import dataclasses
import math
import operator
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from coterie.envs import catalogue, sources
from coterie.errors import BadInput, nearest
from coterie.running import recorder
from coterie.settings import PRESETS, TabularOptions
from coterie.workflow.planning.presets import check_algorithm, preset_options

CONFIG_FORMAT = 1
MOST_EPISODES = 10**12
LARGEST = 1e9  # of a number among the options: sums of so large rewards are still exact enough to be compared
WORDS = {int: "a whole number", float: "a number", str: "words", bool: "True or False"}


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
    from coterie.tabular.learn import check_options  # loads the compiled learners, which --help must not wait for

    if ":" not in environment:
        catalogue.find(environment)
    algorithm, defaults = preset_options(preset, algorithm)
    env = environment_options(environment, env)
    options: TabularOptions = replaced(defaults, learner or {}, "option", "--")
    count = whole("--episodes", PRESETS[preset].episodes if episodes is None else episodes)
    seeds, seed = whole("--seeds", seeds), check_seed(seed)
    check_algorithm(algorithm, options)
    if options.epsilon_decay == 0 and options.epsilon_end not in (options.epsilon, defaults.epsilon_end):
        raise BadInput(
            f"--epsilon-end {options.epsilon_end:g}: epsilon stays at {options.epsilon:g} while --epsilon-decay is 0; "
            "add --epsilon-decay 0.9"
        )
    check_options(options, count, seeds)
    if count > MOST_EPISODES:
        raise BadInput(f"--episodes {count}: at most {MOST_EPISODES:,} are possible")
    return Plan(environment, env, algorithm, preset, options, seeds, seed, count)


def environment_options(environment: str, env: Any = None) -> Any:
    """The checked options of a named environment; `env` is None, a mapping that replaces some, or its own dataclass.

    Those of an environment from elsewhere are a mapping, and checked where it is made. Raises BadInput for an unknown
    name, a value that does not fit, or a game that cannot be played.
    """
    if ":" in environment:
        sources.parse(environment)
        if env is not None and not isinstance(env, Mapping):
            raise BadInput(f"options of {environment} are expected as a mapping, found {env!r}")
        return dict(env or {})
    entry = catalogue.find(environment)
    options = replaced(entry.options(), env or {}, f"{environment} option", "--env.")
    options = entry.resolve(options)
    entry.check(options)
    return options


def whole(flag: str, value: Any) -> int:
    """A whole number; raises BadInput for anything else."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise BadInput(f"{flag} {value!r}: expected a whole number") from None


def check_seed(seed: Any) -> int:
    """A seed; raises BadInput where it is none."""
    seed = whole("--seed", seed)
    if not 0 <= seed < 2**63:
        raise BadInput(f"--seed {seed}: expected a whole number from 0 to 2^63 - 1")
    return seed


def planned(folder: Path) -> Plan:
    """The plan in a run's folder."""
    config = recorder.read_config(folder)
    if config.get("format") != CONFIG_FORMAT:
        raise BadInput(
            f"{folder / 'config.toml'} has the format {config.get('format')!r}, this coterie reads {CONFIG_FORMAT}"
        )
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


def replaced(options: Any, changes: Any, what: str, flag: str) -> Any:
    """A frozen dataclass with some fields replaced, by a mapping or by all of another such dataclass.

    Raises BadInput for an unknown name, a value of another type or outside its choices, and numbers beyond use.
    """
    if isinstance(changes, type(options)):
        changes = vars(changes)
    if not isinstance(changes, Mapping):
        raise BadInput(f"{what}s: expected a mapping or {type(options).__name__}, found {changes!r}")
    hints = typing.get_type_hints(type(options))
    for name, value in changes.items():
        if name not in hints:
            raise BadInput(f"there is no {what} '{name}'{nearest(str(name), hints)}")
        place = f"{flag}{name.replace('_', '-')} {value!r}"
        if typing.get_origin(hints[name]) is Literal:
            choices = typing.get_args(hints[name])
            if value not in choices:
                raise BadInput(f"{place}: there is no such choice{nearest(str(value), choices)}")
            continue
        wanted = (int, float) if hints[name] is float else hints[name]
        if not isinstance(value, wanted) or (isinstance(value, bool) and hints[name] is not bool):
            raise BadInput(f"{place}: expected {WORDS[hints[name]]}")
        if isinstance(value, float) and not math.isfinite(value):
            raise BadInput(f"{place}: expected a finite number")
        if hints[name] is not bool and isinstance(value, int | float) and abs(value) > LARGEST:
            raise BadInput(f"{place}: numbers go up to {LARGEST:,.0f}")
    return dataclasses.replace(options, **changes)
