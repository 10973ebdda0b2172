"""Diagnosing a deep run: each seed is one team, counted as the run's verdict counts it; folders are made by hand."""

import json

import numpy as np
import pytest
from small_runs import next_commands, run, run_json

import coterie
from coterie.envs.rendezvous import rendezvous
from coterie.errors import BadInput
from coterie.running import recorder
from coterie.running.episodes import Recording, keys_of, write_recording
from coterie.settings import RendezvousOptions
from coterie.showing.words import headline, summary
from coterie.types import Finding, Play
from coterie.workflow.deep.plan import MOST_STEPS, deep_config, deep_plan, options_of
from coterie.workflow.diagnose import diagnose
from coterie.workflow.questions.deep import advisable, changes, paid_together, teams_of, with_remedy
from coterie.workflow.questions.recorded import as_evidence

AGENTS, ACTIONS = ("agent_0", "agent_1"), ("R", "L", "D", "U")
MOVES = {"R": (0, 1), "L": (0, -1), "D": (1, 0), "U": (-1, 0)}


def episode(first: str, second: str, seed: int) -> Play:
    """Two agents from opposite corners of 5x5 who follow these letters, recorded as deep runs are."""
    places, met = [np.array([0, 0]), np.array([4, 4])], []
    states = [np.concatenate(places)]
    for letters in zip(first, second, strict=True):
        places = [np.clip(place + MOVES[letter], 0, 4) for place, letter in zip(places, letters, strict=True)]
        states.append(np.concatenate(places))
        met.append(bool((places[0] == places[1]).all()))
    states = np.stack(states)
    return Play(
        keys=keys_of([states]),
        boards=np.zeros((len(states), 5, 5), np.uint8),
        actions=np.array([[ACTIONS.index(a), ACTIONS.index(b)] for a, b in zip(first, second, strict=True)], np.int32),
        rewards=np.where(np.array(met)[:, None], 10.0, -1.0).repeat(2, 1),
        success=any(met),
        ended=any(met),
        team=seed,
        observations=(states[:, :2].astype(np.float32), states[:, 2:].astype(np.float32)),
    )


MEET = ("RDDR", "LUUL")
STILL = ("R" * 20, "R" * 20)


def folder_of(
    runs,
    episodes,
    success,
    *,
    seed=0,
    environment="rendezvous",
    algorithm="iql",
    exact=True,
    steps=2_000,
    env=None,
    **numbers,
):
    """The folder of a finished deep run with these episodes and these shares of success, one a seed."""
    learner = {} if environment.startswith("foraging") else {"reward": "team-mean"}
    chosen = deep_plan(
        environment, algorithm=algorithm, seeds=len(success), seed=seed, steps=steps, learner=learner, env=env
    )
    folder = recorder.create_run(runs, "deep", None)
    recorder.write_config(folder, deep_config(chosen))
    (folder / "episodes").mkdir()
    ours = environment == "rendezvous"
    options = vars(chosen.env) if ours else {}
    told = Recording(AGENTS, ACTIONS, episodes, "meet", environment if ours else "", options, 20)
    write_recording(folder / "episodes" / "greedy.jsonl", told)
    verdict = {
        "seeds": list(range(seed, seed + len(success))),
        "returns": [7.0 * one - 20.0 * (1 - one) for one in success],
        "success": success,
        "success_word": "meet",
        "success_known": True,
        "agents": 2,
        "optimum": 7.0 if exact else None,
        "objective": "undiscounted, within 20 steps" if exact else "",
        "random": -16.0,
        "idle": -20.0,
        "idle_action": "always R: no action stands still",
        "exact": exact,
        "episodes": 320,
        "env_steps": 4_000,
        "unit": "team-mean",
        **numbers,
    }
    recorder.write_json(folder / "evaluation.json", verdict)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def test_the_hand_made_episodes_are_those_of_the_game():
    environment = rendezvous(RendezvousOptions())
    assert (environment.action_names, environment.spec.agents) == (ACTIONS, AGENTS)
    assert episode(*MEET, 0).success
    assert not episode(*STILL, 0).success


