"""The cache of exact tables on disk; one that cannot be read or written costs time, never the result."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from coterie.finite.formats import from_bytes, to_bytes
from coterie.finite.game import FiniteGame
from coterie.running.storage import write_atomically


def kept(name: str) -> FiniteGame | None:
    """The table that is kept under a name; None where there is none, or it is damaged."""
    try:
        digest, data = _place(name).read_bytes().split(b"\n", 1)
        return from_bytes(data) if digest == hashlib.sha256(data).hexdigest().encode() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(name: str, game: FiniteGame) -> None:
    """Keep a table, where that can be done."""
    place = _place(name)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        data = to_bytes(game)
        write_atomically(place, hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
    except OSError:
        pass


def cache_folder() -> Path:
    """Where tables are kept: $COTERIE_CACHE, else the user's cache folder."""
    chosen = os.environ.get("COTERIE_CACHE")
    if chosen:
        return Path(chosen)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "coterie"
    except RuntimeError:  # nobody's home: a cache for this process alone
        return Path(tempfile.mkdtemp(prefix="coterie-"))


def _place(name: str) -> Path:
    return cache_folder() / "tables" / f"{name}.safetensors"
