"""Play that learns nothing: random, idle, or the greedy agents of a team that was trained before."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from coterie.networks.agent import Network
from coterie.networks.team import act_values, blank_memory
from coterie.types import Algorithm, Array, Clock, Decision, Key, Kind, Rollout, Spec, View


def fixed(spec: Spec, idle: tuple[int, ...] | None) -> Algorithm:
    """Random legal actions, or with `idle` one fixed action an agent (the first legal one, where it is illegal).

    Where actions are amounts, they are drawn within their bounds, and idle ones are as near to 0 as these allow.
    """

    def act(key: Any, policy: Any, seen: tuple[View, ...], memory: Any, mode: str) -> tuple[Decision, ...]:
        decisions = []
        for k, (kind, view) in enumerate(zip(spec.kinds, seen, strict=True)):
            if kind.bounds:
                shape = (*view.alive.shape, len(kind.bounds))
                action = still(kind, shape) if idle is not None else drawn(jax.random.fold_in(key, k), kind, shape)
            elif idle is None:
                draws = jax.random.uniform(jax.random.fold_in(key, k), view.legal.shape)
                action = jnp.argmax(jnp.where(view.legal, draws, -1.0), -1).astype(jnp.int32)
            else:
                wanted = jnp.array([idle[agent] for agent in kind.agents], jnp.int32)
                allowed = jnp.take_along_axis(view.legal, jnp.broadcast_to(wanted, view.alive.shape)[..., None], -1)
                action = jnp.where(allowed[..., 0], wanted, jnp.argmax(view.legal, -1).astype(jnp.int32))
            decisions.append(Decision(action, (), ()))
        return tuple(decisions)

    nothing = lambda *arguments: ()  # noqa: E731
    return Algorithm(nothing, nothing, lambda policy, count: tuple(() for _ in spec.kinds), act, unchanged)


def drawn(key: Key, kind: Kind, shape: tuple[int, ...]) -> Array:
    """Amounts [.., D] as Gymnasium draws them: evenly between two bounds, by a standard normal where there is none.

    From one bound they are 1 away on average, by an exponential.
    """
    low, high = np.array(kind.low, np.float32), np.array(kind.high, np.float32)
    even, normal, away = (jax.random.fold_in(key, number) for number in range(3))
    share, distance = jax.random.uniform(even, shape), jax.random.exponential(away, shape)
    least, most = np.where(np.isfinite(low), low, 0), np.where(np.isfinite(high), high, 0)
    between = least * (1 - share) + most * share  # so that wide bounds stay finite
    above, below = np.isfinite(low), np.isfinite(high)
    one_sided = jnp.where(above, least + distance, most - distance)
    found = jnp.where(above & below, between, jnp.where(above | below, one_sided, jax.random.normal(normal, shape)))
    return jnp.clip(found, low, high)


def still(kind: Kind, shape: tuple[int, ...]) -> Array:
    """Amounts [.., D] that are 0, or what is nearest to it within their bounds."""
    nearest = np.clip(np.zeros(len(kind.bounds), np.float32), kind.low, kind.high).astype(np.float32)
    return jnp.broadcast_to(nearest, shape)


def frozen(spec: Spec, networks: tuple[Network, ...], parameters: tuple[Any, ...]) -> Algorithm:
    """The greedy agents of these parameters, by kind [groups, ...], which are carried as the learner."""

    def act(key: Any, policy: Any, seen: tuple[View, ...], memory: Any, mode: str) -> tuple[Decision, ...]:
        decisions = []
        for network, kind, own, view, before in zip(networks, spec.kinds, policy, seen, memory, strict=True):
            q, after = act_values(network, spec, kind, own, view, before)
            decisions.append(Decision(network.greedy(q, view.legal), after, ()))
        return tuple(decisions)

    def memory(policy: Any, environments: int) -> tuple[Any, ...]:
        return blank_memory(spec, networks, environments)

    return Algorithm(
        lambda key, of: jax.tree.map(jnp.asarray, parameters), lambda learner, clock: learner, memory, act, unchanged
    )


def unchanged(key: Key, learner: Any, rollout: Rollout, clock: Clock) -> tuple[Any, dict[str, Array]]:
    """The update of who learns nothing."""
    return learner, {}
