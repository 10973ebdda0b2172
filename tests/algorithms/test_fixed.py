"""Play that learns nothing, where actions are amounts: inside their bounds, and spread as they should be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.algorithms.fixed import drawn, fixed, frozen, still
from coterie.networks.agent import Network
from coterie.types import Kind, Spec, View

BOUNDS = ((-2.0, 6.0), None, (3.0, None), (None, -1.0), (-1e38, 3e38), (0.5, 0.5))
KIND = Kind((0, 1), 1, (2,), "float32", bounds=BOUNDS)
SPEC = Spec(("a", "b"), (KIND,), (0, 0), (0, 1), (0, 1))


def view(environments):
    there = np.ones((environments, 2), bool)
    return (View(np.zeros((environments, 2, 2), np.float32), there[..., None], there, there, there),)


def test_amounts_are_drawn_as_gymnasium_draws_them():
    [decision] = fixed(SPEC, None).act(jax.random.key(3), (), view(20_000), ((),), "greedy")
    found = np.asarray(decision.action)
    assert (found.shape, found.dtype) == ((20_000, 2, 6), np.float32)
    even, normal, above, below, wide, single = np.moveaxis(found.astype(float), -1, 0)
    assert even.mean() == pytest.approx(2, abs=0.1)
    assert (even.min(), even.max()) == pytest.approx((-2, 6), abs=0.01)
    assert (normal.mean(), normal.std()) == pytest.approx((0, 1), abs=0.03)
    assert (above.min(), above.mean(), above.std()) == pytest.approx((3, 4, 1), abs=0.03)
    assert (below.max(), below.mean(), below.std()) == pytest.approx((-1, -2, 1), abs=0.03)
    assert wide.mean() == pytest.approx(1e38, rel=0.05)
    assert (single == 0.5).all()
    assert abs(np.corrcoef(found.reshape(-1, 6)[:, :4].T) - np.eye(4)).max() < 0.03  # each is drawn by itself
    assert abs(np.corrcoef(found[:, 0, 0], found[:, 1, 0])[0, 1]) < 0.03  # and for each agent


def test_idle_amounts_are_as_near_to_0_as_they_may_be():
    [decision] = fixed(SPEC, (0, 0)).act(jax.random.key(3), (), view(2), ((),), "greedy")
    assert decision.action.tolist() == [[[0, 0, 3, -1, 0, 0.5]] * 2] * 2
    assert str(decision.action.dtype) == "float32"


ends = st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False)


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.one_of(st.none(), st.tuples(ends, ends).map(sorted).map(tuple)), min_size=3, max_size=3))
def test_no_draw_leaves_its_bounds(bounds):
    kind = Kind((0,), 1, (1,), "float32", bounds=tuple(bounds))
    for found in (drawn(jax.random.key(0), kind, (50, 3)), still(kind, (50, 3))):
        assert np.isfinite(found).all()
        assert (np.array(kind.low, np.float32) <= found).all()
        assert (found <= np.array(kind.high, np.float32)).all()


def test_saved_agents_act_as_their_network_says():
    network = Network(
        init=lambda key, kind, ids: jnp.zeros(()),
        encode=lambda params, obs, who: obs,
        recur=None,
        head=lambda params, x: params * x,
        memory=0,
        greedy=lambda h, legal: jnp.tanh(h),
    )
    kind = Kind((0, 1), 1, (2,), "float32", bounds=((-1.0, 1.0), (-1.0, 1.0)))
    spec = Spec(("a", "b"), (kind,), (0, 0), (0, 1), (0, 1))
    team = frozen(spec, (network,), (np.array([1.0, -2.0], np.float32),))
    [seen] = view(1)
    seen = seen._replace(obs=np.full((1, 2, 2), 0.25, np.float32))
    policy = team.policy(team.init(jax.random.key(0), spec), None)
    [decision] = team.act(jax.random.key(0), policy, (seen,), team.memory(policy, 1), "greedy")
    np.testing.assert_allclose(decision.action, np.tanh([[[0.25, 0.25], [-0.5, -0.5]]]), rtol=1e-6)
