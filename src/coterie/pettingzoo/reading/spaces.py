"""Gymnasium's spaces as layouts of arrays: what fits, and in words what does not."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from coterie.errors import BadInput
from coterie.pettingzoo.reading.layouts import Chosen, Seen

MOST_ACTIONS = 4_096  # combinations of several choices that one head can tell apart


def sight_of(space: Any) -> Any:
    """The space of the observation itself, without an `action_mask` beside it."""
    if isinstance(space, spaces.Dict) and "action_mask" in space.spaces:
        inner = {key: value for key, value in space.spaces.items() if key != "action_mask"}
        return inner["observation"] if set(inner) == {"observation"} else spaces.Dict(inner)
    return space


def one_array(space: Any) -> bool:
    """Whether an observation is one array, or one number, as it is."""
    return isinstance(space, (spaces.Box, spaces.Discrete, spaces.MultiBinary, spaces.MultiDiscrete))


def seen(space: Any, name: Any) -> Seen:
    """The layout of an observation; BadInput for text, graphs and sequences."""
    if isinstance(space, (spaces.Box, spaces.MultiBinary)):
        return Seen(tuple(space.shape))
    if isinstance(space, spaces.Discrete):
        return Seen((), (int(space.n),), (int(space.start),))
    if isinstance(space, spaces.MultiDiscrete):
        starts = tuple(np.asarray(space.start).reshape(-1).tolist())
        return Seen(tuple(space.shape), tuple(np.asarray(space.nvec).reshape(-1).tolist()), starts)
    if isinstance(space, spaces.Dict):
        keys = tuple(space.spaces)
        return Seen(keys=keys, parts=tuple(seen(space[key], name) for key in keys))
    if isinstance(space, spaces.Tuple):
        return Seen(parts=tuple(seen(part, name) for part in space.spaces))
    raise BadInput(
        f"agent '{name}' observes {type(space).__name__}, which has no fixed number of values; expected Box, Discrete, "
        "MultiDiscrete, MultiBinary, or a Dict or Tuple of them"
    )


def chosen(space: Any, name: Any, environment: Any = None) -> Chosen:
    """The layout of an action; BadInput where it is not one of a finite number."""
    if isinstance(space, spaces.Discrete):
        return Chosen((int(space.n),), (int(space.start),))
    if isinstance(space, spaces.MultiDiscrete) and len(space.shape) == 1:
        found = Chosen(tuple(np.asarray(space.nvec).tolist()), tuple(np.asarray(space.start).tolist()), "array")
    elif isinstance(space, spaces.MultiBinary) and len(space.shape) == 1:
        found = Chosen((2,) * space.shape[0], (0,) * space.shape[0], "array")
    elif isinstance(space, (spaces.Tuple, spaces.Dict)):
        keys = tuple(map(str, space.spaces)) if isinstance(space, spaces.Dict) else ()
        every = [space[key] for key in keys] if isinstance(space, spaces.Dict) else list(space.spaces)
        parts = [part for part in every if isinstance(part, spaces.Discrete)]
        if len(parts) < len(every):
            raise BadInput(f"agent '{name}' has the action space {space}; expected Discrete parts only")
        sizes, starts = tuple(int(part.n) for part in parts), tuple(int(part.start) for part in parts)
        found = Chosen(sizes, starts, "dict" if keys else "tuple", keys)
    else:
        raise BadInput(
            f"agent '{name}' has the action space {space}; only a finite number of actions can be valued (Discrete, "
            f"MultiDiscrete, MultiBinary){discrete_form(environment)}"
        )
    if found.count > MOST_ACTIONS:
        raise BadInput(f"agent '{name}' has {found.count:,} combinations of actions; expected {MOST_ACTIONS:,} at most")
    return found


def discrete_form(environment: Any) -> str:
    """How to ask an environment for a finite number of actions, where its attributes say that it has them."""
    raw = getattr(environment, "unwrapped", environment)
    for name in ("continuous", "continuous_actions"):
        if getattr(raw, name, None) is True:
            return f"; ask the environment for them: --env.{name.replace('_', '-')} false"
    return ""


def shape_of(space: Any) -> tuple[int, ...]:
    """The shape of one observation as an array; a Discrete one is a single number, several parts are a row."""
    if not one_array(space):
        return (seen(space, "").width,)
    return () if isinstance(space, spaces.Discrete) else tuple(space.shape)


def high_of(space: Any) -> int | None:
    """The greatest number that an observation of whole numbers from 0 can hold; None for others, or where unbounded."""
    if not one_array(space):
        return None
    if isinstance(space, spaces.Discrete):
        return int(space.start + space.n - 1) if space.start >= 0 else None
    if isinstance(space, spaces.MultiBinary):
        return 1
    if isinstance(space, spaces.MultiDiscrete):
        low, high = np.asarray(space.start), np.asarray(space.start) + np.asarray(space.nvec) - 1
    else:
        low, high = space.low, space.high
    if np.dtype(space.dtype).kind not in "iu" or not low.size or low.min() < 0:
        return None
    unbounded = np.dtype(space.dtype).itemsize > 1 and high.max() >= np.iinfo(space.dtype).max
    return None if unbounded else int(high.max())


def dtype_of(space: Any) -> np.dtype:
    """The dtype that JAX will hold: float32 for every float, int32 for wide integers, the same for the others."""
    if not one_array(space):
        return np.dtype(np.float32)
    dtype = np.dtype(space.dtype)
    if dtype.kind == "f":
        return np.dtype(np.float32)
    return np.dtype(np.int32) if dtype.kind in "iu" and dtype.itemsize > 2 else dtype
