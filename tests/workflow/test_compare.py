"""Comparing runs: exact scores from their checkpoints, the same through a file, and what cannot be compared."""

import json
from shutil import copytree

import numpy as np
import pytest

import coterie
from coterie.errors import BadInput, StorageFault


@pytest.fixture(scope="module")
def trained(tmp_path_factory, small_run):
    """Three runs: the small one, another recipe, and another grid."""
    runs = tmp_path_factory.mktemp("compared")
    copytree(small_run.folder, runs / "first")
    some = {"seeds": 12, "episodes": 300, "runs": runs, "pictures": False}
    coterie.train(**some, name="second")
    coterie.train(**some, name="grid", env={"size": 3})
    coterie.train(**some, name="sees-both", env={"observation": "all"})
    return runs


def row(found, name):
    return next(row for row in found.rows if row.name == name)


def test_scores_are_those_that_the_verdict_averages(trained, small_run):
    found = coterie.compare(["first", "second"], runs=trained)
    first = row(found, "first")
    assert first.teams == len(first.scores) == small_run.verdict.teams
    assert np.mean(first.scores) == pytest.approx(small_run.verdict.return_)
    assert first.coordinated == small_run.verdict.coordinated
    saved = json.loads((trained / "second" / "evaluation.json").read_text())
    assert row(found, "second").mean.value == pytest.approx(saved["return"])
    assert (found.optimum, found.success_word) == (7.0, "meet")
    assert found.rows[0].iqm.value >= found.rows[1].iqm.value


def test_nothing_in_the_runs_is_changed(trained):
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    coterie.compare([trained / "first", trained / "second"])
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


def test_the_same_comparison_through_a_file(trained, tmp_path):
    """Written in marl-eval's layout and read again: the same scores, shares, intervals and p-values."""
    direct = coterie.compare(["first", "second"], runs=trained, marl_eval=tmp_path / "both.json")
    read = coterie.compare([tmp_path / "both.json"])
    assert [row.name for row in read.rows] == [
        {"first": "iql", "second": "hysteretic"}[row.name] for row in direct.rows
    ]
    for one, other in zip(direct.rows, read.rows, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=0)
        assert one.coordinated == other.coordinated
    assert [pair.p for pair in direct.pairs] == [pair.p for pair in read.pairs]
    layout = json.loads((tmp_path / "both.json").read_text())
    team = layout["coterie"]["rendezvous"]["hysteretic"]["seed_11"]
    assert list(team)[-1] == "absolute_metrics"
    assert team["step_0"]["step_count"] > 0
    last = list(team.values())[-2]
    assert last["step_count"] > team["step_0"]["step_count"]


def test_runs_of_one_algorithm_keep_their_own_names_in_a_file(trained, tmp_path):
    coterie.compare(["second", "sees-both"], runs=trained, marl_eval=tmp_path / "a.json")
    layout = json.loads((tmp_path / "a.json").read_text())["coterie"]
    assert sorted(layout) == ["rendezvous", "rendezvous observation=all"]


def test_a_run_beside_a_file(trained, tmp_path):
    coterie.compare(["first", "second"], runs=trained, marl_eval=tmp_path / "both.json")
    found = coterie.compare(["first", tmp_path / "both.json"], runs=trained)
    assert sorted(row.name for row in found.rows) == ["first", "hysteretic", "iql"]
    assert row(found, "first").scores == pytest.approx(row(found, "iql").scores)


def test_another_game_is_refused_unless_it_is_normalised(trained):
    with pytest.raises(BadInput, match=r"first plays rendezvous and grid plays rendezvous size=3: .*--normalised"):
        coterie.compare(["first", "grid"], runs=trained)
    found = coterie.compare(["first", "grid"], runs=trained, normalised=True)
    assert (found.score, found.optimum, found.random) == ("normalised return", 1.0, 0.0)
    assert max(score for row in found.rows for score in row.scores) <= 1 + 1e-9
    raw = row(coterie.compare(["first", "second"], runs=trained), "first").scores
    low, high = -15.843115088868238, 7.0  # random play and optimum of the tutorial's game, as `coterie solve` prints
    by_hand = [(score - low) / (high - low) for score in raw]
    assert row(found, "first").scores == pytest.approx(by_hand)
    assert "0 is random play" in found.notes[0]


def test_a_difference_that_changes_no_worth_is_told(trained):
    found = coterie.compare(["second", "sees-both"], runs=trained)
    assert found.notes[0].startswith("their environments differ in env.observation, but optimum and random")


