"""Episodes of anybody's agents in a PettingZoo environment."""

import numpy as np
import pytest

import coterie
from coterie.envs import rendezvous_v0
from coterie.errors import BadInput, EnvironmentFault
from coterie.running.episodes import read_recording
from coterie.running.record import record


def meeting(agent, observation, info):
    """The first walks right, then down, the second left then up: they meet half way."""
    column = np.asarray(observation).reshape(-1)[1]
    return (0 if column < 2 else 2) if agent == "agent_0" else (1 if column > 2 else 3)


def test_what_is_recorded_is_what_was_played(tmp_path):
    place = tmp_path / "theirs.jsonl"
    env = rendezvous_v0.parallel_env()
    kept = record(env, meeting, place, episodes=3, success_word="meet", idle={"agent_0": 0, "agent_1": 0})
    again = read_recording(place)
    assert again.agents == kept.agents == tuple(env.possible_agents)
    assert (again.success_word, again.idle) == ("meet", (0, 0))
    assert len(again.plays) == 3
    for play in again.plays:
        assert play.rewards.sum(0).tolist() == [7.0, 7.0]
        assert len(play.actions) == 4
        assert play.ended
        assert play.observations[0][0].tolist() == [0, 0]
        assert len(set(play.keys.tolist())) == 5


def test_an_existing_file_is_not_overwritten(tmp_path):
    place = tmp_path / "theirs.jsonl"
    place.write_text("mine")
    with pytest.raises(BadInput, match="exists; name another file"):
        record(rendezvous_v0.parallel_env(), meeting, place)
    assert place.read_text() == "mine"


def test_an_action_that_is_no_whole_number_is_named():
    with pytest.raises(EnvironmentFault, match=r"agent_0 at step 1: recorded actions are whole numbers, found 0.5"):
        record(rendezvous_v0.parallel_env(), lambda agent, seen, info: 0.5, episodes=1)


def test_recorded_episodes_are_diagnosed(tmp_path):
    place = tmp_path / "theirs.jsonl"
    record(rendezvous_v0.parallel_env(), lambda agent, seen, info: 0, place, episodes=3, success_word="meet")
    found = coterie.diagnose(place)
    loops = next(one for one in found.findings if one.name == "loops")
    assert loops.verdict == "yes"
