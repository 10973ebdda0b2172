"""The two networks of learners that draw their actions: one that acts, and a critic of what it may see."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp

from coterie.equations.distributions import Distribution, distribution_of
from coterie.networks.agent import PICTURE_AXES, Body, Head, Network, network_of, prepare, standardised
from coterie.settings import DeepOptions
from coterie.types import Array, Kind, Rollout, Spec, Transition

FILTERS = (16, 32)  # of the convolutions that pictures pass through
CAUTION = 0.01  # of an acting head's weights at first, so that a policy begins almost evenly


def body_for(kind: Kind, options: DeepOptions, apart: bool = False) -> Body:
    """What stands before both heads: convolutions where a kind sees pictures and the options want them."""
    picture = len(kind.observation_shape) == PICTURE_AXES and options.convolution
    bend = jnp.tanh if options.activation == "tanh" else jax.nn.relu
    return Body(
        options.hidden,
        options.layers,
        options.recurrent,
        options.layer_norm,
        bend,
        FILTERS if picture else (),
        standard=True,
        apart=apart,
    )


def draws_for(kind: Kind, options: DeepOptions) -> Distribution:
    """What a kind's actions are drawn from."""
    return distribution_of(kind, options.squash, options.deviation == "state-dependent", options.deviation_start)


def actor_for(kind: Kind, options: DeepOptions) -> Network:
    """The network that tells what a kind's actions are drawn from."""
    draws = draws_for(kind, options)
    network = network_of(body_for(kind, options), Head(draws.size, draws.start, CAUTION, greedy=draws.greedy))
    return network._replace(identity=options.identity)


def critic_for(kind: Kind, options: DeepOptions, central: bool) -> Network:
    """The network that values what a kind's critics see; of what is central it is always told for whom."""
    return network_of(body_for(kind, options, central), Head(1))._replace(identity=options.identity or central)


# What critics see


def critic_kinds(spec: Spec, central: str) -> tuple[Kind, ...]:
    """By kind what its critics see: `own`, what the agent sees; `state`, the world's; `observations`, all of them.

    What is central is a row of numbers, and no convolution passes over it.
    """
    if central == "own":
        return spec.kinds
    size = seen_together(spec) if central == "observations" else prod(spec.state_shape)
    return tuple(Kind(kind.agents, 1, (size,), "float32") for kind in spec.kinds)


def sees_together(options: DeepOptions, spec: Spec) -> bool:
    """Whether a central critic sees what all agents see, and not the central state."""
    return options.central == "observations" or (options.central == "auto" and spec.state_shape == (0,))


def seen_together(spec: Spec) -> int:
    """How many numbers all agents see, side by side as networks read them."""
    return sum(len(kind.agents) * prepared_size(kind) for kind in spec.kinds)


def prepared_size(kind: Kind) -> int:
    """How many numbers an observation is as a network reads it."""
    seen = jax.ShapeDtypeStruct(kind.observation_shape, kind.observation_dtype)
    return prod(jax.eval_shape(lambda obs: prepare(obs, kind.observation_high), seen).shape)


def critic_views(spec: Spec, central: str, rollout: Rollout) -> tuple[tuple[Array, Array], ...]:
    """By kind what its critics see now and next, [T, E, N, ...] each; [T, E, 1, ...] where all see the same."""
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
    now, after = (one[:, :, None] for one in both)
    return tuple((now, after) for _ in spec.kinds)


class Waiting(NamedTuple):
    """Decisions that wait to be completed, by agent of a kind: bool[E, N], and what critics saw then, [E, N, S]."""

    open: Array
    seen: Array


def nothing_waits(spec: Spec, seen_by: tuple[Kind, ...], environments: int) -> tuple[Waiting, ...]:
    """By kind, before anybody has decided."""
    sizes = [(environments, len(kind.agents)) for kind in spec.kinds]
    return tuple(
        Waiting(jnp.zeros(size, bool), jnp.zeros((*size, *kind.observation_shape)))
        for size, kind in zip(sizes, seen_by, strict=True)
    )


def as_decided(now: Array, t: Transition, before: Waiting) -> tuple[Array, Waiting]:
    """What critics saw when the decisions of these rows were taken, [T, E, N, S], and what waits after them.

    now: [T, E, N, S], or [T, E, 1, S] where all see the same; decisions wait one by one.
    A decision that had to wait stands in the row that completed it. The state of that row has seen the action already,
    and a critic that sees it, too, would take the action's merit for its own expectation.
    """
    unfinished = t.view.to_move & ~t.valid
    waited = jnp.concatenate([before.open[None], unfinished[:-1]])

    def row(then: Array, here: tuple[Array, Array]) -> tuple[Array, Array]:
        seen = jnp.where(here[1][..., None], then, here[0])
        return seen, seen

    last, seen = jax.lax.scan(row, before.seen, (now, waited))
    return seen, Waiting(unfinished[-1], last)


def together(kind: Kind, seen: Array) -> Array:
    """What all agents of a kind see, as one row: [T, E, N, ...] -> [T, E, N * S]; pictures as a network shows them."""

    def one(obs: Array) -> Array:
        numbers = prepare(obs, kind.observation_high)
        return standardised(numbers) if obs.ndim == PICTURE_AXES else numbers

    each = jax.vmap(jax.vmap(jax.vmap(one)))(seen)
    return each.reshape(*seen.shape[:2], -1)
