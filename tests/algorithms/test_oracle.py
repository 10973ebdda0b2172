"""Learners alone and learners that share: against a plain independent Q-learner in NumPy, and against each other.

Two programs learn the same made-up rollouts: one without sharing, and one whose sharing is told by a flag.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from family import FAST, made_up, new_learners, stacked, teaching, visit_key

from coterie.algorithms.qlearning import Learner, Sizes, parts, qlearning
from coterie.replay import buffer, sharing
from coterie.replay.partners import Sharing
from coterie.running.rollout import Plan
from coterie.settings import DeepOptions
from coterie.types import Clock, Kind, Rollout, Spec

G, RATE, VISITS = 0.9, 3e-3, 40
PLAN = Plan(environments=4, rows=4)
OPTIONS = DeepOptions(
    discount=G, environments=4, rows=4, batch=16, replay=16 * VISITS, warmup=0, hidden=8, target_every=13,
    gradient_clip=0.5,
)  # fmt: skip
SPEC = Spec(("a", "b", "c"), (Kind((0, 1, 2), 3, (2,), "float32"),), (0, 0, 0), (0, 1, 2), (0, 1, 2))
SIZES = Sizes(10_000, 4, 4, 1)


class PlainIQL:
    """One agent: a network of two hidden layers, a target network, Adam. Layers are pairs (W, b), in float64."""

    def __init__(self, layers: list[Any]) -> None:
        self.online = [np.array(array, float) for layer in layers for array in layer]
        self.target = [array.copy() for array in self.online]
        self.mean, self.square = [[np.zeros_like(array) for array in self.online] for _ in "mv"]
        self.updates = 0

    @staticmethod
    def forward(weights: list[np.ndarray], obs: np.ndarray) -> list[np.ndarray]:
        outs = [obs]
        for w, b in zip(weights[::2], weights[1::2], strict=True):
            outs.append(outs[-1] @ w.T + b)
            if len(outs) < 1 + len(weights) // 2:
                outs[-1] = np.maximum(outs[-1], 0)
        return outs

    def update(
        self, obs, action, reward, discount, next_obs, next_legal, valid, *, double=True, clip=OPTIONS.gradient_clip
    ):
        rows = np.arange(len(action))
        outs = self.forward(self.online, obs)
        later = self.forward(self.target, next_obs)[-1]
        judge = self.forward(self.online, next_obs)[-1] if double else later
        best = np.where(next_legal, judge, -np.inf).argmax(-1)
        error = reward + G * discount * later[rows, best] - outs[-1][rows, action]
        slope = np.zeros_like(outs[-1])
        slope[rows, action] = -np.where(valid, error, 0) / max(valid.sum(), 1)
        gradient: list[np.ndarray] = []
        for place in range(len(outs) - 2, -1, -1):
            gradient[:0] = [slope.T @ outs[place], slope.sum(0)]
            slope = (slope @ self.online[2 * place]) * (outs[place] > 0)
        norm = np.sqrt(sum((g**2).sum() for g in gradient))
        gradient = [g * min(1, clip / norm) for g in gradient]
        self.updates += 1
        self.mean = [0.9 * m + 0.1 * g for m, g in zip(self.mean, gradient, strict=True)]
        self.square = [0.999 * v + 0.001 * g**2 for v, g in zip(self.square, gradient, strict=True)]
        for w, m, v in zip(self.online, self.mean, self.square, strict=True):
            w -= RATE * (m / (1 - 0.9**self.updates)) / (np.sqrt(v / (1 - 0.999**self.updates)) + 1e-8)
        if self.updates % OPTIONS.target_every == 0:
            self.target = [array.copy() for array in self.online]


def layers_of(learner: Any, agent: int) -> list[tuple[Any, Any]]:
    """The layers of one agent's network."""
    (params,) = learner.agents
    return [(layer.weight[agent], layer.bias[agent]) for layer in (*params.layers, params.top)]


