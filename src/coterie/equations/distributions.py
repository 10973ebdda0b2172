"""What a policy draws its actions from: numbered actions, several choices at once, and rows of amounts.

Each distribution is a tuple of pure functions of what a network's head tells, h float32[.., H], and of what is legal,
bool[.., A]. Amounts are drawn as u from a normal distribution and then brought inside their bounds; what is kept of a
draw (`raw`) is u, so that nothing has to be undone when its probability is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable
from math import e, pi
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from coterie.equations.choosing import greedy, masked, taken
from coterie.types import Array, Key, Kind

NARROWEST, WIDEST = -5.0, 2.0  # of the logarithm of a deviation
NODES, FARTHEST = 24, 4.5  # an entropy of squashed amounts is summed over so many draws, up to so many deviations off


class Drawn(NamedTuple):
    """A draw: the action, what is kept of it, and its log-probability float32[..] (of u, where it is of amounts)."""

    action: Array
    raw: Array
    log_probability: Array


class Distribution(NamedTuple):
    """What the actions of a kind are drawn from.

    size                                     H, how many numbers the head tells
    start                                    the last of them that depend on nothing seen, as they are at first; or ()
    draw(key, h, legal) -> Drawn             [.., ...]
    log_probability(h, legal, raw) -> [..]   of a draw, under this h
    entropy(h, legal) -> [..]                in nats
    greedy(h, legal) -> action               the likeliest; of amounts the middle one
    """

    size: int
    start: tuple[float, ...]
    draw: Callable[[Key, Array, Array], Drawn]
    log_probability: Callable[[Array, Array, Array], Array]
    entropy: Callable[[Array, Array], Array]
    greedy: Callable[[Array, Array], Array]


# One of A actions, and several choices at once


def log_softmax(logits: Array, legal: Array) -> Array:
    """Log p(a) = l_a - log sum_b exp l_b over the legal actions, [.., A]; LOWEST, with no gradient, for the others."""
    return masked(jax.nn.log_softmax(masked(logits, legal), -1), legal)


def entropy_of(logits: Array, legal: Array) -> Array:
    """H = - sum_a p(a) log p(a) over the legal actions (Shannon 1948), in nats, [..]."""
    log_p = log_softmax(logits, legal)
    return -jnp.where(legal, jnp.exp(log_p) * log_p, 0.0).sum(-1)


def categorical(actions: int) -> Distribution:
    """One of `actions`: h are logits, and what is illegal has probability exactly 0."""

    def draw(key: Key, h: Array, legal: Array) -> Drawn:
        action = jax.random.categorical(key, masked(h, legal), -1).astype(jnp.int32)
        return Drawn(action, action, taken(log_softmax(h, legal), action))

    def log_probability(h: Array, legal: Array, raw: Array) -> Array:
        return taken(log_softmax(h, legal), raw)

    return Distribution(actions, (), draw, log_probability, entropy_of, greedy)


def several(choices: tuple[int, ...]) -> Distribution:
    """Several choices at once, h their logits side by side; an action is a number, the last choice fastest.

    The logit of a number is the sum of its choices' logits: p(a) is the product of the p_j(a_j) where all numbers are
    legal, and else that product among those that are, for a mask forbids combinations.
    """
    ends, together = np.cumsum(choices).tolist(), categorical(int(np.prod(choices)))

    def joint(h: Array) -> Array:
        logits = jnp.zeros((*h.shape[:-1], 1))
        for end, size in zip(ends, choices, strict=True):
            logits = logits[..., None] + h[..., None, end - size : end]
            logits = logits.reshape(*h.shape[:-1], -1)
        return logits

    return Distribution(
        sum(choices),
        (),
        lambda key, h, legal: together.draw(key, joint(h), legal),
        lambda h, legal, raw: together.log_probability(joint(h), legal, raw),
        lambda h, legal: together.entropy(joint(h), legal),
        lambda h, legal: together.greedy(joint(h), legal),
    )


# Amounts


def narrowed(log_deviation: Array) -> Array:
    """The logarithm of a deviation inside its limits, with the gradient of one that has none.

    A plain clip has no gradient beyond the limits: a deviation that went there once would stay for ever. To let pass
    only what leads back would choose among the rows of a batch, and push by their noise.
    """
    return log_deviation + jax.lax.stop_gradient(jnp.clip(log_deviation, NARROWEST, WIDEST) - log_deviation)


def normal_log_probability(u: Array, mean: Array, log_deviation: Array) -> Array:
    """Log p(u) = - (u - m)^2 / (2 s^2) - log s - log(2 pi) / 2, summed over the last axis."""
    scaled = (u - mean) * jnp.exp(-log_deviation)
    return (-0.5 * scaled**2 - log_deviation - 0.5 * float(np.log(2 * pi))).sum(-1)


def normal_entropy(log_deviation: Array) -> Array:
    """H = log s + log(2 pi e) / 2, summed over the last axis."""
    return (log_deviation + 0.5 * float(np.log(2 * pi * e))).sum(-1)


def log_slope_of_tanh(u: Array) -> Array:
    """log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(- 2 u)), which is exact where 1 - tanh^2 rounds to 0."""
    return 2.0 * (float(np.log(2)) - u - jax.nn.softplus(-2.0 * u))


def amounts(
    lowest: tuple[float, ...], highest: tuple[float, ...], squashed: bool, by_sight: bool, deviation: float
) -> Distribution:
    """A row of amounts from independent normal distributions, brought inside their bounds.

    With middle c and half width w of the bounds, a = c + w clip(u, -1, 1), or squashed a = c + w tanh(u); what is not
    bounded on both sides is u itself, clipped where it has a bound. The log-probability is that of u, in the density of
    (a - c) / w where it is squashed (Haarnoja et al. 2018, appendix C: log p(a) = log p(u) - sum log(1 - tanh(u)^2)).
    The entropy of squashed amounts is that of u plus E[log(1 - tanh(u)^2)], a sum over evenly spaced draws (with wide
    deviations that is ten times as exact as Gauss-Hermite quadrature: the slope has a bend at 0); that of clipped ones
    is u's, for theirs has no density.

    by_sight: the head tells the logarithms of the deviations, too, added to that of `deviation`; else these are
    parameters that depend on nothing seen.
    """
    size = len(lowest)
    least, most = np.array(lowest, np.float32), np.array(highest, np.float32)
    bounded = np.isfinite(least) & np.isfinite(most)
    low, high = np.where(bounded, np.array([lowest, highest]), [[-1.0], [1.0]])
    middle, half = ((low + high) / 2).astype(np.float32), ((high - low) / 2).astype(np.float32)
    at = np.linspace(-FARTHEST, FARTHEST, NODES, dtype=np.float32)
    weight = np.exp(-(at**2) / 2) / np.exp(-(at**2) / 2).sum()
    start = float(np.log(deviation))

    def read(h: Array) -> tuple[Array, Array]:
        log_deviation = h[..., size:] + start if by_sight else h[..., size:]
        return h[..., :size], narrowed(log_deviation)

    def inside(u: Array) -> Array:
        bent = jnp.tanh(u) if squashed else jnp.clip(u, -1.0, 1.0)
        return jnp.clip(jnp.where(bounded, middle + half * bent, u), least, most)

    def draw(key: Key, h: Array, legal: Array) -> Drawn:
        mean, log_deviation = read(h)
        u = mean + jnp.exp(log_deviation) * jax.random.normal(key, mean.shape)
        return Drawn(inside(u), u, log_probability(h, legal, u))

    def log_probability(h: Array, legal: Array, raw: Array) -> Array:
        told = normal_log_probability(raw, *read(h))
        return told - jnp.where(bounded, log_slope_of_tanh(raw), 0.0).sum(-1) if squashed else told

    def entropy(h: Array, legal: Array) -> Array:
        mean, log_deviation = read(h)
        if not squashed:
            return normal_entropy(log_deviation)
        slopes = log_slope_of_tanh(mean[..., None] + jnp.exp(log_deviation)[..., None] * at) @ weight
        return normal_entropy(log_deviation) + jnp.where(bounded, slopes, 0.0).sum(-1)

    def mode(h: Array, legal: Array) -> Array:
        return inside(h[..., :size])

    free = () if by_sight else (start,) * size
    return Distribution(2 * size, free, draw, log_probability, entropy, mode)


def distribution_of(kind: Kind, squashed: bool, by_sight: bool, deviation: float) -> Distribution:
    """What the actions of a kind are drawn from; the words are those of `amounts`."""
    if kind.bounds:
        return amounts(kind.low, kind.high, squashed, by_sight, deviation)
    return several(kind.choices) if kind.choices else categorical(kind.actions)
