"""What numbered actions and several choices at once are drawn from: against all of them written out."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.equations.distributions import categorical, distribution_of, several
from coterie.pettingzoo.reading.layouts import Chosen, Layout
from coterie.types import Kind

SOON = settings(max_examples=40, deadline=None)  # the first example compiles
QUICK = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
ACTIONS, CHOICES, DRAWS = 5, (2, 3, 4), 20_000
ONE, MANY = categorical(ACTIONS), several(CHOICES)
JOINT = np.prod(CHOICES)
LOGITS = st.lists(st.floats(-30, 30, width=32), min_size=ACTIONS, max_size=ACTIONS)
MASKS = st.lists(st.booleans(), min_size=ACTIONS, max_size=ACTIONS).filter(any)
WIDE = jnp.ones((JOINT, JOINT), bool)


@QUICK
def told_of_one(h, legal):
    """The log-probability of each action, the entropy, and their gradients by the logits."""
    each = jnp.arange(ACTIONS)
    of = lambda h: ONE.log_probability(jnp.broadcast_to(h, (ACTIONS, ACTIONS)), legal, each)  # noqa: E731
    return of(h), ONE.entropy(h, legal), jax.jacobian(of)(h), jax.grad(ONE.entropy)(h, legal)


def by_hand(h, legal):
    """Probabilities in float64."""
    h = np.asarray(h, float)
    weight = np.where(legal, np.exp(h - h[legal].max()), 0)
    return weight / weight.sum()


@SOON
@given(LOGITS, MASKS)
def test_probabilities_of_the_legal_actions_sum_to_one_and_others_have_none(logits, mask):
    h, legal = np.array(logits, "f4"), np.array(mask)
    log_p, entropy, slopes, entropy_slopes = told_of_one(h, legal)
    p = by_hand(h, legal)
    np.testing.assert_allclose(np.exp(log_p), p, rtol=1e-4, atol=1e-7)
    assert (np.exp(np.asarray(log_p))[~legal] == 0).all()
    surprise = -np.log(np.where(p > 0, p, 1))
    assert entropy == pytest.approx((p * surprise).sum(), rel=1e-4, abs=1e-5)
    # d log p(a) / d h_b = [a = b] - p(b);  dH / dh_b = - p(b) (log p(b) + H)
    np.testing.assert_allclose(slopes[legal][:, legal], (np.eye(ACTIONS) - p)[legal][:, legal], rtol=1e-3, atol=1e-5)
    assert (np.asarray(slopes)[:, ~legal] == 0).all()
    assert (np.asarray(slopes)[~legal] == 0).all()
    np.testing.assert_allclose(entropy_slopes, p * (surprise - (p * surprise).sum()), rtol=1e-2, atol=1e-4)
    assert (np.asarray(entropy_slopes)[~legal] == 0).all()


def test_a_mask_that_subtracts_a_large_number_would_be_found_out():
    """Where all legal logits are low, an illegal one that was lowered by 30 still takes part."""
    h, legal = np.array([-40, -41, 5, 0, 0], "f4"), np.array([1, 1, 0, 0, 0], bool)
    assert np.exp(told_of_one(h, legal)[0][2]) == 0
    assert np.exp(told_of_one(np.where(legal, h, h - 30).astype("f4"), np.ones(5, bool))[0])[2] > 0.9


@pytest.mark.parametrize("only", range(ACTIONS))
def test_who_may_do_one_thing_only_does_it_and_has_no_choice(only):
    legal, h = np.arange(ACTIONS) == only, np.array([3.0, -200.0, 0.0, 1e30, -1e30], "f4")
    log_p, entropy, slopes, entropy_slopes = told_of_one(h, legal)
    assert log_p[only] == 0
    assert entropy == 0
    assert not np.any(slopes)
    assert not np.any(entropy_slopes)
    drawn = ONE.draw(jax.random.key(0), jnp.broadcast_to(h, (100, ACTIONS)), jnp.array(legal))
    assert (np.asarray(drawn.action) == only).all()
    assert ONE.greedy(h, legal) == only


def assert_frequencies(action, p):
    """Every action as often as it should be drawn, within five deviations, and never where that is never."""
    share = np.bincount(np.asarray(action), minlength=len(p)) / len(action)
    assert (share[p == 0] == 0).all()
    assert (np.abs(share - p) <= 5 * np.sqrt(p * (1 - p) / len(action)) + 1e-9).all()


@pytest.mark.parametrize("mask", [(1, 1, 1, 1, 1), (1, 0, 1, 1, 0), (0, 0, 1, 0, 1)])
def test_actions_are_drawn_as_often_as_they_are_likely(mask):
    h, legal = np.array([0.5, 9.0, -1.0, 0.0, 1.0], "f4"), np.array(mask, bool)
    drawn = QUICK(ONE.draw)(jax.random.key(3), jnp.broadcast_to(h, (DRAWS, ACTIONS)), jnp.array(legal))
    assert_frequencies(drawn.action, by_hand(h, legal))
    log_p = np.asarray(told_of_one(h, legal)[0])
    np.testing.assert_allclose(drawn.log_probability, log_p[np.asarray(drawn.action)], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(drawn.raw, drawn.action)
    assert drawn.action.dtype == np.int32
    assert ONE.greedy(h, legal) == np.where(legal, h, -np.inf).argmax()


# Several choices at once


def probabilities(h):
    """Of each row of choices, by multiplying: float64 of the shape CHOICES."""
    first, second, third = (by_hand(part, np.ones(len(part), bool)) for part in np.split(np.asarray(h), (2, 5)))
    return first[:, None, None] * second[:, None] * third


@QUICK
def told_of_many(h):
    every = jnp.arange(JOINT, dtype=jnp.int32)
    log_p = MANY.log_probability(jnp.broadcast_to(h, (JOINT, h.shape[0])), WIDE, every)
    return log_p, MANY.entropy(h, WIDE[0]), MANY.greedy(h, WIDE[0])


@SOON
@given(st.lists(st.floats(-8, 8, width=32), min_size=9, max_size=9))
def test_several_choices_are_independent_and_numbered_with_the_last_one_fastest(logits):
    h = np.array(logits, "f4")
    log_p, entropy, best = told_of_many(h)
    p = probabilities(h)
    np.testing.assert_allclose(np.exp(log_p), p.reshape(-1), rtol=1e-4, atol=1e-7)
    assert np.exp(np.asarray(log_p, float)).sum() == pytest.approx(1, abs=1e-5)
    assert entropy == pytest.approx(-(p * np.log(p)).sum(), rel=1e-4, abs=1e-5)
    assert p.reshape(-1)[best] == pytest.approx(p.max(), rel=1e-5)


def test_a_number_means_the_same_choices_to_the_learner_and_to_the_environment():
    chosen = Chosen(CHOICES, (0, 0, 0), "array")
    layout = Layout(chosen=chosen)
    for number in range(JOINT):
        choices = layout.action(number)
        h = np.concatenate([50.0 * (np.arange(size) == own) for size, own in zip(CHOICES, choices, strict=True)])
        assert told_of_many(h.astype("f4"))[2] == number == np.ravel_multi_index(tuple(choices), CHOICES)
        drawn = MANY.draw(jax.random.key(number), jnp.array(h, jnp.float32), WIDE[0])
        assert drawn.action == drawn.raw == number
        assert drawn.log_probability == pytest.approx(0, abs=1e-5)
    first_fastest = np.ravel_multi_index((1, 0, 0), CHOICES, order="F")
    assert first_fastest != np.ravel_multi_index((1, 0, 0), CHOICES)  # the order does matter


def test_several_choices_are_drawn_as_often_as_they_are_likely():
    h = np.linspace(-1, 1, 9).astype("f4")[[3, 8, 1, 0, 7, 2, 6, 5, 4]]
    drawn = QUICK(MANY.draw)(jax.random.key(5), jnp.broadcast_to(h, (DRAWS, 9)), jnp.ones((DRAWS, JOINT), bool))
    assert_frequencies(drawn.action, probabilities(h).reshape(-1))
    told = np.asarray(told_of_many(h)[0])
    np.testing.assert_allclose(drawn.log_probability, told[np.asarray(drawn.action)], rtol=1e-5, atol=1e-6)


def test_a_mask_forbids_combinations():
    """Of 24 numbers only those with the first choice 1 and an even last choice, less one; of two choices, nothing."""
    h = np.linspace(-1, 1, 9).astype("f4")[[3, 8, 1, 0, 7, 2, 6, 5, 4]]
    legal = np.zeros(CHOICES, bool)
    legal[1, :, ::2] = True
    legal[1, 0, 0] = False
    p = np.where(legal, probabilities(h), 0).reshape(-1)
    p /= p.sum()
    mask = jnp.broadcast_to(legal.reshape(-1), (DRAWS, JOINT))
    drawn = QUICK(MANY.draw)(jax.random.key(6), jnp.broadcast_to(h, (DRAWS, 9)), mask)
    assert_frequencies(drawn.action, p)
    np.testing.assert_allclose(np.exp(drawn.log_probability), p[np.asarray(drawn.action)], rtol=1e-4)
    assert MANY.greedy(h, mask[0]) == p.argmax() != probabilities(h).argmax()
    surprise = -(p[p > 0] * np.log(p[p > 0])).sum()
    assert MANY.entropy(h, mask[0]) == pytest.approx(surprise, rel=1e-5)
    slope = jax.grad(lambda h: MANY.log_probability(h, mask[0], p.argmax()))(h)
    np.testing.assert_array_equal(np.asarray(slope)[[0, 6, 8]], 0)  # the first choice 0, and the odd last ones
    assert (np.asarray(slope)[[2, 3, 4, 5, 7]] != 0).all()


def test_choices_of_one_row_are_drawn_apart():
    """With one key for all of them, two fair choices would agree always."""
    two = several((2, 2))
    action = np.asarray(two.draw(jax.random.key(0), jnp.zeros((DRAWS, 4)), jnp.ones((DRAWS, 4), bool)).action)
    assert_frequencies(action, np.full(4, 0.25))


def test_a_kind_s_actions_say_what_they_are_drawn_from():
    seen = {"observation_shape": (1,), "observation_dtype": "float32"}
    one, many, rows = (
        distribution_of(kind, False, False, 0.5)
        for kind in (
            Kind((0,), 7, **seen),
            Kind((0,), 6, choices=(2, 3), **seen),
            Kind((0,), 1, bounds=((0.0, 1.0), None), **seen),
        )
    )
    assert (one.size, many.size, rows.size) == (7, 5, 4)
    assert one.start == many.start == ()
    assert rows.start == pytest.approx((np.log(0.5), np.log(0.5)))
    assert distribution_of(Kind((0,), 1, bounds=((0.0, 1.0),), **seen), False, True, 0.5).start == ()
