"""Four small learners, each an `Algorithm` in plain jax.numpy, to try the contract with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from coterie.partitions import team_reward
from coterie.running.rollout import Plan
from coterie.types import Algorithm, Array, Clock, Decision, Key, Rollout, Spec, Transition, View, World

LOWEST = jnp.finfo(jnp.float32).min


class Weights(NamedTuple):
    """A linear map for each agent of one kind: q or logits [N, F, A], value [N, F]; F numbers seen and a one."""

    action: Array
    value: Array


class Ring(NamedTuple):
    """A linear learner with a ring of whole rollouts, [slots, T, E, N, ...], one Transition a kind."""

    weights: tuple[Weights, ...]
    ring: tuple[Transition, ...]


def features(view: View) -> Array:
    """What was seen, flat, and a one: [.., N, F]."""
    flat = view.obs.reshape(*view.alive.shape, -1).astype(jnp.float32)
    return jnp.concatenate([flat, jnp.ones((*view.alive.shape, 1))], -1)


def zero_weights(spec: Spec, grown: Callable[[int], int] = lambda seen: seen + 1) -> tuple[Weights, ...]:
    sizes = [(len(kind.agents), grown(flat_size(kind.observation_shape)), kind.actions) for kind in spec.kinds]
    return tuple(Weights(jnp.zeros((n, f, a)), jnp.zeros((n, f))) for n, f, a in sizes)


def flat_size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def action_values(weights: Weights, view: View, seen: Array) -> Array:
    """[.., N, A]; the lowest number where illegal."""
    return jnp.where(view.legal, jnp.einsum("...nf,nfa->...na", seen, weights.action), LOWEST)


def taken(values: Array, action: Array) -> Array:
    return jnp.take_along_axis(values, action[..., None], -1)[..., 0]


def epsilon_greedy(key: Key, q: Array, legal: Array, epsilon: float) -> Array:
    """With probability epsilon a legal action at random, else the first of the best."""
    draws = jax.random.uniform(key, (*q.shape[:-1], q.shape[-1] + 1))
    anything = jnp.argmax(jnp.where(legal, draws[..., 1:], -1.0), -1)
    return jnp.where(draws[..., 0] < epsilon, anything, jnp.argmax(q, -1))


def descend(weights: Any, gradient: Any, rate: float) -> Any:
    return jax.tree.map(lambda w, g: w - rate * g, weights, gradient)


def act_by_q(key: Key, weights: Any, views: Any, memory: Any, mode: str, *, epsilon: float) -> tuple[Decision, ...]:
    decisions = []
    for place, (own, view) in enumerate(zip(weights, views, strict=True)):
        q = action_values(own, view, features(view))
        chance = epsilon if mode == "explore" else 0.0
        decisions.append(Decision(epsilon_greedy(jax.random.fold_in(key, place), q, view.legal, chance), (), ()))
    return tuple(decisions)


def td_loss(weights: tuple[Weights, ...], kinds: tuple[Transition, ...], discount: float) -> Array:
    """Sum over kinds of the mean of valid (r + g d max_a q(next, a) - q(view, action))^2."""
    total = jnp.float32(0)
    for own, t in zip(weights, kinds, strict=True):
        best = action_values(own, t.next, features(t.next)).max(-1)
        target = jax.lax.stop_gradient(t.reward + discount * t.discount * best)
        error = target - taken(action_values(own, t.view, features(t.view)), t.action)
        total += jnp.mean(jnp.where(t.valid, error, 0) ** 2)
    return total


def empty_transition(spec: Spec, lead: tuple[int, ...]) -> tuple[Transition, ...]:
    """All zeros, nothing valid."""

    def one(kind):
        size = (*lead, len(kind.agents))
        flag, number = jnp.zeros(size, bool), jnp.zeros(size)
        obs = jnp.zeros((*size, *kind.observation_shape), kind.observation_dtype)
        view = View(obs, jnp.zeros((*size, kind.actions), bool), flag, flag, flag)
        return Transition(view, jnp.zeros(size, jnp.int32), (), number, number, view, flag, flag)

    return tuple(map(one, spec.kinds))


def linear_q(
    plan: Plan, *, discount: float = 0.9, epsilon: float = 0.5, rate: float = 0.2, slots: int = 8, batch: int = 64
) -> Algorithm:
    """Independent Q-learning, linear, from a ring of rollouts whose head depends on the clock alone."""

    def init(key: Key, spec: Spec) -> Ring:
        return Ring(zero_weights(spec), empty_transition(spec, (slots, plan.rows, plan.environments)))

    def update(key: Key, learner: Ring, rollout: Rollout, clock: Clock) -> tuple[Ring, dict[str, Array]]:
        head = clock.updates % slots
        ring = jax.tree.map(lambda ring, row: ring.at[head].set(row), learner.ring, rollout.kinds)
        filled = jnp.minimum(clock.updates + 1, slots)
        limits = jnp.stack([filled.astype(jnp.float32), plan.rows, plan.environments])
        places = tuple((jax.random.uniform(key, (batch, 3)) * limits).astype(jnp.int32).T)
        sample = jax.tree.map(lambda leaf: leaf[places], ring)
        loss, gradient = jax.value_and_grad(td_loss)(learner.weights, sample, discount)
        return Ring(descend(learner.weights, gradient, rate), ring), {"loss": loss}

    return Algorithm(
        init=init,
        policy=lambda learner, clock: learner.weights,
        memory=lambda policy, environments: tuple(() for _ in policy),
        act=partial(act_by_q, epsilon=epsilon),
        update=update,
    )


def log_policy(own: Weights, view: View) -> Array:
    return jax.nn.log_softmax(action_values(own, view, features(view)), -1)


def value(own: Weights, view: View) -> Array:
    return jnp.einsum("...nf,nf->...n", features(view), own.value)


def returns(t: Transition, after: Array, discount: float) -> Array:
    """G = r + g d (V(next) at a boundary or at the last row, else the agent's next G); other rows pass it through."""

    def back(carry, row):
        ahead, follows = carry
        reward, keep, last, valid, bootstrap = row
        here = reward + discount * keep * jnp.where(last | ~follows, bootstrap, ahead)
        return (jnp.where(valid, here, ahead), follows | valid), here

    start = (jnp.zeros_like(after[0]), jnp.zeros(after[0].shape, bool))
    return jax.lax.scan(back, start, (t.reward, t.discount, t.last, t.valid, after), reverse=True)[1]


def policy_loss(weights: Any, kinds: Any, log_old: tuple[Array, ...], discount: float) -> tuple[Array, Array]:
    """-mean valid ratio (G - V) + mean valid (G - V)^2 / 2 and the largest |ratio - 1|; ratio = pi / pi_when_acting."""
    total, off = jnp.float32(0), jnp.float32(0)
    for own, t, old in zip(weights, kinds, log_old, strict=True):
        baseline = value(own, t.view)
        gained = jax.lax.stop_gradient(returns(t, value(own, t.next), discount))
        ratio = jnp.exp(taken(log_policy(own, t.view), t.action) - old)
        loss = 0.5 * (gained - baseline) ** 2 - ratio * jax.lax.stop_gradient(gained - baseline)
        total += jnp.mean(jnp.where(t.valid, loss, 0))
        off = jnp.maximum(off, jnp.max(jnp.where(t.valid, jnp.abs(ratio - 1), 0)))
    return total, off


def reinforce(plan: Plan, *, discount: float = 0.9, rate: float = 0.3, stored: bool = True) -> Algorithm:
    """REINFORCE with a baseline, weighted by pi / pi_when_acting; not `stored`: the old one is wrongly recomputed."""

    def act(key: Key, weights: Any, views: Any, memory: Any, mode: str) -> tuple[Decision, ...]:
        decisions = []
        for place, (own, view) in enumerate(zip(weights, views, strict=True)):
            logs = log_policy(own, view)
            drawn = jax.random.categorical(jax.random.fold_in(key, place), logs)
            action = jnp.argmax(logs, -1) if mode == "greedy" else drawn
            decisions.append(Decision(action, (), {"log_probability": taken(logs, action)}))
        return tuple(decisions)

    def update(key: Key, weights: Any, rollout: Rollout, clock: Clock) -> Any:
        log_old = tuple(
            t.extras["log_probability"] if stored else jax.lax.stop_gradient(taken(log_policy(own, t.view), t.action))
            for own, t in zip(weights, rollout.kinds, strict=True)
        )
        (_, off), gradient = jax.value_and_grad(policy_loss, has_aux=True)(weights, rollout.kinds, log_old, discount)
        return descend(weights, gradient, rate), {"off_policy": off}

    return Algorithm(
        init=lambda key, spec: zero_weights(spec),
        policy=lambda weights, clock: weights,
        memory=lambda policy, environments: tuple(() for _ in policy),
        act=act,
        update=update,
    )


def mixed_loss(
    weights: Any, kinds: tuple[Transition, ...], world: World, reward: Array, discount: float, team: int = 0
) -> Array:
    """VDN over all kinds of one team: (r + g D sum_i max q_i(next) - sum_i q_i)^2; the dead contribute zero."""
    now, ahead = jnp.float32(0), jnp.float32(0)
    for own, t in zip(weights, kinds, strict=True):
        now += jnp.where(t.view.alive, taken(action_values(own, t.view, features(t.view)), t.action), 0).sum(-1)
        ahead += jnp.where(t.next.alive, action_values(own, t.next, features(t.next)).max(-1), 0).sum(-1)
    target = jax.lax.stop_gradient(reward[..., team] + discount * world.discount[..., team] * ahead)
    return jnp.mean(jnp.where(world.valid[..., team], target - now, 0) ** 2)


def vdn(
    spec: Spec, plan: Plan, *, discount: float = 0.9, epsilon: float = 0.5, rate: float = 0.1, unit: str = "team-mean"
) -> Algorithm:
    """Value decomposition (Sunehag et al. 2018): the team's value is the sum of its members', kinds mixed."""

    def update(key: Key, weights: Any, rollout: Rollout, clock: Clock) -> Any:
        reward = team_reward(spec, rollout.kinds, unit)
        loss, gradient = jax.value_and_grad(mixed_loss)(weights, rollout.kinds, rollout.world, reward, discount)
        return descend(weights, gradient, rate), {"loss": loss}

    return Algorithm(
        init=lambda key, spec: zero_weights(spec),
        policy=lambda weights, clock: weights,
        memory=lambda policy, environments: tuple(() for _ in policy),
        act=partial(act_by_q, epsilon=epsilon),
        update=update,
    )


def remember(memory: Array, view: View) -> Array:
    """The cell: the sum of all that was seen in this episode, [.., N, O]."""
    return jnp.where(view.first[..., None], 0, memory) + view.obs


def recalled(memory: Array, view: View) -> Array:
    """Features of what is seen and remembered: both, their products, and a one."""
    products = (view.obs[..., :, None] * memory[..., None, :]).reshape(*view.alive.shape, -1)
    return jnp.concatenate([view.obs, memory, products, jnp.ones((*view.alive.shape, 1))], -1)


def recurrent_q(spec: Spec, plan: Plan, *, discount: float = 0.9, epsilon: float = 0.5, rate: float = 0.2) -> Algorithm:
    """Q-learning on a memory that the runner carries; `update` unrolls it again from the rollout's first memory."""

    def act(key: Key, weights: Any, views: Any, memories: Any, mode: str) -> tuple[Decision, ...]:
        decisions = []
        for place, (own, view, memory) in enumerate(zip(weights, views, memories, strict=True)):
            memory = remember(memory, view)
            q = action_values(own, view, recalled(memory, view))
            chance = epsilon if mode == "explore" else 0.0
            action = epsilon_greedy(jax.random.fold_in(key, place), q, view.legal, chance)
            decisions.append(Decision(action, memory, {"memory": memory}))
        return tuple(decisions)

    def unroll(t: Transition, memory: Array) -> Array:
        def forward(memory, row):
            view, valid = row
            memory = jnp.where(valid[..., None], remember(memory, view), memory)
            return memory, memory

        return jax.lax.scan(forward, memory, (t.view, t.valid))[1]

    def loss(weights: Any, rollout: Rollout) -> tuple[Array, Array]:
        total, drift = jnp.float32(0), jnp.float32(0)
        for own, t, start in zip(weights, rollout.kinds, rollout.memory, strict=True):
            memory = unroll(t, start)
            drift = jnp.maximum(drift, jnp.max(jnp.where(t.valid[..., None], abs(memory - t.extras["memory"]), 0)))
            q = taken(action_values(own, t.view, recalled(memory, t.view)), t.action)
            best = action_values(own, t.next, recalled(remember(memory, t.next), t.next)).max(-1)
            target = jax.lax.stop_gradient(t.reward + discount * t.discount * best)
            total += jnp.mean(jnp.where(t.valid, target - q, 0) ** 2)
        return total, drift

    def update(key: Key, weights: Any, rollout: Rollout, clock: Clock) -> Any:
        (error, drift), gradient = jax.value_and_grad(loss, has_aux=True)(weights, rollout)
        return descend(weights, gradient, rate), {"loss": error, "drift": drift}

    def memory(policy: Any, environments: int) -> tuple[Array, ...]:
        return tuple(jnp.zeros((environments, len(k.agents), *k.observation_shape)) for k in spec.kinds)

    return Algorithm(
        init=lambda key, spec: zero_weights(spec, lambda seen: 2 * seen + seen * seen + 1),
        policy=lambda weights, clock: weights,
        memory=memory,
        act=act,
        update=update,
    )


def spoiled(
    algorithm: Algorithm,
    rollout: Callable[[Rollout], Rollout] = lambda rollout: rollout,
    view: Callable[[View], View] = lambda view: view,
) -> Algorithm:
    """The same algorithm reading a falsified boundary: what the negative controls are made of."""

    def act(key, policy, views, memory, mode):
        return algorithm.act(key, policy, tuple(map(view, views)), memory, mode)

    def update(key, learner, told, clock):
        return algorithm.update(key, learner, rollout(told), clock)

    return algorithm._replace(act=act, update=update)


def change_kinds(change: Callable[[Transition], Transition]) -> Callable[[Rollout], Rollout]:
    return lambda rollout: rollout._replace(kinds=tuple(map(change, rollout.kinds)))
