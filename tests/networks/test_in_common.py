"""A network in common for several agents: told which of them it acts for, or one policy for all."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from coterie.algorithms.ppo import parts
from coterie.networks.agent import Network
from coterie.networks.team import act_values, first_networks, network_for
from coterie.settings import DeepOptions
from coterie.types import Kind, Spec, View

AGENTS = 3
KIND = Kind(tuple(range(AGENTS)), 4, (2,), "float32")
TEAM = Spec(("a", "b", "c"), (KIND,), (0,) * AGENTS, (0,) * AGENTS, tuple(range(AGENTS)), state_shape=(5,))


def each_sees_the_same(network: Network, spec: Spec = TEAM) -> np.ndarray:
    """What the head tells each agent, [N, A], where all see the same."""
    params = first_networks(jax.random.key(0), spec, (network,))[0]
    yes = jnp.ones((1, AGENTS), bool)
    view = View(jnp.full((1, AGENTS, 2), 0.7), jnp.ones((1, AGENTS, 4), bool), yes, yes, yes)
    return np.asarray(act_values(network, spec, KIND, params, view, ())[0][0])


@pytest.mark.parametrize("algorithm", ["iql", "ippo"])
@pytest.mark.parametrize("identity", [True, False])
def test_who_sees_the_same_does_the_same_unless_told_apart(algorithm, identity):
    options = DeepOptions(hidden=8, layers=1, identity=identity)
    network = network_for(KIND, options) if algorithm == "iql" else parts("ippo", options, TEAM).networks[0]
    told = each_sees_the_same(network)
    assert np.array_equal(told[0], told[1]) is np.array_equal(told[0], told[2]) is not identity
    own = each_sees_the_same(network, dataclasses.replace(TEAM, parameters=(0, 1, 2)))
    assert not np.array_equal(own[0], own[1])  # the control: networks of one's own differ, whatever they are told


@pytest.mark.parametrize(("algorithm", "told"), [("ippo", False), ("mappo", True)])
def test_critics_of_the_whole_are_always_told_for_whom(algorithm, told):
    """All see one state there: nothing else would say whose reward is to be expected."""
    made_of = parts(algorithm, DeepOptions(identity=False), TEAM)
    assert (made_of.networks[0].identity, made_of.critics[0].identity) == (False, told)
