"""An environment's own attributes as a key: what tells its states apart where observations do not.

Left out is what is no state: random generators (chance is asked about apart), spaces, code, and what PettingZoo calls
rewards and infos. Clocks and echoes of the seed are found by watching: they would make every step and every episode a
state of its own.
"""

from __future__ import annotations

import enum
import inspect
import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

Path = tuple[str, ...]
Leaf = Any  # something small that can be compared and printed

CHANCE = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, np.random.SeedSequence, random.Random)
PLAIN = (bool, int, float, complex, str, bytes, type(None))
TOLD = ("rewards", "_cumulative_rewards", "infos")  # what a step told: it is no part of the state that follows
DEEPEST = 30


def leaves(thing: Any) -> dict[Path, Leaf]:
    """Everything that is in an environment, by the way there: `("env", "board", "squares", "3")` -> 1."""
    found: dict[Path, Leaf] = {}
    _gather(thing, (), found, {})
    return found


def _gather(thing: Any, path: Path, found: dict[Path, Leaf], known: dict[int, Path]) -> None:
    if isinstance(thing, enum.Enum):
        found[path] = str(thing)
    elif isinstance(thing, PLAIN):
        found[path] = thing
    elif isinstance(thing, np.generic):
        found[path] = thing.item()
    elif isinstance(thing, (*CHANCE, spaces.Space)) or len(path) > DEEPEST:
        return
    elif id(thing) in known:
        found[path] = known[id(thing)]  # one thing under two names
    else:
        known[id(thing)] = path
        for name, part in _parts(thing):
            if name == "":
                found[path] = part
            else:
                _gather(part, (*path, name), found, known)


def _parts(thing: Any) -> Iterator[tuple[str, Any]]:
    """What a thing is made of; under the name "" what it is itself."""
    if hasattr(thing, "__array__") and not isinstance(thing, type) and (array := np.asarray(thing)).dtype != object:
        yield "", (array.dtype.str, array.shape, array.tobytes())
    elif isinstance(thing, Mapping):
        yield "", len(thing)
        yield from ((repr(key), value) for key, value in thing.items())
    elif isinstance(thing, (list, tuple, deque, np.ndarray)):
        yield "", len(thing)
        yield from ((str(place), value) for place, value in enumerate(thing))
    elif isinstance(thing, (set, frozenset)):
        yield "", tuple(sorted(map(repr, thing)))
    elif not callable(thing) or hasattr(thing, "step"):
        own = dict(getattr(thing, "__dict__", {}))
        for kind in inspect.getmro(type(thing)):
            slots = vars(kind).get("__slots__", ())
            names = [name for name in _names(slots) if not name.startswith("__")]
            own.update({name: getattr(thing, name) for name in names if hasattr(thing, name)})
        if own:
            yield "", type(thing).__qualname__
        yield from ((name, value) for name, value in own.items() if name not in TOLD)


def _names(slots: Any) -> Sequence[str]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def clocks(episodes: Sequence[Sequence[Mapping[Path, Leaf]]]) -> frozenset[Path]:
    """The paths whose number says only how many steps have been taken.

    episodes: the leaves after each step, the reset first, of episodes with unlike actions. A clock is a whole number
    that is the same after equally many steps in all of them, moves in one direction only, and does move.
    """
    longest = max(episodes, key=len, default=[])
    found = set()
    for path in whole_numbers(episodes):
        run = [step[path] for step in longest]
        alike = all(step[path] == run[at] for steps in episodes for at, step in enumerate(steps))
        moves = np.diff(run)
        if alike and moves.any() and ((moves >= 0).all() or (moves <= 0).all()):
            found.add(path)
    return frozenset(found)


def echoes(episodes: Sequence[Sequence[Mapping[Path, Leaf]]], seeds: Sequence[int]) -> frozenset[Path]:
    """The paths that hold the seed that the episode began with, whatever it was."""
    pairs = list(zip(episodes, seeds, strict=True))
    if len(set(seeds)) < 2:
        return frozenset()
    return frozenset(
        path for path in whole_numbers(episodes) if all(step[path] == seed for steps, seed in pairs for step in steps)
    )


def whole_numbers(episodes: Sequence[Sequence[Mapping[Path, Leaf]]]) -> list[Path]:
    """The paths that lead to whole numbers always."""
    every = [step for steps in episodes for step in steps]
    return [path for path in every[0] if all(type(step.get(path)) is int for step in every)] if every else []
