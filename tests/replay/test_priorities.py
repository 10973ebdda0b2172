"""Prioritised replay: rows in proportion to their priorities, and weights that undo it."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.replay import buffer, priorities
from coterie.replay.buffer import Places

jitted = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
SLOTS, E, COUNT = 350, 3, 4096  # 1050 places: a tree of three levels
change = jitted(priorities.change)


def set_to(values: np.ndarray) -> priorities.Priorities:
    """Priorities [slots, E], as given."""
    tree = priorities.empty(*values.shape)
    return change(tree, jnp.arange(values.size, dtype=jnp.int32), jnp.asarray(values.reshape(-1), jnp.float32))


draw = jitted(
    lambda tree, key, written, slots, count, length, step: priorities.draw(
        key, tree, written, slots, E, count, length, step
    ),
    static_argnums=(3, 4, 5),
)


def whole_draw(tree, key, count=COUNT, length=1, written=SLOTS, step=None, slots=SLOTS):
    return jax.tree.map(np.asarray, draw(tree, key, jnp.uint32(written), slots, count, length, step))


def shares(places: Places, slots=SLOTS) -> np.ndarray:
    found = np.zeros((slots, E))
    np.add.at(found, (places.row, places.environment), 1 / len(places.row))
    return found


def test_the_tree_has_three_levels():
    assert [level.shape[0] for level in priorities.empty(SLOTS, E).levels] == [1056, 64, 32]
    assert [level.shape[0] for level in priorities.empty(2, E).levels] == [32]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31))
def test_sums_are_sums_after_any_changes(seed):
    """Equal places among the changes, too; nothing drifts, so the sums are float32's own."""
    random = np.random.default_rng(seed)
    tree = set_to(random.random((SLOTS, E)))
    for _ in range(3):
        index = random.integers(0, SLOTS * E, 64)
        tree = change(tree, jnp.asarray(index, jnp.int32), jnp.asarray(random.exponential(size=64), jnp.float32))
    for below, above in zip(tree.levels, tree.levels[1:], strict=False):
        sums = np.asarray(below).reshape(-1, priorities.WIDTH).sum(1)
        assert np.allclose(np.asarray(above)[: len(sums)], sums, rtol=1e-6)
    assert (np.asarray(tree.levels[0])[SLOTS * E :] == 0).all()


def test_rows_are_drawn_in_proportion_to_their_priorities():
    values = np.random.default_rng(0).exponential(size=(SLOTS, E))
    values[100:200] = 0
    chosen = whole_draw(set_to(values), jax.random.key(1))
    expected = values / values.sum()
    found = shares(chosen.drawn)
    assert found[100:200].sum() == 0
    # Stratified: a share of the whole is right to two draws wherever one looks along the order of the places.
    assert np.abs(np.cumsum(found) - np.cumsum(expected)).max() < 2 / COUNT
    assert np.abs(np.cumsum(found) - np.arange(1, SLOTS * E + 1) / (SLOTS * E)).max() > 20 / COUNT
    assert np.allclose(chosen.probability, expected[chosen.drawn.row, chosen.drawn.environment], rtol=1e-4)


def test_even_priorities_meet_every_row_once():
    chosen = whole_draw(set_to(np.ones((SLOTS, E))), jax.random.key(2), count=SLOTS * E)
    found = np.round(shares(chosen.drawn) * SLOTS * E)
    assert np.abs(np.cumsum(found) - np.arange(1, SLOTS * E + 1)).max() <= 1
    assert np.allclose(chosen.probability, 1 / (SLOTS * E))


@pytest.mark.parametrize("small", [1e-8, 1e-3])
def test_rounding_never_leads_to_a_row_without_priority(small):
    """One huge priority, many tiny ones and nothing between: masses at the edges fall on what has a priority."""
    values = np.where(np.arange(SLOTS * E) % 3 == 2, small, 0).reshape(SLOTS, E)
    values[17, 1] = 1e6
    values[-1] = 0
    chosen = whole_draw(set_to(values), jax.random.key(3))
    assert (values[chosen.drawn.row, chosen.drawn.environment] > 0).all()
    found, value = jitted(priorities.find)(set_to(values), jnp.array([0.0, values.sum() * 1.001], jnp.float32))
    assert found.tolist() == [2, np.flatnonzero(values)[-1]]
    assert (np.asarray(value) > 0).all()


