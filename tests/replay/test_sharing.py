"""Whose experience each learner studies: every rule's distribution against its closed form."""

from collections import deque
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.errors import BadInput
from coterie.replay import buffer, sharing
from coterie.replay.buffer import Places

jitted = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
few = settings(max_examples=30, deadline=None)
SLOTS, E, N, B = 40, 5, 3, 20_000


def candidates(k: int, count: int = B, seed: int = 0) -> Places:
    """Places drawn evenly, [K, B]."""
    random = np.random.default_rng(seed)
    row, environment = (jnp.asarray(random.integers(0, size, (k, count)), jnp.int32) for size in (SLOTS, E))
    return Places(row, environment)


def drawn(rule, places: Places, offered=None, seed: int = 1) -> sharing.Draw:
    found = jitted(rule)(jax.random.key(seed), places, offered)
    count, learners = places.row.shape[1], found.source.shape[1]
    assert [leaf.dtype.name for leaf in found] == ["int32", "int32", "int32", "float32"]
    assert {leaf.shape for leaf in found} == {(count, learners)}
    return sharing.Draw(*map(np.asarray, found))


def shares(source: np.ndarray, agents: int = N) -> np.ndarray:
    """How often each learner studied each agent, [M, N]."""
    return np.stack([(source == agent).mean(0) for agent in range(agents)], axis=1)


def far(found: np.ndarray, expected: np.ndarray, count: int = B) -> bool:
    """Whether a share is four and a half standard errors off anywhere."""
    expected = np.asarray(expected)
    return bool((np.abs(found - expected) > 4.5 * np.sqrt(expected * (1 - expected) / count) + 1e-9).any())


# Weights


def test_weights_by_hand():
    assert sharing.identity(2).tolist() == [[1, 0], [0, 1]]
    assert sharing.pooled(4).tolist() == [[0.25] * 4] * 4
    assert sharing.teams([5, 2, 5]).tolist() == [[0.5, 0, 0.5], [0, 1, 0], [0.5, 0, 0.5]]
    students = sharing.with_students(sharing.identity(2), np.array([[0.5, 0.5]]))
    assert students.tolist() == [[1, 0], [0, 1], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([[0.5, 0.4], [0.5, 0.5]], r"learner 0's shares of experience, \[0\.5, 0\.4\], do not add to 1"),
        ([[1, 0], [1.5, -0.5]], "learner 1's shares"),
        ([[1, 0], [float("nan"), 1]], "learner 1's shares"),
        ([[0.5, 0.5]], r"a row a learner and a column an agent, not of shape \(1, 2\)"),
        ([1.0], r"not of shape \(1,\)"),
    ],
)
@pytest.mark.parametrize("rule", [sharing.matrix, sharing.selective])
def test_what_are_no_shares_is_refused(rule, weights, words):
    with pytest.raises(BadInput, match=words):
        rule(weights)


# Matrix

UNEVEN = np.array([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5], [0.7, 0.2, 0.1]])


def test_sources_are_drawn_by_the_weights():
    found = drawn(sharing.matrix(UNEVEN), candidates(2))
    assert not far(shares(found.source), UNEVEN)
    assert far(shares(found.source), sharing.with_students(sharing.pooled(3), np.full((1, 3), 1 / 3)))
    assert (found.weight == 1).all()


def test_learners_with_equal_rows_study_equal_things():
    found = drawn(sharing.matrix(UNEVEN), candidates(2))
    for leaf in found:
        assert (leaf[:, 0] == leaf[:, 3]).all()
    assert (found.source[:, 0] != found.source[:, 2]).any()


def test_all_learners_study_one_moment_of_the_first_candidate():
    places = candidates(2)
    found = drawn(sharing.matrix(UNEVEN), places)
    assert (found.row == np.asarray(places.row)[0][:, None]).all()
    assert (found.environment == np.asarray(places.environment)[0][:, None]).all()
    assert (np.asarray(places.row)[0] != np.asarray(places.row)[1]).any()


def test_identity_is_independent_and_teams_keep_to_themselves():
    assert (drawn(sharing.matrix(sharing.identity(N)), candidates(1)).source == np.arange(N)).all()
    found = drawn(sharing.matrix(sharing.teams([0, 1, 0])), candidates(1)).source
    assert not far(shares(found), sharing.teams([0, 1, 0]))
    assert not far(shares(drawn(sharing.matrix(sharing.pooled(N)), candidates(1)).source), sharing.pooled(N))


