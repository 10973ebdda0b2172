"""Two roads for one algorithm: compiled with its environment, or worlds outside with the same act and update.

Given the same seed and the same world, both collect equal rollouts and learn equal parameters: tests/contracts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from coterie.envs.protocol import Environment, chance_key, draw_start, draw_step
from coterie.running.rollout import (
    Held,
    Plan,
    Run,
    Scores,
    act_at,
    begin,
    choose,
    episode_seeds,
    learn,
    memory_before,
    settle,
    views,
)
from coterie.types import Algorithm, Array, Clock, Mode, Outcome, Rollout, Sight, Spec, join


class Places(NamedTuple):
    """Where the compiled worlds are: their states, who takes part bool[E, all], and the episodes' seeds uint32[E]."""

    state: Any
    alive: Array
    seed: Array


class Worlds(Protocol):
    """What the worker road steps: E environments outside JAX that restart by themselves (see coterie.pettingzoo)."""

    spec: Spec

    def reset(self, seeds: np.ndarray) -> Sight:
        """Begin an episode everywhere, with these seeds [E]."""
        ...

    def step(self, actions: np.ndarray, seeds: np.ndarray) -> tuple[Outcome, Sight]:
        """Step all with actions [E, all]; where an episode is over, begin the next with its seed from [E]."""
        ...


# The compiled road


def look(environment: Environment, places: Places) -> Sight:
    """What the compiled worlds show."""
    seen = jax.vmap(environment.observe)(places.state)
    legal = jax.vmap(environment.legal)(places.state)
    to_move = jax.vmap(environment.to_move)(places.state) & places.alive
    return Sight(seen, legal, places.alive, to_move, jax.vmap(environment.central)(places.state))


def enter(environment: Environment, seeds: Array) -> Places:
    """The start states of episodes with these seeds [E]."""
    state = jax.vmap(lambda seed: draw_start(environment, chance_key(seed, jnp.int32(0))))(seeds)
    return Places(state, jnp.ones((seeds.shape[0], len(environment.spec.agents)), bool), seeds)


def advance(
    environment: Environment, places: Places, action: Array, steps: Array, seeds: Array
) -> tuple[Places, Outcome]:
    """One joint step of all compiled worlds; where an episode is over, the next begins with its seed from [E]."""

    def one(state: Any, seed: Array, step: Array, joint: Array) -> Any:
        return draw_step(environment, chance_key(seed, step + 1), state, joint)

    step = jax.vmap(one)(places.state, places.seed, steps, action)
    terminated = step.terminated & places.alive
    limit = (steps + 1 >= environment.horizon) if environment.horizon else jnp.zeros(steps.shape, bool)
    truncated = places.alive & ~terminated & limit[:, None]
    alive = places.alive & ~terminated & ~truncated
    over = ~alive.any(-1)
    after = Places(step.state, alive, places.seed)
    outcome = Outcome(step.reward, terminated, truncated, step.success, over, look(environment, after))
    return choose(jnp, over, enter(environment, seeds), after), outcome


def collect(
    algorithm: Algorithm, environment: Environment, plan: Plan, mode: Mode, seed: Array, run: Run
) -> tuple[Held, Places, Rollout, Scores]:
    """T joint steps of E compiled worlds with one policy."""
    spec = environment.spec
    first_row = run.clock.env_steps // plan.environments

    def row(carry: tuple[Held, Places], number: Array) -> Any:
        held, places = carry
        sight = look(environment, places)
        view = views(jnp, spec, sight, held.fresh, sight.alive)
        decisions = act_at(algorithm, mode, seed, first_row + number, run.policy, view, held.memory)
        action = join(spec, tuple(decision.action for decision in decisions))
        places, outcome = advance(environment, places, action, held.steps, episode_seeds(seed, held.episode + 1))
        held, kinds, world_row, scores = settle(jnp, spec, held, view, decisions, sight, outcome)
        return (held, places), (kinds, world_row, scores)

    rows = jnp.arange(plan.rows, dtype=first_row.dtype)
    (held, places), (kinds, worlds, scores) = jax.lax.scan(row, (run.held, run.places), rows)
    rollout = Rollout(kinds, worlds, memory_before(jnp, run.held))
    return held, places, rollout, jax.tree.map(lambda sums: sums.sum(0), scores)