def test_new_rows_get_the_greatest_priority_ever_given():
    tree = priorities.empty(6, E)
    admit = jitted(lambda tree, written: priorities.admit(tree, written, 2, 6, E))
    renew = jitted(priorities.renew, static_argnames=("environments", "exponent", "least"))
    tree = admit(tree, jnp.uint32(0))
    assert np.asarray(tree.levels[0])[: 6 * E].reshape(6, E).tolist() == [[1] * E] * 2 + [[0] * E] * 4
    here = Places(jnp.array([1]), jnp.array([2]))
    tree = renew(tree, here, jnp.array([-2.0]), environments=E, exponent=2.0, least=1.0)
    assert float(tree.highest) == 9
    tree = renew(tree, here, jnp.array([0.5]), environments=E, exponent=1.0, least=0.0)
    tree = admit(tree, jnp.uint32(10))
    expected = [[1] * E, [1, 1, 0.5], [0] * E, [0] * E, [9] * E, [9] * E]
    assert np.asarray(tree.levels[0])[: 6 * E].reshape(6, E).tolist() == expected
    assert float(tree.highest) == 9


def test_importance_weights_undo_the_draw():
    """Weighted by 1 / (n P), the mean over a draw is the plain mean over the ring; without weights it is not."""
    values = np.random.default_rng(4).exponential(size=(SLOTS, E)) + 0.1
    chosen = whole_draw(set_to(values), jax.random.key(4))
    weight = np.asarray(priorities.importance(jnp.asarray(chosen.probability), jnp.uint32(SLOTS), SLOTS, E, 1.0))
    what = values**2
    seen = what[chosen.drawn.row, chosen.drawn.environment]
    assert (weight * seen).sum() / weight.sum() == pytest.approx(what.mean(), rel=0.01)
    assert seen.mean() > 1.5 * what.mean()


def test_importance_weights_by_hand():
    probability = jnp.array([0.5, 0.25, 0.125])
    stored, full = jnp.uint32(2), jnp.uint32(100)
    assert priorities.importance(probability, stored, 6, 1, 1.0).tolist() == [0.25, 0.5, 1]
    assert np.allclose(priorities.importance(probability, full, 6, 1, 0.5), [0.5, 2**-0.5, 1])
    assert priorities.importance(probability, full, 6, 1, 0.0).tolist() == [1, 1, 1]


@pytest.mark.parametrize("written", [12, 31])
def test_sequences_hold_the_row_they_were_drawn_for_and_do_not_cross_the_head(written):
    slots, length = 12, 3
    steps = np.arange(slots)[:, None].repeat(E, 1) % 5
    tree = set_to(np.random.default_rng(5).exponential(size=(slots, E)))
    for step in (None, jnp.asarray(steps, jnp.int32)):
        chosen = whole_draw(tree, jax.random.key(5), 500, length, written, step, slots)
        oldest = written % slots
        start, age = (chosen.places.row - oldest) % slots, (chosen.drawn.row - oldest) % slots
        assert ((start <= age) & (age < start + length)).all()
        assert (chosen.places.environment == chosen.drawn.environment).all()
        if step is None:
            assert (start + length <= slots).all()
            assert set(start) == set(range(slots - length + 1))
        else:
            at = steps[chosen.places.row, chosen.places.environment]
            assert ((at % length == 0) | (start == 0)).all()


def test_nothing_written_is_no_accident():
    chosen = whole_draw(priorities.empty(SLOTS, E), jax.random.key(0), 8, written=0)
    assert (chosen.drawn.row == 0).all()
    assert (chosen.probability == 0).all()
    weight = priorities.importance(jnp.asarray(chosen.probability), jnp.uint32(0), SLOTS, E, 0.4)
    assert np.isfinite(np.asarray(weight)).all()
    assert not buffer.inside(Places(*map(jnp.asarray, chosen.places)), jnp.uint32(0), SLOTS, 1).any()


def test_seeds_draw_what_each_draws_alone():
    random = np.random.default_rng(6)
    trees = [set_to(random.exponential(size=(SLOTS, E))) for _ in range(2)]
    keys = jax.random.split(jax.random.key(0), 2)

    def one(tree, key, written):
        tree = priorities.admit(tree, written, 2, SLOTS, E)
        chosen = priorities.draw(key, tree, written + jnp.uint32(2), SLOTS, E, 32, 1)
        return chosen, priorities.renew(tree, chosen.drawn, chosen.probability, E)

    over = jitted(jax.vmap(one, in_axes=(0, 0, None)))
    together = over(jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees), keys, jnp.uint32(348))
    by_itself = jitted(one)
    for seed in range(2):
        alone = by_itself(trees[seed], keys[seed], jnp.uint32(348))
        for leaf, other in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
            assert np.allclose(np.asarray(leaf[seed]), np.asarray(other), rtol=1e-6)
