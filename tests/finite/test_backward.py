"""Backward induction against independent minimax, known games, and games that it must refuse."""

import random

import numpy as np
import pytest
from finite_games import make_game, matrix_table, meeting_game
from turn_games import after, minimax, mover, nim, over, own_teams, positions, tictactoe, winner, with_masks

from coterie.finite.backward import NOBODY, against, perfect_line, perfect_play, shares, zero_sum
from coterie.finite.game import check_game
from coterie.finite.solve import best_response, policy_value, uniform_policy


def test_tic_tac_toe_has_its_known_size_and_value():
    game = tictactoe()
    check_game(game)
    assert len(game.states) == 5_478  # positions after legal play, the empty board and the ended ones among them
    perfect = perfect_play(game)
    assert perfect.start.tolist() == [0.0, 0.0]
    assert perfect.unique
    assert zero_sum(game)


def test_every_position_is_worth_what_minimax_says():
    game, perfect = tictactoe(), perfect_play(tictactoe())
    for place, board in enumerate(positions()):
        if not over(board):
            assert perfect.values[place].tolist() == [minimax(board), -minimax(board)]
            best = {cell for cell in range(9) if not board[cell] and minimax(after(board, cell)) == minimax(board)}
            joint = game.joint_actions[np.flatnonzero(perfect.moves[place])]
            assert {int(row[mover(board)]) for row in joint} == best


def test_one_perfect_game_is_drawn():
    game = tictactoe()
    edges, actions = perfect_line(game, perfect_play(game))
    assert len(edges) == 9
    assert game.ended[edges].tolist() == [False] * 8 + [True]
    assert not game.reward[edges].any()
    assert (np.minimum(actions[:, 0], actions[:, 1]) == 0).all()


def test_random_play_wins_as_often_as_by_counting():
    found = shares(tictactoe(), uniform_policy(tictactoe()))
    first = [found.won[0], found.drawn[0], found.lost[0]]
    assert first == pytest.approx(by_the_rules_alone(), abs=1e-12)
    assert first == pytest.approx([737 / 1260, 8 / 63, 121 / 420])  # as published many times: 58.5, 12.7 and 28.8 %
    assert (found.won[1], found.lost[1]) == pytest.approx((found.lost[0], found.won[0]))


def by_the_rules_alone():
    """Shares of random play from every position backwards, by the rules alone."""
    known = {}
    for board in reversed(positions()):
        if over(board):
            known[board] = np.eye(3)[{1: 0, 0: 1, 2: 2}[winner(board)]]
        else:
            known[board] = np.mean([known[after(board, cell)] for cell in range(9) if not board[cell]], axis=0)
    return known[(0,) * 9].tolist()


def test_the_perfect_player_never_loses_and_nobody_can_beat_it():
    game = tictactoe()
    perfect, anyone = perfect_play(game).policy, uniform_policy(game)
    for seat in (0, 1):
        assert shares(game, against(game, perfect, anyone, seat)).lost[seat] == pytest.approx(0.0, abs=1e-12)
        assert best_response(game, perfect, 1 - seat) == pytest.approx(0.0, abs=1e-12)
        assert best_response(game, anyone, 1 - seat) > 0.9  # the control: random play can be beaten nearly always


@pytest.mark.parametrize("heap", range(1, 13))
def test_nim_is_lost_by_who_finds_a_multiple_of_three(heap):
    game = nim(heap)
    check_game(game)
    found = perfect_play(game)
    assert found.start[0] == (-1.0 if heap % 3 == 0 else 1.0)
    if heap % 3:
        _, actions = perfect_line(game, found)
        assert actions[0, 0] + 1 == heap % 3


