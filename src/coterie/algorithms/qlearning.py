"""Deep Q-learning of teams: IQL, VDN, QMIX and weighted QMIX are one algorithm with a mixer.

Each agent i has action values Q_i(o, .) of its own sight (and memory). Alone, it is trained on its own reward; in a
mixed team the values of the chosen actions become one, Q_tot = mix(Q_1(o_1, a_1), .., Q_n(o_n, a_n), s), trained on the
team's reward. The loss of one row, with a target y (equations/returns.py), is

    l(y - Q),   y = r + g d Q'(o', argmax_a Q(o', a))          (double; Q' is the target network)

Sources: independent Q-learning Tan 1993; DQN Mnih et al. 2015; VDN Sunehag et al. 2018; QMIX Rashid et al. 2018;
weighted QMIX Rashid et al. 2020; hysteretic loss Omidshafiei et al. 2017. Who learns from whose experience is a rule of
replay/sharing.py. Every part can be replaced by a function of yours: network, mixer, loss, sharing, exploration.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from coterie.algorithms.splitting import ALONE, Split
from coterie.equations import choosing, losses, mixing, returns
from coterie.equations.stepping import clipped, falling, followed
from coterie.networks.agent import Network
from coterie.networks.mixers import Mixer, free_mixer, monotone_mixer, over_rows, sum_mixer
from coterie.networks.team import act_values, blank_memory, first_networks, network_for, one_hot_groups, row_values
from coterie.partitions import join, members
from coterie.replay import buffer, priorities, sharing
from coterie.replay.keeping import Batch, Kept, Row, as_packed, batch_of, blank_row, keep
from coterie.replay.partners import Sharing, named
from coterie.settings import DeepOptions
from coterie.types import Algorithm, Array, Clock, Decision, Key, Kind, Rollout, Sizes, Spec, View

BETA = 0.4  # how far importance weights undo prioritised draws at the start; wholly at the end (Schaul et al. 2016)

STEPS, SEQUENCES = 256, 32  # items of a gradient step where no number is asked for


class Parameters(NamedTuple):
    """Networks by kind, leaves [groups, ...]; mixers by team; weighted QMIX's central twin of both."""

    agents: tuple[Any, ...]
    mixers: tuple[Any, ...]
    central: Any


class Learner(NamedTuple):
    """All that learning carries; `finite` turns False where a step would leave the finite numbers, and stays so.

    surprise: priorities of the replay, () where it is drawn evenly. window: by kind, the TD errors of late that offers
    are measured by; age int32[E]: steps since the episode began.
    """

    online: Parameters
    target: Parameters
    optimiser: Any
    replay: buffer.Ring
    surprise: Any
    window: tuple[Array, ...]
    age: Array
    finite: Array


class Policy(NamedTuple):
    """What acting reads."""

    agents: tuple[Any, ...]
    epsilon: Array


class Parts(NamedTuple):
    """The replaceable parts of the family, networks by kind: see `parts` for what the names of algorithms mean."""

    networks: tuple[Network, ...]
    mixer: Mixer | None
    central: Mixer | None
    loss: Callable[[Array], Array]
    sharing: Sharing | None
    exploration: Callable[..., Array]


def parts(algorithm: str, options: DeepOptions, spec: Spec) -> Parts:
    """What `iql`, `hysteretic`, `vdn`, `qmix` and `weighted-qmix` are made of under these options."""
    loss = losses.huber if options.loss == "huber" else losses.squared
    if options.hysteresis != 1.0:
        loss = partial(losses.hysteretic, share=options.hysteresis, loss=loss)
    monotone = partial(monotone_mixer, options.mixing)
    mixer = {"vdn": sum_mixer, "qmix": monotone, "weighted-qmix": monotone}
    return Parts(
        networks=tuple(network_for(kind, options) for kind in spec.kinds),
        mixer=mixer[algorithm]() if algorithm in mixer else None,
        central=free_mixer(options.mixing) if algorithm == "weighted-qmix" else None,
        loss=loss,
        sharing=named(options.share_experience, options.share_quantile),
        exploration=choosing.epsilon_greedy,
    )