def compiled(
    algorithm: Algorithm, environment: Environment, plan: Plan
) -> tuple[Callable[[Array], Run], Callable[..., tuple[Run, tuple[Any, Scores]]]]:
    """The compiled road: `start(seed) -> run` and `train(seed, run, iterations) -> run, (info, scores)`.

    Both are pure and not yet jitted; `iterations` is static, info and scores are [iterations, ...]. Batch them over
    seeds by `vmap` with `SEED_AXES`, jit them, donate the run.
    """

    def start(seed: Array) -> Run:
        episode = jnp.zeros(plan.environments, jnp.int32)
        places = enter(environment, episode_seeds(seed, episode))
        learner, policy, held, clock = begin(algorithm, environment.spec, plan, seed, look(environment, places))
        return Run(learner, policy, held, places, clock)

    def iteration(seed: Array, run: Run) -> tuple[Run, tuple[Any, Scores]]:
        held, places, rollout, scores = collect(algorithm, environment, plan, "explore", seed, run)
        clock = run.clock._replace(env_steps=run.clock.env_steps + plan.rows * plan.environments)
        lagging = algorithm.policy(run.learner, clock)
        learner, info = learn(algorithm, seed, run.learner, rollout, clock)
        clock = clock._replace(updates=clock.updates + 1)
        policy = lagging if plan.lag else algorithm.policy(learner, clock)
        return Run(learner, policy, held, places, clock), (info, scores)

    def train(seed: Array, run: Run, iterations: int) -> tuple[Run, tuple[Any, Scores]]:
        return jax.lax.scan(lambda carry, _: iteration(seed, carry), run, None, length=iterations)

    return start, train


# The worker road, workers=0: worlds outside, in this process


class Outside(NamedTuple):
    """The jitted halves of one algorithm for worlds outside; made once, so that each is traced once."""

    plan: Plan
    begin: Callable[..., Any]
    act: Callable[..., Any]
    learn: Callable[..., Any]
    policy: Callable[..., Any]
    seeds: Callable[..., Any]


def outside(algorithm: Algorithm, spec: Spec, plan: Plan, *, mode: Mode = "explore", actor: Any = None) -> Outside:
    """Jit what the worker road calls; the learner is donated to `learn`, the policy never.

    `actor` is the JAX device that acts. With lag 1 and an actor of its own, an update runs while the next rollout is
    collected: the policy is read from the learner before the update is dispatched, and nothing that collecting needs
    runs on the learner's device, where it would wait for the update.
    """
    policy, seeds = jax.jit(algorithm.policy), jax.jit(episode_seeds)
    return Outside(
        plan,
        jax.jit(partial(begin, algorithm, spec, plan)),
        jax.jit(partial(act_at, algorithm, mode)),
        jax.jit(partial(learn, algorithm), donate_argnums=1),
        policy if actor is None else lambda learner, clock: jax.device_put(policy(learner, clock), actor),
        seeds if actor is None else lambda seed, episode: seeds(seed, jax.device_put(episode, actor)),
    )


def start_outside(parts: Outside, worlds: Worlds, seed: int) -> tuple[Run, Sight]:
    """The run before its first joint step, and what the worlds show."""
    key = np.uint32(seed)
    sight = worlds.reset(np.asarray(parts.seeds(key, np.zeros(parts.plan.environments, np.int32))))
    learner, _, held, clock = parts.begin(key, sight)
    return Run(learner, parts.policy(learner, clock), on_host(held), (), on_host(clock)), sight


def train_outside(
    parts: Outside, worlds: Worlds, seed: int, run: Run, sight: Sight, iterations: int
) -> tuple[Run, Sight, list[tuple[Any, Scores]]]:
    """So many iterations on the worker road: the run, what the worlds show now, and (info, scores) of each."""
    plan, key = parts.plan, np.uint32(seed)
    told = []
    for _ in range(iterations):
        held, sight, rollout, scores = collect_outside(parts, worlds, key, run, sight)
        clock = Clock(run.clock.env_steps + np.uint32(plan.rows * plan.environments), run.clock.updates)
        policy = parts.policy(run.learner, clock) if plan.lag else None
        learner, info = parts.learn(key, run.learner, rollout, clock)
        clock = clock._replace(updates=clock.updates + np.uint32(1))
        if not plan.lag:
            policy = parts.policy(learner, clock)
        run = Run(learner, policy, held, (), clock)
        told.append((info, scores))
    return run, sight, told


def collect_outside(
    parts: Outside, worlds: Worlds, key: np.uint32, run: Run, sight: Sight
) -> tuple[Held, Sight, Rollout, Scores]:
    """T joint steps of E worlds outside with one policy; `sight` is what they show before the first."""
    spec, plan, held = worlds.spec, parts.plan, run.held
    coming = np.asarray(parts.seeds(key, held.episode + 1))
    first_row = run.clock.env_steps // np.uint32(plan.environments)
    rows = []
    for number in range(plan.rows):
        view = views(np, spec, sight, held.fresh, sight.alive)
        decisions = on_host(parts.act(key, first_row + np.uint32(number), run.policy, view, held.memory))
        action = join(spec, tuple(decision.action for decision in decisions))
        outcome, shown = worlds.step(action, coming)
        held, *row = settle(np, spec, held, view, decisions, sight, outcome)
        sight = shown
        rows.append(row)
        if outcome.over.any():
            coming = np.asarray(parts.seeds(key, held.episode + 1))
    kinds, world, scores = jax.tree.map(lambda *leaves: np.stack(leaves), *rows)
    rollout = Rollout(kinds, world, memory_before(np, run.held))
    return held, sight, rollout, jax.tree.map(lambda sums: sums.sum(0), scores)


def on_host(tree: Any) -> Any:
    """The same tree in numpy arrays of its own, safe to keep while the device's are donated."""
    return jax.tree.map(lambda leaf: np.array(leaf), tree)
