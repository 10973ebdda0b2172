"""From the values of a team's members to the value of the team, and how much an error of that value weighs."""

from __future__ import annotations

import jax.numpy as jnp

from coterie.types import Array


def sum_mixer(chosen: Array, present: Array) -> Array:
    """Value decomposition: Q_tot = sum_i Q_i over those present (Sunehag et al. 2018). chosen, present [N] -> one."""
    return jnp.where(present, chosen, 0.0).sum()


def centrally_weighted(error: Array, is_best_joint: Array, ahead_of_best: Array, alpha: float) -> Array:
    """The weight of CW-QMIX (Rashid et al. 2020): 1 where the joint action may be the best, else alpha.

    w = 1 if u = u* or y > Q*(s, u*), where u* is what the members prefer and Q* the free central value.
    is_best_joint: u = u*. ahead_of_best: y - Q*(s, u*), or whether it is above 0. error [..] gives the shape alone.
    """
    return jnp.where(is_best_joint | (ahead_of_best > 0), jnp.ones_like(error), alpha)


def optimistically_weighted(error: Array, alpha: float) -> Array:
    """The weight of OW-QMIX (Rashid et al. 2020): 1 where Q_tot is too low, else alpha.

    w = 1 if Q_tot(s, u) < y, which is error = y - Q_tot > 0: an overestimated value is pulled down slowly.
    """
    return jnp.where(error > 0, jnp.ones_like(error), alpha)
