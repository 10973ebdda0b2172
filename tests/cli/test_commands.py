"""What the commands promise: JSON that is only JSON, a next step that can be typed, and runs that are left alone."""

import io
import json
import re

import numpy as np
import pytest
from small_runs import ENOUGH_TO_FAIL, TEAMS, contents, next_commands, parse_only, run, run_json

from coterie.cli import VERBS, main, overview
from coterie.cli.output import show_play
from coterie.envs.catalogue import ENVIRONMENTS
from coterie.settings import ALGORITHMS, PRESETS
from coterie.types import Play

SHARE = {"count", "total", "share", "low", "high"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_verdict_for_programs(here, capsys):
    verdict = run_json(capsys, "train", "rendezvous", *ENOUGH_TO_FAIL)
    assert {
        *("environment", "algorithm", "teams", "coordinated", "optimal", "relapsed"),
        *("return", "optimum", "random", "idle", "findings", "run"),
    } <= set(verdict)
    for name in ("coordinated", "optimal", "relapsed"):
        assert set(verdict[name]) >= {"share", "low", "high"}
        assert 0 <= verdict[name]["low"] <= verdict[name]["share"] <= verdict[name]["high"] <= 1
    assert (verdict["environment"], verdict["algorithm"], verdict["teams"]) == ("rendezvous", "iql", TEAMS)
    assert (verdict["optimum"], verdict["idle"], verdict["run"]) == (7.0, -20.0, "runs/rendezvous-iql-1")
    assert verdict["coordinated"]["share"] < 1
    for finding in verdict["findings"]:
        assert {"name", "verdict", "sentence", "value", "interval", "null", "evidence", "remedy"} <= set(finding)
        assert finding["verdict"] in ("yes", "no", "cannot tell")
    assert verdict == json.loads((here / "runs" / "rendezvous-iql-1" / "evaluation.json").read_text())


def test_the_verdict_for_people(here, capsys):
    out = run(capsys, "train", "rendezvous", "--preset", "tutorial", "--seeds", "40", "--no-pictures")
    assert '"Agents learned to meet."' in out
    for label in ("meet", "optimal", "return", "relapsed"):
        assert f"\n  {label} " in out
    assert "circle" in out
    assert re.search(r"\n  Team \d+, steps \d+ to \d+ of \d+:", out)
    assert "\x1b" not in out
    assert next_commands(out) == [
        "coterie diagnose latest",
        "coterie watch latest --wall",
        "coterie train rendezvous --ladder",
    ]


def test_an_identical_command_makes_a_second_run_and_leaves_the_first(here, capsys):
    first = run_json(capsys, "train", "rendezvous", *ENOUGH_TO_FAIL)
    before = contents(here)
    second = run_json(capsys, "train", "rendezvous", *ENOUGH_TO_FAIL)
    assert second["run"] == "runs/rendezvous-iql-2"
    assert {**first, "run": ""} == {**second, "run": ""}
    after = contents(here)
    assert {name: after[name] for name in before} == before


def test_flags_may_stand_before_the_environment(here, capsys):
    found = run_json(capsys, "train", *ENOUGH_TO_FAIL, "rendezvous", "--algo", "hysteretic", "--env.size=3")
    assert (found["algorithm"], found["optimum"]) == ("hysteretic", 9.0)
    assert found["run"] == "runs/rendezvous-hysteretic-1"


def test_options_reach_the_run(here, capsys):
    run(
        capsys,
        "train",
        "rendezvous",
        *ENOUGH_TO_FAIL,
        "--name",
        "mine",
        "--initial-value",
        "0.3",
        "--env.stay",
        "--seed",
        "9",
    )
    config = (here / "runs" / "mine" / "config.toml").read_text()
    for line in ("initial_value = 0.3", "stay = true", "seed = 9", f"teams = {TEAMS}", 'preset = "tutorial"'):
        assert f"\n{line}\n" in config


def test_runs_elsewhere_are_found_by_the_next_step(here, capsys):
    out = run(capsys, "train", "rendezvous", *ENOUGH_TO_FAIL, "--runs", "my runs")
    command = next_commands(out)[0]
    assert command == "coterie diagnose 'my runs/rendezvous-iql-1'"
    for verb in ("watch", "evaluate"):
        for then in next_commands(run(capsys, verb, "my runs/rendezvous-iql-1")):
            assert "'my runs/rendezvous-iql-1'" in then


def test_the_next_step_works_where_there_is_nothing_to_watch(here, capsys):
    out = run(capsys, "train", "dec-tiger", "--seeds", "6", "--episodes", "50", "--no-pictures", "--name", "blind")
    assert next_commands(out) == ["coterie diagnose latest"]
    assert next_commands(run(capsys, "diagnose", "latest"))[-1] == "coterie watch blind"
    assert next_commands(run(capsys, "evaluate", "latest")) == ["coterie diagnose blind"]
    (here / "runs" / "blind" / "evaluation.json").unlink()
    assert next_commands(run(capsys, "resume", "latest")) == ["coterie diagnose blind"]


def test_an_environment_without_boards_is_told_step_by_step(here, capsys):
    run(capsys, "train", "dec-tiger", "--seeds", "6", "--episodes", "50", "--no-pictures", "--name", "blind")
    out = run(capsys, "watch", "blind", "--team", "2")
    assert out.splitlines()[:2] == [
        "blind: greedy teams",
        "This environment draws no board, so here is what was done and what it earned (mean over agents).",
    ]
    assert re.search(r"\nTeam 2:\n  step  actions +reward +so far\n     1  A: [a-z-]+   B: [a-z-]+ +-?\d", out)
    assert next_commands(out) == ["coterie diagnose blind", "coterie watch blind --wall"]
    wall = run(capsys, "watch", "blind", "--wall")
    assert len(re.findall(r"\n  team \d  return +-?[\d.]+  \w", wall)) == 6
    assert next_commands(wall) == ["coterie diagnose blind", "coterie watch blind"]
    assert main(["watch", "blind", "--wall", "--gif", "wall.gif"]) == 2
    assert "coterie diagnose blind makes a page that plays actions and rewards" in capsys.readouterr().err
    assert not (here / "wall.gif").exists()


def test_evaluate_repeats_the_verdict(runs, small_run, capsys):
    saved = json.loads((runs / "first" / "evaluation.json").read_text())
    before = contents(runs)
    for word in ("first", "latest", "fi", "runs/first"):
        assert run_json(capsys, "evaluate", word) == {**saved, "run": "runs/first"}
    assert run_json(capsys, "evaluate", "first", "--runs", str(runs))["run"] == str(runs / "first")
    out = run(capsys, "evaluate", "latest")
    assert next_commands(out) == ["coterie watch first", "coterie watch first --wall"]
    assert out.strip().startswith(repr(small_run))
    assert contents(runs) == before


def test_a_team_is_watched_step_by_step(runs, small_run, capsys):
    out = run(capsys, "watch", "first", "--team", "3")
    play = small_run.plays[3]
    assert next_commands(out) == ["coterie watch first --wall", "coterie evaluate first"]
    assert f"{len(play.actions)}: " in out
    first = " ".join("RLDU"[action] for action in play.actions[0])
    assert f"1: {first}" in out
    assert out.count("A") >= len(play.actions)
    assert run(capsys, "watch", "first").splitlines()[0] == "first: greedy teams"


def test_the_wall_shows_every_team(runs, small_run, capsys):
    out = run(capsys, "watch", "first", "--wall")
    assert str(small_run.verdict.coordinated.count) in out
    commands = next_commands(out)
    assert commands == ["coterie watch first --team 0", "coterie watch first --wall --gif wall.gif"]


@pytest.mark.parametrize("words", [(), ("--team", "1")])
def test_pictures_are_drawn_into_a_new_file(runs, capsys, words):
    out = run(capsys, "watch", "first", *words, "--gif", "seen.gif")
    assert "drawn into seen.gif" in out
    next_commands(out)
    assert (runs.parent / "seen.gif").read_bytes().startswith(b"GIF89a")


@pytest.mark.parametrize(("policy", "other"), [("random", "idle"), ("idle", "random")])
def test_play_without_learning_is_watched(here, capsys, policy, other):
    out = run(capsys, "watch", "rendezvous", "--policy", policy)
    assert f"rendezvous: {policy} play" in out
    assert next_commands(out) == [f"coterie watch rendezvous --policy {other}", "coterie train rendezvous"]
    assert run(capsys, "watch", "rendezvous", "--policy", policy) == out
    changed = run(capsys, "watch", "rendezvous", "--policy", policy, "--seed", "1")
    assert (changed == out) == (policy == "idle")
    assert contents(here) == {}


def test_captions_of_boards_stand_apart(capsys):
    """Foraging's `30: load load` ran into the next board's."""
    steps = 12
    play = Play(
        keys=np.arange(steps + 1),
        boards=np.full((steps + 1, 2, 2), 2, np.uint8),
        actions=np.zeros((steps, 2), np.int32),
        rewards=np.zeros((steps, 2)),
        success=False,
        ended=False,
        team=0,
    )
    show_play(play, ("open-left",), "meet", 9, steps)
    captions = capsys.readouterr().out
    assert captions.count("open-left open-left") == 4
    assert not re.search(r"open-left\d", captions)


def test_solve_for_people_and_programs(here, capsys):
    found = run_json(capsys, "solve", "rendezvous")
    assert (found["states"], found["joint_actions"], found["optimum"], found["idle"]) == (625, 16, 7.0, -20.0)
    assert found["random"] == pytest.approx(-15.84, abs=0.005)
    assert found["objective"] == "undiscounted, within 20 steps"
    assert len(found["play"]["actions"]) == 4
    out = run(capsys, "solve", "rendezvous")
    assert "One optimal play, 4 steps:" in out
    assert next_commands(out) == ["coterie train rendezvous"]
    assert run_json(capsys, "solve", "climbing")["optimum"] == 11.0
    assert run_json(capsys, "solve", "penalty", "--env.k", "-3")["optimum"] == 10.0
    assert run_json(capsys, "solve", "rendezvous", "--discount", "1")["discounted_optimum"] is None


def test_an_output_without_unicode_is_no_error(here, monkeypatch):
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", plain)
    assert main(["solve", "rendezvous"]) == 0
    plain.flush()
    assert b"  A ? ? ? ?" in plain.buffer.getvalue()


def test_a_reward_that_never_pays_for_meeting_is_told_before_training(here, capsys):
    """facts 1: circling earns 8.235."""
    bribe = ("--env.closer-reward", "1", "--env.meet-reward", "1", "--env.step-reward", "0")
    out = run(capsys, "train", "rendezvous", *ENOUGH_TO_FAIL, *bribe)
    told = "Not your learner: the exact optimum of this reward never meets; circling earns 8.235"
    assert told in out
    assert out.index(told) < out.index(f"{TEAMS} teams of 2 agents")
    assert "One optimal play:" in out
    assert told in run_json(capsys, "solve", "rendezvous", *bribe)["audit"]
    verdict = run_json(capsys, "train", "rendezvous", *ENOUGH_TO_FAIL, *bribe)
    assert any(told in finding["sentence"] for finding in verdict["findings"])


def test_the_list_names_everything(here, capsys):
    tables = run_json(capsys, "list")
    assert set(tables["environments"]) == set(ENVIRONMENTS)
    assert (set(tables["algorithms"]), set(tables["presets"])) == (set(ALGORITHMS), set(PRESETS))
    out = run(capsys, "list")
    for table in tables.values():
        for name, about in table.items():
            assert f"  {name}" in out
            assert about in out
    assert next_commands(out) == ["coterie train rendezvous", "coterie train rendezvous --help"]


def test_the_list_says_how_environments_from_elsewhere_are_named(capsys):
    """One example of every source that can be trained on, each a word that the command understands."""
    from coterie.envs.sources import SOURCES, parse
    from coterie.workflow.deep.plan import road_of

    named = run_json(capsys, "list")["environments from elsewhere"]
    sources = [source.source for word in named if (source := parse(word)) is not None]
    assert sorted(sources) == sorted(SOURCES)
    assert {road_of(word) for word in named} == {"compiled", "worker"}
    assert all("pip install" in about for word, about in named.items() if parse(word) is not None)
    assert "./mine.py:make_env" in named
    out = run(capsys, "list")
    example = re.search(r"environments from elsewhere, in which networks learn, for example: (coterie .*)", out)[1]
    parse_only(example.split()[1:])


def test_the_lesson_prints_its_own_source_and_looks(here, capsys):
    out = run(capsys, "lesson", "--seed", "2")
    assert "class QAgent" in out
    assert "Trained with seed 2, 1,000 episodes. The tutorial now prints: Agents learned to meet." in out
    assert "agent A: 0,0 " in out
    assert "agent B: 4,4 " in out
    assert next_commands(out) == ["coterie train rendezvous --preset tutorial", "coterie lesson --seed 3"]
    assert contents(here) == {}


def test_the_ladder_is_a_table(here, capsys):
    rows = run_json(capsys, "train", "rendezvous", "--ladder", "--seeds", "5")
    assert [row["label"] for row in rows][:2] == ["the tutorial as listed", "+ terminal mask"]
    assert [row["teams"] for row in rows] == [5] * 5
    assert contents(here) == {}


def test_the_overview_names_every_command_and_a_next_step():
    text = overview()
    for verb in VERBS:
        assert f"  coterie {verb}" in text
    for line in text.splitlines():
        if line.startswith("  coterie ") and "   " in line.strip():
            words = line.split("   ")[0].split()
            if words[1:] and (len(words) > 2 or words[1] in ("list", "lesson")):
                parse_only(words[1:])
    assert next_commands(text) == ["coterie train rendezvous"]


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"], []])
def test_help_is_help_however_it_is_asked_for(capsys, words):
    assert main(words) == 0
    assert capsys.readouterr().out == overview() + "\n"


def test_the_version(capsys):
    import coterie

    assert run(capsys, "--version") == f"coterie {coterie.__version__}\n"


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("verb", VERBS)
def test_every_command_has_help_that_ends_with_a_next_step(here, capsys, verb, flag):
    out = run(capsys, verb, flag)
    assert out.startswith(f"usage: coterie {verb}")
    assert len(out.splitlines()) > 5
    command = next_commands(out)
    assert len(command) == 1
    assert contents(here) == {}


def test_the_help_of_training_explains_every_option(capsys):
    import dataclasses

    from coterie.settings import RendezvousOptions, TabularOptions

    out = run(capsys, "train", "rendezvous", "--help")
    for field in dataclasses.fields(RendezvousOptions):
        assert f"--env.{field.name.replace('_', '-')}" in out
    for field in dataclasses.fields(TabularOptions):
        assert f"--{field.name.replace('_', '-')}" in out
    assert "Ng, Harada, Russell 1999" in " ".join(out.replace("│", " ").split())


def test_the_help_of_training_says_where_other_options_are(capsys):
    out = " ".join(run(capsys, "train", "--help").replace("│", " ").split())
    for other in ("train rendezvous --deep --help", "train mpe2:simple_spread_v3 --help"):
        assert f"coterie {other}" in out
        assert "--clip" in run(capsys, *other.split())
    assert "--clip" not in out


def test_the_help_of_a_preset_shows_its_own_defaults(capsys):
    shown = " ".join(run(capsys, "train", "rendezvous", "--preset", "tutorial", "--help").replace("│", " ").split())
    assert "The share of random actions at the start. (default: 0.1)" in shown
