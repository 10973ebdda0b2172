"""What stands between two joint steps, on both roads: views, pending decisions, completed transitions, the one clock.

The compiled road and the worker road (roads.py) run the same `views`, `settle` and `world`, with `xp` being jax.numpy
or numpy, so that the boundary of an episode has one owner. Both draw from one schedule of keys, fold_in(fold_in(seed,
PURPOSE), count): acting by the joint step, updating by the update, an episode's chance by environment and episode.

One rule serves simultaneous and turn-based worlds: an agent that decides opens a pending decision; reward gathers
there; it is completed when the same agent is to move again, has ended, or is cut off. Where everybody moves at once,
that is always the same row.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from coterie.partitions import join, members, split
from coterie.types import (
    Algorithm,
    Array,
    Clock,
    Decision,
    Key,
    Mode,
    Outcome,
    Rollout,
    Sight,
    Spec,
    Transition,
    View,
    World,
)

INIT, ACT, UPDATE, EPISODE, EVALUATE = range(5)  # the purposes of keys; never renumber: runs are resumed with them


class Plan(NamedTuple):
    """The static sizes of a run: environments E, rows T of a rollout, and the lag of acting behind learning, 0 or 1."""

    environments: int
    rows: int
    lag: int = 0


class Pending(NamedTuple):
    """Decisions not yet completed, one an agent of a kind, [E, N]; memory is the one before the decision."""

    view: View
    action: Array
    extras: Any
    memory: Any
    reward: Array
    open: Array


class Held(NamedTuple):
    """What the runner holds between two joint steps.

    pending and memory are tuples by kind; fresh bool[E, all]: has not decided in this episode; episode int32[E] counts
    the environment's episodes; steps int32[E], returns float32[E, all] and success bool[E] belong to the current one.
    """

    pending: tuple[Pending, ...]
    memory: tuple[Any, ...]
    fresh: Array
    episode: Array
    steps: Array
    returns: Array
    success: Array


class Scores(NamedTuple):
    """Sums over the episodes that ended: how many, their joint steps, returns [all] and successes."""

    episodes: Array
    steps: Array
    returns: Array
    successes: Array


class Run(NamedTuple):
    """Everything that a run carries, arrays and counters only; `policy` is the one of the next rollout.

    places is () on the worker road, where the worlds keep their own.
    """

    learner: Any
    policy: Any
    held: Held
    places: Any
    clock: Clock


SEED_AXES = Run(0, 0, 0, 0, None)  # type: ignore[arg-type]  # for vmap over seeds: the clock is never batched


def purpose_key(seed: Array, purpose: int, count: Array | int) -> Key:
    """The key of one use of chance: fold_in(fold_in(seed, PURPOSE), count)."""
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), purpose), count)


def episode_seeds(seed: Array, episode: Array) -> Array:
    """The seed of each environment's episode, uint32[E] below 2^31, from the run's seed and episode int32[E].

    The count of the key is episode * E + environment.
    """
    environments = episode.shape[0]
    counts = episode.astype(jnp.uint32) * environments + jnp.arange(environments, dtype=jnp.uint32)
    bits = jax.vmap(lambda count: jax.random.bits(purpose_key(seed, EPISODE, count), dtype=jnp.uint32))(counts)
    return bits >> 1


# What both roads do between two joint steps


def choose(xp: Any, mask: Array, yes: Any, no: Any) -> Any:
    """Leaf by leaf, `yes` where the mask [E, N] is true and `no` elsewhere."""
    wide = lambda leaf: mask.reshape(mask.shape + (1,) * (leaf.ndim - mask.ndim))  # noqa: E731
    return jax.tree.map(lambda y, n: xp.where(wide(y), y, n), yes, no)


def views(xp: Any, spec: Spec, sight: Sight, fresh: Array, present: Array) -> tuple[View, ...]:
    """What each kind sees; who is not present sees zeros, and a row without a legal action gets all of them."""
    here, *agentwise = (split(spec, values) for values in (present, sight.alive, sight.to_move & sight.alive, fresh))
    obs = tuple(choose(xp, there, seen, xp.zeros_like(seen)) for there, seen in zip(here, sight.obs, strict=True))
    legal = tuple(mask | ~mask.any(-1, keepdims=True) for mask in sight.legal)
    return tuple(View(*parts) for parts in zip(obs, legal, *agentwise, strict=True))


def hold(spec: Spec, view: tuple[View, ...], decisions: tuple[Decision, ...], memory: tuple[Any, ...]) -> Held:
    """The runner at the very start: nothing is pending; `decisions` are only read for their shapes."""
    environments = view[0].alive.shape[0]
    pending = tuple(
        Pending(jax.tree.map(jnp.zeros_like, v), jnp.zeros_like(d.action), jax.tree.map(jnp.zeros_like, d.extras), m,
                jnp.zeros(v.alive.shape), jnp.zeros(v.alive.shape, bool))
        for v, d, m in zip(view, decisions, memory, strict=True)
    )  # fmt: skip
    every = (environments, len(spec.agents))
    counts = jnp.zeros(environments, jnp.int32)
    return Held(pending, memory, jnp.ones(every, bool), counts, counts, jnp.zeros(every), jnp.zeros(environments, bool))


def memory_before(xp: Any, held: Held) -> tuple[Any, ...]:
    """Each kind's memory before the first decision that is still to be completed."""
    return tuple(
        choose(xp, pending.open, pending.memory, memory)
        for pending, memory in zip(held.pending, held.memory, strict=True)
    )