def places() -> buffer.Places:
    """What every visit draws out of the ring: row and environment, [VISITS, B]; nothing is ever overwritten."""

    def one(visit: Any) -> buffer.Places:
        _, learning = jax.random.split(visit_key(visit))
        key, _ = jax.random.split(jax.random.fold_in(learning, 0))
        written = (visit + 1) * jnp.uint32(PLAN.rows)
        return buffer.draw(key, written, PLAN.rows * VISITS, PLAN.environments, OPTIONS.batch, 1)

    return jax.device_get(jax.jit(jax.vmap(one), compiler_options=FAST)(jnp.arange(VISITS, dtype=jnp.uint32)))


def plain_learning(online: Any, rollout: Rollout, studies: list[int], **how: Any) -> list[PlainIQL]:
    """Plain learners that study the rows of these agents."""
    (t,) = rollout.kinds
    fields = (t.view.obs, t.action, t.reward, t.discount, t.next.obs, t.next.legal, t.valid)
    rows = [leaf.reshape(-1, *leaf.shape[2:]) for leaf in fields]
    plain = [PlainIQL(layers_of(online, agent)) for agent in range(len(studies))]
    drawn = places()
    for visit in range(VISITS):
        row, environment = drawn.row[visit], drawn.environment[visit]
        for learner, source in zip(plain, studies, strict=True):
            learner.update(*(leaf[row, environment, source] for leaf in rows), **how)
    return plain


def remembered(algorithm: Any) -> Any:
    """The same algorithm, whose info holds the networks after every visit."""

    def update(*given: Any) -> Any:
        learner, info = algorithm.update(*given)
        return learner, {**info, "online": learner.online}

    return algorithm._replace(update=update)


@cache
def lone_program() -> Any:
    made = parts("iql", OPTIONS, SPEC)
    build = lambda rate: remembered(qlearning(SPEC, replace(OPTIONS, learning_rate=rate), SIZES, made))  # noqa: E731
    return build, teaching(build, 16, FAST)


STUDENT = 3  # a fourth learner, who never acts
RULES = {
    "identity": sharing.matrix(sharing.with_students(sharing.identity(3), np.full((1, 3), 1 / 3))),
    "pooled": sharing.matrix(np.full((4, 3), 1 / 3)),
    "teams": sharing.matrix(sharing.with_students(sharing.teams([0, 0, 1]), np.array([[0.0, 0.0, 1.0]]))),
    "seql": sharing.stratified(3, 1.0, learners=4),
}


@cache
def sharing_program() -> Any:
    """One of the RULES, by a flag."""

    def build(flag: Any) -> Any:
        def draw(*given: Any) -> sharing.Draw:
            drawn = [rule(*given) for rule in RULES.values()]
            return jax.tree.map(lambda *leaves: jnp.stack(leaves)[flag], *drawn)

        made = parts("iql", OPTIONS, SPEC)._replace(sharing=Sharing(lambda spec, kind: draw, students=1))
        return remembered(qlearning(SPEC, replace(OPTIONS, learning_rate=RATE), SIZES, made))

    return build, teaching(build, 16, FAST)


def new_lone(seeds: list[int]) -> Learner:
    return new_learners(lone_program()[0](RATE), SPEC, seeds)


def new_sharing(seeds: list[int]) -> Learner:
    """Learners whose first three have the networks of `new_lone`."""
    learners = new_learners(sharing_program()[0](0), SPEC, seeds)

    def first(own: np.ndarray, more: np.ndarray) -> np.ndarray:
        return np.concatenate([own, more[:, 3:]], axis=1)

    online = jax.tree.map(first, new_lone(seeds).online, learners.online)
    return learners._replace(online=online, target=online)


def repeated(rollout: Rollout, count: int) -> Rollout:
    return stacked([rollout] * count)


def distance(network: list[tuple[Any, Any]], plain: PlainIQL) -> float:
    """The largest difference of any weight."""
    pairs = zip((array for layer in network for array in layer), plain.online, strict=True)
    return max(abs(np.asarray(ours) - theirs).max() for ours, theirs in pairs)


