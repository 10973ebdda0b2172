"""A fast slice of the matrix games: the published table, stochastic climbing won, and saved results that say so."""

import json
from pathlib import Path

import numpy as np
import pytest

from coterie.finite.game import check_game

HERE = Path(__file__).parents[2] / "benchmarks"
TRIALS = 300


@pytest.fixture(scope="module")
def matrix_games(script):
    return script("matrix_games")


def test_the_games_are_games(matrix_games):
    for payoffs, noise in ((matrix_games.CLIMBING, 0.0), (matrix_games.FULL, 0.0), (matrix_games.FULL, 5.0)):
        check_game(matrix_games.game_of(payoffs, noise))
    game = matrix_games.game_of(matrix_games.FULL, 5.0)
    means = game.reward.reshape(9, 8, 2).mean(1)
    assert means[:, 0] == pytest.approx(np.array([11, -30, 0, -30, 7, 6, 0, 0, 5]))  # climbing, on average
    assert (means[:, 0] == means[:, 1]).all()
    assert sorted(game.reward[:4].tolist()) == [[5, 5], [5, 15], [15, 5], [15, 15]]
    assert game.success.reshape(9, 8).all(1).tolist() == [True] + [False] * 8


def test_every_trial_is_renamed_and_none_is_lost(matrix_games):
    parts = matrix_games.relabelled(matrix_games.CLIMBING, TRIALS)
    assert sum(count for _, _, count in parts) == TRIALS
    assert len(parts) == 36
    assert len({payoffs.tobytes() for payoffs, _, _ in parts}) == 36
    assert all(sorted(payoffs.reshape(-1)) == sorted(matrix_games.CLIMBING.reshape(-1)) for payoffs, _, _ in parts)


def test_the_published_table(matrix_games):
    for row in matrix_games.table(TRIALS):
        expected = row["expected"]
        error = (expected * (1 - expected) / TRIALS) ** 0.5
        assert row["share"] == pytest.approx(expected, abs=4 * error + 0.02), row["what"]


def test_fully_stochastic_climbing_is_won_and_the_control_is_not(matrix_games):
    rows = {row["what"]: row["share"] for row in matrix_games.commitment(TRIALS)}
    control = [share for what, share in rows.items() if "control" in what]
    assert min(share for what, share in rows.items() if "control" not in what) >= 0.985  # 3,000 trials: at least 0.99
    assert control == [pytest.approx(0.54, abs=0.15)]


def test_clocks_may_differ_by_the_margin_and_no_more(matrix_games, monkeypatch):
    monkeypatch.setattr(matrix_games, "OFFSETS", (25, 50))
    within, beyond, *noisy = [row["share"] for row in matrix_games.offsets(TRIALS)]
    assert min(within, noisy[0]) >= 0.97
    assert max(beyond, noisy[1]) < 0.9


def test_options_are_chosen_on_another_seed_than_they_are_measured_on(matrix_games):
    assert matrix_games.CHOOSING != matrix_games.SEED
    rows = [row["what"] for row in matrix_games.choose(2)]
    assert [what for what in rows if f"seed {matrix_games.CHOOSING}:" not in what] == [rows[14], rows[-1]]
    assert not (matrix_games.random_games("even", 2, 1) == matrix_games.random_games("even", 2)).any()


def test_random_games_are_counted_strictly(matrix_games):
    games = matrix_games.random_games("even", 50)
    assert games.shape == (50, 8, 8, 2)
    for payoffs in games:
        assert matrix_games.game_of(payoffs).success.sum() == 2  # one cell, two payoffs
    assert 0.6 < matrix_games.halved(games) / 50 < 0.95


def test_the_saved_results_hold_what_is_claimed():
    saved = json.loads((HERE / "results" / "matrix_games.json").read_text())
    for row in saved["table"]["rows"]:
        assert row["teams"] == 3_000
        assert abs(row["share"] - row["expected"]) <= 0.02, row["what"]
    for row in saved["commitment"]["rows"]:
        assert "control" in row["what"] or row["share"] >= 0.99, row["what"]
    for row in saved["offsets"]["rows"]:
        assert row["teams"] == 1_000
        assert (row["share"] >= 0.99) == all(f"clocks {far} apart" not in row["what"] for far in (26, 50)), row["what"]
    chosen = [row for row in saved["choose"]["rows"] if row["what"].startswith("even, seed 1: commitment")]
    assert max(chosen, key=lambda row: row["share"])["what"].endswith("512 held, growth 1.9")
    best = [row["share"] for row in saved["choose"]["rows"] if row["what"].startswith("the best")]
    assert (round(best[0], 3), round(best[1], 3)) == (0.698, 0.304)  # as the page says
