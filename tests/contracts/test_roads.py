"""One algorithm on two roads: equal rollouts and parameters, resumable bit for bit, traced once."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import FAST, probe
from learners import linear_q, recurrent_q, reinforce, vdn

from coterie.pettingzoo.forms.parallel import Reads, parallel
from coterie.pettingzoo.forms.turns import turns
from coterie.pettingzoo.ours.export import ParallelForm, raw_env
from coterie.running.roads import compiled, outside, start_outside, train_outside
from coterie.running.rollout import SEED_AXES, Plan
from coterie.types import Rollout

SEED = 7
UPDATES = 50


def recorded(algorithm, plan):
    """The same algorithm, whose info holds the whole rollout and the keys it was given."""

    def update(key, learner, rollout, clock):
        learner, info = algorithm.update(key, learner, rollout, clock)
        return learner, {**info, "rollout": rollout, "key": jax.random.key_data(key), "clock": clock}

    return algorithm._replace(update=update)


def equal(one, other):
    """Every leaf equal bit for bit, structure and dtype included."""
    first, second = (jax.tree_util.tree_flatten_with_path(jax.device_get(tree)) for tree in (one, other))
    assert first[1] == second[1]
    for (path, a), (_, b) in zip(first[0], second[0], strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype, path
        np.testing.assert_array_equal(a, b, err_msg=jax.tree_util.keystr(path))


def worlds(environment, plan):
    return parallel([ParallelForm(environment) for _ in range(plan.environments)], Reads(team=environment.spec.team))


CASES = {
    "q, chance": ("chance", 0, lambda spec, plan: linear_q(plan, batch=8, slots=3)),
    "q, a death, lag": ("death", 1, lambda spec, plan: linear_q(plan, batch=8, slots=3)),
    "reinforce, a time limit": ("endless", 0, lambda spec, plan: reinforce(plan, rate=0.05)),
    "reinforce, lag": ("choice", 1, lambda spec, plan: reinforce(plan)),
    "mixed kinds": ("unlike", 0, lambda spec, plan: vdn(spec, plan)),
    "memory, a coin, lag": ("memory", 1, lambda spec, plan: recurrent_q(spec, plan)),
}


@pytest.mark.parametrize("case", CASES)
def test_both_roads_are_one(case):
    name, lag, build = CASES[case]
    environment, plan = probe(name), Plan(environments=2, rows=4, lag=lag)
    algorithm = recorded(build(environment.spec, plan), plan)
    start, train = compiled(algorithm, environment, plan)
    program = jax.jit(lambda seed: train(seed, start(seed), UPDATES))
    run, (info, scores) = jax.device_get(program(jnp.uint32(SEED)))
    drive = worlds(environment, plan)
    parts = outside(algorithm, drive.spec, plan, actor=jax.devices()[0] if lag else None)
    other, sight = start_outside(parts, drive, SEED)
    other, sight, told = train_outside(parts, drive, SEED, other, sight, UPDATES)
    other_info, other_scores = jax.tree.map(lambda *leaves: np.stack(leaves), *jax.device_get(told))
    assert isinstance(info["rollout"], Rollout)
    equal(info["rollout"], other_info["rollout"])
    equal(info["key"], other_info["key"])
    equal(run.learner, other.learner)
    equal(run.policy, other.policy)
    equal(run.held, other.held)
    equal(run.clock, other.clock)
    np.testing.assert_array_equal(scores.episodes, other_scores.episodes)
    np.testing.assert_array_equal(scores.returns, other_scores.returns)


def on_disk(tree):
    """Out of JAX and back, as a checkpoint does: flat named arrays."""
    leaves, structure = jax.tree.flatten(tree)
    saved = [np.array(leaf, copy=True) for leaf in leaves]
    return jax.tree.unflatten(structure, [jnp.asarray(leaf) for leaf in saved])


@pytest.mark.parametrize("name, learner", [("turns", "recurrent"), ("choice", "ring")])
def test_killed_and_resumed_is_uninterrupted_when_compiled(name, learner):
    environment, plan = probe(name), Plan(environments=2, rows=3, lag=1)
    algorithm = recurrent_q(environment.spec, plan) if learner == "recurrent" else linear_q(plan, batch=8, slots=3)
    start, train = compiled(algorithm, environment, plan)
    start = jax.jit(start, compiler_options=FAST)
    train = jax.jit(partial(train, iterations=3), donate_argnums=1, compiler_options=FAST)
    seed = jnp.uint32(SEED)
    straight, _ = train(seed, start(seed))
    middle = on_disk(straight)
    straight, _ = train(seed, straight)
    resumed, _ = train(seed, middle)
    if name == "turns":
        assert np.asarray(resumed.held.pending[0].open).any()
    equal(straight, resumed)


@pytest.mark.parametrize("name", ["death", "turns"])
def test_killed_and_resumed_is_uninterrupted_outside(name):
    environment, plan = probe(name), Plan(environments=2, rows=5, lag=1)
    in_turns = name == "turns"
    algorithm = recurrent_q(environment.spec, plan) if in_turns else linear_q(plan, batch=8, slots=3)

    def worlds_again():
        return turns([raw_env(environment) for _ in range(2)]) if in_turns else worlds(environment, plan)

    drive = worlds_again()
    parts = outside(algorithm, drive.spec, plan)
    run, sight = start_outside(parts, drive, SEED)
    run, sight, _ = train_outside(parts, drive, SEED, run, sight, 5)
    saved_run, saved_worlds = jax.tree.map(lambda leaf: np.array(leaf, copy=True), run), drive.save()
    assert saved_worlds["lengths"].all()  # killed in the middle of an episode
    assert saved_run.held.pending[0].open.any() == in_turns
    straight, last_sight, told = train_outside(parts, drive, SEED, run, sight, 5)
    another = worlds_again()
    sight = another.restore(saved_worlds)
    resumed, sight, retold = train_outside(parts, another, SEED, saved_run, sight, 5)
    equal(straight, resumed)
    equal(told, retold)
    equal(last_sight, sight)
    equal(drive.save(), another.save())


@pytest.mark.parametrize("lag", [0, 1])
def test_update_is_traced_once(lag):
    environment, plan = probe("choice"), Plan(environments=2, rows=2, lag=lag)
    traces = {"update": 0, "act": 0}
    inner = reinforce(plan)

    def counted(name):
        def call(*arguments):
            traces[name] += 1
            return getattr(inner, name)(*arguments)

        return call

    algorithm = inner._replace(update=counted("update"))
    start, train = compiled(algorithm, environment, plan)
    start, train = jax.jit(start), jax.jit(partial(train, iterations=2), donate_argnums=1)
    run = start(jnp.uint32(SEED))
    for _ in range(3):
        run, _ = train(jnp.uint32(SEED), run)
    assert traces["update"] == 1
    traces["update"] = 0
    drive = worlds(environment, plan)
    parts = outside(inner._replace(update=counted("update"), act=counted("act")), drive.spec, plan)
    run, sight = start_outside(parts, drive, SEED)
    traces["act"] = 0  # `begin` asks once for the shapes of a decision
    for _ in range(3):
        run, sight, _ = train_outside(parts, drive, SEED, run, sight, 2)
    assert traces == {"update": 1, "act": 1}


@pytest.mark.parametrize("batched_clock", [False, True])
def test_the_clock_is_not_batched_over_seeds(batched_clock):
    """A branch on the clock stays one branch under vmap; with a batched clock it becomes a select of both sides."""
    plan = Plan(environments=2, rows=2)
    inner = linear_q(plan, batch=4, slots=2)

    def update(key, learner, rollout, clock):
        return jax.lax.cond(
            clock.updates % 2 == 0,
            lambda: inner.update(key, learner, rollout, clock),
            lambda: (learner, {"loss": jnp.float32(0)}),
        )

    start, train = compiled(inner._replace(update=update), probe("choice"), plan)
    axes = SEED_AXES._replace(clock=0) if batched_clock else SEED_AXES
    seeds = jnp.arange(3, dtype=jnp.uint32)
    runs = jax.eval_shape(jax.vmap(start, out_axes=axes), seeds)
    many = jax.vmap(partial(train, iterations=2), in_axes=(0, axes), out_axes=(axes, 0))
    branches = str(jax.make_jaxpr(many)(seeds, runs)).count("cond[")
    assert branches == (0 if batched_clock else 1)
    assert runs.clock.updates.shape == ((3,) if batched_clock else ())
