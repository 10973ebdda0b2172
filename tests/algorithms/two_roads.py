"""One algorithm in one world on both roads: equal rollouts and parameters."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from family import FAST

from coterie.envs.protocol import Environment
from coterie.pettingzoo.forms.parallel import Reads, parallel
from coterie.pettingzoo.ours.export import ParallelForm
from coterie.running.roads import compiled, outside, start_outside, train_outside
from coterie.running.rollout import Plan
from coterie.types import Algorithm

SEED = 7


def recorded(algorithm: Algorithm) -> Algorithm:
    """The same algorithm, whose info holds the whole rollout and the keys that it was given."""

    def update(key: Any, *given: Any) -> Any:
        learner, info = algorithm.update(key, *given)
        return learner, {**info, "rollout": given[1], "key": jax.random.key_data(key), "clock": given[2]}

    return algorithm._replace(update=update)


def assert_equal(one: Any, other: Any, within: float = 0.0) -> None:
    """Every leaf equal bit for bit, or up to rounding: programs compiled apart may add in another order."""
    first, second = (jax.tree_util.tree_flatten_with_path(jax.device_get(tree)) for tree in (one, other))
    assert first[1] == second[1]
    for (path, a), (_, b) in zip(first[0], second[0], strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype, path
        np.testing.assert_allclose(a, b, rtol=within, atol=within, err_msg=jax.tree_util.keystr(path))


def assert_both_roads_are_one(environment: Environment, algorithm: Algorithm, plan: Plan, updates: int) -> Any:
    """And each is traced once; gives the first learner, the last, and what was told on the compiled road."""
    algorithm = recorded(algorithm)
    start, train = compiled(algorithm, environment, plan)
    quickly = lambda function: jax.jit(function, compiler_options=FAST)  # noqa: E731
    first = jax.device_get(quickly(start)(jnp.uint32(SEED)))
    run, (info, scores) = jax.device_get(quickly(partial(train, iterations=updates))(jnp.uint32(SEED), first))
    drive = parallel([ParallelForm(environment) for _ in range(plan.environments)], Reads(team=environment.spec.team))
    parts = outside(algorithm, drive.spec, plan)
    parts = parts._replace(**{name: quickly(getattr(parts, name)) for name in ("act", "learn", "policy")})
    # both begin with one learner: to compile its beginning twice would tell nothing
    parts = parts._replace(
        begin=lambda seed, sight: (jax.device_put(first.learner), first.policy, first.held, first.clock)
    )
    other, sight = start_outside(parts, drive, SEED)
    other, sight, told = train_outside(parts, drive, SEED, other, sight, updates)
    other_info, other_scores = jax.tree.map(lambda *leaves: np.stack(leaves), *jax.device_get(told))
    assert [getattr(parts, name)._cache_size() for name in ("act", "learn")] == [1, 1]
    assert_equal((info["key"], info["clock"]), (other_info["key"], other_info["clock"]))
    ours, theirs = info["rollout"], other_info["rollout"]
    bare = lambda kinds: tuple(kind._replace(extras=()) for kind in kinds)  # noqa: E731
    assert_equal((bare(ours.kinds), ours.world), (bare(theirs.kinds), theirs.world))  # so every action is the same
    for kind, same in zip(ours.kinds, theirs.kinds, strict=True):
        assert_equal(kind.extras, same.extras, within=1e-5)
    assert_equal(ours.memory, theirs.memory, within=1e-5)
    assert_equal(run.learner, other.learner, within=1e-5)
    assert_equal(run.policy, other.policy, within=1e-5)
    assert_equal(run.held._replace(memory=(), pending=()), other.held._replace(memory=(), pending=()))
    assert_equal(run.held, other.held, within=1e-5)
    np.testing.assert_array_equal(scores.returns, other_scores.returns)
    return first.learner, run.learner, info
