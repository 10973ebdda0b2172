"""The networks of all agents of a kind at once: own ones, one in common, or one a group.

Leaves of parameters are [groups, ...]; learners beyond the agents only study, and have networks of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from coterie.networks.agent import Network, dense_network, image_network, standing, unroll, values
from coterie.settings import DeepOptions
from coterie.types import Array, Key, Kind, Spec, View


def network_for(kind: Kind, options: DeepOptions) -> Network:
    """Convolutions where a kind sees pictures [H, W, C], else dense layers; with or without memory."""
    if len(kind.observation_shape) == 3:
        network = image_network(
            hidden=options.hidden,
            layers=options.layers,
            recurrent=options.recurrent,
            dueling=options.dueling,
            layer_norm=options.layer_norm,
        )
    else:
        network = dense_network(options.hidden, options.layers, options.recurrent, options.dueling, options.layer_norm)
    return network._replace(identity=options.identity)


def groups(spec: Spec, kind: Kind, learners: int) -> tuple[int, ...]:
    """Which network each learner of a kind has: by the parameters number of its agent; students have their own."""
    known = sorted({spec.parameters[agent] for agent in kind.agents})
    own = [known.index(spec.parameters[agent]) for agent in kind.agents]
    return (*own, *range(len(known), len(known) + learners - len(own)))


def one_hot_groups(spec: Spec, kind: Kind, learners: int) -> Array:
    """Which network each learner has, float32[M, groups], with a one in each row."""
    index = groups(spec, kind, learners)
    return jax.nn.one_hot(jnp.array(index), len(set(index)))


def identity_size(network: Network, spec: Spec, kind: Kind) -> int:
    """Numbers that tell a network which agent it acts for: none where each has its own, or agents come and go."""
    if spec.births or not network.identity:
        return 0
    return len(kind.agents) if len(set(groups(spec, kind, len(kind.agents)))) < len(kind.agents) else 0


def each_agent(
    function: Callable[..., Any], network: Network, spec: Spec, kind: Kind, params: Any, axis: int, *arrays: Any
) -> Any:
    """function(params, who, *arrays) for each learner of a kind, whose axis in the arrays and results is `axis`.

    An array whose axis is 1 long, where others' is longer, is the same for all.
    """
    lengths = jax.tree.map(lambda leaf: leaf.shape[axis], arrays)
    learners = max(jax.tree.leaves(lengths))
    common = jax.tree.map(lambda length: length < learners, lengths)
    arrays = jax.tree.map(lambda leaf, one: jnp.squeeze(leaf, axis) if one else leaf, arrays, common)
    axes = jax.tree.map(lambda one: None if one else axis, common)
    index, ids = groups(spec, kind, learners), identity_size(network, spec, kind)
    who = jnp.eye(learners, ids)
    if len(set(index)) == 1 and learners > 1:
        params, own = jax.tree.map(lambda leaf: leaf[0], params), None
    else:
        own = 0
        if index != tuple(range(jax.tree.leaves(params)[0].shape[0])):
            params = jax.tree.map(lambda leaf: leaf[jnp.array(index)], params)
    return jax.vmap(function, (own, 0, *axes), axis)(params, who, *arrays)


def act_values(network: Network, spec: Spec, kind: Kind, params: Any, view: View, memory: Any) -> tuple[Array, Any]:
    """Every agent's action values [E, N, A] and its memory after this sight."""

    def one_agent(params: Any, who: Array, obs: Array, first: Array, memory: Any) -> Any:
        step = lambda obs, first, memory: values(network, params, obs, who, memory, first)  # noqa: E731
        return jax.vmap(step)(obs, first, memory)

    return each_agent(one_agent, network, spec, kind, params, 1, view.obs, view.first, memory)


def blank_memory(spec: Spec, networks: tuple[Network, ...], environments: int) -> tuple[Any, ...]:
    """Empty memories by kind, [E, N, M]; () for a network that has none."""
    return tuple(
        jnp.zeros((environments, len(kind.agents), network.memory)) if network.memory else ()
        for kind, network in zip(spec.kinds, networks, strict=True)
    )


