"""What an environment tells is taken where it fits, and named where it does not."""

import numpy as np
import pytest

from coterie.errors import EnvironmentFault
from coterie.pettingzoo.driving.board import blank, no_number
from coterie.pettingzoo.reading.checks import everybody_sees, paid, put, put_mask, put_state
from coterie.types import Kind, Spec

FLOATS, WHOLE, BYTES, ONE = (
    np.zeros((2, 3), np.float32),
    np.zeros((2, 3), np.int32),
    np.zeros((2, 2), np.uint8),
    np.zeros(2, np.int32),
)


@pytest.mark.parametrize(
    "seen, told",
    [
        (FLOATS, np.array([1.5, 2, 3])),
        (FLOATS, np.array([1, 2, 3])),
        (FLOATS, np.array([True, False, True])),
        (FLOATS, [1, 2, 3.5]),
        (WHOLE, np.array([1, 2, 3], np.uint64)),
        (WHOLE, np.array([1.0, 2.0, -3.0])),
        (BYTES, np.array([0, 255])),
        (ONE, 4),
        (ONE, np.int64(4)),
        (ONE, np.array(4.0)),
    ],
)
def test_numbers_of_the_right_shape_are_taken(seen, told):
    seen = seen.copy()
    put(seen, 1, "a", told)
    np.testing.assert_array_equal(seen[1], np.asarray(told))
    assert not seen[0].any()


@pytest.mark.parametrize(
    "seen, told, says",
    [
        (FLOATS, np.ones(4), r"float64 numbers of shape \(4,\); expected float32 numbers of shape \(3,\)"),
        (FLOATS, np.ones(1), r"float64 numbers of shape \(1,\)"),  # which NumPy would spread out
        (FLOATS, 1.0, "one float64 number"),
        (FLOATS, np.array(["a", "b", "c"]), "<U1 numbers"),
        (FLOATS, np.array([1, 2, None]), r"object numbers"),
        (FLOATS, "text", r"'text' \(str\)"),
        (FLOATS, None, "None; expected"),
        (FLOATS, [[1], [1, 2]], r"\[\[1\], \[1, 2\]\] \(list\)"),
        (FLOATS, np.ones(3, complex), "complex128 numbers"),
        (WHOLE, np.array([1, 2.5, 3]), r"2.5 at \[1\]; expected int32 numbers of shape \(3,\)"),
        (WHOLE, np.array([1, 2, np.nan]), r"nan at \[2\]"),
        (WHOLE, np.array([1, 2**40, 3]), r"1099511627776 at \[1\]"),
        (BYTES, np.array([0, 256]), r"256 at \[1\]"),
        (BYTES, np.array([-1, 0]), r"-1 at \[0\]"),
        (ONE, 0.5, "0.5; expected one int32 number"),
    ],
)
def test_what_would_not_stay_what_it_is_is_named(seen, told, says):
    seen = seen.copy()
    with pytest.raises(EnvironmentFault, match=rf"^agent 'a' sees {says}"):
        put(seen, 0, "a", told)
    assert not seen.any()


def test_what_is_infinite_in_32_bits_is_named_where_warnings_are_errors():
    """Elsewhere it becomes infinite, and is found with all that is no number."""
    with pytest.raises(EnvironmentFault, match=r"^agent 'a' sees numbers beyond float32; expected float32 numbers"):
        put(FLOATS.copy(), 0, "a", np.array([1, 1e300, 3]))


def test_an_observation_of_several_parts_names_its_agent_too():
    def encode(observation):
        return np.array([observation["x"]] * 3, np.float32)

    seen = FLOATS.copy()
    put(seen, 0, "a", {"x": 2}, encode)
    assert seen[0].tolist() == [2, 2, 2]
    with pytest.raises(EnvironmentFault, match=r"^agent 'a' sees \{'y': 2\} \(dict\): KeyError: 'x'"):
        put(seen, 0, "a", {"y": 2}, encode)


@pytest.mark.parametrize("reward", [1.5, 1, True, np.float64(1.5), np.array(1), np.array([1.0]), np.array([[2]])])
def test_one_number_is_a_reward(reward):
    assert paid("a", reward) == float(np.asarray(reward).reshape(()))


@pytest.mark.parametrize(
    "reward, says",
    [
        (np.nan, "nan; expected a finite number"),
        (-np.inf, "-inf; expected a finite number"),
        (1e39, "1e[+]39; expected a finite number, at most 3.4e[+]38 in size"),  # infinite in 32 bits
        ("3.5", r"'3.5' \(str\); expected one number"),
        (np.str_("3.5"), r"np.str_\('3.5'\) \(str_\); expected one number"),
        (None, "None; expected one number"),
        (np.ones(2), r"array\(\[1., 1.\]\) \(ndarray\); expected one number"),
        ([1.0], r"\[1.0\] \(list\); expected one number"),
        (1j, r"1j \(complex\); expected one number"),
    ],
)
def test_what_is_no_reward_is_named(reward, says):
    with pytest.raises(EnvironmentFault, match=f"^agent 'a' was paid {says}"):
        paid("a", reward)


def test_masks_and_states_have_one_shape():
    legal, state = np.ones((2, 3), bool), np.zeros(2, np.float32)
    put_mask(legal, 1, "a", [0, 1.0, True])
    assert legal.tolist() == [[True] * 3, [False, True, True]]
    with pytest.raises(EnvironmentFault, match=r"'a' has an action mask of shape \(1,\); expected \(3,\)"):
        put_mask(legal, 0, "a", [1])
    with pytest.raises(EnvironmentFault, match=r"expected \(1,\); where actions are amounts \(Box\), nothing can be"):
        put_mask(np.ones((1, 1), bool), 0, "a", [1, 0])
    put_state(state, [1, 2])
    assert state.tolist() == [1, 2]
    with pytest.raises(
        EnvironmentFault, match=r"state is one float64 number; expected float32 numbers of shape \(2,\)"
    ):
        put_state(state, 1.0)


def test_who_moves_must_see():
    everybody_sees(["a", "b"], {"a": 1}, {"b"})
    with pytest.raises(EnvironmentFault, match="'b' is alive and to move, and there is no observation for it"):
        everybody_sees(["a", "b"], {"a": 1}, set())


def test_what_is_no_number_is_named_with_its_place():
    spec = Spec(("a", "b"), (Kind((1, 0), 2, (2,), "float32", None),), (0, 0), (0, 1), (0, 1), (3,))
    glance = blank(spec, 4)
    assert no_number(spec, glance) is None
    glance.state[3, 2] = -np.inf
    assert no_number(spec, glance) == (3, "the central state holds -inf at [2]; expected finite numbers")
    glance.obs[0][2, 1, 0] = np.nan
    assert no_number(spec, glance) == (2, "agent 'a' sees nan at [0]; expected finite numbers")
