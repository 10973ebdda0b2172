"""Killed anywhere and resumed equals uninterrupted, bit for bit."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from small_runs import refused

import coterie
from coterie.cli import main
from coterie.errors import BadInput, Stopped, StorageFault
from coterie.running import train as training
from coterie.running.checkpoint import list_checkpoints, load_checkpoint
from coterie.workflow import train as workflow

TEAMS, EPISODES = 30, 600
GIVEN = {"seeds": TEAMS, "episodes": EPISODES, "seed": 4, "name": "killed", "pictures": False, "threads": 1}


def results(folder) -> dict:
    """All of a finished run but its clock and the places where its checkpoints and itself lie."""
    parts, facts = load_checkpoint(folder, ("policy", "progress"))
    return {
        "tables": {name: array.tobytes() for part in parts.values() for name, array in part.items()},
        "facts": facts,
        "verdict": {**json.loads((folder / "evaluation.json").read_text()), "run": ""},
        **{name: (folder / name).read_bytes() for name in ("metrics.jsonl", "findings.json", "episodes/greedy.jsonl")},
    }


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return results(coterie.train(**GIVEN, runs=tmp_path_factory.mktemp("whole")).folder)


@pytest.fixture
def short_chunks(monkeypatch):
    """Chunks of one episode each."""
    monkeypatch.setattr(training, "CHUNK_SECONDS", 0.0)


def interrupting(after: int, number: int = signal.SIGINT):
    """A tick that sends a signal to this very process."""

    def tick(now):
        if now.episode >= after:
            signal.raise_signal(number)

    return tick


@pytest.mark.parametrize("after", [1, 2, 255, EPISODES - 1])
def test_stopped_and_resumed_equals_uninterrupted(tmp_path, uninterrupted, short_chunks, after):
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(Stopped) as caught:
        coterie.train(**GIVEN, runs=tmp_path, on_tick=interrupting(after))
    assert caught.value.exit_code == 130
    assert signal.getsignal(signal.SIGINT) is handler
    folder = tmp_path / "killed"
    (checkpoint,) = list_checkpoints(folder)
    stopped_at = int(checkpoint.name.removeprefix("step_"))
    assert stopped_at == max(after, 2)  # the first chunk may have compiled the loop, and shows no tick
    assert str(caught.value) == (
        f"stopped after {stopped_at:,} of 600 episodes; go on with: coterie resume {tmp_path / 'killed'}"
    )
    assert not (folder / "evaluation.json").exists()
    resumed = coterie.resume("killed", runs=tmp_path, threads=2)
    assert results(folder) == uninterrupted
    assert repr(resumed.verdict.run) == repr(str(folder))


def test_stopped_again_and_again(tmp_path, uninterrupted, short_chunks):
    with pytest.raises(Stopped):
        coterie.train(**GIVEN, runs=tmp_path, on_tick=interrupting(50))
    for after in (300, 301, 555):
        with pytest.raises(Stopped):
            coterie.resume("killed", runs=tmp_path, on_tick=interrupting(after))
    coterie.resume(tmp_path / "killed")
    assert results(tmp_path / "killed") == uninterrupted
    timed = [json.loads(line) for line in (tmp_path / "killed" / "timing.jsonl").read_text().splitlines()]
    assert [row["from_episode"] for row in timed[1:]] == [row["to_episode"] for row in timed[:-1]]
    assert timed[-1]["to_episode"] == EPISODES


def test_a_finished_run_is_not_resumed(tmp_path):
    coterie.train(**{**GIVEN, "episodes": 20}, runs=tmp_path)
    with pytest.raises(BadInput, match="killed is finished; look at it with: coterie evaluate"):
        coterie.resume("killed", runs=tmp_path)


def test_a_stopped_run_is_judged_as_far_as_it_got(tmp_path, short_chunks):
    """Checks that were not made are not failures."""
    with pytest.raises(Stopped):
        coterie.train(**GIVEN, runs=tmp_path, on_tick=interrupting(300))
    judged = coterie.evaluate("killed", runs=tmp_path)
    assert judged.verdict.episodes == 300
    assert judged.curve.episodes == tuple(range(6, 301, 6))
    assert judged.verdict.failed_checks < 0.5
    assert not (tmp_path / "killed" / "evaluation.json").exists()


def test_a_run_stopped_before_its_first_check_is_judged(tmp_path, short_chunks):
    with pytest.raises(Stopped):
        coterie.train(**{**GIVEN, "episodes": 10**6}, runs=tmp_path, on_tick=interrupting(1))
    judged = coterie.evaluate("killed", runs=tmp_path)
    assert judged.verdict.relapsed is None
    assert "never" in repr(judged) or judged.verdict.teams == TEAMS


@pytest.mark.parametrize(
    "broken", ["judge_tables", "save_judgement", "recorder.write_lines", "draw_pictures"], ids=lambda name: name
)
def test_killed_after_learning_and_resumed_equals_uninterrupted(tmp_path, uninterrupted, monkeypatch, broken):
    """Nothing is learned twice, and no line of the log is written twice."""

    def killed(*given, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"coterie.workflow.train.{broken}", killed)
        with pytest.raises(KeyboardInterrupt):
            coterie.train(**{**GIVEN, "pictures": True}, runs=tmp_path)
    folder = tmp_path / "killed"
    assert [place.name for place in list_checkpoints(folder)] == [f"step_{EPISODES:012d}"]
    if broken == "draw_pictures":
        with pytest.raises(BadInput, match="is finished"):
            coterie.resume(folder)
    else:
        monkeypatch.setattr(training, "advance", None)
        coterie.resume(folder)
    assert results(folder) == uninterrupted


KILLED = """
import os, signal, sys, coterie
from coterie.workflow import train as workflow
workflow.SAVE_SECONDS = float(sys.argv[2])
def tick(now):
    if now.episode >= 400:
        os.kill(os.getpid(), signal.SIGKILL)