def test_plain_independent_learning_is_equal_to_no_sharing_and_to_identity_sharing():
    rollout = made_up(SPEC, PLAN, VISITS)
    start = jax.tree.map(lambda leaf: leaf[0], new_lone([0]).online)
    _, teach = lone_program()
    alone = teach(new_lone([0]), repeated(rollout, 1), np.array([RATE], np.float32)).learner.online
    _, teach = sharing_program()
    shared = teach(new_sharing([0] * 2), repeated(rollout, 2), np.arange(2)).learner.online
    alone, identity, pooled = (
        jax.tree.map(lambda leaf, at=at: leaf[at], tree) for tree, at in ((alone, 0), (shared, 0), (shared, 1))
    )
    plain = plain_learning(start, rollout, [0, 1, 2])
    for agent in range(3):
        assert distance(layers_of(alone, agent), plain[agent]) < 1e-5
        assert distance(layers_of(identity, agent), plain[agent]) < 1e-5
        assert distance(layers_of(pooled, agent), plain[agent]) > 1e-3
        assert distance(layers_of(start, agent), plain[agent]) > 1e-2
    # and the oracle would tell: to learn from another, through endings, to pick by the target, and never to clip
    (t,) = rollout.kinds
    endless = rollout._replace(kinds=(t._replace(discount=np.ones_like(t.discount)),))
    wrong = (
        plain_learning(start, rollout, [1, 2, 0]),
        plain_learning(start, endless, [0, 1, 2]),
        plain_learning(start, rollout, [0, 1, 2], double=False),
        plain_learning(start, rollout, [0, 1, 2], clip=np.inf),
    )
    for learners in wrong:
        assert max(distance(layers_of(alone, agent), learners[agent]) for agent in range(3)) > 2e-4


def alike(seed: int) -> Learner:
    """Learners that all have the network of the first."""
    learners = new_sharing([seed])
    online = jax.tree.map(lambda leaf: np.repeat(leaf[:, :1], 4, axis=1), learners.online)
    return learners._replace(online=online, target=online)


def same(one: Any, other: Any) -> bool:
    """Bit for bit."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def test_equal_learners_that_study_equal_things_stay_equal():
    _, teach = sharing_program()
    rules = list(RULES)
    learners = jax.tree.map(lambda leaf: np.repeat(leaf, len(rules), axis=0), alike(1))
    taught = teach(learners, repeated(made_up(SPEC, PLAN, VISITS), len(rules)), np.arange(len(rules)))
    network = lambda rule, agent: layers_of(  # noqa: E731
        jax.tree.map(lambda leaf: leaf[rules.index(rule)], taught.learner.online), agent
    )
    for rule in ("pooled", "seql"):
        assert all(same(network(rule, 0), network(rule, agent)) for agent in (1, 2, STUDENT))
    assert not any(same(network("identity", 0), network("identity", agent)) for agent in (1, 2, STUDENT))
    assert same(network("teams", 0), network("teams", 1))
    assert not same(network("teams", 0), network("teams", 2))
    assert same(network("teams", 2), network("teams", STUDENT))  # who studies the third agent alone
    assert same(network("teams", 2), network("identity", 2))  # whose team it is alone
    assert not same(network("teams", 0), network("pooled", 0))


def test_a_student_never_acts():
    build, _ = sharing_program()
    algorithm, learners = build(0), new_sharing([2])
    (params,) = jax.tree.map(lambda leaf: leaf[0], learners.online.agents)
    rollout = made_up(SPEC, PLAN, 1)
    view = jax.tree.map(lambda leaf: leaf[0, 0], rollout.kinds[0].view)

    online = jax.tree.map(lambda leaf: leaf[0], learners)

    def act(params: Any) -> Any:
        learner = online._replace(online=online.online._replace(agents=(params,)))
        policy = algorithm.policy(learner, Clock(np.uint32(0), np.uint32(0)))
        return algorithm.act(jax.random.key(0), policy, (view,), ((),), "greedy")[0].action

    def turned(learner: int) -> Any:
        """The networks with one learner's turned round."""
        sign = np.where(np.arange(4) == learner, -1, 1).astype(np.float32)
        return jax.tree.map(lambda leaf: leaf * sign.reshape(-1, *(1,) * (leaf.ndim - 1)), params)

    act = jax.jit(act, compiler_options=FAST)
    plain = np.asarray(act(params))
    assert plain.shape == (PLAN.environments, 3)
    assert (np.asarray(act(turned(STUDENT))) == plain).all()
    assert (np.asarray(act(turned(0)))[:, 0] != plain[:, 0]).any()


