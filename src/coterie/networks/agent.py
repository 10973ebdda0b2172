"""The network of one agent: from what it sees to the values of its actions, with or without memory.

A network is a tuple of functions on one example. What precedes the memory (`encode`) is apart from the memory (`recur`)
and from what follows (`head`), so that only `recur` stands in the loop over time: the rest of a sequence is a few large
matrix products.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from coterie.types import Array, Key, Kind

LONGEST_ONE_HOT = 1024  # a discrete observation with more values than this is a number, not a place


class Network(NamedTuple):
    """The network of an agent of some kind, as functions on one example.

    init(key, kind, ids) -> params        ids: how many agents share these parameters and must be told apart; else 0
    encode(params, obs, who) -> x         obs as its kind's space says; who float32[ids], one at the agent's place
    recur(params, memory, x) -> memory    None for a network without memory, whose head acts on x
    head(params, h) -> q                  float32[A]
    memory                                its length; 0: none
    """

    init: Callable[[Key, Kind, int], Any]
    encode: Callable[[Any, Array, Array], Array]
    recur: Callable[[Any, Array, Array], Array] | None
    head: Callable[[Any, Array], Array]
    memory: int


class Params(eqx.Module):
    """The arrays of a network; `high` is that of its kind, a number outside the tree's leaves."""

    filters: tuple[eqx.nn.Linear, ...]
    layers: tuple[eqx.nn.Linear, ...]
    norms: tuple[eqx.nn.LayerNorm, ...]
    cell: eqx.nn.GRUCell | None
    top: eqx.nn.Linear
    high: int | None = eqx.field(static=True)


def dense_network(
    hidden: int = 64, layers: int = 2, recurrent: bool = False, dueling: bool = False, layer_norm: bool = False
) -> Network:
    """Layers of `hidden` rectified units, then, if recurrent, as many units of memory, then the head."""
    return _network((), 0, 1, hidden, layers, recurrent, dueling, layer_norm)


def image_network(
    channels: tuple[int, ...] = (16, 32),
    size: int = 3,
    stride: int = 2,
    hidden: int = 64,
    layers: int = 1,
    recurrent: bool = False,
    dueling: bool = False,
    layer_norm: bool = False,
) -> Network:
    """Convolutions of size x size over pictures [H, W, C], each `stride` times smaller, then as a dense network."""
    return _network(channels, size, stride, hidden, layers, recurrent, dueling, layer_norm)


def values(network: Network, params: Any, obs: Array, who: Array, memory: Array, first: Array) -> tuple[Array, Array]:
    """One step of one agent: q float32[A] and the memory after it; an episode begins with an empty memory."""
    x = network.encode(params, obs, who)
    if network.recur is None:
        return network.head(params, x), memory
    memory = network.recur(params, jnp.where(first, 0.0, memory), x)
    return network.head(params, memory), memory


def unroll(network: Network, params: Any, obs: Array, who: Array, memory: Array, first: Array) -> Array:
    """The values along one agent's rows: obs [L, ...], first bool[L], memory before the first row -> q [L, A]."""
    x = jax.vmap(network.encode, (None, 0, None))(params, obs, who)
    if network.recur is not None:
        recur = network.recur

        def row(memory: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
            memory = recur(params, jnp.where(now[1], 0.0, memory), now[0])
            return memory, memory

        x = jax.lax.scan(row, memory, (x, first))[1]
    return jax.vmap(network.head, (None, 0))(params, x)


def _network(
    channels: tuple[int, ...],
    size: int,
    stride: int,
    hidden: int,
    layers: int,
    recurrent: bool,
    dueling: bool,
    layer_norm: bool,
) -> Network:
    def init(key: Key, kind: Kind, ids: int) -> Params:
        keys = iter(jax.random.split(key, len(channels) + layers + 2))
        shape, filters = kind.observation_shape, []
        for wide in channels:
            filters.append(eqx.nn.Linear(size * size * shape[-1], wide, key=next(keys)))
            shape = (-(-shape[0] // stride), -(-shape[1] // stride), wide)
        below = (kind.observation_high + 1 if _is_place(kind) else prod(shape)) + ids
        dense = []
        for _ in range(layers):
            dense.append(eqx.nn.Linear(below, hidden, key=next(keys)))
            below = hidden
        norms = tuple(eqx.nn.LayerNorm(hidden) for _ in range(layers)) if layer_norm else ()
        cell = eqx.nn.GRUCell(below, hidden, key=next(keys)) if recurrent else None
        top = eqx.nn.Linear(hidden if recurrent else below, kind.actions + dueling, key=next(keys))
        return Params(tuple(filters), tuple(dense), norms, cell, top, kind.observation_high)

    def encode(params: Params, obs: Array, who: Array) -> Array:
        x = prepare(obs, params.high)
        for weights in params.filters:
            x = jax.nn.relu(convolve(weights, x, size, stride))
        x = jnp.concatenate([x.reshape(-1), who])
        for place, layer in enumerate(params.layers):
            x = layer(x)
            x = jax.nn.relu(params.norms[place](x) if params.norms else x)
        return x if params.cell is None else params.cell.weight_ih @ x + params.cell.bias

    def head(params: Params, h: Array) -> Array:
        q = params.top(h)
        return q[0] + q[1:] - q[1:].mean() if dueling else q

    return Network(init, encode, recur_gru if recurrent else None, head, hidden if recurrent else 0)


def _is_place(kind: Kind) -> bool:
    high = kind.observation_high
    return kind.observation_shape == () and high is not None and high < LONGEST_ONE_HOT


def prepare(obs: Array, high: int | None) -> Array:
    """An observation as numbers near one: a single small integer as a one at its place, others divided by `high`."""
    if obs.ndim == 0 and high is not None and high < LONGEST_ONE_HOT:
        return jax.nn.one_hot(obs, high + 1)
    return obs.astype(jnp.float32) / (high or 1)


def convolve(weights: eqx.nn.Linear, x: Array, size: int, stride: int) -> Array:
    """A convolution [H, W, C] -> [ceil(H / stride), ceil(W / stride), channels], as shifted slices and one product."""
    high, wide = -(-x.shape[0] // stride), -(-x.shape[1] // stride)
    before = size // 2
    x = jnp.pad(x, ((before, size), (before, size), (0, 0)))
    shifted = [
        x[i : i + stride * high : stride, j : j + stride * wide : stride] for i in range(size) for j in range(size)
    ]
    return jnp.concatenate(shifted, -1) @ weights.weight.T + weights.bias


def recur_gru(params: Params, memory: Array, x: Array) -> Array:
    """The hidden half of a gated recurrent unit (Cho et al. 2014); x [3 H] is its input half, bias included.

    r = sigmoid(x_r + U_r h), z = sigmoid(x_z + U_z h), n = tanh(x_n + r (U_n h + b)), h' = n + z (h - n).
    """
    cell = params.cell
    x_reset, x_keep, x_new = jnp.split(x, 3)
    h_reset, h_keep, h_new = jnp.split(cell.weight_hh @ memory, 3)
    reset, keep = jax.nn.sigmoid(x_reset + h_reset), jax.nn.sigmoid(x_keep + h_keep)
    new = jnp.tanh(x_new + reset * (h_new + cell.bias_n))
    return new + keep * (memory - new)
