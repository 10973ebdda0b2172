"""A ring of rows: the last `slots` joint steps of E environments, read as single steps or as sequences.

Axes: T time (rows of one write), E environments, L `length`, B `count`. A row is any tree of arrays that begin with E;
the ring holds them as [slots, E, ...], in their own dtypes. How many rows were `written` is the clock's to know
(uint32, never batched over seeds), so nothing else is stored: row r stands in slot r % slots, and the age of every slot
follows.

The ring is written in place where its owner gives it away (a loop's carry, a donated argument); nothing here reads or
copies all of it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from coterie.errors import BadInput
from coterie.types import Array, Key

GIB = 2**30


class Ring(NamedTuple):
    """The last rows: every leaf is [slots, E, ...]."""

    rows: Any


class Places(NamedTuple):
    """Where sequences begin: slot `row` of environment `environment`, both int32[B]."""

    row: Array
    environment: Array


# Size, before anything is allocated


def bytes_needed(row_shapes: Any, slots: int) -> int:
    """How many bytes a ring takes; leaves of `row_shapes` are [E, ...], with a shape and a dtype."""
    leaves = jax.tree.leaves(row_shapes)
    return slots * sum(math.prod(leaf.shape) * jnp.dtype(leaf.dtype).itemsize for leaf in leaves)


def check_fits(needed: int, available: int, replay: int | None = None, multiple: int = 1, otherwise: str = "") -> None:
    """Raises BadInput where a ring needs more bytes than there are.

    replay: what --replay asked for, in its own unit; a ring's bytes are in proportion to it, so the greatest that fits
    can be named. multiple: --replay must be a multiple of this. otherwise: what else helps.
    """
    if needed <= available:
        return
    asked = "" if replay is None else f" {replay}"
    greatest = 0 if replay is None else replay * available // needed // multiple * multiple
    advice = f"; the greatest --replay that fits is {greatest}" if greatest else ""
    advice += f"; {otherwise}" if otherwise else ""
    raise BadInput(f"--replay{asked} needs {needed / GIB:.2f} GiB and {available / GIB:.2f} GiB are free{advice}")


# Writing


def empty(row_shapes: Any, slots: int) -> Ring:
    """A ring in which nothing is written; leaves of `row_shapes` are [E, ...], with a shape and a dtype."""
    return Ring(jax.tree.map(lambda leaf: jnp.zeros((slots, *leaf.shape), leaf.dtype), row_shapes))


def write(ring: Ring, rows: Any, written: Array) -> Ring:
    """The ring with T more rows, [T, E, ...], in place of the oldest where it is full; `written` came before them.

    `slots` is a multiple of T and every write has T rows, so that a write never goes round the end.
    """
    slots, count = slots_of(ring), jax.tree.leaves(rows)[0].shape[0]
    if slots % count:
        raise ValueError(f"a ring of {slots} slots cannot be written {count} rows at a time: not a multiple")
    head = (written % jnp.uint32(slots)).astype(jnp.int32)
    return Ring(
        jax.tree.map(lambda leaf, new: jax.lax.dynamic_update_slice_in_dim(leaf, new, head, 0), ring.rows, rows)
    )


# Reading


def slots_of(ring: Ring) -> int:
    """How many rows a ring has room for."""
    return jax.tree.leaves(ring.rows)[0].shape[0]


def extent(written: Array, slots: int) -> tuple[Array, Array]:
    """The slot of the oldest row and how many rows hold something, int32."""
    stored = jnp.minimum(written, jnp.uint32(slots))
    return ((written - stored) % jnp.uint32(slots)).astype(jnp.int32), stored.astype(jnp.int32)


def draw(
    key: Key, written: Array, slots: int, environments: int, count: int, length: int, step: Array | None = None
) -> Places:
    """Places to read from, each drawn evenly and by itself (one random word each: even to slots E parts in 2^32).

    Without `step`: one of the starts from which `length` rows hold something without crossing the head; where fewer
    rows are there at all, the oldest. With `step` int32[slots, E], a row's step within its episode: one of all rows
    that hold something, taken back to row - step % length, never past the oldest row. So sequences begin where
    episodes begin and every `length` steps after; a piece that an ending cuts short is drawn in proportion to its rows.
    Nothing written: slot 0, of which `inside` says that it holds nothing.
    """
    oldest, stored = extent(written, slots)
    starts = jnp.maximum(stored if step is not None else stored - (length - 1), 1)
    number = jax.random.bits(key, (count,), jnp.uint32) % (starts * environments).astype(jnp.uint32)
    number = number.astype(jnp.int32)
    age, environment = number // environments, number % environments
    places = Places((oldest + age) % slots, environment)
    return places if step is None else piece_of(places, written, slots, length, step)


def piece_of(places: Places, written: Array, slots: int, length: int, step: Array) -> Places:
    """Where the pieces begin that these rows are in: row - step % length, never past the oldest row."""
    age = (places.row - extent(written, slots)[0]) % slots
    back = jnp.minimum(step[places.row, places.environment] % length, age)
    return Places((places.row - back) % slots, places.environment)


def inside(places: Places, written: Array, slots: int, length: int) -> Array:
    """Which rows of each sequence hold something and are no older than its start: bool[length, B]."""
    oldest, stored = extent(written, slots)
    age = (places.row - oldest) % slots
    return age + jnp.arange(length, dtype=jnp.int32)[:, None] < stored


def take(ring: Ring, places: Places, length: int) -> Any:
    """The rows of each sequence, leaves [length, B, ...], going round the end of the ring."""
    rows = (places.row + jnp.arange(length, dtype=jnp.int32)[:, None]) % slots_of(ring)
    return jax.tree.map(lambda leaf: look_up(leaf, (rows, places.environment)), ring.rows)


def look_up(leaf: Array, index: tuple[Array, ...]) -> Array:
    """leaf[index] for int32 arrays of common shape; one flat index and one flat row of numbers are the fastest way."""
    axes = len(index)
    flat = jnp.zeros((), jnp.int32)
    for numbers, size in zip(index, leaf.shape[:axes], strict=True):
        flat = flat * size + numbers
    found = leaf.reshape(math.prod(leaf.shape[:axes]), -1).at[flat].get(mode="promise_in_bounds")
    return found.reshape(*flat.shape, *leaf.shape[axes:])


# Many small leaves as few wide ones


def pack(rows: Any, axes: int) -> dict[str, Array]:
    """Leaves of a tree side by side, one array a dtype, [.., F]; the first `axes` axes are common to all and stay.

    A draw from a ring of packed rows touches memory in fewer places: two to four times as fast where leaves are small.
    """
    together: dict[str, list[Array]] = {}
    for leaf in jax.tree.leaves(rows):
        together.setdefault(jnp.dtype(leaf.dtype).name, []).append(leaf.reshape(*leaf.shape[:axes], -1))
    return {name: jnp.concatenate(leaves, axis=-1) for name, leaves in together.items()}


def unpack(packed: dict[str, Array], shapes: Any, axes: int) -> Any:
    """What was packed: `shapes` is a tree like it, of which `axes` leading axes are not looked at."""
    leaves, structure = jax.tree.flatten(shapes)
    begin = dict.fromkeys(packed, 0)
    found = []
    for leaf in leaves:
        name, shape = jnp.dtype(leaf.dtype).name, leaf.shape[axes:]
        end = begin[name] + math.prod(shape)
        found.append(packed[name][..., begin[name] : end].reshape(*packed[name].shape[:-1], *shape))
        begin[name] = end
    return jax.tree.unflatten(structure, found)
