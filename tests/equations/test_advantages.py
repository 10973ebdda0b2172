"""Generalised advantages against n-step sums written out in numpy, and what stands around them, by hand."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.equations import advantages
from coterie.equations.advantages import clipped_gain, clipped_value_loss, divergence, explained, generalised

T, B, GAMMA = 9, 200, 0.9
EASY = {"compiler_options": {"xla_backend_optimization_level": 0}}
SOON = settings(max_examples=50, deadline=None)  # the first example compiles
COMPILED = jax.jit(generalised, **EASY)


def many_rows(seed=0):
    """Rows as the runner makes them, [T, B]: endings, time limits, waiting; `ahead` is the next value, as networks say.

    Only behind a boundary, and behind the agent's last row, `ahead` stands alone.
    """
    rng = np.random.default_rng(seed)
    valid = rng.random((T, B)) < 0.75
    last = valid & (rng.random((T, B)) < 0.3)
    discount = np.where(valid & ~(last & (rng.random((T, B)) < 0.5)), 1.0, 0.0)
    reward, value, ahead = np.where(valid, rng.normal(size=(T, B)), 0.0), *rng.normal(size=(2, T, B))
    for column in range(B):
        own = np.flatnonzero(valid[:, column])
        for row, following in pairwise(own):
            if not last[row, column]:
                ahead[row, column] = value[following, column]
    floats = lambda *leaves: [leaf.astype(np.float32) for leaf in leaves]  # noqa: E731
    return (*floats(reward, discount), last, valid, *floats(value, ahead))


def by_hand(reward, discount, last, valid, value, ahead, trace):
    """One agent's advantages [T]: the mean of all its n-step advantages, each weighing (1 - lambda) lambda^(n - 1)."""
    own, found = np.flatnonzero(valid), np.zeros(len(valid))
    for place, first in enumerate(own):
        total, worth, steps = 0.0, 1.0, []
        for row in own[place:]:
            total, worth = total + worth * reward[row], worth * GAMMA * discount[row]
            steps.append(total + worth * ahead[row] - value[first])
            if last[row]:
                break
        weights = (1 - trace) * trace ** np.arange(len(steps))
        weights[-1] = trace ** (len(steps) - 1)
        found[first] = weights @ steps
    return found


def expected(rows, trace):
    return np.stack([by_hand(*(leaf[:, column] for leaf in rows), trace) for column in range(B)], 1)


@pytest.mark.parametrize("trace", [0.0, 0.6, 0.95, 1.0])
def test_advantages_are_the_mean_of_all_n_step_advantages(trace):
    rows = many_rows()
    np.testing.assert_allclose(COMPILED(*rows, GAMMA, trace), expected(rows, trace), rtol=1e-4, atol=1e-5)
    # and a learner that took time limits for endings, endings for time limits, or saw no boundary, would be found out
    reward, discount, last, valid, value, ahead = rows
    for wrong in ((discount * ~last, last), (valid.astype("f4"), last), (discount, np.zeros_like(last))):
        found = COMPILED(reward, *wrong, valid, value, ahead, GAMMA, trace)
        if wrong[1].any() or trace:
            assert np.abs(found - expected(rows, trace)).max() > 0.1


def test_lambda_zero_is_the_error_of_one_step_and_lambda_one_is_monte_carlo():
    """Two episodes of one agent: the first ends after row 2, the second is cut off after row 4."""
    reward, value = np.array([1, 2, 4, 8, 16], "f4"), np.array([3, 5, 7, 9, 11], "f4")
    discount, last = np.array([1, 1, 0, 1, 1], "f4"), np.array([0, 0, 1, 0, 1], bool)
    ahead = np.array([5, 7, 99, 11, 10], "f4")
    column = [leaf[:, None] for leaf in (reward, discount, last, np.ones(5, bool), value, ahead)]
    errors = [1 + 0.9 * 5 - 3, 2 + 0.9 * 7 - 5, 4 - 7, 8 + 0.9 * 11 - 9, 16 + 0.9 * 10 - 11]
    np.testing.assert_allclose(generalised(*column, GAMMA, 0.0)[:, 0], errors, rtol=1e-5)
    cut = 16 + 0.9 * 10
    returns = [1 + 0.9 * (2 + 0.9 * 4), 2 + 0.9 * 4, 4, 8 + 0.9 * cut, cut]
    np.testing.assert_allclose(generalised(*column, GAMMA, 1.0)[:, 0], returns - value, rtol=1e-5)


