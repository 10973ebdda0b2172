"""`coterie diagnose`: what is wrong with a run or with recorded episodes, in order, and what mends it."""

import dataclasses
import json

import pytest
from small_runs import run, run_json

import coterie
from coterie.errors import BadInput
from coterie.running.episodes import read_recording, write_recording
from coterie.showing.words import summary
from coterie.types import Finding
from coterie.workflow.diagnose import diagnose
from coterie.workflow.planning.plan import planned
from coterie.workflow.questions.run import looked_at
from coterie.workflow.questions.trying import changed, cost, first_remedy, possible


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory):
    """A thousand teams of the tutorial."""
    runs = tmp_path_factory.mktemp("tutorial")
    return coterie.train(preset="tutorial", seeds=1_000, runs=runs, name="tutorial", pictures=False)


@pytest.fixture(scope="module")
def told(tutorial):
    return diagnose(tutorial.folder)


def test_the_first_sentence_says_what_share_fails_and_why(tutorial, told):
    failing = 1_000 - tutorial.verdict.coordinated.count
    sentence = summary(told.verdict)
    assert sentence.startswith(
        f"{100 * failing / 1_000:.1f} % of 1,000 teams do not meet: they run in circles or stand still. "
    )
    assert "circle for ever" in sentence
    assert told.findings[0].name == "loops"


def test_each_failing_team_is_named_with_its_loop_and_no_succeeding_one(tutorial, told):
    from coterie.diagnosis.loops import find_loop, team_loops
    from coterie.running.evaluate import outcomes, play_of
    from coterie.workflow.evaluate import saved_judgement

    _, game, teams, _ = saved_judgement(tutorial.folder)
    plays = [play_of(game, q, 0, team) for team, q in enumerate(teams.q)]
    named = dict(team_loops(plays, 1))
    fails = {team for team, ok in enumerate(outcomes(game, teams.q, None).coordinated) if not ok}
    assert set(named) == fails
    for team, loop in named.items():
        keys = plays[team].keys.tolist()
        assert find_loop(keys, 1) == loop
        assert keys[-1] == keys[-1 - loop.period]  # the last state was seen one period ago
        assert loop.period == 1 or keys[-1] != keys[-2]


def test_a_good_run_is_told_so(tmp_path):
    coterie.train(seeds=60, seed=3, runs=tmp_path, name="good", pictures=False)
    found = diagnose("good", runs=tmp_path)
    assert summary(found.verdict).startswith("A good run: All 60 teams meet.")
    assert {one.name for one in found.findings if one.verdict == "yes"} <= {"strangers"}


def test_the_remedy_mends_it(tutorial, told, capsys):
    out = run(capsys, "diagnose", str(tutorial.folder), "--no-pictures", "--try")
    assert "as it was" in out
    assert "--epsilon-end 0" in out
    after = sorted(tutorial.folder.parent.glob("rendezvous-*"))[-1]
    share = json.loads((after / "evaluation.json").read_text())["coordinated"]["share"]
    assert share > 0.99 > told.verdict.coordinated.share


def test_the_cost_is_printed_before_it_is_paid(tutorial, capsys, monkeypatch):
    import coterie.workflow.questions.trying as trying

    def refuse(*given, **more):
        raise BadInput("not now")

    monkeypatch.setattr(trying, "learn", refuse)
    assert coterie.cli.main(["diagnose", str(tutorial.folder), "--no-pictures", "--try"]) == 2
    assert "It costs 1,000 teams x 1,000 episodes, about " in capsys.readouterr().err


def test_findings_and_report_are_kept(runs, capsys):
    found = run_json(capsys, "diagnose", "first", "--json")
    kept = json.loads((runs / "first" / "findings.json").read_text())
    assert [one["name"] for one in kept] == [one["name"] for one in found["findings"]]
    opening = found["summary"].split(". ")[0]
    assert f"<h1>{opening}." in (runs / "first" / "report.html").read_text()