def qlearning(spec: Spec, options: DeepOptions, sizes: Sizes, made_of: Parts, split: Split = ALONE) -> Algorithm:
    """The family as an `Algorithm`; `spec` says who shares parameters, `made_of` what it is made of.

    split: how each gradient step is shared out among devices.
    """
    slots, shared, mixed = replay_rows(options, sizes), made_of.sharing, made_of.mixer is not None
    items = options.batch or (STEPS if sizes.length == 1 else SEQUENCES)
    gradient_steps = max(1, sizes.env_steps // (sizes.environments * sizes.rows)) * options.updates
    optimiser = optax.adam(falling(options.learning_rate, options.learning_rate_end, gradient_steps))
    width = shared.window if shared is not None and shared.offer is not None else 0
    like = jax.eval_shape(lambda: blank_row(spec, sizes.environments, width > 0))

    def init(key: Key, _: Spec) -> Learner:
        online = first_parameters(key, spec, made_of)
        shapes = like if shared is not None else jax.eval_shape(partial(as_packed, axes=1), like)
        return Learner(
            online,
            jax.tree.map(jnp.copy, online),
            optimiser.init(online),
            buffer.empty(shapes, slots),
            priorities.empty(slots, sizes.environments) if options.prioritised else (),
            tuple(sharing.empty_window(width, len(kind.agents)) for kind in spec.kinds) if width else (),
            jnp.zeros(sizes.environments, jnp.int32),
            jnp.bool(True),
        )

    def policy(learner: Learner, clock: Clock) -> Policy:
        return Policy(learner.online.agents, epsilon_at(options, sizes.env_steps, clock.env_steps))

    def act(key: Key, policy: Policy, views: tuple[View, ...], memories: Any, mode: str) -> tuple[Decision, ...]:
        decisions = []
        for k, (kind, view, memory) in enumerate(zip(spec.kinds, views, memories, strict=True)):
            q, memory = act_values(made_of.networks[k], spec, kind, policy.agents[k], view, memory)
            if mode == "greedy":
                action = choosing.greedy(q, view.legal)
            else:
                epsilon = policy.epsilon if mode == "explore" else jnp.float32(options.epsilon_end)
                action = made_of.exploration(jax.random.fold_in(key, k), q, view.legal, epsilon)
            decisions.append(Decision(action, memory, ()))
        return tuple(decisions)

    def memory(policy: Policy, environments: int) -> tuple[Any, ...]:
        return blank_memory(spec, made_of.networks, environments)

    def update(key: Key, learner: Learner, rollout: Rollout, clock: Clock) -> tuple[Learner, dict[str, Array]]:
        offer_key, learn_key = jax.random.split(key)
        written = clock.updates * np.uint32(sizes.rows)
        kept, window, age = kept_rows(offer_key, learner, rollout)
        replay, surprise = buffer.write(learner.replay, kept, written), learner.surprise
        if options.prioritised:
            surprise = priorities.admit(surprise, written, sizes.rows, slots, sizes.environments)
        beta = choosing.linear(BETA, 1.0, clock.env_steps / sizes.env_steps)

        def gradient_step(carry: Any, count: Array) -> Any:
            online, target, adam, finite, surprise = carry
            draw_key, seen = jax.random.fold_in(learn_key, count), written + np.uint32(sizes.rows)
            asked = draw_key, spec, replay, like, seen, items, sizes.length, shared, surprise or None, beta
            batch = batch_of(*asked, own=split.own)
            loss_of = partial(mixed_loss if mixed else lone_loss, spec, options, made_of)
            loss_of = partial(loss_of, target=target, batch=batch, whole=split.whole)
            (loss, (errors, info)), gradient = jax.value_and_grad(loss_of, has_aux=True)(online)
            loss, info, gradient = split.whole((loss, info, gradient))
            gradient, norm = clipped(gradient, options.gradient_clip, together=mixed)
            change, adam_after = optimiser.update(gradient, adam, online)
            after = optax.apply_updates(online, change)
            good = finite & jnp.isfinite(loss) & jnp.isfinite(norm)
            online, adam = jax.tree.map(lambda new, old: jnp.where(good, new, old), (after, adam_after), (online, adam))
            target = followed(
                target,
                online,
                clock.updates * np.uint32(options.updates) + count,
                options.target_every,
                options.target_rate,
            )
            if options.prioritised:
                assert batch.drawn is not None and batch.at is not None
                told = split.joined(jnp.take_along_axis(errors, batch.at[None], 0)[0])
                surprise = priorities.renew(surprise, batch.drawn, jnp.where(good, told, 0.0), sizes.environments)
            return (online, target, adam, good, surprise), {
                "loss": loss,
                "gradient": norm,
                "finite": good.astype(jnp.float32),
                **info,
            }

        start = (learner.online, learner.target, learner.optimiser, learner.finite, surprise)

        def improve() -> Any:
            return jax.lax.scan(gradient_step, start, jnp.arange(options.updates, dtype=jnp.uint32))

        def rest() -> Any:
            return start, jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(improve)[1])

        ready = clock.env_steps >= options.warmup
        (online, target, adam, finite, surprise), info = jax.lax.cond(ready, improve, rest)
        info = {name: numbers.min() if name == "finite" else numbers.mean() for name, numbers in info.items()}
        info["learned"] = ready.astype(jnp.float32)
        return Learner(online, target, adam, replay, surprise, window, age, finite), info

    def kept_rows(key: Key, learner: Learner, rollout: Rollout) -> tuple[Kept, tuple[Array, ...], Array]:
        """The rows to keep, the windows of errors, and the ages of episodes after this rollout."""
        windows = list(learner.window)

        def offers(k: int, row: Row) -> Array:
            own = learner.online.agents[k], learner.target.agents[k]
            errors = td_errors(spec, options, made_of.networks[k], spec.kinds[k], *own, row)
            assert shared is not None and shared.offer is not None
            offered, windows[k] = shared.offer(jax.random.fold_in(key, k), errors, row.valid, windows[k])
            return offered

        if options.reward_scale != 1.0:
            scaled = tuple(kind._replace(reward=kind.reward * options.reward_scale) for kind in rollout.kinds)
            rollout = rollout._replace(kinds=scaled)
        kept, age = keep(spec, rollout, learner.age, options.reward, offers if width else None)
        return kept if shared is not None else as_packed(kept, 2), tuple(windows), age

    return Algorithm(init, policy, memory, act, update)


