"""A loaded team is the trained one: the same greedy actions, on any loop, without trainer or environment."""

import numpy as np
import pytest
from small_runs import HEAVY, TEAMS, fresh

import coterie
from coterie.errors import BadInput, EnvironmentFault, StorageFault
from coterie.running.checkpoint import load_checkpoint, save_checkpoint
from coterie.running.tables import exact_game
from coterie.settings import RendezvousOptions

AGENTS = ("agent_0", "agent_1")
CELLS = [[row, column] for row in range(5) for column in range(5)]


@pytest.fixture(scope="module")
def policy(small_run):
    return load_checkpoint(small_run.folder, ("policy",))[0]["policy"]


@pytest.fixture
def team(small_run):
    return coterie.load(small_run.folder)


def test_every_action_of_several_teams_is_the_first_best(small_run, policy):
    places = {tuple(cell): row for row, cell in enumerate(policy["observations.0"].tolist())}
    assert len(places) == 25
    for number in (0, 1, 17, TEAMS - 1):
        team = coterie.load(small_run.folder, team=number)
        assert team.index == number
        for place, agent in enumerate(AGENTS):
            for cell in CELLS:
                values = policy["q"][number, place, places[tuple(cell)]].tolist()
                assert team.act(agent, np.array(cell)) == values.index(max(values))


def test_the_trainers_own_episodes_are_played_again(small_run):
    """What the compiled loop did, observation by observation."""
    game = exact_game("rendezvous", RendezvousOptions())
    sights = game.observations[0]
    for play in small_run.plays:
        team = coterie.load(small_run.folder, team=play.team)
        for state, actions in zip(play.keys, play.actions, strict=False):
            for agent, action, row in zip(AGENTS, actions, game.seen[state], strict=True):
                assert team.act(agent, sights[row]) == action


def test_the_best_team_is_loaded_where_none_is_chosen(small_run, team):
    returns = {play.team: play.rewards.mean(1).sum() for play in small_run.plays}
    assert returns[team.index] == max(returns.values())
    assert team.index == min(number for number, value in returns.items() if value == max(returns.values()))
    assert small_run.team.index == team.index
    assert repr(team) == f"Team(agent_0, agent_1; number {team.index} of its run)"


def test_the_word_latest_and_names_work(runs):
    assert coterie.load().agents == coterie.load("latest").agents == coterie.load("fir").agents == AGENTS
    assert coterie.load("first", runs=runs, team=3).index == 3


@pytest.mark.parametrize("number", [-1, TEAMS])
def test_a_team_that_does_not_exist_is_refused(small_run, number):
    with pytest.raises(BadInput, match=f"team {number}: the run has teams 0 to {TEAMS - 1}"):
        coterie.load(small_run.folder, team=number)


def test_masks_are_obeyed_wherever_they_stand(team, policy):
    row = policy["observations.0"].tolist().index([2, 3])
    order = np.argsort(-policy["q"][team.index, 0, row], kind="stable").tolist()
    allowed = [1, 1, 1, 1]
    for best in order:
        mask = np.array(allowed, np.int8)
        seen = np.array([2, 3])
        assert team.act("agent_0", seen, {"action_mask": mask}) == best
        assert team.act("agent_0", {"observation": seen, "action_mask": mask}) == best
        assert team.act("agent_0", {"observation": seen, "action_mask": mask}, {"action_mask": [1, 1, 1, 1]}) == best
        allowed[best] = 0
    with pytest.raises(EnvironmentFault, match="leaves none of 4 actions"):
        team.act("agent_0", [2, 3], {"action_mask": allowed})
    with pytest.raises(EnvironmentFault, match="leaves none of 4 actions"):
        team.act("agent_0", [2, 3], {"action_mask": [1, 1, 1]})


def test_observations_of_any_number_type_are_the_same(team):
    expected = team.act("agent_1", [4, 0])
    for seen in (np.array([4, 0], np.int64), np.array([4.0, 0.0]), (4, 0), np.array([[4, 0]], np.uint8)):
        assert team.act("agent_1", seen) == expected
    assert team.act("agent_1", {"observation": [4, 0]}) == expected
    assert isinstance(expected, int)


@pytest.mark.parametrize(
    "seen",
    [
        [5, 0],
        [0],
        [0, 0, 0],
        [0.5, 0],
        [np.nan, 0],
        [-1, 0],
        [2**40, 0],
        None,
        "ab",
        [[0, 1], [2]],
        {"observed": [0, 0]},
    ],
    ids=str,
)
def test_what_was_never_seen_in_training_is_refused(team, seen):
    with pytest.raises(EnvironmentFault, match=r"agent_0 saw .* does not occur in what its team was trained on"):
        team.act("agent_0", seen)


