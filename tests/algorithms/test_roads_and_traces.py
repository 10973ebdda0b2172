"""The family on two roads: equal rollouts and parameters; traced once; no branch on a batched clock."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from family import FAST

from coterie.algorithms.qlearning import Sizes, parts, qlearning
from coterie.envs.probes import PROBES
from coterie.pettingzoo.forms.parallel import Reads, parallel
from coterie.pettingzoo.ours.export import ParallelForm
from coterie.running.roads import compiled, outside, start_outside, train_outside
from coterie.running.rollout import SEED_AXES, Plan
from coterie.settings import DeepOptions, ProbeOptions
from coterie.types import Algorithm

SEED, UPDATES = 7, 25
PLAN = Plan(environments=2, rows=4)
OPTIONS = DeepOptions(
    discount=0.9, environments=2, rows=4, batch=8, replay=64, warmup=16, hidden=8, layers=1, target_every=5,
)  # fmt: skip
CASES = {
    "vdn over two kinds": ("unlike", 0, "vdn", {}),
    "lone and remembering, behind by one": ("memory", 1, "iql", {"recurrent": True}),
}


def learner(name: str, algorithm: str, more: dict[str, Any]) -> tuple[Any, Algorithm]:
    environment = PROBES[name](ProbeOptions())
    options = replace(OPTIONS, **more)
    sizes = Sizes(UPDATES * 8, 2, 4, 3 if options.recurrent else 1)
    return environment, qlearning(environment.spec, options, sizes, parts(algorithm, options, environment.spec))


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


@pytest.mark.parametrize("case", CASES)
def test_both_roads_are_one(case):
    name, lag, *made_of = CASES[case]
    environment, algorithm = learner(name, *made_of)
    algorithm, plan = recorded(algorithm), PLAN._replace(lag=lag)
    start, train = compiled(algorithm, environment, plan)
    quickly = lambda function: jax.jit(function, compiler_options=FAST)  # noqa: E731
    first = jax.device_get(quickly(start)(jnp.uint32(SEED)))
    run, (info, scores) = jax.device_get(quickly(partial(train, iterations=UPDATES))(jnp.uint32(SEED), first))
    drive = parallel([ParallelForm(environment) for _ in range(plan.environments)], Reads(team=environment.spec.team))
    parts = outside(algorithm, drive.spec, plan)
    parts = parts._replace(**{name: quickly(getattr(parts, name)) for name in ("act", "learn", "policy")})
    # both begin with one learner: to compile its beginning twice would tell nothing
    parts = parts._replace(
        begin=lambda seed, sight: (jax.device_put(first.learner), first.policy, first.held, first.clock)
    )
    other, sight = start_outside(parts, drive, SEED)
    other, sight, told = train_outside(parts, drive, SEED, other, sight, UPDATES)
    other_info, other_scores = jax.tree.map(lambda *leaves: np.stack(leaves), *jax.device_get(told))
    assert [getattr(parts, name)._cache_size() for name in ("act", "learn")] == [1, 1]
    assert_equal((info["key"], info["clock"]), (other_info["key"], other_info["clock"]))
    ours, theirs = info["rollout"], other_info["rollout"]
    assert_equal((ours.kinds, ours.world), (theirs.kinds, theirs.world))  # so every action is the same
    assert_equal(ours.memory, theirs.memory, within=1e-5)
    assert_equal(run.learner, other.learner, within=1e-5)
    assert_equal(run.policy, other.policy, within=1e-5)
    assert_equal(run.held._replace(memory=(), pending=()), other.held._replace(memory=(), pending=()))
    assert_equal(run.held, other.held, within=1e-5)
    np.testing.assert_array_equal(scores.returns, other_scores.returns)
    moved = jax.tree.map(lambda a, b: abs(a - b).max(), run.learner.online, first.learner.online)
    assert min(jax.tree.leaves(moved)) > 1e-3  # and all of it has learned


@pytest.mark.parametrize("batched_clock", [False, True])
def test_update_is_traced_once_and_branches_on_a_clock_that_is_not_batched(batched_clock):
    """With a batched clock the branch of the warm-up becomes a select, which would learn, and copy, at every visit."""
    environment, algorithm = learner("joint", "qmix", {})
    traces = []

    def update(*given: Any) -> Any:
        traces.append(1)
        return algorithm.update(*given)

    start, train = compiled(algorithm._replace(update=update), environment, PLAN)
    axes = SEED_AXES._replace(clock=0) if batched_clock else SEED_AXES
    seeds = jnp.arange(3, dtype=jnp.uint32)
    runs = jax.eval_shape(jax.vmap(start, out_axes=axes), seeds)
    many = jax.vmap(partial(train, iterations=2), in_axes=(0, axes), out_axes=(axes, 0))
    branches = str(jax.make_jaxpr(many)(seeds, runs)).count("cond[")
    assert branches == (0 if batched_clock else 1)
    assert len(traces) == 1
