"""Prioritised replay: rows are drawn in proportion to how much they surprised (Schaul et al. 2016, proportional).

    P(i) = p_i / sum_k p_k,  p_i = (|error_i| + least) ^ exponent,  weight_i = (stored P(i)) ^ -beta / max_j weight_j

A new row has the greatest priority ever given. Sums stand in a tree of WIDTH children a node, and every change adds the
children of a node up anew, so that nothing drifts and neither a draw nor a change takes longer in a larger ring.
Drawn rows are stratified: item b of B comes from the b-th of B equal parts of the whole.

Left out: the rank-based variant; the greatest weight is that of the batch, not of the whole ring.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from coterie.replay.buffer import Places, extent
from coterie.types import Array, Key

WIDTH = 32


class Priorities(NamedTuple):
    """Priorities of a ring, and their sums.

    levels[0] float32[slots * E, filled up with zeros]; each further level sums WIDTH of the one before, the last has at
    most WIDTH. highest: the greatest priority ever given.
    """

    levels: tuple[Array, ...]
    highest: Array


class Chosen(NamedTuple):
    """Where sequences begin, the row that each was drawn for, and with what probability, float32[B]."""

    places: Places
    drawn: Places
    probability: Array


def empty(slots: int, environments: int) -> Priorities:
    """Nothing written: no row can be drawn; the first get priority 1."""
    levels, size = [], slots * environments
    while True:
        levels.append(jnp.zeros(-(-size // WIDTH) * WIDTH, jnp.float32))
        size = levels[-1].shape[0] // WIDTH
        if size == 1:
            return Priorities(tuple(levels), jnp.ones((), jnp.float32))


def change(priorities: Priorities, index: Array, value: Array) -> Priorities:
    """The same with new values at flat places, int32[B] and float32[B]; of equal places one wins."""
    levels = list(priorities.levels)
    levels[0] = levels[0].at[index].set(value)
    for level in range(1, len(levels)):
        index = index // WIDTH
        sums = levels[level - 1].reshape(-1, WIDTH)[index].sum(-1)
        levels[level] = levels[level].at[index].set(sums)
    return Priorities(tuple(levels), jnp.maximum(priorities.highest, value.max()))


def admit(priorities: Priorities, written: Array, rows: int, slots: int, environments: int) -> Priorities:
    """Gives the highest priority to the rows that a write puts behind `written` ones."""
    head = (written % jnp.uint32(slots)).astype(jnp.int32)
    index = head * environments + jnp.arange(rows * environments, dtype=jnp.int32)
    return change(priorities, index, jnp.broadcast_to(priorities.highest, index.shape))


def renew(
    priorities: Priorities, drawn: Places, error: Array, environments: int, exponent: float = 0.6, least: float = 1e-6
) -> Priorities:
    """Writes back what the rows drawn surprise by now, error float32[B]."""
    value = (jnp.abs(error) + least) ** exponent
    return change(priorities, drawn.row * environments + drawn.environment, value)


def find(priorities: Priorities, mass: Array) -> tuple[Array, Array]:
    """The flat place into whose share of the whole a mass falls, int32[B], and its priority, for mass float32[B]."""
    node = jnp.zeros(mass.shape, jnp.int32)
    item = jnp.arange(mass.shape[0])
    value = mass
    for level in reversed(priorities.levels):
        children = level.reshape(-1, WIDTH)[node]
        upto = jnp.cumsum(children, axis=-1)
        last = jnp.where(children > 0, jnp.arange(WIDTH, dtype=jnp.int32), 0).max(-1)
        child = jnp.minimum((upto <= mass[:, None]).sum(-1, dtype=jnp.int32), last)
        value = children[item, child]
        mass = mass - (upto[item, child] - value)
        node = node * WIDTH + child
    return node, value


def draw(
    key: Key,
    priorities: Priorities,
    written: Array,
    slots: int,
    environments: int,
    count: int,
    length: int,
    step: Array | None = None,
) -> Chosen:
    """Rows drawn by priority, and sequences that hold them: as `buffer.draw`, whose arguments these are.

    Without `step` the sequence begins at the row drawn, or so much before it that it does not cross the head.
    """
    whole = priorities.levels[-1].sum()
    strata = (jnp.arange(count, dtype=jnp.float32) + jax.random.uniform(key, (count,))) / count
    index, value = find(priorities, strata * whole)
    row, environment = index // environments, index % environments
    oldest, stored = extent(written, slots)
    age = (row - oldest) % slots
    if step is None:
        start = jnp.minimum(age, jnp.maximum(stored - length, 0))
    else:
        start = age - jnp.minimum(step[row, environment] % length, age)
    places = Places((oldest + start) % slots, environment)
    return Chosen(places, Places(row, environment), value / jnp.maximum(whole, jnp.finfo(jnp.float32).tiny))


def importance(probability: Array, written: Array, slots: int, environments: int, beta: float | Array) -> Array:
    """What undoes the unevenness of the draw, wholly where beta is 1, float32[B]; the greatest of a batch is 1."""
    stored = jnp.maximum(extent(written, slots)[1], 1).astype(jnp.float32) * environments
    weight = (stored * jnp.maximum(probability, jnp.finfo(jnp.float32).tiny)) ** -beta
    return weight / weight.max()