@few
@given(st.lists(st.sampled_from([0, 0, 1, 2, 3, 1e-7]), min_size=1, max_size=7).filter(any), st.data())
def test_the_inverse_cdf_is_exact_at_its_edges(parts, data):
    weights = np.array([parts]) / np.sum(parts)
    edges = np.cumsum(weights[0]).astype(np.float32)
    numbers = [0.0, 1 - 2**-24, *edges[edges < 1], *np.nextafter(edges, np.float32(0)).clip(0)]
    uniform = np.array([*numbers, data.draw(st.floats(0, 1 - 2**-24, width=32))], np.float32)
    found = np.asarray(sharing.sources(sharing.bounds(weights), jnp.asarray(uniform)))[:, 0]
    assert (weights[0][found] > 0).all()
    assert (np.abs(found - np.searchsorted(edges[:-1], uniform, side="right")) == 0).all() or 1e-7 in parts


def test_shares_that_add_to_nearly_one_give_nothing_to_whoever_has_none():
    assert sharing.bounds(sharing.checked([[0.999995, 0.0], [0.0, 1.0]])).tolist() == [[1], [0]]


# Selective


def selective_shares(weights, offered_share, k):
    """P(learner m studies j | k candidates): (w_mj a_mj / q_m) (1 - (1 - q_m)^k), and own has the rest; [M, N].

    a_mj is 1 for one's own and the share that j offers elsewhere; q_m, their weighted sum, is how often one is taken.
    """
    weights, expected = np.asarray(weights), np.zeros_like(weights)
    for learner, row in enumerate(weights):
        taken = row * np.where(np.arange(len(row)) == learner, 1, offered_share)
        missed = (1 - taken.sum()) ** k
        expected[learner] = taken / taken.sum() * (1 - missed)
        expected[learner, learner] += missed
    return expected


def offers(share, seed=3):
    return jnp.asarray(np.random.default_rng(seed).random((SLOTS, E, N)) < np.asarray(share))


@pytest.mark.parametrize("weights", [sharing.pooled(N), UNEVEN[:3]], ids=["even", "uneven"])
@pytest.mark.parametrize("k", [1, 4])
def test_selective_sharing_in_closed_form(weights, k):
    offered = offers([0.1, 0.5, 0.9])
    found = drawn(sharing.selective(weights), candidates(k), offered)
    expected = selective_shares(weights, np.asarray(offered).mean((0, 1)), k)
    assert not far(shares(found.source), expected)
    assert far(shares(found.source), weights)
    assert (found.weight == 1).all()
    theirs = found.source != np.arange(N)
    assert np.asarray(offered)[found.row, found.environment, found.source][theirs].all()


def test_own_to_anothers_is_one_to_the_share_offered():
    offered = offers(0.2)
    share = np.asarray(offered).mean((0, 1))
    found = shares(drawn(sharing.selective(sharing.pooled(N)), candidates(32), offered).source)
    own = np.diagonal(found)
    assert np.abs(found / own[:, None] - np.where(np.eye(N), 1, share)).max() < 0.015
    unfiltered = shares(drawn(sharing.matrix(sharing.pooled(N)), candidates(32)).source)
    assert np.abs(unfiltered / np.diagonal(unfiltered)[:, None] - np.where(np.eye(N), 1, share)).max() > 0.7


def test_sharing_without_the_filter_would_be_found():
    offered = offers(0.3)
    found = drawn(sharing.matrix(sharing.pooled(N)), candidates(4))
    theirs = found.source != np.arange(N)
    assert not np.asarray(offered)[found.row, found.environment, found.source][theirs].all()
    assert far(shares(found.source), selective_shares(sharing.pooled(N), np.asarray(offered).mean((0, 1)), 4))


ONLY_ANOTHER = np.array(
    [[0.0, 1, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0]]
)  # everybody would study agent 1, and so a student


def test_the_first_candidate_that_is_offered_is_taken():
    """Agent 1 offers only at row 2, environment 0; item 0 meets that place second, item 1 third, item 2 never."""
    places = Places(jnp.array([[5, 1, 3], [2, 3, 3], [2, 2, 4]]), jnp.array([[0, 1, 2], [0, 0, 1], [0, 0, 3]]))
    offered = jnp.zeros((SLOTS, E, N), bool).at[2, 0, 1].set(True)
    found = drawn(sharing.selective(ONLY_ANOTHER), places, offered)
    # Agent 1 itself needs no offer and takes its own of the first candidate; the others wait for the offer. Where none
    # comes, agents 0 and 2 fall back on themselves, the student on the first candidate, each with weight 0: no share.
    assert found.row.tolist() == [[2, 5, 2, 2], [2, 1, 2, 2], [3, 3, 3, 3]]
    assert found.environment.tolist() == [[0, 0, 0, 0], [0, 1, 0, 0], [2, 2, 2, 2]]
    assert found.source.tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 2, 1]]
    assert found.weight.tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 0, 0]]
    # With the first candidate alone, items 0 and 1 do not meet the offer.
    later = drawn(sharing.selective(ONLY_ANOTHER), jax.tree.map(lambda leaf: leaf[:1], places), offered)
    assert later.weight[:2, 0].tolist() == [0, 0]


