"""Teams of several runs play together."""

import pytest

import coterie
from coterie.errors import BadInput
from coterie.workflow.judging.together import across_runs


def test_teams_of_several_runs_only_know_each_other(tmp_path):
    runs = [
        coterie.train("conventions", env={"k": 4}, seeds=1, seed=seed, episodes=300, runs=tmp_path, pictures=False)
        for seed in range(6)
    ]
    found = across_runs([run.folder for run in runs])
    assert found.verdict == "yes"
    assert "convention" in found.sentence


def test_runs_of_other_games_do_not_play_together(tmp_path):
    few = {"seeds": 1, "episodes": 20, "runs": tmp_path, "pictures": False}
    one, other = coterie.train("conventions", **few), coterie.train("conventions", env={"k": 3}, **few)
    with pytest.raises(BadInput, match="is another game than"):
        across_runs([one.folder, other.folder])
