"""The two networks of learners that draw their actions: one that acts, and a critic of what it may see."""

from __future__ import annotations

from math import prod

import jax
import jax.numpy as jnp

from coterie.equations.distributions import Distribution, distribution_of
from coterie.networks.agent import PICTURE_AXES, Body, Head, Network, network_of, prepare
from coterie.settings import DeepOptions
from coterie.types import Array, Kind, Rollout, Spec

FILTERS = (16, 32)  # of the convolutions that pictures pass through
CAUTION = 0.01  # of an acting head's weights at first, so that a policy begins almost evenly


def body_for(kind: Kind, options: DeepOptions) -> Body:
    """What stands before both heads: convolutions where a kind sees pictures and the options want them."""
    picture = len(kind.observation_shape) == PICTURE_AXES and options.convolution
    bend = jnp.tanh if options.activation == "tanh" else jax.nn.relu
    return Body(
        options.hidden, options.layers, options.recurrent, False, bend, FILTERS if picture else (), standard=True
    )


def draws_for(kind: Kind, options: DeepOptions) -> Distribution:
    """What a kind's actions are drawn from."""
    return distribution_of(kind, options.squash, options.deviation == "state-dependent", options.deviation_start)


def actor_for(kind: Kind, options: DeepOptions) -> Network:
    """The network that tells what a kind's actions are drawn from."""
    draws = draws_for(kind, options)
    return network_of(body_for(kind, options), Head(draws.size, draws.start, CAUTION, greedy=draws.greedy))


def critic_for(kind: Kind, options: DeepOptions) -> Network:
    """The network that values what a kind's critics see."""
    return network_of(body_for(kind, options), Head(1))


# What critics see


def critic_kinds(spec: Spec, central: str) -> tuple[Kind, ...]:
    """By kind what its critics see: `own`, what the agent sees; `state`, the world's; `observations`, all of them."""
    if central == "own":
        return spec.kinds
    size = prod(spec.state_shape)
    if central == "observations":
        size = sum(len(kind.agents) * prepared_size(kind) for kind in spec.kinds)
    return tuple(Kind(kind.agents, 1, (size,), "float32") for kind in spec.kinds)


def prepared_size(kind: Kind) -> int:
    """How many numbers an observation is as a network reads it."""
    seen = jax.ShapeDtypeStruct(kind.observation_shape, kind.observation_dtype)
    return prod(jax.eval_shape(lambda obs: prepare(obs, kind.observation_high), seen).shape)


def critic_views(spec: Spec, central: str, rollout: Rollout) -> tuple[tuple[Array, Array], ...]:
    """By kind what its critics see now and next, [T, E, N, ...] each."""
    if central == "own":
        return tuple((kind.view.obs, kind.next.obs) for kind in rollout.kinds)
    if central == "state":
        both = rollout.world.state, rollout.world.next_state
        both = tuple(state.reshape(*state.shape[:2], -1).astype(jnp.float32) for state in both)
    else:
        both = tuple(
            jnp.concatenate(
                [together(kind, seen) for kind, seen in zip(spec.kinds, by_kind, strict=True)], -1
            )
            for by_kind in zip(*((kind.view.obs, kind.next.obs) for kind in rollout.kinds), strict=True)
        )  # fmt: skip
    wide = [[jnp.repeat(one[:, :, None], len(kind.agents), 2) for one in both] for kind in spec.kinds]
    return tuple((now, after) for now, after in wide)


def together(kind: Kind, seen: Array) -> Array:
    """What all agents of a kind see, as one row: [T, E, N, ...] -> [T, E, N * S]."""
    each = jax.vmap(jax.vmap(jax.vmap(lambda obs: prepare(obs, kind.observation_high))))(seen)
    return each.reshape(*seen.shape[:2], -1)