@pytest.mark.parametrize(
    "words, complaint",
    [
        (["first"], "needs two runs or more, for example: coterie compare first sees-both"),
        ([], "needs two runs or more"),
        (["first", "first"], "'first' is named twice"),
        (["first", "secnd"], "there is no run 'secnd' in .*; did you mean 'second'"),
        (["first", "none.json"], "there is no file none.json"),
        ("first", "expected as a list of names"),
        ([1, 2], "expected as a list of names"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(trained, words, complaint):
    with pytest.raises(BadInput, match=complaint):
        coterie.compare(words, runs=trained)


def test_a_stopped_run_is_sent_on(trained, tmp_path):
    copytree(trained / "first", tmp_path / "first")
    copytree(trained / "second", tmp_path / "second")
    (tmp_path / "second" / "evaluation.json").unlink()
    with pytest.raises(BadInput, match=r"second was stopped before its end; go on with: coterie resume .*second"):
        coterie.compare(["first", "second"], runs=tmp_path)


def results(path, algorithms, metric="return", task="T"):
    """A file as another tool would write it."""
    layout = {
        name: {
            f"seed_{k}": {"step_0": {"step_count": 5, metric: [0.0]}, "absolute_metrics": {metric: [score, score + 1]}}
            for k, score in enumerate(scores)
        }
        for name, scores in algorithms.items()
    }
    path.write_text(json.dumps({"SMAX": {task: layout}}))
    return path


def test_the_results_of_another_tool(tmp_path):
    found = coterie.compare([results(tmp_path / "a.json", {"qmix": range(10, 18), "vdn": range(8)})])
    assert found.environment == "SMAX T"
    assert [row.name for row in found.rows] == ["qmix", "vdn"]
    assert found.rows[1].scores == tuple(k + 0.5 for k in range(8))  # the mean of the two absolute values
    assert found.rows[0].coordinated is None
    assert found.pairs[0].settled


def test_metrics_and_tasks_are_chosen_by_name(tmp_path):
    both = json.loads(results(tmp_path / "a.json", {"qmix": range(5), "vdn": range(5)}, "won").read_text())
    both["SMAX"]["U"] = both["SMAX"]["T"]
    both["SMAX"]["T"] = json.loads(json.dumps(both["SMAX"]["T"]).replace('"won": [0.0]', '"won": [0.0], "lost": [1]'))
    for seeds in both["SMAX"]["U"].values():
        for seed in seeds.values():
            seed["absolute_metrics"]["lost"] = [1.0]
    (tmp_path / "b.json").write_text(json.dumps(both))
    with pytest.raises(BadInput, match=r"b.json has 2 tasks; choose one with --task: SMAX/T, SMAX/U"):
        coterie.compare([tmp_path / "b.json"])
    with pytest.raises(BadInput, match=r"has no task 'X'"):
        coterie.compare([tmp_path / "b.json"], task="X")
    with pytest.raises(BadInput, match=r"SMAX/U/qmix: choose a metric with --metric: won, lost"):
        coterie.compare([tmp_path / "b.json"], task="U")
    assert coterie.compare([tmp_path / "b.json"], task="SMAX/U", metric="lost").score == "lost"
    with pytest.raises(BadInput, match=r"SMAX/U/qmix/seed_0: there is no metric 'wom'; did you mean 'won'"):
        coterie.compare([tmp_path / "b.json"], task="U", metric="wom")


def test_files_of_other_environments_are_not_compared(tmp_path, trained):
    other = results(tmp_path / "a.json", {"qmix": range(5)})
    with pytest.raises(BadInput, match="their returns do not mean the same"):
        coterie.compare(["first", other], runs=trained)
    with pytest.raises(BadInput, match="qmix: a normalised score needs the exact optimum"):
        coterie.compare(["first", other], runs=trained, normalised=True)
    with pytest.raises(BadInput, match="needs two runs or more"):
        coterie.compare([other])


def test_a_file_that_is_none_names_its_fault(tmp_path):
    (tmp_path / "a.json").write_text("nonsense")
    with pytest.raises(StorageFault, match=r"a.json is not JSON"):
        coterie.compare([tmp_path / "a.json"])


def test_names_in_a_file_cannot_move_the_cursor(tmp_path):
    def scored(first):
        return {f"seed_{k}": {"absolute_metrics": {"mean_episode_return": [first + k]}} for k in range(5)}

    path = tmp_path / "hostile.json"
    path.write_text(json.dumps({"env": {"ta\nsk": {"red\x1b[31m": scored(0), "plain": scored(1)}}}))
    found = coterie.compare([path])
    assert sorted(row.name for row in found.rows) == ["plain", "red\ufffd[31m"]
    assert found.environment == "env ta\ufffdsk"