# Sizes and schedules


def replay_rows(options: DeepOptions, sizes: Sizes) -> int:
    """Rows of the ring: `replay` joint steps over all environments, a whole number of rollouts, a sequence at least."""
    wanted = max(options.replay // sizes.environments, sizes.length + sizes.rows)
    return max(1, -(-wanted // sizes.rows)) * sizes.rows


def first_parameters(key: Key, spec: Spec, made_of: Parts) -> Parameters:
    """New networks for every group of every kind, and new mixers for every team."""

    def mixers(key: Key, mixer: Mixer) -> tuple[Any, ...]:
        size = prod(spec.state_shape)
        keys = [jax.random.fold_in(key, team) for team in range(spec.teams)]
        return tuple(mixer.init(keys[team], size, len(members(spec, team))) for team in range(spec.teams))

    students = made_of.sharing.students if made_of.sharing is not None else 0
    networks = partial(first_networks, spec=spec, networks=made_of.networks, students=students)
    own, mix, twin, twin_mix = jax.random.split(key, 4)
    central = (networks(twin), mixers(twin_mix, made_of.central)) if made_of.central is not None else ()
    return Parameters(networks(own), mixers(mix, made_of.mixer) if made_of.mixer is not None else (), central)


def epsilon_at(options: DeepOptions, env_steps: int, clock: Array) -> Array:
    """Epsilon falls linearly from its start to its end over the first `epsilon_decay` of the run's joint steps."""
    if options.epsilon_decay == 0:
        return jnp.float32(options.epsilon)
    fraction = clock / (options.epsilon_decay * env_steps)
    return jnp.float32(choosing.linear(options.epsilon, options.epsilon_end, fraction))


# The losses


def targets(options: DeepOptions, reward: Array, discount: Array, last: Array, valid: Array, ahead: Array) -> Array:
    """What the values are drawn to, [L, ...]: one step, n steps or Q(lambda), along the first axis."""
    if reward.shape[0] == 1 or (options.n_step == 1 and options.trace == 0):
        return returns.one_step(reward, discount, ahead, options.discount)
    if options.trace > 0:
        one = lambda *row: returns.q_lambda(*row, gamma=options.discount, trace=options.trace)  # noqa: E731
    else:
        one = lambda *row: returns.n_step(*row, gamma=options.discount, n=options.n_step)  # noqa: E731
    for _ in range(reward.ndim - 1):
        one = jax.vmap(one, 1, 1)
    return one(reward, discount, last, valid, ahead)


def lone_values(
    spec: Spec, options: DeepOptions, network: Network, kind: Kind, online: Any, target: Any, row: Row
) -> tuple[Array, Array]:
    """The value of the action taken and of what follows, [L, B, M] each; the latter without a gradient."""
    q = row_values(network, spec, kind, row, online)
    q_target = jax.lax.stop_gradient(row_values(network, spec, kind, row, target))[1:]
    picked = jax.lax.stop_gradient(q[1:]) if options.double else q_target
    return choosing.taken(q[:-1], row.action), choosing.double(picked, q_target, row.next_legal)


def td_errors(
    spec: Spec, options: DeepOptions, network: Network, kind: Kind, online: Any, target: Any, row: Row
) -> Array:
    """One-step errors [T, E, N] of the agents' own experience, by their own (memoryless) networks."""

    def one(row: Row) -> Array:
        batch = jax.tree.map(lambda leaf: leaf[None], row)
        now, ahead = lone_values(spec, options, network, kind, online, target, batch)
        return returns.one_step(row.reward, row.discount, ahead[0], options.discount) - now[0]

    return jax.vmap(one)(row)


def lone_loss(
    spec: Spec,
    options: DeepOptions,
    made_of: Parts,
    online: Parameters,
    target: Parameters,
    batch: Batch,
    whole: Callable[[Array], Array] = ALONE.whole,
) -> tuple[Array, tuple[Array, dict[str, Array]]]:
    """Each network's mean loss over what counts, summed over networks: every agent learns as if it were alone."""
    total, size, value, amount = jnp.float32(0), jnp.float32(0), jnp.float32(0), jnp.float32(0)
    errors = jnp.zeros(batch.within.shape)
    published = made_of.sharing is not None and not made_of.sharing.terminal_mask
    for k, (kind, row, count) in enumerate(zip(spec.kinds, batch.kinds, batch.counts, strict=True)):
        now, ahead = lone_values(spec, options, made_of.networks[k], kind, online.agents[k], target.agents[k], row)
        discount = jnp.ones_like(row.discount) if published else row.discount
        wanted = jax.lax.stop_gradient(targets(options, row.reward, discount, row.last, count, ahead))
        error = jnp.where(count, wanted - now, 0)
        loss = made_of.loss(error)
        if batch.weights:
            loss = loss * batch.weights[k]
        network_of = one_hot_groups(spec, kind, count.shape[-1])
        summed = jnp.where(count, loss, 0).sum((0, 1)) @ network_of
        total += (summed / jnp.maximum(whole(count.sum((0, 1)) @ network_of), 1)).sum()
        errors = jnp.maximum(errors, jnp.abs(error).max(-1))
        size += jnp.abs(error).sum()
        value += jnp.where(count, now, 0).sum()
        amount += count.sum()
    amount = jnp.maximum(whole(amount), 1)
    return total, (errors, {"error": size / amount, "value": value / amount})


def mixed_loss(
    spec: Spec,
    options: DeepOptions,
    made_of: Parts,
    online: Parameters,
    target: Parameters,
    batch: Batch,
    whole: Callable[[Array], Array] = ALONE.whole,
) -> tuple[Array, tuple[Array, dict[str, Array]]]:
    """The team's loss: the mixed value of the chosen actions against the team's reward; teams are summed."""
    rows, world, mixer = batch.kinds, batch.world, made_of.mixer
    assert mixer is not None and world is not None
    both = [
        lone_values(spec, options, made_of.networks[k], kind, online.agents[k], target.agents[k], row)
        for k, (kind, row) in enumerate(zip(spec.kinds, rows, strict=True))
    ]
    chosen, ahead = (join(spec, values) for values in zip(*both, strict=True))
    here = join(spec, tuple(row.alive & row.valid for row in rows))
    there = join(spec, tuple(row.next_alive for row in rows))
    before = jnp.cumsum(world.last, axis=0) - world.last
    count = world.valid & batch.within[..., None] & (before == 0)
    total, size, value = jnp.float32(0), jnp.float32(0), jnp.float32(0)
    errors = jnp.zeros(batch.within.shape)
    twin = None if made_of.central is None else central_values(spec, made_of, online, target, rows)
    mix, free = partial(over_rows, mixer), partial(over_rows, made_of.central or mixer)
    for team in range(spec.teams):
        group, own = jnp.array(members(spec, team)), count[..., team]
        amount = jnp.maximum(whole(own.sum()), 1)
        mixed = mix(online.mixers[team], chosen[..., group], here[..., group], world.state)
        if twin is None:
            following = mix(target.mixers[team], ahead[..., group], there[..., group], world.next_state)
        else:
            following = free(target.central[1][team], twin.ahead[..., group], there[..., group], world.next_state)
        boundary = world.reward[..., team], world.discount[..., team], world.last[..., team]
        wanted = jax.lax.stop_gradient(targets(options, *boundary, own, following))
        error = jnp.where(own, wanted - mixed, 0)
        weight: Any = batch.weights[0][..., 0] if batch.weights else 1.0
        if twin is not None:
            central = free(online.central[1][team], twin.chosen[..., group], here[..., group], world.state)
            total += jnp.where(own, weight * losses.squared(wanted - central), 0).sum() / amount
            weight = weight * jax.lax.stop_gradient(mixing.optimistically_weighted(error, options.weighting))
        total += jnp.where(own, weight * made_of.loss(error), 0).sum() / amount
        errors = jnp.maximum(errors, jnp.abs(error))
        size += jnp.abs(error).sum() / amount
        value += jnp.where(own, mixed, 0).sum() / amount
    return total, (errors, {"error": size / spec.teams, "value": value / spec.teams})


class Twin(NamedTuple):
    """The central twin's values: of the actions taken, and by its target of the greedy next actions, [L, B, all]."""

    chosen: Array
    ahead: Array


def central_values(spec: Spec, made_of: Parts, online: Parameters, target: Parameters, rows: tuple[Row, ...]) -> Twin:
    """Weighted QMIX's Q*: valued at what was done, and at what the decentralised agents would do next."""
    chosen, ahead = [], []
    for k, (kind, row) in enumerate(zip(spec.kinds, rows, strict=True)):
        see = partial(row_values, made_of.networks[k], spec, kind, row)
        best = choosing.greedy(jax.lax.stop_gradient(see(online.agents[k]))[1:], row.next_legal)
        chosen.append(choosing.taken(see(online.central[0][k])[:-1], row.action))
        ahead.append(choosing.taken(jax.lax.stop_gradient(see(target.central[0][k]))[1:], best))
    return Twin(join(spec, tuple(chosen)), join(spec, tuple(ahead)))
