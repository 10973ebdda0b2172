"""Saved runs that play a team: named once, kept in the run that they play in, and alike in all that they see and do."""

import os
import shutil
import signal

import numpy as np
import pytest

import coterie
from coterie.errors import BadInput, EnvironmentFault, Stopped, StorageFault
from coterie.pettingzoo.making.sources import make_env
from coterie.workflow.deep import train as deep
from coterie.workflow.deep.teams import named_runs

TAG = "mpe2:simple_tag_v3"
SHORT = {
    "steps": 640, "seeds": 1, "checks": 2, "check_episodes": 2, "final_episodes": 4, "hidden": 8, "layers": 1,
    "batch": 8, "warmup": 64, "environments": 4, "rows": 4, "pictures": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with one run, `hunt`."""
    place = tmp_path_factory.mktemp("runs")
    coterie.train(TAG, name="hunt", runs=place, **SHORT)
    return place


def actions_of(team, seeds=4):
    """What a team does in the first moment of some episodes."""
    env = make_env(TAG)
    return [team.act_all(env.reset(seed=seed)[0]) for seed in range(seeds)]


def test_a_saved_run_is_named_once(runs, tmp_path):
    teams = {"adversaries": "latest", "prey": "random", "others": "iql"}
    assert named_runs(teams, runs)["adversaries"] == "hunt"
    assert named_runs({**teams, "adversaries": "hu"}, runs)["adversaries"] == "hunt"
    assert named_runs({**teams, "adversaries": str(runs / "hunt")}, tmp_path)["adversaries"] == str(runs / "hunt")
    with pytest.raises(BadInput, match=r"there is no run 'hunter' in .*did you mean 'hunt'"):
        named_runs({**teams, "adversaries": "hunter"}, runs)


def test_the_latest_run_is_not_the_run_itself(runs):
    run = coterie.train(TAG, teams={"adversaries": "latest", "prey": "iql"}, runs=runs, name="flight", **SHORT)
    shutil.move(runs / "flight", runs / "hunted")  # whatever is latest now
    team = coterie.load("hunted", runs=runs)
    hunters = [{name: one[name] for name in one if name != "agent_0"} for one in actions_of(team)]
    saved = actions_of(coterie.load("hunt", runs=runs))
    assert hunters == [{name: one[name] for name in one if name != "agent_0"} for one in saved]
    assert [side.player for side in run.verdict.sides] == ["hunt", "iql"]
    shutil.rmtree(runs / "hunted")


def test_a_rival_is_kept_in_the_run_that_it_plays_in(runs, tmp_path):
    """Its own run may change, or be gone, and the run goes on, is judged and acts as before."""
    shutil.copytree(runs / "hunt", tmp_path / "hunt")
    words = {"teams": {"adversaries": "hunt", "prey": "iql"}, "runs": tmp_path, **SHORT}
    whole = coterie.train(TAG, name="whole", **words)
    before = actions_of(coterie.load("whole", runs=tmp_path))

    def stop(tick):
        if tick.env_steps >= 320:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped):
        coterie.train(TAG, name="cut", on_tick=stop, **words)
    shutil.rmtree(tmp_path / "hunt")
    assert actions_of(coterie.load("whole", runs=tmp_path)) == before
    assert deep.evaluate_deep(tmp_path / "whole").verdict.returns == whole.verdict.returns
    assert deep.resume_deep(tmp_path / "cut").verdict.returns == whole.verdict.returns
    assert actions_of(coterie.load("cut", runs=tmp_path)) == before


def test_seeds_that_had_not_begun_meet_the_same_rival(runs, tmp_path):
    """On the worker road seeds learn one after another: here the second begins after the run was gone on with."""
    shutil.copytree(runs / "hunt", tmp_path / "hunt")
    words = {"teams": {"adversaries": "hunt", "prey": "iql"}, "runs": tmp_path, **SHORT, "seeds": 2}
    whole = coterie.train(TAG, name="whole", **words)

    def stop(tick):
        if tick.env_steps >= 320:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped, match=r"of 640 joint steps of seed 0; 1 has not begun"):
        coterie.train(TAG, name="cut", on_tick=stop, **words)
    shutil.rmtree(tmp_path / "hunt")
    assert deep.resume_deep(tmp_path / "cut").verdict.returns == whole.verdict.returns


def test_a_rival_of_a_run_plays_in_a_third(runs):
    coterie.train(TAG, teams={"adversaries": "hunt", "prey": "iql"}, runs=runs, name="second", **SHORT)
    coterie.train(
        TAG, teams={"adversaries": "iql", "prey": "second"}, runs=runs, name="third", **{**SHORT, "hidden": 12}
    )
    coterie.train(TAG, teams={"adversaries": "third", "prey": "iql"}, runs=runs, name="fourth", **SHORT)
    third, fourth, second = (actions_of(coterie.load(name, runs=runs)) for name in ("third", "fourth", "second"))
    assert [one["agent_0"] for one in third] == [one["agent_0"] for one in second]
    assert [one["adversary_1"] for one in fourth] == [one["adversary_1"] for one in third]


def test_who_sees_something_else_is_no_rival(runs):
    with pytest.raises(BadInput, match="hunt cannot play adversary_0: it sees or does something else"):
        coterie.train(
            TAG, env={"num_obstacles": 1, "num_adversaries": 1}, teams={"adversaries": "hunt", "prey": "iql"},
            runs=runs, **SHORT,
        )  # fmt: skip
    coterie.train(TAG, teams={"adversaries": "iql", "prey": "random"}, runs=runs, name="chance", **SHORT)
    with pytest.raises(BadInput, match="chance has nothing that was learned for agent_0"):
        coterie.train(TAG, teams={"adversaries": "iql", "prey": "chance"}, runs=runs, **SHORT)


def test_what_a_loaded_team_does_that_did_not_learn(runs, tmp_path):
    file = tmp_path / "rule.py"
    file.write_text("def act(observation, agent):\n    return 3\n")
    coterie.train(TAG, teams={"adversaries": "iql", "prey": f"{file}:act"}, runs=runs, name="ruled", **SHORT)
    team, seen = coterie.load("ruled", runs=runs), make_env(TAG).reset(seed=0)[0]
    with pytest.raises(BadInput, match=r"'agent_0' was played by your rule .*rule.py:act, which the run does not hold"):
        team.act("agent_0", seen["agent_0"])
    team.asks_rules = True
    assert team.act("agent_0", seen["agent_0"]) == 3
    assert "return" in repr(coterie.watch(TAG, team, episodes=1, video=False))
    with pytest.raises(BadInput, match="which the run does not hold"):  # a run's folder makes no file be read
        coterie.watch(TAG, "ruled", runs=runs, episodes=1, video=False)

    coterie.train("grid-small", teams={"first:agent_0": "iql", "still": "idle"}, runs=runs, name="still", **SHORT)
    from coterie.envs import catalogue

    environment = catalogue.make("grid-small", None)
    team = coterie.load("still", runs=runs)
    shape = environment.spec.kinds[0].observation_shape
    assert team.act("agent_1", np.zeros(shape, environment.spec.kinds[0].observation_dtype)) == environment.idle[1]


def test_recorded_actions_are_those_of_the_rule_and_random_play_is_random(runs, tmp_path):
    from coterie.running.episodes import read_recording

    file = tmp_path / "rule.py"
    file.write_text("def act(observation, agent):\n    return 3\n")
    run = coterie.train(TAG, teams={"adversaries": "iql", "prey": f"{file}:act"}, runs=runs, name="moved", **SHORT)
    free = coterie.train(TAG, teams={"adversaries": "iql", "prey": "random"}, runs=runs, name="free", **SHORT)
    plays = read_recording(run.folder / "episodes" / "greedy.jsonl").plays
    assert all((play.actions[:, 3] == 3).all() for play in plays)
    assert run.verdict.random == free.verdict.random  # untrained play knows no rule
    assert run.verdict.sides[0].random == free.verdict.sides[0].random


def test_a_loaded_team_is_shown_nothing_that_its_training_would_refuse(runs):
    """A whole number that stands for another is no observation."""
    coterie.train("pettingzoo:classic/tictactoe_v3", name="board", runs=runs, share_parameters=True, **SHORT)
    team, env = coterie.load("board", runs=runs), make_env("pettingzoo:classic/tictactoe_v3")
    env.reset(seed=0)
    seen = env.last()[0]
    assert team.act("player_1", seen) in range(9)
    with pytest.raises(EnvironmentFault, match=r"agent .player_1. sees 0.7"):
        team.act("player_1", {**seen, "observation": np.full(seen["observation"].shape, 0.7)})


def test_a_damaged_checkpoint_gives_no_older_team(runs, tmp_path):
    shutil.copytree(runs / "hunt", tmp_path / "hunt")
    *_, newest = sorted((tmp_path / "hunt" / "checkpoints").iterdir())
    place = newest / "policy.safetensors"
    place.write_bytes(place.read_bytes()[:-1] + b"x")
    with pytest.raises(StorageFault, match="it is damaged"):
        coterie.load("hunt", runs=tmp_path)


def test_values_are_not_mixed_where_nobody_earned_anything(runs):
    """Then nothing tells whether members of a team are paid alike."""
    with pytest.raises(BadInput, match="random play earned nothing in 4 episodes, so nobody can tell"):
        coterie.train("lbforaging:Foraging-8x8-2p-2f-coop-v3", algorithm="vdn", runs=runs, **SHORT)
