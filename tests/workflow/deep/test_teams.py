"""Who plays for which team: names, members, algorithms, fixed play and saved runs; and runs of several teams."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import coterie
from coterie.algorithms.families import partitioned
from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.forms.rules import rule_of
from coterie.pettingzoo.making.sources import make_env, make_worlds
from coterie.running.checkpoint import load_checkpoint
from coterie.running.episodes import read_recording
from coterie.settings import DeepOptions
from coterie.types import Kind, Spec, Team
from coterie.workflow.deep.plan import deep_plan, options_of, planned_deep
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

    words = {"teams": {"adversaries": "ippo", "prey": "iql"}, "preset": "vectors", "runs": tmp_path, **SHORT}
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
    learned, again = (load_checkpoint(tmp_path / name, ("policy", "learner"))[0] for name in ("whole", "cut"))
    for part, arrays in learned.items():
        assert arrays.keys() == again[part].keys()
        assert all(np.array_equal(array, again[part][name]) for name, array in arrays.items())
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

    from coterie.pettingzoo.making.sources import make_worlds

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


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            {"reward": "team-sum", "env": {"team": "0,0"}},
            "--reward team-sum: pettingzoo:classic/tictactoe_v3 is played",
        ),
        (
            {"self_play": 2, "environments": 1},
            "--self-play 2 with --environments 1: half of them are played against the past, each of 2 teams",
        ),
        ({"teams": {"a:player_1": "iql", "a:player_2": "iql"}}, "--team a: two teams are called so"),
        ({"teams": {"player": "iql"}, "env": {"team": "0,1"}}, "--env.team and --team both say who is in a team"),
    ],
)
def test_what_does_not_go_with_games_in_turns_and_teams(tmp_path, words, says):
    with pytest.raises(BadInput) as told:
        coterie.train("pettingzoo:classic/tictactoe_v3", runs=tmp_path, **{**SHORT, **words})
    assert says in str(told.value)
    assert not list(tmp_path.iterdir())


def test_whoever_names_its_members_has_them_in_whatever_order():
    for teams in ({"adversary": "iql", "x:adversary_0": "idle", "agent": "iql"},
                  {"x:adversary_0": "idle", "agent": "iql", "adversary": "iql"}):  # fmt: skip
        assert {team.name: team.members for team in teams_of(teams, TAG)} == {
            "adversary": (1, 2), "x": (0,), "agent": (3,),
        }  # fmt: skip


def test_team_numbers_may_have_gaps(tmp_path):
    words = {**SHORT, "algorithm": "vdn", "reward": "team-sum"}
    found = [
        coterie.train("mpe2:simple_tag_v3", env={"team": numbers}, runs=tmp_path / numbers, **words).verdict.returns
        for numbers in ("0,0,0,1", "3,3,3,7", "-1,-1,-1,5")
    ]
    assert found[0] == found[1] == found[2]


def test_each_learning_team_is_checked():
    teams = {"adversaries": "iql", "prey": "vdn"}
    with pytest.raises(BadInput, match="--reward individual: vdn mixes"):
        deep_plan("mpe2:simple_tag_v3", teams=teams, learner={"reward": "individual"})
    with pytest.raises(BadInput, match="vdn learns from the team's joint experience"):
        deep_plan("mpe2:simple_tag_v3", teams=dict.fromkeys(teams, "vdn"), learner={"share_experience": "pooled"})


def test_each_team_learns_with_its_own_hysteresis_and_reward():
    teams = {"agent_0": "iql", "agent_1": "hysteretic"}
    chosen = deep_plan("rendezvous", teams=teams)
    assert [options_of(chosen, player).hysteresis for player in teams.values()] == [1.0, 0.2]
    chosen = deep_plan("foraging-8x8-2p-2f-coop", teams={"first:agent_0": "iql", "rest": "vdn"})
    assert [options_of(chosen, player).reward for player in ("iql", "vdn")] == ["as-is", "team-sum"]


def test_the_commands_defaults_know_of_teams(tmp_path, capsys):
    from coterie.cli.train_deep import run

    small = [f"--{name.replace('_', '-')}={value}" for name, value in SHORT.items() if name != "pictures"]
    words = ["--team", "adversaries=hysteretic", "--team=prey=iql", f"--runs={tmp_path}", "--no-pictures", *small]
    assert run("mpe2:simple_tag_v3", words) == 0
    assert "hysteretic" in capsys.readouterr().out


def test_infos_say_nothing_where_the_program_is_compiled():
    with pytest.raises(BadInput, match="--success info:won: infos are read of PettingZoo's environments"):
        deep_plan("rendezvous", success="info:won")


BIRTHS = Path(__file__).parents[2] / "pettingzoo" / "hard_cases.py"


def test_what_does_not_go_with_births(tmp_path):
    file = tmp_path / "rule.py"
    file.write_text(RULE)
    word, words = f"{BIRTHS}:make_births", {**SHORT, "runs": tmp_path / "runs"}
    with pytest.raises(BadInput, match=r"--team own=.*rule.py:act: agents of .* come and go under names of their own"):
        coterie.train(word, teams={"own": f"{file}:act", "x:agent_0": "iql"}, **words)
    with pytest.raises(BadInput, match=r"--algorithm vdn with memory, --n-step or --trace: agents of .* come and go"):
        coterie.train(word, algorithm="vdn", reward="team-sum", n_step=2, **words)
    assert coterie.train(word, algorithm="vdn", reward="team-sum", **words).verdict.seeds == (0,)


def test_agents_that_come_and_go_have_memories_of_their_own(tmp_path):
    """More agents over an episode than there are places: none may act from another's memory."""
    word = f"{BIRTHS}:make_births"
    coterie.train(word, env={"slots": 3}, recurrent=True, name="run", runs=tmp_path, **SHORT)
    team = coterie.load("run", runs=tmp_path)
    assert len(team.agents) == 3
    draws = np.random.default_rng(0)
    seen = {f"cell-{number}": list(draws.normal(0, 9, (20, 3)).astype(np.float32)) for number in range(4)}
    alone = {}
    for name, sights in seen.items():
        team.reset()
        alone[name] = [team.act(name, sight) for sight in sights]
    team.reset()
    together = {name: [] for name in seen}
    for step in range(20):
        for name, told in together.items():
            told.append(team.act(name, seen[name][step]))
    assert together == alone


