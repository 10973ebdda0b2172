"""Self-play against a pool of one's own past (Lanctot et al. 2017 study such pools; Bansal et al. 2018 use this one).

Agents that learn against each other only may forget what they could do against earlier ones, and go round in circles.
Here a share of the environments seats one team's present agents among the past of all others. Who learns values learns
from everything; who learns a policy learns from what its present self did. With G updates between snapshots, snapshot
number n = updates // G stands in the pool's slot n mod K.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import floor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from coterie.algorithms.side_by_side import replay_of, with_replay, without_replay
from coterie.partitions import members
from coterie.types import Algorithm, Array, Clock, Decision, Key, Rollout, Spec, Transition, View

SALT = 1_000_003  # apart from the keys that the learner itself makes of its own
OF_ALL = 0.5  # of the environments are played against the past


class Pooled(NamedTuple):
    """The learner and its past policies, leaves [K, ...]; salt uint32: what draws opponents, each seed's own."""

    own: Any
    past: Any
    replay: Any
    salt: Array


class PooledPolicy(NamedTuple):
    """What acting reads: the present policy, the past ones, how many snapshots were taken, and the run's own chance."""

    own: Any
    past: Any
    taken: Array
    salt: Array


def self_play(spec: Spec, algorithm: Algorithm, slots: int, every: int, own_only: bool = False) -> Algorithm:
    """`algorithm`, exploring against the last `slots` of its own policies, one kept every `every` updates.

    Environments are seated in turn: the first 1 - OF_ALL of them play the present against itself; in each of the others
    one team is the present and the others are one past policy, drawn anew for each environment whenever a snapshot is
    taken, so that nobody is exchanged in the middle of a memory more often than that. The past explores as little as
    the present does (as it was, it would mostly play at random). Greedy play is the present alone. own_only: what the
    past did is not learned from.
    """
    teams = [members(spec, team) for team in range(spec.teams)]

    def init(key: Key, of: Spec) -> Pooled:
        own = algorithm.init(key, of)
        first = algorithm.policy(own, Clock(jnp.uint32(0), jnp.uint32(0)))
        past = jax.tree.map(lambda leaf: jnp.repeat(leaf[None], slots, 0), first)
        salt = jax.random.bits(jax.random.fold_in(key, SALT), dtype=jnp.uint32)
        return Pooled(without_replay(own), past, replay_of(own), salt)

    def inner(learner: Pooled) -> Any:
        return with_replay(learner.own, learner.replay)

    def policy(learner: Pooled, clock: Clock) -> PooledPolicy:
        taken = clock.updates // jnp.uint32(every)
        return PooledPolicy(algorithm.policy(inner(learner), clock), learner.past, taken, learner.salt)

    def memory(policy: PooledPolicy, environments: int) -> Any:
        return algorithm.memory(policy.own, environments)

    def act(key: Key, policy: PooledPolicy, views: tuple[View, ...], memories: Any, mode: str) -> tuple[Decision, ...]:
        own = algorithm.act(key, policy.own, views, memories, mode)
        if mode != "explore":
            return own
        environments = views[0].alive.shape[0]
        number = jnp.arange(environments)
        draw_key = jax.random.fold_in(jax.random.key(policy.salt), policy.taken)
        slot = jax.random.randint(draw_key, (environments,), 0, jnp.clip(policy.taken, 1, slots))

        def one(place: Array, environment: Array, seen: Any, before: Any) -> tuple[Decision, ...]:
            then = as_daring(jax.tree.map(lambda leaf: leaf[place], policy.past), policy.own)
            alone = jax.tree.map(lambda leaf: leaf[None], (seen, before))
            told = algorithm.act(jax.random.fold_in(key, environment), then, *alone, mode)
            return jax.tree.map(lambda leaf: leaf[0], told)

        def seat(past: Array, mine: Array, other: Array) -> Array:
            return jnp.where(past.reshape(past.shape + (1,) * (mine.ndim - 2)), other, mine)

        theirs = jax.vmap(one)(slot, number, views, memories)
        seats = seated(spec, teams, environments)
        return tuple(
            jax.tree.map(partial(seat, past), mine, other) for past, mine, other in zip(seats, own, theirs, strict=True)
        )

    def update(key: Key, learner: Pooled, rollout: Rollout, clock: Clock) -> tuple[Pooled, dict[str, Array]]:
        if own_only:
            seats = seated(spec, teams, rollout.kinds[0].valid.shape[1])
            kinds = tuple(without(kind, past) for kind, past in zip(rollout.kinds, seats, strict=True))
            rollout = rollout._replace(kinds=kinds)
        own, info = algorithm.update(key, inner(learner), rollout, clock)
        now = algorithm.policy(own, clock)
        slot = ((clock.updates // jnp.uint32(every)) % jnp.uint32(slots)).astype(jnp.int32)
        keep = (clock.updates + 1) % jnp.uint32(every) == 0
        past = jax.tree.map(lambda leaf, new: leaf.at[slot].set(jnp.where(keep, new, leaf[slot])), learner.past, now)
        return Pooled(without_replay(own), past, replay_of(own), learner.salt), info

    return Algorithm(init, policy, memory, act, update)


def seated(spec: Spec, teams: Sequence[Sequence[int]], environments: int) -> tuple[Array, ...]:
    """By kind where the past is seated, bool[E, N]."""
    number, first = jnp.arange(environments), environments - against_past(environments)
    of = {agent: t for t, group in enumerate(teams) for agent in group}
    present = ((number - first) % len(teams))[:, None]
    return tuple(
        (number >= first)[:, None] & (jnp.array([of[agent] for agent in kind.agents])[None] != present)
        for kind in spec.kinds
    )


def without(kind: Transition, past: Array) -> Transition:
    """Transitions [T, E, N] of which those of the past [E, N] are not valid."""
    return kind._replace(
        valid=kind.valid & ~past,
        last=kind.last & ~past,
        reward=jnp.where(past, 0.0, kind.reward),
        discount=jnp.where(past, 0.0, kind.discount),
    )


def against_past(environments: int) -> int:
    """How many environments are played against the past."""
    return floor(OF_ALL * environments)


def as_daring(past: Any, present: Any) -> Any:
    """A past policy that explores as the present one does, where exploring has a number."""
    return past._replace(epsilon=present.epsilon) if hasattr(present, "epsilon") else past
