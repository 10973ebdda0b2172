"""Shared experience: the sum over pairs of agents, written out in NumPy; and nothing, where it weighs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np
import pytest
from family import FAST
from plain_policies import Plain, Told, advantages_of, distance, log_probabilities, plain_of, told
from policy_family import learned, made_up_learner, made_up_rollout

from coterie.algorithms.ppo import Learner, parts, ppo
from coterie.envs.probes import PROBES
from coterie.networks.policies import critic_for, critic_kinds
from coterie.running.rollout import Plan
from coterie.settings import DeepOptions, ProbeOptions, options_of_algorithm
from coterie.types import Clock, Kind, Rollout, Sizes, Spec

KINDS = Kind((0, 2, 3), 3, (2,), "float32"), Kind((1,), 4, (3,), "float32")
SPEC = Spec(("a", "b", "c", "d"), KINDS, (0, 0, 0, 0), (0, 1, 2, 3), (0, 0, 0, 1), (2,))  # a and c share, d does not
OPTIONS = options_of_algorithm(
    "seac",
    DeepOptions(
        discount=0.9, trace=0.8, learning_rate=0.1, gradient_clip=1e-4, hidden=3, layers=1, activation="tanh",
        entropy=0.3, environments=5, rows=4, normalise_advantages=False, share_weight=0.7,
    ),
)  # fmt: skip
CASES = {
    "as published": {},
    "a partner's targets": {"share_target": "partner"},
    "clipped, on one's own scale": {"share_clip": 0.9, "normalise_values": False},
    "everybody": {"share_weight": 1.0, "normalise_advantages": True},
}


@dataclass
class Sharing(Plain):
    """Adds for each pair i, k of friends: the mean over k's decisions, with the importance rho as it was at first."""

    pairs: dict[tuple[int, int, int], Any] = field(default_factory=dict)

    def study_kind(self, rollout: Rollout, k: int) -> list[Told]:
        old = [leaf.copy() for leaf in self.scale[k]]
        found = super().study_kind(rollout, k)
        for i in range(len(found)):
            for j, partner in enumerate(found):
                value, rows = self.worth(rollout, k, old, i, j)
                gain = np.stack(
                    [advantages_of(column, self.options.discount, self.options.trace) for column in rows], 1
                )
                wanted = value + gain
                if self.options.share_target == "partner":  # what j's own values are drawn to, on the scale of rewards
                    wanted = partner.raw_wanted
                    gain = wanted - value
                _, mean, variance = (leaf[i] for leaf in self.scale[k])
                rho = self.importance(k, i, partner)
                self.pairs[k, i, j] = [rho, (wanted - mean) / np.sqrt(variance), gain]
            friends = [j for j in range(len(found)) if self.friends(k, i, j)]
            if self.options.normalise_advantages and friends:  # over all that i learns from besides its own
                every = np.concatenate([self.pairs[k, i, j][2][found[j].valid] for j in friends])
                for j in friends:
                    self.pairs[k, i, j][2] = (self.pairs[k, i, j][2] - every.mean()) / every.std()
        return found

    def worth(self, rollout: Rollout, k: int, scale: Any, i: int, j: int) -> tuple[np.ndarray, list[Any]]:
        """What i's critic, on its scale before this rollout, holds of j's rows; and j's rows with these values."""
        t = rollout.kinds[k]
        _, mean, variance = (leaf[i] for leaf in scale)
        value, ahead = (
            mean + np.sqrt(variance) * told(self.critics[k][i], getattr(t, when).obs[:, :, j].astype(float))[..., 0]
            for when in ("view", "next")
        )
        rows = [self.reward(rollout, k, j), t.discount[:, :, j], t.last[:, :, j], t.valid[:, :, j], value, ahead]
        return value, [[leaf[:, e] for leaf in rows] for e in range(value.shape[1])]

    def friends(self, k: int, i: int, j: int) -> bool:
        """Whether agent i of a kind learns from j."""
        agents, group = self.spec.kinds[k].agents, self.spec.experience
        return i != j and group[agents[i]] == group[agents[j]]

    def likely(self, k: int, i: int, partner: Told) -> np.ndarray:
        log_p = log_probabilities(told(self.actors[k][i], partner.x), partner.legal)
        return np.take_along_axis(log_p, partner.action[..., None], -1)[..., 0]

    def importance(self, k: int, i: int, partner: Told) -> np.ndarray:
        rho = np.exp(self.likely(k, i, partner) - partner.then)
        return np.minimum(rho, self.options.share_clip) if self.options.share_clip else rho

    def loss_of(self, k: int, group: int, studied: list[list[Told]]) -> float:
        total = super().loss_of(k, group, studied)
        for j, partner in enumerate(studied[k]):
            if not self.friends(k, group, j):
                continue
            rho, wanted, gain = self.pairs[k, group, j]
            value = told(self.critics[k][group], partner.x)[..., 0]
            each = rho * (0.5 * (wanted - value) ** 2 - gain * self.likely(k, group, partner))
            total += self.options.share_weight * each[partner.valid].mean()
        return float(total)


