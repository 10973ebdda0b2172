"""The environment below the AEC-to-parallel wrapper, driven directly, against the wrapper itself."""

import numpy as np
import pettingzoo
import pytest
from gymnasium.spaces import Box, Discrete
from mpe2 import simple_speaker_listener_v4, simple_spread_v3, simple_tag_v3
from pettingzoo.utils.conversions import aec_to_parallel_wrapper
from pettingzoo.utils.wrappers import BaseWrapper, OrderEnforcingWrapper

from coterie.pettingzoo.forms.direct import Direct, fastest
from coterie.pettingzoo.forms.parallel import parallel


def assert_same(one, other):
    """Equal bit for bit, types included."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one.view(np.uint8), other.view(np.uint8))
    else:
        assert one == other


def play_both(behind, directly, episodes=2, steps=30):
    """Whole episodes of random play, everything compared."""
    draws, told = np.random.default_rng(3), 0
    for seed in range(episodes):
        (seen, infos), (also_seen, also_infos) = behind.reset(seed=seed), directly.reset(seed=seed)
        assert_same(seen, also_seen)
        assert_same(infos, also_infos)
        for _ in range(steps):
            if not behind.agents:
                break
            actions = {agent: int(draws.integers(behind.action_space(agent).n)) for agent in behind.agents}
            expected, found = behind.step(actions), directly.step(actions)
            for one, other in zip(expected, found, strict=True):
                assert_same(dict(one), other)
            assert behind.agents == directly.agents
            assert_same(behind.state(), directly.state())
            told += 1
    return told


@pytest.mark.parametrize(
    "module, options",
    [
        (simple_spread_v3, {}),
        (simple_spread_v3, {"terminate_on_success": True, "max_cycles": 10}),
        (simple_speaker_listener_v4, {}),
        (simple_tag_v3, {}),
    ],
)
def test_it_is_the_wrapper_bit_for_bit(module, options):
    behind, below = module.parallel_env(**options), module.parallel_env(**options)
    assert fastest(below) is Direct
    cycles = options.get("max_cycles", 25)
    assert play_both(behind, Direct(below)) == 2 * cycles  # the last step of an episode is among them


class Dice(pettingzoo.AECEnv):
    """Agents a, b, c throw in turn; who acts earns its number. b has ended after cycle 2, all are cut off in cycle 4.

    noisy: each look draws a number. turning: the order turns around in cycle 3.
    """

    def __init__(self, noisy=False, turning=False):
        self.metadata = {"name": "dice_v0", "is_parallelizable": True}
        self.render_mode = None
        self.possible_agents = ["a", "b", "c"]
        self.noisy, self.turning = noisy, turning

    def observation_space(self, agent):
        return Box(0, 100, (2,), np.float32)

    def action_space(self, agent):
        return Discrete(3)

    def reset(self, seed=None, options=None):
        self.draws = np.random.default_rng(seed)
        self.agents, self.order = self.possible_agents[:], self.possible_agents[:]
        self.cycle, self.thrown = 0, 0.0
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}
        self.agent_selection = "a"

    def observe(self, agent):
        extra = self.draws.random() if self.noisy else self.cycle
        return np.array([extra, self.thrown], np.float32)

    def state(self):
        return np.array([self.cycle, self.thrown], np.float32)

    def step(self, action):
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        self.rewards[agent] = 0.1 * (1 + action)
        order = [name for name in self.order if name in self.agents]
        following = (order.index(agent) + 1) % len(order)
        if following == 0:
            self.cycle += 1
            self.thrown = float(self.draws.random())
            self.rewards = {name: reward + self.thrown for name, reward in self.rewards.items()}
            if self.cycle == 2:
                self.terminations["b"] = True
            if self.cycle == 4:
                self.truncations = dict.fromkeys(self.agents, True)
            if self.cycle == 3 and self.turning:
                self.order.reverse()
                order.reverse()
        self.agent_selection = order[following]
        if following == 0:
            self._deads_step_first()
        self._accumulate_rewards()


def behind(environment):
    return aec_to_parallel_wrapper(OrderEnforcingWrapper(environment))


def test_a_death_at_the_end_of_a_cycle():
    below = behind(Dice())
    assert fastest(below) is Direct
    assert play_both(behind(Dice()), Direct(below)) == 2 * 4


def test_an_environment_that_draws_while_it_is_observed_stays_behind_its_wrapper():
    assert fastest(behind(Dice(noisy=True))) is None
    assert type(parallel([behind(Dice(noisy=True))]).ones[0].environment) is aec_to_parallel_wrapper
    with pytest.raises(AssertionError):
        play_both(behind(Dice(noisy=True)), Direct(behind(Dice(noisy=True))))


def test_agents_out_of_turn_are_refused_as_the_wrapper_does():
    assert fastest(behind(Dice(turning=True))) is None
    for form in (behind(Dice(turning=True)), Direct(behind(Dice(turning=True)))):
        form.reset(seed=0)
        for _ in range(3):
            form.step(dict.fromkeys(form.agents, 0))
        with pytest.raises(AssertionError, match="expected"):
            form.step(dict.fromkeys(form.agents, 0))


class Doubled(BaseWrapper):
    """A layer that does more than check: what is seen is twice as large."""

    def observe(self, agent):
        return 2 * super().observe(agent)


def test_a_layer_that_changes_something_stays():
    below = behind(Doubled(Dice()))
    assert fastest(below) is Direct
    assert isinstance(Direct(below).raw, Doubled)
    assert play_both(behind(Doubled(Dice())), Direct(below)) == 2 * 4
    assert not play_with_other_sights(behind(Doubled(Dice())), Direct(behind(Dice())))


def play_with_other_sights(one, other):
    """The control: without that layer the first look at a throw differs."""
    for form in (one, other):
        form.reset(seed=0)
    actions = dict.fromkeys(one.agents, 1)
    return np.array_equal(one.step(actions)[0]["a"], other.step(actions)[0]["a"])


def test_a_state_of_its_own_is_asked_for():
    class Elsewhere(simple_spread_v3.raw_env):
        def state(self):
            return np.zeros(54, np.float32)

    direct = Direct(aec_to_parallel_wrapper(Elsewhere()))
    direct.reset(seed=0)
    assert not direct.state().any()
    usual = Direct(simple_spread_v3.parallel_env())
    usual.reset(seed=0)
    np.testing.assert_array_equal(usual.state(), usual.raw.state())
    assert usual.state().any()


def test_what_is_not_behind_the_wrapper_is_left_alone():
    class Native(pettingzoo.ParallelEnv):
        possible_agents = ()

    assert fastest(Native()) is None
