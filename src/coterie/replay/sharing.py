"""Who studies whose experience: every rule is a function (key, candidates, offered) -> Draw.

Axes: N agents of one kind, M learners of which the first N act and the rest only study, B batch, K candidates.

All agents' rows lie in one ring, [slots, E, N, ...]. Candidates are places drawn for all learners in common, and so are
the numbers by which sources are chosen: learners with equal rows of weights study equal things.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from coterie.errors import BadInput
from coterie.replay.buffer import Places, Ring, look_up, slots_of
from coterie.types import Array, Key


class Draw(NamedTuple):
    """Learner m studies, as item b, what agent `source` did at (row, environment), with `weight`; all are [B, M]."""

    row: Array
    environment: Array
    source: Array
    weight: Array


Rule = Callable[[Key, Places, Array | None], Draw]


def study(ring: Ring, draw: Draw, length: int = 1) -> Any:
    """What each learner studies, leaves [length, B, M, ...], of a ring whose leaves are [slots, E, N, ...]."""
    steps = jnp.arange(length, dtype=jnp.int32)[:, None, None]
    rows = (draw.row + steps) % slots_of(ring)
    return jax.tree.map(lambda leaf: look_up(leaf, (rows, draw.environment, draw.source)), ring.rows)


# Weights: row i says how learner i divides its study among the agents


def identity(agents: int) -> np.ndarray:
    """Everyone studies itself: independent learners, float64[N, N]."""
    return np.eye(agents)


def pooled(agents: int) -> np.ndarray:
    """Everyone studies everyone alike: one common replay, float64[N, N]."""
    return np.full((agents, agents), 1 / agents)


def teams(groups: Sequence[int]) -> np.ndarray:
    """Agents with one group number study each other alike; groups are Spec.experience or Spec.team, float64[N, N]."""
    same = np.equal.outer(np.asarray(groups), np.asarray(groups)).astype(float)
    return same / same.sum(1, keepdims=True)


def with_students(weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The same with further learners that study by `rows` [further, N] and never act, float64[M, N]."""
    return np.concatenate([weights, rows])


def checked(weights: Any) -> np.ndarray:
    """The weights as float64[M, N]; raises BadInput where they are not shares."""
    weights = np.asarray(weights, float)
    if weights.ndim != 2 or weights.shape[0] < weights.shape[1]:
        raise BadInput(f"shares of experience are a row a learner and a column an agent, not of shape {weights.shape}")
    for learner, row in enumerate(weights):
        if not (np.isfinite(row).all() and (row >= 0).all() and np.isclose(row.sum(), 1)):
            raise BadInput(f"learner {learner}'s shares of experience, {row.tolist()}, do not add to 1")
    return weights


def bounds(weights: np.ndarray) -> Array:
    """The inner bounds of each row's shares on [0, 1), float32[M, N - 1]."""
    upto = np.cumsum(weights, 1)
    return jnp.asarray(upto[:, :-1] / upto[:, -1:], jnp.float32)


def sources(bounds: Array, uniform: Array) -> Array:
    """The agent whose share a common number falls into, int32[..., M], for uniform float32[...]: the inverse cdf."""
    return (uniform[..., None, None] >= bounds).sum(-1, dtype=jnp.int32)


def spread(values: Array, learners: int) -> Array:
    """Values [B] for each learner alike, [B, M]."""
    return jnp.broadcast_to(values[:, None], (*values.shape, learners))


# Rules


def matrix(weights: Any) -> Rule:
    """Learner i studies agent j's experience with probability weights[i, j]; weights is [M, N], rows add to 1."""
    inner = bounds(checked(weights))
    learners = inner.shape[0]

    def rule(key: Key, candidates: Places, offered: Array | None = None) -> Draw:
        row, environment = (spread(place[0], learners) for place in candidates)
        source = sources(inner, jax.random.uniform(key, candidates.row.shape[1:]))
        return Draw(row, environment, source, jnp.ones(source.shape, jnp.float32))

    return rule


