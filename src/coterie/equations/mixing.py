"""From the values of a team's members to the value of the team, and how much an error of that value weighs."""

from __future__ import annotations

import jax.numpy as jnp

from coterie.types import Array


def sum_mixer(chosen: Array, present: Array) -> Array:
    """Value decomposition: Q_tot = sum_i Q_i over those present (Sunehag et al. 2018). chosen, present [N] -> one."""
    return jnp.where(present, chosen, 0.0).sum()


def optimistically_weighted(error: Array, alpha: float) -> Array:
    """The weight of OW-QMIX (Rashid et al. 2020): 1 where Q_tot is too low, else alpha.

    w = 1 if Q_tot(s, u) < y, which is error = y - Q_tot > 0: an overestimated value is pulled down slowly.
    """
    return jnp.where(error > 0, jnp.ones_like(error), alpha)
