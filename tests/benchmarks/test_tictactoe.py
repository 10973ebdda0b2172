"""The tic-tac-toe benchmark judges rightly, its broken copies are broken, and the pages say what was saved."""

import json
from pathlib import Path

import numpy as np
import pytest
from turn_games import mover, over, positions, tictactoe, winner

from coterie.finite.backward import perfect_play, shares
from coterie.finite.game import check_game
from coterie.finite.solve import idle_policy, uniform_policy

ROOT = Path(__file__).parents[2]
SAVED = json.loads((ROOT / "benchmarks" / "results" / "tictactoe.json").read_text())


@pytest.fixture(scope="module")
def bench(script):
    return script("tictactoe")


def test_random_and_perfect_play_are_judged_as_counted_elsewhere(bench):
    game = tictactoe()
    random, perfect = bench.judged(game, uniform_policy(game)), bench.judged(game, perfect_play(game).policy)
    assert random["first, not lost against random"] == pytest.approx(1 - 121 / 420)
    assert random["second, not lost against random"] == pytest.approx(1 - 737 / 1260)
    assert not random["first, nobody can beat it"]
    assert all(value == pytest.approx(1.0) for value in perfect.values())


def test_anybodys_function_is_asked_about_every_decision(bench):
    game = tictactoe()
    asked = []

    def first_free(agent, observation, info):
        asked.append((agent, observation["observation"].tolist()))
        return int(observation["action_mask"].argmax())

    policy = bench.policy_of(game, first_free)
    for agent in (0, 1):
        rows = np.unique(game.seen[:, agent])
        assert np.array_equal(policy[agent, rows], idle_policy(game)[agent, rows])
    # with one cell left there is nothing to decide
    deciding = [board for board in positions() if not over(board) and sum(not cell for cell in board) > 1]
    assert len(asked) == len(set(map(str, asked))) == len(deciding)
    assert {agent for agent, _ in asked} == {f"agent_{mover(board)}" for board in deciding}


def test_without_masks_an_illegal_move_loses(bench):
    game = tictactoe()
    broken = bench.without_masks(game)
    check_game(broken)
    playing = [board for board in positions() if not over(board) and sum(not cell for cell in board) > 1]
    illegal = sum(sum(map(bool, board)) for board in playing)
    assert len(broken.successor) - len(game.successor) == illegal
    anything = shares(broken, uniform_policy(broken))
    assert anything.lost[0] + anything.lost[1] > 0.9  # whoever moves blindly soon meets an occupied cell
    assert shares(broken, uniform_policy(game)).lost == pytest.approx(shares(game, uniform_policy(game)).lost)


def test_who_is_never_told_of_defeat_earns_nothing_but_wins(bench):
    game = tictactoe()
    broken = bench.never_told_of_defeat(game)
    assert broken.reward.min() == 0.0
    assert (broken.reward > 0).sum() == (game.reward > 0).sum()
    assert sum(winner(board) > 0 for board in positions()) > 0


def test_the_saved_results_are_of_ten_teams_and_better_than_what_is_broken():
    rows = {row["what"]: row for row in SAVED["learning"]["rows"]}
    learned = rows["100,000 episodes"]
    assert all(len(values) == 10 for row in rows.values() for name, values in row.items() if name != "what")
    column = "second, not lost against perfect"
    for row in SAVED["controls"]["rows"]:
        if row["what"].startswith("broken"):
            assert np.mean(row[column]) < np.mean(learned[column])
    assert SAVED["learning"]["seed"] != SAVED["choose"]["seed"]
    best = max(SAVED["choose"]["rows"], key=lambda row: row["score"])["what"]
    assert best == "rate 0.4 stays, epsilon 1 to 0.1, discount 1.0"  # the preset
    assert SAVED["learning"]["recipe"] == SAVED["controls"]["recipe"]


def test_the_page_shows_what_was_saved(script):
    page = (ROOT / "docs" / "environments" / "pettingzoo_tables.md").read_text()
    for name in ("learning", "controls"):
        for line in script("write_measurements").tictactoe_rows(
            SAVED[name]["rows"], "second, not lost against perfect"
        ):
            assert line in page
