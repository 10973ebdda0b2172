"""Choosing among action values, illegal actions apart. Values and legal are [.., A] and what is chosen is [..]."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from coterie.types import Array, Key

LOWEST = float(np.finfo(np.float32).min)  # the value of what may not be done; finite, so that sums stay numbers


def masked(q: Array, legal: Array) -> Array:
    """The values of the legal actions, LOWEST for the others, through which no gradient passes."""
    return jnp.where(legal, q, LOWEST)


def greedy(q: Array, legal: Array) -> Array:
    """The first of the best legal actions, int32[..]; action 0 where none is legal."""
    return jnp.argmax(masked(q, legal), -1).astype(jnp.int32)


def epsilon_greedy(key: Key, q: Array, legal: Array, epsilon: Array | float) -> Array:
    """With probability epsilon any legal action, each equally likely, else the first of the best: int32[..]."""
    whether, which = jax.random.uniform(key, (2, *q.shape[:-1]))
    place = jnp.floor(which * legal.sum(-1))[..., None]
    anything = jnp.argmax(jnp.cumsum(legal, -1) > place, -1).astype(jnp.int32)
    return jnp.where(whether < epsilon, anything, greedy(q, legal))


def taken(q: Array, action: Array) -> Array:
    """The value of the action that was taken, Q(a); the gradient with respect to the others is exactly zero."""
    return jnp.take_along_axis(q, action[..., None], -1)[..., 0]


def double(q_online_next: Array, q_target_next: Array, legal_next: Array) -> Array:
    """What the target network holds of the action that the online network prefers (van Hasselt et al. 2016).

    v = Q_target(s', argmax_a Q_online(s', a)), over legal actions. A constant: no gradient passes.
    """
    return jax.lax.stop_gradient(taken(q_target_next, greedy(q_online_next, legal_next)))


def linear(start: float, end: float, fraction: Array) -> Array:
    """A schedule: from start, where fraction is 0 or less, straight to end, where it is 1 or more."""
    return start + (end - start) * jnp.clip(fraction, 0.0, 1.0)
