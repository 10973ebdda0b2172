"""What stands between an agent's own spaces and arrays, as plain data: it is kept with a team, and needs no library.

An observation of one array is left as it is. Dictionaries, tuples and what is in them become one row of numbers, with
a one among zeros for each number of a Discrete space. An action of several choices becomes one choice among all their
combinations, one of amounts a row of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from math import prod
from typing import Any

import msgspec
import numpy as np

from coterie.errors import EnvironmentFault
from coterie.pettingzoo.pictures.lenses import Lens, small
from coterie.types import Kind


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one observation is laid out: an array (`parts` empty), or named or numbered parts in their order.

    shape: of the array; discrete: how many values a Discrete number, or each number of a MultiDiscrete array, has, and
    start the least of each; () where they are amounts.
    """

    shape: tuple[int, ...] = ()
    discrete: tuple[int, ...] = ()
    start: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    parts: tuple[Seen, ...] = ()

    @property
    def width(self) -> int:
        """How many numbers it becomes in a row."""
        if self.parts:
            return sum(part.width for part in self.parts)
        return sum(self.discrete) or prod(self.shape)


class Chosen(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an action is laid out: one of `sizes[0]` numbers from `start[0]`, several choices together, or amounts.

    of: number, array (MultiDiscrete, MultiBinary), tuple or dict (with keys), or amounts (Box, with neither sizes nor
    start): an array of this shape and dtype, within bounds (see `Kind`).
    """

    sizes: tuple[int, ...]
    start: tuple[int, ...]
    of: str = "number"
    keys: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    dtype: str = ""
    bounds: tuple[tuple[float | None, float | None] | None, ...] = ()

    @property
    def count(self) -> int:
        """How many actions there are, all combinations counted; 1 for amounts."""
        return prod(self.sizes)

    @property
    def choices(self) -> tuple[int, ...]:
        """How many each of several choices has; () for one choice, and for amounts."""
        return () if self.of == "number" else self.sizes


class Layout(msgspec.Struct, frozen=True, omit_defaults=True):
    """What agents of a kind see and do, in their environment's own words; None where these are arrays and numbers.

    lens: through which they see pictures; None where they see them as they are, or see none.
    """

    seen: Seen | None = None
    chosen: Chosen | None = None
    lens: Lens | None = None

    def array(self, observation: Any) -> Any:
        """An observation as the array that a network sees; of pictures that are stacked, the newest."""
        if self.lens is not None:
            return small(self.lens, observation)
        return as_row(self.seen, observation) if self.seen is not None and self.seen.parts else observation

    def observed(self, observation: Any) -> np.ndarray:
        """An observation as an array whose shape can be told: a picture as it is, else what a network sees."""
        return np.asarray(self.array(observation) if self.lens is None else observation)

    def expected(self, kind: Kind) -> tuple[str, tuple[int, ...]]:
        """What `observed` gives for agents of this kind: its dtype and shape."""
        shape = kind.observation_shape if self.lens is None else self.lens.shape
        return kind.observation_dtype, shape

    def action(self, told: Any) -> Any:
        """The action that a number, or a row of amounts, means."""
        return told if self.chosen is None else decoder(self.chosen)(told)


def as_row(seen: Seen, observation: Any) -> np.ndarray:
    """An observation of several parts as one row, float32[width]; EnvironmentFault where it lacks a part."""
    row = np.zeros(seen.width, np.float32)
    _fill(row, seen, observation)
    return row


def _fill(row: np.ndarray, seen: Seen, observation: Any) -> None:
    if not seen.parts:
        values = np.asarray(observation)
        if values.shape != seen.shape:
            raise EnvironmentFault(f"a part of an observation has the shape {values.shape}, expected {seen.shape}")
        if not seen.discrete:
            row[:] = values.reshape(-1)
            return
        begin = 0
        for value, size, start in zip(values.reshape(-1).tolist(), seen.discrete, seen.start, strict=True):
            if not 0 <= value - start < size:
                raise EnvironmentFault(f"an observation holds {value}, expected {start} to {start + size - 1}")
            row[begin + value - start] = 1
            begin += size
        return
    begin = 0
    places: Sequence[Any] = seen.keys or range(len(seen.parts))
    for place, part in zip(places, seen.parts, strict=True):
        try:
            inner = observation[place]
        except (KeyError, IndexError, TypeError):
            raise EnvironmentFault(f"an observation lacks its part {place!r}") from None
        _fill(row[begin : begin + part.width], part, inner)
        begin += part.width


def decoder(chosen: Chosen) -> Callable[[Any], Any]:
    """From the number of an action, or a row that begins with its amounts, to the action itself."""
    if chosen.of == "amounts":
        return amounts_decoder(chosen)
    if chosen.of == "number":
        start = chosen.start[0]
        return lambda number: number + start
    table = np.indices(chosen.sizes).reshape(len(chosen.sizes), -1).T + np.array(chosen.start)
    if chosen.of == "array":
        return lambda number: table[number].copy()
    rows = [tuple(row) for row in table.tolist()]
    if chosen.of == "tuple":
        return lambda number: rows[number]
    return lambda number: dict(zip(chosen.keys, rows[number], strict=True))


def amounts_decoder(chosen: Chosen) -> Callable[[Sequence[float]], np.ndarray]:
    """From a row that begins with amounts, of float32, to an array of the space's own."""
    count, dtype, shape = prod(chosen.shape), np.dtype(chosen.dtype), chosen.shape
    if len(shape) == 1:
        return lambda row: np.array(row[:count], dtype)
    return lambda row: np.array(row[:count], dtype).reshape(shape)


def first_of_row(decode: Callable[[int], Any]) -> Callable[[Sequence[float]], Any]:
    """A decoder of numbers for rows that begin with one, as they do where others act in amounts."""
    return lambda row: decode(int(row[0]))


def masked(observation: Any, info: Mapping[str, Any]) -> tuple[Any, Any]:
    """An observation without the mask that stands beside it, and the mask: its own, else the info's, else None."""
    mask = info.get("action_mask")
    if type(observation) is not np.ndarray and isinstance(observation, Mapping) and "action_mask" in observation:
        mask = observation["action_mask"]
        inner = {key: value for key, value in observation.items() if key != "action_mask"}
        observation = inner["observation"] if set(inner) == {"observation"} else inner
    return observation, mask


def label(name: Hashable) -> str:
    """An agent's name in print and in files."""
    return str(name)
