"""Checkpoints in named parts: safetensors and a manifest with hashes; nothing that is read is ever executed.

A checkpoint is a folder `checkpoints/step_000000001000/` with `manifest.json` and one file a part. It is written under
a temporary name, synced, renamed; the two newest are kept. Reading verifies the size and hash of every part it is
asked for before a byte of it is used, and reads no file but those two kinds.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from safetensors.numpy import load, save

from coterie.errors import StorageFault
from coterie.running.storage import sync_folder, write_atomically

FORMAT = "coterie-checkpoint-1"
KEPT = 2
PART_NAME = re.compile(r"[a-z][a-z_]{0,40}\Z")
FOLDER_NAME = re.compile(r"step_\d{12}\Z")


class Part(msgspec.Struct, frozen=True):
    """One file of a checkpoint."""

    sha256: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True):
    """What a checkpoint holds: its parts, and facts in plain JSON."""

    format: str
    parts: dict[str, Part]
    facts: dict[str, Any]


def save_checkpoint(run: Path, step: int, parts: dict[str, dict[str, np.ndarray]], facts: dict[str, Any]) -> Path:
    """Write a checkpoint of a run; an older one of the same step is replaced, all but the two newest are removed."""
    home = run / "checkpoints"
    final = home / f"step_{step:012d}"
    try:
        home.mkdir(exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=home))
        try:
            listed = {}
            for name, arrays in parts.items():
                data = save({key: np.asarray(array, order="C") for key, array in arrays.items()})
                write_atomically(temporary / f"{name}.safetensors", data)
                listed[name] = Part(hashlib.sha256(data).hexdigest(), len(data))
            manifest = msgspec.json.format(msgspec.json.encode(Manifest(FORMAT, listed, facts)), indent=2)
            write_atomically(temporary / "manifest.json", manifest)
            os.chmod(temporary, 0o755)
            _replace(final, temporary)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(home)
    except OSError as error:
        cause = error.__cause__ if isinstance(error, StorageFault) else error  # which names a temporary file
        why = getattr(cause, "strerror", None) or error
        raise StorageFault(f"the checkpoint {final} could not be written: {why}") from error
    for old in [*list_checkpoints(run)[:-KEPT], *home.glob(".new-*"), *home.glob(".old-*")]:
        shutil.rmtree(old, ignore_errors=True)  # a killed process may have left temporary names
    return final


def _replace(final: Path, temporary: Path) -> None:
    """Give a whole checkpoint its name; one that had it before is removed last, and gets it back where that fails."""
    if not final.exists():
        os.rename(temporary, final)
        return
    aside = Path(tempfile.mkdtemp(prefix=".old-", dir=final.parent))
    try:
        os.rename(final, aside)
        os.rename(temporary, final)
    except BaseException:
        if final.exists():
            aside.rmdir()
        else:
            os.rename(aside, final)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def list_checkpoints(run: Path) -> list[Path]:
    """A run's checkpoints, oldest first."""
    home = run / "checkpoints"
    return sorted(folder for folder in home.glob("step_*") if FOLDER_NAME.match(folder.name)) if home.is_dir() else []


def load_checkpoint(
    run: Path, wanted: tuple[str, ...], *, older: bool = False
) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    """The wanted parts and the facts of a run's newest checkpoint; with `older` of the newest that verifies.

    Raises StorageFault where there is none; what is wrong with the newest is in its sentence. Where an older one is
    taken, that is a warning.
    """
    found = list_checkpoints(run)
    if not found:
        raise StorageFault(f"{run} holds no checkpoint; was the run stopped before its first?")
    problems = []
    for folder in reversed(found):
        try:
            told = _read(folder, wanted)
        except StorageFault as problem:
            problems.append(str(problem))
            if not older:
                break
        else:
            if problems:
                warnings.warn(f"{problems[0]}; {folder.name} is taken instead", stacklevel=2)
            return told
    raise StorageFault(problems[0])


def _read(folder: Path, wanted: tuple[str, ...]) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except OSError as error:
        raise StorageFault(f"{folder / 'manifest.json'} cannot be read: {error.strerror or error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise StorageFault(f"{folder / 'manifest.json'} is not a checkpoint's manifest: {error}") from error
    if manifest.format != FORMAT:
        raise StorageFault(f"{folder} has the format '{manifest.format}', this coterie reads '{FORMAT}'")
    parts = {}
    for name in wanted:
        if name not in manifest.parts or not PART_NAME.match(name):
            raise StorageFault(f"{folder} has no part '{name}'; it holds {', '.join(sorted(manifest.parts))}")
        place, expected = folder / f"{name}.safetensors", manifest.parts[name]
        try:
            size = place.stat().st_size
            if size != expected.bytes:
                raise StorageFault(f"{place} has {size:,} bytes, its manifest says {expected.bytes:,}; it is damaged")
            data = place.read_bytes()
        except StorageFault:
            raise
        except OSError as error:
            raise StorageFault(f"{place} cannot be read: {error.strerror or error}") from error
        if hashlib.sha256(data).hexdigest() != expected.sha256:
            raise StorageFault(f"{place} is not what was saved (its hash differs from the manifest's); it is damaged")
        try:
            parts[name] = load(data)
        except Exception as error:
            raise StorageFault(f"{place} is not a safetensors file: {error}") from error
    return parts, manifest.facts
