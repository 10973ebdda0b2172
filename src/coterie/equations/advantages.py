"""How much better an action was than expected, what is learned of that, and on which scale values are learned.

Rows are those of `equations/returns.py`: reward r_t, discount d_t (0 where the world truly ended for the agent),
`last` (a boundary follows), `valid` (a completed decision), the value v_t of what was seen and that of the true
successor, `ahead` v'_t. Time is the first axis; whatever stands behind it is batched.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from coterie.types import Array

SMALL = 1e-8


def generalised(
    reward: Array, discount: Array, last: Array, valid: Array, value: Array, ahead: Array, gamma: float, trace: float
) -> Array:
    """Generalised advantages (Schulman et al. 2016, eq. 16), float32[T, ..]; all have that shape. No gradient passes.

    delta_t = r_t + gamma d_t v'_t - v_t,   A_t = delta_t + gamma lambda d_t A_next, A_next that of the agent's next
    completed decision; at a boundary and at the end of the rows A_t = delta_t. So a time limit (d = 1) bootstraps with
    the value of its true successor, and an ending (d = 0) does not. Rows that are not valid have the advantage 0, and
    those before them look past them: an agent's time is its own decisions.
    """
    reward, discount, value, ahead = jax.lax.stop_gradient((reward, discount, value, ahead))
    delta = reward + gamma * discount * ahead - value
    passed_on = jnp.where(last, 0.0, gamma * trace * discount)

    def row(later: Array, now: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        delta, passed_on, valid = now
        advantage = delta + passed_on * later
        return jnp.where(valid, advantage, later), jnp.where(valid, advantage, 0.0)

    return jax.lax.scan(row, jnp.zeros_like(delta[0]), (delta, passed_on, valid), reverse=True)[1]


def clipped_gain(ratio: Array, advantage: Array, clip: float) -> Array:
    """What a policy gains, min(r A, clip(r, 1 - c, 1 + c) A) (Schulman et al. 2017, eq. 7); r A where clip is 0."""
    if clip == 0:
        return ratio * advantage
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage)


def clipped_value_loss(value: Array, before: Array, wanted: Array, clip: float) -> Array:
    """Half the square of the error, or of that of v_before + clip(v - v_before, -c, c) where it is larger.

    OpenAI baselines, ppo2 (not in the paper); the square alone where clip is 0.
    """
    loss = (wanted - value) ** 2
    if clip == 0:
        return 0.5 * loss
    near = before + jnp.clip(value - before, -clip, clip)
    return 0.5 * jnp.maximum(loss, (wanted - near) ** 2)


def divergence(ratio: Array) -> Array:
    """An estimate of KL(old | new) that is never negative: (r - 1) - log r (Schulman 2020, "k3")."""
    return ratio - 1 - jnp.log(ratio)


def by_network(values: Array, valid: Array, networks: Array) -> tuple[Array, Array]:
    """Sums and counts of the valid entries for each network: [.., N] and float32[N, G] -> [G] each."""
    axes = tuple(range(values.ndim - 1))
    return jnp.where(valid, values, 0.0).sum(axes) @ networks, valid.sum(axes).astype(jnp.float32) @ networks


def normalised(values: Array, valid: Array, networks: Array) -> Array:
    """(x - mean) / deviation over each network's valid entries, 0 elsewhere: [.., N] and float32[N, G] -> [.., N].

    Where fewer than two entries are valid nothing is known of the deviation, and they are left as they are.
    """
    total, count = by_network(values, valid, networks)
    mean = total / jnp.maximum(count, 1)
    off = values - networks @ mean
    square, _ = by_network(off**2, valid, networks)
    deviation = jnp.sqrt(square / jnp.maximum(count, 1))
    known = networks @ (count > 1).astype(jnp.float32) > 0
    return jnp.where(valid, jnp.where(known, off / (networks @ deviation + SMALL), values), 0.0)


class Scale(NamedTuple):
    """Running moments of what a network's values are drawn to, by network [G]: weight, sum of x, sum of x^2."""

    weight: Array
    total: Array
    square: Array


def first_scale(networks: int) -> Scale:
    """The moments of nothing."""
    return Scale(jnp.zeros(networks), jnp.zeros(networks), jnp.zeros(networks))


def heard(scale: Scale, wanted: Array, valid: Array, networks: Array, rate: float) -> Scale:
    """The moments with one more rollout in them: an average in which each earlier one weighs 1 - rate as much.

    The weight grows to one, so that the first rollout counts in full (as MAPPO's, Yu et al. 2022, section 3).
    """
    total, count = by_network(wanted, valid, networks)
    square, _ = by_network(wanted**2, valid, networks)
    some = jnp.maximum(count, 1)
    new = Scale(jnp.ones_like(count), total / some, square / some)
    mixed = jax.tree.map(lambda old, one: (1 - rate) * old + rate * one, scale, new)
    return jax.tree.map(lambda old, one: jnp.where(count > 0, one, old), scale, mixed)


def moments(scale: Scale) -> tuple[Array, Array]:
    """Mean and deviation by network, [G] each; 0 and 1 where nothing was heard."""
    weight = jnp.maximum(scale.weight, SMALL)
    mean = scale.total / weight
    deviation = jnp.sqrt(jnp.maximum(scale.square / weight - mean**2, 0.0))
    known = (scale.weight > 0) & (deviation > 1e-4)
    return jnp.where(scale.weight > 0, mean, 0.0), jnp.where(known, deviation, 1.0)


def explained(wanted: Array, value: Array, valid: Array) -> Array:
    """The share of the variance of what values are drawn to that they explain: 1 - Var(y - v) / Var(y)."""
    everybody: Any = jnp.ones((valid.shape[-1], 1))
    ones = first_scale(1)
    off = moments(heard(ones, wanted - value, valid, everybody, 1.0))[1]
    of = moments(heard(ones, wanted, valid, everybody, 1.0))[1]
    return 1 - (off**2 / of**2)[0]
