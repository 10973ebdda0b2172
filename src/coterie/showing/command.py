"""The command that tries a remedy: the run as it was, and the words that change it."""

from __future__ import annotations

import dataclasses
import json
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coterie.envs import catalogue
from coterie.settings import (
    ALGORITHMS,
    CHECKING,
    CHECKING_OUTSIDE,
    DEEP_PRESETS,
    PRESETS,
    DeepOptions,
    PictureOptions,
    TabularOptions,
    usual_options,
)

if TYPE_CHECKING:
    from coterie.running.verdict import Verdict


def command(verdict: Verdict, config_text: str, flags: Sequence[str]) -> str:
    """The words of `coterie train` that repeat a run with these flags; the flags alone for an environment of others.

    What the configuration changes of the preset's and the environment's defaults is kept, unless a flag says otherwise.
    Without flags there is nothing to try, and the line is empty.
    """
    try:
        config = tomllib.loads(config_text)
    except tomllib.TOMLDecodeError:
        config = {}
    deep = config.get("kind") == "deep"
    theirs = not deep and bool(config) and ":" in verdict.environment
    if not flags or not (deep or theirs or catalogue.known(verdict.environment)):
        return shlex.join(flags)
    words = ["coterie", "train", verdict.environment, *(["--tabular"] if theirs else [])]
    said = {_positive(word.partition("=")[0]) for word in flags}
    for name, value in _kept_deep(verdict, config) if deep else _kept(verdict, config):
        if _positive(name) not in said:
            words += [name] if value is None else [name, value]
    return shlex.join([*words, *flags])


def _kept(verdict: Verdict, config: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """What a run with tables changes of the usual, as flags with their values."""
    preset = PRESETS.get(verdict.preset)
    kept: list[tuple[str, str | None]] = []
    if preset is not None and verdict.preset != "default":
        kept.append(("--preset", verdict.preset))
    if preset is not None and verdict.episodes and verdict.algorithm != preset.algorithm:
        kept.append(("--algorithm", verdict.algorithm))
    if config:
        usual = {"teams": 1_000, "seed": 0, "episodes": preset.episodes if preset else None}
        names = {"teams": "--seeds", "seed": "--seed", "episodes": "--episodes"}
        kept += [(names[name], str(config[name])) for name in usual if config.get(name, usual[name]) != usual[name]]
        env = config.get("env")
        if catalogue.known(verdict.environment):
            kept += _changed(env, _defaults(catalogue.find(verdict.environment).options()), "--env.")
        elif isinstance(env, dict):
            kept += _given(env)
        kept += _changed(config.get("learner"), _learner(verdict), "--")
    return kept


def _kept_deep(verdict: Verdict, config: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """What a deep run changes of the usual, as flags with their values; algorithm and preset are always said."""
    ours = catalogue.known(verdict.environment)
    preset_name = verdict.preset if verdict.preset in DEEP_PRESETS else "default"
    preset = DEEP_PRESETS[preset_name]
    with_tables = ours and catalogue.has_table(verdict.environment)
    kept: list[tuple[str, str | None]] = [("--deep", None)] if with_tables and verdict.algorithm in ALGORITHMS else []
    kept += [("--algorithm", verdict.algorithm), ("--preset", verdict.preset)]
    checking = CHECKING_OUTSIDE if config.get("road") == "worker" else CHECKING
    usual = {"seeds": 5, "seed": 0, "steps": preset.steps, "success": "", **checking}
    changed = [name for name in usual if config.get(name, usual[name]) != usual[name]]
    kept += [(f"--{name.replace('_', '-')}", str(config[name])) for name in changed]
    kept += [("--team", f"{name}={player}") for name, player in (config.get("teams") or {}).items()]
    env = config.get("env")
    if ours:
        kept += _changed(env, _defaults(catalogue.find(verdict.environment).options()), "--env.")
    elif isinstance(env, dict):
        kept += _given(env)
    learner = _defaults(usual_options(preset_name, verdict.algorithm))
    picture = _defaults(PictureOptions()) | dict(preset.picture)
    kept += _changed(config.get("picture"), picture, "--picture.")
    own = config.get("learner")
    had = {**_defaults(DeepOptions()), **own} if own else None  # what was no option yet was as usual
    return kept + list(_changed(had, learner, "--"))


def _given(env: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """The options of an environment from elsewhere, all that were given."""
    return [(f"--env.{name}", value if isinstance(value, str) else json.dumps(value)) for name, value in env.items()]


def _learner(verdict: Verdict) -> dict[str, Any]:
    """The learner's options as the preset has them; hysteresis follows from the algorithm."""
    preset = PRESETS.get(verdict.preset)
    usual = {**_defaults(TabularOptions()), **(preset.options if preset else {})}
    return {name: value for name, value in usual.items() if name != "hysteresis"}


def _defaults(options: Any) -> dict[str, Any]:
    return dataclasses.asdict(options)


def _changed(given: Any, usual: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str | None]]:
    """The options that are not as usual, as a flag and its value; a switch has none."""
    for name, value in (given if isinstance(given, dict) else {}).items():
        if name not in usual or value == usual[name]:
            continue
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            yield (f"{prefix}{flag}" if value else _off(prefix, flag)), None
        elif isinstance(value, str | int | float):
            yield f"{prefix}{flag}", str(value)


def _positive(flag: str) -> str:
    """The one name under which a flag, its switch off and its short form are known.

    >>> _positive("--no-terminal-mask"), _positive("--env.no-stay"), _positive("--algo")
    ('--terminal-mask', '--env.stay', '--algorithm')
    """
    flag = flag.replace("--no-", "--", 1).replace("--env.no-", "--env.", 1)
    return "--algorithm" if flag == "--algo" else flag


def _off(prefix: str, flag: str) -> str:
    """The switch that turns an option off.

    >>> _off("--", "terminal-mask"), _off("--env.", "stay")
    ('--no-terminal-mask', '--env.no-stay')
    """
    return f"--no-{flag}" if prefix == "--" else f"{prefix}no-{flag}"
