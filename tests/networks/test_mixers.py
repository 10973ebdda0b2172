"""Mixers: monotone by many draws with the free one as control, equal to the paper's formula, deaf to the absent."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from coterie.networks.mixers import Mixer, free_mixer, monotone_mixer, sum_mixer

quickly = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
N, SEEN = 3, 4
ALL = jnp.ones(N, bool)
MIXERS = {
    name: Mixer(mixer.init, jax.jit(mixer.mix))
    for name, mixer in (("sum", sum_mixer()), ("monotone", monotone_mixer(8, 6)), ("free", free_mixer(8)))
}


def made(mixer, size=SEEN, leading=(), seed=0):
    """Any parameters, without the time that compiling `init` takes."""
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(lambda key: mixer.init(key, size, N), jax.random.key(0))
    return jax.tree.map(lambda leaf: jnp.array(rng.uniform(-0.5, 0.5, (*leading, *leaf.shape)), jnp.float32), shapes)


def draws(mixer, count):
    """Parameters, chosen values and states of many teams; values far and near, so that every unit bends somewhere."""
    rng = np.random.default_rng(1)
    chosen = np.exp(np.linspace(-2, 2, count))[:, None] * rng.normal(size=(count, N))
    state = rng.normal(size=(count, SEEN))
    return made(mixer, leading=(count,)), jnp.array(chosen, jnp.float32), jnp.array(state, jnp.float32)


def slopes(mixer, count=2_000):
    params, chosen, state = draws(mixer, count)
    slope = jax.vmap(jax.grad(lambda chosen, params, state: mixer.mix(params, chosen, ALL, state)))
    return np.asarray(quickly(slope)(chosen, params, state))


def test_the_slopes_of_a_monotone_mixer_are_never_negative():
    found = slopes(MIXERS["monotone"])
    assert (found >= 0).all()
    assert (found > 0).mean() > 0.99  # and it does listen
    np.testing.assert_array_equal(slopes(MIXERS["sum"], 5), np.ones((5, N)))


def test_the_slopes_of_a_free_mixer_may_be_negative():
    found = slopes(MIXERS["free"])
    assert 0.2 < (found < 0).mean() < 0.8


def argmaxes_agree(mixer, count=200):
    """Whether each agent's best action is part of the best joint action, for each of many teams."""
    params, _, state = draws(mixer, count)
    q = jnp.array(np.random.default_rng(2).normal(size=(count, N, 2)), jnp.float32)
    joint = np.array(list(itertools.product(range(2), repeat=N)))

    def best(params, q, state):
        return jnp.argmax(jax.vmap(lambda actions: mixer.mix(params, q[jnp.arange(N), actions], ALL, state))(joint))

    return (joint[quickly(jax.vmap(best))(params, q, state)] == q.argmax(-1)).all(-1)


def test_what_each_prefers_is_what_the_team_prefers():
    assert argmaxes_agree(MIXERS["monotone"]).all()
    assert argmaxes_agree(MIXERS["sum"]).all()
    assert argmaxes_agree(MIXERS["free"]).mean() < 0.7


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def test_the_monotone_mixer_is_the_paper_s():
    """Four hypernetworks of their own, cut out of the common first matrix, and two mixing layers, in numpy."""
    mixer, embed, hyper = MIXERS["monotone"], 8, 6
    params = made(mixer)
    chosen, state = np.array([0.4, -2.0, 1.0]), np.array([1.0, -1.0, 0.5, 2.0])
    weight, bias = np.asarray(params.first.weight, float), np.asarray(params.first.bias, float)
    b1, before_v, before_w1, before_w2 = np.split(weight @ state + bias, np.cumsum([embed, embed, hyper]))

    def layer(layer, x):
        return np.asarray(layer.weight, float) @ np.maximum(x, 0) + np.asarray(layer.bias)

    w1 = np.abs(layer(params.inner, before_w1)).reshape(embed, N)
    w2, v = np.abs(layer(params.outer, before_w2)), layer(params.value, before_v)[0]
    expected = w2 @ elu(w1 @ chosen + b1) + v
    assert mixer.mix(params, jnp.array(chosen), ALL, jnp.array(state)) == pytest.approx(expected, rel=1e-5)
    absent = w2 @ elu(w1[:, [0, 2]] @ chosen[[0, 2]] + b1) + v
    found = mixer.mix(params, jnp.array(chosen), jnp.array([True, False, True]), jnp.array(state))
    assert found == pytest.approx(absent, rel=1e-5)


