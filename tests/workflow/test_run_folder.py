"""What a run leaves: every file of its folder, the same bits from the same seed, and pictures last."""

import json
import os
import threading
import tomllib

import pytest
from small_runs import EPISODES, TEAMS, contents

import coterie
from coterie.errors import BadInput, StorageFault
from coterie.running import storage
from coterie.running.checkpoint import load_checkpoint
from coterie.running.episodes import read_recording
from coterie.settings import RendezvousOptions
from coterie.workflow.judging import judgement
from coterie.workflow.planning.plan import plan, planned

FEW = 6


def tiny(runs, **more):
    return coterie.train(
        **{"preset": "tutorial", "seeds": TEAMS, "episodes": EPISODES, "runs": runs, "pictures": False, **more}
    )


def bits(run) -> dict:
    """All that a run says about its teams, without where it lies."""
    parts, facts = load_checkpoint(run.folder, ("policy", "progress"))
    verdict = json.loads((run.folder / "evaluation.json").read_text())
    return {
        "tables": {name: array.tobytes() for part in parts.values() for name, array in part.items()},
        "facts": facts,
        "verdict": {**verdict, "run": ""},
        **{
            name: (run.folder / name).read_bytes()
            for name in ("metrics.jsonl", "findings.json", "episodes/greedy.jsonl")
        },
    }


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A whole run, pictures and all; few teams, for a wall takes its time."""
    return tiny(tmp_path_factory.mktemp("drawn"), seeds=FEW, pictures=True)


def test_a_run_holds_all_that_the_design_names(drawn):
    found = {name for name in contents(drawn.folder) if not name.startswith("checkpoints/step")}
    assert found == {
        "config.toml",
        "metrics.jsonl",
        "timing.jsonl",
        "checkpoints",
        "evaluation.json",
        "findings.json",
        "episodes",
        "episodes/greedy.jsonl",
        "report.html",
        "curves.png",
        "wall.gif",
    }
    assert set(os.listdir(drawn.folder / "checkpoints" / f"step_{EPISODES:012d}")) == {
        "manifest.json",
        "policy.safetensors",
        "progress.safetensors",
    }
    assert (drawn.folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (drawn.folder / "wall.gif").read_bytes().startswith(b"GIF89a")
    assert "</html>" in (drawn.folder / "report.html").read_text()
    assert drawn.folder.name == "rendezvous-iql-1"


def test_its_settings_plan_the_same_run(drawn):
    assert planned(drawn.folder) == plan("rendezvous", preset="tutorial", seeds=FEW, episodes=EPISODES)
    config = tomllib.loads((drawn.folder / "config.toml").read_text())
    assert config["learner"]["epsilon"] == 0.1
    assert config["env"]["horizon"] == 20


def test_its_files_agree_with_its_verdict(drawn):
    evaluation = json.loads((drawn.folder / "evaluation.json").read_text())
    assert evaluation == json.loads(json.dumps(drawn.verdict.to_json()))
    assert evaluation["run"] == str(drawn.folder)
    assert json.loads((drawn.folder / "findings.json").read_text()) == evaluation["findings"]
    plays = read_recording(drawn.folder / "episodes" / "greedy.jsonl").plays
    assert [play.team for play in plays] == list(range(FEW))
    assert sum(play.success for play in plays) == drawn.verdict.coordinated.count < FEW
    rows = [json.loads(line) for line in (drawn.folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["episodes"] for row in rows] == list(range(1, EPISODES + 1))
    assert rows[-1]["coordinated"] == drawn.verdict.coordinated.share
    assert rows[-1]["mean"] == pytest.approx(drawn.verdict.return_)
    assert rows[-1]["env_steps"] * FEW == pytest.approx(drawn.verdict.env_steps)
    (timed,) = [json.loads(line) for line in (drawn.folder / "timing.jsonl").read_text().splitlines()]
    assert (timed["from_episode"], timed["to_episode"]) == (0, EPISODES)
    assert timed["seconds"] > 0


def test_nothing_that_cannot_repeat_stands_outside_the_timing(drawn, tmp_path):
    again = contents(tiny(tmp_path, seeds=FEW, threads=1).folder)
    for name, content in contents(drawn.folder).items():
        if name in again and name not in ("timing.jsonl", "evaluation.json"):
            assert content == again[name], name


def test_the_same_seed_is_the_same_bits_and_another_is_not(small_run, tmp_path):
    """Whatever the threads."""
    expected = bits(small_run)
    for threads in (1, 2, 5):
        assert bits(tiny(tmp_path, threads=threads)) == expected
    other = bits(tiny(tmp_path, seed=1))
    for name in ("tables", "metrics.jsonl", "verdict"):
        assert other[name] != expected[name]


def test_a_second_run_changes_nothing_in_the_first(runs):
    before = contents(runs)
    numbered = [tiny(runs).folder.name for _ in range(2)]
    assert numbered == ["rendezvous-iql-1", "rendezvous-iql-2"]
    after = contents(runs)
    assert {name: after[name] for name in before} == before


def test_evaluate_repeats_the_verdict_and_changes_nothing(small_run):
    before = contents(small_run.folder)
    judged = coterie.evaluate(small_run.folder)
    assert judged.verdict == small_run.verdict
    assert judged.curve == small_run.curve
    assert repr(judged) == repr(small_run)
    assert contents(small_run.folder) == before


@pytest.mark.parametrize(
    "more",
    [
        {"seeds": 0},
        {"seeds": 10**12},
        {"threads": -1},
        {"name": "../x"},
        {"env": {"map": "A##/##B"}},
        {"env": {"agents": 4}},
        {"learning_rate": 2},
        {"learnign_rate": 0.1},
    ],
    ids=str,
)
def test_what_cannot_be_leaves_no_folder(tmp_path, more):
    with pytest.raises(BadInput):
        tiny(tmp_path / "runs", **more)
    assert os.listdir(tmp_path) == []


def test_settings_that_cannot_be_written_leave_no_folder(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(StorageFault, match=r"config.toml cannot be written: No space left on device"):
        tiny(tmp_path / "runs")
    assert os.listdir(tmp_path / "runs") == []


def test_pictures_come_last_and_never_cost_the_verdict(tmp_path, monkeypatch):
    def broken(folder, judged):
        assert {"evaluation.json", "metrics.jsonl", "findings.json", "checkpoints"} <= set(os.listdir(folder))
        raise RuntimeError("no fonts")

    monkeypatch.setattr("coterie.workflow.train.draw_pictures", broken)
    with pytest.warns(UserWarning, match="the pictures could not be drawn: RuntimeError: no fonts"):
        run = tiny(tmp_path, pictures=True)
    assert run.verdict.teams == TEAMS
    assert coterie.load(run.folder).index == run.team.index


def test_pictures_are_drawn_only_where_they_are_wanted(tmp_path):
    assert not {"report.html", "wall.gif", "curves.png"} & set(os.listdir(tiny(tmp_path).folder))


def test_options_are_words_in_python_too(tmp_path):
    """`env` as a mapping and as its dataclass, learner options as keywords."""
    first = tiny(tmp_path, env={"size": 3, "horizon": 9}, initial_value=0.3, episodes=50)
    second = tiny(tmp_path, env=RendezvousOptions(size=3, horizon=9), initial_value=0.3, episodes=50)
    assert planned(first.folder) == planned(second.folder)
    assert planned(first.folder).learner.initial_value == 0.3
    assert first.verdict.optimum == 9.0


def test_the_line_of_the_readme(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = coterie.train("rendezvous", algorithm="iql", seeds=50, episodes=500, pictures=False)
    assert run.folder.as_posix() == "runs/rendezvous-iql-1"
    assert (run.verdict.teams, run.verdict.algorithm, run.verdict.optimum) == (50, "iql", 7.0)
    text = repr(run)
    assert text == str(run)
    assert "50 teams of 2 agents, rendezvous, independent Q-learning, 500 episodes each (seed 0)" in text
    assert f"{run.verdict.coordinated.share:.1%}".replace("%", " %") in text
    assert "optimum 7.00 · random -15.84 · idle -20.00" in text
    assert "\x1b" not in text
    assert run.team.act("agent_0", [0, 0]) in range(4)
    assert "<pre>" in run._repr_html_()


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("sees", "there is no option 'sees'; did you mean 'seeds'?"),
        ("learnig_rate", "there is no option 'learnig_rate'; did you mean 'learning_rate'?"),
        ("environmnt", "there is no option 'environmnt'; did you mean 'environment'?"),
        ("pictres", "there is no option 'pictres'; did you mean 'pictures'?"),
    ],
)
def test_a_wrong_keyword_is_answered_with_the_nearest(tmp_path, word, sentence):
    with pytest.raises(BadInput) as caught:
        coterie.train(runs=tmp_path, **{word: 1})
    assert str(caught.value) == sentence


def test_training_works_in_any_thread(small_run, tmp_path):
    """Where no signal handler can be installed, too."""
    made = []
    worker = threading.Thread(target=lambda: made.append(tiny(tmp_path)))
    worker.start()
    worker.join()
    assert bits(made[0]) == bits(small_run)


def test_a_matrix_game_is_trained_judged_and_acts(tmp_path):
    run = tiny(tmp_path, environment="climbing", preset="default", episodes=2_000)
    assert run.verdict.optimum == 11.0
    assert run.verdict.success_word == "coordinate"
    assert {run.team.act(agent, [0]) for agent in ("agent_0", "agent_1")} <= {0, 1, 2}


def test_solve_knows_the_numbers_of_the_tutorial():
    found = coterie.solve("rendezvous")
    assert (found.baselines.optimum, found.baselines.idle) == (7.0, -20.0)
    assert found.baselines.random == pytest.approx(-15.84, abs=0.005)
    assert len(found.play.actions) == 4
    assert found.play.success
    assert (
        coterie.solve(env={"closer_reward": 1.0, "meet_reward": 1.0, "step_reward": 0.0}).audit.finding.verdict == "yes"
    )
    for discount in (-0.1, 1.1, float("nan")):
        with pytest.raises(BadInput, match="--discount"):
            coterie.solve(discount=discount)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path, monkeypatch, small_run):
    (tmp_path / "episodes").write_text("in the way")
    with pytest.raises(StorageFault, match="cannot be written: File exists"):
        judgement.save_judgement(tmp_path, small_run._judgement)
