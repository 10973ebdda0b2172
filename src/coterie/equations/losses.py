"""How bad an error is; `error` is everywhere target - value, float32[..]."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from coterie.types import Array


def squared(error: Array) -> Array:
    """Half the square of the error, whose slope is the error itself."""
    return 0.5 * error**2


def huber(error: Array, knee: float = 1.0) -> Array:
    """Half the square up to the knee, a straight line of the same slope beyond it (Huber 1964)."""
    near = jnp.clip(error, -knee, knee)
    return near * (error - 0.5 * near)


def hysteretic(error: Array, share: float, loss: Callable[[Array], Array]) -> Array:
    """The loss, times `share` where the news is bad: error < 0, the target is below the value (Matignon et al. 2007).

    With share < 1 agents stay hopeful, and forgive what their partners' exploration costs them.
    """
    return jnp.where(error < 0, share, 1.0) * loss(error)
