"""Networks of agents against numpy, Equinox's cell and lax.conv; what is remembered, reset, and given a gradient."""

import dataclasses
from functools import partial
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from coterie.networks.agent import convolve, dense_network, image_network, unroll, values
from coterie.networks.team import row_values
from coterie.types import Kind, Spec

quickly = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
SEEN, ACTIONS, HIDDEN, L = 3, 4, 5, 6
VECTOR = Kind((0, 1), ACTIONS, (SEEN,), "float32")
NOBODY = jnp.zeros(0)


def network(**options):
    return dense_network(hidden=HIDDEN, **options)


def made(net, kind=VECTOR, ids=0):
    """Any parameters, without the time that compiling `init` takes."""
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda key: net.init(key, kind, ids), jax.random.key(0))
    return jax.tree.map(lambda leaf: jnp.array(rng.uniform(-0.5, 0.5, leaf.shape), jnp.float32), shapes)


def q_of(net, params, obs, who=NOBODY):
    return np.asarray(quickly(lambda params: net.head(params, net.encode(params, obs, who)))(params))


def by_hand(params, x):
    """The dense layers of a network in numpy, normalised where there are norms."""
    for place, layer in enumerate(params.layers):
        x = np.asarray(layer.weight) @ x + np.asarray(layer.bias)
        if params.norms:
            norm = params.norms[place]
            x = (x - x.mean()) / np.sqrt(x.var() + 1e-5) * np.asarray(norm.weight) + np.asarray(norm.bias)
        x = np.maximum(x, 0)
    return np.asarray(params.top.weight) @ x + np.asarray(params.top.bias)


# Feed-forward


@pytest.mark.parametrize("norms", [False, True])
def test_dense_layers_by_hand(norms):
    net = network(layer_norm=norms)
    assert len(made(net).norms) == 2 * norms
    params, seen, who = made(net, ids=2), np.array([0.3, -1.2, 2.0]), np.array([0.0, 1.0])
    expected = by_hand(params, np.concatenate([seen, who]))
    np.testing.assert_allclose(q_of(net, params, jnp.array(seen), jnp.array(who)), expected, rtol=1e-5, atol=1e-6)
    other = by_hand(params, np.concatenate([seen, [1, 0]]))
    assert np.abs(other - expected).max() > 1e-3  # who it is makes a difference


def test_a_dueling_head_is_a_value_and_advantages_of_mean_zero():
    net = network(dueling=True)
    params, seen = made(net), np.array([0.3, -1.2, 2.0])
    value, *advantages = by_hand(params, seen)
    expected = value + np.array(advantages) - np.mean(advantages)
    np.testing.assert_allclose(q_of(net, params, jnp.array(seen)), expected, rtol=1e-5, atol=1e-6)
    assert expected.mean() == pytest.approx(value)
    raised = eqx.tree_at(lambda params: params.top.bias, params, params.top.bias.at[1:].add(7.0))
    np.testing.assert_allclose(q_of(net, raised, jnp.array(seen)), expected, rtol=1e-4, atol=1e-5)


def test_without_memory_one_step_and_a_sequence_are_the_same():
    net = network()
    params, obs = made(net), jax.random.normal(jax.random.key(1), (L, SEEN))
    assert net.recur is None
    assert net.memory == 0
    q, memory = quickly(partial(values, net))(params, obs[0], NOBODY, (), jnp.array(True))
    assert memory == ()
    along = quickly(partial(unroll, net))(params, obs, NOBODY, (), jnp.zeros(L, bool))
    assert along.shape == (L, ACTIONS)
    np.testing.assert_allclose(along[0], q, rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "obs", "expected"),
    [
        (Kind((0,), 2, (), "int32", 3), 2, [0, 0, 1, 0]),
        (Kind((0,), 2, (), "int32", 1024), 1024, [0] * 1024 + [1]),
        (Kind((0,), 2, (), "int32", 1025), 205, [0.2]),
        (Kind((0,), 2, (), "float32"), 0.7, [0.7]),
        (Kind((0,), 2, (2,), "int32", 4), [1, 4], [0.25, 1]),
        (Kind((0,), 2, (2,), "int32"), [1, 4], [1, 4]),
        (Kind((0,), 2, (2, 2), "uint8", 2), [[0, 1], [2, 0]], [0, 0.5, 1, 0]),
        (Kind((0,), 2, (0,), "float32"), [], []),
        (Kind((0,), 2, (2,), "int32", 0), [0, 0], [0, 0]),
    ],
)
def test_what_a_network_makes_of_an_observation(kind, obs, expected):
    net = network(layers=1)
    params = made(net, kind)
    assert params.layers[0].weight.shape == (HIDDEN, len(expected))
    found = q_of(net, params, jnp.array(obs, kind.observation_dtype))
    np.testing.assert_allclose(found, by_hand(params, np.array(expected, float)), rtol=1e-4, atol=1e-6)


