"""The sum over those present, and the weights of weighted QMIX as the paper states them."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from coterie.equations.mixing import optimistically_weighted, sum_mixer

CLIMBING = np.array([[11.0, -30, 0], [-30, 7, 6], [0, 0, 5]])
PENALTY = np.array([[10.0, 0, -100], [0, 2, 0], [-100, 0, 9]])  # with one best pair
CHOSEN = jnp.array([1.0, 20.0, 300.0])


@pytest.mark.parametrize(("present", "expected"), [((1, 1, 1), 321), ((1, 0, 1), 301), ((0, 1, 0), 20), ((0, 0, 0), 0)])
def test_the_absent_contribute_nothing(present, expected):
    present = jnp.array(present, bool)
    assert sum_mixer(CHOSEN, present) == expected
    spoilt = jnp.where(present, CHOSEN, jnp.nan)
    assert sum_mixer(spoilt, present) == expected
    np.testing.assert_array_equal(jax.grad(sum_mixer)(CHOSEN, present), present)
    np.testing.assert_array_equal(jax.grad(sum_mixer)(spoilt, present), present)


def test_the_order_of_agents_does_not_matter():
    present = np.array([True, False, True])
    for order in itertools.permutations(range(3)):
        order = np.array(order)
        assert sum_mixer(CHOSEN[order], jnp.array(present[order])) == 301


def test_optimistic_weights():
    """1 where Q_tot is below its target, alpha where it is not; hysteresis for the team."""
    np.testing.assert_allclose(optimistically_weighted(jnp.array([-2.0, 0.0, 0.5]), 0.1), [0.1, 0.1, 1.0])


@pytest.mark.parametrize("pay", [CLIMBING, PENALTY])
def test_optimism_lets_a_sum_of_values_prefer_the_best_pair(pay):
    """A sum fitted to the pay of all nine pairs is least wrong with a safe pair on top, unless optimism is allowed."""
    pairs = np.array([[*np.eye(3)[a], *np.eye(3)[b]] for a in range(3) for b in range(3)])

    def preferred(alpha):
        values = np.zeros(6)
        for _ in range(50):  # weighted least squares, with the weights of the last fit
            error = jnp.array(pay.ravel() - pairs @ values)
            root = np.sqrt(np.asarray(optimistically_weighted(error, alpha)))
            values += 0.5 * (np.linalg.lstsq(root[:, None] * pairs, root * pay.ravel(), rcond=None)[0] - values)
        return values[:3].argmax(), values[3:].argmax()

    assert pay[preferred(1.0)] < pay.max()
    assert pay[preferred(0.01)] == pay.max()
