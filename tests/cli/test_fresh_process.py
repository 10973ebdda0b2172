"""What must be instant: help and wrong names answer without loading what trains."""

import json
import subprocess
import sys

import pytest
from small_runs import fresh

LIGHT = """
import contextlib, io, json, sys
from coterie.cli import main
answers = []
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = main(words)
    heavy = sorted({'jax', 'numba', 'scipy', 'matplotlib', 'pettingzoo', 'PIL'} & set(sys.modules))
    answers.append([code, heavy])
print(json.dumps(answers))
"""


def test_help_and_wrong_names_load_nothing_heavy(runs):
    """One process for all: the first to load something would be found, and so would all after it."""
    helps = [
        ["--help"],
        ["list"],
        *([verb, "--help"] for verb in ("train", "study", "solve", "evaluate", "watch", "resume")),
    ]
    helps += [["train", "rendezvous", "--help"], ["judge", "--help"], ["lesson", "--help"]]
    wrong = [
        ["trian"],
        ["train", "rendesvous"],
        ["train", "rendezvous", "--algorithm", "iqll"],
        ["train", "rendezvous", "--preset", "tutrial"],
        ["train", "rendezvous", "--env.sise", "3"],
        ["train", "rendezvous", "--learning-rat", "3"],
        ["train", "penalty", "--env.size", "3"],
        ["train", "rendezvous", "--seeds", "many"],
        ["train", "rendezvous", "--ladder", "--episodes", "3"],
        ["solve", "rendesvous"],
        ["evaluate", "frist"],
        ["resume", "frist"],
        ["watch", "frist"],
        ["watch", "rendezvous", "--policy", "randm"],
        ["judge", "./nosuch.py:make_team"],
        ["judge", "./nosuch.py:make_team", "rendesvous"],
    ]
    answers = json.loads(fresh(LIGHT, json.dumps(helps + wrong), cwd=runs.parent))
    assert [code for code, _ in answers] == [0] * len(helps) + [2] * len(wrong)
    loaded = {" ".join(words): heavy for words, (_, heavy) in zip(helps + wrong, answers, strict=True) if heavy}
    assert loaded == {}


def test_help_loads_nothing_at_all():
    code = (
        "import sys; from coterie.cli import main; main(['--help']); print({'tyro', 'numpy'} & set(sys.modules) or [])"
    )
    assert fresh(code).splitlines()[-1] == "[]"


@pytest.mark.parametrize("words", [["list"], ["--help"], ["train", "--help"], ["solve", "rendezvous"]])
def test_a_reader_that_goes_away_is_no_error(words):
    """coterie … | head -0"""
    process = subprocess.Popen(
        [sys.executable, "-m", "coterie", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert err == ""