def test_three_players_who_are_indifferent_share_by_chance():
    """Who takes the last wins; the first of three with two left can only choose which of the others wins."""
    game = nim(3, agents=3)
    found = perfect_play(game)
    # with 3 left: taking 1 leaves 2 to the second, who wins by taking both; taking 2 leaves 1 to the second, too
    assert found.start.tolist() == [-0.5, 1.0, -0.5]
    assert found.unique
    longer = perfect_play(nim(4, agents=3))
    # with 4 left: 1 leaves 3 to the second, so the third wins; 2 leaves 2 to the second, who wins: alike to the first
    assert longer.start.tolist() == [-0.5, 0.25, 0.25]
    assert not longer.unique


def test_chance_is_averaged():
    """A bet of two outcomes against a sure payment, at .5 and at .9."""
    for chance, best in ((0.4, 0), (0.9, 1)):
        ways = {
            (0, (0, 0)): [(1.0, 1, (0.5, -0.5), True, False)],
            (0, (1, 0)): [(chance, 1, (1.0, -1.0), True, False), (1 - chance, 1, (0.0, 0.0), True, False)],
        }
        seen, legal = [[(1,), (0,)], [(0,), (0,)]], [[[0, 1], [0]], [[0], [0]]]
        game = own_teams(with_masks(make_game((2, 2), ways, seen, horizon=1), legal))
        found = perfect_play(game)
        assert found.start[0] == pytest.approx(max(0.5, chance))
        assert found.policy[0, game.seen[0, 0], best] == 1.0
        assert found.mover.tolist() == [0, NOBODY]


def test_values_are_those_of_the_policy():
    for game in (tictactoe(), nim(7), nim(4, agents=3)):
        found = perfect_play(game)
        assert policy_value(game, found.policy).returns == pytest.approx(found.start)


def test_games_without_a_last_decision_are_refused():
    ways = {(0, (a, 0)): [(1.0, 0, (0.0, 0.0), False, False)] for a in (0, 1)}
    circle = with_masks(make_game((2, 2), ways, [[(1,), (0,)]], horizon=5), [[[0, 1], [0]]])
    with pytest.raises(ValueError, match="come back"):
        perfect_play(circle)
    with pytest.raises(ValueError, match="cut off after 4"):
        perfect_play(nim(6)._replace(horizon=4))


def test_games_of_agents_that_decide_at_once_are_refused():
    with pytest.raises(ValueError, match="at once"):
        perfect_play(matrix_table(((1, -1), (-1, 1))))
    with pytest.raises(ValueError, match="at once"):
        perfect_play(meeting_game(3))


def test_a_mover_that_does_not_see_what_matters_is_refused():
    """Chance draws one of two states that look alike and ask for different moves."""
    ways = {
        (state, (action, 0)): [(1.0, 2, (1.0, -1.0) if action == state else (-1.0, 1.0), True, False)]
        for state in (0, 1)
        for action in (0, 1)
    }
    seen, legal = [[(1,), (0,)], [(1,), (0,)], [(0,), (0,)]], [[[0, 1], [0]], [[0, 1], [0]], [[0], [0]]]
    game = make_game((2, 2), ways, seen, horizon=1, starts=[(0.5, 0), (0.5, 1)])
    with pytest.raises(ValueError, match="sees the same"):
        perfect_play(with_masks(game, legal))


def test_shares_need_games_that_are_decided_at_the_end():
    with pytest.raises(ValueError, match="on the way"):
        shares(meeting_game(3), uniform_policy(meeting_game(3)))


def test_shares_agree_with_games_played_one_by_one():
    game, draws = tictactoe(), random.Random(0)
    policy = uniform_policy(game)
    counts = np.zeros(3)
    for _ in range(4_000):
        board = (0,) * 9
        while not over(board):
            board = after(board, draws.choice([cell for cell in range(9) if not board[cell]]))
        counts[{1: 0, 0: 1, 2: 2}[winner(board)]] += 1
    found = shares(game, policy)
    exact = np.array([found.won[0], found.drawn[0], found.lost[0]])
    assert np.abs(counts / 4_000 - exact).max() < 4 * np.sqrt(0.25 / 4_000)