def sharing(learner: Learner, options: DeepOptions, spec: Spec = SPEC) -> Sharing:
    return plain_of(spec, options, "own", learner, Sharing)


@pytest.mark.parametrize("case", CASES)
def test_an_update_is_the_sum_over_pairs_written_out(case):
    options = replace(OPTIONS, share_experience="teams", **CASES[case])
    own = ppo(SPEC, options, Sizes(1000, 5, 4, 4), parts("seac", options, SPEC))
    learner, rollout = made_up_learner(own, SPEC), made_up_rollout(SPEC, Plan(5, 4))
    update = jax.jit(own.update, compiler_options=FAST)
    after, info = jax.device_get(update(jax.random.key(1), learner, rollout, Clock(np.uint32(20), np.uint32(0))))
    assert info["finite"]
    plain = sharing(learner, options)
    plain.update(rollout)
    assert distance(plain, after) < 0.002
    other = "own" if options.share_target == "partner" else "partner"
    changes = {"target": {"share_target": other}, "weight": {"share_weight": 0.5}}
    changes["importance"] = {"share_clip": 0.0 if options.share_clip else 0.9}
    for name, change in changes.items():
        wrong = sharing(learner, replace(options, **change))
        wrong.update(rollout)
        assert distance(wrong, after) > 0.02, name
    pooled = sharing(learner, options, replace(SPEC, experience=(0, 0, 0, 0)))  # d would learn from a and c, too
    pooled.update(rollout)
    assert distance(pooled, after) > 0.02


@pytest.mark.parametrize(("weight", "within"), [(0.0, 0.0), (1e-12, 1e-4)])
def test_experience_that_weighs_nothing_is_none(weight, within):
    """After eight updates through the runner: bit for bit at 0, up to rounding at next to nothing; 1 is the control."""
    environment = PROBES["death"](ProbeOptions())
    spec = replace(environment.spec, experience=(0, 0))
    environment, plan = environment._replace(spec=spec), Plan(environments=4, rows=5)
    options = replace(OPTIONS, gradient_clip=0.5, learning_rate=0.01)

    def after(**shares: Any) -> Any:
        own = replace(options, **shares)
        algorithm = ppo(spec, own, Sizes(160, 4, 5, 5), parts("seac", own, spec))
        run, (info, _) = learned(environment, lambda _: algorithm, plan, 8, [np.float32(0)], [3])
        assert info["finite"].all()
        return run.learner

    lone, shared = after(share_experience="none"), after(share_weight=weight)
    for ours, theirs in zip(jax.tree.leaves(shared), jax.tree.leaves(lone), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=within, atol=within / 10)
    whole = after(share_weight=1.0)
    assert np.abs(whole.online.agents[0].top.bias - lone.online.agents[0].top.bias).max() > 1e-3


def test_critics_of_the_whole_may_learn_from_others_too():
    """Own parts may set it: what is read once for all elsewhere stands once for each pair here."""
    made = parts("seac", OPTIONS, SPEC)
    central = tuple(critic_for(kind, OPTIONS, True) for kind in critic_kinds(SPEC, "state"))
    own = ppo(SPEC, OPTIONS, Sizes(1000, 5, 4, 4), made._replace(critics=central, central="state"))
    learner, rollout = made_up_learner(own, SPEC), made_up_rollout(SPEC, Plan(5, 4))
    update = jax.jit(own.update, compiler_options=FAST)
    after, info = jax.device_get(update(jax.random.key(1), learner, rollout, Clock(np.uint32(20), np.uint32(0))))
    assert info["finite"]
    assert np.abs(after.online.critics[0].layers[0].weight - learner.online.critics[0].layers[0].weight).max() > 1e-3
