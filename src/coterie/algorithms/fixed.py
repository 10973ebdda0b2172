"""Play that learns nothing: random, idle, or the greedy agents of a team that was trained before."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from coterie.equations.choosing import greedy
from coterie.networks.agent import Network
from coterie.networks.team import act_values, blank_memory
from coterie.types import Algorithm, Array, Clock, Decision, Key, Rollout, Spec, View


def fixed(spec: Spec, idle: tuple[int, ...] | None) -> Algorithm:
    """Random legal actions, or with `idle` one fixed action an agent (the first legal one, where it is illegal)."""

    def act(key: Any, policy: Any, seen: tuple[View, ...], memory: Any, mode: str) -> tuple[Decision, ...]:
        decisions = []
        for k, (kind, view) in enumerate(zip(spec.kinds, seen, strict=True)):
            if idle is None:
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


def frozen(spec: Spec, networks: tuple[Network, ...], parameters: tuple[Any, ...]) -> Algorithm:
    """The greedy agents of these parameters, by kind [groups, ...], which are carried as the learner."""

    def act(key: Any, policy: Any, seen: tuple[View, ...], memory: Any, mode: str) -> tuple[Decision, ...]:
        decisions = []
        for network, kind, own, view, before in zip(networks, spec.kinds, policy, seen, memory, strict=True):
            q, after = act_values(network, spec, kind, own, view, before)
            decisions.append(Decision(greedy(q, view.legal), after, ()))
        return tuple(decisions)

    def memory(policy: Any, environments: int) -> tuple[Any, ...]:
        return blank_memory(spec, networks, environments)

    return Algorithm(
        lambda key, of: jax.tree.map(jnp.asarray, parameters), lambda learner, clock: learner, memory, act, unchanged
    )


def unchanged(key: Key, learner: Any, rollout: Rollout, clock: Clock) -> tuple[Any, dict[str, Array]]:
    """The update of who learns nothing."""
    return learner, {}