coterie.train(seeds=30, episodes=600, seed=4, name="killed", pictures=False, runs=sys.argv[1], on_tick=tick)
"""


@pytest.mark.parametrize("every", ["60", "0"], ids=["before any checkpoint", "between two checkpoints"])
def test_killed_outright_and_resumed_equals_uninterrupted(tmp_path, uninterrupted, every):
    """A power cut: no handler runs."""
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), every], capture_output=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    folder = tmp_path / "killed"
    assert len(list_checkpoints(folder)) == (0 if every == "60" else 2)
    coterie.resume(folder)
    assert results(folder) == uninterrupted


def test_killed_while_the_first_checkpoint_was_written(tmp_path, uninterrupted):
    """Its folder is there, and nothing whole in it."""
    chosen = workflow.plan("rendezvous", seeds=TEAMS, episodes=EPISODES, seed=4)
    game = workflow.game_of(chosen)
    folder, _ = workflow.open_run(chosen, game, tmp_path, "killed")
    (folder / "checkpoints" / ".new-half").mkdir(parents=True)
    coterie.resume(folder)
    assert results(folder) == uninterrupted
    assert os.listdir(folder / "checkpoints") == [f"step_{EPISODES:012d}"]


def test_checkpoints_are_saved_at_times(tmp_path, monkeypatch, uninterrupted):
    monkeypatch.setattr(workflow, "SAVE_SECONDS", 0.0)
    steps, real = [], workflow.save_checkpoint
    monkeypatch.setattr(
        workflow, "save_checkpoint", lambda folder, step, *rest: steps.append(step) or real(folder, step, *rest)
    )
    coterie.train(**GIVEN, runs=tmp_path)
    assert len(set(steps)) > 3
    assert steps == sorted(steps)
    assert len(list_checkpoints(tmp_path / "killed")) == 2
    assert results(tmp_path / "killed") == uninterrupted


def test_the_second_signal_is_not_waited_for(tmp_path, short_chunks):
    def twice(now):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as stop:
        coterie.train(**GIVEN, runs=tmp_path, on_tick=twice)
    assert stop.value.code == 143
    assert list_checkpoints(tmp_path / "killed") == []


def test_signals_are_left_alone_outside_the_main_thread(tmp_path):
    handlers, seen = signal.getsignal(signal.SIGINT), []
    given = {**GIVEN, "runs": tmp_path, "on_tick": lambda now: seen.append(signal.getsignal(signal.SIGINT))}
    worker = threading.Thread(target=coterie.train, kwargs=given)
    worker.start()
    worker.join()
    assert set(seen) == {handlers}


def test_a_damaged_checkpoint_is_a_sentence_and_exit_4(tmp_path, monkeypatch, capsys, short_chunks):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Stopped):
        coterie.train(**GIVEN, on_tick=interrupting(300))
    (checkpoint,) = list_checkpoints(tmp_path / "runs" / "killed")
    part = checkpoint / "policy.safetensors"
    part.write_bytes(part.read_bytes()[:-1])
    for verb in ("resume", "evaluate"):
        sentence = refused(capsys, (verb, "killed"), 4)
        assert sentence.startswith("runs/killed/checkpoints/step_")
        assert sentence.endswith("; it is damaged")
    with pytest.raises(StorageFault, match="it is damaged"):
        coterie.load("killed")


def test_a_checkpoint_of_other_settings_is_refused(tmp_path, short_chunks):
    with pytest.raises(Stopped):
        coterie.train(**GIVEN, runs=tmp_path, on_tick=interrupting(300))
    config = tmp_path / "killed" / "config.toml"
    config.write_text(config.read_text().replace("teams = 30", "teams = 31"))
    with pytest.raises(StorageFault, match="the checkpoint does not fit its run's settings"):
        coterie.resume("killed", runs=tmp_path)


PATIENT = """
import sys
from coterie.cli import main, output
output.PLAIN_LINE_SECONDS = output.KNOWN_SECONDS = 0
sys.exit(main(sys.argv[1:]))
"""
LONG = ("--seeds", "60", "--episodes", "20000", "--name", "killed", "--no-pictures")


def test_a_process_that_is_told_to_end_saves_and_can_be_resumed(tmp_path, monkeypatch, capsys):
    """The real thing: SIGTERM in mid-training, exit code 143, and the rest in another process."""
    command = [sys.executable, "-c", PATIENT, "train", "rendezvous", *LONG]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    progress = process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert " % " in progress
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("coterie: stopped after ")
    assert last.endswith(" of 20,000 episodes; go on with: coterie resume killed")
    monkeypatch.chdir(tmp_path)
    assert main(["resume", "killed"]) == 0
    assert "60 teams of 2 agents" in capsys.readouterr().out
    assert main(["train", "rendezvous", *(word if word != "killed" else "whole" for word in LONG)]) == 0
    assert results(tmp_path / "runs" / "killed") == results(tmp_path / "runs" / "whole")
    assert refused(capsys, ("resume", "killed")) == "killed is finished; look at it with: coterie evaluate killed"


def test_ctrl_c_at_the_command_line_is_exit_130(tmp_path, monkeypatch, capsys, short_chunks):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("coterie.cli.output.ProgressLine.__call__", lambda line, now: interrupting(100)(now))
    assert main(["train", "rendezvous", *LONG]) == 130
    assert "go on with: coterie resume killed" in capsys.readouterr().err
    assert len(list_checkpoints(tmp_path / "runs" / "killed")) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_table_is_made_leaves_nothing(tmp_path, monkeypatch, capsys, number):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COTERIE_CACHE", str(tmp_path / "cache"))
    before = signal.getsignal(number)
    monkeypatch.setattr("coterie.envs.tabulate.tabulate", lambda environment: signal.raise_signal(number))
    assert refused(capsys, ("train", "rendezvous", *LONG), 128 + number) == "stopped"
    assert os.listdir(tmp_path) == []
    assert signal.getsignal(number) is before


def test_no_signal_interrupts_the_saving(tmp_path, monkeypatch, short_chunks, uninterrupted):
    real = workflow.save_checkpoint

    def saved(*given):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(workflow, "save_checkpoint", saved)
        with pytest.raises(Stopped) as caught:
            coterie.train(**GIVEN, runs=tmp_path, on_tick=interrupting(300))
    assert caught.value.exit_code == 130
    coterie.resume("killed", runs=tmp_path)
    assert results(tmp_path / "killed") == uninterrupted


def test_a_run_is_trained_by_one_process_at_a_time(tmp_path):
    from coterie.errors import BadInput
    from coterie.running.recorder import held

    with held(tmp_path), pytest.raises(BadInput, match="another process"), held(tmp_path):
        pass
    with held(tmp_path):  # and the lock is gone with its holder
        pass
