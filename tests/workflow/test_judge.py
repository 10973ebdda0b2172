"""Anybody's own agents get our verdict, and whatever is wrong with them is told in one sentence."""

import json
import os
import sys

import numpy as np
import pytest
from small_runs import next_commands, refused, run, run_json

import coterie
from coterie.cli import main
from coterie.errors import BadInput

WALKERS = """
class Walker:
    def act(self, observation):
        row, column = observation
        if row != 2:
            return 2 if row < 2 else 3
        return 0 if column < 2 else 1

def make_team():
    return [Walker(), Walker()]
"""
DANCERS = """
class Dancer:
    def __init__(self):
        self.steps = 0
    def act(self, observation):
        self.steps += 1
        return self.steps % 2
    def reset(self):
        self.steps = 0

def make_team(seed):
    return {"agent_1": Dancer(), "agent_0": Dancer()}
"""


def agents(body: str) -> str:
    """A file whose two agents act by one line of Python."""
    lines = "\n        ".join(body.splitlines())
    return (
        f"class Agent:\n    def act(self, seen):\n        {lines}\n\ndef make_team():\n    return [Agent(), Agent()]\n"
    )


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda text, name="mine.py": (tmp_path / name).write_text(text)


def told(capsys, word="./mine.py:make_team", *more):
    return refused(capsys, ("judge", word, "rendezvous", "--teams", "3", *more))


def test_agents_that_meet_are_told_so(mine, capsys):
    mine(WALKERS)
    out = run(capsys, "judge", "./mine.py:make_team", "rendezvous")
    assert "100.0 %" in out
    next_commands(out)
    verdict = run_json(capsys, "judge", "./mine.py:make_team", "rendezvous")
    assert verdict["coordinated"]["count"] == verdict["optimal"]["count"] == verdict["teams"] == 1
    assert verdict["return"] == verdict["optimum"] == 7.0
    assert (verdict["relapsed"], verdict["run"], verdict["algorithm"]) == (None, "", "your agents")


def test_agents_that_circle_are_told_how(mine, capsys):
    mine(DANCERS)
    verdict = run_json(capsys, "judge", "./mine.py:make_team", "rendezvous", "--teams", "20")
    assert (verdict["coordinated"]["count"], verdict["teams"]) == (0, 20)
    (loops,) = [finding for finding in verdict["findings"] if finding["name"] == "loops"]
    assert loops["verdict"] == "yes"
    assert "circle" in loops["sentence"]
    assert "period 2" in loops["sentence"]
    out = run(capsys, "judge", "./mine.py:make_team", "rendezvous", "--teams", "20")
    assert "Team 0, steps" in out
    next_commands(out)


def test_the_wall_of_ones_own_agents(mine, capsys, tmp_path):
    mine(DANCERS)
    words = ("judge", "./mine.py:make_team", "rendezvous", "--teams", "3", "--env.horizon", "4", "--gif", "mine.gif")
    run(capsys, *words)
    assert (tmp_path / "mine.gif").read_bytes().startswith(b"GIF89a")
    assert refused(capsys, words, 4) == "--gif mine.gif: the file exists, and nothing is overwritten"


def test_a_seeded_team_is_made_once_a_team():
    made = []

    def make_team(seed):
        made.append(seed)
        draws = np.random.default_rng(seed)

        class Random:
            def act(self, observation):
                return draws.integers(4)

        return [Random(), Random()]

    first = coterie.judge(make_team, teams=30, seed=7)
    assert made == list(range(7, 37))
    assert first.verdict.teams == 30
    assert first.verdict == coterie.judge(make_team, teams=30, seed=7).verdict
    assert first.verdict.return_ != coterie.judge(make_team, teams=30, seed=8).verdict.return_
    assert abs(first.verdict.return_ + 15.84) < 4


def test_random_agents_earn_what_random_play_is_worth():
    """Our own exact value is the oracle: a bias of the player or of the returns would show."""

    def make_team(seed):
        draws = np.random.default_rng(seed)

        class Random:
            def act(self, observation):
                return int(draws.integers(4))

        return [Random(), Random()]

    judged = coterie.judge(make_team, teams=600, env={"size": 3})
    returns = np.array([play.rewards.mean(1).sum() for play in judged.plays])
    assert abs(returns.mean() - judged.verdict.random) < 4 * returns.std() / np.sqrt(len(returns))


