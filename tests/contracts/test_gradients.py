"""Nothing is learned from the dead, from illegal actions, or through a target: the gradients are exactly zero."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import play, probe
from learners import Weights, linear_q, log_policy, mixed_loss, policy_loss, reinforce, taken, td_loss

from coterie.partitions import team_reward
from coterie.running.rollout import Plan, views
from coterie.types import Sight

PLAN = Plan(environments=2, rows=5)


def some_weights(environment, seed=3):
    keys = iter(jax.random.split(jax.random.key(seed), 8))
    return tuple(
        Weights(
            jax.random.normal(next(keys), (len(kind.agents), kind.observation_shape[0] + 1, kind.actions)),
            jax.random.normal(next(keys), (len(kind.agents), kind.observation_shape[0] + 1)),
        )
        for kind in environment.spec.kinds
    )


@pytest.fixture(scope="module")
def death():
    return probe("death"), play(reinforce(PLAN), probe("death"), PLAN)


def rows_of_the_dead(rollout, change):
    """The rollout with the first agent's rows that are not valid replaced by what `change` makes of a number."""
    t = rollout.kinds[0]
    dead = ~t.valid
    assert dead.any()
    obs = np.where(dead[..., None], change(t.view.obs), t.view.obs)
    return rollout._replace(kinds=(t._replace(view=t.view._replace(obs=obs)),))


@pytest.mark.parametrize("loss", ["independent", "mixed", "policy"])
def test_what_the_dead_see_changes_no_gradient(death, loss):
    environment, rollout = death

    def gradient(rollout):
        kinds, weights = rollout.kinds, some_weights(environment)
        if loss == "independent":
            return jax.grad(td_loss)(weights, kinds, 0.9)
        if loss == "policy":
            old = tuple(t.extras["log_probability"] for t in kinds)
            return jax.grad(policy_loss, has_aux=True)(weights, kinds, old, 0.9)[0]
        reward = team_reward(environment.spec, kinds, "team-sum")
        return jax.grad(mixed_loss)(weights, kinds, rollout.world, reward, 0.9)

    plain = gradient(rollout)
    assert any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(plain))
    other = gradient(rows_of_the_dead(rollout, lambda obs: obs + 1000))
    jax.tree.map(np.testing.assert_array_equal, plain, other)
    # and were their rows valid, it would show
    t = rollout.kinds[0]
    alive = np.ones_like(t.view.alive)
    risen = rollout._replace(kinds=(t._replace(valid=alive, view=t.view._replace(alive=alive)),))
    shown = gradient(rows_of_the_dead(rollout, lambda obs: obs)._replace(kinds=risen.kinds))
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(*map(jax.tree.leaves, (plain, shown)), strict=True))


def a_view(legal):
    """Two agents who see 1, with these legal actions."""
    environment = probe("joint")
    spec, flag = environment.spec, np.ones((1, 2), bool)
    sight = Sight((np.ones((1, 2, 1), np.float32),), (np.array([legal]),), flag, flag, np.zeros((1, 2), np.float32))
    return environment, views(np, spec, sight, flag, flag)[0]


def test_illegal_actions_get_no_gradient_and_are_never_taken():
    environment, view = a_view([[True, False], [False, True]])
    (weights,) = some_weights(environment)
    gradient = jax.grad(lambda w: jnp.sum(taken(log_policy(w, view), jnp.array([[0, 1]]))))(weights)
    assert (gradient.action == 0).all()  # one legal action: its probability is 1 whatever the weights
    best = jax.grad(lambda w: jnp.sum(jnp.where(view.legal, jnp.einsum("enf,nfa->ena", jnp.ones((1, 2, 2)), w.action),
                                                -1e9).max(-1)))(weights)  # fmt: skip
    assert (best.action[0, :, 1] == 0).all()
    assert (best.action[1, :, 0] == 0).all()
    assert (best.action[0, :, 0] == 1).all()
    for algorithm, mode in ((linear_q(PLAN, epsilon=1.0), "explore"), (reinforce(PLAN), "explore")):
        for number in range(8):
            decision = algorithm.act(jax.random.key(number), (weights,), (view,), ((),), mode)[0]
            assert decision.action.tolist() == [[0, 1]]


def test_a_view_without_a_legal_action_offers_all():
    _, view = a_view([[False, False], [False, True]])
    assert view.legal.tolist() == [[[True, True], [False, True]]]


def test_targets_get_no_gradient(death):
    environment, rollout = death
    weights = some_weights(environment)
    t = rollout.kinds[0]
    only_next = t._replace(view=t.view._replace(obs=np.zeros_like(t.view.obs)))
    gradient = jax.grad(td_loss)(weights, (only_next,), 0.9)[0].action
    assert (gradient[:, 0] == 0).all()  # what is seen comes only through `next`, behind stop_gradient
    assert (gradient[:, 1] != 0).any()
