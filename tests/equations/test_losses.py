"""Losses by hand, by their slopes, and against optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from coterie.equations.losses import huber, hysteretic, squared

ERRORS = jnp.array([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0])


def test_by_hand():
    np.testing.assert_allclose(squared(ERRORS), [4.5, 0.5, 0.125, 0, 0.125, 0.5, 4.5])
    np.testing.assert_allclose(huber(ERRORS), [2.5, 0.5, 0.125, 0, 0.125, 0.5, 2.5])
    np.testing.assert_allclose(huber(ERRORS, 0.5), [1.375, 0.375, 0.125, 0, 0.125, 0.375, 1.375])


@pytest.mark.parametrize("knee", [0.5, 1.0, 2.0])
def test_huber_is_optax_s(knee):
    errors = jnp.linspace(-4, 4, 101)
    np.testing.assert_allclose(huber(errors, knee), optax.losses.huber_loss(errors, delta=knee), rtol=1e-5, atol=1e-6)


def test_slopes():
    """Half a square's slope is the error; Huber's is never steeper than the knee; neither has a slope at 0."""
    slopes = jax.vmap(jax.grad(squared))(ERRORS)
    np.testing.assert_allclose(slopes, ERRORS)
    np.testing.assert_allclose(jax.vmap(jax.grad(huber))(ERRORS), np.clip(ERRORS, -1, 1))


@pytest.mark.parametrize("loss", [squared, huber])
def test_bad_news_weighs_its_share(loss):
    found = hysteretic(ERRORS, 0.2, loss)
    bad = np.asarray(ERRORS) < 0
    np.testing.assert_allclose(found[bad], 0.2 * loss(ERRORS)[bad], rtol=1e-6)
    np.testing.assert_array_equal(found[~bad], loss(ERRORS)[~bad])
    np.testing.assert_array_equal(hysteretic(ERRORS, 1.0, loss), loss(ERRORS))


def test_a_value_falls_more_slowly_than_it_rises():
    """One step of gradient descent on value 1 towards target 0, and on value 0 towards target 1."""
    slope = jax.grad(lambda value, target: hysteretic(target - value, 0.1, squared))
    assert slope(1.0, 0.0) == pytest.approx(0.1)  # the value is too high: bad news
    assert slope(0.0, 1.0) == pytest.approx(-1.0)
    flipped = jax.grad(lambda value, target: hysteretic(value - target, 0.1, squared))
    assert flipped(1.0, 0.0) == pytest.approx(1.0)  # with the sign the wrong way round it falls at once
