"""PettingZoo's AEC API through `turns`: completed transitions against books kept by hand."""

import jax.numpy as jnp
import numpy as np
import pettingzoo
import pytest
from gymnasium.spaces import Box, Discrete
from helpers import play, probe
from learners import linear_q

from coterie.errors import EnvironmentFault
from coterie.pettingzoo.forms.parallel import Reads
from coterie.pettingzoo.forms.turns import turns
from coterie.pettingzoo.ours.export import raw_env
from coterie.running.roads import outside, start_outside, train_outside
from coterie.running.rollout import Plan
from coterie.types import Algorithm, Decision


class Relay(pettingzoo.AECEnv):
    """Three agents in turn, a b c a b c …; who acts earns 1 if it takes 1 and pays 10 to the next one if it takes 2.

    b is dead after its first decision; after a's second decision a has ended truly and c is cut off. Everybody sees
    how many decisions were made, and the agent's own place.
    """

    def __init__(self):
        self.metadata = {"name": "relay_v0"}
        self.possible_agents = ["a", "b", "c"]

    def observation_space(self, agent):
        return Box(-1, 100, (2,), np.float64)

    def action_space(self, agent):
        return Discrete(3)

    def reset(self, seed=None, options=None):
        self.agents = self.possible_agents[:]
        self.made = 0
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {agent: {"action_mask": np.ones(3, np.int8)} for agent in self.agents}
        self.agent_selection = "a"
        self._skip_agent_selection = None

    def observe(self, agent):
        return np.array([self.made, self.possible_agents.index(agent)], np.float64)

    def step(self, action):
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        living = [name for name in self.agents if not self.terminations[name]]
        following = living[(living.index(agent) + 1) % len(living)]
        if action == 1:
            self.rewards[agent] += 1.0
        if action == 2:
            self.rewards[following] += 10.0
        self.made += 1
        if agent == "b":
            self.terminations["b"] = True
        if agent == "a" and self.made == 4:
            self.terminations["a"] = True
            self.truncations["c"] = True
        self._accumulate_rewards()
        self.agent_selection = following
        self._deads_step_first()


def scripted(script):
    """Acts by how many decisions were made so far; its info is the rollout."""

    def act(key, policy, views, memory, mode):
        made = views[0].obs[..., 0]
        return (Decision(jnp.asarray(script, jnp.int32)[made.astype(jnp.int32)], (), {"made": made}),)

    nothing = lambda *arguments: ()  # noqa: E731
    return Algorithm(nothing, nothing, lambda policy, e: ((),), act, lambda key, learner, rollout, clock: ((), rollout))


def driven(drive, algorithm, plan, iterations=1):
    parts = outside(algorithm, drive.spec, plan)
    run, sight = start_outside(parts, drive, 0)
    return train_outside(parts, drive, 0, run, sight, iterations)


def test_a_relay_by_hand():
    # Decisions:   a takes 1 (earns 1)      made 0 -> 1
    #              b takes 2 (c gets 10)    made 1 -> 2; b has ended, and takes its last turn at once
    #              c takes 2 (a gets 10)    made 2 -> 3
    #              a takes 2 (c gets 10)    made 3 -> 4; a has ended, c is cut off
    drive = turns([Relay()])
    assert drive.spec.team == (0, 1, 2)
    assert drive.spec.kinds[0].observation_dtype == "float32"
    run, _, told = driven(drive, scripted([1, 2, 2, 2, 0]), Plan(1, 5))
    rollout, scores = told[0]
    t = rollout.kinds[0]
    valid = np.asarray(t.valid)[:, 0]
    # One row a decision: b's is complete in its own row (1), a's first in row 2, a's second and c's in row 3.
    assert valid.tolist() == [[False] * 3, [False, True, False], [True, False, False], [True, False, True], [False] * 3]
    books = [
        (row, agent, *(np.asarray(field)[row, 0, agent].tolist() for field in fields))
        for row, agent in np.argwhere(valid)
        for fields in [(t.view.obs, t.action, t.extras["made"], t.reward, t.discount, t.last, t.next.obs, t.view.first)]
    ]
    assert books == [
        (1, 1, [1.0, 1.0], 2, 1.0, 0.0, 0.0, True, [2.0, 1.0], True),
        (2, 0, [0.0, 0.0], 1, 0.0, 11.0, 1.0, False, [3.0, 0.0], True),  # its own 1 and c's 10
        (3, 0, [3.0, 0.0], 2, 3.0, 0.0, 0.0, True, [4.0, 0.0], False),
        (3, 2, [2.0, 2.0], 2, 2.0, 10.0, 1.0, True, [4.0, 2.0], True),  # a's 10; b's 10 came before it had decided
    ]
    assert scores.episodes == 1
    assert scores.steps == 4
    assert scores.returns.tolist() == [11, 0, 20]  # what was earned before the first decision counts for the score
    assert np.asarray(run.held.pending[0].open).tolist() == [[True, False, False]]  # the next episode has begun


