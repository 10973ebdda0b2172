"""PettingZoo's Parallel API as arrays: unlike kinds, births, deaths, time limits, masks, and faults by name."""

import numpy as np
import pettingzoo
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.forms.parallel import Reads, parallel


class Village(pettingzoo.ParallelEnv):
    """Three kinds of trouble: ("elder", 1) ends in step 2, "child" is born in step 2, 7 is cut off with it in step 3.

    The elder and the child see [step, seed] as float64 and take actions 5 and 6; agent 7 sees three bits beside its
    mask and takes 0, 1 or 2. Everybody earns the step, plus its action.
    """

    def __init__(self, drift=0):
        self.metadata = {"name": "village_v0"}
        self.possible_agents = [("elder", 1), 7, "child"]
        self.drift = drift

    def observation_space(self, agent):
        if agent == 7:
            return Dict({"observation": MultiBinary(3), "action_mask": Box(0, 1, (3,), np.int8)})
        return Box(-np.inf, np.inf, (2,), np.float64)

    def action_space(self, agent):
        return Discrete(3) if agent == 7 else Discrete(2, start=5)

    def seen(self, agent):
        if agent == 7:
            return {"observation": np.array([1, 0, 1], np.int8), "action_mask": np.array([0, 1, 1], np.int8)}
        return np.array([self.step_count, self.seed + self.drift], np.float64)

    def infos(self):
        masked = {"child": {"action_mask": np.array([0, 1])}}
        return {agent: masked.get(agent, {}) | {"delivered": self.step_count == 3} for agent in self.agents}

    def reset(self, seed=None, options=None):
        self.seed, self.step_count = seed, 0
        self.drift = -self.drift
        self.agents = [("elder", 1), 7]
        return {agent: self.seen(agent) for agent in self.agents}, self.infos()

    def step(self, actions):
        assert set(actions) == set(self.agents)
        self.step_count += 1
        present = self.agents[:]
        if self.step_count == 2:
            self.agents.append("child")
        told = self.agents[:]
        rewards = {agent: float(self.step_count + actions.get(agent, 0)) for agent in told}
        terminations = {agent: agent == ("elder", 1) and self.step_count == 2 for agent in told}
        truncations = {agent: agent in present and self.step_count == 3 for agent in told}
        observations, infos = {agent: self.seen(agent) for agent in told}, self.infos()
        self.agents = [agent for agent in told if not (terminations[agent] or truncations[agent])]
        return observations, rewards, terminations, truncations, infos

    def state(self):
        return np.full(4, self.step_count, np.float64)


def test_a_village_by_hand():
    drive = parallel(
        [Village(), Village()], Reads(success=lambda infos: any(info["delivered"] for info in infos.values()))
    )
    spec = drive.spec
    assert spec.agents == ("('elder', 1)", "7", "child")
    assert [kind.agents for kind in spec.kinds] == [(0, 2), (1,)]
    assert [(k.actions, k.observation_shape, k.observation_dtype) for k in spec.kinds] == [
        (2, (2,), "float32"),
        (3, (3,), "int8"),
    ]
    assert spec.state_shape == (4,)
    assert spec.team == (0, 0, 0)
    sight = drive.reset(np.array([11, 12]))
    assert sight.obs[0].tolist() == [[[0, 11], [0, 0]], [[0, 12], [0, 0]]]
    assert sight.alive.tolist() == [[True, True, False]] * 2
    assert sight.legal[1].tolist() == [[[False, True, True]]] * 2
    actions = np.array([[0, 2, 0], [1, 1, 0]])
    outcome, sight = drive.step(actions, np.array([21, 22]))
    assert outcome.reward.tolist() == [[1 + 5, 1 + 2, 0], [1 + 6, 1 + 1, 0]]
    assert not outcome.terminated.any()
    assert outcome.next is sight
    outcome, sight = drive.step(actions, np.array([21, 22]))
    assert outcome.terminated.tolist() == [[True, False, False]] * 2
    assert not outcome.truncated.any()
    assert outcome.next.alive.tolist() == [[False, True, True]] * 2  # a child is born
    assert outcome.next.legal[0][0].tolist() == [[True, True], [False, True]]
    assert outcome.next.obs[0][0, 0].tolist() == [2, 11]  # the last sight of the elder
    outcome, sight = drive.step(np.array([[0, 1, 1]] * 2), np.array([21, 22]))
    assert outcome.reward.tolist() == [[0, 3 + 1, 3 + 6]] * 2
    assert outcome.truncated.tolist() == [[False, True, True]] * 2
    assert not outcome.terminated.any()
    assert outcome.over.tolist() == [True, True]
    assert outcome.success.tolist() == [True, True]
    assert outcome.next.obs[0][0].tolist() == [[0, 0], [3, 11]]  # the true successor ...
    assert outcome.next.state[0].tolist() == [3, 3, 3, 3]
    assert sight.obs[0][0].tolist() == [[0, 21], [0, 0]]  # ... and not the reset
    assert sight.state[0].tolist() == [0, 0, 0, 0]


def test_an_episode_is_played_again_from_its_seed_and_actions():
    drive = parallel([Village()])
    drive.reset(np.array([11]))
    drive.step(np.array([[0, 2, 0]]), np.array([21]))
    saved = drive.save()
    assert saved["lengths"].tolist() == [1]
    another = parallel([Village()])
    assert another.restore(saved).obs[0].tolist() == drive.shown.obs[0].tolist()
    with pytest.raises(EnvironmentFault, match="does not repeat itself"):
        parallel([Village(drift=1)]).restore(saved)


class Small(Village):
    """One step, with something wrong about it."""

    def __init__(self, *, vanish=False, reward=1.0, stay=False, stranger=False):
        super().__init__()
        self.vanish, self.reward, self.stay, self.stranger = vanish, reward, stay, stranger

    def step(self, actions):
        observations = {agent: self.seen(agent) for agent in self.agents}
        if self.stranger:
            observations["stranger"] = self.seen(7)
        first, second = self.agents
        flags = {first: not self.vanish, second: False}
        told = observations, {first: self.reward, second: 1.0}, flags, dict.fromkeys(flags, False), {}
        if not self.stay:
            self.agents = [second]
        return told


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"vanish": True}, "vanished, neither terminated nor truncated"),
        ({"reward": float("nan")}, "was paid nan"),
        ({"stranger": True}, "agent 'stranger' appeared"),
    ],
)
def test_a_broken_promise_is_named(wrong, message):
    drive = parallel([Small(**wrong)])
    drive.reset(np.array([0]))
    with pytest.raises(EnvironmentFault, match=message):
        drive.step(np.array([[0, 1, 0]]), np.array([0]))


def test_who_has_ended_stays_dead_though_the_environment_lists_it():
    drive = parallel([Small(stay=True)])
    drive.reset(np.array([0]))
    for expected in (True, False):
        outcome, sight = drive.step(np.array([[0, 1, 0]]), np.array([0]))
        assert outcome.terminated[0].tolist() == [expected, False, False]
        assert outcome.reward[0].tolist() == [1.0 if expected else 0.0, 1.0, 0.0]
        assert sight.alive[0].tolist() == [False, True, False]


def test_whole_amounts_are_refused_by_name():
    village = Village()
    village.action_space = lambda agent: Box(-1, 1, (2,), int)
    with pytest.raises(BadInput, match=r"agent '.*' has the action space"):
        parallel([village])
