"""What the family is made of: names and parts, schedules, clipping, what is kept, and SEQL with its fault."""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from family import FAST, made_up, new_learners

from coterie.algorithms.qlearning import Parameters, Sizes, epsilon_at, lone_loss, parts, qlearning, replay_rows
from coterie.equations.stepping import clipped, falling, followed
from coterie.replay.buffer import Places
from coterie.replay.keeping import Batch, keep
from coterie.replay.partners import named
from coterie.running.rollout import Plan
from coterie.settings import DeepOptions
from coterie.types import Kind, Spec

TWO_KINDS = Spec(
    ("a", "b", "c"),
    (Kind((0, 2), 2, (2,), "float32"), Kind((1,), 3, (1,), "float32")),
    team=(0, 1, 0),
    parameters=(0, 1, 2),
    experience=(0, 1, 2),
    state_shape=(2,),
)


def test_names_and_what_they_are_made_of():
    made = {
        name: parts(name, DeepOptions(hysteresis=0.25 if name == "hysteretic" else 1.0), TWO_KINDS)
        for name in ("iql", "hysteretic", "vdn", "qmix", "weighted-qmix")
    }
    assert {name for name, own in made.items() if own.mixer is None} == {"iql", "hysteretic"}
    assert {name for name, own in made.items() if own.central is not None} == {"weighted-qmix"}
    error = np.array([-2.0, 2.0], np.float32)
    for name, own in made.items():
        assert np.asarray(own.loss(error)).tolist() == [0.5 if name == "hysteretic" else 2.0, 2.0]
    values, present = np.array([1.0, 2.0], np.float32), np.array([True, True])
    assert made["vdn"].mixer.mix((), values, present, np.zeros(2)) == 3.0
    huber = parts("iql", DeepOptions(loss="huber"), TWO_KINDS)
    assert np.asarray(huber.loss(error)).tolist() == [1.5, 1.5]


def test_each_lone_network_is_clipped_by_itself_and_a_team_as_one():
    leaf = np.zeros((2, 3), np.float32)
    leaf[0, 0], leaf[1, 0] = 30.0, 0.5
    gradient = Parameters(agents=({"w": leaf, "b": np.array([40.0, 0.0], np.float32)},), mixers=(), central=())
    apart, longest = clipped(gradient, 10.0, together=False)
    assert longest == 50  # a 3-4-5 triangle
    np.testing.assert_allclose(apart.agents[0]["w"][:, 0], [6.0, 0.5], rtol=1e-6)
    np.testing.assert_allclose(apart.agents[0]["b"], [8.0, 0.0], rtol=1e-6)
    together, norm = clipped(gradient, 10.0, together=True)
    np.testing.assert_allclose(norm, np.sqrt(2500.25), rtol=1e-6)
    np.testing.assert_allclose(together.agents[0]["w"][:, 0], np.array([30, 0.5]) * 10 / np.sqrt(2500.25), rtol=1e-6)


def test_targets_follow():
    online, target = {"w": jnp.float32([8.0])}, {"w": jnp.float32([0.0])}
    moved = [float(followed(target, online, np.uint32(count), 3, 0.0)["w"][0]) for count in range(6)]
    assert moved == [0, 0, 8, 0, 0, 8]
    assert float(followed(target, online, np.uint32(0), 3, 0.25)["w"][0]) == 2.0


def test_a_step_size_falls_or_stays():
    size = falling(0.4, 0.2, 10)
    np.testing.assert_allclose([size(count) for count in (0, 5, 10, 20)], [0.4, 0.3, 0.2, 0.2], rtol=1e-6)
    assert falling(0.4, -1.0, 10) == 0.4


def test_epsilon_falls_over_its_share_of_the_run():
    options = DeepOptions(epsilon=1.0, epsilon_end=0.1, epsilon_decay=0.5)
    found = [float(epsilon_at(options, 1000, np.uint32(steps))) for steps in (0, 250, 500, 900)]
    np.testing.assert_allclose(found, [1.0, 0.55, 0.1, 0.1], atol=1e-6)
    assert float(epsilon_at(replace(options, epsilon_decay=0.0), 1000, np.uint32(900))) == 1.0


@pytest.mark.parametrize(
    ("replay", "environments", "rows", "length", "expected"),
    [(1000, 10, 8, 1, 104), (64, 8, 4, 1, 8), (8, 8, 4, 1, 8), (8, 8, 4, 10, 16), (1, 1, 1, 1, 2)],
)
def test_the_ring_holds_whole_rollouts_and_a_sequence_at_least(replay, environments, rows, length, expected):
    assert replay_rows(DeepOptions(replay=replay), Sizes(1, environments, rows, length)) == expected


# What is kept


