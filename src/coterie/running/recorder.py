"""The folder of a run: its name, its settings, its append-only logs, and finding it again."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from coterie.errors import BadInput, StorageFault, nearest
from coterie.running.storage import write_atomically

try:
    import fcntl
except ImportError:  # not on every system; there two processes are not kept apart
    fcntl = None

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
NEWEST = "latest"


def check_new(runs: Path, name: str | None) -> None:
    """Raises BadInput for an impossible or a taken name of a run, StorageFault where `runs` is no folder."""
    if name is not None and not NAME.match(name):
        raise BadInput(f"--name '{name}': use letters, digits, '.', '_' and '-', at most 100")
    if name == NEWEST:
        raise BadInput(f"--name '{name}' always means the newest run; choose another name")
    if runs.exists() and not runs.is_dir():
        raise StorageFault(f"the run folder {runs} is a file; choose another with --runs")
    if name is not None and (runs / name).exists():
        raise BadInput(f"--name '{name}': {runs / name} exists, and nothing is overwritten")


def create_run(runs: Path, stem: str, name: str | None) -> Path:
    """A new folder for a run: `name`, or stem-1, stem-2, …; never one that exists.

    Raises BadInput for an impossible or a taken name, StorageFault where the folder cannot be made.
    """
    check_new(runs, name)
    try:
        runs.mkdir(parents=True, exist_ok=True)
        if name is not None:
            try:
                (runs / name).mkdir()
            except FileExistsError:
                raise BadInput(f"--name '{name}': {runs / name} exists, and nothing is overwritten") from None
            return runs / name
        number = 1 + max((int(found) for found in _numbers(runs, stem)), default=0)
        while True:
            try:
                (runs / f"{stem}-{number}").mkdir()
                return runs / f"{stem}-{number}"
            except FileExistsError:
                number += 1
    except OSError as error:
        raise StorageFault(f"the run folder {runs} cannot be written: {error.strerror or error}") from error


def stem_of(environment: str) -> str:
    """What an environment's runs are called: its word in letters that names of files can have.

    >>> stem_of("pettingzoo:classic/tictactoe_v3")
    'pettingzoo-classic-tictactoe_v3'
    """
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in environment).strip(".-")


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a run's folder while it learns; raises BadInput where another process does (the lock dies with it)."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(f"{folder.name} is being trained by another process; wait for it, or stop it") from None
        yield
    finally:
        os.close(handle)


def find_run(runs: Path, word: str) -> Path:
    """The run that a word means: a path, `latest`, a name, or a unique beginning of one."""
    if (Path(word) / "config.toml").is_file():
        return Path(word)
    known = sorted(entry.parent for entry in runs.glob("*/config.toml")) if runs.is_dir() else []
    if not known:
        raise BadInput(f"there is no run in {runs}/ yet; start one with: coterie train rendezvous")
    if word == NEWEST:
        return max(known, key=lambda run: (run / "config.toml").stat().st_mtime_ns)
    if (runs / word) in known:
        return runs / word
    fitting = [run for run in known if run.name.startswith(word)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise BadInput(f"'{word}' could be {', '.join(run.name for run in fitting[:5])}; write a little more of it")
    raise BadInput(f"there is no run '{word}' in {runs}/{nearest(word, [run.name for run in known] + [NEWEST])}")


def word_for(run: Path) -> str:
    """What a run is called in a command: its name where it lies in the usual folder, else its path."""
    return run.name if run.parent == Path("runs") else shlex.quote(str(run))


def write_config(run: Path, config: dict[str, Any]) -> None:
    """The fully resolved settings of a run, as TOML."""
    write_atomically(run / "config.toml", tomli_w.dumps(plain(config)))


def read_config(run: Path) -> dict[str, Any]:
    """The settings of a run."""
    try:
        return msgspec.toml.decode((run / "config.toml").read_bytes())
    except OSError as error:
        raise StorageFault(f"{run / 'config.toml'} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise StorageFault(f"{run / 'config.toml'} is not a run's settings: {error}") from error


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted names.

    >>> flat({"seed": 0, "env": {"horizon": 5}})
    {'seed': 0, 'env.horizon': 5}
    """
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def plain(value: Any) -> Any:
    """Dataclasses and tuples as dictionaries and lists, absent values left out: what TOML can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def append_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Add rows to an append-only log, one JSON object a line, in one write that is synced."""
    try:
        with path.open("ab") as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows).encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageFault(f"{path} cannot be written: {error.strerror or error}") from error


def write_json(path: Path, value: Any) -> None:
    """A value as an indented JSON file, whole or not there."""
    write_atomically(path, json.dumps(value, indent=2) + "\n")


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """A log that is known whole, one JSON object a line."""
    write_atomically(path, "".join(json.dumps(row) + "\n" for row in rows))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a log; raises StorageFault where it cannot be read or is not one JSON object a line."""
    try:
        rows = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    except OSError as error:
        raise StorageFault(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise StorageFault(f"{path} is not a log of JSON lines: {error}") from error
    if not all(isinstance(row, dict) for row in rows):
        raise StorageFault(f"{path} is not a log of JSON lines: a line is no object")
    return rows


def keep_lines(path: Path, count: int) -> None:
    """Cut a log to its first `count` lines: what a killed process logged after its last checkpoint is logged again."""
    if not path.exists():
        if count:
            raise StorageFault(f"{path} is missing, and its checkpoint was saved after {count:,} lines of it")
        return
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise StorageFault(f"{path} cannot be read: {error.strerror or error}") from error
    whole = len(lines)
    if lines and not lines[-1].endswith(b"\n"):  # torn by a power cut
        lines.pop()
    if len(lines) < count:
        raise StorageFault(f"{path} has {len(lines):,} lines, and its checkpoint was saved after {count:,}")
    if whole > count:
        write_atomically(path, b"".join(lines[:count]))


def _numbers(runs: Path, stem: str) -> list[str]:
    return [
        entry.name[len(stem) + 1 :]
        for entry in runs.iterdir()
        if entry.name.startswith(f"{stem}-") and entry.name[len(stem) + 1 :].isdecimal()
    ]
