"""Deep learners on climbing and penalty: what is saved holds what is claimed, and a fast slice says so again."""

import json
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def games(script):
    return script("deep_matrix_games")


@pytest.fixture(scope="module")
def saved():
    return json.loads((BENCHMARKS / "results" / "deep_matrix_games.json").read_text())


def test_every_cell_is_there_with_every_seed(games, saved):
    assert list(saved["cells"]) == [f"{game}, {algorithm}" for game in games.GAMES for algorithm in games.ALGORITHMS]
    for word, cell in saved["cells"].items():
        assert len(cell["returns"]) == len(saved["seeds"]) == 10, word
        assert cell["reached"] == sum(np.isclose(cell["returns"], cell["optimum"])), word


def test_hopeful_agents_coordinate_and_their_ablation_does_not(saved):
    reached = {word: cell["reached"] for word, cell in saved["cells"].items()}
    for game in ("climbing", "penalty -25", "penalty -50", "penalty -75", "penalty -100"):
        assert reached[f"{game}, hysteretic"] >= 9, game
        assert reached[f"{game}, iql"] <= 1, game
    assert reached["climbing, weighted-qmix"] > reached["climbing, qmix"]


@pytest.mark.parametrize("algorithm, best", [("hysteretic", True), ("iql", False)])
def test_a_fast_slice(games, algorithm, best):
    found = games.returns("penalty -100", algorithm, seeds=(0,), steps=games.STEPS)
    assert np.isclose(found, 250).all() == best
