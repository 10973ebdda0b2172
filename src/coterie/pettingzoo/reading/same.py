"""What environments tell, kept as copies, and compared bit for bit."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import numpy as np

WHOLE = 4_096  # bytes of an array that is kept whole


def kept(told: Any) -> Any:
    """A copy of what was told, that is `same` as another only where they are equal; large arrays are not kept whole."""
    if isinstance(told, np.ndarray) and told.nbytes > WHOLE:
        return told.dtype.str, told.shape, sha256(told.tobytes()).digest()
    if isinstance(told, Mapping):
        return {key: kept(value) for key, value in told.items()}
    if isinstance(told, (list, tuple)):
        return [kept(value) for value in told]
    return copy.deepcopy(told)


def same(one: Any, other: Any) -> bool:
    """Whether two things told are equal bit for bit, types included."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)