def test_where_nothing_is_offered_everybody_studies_itself():
    places, nothing = candidates(4), jnp.zeros((SLOTS, E, N), bool)
    students = sharing.with_students(sharing.pooled(N), sharing.pooled(N)[:2])
    found = drawn(sharing.selective(students), places, nothing)
    assert (found.source[:, :N] == np.arange(N)).all()
    assert (found.weight[:, :N] == 1).all()
    assert (found.weight[:, N:] == 0).all()
    fell_back = found.row != np.asarray(places.row)[0][:, None]
    assert far(fell_back.mean(0)[:N], np.zeros(N))  # a later candidate may name oneself
    alone = drawn(sharing.selective(sharing.pooled(N)), jax.tree.map(lambda leaf: leaf[:1], places), nothing)
    assert (alone.row == np.asarray(places.row)[0][:, None]).all()


def test_students_study_what_is_offered_and_alike():
    offered = offers(0.4)
    students = sharing.with_students(sharing.pooled(N), sharing.pooled(N)[:2])
    found = drawn(sharing.selective(students), candidates(16), offered)
    for leaf in found:
        assert (leaf[:, N] == leaf[:, N + 1]).all()
    assert (found.weight[:, N] == 1).mean() > 0.99
    took = found.weight[:, N] == 1
    assert np.asarray(offered)[found.row, found.environment, found.source][took, N].all()
    share = np.asarray(offered).mean((0, 1))
    assert not far(shares(found.source[took, N:]), np.tile(share / share.sum(), (2, 1)), took.sum())


def test_selective_needs_offers():
    with pytest.raises(ValueError, match="offered"):
        sharing.selective(sharing.pooled(2))(jax.random.key(0), candidates(1), None)


# SEQL


def test_stratified_batches_by_hand():
    places = candidates(1, 7)
    found = drawn(sharing.stratified(N, own_weight=2.0), places)
    assert found.source.tolist() == [[item % 3] * 3 for item in range(7)]
    assert (found.row == np.asarray(places.row)[0][:, None]).all()
    # own : other = 2 : 1 and (2 + 1 + 1) / 3 on average
    assert np.allclose(found.weight[:3], [[1.5, 0.75, 0.75], [0.75, 1.5, 0.75], [0.75, 0.75, 1.5]])
    assert np.allclose(found.weight[:6].mean(0), 1)
    mended = drawn(sharing.stratified(N, own_weight=1.0), places)
    assert (mended.weight == 1).all()
    assert not np.allclose(found.weight, mended.weight)


def test_as_published_own_weighs_as_much_as_all_others():
    """Own N - 1 times as much as another's: half of all weight is one's own, whatever N."""
    for agents in (2, 4, 6):
        found = drawn(sharing.stratified(agents, agents - 1.0), candidates(1, 12 * agents))
        own = (found.weight * (found.source == np.arange(agents))).sum(0)
        assert np.allclose(own / found.weight.sum(0), 0.5)


def test_students_of_stratified_batches_weigh_all_alike():
    found = drawn(sharing.stratified(2, 3.0, learners=3), candidates(1, 4))
    assert np.allclose(found.weight, [[1.5, 0.5, 1], [0.5, 1.5, 1]] * 2)


# Reading


@pytest.mark.parametrize("rule", ["matrix", "selective"])
@pytest.mark.parametrize("length", [1, 4])
def test_a_learner_reads_its_source(rule, length):
    """Against numpy, item by item, going round the end of the ring."""
    names = np.arange(SLOTS * E * N, dtype=np.int32).reshape(SLOTS, E, N)
    ring = buffer.Ring({"name": jnp.asarray(names), "pair": jnp.asarray(np.stack([names, -names], -1))})
    weights = sharing.with_students(sharing.pooled(N), sharing.pooled(N)[:1])
    found = drawn(getattr(sharing, rule)(weights), candidates(3, 50), offers(0.5))
    read = jitted(sharing.study, static_argnums=2)(ring, sharing.Draw(*map(jnp.asarray, found)), length)
    assert read["pair"].shape == (length, 50, N + 1, 2)
    assert read["pair"].dtype == jnp.int32
    for step in range(length):
        for item in range(50):
            for learner in range(N + 1):
                row, environment, source, _ = (leaf[item, learner] for leaf in found)
                expected = names[(row + step) % SLOTS, environment, source]
                assert read["name"][step, item, learner] == expected
                assert read["pair"][step, item, learner].tolist() == [expected, -expected]


