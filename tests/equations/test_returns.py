"""Targets against sums written out in numpy, by hand at the boundaries, and as constants without a gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from coterie.equations.returns import n_step, one_step, q_lambda

L, GAMMA = 7, 0.9
EASY = {"compiler_options": {"xla_backend_optimization_level": 0}}


def sequence(reward, discount=None, last=None, valid=None, ahead=None):
    length = len(reward)
    return (
        jnp.array(reward, jnp.float32),
        jnp.array(np.ones(length) if discount is None else discount, jnp.float32),
        jnp.array(np.zeros(length) if last is None else last, bool),
        jnp.array(np.ones(length) if valid is None else valid, bool),
        jnp.array(np.zeros(length) if ahead is None else ahead, jnp.float32),
    )


def many_sequences(count=300, seed=0):
    """Rows as replay serves them: endings, time limits, and agents that are dead from some row on or now and then."""
    rng = np.random.default_rng(seed)
    last = rng.random((count, L)) < 0.25
    ended = last & (rng.random((count, L)) < 0.5)
    valid = rng.random((count, L)) < 0.85
    discount = np.where(valid & ~ended, 1, 0)
    reward = np.where(valid, rng.normal(size=(count, L)), 0)
    columns = [reward, discount, last & valid, valid, rng.normal(size=(count, L))]
    return [column.astype(kind) for column, kind in zip(columns, ["f4", "f4", bool, bool, "f4"], strict=True)]


def stops_at(last, valid, t):
    return t + 1 == len(last) or last[t] or not valid[t + 1]


def summed(reward, discount, last, valid, ahead, n, t):
    """The rewards of up to n rows from t on, and what follows the last of them, written out."""
    total, worth = 0.0, 1.0
    for k in range(t, t + n):
        total += worth * reward[k]
        worth *= GAMMA * discount[k]
        if stops_at(last, valid, k):
            break
    return total + worth * ahead[k]


def averaged(rows, trace, t):
    """The mean of all n-step targets of row t, each weighing (1 - lambda) lambda^(n - 1), the longest what is left."""
    n, total, left = 1, 0.0, 1.0
    while not stops_at(rows[2], rows[3], t + n - 1):
        total += left * (1 - trace[t + n - 1]) * summed(*rows, n, t)
        left *= trace[t + n - 1]
        n += 1
    return total + left * summed(*rows, n, t)


def targets(function, rows, *parameters):
    return np.asarray(jax.jit(jax.vmap(lambda *row: function(*row, GAMMA, *parameters)), **EASY)(*rows))


@pytest.mark.parametrize(("discount", "expected"), [(1.0, 1 + 0.9 * 10), (0.0, 1.0)])
def test_one_step_by_hand(discount, expected):
    assert one_step(jnp.float32(1), jnp.float32(discount), jnp.float32(10), 0.9) == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 2, 3, L, 50])
def test_n_steps_are_the_sums_written_out(n):
    rows = many_sequences()
    expected = [[summed(*row, n, t) for t in range(L)] for row in zip(*rows, strict=True)]
    np.testing.assert_allclose(targets(n_step, rows, n)[rows[3]], np.array(expected)[rows[3]], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("trace", [0.0, 0.7, 1.0, "an array"])
def test_traces_are_the_average_of_all_n_steps(trace):
    rows = many_sequences(seed=1)
    traces = np.random.default_rng(2).random(L) if trace == "an array" else np.full(L, trace)
    expected = [[averaged(row, traces, t) for t in range(L)] for row in zip(*rows, strict=True)]
    found = targets(q_lambda, rows, jnp.array(traces, jnp.float32) if trace == "an array" else trace)
    np.testing.assert_allclose(found[rows[3]], np.array(expected)[rows[3]], rtol=1e-4, atol=1e-5)


def test_the_ends_of_lambda_and_n():
    rows = many_sequences(seed=3)
    nearest = one_step(rows[0], rows[1], rows[4], GAMMA)
    np.testing.assert_allclose(targets(q_lambda, rows, 0.0), nearest, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(targets(n_step, rows, 1), nearest)
    farthest = targets(q_lambda, rows, 1.0)[rows[3]]
    np.testing.assert_allclose(targets(n_step, rows, L)[rows[3]], farthest, rtol=1e-5, atol=1e-5)
    assert np.abs(targets(n_step, rows, 2)[rows[3]] - farthest).max() > 0.1  # they do differ


def test_lambda_one_is_monte_carlo_inside_an_episode():
    """The first episode ends after row 2; estimates of what is ahead play no part in it, however wrong they are."""
    rows = sequence([1, 2, 4, 8, 16], [1, 1, 0, 1, 0], [0, 0, 1, 0, 1], ahead=[99, 99, 99, 99, 99])
    expected = [1 + 0.9 * (2 + 0.9 * 4), 2 + 0.9 * 4, 4, 8 + 0.9 * 16, 16]
    np.testing.assert_allclose(q_lambda(*rows, GAMMA, 1.0), expected, rtol=1e-6)


def test_a_time_limit_is_no_ending():
    """A reward of 1 for ever is worth 1 / (1 - gamma); a sequence that is cut off must not change that."""
    worth = 1 / (1 - GAMMA)
    cut = sequence(np.ones(L), last=np.arange(L) == 3, ahead=np.full(L, worth))
    ended = sequence(np.ones(L), np.arange(L) != 3, np.arange(L) == 3, ahead=np.full(L, worth))
    for function, parameter in ((n_step, 3), (n_step, L), (q_lambda, 0.8), (q_lambda, 1.0)):
        np.testing.assert_allclose(function(*cut, GAMMA, parameter), np.full(L, worth), rtol=1e-5)
        assert function(*ended, GAMMA, parameter)[3] == pytest.approx(1.0)
        assert function(*ended, GAMMA, parameter)[2] < worth - 1


def test_nothing_is_read_beyond_a_boundary():
    """What stands behind a boundary, or in rows that are not valid, changes no target before it, not even nan."""
    last, valid = [0, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 1]
    rows = sequence([1, 2, 3, 4, 0, 5], None, last, valid, [7, 7, 7, 7, 7, 7])
    for function, parameter in ((n_step, 4), (q_lambda, 0.9)):
        plain = np.asarray(function(*rows, GAMMA, parameter))
        spoilt = rows[0].at[jnp.array([2, 4])].set(jnp.nan), *rows[1:4], rows[4].at[jnp.array([2, 4])].set(jnp.nan)
        found = np.asarray(function(*spoilt, GAMMA, parameter))
        np.testing.assert_array_equal(found[[0, 1, 3, 5]], plain[[0, 1, 3, 5]])
        blind = np.asarray(function(*spoilt[:2], jnp.zeros(6, bool), *spoilt[3:], GAMMA, parameter))
        assert np.isnan(blind[[0, 1]]).all()  # without `last` it is read


def test_watkins_cuts_where_the_next_action_was_not_greedy():
    rows = sequence([1, 2, 4], ahead=[10, 20, 30])
    cut = jnp.array([0.5, 0.0, 0.5])
    y2 = 4 + 0.9 * 30
    y1 = 2 + 0.9 * 20
    y0 = 1 + 0.9 * (0.5 * 10 + 0.5 * y1)
    np.testing.assert_allclose(q_lambda(*rows, GAMMA, cut), [y0, y1, y2], rtol=1e-6)
    assert q_lambda(*rows, GAMMA, 0.5)[1] == pytest.approx(2 + 0.9 * (0.5 * 20 + 0.5 * y2))


def test_targets_are_constants():
    reward, discount, last, valid, ahead = sequence([1, 2, 3], ahead=[4, 5, 6])
    functions = [
        lambda reward, ahead: one_step(reward, discount, ahead, GAMMA),
        lambda reward, ahead: n_step(reward, discount, last, valid, ahead, GAMMA, 2),
        lambda reward, ahead: q_lambda(reward, discount, last, valid, ahead, GAMMA, 0.5),
    ]
    for function in functions:
        slopes = jax.grad(lambda both, function=function: function(*both).sum())((reward, ahead))
        assert not np.any(slopes)
    written_out = jax.grad(lambda ahead: (reward + GAMMA * discount * ahead).sum())(ahead)
    np.testing.assert_allclose(written_out, np.full(3, GAMMA), rtol=1e-6)