def test_teams_with_networks_of_their_own_beside_one_that_has_one_in_common(tmp_path):
    """Saved, and acting as it was judged: one set of options, or one partition of the agents, could not read all."""
    teams = {"a:agent_0,agent_1": "ippo", "b:agent_2,agent_3": "seac", "c:agent_4": "iql"}
    words = {**SHORT, "preset": "vectors", "env": {"local_ratio": 0.0, "N": 5, "max_cycles": 6}, "runs": tmp_path}
    run = coterie.train("mpe2:simple_spread_v3", teams=teams, name="both", **words)
    parameters = load_checkpoint(run.folder, ("policy",))[0]["policy"]
    own = [
        {len(leaf[0]) for name, leaf in parameters.items() if name.startswith(f"lane0.{k}.agents")} for k in range(3)
    ]
    assert own == [{1}, {2}, {1}]
    chosen = planned_deep(run.folder)
    assert [options_of(chosen, player).trace for player in teams.values()] == [0.95, 1.0, 0.0]
    team = coterie.load("both", runs=tmp_path)
    play = read_recording(run.folder / "episodes" / "greedy.jsonl").plays[0]
    for at, actions in enumerate(play.actions):
        seen = {name: seen[at] for name, seen in zip(team.agents, play.observations, strict=True)}
        assert list(team.act_all(seen).values()) == actions.tolist()
