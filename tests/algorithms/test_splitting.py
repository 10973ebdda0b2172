"""A batch shared out among devices teaches what it teaches one of them; each part by itself does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from family import FAST, made_up, new_learners

from coterie.algorithms.qlearning import Sizes, parts, qlearning
from coterie.algorithms.splitting import ALONE, Split, split_over
from coterie.running.rollout import Plan
from coterie.settings import DeepOptions
from coterie.types import Clock, Kind, Spec

SPEC = Spec(("a", "b", "c"), (Kind((0, 1, 2), 3, (2,), "float32"),), (0, 0, 0), (0, 1, 2), (0, 0, 0), (4,))
PLAN = Plan(environments=4, rows=8)
OPTIONS = DeepOptions(environments=4, rows=8, batch=8, sequence=4, replay=64, warmup=0, hidden=8, layers=1, updates=3)
CASES = {
    "alone": ("iql", {"n_step": 3}),
    "remembering together": ("iql", {"recurrent": True, "share_parameters": True}),
    "studying others": ("iql", {"share_experience": "pooled"}),
    "mixed": ("qmix", {"reward": "team-sum"}),
    "mixed, drawn by surprise": ("weighted-qmix", {"reward": "team-sum", "prioritised": True}),
}


def taught(algorithm: str, options: DeepOptions, split: Split, devices: int) -> Any:
    """The learner after one visit, by device [devices, ..]."""
    sizes = Sizes(320, PLAN.environments, PLAN.rows, options.sequence)
    family = qlearning(SPEC, options, sizes, parts(algorithm, options, SPEC), split)
    before = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), new_learners(family, SPEC, [5]))
    if options.prioritised:
        before = before._replace(surprise=before.surprise._replace(highest=jnp.ones(())))
    rollout = jax.tree.map(lambda leaf: leaf[0], made_up(SPEC, PLAN, 1))
    rollout = rollout._replace(memory=family.memory(family.policy(before, Clock(jnp.uint32(0), jnp.uint32(0))), 4))

    def visit(_: Any) -> Any:
        return family.update(jax.random.key(3), before, rollout, Clock(jnp.uint32(32), jnp.uint32(0)))

    many = jax.vmap(visit, axis_name="items")
    learner, info = jax.device_get(jax.jit(many, compiler_options=FAST)(np.arange(devices)))
    return learner.online, learner.surprise, info


def farthest(one: Any, other: Any) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_two_halves_are_the_whole(case):
    algorithm, more = CASES[case]
    options = replace(OPTIONS, **more)
    alone = taught(algorithm, options, ALONE, 1)
    halves = taught(algorithm, options, split_over("items", 2), 2)
    first, second = (jax.tree.map(lambda leaf, place=place: leaf[place], halves) for place in (0, 1))
    assert farthest(first, second) == 0
    assert farthest(first, jax.tree.map(lambda leaf: leaf[0], alone)) < 2e-5


def test_halves_that_are_not_added_up_are_not_the_whole():
    options = replace(OPTIONS, n_step=3)
    alone, broken = (
        taught("iql", options, split, 2) for split in (ALONE, split_over("items", 2)._replace(whole=ALONE.whole))
    )
    first, second = (jax.tree.map(lambda leaf, place=place: leaf[place], broken[0]) for place in (0, 1))
    assert farthest(first, second) > 1e-4
    assert farthest(first, jax.tree.map(lambda leaf: leaf[0], alone[0])) > 1e-4
