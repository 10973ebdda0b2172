"""Choosing by hand and by frequency: nothing illegal is chosen, valued, or given a gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from coterie.equations.choosing import LOWEST, double, epsilon_greedy, greedy, linear, masked, taken

Q = jnp.array([1.0, 5.0, 3.0, 5.0])
ALL = jnp.ones(4, bool)
NOT_BEST = jnp.array([True, False, True, False])
DRAWS = 40_000


@jax.jit
def many(epsilon, legal):
    return epsilon_greedy(jax.random.key(0), jnp.broadcast_to(Q, (DRAWS, 4)), legal, epsilon)


def shares(epsilon, legal):
    """How often each action is chosen."""
    chosen = np.asarray(many(epsilon, legal))
    assert chosen.dtype == np.int32
    return np.bincount(chosen, minlength=4) / DRAWS


def test_the_first_of_the_best_legal_actions():
    assert greedy(Q, ALL) == 1
    assert greedy(Q, NOT_BEST) == 2
    assert greedy(jnp.full(4, -1e30), jnp.array([False, False, True, True])) == 2
    assert greedy(Q, ALL).dtype == jnp.int32
    assert jnp.argmax(jnp.where(NOT_BEST, Q, 0.0)) == 2
    assert jnp.argmax(jnp.where(NOT_BEST, -Q, 0.0)) == 1  # a mask of zeros would choose what is illegal
    assert greedy(-Q, NOT_BEST) == 0


def test_where_nothing_is_legal_values_stay_finite():
    nothing = jnp.zeros(4, bool)
    assert greedy(Q, nothing) == 0
    assert epsilon_greedy(jax.random.key(0), Q, nothing, 1.0) == 0
    assert np.isfinite(masked(Q, nothing)).all()
    assert np.isfinite(LOWEST)
    assert LOWEST < -3e38


def test_illegal_actions_get_no_gradient():
    slope = jax.grad(lambda q: masked(q, NOT_BEST).max())(Q)
    np.testing.assert_array_equal(slope, [0, 0, 1, 0])
    unmasked = jax.grad(lambda q: q.max())(Q)
    assert unmasked[1] > 0


def test_without_epsilon_it_is_greedy():
    np.testing.assert_array_equal(shares(0.0, ALL), [0, 1, 0, 0])


@pytest.mark.parametrize("epsilon", [0.3, 1.0])
@pytest.mark.parametrize("legal", [(1, 1, 1, 1), (1, 0, 1, 1), (0, 0, 1, 0), (1, 0, 1, 0)])
def test_any_legal_action_is_as_likely_as_another(epsilon, legal):
    legal = np.array(legal, bool)
    expected = np.where(legal, epsilon / legal.sum(), 0)
    expected[int(greedy(Q, legal))] += 1 - epsilon
    found = shares(epsilon, jnp.array(legal))
    assert not found[~legal].any()
    assert np.abs(found - expected).max() < 5 * np.sqrt(0.25 / DRAWS)
    with_illegal = np.full(4, epsilon / 4)
    with_illegal[int(greedy(Q, legal))] += 1 - epsilon
    if not legal.all():  # the test would notice random actions that ignore the mask
        assert np.abs(found - with_illegal).max() > 5 * np.sqrt(0.25 / DRAWS)


def test_the_largest_random_number_still_names_a_legal_action():
    largest = np.float32(1 - 2**-23)  # of jax.random.uniform
    counts = np.arange(1, 4096, dtype=np.float32)
    assert (np.floor(largest * counts) == counts - 1).all()


def test_rows_of_one_key_are_drawn_apart():
    chosen = epsilon_greedy(jax.random.key(1), jnp.zeros((50, 3, 4)), jnp.ones((50, 3, 4), bool), 1.0)
    assert chosen.shape == (50, 3)
    assert (chosen[:, 0] != chosen[:, 1]).any()


def test_what_was_taken():
    q = jnp.arange(12.0).reshape(3, 4)
    action = jnp.array([2, 0, 3])
    np.testing.assert_array_equal(taken(q, action), [2, 4, 11])
    slope = np.asarray(jax.grad(lambda q: taken(q, action).sum())(q))
    assert slope.sum() == 3
    assert (slope[np.arange(3), action] == 1).all()


def test_double_values_one_network_s_choice_by_the_other():
    """The online network likes action 1, which the target network thinks less of; its own favourite is 0."""
    online, target = jnp.array([1.0, 2.0, 9.0]), jnp.array([7.0, 4.0, 8.0])
    legal = jnp.array([True, True, False])
    assert double(online, target, legal) == 4.0
    assert masked(target, legal).max() == 7.0  # what one network alone would have said
    assert double(online, target, jnp.ones(3, bool)) == 8.0
    slopes = jax.grad(lambda both: double(*both, legal))((online, target))
    assert not np.any(slopes)


def test_double_does_not_overestimate_what_is_only_noise():
    """Values that are all 0, seen with noise: the maximum of one look is above 0, double's mean is not."""
    first, second = jax.random.normal(jax.random.key(2), (2, 5_000, 8))
    legal = jnp.ones((5_000, 8), bool)
    assert abs(double(first, second, legal).mean()) < 0.06
    assert double(second, second, legal).mean() > 1.3  # 1.42 is the mean of the largest of eight


def test_a_line_that_stops_at_its_ends():
    fractions = jnp.array([-1.0, 0.0, 0.25, 1.0, 2.0])
    np.testing.assert_allclose(linear(1.0, 0.2, fractions), [1, 1, 0.8, 0.2, 0.2], rtol=1e-6)