@pytest.mark.parametrize("trace", [0.0, 0.8, 1.0])
def test_a_reward_for_ever_is_worth_the_same_however_often_it_is_cut_off(trace):
    worth = 1 / (1 - GAMMA)
    ones, valid, last = np.ones((T, 1), "f4"), np.ones((T, 1), bool), (np.arange(T) % 4 == 3)[:, None]
    values = np.full((T, 1), worth, "f4")
    found = generalised(ones, ones, last, valid, values, values, GAMMA, trace)
    np.testing.assert_allclose(found, 0, atol=1e-5)
    ended = generalised(ones, ones * ~last, last, valid, values, values, GAMMA, trace)
    np.testing.assert_allclose(ended[3], 1 - worth, rtol=1e-5)


@SOON
@given(st.integers(0, 2**31), st.floats(0, 1))
def test_rows_that_are_not_valid_are_as_if_they_were_not_there(seed, trace):
    """Taking them out of the time axis, whatever stands in them, changes no advantage."""
    rows = [leaf[:, :8] for leaf in many_rows(seed % 1000)]
    waiting = ~rows[3]
    spoilt = [np.where(waiting, np.nan, leaf).astype("f4") for leaf in (rows[0], *rows[4:])]
    found = np.asarray(COMPILED(spoilt[0], *rows[1:4], *spoilt[1:], GAMMA, trace))
    assert (found[waiting] == 0).all()
    for column in range(8):
        own = rows[3][:, column]
        dense = [np.zeros((T, 8), leaf.dtype) for leaf in rows]
        for leaf, told in zip(dense, rows, strict=True):
            leaf[: own.sum(), column] = told[own, column]
        alone = np.asarray(COMPILED(*dense, GAMMA, trace))[: own.sum(), column]
        np.testing.assert_allclose(found[own, column], alone, rtol=1e-6, atol=1e-6)


def test_nothing_is_read_beyond_a_boundary_not_even_what_is_no_number():
    rows = [leaf[:, :1].copy() for leaf in many_rows(1)]
    reward, discount, last, valid, value, ahead = rows
    valid[:], discount[:], last[:] = True, 1, (np.arange(T) == 3)[:, None]
    plain = generalised(*rows, GAMMA, 0.9)
    reward[4:] = value[4:] = ahead[4:] = np.nan
    np.testing.assert_array_equal(generalised(*rows, GAMMA, 0.9)[:4], plain[:4])
    last[:] = False
    assert np.isnan(generalised(*rows, GAMMA, 0.9)[:4]).all()


def test_advantages_are_constants():
    reward, discount, last, valid, value, ahead = many_rows()
    total = lambda reward, value, ahead: (  # noqa: E731
        generalised(reward, discount, last, valid, value, ahead, GAMMA, 0.9).sum()
    )
    assert not any(np.any(slope) for slope in jax.grad(total, (0, 1, 2))(reward, value, ahead))


@SOON
@given(st.integers(0, 10**6), st.floats(-5, 5), st.floats(0, 1))
def test_advantages_are_linear_in_rewards_and_blind_to_a_constant_return(seed, shift, trace):
    """Rewards and values times a number; and r + c (1 - gamma d) with v + c, which is the same game told from c on."""
    reward, discount, last, valid, value, ahead = (leaf[:, :8] for leaf in many_rows(seed % 1000))
    plain = np.asarray(COMPILED(reward, discount, last, valid, value, ahead, GAMMA, trace))
    scaled = COMPILED(shift * reward, discount, last, valid, shift * value, shift * ahead, GAMMA, trace)
    np.testing.assert_allclose(scaled, shift * plain, rtol=1e-4, atol=1e-4)
    moved = reward + shift * (1 - GAMMA * discount)
    found = COMPILED(moved.astype("f4"), discount, last, valid, value + shift, ahead + shift, GAMMA, trace)
    np.testing.assert_allclose(found, plain, rtol=1e-4, atol=1e-4)


# What a policy gains, and what values lose


@pytest.mark.parametrize(
    ("ratio", "advantage", "gained", "slope"),
    [
        (1.5, 2.0, 2.4, 0.0),  # good and likelier than allowed: nothing more to gain
        (0.5, 2.0, 1.0, 2.0),  # good and less likely: all of it
        (1.5, -2.0, -3.0, -2.0),  # bad and likelier: all of it
        (0.5, -2.0, -1.6, 0.0),  # bad and rarer than allowed
        (1.1, 2.0, 2.2, 2.0),
        (0.9, -2.0, -1.8, -2.0),
        (1.0, 2.0, 2.0, 2.0),
        (1.0, -2.0, -2.0, -2.0),
        (0.5, 0.0, 0.0, 0.0),
    ],
)
def test_what_a_policy_gains(ratio, advantage, gained, slope):
    both = jax.value_and_grad(clipped_gain)
    found = both(jnp.float32(ratio), jnp.float32(advantage), 0.2)
    np.testing.assert_allclose(found, (gained, slope), rtol=1e-6)
    assert (found[1] == 0) == (slope == 0)
    np.testing.assert_allclose(both(ratio, advantage, 0.0), (ratio * advantage, advantage), rtol=1e-6)