def test_what_is_offered_is_what_surprised_its_owner():
    """The errors of the first rollout by the plain learners, and those above their own 0.75 quantile."""
    options = replace(OPTIONS, share_experience="quantile", share_quantile=0.25)
    build = lambda flag: qlearning(SPEC, options, SIZES, parts("iql", options, SPEC))  # noqa: E731
    rollout, learners = made_up(SPEC, PLAN, 1), new_learners(build(0), SPEC, [3])
    learner = teaching(build, 16, FAST)(learners, repeated(rollout, 1), np.arange(1)).learner
    t = jax.tree.map(lambda leaf: leaf[0].reshape(-1, *leaf.shape[3:]), rollout.kinds[0])
    for agent in range(3):
        plain = PlainIQL(layers_of(jax.tree.map(lambda leaf: leaf[0], learners.online), agent))
        now, later = (plain.forward(plain.online, obs[:, agent])[-1] for obs in (t.view.obs, t.next.obs))
        ahead = np.where(t.next.legal[:, agent], later, -np.inf).max(-1)
        error = t.reward[:, agent] + G * t.discount[:, agent] * ahead - now[np.arange(16), t.action[:, agent]]
        valid = t.valid[:, agent]
        size = np.where(valid, abs(error), -1)  # -1: no decision, and no error
        np.testing.assert_allclose(learner.window[0][0, -16:, agent], size, atol=1e-5)
        offered = np.asarray(learner.replay.rows.offered[0])[0, : PLAN.rows].reshape(16, 3)[:, agent]
        assert (offered == (size > np.quantile(abs(error[valid]), 0.75))).all()
        assert 0 < offered.sum() < valid.sum() / 2


def test_a_diverged_seed_is_frozen_and_disturbs_no_other():
    """Seeds of one program: a healthy one, one that is paid something that is no number, one that learns too fast."""
    _, teach = lone_program()
    clean, bad = made_up(SPEC, PLAN, VISITS), made_up(SPEC, PLAN, VISITS)
    bad.kinds[0].reward[10:, :, 0, 1] = np.nan
    rates = np.array([RATE, RATE, RATE, 1e30], np.float32)
    healthy = teach(new_lone([0, 1, 2, 3]), repeated(clean, 4), np.full(4, RATE, np.float32))
    taught = teach(new_lone([0, 1, 2, 3]), stacked([clean, bad, clean, clean]), rates)
    assert healthy.info["finite"].all()
    at = lambda tree, *place: jax.tree.map(lambda leaf: leaf[place], tree)  # noqa: E731
    for seed in (0, 2):
        assert same(at(taught, seed), at(healthy, seed))
    for seed, earliest in ((1, 10), (3, 1)):
        finite = taught.info["finite"][seed]
        end = int(finite.argmin())
        assert earliest <= end < VISITS
        assert finite[:end].all()
        assert not finite[end:].any()
        assert not taught.learner.finite[seed]
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(at(taught.learner.online, seed)))
        assert same(at(taught.learner.online, seed), at(taught.info["online"], seed, end - 1))
    last = int(taught.info["finite"][1].argmin()) - 1  # until then it was as healthy as the others
    assert same(at(taught.info["online"], 1, last), at(healthy.info["online"], 1, last))
    assert not same(at(taught.info["online"], 1, last), at(healthy.info["online"], 1, last + 1))
