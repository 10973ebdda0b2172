"""Studies: carried out, stopped and repeated, tried, refused, and read as tables; and deep runs compared."""

import json
import signal
from shutil import copytree

import numpy as np
import pytest
from small_runs import contents, next_commands, refused, run, run_json

import coterie
from coterie.cli import main
from coterie.errors import BadInput, Diverged, EnvironmentFault, Stopped, StorageFault
from coterie.running import trackers
from coterie.running.checkpoint import list_checkpoints, load_checkpoint
from coterie.running.comparison import compared
from coterie.running.signals import Signals
from coterie.workflow import study as studies
from coterie.workflow.compare import entry_of
from coterie.workflow.deep import train as deep
from coterie.workflow.studying import cost as study_cost

pytestmark = pytest.mark.xdist_group("study")  # its runs are made once where the scheduler heeds it
FILE = """
seeds = 2
steps = 512
checks = 4
episodes = 40
environments = ["climbing"]
algorithms = ["iql"]
env.horizon = 5
[algorithm.iql]
environments = 4
rows = 4
batch = 16
hidden = 8
layers = 1
warmup = 64
replay = 512
[variants.later]
seed = 7
[variants.tables]
algorithm = "fmq"
seed = 3
"""
NAMES = ["climbing-iql", "climbing-iql-later", "climbing-fmq-tables"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with small.toml and its finished study in runs/small."""
    home = tmp_path_factory.mktemp("study")
    (home / "small.toml").write_text(FILE)
    coterie.study(home / "small.toml", runs=home / "runs")
    return home


@pytest.fixture
def here(finished, tmp_path, monkeypatch):
    """A working folder of one's own with the same."""
    monkeypatch.chdir(copytree(finished, tmp_path / "here"))
    return tmp_path / "here"


@pytest.fixture
def anew(tmp_path, monkeypatch):
    """A working folder with the file alone."""
    (tmp_path / "small.toml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def quick(monkeypatch, finished):
    """Instead of training, networks are given what the finished study has; returns the folders that were."""
    trained = []

    def pretend(folder, **more):
        trained.append(folder.name)
        source = finished / "runs" / "small" / folder.name
        for name in ("evaluation.json", "metrics.jsonl"):
            (folder / name).write_bytes((source / name).read_bytes())

    monkeypatch.setattr(deep, "resume_deep", pretend)
    return trained


# Carried out


def test_every_run_has_a_folder_and_is_what_train_makes_of_it(finished):
    home = finished / "runs" / "small"
    assert sorted(path.name for path in home.iterdir()) == sorted(NAMES)
    alone = coterie.train(
        "climbing", algorithm="fmq", env={"horizon": 5}, seeds=2, seed=3, episodes=40, runs=finished / "alone",
        pictures=False,
    )  # fmt: skip
    assert (home / NAMES[2] / "metrics.jsonl").read_bytes() == (alone.folder / "metrics.jsonl").read_bytes()
    assert (home / NAMES[2] / "config.toml").read_bytes() == (alone.folder / "config.toml").read_bytes()
    for name in NAMES:
        assert coterie.load(home / name).act("agent_0", np.zeros(1, np.int32)) in range(3)


def test_a_repeated_study_leaves_finished_runs_alone(here):
    before = contents(here)
    found = coterie.study("small.toml", on_run=pytest.fail, on_tick=pytest.fail)
    assert contents(here) == before
    assert [run.status for run in found.runs] == ["finished"] * 3
    assert found.code == 0


def test_stopped_and_repeated_equals_uninterrupted(anew, finished, monkeypatch):
    """Ctrl-C in the first run; repeated it goes on from the checkpoint, and the log is the same bit for bit.

    It is told to a tracker that fails, too: that costs a line and nothing of the log.
    """
    heard, said = [], []
    with pytest.raises(Stopped) as caught:
        coterie.study("small.toml", on_run=heard.append, on_tick=lambda tick: signal.raise_signal(signal.SIGINT))
    assert caught.value.exit_code == 130
    assert str(caught.value) == (
        "stopped in climbing-iql, 0 of 3 runs are finished; go on with: coterie study small.toml"
    )
    assert [(one.name, one.status) for one in heard] == [("climbing-iql", "new")]
    stopped = anew / "runs" / "small" / "climbing-iql"
    assert len(list_checkpoints(stopped)) == 1
    assert not (stopped / "evaluation.json").exists()

    monkeypatch.setattr(trackers, "_tensorboard", lambda folder, config: (lambda rows: 1 / 0, lambda: None))
    found = coterie.study("small.toml", on_run=heard.append, track="tensorboard", say=said.append)
    assert [one.error for one in found.runs] == [""] * 3
    assert [(one.name, one.status) for one in heard[1:]] == [
        (name, status)
        for name, first in zip(NAMES, ["unfinished", "new", "new"], strict=True)
        for status in (first, "finished")
    ]
    assert said == [
        "--track tensorboard failed and is told no more (ZeroDivisionError: division by zero); all is in "
        f"runs/small/{name}/metrics.jsonl"
        for name in NAMES[:2]
    ]
    logs = []
    for name in NAMES:
        one, other = found.folder / name, finished / "runs" / "small" / name
        logs.append((one / "metrics.jsonl").read_bytes())
        assert logs[-1] == (other / "metrics.jsonl").read_bytes()
        for part in ("policy", "progress"):
            mine, theirs = load_checkpoint(one, (part,))[0][part], load_checkpoint(other, (part,))[0][part]
            assert {key: array.tobytes() for key, array in mine.items()} == {
                key: array.tobytes() for key, array in theirs.items()
            }
    assert len(set(logs)) == 3  # other seeds, other logs


@pytest.mark.parametrize(
    "stop, number",
    [(KeyboardInterrupt(), signal.SIGINT), (SystemExit(143), signal.SIGTERM), (Stopped("x", 15), signal.SIGTERM)],
)
def test_a_signal_at_any_time_says_how_to_go_on(anew, monkeypatch, stop, number):
    def stopping(*given, **more):
        raise stop

    monkeypatch.setattr(deep, "resume_deep", stopping)
    with pytest.raises(Stopped, match=r"^stopped in .* go on with: coterie study small.toml --runs other$") as caught:
        coterie.study("small.toml", runs="other")
    assert caught.value.exit_code == 128 + number


def test_a_signal_while_a_run_is_judged_stops_before_the_next(anew, quick, monkeypatch):
    """The run itself finishes, for a signal is only heeded while it learns; the study does not begin another."""
    pretend = deep.resume_deep

    def judged(folder, **more):
        with Signals():
            signal.raise_signal(signal.SIGINT)
            pretend(folder, **more)

    monkeypatch.setattr(deep, "resume_deep", judged)
    with pytest.raises(Stopped, match="stopped in climbing-iql, 1 of 3 runs are finished") as caught:
        coterie.study("small.toml")
    assert (caught.value.exit_code, quick) == (130, NAMES[:1])
    monkeypatch.setattr(deep, "resume_deep", pretend)
    assert [run.status for run in coterie.study("small.toml").runs] == ["finished"] * 3
    assert quick == NAMES[:2]


def test_the_command_returns_130_when_it_is_stopped(anew, monkeypatch, capsys):
    def stopping(*given, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(deep, "resume_deep", stopping)
    assert main(["study", "small.toml"]) == 130
    assert capsys.readouterr().err.splitlines()[-1].startswith("coterie: stopped in climbing-iql, 0 of 3 runs are fin")


def test_a_run_that_was_never_begun_is_made_anew(here, quick):
    """Killed before the first checkpoint, or with other settings that nothing was learned with."""
    run = here / "runs" / "small" / NAMES[0]
    for entry in contents(run):
        if entry != "config.toml" and (run / entry).is_file():
            (run / entry).unlink()
    for folder in sorted(run.glob("**/*"), reverse=True):
        if folder.is_dir():
            folder.rmdir()
    config = run / "config.toml"
    wanted = config.read_text()
    config.write_text(wanted.replace("hidden = 8", "hidden = 16"))
    (run / ".config.toml.x").write_text("half")
    coterie.study("small.toml")
    assert quick == [NAMES[0]]
    assert config.read_text() == wanted


# Refused


@pytest.mark.parametrize(
    "change, complaint",
    [
        (("hidden = 8", "hidden = 16"), "was trained with learner.hidden = 8 and small.toml asks for 16; give the"),
        (("seeds = 2", "seeds = 3"), "was trained with seeds = 2 and small.toml asks for 3"),
        (("horizon = 5", "horizon = 6"), "was trained with env.horizon = 5 and small.toml asks for 6"),
    ],
)
def test_other_settings_than_those_it_was_trained_with_are_refused(here, change, complaint):
    (here / "small.toml").write_text(FILE.replace(*change))
    before = contents(here)
    for ask in (coterie.study, study_cost.study_cost):
        with pytest.raises(BadInput) as caught:
            ask("small.toml")
        assert complaint in str(caught.value)
    assert contents(here) == before


def test_a_run_changed_by_hand_is_refused(here, capsys):
    config = here / "runs" / "small" / NAMES[2] / "config.toml"
    config.write_text(config.read_text().replace("episodes = 40", "episodes = 41"))
    complaint = refused(capsys, ["study", "small.toml"])
    assert complaint.startswith("runs/small/climbing-fmq-tables was trained with episodes = 41 and small.toml asks for")


def test_what_is_no_run_is_never_touched(anew):
    (anew / "runs" / "small" / NAMES[0]).mkdir(parents=True)
    (anew / "runs" / "small" / NAMES[0] / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"climbing-iql is there and holds no run of coterie; move it away"):
        coterie.study("small.toml")
    (anew / "small").write_text("a file")
    with pytest.raises(StorageFault, match="the folder small/small cannot be made"):
        coterie.study("small.toml", runs="small")


def test_two_studies_at_once_are_refused(here):
    from coterie.running.recorder import held

    with held(here / "runs" / "small"), pytest.raises(BadInput, match="small is being trained by another process"):
        coterie.study("small.toml")


@pytest.mark.parametrize(
    "words, code, complaint",
    [
        (["study"], 2, "which study? For example: coterie study study.toml"),
        (["study", "smal.toml"], 2, "there is no file smal.toml"),
        (["study", "small.toml", "--dryrun"], 2, "did you mean '--dry-run'?"),
        (["study", "small.toml", "--track", "wandbb"], 2, "did you mean 'wandb'?"),
        (["study", "small.toml", "--device", "gpuu"], 2, "did you mean 'gpu'?"),
        (["study", "bad.toml"], 2, "bad.toml: there is no key 'enviroments'; did you mean 'environments'?"),
        (["study", "bad.toml", "--dry-run"], 2, "bad.toml: there is no key 'enviroments'"),
    ],
)
def test_the_command_refuses_in_one_sentence(anew, capsys, words, code, complaint):
    (anew / "bad.toml").write_text('enviroments = ["climbing"]')
    assert complaint in refused(capsys, words, code)


# Runs that fail


@pytest.mark.parametrize(
    "error, code, told",
    [
        (EnvironmentFault("it broke its promise"), 3, "it broke its promise"),
        (Diverged("all seeds left"), 5, "all seeds left"),
        (ZeroDivisionError("a bug\nof ours"), 1, "ZeroDivisionError: a bug of ours"),
        (MemoryError(), 2, "MemoryError:"),
    ],
)
def test_a_run_that_fails_does_not_stop_the_others(anew, quick, monkeypatch, capsys, error, code, told):
    pretend = deep.resume_deep

    def failing(folder, **more):
        if folder.name == NAMES[0]:
            raise error
        return pretend(folder, **more)

    monkeypatch.setattr(deep, "resume_deep", failing)
    assert main(["study", "small.toml"]) == code
    out, err = capsys.readouterr()
    assert f"! climbing-iql: {told}" in out
    assert "climbing-fmq-tables: finished" in err
    assert next_commands(out)[-1] == "coterie study small.toml"
    assert quick == [NAMES[1]]
    monkeypatch.setattr(deep, "resume_deep", pretend)  # mended, and repeated
    assert main(["study", "small.toml"]) == 0
    assert quick == [NAMES[1], NAMES[0]]


def test_diverged_seeds_are_told_again_whenever_it_is_repeated(here, capsys):
    verdict = here / "runs" / "small" / NAMES[0] / "evaluation.json"
    verdict.write_text(json.dumps({**json.loads(verdict.read_text()), "frozen": [1]}))
    assert main(["study", "small.toml"]) == 5
    assert "! climbing-iql: 1 seed left the finite numbers: 1" in capsys.readouterr().out
    (run,) = [run for run in coterie.study("small.toml").runs if run.code]
    assert (run.status, run.code) == ("finished", 5)


# Tried


def test_a_dry_run_tries_each_kind_once_and_writes_nothing(anew, finished, capsys, monkeypatch):
    probes = []

    def probe(*given, real=study_cost.probe_deep):
        probes.append(real(*given))
        return probes[-1]

    monkeypatch.setattr(study_cost, "PROBE_SECONDS", 0.05)
    monkeypatch.setattr(study_cost, "probe_deep", probe)
    out = run(capsys, "study", "small.toml", "--dry-run")
    assert [path.name for path in anew.iterdir()] == ["small.toml"]
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert [name for name in lines if name in NAMES] == NAMES
    assert "1,024" in lines["climbing-iql"]
    assert next_commands(out) == ["coterie study small.toml"]
    (found,) = probes
    assert min(found.steps_per_second, found.compiling, found.check) > 0
    parts = load_checkpoint(finished / "runs" / "small" / NAMES[0], ("learner", "replay", "runner"))[0]
    kept = sum(array.nbytes for part in parts.values() for array in part.values())
    assert found.bytes == pytest.approx(kept, rel=0.02)


def test_what_is_finished_costs_nothing_and_the_rest_its_share(here, monkeypatch):
    """By hand: 1,024 steps at 100 a second, 4 checks and 10 more of 0.5 s each, 3 s of compiling: 20.24 s."""
    monkeypatch.setattr(study_cost, "probe_deep", lambda *given: study_cost.Probe(100.0, 1_000, 3.0, 0.5))
    for name in NAMES[:2]:
        (here / "runs" / "small" / name / "evaluation.json").unlink()
    for number, checkpoint in enumerate(list_checkpoints(here / "runs" / "small" / NAMES[0])):
        checkpoint.rename(here / f"checkpoint{number}")
    tried = []
    found = study_cost.study_cost("small.toml", on_run=tried.append)
    first, second, third = found.runs
    assert [one.name for one in tried] == NAMES[:1]  # the second is of the same kind
    assert (first.status, second.status, third.status) == ("unfinished", "unfinished", "finished")
    assert first.seconds == pytest.approx(3.0 + 10.24 + 4 * 0.5 + 10 * 0.5)
    assert second.seconds == pytest.approx(3.0 + 10 * 0.5)  # all is learned; it was stopped while it was judged
    assert (third.seconds, third.bytes) == (0, 0)
    assert (found.seconds, found.bytes) == (pytest.approx(28.24), 4_000)


def test_a_run_that_cannot_be_is_found_before(anew, capsys):
    """Rewards of a team that differ, and a replay larger than memory: in the dry run, with the sentence of the run."""
    (anew / "bad.toml").write_text(FILE.replace("replay = 512", "replay = 1_000_000_000").split("[variants.tables]")[0])
    capsys.readouterr()
    assert main(["study", "bad.toml", "--dry-run"]) == 2
    assert "! climbing-iql: --replay 1000000000 needs " in capsys.readouterr().out


# Tables


def test_the_frame_is_the_logs_with_names(finished):
    frame = coterie.study(finished / "small.toml", runs=finished / "runs").frame()
    assert list(frame)[:6] == ["run", "environment", "algorithm", "variant", "seed", "env_steps"]
    assert len({len(column) for column in frame.values()}) == 1
    rows = [json.loads(line) for line in (finished / "runs/small/climbing-iql/metrics.jsonl").read_text().splitlines()]
    own = frame["run"] == "climbing-iql"
    for name in ("seed", "env_steps", "greedy_return", "return", "loss"):
        assert frame[name][own].tolist() == [row[name] for row in rows]
    tables = frame["run"] == "climbing-fmq-tables"
    assert set(frame["seed"][frame["run"] == "climbing-iql-later"]) == {7, 8}
    assert set(frame["seed"][tables]) == {0, 1}
    assert np.isnan(frame["loss"][tables]).all()
    assert frame["env_steps"][tables].tolist() == [5 * episode for _ in range(2) for episode in range(1, 41)]
    assert (frame["variant"][tables] == "tables").all()


def test_the_finals_are_the_verdicts(finished):
    finals = coterie.study(finished / "small.toml", runs=finished / "runs").finals()
    assert finals["run"].tolist() == [name for name in NAMES for _ in range(2)]
    verdict = json.loads((finished / "runs/small/climbing-iql/evaluation.json").read_text())
    assert finals["return"][:2].tolist() == verdict["returns"]
    assert finals["success"][:2].tolist() == verdict["success"]
    assert finals["optimum"].tolist() == [55.0] * 6  # five times 11
    # a uniform joint action of the climbing game earns (11 - 30 + 0 - 30 + 7 + 6 + 0 + 0 + 5) / 9 = -31 / 9
    assert finals["random"] == pytest.approx(np.full(6, -5 * 31 / 9))
    assert finals["env_steps"].tolist() == [512] * 4 + [200] * 2
    assert (finals["coordinated"] == (finals["success"] >= 0.95)).all()


def test_the_table_for_people_and_for_programs(here, capsys):
    out = run(capsys, "study", "small.toml")
    for word in ("IQM", "coordinated", "random", "optimum", *NAMES, "fewer than 5 seeds are too few"):
        assert word in out
    told = run_json(capsys, "study", "small.toml")
    assert [row["name"] for row in told["runs"]] == NAMES
    by_name = {row["name"]: row for row in told["runs"]}
    ordered = sorted(NAMES, key=lambda name: by_name[name]["iqm"]["value"], reverse=True)
    assert next_commands(out) == [f"coterie compare {ordered[0]} {ordered[1]} --runs runs/small"]
    assert repr(coterie.study("small.toml")) in out
    found = coterie.compare([here / "runs" / "small" / name for name in NAMES])
    for row in found.rows:  # the same figures as compare's
        assert by_name[row.name]["iqm"]["value"] == row.iqm.value
        assert by_name[row.name]["iqm"]["high"] == row.iqm.high
        assert by_name[row.name]["coordinated"]["count"] == row.coordinated.count


def test_nothing_finished_is_an_empty_table(anew, monkeypatch):
    def failing(*given, **more):
        raise EnvironmentFault("no")

    monkeypatch.setattr(deep, "resume_deep", failing)
    monkeypatch.setattr(studies, "resume", failing)
    found = coterie.study("small.toml")
    assert found.frame() == found.finals() == {}
    assert found.code == 3
    assert repr(found).count("no.") == 3


# Deep runs compared


def test_deep_runs_are_compared_by_their_verdicts(finished):
    home = finished / "runs" / "small"
    found = coterie.compare(NAMES[:2], runs=home)
    for row in found.rows:
        verdict = json.loads((home / row.name / "evaluation.json").read_text())
        assert list(row.scores) == verdict["returns"]
        assert row.coordinated.count == verdict["coordinated"]["count"]
    assert (found.optimum, found.objective) == (55.0, "undiscounted, within 5 steps")
    assert found.random == pytest.approx(-5 * 31 / 9)  # exact, not the verdict's own mean of episodes
    assert not any("joint steps" in note for note in found.notes)


def test_what_is_unlike_about_networks_and_tables_is_told(finished):
    found = coterie.compare([NAMES[0], NAMES[2]], runs=finished / "runs" / "small")
    told = "a team learned from unlike numbers of joint steps: climbing-iql 512, climbing-fmq-tables 200"
    assert told in found.notes
    assert any(note.startswith("a deep team counts as coordinated from 95% of its episodes on") for note in found.notes)
    one, other = (entry_of(finished / "runs" / "small" / NAMES[place]).contestant for place in (0, 2))
    assert {"steps": 512, "env.horizon": 5, "hidden": 8}.items() <= one.settings.items()
    assert "algorithm" in compared([one, other]).not_concluded


def test_coordinated_is_from_95_per_cent_on(here):
    verdict = here / "runs" / "small" / NAMES[0] / "evaluation.json"
    told = json.loads(verdict.read_text())
    verdict.write_text(json.dumps({**told, "success": [0.95, 0.9499], "exact": False, "optimum": None, "random": 3.0}))
    entry = entry_of(verdict.parent)
    assert entry.contestant.coordinated.tolist() == [True, False]
    assert (entry.contestant.random, entry.episodes, entry.steps) == (3.0, 320, 512)
    found = coterie.compare(NAMES[:2], runs=verdict.parents[1])
    assert "scores are not found alike: climbing-iql-later exactly, climbing-iql by 320 fresh episodes a seed" in (
        found.notes
    )
    with pytest.raises(BadInput, match="climbing-iql: a normalised score needs the exact optimum and random play"):
        coterie.compare(NAMES[:2], runs=verdict.parents[1], normalised=True)


def test_deep_runs_in_another_tools_layout(finished, tmp_path):
    home = finished / "runs" / "small"
    coterie.compare([NAMES[0], NAMES[2]], runs=home, marl_eval=tmp_path / "a.json")
    layout = json.loads((tmp_path / "a.json").read_text())["coterie"]["climbing horizon=5"]["iql"]
    rows = [json.loads(line) for line in (home / NAMES[0] / "metrics.jsonl").read_text().splitlines()]
    verdict = json.loads((home / NAMES[0] / "evaluation.json").read_text())
    for place, seed in enumerate((0, 1)):
        own = [row for row in rows if row["seed"] == seed]
        told = list(layout[f"seed_{seed}"].values())
        assert [one["step_count"] for one in told[:-1]] == [row["env_steps"] for row in own] == [128, 256, 384, 512]
        assert [one["mean_episode_return"] for one in told[:-1]] == [[row["greedy_return"]] for row in own]
        assert told[-1]["mean_episode_return"] == [verdict["returns"][place]]
    read = coterie.compare([tmp_path / "a.json"])
    assert sorted(row.name for row in read.rows) == ["fmq", "iql"]


@pytest.mark.parametrize(
    "file, text, complaint",
    [
        ("evaluation.json", "{}", "evaluation.json is not a deep run's verdict: Object missing required field"),
        ("evaluation.json", "no", "evaluation.json is not a deep run's verdict: Input data was"),
        (
            "metrics.jsonl",
            '{"seed": 9, "greedy_return": 1, "greedy_success": 1, "env_steps": 1}',
            "not a deep run's lo",
        ),
        ("metrics.jsonl", '{"seed": 0}', "metrics.jsonl is not a deep run's log: KeyError"),
    ],
)
def test_a_damaged_deep_run_is_a_sentence(here, file, text, complaint):
    (here / "runs" / "small" / NAMES[0] / file).write_text(text)
    with pytest.raises(StorageFault, match=complaint):
        coterie.compare(NAMES[:2], runs=here / "runs" / "small", marl_eval=here / "a.json")


def test_a_verdict_of_other_seeds_is_refused(here):
    verdict = here / "runs" / "small" / NAMES[0] / "evaluation.json"
    verdict.write_text(json.dumps({**json.loads(verdict.read_text()), "returns": [1.0]}))
    with pytest.raises(StorageFault, match="does not fit its run's settings: it has not 2 seeds"):
        coterie.compare(NAMES[:2], runs=here / "runs" / "small")