def test_steps_of_episodes_are_counted_across_rollouts():
    spec = Spec(("a", "b"), (Kind((0, 1), 2, (1,), "float32"),), (0, 1), (0, 1), (0, 1))
    rollout = jax.tree.map(lambda leaf: leaf[0], made_up(spec, Plan(3, 5), 1))
    ends = {0: [(1, 0), (1, 1)], 1: [(0, 0), (3, 1)], 2: [(4, 0), (4, 1)]}  # by world: (row, team)
    last, valid = np.zeros((5, 3, 2), bool), np.ones((5, 3, 2), bool)
    for world, rows in ends.items():
        for row, team in rows:
            last[row, world, team] = True
    valid[1:4, 1, 0] = False  # its first team has ended before the second: the episode goes on
    rollout = rollout._replace(world=rollout.world._replace(last=last, valid=valid))
    kept, age = keep(spec, rollout, jnp.array([3, 0, 7]), "as-is")
    assert np.asarray(kept.step).T.tolist() == [[3, 4, 0, 1, 2], [0, 1, 2, 3, 0], [7, 8, 9, 10, 11]]
    assert np.asarray(age).tolist() == [3, 1, 0]


def test_rewards_of_the_team_or_ones_own():
    rollout = jax.tree.map(lambda leaf: leaf[0], made_up(TWO_KINDS, Plan(3, 4), 1))
    ac, b = rollout.kinds
    own = {unit: keep(TWO_KINDS, rollout, jnp.zeros(3, jnp.int32), unit)[0] for unit in
           ("as-is", "individual", "team-sum", "team-mean")}  # fmt: skip
    for unit in ("as-is", "individual"):
        np.testing.assert_array_equal(own[unit].kinds[0].reward, ac.reward)
        np.testing.assert_array_equal(own[unit].kinds[1].reward, b.reward)
    total, present = (ac.reward * ac.valid).sum(-1), np.maximum(ac.valid.sum(-1), 1)
    for unit, expected in (("team-sum", total), ("team-mean", total / present)):
        for agent in (0, 1):  # who has no part in a row earns nothing there
            told = np.where(ac.valid[..., agent], expected, 0)
            np.testing.assert_allclose(own[unit].kinds[0].reward[..., agent], told, rtol=1e-6)
        np.testing.assert_array_equal(own[unit].kinds[1].reward[..., 0], b.reward[..., 0])  # a team of its own
        np.testing.assert_allclose(own[unit].world.reward[..., 0], expected, rtol=1e-6)


# SEQL, as published and with its fault mended


@pytest.mark.parametrize(("name", "target"), [("seql", 1.0), ("seql-as-published", 1.0 + 0.9 * 3.0)])
def test_seql_as_published_bootstraps_through_endings(name, target):
    """All rows end and pay 1, all values are 0, and those of the target network 3: y is 1, or 1 + g 3."""
    spec = Spec(("a", "b", "c"), (Kind((0, 1, 2), 2, (1,), "float32"),), (0, 0, 0), (0, 1, 2), (0, 1, 2))
    options = DeepOptions(discount=0.9, hidden=4, layers=1)
    made = parts("iql", options, spec)._replace(sharing=named(name, 0.1))
    learner = new_learners(qlearning(spec, options, Sizes(100, 1, 1, 1), made), spec, [0])
    zero = jax.tree.map(lambda leaf: np.zeros_like(leaf[0]), learner.online)
    three = eqx.tree_at(lambda own: own.agents[0].top.bias, zero, np.full((3, 2), 3.0, np.float32))
    rollout = jax.tree.map(lambda leaf: leaf[0], made_up(spec, Plan(6, 1), 1))
    (row,) = jax.device_get(keep(spec, rollout, jnp.zeros(6, jnp.int32), "as-is")[0]).kinds
    ones = np.ones_like(row.valid)
    row = row._replace(valid=ones, alive=ones, reward=ones.astype(np.float32), discount=np.zeros_like(row.discount))
    places = Places(np.zeros((1, 6), np.int32), np.arange(6, dtype=np.int32)[None])
    drawn = made.sharing.rule(spec, spec.kinds[0])(jax.random.key(0), places, None)
    batch = Batch((row,), (ones,), (drawn.weight,), None, np.ones((1, 6), bool))
    loss = jax.jit(lambda online, target: lone_loss(spec, options, made, online, target, batch), compiler_options=FAST)
    total, (_, told) = loss(zero, three)
    np.testing.assert_allclose(told["error"], target, rtol=1e-6)
    np.testing.assert_allclose(total, 3 * 0.5 * target**2, rtol=1e-6)  # three learners, whose weights have mean 1
    own = np.asarray(drawn.weight)[np.asarray(drawn.source) == np.arange(3)]
    others = np.asarray(drawn.weight)[np.asarray(drawn.source) != np.arange(3)]
    assert (own == others[0] * (2 if "published" in name else 1)).all()  # N - 1, as published
