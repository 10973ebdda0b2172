"""Spaces in plain words, and what in an observation does not fit its space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

BYTE = 255
ROUNDING = 1e-6  # relative; so far outside its space a number may lie without a word
PICTURE_AXES = (2, 3)


class Misfit(NamedTuple):
    """How an observation differs from its space.

    what: shape, dtype, number (not finite), range, list (for an array), kind, part (missing) or extra. where: in
    which part of the observation, "" for all of it. told: in words.
    """

    what: str
    where: str
    told: str


def misfits(space: Any, value: Any, where: str = "") -> Iterator[Misfit]:
    """Everything that does not fit; nothing where `value` is in the space and of its dtype."""
    if isinstance(space, spaces.Dict):
        if not isinstance(value, Mapping):
            yield Misfit("kind", where, f"a {type(value).__name__}, and its space is a Dict")
            return
        for key, part in space.spaces.items():
            if key not in value:
                yield Misfit("part", where, f"no part {key!r}, and its space has one")
            else:
                yield from misfits(part, value[key], f"{where}[{key!r}]")
        extra = [key for key in value if key not in space.spaces]
        if extra:
            yield Misfit("extra", where, f"a part {extra[0]!r} that its space has not")
    elif isinstance(space, spaces.Tuple):
        if not isinstance(value, tuple | list) or len(value) != len(space.spaces):
            yield Misfit("kind", where, f"no tuple of {len(space.spaces)} parts, and its space is one")
            return
        for place, part in enumerate(space.spaces):
            yield from misfits(part, value[place], f"{where}[{place}]")
    elif isinstance(space, spaces.Discrete):
        yield from _of_discrete(space, value, where)
    elif isinstance(space, spaces.Box | spaces.MultiDiscrete | spaces.MultiBinary):
        yield from _of_array(space, value, where)
    elif not space.contains(value):
        yield Misfit("kind", where, f"{str(value)[:40]!r}, which is not in {space}")


def _of_discrete(space: spaces.Discrete, value: Any, where: str) -> Iterator[Misfit]:
    array = np.asarray(value)
    if array.shape != () or array.dtype.kind not in "iu":
        yield Misfit("kind", where, f"{str(value)[:40]} ({type(value).__name__}), and its space is one whole number")
    elif not space.start <= int(array) < space.start + space.n:
        yield Misfit("range", where, f"{int(array)}, and its space is {space.start} to {space.start + space.n - 1}")


def _of_array(space: Any, value: Any, where: str) -> Iterator[Misfit]:
    if not isinstance(value, np.ndarray | np.generic):
        yield Misfit("list", where, f"a {type(value).__name__}, and its space holds arrays ({space.dtype})")
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        return
    if array.shape != space.shape:
        yield Misfit("shape", where, f"the shape {array.shape}, and its space says {space.shape}")
        return
    if array.dtype != space.dtype and isinstance(value, np.ndarray | np.generic):
        yield Misfit("dtype", where, f"{array.dtype}, and its space says {space.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = array[~np.isfinite(array)][0]
        yield Misfit("number", where, f"{bad}")
        return
    low, high = bounds(space)
    if array.dtype == np.uint8 and np.max(low, initial=0) <= 0 and np.min(high, initial=BYTE) >= BYTE:
        return
    numbers = array.astype(float)
    below, above = (np.broadcast_to(np.asarray(edge, float), array.shape) for edge in (low, high))
    slack_low, slack_high = (ROUNDING * (1 + np.abs(np.where(np.isfinite(edge), edge, 0))) for edge in (below, above))
    for beyond, edge, worst_of in (
        (numbers < below - slack_low, below, np.argmin),
        (numbers > above + slack_high, above, np.argmax),
    ):
        if beyond.any():
            worst = worst_of(array[beyond])
            yield Misfit("range", where, f"{array[beyond][worst]:.6g}, and its space ends at {edge[beyond][worst]:.6g}")


def bounds(space: Any) -> tuple[Any, Any]:
    """The least and greatest values of an array space."""
    if isinstance(space, spaces.MultiBinary):
        return 0, 1
    if isinstance(space, spaces.MultiDiscrete):
        start = np.asarray(space.start)
        return start, start + np.asarray(space.nvec) - 1
    return space.low, space.high


def arrays_in(value: Any, where: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Every array of numbers in an observation, by where it stands; an `action_mask` is none."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if key != "action_mask":
                yield from arrays_in(part, f"{where}[{key!r}]")
    elif isinstance(value, tuple | list) and any(isinstance(part, Mapping | np.ndarray) for part in value):
        for place, part in enumerate(value):
            yield from arrays_in(part, f"{where}[{place}]")
    else:
        array = np.asarray(value)
        if array.dtype.kind in "biuf":
            yield where, array


def is_picture(space: Any) -> bool:
    """Whether these observations are images: bytes of two axes, or of three with channels."""
    shape = getattr(space, "shape", None) or ()
    return isinstance(space, spaces.Box) and space.dtype == np.uint8 and len(shape) in PICTURE_AXES and min(shape) > 0


def sees(space: Any) -> str:
    """What is observed, in plain words."""
    if is_picture(space):
        height, width, *channels = space.shape
        colour = {(3,): "colour", (1,): "grey", (): "grey"}.get(tuple(channels), f"{channels} channels")
        return f"a picture of {height} x {width}, {colour} (uint8)"
    if isinstance(space, spaces.Box):
        return f"{amount(space)} ({space.dtype}), {span(space)}"
    if isinstance(space, spaces.Discrete):
        return f"one of {_plural(int(space.n), 'value')}"
    if isinstance(space, spaces.MultiDiscrete):
        return f"{space.nvec.size} whole numbers of up to {int(space.nvec.max())} values"
    if isinstance(space, spaces.MultiBinary):
        return f"{_plural(int(np.prod(space.shape)), 'yes-or-no')}"
    if isinstance(space, spaces.Dict):
        return "; ".join(f"{key}: {sees(part)}" for key, part in space.spaces.items())
    if isinstance(space, spaces.Tuple):
        return "; ".join(sees(part) for part in space.spaces)
    return f"{type(space).__name__}, which has no fixed number of values"


def does(space: Any) -> str:
    """What is done, in plain words."""
    if isinstance(space, spaces.Discrete):
        first, last = int(space.start), int(space.start + space.n - 1)
        return f"one of {_plural(int(space.n), 'action')} ({first} to {last})" if space.n > 1 else "one action only"
    if isinstance(space, spaces.MultiDiscrete):
        sizes = [int(size) for size in space.nvec.reshape(-1)]
        many = " x ".join(map(str, sizes)) if len(sizes) <= 6 else f"{len(sizes)} of up to {max(sizes)}"
        return f"{len(sizes)} choices at once ({many})"
    if isinstance(space, spaces.MultiBinary):
        return f"{_plural(int(np.prod(space.shape)), 'switch', 'es')} at once"
    if isinstance(space, spaces.Box):
        return f"{amount(space)}, {span(space)} (continuous)"
    if isinstance(space, spaces.Dict):
        return "; ".join(f"{key}: {does(part)}" for key, part in space.spaces.items())
    if isinstance(space, spaces.Tuple):
        return "; ".join(does(part) for part in space.spaces)
    return str(space)


def amount(space: Any) -> str:
    """How many numbers a space has, by its axes."""
    shape = tuple(space.shape)
    if len(shape) <= 1:
        return _plural(int(np.prod(shape)), "number")
    return f"{' x '.join(map(str, shape))} numbers"


def span(space: Any) -> str:
    """From where to where a Box reaches."""
    if not space.low.size:
        return "empty"
    low, high = space.low.min(), space.high.max()
    whole = np.iinfo(space.dtype) if np.dtype(space.dtype).kind in "iu" else None
    if (whole and (low <= whole.min and high >= whole.max)) or (np.isinf(low) and np.isinf(high)):
        return "unbounded"
    return f"{low:.6g} to {high:.6g}".replace("inf", "infinity")


def _plural(count: int, noun: str, ending: str = "s") -> str:
    return f"{count:,} {noun}{'' if count == 1 else ending}"
