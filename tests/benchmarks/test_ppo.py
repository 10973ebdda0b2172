"""Policies beside JaxMARL's: what one update costs is counted as it can be by hand, and results are read rightly."""

from types import SimpleNamespace

import pytest

from coterie.settings import DeepOptions


@pytest.fixture(scope="module")
def ppo(script):
    return script("ppo")


def side(*seconds, cold):
    return {
        "env_steps": 1_000, "all_seconds": list(seconds), "cold_start_seconds": cold, "share_of_limit": 0.25,
    }  # fmt: skip


def test_operations_are_those_of_each_layer(ppo):
    kind = SimpleNamespace(observation_shape=(18,), actions=5)
    found = ppo.operations(SimpleNamespace(kinds=[kind], agents=range(3)))
    decisions = 16 * 128 * 3
    actor, critic = (2 * (21 * 64 + 64 * 64 + 64 * outputs) for outputs in (5, 1))
    backward = [2 * layer - 2 * 21 * 64 for layer in (actor, critic)]  # nothing asks for the gradients of what is seen
    assert found["acting"] == decisions * actor
    assert found["values"] == decisions * 2 * critic
    assert found["epochs"] == decisions * 4 * (actor + critic + sum(backward))


def test_every_round_fills_whole_visits(ppo):
    assert all(steps % ppo.VISIT == 0 for steps in ppo.STEPS.values())
    assert ppo.VISIT % ppo.MINIBATCHES == 0


def test_ratios_are_of_rates_round_by_round(ppo):
    case = ppo.beside(side(1.0, 2.0, 4.0, cold=5.0), side(2.0, 2.0, 2.0, cold=10.0), "env_steps")
    assert case["ratios"] == [2.0, 1.0, 0.5]
    assert case["ratio"] == 1.0
    assert case["cold_ratio"] == 0.5
    line = ppo.told("2 seeds", case, "env_steps")
    assert "500 against      500" in line
    assert "1.00 x (0.50 to 2.00)" in line
    assert "25 % of the arithmetic limit" in line


def test_the_settings_are_options_of_a_learner(ppo):
    options = DeepOptions(**ppo.EQUAL)
    assert options.environments * options.rows == ppo.VISIT
    assert not options.recurrent
