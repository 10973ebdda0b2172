"""What several contract tests need: training over seeds in one program, fixed play, and the value of a sight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from coterie.envs.probes import PROBES
from coterie.envs.protocol import Environment
from coterie.running.roads import collect, compiled
from coterie.running.rollout import Plan, Run
from coterie.settings import ProbeOptions
from coterie.types import Algorithm, Decision, Rollout

FAST = {"xla_backend_optimization_level": 0}  # these programs run for milliseconds; compiling them is what takes time


def probe(name: str, horizon: int = 0) -> Environment:
    return PROBES[name](ProbeOptions(horizon))


def over_seeds(
    build: Callable[[Any], Algorithm],
    environment: Environment,
    plan: Plan,
    iterations: int,
    *,
    flags: tuple[bool, ...] = (False,),
    seeds: tuple[int, ...] = (0, 1, 2),
) -> tuple[Run, tuple[Any, Any]]:
    """Train build(flag) for every flag and seed in one program; everything but the clock is [flags, seeds, ...]."""

    def one(seed, flag):
        start, train = compiled(build(flag), environment, plan)
        return train(seed, start(seed), iterations)

    axes = (Run(0, 0, 0, 0, None), 0)
    program = jax.vmap(jax.vmap(one, (0, None), axes), (None, 0), axes)
    arguments = jnp.array(seeds, jnp.uint32), jnp.array(flags)
    return jax.device_get(jax.jit(program, compiler_options=FAST)(*arguments))


def fixed(actions: tuple[Any, ...]) -> Algorithm:
    """Plays the given actions, one int[N] a kind, and learns nothing."""

    def act(key, policy, views, memory, mode):
        chosen = (
            jnp.broadcast_to(jnp.asarray(a, jnp.int32), v.alive.shape) for a, v in zip(actions, views, strict=True)
        )
        return tuple(Decision(action, (), ()) for action in chosen)

    nothing = lambda *arguments: ()  # noqa: E731
    return Algorithm(nothing, nothing, lambda policy, environments: ((),) * len(actions), act, lambda *a: ((), {}))


def play(algorithm: Algorithm, environment: Environment, plan: Plan, seed: int = 0) -> Rollout:
    """One rollout on the compiled road, in numpy."""

    def rollout(seed):
        run = compiled(algorithm, environment, plan)[0](seed)
        return collect(algorithm, environment, plan, "explore", seed, run)[2]

    return jax.device_get(jax.jit(rollout, compiler_options=FAST)(jnp.uint32(seed)))


def q_value(weights: Any, agent: int, seen: list[float]) -> np.ndarray:
    """Q of every action of one agent, [flags, seeds, A], of linear weights [flags, seeds, N, F, A]."""
    return np.einsum("f,...fa->...a", np.array([*seen, 1.0]), weights.action[..., agent, :, :])
