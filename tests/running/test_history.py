"""Teams that act on their last observations: trained, judged, stopped, resumed and loaded as all others."""

import itertools

import numpy as np
import pytest

import coterie
from coterie.errors import BadInput, EnvironmentFault
from coterie.finite import histories
from coterie.finite.decentralised import decentralised_optimum
from coterie.finite.histories import remember
from coterie.running.evaluate import walk
from coterie.running.tables import exact_game
from coterie.running.train import begin, train_tabular
from coterie.settings import ClimbingOptions, RendezvousOptions
from coterie.tabular.learn import greedy_outcomes
from coterie.workflow.evaluate import evaluate
from coterie.workflow.planning.game import game_of
from coterie.workflow.planning.plan import plan
from coterie.workflow.train import learn, open_run, resume

SMALL = {"size": 3, "horizon": 4}
AGENTS = ("agent_0", "agent_1")


@pytest.fixture(scope="module", params=[2, 4])
def trained(request, tmp_path_factory):
    """Teams with a window of two, and with whole histories."""
    return coterie.train(
        env=SMALL, seeds=20, episodes=200, seed=3, history=request.param, runs=tmp_path_factory.mktemp("runs"),
        pictures=False,
    )  # fmt: skip


def test_a_loaded_team_plays_the_trainers_own_episodes(trained):
    """Fed with single observations, it finds its histories itself."""
    assert trained.plays[0].observations[0].ndim == 3  # windows of what is seen
    for play in trained.plays:
        team = coterie.load(trained.folder, team=play.team)
        for step, actions in enumerate(play.actions):
            own = [windows[step][-1] for windows in play.observations]
            assert team.act_all(dict(zip(AGENTS, own, strict=True))) == dict(zip(AGENTS, actions, strict=True))


def test_reset_forgets(trained):
    team, start = trained.team, np.array([0, 0])
    first = team.act("agent_0", start)
    after = [team.act("agent_0", np.array([0, 1])), team.act("agent_0", np.array([1, 1]))]
    team.reset()
    assert team.act("agent_0", start) == first
    assert [team.act("agent_0", np.array([0, 1])), team.act("agent_0", np.array([1, 1]))] == after


def test_an_impossible_history_is_said_to_be_one(trained):
    team = trained.team
    team.act("agent_0", np.array([0, 0]))
    with pytest.raises(EnvironmentFault, match=r"saw array\(\[2, 2\]\) after 1 other, .*call reset\(\) where"):
        team.act("agent_0", np.array([2, 2]))
    assert team.act("agent_0", np.array([0, 1])) in range(4)  # what was refused is not remembered
    with pytest.raises(EnvironmentFault, match=r"agent_1 saw array\(\[9, 9\]\), which does not occur in what its team"):
        team.act("agent_1", np.array([9, 9]))


def test_an_episode_beyond_the_time_limit_needs_a_reset(tmp_path):
    team = coterie.train(
        env=SMALL, seeds=2, episodes=10, history=4, runs=tmp_path, pictures=False
    ).team  # fmt: skip
    for _ in range(5):
        team.act("agent_0", np.array([0, 0]))
    with pytest.raises(EnvironmentFault, match=r"after 5 others, .*reset\(\)"):
        team.act("agent_0", np.array([0, 0]))


def test_the_verdict_is_that_of_playing_the_loaded_team(trained):
    """Played through the plain game, a team earns what the exact verdict says of it."""
    game = exact_game("rendezvous", RendezvousOptions(**SMALL))
    returns = []
    for number in range(20):
        team = coterie.load(trained.folder, team=number)

        def choose(state, step, team=team):
            own = {agent: game.observations[0][row] for agent, row in zip(AGENTS, game.seen[state], strict=True)}
            return list(team.act_all(own).values())

        returns.append(walk(game, choose, np.random.default_rng(0), number).rewards.mean(1).sum())
    assert trained.verdict.return_ == pytest.approx(np.mean(returns))


def test_stopped_and_resumed_is_uninterrupted(tmp_path):
    chosen = plan("rendezvous", env=SMALL, seeds=10, episodes=150, seed=4, learner={"history": 3})
    game = game_of(chosen)
    whole, _ = open_run(chosen, game, tmp_path, "whole")
    learn(chosen, game, whole, begin(game, chosen.learner, 10, 150, chosen.algorithm))
    halved, teams = open_run(chosen, game, tmp_path, "halved")
    ticks = itertools.count()
    teams = train_tabular(
        game, chosen.learner, teams, seed=4, episodes=150, should_stop=lambda: next(ticks) > 2
    )  # fmt: skip
    assert teams.episode < 150
    from coterie.running.checkpoint import save_checkpoint
    from coterie.running.train import as_parts

    save_checkpoint(halved, teams.episode, as_parts(teams, game), {"episode": teams.episode})
    resume(halved)
    for name in ("evaluation.json", "findings.json", "metrics.jsonl"):
        one, other = ((folder / name).read_text() for folder in (whole, halved))
        assert one.replace("whole", "halved") == other
    last = "checkpoints/step_000000000150/policy.safetensors"
    assert (whole / last).read_bytes() == (halved / last).read_bytes()


def test_remembering_reaches_what_the_present_alone_cannot():
    """Two robots must count to two: go together on the second sound only, which one sound cannot tell."""
    from dec_pomdps import recycling

    game = recycling(3)
    options = plan("rendezvous", learner={"discount": 1.0}).learner
    values = {}
    for history in (1, 3):
        remembering = remember(game, history)
        teams = begin(remembering, options, 30, 3_000)
        teams = train_tabular(remembering, options, teams, seed=7, episodes=3_000)
        values[history] = greedy_outcomes(remembering, teams.q)[0][:, 0]
    best = decentralised_optimum(game).value
    assert values[3].max() <= best + 1e-9
    assert values[1].max() <= best + 1e-9
    assert np.median(values[3]) > np.median(values[1])


def test_a_run_is_judged_again_as_it_was(trained):
    assert evaluate(trained.folder).verdict == trained.verdict


def test_bad_words_are_refused(monkeypatch):
    with pytest.raises(BadInput, match="--history 0: at least the present observation is acted on"):
        plan("rendezvous", learner={"history": 0})
    monkeypatch.setattr(histories, "EDGES_CAP", 10_000)
    with pytest.raises(BadInput, match="--history 9: agents that remember 9 observations make a table of more than"):
        game_of(plan("rendezvous", learner={"history": 9}))


def test_a_game_of_one_step_has_nothing_to_remember():
    assert game_of(plan("climbing", learner={"history": 4})).observations[0].shape == (1, 1)
    assert exact_game("climbing", ClimbingOptions()).horizon == 1
