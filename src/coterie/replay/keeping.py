"""What a learner keeps of its rollouts in the ring, and how a batch comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from coterie.replay import buffer, sharing
from coterie.replay.partners import Sharing
from coterie.types import Array, Key, Rollout, Spec, Transition


class Row(NamedTuple):
    """What the replay keeps of one kind's Transition; [.., N]."""

    obs: Array
    first: Array
    alive: Array
    action: Array
    reward: Array
    discount: Array
    last: Array
    valid: Array
    next_obs: Array
    next_legal: Array
    next_alive: Array


class TeamRow(NamedTuple):
    """What the ring keeps of the world: the central state now and next, and each team's boundary, [.., teams]."""

    state: Array
    next_state: Array
    discount: Array
    last: Array
    valid: Array


class Kept(NamedTuple):
    """One joint step in the ring: a Row a kind, the team's row, what is offered, and the step of its episode."""

    kinds: tuple[Row, ...]
    world: TeamRow
    offered: tuple[Array, ...]
    step: Array


class Batch(NamedTuple):
    """What a gradient step learns from: rows and what counts of them by kind, [L, B, M, ...], M learners.

    weights: by kind [B, M], () where all weigh alike. world: [L, B, ...], None where learners study different places;
    within bool[L, B]: which of its rows the ring holds.
    """

    kinds: tuple[Row, ...]
    counts: tuple[Array, ...]
    weights: tuple[Array, ...]
    world: TeamRow | None
    within: Array


def kept_kind(t: Transition) -> Row:
    """What is kept of one kind's transitions."""
    view, after = t.view, t.next
    return Row(
        view.obs, view.first, view.alive, t.action, t.reward, t.discount, t.last, t.valid, after.obs, after.legal,
        after.alive,
    )  # fmt: skip


def blank_row(spec: Spec, environments: int, offers: bool) -> Kept:
    """A row of zeros, [E, ...]: what the replay is shaped after."""
    rows = []
    for kind in spec.kinds:
        flag, number = jnp.zeros((environments, len(kind.agents)), bool), jnp.zeros((environments, len(kind.agents)))
        obs = jnp.zeros((*flag.shape, *kind.observation_shape), kind.observation_dtype)
        legal = jnp.zeros((*flag.shape, kind.actions), bool)
        action = jnp.zeros(flag.shape, jnp.int32)
        rows.append(Row(obs, flag, flag, action, number, number, flag, flag, obs, legal, flag))
    state = jnp.zeros((environments, *spec.state_shape))
    team = jnp.zeros((environments, spec.teams))
    world = TeamRow(state, state, team, team.astype(bool), team.astype(bool))
    offered = tuple(jnp.zeros((environments, len(kind.agents)), bool) for kind in spec.kinds) if offers else ()
    return Kept(tuple(rows), world, offered, jnp.zeros(environments, jnp.int32))


def keep(rollout: Rollout, age: Array, offers: Callable[[int, Row], Array] | None = None) -> tuple[Kept, Array]:
    """A rollout's rows as the ring keeps them, [T, E, ...], and the ages int32[E] of the episodes after it.

    age: joint steps since each environment's episode began. offers(k, row) -> bool[T, E, N], what kind k relays.
    """
    began = jnp.stack([t.view.first.any(-1) for t in rollout.kinds]).any(0)
    number = jnp.arange(began.shape[0], dtype=jnp.int32)[:, None]
    newest = jax.lax.cummax(jnp.where(began, number, -1), axis=0)
    step = jnp.where(newest >= 0, number - newest, age + number)
    rows = tuple(map(kept_kind, rollout.kinds))
    offered = () if offers is None else tuple(offers(k, row) for k, row in enumerate(rows))
    world = rollout.world
    team = TeamRow(
        world.state.astype(jnp.float32), world.next_state.astype(jnp.float32), world.discount, world.last, world.valid
    )
    return Kept(rows, team, offered, step), step[-1] + 1


def batch_of(
    key: Key, spec: Spec, ring: buffer.Ring, written: Array, size: int, length: int, sharing_of: Sharing | None
) -> Batch:
    """`size` sequences of `length` rows; each learner's own, or what the sharing gives it to study."""
    kept = ring.rows
    slots, environments = kept.step.shape
    candidates = sharing_of.candidates if sharing_of is not None else 1
    place_key, rule_key = jax.random.split(key)
    step = kept.step if length > 1 else None
    places = buffer.draw(place_key, written, slots, environments, size * candidates, length, step)
    mine = jax.tree.map(lambda leaf: leaf[:size], places)
    within = buffer.inside(mine, written, slots, length)
    if sharing_of is None:
        rows, world = buffer.take(buffer.Ring((kept.kinds, kept.world)), mine, length)
        return Batch(rows, tuple(counted(row, within[..., None]) for row in rows), (), world, within)
    table = jax.tree.map(lambda leaf: leaf.reshape(candidates, size), places)
    rows, counts, weights = [], [], []
    for k, (kind, row) in enumerate(zip(spec.kinds, kept.kinds, strict=True)):
        offered = kept.offered[k] if kept.offered else None
        drawn = sharing_of.rule(spec, kind)(jax.random.fold_in(rule_key, k), table, offered)
        row = sharing.study(buffer.Ring(row), drawn, length)
        flat = buffer.Places(drawn.row.reshape(-1), drawn.environment.reshape(-1))
        there = buffer.inside(flat, written, slots, length).reshape(row.valid.shape)
        rows.append(row)
        counts.append(counted(row, there))
        weights.append(drawn.weight)
    return Batch(tuple(rows), tuple(counts), tuple(weights), None, within)


def counted(row: Row, within: Array) -> Array:
    """What is learned from, bool[L, B, M]: completed decisions inside the ring, up to the first boundary."""
    before = jnp.cumsum(row.last, axis=0) - row.last
    return row.valid & within & (before == 0)
