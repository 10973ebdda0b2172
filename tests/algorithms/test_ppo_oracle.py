"""Whole updates against policy gradients written out in NumPy, whose gradients are differences of the loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from family import FAST
from plain_policies import ActorCritic, as_drawn, distance, plain_of
from policy_family import made_up_learner, made_up_rollout

from coterie.algorithms.ppo import Learner, parts, ppo
from coterie.running.rollout import Plan
from coterie.settings import DeepOptions, options_of_algorithm
from coterie.types import Clock, Kind, Rollout, Sizes, Spec

PLAN, SIZES = Plan(environments=5, rows=4), Sizes(1000, 5, 4, 4)
KINDS = Kind((0, 2), 3, (2,), "float32"), Kind((1,), 4, (3,), "float32")
APART = Spec(("a", "b", "c"), KINDS, (0, 0, 0), (0, 1, 2), (0, 1, 2), (2,))
SHARED = replace(APART, parameters=(0, 1, 0))
OPTIONS = DeepOptions(  # steps so large that the second epoch is far away, gradients so short that Adam tells lengths
    discount=0.9, trace=0.8, learning_rate=0.1, gradient_clip=1e-4, hidden=3, layers=1, activation="tanh", epochs=2,
    minibatches=1, clip=0.2, value_clip=0.05, entropy=0.3, reward_scale=1.5, environments=5, rows=4,
)  # fmt: skip
CASES = {
    "each by itself": ("ippo", APART, {}),
    "one network, central state": ("mappo", SHARED, {}),
    "one network, all that is seen": ("mappo", SHARED, {"central": "observations", "normalise_values": False}),
    "layers that are normalised": ("mappo", SHARED, {"central": "observations", "layer_norm": True, "hidden": 4}),
    "actor-critic": ("ia2c", APART, {"normalise_advantages": False, "value_clip": 0.0}),
}


def learned(case: str) -> tuple[Spec, DeepOptions, str, Learner, Rollout, Learner, dict[str, Any]]:
    algorithm, spec, more = CASES[case]
    options = options_of_algorithm(algorithm, replace(OPTIONS, **more))
    made = parts(algorithm, options, spec)
    own = ppo(spec, options, SIZES, made)
    learner, rollout = made_up_learner(own, spec), made_up_rollout(spec, PLAN)
    if algorithm == "ia2c":  # whose decisions were drawn from the policy that learns
        rollout = as_drawn(spec, plain_of(spec, options, made.central, learner), rollout)
    update = jax.jit(own.update, compiler_options=FAST)
    after, info = jax.device_get(update(jax.random.key(1), learner, rollout, Clock(np.uint32(20), np.uint32(0))))
    return spec, options, made.central, learner, rollout, after, info


@pytest.mark.parametrize("case", CASES)
def test_an_update_is_the_one_written_out(case):
    spec, options, central, learner, rollout, after, info = learned(case)
    plain = plain_of(spec, options, central, learner)
    plain.update(rollout)
    assert info["finite"]
    assert distance(plain, after) < 0.002
    assert distance(plain, learner) > 0.5
    if case == "actor-critic":  # the gradient of - A log pi, with the values' and the entropy's
        lone = plain_of(spec, options, central, learner, ActorCritic)
        lone.update(rollout)
        assert distance(lone, after) < 0.002
    for ours, theirs in zip(after.scale, plain.scale, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    # and the oracle would tell: other options, endings at time limits, rows of the dead, one gradient for all
    (first, second) = rollout.kinds
    wrongs = {name: ({name: value}, rollout) for name, value in (
        ("entropy", 0.0), ("trace", 0.7), ("reward_scale", 1.0), ("gradient_clip", 2e-4),
        ("normalise_advantages", not options.normalise_advantages),
        ("normalise_values", not options.normalise_values),
    )}  # fmt: skip
    if options.clip:
        wrongs |= {"clip": ({"clip": 0.0}, rollout), "value_clip": ({"value_clip": 0.0}, rollout)}
    limits = first._replace(discount=np.where(first.last, 1 - first.discount, first.discount))
    dead = first._replace(valid=np.ones_like(first.valid))
    wrongs |= {
        "limits": ({}, rollout._replace(kinds=(limits, second))), "dead": ({}, rollout._replace(kinds=(dead, second))),
    }  # fmt: skip
    for name, (change, given) in wrongs.items():
        other = plain_of(spec, replace(options, **change), central, learner)
        other.update(given)
        assert distance(other, after) > 0.02, name