def selective(weights: Any) -> Rule:
    """Learners study their own experience, and of the others' only what is offered.

    Each of K candidates names a source by weights [M, N], as `matrix` does; the first is taken whose source is the
    learner itself or offered there. Where none is, the learner takes its own of the first candidate; with weight 0
    where it has no share in its own. With even weights and many candidates, one's own experience stands to another's as
    1 to the share that is offered: what SUPER's relaying makes of a buffer (Gerstgrasser et al. 2023).
    """
    shares = checked(weights)
    learners, agents = shares.shape
    inner, own = bounds(shares), jnp.arange(learners, dtype=jnp.int32)
    acts = own < agents
    falls_back = jnp.asarray(np.pad(np.diagonal(shares) > 0, (0, learners - agents)))

    def rule(key: Key, candidates: Places, offered: Array | None = None) -> Draw:
        if offered is None:
            raise ValueError("selective sharing needs to know what is offered")
        source = sources(inner, jax.random.uniform(key, candidates.row.shape))
        there = jnp.take_along_axis(offered[candidates.row, candidates.environment], source, axis=-1)
        accepted = there | (source == own)
        found, first = accepted.any(0), jnp.argmax(accepted, axis=0)
        item = jnp.arange(first.shape[0])[:, None]
        chosen = source[first, item, jnp.arange(learners)]
        return Draw(
            candidates.row[first, item],
            candidates.environment[first, item],
            jnp.where(found | ~acts, chosen, own),
            (found | falls_back).astype(jnp.float32),
        )

    return rule


def stratified(agents: int, own_weight: float, learners: int | None = None) -> Rule:
    """Shared-experience Q-learning (SEQL) as published: item b is agent b % N's experience, for every learner.

    A learner's own items weigh `own_weight` times the others'; its N weights have mean 1. The official code has
    own_weight N - 1; 1 mends it (Christianos et al. 2020, appendix).
    """
    learners = learners or agents

    def rule(key: Key, candidates: Places, offered: Array | None = None) -> Draw:
        row, environment = (spread(place[0], learners) for place in candidates)
        source = spread(jnp.arange(row.shape[0], dtype=jnp.int32) % agents, learners)
        own = source == jnp.arange(learners, dtype=jnp.int32)
        mean = jnp.where(jnp.arange(learners) < agents, (own_weight + agents - 1) / agents, 1)
        weight = jnp.where(own, own_weight, 1.0) / mean
        return Draw(row, environment, source, weight.astype(jnp.float32))

    return rule


# Offers: what agents relay to the others


def empty_window(width: int, agents: int) -> Array:
    """A window in which no error stands yet, float32[W, N]; a place where none stands is -1."""
    return jnp.full((width, agents), -1, jnp.float32)


def by_quantile(errors: Array, window: Array, share: float) -> tuple[Array, Array]:
    """Offers what surprised its own agent most: |error| above the (1 - share) quantile of that agent's last W.

    errors [T, E, N] -> offered bool[T, E, N] and the window, float32[W, N], with these errors in it. An error that is
    not a number stands for no decision: it is not offered and not counted. Quantiles are interpolated as NumPy does
    (Gerstgrasser et al. 2023, the quantile rule).
    """
    size = jnp.where(jnp.isnan(errors), -1, jnp.abs(errors)).astype(jnp.float32)
    flat = size.reshape(-1, size.shape[-1])
    window = jnp.concatenate([window, flat])[-window.shape[0] :]
    return size > jax.vmap(quantile, in_axes=(1, None))(window, 1 - share), window


def quantile(values: Array, level: float) -> Array:
    """The quantile of those of float32[W] that are not negative, linearly interpolated; 0 where there are none.

    The place in order is rounded to a 1024th, or (1 - 0.1) * 10 would fall short of 9 in float32.
    """
    missing = (values < 0).sum(dtype=jnp.int32)
    place = jnp.round(1024 * level * (values.shape[0] - missing - 1).astype(jnp.float32)) / 1024
    low = jnp.floor(place)
    places = jnp.minimum(missing + jnp.stack([low, jnp.ceil(place)]).astype(jnp.int32), values.shape[0] - 1)
    below, above = jax.vmap(ranked, in_axes=(None, 0))(values, places)
    return below + (above - below) * (place - low)


def ranked(values: Array, place: Array) -> Array:
    """The value at a place, from 0, in ascending order, where that is not negative: six times as fast as to sort.

    Such floats are ordered as their bits are, and the wanted one is the greatest number that at most `place` values are
    below: its bits are found one by one from the highest.
    """
    bits = jax.lax.bitcast_convert_type(values, jnp.int32)

    def narrow(number: Array, found: Array) -> Array:
        tried = found | (jnp.int32(1) << (30 - number).astype(jnp.int32))
        return jnp.where((bits < tried).sum(dtype=jnp.int32) <= place, tried, found)

    return jax.lax.bitcast_convert_type(jax.lax.fori_loop(0, 31, narrow, jnp.int32(0)), jnp.float32)


def at_random(key: Key, shape: tuple[int, ...], share: float) -> Array:
    """Offers a share of everything at random: the control of any rule that claims to choose well."""
    return jax.random.bernoulli(key, share, shape)
