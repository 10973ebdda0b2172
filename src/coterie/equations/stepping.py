"""What surrounds a gradient step: targets that follow, gradients of bounded length."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from coterie.types import Array


def falling(start: float, end: float, steps: int) -> Any:
    """A step size: constant where `end` is negative, else falling from start to end, linearly, in so many steps."""
    return start if end < 0 else optax.linear_schedule(start, end, steps)


def followed(target: Any, online: Any, count: Array, every: int, rate: float) -> Any:
    """The target networks after one update: replaced every so often, or moved by a share each time."""
    if rate > 0:
        return optax.incremental_update(online, target, rate)
    now = (count + 1) % np.uint32(every) == 0
    return jax.tree.map(lambda new, old: jnp.where(now, new, old), online, target)


def clipped(gradient: Any, longest: float, together: bool) -> tuple[Any, Array]:
    """Gradients scaled to a norm of at most `longest`: one norm for a mixed team, else one for each network."""
    if together:
        norm = jnp.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(gradient)))
        return jax.tree.map(lambda g: g * jnp.minimum(1.0, longest / jnp.maximum(norm, 1e-9)), gradient), norm
    scaled, largest = clipped_each((gradient.agents,), longest)
    return gradient._replace(agents=scaled[0]), largest


def clipped_each(gradients: Any, longest: float) -> tuple[Any, Array]:
    """Several tuples of networks by kind, leaves [groups, ...]: each network's gradient is scaled down by itself.

    Beside it the longest norm that there was.
    """
    largest, scaled = jnp.float32(0), []
    for kinds in gradients:
        shorter = []
        for kind in kinds:
            norm = jnp.sqrt(sum((leaf.reshape(leaf.shape[0], -1) ** 2).sum(1) for leaf in jax.tree.leaves(kind)))
            shrink = jnp.minimum(1.0, longest / jnp.maximum(norm, 1e-9))
            shorter.append(jax.tree.map(lambda g, s=shrink: g * s.reshape(-1, *(1,) * (g.ndim - 1)), kind))
            largest = jnp.maximum(largest, norm.max())
        scaled.append(tuple(shorter))
    same = type(gradients)
    return same(*scaled) if hasattr(same, "_fields") else same(scaled), largest