def settle(
    xp: Any,
    spec: Spec,
    held: Held,
    view: tuple[View, ...],
    decisions: tuple[Decision, ...],
    before: Sight,
    outcome: Outcome,
) -> tuple[Held, tuple[Transition, ...], World, Scores]:
    """One joint step's books: open what was decided, add what was earned, complete what is complete.

    For each agent: reward = sum of what it got since its decision; valid where it is to move again, ended or was cut
    off; discount = 0 where it ended; last where it ended or was cut off.
    """
    ended = outcome.terminated & before.alive
    cut = outcome.truncated & before.alive & ~ended
    following = outcome.next._replace(  # a time limit kills nobody: what it cuts off is bootstrapped as if it went on
        alive=(outcome.next.alive | before.alive) & ~ended, to_move=outcome.next.to_move | cut
    )
    next_views = views(xp, spec, following, xp.zeros_like(held.fresh), before.alive | outcome.next.alive)
    earned = xp.where(before.alive, outcome.reward, xp.float32(0))
    agentwise = zip(*(split(spec, values) for values in (earned, ended, cut)), strict=True)
    pending, memory, transitions, decided = [], [], [], []
    for old, held_memory, v, d, n, (reward, end, off) in zip(
        held.pending, held.memory, view, decisions, next_views, agentwise, strict=True
    ):
        new = Pending(v, d.action, d.extras, held_memory, xp.zeros_like(reward), v.to_move)
        now = choose(xp, v.to_move | ~old.open, new, old)  # who has nothing pending shows the present sight, not valid
        total = now.reward + xp.where(now.open, reward, xp.float32(0))
        valid = now.open & (n.to_move | end | off)
        discount = xp.where(valid & ~end, xp.float32(1), xp.float32(0))
        gained = xp.where(valid, total, xp.float32(0))
        transitions.append(
            Transition(now.view, now.action, now.extras, gained, discount, n, valid & (end | off), valid)
        )
        pending.append(now._replace(reward=xp.where(valid, xp.float32(0), total), open=now.open & ~valid))
        memory.append(choose(xp, v.to_move, d.memory, held_memory))
        decided.append(v.to_move)
    over = outcome.over
    returns, steps, success = held.returns + earned, held.steps + 1, held.success | outcome.success
    scores = Scores(
        over.sum(), (steps * over).sum(), xp.where(over[:, None], returns, 0).sum(0), (success & over).sum()
    )
    held = Held(
        pending=tuple(pending),
        memory=tuple(memory),
        fresh=(held.fresh & ~join(spec, tuple(decided))) | ended | cut | over[:, None],
        episode=held.episode + over,
        steps=xp.where(over, 0, steps),
        returns=xp.where(over[:, None], xp.float32(0), returns),
        success=success & ~over,
    )
    return held, tuple(transitions), world(xp, spec, before, outcome, ended, cut), scores


def world(xp: Any, spec: Spec, before: Sight, outcome: Outcome, ended: Array, cut: Array) -> World:
    """Each team's boundary: it lasts while a member takes part, and has truly ended where none was cut off."""
    groups = [members(spec, team) for team in range(spec.teams)]
    some = lambda flags: xp.stack([flags[:, group].any(-1) for group in groups], axis=-1)  # noqa: E731
    valid = some(before.alive)
    gone = valid & (~some(before.alive & ~ended & ~cut) | outcome.over[:, None])
    discount = xp.where(valid & ~(gone & ~some(cut)), xp.float32(1), xp.float32(0))
    return World(before.state, outcome.next.state, discount, gone, valid)


def act_at(algorithm: Algorithm, mode: Mode, seed: Array, row: Array, policy: Any, view: Any, memory: Any) -> Any:
    """Everybody's decisions at the run's joint step `row`."""
    purpose = ACT if mode == "explore" else EVALUATE
    return algorithm.act(purpose_key(seed, purpose, row), policy, view, memory, mode)


def learn(algorithm: Algorithm, seed: Array, learner: Any, rollout: Rollout, clock: Clock) -> tuple[Any, Any]:
    """One update, (learner, info); the clock counts this rollout and not yet this update."""
    return algorithm.update(purpose_key(seed, UPDATE, clock.updates), learner, rollout, clock)


def begin(algorithm: Algorithm, spec: Spec, plan: Plan, seed: Array, sight: Sight) -> tuple[Any, Any, Held, Clock]:
    """The learner, its first policy, the runner and the clock before the first joint step."""
    if plan.lag not in (0, 1):
        raise ValueError(f"lag {plan.lag}: acting is 0 or 1 updates behind learning")
    clock = Clock(jnp.uint32(0), jnp.uint32(0))
    learner = algorithm.init(purpose_key(seed, INIT, 0), spec)
    policy = algorithm.policy(learner, clock)
    memory = algorithm.memory(policy, plan.environments)
    view = views(jnp, spec, sight, jnp.ones(sight.alive.shape, bool), sight.alive)
    shapes = jax.eval_shape(partial(act_at, algorithm, "explore"), seed, clock.env_steps, policy, view, memory)
    return learner, policy, hold(spec, view, shapes, memory), clock
