"""What rows of amounts are drawn from: against densities, integrals and differences in float64."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.equations.distributions import amounts, log_slope_of_tanh

SOON = settings(max_examples=40, deadline=None)  # the first example compiles
QUICK = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
INF = float("inf")
LOW, HIGH = (-2.0, -INF, 0.0, -INF), (1.0, INF, INF, 3.0)  # two ends, none, one below, one above
MIDDLE, HALF = -0.5, 1.5  # of the first
LEGAL = jnp.ones(1, bool)
MADE = {(squashed, by_sight): amounts(LOW, HIGH, squashed, by_sight, 0.5) for squashed in (0, 1) for by_sight in (0, 1)}
WAYS = pytest.mark.parametrize("way", MADE)
FINE = np.linspace(-9, 9, 20_001)  # in deviations
BELL = np.exp(-(FINE**2) / 2) / np.sqrt(2 * np.pi)


def log_slope(u):
    """log(1 - tanh(u)^2) in float64: 1 - tanh^2 = 1 / cosh^2, and cosh u = e^|u| (1 + e^(-2|u|)) / 2."""
    u = np.abs(np.asarray(u, float))
    return 2 * (np.log(2) - u - np.log1p(np.exp(-2 * u)))


def normal(u, mean, deviation):
    return np.exp(-(((u - mean) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))


def head(mean, log_deviation, by_sight=0):
    """What a network says for these means and logarithms of deviations; 0.5 is where deviations begin."""
    return np.concatenate([mean, np.asarray(log_deviation) - by_sight * np.log(0.5)]).astype("f4")


@WAYS
def test_a_draw_has_the_density_of_its_normal_distribution_and_of_tanh_where_it_is_squashed(way):
    squashed, by_sight = way
    mean, deviation = np.array([0.3, -1.0, 2.0, 0.1]), np.array([0.5, 2.0, 0.1, 1.0])
    u = mean + deviation * np.array([[-1.2, 0.4, 2.0, 0.0], [3.0, -2.0, 0.1, 1.0]])
    expected = np.log(normal(u, mean, deviation)).sum(1)
    step = 1e-5
    bent = (np.tanh(u[:, 0] + step) - np.tanh(u[:, 0] - step)) / (2 * step)  # dy / du of y = tanh u, by differences
    found = MADE[way].log_probability(head(mean, np.log(deviation), by_sight), LEGAL, u.astype("f4"))
    np.testing.assert_allclose(found, expected - squashed * np.log(bent), rtol=1e-5, atol=1e-5)
    assert np.abs(np.log(bent)).min() > 0.01  # so that it would be missed


@pytest.mark.parametrize("log_deviation", [-2.0, 0.0, 1.0])
@pytest.mark.parametrize("mean", [0.0, -1.5])
def test_densities_integrate_to_one(mean, log_deviation):
    """Of u over u; squashed, of y = tanh u over y from -1 to 1."""
    u = mean + np.exp(log_deviation) * FINE
    told = {}
    for squashed in (False, True):
        one = amounts((-2.0,), (1.0,), squashed, False, 0.5)
        h = np.array([mean, log_deviation], "f4")
        told[squashed] = np.exp(np.asarray(one.log_probability(h, LEGAL, u[:, None].astype("f4")), float))
    assert np.trapezoid(told[False], u) == pytest.approx(1, abs=1e-4)
    y = -2 / (1 + np.exp(2 * u)) + 1
    dy = np.exp(log_slope(u)) * np.gradient(u)
    assert (told[True] * dy).sum() == pytest.approx(1, abs=1e-4)
    inner = np.abs(u) < 6  # farther out, steps of y are too small to be told apart
    between = normal(u, mean, np.exp(log_deviation))[inner]
    assert np.trapezoid(told[True][inner], y[inner]) == pytest.approx(np.trapezoid(between, u[inner]), abs=1e-3)
    if log_deviation >= 0:  # without the slope it is another
        assert np.trapezoid(told[False][inner], y[inner]) != pytest.approx(1, abs=0.05)


@WAYS
def test_amounts_are_drawn_as_they_should_be_and_brought_inside_their_bounds(way):
    squashed, by_sight = way
    mean, deviation = np.array([0.3, -1.0, -0.5, 2.0]), np.array([0.5, 2.0, 1.0, 1.5])
    h = jnp.broadcast_to(head(mean, np.log(deviation), by_sight), (20_000, 8))
    drawn = jax.tree.map(np.asarray, QUICK(MADE[way].draw)(jax.random.key(1), h, LEGAL))
    u = drawn.raw.astype(float)
    assert (np.abs(u.mean(0) - mean) < 5 * deviation / np.sqrt(len(u))).all()
    assert (np.abs(u.std(0) / deviation - 1) < 5 / np.sqrt(2 * len(u))).all()
    assert np.abs(np.corrcoef(u.T) - np.eye(4)).max() < 5 / np.sqrt(len(u))  # each by itself
    inside = MIDDLE + HALF * (np.tanh(u[:, 0]) if squashed else u[:, 0].clip(-1, 1))
    expected = [inside, u[:, 1], np.maximum(u[:, 2], 0), np.minimum(u[:, 3], 3)]
    np.testing.assert_allclose(drawn.action, np.stack(expected, 1), atol=1e-5)
    told = np.log(normal(u, mean, deviation)).sum(1) - squashed * log_slope(u[:, 0])
    np.testing.assert_allclose(drawn.log_probability, told, rtol=1e-4, atol=1e-4)
    middle = MIDDLE + HALF * (np.tanh(0.3) if squashed else 0.3)
    np.testing.assert_allclose(MADE[way].greedy(h[0], LEGAL), [middle, -1, 0, 2], rtol=1e-5)
    # the mean surprise of draws is the entropy
    surprise = -told
    error = surprise.std() / np.sqrt(len(u))
    assert abs(surprise.mean() - MADE[way].entropy(h[0], LEGAL)) < 5 * error + 1e-3


@SOON
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=8, max_size=8), st.integers(0, 99))
def test_whatever_a_network_says_amounts_are_within_their_bounds(h, seed):
    for made in MADE.values():
        told = np.array(h, "f4")
        for action in (made.draw(jax.random.key(seed), told, LEGAL).action, made.greedy(told, LEGAL)):
            assert (np.array(LOW) <= action).all()
            assert (action <= np.array(HIGH)).all()
            assert action.dtype == np.float32


def test_bounds_that_are_no_round_numbers_and_very_wide_ones_are_kept():
    low, high = (0.1, -3.4e38, -1e-30), (0.3, 3.4e38, 1e-30)
    for squashed in (False, True):
        made = amounts(low, high, squashed, False, 0.5)
        for mean, expected in ((-1e9, low), (1e9, high), (0.0, (0.2, 0.0, 0.0))):
            action = made.greedy(jnp.array([mean] * 6), LEGAL)
            np.testing.assert_allclose(action, np.array(expected, "f4"), rtol=1e-6)
            assert (np.array(low, "f4") <= action).all()
            assert (action <= np.array(high, "f4")).all()


WITHIN = {-4.0: 1e-3, -1.0: 1e-3, 0.0: 1e-3, 1.0: 2e-3, 1.5: 0.01, 2.0: 0.03}


@pytest.mark.parametrize("log_deviation", WITHIN)
def test_the_entropy_of_squashed_amounts_is_that_of_a_fine_integral(log_deviation):
    """Minus E[log p(y)] of y = tanh u, for means near and far; of wide ones within a few hundredths of a nat."""
    one, means = amounts((-2.0,), (1.0,), True, False, 0.5), np.linspace(-8, 8, 33)
    deviation = np.exp(log_deviation)
    u = means[:, None] + deviation * FINE
    density = np.log(normal(u, means[:, None], deviation)) - log_slope(u)
    expected = -np.trapezoid(density * BELL, FINE)
    h = np.stack([means, np.full(33, log_deviation)], 1).astype("f4")
    np.testing.assert_allclose(one.entropy(h, LEGAL), expected, atol=WITHIN[log_deviation])
    if log_deviation == 2:  # Gauss-Hermite quadrature with as many nodes would be another estimate
        at, weight = np.polynomial.hermite.hermgauss(24)
        told = log_slope(means[:, None] + deviation * np.sqrt(2) * at) @ weight / np.sqrt(np.pi)
        wrong = 0.5 * np.log(2 * np.pi * np.e) + log_deviation + told
        assert np.abs(wrong - expected).max() > 0.1


@pytest.mark.parametrize("by_sight", [0, 1])
def test_the_entropy_of_clipped_amounts_is_that_of_the_normal_distributions(by_sight):
    deviation = np.array([0.5, 2.0, 0.1, 1.0])
    h = head(np.arange(4.0), np.log(deviation), by_sight)
    expected = 0.5 * np.log(2 * np.pi * np.e * deviation**2).sum()
    assert MADE[0, by_sight].entropy(h, LEGAL) == pytest.approx(expected, rel=1e-5)
    both = np.stack([h, h])
    np.testing.assert_allclose(MADE[0, by_sight].entropy(both, LEGAL), [expected] * 2, rtol=1e-5)
    squashed = MADE[1, by_sight].entropy(h, LEGAL)
    assert squashed < expected - 0.1  # bounds leave less room
    moved = MADE[1, by_sight].entropy(h + np.array([0, 1, 1, 1, 0, 0, 0, 0], "f4"), LEGAL)
    assert moved == pytest.approx(float(squashed), rel=1e-6)  # what has not two bounds is not squashed


@WAYS
def test_gradients_of_the_log_probability_are_differences_of_it(way):
    """d log p / d m = (u - m) / s^2 and d log p / d log s = ((u - m) / s)^2 - 1, squashed or not."""
    mean, log_deviation = np.array([0.3, -1.0, 2.0, 0.1]), np.array([-0.5, 0.4, 1.0, -1.0])
    u, h = np.array([0.9, -2.0, 2.5, 0.0]), head(mean, log_deviation, way[1])
    found = jax.grad(MADE[way].log_probability)(h, LEGAL, u.astype("f4"))
    step, differences = 1e-5, []
    for which in range(2):
        for place in range(4):
            ends = []
            for sign in (1, -1):
                at = [mean.copy(), log_deviation.copy()]
                at[which][place] += sign * step
                ends.append(np.log(normal(u, at[0], np.exp(at[1]))).sum())
            differences.append((ends[0] - ends[1]) / (2 * step))
    np.testing.assert_allclose(found, differences, rtol=1e-3, atol=1e-4)


@WAYS
@pytest.mark.parametrize(("told", "limit"), [(-9.0, -5.0), (7.0, 2.0)])
def test_deviations_stay_within_limits_and_are_led_back_from_beyond(way, told, limit):
    """A plain clip stood here once: what went beyond a limit felt nothing and stayed for ever."""
    beyond, at = (head(np.zeros(4), np.full(4, one), way[1]) for one in (told, limit))
    u = np.full(4, 0.01, "f4")
    for function in (lambda h: MADE[way].log_probability(h, LEGAL, u), lambda h: MADE[way].entropy(h, LEGAL)):
        assert function(beyond) == pytest.approx(float(function(at)), rel=1e-5)
        inside = np.asarray(jax.grad(function)(head(np.zeros(4), np.full(4, limit * 0.999), way[1])))[4:]
        assert (inside != 0).all()
        found = np.asarray(jax.grad(function)(beyond))[4:]
        np.testing.assert_allclose(found, inside, rtol=0.05, atol=1e-3)  # as there, whichever way it leads


@SOON
@given(st.floats(-15, 15, width=32))
def test_the_slope_of_tanh(u):
    assert log_slope_of_tanh(np.float32(u)) == pytest.approx(float(log_slope(u)), rel=1e-5, abs=2e-6)


@pytest.mark.parametrize("u", [30.0, -30.0, 500.0, -500.0, 1e6, -1e6])
def test_the_slope_of_tanh_is_known_where_it_rounds_to_nothing(u):
    found, slope = jax.value_and_grad(log_slope_of_tanh)(jnp.float32(u))
    assert found == pytest.approx(np.log(4) - 2 * abs(u), rel=1e-6)
    assert slope == pytest.approx(-2 * np.sign(u), rel=1e-6)
    assert 1 - jnp.tanh(jnp.float32(u)) ** 2 == 0  # whose logarithm would be no number to learn from