@SOON
@given(st.floats(0.01, 5), st.floats(-5, 5), st.floats(0.01, 0.9))
def test_the_clipped_gain_is_never_more_than_the_plain_one(ratio, advantage, clip):
    found, plain = clipped_gain(np.float32(ratio), np.float32(advantage), clip), np.float32(ratio * advantage)
    assert found <= plain + 1e-5
    if abs(ratio - 1) < clip - 1e-4:
        assert found == pytest.approx(plain, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("value", "lost", "slope"),
    [
        (0.1, 0.5 * 0.9**2, -0.9),  # near what it was
        (0.5, 0.5 * 0.8**2, 0.0),  # went too far in the right direction: no more of it
        (-0.5, 0.5 * 1.5**2, -1.5),  # in the wrong one: all the way back
        (2.0, 0.5 * 1.0**2, 1.0),  # beyond what is wanted
        (1.5, 0.5 * 0.8**2, 0.0),
    ],
)
def test_values_lose_half_the_square_and_no_more_is_won_far_from_before(value, lost, slope):
    """Before it was 0, wanted is 1, and it may move by 0.2."""
    found = jax.value_and_grad(clipped_value_loss)(jnp.float32(value), 0.0, 1.0, 0.2)
    np.testing.assert_allclose(found, (lost, slope), rtol=1e-6, atol=0)
    plain = jax.value_and_grad(clipped_value_loss)(jnp.float32(value), 0.0, 1.0, 0.0)
    np.testing.assert_allclose(plain, (0.5 * (1 - value) ** 2, value - 1), rtol=1e-6)


@SOON
@given(st.floats(1e-6, 1e6))
def test_divergence_is_never_negative(ratio):
    assert divergence(np.float32(1)) == 0
    assert divergence(np.float32(ratio)) >= -1e-7
    if abs(ratio - 1) > 0.01:
        assert divergence(np.float32(ratio)) > 1e-5


def test_the_mean_divergence_of_draws_is_that_of_kullback_and_leibler():
    old, new = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    exactly = (old * np.log(old / new)).sum()
    assert old @ np.asarray(divergence(new / old)) == pytest.approx(exactly, rel=1e-5)
    assert exactly != pytest.approx((new * np.log(new / old)).sum(), rel=0.01)  # the other direction is another


# Moments by network

NETWORKS = np.array(
    [[1, 0], [0, 1], [1, 0], [0, 1], [0, 1]], np.float32
)  # agents 0 and 2 share one, the others another
NORMALISED = jax.jit(advantages.normalised, **EASY)
HEARD = jax.jit(advantages.heard, **EASY)


def some_values(seed, shift=0.0, spread=1.0):
    """Values and valid entries, [6, 7, 5]."""
    rng = np.random.default_rng(seed)
    values = (shift + spread * rng.normal(size=(6, 7, 5))).astype("f4")
    return values, rng.random(values.shape) < 0.7


@SOON
@given(st.integers(0, 10**6), st.floats(-100, 100), st.floats(0.5, 20))
def test_advantages_are_brought_to_mean_0_and_deviation_1_by_network(seed, shift, spread):
    values, valid = some_values(seed, shift, spread)
    values[..., 1] += 50  # within a network agents keep their differences
    values[~valid] = np.nan
    found = np.asarray(NORMALISED(values, valid, NETWORKS))
    assert (found[~valid] == 0).all()
    for group in ([0, 2], [1, 3, 4]):
        own, kept = values[..., group][valid[..., group]].astype(float), found[..., group][valid[..., group]]
        np.testing.assert_allclose(kept, (own - own.mean()) / own.std(), rtol=1e-2, atol=1e-3)
        assert abs(kept.mean()) < 1e-4
        assert kept.std() == pytest.approx(1, abs=1e-3)


def test_the_order_of_agents_changes_nothing_but_the_order():
    values, valid = some_values(3)
    order = np.array([3, 0, 4, 2, 1])
    plain = np.asarray(NORMALISED(values, valid, NETWORKS))
    turned = NORMALISED(values[..., order], valid[..., order], NETWORKS[order])
    np.testing.assert_allclose(turned, plain[..., order], rtol=1e-5, atol=1e-6)
    alone = NORMALISED(values[..., order], valid[..., order], NETWORKS)  # other agents share now
    assert np.abs(alone - plain[..., order]).max() > 0.01


