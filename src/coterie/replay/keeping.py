"""What a learner keeps of its rollouts in the ring, and how a batch comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from coterie.partitions import earned, team_reward
from coterie.replay import buffer, priorities, sharing
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
    """The central state now and next, and each team's reward and boundary, [.., teams]."""

    state: Array
    next_state: Array
    reward: Array
    discount: Array
    last: Array
    valid: Array


class Kept(NamedTuple):
    """One joint step in the ring: a Row a kind, the team's row, what is offered, and the step of its episode.

    Packed, `kinds` holds the arrays of both by dtype and `world` nothing.
    """

    kinds: Any
    world: Any
    offered: tuple[Array, ...]
    step: Array


class Batch(NamedTuple):
    """What a gradient step learns from: rows and what counts of them by kind, [L, B, M, ...], M learners.

    weights: by kind [B, M], () where all weigh alike. world: [L, B, ...], None where learners study different places;
    within bool[L, B]: which of its rows the ring holds. drawn: the rows that prioritised sequences were drawn for, and
    at which of their rows these stand, int32[B].
    """

    kinds: tuple[Row, ...]
    counts: tuple[Array, ...]
    weights: tuple[Array, ...]
    world: TeamRow | None
    within: Array
    drawn: buffer.Places | None = None
    at: Array | None = None


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
    world = TeamRow(state, state, team, team, team.astype(bool), team.astype(bool))
    offered = tuple(jnp.zeros((environments, len(kind.agents)), bool) for kind in spec.kinds) if offers else ()
    return Kept(tuple(rows), world, offered, jnp.zeros(environments, jnp.int32))


def keep(
    spec: Spec, rollout: Rollout, age: Array, unit: str, offers: Callable[[int, Row], Array] | None = None
) -> tuple[Kept, Array]:
    """A rollout's rows as the ring keeps them, [T, E, ...], and the ages int32[E] of the episodes after it.

    age: joint steps since each environment's episode began. unit: with team-sum or team-mean every member earns the
    team's reward instead of its own. offers(k, row) -> bool[T, E, N], what kind k relays.
    """
    took_part = jnp.asarray(rollout.world.valid)
    over = (rollout.world.last | ~took_part).all(-1) & took_part.any(-1)
    number = jnp.arange(over.shape[0], dtype=jnp.int32)[:, None]
    newest = jax.lax.cummax(
        jnp.where(over, number + 1, 0), axis=0
    )  # where the episode after each row began, 0: earlier
    before = jnp.concatenate([jnp.zeros_like(newest[:1]), newest[:-1]])
    step = jnp.where(before > 0, number - before, age + number)
    rows, world = tuple(map(kept_kind, rollout.kinds)), rollout.world
    reward = team_reward(spec, rollout.kinds, "team-sum" if unit == "team-sum" else "team-mean")
    rows = tuple(row._replace(reward=own) for row, own in zip(rows, earned(spec, rollout.kinds, unit), strict=True))
    offered = () if offers is None else tuple(offers(k, row) for k, row in enumerate(rows))
    state, after = world.state.astype(jnp.float32), world.next_state.astype(jnp.float32)
    team = TeamRow(state, after, reward, world.discount, world.last, world.valid)
    return Kept(rows, team, offered, step), jnp.where(over[-1], 0, step[-1] + 1)


def as_packed(kept: Kept, axes: int) -> Kept:
    """The same with its many small arrays side by side: rows that are always read whole are read faster so."""
    return kept._replace(kinds=buffer.pack((kept.kinds, kept.world), axes), world=())


def read_rows(ring: buffer.Ring, like: Kept, places: buffer.Places, length: int) -> tuple[tuple[Row, ...], TeamRow]:
    """Rows [length, B, ...] by kind and of the world, out of a ring of packed rows; like: one row, [E, ...]."""
    found = buffer.take(buffer.Ring(ring.rows.kinds), places, length)
    return buffer.unpack(found, (like.kinds, like.world), 1)


def batch_of(
    key: Key,
    spec: Spec,
    ring: buffer.Ring,
    like: Kept,
    written: Array,
    size: int,
    length: int,
    sharing_of: Sharing | None,
    surprise: priorities.Priorities | None = None,
    beta: Array | float = 1.0,
    own: Callable[[Any], Any] = lambda drawn: drawn,
) -> Batch:
    """`size` sequences of `length` rows; each learner's own, or what the sharing gives it to study.

    like: the shapes of one row, [E, ...]; without sharing the ring's rows are packed. surprise: rows are drawn by their
    priorities, and weigh what undoes that as far as beta says. own: the part of what is drawn, [size, ...], that the
    batch is of; `drawn` is always the whole.
    """
    kept = ring.rows
    slots, environments = kept.step.shape
    candidates = sharing_of.candidates if sharing_of is not None else 1
    place_key, rule_key = jax.random.split(key)
    step = kept.step if length > 1 else None
    if surprise is not None:
        chosen = priorities.draw(place_key, surprise, written, slots, environments, size, length, step)
        weight = priorities.importance(chosen.probability, written, slots, environments, beta)
        at = (chosen.drawn.row - chosen.places.row) % slots
        places, weight, at = own((chosen.places, weight, at))
        rows, world = read_rows(ring, like, places, length)
        within = buffer.inside(places, written, slots, length)
        counts = tuple(counted(row, within[..., None]) for row in rows)
        return Batch(rows, counts, (weight[:, None],) * len(rows), world, within, chosen.drawn, at)
    if sharing_of is None:
        mine = own(buffer.draw(place_key, written, slots, environments, size, length, step))
        within = buffer.inside(mine, written, slots, length)
        rows, world = read_rows(ring, like, mine, length)
        return Batch(rows, tuple(counted(row, within[..., None]) for row in rows), (), world, within)
    places = buffer.draw(place_key, written, slots, environments, size * candidates, 1)
    table = jax.tree.map(lambda leaf: leaf.reshape(candidates, size), places)
    rows, counts, weights = [], [], []
    for k, (kind, row) in enumerate(zip(spec.kinds, kept.kinds, strict=True)):
        offered = kept.offered[k] if kept.offered else None
        drawn = sharing_of.rule(spec, kind)(jax.random.fold_in(rule_key, k), table, offered)
        if step is not None:  # what is offered is a row; what is studied is the piece that it is in
            begin = buffer.piece_of(buffer.Places(drawn.row, drawn.environment), written, slots, length, step)
            drawn = drawn._replace(row=begin.row)
        drawn = own(drawn)
        row = sharing.study(buffer.Ring(row), drawn, length)
        flat = buffer.Places(drawn.row.reshape(-1), drawn.environment.reshape(-1))
        there = buffer.inside(flat, written, slots, length).reshape(row.valid.shape)
        rows.append(row)
        counts.append(counted(row, there))
        weights.append(drawn.weight)
    within = jnp.ones((length, counts[0].shape[1]), bool)
    return Batch(tuple(rows), tuple(counts), tuple(weights), None, within)


def counted(row: Row, within: Array) -> Array:
    """What is learned from, bool[L, B, M]: completed decisions inside the ring, up to the first boundary."""
    before = jnp.cumsum(row.last, axis=0) - row.last
    return row.valid & within & (before == 0)
