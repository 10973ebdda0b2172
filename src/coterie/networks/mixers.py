"""Networks that mix the values of a team's members into the team's; whoever is absent contributes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from coterie.equations.mixing import sum_mixer as sum_of_present
from coterie.networks.agent import linear
from coterie.types import Array, Key


class Mixer(NamedTuple):
    """A mixer, as functions on one row of one team.

    init(key, state_size, members) -> params          state_size: numbers in the central state, flat
    mix(params, chosen, present, state) -> Q_tot      chosen float32[N], present bool[N], state of any shape -> one
    """

    init: Callable[[Key, int, int], Any]
    mix: Callable[[Any, Array, Array, Array], Array]


class Monotone(NamedTuple):
    """What makes the weights of the mixing layers from the state, and the state's own value."""

    first: eqx.nn.Linear
    inner: eqx.nn.Linear
    outer: eqx.nn.Linear
    value: eqx.nn.Linear


class Free(NamedTuple):
    """The layers of an unrestricted mixer, and the state's own value."""

    layers: tuple[eqx.nn.Linear, ...]
    state: eqx.nn.Linear
    value: eqx.nn.Linear


def sum_mixer() -> Mixer:
    """The sum of the members' values (VDN, Sunehag et al. 2018); it has no parameters."""
    return Mixer(
        lambda key, state_size, members: (), lambda params, chosen, present, state: sum_of_present(chosen, present)
    )


def monotone_mixer(embed: int = 32, hyper_hidden: int = 64) -> Mixer:
    """A team's value that never falls where a member's rises (QMIX, Rashid et al. 2018).

    Q_tot = |w2(s)| . elu(|W1(s)| q + b1(s)) + v(s); w2, W1 and v are two layers, b1 is one, all on the central state.
    Where there is no state they see a constant 1. The first layers of all four are one matrix.
    """

    def init(key: Key, state_size: int, members: int) -> Monotone:
        first, inner, outer, value = jax.random.split(key, 4)
        return Monotone(
            eqx.nn.Linear(max(state_size, 1), 2 * hyper_hidden + 2 * embed, key=first),
            eqx.nn.Linear(hyper_hidden, embed * members, key=inner),
            eqx.nn.Linear(hyper_hidden, embed, key=outer),
            eqx.nn.Linear(embed, 1, key=value),
        )

    def mix(params: Monotone, chosen: Array, present: Array, state: Array) -> Array:
        seen = linear(params.first, _flat(state))
        bias, rectified = seen[:embed], jax.nn.relu(seen[embed:])
        for_value, for_inner, for_outer = jnp.split(rectified, (embed, embed + hyper_hidden))
        inner = jnp.abs(linear(params.inner, for_inner)).reshape(embed, -1)
        outer = jnp.abs(linear(params.outer, for_outer))
        units = jax.nn.elu(inner @ jnp.where(present, chosen, 0.0) + bias)
        return outer @ units + linear(params.value, for_value)[0]

    return Mixer(init, mix)


def free_mixer(embed: int = 64) -> Mixer:
    """A team's value of any shape: the central Q* of weighted QMIX (Rashid et al. 2020).

    Q = f(q, s) + v(s), where f is three rectified layers and v one, each with one linear unit on top.
    """

    def init(key: Key, state_size: int, members: int) -> Free:
        keys = iter(jax.random.split(key, 6))
        sizes = [(max(state_size, 1) + members, embed), (embed, embed), (embed, embed), (embed, 1)]
        layers = tuple(eqx.nn.Linear(below, above, key=next(keys)) for below, above in sizes)
        state = eqx.nn.Linear(max(state_size, 1), embed, key=next(keys))
        return Free(layers, state, eqx.nn.Linear(embed, 1, key=next(keys)))

    def mix(params: Free, chosen: Array, present: Array, state: Array) -> Array:
        state = _flat(state)
        x = jnp.concatenate([jnp.where(present, chosen, 0.0), state])
        for layer in params.layers[:-1]:
            x = jax.nn.relu(linear(layer, x))
        return linear(params.layers[-1], x)[0] + linear(params.value, jax.nn.relu(linear(params.state, state)))[0]

    return Mixer(init, mix)


def _flat(state: Array) -> Array:
    """The central state as a vector of numbers; a one where there is none."""
    return state.reshape(-1).astype(jnp.float32) if state.size else jnp.ones(1)


def over_rows(mixer: Mixer, params: Any, values: Array, present: Array, state: Array) -> Array:
    """A mixer over [L, B]: values [L, B, members], present bool[L, B, members] and states [L, B, ...] to [L, B]."""

    def row(chosen: Array, here: Array, seen: Array) -> Array:
        return mixer.mix(params, chosen, here, seen.reshape(-1))

    return jax.vmap(jax.vmap(row))(values, present, state)
