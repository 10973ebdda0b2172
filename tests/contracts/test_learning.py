"""Each learner reaches the known values of its probe, and a falsified boundary does not."""

import jax.numpy as jnp
import numpy as np
from helpers import over_seeds, probe, q_value
from learners import change_kinds, linear_q, recurrent_q, reinforce, spoiled, vdn

from coterie.running.rollout import Plan

PLAN = Plan(environments=8, rows=4)
SEEDS = (0, 1, 2)


def close(found, expected, within=0.03):
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=within)


def never_ending(flag):
    """Bootstraps beyond true endings where the flag is set: the terminal mask is broken."""
    return change_kinds(lambda t: t._replace(discount=jnp.where(flag, 1.0, t.discount)))


def limits_as_endings(flag):
    """Treats every boundary as an ending where the flag is set."""
    return change_kinds(lambda t: t._replace(discount=jnp.where(flag & t.last, 0.0, t.discount)))


def test_q_tells_the_good_action_where_it_is_good():
    run, _ = over_seeds(lambda flag: linear_q(PLAN), probe("choice"), PLAN, 200)
    # Q(cue, action) = 1 for action 1 at +1 and action 0 at -1, else 0: linear in the cue.
    close(q_value(run.learner.weights[0], 0, [1.0]), [0, 1])
    close(q_value(run.learner.weights[0], 0, [-1.0]), [1, 0])


def test_q_discounts_and_does_not_look_beyond_an_ending():
    build = lambda flag: spoiled(linear_q(PLAN), never_ending(flag))  # noqa: E731
    run, _ = over_seeds(build, probe("delay"), PLAN, 300, flags=(False, True))
    first, second = (q_value(run.learner.weights[0], 0, [step]) for step in (0.0, 1.0))
    close(first[0], 0.9)
    close(second[0], 1.0)
    assert (first[1] > 1.5).all(), first[1]  # with the terminal mask broken the value grows beyond every true return
    assert (second[1] > 1.5).all(), second[1]


def test_q_looks_beyond_a_time_limit():
    build = lambda flag: spoiled(linear_q(PLAN, discount=0.8), limits_as_endings(flag))  # noqa: E731
    run, _ = over_seeds(build, probe("endless", 4), PLAN, 300, flags=(False, True))
    values = q_value(run.learner.weights[0], 0, [1.0])
    close(values[0], 5.0)  # 1 / (1 - 0.8)
    # One sight stands for all four steps, and one in four is falsely an ending: v = 1 + 0.8 * 3/4 v, v = 2.5.
    assert (abs(values[1] - 2.5) < 0.3).all(), values[1]


def test_q_of_the_dead_stays_and_the_living_go_on():
    run, _ = over_seeds(lambda flag: linear_q(PLAN, slots=16, rate=0.3), probe("death"), PLAN, 600)
    close(q_value(run.learner.weights[0], 0, [0.0]), 1.0)
    assert (run.learner.weights[0].action[..., 0, 0, :] == 0).all()  # the step, always 0 while the first agent lives
    # The second agent's values 2.71, 1.9 and 1 are nearly linear in the step.
    for step, expected in enumerate((2.71, 1.9, 1.0)):
        close(q_value(run.learner.weights[0], 1, [step]), expected, within=0.1)


def test_reinforce_learns_and_is_on_policy_at_lag_0():
    _, (info, scores) = over_seeds(lambda flag: reinforce(PLAN), probe("choice"), PLAN, 300)
    late = scores.returns[:, :, -50:].sum((2, 3)) / scores.episodes[:, :, -50:].sum(2)
    assert (late > 0.9).all(), late
    assert (info["off_policy"] < 1e-5).all()


def test_reinforce_needs_the_stored_log_probability_at_lag_1():
    plan = Plan(8, 4, lag=1)
    stored, (right, scores) = over_seeds(lambda flag: reinforce(plan), probe("choice"), plan, 300)
    recomputed, (wrong, _) = over_seeds(lambda flag: reinforce(plan, stored=False), probe("choice"), plan, 300)
    late = scores.returns[:, :, -50:].sum((2, 3)) / scores.episodes[:, :, -50:].sum(2)
    assert (late > 0.9).all(), late
    # The first two rollouts are collected with the first policy; at the second, the learner has moved on.
    assert (right["off_policy"][:, :, 0] < 1e-6).all()
    assert (right["off_policy"][:, :, 1] > 1e-3).all()
    # Recomputed with the present learner the ratio is 1 whatever acted, the correction is lost, the result differs.
    assert (wrong["off_policy"] == 0).all()
    different = abs(stored.learner[0].action - recomputed.learner[0].action).max((-1, -2, -3))
    assert (different > 1e-3).all(), different


