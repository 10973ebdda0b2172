"""`coterie watch` in environments from elsewhere: what is printed, drawn, and left behind when it is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_runs import next_commands, parse_only, refused, run, run_json
from watched_worlds import MINE

from coterie.cli import main, output
from coterie.cli.output import PlayLine
from coterie.showing.watched import Tick

SPREAD = ("watch", "mpe2:simple_spread_v3", "--env.N", "2")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a file of the user's."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def videos(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix in (".gif", ".webp", ".mp4"))


@pytest.mark.parametrize("policy, other", [("random", "idle"), ("idle", "random")])
def test_play_is_told_and_drawn(here, capsys, policy, other):
    out = run(capsys, *SPREAD, "--policy", policy)
    lines = out.splitlines()
    always = "random play" if policy == "random" else "idle play (always action 0)"
    assert lines[1] == f"mpe2:simple_spread_v3, {always}: 1 episode of 2 agents, seed 0"
    assert lines[4] == "  length                25   steps; cut off by its time limit"
    assert lines[6].startswith(f"drawn into simple_spread_v3-{policy}.gif: 26 pictures, 400x426, ")
    assert next_commands(out) == [
        f"coterie watch mpe2:simple_spread_v3 --policy {other} --env.N 2",
        "coterie train mpe2:simple_spread_v3 --env.N 2",
    ]
    assert videos(here) == [f"simple_spread_v3-{policy}.gif"]


def test_the_same_seed_tells_and_draws_the_same(here, capsys):
    told = [run(capsys, *SPREAD, "--policy", "random", "--seed", seed, "--steps", "5") for seed in ("1", "1", "2")]
    assert told[0].splitlines()[:5] == told[1].splitlines()[:5]
    assert told[0].splitlines()[3] != told[2].splitlines()[3]
    one, two, three = (Path(f"simple_spread_v3-random{end}.gif").read_bytes() for end in ("", "-2", "-3"))
    assert one == two != three


@pytest.mark.parametrize(
    "words, expected",
    [
        (("--video", "none"), []),
        (("--video", "film.webp"), ["film.webp"]),
        (("--gif", "film.gif"), ["film.gif"]),
        (("--json",), []),
        (("--json", "--video", "film.gif"), ["film.gif"]),
    ],
)
def test_the_video_goes_where_it_is_told_to(here, capsys, words, expected):
    run(capsys, *SPREAD, "--policy", "idle", "--steps", "2", *words)
    assert videos(here) == expected


def test_programs_read_json_and_nothing_else(here, capsys):
    (here / "loud.py").write_text("print('hello')\ndef act(observation, agent):\n    print(agent)\n    return 1\n")
    told = run_json(capsys, *SPREAD, "--policy", "./loud.py:act", "--episodes", "2")
    assert told["environment"] == "mpe2:simple_spread_v3"
    assert told["player"] == "played by ./loud.py:act"
    assert [one["seed"] for one in told["episodes"]] == [0, 1]
    assert [one["length"] for one in told["episodes"]] == [25, 25]
    assert set(told["episodes"][0]["returns"]) == {"agent_0", "agent_1"} == set(told["agents"])
    assert told["return"] == pytest.approx(sum(one["return"] for one in told["episodes"]) / 2)
    assert told["video"] is None
    assert json.dumps(told)


def test_where_nothing_can_be_drawn_one_sentence_says_so(here, capsys):
    capsys.readouterr()
    assert main(["watch", "./mine.py:make_crowd", "--policy", "random"]) == 0
    out, err = capsys.readouterr()
    assert err.strip() == "no video: the environment offers no render mode rgb_array"
    assert "success              yes   by the infos' success" in out
    assert next_commands(out)[0] == "coterie watch ./mine.py:make_crowd --policy idle"
    assert videos(here) == []


@pytest.mark.parametrize(
    "words, code, sentence",
    [
        (
            ("--policy", "random", "--env.broken", "raises"),
            3,
            "./mine.py:make_ladder, seed 0, step 2 failed: RuntimeError",
        ),
        (("--policy", "./mine.py:tires"), 2, "./mine.py:make_ladder, seed 0, step 1, agent 'first': ./mine.py:tires f"),
        (("--policy", "./mine.py:climb", "--video", "no/film.gif"), 4, "--video no/film.gif: there is no folder no"),
        (
            ("--policy", "./mine.py:climb", "--video", "mine.gif"),
            4,
            "--video mine.gif: the file exists, and nothing is",
        ),
    ],
)
def test_whoever_is_at_fault_is_told_in_one_sentence(here, capsys, words, code, sentence):
    (here / "mine.gif").write_text("mine")
    assert refused(capsys, ("watch", "./mine.py:make_ladder", *words), code).startswith(sentence)
    assert videos(here) == ["mine.gif"]
    assert (here / "mine.gif").read_text() == "mine"


def test_what_was_played_is_shown_although_its_pictures_cannot_be_written(here, capsys, monkeypatch):
    monkeypatch.setattr("coterie.showing.video.as_gif", lambda *given: b"gif")
    monkeypatch.setattr("coterie.running.storage.os.fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "full")))
    capsys.readouterr()
    assert main([*SPREAD, "--policy", "idle", "--steps", "2"]) == 4
    out, err = capsys.readouterr()
    assert "mpe2:simple_spread_v3, idle play (always action 0): 1 episode" in out
    assert "cannot be written: full" in err
    assert videos(here) == []


def test_help_is_about_these_environments(here, capsys):
    out = run(capsys, "watch", "pettingzoo:butterfly/pistonball_v6", "--help")
    assert "--policy" in out
    assert "--video" in out
    assert "--wall" not in out
    parse_only(["watch", "--help"])


def ticks(terminal: bool, monkeypatch, seconds: list[float]) -> str:
    """What a line shows of ticks at these times."""
    import io

    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    screen, now = Screen(), [100.0]
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(output.time, "monotonic", lambda: now[0])
    line = PlayLine()
    for second in seconds:
        now[0] = 100 + second
        line(Tick(0, 1, int(second * 10), 100, 10.0, 1.5, "step", second))
    return screen.getvalue()


def test_progress_is_shown_as_often_as_eyes_can_read(monkeypatch):
    each = [0.01 * n for n in range(300)]
    assert 20 <= ticks(True, monkeypatch, each).count("\r") <= 26
    plain = ticks(False, monkeypatch, each)
    assert plain.splitlines() == [" 20 % ━━━━···················· 20 steps · 10 steps/s · 8 s left · return 1.50"]
    assert ticks(True, monkeypatch, [0.1, 0.4]) == ""


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_at_any_moment_it_leaves_nothing(here, number, code):
    (here / "slow.py").write_text(
        "import time\n\n\ndef act(observation):\n    open('begun', 'w').close()\n    time.sleep(0.05)\n    return 1\n"
    )
    words = ["-m", "coterie", *SPREAD, "--policy", "./slow.py:act"]
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not Path("begun").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert err.splitlines()[-1] == "coterie: stopped"
    assert sorted(path.name for path in here.iterdir() if path.name != "__pycache__") == ["begun", "mine.py", "slow.py"]
