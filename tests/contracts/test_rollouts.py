"""Rollouts against books kept by hand: deaths, time limits, turns."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from helpers import fixed, play, probe

from coterie.partitions import team_reward
from coterie.running.rollout import Plan


def column(array, agent, environment=0):
    return np.asarray(array)[:, environment, agent].astype(float).tolist()


def paying_the_dead(environment):
    """A world that breaks its promise: it offers 100 to who has ended, and says that it lives again."""

    def step(state, action, outcome):
        told = environment.step(state, action, outcome)
        corpse = jnp.array([True, False]) & (state[0] >= 1) & (state[0] < 2)
        return told._replace(reward=told.reward + 100.0 * corpse, terminated=told.terminated & ~corpse)

    return environment._replace(step=step)


def test_a_death_is_not_the_end_of_the_team():
    environment = paying_the_dead(probe("death"))
    rollout = play(fixed(([0, 0],)), environment, Plan(2, 4))
    t = rollout.kinds[0]
    assert column(t.valid, 0) == [1, 0, 0, 1]  # dies in the first step of each episode of three
    assert column(t.valid, 1) == [1, 1, 1, 1]
    assert column(t.reward, 0) == [1, 0, 0, 1]  # never the 100 that the dead are offered
    assert column(t.reward, 1) == [1, 1, 1, 1]
    assert column(t.discount, 0) == [0, 0, 0, 0]
    assert column(t.discount, 1) == [1, 1, 0, 1]
    assert column(t.last, 0) == [1, 0, 0, 1]
    assert column(t.last, 1) == [0, 0, 1, 0]
    assert column(t.view.alive, 0) == [1, 0, 0, 1]
    assert column(t.next.alive, 0) == [0, 0, 0, 0]
    assert column(t.next.alive, 1) == [1, 1, 0, 1]
    assert column(t.view.first, 1) == [1, 0, 0, 1]
    assert column(t.view.obs[..., 0], 0) == [0, 0, 0, 0]  # the dead see zeros, not the -9 of their corpse
    assert t.next.obs[0, 0, 0, 0] == -9  # but the last sight of the one who has just died is the true one
    assert column(t.next.obs[..., 0], 1) == [1, 2, 3, 1]  # the true successor, never the reset
    assert column(t.view.obs[..., 0], 1) == [0, 1, 2, 0]
    w = rollout.world
    assert column(w.discount, 0) == [1, 1, 0, 1]
    assert column(w.last, 0) == [0, 0, 1, 0]
    assert column(w.valid, 0) == [1, 1, 1, 1]
    assert w.state[:, 0, 0].tolist() == [0, 1, 2, 0]
    assert w.next_state[:, 0, 0].tolist() == [1, 2, 3, 1]
    assert column(team_reward(environment.spec, rollout.kinds, "team-sum"), 0) == [2, 1, 1, 2]
    assert column(team_reward(environment.spec, rollout.kinds, "team-mean"), 0) == [1, 1, 1, 1]


def test_a_team_that_has_ended_before_the_other_has_no_rows():
    environment = probe("death")
    environment = environment._replace(spec=replace(environment.spec, team=(0, 1)))
    w = play(fixed(([0, 0],)), environment, Plan(1, 4)).world
    assert column(w.valid, 0) == [1, 0, 0, 1]
    assert column(w.last, 0) == [1, 0, 0, 1]
    assert column(w.discount, 0) == [0, 0, 0, 0]
    assert column(w.valid, 1) == [1, 1, 1, 1]
    assert column(w.discount, 1) == [1, 1, 0, 1]


def test_a_time_limit_is_not_an_ending():
    rollout = play(fixed(([0],)), probe("endless", horizon=2), Plan(1, 5))
    for part in (rollout.kinds[0], rollout.world):
        assert column(part.discount, 0) == [1, 1, 1, 1, 1]
        assert column(part.last, 0) == [0, 1, 0, 1, 0]
    t = rollout.kinds[0]
    assert t.next.alive.all()
    assert t.next.to_move.all()
    assert column(t.view.first, 0) == [1, 0, 1, 0, 1]


def test_in_turns_reward_gathers_until_the_same_agent_is_to_move_again():
    # Agent 0 always takes 1 and agent 1 always takes 0. Steps 0 1 2 3 are decided by agents 0 1 0 1.
    # Agent 0 is paid in steps 1 and 3; its decisions of steps 0 and 2 are complete after them.
    # Agent 1's decision of step 1 is complete after step 2, that of step 3 at once, for the episode ends there.
    t = play(fixed(([1, 0],)), probe("turns"), Plan(2, 6)).kinds[0]
    assert column(t.valid, 0) == [0, 1, 0, 1, 0, 1]
    assert column(t.valid, 1) == [0, 0, 1, 1, 0, 0]
    assert column(t.reward, 0) == [0, 1, 0, 1, 0, 1]
    assert column(t.reward, 1) == [0, 0, 0, 0, 0, 0]
    assert column(t.discount, 0) == [0, 1, 0, 0, 0, 1]
    assert column(t.discount, 1) == [0, 0, 1, 0, 0, 0]
    assert column(t.last, 0) == [0, 0, 0, 1, 0, 0]
    assert column(t.last, 1) == [0, 0, 0, 1, 0, 0]
    valid = [np.flatnonzero(t.valid[:, 0, agent]) for agent in (0, 1)]
    assert t.view.first[valid[0], 0, 0].tolist() == [True, False, True]  # each agent's own first decision
    assert t.view.first[valid[1], 0, 1].tolist() == [True, False]
    assert t.view.obs[valid[0], 0, 0, 0].tolist() == [0, 1, 0]
    assert t.view.obs[valid[1], 0, 1, 0].tolist() == [0, 1]
    assert t.next.obs[valid[0], 0, 0, 0].tolist() == [1, 2, 1]
    swapped = play(fixed(([0, 1],)), probe("turns"), Plan(2, 4)).kinds[0]
    assert column(swapped.reward, 0) == [0, 0, 0, 0]
    assert column(swapped.reward, 1) == [0, 0, 1, 1]


def test_actions_reach_the_world_in_agent_order_and_kinds_keep_their_agents():
    # Agents a_0, b_0, a_1: kind a holds agents 0 and 2. u = (0, 1) for a, w = (0, 2, 1) for b.
    rollout = play(fixed(([1, 0], [1])), probe("unlike"), Plan(1, 1))  # u(1) + w(1) + u(0) = 1 + 2 + 0
    assert rollout.kinds[0].reward.tolist() == [[[3, 3]]]
    assert rollout.kinds[1].reward.tolist() == [[[3]]]
    assert rollout.kinds[0].view.obs[0, 0].tolist() == [[1, 0], [0, 1]]
    assert rollout.kinds[0].action.tolist() == [[[1, 0]]]
    rollout = play(fixed(([0, 1], [2])), probe("unlike"), Plan(1, 1))  # u(0) + w(2) + u(1) = 0 + 1 + 1
    assert rollout.kinds[0].reward.tolist() == [[[2, 2]]]


def test_chance_is_new_in_every_episode_step_environment_and_run():
    runs = [play(fixed(([0],)), probe("chance"), Plan(8, 64), seed).kinds[0] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0].reward, runs[1].reward)
    paid = np.stack([run.reward[..., 0] for run in runs[1:]]).reshape(2, 32, 2, 8)  # run, episode, step, environment
    for axis in range(4):
        assert (paid[:, 1:].std(axis) > 0).any()  # nothing is the same along any of them, the first episodes aside
    assert abs(paid.mean() - 0.75) < 0.05  # 1,024 draws: 3.7 standard errors
    steps = paid.transpose(2, 0, 1, 3).reshape(2, -1)
    assert abs(np.corrcoef(steps)[0, 1]) < 0.16