@SOON
@given(st.floats(-1000, 1000, width=32))
def test_where_all_advantages_are_equal_nothing_is_to_be_learned(constant):
    values, valid = some_values(4)
    values[:] = constant
    assert np.abs(NORMALISED(values, valid, NETWORKS)).max() < 1e-2


def test_a_single_advantage_is_left_as_it_is():
    values, valid = np.arange(10, dtype="f4").reshape(1, 2, 5), np.zeros((1, 2, 5), bool)
    valid[0, 1, 2] = valid[0, 0, 1] = valid[0, 1, 3] = True  # one entry of the first network, two of the second
    found = np.asarray(NORMALISED(values, valid, NETWORKS))
    assert found[0, 1, 2] == values[0, 1, 2] == 7
    assert (found[0, 0, 1], found[0, 1, 3]) == pytest.approx((-1, 1), abs=1e-5)
    assert np.count_nonzero(found) == 3


def heard_all(stream, rate=0.05):
    scale = advantages.first_scale(2)
    for values, valid in stream:
        scale = HEARD(scale, values, valid, NETWORKS, rate)
    return [np.asarray(one, float) for one in advantages.moments(scale)]


def of_group(values, valid, group):
    return values[..., group][valid[..., group]].astype(float)


@SOON
@given(st.integers(0, 10**6), st.floats(-1000, 1000), st.floats(0.1, 50))
def test_the_first_rollout_counts_in_full(seed, shift, spread):
    values, valid = some_values(seed, shift, spread)
    middle, width = heard_all([(values, valid)])
    for number, group in enumerate(([0, 2], [1, 3, 4])):
        own = of_group(values, valid, group)
        assert middle[number] == pytest.approx(own.mean(), rel=1e-4, abs=1e-3)
        assert width[number] == pytest.approx(max(own.std(), 1e-4 * max(1.0, abs(own.mean()))), rel=1e-2)


def test_rollouts_weigh_a_twentieth_less_each_time():
    """The moments of a mixture: rollout i of n weighs 0.95^(n - i), every one of them by its own mean entry."""
    stream = [some_values(seed, 3.0 * seed, 1.0 + seed) for seed in range(4)]
    middle, width = heard_all(stream)
    weight = 0.95 ** np.arange(3, -1, -1)
    for number, group in enumerate(([0, 2], [1, 3, 4])):
        own = [of_group(*one, group) for one in stream]
        mean = np.average([one.mean() for one in own], weights=weight)
        square = np.average([(one**2).mean() for one in own], weights=weight)
        assert middle[number] == pytest.approx(mean, rel=1e-4)
        assert width[number] == pytest.approx(np.sqrt(square - mean**2), rel=1e-4)


def test_the_scale_settles_on_the_moments_of_a_steady_stream():
    middle, width = heard_all([some_values(seed, 3.0, 2.0) for seed in range(150)])
    np.testing.assert_allclose(middle, 3, atol=0.15)  # some 39 rollouts of 59 entries count: four deviations of 2 / 48
    np.testing.assert_allclose(width, 2, atol=0.15)


def test_networks_do_not_hear_of_each_other_and_who_hears_nothing_stays():
    plain, other = [some_values(1), some_values(2)], [some_values(1), some_values(2)]
    other[1][0][..., [1, 3, 4]] += 10
    first, second = heard_all(plain), heard_all(other)
    assert first[0][0] == second[0][0]
    assert first[1][0] == second[1][0]
    assert second[0][1] > first[0][1] + 1
    deaf = [plain[0], (plain[1][0], plain[1][1] & (NETWORKS[:, 1] == 1))]
    assert heard_all(deaf)[0][0] == heard_all(plain[:1])[0][0]
    assert heard_all(deaf)[0][1] == first[0][1]


def test_before_anything_was_heard_values_are_on_their_own_scale():
    middle, width = advantages.moments(advantages.first_scale(3))
    np.testing.assert_array_equal((middle, width), ([0] * 3, [1] * 3))


def test_what_values_explain():
    wanted, valid = some_values(5, 10.0, 3.0)
    off = some_values(6)[0]
    assert explained(wanted, wanted, valid) == pytest.approx(1, abs=1e-4)
    assert explained(wanted, wanted + 7, valid) == pytest.approx(1, abs=1e-4)  # a constant error explains all variance
    assert explained(wanted, np.zeros_like(wanted), valid) == pytest.approx(0, abs=1e-4)
    share = 1 - (wanted - off)[valid].astype(float).var() / wanted[valid].astype(float).var()
    assert explained(wanted, off, valid) == pytest.approx(share, abs=1e-3)