# The first weights


@pytest.mark.parametrize("recurrent", [False, True])
def test_first_weights_are_uniform_within_one_over_the_root_of_what_comes_in(recurrent):
    net = dense_network(hidden=64, layers=2, recurrent=recurrent)
    params = quickly(lambda key: net.init(key, VECTOR, 5))(jax.random.key(0))
    bounded = [(layer.weight, 8 if place == 0 else 64) for place, layer in enumerate(params.layers)]
    bounded += [(layer.bias, 8 if place == 0 else 64) for place, layer in enumerate(params.layers)]
    bounded.append((params.top.weight, 64))
    if recurrent:
        bounded += [(params.cell.weight_ih, 64), (params.cell.weight_hh, 64), (params.cell.bias_n, 64)]
    for weight, below in bounded:
        bound = 1 / np.sqrt(below)
        assert bound * 0.9 < np.abs(weight).max() <= bound
        assert np.std(weight) == pytest.approx(bound / np.sqrt(3), rel=0.25)


@pytest.mark.parametrize("pictures", [False, True])
def test_parameters_are_arrays_and_differ_by_key(pictures):
    net = image_network(hidden=HIDDEN, recurrent=True) if pictures else network(recurrent=True, layer_norm=True)
    kind = Kind((0,), 2, (6, 6, 1), "uint8") if pictures else VECTOR
    first = quickly(jax.vmap(lambda key: net.init(key, kind, 2)))(jax.random.split(jax.random.key(0)))
    leaves = jax.tree.leaves(eqx.tree_at(lambda p: p.norms, first, ()))
    assert all(isinstance(leaf, jax.Array) and leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(first))
    assert all((leaf[0] != leaf[1]).all() for leaf in leaves)


def test_no_first_weights_by_orthogonalisation():
    """A batched QR can hang on a CPU with two cores."""
    init = jax.vmap(lambda key: network(recurrent=True).init(key, VECTOR, 2))
    assert "qr" not in str(jax.make_jaxpr(init)(jax.random.split(jax.random.key(0)))).split()
    assert "qr" in str(jax.make_jaxpr(jnp.linalg.qr)(jnp.eye(3))).replace("[", " ").split()


# Memory


def remembering():
    net = network(layers=1, recurrent=True)
    params, (a, b) = made(net, ids=2), jax.random.split(jax.random.key(2))
    return net, params, jax.random.normal(a, (L, SEEN)), jnp.eye(2)[1], jax.random.normal(b, (HIDDEN,))


def by_equinox(params, obs, who, memory, first):
    """The same network with Equinox's own cell, one row after the other."""
    along = []
    for row, begins in zip(obs, first, strict=True):
        x = jax.nn.relu(params.layers[0](jnp.concatenate([row, who])))
        memory = params.cell(x, jnp.zeros(HIDDEN) if begins else memory)
        along.append(params.top(memory))
    return jnp.stack(along)


