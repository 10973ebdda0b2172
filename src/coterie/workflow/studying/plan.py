"""From a study's file to its runs, each a checked plan; imports no JAX, so that mistakes are answered at once."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from coterie.envs import catalogue
from coterie.errors import BadInput, StorageFault, nearest
from coterie.running.recorder import NAME
from coterie.settings import ALGORITHMS, DEEP_ALGORITHMS, DeepOptions, TabularOptions
from coterie.workflow.deep.plan import DeepPlan, deep_plan
from coterie.workflow.planning.plan import Plan, plan, replaced
from coterie.workflow.planning.which_learner import learns_deep

SEEDS = 5
KINDS = {int: "a whole number", str: "words", bool: "true or false", dict: "a table", list: "a list of names"}
BUDGET = {"seeds": int, "seed": int, "steps": int, "episodes": int, "checks": int}
WORDS = {**BUDGET, "preset": str, "success": str, "deep": bool}  # of a run, wherever they stand
LISTS = ("environments", "algorithms")
OPTIONS = tuple(dict.fromkeys(one.name for kind in (DeepOptions, TabularOptions) for one in dataclasses.fields(kind)))


class StudyRow(NamedTuple):
    """One run of a study: what it is called, where it stands in the file, and all that decides its result."""

    name: str
    environment: str
    algorithm: str
    variant: str
    chosen: DeepPlan | Plan


class StudyPlan(NamedTuple):
    """A study: its name, which is its folder's, and its runs in order."""

    file: Path
    name: str
    rows: tuple[StudyRow, ...]


class Layer(NamedTuple):
    """What one table of the file says: words of the run, options of the environment and of the learner.

    place and env_place are where the learner's and the environment's options stand in the file.
    """

    place: str
    env_place: str
    words: dict[str, Any]
    env: dict[str, Any]
    options: dict[str, Any]


def read_study(file: str | Path) -> StudyPlan:
    """The plan of a study's file; raises BadInput with the place in the file for what cannot be."""
    path = Path(file)
    try:
        table = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}") from None
    except OSError as error:
        raise StorageFault(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise BadInput(f"{path} is not a TOML file: {error}") from error
    try:
        return study_plan(table, path)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def study_plan(table: Mapping[str, Any], path: Path) -> StudyPlan:
    """The plan of a study as a table; `path` is where it stands, and its name where the table has none."""
    inner = ("environment", "algorithm", "variants")
    known = ("name", *LISTS, *WORDS, "env", "options", *inner)
    for key in table:
        if key not in known:
            raise BadInput(f"there is no key '{key}'{nearest(key, known)}")
    name = _of_type(table.get("name", path.stem), str, "name")
    if not NAME.match(name):
        raise BadInput(f"name '{name}': use letters, digits, '.', '_' and '-', at most 100")
    environments, algorithms = (_names(table.get(key, []), key) for key in LISTS)
    if not environments:
        raise BadInput('which environments? For example: environments = ["climbing"] (coterie list names all)')
    tables = {key: _of_type(table.get(key, {}), dict, f"[{key}]") for key in ("env", "options", *inner)}
    words = {key: _of_type(table[key], WORDS[key], key) for key in table if key in WORDS}
    top = Layer("[options]", "[env]", words, tables["env"], _options(tables["options"], "[options]"))
    by_environment = {key: _layer(f"environment.{key}", one) for key, one in tables["environment"].items()}
    by_algorithm = {key: _layer(f"algorithm.{key}", one) for key, one in tables["algorithm"].items()}
    variants = {key: _layer(f"variants.{key}", one, ("algorithm",)) for key, one in tables["variants"].items()}
    _among(by_environment, environments, "environment", "environments")

    lists = {
        key: _names(one.words.pop("algorithm", algorithms or [""]), f"[variants.{key}] algorithm")
        for key, one in variants.items()
    }
    for place, names in (
        ("algorithms", algorithms),
        *((f"[variants.{key}] algorithm", one) for key, one in lists.items()),
    ):
        for one in names:
            if one and one not in (*DEEP_ALGORITHMS, *ALGORITHMS):
                raise BadInput(f"{place}: there is no algorithm '{one}'{nearest(one, [*DEEP_ALGORITHMS, *ALGORITHMS])}")
    _among(by_algorithm, [*algorithms, *(one for names in lists.values() for one in names)], "algorithm", "algorithms")
    nothing = Layer("", "", {}, {}, {})
    plain = algorithms or ([] if variants else [""])  # "": the preset's own
    asked = [(algorithm, "", nothing) for algorithm in plain]
    asked += [(algorithm, key, variant) for key, variant in variants.items() for algorithm in lists[key]]
    rows = []
    for environment in environments:
        for algorithm, key, variant in asked:
            of_both = by_environment.get(environment, nothing), by_algorithm.get(algorithm, nothing)
            rows.append(_row(environment, algorithm, key, [top, *of_both, variant]))
    names = [row.name for row in rows]
    for one in names:
        if names.count(one) > 1:
            raise BadInput(f"two runs would be called '{one}'; rename a variant, or leave one of them out")
    return StudyPlan(path, name, tuple(rows))


def _row(environment: str, algorithm: str, variant: str, layers: Sequence[Layer]) -> StudyRow:
    """One run, from the tables that speak of it; later ones replace what earlier ones say."""
    words: dict[str, Any] = {"seeds": SEEDS}
    for layer in layers:
        words |= layer.words
    place = f"[variants.{variant}] with {algorithm or 'the preset'} on {environment}" if variant else ""
    place = place or " ".join(one for one in (environment, algorithm) if one)
    try:
        deep = _is_deep(environment, algorithm, words)
    except BadInput as error:
        raise BadInput(f"environments: {error}") from error
    env = _environment_options(environment, layers)
    options = _learner_options(layers, deep, place)
    preset = words.get("preset")
    try:
        if deep:
            more = {key: words[key] for key in ("steps", "checks", "success") if key in words}
            chosen: DeepPlan | Plan = deep_plan(
                environment, algorithm=algorithm or None, preset=preset, env=env or None, learner=options,
                seeds=words["seeds"], seed=words.get("seed", 0), **more,
            )  # fmt: skip
        else:
            if words.get("success"):
                raise BadInput(
                    "success: a table's teams succeed as the environment says; move it to runs with networks"
                )
            chosen = plan(
                environment, algorithm=algorithm or None, preset=preset or "default", env=env or None, learner=options,
                seeds=words["seeds"], seed=words.get("seed", 0), episodes=words.get("episodes"),
            )  # fmt: skip
    except BadInput as error:
        raise BadInput(f"{place}: {error}") from error
    stem = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in environment).strip(".-")
    name = "-".join(word for word in (stem, chosen.algorithm, variant) if word)
    if not NAME.match(name):
        raise BadInput(f"{place}: '{name}' can be no run's name: letters, digits, '.', '_' and '-', at most 100")
    return StudyRow(name, environment, chosen.algorithm, variant, chosen)


