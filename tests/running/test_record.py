"""Episodes of anybody's agents in a PettingZoo environment."""

import json

import amount_worlds
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


def towards(agent, observation, info):
    """Half of what is seen, as an array; a pilot's first legal number."""
    if agent == "pilot":
        return 5 + int(np.flatnonzero(info["action_mask"])[0])
    return np.array([0.25, 0.5]) if len(observation) == 3 else 0.5 * observation


def test_amounts_are_recorded_and_diagnosed(tmp_path):
    """Who has left does 0; a chosen number stands as the first of its row."""
    place = tmp_path / "boats.jsonl"
    kept = record(amount_worlds.Boats(), towards, place, episodes=4)
    again = read_recording(place)
    for play, known in zip(again.plays, kept.plays, strict=True):
        assert play.amounts == known.amounts == (2, 0, 2)
        np.testing.assert_array_equal(play.actions, known.actions)
        assert play.actions.dtype == np.float32
        assert (play.actions[:, 0] == [0.25, 0.5]).all()
        assert play.actions[:, 1, 0].tolist()[:3] == [5, 6, 5]
        right = play.actions[:, 2]
        assert (right[:2] == [0.25, 0.5]).all()
        assert (right[2:] == 0).all() or (right == [0.25, 0.5]).all()
    assert json.loads(place.read_text().splitlines()[1])["actions"][0] == [[0.25, 0.5], 5, [0.25, 0.5]]
    found = {one.name: one for one in coterie.diagnose(str(place)).verdict.findings}
    assert found["idle"].verdict == "cannot tell"
    assert "amounts" in found["idle"].sentence


def test_loops_are_found_where_actions_are_amounts(tmp_path):
    """Two rafts that never get anywhere: what they see is the same for ever, and they earn nothing."""
    place = tmp_path / "rafts.jsonl"

    class Becalmed(amount_worlds.Rafts):
        def seen(self):
            self.wanted = {agent: np.zeros(1, np.float32) for agent in self.possible_agents}
            return {agent: self.wanted[agent] for agent in self.agents}

        def step(self, actions):
            seen, rewards, none, _, _ = super().step(actions)
            over = self.steps == 30
            self.agents = [] if over else self.possible_agents[:]
            return seen, dict.fromkeys(rewards, 0.0), none, dict.fromkeys(rewards, over), {}

    record(Becalmed(), towards, place, episodes=3)
    found = {one.name: one for one in coterie.diagnose(str(place)).verdict.findings}
    assert found["loops"].verdict == "yes"


@pytest.mark.parametrize("action", [np.zeros(3), [np.inf, 0.0], "left", None])
def test_amounts_that_are_none_are_named(action):
    with pytest.raises(EnvironmentFault, match="left at step 1: expected 2 finite amounts, found"):
        record(amount_worlds.Boats(), lambda agent, seen, info: 5 if agent == "pilot" else action, episodes=1)
