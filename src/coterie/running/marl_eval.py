"""The JSON layout of marl-eval (Gorsane et al. 2022): results of many seeds that other tools read and write.

    {environment: {task: {algorithm: {seed: {"step_0": {"step_count": 200, metric: [values]}, …,
                                              "absolute_metrics": {metric: [values]}}}}}}

A metric's list holds one value an episode, or one for all; `absolute_metrics` are of the final policy. marl-eval itself
wants as many seeds and steps of every algorithm; reading here does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from coterie.errors import BadInput, StorageFault
from coterie.running.storage import write_atomically

GREATEST = 1e100  # squares of larger scores overflow
STEP = re.compile(r"step_\d+\Z")
STEP_COUNT, ABSOLUTE = "step_count", "absolute_metrics"
NO_METRICS = {STEP_COUNT, "elapsed_time"}  # single numbers that stand among the metrics
Metrics = dict[str, tuple[float, ...]]


class Evaluation(NamedTuple):
    """After so many environment steps: the values of each metric."""

    step_count: int
    metrics: Metrics


class Seed(NamedTuple):
    """One independent run of an algorithm: its evaluations in order, and the final, absolute metrics."""

    name: str
    evaluations: tuple[Evaluation, ...]
    absolute: Metrics


class Record(NamedTuple):
    """All seeds of one algorithm on one task of an environment."""

    environment: str
    task: str
    algorithm: str
    seeds: tuple[Seed, ...]


def write_marl_eval(path: str | Path, records: Sequence[Record]) -> None:
    """Write records into one file; raises BadInput where two have the same environment, task and algorithm."""
    write_atomically(Path(path), json.dumps(as_layout(records), allow_nan=False) + "\n")


def read_marl_eval(path: str | Path) -> list[Record]:
    """The records in a file; raises StorageFault with the place inside the file where it is not of this layout."""
    try:
        text = Path(path).read_bytes().decode()
        value = json.loads(text.removeprefix("\ufeff"))
    except OSError as error:
        raise StorageFault(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise StorageFault(f"{path} is not JSON: {error}") from error
    return from_layout(value, str(path))


def as_layout(records: Sequence[Record]) -> dict[str, Any]:
    """Records as nested dictionaries."""
    layout: dict[str, Any] = {}
    for record in records:
        algorithms = layout.setdefault(record.environment, {}).setdefault(record.task, {})
        if record.algorithm in algorithms:
            raise BadInput(f"'{record.algorithm}' stands twice for {record.environment}/{record.task}; rename one")
        algorithms[record.algorithm] = {seed.name: _seed_layout(seed) for seed in record.seeds}
    return layout


def _seed_layout(seed: Seed) -> dict[str, Any]:
    steps: dict[str, Any] = {
        f"step_{number}": {STEP_COUNT: one.step_count, **{name: list(values) for name, values in one.metrics.items()}}
        for number, one in enumerate(seed.evaluations)
    }
    return {**steps, ABSOLUTE: {name: list(values) for name, values in seed.absolute.items()}}


def from_layout(value: Any, file: str) -> list[Record]:
    """Records from nested dictionaries; `file` is what a complaint calls them."""
    records = []
    for environment, tasks in _object(value, file, "").items():
        for task, algorithms in _object(tasks, file, environment).items():
            for algorithm, seeds in _object(algorithms, file, f"{environment}/{task}").items():
                place = f"{environment}/{task}/{algorithm}"
                found = _object(seeds, file, place)
                read = tuple(_seed(name, one, file, f"{place}/{name}") for name, one in found.items())
                records.append(Record(environment, task, algorithm, read))
    return records


def _seed(name: str, value: Any, file: str, place: str) -> Seed:
    evaluations: dict[int, Evaluation] = {}
    absolute: Metrics = {}
    for key, entry in _object(value, file, place).items():
        here = f"{place}/{key}"
        if "absolute" in key.lower():  # as marl-eval recognises it
            absolute = _metrics(_object(entry, file, here, empty=True), file, here)
        elif STEP.match(key):
            found = _object(entry, file, here)
            count = found.get(STEP_COUNT)
            if isinstance(count, bool) or not isinstance(count, int) or count < 0:
                raise _fault(file, f"{here}/{STEP_COUNT}", "a whole number of steps", count)
            evaluations[int(key.removeprefix("step_"))] = Evaluation(count, _metrics(found, file, here))
        else:
            raise _fault(file, here, f"'step_0', 'step_1', … or '{ABSOLUTE}' as a name", key)
    return Seed(name, tuple(evaluations[number] for number in sorted(evaluations)), absolute)


def _metrics(found: dict[str, Any], file: str, place: str) -> Metrics:
    metrics = {}
    for name, values in found.items():
        if name in NO_METRICS:
            continue
        if not isinstance(values, list) or not values:
            raise _fault(file, f"{place}/{name}", "a list of numbers", values)
        for at, one in enumerate(values):
            if isinstance(one, bool) or not isinstance(one, int | float) or not abs(one) <= GREATEST:
                raise _fault(file, f"{place}/{name}[{at}]", "a finite number up to 1e100", one)
        metrics[name] = tuple(float(one) for one in values)
    return metrics


def _object(value: Any, file: str, place: str, *, empty: bool = False) -> dict[str, Any]:
    if not isinstance(value, dict) or not (value or empty):
        raise _fault(file, place, "an object with at least one entry", value)
    return value


def _fault(file: str, place: str, expected: str, found: Any) -> StorageFault:
    shown = json.dumps(found, default=str)
    shown = shown if len(shown) <= 40 else f"{shown[:39]}…"
    return StorageFault(
        f"{file} is not of marl-eval's layout: {place or 'the top'}: expected {expected}, found {shown}"
    )