@pytest.mark.parametrize("first", [(0, 0, 0, 0, 0, 0), (1, 0, 0, 1, 0, 0)])
def test_a_sequence_is_equinox_s_cell_row_by_row(first):
    net, params, obs, who, memory = remembering()
    along = quickly(partial(unroll, net))(params, obs, who, memory, jnp.array(first, bool))
    np.testing.assert_allclose(along, by_equinox(params, obs, who, memory, first), rtol=1e-4, atol=1e-6)

    def slopes(function, first):
        return quickly(jax.grad(lambda params: (function(params, obs, who, memory, first) ** 2).sum()))(params)

    ours = slopes(lambda *given: unroll(net, *given), jnp.array(first, bool))
    theirs = slopes(by_equinox, first)
    for own, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-3, atol=1e-5)


def test_acting_step_by_step_equals_the_sequence():
    net, params, obs, who, memory = remembering()
    first = jnp.arange(L) == 3
    along = quickly(partial(unroll, net))(params, obs, who, memory, first)
    step = quickly(lambda obs, memory, first: values(net, params, obs, who, memory, first))
    for t in range(L):
        q, memory = step(obs[t], memory, first[t])
        assert memory.shape == (net.memory,)
        np.testing.assert_allclose(q, along[t], rtol=1e-5, atol=1e-6)


def test_an_episode_knows_nothing_of_the_one_before():
    """Neither in its values nor in its gradients; without the mark of a first row it would."""
    net, params, obs, who, memory = remembering()
    first = jnp.arange(L) == 3
    play = quickly(partial(unroll, net))
    alone = play(params, obs[3:], who, jnp.zeros(HIDDEN), jnp.zeros(3, bool))
    np.testing.assert_allclose(play(params, obs, who, memory, first)[3:], alone, rtol=1e-5, atol=1e-6)
    assert np.abs(play(params, obs, who, memory, jnp.zeros(L, bool))[3:] - alone).max() > 1e-3

    def later(obs, memory, first):
        return unroll(net, params, obs, who, memory, first)[3:].sum()

    slopes = quickly(jax.grad(later, (0, 1)))
    by_obs, by_memory = slopes(obs, memory, first)
    assert not np.any(by_obs[:3])
    assert not np.any(by_memory)
    assert np.any(by_obs[3:])
    by_obs, by_memory = slopes(obs, memory, jnp.zeros(L, bool))
    assert (np.abs(by_obs[:3]).max(1) > 0).all()
    assert np.any(by_memory)


def count(jaxpr, name):
    found = 0
    for equation in jaxpr.eqns:
        found += equation.primitive.name == name
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda leaf: hasattr(leaf, "eqns")):
            inner = getattr(inner, "jaxpr", inner)
            found += count(inner, name) if hasattr(inner, "eqns") else 0
    return found


def test_only_the_hidden_half_stands_in_the_loop():
    """In the loop over time there is one product a gate; those of layers, of inputs and of the head are outside."""
    net, params, obs, who, memory = remembering()
    jaxpr = jax.make_jaxpr(lambda *given: unroll(net, *given))(params, obs, who, memory, jnp.zeros(L, bool)).jaxpr
    loops = [equation.params["jaxpr"].jaxpr for equation in jaxpr.eqns if equation.primitive.name == "scan"]
    assert [count(loop, "dot_general") for loop in loops] == [3]
    assert count(jaxpr, "dot_general") == 6


# Pictures


