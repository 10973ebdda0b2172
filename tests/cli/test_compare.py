"""`coterie compare`: what it prints, draws and writes, and how it refuses."""

import json
from shutil import copytree

import pytest
from small_runs import next_commands, refused, run, run_json

import coterie
from coterie.cli import compare, main


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """A run that another recipe made."""
    runs = tmp_path_factory.mktemp("second")
    return coterie.train(seeds=12, episodes=300, runs=runs, name="second", pictures=False).folder


@pytest.fixture
def two(runs, second):
    """A working folder with the runs first and second."""
    copytree(second, runs / "second")
    return runs


def test_it_says_what_may_be_concluded_and_what_next(two, capsys):
    out = run(capsys, "compare", "first", "second")
    for label in ("May be concluded:", "May not:", "To settle it:", "IQM", "optimum 7.00"):
        assert label in out
    assert next_commands(out)[0] == "coterie compare first second --png comparison.png"


def test_for_programs(two, capsys):
    found = run_json(capsys, "compare", "first", "sec")
    assert {row["name"] for row in found["rows"]} == {"first", "second"}
    assert {len(row["scores"]) for row in found["rows"]} == {40, 12}
    assert 0 <= found["pairs"][0]["adjusted_p"] <= 1
    assert found["concluded"]
    assert found["not_concluded"]
    assert found["to_settle"]


def test_it_draws_and_writes(two, capsys, tmp_path):
    out = run(capsys, "compare", "first", "second", "--png", "a.png", "--marl-eval", "a.json")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert set(json.loads((tmp_path / "a.json").read_text())["coterie"]["rendezvous"]) == {"iql", "hysteretic"}
    assert next_commands(out)
    assert "hysteretic" in run(capsys, "compare", "a.json")
    refused(capsys, ["compare", "first", "second", "--png", "a.png"], code=4)
    refused(capsys, ["compare", "first", "second", "--marl-eval", "a.json"], code=4)


@pytest.mark.parametrize(
    "words, code, complaint",
    [
        ((), 2, "which runs? For example: coterie compare "),
        (("--json",), 2, "which runs?"),
        (("first",), 2, "a comparison needs two runs or more, for example: coterie compare first second"),
        (("first", "secnd"), 2, "did you mean 'second'?"),
        (("first", "second", "--normalized"), 2, "did you mean '--normalised'?"),
        (("first", "second", "--png", "a.gif"), 2, "the name of the file ends in .png or .svg"),
        (("first", "second", "--png", "no/a.png"), 4, "there is no folder no"),
        (("first", "none.json"), 2, "there is no file none.json"),
        (("first", "bad.json"), 4, "bad.json is not JSON"),
        (("first", "second", "extra words"), 2, "there is no run 'extra words'"),
    ],
)
def test_it_refuses_in_one_sentence(two, capsys, tmp_path, words, code, complaint):
    (tmp_path / "bad.json").write_text("no")
    assert complaint in refused(capsys, ["compare", *words], code=code)


def test_what_takes_long_is_said(two, capsys, monkeypatch):
    import time

    from coterie.workflow import compare as workflow

    monkeypatch.setattr(compare, "QUIET_SECONDS", 0.01)
    real = workflow.outcomes
    monkeypatch.setattr(workflow, "outcomes", lambda *given: (time.sleep(0.05), real(*given))[1])
    capsys.readouterr()
    assert main(["compare", "first", "second", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "reading first, second and valuing every team" in err
    json.loads(out)


def test_what_is_quick_is_not_announced(two, capsys, monkeypatch):
    monkeypatch.setattr(compare, "QUIET_SECONDS", 60.0)
    capsys.readouterr()
    assert main(["compare", "first", "second"]) == 0
    assert "reading" not in capsys.readouterr().err


def test_help_teaches(capsys):
    text = " ".join(run(capsys, "compare", "--help").split())
    for word in ("interquartile mean", "what may be concluded", "--marl-eval", "--normalised", "Holm"):
        assert word in text
