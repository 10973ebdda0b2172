"""Numbers that tell two observations, rewards or infos apart, and what differs, in words."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from coterie.pettingzoo.reading.layouts import label


def digest(value: Any, total: int = 0) -> int:
    """A number for any nesting of arrays, numbers and words: equal for equals, types and shapes included."""
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype == object:
            return digest(value.tolist(), total)
        total = zlib.crc32(f"{value.dtype}{value.shape}".encode(), total)
        return zlib.crc32(np.ascontiguousarray(value).tobytes(), total)
    if isinstance(value, Mapping):
        for key in sorted(value, key=repr):
            total = digest(value[key], zlib.crc32(repr(key).encode(), total))
        return zlib.crc32(b"mapping", total)
    if isinstance(value, list | tuple):
        for part in value:
            total = digest(part, total)
        return zlib.crc32(f"{type(value).__name__}{len(value)}".encode(), total)
    if isinstance(value, bool | int | float | complex | str | bytes | type(None)):
        return zlib.crc32(f"{type(value).__name__}{value!r}".encode(), total)
    return zlib.crc32(type(value).__name__.encode(), total)  # what it holds is not looked into


def numbers_of(info: Any, path: str = "") -> dict[str, Any]:
    """The numbers, truths and arrays in an info, by where they stand."""
    found: dict[str, Any] = {}
    if isinstance(info, Mapping):
        for key, value in info.items():
            found.update(numbers_of(value, f"{path}.{key}" if path else str(key)))
    elif isinstance(info, bool | int | float | np.generic) or (
        isinstance(info, np.ndarray) and info.dtype.kind in "biufc"
    ):
        found[path] = info
    return found


def unlike(what: str, one: Mapping[Any, Any], other: Mapping[Any, Any]) -> str:
    """The first key that differs between what was told twice, "" where none does."""
    for name in {**one, **other}:
        if name not in one or name not in other:
            return f"{what} of {label(name)} is missing once"
        if digest(one[name]) != digest(other[name]):
            return f"{what} of {label(name)}{by_how_much(one[name], other[name])}"
    return ""


def by_how_much(one: Any, other: Any) -> str:
    """How far two numbers or arrays lie apart, where that can be said."""
    try:
        apart = np.max(np.abs(np.asarray(one, float) - np.asarray(other, float)))
    except (TypeError, ValueError):
        return ""
    return f" (by {apart:.3g})" if np.isfinite(apart) and apart > 0 else ""
