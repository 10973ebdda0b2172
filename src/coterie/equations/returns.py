"""What a decision is told to be worth: targets along one agent's rows. They are constants: no gradient passes.

Every function reads, of the decision in row t, the reward r_t, the discount d_t (0 where the world truly ended for the
agent, 1 elsewhere) and `ahead` v_t: what the true successor of the row is estimated to be worth. A look further ahead
goes on to the next row of the array, and stops with v_t at a *stop*: where a boundary follows (`last`: a true ending or
a time limit), where the next row is not valid, and at the array's end. What stands in rows that are not valid is
without meaning.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from coterie.types import Array


def one_step(reward: Array, discount: Array, ahead: Array, gamma: float) -> Array:
    """The target of one-step Q-learning: y = r + gamma d v (Watkins 1989). All float32[..] of one shape."""
    return jax.lax.stop_gradient(reward + gamma * discount * ahead)


def stops(last: Array, valid: Array) -> Array:
    """Where one can look no further than the row's own successor: bool[L]."""
    return last | ~jnp.append(valid[1:], False)


def n_step(reward: Array, discount: Array, last: Array, valid: Array, ahead: Array, gamma: float, n: int) -> Array:
    """The target after up to n rewards (Sutton and Barto 2018, 7.1); all [L], n is static.

    y(1)_t = r_t + gamma d_t v_t, and y(n)_t = r_t + gamma d_t y(n - 1)_{t+1}; at a stop y(n)_t = y(1)_t.
    No correction is made for actions that the greedy policy would not have taken.
    """
    reward, discount, ahead = jax.lax.stop_gradient((reward, discount, ahead))
    stop, nearest = stops(last, valid), reward + gamma * discount * ahead

    def further(_: int, target: Array) -> Array:
        return jnp.where(stop, nearest, reward + gamma * discount * jnp.roll(target, -1))

    return jax.lax.fori_loop(0, min(n, len(reward)) - 1, further, nearest)


def q_lambda(
    reward: Array, discount: Array, last: Array, valid: Array, ahead: Array, gamma: float, trace: Array | float
) -> Array:
    """The target of Q(lambda) (Peng and Williams 1994); all [L], lambda is `trace`, one number or [L].

    y_t = r_t + gamma d_t ((1 - lambda_t) v_t + lambda_t y_{t+1}); at a stop y_t = r_t + gamma d_t v_t.
    Peng's mixes all n-step targets whatever was played; for Watkins's, lambda_t is 0 where the action of row t + 1 was
    not greedy.
    """
    reward, discount, ahead, trace = jax.lax.stop_gradient((reward, discount, ahead, trace))
    nearest = reward + gamma * discount * ahead
    mixed, passed_on = reward + gamma * discount * (1 - trace) * ahead, gamma * discount * trace

    def row(later: Array, now: tuple[Array, ...]) -> tuple[Array, Array]:
        stop, nearest, mixed, passed_on = now
        target = jnp.where(stop, nearest, mixed + passed_on * later)
        return target, target

    rows = (stops(last, valid), nearest, mixed, passed_on)
    return jax.lax.scan(row, jnp.zeros_like(ahead[0]), rows, reverse=True)[1]