def _is_deep(environment: str, algorithm: str, words: Mapping[str, Any]) -> bool:
    """Networks where `deep` says so, or only they can; else what the budget is counted in decides."""
    if "deep" in words:
        return words["deep"]
    if learns_deep(environment, algorithm, words.get("preset")):
        return True
    if algorithm and algorithm not in DEEP_ALGORITHMS:
        return False
    return "steps" in words or "episodes" not in words


def _environment_options(environment: str, layers: Sequence[Layer]) -> dict[str, Any]:
    """The environment's options; raises BadInput where one is unknown or does not fit, with its place."""
    found: dict[str, Any] = {}
    ours = catalogue.find(environment).options() if ":" not in environment else None
    for layer in layers:
        for key, value in layer.env.items():
            name = key.replace("-", "_") if ours is not None else key
            if ours is not None:
                try:
                    replaced(ours, {name: value}, f"{environment} option", "")
                except BadInput as error:
                    misplaced = layer.env_place == "[env]" and not hasattr(ours, name)
                    hint = " ([env] is for all environments, [environment.NAME.env] for one)" if misplaced else ""
                    raise BadInput(f"{layer.env_place}: {error}{hint}") from error
            found[name] = value
    return found


def _learner_options(layers: Sequence[Layer], deep: bool, place: str) -> dict[str, Any]:
    """The learner's options; raises BadInput where one does not fit, with its place."""
    found: dict[str, Any] = {}
    kind = DeepOptions() if deep else TabularOptions()
    for layer in layers:
        for name, value in layer.options.items():
            if not hasattr(kind, name):
                learner = "networks" if deep else "tables"
                raise BadInput(f"{layer.place}: {place} learns with {learner}, which have no option '{name}'")
            try:
                replaced(kind, {name: value}, "option", "")
            except BadInput as error:
                raise BadInput(f"{layer.place}: {error}") from error
            found[name] = value
    return found


def _layer(place: str, table: Any, more: tuple[str, ...] = ()) -> Layer:
    """A table inside the file: words of the run, a table `env`, and the rest options of the learner."""
    table = _of_type(table, dict, f"[{place}]")
    words = {key: _of_type(table[key], WORDS[key], f"[{place}] {key}") for key in table if key in WORDS}
    if "algorithm" in table and more:
        words["algorithm"] = table["algorithm"]
    rest = {key: value for key, value in table.items() if key not in (*WORDS, "env", *more)}
    env = _of_type(table.get("env", {}), dict, f"[{place}.env]")
    options = _options(rest, f"[{place}]", (*WORDS, "env", *more))
    return Layer(f"[{place}]", f"[{place}.env]", words, env, options)


def _options(table: Mapping[str, Any], place: str, more: tuple[str, ...] = ()) -> dict[str, Any]:
    """Options of learners by their names in Python; raises BadInput for what no learner knows."""
    found = {key.replace("-", "_"): value for key, value in table.items()}
    for name in found:
        if name not in OPTIONS:
            raise BadInput(f"{place}: there is no option '{name}'{nearest(name, [*OPTIONS, *more])}")
    return found


def _names(value: Any, place: str) -> list[str]:
    """A list of different names; a single one may stand by itself."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadInput(f"{place} = {value!r}: expected a list of names")
    for one in value:
        if value.count(one) > 1:
            raise BadInput(f"{place}: '{one}' is named twice")
    return value


def _among(tables: Mapping[str, Any], names: Sequence[str], what: str, where: str) -> None:
    """Raises BadInput for a table about something that does not take part."""
    for key in tables:
        if key not in names:
            raise BadInput(
                f"[{what}.{key}]: '{key}' is not among the {where}{nearest(key, [one for one in names if one])}"
            )


def _of_type(value: Any, kind: type, place: str) -> Any:
    """A value of its type; raises BadInput with its place for another."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BadInput(
            f"{place} = {value!r}: expected {KINDS[kind]}" if kind is not dict else f"{place}: expected a table"
        )
    return value