def test_reinforce_counts_returns_by_the_same_boundaries():
    build = lambda flag: spoiled(reinforce(PLAN, discount=0.8, rate=0.1), limits_as_endings(flag))  # noqa: E731
    run, _ = over_seeds(build, probe("endless", 4), PLAN, 400, flags=(False, True))
    value = run.learner[0].value.sum(-1)
    close(value[0], 5.0)
    # Treated as endings: 1, 1.8, 2.44, 2.952 with 1 to 4 steps left, behind one sight: their mean.
    close(value[1], np.mean([1, 1.8, 2.44, 2.952]), within=0.05)


def test_one_mixer_spans_two_unlike_kinds():
    environment = probe("unlike")
    run, _ = over_seeds(lambda flag: vdn(environment.spec, PLAN, epsilon=0.3), environment, PLAN, 400)
    a, b = run.learner
    total = {}
    for first in (0, 1):
        for middle in (0, 1, 2):
            for third in (0, 1):
                total[first, middle, third] = (
                    q_value(a, 0, [1.0, 0.0])[..., first]
                    + q_value(b, 0, [1.0, -1.0, 0.5])[..., middle]
                    + q_value(a, 1, [0.0, 1.0])[..., third]
                )
                close(total[first, middle, third], (0, 1)[first] + (0, 2, 1)[middle] + (0, 1)[third], within=0.1)
    assert max(total, key=lambda joint: total[joint].mean()) == (1, 1, 1)


def test_a_mixer_does_without_the_dead():
    # One agent dies in the first step, so q_tot there is 2 + g (1 + g (1)) = 2 + g + g^2 with team-sum rewards.
    # A death taken for the team's end gives 2.
    environment = probe("death")

    def build(flag):
        def rollout(told):
            dead = ~told.kinds[0].next.alive.all(-1, keepdims=True)
            discount = jnp.where(flag & dead, 0.0, told.world.discount)
            return told._replace(world=told.world._replace(discount=discount))

        return spoiled(vdn(environment.spec, PLAN, unit="team-sum", rate=0.2), rollout)

    run, _ = over_seeds(build, environment, PLAN, 600, flags=(False, True))
    weights = run.learner[0]
    start = q_value(weights, 0, [0.0]).max(-1) + q_value(weights, 1, [0.0]).max(-1)
    close(start[0], 2 + 0.9 + 0.81, within=0.1)
    assert (abs(start[1] - 2) < 0.3).all(), start[1]


def test_memory_recalls_and_is_reset_between_episodes():
    environment = probe("memory")

    def build(flag):
        learner = recurrent_q(environment.spec, PLAN)
        return spoiled(
            learner,
            change_kinds(lambda t: t._replace(view=t.view._replace(first=t.view.first & ~flag))),
            lambda view: view._replace(first=view.first & ~flag),
        )

    _, (info, scores) = over_seeds(build, environment, PLAN, 500, flags=(False, True))
    assert (info["drift"] == 0).all()  # what `update` unrolls is what acting remembered
    # Half of the actions are explored: the best policy without memory earns 1/2, with memory 1/2 * 1 + 1/2 * 1/2.
    late = scores.returns[:, :, -200:].sum((2, 3)) / scores.episodes[:, :, -200:].sum(2)
    assert (late[0] > 0.7).all(), late
    assert (late[1] < 0.66).all(), late


def test_memory_stands_still_while_others_move():
    environment = probe("turns")
    _, (info, _) = over_seeds(lambda flag: recurrent_q(environment.spec, Plan(8, 3)), environment, Plan(8, 3), 300)
    assert (info["drift"] == 0).all()  # three rows cut every episode of four, so decisions are pending at the cut


def test_turns_are_discounted_by_own_decisions():
    run, _ = over_seeds(lambda flag: linear_q(PLAN, rate=0.3), probe("turns"), PLAN, 600)
    for agent in (0, 1):
        close(q_value(run.learner.weights[0], agent, [0.0]), [0.9, 1.9], within=0.1)  # g * 1 + (0, 1)
        close(q_value(run.learner.weights[0], agent, [1.0]), [0.0, 1.0], within=0.1)
