"""Actions of amounts in other processes, in a journal and in a checkpoint: the same rows, and the same worlds."""

from pathlib import Path

import amount_worlds
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.algorithms.fixed import fixed
from coterie.errors import EnvironmentFault
from coterie.partitions import joint_action
from coterie.pettingzoo.driving.journal import PIECE, Journal
from coterie.pettingzoo.making.sources import make_worlds
from coterie.running.roads import outside, start_outside, train_outside
from coterie.running.rollout import Plan
from coterie.types import Algorithm, Sight

PLACE = Path(amount_worlds.__file__)
WHICH = {"boats": 5, "barter": 4}


def worlds(name, workers=0, options=None, **more):
    return make_worlds(f"{PLACE}:make_{name}", options or {}, WHICH[name], workers, **more)


def equal(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def draw(spec, sight, draws):
    """Legal actions of all, as a learner would give them, joined."""
    kinds = []
    for kind, legal in zip(spec.kinds, sight.legal, strict=True):
        if kind.bounds:
            low, high = np.clip(kind.low, -3, 3), np.clip(kind.high, -3, 3)
            own = draws.uniform(low, high, (*legal.shape[:2], len(kind.bounds))).astype(np.float32)
            kinds.append(np.clip(own, np.float32(kind.low), np.float32(kind.high)))
        else:
            kinds.append(np.argmax(np.where(legal, draws.random(legal.shape), -1), -1).astype(np.int32))
    return joint_action(spec, tuple(kinds))


@pytest.mark.parametrize("name", WHICH)
def test_workers_change_nothing(name):
    """The same outcomes and sights from this process, one worker and two; what two saved, others go on from."""
    drive, one, two = (worlds(name, workers) for workers in (0, 1, 2))
    draws, size, ends = np.random.default_rng(0), WHICH[name], 0
    try:
        assert drive.spec == one.spec == two.spec
        seeds = np.arange(size)
        shown = drive.reset(seeds)
        equal(shown, one.reset(seeds))
        equal(shown, two.reset(seeds))
        for _ in range(22):
            actions, seeds = draw(drive.spec, shown, draws), draws.integers(0, 2**31, size)
            assert actions.shape == (size, len(drive.spec.agents), 2)
            assert actions.dtype == np.float32
            outcome, shown = drive.step(actions, seeds)
            equal((outcome, shown), one.step(actions, seeds))
            equal((outcome, shown), two.step(actions, seeds))
            ends += int(outcome.over.sum())
        assert ends > size
        saved = two.save()
        equal(saved, drive.save())
        assert saved["actions"].shape == (saved["lengths"].sum(), len(drive.spec.agents), 2)
        assert saved["actions"].dtype == np.float32
        assert saved["actions"].any()
        again = worlds(name)
        equal(shown, again.restore(saved))
        equal(shown, one.restore(saved))
        actions = draw(drive.spec, shown, draws)
        expected = drive.step(actions, seeds)
        equal(expected, again.step(actions, seeds))
        equal(expected, one.step(actions, seeds))
        wrong = {**saved, "actions": saved["actions"] * np.float32(0.5)}
        if name == "boats":
            wrong["actions"][:, 1] = saved["actions"][:, 1]  # the pilot's is a number
        with pytest.raises(EnvironmentFault, match="does not repeat itself"):
            worlds(name).restore(wrong)
    finally:
        one.close()
        two.close()


def test_a_lost_worker_goes_on(tmp_path):
    """It ends by itself in the middle of an episode, and all is as if it had not."""
    told, draws = [], np.random.default_rng(3)
    drive = worlds("boats")
    two = worlds("boats", 2, {"place": str(tmp_path / "lost"), "life": 12}, on_restart=told.append)
    try:
        seeds = np.arange(5) + 1
        shown = drive.reset(seeds)
        equal(shown, two.reset(seeds))
        for _ in range(20):
            actions, seeds = draw(drive.spec, shown, draws), draws.integers(0, 2**31, 5)
            outcome, shown = drive.step(actions, seeds)
            equal((outcome, shown), two.step(actions, seeds))
    finally:
        two.close()
    assert (tmp_path / "lost").exists()
    assert len(told) == 1
    assert "exit code 4" in told[0]


def wanderer(spec):
    """Draws amounts and numbers by key, wants back what it drew, remembers how often it moved; tells its rollouts."""
    random = fixed(spec, None)

    def act(key, policy, views, memory, mode):
        told = random.act(key, (), views, memory, mode)
        moved = [jnp.where(view.first, 0, own) + 1 for view, own in zip(views, memory, strict=True)]
        return tuple(
            one._replace(memory=count, extras={"twice": 2 * one.action.astype(jnp.float32)})
            for one, count in zip(told, moved, strict=True)
        )

    return Algorithm(
        init=lambda key, spec: jnp.float32(0),
        policy=lambda learner, clock: learner,
        memory=lambda policy, count: tuple(jnp.zeros((count, len(kind.agents)), jnp.int32) for kind in spec.kinds),
        act=act,
        update=lambda key, learner, rollout, clock: (learner + 1, rollout),
    )


@pytest.mark.parametrize("name", WHICH)
def test_rollouts_are_the_same_with_any_number_of_workers(name):
    plan, told = Plan(environments=WHICH[name], rows=7), []
    for workers in (0, 1, 2):
        made = worlds(name, workers)
        parts = outside(wanderer(made.spec), made.spec, plan, compiler_options={"xla_backend_optimization_level": 0})
        run, sight = start_outside(parts, made, 7)
        told.append(jax.device_get(train_outside(parts, made, 7, run, sight, 3)))
        if workers:
            made.close()
    equal(told[0], told[1])
    equal(told[0], told[2])
    for rollout, _ in told[0][2]:
        for kind in rollout.kinds:
            np.testing.assert_array_equal(kind.extras["twice"][kind.valid], 2 * kind.action[kind.valid])
            assert kind.valid.any()


def shown(environments, number):
    """What so many worlds of one agent show."""
    here = np.ones((environments, 1), bool)
    obs = np.full((environments, 1, 2), number, np.float32)
    return Sight((obs,), (here[..., None],), here, here, np.zeros((environments, 0), np.float32))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_a_journal_of_amounts_is_what_was_done(environments, agents, width, seed):
    """Held to plain lists, with episodes that end anywhere; a loaded journal is the same again."""
    draws = np.random.default_rng(seed)
    journal, plain = Journal(environments, agents, (width,)), [[] for _ in range(environments)]
    journal.begin(np.arange(environments))
    for _ in range(9):
        actions = draws.normal(size=(environments, agents, width)).astype(np.float32)
        over = draws.random(environments) < 0.2
        journal.step(slice(0, environments), actions, over, np.arange(environments) + 7)
        for place in range(environments):
            plain[place] = [] if over[place] else [*plain[place], actions[place]]
    saved = journal.mark().saved(shown(environments, 1))
    assert saved["lengths"].tolist() == list(map(len, plain))
    wanted = np.array([joint for rows in plain for joint in rows], np.float32).reshape(-1, agents, width)
    assert saved["actions"].dtype == np.float32
    np.testing.assert_array_equal(saved["actions"], wanted)
    again = Journal(environments, agents, (width,))
    again.load(saved)
    equal(saved, again.mark().saved(shown(environments, 1)))
    for place, rows in enumerate(plain):
        pieces = [actions for _, actions, _ in again.pieces(place, None)]
        np.testing.assert_array_equal(np.concatenate(pieces), wanted[:0] if not rows else np.array(rows))


def test_wide_actions_are_played_again_in_small_pieces():
    journal = Journal(1, 4, (256,))
    journal.begin(np.array([3]))
    for _ in range(20):
        journal.step(slice(0, 1), np.ones((1, 4, 256), np.float32), np.array([False]), np.array([0]))
    sizes = [len(actions) for _, actions, _ in journal.pieces(0, 1)]
    assert sizes == [8, 8, 4]
    assert PIECE == 8 * 4 * 256