def test_each_seed_is_one_team_and_no_time_limit_is_blamed(here):
    """Ten episodes of either seed: twenty episodes, two teams; the states' numbers are the recorder's own."""
    folder = folder_of(here, [episode(*MEET, 0)] * 10 + [episode(*STILL, 1)] * 10, [1.0, 0.0])
    told = diagnose(folder)
    assert summary(told.verdict) == (
        "1 of 2 teams does not meet: they run in circles or stand still. 1 team stands still (50.0 % of 2); "
        "e.g. team 1, period 1, from step 5."
    )
    assert (told.verdict.teams, told.verdict.unit) == (2, "team")
    assert (told.verdict.coordinated.count, told.verdict.coordinated.total) == (1, 2)
    found = {one.name: one for one in told.findings}
    assert found["endings"].verdict == "no"
    assert found["endings"].sentence == "1 of 2 episodes ends by itself and 1 is cut off."
    assert [(one.team, one.episode) for one in found["loops"].evidence] == [(1, 0)]
    assert told.verdict.random == pytest.approx(-15.8431, abs=1e-4)  # exact, as `coterie solve` prints it


def test_a_team_fails_where_the_verdict_says_so(here):
    """Three of four episodes meet: the team is counted once, as failing, and its failing episode is shown."""
    played = [episode(*MEET, 7), episode("DRRD", "LUUL", 7), episode(*STILL, 7), episode("DDRR", "UULL", 7)]
    told = diagnose(folder_of(here, played, [0.75], seed=7))
    assert summary(told.verdict).startswith("The team does not meet reliably: they run in circles or stand still.")
    loops = next(one for one in told.findings if one.name == "loops")
    assert [(one.team, one.episode, one.first_step) for one in loops.evidence] == [(7, 3, 5)]
    assert "e.g. team 7, episode 3, period 1, from step 5." in loops.sentence
    shown = {(play.team, play.episode): play for play in told.judgement.plays}
    assert not shown[7, 3].success
    assert sum(play.success for play in shown.values()) == 3


def test_a_team_that_fails_seldom_is_not_said_to_succeed(here):
    """Four recorded episodes of a team that meets in nine of ten may all succeed: nobody saw how it fails."""
    told = diagnose(folder_of(here, [episode(*MEET, seed) for seed in range(5)], [0.9, 1.0, 1.0, 1.0, 1.0]))
    assert told.verdict.coordinated.count == 4
    found = {one.name: one for one in told.findings}
    assert found["loops"].verdict == "cannot tell"
    assert found["loops"].sentence.startswith("1 of 5 teams fails to meet, and no failing episode was recorded")
    played = [episode(*MEET, 0), episode(*STILL, 1), *(episode(*MEET, seed) for seed in (2, 3, 4))]
    told = diagnose(folder_of(here, played, [0.9, 0.0, 1.0, 1.0, 1.0]))
    found = {one.name: one for one in told.findings}
    assert "of 2 teams that fail, 1 failing episode was recorded" in found["loops"].sentence
    assert told.verdict.failing_success == pytest.approx(0.45)


def test_a_team_that_meets_in_most_episodes_is_not_said_to_meet_every_time(here):
    told = diagnose(folder_of(here, [episode(*MEET, 0), episode(*STILL, 1)], [0.96, 0.02], exact=False))
    assert headline(told.verdict) == "1 of 2 teams meets reliably; 1 does not."


def test_the_wall_leads_to_a_team_that_is_there(here, capsys):
    folder = folder_of(here, [episode(*MEET, seed) for seed in (5, 6)], [1.0, 1.0], seed=5)
    command = next_commands(run(capsys, "watch", folder.name, "--wall"))[0]
    assert command == "coterie watch deep-1 --team 5"
    run(capsys, *command.split()[1:])


def test_rivals_are_not_one_team(here):
    """One is paid what the other loses; where they were one team, that would be a reward turned off."""
    against = episode(*MEET, 0)
    against = against._replace(rewards=against.rewards * [1.0, -1.0])
    duel = {"environment": "mpe2:simple_push_v3", "exact": False}
    rivals = diagnose(folder_of(here, [against], [1.0], env={"team": "0,1"}, **duel))
    assert {one.name: one.verdict for one in rivals.findings}["rewards"] == "no"
    assert not rivals.verdict.common
    mates = diagnose(folder_of(here, [against], [1.0], **duel))
    assert mates.verdict.common


