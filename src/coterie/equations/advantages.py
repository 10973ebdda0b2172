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
LEAST = 1e-4  # of the deviation that values are measured in


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

    def row(later: Array, now: tuple[Array, ...]) -> tuple[Array, Array]:
        delta, discount, last, valid = now
        advantage = jnp.where(last, delta, delta + gamma * trace * discount * later)  # where: 0 x nan is nan
        return jnp.where(valid, advantage, later), jnp.where(valid, advantage, 0.0)

    return jax.lax.scan(row, jnp.zeros_like(delta[0]), (delta, discount, last, valid), reverse=True)[1]


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


def spread_of(values: Array, valid: Array, networks: Array) -> tuple[Array, Array, Array, Array]:
    """By network [G] the mean, the variance and the count of the valid entries; and x - mean, [.., N].

    The mean is taken twice, the second time of what the first left over: else rounding gives equal entries a variance,
    and E[x^2] - E[x]^2 would lose a small one beside a large mean.
    """
    total, count = by_network(values, valid, networks)
    some = jnp.maximum(count, 1)
    mean = total / some
    off = values - networks @ mean
    left = by_network(off, valid, networks)[0] / some
    off = off - networks @ left
    return mean + left, by_network(off**2, valid, networks)[0] / some, count, off


def normalised(values: Array, valid: Array, networks: Array) -> Array:
    """(x - mean) / deviation over each network's valid entries, 0 elsewhere: [.., N] and float32[N, G] -> [.., N].

    Where fewer than two entries are valid nothing is known of the deviation, and they are left as they are.
    """
    _, variance, count, off = spread_of(values, valid, networks)
    known = networks @ (count > 1).astype(jnp.float32) > 0
    return jnp.where(valid, jnp.where(known, off / (networks @ jnp.sqrt(variance) + SMALL), values), 0.0)


class Scale(NamedTuple):
    """Running moments of what a network's values are drawn to, by network [G]; weight: how much was heard, up to 1."""

    weight: Array
    mean: Array
    variance: Array


def first_scale(networks: int) -> Scale:
    """The moments of nothing."""
    return Scale(jnp.zeros(networks), jnp.zeros(networks), jnp.zeros(networks))


def heard(scale: Scale, wanted: Array, valid: Array, networks: Array, rate: float) -> Scale:
    """The moments with one more rollout in them: an average in which each earlier one weighs 1 - rate as much.

    The weight grows to one, so that the first rollout counts in full (as MAPPO's, Yu et al. 2022, section 3).
    """
    mean, variance, count, _ = spread_of(wanted, valid, networks)
    weight = (1 - rate) * scale.weight + rate
    share, step = rate / weight, mean - scale.mean
    variance = (1 - share) * (scale.variance + share * step**2) + share * variance
    mixed = Scale(weight, scale.mean + share * step, variance)
    return jax.tree.map(lambda old, one: jnp.where(count > 0, one, old), scale, mixed)


def moments(scale: Scale) -> tuple[Array, Array]:
    """Mean and deviation by network, [G] each; 0 and 1 where nothing was heard.

    A deviation is at least LEAST, and that share of a mean above 1: what is smaller is rounding, and to fall back on 1
    there would change the scale, and with it all values, from one rollout to the next.
    """
    deviation = jnp.maximum(jnp.sqrt(scale.variance), LEAST * jnp.maximum(1.0, jnp.abs(scale.mean)))
    return scale.mean, jnp.where(scale.weight > 0, deviation, 1.0)


def explained(wanted: Array, value: Array, valid: Array) -> Array:
    """The share of the variance of what values are drawn to that they explain: 1 - Var(y - v) / Var(y).

    0 where what they are drawn to does not vary.
    """
    everybody: Any = jnp.ones((valid.shape[-1], 1))
    (mean,), (variance,), _, _ = spread_of(wanted, valid, everybody)
    (left,) = spread_of(wanted - value, valid, everybody)[1]
    varies = variance > (1e-6 * mean) ** 2
    return jnp.where(varies, 1 - left / jnp.where(varies, variance, 1.0), 0.0)