def test_seeds_draw_what_each_draws_alone():
    keys = jax.random.split(jax.random.key(0), 3)
    offered = jnp.stack([offers(0.3, seed) for seed in range(3)])
    rule = sharing.selective(sharing.pooled(N))

    def one(key, offered):
        places = buffer.draw(key, jnp.uint32(SLOTS), SLOTS, E, 40, 1)
        return rule(key, jax.tree.map(lambda leaf: leaf.reshape(4, 10), places), offered)

    together = jitted(jax.vmap(one))(keys, offered)
    by_itself = jitted(one)
    alone = [by_itself(key, mask) for key, mask in zip(keys, offered, strict=True)]
    for leaf, *others in zip(together, *alone, strict=True):
        assert (np.asarray(leaf) == np.stack(others)).all()
    assert (np.asarray(together.row[0]) != np.asarray(together.row[1])).any()


# Offers

WINDOW, ROWS = 11, 4
by_quantile = jitted(sharing.by_quantile, static_argnums=2)


@few
@given(st.integers(0, 2**31), st.sampled_from([0.1, 0.25, 0.5]), st.integers(0, 2))
def test_offers_are_above_the_quantile_of_the_window(seed, share, absent):
    """Against a deque and numpy's quantile, write by write, before the window is full and after."""
    random = np.random.default_rng(seed)
    window, kept = sharing.empty_window(WINDOW, N), [deque([None] * WINDOW, maxlen=WINDOW) for _ in range(N)]
    for _ in range(4):
        errors = random.integers(-40, 40, (ROWS, 2, N)).astype(np.float32) / 8
        errors[random.random(errors.shape) < absent / 4] = np.nan
        offered, window = by_quantile(jnp.asarray(errors), window, share)
        for agent in range(N):
            flat = np.abs(errors[..., agent]).reshape(-1)
            kept[agent].extend(None if np.isnan(value) else value for value in flat)
            values = [value for value in kept[agent] if value is not None]
            limit = np.quantile(np.array(values, float), 1 - share) if values else np.inf
            expected = np.nan_to_num(np.abs(errors[..., agent]), nan=-1) > limit
            clear = np.abs(np.abs(errors[..., agent]) - limit) > 1e-5  # NaN is not clear, and is asked below
            assert (np.asarray(offered)[..., agent] == expected)[clear].all()
            assert not np.asarray(offered)[..., agent][np.isnan(errors[..., agent])].any()
            there = np.asarray(window)[:, agent]
            assert there.tolist() == [-1.0 if value is None else value for value in kept[agent]]


@pytest.mark.parametrize("count", [1, 2, 10, 11, 100, 1500])
@pytest.mark.parametrize("level", [0.0, 0.5, 0.9, 0.99, 1.0])
def test_the_quantile_is_numpys(count, level):
    random = np.random.default_rng(count)
    values = np.concatenate([np.full(7, -1), random.exponential(size=count)]).astype(np.float32)
    random.shuffle(values)
    found = quantile(jnp.asarray(values), level)
    expected = np.quantile(values[values >= 0].astype(float), level)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-6)
    if count in (2, 10, 11) and level == 0.5:
        assert found != pytest.approx(np.quantile(values, level), rel=1e-2)  # were empty places counted


quantile = jitted(sharing.quantile)


def test_nothing_there_has_no_quantile():
    assert float(quantile(jnp.full(5, -1.0), 0.9)) == 0


def test_places_in_order_are_exact():
    """(1 - 0.1) * 10 is 9: the tenth of eleven, which float32 arithmetic alone misses."""
    offered, _ = by_quantile(jnp.arange(11.0).reshape(11, 1, 1), sharing.empty_window(11, 1), 0.1)
    assert np.asarray(offered)[:, 0, 0].tolist() == [False] * 10 + [True]
    assert float(quantile(jnp.arange(11.0), 1 - 0.1)) == 9
    assert np.float32(1 - 0.4) * np.float32(25) != 15
    assert float(quantile(jnp.arange(26.0), 1 - 0.4)) == 15


def test_a_share_is_offered_where_errors_come_from_one_law():
    random = np.random.default_rng(0)
    window, total = sharing.empty_window(200, 2), []
    for _ in range(60):
        offered, window = by_quantile(jnp.asarray(random.normal(size=(8, 5, 2)) * [1, 50], jnp.float32), window, 0.1)
        total.append(np.asarray(offered))
    by_agent = np.concatenate(total).mean((0, 1))
    assert np.abs(by_agent - 0.1).max() < 0.02  # each by its own errors, though one's are fifty times the other's


def test_equal_errors_are_no_surprise():
    offered, _ = by_quantile(jnp.ones((ROWS, 2, N)), sharing.empty_window(WINDOW, N), 0.25)
    assert not np.asarray(offered).any()


def test_a_random_share_is_offered():
    offered = np.asarray(sharing.at_random(jax.random.key(0), (100, 10, 20), 0.1))
    assert offered.shape == (100, 10, 20)
    assert offered.dtype == bool
    assert not far(offered.mean((0, 1)), np.full(20, 0.1), 1000)