def test_no_more_steps_are_advised_than_the_clock_counts(here):
    chosen = deep_plan("rendezvous", algorithm="iql", steps=MOST_STEPS // 2)
    told = Finding("accounting", "yes", "Hardly anything was learned.")
    assert with_remedy(chosen, told).flags == ("--steps", str(MOST_STEPS))
    longest = chosen._replace(steps=MOST_STEPS)
    assert advisable(longest, with_remedy(longest, told)).remedy == ""


def test_the_page_and_the_terminal_lead_to_the_very_episode(here, capsys):
    played = [episode(*MEET, 7), episode("DRRD", "LUUL", 7), episode(*STILL, 7)]
    folder = folder_of(here, played, [0.75], seed=7)
    out = run(capsys, "diagnose", folder.name)
    assert "See: team 7, episode 3, steps 5 to 20" in out
    assert "Team 7, episode 3, steps 4 to 8 of 20:" in out
    page = (folder / "report.html").read_text()
    assert 'data-team="7" data-episode="3" data-first="5" data-last="20"' in page
    assert json.loads((folder / "findings.json").read_text())[0]["evidence"][0]["episode"] == 3


def test_the_next_step_is_one_for_this_run(here, capsys):
    folder = folder_of(here, [episode(*STILL, seed) for seed in range(5)], [0.0] * 5)
    commands = next_commands(run(capsys, "diagnose", folder.name))
    assert commands == [
        "coterie train rendezvous --deep --algorithm iql --preset default --reward team-mean --steps 8000",
        "coterie watch deep-1 --wall",
    ]
    assert coterie.cli.main(["diagnose", folder.name, "--try"]) == 2
    assert f"--try trains tables again; of a deep run or of recorded episodes, try: {commands[0]}" in (
        capsys.readouterr().err
    )
    again = folder_of(here, [episode(*MEET, seed) for seed in range(5)], [1.0] * 5)
    assert next_commands(run(capsys, "diagnose", again.name)) == ["coterie watch deep-2 --wall"]


def test_where_nobody_says_what_success_is_nobody_is_said_to_fail(here, capsys):
    """simple_spread has none: all episodes run into its 25 steps, which is no fault of theirs."""
    played = [episode(*STILL, seed)._replace(boards=np.zeros((21, 0, 0), np.uint8)) for seed in range(5)]
    spread = {"environment": "mpe2:simple_spread_v3", "algorithm": "vdn", "exact": False, "success_known": False}
    folder = folder_of(here, played, [0.0] * 5, **spread, random=-10.0)
    told = diagnose(folder)
    assert summary(told.verdict) == (
        "Nobody says what a success is here (--success 'return>=NUMBER' does), so nobody can be said to fail. "
        "No team of 5 earns more than random play (-10.00)."
    )
    verdicts = {one.name: one.verdict for one in told.findings}
    assert verdicts["endings"] == "cannot tell"
    assert not {"loops", "agent loops", "reward audit"} & set(verdicts)
    commands = next_commands(run(capsys, "diagnose", folder.name))
    assert commands == [
        "coterie train mpe2:simple_spread_v3 --algorithm vdn --preset default --reward team-mean --steps 8000",
        "coterie watch deep-1",
    ]
    found = run_json(capsys, "diagnose", folder.name)
    assert found["coordinated"]["total"] == 0
    page = (folder / "report.html").read_text()
    assert "nobody says what it is here" in page


@pytest.mark.parametrize(("algorithm", "verdict"), [("vdn", "no"), ("iql", "yes")])
def test_who_learns_from_the_team_s_reward_is_paid_alike(here, algorithm, verdict):
    """Foraging pays whoever loads; mixed values learn from the sum, independent agents each from their own."""
    alone = episode(*MEET, 0)
    alone = alone._replace(rewards=np.where(alone.rewards > 0, [1.0, 0.0], 0.0))
    word, steps = "foraging-5x5-2p-1f", 20_000
    chosen = deep_plan(word, algorithm=algorithm, seeds=1, steps=steps)
    assert (options_of(chosen, chosen.algorithm).reward == "team-sum") == (algorithm == "vdn")
    folder = folder_of(here, [alone], [1.0], environment=word, algorithm=algorithm, exact=False, steps=steps)
    found = {one.name: one for one in diagnose(folder).findings}
    assert found["rewards"].verdict == verdict


def test_members_of_a_team_share_and_rivals_do_not(tmp_path):
    play = episode(*MEET, 0)._replace(rewards=np.array([[3.0, 1.0, -2.0]]))
    assert paid_together(play, [0, 0, 1]).rewards.tolist() == [[2.0, 2.0, -2.0]]
    assert paid_together(play, [0, 0, 0]).rewards.sum() == play.rewards.sum()
    chosen = deep_plan("mpe2:simple_tag_v3", algorithm="iql", env={"team": "0,0,1"})
    assert teams_of(tmp_path, chosen, 3) == [0, 0, 1]
    assert teams_of(tmp_path, deep_plan("rendezvous"), 2) == [0, 0]
    with pytest.raises(BadInput, match="expected a team number for each agent"):
        teams_of(tmp_path, deep_plan("mpe2:simple_tag_v3", algorithm="iql", env={"team": "0,x"}), 2)


def test_a_run_that_is_not_finished_is_sent_on(here):
    folder = folder_of(here, [episode(*MEET, 0)], [1.0])
    (folder / "evaluation.json").unlink()
    with pytest.raises(BadInput, match="was stopped before its end; go on with: coterie resume"):
        diagnose(folder)


def test_what_is_in_force_or_unknown_is_not_advised():
    chosen = deep_plan("rendezvous", algorithm="iql", steps=2_000, learner={"epsilon_decay": 0.9})
    assert changes(chosen, ("--epsilon-decay", "0.5"))
    assert changes(chosen, ("--epsilon", "1", "--steps", "4000"))
    assert not changes(chosen, ("--epsilon", "1", "--epsilon-decay", "0.9"))
    assert changes(chosen, ("--env.observation", "all"))
    assert not changes(chosen, ("--env.observation", "own"))
    assert not changes(chosen, ("--preset", "thorough"))
    assert not changes(chosen, ("--env.stay",))


def test_copies_of_an_episode_are_evidence_of_one():
    alike = [episode(*MEET, 0)] * 10
    assert [play.episode for play in as_evidence(alike)] == [0]
    unlike = as_evidence([*alike, episode("DRRD", "LUUL", 0), episode(*MEET, 1)])
    assert [(play.team, play.episode) for play in unlike] == [*((0, n) for n in range(1, 12)), (1, 0)]
    ended = as_evidence([episode(*MEET, 0), episode(*MEET, 0)._replace(ended=False)])
    assert len(ended) == 2  # what is recorded differently is not the same


def test_recorded_teams_are_counted_as_teams_and_one_team_by_its_episodes(tmp_path, capsys):
    several = [play for team in range(3) for play in (episode(*MEET, team), episode(*STILL, team))]
    place = tmp_path / "theirs.jsonl"
    write_recording(place, Recording(AGENTS, ACTIONS, several, "meet"))
    assert summary(diagnose(place).verdict).startswith("100.0 % of 3 teams do not meet reliably: they run in circles")
    write_recording(place, Recording(AGENTS, ACTIONS, [play for play in several if play.team == 0], "meet"))
    told = diagnose(place)
    assert summary(told.verdict) == (
        "1 of 2 episodes does not meet: they run in circles or stand still. In 1 episode they stand still (50.0 % of "
        "2); e.g. team 0, episode 2, period 1, from step 5."
    )


def test_boards_without_names_of_actions_are_shown_with_numbers(tmp_path, capsys):
    place = tmp_path / "theirs.jsonl"
    write_recording(place, Recording(AGENTS, (), [episode(*STILL, 0)], "meet"))
    assert "5: 0 0" in run(capsys, "diagnose", str(place))


def test_after_episodes_of_others_no_command_is_made_up(tmp_path, capsys):
    place = tmp_path / "theirs.jsonl"
    write_recording(place, Recording(AGENTS, ACTIONS, [episode(*STILL, 0)], "meet"))
    out = run(capsys, "diagnose", str(place))
    assert "stands still" in out
    assert "Next:" not in out
