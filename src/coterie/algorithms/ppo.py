"""Policy gradients for teams: IPPO, MAPPO, independent actor-critic and SEAC are one algorithm.

Each agent i draws its actions from a policy pi_i(. | o) and has a critic V_i. IPPO's critic sees what the agent sees,
MAPPO's the central state. After each rollout, advantages A and targets y = A + V are taken once (equations/advantages),
and in some epochs of minibatches each network makes the mean over its own valid decisions small of

    - min(r A, clip(r, 1 - c, 1 + c) A)  +  l(V - y)  -  b H(pi),       r = pi(a | o) / pi_then(a | o)

One epoch, one batch and no clipping is the advantage actor-critic, since r = 1 there at lag 0. Shared experience (SEAC)
adds, for each other agent k whose experience i may learn from, w times the mean over k's decisions of

    - rho A_ik log pi_i(a_k | o_k)  +  rho l(V_i(o_k) - y_ik),     rho = pi_i(a_k | o_k) / pi_k(a_k | o_k), a constant

Sources: PPO Schulman et al. 2017; IPPO de Witt et al. 2020; MAPPO Yu et al. 2022; actor-critic Mnih et al. 2016; SEAC
Christianos et al. 2020, eq. 3 to 6. A time limit bootstraps, an ending does not, and the dead learn nothing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from coterie.equations import advantages, choosing
from coterie.equations.distributions import Distribution
from coterie.equations.stepping import clipped_each, falling
from coterie.networks.agent import Network
from coterie.networks.policies import (
    Waiting,
    actor_for,
    as_decided,
    critic_for,
    critic_kinds,
    critic_views,
    draws_for,
    nothing_waits,
    sees_together,
)
from coterie.networks.team import (
    act_values,
    blank_memory,
    first_networks,
    one_hot_groups,
    told_along,
    told_now_and_next,
)
from coterie.partitions import earned
from coterie.settings import DeepOptions
from coterie.types import Algorithm, Array, Clock, Decision, Key, Kind, Rollout, Sizes, Spec, View

HEARD = 0.05  # how much a rollout weighs in the running scale of the values


class Parameters(NamedTuple):
    """Networks by kind, leaves [groups, ...]: those that act, and their critics."""

    agents: tuple[Any, ...]
    critics: tuple[Any, ...]


class Learner(NamedTuple):
    """All that learning carries; `finite` turns False where a step would leave the finite numbers, and stays so.

    scale: by kind, that of each network's values. memory: by kind, what its critics remember, [E, N, M], or ().
    waiting: by kind the decisions that wait, where agents do and critics see more than they; else ().
    """

    online: Parameters
    optimiser: Any
    scale: tuple[advantages.Scale, ...]
    memory: tuple[Any, ...]
    waiting: tuple[Waiting, ...]
    finite: Array


class Policy(NamedTuple):
    """What acting reads."""

    agents: tuple[Any, ...]


class Parts(NamedTuple):
    """The replaceable parts of the family, by kind: networks that act, what they draw from, critics; what these see.

    central: own, state or observations (networks/policies.py).
    """

    networks: tuple[Network, ...]
    draws: tuple[Distribution, ...]
    critics: tuple[Network, ...]
    central: str


class Extras(NamedTuple):
    """What a decision keeps for its learner: the draw, and its log-probability then, float32[.., N]."""

    raw: Array
    log_probability: Array


class Studied(NamedTuple):
    """What a kind learns from in sequences [L, B, N, ...]; a row that is not valid weighs nothing.

    seen: by its critics, where that is not obs; [L, B, 1, ...] where all see the same. then: the log-probability of the
    draw when it was drawn. value: what the critic told then; wanted: what it is to tell, on the scale of each network's
    values; advantage: of the policy. others: of who learns from others, else ().
    """

    obs: Array
    seen: Any
    legal: Array
    first: Array
    raw: Array
    then: Array
    value: Array
    wanted: Array
    advantage: Array
    valid: Array
    others: Any


class Others(NamedTuple):
    """What learner i makes of agent k's rows, [L, B, K, N]: its target and its advantage there, on its own scale."""

    wanted: Array
    advantage: Array


def parts(algorithm: str, options: DeepOptions, spec: Spec) -> Parts:
    """What `ippo`, `mappo`, `ia2c` and `seac` are made of under these options."""
    central = "own"
    if algorithm == "mappo":
        central = "observations" if sees_together(options, spec) else "state"
    return Parts(
        tuple(actor_for(kind, options) for kind in spec.kinds),
        tuple(draws_for(kind, options) for kind in spec.kinds),
        tuple(critic_for(kind, options, central != "own") for kind in critic_kinds(spec, central)),
        central,
    )


