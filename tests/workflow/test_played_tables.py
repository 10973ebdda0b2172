"""Tables of somebody's own environment, from word to verdict: train, resume, evaluate, diagnose, load, solve, cache."""

import json
import re
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from small_runs import refused, run, run_json

import coterie
from coterie.errors import BadInput, Stopped
from coterie.finite.backward import perfect_play
from coterie.finite.solve import optimum
from coterie.pettingzoo.tables import agreeing
from coterie.pettingzoo.tables import tabulate as module
from coterie.running import foreign_tables
from coterie.running import train as training
from coterie.running.checkpoint import load_checkpoint
from coterie.running.foreign_tables import foreign_game, split_options
from coterie.running.recorder import stem_of
from coterie.settings import PRESETS
from coterie.workflow.evaluate import saved_judgement
from coterie.workflow.planning.plan import planned

WORLDS = Path(__file__).parents[1] / "pettingzoo" / "table_worlds.py"
GRID, STICKS = "./table_worlds.py:Corridor", "./table_worlds.py:Sticks"
FEW = {"seeds": 8, "episodes": 2_000, "pictures": False}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the reader's file, and a cache of its own."""
    shutil.copy(WORLDS, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COTERIE_CACHE", str(tmp_path / "cache"))
    foreign_tables.BELIEVED.clear()
    return tmp_path


@pytest.fixture
def made(monkeypatch):
    """How often a table was made by playing."""
    often, plain = [], module.tabulate

    def counted(*arguments, **more):
        often.append(more)
        return plain(*arguments, **more)

    monkeypatch.setattr(module, "tabulate", counted)
    return often


def imported(name):
    """A class of the reader's file, as the reader would import it."""
    sys.path.insert(0, str(WORLDS.parent))
    try:
        import table_worlds

        return getattr(table_worlds, name)
    finally:
        sys.path.remove(str(WORLDS.parent))


def test_a_readers_grid_is_trained_judged_and_explained(here):
    run = coterie.train(GRID, deep=False, env={"length": 4}, **FEW)
    assert run.folder == Path("runs") / f"{stem_of(GRID)}-hysteretic-1"
    verdict = run.verdict
    assert verdict.optimum == 0.5
    assert verdict.coordinated.share > 0.5
    assert {one.name for one in verdict.findings} >= {"reward audit", "accounting", "loops"}
    assert planned(run.folder).env == {"length": 4}
    found = coterie.diagnose(run.folder)
    assert {"contribution", "closed loop", "gaps", "strangers"} & {one.name for one in found.findings}
    again = coterie.evaluate(run.folder)
    assert again.verdict.to_json() == {**verdict.to_json(), "run": again.verdict.run}


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(here, monkeypatch):
    monkeypatch.setattr(training, "CHUNK_SECONDS", 0.0)

    def interrupt(tick):
        if tick.episode >= 300:
            signal.raise_signal(signal.SIGINT)

    whole = coterie.train(GRID, deep=False, name="whole", **FEW)
    with pytest.raises(Stopped, match=r"go on with: coterie resume cut"):
        coterie.train(GRID, deep=False, name="cut", on_tick=interrupt, **FEW)
    resumed = coterie.resume("cut")
    parts = [load_checkpoint(one.folder, ("policy", "progress"))[0] for one in (whole, resumed)]
    for name in ("policy", "progress"):
        for key, array in parts[0][name].items():
            assert np.array_equal(array, parts[1][name][key]), key


def test_a_loaded_team_acts_on_the_environment_itself(here):
    run = coterie.train("./table_worlds.py:Wordy", deep=False, **FEW)
    team, world = coterie.load(run.folder), imported("Wordy")()
    seen, infos = world.reset(seed=0)
    earned, actions = 0.0, []
    while world.agents:
        joint = team.act_all(seen, infos)
        assert set(joint.values()) <= {1, 2}  # as the environment calls them
        actions.append([joint[name] - 1 for name in world.possible_agents])
        seen, rewards, *_, infos = world.step(joint)
        earned += rewards["left"]
    _, game, teams, judged = saved_judgement(run.folder)
    assert earned == pytest.approx(judged.verdict.optimum)
    play = next(play for play in judged.plays if play.team == team.index)
    assert play.actions.tolist() == actions
    assert game.layouts
    assert len(teams.q) == 8


def test_rivals_in_turn_are_told_by_matches(here):
    run = coterie.train(STICKS, deep=False, env={"heap": 5}, seeds=6, episodes=5_000, pictures=False)
    verdict, game = run.verdict, foreign_game(STICKS, {"heap": 5})
    assert (verdict.preset, verdict.algorithm) == ("self-play", "iql")
    assert not verdict.common
    assert verdict.coordinated.total == 0
    assert verdict.perfect == tuple(perfect_play(game).start.tolist()) == (1.0, -1.0)
    told = {(one.agent, one.opponent): one for one in verdict.matches}
    assert set(told) == {(who, what) for who in ("anna", "bert") for what in ("itself", "random play", "perfect play")}
    assert told["anna", "perfect play"].won == 1.0  # five sticks are won by whoever begins and knows how
    assert told["bert", "perfect play"].lost == 1.0
    assert verdict.unbeatable[0].count == 6
    assert verdict.unbeatable[1].count == 0
    assert all(abs(one.won + one.drawn + one.lost - 1) < 1e-9 for one in verdict.matches)
    assert told["anna", "random play"].random < told["anna", "random play"].won
    plain = json.loads((run.folder / "evaluation.json").read_text())
    assert plain["matches"][0]["agent"] == "anna"
    found = coterie.diagnose(run.folder).findings
    assert {one.name for one in found} == {"gaps", "reward audit", "drift", "step size"}
    assert [one for one in found if one.verdict == "yes"] == []


def test_a_loaded_team_plays_in_turn_with_masks(here):
    run = coterie.train(STICKS, deep=False, env={"heap": 7}, seeds=4, episodes=5_000, pictures=False)
    team, world = coterie.load(run.folder), imported("Sticks")(7)
    world.reset(seed=0)
    left = []
    for name in world.agent_iter():
        seen, _, terminated, truncated, info = world.last()
        left.append(world.left)
        world.step(None if terminated or truncated else team.act(name, seen, info))
    assert left[:2] == [7, 6]  # whoever begins leaves a multiple of three
    assert left[-2:] == [0, 0]


def test_rewards_on_the_way_are_told_as_returns(here):
    run = coterie.train(STICKS, deep=False, env={"heap": 4, "pays": 0.1}, seeds=3, episodes=2_000, pictures=False)
    first = run.verdict.matches[0]
    assert first.won is None
    assert first.safe is None
    assert first.earned == pytest.approx(1.2, abs=0.3)
    assert run.verdict.unbeatable == ()


def test_who_wants_the_same_and_who_does_not_learn_by_other_presets(here):
    assert coterie.train(GRID, deep=False, **FEW).verdict.preset == "default"
    rivals = coterie.train("./table_worlds.py:Rivals", deep=False, **FEW).verdict
    assert rivals.preset == "self-play"
    assert [one.opponent for one in rivals.matches] == ["itself", "random play"] * 2  # they move at once
    assert PRESETS["self-play"].algorithm == "iql"
    told = coterie.train(GRID, deep=False, preset="thorough", **FEW).verdict
    assert told.preset == "thorough"


def test_what_is_given_in_python_is_played_as_it_is(here, made):
    corridor = imported("Corridor")
    assert coterie.solve(corridor(4)).states == 16
    assert coterie.solve(corridor(5)).states == 25
    run = coterie.train(lambda: corridor(4), deep=False, **FEW)
    assert run.verdict.optimum == 0.5
    assert len(made) == 3
    assert not (here / "cache").exists()  # nobody knows what another of its word would be
    assert coterie.evaluate(run.folder).verdict.return_ == run.verdict.return_
    assert len(made) == 3


def test_success_can_be_named(here, capsys):
    told = "./table_worlds.py:Told"
    assert not foreign_game(told).success.all()
    middle = foreign_game(told, {"success": "in_the_middle"})
    words = ("train", told, "--tabular", "--seeds", "4", "--episodes", "500", "--no-pictures", "--json")
    by_info = json.loads(run(capsys, *words, "--success", "info:in_the_middle"))
    by_option = json.loads(run(capsys, *words, "--env.success", "in_the_middle"))
    assert {**by_info, "run": ""} == {**by_option, "run": ""}
    assert middle.success.sum() < middle.ended.sum()
    assert "under 'in_the_middle'" in run(capsys, "solve", told, "--success", "info:in_the_middle")
    assert "infos say what a success is" in refused(capsys, ["train", told, "--tabular", "--success", "return>=1"])


# The cache


def test_the_second_time_it_is_kept_and_looked_at(here, made, monkeypatch):
    looked, plain = [], agreeing.agrees
    monkeypatch.setattr(agreeing, "agrees", lambda *given: looked.append(given) or plain(*given))
    first = foreign_game(GRID)
    assert foreign_game(GRID) is first  # in this process it has been believed already
    foreign_tables.BELIEVED.clear()
    second = foreign_game(GRID)
    assert len(made) == 1
    assert len(looked) == 1
    assert np.array_equal(first.successor, second.successor)
    assert second.remarks == first.remarks
    foreign_game(GRID, {"length": 4})
    assert len(made) == 2


def test_a_file_that_changed_makes_another_table(here, made):
    assert optimum(foreign_game(GRID)).value == 0.5
    text = (here / "table_worlds.py").read_text()
    (here / "table_worlds.py").write_text(text.replace("1.0 if met else -0.5", "2.0 if met else -0.5"))
    assert optimum(foreign_game(GRID)).value == 1.5
    assert len(made) == 2


def test_a_kept_table_that_is_no_longer_true_is_made_anew(here, made, monkeypatch):
    """What cannot be seen from the source, such as a file of data, is seen by playing."""
    source = """
from pathlib import Path

import table_worlds


def make_env():
    return table_worlds.Corridor(int(Path("size.json").read_text()))
"""
    (here / "mine.py").write_text(source)
    (here / "size.json").write_text("5")
    assert len(foreign_game("./mine.py:make_env").states) == 25
    foreign_tables.BELIEVED.clear()
    (here / "size.json").write_text("4")
    assert len(foreign_game("./mine.py:make_env").states) == 16
    assert len(made) == 2


def test_the_sources_of_an_environment_are_its_own(here):
    import pettingzoo

    names = [path.name for path in foreign_tables.sources_of(imported("Corridor")())]
    assert "table_worlds.py" in names
    assert not {"typing.py", "env.py", "abc.py"} & set(names)
    theirs = foreign_tables.sources_of(pettingzoo.make("aec", "classic/tictactoe-v3"))
    assert {"tictactoe.py", "board.py"} <= {path.name for path in theirs}


def test_agreeing_is_asked_of_sights_rewards_and_endings(here):
    corridor = imported("Corridor")
    game = foreign_game(GRID)
    assert agreeing.agrees(game, corridor())
    for broken in (
        game._replace(reward=game.reward + 1.0),
        game._replace(ended=~game.ended),
        game._replace(observations=(game.observations[0] + 1,)),
        game._replace(successor=np.roll(game.successor, 1)),
    ):
        assert not agreeing.agrees(broken, corridor())
    assert not agreeing.agrees(game, imported("Rivals")())
    assert not agreeing.agrees(game, corridor(6))
    sticks = foreign_game(STICKS)
    assert agreeing.agrees(sticks, imported("Sticks")())
    assert not agreeing.agrees(sticks._replace(legal=np.roll(sticks.legal, 1, axis=1)), imported("Sticks")())


def test_words_that_are_asked_of_the_table():
    def plain(length=5):
        return length

    def with_horizon(horizon=9):
        return horizon

    own, asked = split_options({"length": 4, "team": "0,1", "success": "met", "horizon": 7}, plain)
    assert own == {"length": 4}
    assert asked == ([0, 1], "met", 7)
    own, asked = split_options({"horizon": 7}, with_horizon)
    assert own == {"horizon": 7}
    assert asked.horizon == 0
    with pytest.raises(BadInput, match=r"--env.team red: expected a team number for each agent"):
        split_options({"team": "red"}, plain)
    with pytest.raises(BadInput, match=r"--env.horizon -1: expected a number of steps"):
        split_options({"horizon": -1}, plain)


# The command


def test_the_command_trains_and_solves(here, capsys):
    told = run(capsys, "train", GRID, "--tabular", "--env.length", "4", "--seeds", "8", "--episodes", "500")
    assert "8 teams of 2 agents, ./table_worlds.py:Corridor, hysteretic Q-learning" in told
    assert (here / "runs" / f"{stem_of(GRID)}-hysteretic-1" / "report.html").exists()
    told = run(capsys, "solve", GRID, "--env.length", "4")
    assert "16 states, 4 joint actions" in told
    assert "optimum        0.50" in told
    assert "Success is a true ending" in told
    assert told.rstrip().endswith(f"Next: coterie train {GRID} --tabular")
    assert "against random play not lost" in run(capsys, "train", STICKS, "--tabular", "--seeds", "4", "--no-pictures")
    assert "nobody can beat anna in 4 of 4 teams" in run(capsys, "diagnose", "latest")


def test_the_command_solves_perfect_play(here, capsys):
    told = run(capsys, "solve", STICKS, "--env.heap", "4")
    assert "anna  1.00   where all play at random it wins" in told
    assert "One perfect game: anna 0; bert" in told
    plain = run_json(capsys, "solve", STICKS, "--env.heap", "4")["perfect"]
    assert plain["values"] == {"anna": 1.0, "bert": -1.0}
    assert plain["unique"]
    assert plain["random"]["won"][0] + plain["random"]["lost"][0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["solve", GRID, "--env.lenght", "4"], "has no option 'lenght'; did you mean 'length'?"),
        (["train", GRID, "--tabular", "--algo", "vdn"], "vdn .* learns with networks, and --tabular asks for tables"),
        (
            ["train", GRID, "--algo", "lenient"],
            "networks learn here unless --tabular asks for tables; try: coterie train",
        ),
        (
            ["train", STICKS, "--tabular", "--algo", "lenient"],
            "only iql and hysteretic know of that; use --algorithm iql",
        ),
        (["solve", "./table_worlds.py:Endless"], "has no time limit: .* --env.horizon 50"),
        (["train", GRID, "--tabular", "--ladder"], "--ladder mends the tutorial"),
        (["train", GRID, "--tabular", "--steps", "9"], "--steps: --episodes says how long tables learn"),
    ],
)
def test_mistakes_are_answered(here, capsys, words, sentence):
    assert re.search(sentence, refused(capsys, words))