def by_lax(filters, x, size, stride):
    weight = filters.weight.reshape(-1, size, size, x.shape[-1]).transpose(1, 2, 3, 0)
    margin = (size // 2, size // 2)
    shapes = ("NHWC", "HWIO", "NHWC")
    found = jax.lax.conv_general_dilated(x[None], weight, (stride, stride), (margin, margin), dimension_numbers=shapes)
    return found[0] + filters.bias


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (3, 1), (3, 2), (3, 3), (5, 2)])
@pytest.mark.parametrize("shape", [(7, 4, 2), (6, 5, 1), (1, 2, 3)])
def test_shifted_slices_are_a_convolution(size, stride, shape):
    filters = eqx.nn.Linear(size * size * shape[-1], 4, key=jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), shape)
    both = quickly(lambda x: (convolve(filters, x, size, stride), by_lax(filters, x, size, stride)))
    found, expected = both(x)
    assert expected.shape == (-(-shape[0] // stride), -(-shape[1] // stride), 4)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    if shape[0] > 1:
        assert np.abs(both(x[::-1])[0] - expected).max() > 1e-2


def test_the_gradient_of_shifted_slices():
    filters, x = eqx.nn.Linear(18, 3, key=jax.random.key(0)), jax.random.normal(jax.random.key(1), (7, 4, 2))
    ours, theirs = (
        quickly(jax.grad(lambda both, conv=conv: (conv(*both, 3, 2) ** 2).sum()))((filters, x))
        for conv in (convolve, by_lax)
    )
    for own, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("high", [None, 4])
def test_a_network_for_pictures_by_hand(high):
    """Bytes are divided by 255, or by their kind's highest; two convolutions, then the dense layers."""
    net = image_network(channels=(3, 2), hidden=HIDDEN)
    kind = Kind((0,), ACTIONS, (7, 5, 2), "uint8", high)
    params, obs = made(net, kind, ids=2), jax.random.randint(jax.random.key(3), (7, 5, 2), 0, 5).astype(jnp.uint8)
    x = obs / (high or 255)
    for filters in params.filters:
        x = jax.nn.relu(by_lax(filters, x, 3, 2))
    assert x.shape == (2, 2, 2)
    expected = by_hand(params, np.concatenate([np.asarray(x).ravel(), [0, 1]]))
    np.testing.assert_allclose(q_of(net, params, obs, jnp.eye(2)[1]), expected, rtol=1e-4, atol=1e-5)


def test_pictures_can_be_remembered():
    net = image_network(channels=(2,), hidden=HIDDEN, recurrent=True, dueling=True)
    params, obs = (
        made(net, Kind((0,), ACTIONS, (4, 4, 1), "float32")),
        jax.random.normal(jax.random.key(4), (3, 4, 4, 1)),
    )
    play = quickly(lambda obs: unroll(net, params, obs, NOBODY, jnp.zeros(HIDDEN), jnp.zeros(3, bool)))
    along, other = play(obs), play(obs.at[0].add(1.0))
    assert along.shape == (3, ACTIONS)
    assert np.abs(along[2] - other[2]).max() > 1e-5


@pytest.mark.parametrize("recurrent", [False, True])
def test_agents_that_wait_are_valued_as_if_their_own_rows_followed_each_other(recurrent):
    kind = Kind((0,), 3, (2,), "float32")
    spec = Spec(("a",), (kind,), (0,), (0,), (0,), waits=True)
    net = dense_network(8, 1, recurrent)
    params = jax.tree.map(lambda leaf: leaf[None], net.init(jax.random.key(3), kind, 0))
    rng, own = np.random.default_rng(0), [1, 4, 5]
    valid = np.zeros((7, 1, 1), bool)
    valid[own] = True
    sights = rng.normal(size=(len(own) + 1, 1, 1, 2)).astype(np.float32)
    obs, following = rng.normal(size=(2, 7, 1, 1, 2)).astype(np.float32)
    obs[own], following[own] = sights[:-1], sights[1:]  # elsewhere stands what must not matter
    rows = SimpleNamespace(obs=jnp.array(obs), next_obs=jnp.array(following), valid=jnp.array(valid))
    close = SimpleNamespace(obs=sights[:-1], next_obs=sights[1:], valid=np.ones((len(own), 1, 1), bool))
    q, wanted = row_values(net, spec, kind, rows, params), row_values(net, spec, kind, close, params)
    np.testing.assert_allclose(q[:-1][np.array(own)], wanted[:-1], rtol=1e-5)
    np.testing.assert_allclose(q[1:][np.array(own)], wanted[1:], rtol=1e-5)
    blind = row_values(net, dataclasses.replace(spec, waits=False), kind, rows, params)
    if recurrent:  # the control: rows of others, remembered as if they were its own
        assert not np.allclose(blind[1:][np.array(own)], wanted[1:], rtol=1e-2)
