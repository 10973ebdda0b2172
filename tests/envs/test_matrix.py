"""Matrix games against their published tables, and the conventions of one-shot and repeated play."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from coterie.envs import boards
from coterie.envs.matrix import climbing, matrix_game, penalty
from coterie.envs.payoffs import letters
from coterie.errors import BadInput
from coterie.settings import ClimbingOptions, PenaltyOptions


def play(environment, *actions):
    return environment.step(environment.start(jnp.int32(0)), jnp.array(actions, jnp.int32), jnp.int32(0))


def table(environment, rows, columns):
    return [[float(play(environment, row, column).reward[0]) for column in range(columns)] for row in range(rows)]


@pytest.mark.smoke
def test_climbing_pays_the_published_table():
    game = climbing(ClimbingOptions())
    assert table(game, 3, 3) == [[11, -30, 0], [-30, 7, 6], [0, 0, 5]]
    assert play(game, 1, 2).reward.tolist() == [6, 6]
    assert play(game, 2, 1).reward.tolist() == [0, 0]
    assert game.spec.team == (0, 0)


def test_penalty_pays_k_for_missing_each_other():
    assert table(penalty(PenaltyOptions(k=-7.5)), 3, 3) == [[10, 0, -7.5], [0, 2, 0], [-7.5, 0, 10]]


def test_success_is_the_greatest_team_payoff():
    climb, miss = climbing(ClimbingOptions()), penalty(PenaltyOptions())
    wins = [
        [(row, column) for row in range(3) for column in range(3) if play(g, row, column).success]
        for g in (climb, miss)
    ]
    assert wins == [[(0, 0)], [(0, 0), (2, 2)]]


@pytest.mark.parametrize("horizon, ends", [(1, True), (2, False), (50, False)])
def test_a_one_shot_game_ends_and_a_repeated_one_does_not(horizon, ends):
    game = climbing(ClimbingOptions(horizon=horizon))
    assert game.horizon == horizon
    assert play(game, 0, 0).terminated.tolist() == [ends, ends]


def test_everybody_sees_one_constant_number():
    game = climbing(ClimbingOptions(horizon=3))
    start = game.start(jnp.int32(0))
    for state in (start, play(game, 2, 1).state):
        (seen,) = game.observe(state)
        assert seen.tolist() == [[0], [0]]
        assert seen.dtype == jnp.int32
        assert state.shape == game.spec.state_shape


def test_individual_payoffs_success_by_their_sum():
    prisoners = np.array([[[-1, -1], [-3, 0]], [[0, -3], [-2, -2]]])
    game = matrix_game("prisoners", prisoners, individual=True)
    assert play(game, 0, 1).reward.tolist() == [-3, 0]
    assert play(game, 1, 0).reward.tolist() == [0, -3]
    assert [bool(play(game, row, column).success) for row in (0, 1) for column in (0, 1)] == [True, False, False, False]
    assert game.spec.team == (0, 1)


def test_three_agents_with_unequal_actions():
    payoffs = np.arange(2 * 3 * 2, dtype=float).reshape(2, 3, 2)
    game = matrix_game("odd", payoffs, horizon=2)
    assert [kind.agents for kind in game.spec.kinds] == [(0, 2), (1,)]
    assert [kind.actions for kind in game.spec.kinds] == [2, 3]
    assert play(game, 1, 2, 0).reward.tolist() == [10, 10, 10]
    assert [seen.shape for seen in game.observe(game.start(jnp.int32(0)))] == [(2, 1), (1, 1)]
    assert [legal.shape for legal in game.legal(game.start(jnp.int32(0)))] == [(2, 2), (1, 3)]
    assert game.action_names == ("a", "b", "c")


def test_steps_batch_and_compile():
    game = climbing(ClimbingOptions())
    actions = jnp.array([[0, 0], [1, 1], [2, 2]], jnp.int32)
    stepped = jax.jit(jax.vmap(game.step, in_axes=(None, 0, None)))(jnp.zeros(1, jnp.int32), actions, jnp.int32(0))
    assert stepped.reward[:, 1].tolist() == [11, 7, 5]


def test_the_board_marks_the_joint_action():
    game = climbing(ClimbingOptions())
    state = np.zeros(1, np.int32)
    for nothing in (None, -1, np.array([-1, -1])):
        assert not game.board(state, nothing).any()
    picture = game.board(state, np.array([1, 2]))
    both = boards.agent_bit(0) | boards.agent_bit(1)
    assert picture.tolist() == [[0, 0, 0], [0, 0, both], [0, 0, 0]]
    assert boards.to_text(picture) == ". . .\n. . *\n. . ."


def test_the_board_of_other_numbers_of_agents_is_a_row_an_agent():
    game = matrix_game("odd", np.zeros((2, 3, 2)))
    assert boards.to_text(game.board(None, np.array([1, 2, 0]))) == ". A #\n. . B\nC . #"
    assert boards.to_text(game.board(None, None)) == ". . #\n. . .\n. . #"


def test_many_actions_are_numbered():
    assert letters(27)[:2] == ("0", "1")
    assert letters(26)[-1] == "z"


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: penalty(PenaltyOptions(k=1)),
            "--env.k 1: the payoff for missing each other is a finite number of at ",
        ),
        (lambda: penalty(PenaltyOptions(k=float("nan"))), "--env.k nan: the payoff"),
        (lambda: penalty(PenaltyOptions(k=float("-inf"))), "--env.k -inf: the payoff"),
        (lambda: penalty(PenaltyOptions(horizon=0)), "--env.horizon 0: an episode needs at least 1 play"),
        (lambda: climbing(ClimbingOptions(horizon=-1)), "--env.horizon -1: an episode needs at least 1 play"),
        (lambda: matrix_game("x", np.zeros((2, 2, 3)), individual=True), "x: 2 agents need 2 payoffs a joint action"),
        (lambda: matrix_game("x", np.float32(1)), r"x: a payoff table of shape \(\) holds no joint action"),
        (lambda: matrix_game("x", np.zeros((2, 0))), r"x: a payoff table of shape \(2, 0\) holds no joint action"),
        (lambda: matrix_game("x", np.array([1, np.inf])), "x: every payoff must be a finite number"),
    ],
)
def test_what_cannot_be_played_is_refused(make, message):
    with pytest.raises(BadInput, match=f"^{message}"):
        make()
