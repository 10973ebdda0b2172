"""Learners of policies on two roads: equal rollouts and parameters, at lag 0 and 1, with memory and without."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest
from two_roads import assert_both_roads_are_one

from coterie.algorithms.ppo import parts, ppo
from coterie.envs.probes import PROBES
from coterie.running.rollout import Plan
from coterie.settings import DeepOptions, ProbeOptions
from coterie.types import Sizes

UPDATES = 12
OPTIONS = DeepOptions(
    discount=0.9, trace=0.9, environments=2, rows=4, hidden=8, layers=1, learning_rate=3e-3, epochs=2, minibatches=2,
)  # fmt: skip
CASES = {
    "ippo over two kinds": ("unlike", 0, "ippo", {}),
    "mappo that remembers": ("memory", 0, "mappo", {"recurrent": True}),
    "ippo, behind by one": ("choice", 1, "ippo", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_both_roads_are_one(case):
    name, lag, algorithm, more = CASES[case]
    environment, options = PROBES[name](ProbeOptions()), replace(OPTIONS, **more)
    own = ppo(environment.spec, options, Sizes(UPDATES * 8, 2, 4, 4), parts(algorithm, options, environment.spec))
    first, last, info = assert_both_roads_are_one(environment, own, Plan(2, 4, lag), UPDATES)
    moved = jax.tree.map(lambda a, b: abs(a - b).max(), last.online, first.online)
    assert min(jax.tree.leaves(moved)) > 1e-3  # and all of it has learned
    assert info["finite"].all()
    actions = np.concatenate([kind.action.reshape(-1) for kind in info["rollout"].kinds])
    assert len(set(actions.tolist())) > 1  # draws do differ
