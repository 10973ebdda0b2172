"""Actions of any space: the idle one, and a user's own, held against what the space takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from coterie.errors import BadInput
from coterie.yours import FAILURES, shown


def idle_action(space: Any, mask: Any = None) -> Any:
    """The same action for ever: the first of a finite number (the first legal one), 0 of amounts.

    Where 0 is not among the amounts, what is nearest to it.
    """
    if isinstance(space, spaces.Discrete):
        legal = np.flatnonzero(mask).tolist() if mask is not None else [0]
        return int(space.start) + (legal[0] if legal else 0)
    if isinstance(space, spaces.Box):
        return np.asarray(np.clip(np.zeros(space.shape, space.dtype), space.low, space.high), space.dtype)
    if isinstance(space, spaces.MultiDiscrete):
        return np.array(space.start, space.dtype).reshape(space.shape)
    if isinstance(space, spaces.MultiBinary):
        return np.zeros(space.shape, space.dtype)
    if isinstance(space, spaces.Tuple):
        return tuple(idle_action(part) for part in space.spaces)
    if isinstance(space, spaces.Dict):
        return {name: idle_action(part) for name, part in space.spaces.items()}
    space.seed(0)
    return space.sample()


def idle_words(space: Any, masked: bool = False) -> str:
    """What idle play always does, in words.

    >>> idle_words(spaces.Discrete(3, start=1)), idle_words(spaces.Box(-1, 1, (2,)))
    ('action 1', '0.0')
    """
    if isinstance(space, spaces.Discrete):
        return f"action {space.start}{', else the first that is legal' if masked else ''}"
    if isinstance(space, spaces.Box):
        inside = (space.low <= 0).all() and (space.high >= 0).all()
        return "0.0" if inside else "the amount that is nearest to 0"
    if isinstance(space, (spaces.MultiDiscrete, spaces.MultiBinary)):
        return "the first of each choice"
    if isinstance(space, (spaces.Tuple, spaces.Dict)):
        parts = space.spaces.values() if isinstance(space, spaces.Dict) else space.spaces
        return " with ".join(dict.fromkeys(map(idle_words, parts)))
    return "one fixed action"


def fitting(action: Any, space: Any, mask: Any = None) -> Any:
    """A user's action as the space has it; BadInput says what was expected.

    A number stands for an array of one; whole numbers may come as arrays of one.
    """
    try:
        found = as_in(space, action)
    except FAILURES:
        found = None
    if found is None:
        raise BadInput(f"{shown(action)}, expected an action of {space}")
    if mask is not None and isinstance(space, spaces.Discrete) and not np.asarray(mask)[found - int(space.start)]:
        legal = ", ".join(map(str, (np.flatnonzero(mask) + int(space.start))[:12].tolist()))
        raise BadInput(f"{found}, which its action mask forbids; legal are {legal or 'none'}")
    return found


def as_in(space: Any, action: Any) -> Any:
    """An action in a space's own type; None where it is none of its actions."""
    if isinstance(space, spaces.Discrete):
        number = np.asarray(action)
        whole = number.size == 1 and number.dtype.kind in "iu"
        return int(number.item()) if whole and space.contains(int(number.item())) else None
    if isinstance(space, (spaces.Box, spaces.MultiDiscrete, spaces.MultiBinary)):
        given = np.asarray(action)
        kinds = "iuf" if np.dtype(space.dtype).kind == "f" else "iub"
        if given.size != int(np.prod(space.shape)) or given.dtype.kind not in kinds:
            return None
        given = given.reshape(space.shape)
        with np.errstate(invalid="ignore", over="ignore"):
            array = given.astype(space.dtype)
        same = array.dtype.kind == "f" or (array == given).all()
        return array if same and np.isfinite(array).all() and space.contains(array) else None
    return action if space.contains(action) else None
