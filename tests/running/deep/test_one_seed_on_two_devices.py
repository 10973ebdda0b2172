"""One recurrent seed whose batches are shared out among two devices: both hold the same learner, and go on alike."""

from __future__ import annotations

import os
from functools import cache
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest

from coterie.algorithms.qlearning import Sizes, parts, qlearning
from coterie.algorithms.splitting import ALONE, split_over
from coterie.envs.probes import PROBES
from coterie.errors import BadInput
from coterie.running.deep import lanes
from coterie.running.deep.lanes import ITEMS, CompiledLane, Programs
from coterie.running.deep.runs import open_compiled
from coterie.running.deep.saving import as_named
from coterie.running.deep.session import Schedule
from coterie.running.rollout import Plan
from coterie.settings import DeepOptions, ProbeOptions
from coterie.workflow.deep.opening import devices_of
from coterie.workflow.deep.plan import deep_plan

OPTIONS = DeepOptions(
    environments=2, rows=2, batch=8, replay=48, warmup=8, hidden=4, layers=1, recurrent=True, learning_rate=1e-2,
    updates=2, n_step=2, sequence=3,
)  # fmt: skip
PLAN = Plan(environments=2, rows=2)
VISITS = 20


@cache
def made(devices: int) -> Programs:
    environment = PROBES["unlike"](ProbeOptions())
    split = split_over(ITEMS, devices) if devices > 1 else ALONE
    sizes = Sizes(VISITS * 4, PLAN.environments, PLAN.rows, 3)
    algorithm = qlearning(environment.spec, OPTIONS, sizes, parts("qmix", OPTIONS, environment.spec), split)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "LEVEL", {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False})
        return lanes.programs(algorithm, environment, PLAN, 4, jax.devices()[:devices], devices)


def learned(devices: int) -> CompiledLane:
    lane = CompiledLane(made(devices), np.array([3], np.uint32))
    lane.advance(VISITS)
    return lane


def test_both_devices_hold_the_same_bits():
    for leaf in jax.tree.leaves(learned(2).run):
        first, *others = [np.asarray(shard.data) for shard in leaf.addressable_shards]
        assert len(others) == 1
        assert first.tobytes() == others[0].tobytes()


def test_it_learns_what_one_device_learns():
    one, two = (jax.tree.leaves(jax.device_get(learned(devices).run.learner.online)) for devices in (1, 2))
    fresh = jax.tree.leaves(jax.device_get(CompiledLane(made(1), np.array([3], np.uint32)).run.learner.online))
    assert max(np.abs(a - b).max() for a, b in zip(one, fresh, strict=True)) > 1e-2
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_it_goes_on_from_what_was_saved():
    whole, half, rest = (CompiledLane(made(2), np.array([3], np.uint32)) for _ in range(3))
    whole.advance(VISITS)
    half.advance(VISITS // 2)
    rest.restore(half.state())
    rest.advance(VISITS // 2)
    ends, begun = as_named(whole.state()), as_named(rest.state())
    assert ends.keys() == begun.keys()
    assert all(ends[name].tobytes() == begun[name].tobytes() for name in ends)


@pytest.mark.parametrize(
    ("seeds", "learner", "cores", "devices"),
    [
        (1, {"recurrent": True}, 8, 2),
        (1, {"recurrent": True}, 1, 1),
        (1, {"recurrent": True, "batch": 33}, 8, 1),
        (1, {}, 8, 1),
        (5, {"recurrent": True}, 2, 2),
        (5, {}, 8, 5),
    ],
)
def test_who_takes_how_many_devices(monkeypatch, seeds, learner, cores, devices):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert devices_of(deep_plan("rendezvous", seeds=seeds, learner=learner)) == devices


def test_a_batch_that_cannot_be_halved_is_refused():
    environment: Any = SimpleNamespace(spec=None)
    with pytest.raises(BadInput, match="--batch 7: expected a multiple of 2"):
        open_compiled(
            environment, DeepOptions(batch=7), schedule=Schedule(1, 1, 1), steps=1, seeds=[0], episodes=1, length=1,
            devices=jax.devices()[:2], memory=1e9, make=None,  # type: ignore[arg-type]
        )  # fmt: skip
