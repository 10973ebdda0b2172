"""One gradient step shared out among devices: each learns from its part of a batch, and what they find is added.

Everything else (worlds, replay, draws, the optimiser) they all do alike, so that each holds the same learner without
being told. Sums over the batch are divided by what counts in all of it, never part by part, so that the step is
that of one device but for the order in which numbers are added.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax.flatten_util import ravel_pytree


class Split(NamedTuple):
    """How a batch is shared out.

    own(tree) -> this device's part of what is [B, ...]; whole(tree) -> its sum over the parts;
    joined(tree) -> the parts as one again, [B, ...].
    """

    own: Callable[[Any], Any]
    whole: Callable[[Any], Any]
    joined: Callable[[Any], Any]


def _same(tree: Any) -> Any:
    return tree


ALONE = Split(_same, _same, _same)  # one device has the whole batch


def split_over(axis: str, parts: int) -> Split:
    """Equal parts, one for each device along a mesh's axis of this name; B is a multiple of `parts`."""

    def own(tree: Any) -> Any:
        place = jax.lax.axis_index(axis)

        def part(leaf: Any) -> Any:
            size = leaf.shape[0] // parts
            return jax.lax.dynamic_slice_in_dim(leaf, place * size, size)

        return jax.tree.map(part, tree)

    def whole(tree: Any) -> Any:
        flat, back = ravel_pytree(tree)  # one message, not one a leaf
        return back(jax.lax.psum(flat, axis))

    def joined(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: jax.lax.all_gather(leaf, axis, tiled=True), tree)

    return Split(own, whole, joined)
