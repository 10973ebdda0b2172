"""Agents that remember: the same game, its values the same as by playing every history out."""

import random
from itertools import product

import numpy as np
import pytest
from dec_pomdps import drawn_policy, recycling, value_by_histories
from finite_games import matrix_table, meeting_game, random_game, tiger
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.finite import histories
from coterie.finite.decentralised import decentralised_optimum
from coterie.finite.formats import from_bytes, to_bytes
from coterie.finite.game import check_game
from coterie.finite.histories import marker, memory_of, remember
from coterie.finite.solve import discounted_optimum, optimum, policy_value, uniform_policy


def windows_of(game, base):
    """The windows behind the observation numbers of a remembering game, as the numbers of single observations."""
    single, first, found = [], 0, []
    for values in base.observations:
        single.append({value.tobytes(): first + place for place, value in enumerate(values)})
        first += len(values)
    for kind, values in enumerate(game.observations):
        dtype, nothing = base.observations[kind].dtype, marker(base.observations[kind])
        for window in values:
            seen = [part for part in window if not (part == nothing).all()]
            assert len(seen) == len(window) or (window[: len(window) - len(seen)] == nothing).all()
            found.append(tuple(single[kind][part.astype(dtype).tobytes()] for part in seen))
    return found


def as_table(game, base, policies):
    """Policies by window as float64[N, O, A]; a policy says nothing of windows that nobody acts on."""
    table = np.zeros((len(game.actions), game.observation_count, max(game.actions)))
    table[..., 0] = 1.0
    for row, window in enumerate(windows_of(game, base)):
        for agent, policy in enumerate(policies):
            if window in policy:
                table[agent, row] = [policy[window].get(action, 0.0) for action in range(table.shape[2])]
    return table


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.sampled_from([(2, 2), (2, 3), (2, 2, 2)]))
def test_any_policy_by_window_has_the_same_value(seed, window, sizes):
    game = random_game(seed, sizes=sizes, horizon=3, branches=2)
    numbers = random.Random(seed)
    policies = [drawn_policy(game, agent, 3, numbers) for agent in range(len(sizes))]
    remembering = remember(game, window)
    check_game(remembering)
    table = as_table(remembering, game, policies) if window > 1 else None
    if table is None:
        assert remembering is game
        return
    found = policy_value(remembering, table).returns
    assert found == pytest.approx(value_by_histories(game, policies, 3, window=window), abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("window", [2, 3, 9])
def test_one_mind_gains_nothing_by_remembering(seed, window):
    game = random_game(seed, horizon=3)
    remembering = remember(game, window)
    assert optimum(remembering).value == pytest.approx(optimum(game).value)
    # without time limit, too: beyond it the game goes on
    assert discounted_optimum(remembering, 0.9).value == pytest.approx(discounted_optimum(game, 0.9).value)
    plain, other = (policy_value(one, uniform_policy(one)) for one in (game, remembering))
    assert other.returns == pytest.approx(plain.returns)
    assert (other.success, other.ended, other.steps) == pytest.approx((plain.success, plain.ended, plain.steps))


@pytest.mark.parametrize(("make", "horizon"), [(tiger, 2), (tiger, 3), (recycling, 3)])
def test_the_decentralised_optimum_is_a_policy_of_the_remembering_game(make, horizon):
    game = make(horizon)
    best = decentralised_optimum(game)
    remembering = remember(game, horizon)
    policies = [{history: {action: 1.0} for history, action in policy.items()} for policy in best.policies]
    value = policy_value(remembering, as_table(remembering, game, policies))
    assert value.returns.mean() == pytest.approx(best.value)
    assert decentralised_optimum(remembering).value == pytest.approx(best.value)


def test_seven_histories_an_agent_before_the_third_decision_on_the_tiger():
    """And eight more that are seen after it, which nobody acts on, and nothing, beyond the time limit."""
    remembering = remember(tiger(3), 3)
    assert remembering.observation_count == 7 + 8 + 1
    assert remembering.observations[0].shape == (16, 4, 1)
    assert remembering.spec.kinds[0].observation_shape == (4, 1)
    assert remembering.observations[0][0].tolist() == [[-1], [-1], [-1], [0]]
    assert from_bytes(to_bytes(remembering)).spec == remembering.spec


def test_a_short_window_forgets():
    """Two steps back the sound is forgotten, so three steps on the tiger cannot be told by counting to two sounds."""
    windows = windows_of(remember(tiger(9), 2), tiger(9))
    assert sorted(set(windows)) == [(0,), (0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_pair_is_remembered_as_a_pair():
    remembering = remember(meeting_game(3, horizon=4), 2)
    assert remembering.observations[0].shape[1:] == (2, 2)
    assert remembering.observations[0][remembering.seen[remembering.start_state[0], 1]].tolist() == [[-1, -1], [2, 2]]
    assert remembering.deterministic
    assert remembering.boards.shape == (len(remembering.states), 3, 3)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
def test_the_marker_is_below_all_that_is_seen(dtype):
    game = random_game(3)
    game = game._replace(observations=tuple(values.astype(dtype) for values in game.observations))
    remembering = remember(game, 2)
    assert remembering.observations[0].min() == -1
    assert remembering.spec.kinds[0].observation_dtype == str(remembering.observations[0].dtype)
    assert marker(np.array([-1.5, 0.0])) == -3


@pytest.mark.parametrize("window", [0, 1])
def test_the_present_alone_is_the_game_itself(window):
    assert remember(tiger(3), window) is tiger(3)
    once = matrix_table([[1, 0], [0, 1]])
    assert remember(once, 5) is once
    assert memory_of(1, 5) == memory_of(3, 1) == (1, False)


def test_nothing_is_entered_behind_an_ending():
    """Every play ends the game: of the two states, what comes after the ending has no edges."""
    remembering = remember(matrix_table([[1, 0], [0, 1]])._replace(horizon=3), 2)
    assert len(remembering.states) == 2
    assert np.diff(remembering.first_edge).tolist() == [1, 1, 1, 1, 0, 0, 0, 0]


def test_how_long_a_memory_is():
    assert memory_of(4, 3) == (3, False)
    assert memory_of(4, 4) == memory_of(4, 9) == (5, True)
    assert memory_of(0, 9) == (9, False)


def test_what_cannot_be_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="at least the present observation, not -1"):
        remember(tiger(3), -1)
    monkeypatch.setattr(histories, "EDGES_CAP", 1_000)
    with pytest.raises(ValueError, match=r"that remember 4 observations make a table of more than 1,000 edges"):
        remember(tiger(3), 3)


def test_the_oracle_tells_windows_apart():
    """The negative control: with another window the same policies are worth something else."""
    game = random_game(11, horizon=3)
    numbers = random.Random(1)
    policies = [drawn_policy(game, agent, 3, numbers) for agent in range(2)]
    values = [value_by_histories(game, policies, 3, window=window)[0] for window in (1, 2, 3)]
    assert all(abs(a - b) > 1e-6 for a, b in product(values, values) if a is not b)
