"""Teaching members of the family on given rollouts: many replicas in one program, with no world in it.

R replicas differ in what they are told, in flags that the program is built with, and in the seeds of their networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from coterie.algorithms.qlearning import Learner
from coterie.running.rollout import Plan
from coterie.types import Algorithm, Array, Clock, Kind, Rollout, Spec, Transition, View, World

# Programs that run for milliseconds, and some that run for seconds: without the newer fusions both compile in half the
# time, and run as fast.
FAST = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
STEADY = {"xla_backend_optimization_level": 1, "xla_cpu_use_fusion_emitters": False}


class Taught(NamedTuple):
    """What was learned: leaves of `learner` are [R, ...], those of `info` [R, visits]."""

    learner: Learner
    info: dict[str, Array]


def teaching(build: Callable[[Any], Algorithm], steps_a_visit: int, options: dict[str, Any]) -> Callable[..., Taught]:
    """A compiled program: teach(learners [R, ..], rollouts [R, visits, T, E, ..], flags [R], before=0) -> Taught.

    build(flag) is the algorithm of one replica; before: the visits that lie behind.
    """

    def one(learner: Learner, rollouts: Rollout, flag: Any, before: Array) -> Taught:
        algorithm = build(flag)

        def visit(learner: Learner, now: tuple[Array, Rollout]) -> tuple[Learner, dict[str, Array]]:
            number, rollout = now
            clock = Clock((number + 1) * jnp.uint32(steps_a_visit), number)
            return algorithm.update(visit_key(number), learner, rollout, clock)

        visits = jax.tree.leaves(rollouts)[0].shape[0]
        return Taught(*jax.lax.scan(visit, learner, (before + jnp.arange(visits, dtype=jnp.uint32), rollouts)))

    program = jax.jit(jax.vmap(one, (0, 0, 0, None)), compiler_options=options)
    return lambda learners, rollouts, flags, before=0: jax.device_get(
        program(learners, rollouts, flags, jnp.uint32(before))
    )


def of_cases(program: Callable[..., Any], cases: Sequence[Any], many: int) -> list[Any]:
    """What a batched program gives for each of these cases; always asked for so `many`, so that it is compiled once."""
    filled = [*cases, *[cases[0]] * (many - len(cases))]
    found = jax.device_get(program(*stacked(filled)))
    return [jax.tree.map(lambda leaf, at=at: leaf[at], found) for at in range(len(cases))]


def equal(one: Any, other: Any) -> bool:
    """Bit for bit."""
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def zero(tree: Any) -> bool:
    """Exactly, everywhere."""
    return all((leaf == 0).all() for leaf in jax.tree.leaves(tree))


def visit_key(number: Array) -> Any:
    """The key of one visit to the replay, alike for all replicas."""
    return jax.random.fold_in(jax.random.key(17), number)


def new_learners(algorithm: Algorithm, spec: Spec, seeds: Sequence[int]) -> Learner:
    """Learners [R, ..] whose networks are drawn with NumPy, from a seed each.

    The learner's own `init` gives the shapes; compiling it for each member would take longer than all its learning.
    """
    shapes = jax.eval_shape(lambda: algorithm.init(jax.random.key(0), spec))
    rngs = [np.random.default_rng(seed) for seed in seeds]

    def weights(leaf: Any) -> np.ndarray:
        size = max(leaf.shape[-1], 4) ** -0.5
        return np.stack([rng.uniform(-size, size, leaf.shape).astype(np.float32) for rng in rngs])

    online = jax.tree.map(weights, shapes.online)
    zero = jax.tree.map(lambda leaf: np.zeros((len(rngs), *leaf.shape), leaf.dtype), shapes)
    window = tuple(np.full_like(leaf, -1) for leaf in zero.window)
    return zero._replace(online=online, target=online, window=window, finite=np.ones_like(zero.finite))


def stacked(trees: Sequence[Any]) -> Any:
    """Trees as one, with their axis in front."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def made_up(spec: Spec, plan: Plan, visits: int, seed: int = 0) -> Rollout:
    """Rollouts [visits, T, E, ..] of nothing in particular: random sights, actions, rewards, endings and deaths."""
    rng, lead = np.random.default_rng(seed), (visits, plan.rows, plan.environments)

    def kind_of(kind: Kind) -> Transition:
        size = (*lead, len(kind.agents))

        def view(alive: np.ndarray) -> View:
            obs = rng.normal(size=(*size, *kind.observation_shape)).astype(np.float32)
            legal = rng.random((*size, kind.actions)) < 0.7
            legal[..., 0] |= ~legal.any(-1)
            return View(obs, legal, alive, alive, rng.random(size) < 0.2)

        valid, ended = rng.random(size) < 0.8, rng.random(size) < 0.3
        reward = np.where(valid, rng.normal(size=size), 0).astype(np.float32)
        action = rng.integers(kind.actions, size=size).astype(np.int32)
        discount = (valid & ~ended).astype(np.float32)
        return Transition(view(valid), action, (), reward, discount, view(valid & ~ended), valid & ended, valid)

    kinds = tuple(map(kind_of, spec.kinds))
    alive, valid = rng.random((*lead, spec.teams)) < 0.7, np.ones((*lead, spec.teams), bool)
    states = rng.normal(size=(2, *lead, *spec.state_shape)).astype(np.float32)
    world = World(*states, alive.astype(np.float32), ~alive, valid)
    return Rollout(kinds, world, ((),) * len(kinds))
