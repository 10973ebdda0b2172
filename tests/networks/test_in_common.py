"""A network in common for several agents: told which of them it acts for, or one policy for all."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from coterie.algorithms.ppo import parts
from coterie.networks.agent import Network
from coterie.networks.policies import together
from coterie.networks.team import act_values, first_networks, network_for, told_along
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


@pytest.mark.parametrize("parameters", [(0, 0, 0), (0, 1, 2), (0, 1, 0)])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_what_is_the_same_for_all_is_read_once_and_told_to_each(parameters, layer_norm):
    spec = dataclasses.replace(TEAM, parameters=parameters)
    critic = parts("mappo", DeepOptions(hidden=8, layers=1, layer_norm=layer_norm), spec).critics[0]
    kind = dataclasses.replace(KIND, observation_shape=(5,))
    params = first_networks(jax.random.key(0), dataclasses.replace(spec, kinds=(kind,)), (critic,))[0]
    state, first = jax.random.normal(jax.random.key(1), (2, 6, 1, 5)), jnp.zeros((2, 6, AGENTS), bool)

    def told(state: jax.Array) -> jax.Array:
        return told_along(critic, spec, kind, params, state, first, ())

    def products(state: jax.Array) -> list[tuple[int, ...]]:
        """The shapes of what is multiplied with weights of as many inputs as are seen."""
        inner = jax.make_jaxpr(told)(state).jaxpr
        dots = [equation for equation in inner.eqns if "dot" in equation.primitive.name]
        pairs = [[one.aval.shape for one in equation.invars] for equation in dots]
        return [seen for seen, weight in pairs if seen[-1] == 5]

    assert all(AGENTS not in shape for shape in products(state))
    assert any(AGENTS in shape for shape in products(jnp.repeat(state, AGENTS, 2)))  # the control
    np.testing.assert_allclose(told(state), told(jnp.repeat(state, AGENTS, 2)), rtol=1e-4, atol=1e-6)
    assert not np.allclose(told(state)[:, :, 0], told(state)[:, :, 1])  # who asks makes a difference


def test_pictures_of_all_agents_are_one_row_of_numbers_of_mean_0_and_deviation_1_each():
    kind = dataclasses.replace(KIND, observation_shape=(4, 3, 1), observation_dtype="uint8")
    seen = jax.random.randint(jax.random.key(0), (2, 5, AGENTS, 4, 3, 1), 0, 255).astype(jnp.uint8)
    rows = np.asarray(together(kind, seen))
    assert rows.shape == (2, 5, AGENTS * 12)
    each = rows.reshape(2, 5, AGENTS, 12)
    np.testing.assert_allclose(each.mean(-1), 0, atol=1e-5)
    np.testing.assert_allclose(each.std(-1), 1, rtol=1e-4)
    flat = np.asarray(seen, float).reshape(2, 5, AGENTS, 12)
    np.testing.assert_allclose(each[1, 2, 1], (flat[1, 2, 1] - flat[1, 2, 1].mean()) / flat[1, 2, 1].std(), rtol=1e-3)


@pytest.mark.parametrize("algorithm", ["iql", "mappo"])
@pytest.mark.parametrize("shape", [(2,), (8, 8, 1)])
def test_layers_are_normalised_where_the_options_say_so(algorithm, shape):
    kind = dataclasses.replace(KIND, observation_shape=shape)
    spec = dataclasses.replace(TEAM, kinds=(kind,))
    for asked in (True, False):
        options = DeepOptions(hidden=8, layers=2, layer_norm=asked)
        made = [network_for(kind, options)]
        if algorithm != "iql":
            own = parts(algorithm, options, spec)
            made = [*own.networks, *own.critics]
        shapes = [jax.eval_shape(lambda key, one=one: one.init(key, kind, 0), jax.random.key(0)) for one in made]
        assert {len(params.norms) for params in shapes} == {2 * asked}