def test_episodes_of_any_tool_are_diagnosed(runs, tmp_path, capsys):
    place = runs / "first" / "episodes" / "greedy.jsonl"
    theirs = tmp_path / "theirs.jsonl"
    recording = read_recording(place)
    write_recording(theirs, recording._replace(environment="", options={}))
    out = run(capsys, "diagnose", str(theirs))
    assert "do not meet" in out
    assert "loops" in out
    assert (tmp_path / "theirs-report.html").exists()


def test_several_runs_are_told_one_after_the_other(runs, capsys):
    found = run_json(capsys, "diagnose", "first", "first", "--json", "--no-pictures")
    assert [one["name"] for one in found] == ["first", "first"]


def test_what_is_in_force_is_not_advised(runs):
    chosen = planned(runs / "first")
    finding = Finding("loops", "yes", "…", flags=("--epsilon-end", "0", "--epsilon-decay", "0.9"))
    assert possible(chosen, finding) == finding.flags
    calm = changed(chosen, finding.flags)
    assert (calm.learner.epsilon_end, calm.learner.epsilon_decay) == (0.0, 0.9)
    assert possible(calm, finding) == ()
    assert possible(chosen, dataclasses.replace(finding, flags=("--env.nonsense", "1"))) == ()


def test_words_become_a_plan(runs):
    chosen = planned(runs / "first")
    other = changed(chosen, ("--algorithm", "hysteretic", "--env.stay", "--terminal-mask", "--episodes", "50"))
    assert (other.algorithm, other.learner.hysteresis < 1, other.env.stay) == ("hysteretic", True, True)
    assert (other.learner.terminal_mask, other.episodes, other.seed) == (True, 50, chosen.seed)
    assert cost(runs / "first", chosen, ("--seeds", "7")).teams == 7
    assert cost(runs / "nowhere", chosen, ()).seconds is None
    with pytest.raises(BadInput, match="stands before any option"):
        changed(chosen, ("0",))
    with pytest.raises(BadInput, match="'x' is no int"):
        changed(chosen, ("--env.size", "x"))
    assert first_remedy([Finding("loops", "yes", "…")]) is None


@pytest.mark.parametrize(
    "words, code, sentence",
    [
        ([], 2, "which run, or which file of episodes?"),
        (["nowhere"], 2, "there is no run"),
        (["first", "--tyr"], 2, "did you mean '--try'?"),
        (["runs/first/config.toml"], 2, "neither a run's folder nor recorded episodes"),
        (["runs/first/episodes/greedy.jsonl", "--try"], 2, "--try trains tables again"),
    ],
)
def test_mistakes_are_one_sentence(runs, capsys, words, code, sentence):
    assert coterie.cli.main(["diagnose", *words]) == code
    assert sentence in capsys.readouterr().err


def test_episodes_longer_than_the_game_that_they_name_are_refused(tmp_path):
    place = tmp_path / "theirs.jsonl"
    header = {"format": "coterie-episodes", "version": 1, "agents": ["a", "b"], "environment": "climbing"}
    for steps in (1, 2):
        episode = {"actions": [[0, 0]] * steps, "rewards": [[11, 11]] * steps, "success": True}
        place.write_text(json.dumps(header) + "\n" + json.dumps(episode) + "\n")
        if steps == 1:
            assert diagnose(place).verdict.return_ == 11.0
        else:
            with pytest.raises(BadInput, match=r"an episode of 2 steps, climbing with these options ends after 1"):
                diagnose(place)


@pytest.mark.parametrize(("edges", "teams"), [(1, 20), (9_600, 20), (137_104, 5), (261_120, 4), (10**7, 4)])
def test_fewer_teams_are_looked_at_where_the_table_is_large(edges, teams):
    class Large:
        masked = False
        successor = range(edges)

    assert looked_at(Large()) == teams