@pytest.mark.parametrize("agent", ["agent_2", "agent0", 0, None])
def test_an_unknown_agent_is_refused_with_the_nearest(team, agent):
    with pytest.raises(
        BadInput, match=rf"the team has no agent '{agent}'; (did you mean 'agent_0'\?|did|known: agent_0)"
    ):
        team.act(agent, [0, 0])


def test_all_act_at_once(team):
    observations = {"agent_1": np.array([4, 4]), "agent_0": np.array([0, 0])}
    expected = {agent: team.act(agent, seen) for agent, seen in observations.items()}
    assert team.act_all(observations) == expected
    worst = expected["agent_0"]
    mask = {"agent_0": {"action_mask": [place != worst for place in range(4)]}}
    assert team.act_all(observations, mask)["agent_0"] != worst
    assert team.act_all({}) == {}
    team.reset()
    assert team.act_all(observations) == expected


def test_agents_of_two_kinds_read_their_own_rows(tmp_path):
    """The second kind has other observations, fewer actions, and rows that begin behind the first kind's."""
    q = np.zeros((1, 2, 5, 3))
    q[0, 0, :2] = [[0, 0, 1], [0, 1, 0]]
    q[0, 1, 2:] = [[0, 1, 9], [1, 0, 9], [0, 1, 9]]  # the 9 is no action of the second agent's
    q[0, 0, 2:] = q[0, 1, :2] = 7.0
    policy = {"q": q, "observations.0": np.array([[0], [1]]), "observations.1": np.array([[0, 0], [0, 1], [2, 2]])}
    facts = {"agents": ["a", "b"], "actions": [3, 2], "kinds": [[0], [1]]}
    save_checkpoint(tmp_path, 1, {"policy": policy}, facts)
    (tmp_path / "config.toml").write_text("")
    team = coterie.load(tmp_path)
    assert [team.act("a", [seen]) for seen in (0, 1)] == [2, 1]
    assert [team.act("b", seen) for seen in ([0, 0], [0, 1], [2, 2])] == [1, 0, 1]
    with pytest.raises(EnvironmentFault, match="b saw"):
        team.act("b", [1])


@pytest.mark.parametrize(
    "change",
    [
        lambda parts, facts: parts["policy"].pop("q"),
        lambda parts, facts: parts["policy"].pop("observations.0"),
        lambda parts, facts: parts["policy"].update(q=np.zeros((3, 4))),
        lambda parts, facts: parts["policy"].update(q=np.zeros((40, 2, 24, 4))),
        lambda parts, facts: parts["policy"].update(q=np.zeros((40, 2, 25, 3))),
        lambda parts, facts: facts.pop("agents"),
        lambda parts, facts: facts.update(actions=None),
        lambda parts, facts: facts.update(best_team=40),
    ],
)
def test_what_is_no_team_is_refused(runs, change):
    parts, facts = load_checkpoint(runs / "first", ("policy",))
    change(parts, facts)
    save_checkpoint(runs / "first", 10**6, parts, facts)
    with pytest.raises(StorageFault, match="does not hold a tabular team"):
        coterie.load("first")


def test_loading_and_acting_need_neither_jax_nor_numba(small_run):
    code = "import sys, coterie; team = coterie.load(sys.argv[1]); print(team.act_all({'agent_0': [0, 0]}));" + HEAVY
    acted, heavy = fresh(code, str(small_run.folder)).splitlines()
    assert acted == str(coterie.load(small_run.folder).act_all({"agent_0": [0, 0]}))
    assert heavy == "[]"


def test_the_aec_loop_of_the_readme_meets_as_recorded(small_run, team):
    from coterie.envs import rendezvous_v0

    play = next(play for play in small_run.plays if play.team == team.index)
    assert play.success
    env = rendezvous_v0.env(render_mode="ansi")
    env.reset(seed=1)
    acted, met, total = [], False, 0.0
    for agent in env.agent_iter():
        observation, reward, termination, truncation, info = env.last()
        total += reward
        met = met or bool(info.get("success"))
        action = None if termination or truncation else team.act(agent, observation, info)
        if action is not None:
            acted.append(action)
        env.step(action)
    assert met
    assert np.array_equal(np.reshape(acted, (-1, 2)), play.actions)
    assert total == play.rewards.sum()
    env.close()


def test_the_parallel_loop_plays_every_recorded_episode(small_run):
    """Those that circle until the time is up, too."""
    from coterie.envs import rendezvous_v0

    env = rendezvous_v0.parallel_env()
    chosen = [next(play for play in small_run.plays if play.success is won) for won in (True, False)]
    for play in chosen:
        team = coterie.load(small_run.folder, team=play.team)
        observations, infos = env.reset(seed=0)
        steps, won = 0, False
        while env.agents:
            observations, _, _, _, infos = env.step(team.act_all(observations, infos))
            steps += 1
            won = won or any(info["success"] for info in infos.values())
        assert (steps, won) == (len(play.actions), play.success)
    env.close()
