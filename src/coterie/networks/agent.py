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

from coterie.equations import choosing
from coterie.types import Array, Key, Kind

PICTURE_AXES = 3  # rows, columns, channels
LARGEST_PLACE = 1024  # a discrete observation that can be larger than this is an amount, not a place


class Network(NamedTuple):
    """The network of an agent of some kind, as functions on one example.

    init(key, kind, ids) -> params        ids: how many agents share these parameters and must be told apart; else 0
    encode(params, obs, who) -> x         obs as its kind's space says; who float32[ids], one at the agent's place
    recur(params, memory, x) -> memory    None for a network without memory, whose head acts on x
    head(params, x or memory) -> h        float32[H]
    memory                                its length; 0: none
    greedy(h, legal) -> action            of what the head tells, [.., H], and what is legal, [.., A]
    identity                              whether one in common for several agents is told which of them it acts for

    The head of a network that values actions tells q float32[A]; that of one that draws them, what describes how.
    x is an array, or a tree of arrays, that only recur or head reads.
    """

    init: Callable[[Key, Kind, int], Any]
    encode: Callable[[Any, Array, Array], Array]
    recur: Callable[[Any, Array, Array], Array] | None
    head: Callable[[Any, Array], Array]
    memory: int
    greedy: Callable[[Array, Array], Array] = choosing.greedy
    identity: bool = True


class Params(eqx.Module):
    """The arrays of a network; `high`, what its kind's observations are divided by, is no leaf of the tree.

    free: the last numbers that the head tells, where they depend on nothing seen; None for none.
    """

    filters: tuple[eqx.nn.Linear, ...]
    layers: tuple[eqx.nn.Linear, ...]
    norms: tuple[eqx.nn.LayerNorm, ...]
    cell: eqx.nn.GRUCell | None
    top: eqx.nn.Linear
    free: Array | None
    high: int | None = eqx.field(static=True)


class Head(NamedTuple):
    """What a network ends in; the values of actions where nothing is said.

    size: how many numbers it tells; 0: one an action. start: the last of them, which depend on nothing seen, as they
    are at first. scale: of its weights at first; small ones make a policy begin almost evenly. greedy: see Network.
    """

    size: int = 0
    start: tuple[float, ...] = ()
    scale: float = 1.0
    dueling: bool = False
    greedy: Callable[[Array, Array], Array] = choosing.greedy


class Body(NamedTuple):
    """What stands before the head: convolutions of size x size, dense layers, a memory; `bend` bends what they tell.

    standard: each picture is shown with mean 0 and deviation 1; large white areas drown what moves else.
    apart: what is seen is multiplied apart from who sees it: once where several see the same.
    """

    hidden: int = 64
    layers: int = 2
    recurrent: bool = False
    layer_norm: bool = False
    bend: Callable[[Array], Array] = jax.nn.relu
    channels: tuple[int, ...] = ()
    size: int = 3
    stride: int = 2
    standard: bool = False
    apart: bool = False


def dense_network(
    hidden: int = 64, layers: int = 2, recurrent: bool = False, dueling: bool = False, layer_norm: bool = False
) -> Network:
    """Layers of `hidden` rectified units, then, if recurrent, as many units of memory, then the head."""
    return network_of(Body(hidden, layers, recurrent, layer_norm), Head(dueling=dueling))


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
    """Convolutions of size x size over pictures [H, W, C], each `stride` times smaller, then as a dense network.

    Bytes whose range is not known are divided by 255.
    """
    body = Body(hidden, layers, recurrent, layer_norm, channels=channels, size=size, stride=stride)
    return network_of(body, Head(dueling=dueling))


def values(network: Network, params: Any, obs: Array, who: Array, memory: Array, first: Array) -> tuple[Array, Array]:
    """One step of one agent: q float32[A] and the memory after it; an episode begins with an empty memory."""
    x = network.encode(params, obs, who)
    if network.recur is None:
        return network.head(params, x), memory
    memory = network.recur(params, jnp.where(first, 0.0, memory), x)
    return network.head(params, memory), memory


def unroll(
    network: Network, params: Any, obs: Array, who: Array, memory: Array, first: Array, own: Array | None = None
) -> Array:
    """What the head tells along one agent's rows: obs [L, ...], first bool[L], memory before the first row -> [L, H].

    own bool[L]: rows that are a sight of the agent's own; in the others, where it waits, it stands as it did before.
    """
    return jax.vmap(network.head, (None, 0))(params, standing(network, params, obs, who, memory, first, own))


def standing(
    network: Network, params: Any, obs: Array, who: Array, memory: Array, first: Array, own: Array | None = None
) -> Any:
    """What the head reads along one agent's rows, [L, ...]: where there is a memory, that after each row."""
    x = jax.vmap(network.encode, (None, 0, None))(params, obs, who)
    if network.recur is not None:
        recur = network.recur

        def row(memory: Array, now: tuple[Any, Array, Array | None]) -> tuple[Array, Array]:
            after = recur(params, jnp.where(now[1], 0.0, memory), now[0])
            after = after if now[2] is None else jnp.where(now[2], after, memory)
            return after, after

        x = jax.lax.scan(row, memory, (x, first, own))[1]
    elif own is not None:
        newest = jax.lax.cummax(jnp.where(own, jnp.arange(own.shape[0]), 0))
        x = jax.tree.map(lambda leaf: leaf[newest], x)
    return x


