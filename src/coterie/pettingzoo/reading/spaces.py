"""Gymnasium's spaces as layouts of arrays: what fits, and in words what does not."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from coterie.errors import BadInput
from coterie.pettingzoo.reading.checks import LARGEST
from coterie.pettingzoo.reading.layouts import Chosen, Seen

MOST_ACTIONS = 4_096  # combinations of several choices that one head can tell apart
MOST_AMOUNTS = 256  # in one action
AMOUNTS = ("float32", "float64")  # what they are made of


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
    """The layout of an action, one of a finite number or amounts; BadInput where it is something else."""
    if isinstance(space, spaces.Box):
        return amounts(space, name, environment)
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
    elif isinstance(space, spaces.MultiDiscrete | spaces.MultiBinary):
        raise BadInput(f"agent '{name}' has an action space of shape {space.shape}; expected one axis: flatten it")
    else:
        raise without_number(space, name, environment)
    if found.count > MOST_ACTIONS:
        raise BadInput(f"agent '{name}' has {found.count:,} combinations of actions; expected {MOST_ACTIONS:,} at most")
    return found


def numbered(space: Any, name: Any, environment: Any = None) -> Chosen:
    """The layout of an action of a finite number; BadInput where it is not one."""
    if isinstance(space, spaces.Box):
        raise without_number(space, name, environment)
    return chosen(space, name, environment)


def without_number(space: Any, name: Any, environment: Any = None) -> BadInput:
    """What to raise where actions are asked for that can be counted, and these cannot."""
    return BadInput(
        f"agent '{name}' has the action space {space}; only a finite number of actions can be valued (Discrete, "
        f"MultiDiscrete, MultiBinary){discrete_form(environment)}"
    )


def amounts(space: spaces.Box, name: Any, environment: Any = None) -> Chosen:
    """The layout of an action of amounts; BadInput for whole numbers, and for none or too many."""
    count, dtype = int(np.prod(space.shape)), str(space.dtype)
    if dtype not in AMOUNTS:
        raise BadInput(
            f"agent '{name}' has the action space {space}, of {dtype}; expected amounts in float32 or float64, or for "
            f"whole numbers Discrete or MultiDiscrete{discrete_form(environment)}"
        )
    if not space.shape or not 1 <= count <= MOST_AMOUNTS:
        raise BadInput(
            f"agent '{name}' has the action space {space}, of the shape {space.shape}; expected one to {MOST_AMOUNTS} "
            f"amounts in an array of one axis or more, like (1,){discrete_form(environment)}"
        )
    ends = list(zip(space.low.reshape(-1).tolist(), space.high.reshape(-1).tolist(), strict=True))
    bounds = [(rounded_up(low), -rounded_up(-high)) for low, high in ends]
    if not all(low <= min(high, LARGEST) and high >= -LARGEST for low, high in bounds):
        raise BadInput(
            f"agent '{name}' has the action space {space}, and no number of float32 lies within one of its bounds; "
            f"expected wider ones{discrete_form(environment)}"
        )
    plain = tuple(None if not any(map(np.isfinite, one)) else (finite(one[0]), finite(one[1])) for one in bounds)
    return Chosen((), (), "amounts", shape=tuple(space.shape), dtype=dtype, bounds=plain)


def rounded_up(number: float) -> float:
    """The least number of float32 that is not less; infinite where there is none, and where the bound is none.

    >>> rounded_up(0.5), rounded_up(-1e300), rounded_up(0.1) > 0.1, -rounded_up(-0.1) < 0.1
    (0.5, -inf, True, True)
    """
    if abs(number) >= LARGEST:
        return LARGEST if number == LARGEST else float(np.copysign(np.inf, number))
    found = np.float32(number)
    return float(found if float(found) >= number else np.nextafter(found, np.float32(np.inf)))


def finite(number: float) -> float | None:
    """A number, None where it is infinite, which has no place in a file."""
    return number if np.isfinite(number) else None


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