def ppo(spec: Spec, options: DeepOptions, sizes: Sizes, made_of: Parts) -> Algorithm:
    """The family as an `Algorithm`; `spec` says who shares parameters and experience, `made_of` what it is made of."""
    seeing = critic_kinds(spec, made_of.central)
    many = sizes.environments if options.recurrent else sizes.environments * sizes.rows
    minibatches = min(options.minibatches, many)
    updates = max(1, sizes.env_steps // (sizes.environments * sizes.rows))
    optimiser = optax.adam(
        falling(options.learning_rate, options.learning_rate_end, updates * options.epochs * minibatches), eps=1e-5
    )
    seen_spec = replace(spec, kinds=seeing)

    def init(key: Key, _: Spec) -> Learner:
        act_key, value_key = jax.random.split(key)
        online = Parameters(
            first_networks(act_key, spec, made_of.networks), first_networks(value_key, seen_spec, made_of.critics)
        )
        scale = tuple(advantages.first_scale(jax.tree.leaves(own)[0].shape[0]) for own in online.critics)
        memory = blank_memory(seen_spec, made_of.critics, sizes.environments)
        later = spec.waits and made_of.central != "own"
        waiting = nothing_waits(spec, seeing, sizes.environments) if later else ()
        return Learner(online, optimiser.init(online), scale, memory, waiting, jnp.bool(True))

    def policy(learner: Learner, clock: Clock) -> Policy:
        return Policy(learner.online.agents)

    def act(key: Key, policy: Policy, views: tuple[View, ...], memories: Any, mode: str) -> tuple[Decision, ...]:
        decisions = []
        for k, (kind, view, memory) in enumerate(zip(spec.kinds, views, memories, strict=True)):
            h, memory = act_values(made_of.networks[k], spec, kind, policy.agents[k], view, memory)
            if mode == "greedy":
                decisions.append(Decision(made_of.draws[k].greedy(h, view.legal), memory, ()))
            else:
                drawn = made_of.draws[k].draw(jax.random.fold_in(key, k), h, view.legal)
                decisions.append(Decision(drawn.action, memory, Extras(drawn.raw, drawn.log_probability)))
        return tuple(decisions)

    def memory(policy: Policy, environments: int) -> tuple[Any, ...]:
        return blank_memory(spec, made_of.networks, environments)

    def update(key: Key, learner: Learner, rollout: Rollout, clock: Clock) -> tuple[Learner, dict[str, Array]]:
        studied, starts, carried, told = study(spec, options, made_of, learner, rollout)
        size = many // minibatches

        def gradient_step(carry: Any, chosen: Array) -> Any:
            online, adam, finite = carry
            batch = jax.tree.map(lambda leaf: leaf[:, chosen], studied)
            begun = jax.tree.map(lambda leaf: leaf[chosen], starts)
            weight = choosing.linear(
                options.entropy, options.entropy if options.entropy_end < 0 else options.entropy_end,
                clock.env_steps / sizes.env_steps,
            )  # fmt: skip
            value_and_slope = jax.value_and_grad(partial(loss, spec, options, made_of), has_aux=True)
            (total, info), gradient = value_and_slope(online, batch, begun, weight)
            gradient, norm = clipped_each(gradient, options.gradient_clip)
            change, adam_after = optimiser.update(gradient, adam, online)
            after = optax.apply_updates(online, change)
            good = finite & jnp.isfinite(total) & jnp.isfinite(norm)
            online, adam = jax.tree.map(lambda new, old: jnp.where(good, new, old), (after, adam_after), (online, adam))
            return (online, adam, good), {"loss": total, "gradient": norm, "finite": good.astype(jnp.float32), **info}

        def epoch(carry: Any, count: Array) -> Any:
            state, going = carry
            order = jax.random.permutation(jax.random.fold_in(key, count), many)[: size * minibatches]
            after, info = jax.lax.scan(gradient_step, state, order.reshape(minibatches, size))
            info = {name: numbers.min() if name == "finite" else numbers.mean() for name, numbers in info.items()}
            state = jax.tree.map(lambda new, old: jnp.where(going, new, old), after, state)
            weight = going.astype(jnp.float32)
            if options.stop_divergence > 0:
                going = going & (info["divergence"] <= options.stop_divergence)
            return (state, going), (info, weight)

        start = (learner.online, learner.optimiser, learner.finite), jnp.bool(True)
        (state, _), (info, weight) = jax.lax.scan(epoch, start, jnp.arange(options.epochs, dtype=jnp.uint32))
        finite = jnp.where(weight > 0, info.pop("finite"), 1.0).min()
        info = {name: (numbers * weight).sum() / weight.sum() for name, numbers in info.items()}
        info |= {"finite": finite, "learned": jnp.float32(1), "epochs": weight.sum(), **told}
        before = learner.scale, learner.memory, learner.waiting
        carried = jax.tree.map(lambda new, old: jnp.where(state[2], new, old), carried, before)
        (online, adam, good), (scale, memory, waiting) = state, carried
        return Learner(online, adam, scale, memory, waiting, good), info

    return Algorithm(init, policy, memory, act, update)


# What a rollout teaches


def study(
    spec: Spec, options: DeepOptions, made_of: Parts, learner: Learner, rollout: Rollout
) -> tuple[tuple[Studied, ...], Any, tuple[Any, Any, Any], dict[str, Array]]:
    """By kind what is learned from a rollout, as sequences, and the memories before them; what is carried on from it.

    Sequences are whole rollouts of one environment where agents remember, [T, E, N, ...], else single rows,
    [1, T * E, N, ...]. Told beside it: the mean value, and the share of the targets' variance that values explain.
    """
    seen_spec = replace(spec, kinds=critic_kinds(spec, made_of.central))
    views, rewards = critic_views(spec, made_of.central, rollout), earned(spec, rollout.kinds, options.reward)
    waiting = learner.waiting
    if waiting:
        seen, waiting = zip(*map(as_decided, (now for now, _ in views), rollout.kinds, waiting), strict=True)
        views = tuple((now, after) for now, (_, after) in zip(seen, views, strict=True))
    pieces, scales, memories, fits, values = [], [], [], [], []
    for k, (kind, t, reward) in enumerate(zip(spec.kinds, rollout.kinds, rewards, strict=True)):
        networks, valid, reward = one_hot_groups(spec, kind, len(kind.agents)), t.valid, reward * options.reward_scale
        own = t.valid if spec.waits and options.recurrent else None
        critic = partial(
            told_now_and_next, made_of.critics[k], seen_spec, seen_spec.kinds[k], learner.online.critics[k]
        )
        now, after, memory = critic(views[k], t.view.first, learner.memory[k], own)
        middle, width = (networks @ one for one in advantages.moments(learner.scale[k]))
        value, ahead = middle + width * now[..., 0], middle + width * after[..., 0]
        boundary = t.discount, t.last, valid
        gain = advantages.generalised(reward, *boundary, value, ahead, options.discount, options.trace)
        wanted, scale = gain + value, learner.scale[k]
        if options.normalise_values:
            scale = advantages.heard(scale, wanted, valid, networks, HEARD)
        others: Any = ()
        seen = views[k]
        if options.share_experience != "none" and options.share_weight > 0:
            now_seen, next_seen = (jnp.broadcast_to(one, (*valid.shape, *one.shape[3:])) for one in seen)
            seen = now_seen, next_seen
            others = study_others(options, critic, seen, t, reward, wanted, (middle, width))
        middle, width = (networks @ one for one in advantages.moments(scale))
        if others:
            theirs = others.advantage
            if options.normalise_advantages:
                theirs = advantages.normalised(theirs, paired(valid) & friends(spec, kind), networks)
            others = Others((others.wanted - middle) / width, theirs)
        if options.normalise_advantages:
            gain = advantages.normalised(gain, valid, networks)
        seen = () if made_of.central == "own" else seen[0]
        then, raw = t.extras.log_probability, t.extras.raw
        target = (wanted - middle) / width
        pieces.append(
            Studied(t.view.obs, seen, t.view.legal, t.view.first, raw, then, now[..., 0], target, gain, valid, others)
        )
        scales.append(scale)
        memories.append(memory)
        fits.append(advantages.explained(wanted, value, valid))
        values.append(jnp.where(valid, value, 0).sum() / jnp.maximum(valid.sum(), 1))
    told = {"value": jnp.stack(values).mean(), "fit": jnp.stack(fits).mean()}
    before: Any = tuple(zip(rollout.memory, learner.memory, strict=True))
    if not options.recurrent:
        pieces = jax.tree.map(lambda leaf: leaf.reshape(1, -1, *leaf.shape[2:]), pieces)
        before = tuple(((), ()) for _ in spec.kinds)
    return tuple(pieces), before, (tuple(scales), tuple(memories), waiting), told


def study_others(
    options: DeepOptions, critic: Any, seen: tuple[Array, Array], t: Any, reward: Array, wanted: Array, scale: Any
) -> Others:
    """What each agent i makes of each agent k's decisions, [T, E, K, N]: the targets y_ik, and A_ik = y_ik - V_i(o_k).

    own: y_ik is made of i's own values (Christianos et al. 2020, eq. 4); partner: y_ik is what k's own values are drawn
    to (the authors' code).
    """
    rows, environments, agents = reward.shape
    asked = [paired(one).reshape(rows, environments * agents, agents, *one.shape[3:]) for one in (*seen, t.view.first)]
    now, after, _ = critic((asked[0], asked[1]), asked[2], (), None)
    middle, width = scale
    value, ahead = (middle + width * one[..., 0].reshape(rows, environments, agents, agents) for one in (now, after))
    earned, discount, last, valid = (paired(one) for one in (reward, t.discount, t.last, t.valid))
    if options.share_target == "partner":
        gain = wanted[..., None] - value
    else:
        gain = advantages.generalised(earned, discount, last, valid, value, ahead, options.discount, options.trace)
    return Others(value + gain, gain)


def friends(spec: Spec, kind: Kind) -> np.ndarray:
    """From whose experience each agent learns besides its own, bool[K, N]: theirs who are in its group."""
    group = np.array([spec.experience[agent] for agent in kind.agents])
    return (group[:, None] == group[None]) & ~np.eye(len(group), dtype=bool)


def paired(leaf: Array) -> Array:
    """What agents k show, [L, B, K, ...], once for each learner i: [L, B, K, N, ...]."""
    return jnp.repeat(leaf[:, :, :, None], leaf.shape[2], 3)


# The losses


def loss(
    spec: Spec,
    options: DeepOptions,
    made_of: Parts,
    online: Parameters,
    batch: tuple[Studied, ...],
    before: Any,
    entropy_weight: Array | float,
) -> tuple[Array, dict[str, Array]]:
    """Each network's mean loss over its own valid decisions, summed over networks; and what is told of it."""
    seen_spec = replace(spec, kinds=critic_kinds(spec, made_of.central))
    total, told = jnp.float32(0), []
    for k, (kind, own) in enumerate(zip(spec.kinds, batch, strict=True)):
        networks, draws = one_hot_groups(spec, kind, own.valid.shape[-1]), made_of.draws[k]
        moves = own.valid if spec.waits and options.recurrent else None
        actor = partial(told_along, made_of.networks[k], spec, kind, online.agents[k])
        critic = partial(told_along, made_of.critics[k], seen_spec, seen_spec.kinds[k], online.critics[k])
        h = actor(own.obs, own.first, before[k][0], moves)
        value = critic(own.obs if made_of.central == "own" else own.seen, own.first, before[k][1], moves)[..., 0]
        ratio = jnp.exp(draws.log_probability(h, own.legal, own.raw) - own.then)
        gain = advantages.clipped_gain(ratio, own.advantage, options.clip)
        entropy = draws.entropy(h, own.legal)
        error = advantages.clipped_value_loss(value, own.value, own.wanted, options.value_clip)
        summed, count = advantages.by_network(error - gain - entropy_weight * entropy, own.valid, networks)
        total += (summed / jnp.maximum(count, 1)).sum()
        if own.others:
            total += options.share_weight * shared_loss(spec, options, kind, draws, own, actor, critic)
        clipped = (jnp.abs(ratio - 1) > options.clip) & (options.clip > 0)
        numbers = {
            "entropy": entropy, "divergence": advantages.divergence(ratio), "clipped": clipped, "error": error,
        }  # fmt: skip
        amount = jnp.maximum(own.valid.sum(), 1)
        told.append({name: jnp.where(own.valid, number, 0).sum() / amount for name, number in numbers.items()})
    return total, jax.tree.map(lambda *numbers: jnp.stack(numbers).mean(), *told)


def shared_loss(
    spec: Spec, options: DeepOptions, kind: Kind, draws: Distribution, own: Studied, actor: Any, critic: Any
) -> Array:
    """What each agent loses on the decisions of those whose experience it may learn from: one mean for each of them."""
    length, batch, agents = own.valid.shape

    def flat(leaf: Array) -> Array:
        return leaf.reshape(length, batch * agents, agents, *leaf.shape[4:])

    def back(leaf: Array) -> Array:
        return leaf.reshape(length, batch, agents, agents, *leaf.shape[3:])

    obs, first, legal, raw = (paired(leaf) for leaf in (own.obs, own.first, own.legal, own.raw))
    seen = obs if isinstance(own.seen, tuple) else paired(own.seen)
    h = back(actor(flat(obs), flat(first), (), None))
    value = back(critic(flat(seen), flat(first), (), None))[..., 0]
    log_probability = draws.log_probability(h, legal, raw)
    rho = jax.lax.stop_gradient(jnp.exp(log_probability - own.then[..., None]))
    if options.share_clip > 0:
        rho = jnp.minimum(rho, options.share_clip)
    each = rho * (0.5 * (own.others.wanted - value) ** 2 - own.others.advantage * log_probability)
    count = jnp.maximum(own.valid.sum((0, 1)), 1)[:, None]
    summed = jnp.where(own.valid[..., None] & friends(spec, kind), each, 0).sum((0, 1))
    return (summed / count).sum()
