"""The family on two roads: equal rollouts and parameters; traced once; no branch on a batched clock."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from two_roads import assert_both_roads_are_one

from coterie.algorithms.qlearning import Sizes, parts, qlearning
from coterie.envs.probes import PROBES
from coterie.running.roads import compiled
from coterie.running.rollout import SEED_AXES, Plan
from coterie.settings import DeepOptions, ProbeOptions
from coterie.types import Algorithm

UPDATES = 25
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


@pytest.mark.parametrize("case", CASES)
def test_both_roads_are_one(case):
    name, lag, *made_of = CASES[case]
    environment, algorithm = learner(name, *made_of)
    first, last, _ = assert_both_roads_are_one(environment, algorithm, PLAN._replace(lag=lag), UPDATES)
    moved = jax.tree.map(lambda a, b: abs(a - b).max(), last.online, first.online)
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
