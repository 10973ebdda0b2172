"""What surrounds the loss: ratios, memories over the edges of rollouts, schedules, an early stop, what is frozen."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from family import FAST
from plain_policies import as_drawn, distance, log_probabilities, plain_of, told
from policy_family import learned, made_up_learner, made_up_rollout

from coterie.algorithms.ppo import Learner, parts, ppo, study
from coterie.envs.probes import PROBES
from coterie.envs.protocol import Environment
from coterie.networks.policies import critic_kinds, critic_views
from coterie.networks.team import told_along, told_now_and_next
from coterie.running.roads import compiled
from coterie.running.rollout import SEED_AXES, Plan
from coterie.settings import DeepOptions, ProbeOptions
from coterie.types import Clock, Kind, Rollout, Sizes, Spec

# Memories and ratios, through the runner

OPTIONS = DeepOptions(
    discount=0.9, trace=0.8, hidden=5, layers=1, recurrent=True, environments=4, rows=5, minibatches=1,
    normalise_values=False,
)  # fmt: skip


def waiting(name: str) -> Environment:
    environment = PROBES[name](ProbeOptions())
    return environment._replace(spec=replace(environment.spec, waits=name == "turns"))


def watching(name: str, algorithm: str, moves: float) -> Any:
    """build(flag) of a learner whose networks move without learning, and that tells what it would learn from."""
    environment = waiting(name)
    spec, made = environment.spec, parts(algorithm, OPTIONS, environment.spec)
    own = ppo(spec, OPTIONS, Sizes(1000, 4, 5, 5), made)
    seen_spec = replace(spec, kinds=critic_kinds(spec, made.central))

    def update(key: Any, learner: Learner, rollout: Rollout, clock: Any) -> Any:
        (piece,), ((memory, _),), (scale, kept, open_), _ = study(spec, OPTIONS, made, learner, rollout)
        t = rollout.kinds[0]
        owned = t.valid if spec.waits else None
        h = told_along(
            made.networks[0], spec, spec.kinds[0], learner.online.agents[0], piece.obs, piece.first, memory, owned
        )
        ratio = jnp.exp(made.draws[0].log_probability(h, piece.legal, piece.raw) - piece.then)
        views = critic_views(spec, made.central, rollout)[0]
        seen = (piece.seen if algorithm == "mappo" else views[0]), views[1]
        critic, kind = made.critics[0], seen_spec.kinds[0]
        now, after, _ = told_now_and_next(
            critic, seen_spec, kind, learner.online.critics[0], seen, t.view.first, learner.memory[0], owned
        )
        told = {"ratio": ratio, "value": piece.value, "now": now[..., 0], "after": after[..., 0], "t": t}
        agents = jax.tree.map(lambda leaf: leaf * (1 + moves), learner.online.agents)
        online = learner.online._replace(agents=agents)
        return learner._replace(online=online, scale=scale, memory=kept, waiting=open_), told

    def init(key: Any, spec: Spec) -> Learner:
        """Policies that are not almost even."""
        learner = own.init(key, spec)
        agents = jax.tree.map(lambda leaf: leaf * 3, learner.online.agents)
        return learner._replace(online=learner.online._replace(agents=agents))

    return environment, lambda flag: own._replace(init=init, update=update)


@pytest.mark.parametrize(("name", "algorithm"), [("memory", "ippo"), ("turns", "mappo")])
def test_present_policies_have_the_ratio_one_and_late_ones_another(name, algorithm):
    """Recurrent agents in episodes that rollouts cut anywhere: memory, waiting and actions are all as they were.

    A decision that waits over the edge of a rollout was drawn by an earlier policy, whose memory the episode goes on
    with; only until that episode is over are ratios others.
    """
    environment, build = watching(name, algorithm, 0.3)
    for lag in (0, 1) if name == "memory" else (0,):
        _, (info, _) = learned(environment, build, Plan(4, 5, lag), 6, [False], [0])
        valid = info["t"].valid[0]  # [6, T, E, N]
        off = np.abs(info["ratio"][0] - 1)
        boundaries = info["t"].last[0].cumsum(1) - info["t"].last[0]
        waited = valid & (boundaries == 0) if name == "turns" else np.zeros_like(valid)
        assert (valid & ~waited).sum() > 20
        if lag == 0:
            assert off[valid & ~waited].max() <= 1e-6
            assert name != "turns" or off[waited].max() > 1e-3
        else:
            assert off[1:][(valid & ~waited)[1:]].max() > 1e-2


def test_values_do_not_feel_the_edges_of_rollouts_and_successors_are_what_comes_next():
    """Recurrent central critics in turns: all that is carried over."""
    environment, build = watching("turns", "mappo", 0.0)
    told = []
    for rows in (5, 20):
        _, (info, _) = learned(environment, build, Plan(4, rows), 20 // rows, [False], [0])
        told.append(jax.tree.map(lambda leaf: leaf[0].reshape(20, *leaf.shape[3:]), info))
    short, long = told
    valid, t = long["t"].valid, long["t"]
    np.testing.assert_array_equal(short["t"].valid, valid)
    for name in ("now", "after", "value"):
        np.testing.assert_allclose(short[name][valid], long[name][valid], atol=1e-6)
    np.testing.assert_allclose(long["now"][valid], long["value"][valid], atol=1e-6)
    follows = 0
    for world, agent in np.ndindex(valid.shape[1:]):
        own = np.flatnonzero(valid[:, world, agent])
        for row, following in pairwise(own):
            if not t.last[row, world, agent]:
                follows += 1
                after, now = long["after"][row, world, agent], long["now"][following, world, agent]
                assert after == pytest.approx(now, abs=1e-6)
    assert follows > 10
    assert long["now"][valid].std() > 0.01  # values do differ


# One program for schedules, the early stop and what is no number

KINDS = Kind((0, 2), 3, (2,), "float32"), Kind((1,), 4, (3,), "float32")
SPEC = Spec(("a", "b", "c"), KINDS, (0, 0, 0), (0, 1, 2), (0, 1, 2), (2,))
FALLING = DeepOptions(
    discount=0.9, trace=0.8, learning_rate=0.1, learning_rate_end=0.02, gradient_clip=1e-4, hidden=3, layers=1,
    activation="tanh", epochs=4, minibatches=1, entropy=0.5, entropy_end=0.1, environments=5, rows=4,
    stop_divergence=0.001,
)  # fmt: skip


@cache
def falling() -> tuple[Any, Learner, Rollout]:
    """The update of a run of two rollouts; all that was drawn was drawn from the present policies."""
    own = ppo(SPEC, FALLING, Sizes(40, 5, 4, 4), parts("ippo", FALLING, SPEC))
    learner = made_up_learner(own, SPEC)
    rollout = as_drawn(SPEC, plain_of(SPEC, FALLING, "own", learner), made_up_rollout(SPEC, Plan(5, 4)))
    program = jax.jit(own.update, compiler_options=FAST)
    update = lambda *given: jax.device_get(program(jax.random.key(1), *given, Clock(np.uint32(20), np.uint32(0))))  # noqa: E731
    return update, learner, rollout


def moved_by(plain: Any, studied: Any) -> float:
    """The mean of (r - 1) - log r over valid decisions, by kind, and of the kinds."""
    by_kind = []
    for k, told_of in enumerate(studied):
        each = []
        for one, group in zip(told_of, plain.groups(SPEC.kinds[k]), strict=True):
            log_p = log_probabilities(told(plain.actors[k][group], one.x), one.legal)
            log_r = np.take_along_axis(log_p, one.action[..., None], -1)[..., 0] - one.then
            each.append((np.exp(log_r) - 1 - log_r)[one.valid])
        by_kind.append(np.concatenate(each).mean())
    return float(np.mean(by_kind))


def test_a_policy_that_has_moved_too_far_is_left_alone_for_the_rest_of_its_rollout():
    """Before the first step it has not moved, before the second it has: two epochs of four, with falling schedules."""
    update, learner, rollout = falling()
    after, info = update(learner, rollout)
    assert info["epochs"] == 2
    halfway = replace(FALLING, entropy=0.3)  # 20 of 40 joint steps
    plain = plain_of(SPEC, halfway, "own", learner)
    studied, distances = plain.study(rollout), []
    for step in range(3):
        plain.options = replace(halfway, learning_rate=0.1 - 0.08 * step / 8)  # two rollouts of four steps
        distances.append(moved_by(plain, studied))
        if step < 2:
            plain.descend(studied)
    assert distances[0] < FALLING.stop_divergence < distances[1]
    assert info["divergence"] == pytest.approx(np.mean(distances[:2]), rel=1e-2)
    assert distance(plain, after) < 0.002
    plain.descend(studied)
    assert distance(plain, after) > 0.1  # one epoch more
    for wrong in (replace(halfway, entropy=0.5), replace(halfway, entropy=0.1)):
        other = plain_of(SPEC, wrong, "own", learner)
        other.descend(other.study(rollout))
        other.options = replace(wrong, learning_rate=0.09)
        other.descend(studied)
        assert distance(other, after) > 0.02
    constant = plain_of(SPEC, halfway, "own", learner)
    for _ in range(2):
        constant.descend(studied)
    assert distance(constant, after) > 0.02


def test_what_is_no_number_freezes_a_learner_for_good():
    update, learner, rollout = falling()
    first = rollout.kinds[0]
    place = tuple(np.argwhere(first.valid)[0])
    reward = first.reward.copy()
    reward[place] = np.nan
    frozen, info = update(learner, rollout._replace(kinds=(first._replace(reward=reward), rollout.kinds[1])))
    assert info["finite"] == 0
    assert not frozen.finite
    later, info = update(frozen, rollout)
    assert info["finite"] == 0
    for one in (frozen, later):
        for ours, theirs in zip(jax.tree.leaves(one._replace(finite=True)), jax.tree.leaves(learner), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    healthy, info = update(learner, rollout)
    assert info["finite"] == 1
    assert distance(plain_of(SPEC, FALLING, "own", healthy), learner) > 0.5


@pytest.mark.parametrize("algorithm", ["ippo", "mappo", "seac"])
def test_update_is_traced_once_however_many_seeds_and_rollouts(algorithm):
    environment = PROBES["joint"](ProbeOptions())
    options = replace(OPTIONS, recurrent=False, share_experience="pooled" if algorithm == "seac" else "none")
    own = ppo(environment.spec, options, Sizes(1000, 4, 5, 5), parts(algorithm, options, environment.spec))
    traces = []

    def update(*given: Any) -> Any:
        traces.append(1)
        return own.update(*given)

    start, train = compiled(own._replace(update=update), environment, Plan(4, 5))
    seeds = jnp.arange(3, dtype=jnp.uint32)
    runs = jax.eval_shape(jax.vmap(start, out_axes=SEED_AXES), seeds)
    many = jax.vmap(partial(train, iterations=4), in_axes=(0, SEED_AXES), out_axes=(SEED_AXES, 0))
    after, _ = jax.eval_shape(many, seeds, runs)
    assert len(traces) == 1
    assert jax.tree.structure(after) == jax.tree.structure(runs)
