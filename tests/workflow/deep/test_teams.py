"""Who plays for which team: names, members, algorithms, fixed play and saved runs; and runs of several teams."""

import dataclasses
from pathlib import Path

import pytest

import coterie
from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.rules import rule_of
from coterie.pettingzoo.sources import make_env, make_worlds
from coterie.settings import DeepOptions
from coterie.types import Kind, Spec, Team
from coterie.workflow.deep.plan import deep_plan, partitioned
from coterie.workflow.deep.teams import read_teams, teams_of

TAG = ("adversary_0", "adversary_1", "adversary_2", "agent_0")
SHORT = {
    "steps": 640, "seeds": 1, "checks": 2, "check_episodes": 2, "final_episodes": 4, "hidden": 8, "layers": 1,
    "batch": 8, "warmup": 64, "environments": 4, "rows": 4, "pictures": False,
}  # fmt: skip


def test_teams_are_named_after_their_members():
    assert teams_of({"adversaries": "iql", "prey": "random"}, TAG) == (
        Team("adversaries", (0, 1, 2), "iql"),
        Team("prey", (3,), "random"),
    )
    assert teams_of({"agent": "iql", "adv": "idle"}, TAG)[1].members == (0, 1, 2)
    assert teams_of({"first:adversary_0,agent_0": "iql", "rest": "iql"}, TAG)[1].members == (1, 2)
    assert teams_of({"red": "iql", "blue": "idle"}, ("red_0", "blue_0", "red_1"))[0].members == (0, 2)


@pytest.mark.parametrize(
    ("teams", "says"),
    [
        ({"adversaries": "iql"}, "'agent_0' is in no team; here the agents are adversary (adversary_0, adversary_1"),
        ({"foxes": "iql", "hares": "iql"}, "--team foxes: no agents are called so; here they are adversary"),
        ({"x:adversary_9": "iql"}, "there is no agent 'adversary_9'; did you mean 'adversary_2'?"),
        ({"x:agent_0": "iql", "y:agent_0,adversary_0,adversary_1,adversary_2": "iql"}, "'agent_0' is in two teams"),
    ],
)
def test_names_that_fit_nobody(teams, says):
    with pytest.raises(BadInput) as told:
        teams_of(teams, TAG)
    assert says in str(told.value)


def test_words_of_teams():
    assert read_teams(["a=iql", "b=./rule.py:act"]) == {"a": "iql", "b": "./rule.py:act"}
    for words, says in (
        (["a"], "expected NAME=PLAYER"),
        (["a=iql", "a=random"], "given twice"),
    ):
        with pytest.raises(BadInput, match=says):
            read_teams(words)
    with pytest.raises(BadInput, match="nobody learns; did you mean 'iql'"):
        deep_plan("mpe2:simple_tag_v3", teams={"a": "iqll", "b": "random"})
    with pytest.raises(BadInput, match=r"the teams say who learns how \(iql\)"):
        deep_plan("mpe2:simple_tag_v3", algorithm="vdn", teams={"a": "iql", "b": "random"})


def test_mixing_the_values_of_agents_in_turn_is_refused(tmp_path):
    with pytest.raises(BadInput, match="played in turns, and vdn mixes the values of agents that decide at the same"):
        coterie.train("pettingzoo:classic/tictactoe_v3", algorithm="vdn", runs=tmp_path, **SHORT)


def test_predators_of_one_algorithm_against_random_prey_and_then_the_other_way_round(tmp_path):
    first = coterie.train(
        "mpe2:simple_tag_v3", teams={"adversaries": "vdn", "prey": "random"}, reward="team-mean", name="hunt",
        runs=tmp_path, **SHORT,
    )  # fmt: skip
    sides = {side.name: side for side in first.verdict.sides}
    assert sides["adversaries"].player == "vdn"
    assert sides["adversaries"].returns == pytest.approx(first.verdict.returns)  # the run's return is the learners'
    assert sides["prey"].against == ()
    env = make_env("mpe2:simple_tag_v3")
    observations, _ = env.reset(seed=0)
    team = coterie.load("hunt", runs=tmp_path)
    assert set(team.act_all(observations)) == set(TAG)

    second = coterie.train(
        "mpe2:simple_tag_v3", teams={"adversaries": "hunt", "prey": "iql"}, name="flight", runs=tmp_path, **SHORT
    )
    saved = coterie.load("flight", runs=tmp_path)
    for seed in range(5):  # who is played by a saved run acts as that run does
        observations, _ = env.reset(seed=seed)
        for agent in TAG[:3]:
            assert saved.act(agent, observations[agent]) == team.act(agent, observations[agent])
    assert [side.player for side in second.verdict.sides] == ["hunt", "iql"]


def test_a_stopped_run_of_two_teams_goes_on_bit_for_bit(tmp_path):
    from coterie.errors import Stopped
    from coterie.workflow.deep import train as deep

    words = {"teams": {"adversaries": "iql", "prey": "hysteretic"}, "runs": tmp_path, **SHORT}
    whole = coterie.train("mpe2:simple_tag_v3", name="whole", **words)

    def stop(tick):
        import os
        import signal

        if tick.env_steps >= 320:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped):
        coterie.train("mpe2:simple_tag_v3", name="cut", on_tick=stop, **words)
    cut = deep.resume_deep(tmp_path / "cut")
    assert cut.verdict.returns == whole.verdict.returns
    one, other = coterie.load("whole", runs=tmp_path), coterie.load("cut", runs=tmp_path)
    env = make_env("mpe2:simple_tag_v3")
    observations, _ = env.reset(seed=3)
    assert one.act_all(observations) == other.act_all(observations)