def row_values(network: Network, spec: Spec, kind: Kind, row: Any, params: Any) -> Array:
    """Action values [L + 1, B, M, A] along sequences: of the first sight, then of each row's true successor.

    row: what agents of a kind saw, `obs`, `next_obs` and `valid`, [L, B, M, ...]. Where agents wait, rows that are not
    valid are not their own: the first sight is that of their first valid row, and through the others they stand as
    they did.
    """
    obs, next_obs, valid = row.obs, row.next_obs, row.valid
    if spec.waits and obs.shape[0] > 1:
        begin = jnp.argmax(valid, 0)[None]
        first_sight = jnp.take_along_axis(obs, begin.reshape(*begin.shape, *(1,) * (obs.ndim - 3)), 0)
        own = jnp.concatenate([jnp.ones_like(valid[:1]), valid])
    else:
        first_sight, own = obs[:1], None
    obs = jnp.concatenate([first_sight, next_obs])
    first = jnp.zeros(obs.shape[:3], bool)  # the memory before the first row is empty already

    def one_agent(params: Any, who: Array, obs: Array, first: Array, own: Any = None) -> Array:
        memory = jnp.zeros(network.memory) if network.memory else ()
        one = lambda obs, first, own: unroll(network, params, obs, who, memory, first, own)  # noqa: E731
        return jax.vmap(one, 1, 1)(obs, first, own)

    return each_agent(one_agent, network, spec, kind, params, 2, obs, first, *([] if own is None else [own]))


def told_along(
    network: Network, spec: Spec, kind: Kind, params: Any, obs: Array, first: Array, memory: Any, own: Any = None
) -> Array:
    """What the heads tell along sequences, [L, B, N, H]: obs and first [L, B, N, ...], memory [B, N, M] before them.

    obs [L, B, 1, ...]: all see the same.
    own bool[L, B, N]: rows that are an agent's own sight, where memory moves; None for all.
    """

    def one_agent(params: Any, who: Array, obs: Array, first: Array, own: Any, memory: Any) -> Array:
        one = lambda obs, first, own, memory: unroll(network, params, obs, who, memory, first, own)  # noqa: E731
        return jax.vmap(one, (1, 1, 1, 0), 1)(obs, first, own, jax.tree.map(lambda leaf: leaf[0], memory))

    before = jax.tree.map(lambda leaf: leaf[None], memory)  # so that the agents stand along the same axis everywhere
    return each_agent(one_agent, network, spec, kind, params, 2, obs, first, own, before)


def told_now_and_next(
    network: Network, spec: Spec, kind: Kind, params: Any, seen: tuple[Array, Array], first: Array, memory: Any,
    own: Any = None,
) -> tuple[Array, Array, Any]:  # fmt: skip
    """What the heads tell of the rows [T, E, N, H], of their true successors, and the memory [E, N, M] after them all.

    seen: what is seen now and next, [T, E, N, ...] each, or [T, E, 1, ...]; the rest as in `told_along`.
    """

    def one_agent(params: Any, who: Array, now: Array, after: Array, first: Array, own: Any, memory: Any) -> Any:
        def one(now: Array, after: Array, first: Array, own: Any, memory: Any) -> Any:
            at = standing(network, params, now, who, memory[0], first, own)
            ahead = jax.vmap(network.encode, (None, 0, None))(params, after, who)
            if network.recur is not None:
                ahead = jax.vmap(network.recur, (None, 0, 0))(params, at, ahead)
            head = jax.vmap(network.head, (None, 0))
            last = at[-1:] if network.recur is not None else memory
            return head(params, at), head(params, ahead), last

        return jax.vmap(one, (1, 1, 1, 1, 1), 1)(now, after, first, own, memory)

    if not network.memory:
        memory = jnp.zeros((*first.shape[1:], 0))
    now, after, last = each_agent(one_agent, network, spec, kind, params, 2, *seen, first, own, memory[None])
    return now, after, last[0] if network.memory else ()


def first_networks(key: Key, spec: Spec, networks: tuple[Network, ...], students: int = 0) -> tuple[Any, ...]:
    """New parameters by kind, [groups, ...]."""
    made = []
    for k, (kind, network) in enumerate(zip(spec.kinds, networks, strict=True)):
        count, ids = len(set(groups(spec, kind, len(kind.agents) + students))), identity_size(network, spec, kind)
        keys = jax.random.split(jax.random.fold_in(key, k), count)
        made.append(jax.vmap(lambda key, kind=kind, network=network, ids=ids: network.init(key, kind, ids))(keys))
    return tuple(made)