def test_the_free_mixer_by_hand():
    mixer = MIXERS["free"]
    params = made(mixer)
    chosen, state = np.array([0.4, 0.0, 1.0]), np.array([1.0, -1.0, 0.5, 2.0])
    x = np.concatenate([chosen, state])
    for layer in params.layers:
        x = np.asarray(layer.weight) @ x + np.asarray(layer.bias)
        x = np.maximum(x, 0) if len(x) > 1 else x
    v = np.maximum(np.asarray(params.state.weight) @ state + np.asarray(params.state.bias), 0)
    expected = x[0] + np.asarray(params.value.weight)[0] @ v + float(params.value.bias[0])
    found = mixer.mix(params, jnp.array([0.4, 9.0, 1.0]), jnp.array([True, False, True]), jnp.array(state))
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", MIXERS)
def test_the_absent_contribute_nothing(name):
    mixer, present = MIXERS[name], jnp.array([True, False, True])
    params = made(mixer)
    chosen, state = jnp.array([1.0, 2.0, 3.0]), jnp.ones(SEEN)
    mix = quickly(jax.value_and_grad(lambda chosen, present: mixer.mix(params, chosen, present, state)))
    value, slope = mix(chosen, present)
    for other in (50.0, jnp.nan):
        spoilt, spoilt_slope = mix(chosen.at[1].set(other), present)
        assert spoilt == value
        np.testing.assert_array_equal(spoilt_slope, slope)
    assert slope[1] == 0
    assert (slope[jnp.array([0, 2])] != 0).all()
    heard, heard_slope = mix(chosen.at[1].set(50.0), ALL)
    assert heard != value  # present, it counts
    assert heard_slope[1] != 0


@pytest.mark.parametrize("name", ["monotone", "free"])
def test_where_there_is_no_state_it_is_a_constant(name):
    mixer, chosen = MIXERS[name], jnp.array([1.0, 2.0, 3.0])
    params = made(mixer, 0)
    nothing = mixer.mix(params, chosen, ALL, jnp.zeros(0))
    assert np.isfinite(nothing)
    assert nothing == mixer.mix(params, chosen, ALL, jnp.ones(1))
    assert nothing != mixer.mix(params, chosen + 1, ALL, jnp.zeros(0))


@pytest.mark.parametrize("name", ["monotone", "free"])
def test_states_of_any_shape_matter(name):
    mixer, chosen = MIXERS[name], jnp.array([1.0, 2.0, 3.0])
    params = made(mixer)
    flat = mixer.mix(params, chosen, ALL, jnp.array([1.0, 0.0, 2.0, 0.0]))
    assert flat == mixer.mix(params, chosen, ALL, jnp.array([[1, 0], [2, 0]], jnp.uint8))
    assert flat != mixer.mix(params, chosen, ALL, jnp.array([1.0, 0.0, 2.0, 1.0]))


@pytest.mark.parametrize("name", ["monotone", "free"])
def test_first_parameters(name):
    """Arrays within one over the root of what comes in, each of which has a slope."""
    mixer, chosen, state = MIXERS[name], jnp.array([1.0, 2.0, 3.0]), jnp.ones(SEEN)
    params = quickly(lambda key: mixer.init(key, SEEN, N))(jax.random.key(0))
    slope = quickly(jax.grad(lambda params: mixer.mix(params, chosen, ALL, state)))(params)
    for leaf, slopes in zip(jax.tree.leaves(params), jax.tree.leaves(slope), strict=True):
        assert leaf.dtype == jnp.float32
        assert np.any(slopes)
        if leaf.ndim == 2:
            assert 0.8 < np.abs(leaf).max() * np.sqrt(leaf.shape[1]) <= 1


def test_the_order_of_agents_does_not_matter_to_a_sum():
    chosen = jnp.array([1.0, 20.0, 300.0])
    present = jnp.array([True, False, True])
    mix = MIXERS["sum"].mix
    for order in itertools.permutations(range(N)):
        assert mix((), chosen[jnp.array(order)], present[jnp.array(order)], jnp.zeros(0)) == 301
    params = made(MIXERS["monotone"])
    shuffled = [MIXERS["monotone"].mix(params, jnp.roll(chosen, k), ALL, jnp.ones(SEEN)) for k in range(N)]
    assert len({float(value) for value in shuffled}) == N  # a mixer with a weight for each does care