def test_self_play_in_turns_with_a_pool_of_the_past(tmp_path):
    run = coterie.train(
        "pettingzoo:classic/tictactoe_v3", share_parameters=True, self_play=3, runs=tmp_path, name="ttt", **SHORT
    )
    assert [side.agents for side in run.verdict.sides] == [(0,), (1,)]
    assert all(side.won is not None and 0 <= side.won + side.drawn <= 1 for side in run.verdict.sides)
    team, env = coterie.load("ttt", runs=tmp_path), make_env("pettingzoo:classic/tictactoe_v3")
    env.reset(seed=0)
    for agent in env.agent_iter():
        observation, _, terminated, truncated, info = env.last()
        action = None if terminated or truncated else team.act(agent, observation, info)
        assert action is None or observation["action_mask"][action]
        env.step(action)


def test_success_that_infos_tell(tmp_path):
    file = tmp_path / "world.py"
    cases = Path(__file__).parents[2] / "pettingzoo" / "hard_cases.py"
    file.write_text(f"{cases.read_text()}\n\ndef make_env():\n    return InTuples()\n")
    words = {**SHORT, "steps": 1_600, "final_episodes": 60, "discount": 0.0, "learning_rate": 0.01}
    run = coterie.train(f"{file}:make_env", success="info:both_two", runs=tmp_path / "runs", **words)
    assert run.verdict.success_known
    assert 0 < run.verdict.random_success < 0.9  # 1 - (8/9)^4 = .38
    assert run.verdict.success == (1.0,)  # each action pays its number, so 2 is best


RULE = """
import numpy as np


def act(observation, agent):
    return 4


def broken(observation, agent):
    return 17
"""


@pytest.mark.parametrize("workers", [0, 1])
def test_a_rule_of_the_users_plays_a_team(tmp_path, workers):
    file = tmp_path / "rule.py"
    file.write_text(RULE)
    words = {**SHORT, "workers": workers, "runs": tmp_path / "runs"}
    run = coterie.train("mpe2:simple_tag_v3", teams={"adversaries": "iql", "prey": f"{file}:act"}, **words)
    moved = next(side for side in run.verdict.sides if side.name == "prey")
    assert moved.player == f"{file}:act"
    with pytest.raises(EnvironmentFault, match=r"agent 'agent_0': .*broken gave 17, expected an action"):
        coterie.train("mpe2:simple_tag_v3", teams={"adversaries": "iql", "prey": f"{file}:broken"}, **words)


def test_a_rule_acts_for_its_agents_whatever_else_is_said(tmp_path):
    import numpy as np

    from coterie.pettingzoo.sources import make_worlds

    file = tmp_path / "rule.py"
    file.write_text(RULE)
    still, wild = np.zeros((1, 4), int), np.array([[0, 0, 0, 3]])
    rules = {"agent_0": f"{file}:act"}
    ruled = make_worlds("mpe2:simple_tag_v3", {}, 1, rules=rules)
    free = make_worlds("mpe2:simple_tag_v3", {}, 1)
    seeds = np.array([3])
    ruled.reset(seeds), free.reset(seeds)
    one, other = ruled.step(wild, seeds)[0], free.step(np.array([[0, 0, 0, 4]]), seeds)[0]
    np.testing.assert_array_equal(one.next.obs[1], other.next.obs[1])
    free.reset(seeds)
    assert not np.array_equal(free.step(still, seeds)[0].next.obs[1], one.next.obs[1])


def test_self_play_where_nobody_is_against_anybody_is_refused(tmp_path):
    with pytest.raises(BadInput, match="--self-play 2: all agents of mpe2:simple_spread_v3 are one team"):
        coterie.train("mpe2:simple_spread_v3", self_play=2, runs=tmp_path, **SHORT)


def test_agents_that_come_and_go_have_one_network_in_common():
    spec = Spec(("a", "b"), (Kind((0, 1), 2, (1,), "float32"),), (0, 0), (0, 1), (0, 1))
    assert partitioned(spec, DeepOptions()).parameters == (0, 1)
    assert partitioned(dataclasses.replace(spec, births=True), DeepOptions()).parameters == (0, 0)


def test_a_rule_is_what_its_file_says_now(tmp_path):
    file = tmp_path / "rule.py"
    file.write_text(RULE)
    make_worlds("mpe2:simple_tag_v3", {}, 1, rules={"agent_0": f"{file}:act"})
    before = rule_of(f"{file}:act")(None, "agent_0", {})
    file.write_text(RULE.replace("return 4", "return 2"))
    make_worlds("mpe2:simple_tag_v3", {}, 1, rules={"agent_0": f"{file}:act"})
    assert (before, rule_of(f"{file}:act")(None, "agent_0", {})) == (4, 2)