def test_a_mask_that_allows_nothing_is_the_environments_fault():
    relay = Relay()
    drive = turns([relay])
    drive.reset(np.array([0]))
    original = relay.reset

    def reset(seed=None, options=None):
        original(seed, options)
        relay.infos["a"]["action_mask"][:] = 0

    relay.reset = reset
    with pytest.raises(EnvironmentFault, match="agent 'a' is to move"):
        drive.reset(np.array([0]))


def test_our_turn_based_probe_is_the_same_through_the_aec_interface():
    environment, plan = probe("turns"), Plan(2, 9)
    algorithm = linear_q(plan)
    compiled = play(algorithm, environment, plan)
    recorder = algorithm._replace(update=lambda key, learner, rollout, clock: (learner, rollout))
    drive = turns([raw_env(environment) for _ in range(2)], Reads(team=environment.spec.team))
    _, _, told = driven(drive, recorder, plan)
    ours, theirs = compiled.kinds[0], told[0][0].kinds[0]
    np.testing.assert_array_equal(ours.valid, theirs.valid)
    assert ours.valid.sum() > 12
    for field in ("action", "reward", "discount", "last"):
        np.testing.assert_array_equal(
            np.where(ours.valid, getattr(ours, field), 0), np.where(ours.valid, getattr(theirs, field), 0)
        )
    for mine, other in ((ours.view, theirs.view), (ours.next, theirs.next)):
        np.testing.assert_array_equal(mine.obs[ours.valid], np.asarray(other.obs)[ours.valid])
    np.testing.assert_array_equal(ours.view.first[ours.valid], np.asarray(theirs.view.first)[ours.valid])


def test_tictactoe():
    pytest.importorskip("pygame", reason="tictactoe_v3 draws with pygame")
    raw = [pettingzoo.make("aec", "classic/tictactoe-v3").unwrapped for _ in range(2)]
    drive = turns(raw)
    plan = Plan(2, 64)
    algorithm = linear_q(plan, epsilon=1.0)
    recorder = algorithm._replace(update=lambda key, learner, rollout, clock: (learner, rollout))
    _, _, told = driven(drive, recorder, plan)
    rollout, scores = told[0]
    t = rollout.kinds[0]
    assert scores.episodes >= 8
    assert abs(scores.returns.sum()) == 0  # a contest: what one wins the other loses
    assert np.isin(t.reward, (-1, 0, 1)).all()
    assert (np.asarray(t.reward)[np.asarray(t.valid & ~t.last)] == 0).all()  # only the end is paid
    ends = np.asarray(t.last).sum((0, 1))
    assert ends[0] == ends[1] == scores.episodes  # both are told of every end, whoever made the last mark
    assert (np.asarray(t.discount)[np.asarray(t.last)] == 0).all()
    taken = np.take_along_axis(np.asarray(t.view.legal), np.asarray(t.action)[..., None], -1)[..., 0]
    assert taken[np.asarray(t.valid)].all()