def test_agents_get_their_own_copies_of_what_they_see(mine, capsys):
    mine(agents("if seen.max() > 50:\n    return 9\nseen += 100\nreturn 0"))
    run(capsys, "judge", "./mine.py:make_team", "rendezvous", "--teams", "2")


def test_what_the_users_code_prints_is_no_part_of_the_answer(mine, capsys):
    mine("print('loading')\n" + agents("print('acting')\nreturn 0"))
    assert main(["judge", "./mine.py:make_team", "rendezvous", "--teams", "2", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["environment"] == "rendezvous"
    assert "loading" in err
    assert "acting" in err


def test_dataclasses_and_files_beside_it_can_be_used(mine, capsys):
    """Dataclasses with postponed annotations look their own module up."""
    mine("STEPS = [0, 1, 2, 3]\n", "moves_of_mine.py")
    mine(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom moves_of_mine import STEPS\n"
        "@dataclass\nclass Agent:\n    step: int = 0\n    def act(self, seen):\n        return STEPS[self.step]\n"
        "def make_team():\n    return Agent(), Agent()\n"
    )
    run(capsys, "judge", "./mine.py:make_team", "rendezvous", "--teams", "2")


def test_a_file_that_was_replaced_at_once_is_the_one_that_is_judged(mine, capsys, tmp_path, monkeypatch):
    """Python's bytecode would take two files of one size and one second for the same."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    returns = []
    for action in (0, 2, 0):
        mine(agents(f"return {action}"))
        os.utime(tmp_path / "mine.py", (1_000, 1_000))
        seen = run_json(capsys, "judge", "./mine.py:make_team", "rendezvous", "--env.map", "A..B", "--env.horizon", "4")
        returns.append(seen["return"])
    assert returns == [8.0, -4.0, 8.0]
    assert os.listdir(tmp_path) == ["mine.py"]


@pytest.mark.parametrize("action", ["0", "np.int64(0)", "np.array([0])", "np.uint8(0)"])
def test_whole_numbers_of_any_kind_are_actions(mine, capsys, action):
    mine("import numpy as np\n" + agents(f"return {action}"))
    run(capsys, "judge", "./mine.py:make_team", "rendezvous", "--teams", "2")


@pytest.mark.parametrize(
    ("action", "shown"),
    [
        ("4", "4"),
        ("-1", "-1"),
        ("2**70", str(2**70)),
        ("1.0", "1.0"),
        ("None", "None"),
        ("True", "True"),
        ("'1'", "'1'"),
        ("[0, 1]", "[0, 1]"),
        ("[[1], [2, 3]]", "[[1], [2, 3]]"),
        ("float('nan')", "nan"),
        ("list(range(1000))", str(list(range(1000)))[:79] + "…"),
    ],
)
def test_an_action_outside_its_space_is_refused(mine, capsys, action, shown):
    mine(agents(f"return {action}"))
    expected = f"agent_0 of team 0 at step 1: act([0, 0]) gave {shown}, expected a whole number 0 to 3"
    assert told(capsys) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            agents("raise ValueError('too\\nbad')"),
            "agent_0 of team 0 at step 1: act([0, 0]) failed: ValueError: too bad",
        ),
        (agents("import sys; sys.exit(0)"), "agent_0 of team 0 at step 1: act([0, 0]) failed: SystemExit: 0"),
        ("def make_team():\n    raise RuntimeError('no')", "make_team failed: RuntimeError: no"),
        ("def make_team():\n    raise SystemExit(0)", "make_team failed: SystemExit: 0"),
        (
            "def make_team(size):\n    return []",
            "make_team failed: TypeError: make_team() missing 1 required positional",
        ),
        ("def make_team():\n    return []", "make_team must give 2 agents (agent_0, agent_1), it gave 0"),
        (
            WALKERS.replace("[Walker(), Walker()]", "[Walker()] * 3"),
            "make_team must give 2 agents (agent_0, agent_1), it",
        ),
        (
            WALKERS.replace("[Walker(), Walker()]", "Walker()"),
            "make_team must give 2 agents (agent_0, agent_1), it gave W",
        ),
        (
            WALKERS.replace("[Walker(), Walker()]", "None"),
            "make_team must give 2 agents (agent_0, agent_1), it gave NoneT",
        ),
        (
            WALKERS.replace("[Walker(), Walker()]", "{'agent_0': 1}"),
            "make_team gave no agent 'agent_1'; expected agent_0, ",
        ),
        ("def make_team():\n    return [1, 2]", "agent_0 (int) has no method act(observation)"),
        (
            DANCERS.replace("self.steps = 0\n\ndef", "raise KeyError('reset')\n\ndef"),
            "agent_0 of team 0: reset() failed: KeyError: 'reset'",
        ),
    ],
    ids=lambda value: value[:40],
)
def test_a_team_that_fails_is_told_in_one_sentence(mine, capsys, text, sentence):
    mine(text)
    assert told(capsys).startswith(sentence)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("import nosuch", "mine.py cannot be loaded: ModuleNotFoundError: No module named 'nosuch'"),
        ("def make_team(:", "mine.py cannot be loaded: SyntaxError: invalid syntax"),
        ("raise ValueError('at once')", "mine.py cannot be loaded: ValueError: at once"),
        ("import sys; sys.exit()", "mine.py cannot be loaded: SystemExit: "),
        ("def make_taem(): pass", "mine.py has no function 'make_team'; did you mean 'make_taem'?"),
        ("make_team = 7", "mine.py has no function 'make_team'; it has none"),
        ("\x00", "mine.py cannot be loaded: "),
    ],
    ids=lambda value: value[:30],
)
def test_a_file_that_cannot_be_used_is_told_in_one_sentence(mine, capsys, text, sentence):
    mine(text)
    assert told(capsys).startswith(sentence)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("./nosuch.py:make_team", "there is no file nosuch.py"),
        ("mine.txt:make_team", "'mine.txt:make_team': expected a file and a function in it, like ./mine.py:make_team"),
        ("./mine.py", "'./mine.py': expected a file and a function in it"),
        ("./mine.py:", "'./mine.py:': expected a file and a function in it"),
        ("./mine.py:make team", "'./mine.py:make team': expected a file and a function in it"),
        (".:make_team", "'.:make_team': expected a file and a function in it"),
    ],
)
def test_a_word_that_names_no_function_is_told_in_one_sentence(mine, capsys, word, sentence):
    assert told(capsys, word).startswith(sentence)


def test_what_else_is_wrong_is_told_in_one_sentence(mine, capsys, tmp_path):
    mine(WALKERS)
    word = "./mine.py:make_team"
    assert refused(capsys, ("judge",)).startswith("which agents? For example: coterie judge ./mine.py:make_team")
    assert refused(capsys, ("judge", word, "rendesvous")).startswith("there is no environment 'rendesvous'; did you")
    assert told(capsys, word, "--teams", "0") == "--teams 0: at least 1 team is needed"
    assert told(capsys, word, "--seed", "-1").startswith("--seed -1: expected a whole number from 0")
    assert told(capsys, word, "--env.size", "1").startswith("--env.size 1: a grid has from 2")
    assert told(capsys, word, "--tems", "3").startswith("there is no option '--tems'")
    assert told(capsys, word, "--gif", "wall.png") == "--gif wall.png: the name of such a file ends in .gif"
    assert "no folder nowhere" in refused(capsys, ("judge", word, "--gif", "nowhere/wall.gif"), 4)
    assert os.listdir(tmp_path) == ["mine.py"]


def test_python_users_get_the_same_sentences():
    with pytest.raises(BadInput, match="make_team failed: ZeroDivisionError"):
        coterie.judge(lambda: 1 // 0, teams=2)
    with pytest.raises(BadInput, match=r"--teams '3': expected a whole number"):
        coterie.judge(lambda: [], teams="3")
    with pytest.raises(BadInput, match="there is no rendezvous option 'sise'"):
        coterie.judge(lambda: [], env={"sise": 3})


def test_a_trained_team_of_ours_can_be_judged(small_run):
    """Through the same door as anybody's: the verdict on one team is what its run recorded."""
    team = coterie.load(small_run.folder)

    class Agent:
        def __init__(self, name):
            self.name = name

        def act(self, observation):
            return team.act(self.name, observation)

    judged = coterie.judge(lambda: [Agent(name) for name in team.agents])
    (recorded,) = [play for play in small_run.plays if play.team == team.index]
    assert np.array_equal(judged.plays[0].actions, recorded.actions)
    assert judged.verdict.return_ == recorded.rewards.mean(1).sum()