def network_of(body: Body, ends: Head) -> Network:
    """The network of a body and a head."""
    hidden, channels, size, stride = body.hidden, body.channels, body.size, body.stride

    def init(key: Key, kind: Kind, ids: int) -> Params:
        keys = iter(jax.random.split(key, len(channels) + body.layers + 2))
        shape, filters = kind.observation_shape, []
        for wide in channels:
            filters.append(eqx.nn.Linear(size * size * shape[-1], wide, key=next(keys)))
            shape = (-(-shape[0] // stride), -(-shape[1] // stride), wide)
        high = kind.observation_high
        if high is None and channels and kind.observation_dtype == "uint8":
            high = 255
        below = (high + 1 if high is not None and is_place(kind.observation_shape, high) else prod(shape)) + ids
        dense = []
        for _ in range(body.layers):
            dense.append(eqx.nn.Linear(below, hidden, key=next(keys)))
            below = hidden
        norms = tuple(eqx.nn.LayerNorm(hidden) for _ in range(body.layers)) if body.layer_norm else ()
        cell = eqx.nn.GRUCell(below, hidden, key=next(keys)) if body.recurrent else None
        told = (ends.size or kind.actions) + ends.dueling - len(ends.start)
        top = eqx.nn.Linear(hidden if body.recurrent else below, told, key=next(keys))
        top = jax.tree.map(lambda leaf: leaf * ends.scale, top) if ends.scale != 1 else top
        free = jnp.array(ends.start, jnp.float32) if ends.start else None
        return Params(tuple(filters), tuple(dense), norms, cell, top, free, high)

    def encode(params: Params, obs: Array, who: Array) -> Array:
        x = prepare(obs, params.high)
        x = standardised(x) if body.standard and obs.ndim == PICTURE_AXES else x
        for weights in params.filters:
            x = body.bend(convolve(weights, x, size, stride))
        x = x.reshape(-1)
        apart = body.apart and body.layers > 0
        x = x if apart else jnp.concatenate([x, who])
        for place, layer in enumerate(params.layers):
            x = linear_apart(layer, x, who) if apart and place == 0 else linear(layer, x)
            x = body.bend(params.norms[place](x) if params.norms else x)
        return x if params.cell is None else input_half(params.cell, x)

    def head(params: Params, h: Array) -> Array:
        told = linear(params.top, h)
        if params.free is not None:
            return jnp.concatenate([told, params.free])
        return told[0] + told[1:] - told[1:].mean() if ends.dueling else told

    recur, memory = (hidden_half, hidden) if body.recurrent else (None, 0)
    return Network(init, encode, recur, head, memory, ends.greedy)


def is_place(shape: tuple[int, ...], high: int | None) -> bool:
    """Whether an observation is one of a few values, which are places and not amounts."""
    return shape == () and high is not None and high <= LARGEST_PLACE


def prepare(obs: Array, high: int | None) -> Array:
    """An observation as numbers near one: a place as a one among zeros, amounts divided by `high` where it is known."""
    if high is not None and is_place(obs.shape, high):
        return jax.nn.one_hot(obs, high + 1)
    return obs.astype(jnp.float32) / (high or 1)


def standardised(picture: Array) -> Array:
    """(x - mean) / max(deviation, 1 / sqrt(n)) over the n numbers of a picture."""
    off = picture - picture.mean()
    return off / jnp.maximum(jnp.sqrt((off**2).mean()), 1 / off.size**0.5)


def linear(layer: eqx.nn.Linear, x: Array) -> Array:
    """W x + b over the last axis [.., in] -> [.., out]; as x W^T, which keeps a batch first and is faster on a CPU."""
    return x @ layer.weight.T + jnp.asarray(layer.bias)


def linear_apart(layer: eqx.nn.Linear, x: Array, who: Array) -> Array:
    """W (x, who) + b as W_x x + (W_who who + b), whose first product is one where x is the same for several."""
    return x @ layer.weight[:, : x.shape[-1]].T + (who @ layer.weight[:, x.shape[-1] :].T + jnp.asarray(layer.bias))


def convolve(filters: eqx.nn.Linear, x: Array, size: int, stride: int) -> Array:
    """A convolution [H, W, C] -> [ceil(H / stride), ceil(W / stride), channels], zeros around the picture.

    Shifted slices and one product: `lax.conv` is several times slower inside a compiled loop on a CPU.
    """
    high, wide = -(-x.shape[0] // stride), -(-x.shape[1] // stride)
    margin = (size // 2, size)
    x = jnp.pad(x, (margin, margin, (0, 0)))
    shifts = [(down, right) for down in range(size) for right in range(size)]
    slices = [x[i : i + stride * high : stride, j : j + stride * wide : stride] for i, j in shifts]
    return linear(filters, jnp.concatenate(slices, -1))


def thirds(gates: Array) -> tuple[Array, Array, Array]:
    """What belongs to the reset gate, the keep gate and the new memory, of [3 H, ...].

    Three arrays, never slices of one inside the loop: those keep XLA from vectorising the gates on a CPU.
    """
    reset, keep, new = jnp.split(gates, 3)
    return reset, keep, new


def input_half(cell: eqx.nn.GRUCell, x: Array) -> tuple[Array, Array, Array]:
    """W x + b of the gated recurrent unit, which needs no memory: [H] for each gate."""
    return thirds(x @ cell.weight_ih.T + jnp.asarray(cell.bias))


def hidden_half(params: Params, memory: Array, x: tuple[Array, Array, Array]) -> Array:
    """The memory after one step of a gated recurrent unit (Cho et al. 2014); x is its input half.

    r = sigmoid(x_r + U_r h), z = sigmoid(x_z + U_z h), n = tanh(x_n + r (U_n h + b)), h' = n + z (h - n).
    """
    cell: Any = params.cell
    h_reset, h_keep, h_new = (memory @ weight.T for weight in thirds(cell.weight_hh))
    reset, keep = jax.nn.sigmoid(x[0] + h_reset), jax.nn.sigmoid(x[1] + h_keep)
    new = jnp.tanh(x[2] + reset * (h_new + cell.bias_n))
    return new + keep * (memory - new)
