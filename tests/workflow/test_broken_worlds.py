"""Worlds and agents that break their promises are told in one sentence; odd ones that keep them are judged."""

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary

import coterie
from coterie.errors import BadInput, EnvironmentFault
from coterie.running import record


class Pair:
    """Two agents count up or down; both at 3 succeed. Observations are one array that changes in place."""

    metadata = {"name": "pair"}  # noqa: RUF012

    def __init__(self, names=("a", "b")):
        self.possible_agents, self.agents = list(names), []

    def observation_space(self, agent):
        return Box(-20, 20, (2,), np.float64)

    def action_space(self, agent):
        return Discrete(3)

    def reset(self, seed=None, options=None):
        self.agents, self.time, self.at = list(self.possible_agents), 0, np.zeros(2)
        return self.seen(), {agent: {} for agent in self.agents}

    def seen(self):
        return dict.fromkeys(self.agents, self.at)

    def step(self, actions):
        self.time += 1
        for place, agent in enumerate(self.possible_agents):
            self.at[place] += actions.get(agent, 1) - 1
        won, seen, names = bool((self.at == 3).all()), self.seen(), list(self.agents)
        if won or self.time == 6:
            self.agents = []
        ended, cut = dict.fromkeys(names, won), dict.fromkeys(names, self.time == 6 and not won)
        return seen, dict.fromkeys(names, 10.0 if won else -1.0), ended, cut, {name: {"success": won} for name in names}


class Says:
    def __init__(self, act):
        self.act = act


def up():
    return [Says(lambda seen: 2), Says(lambda seen: 2)]


def changed(**methods):
    return type("Changed", (Pair,), methods)


def found(judged, name):
    return next(one for one in judged.verdict.findings if one.name == name)


def answering(change):
    """A world whose answer to a step is changed: change(the five dictionaries)."""
    return changed(step=lambda self, actions: change(*Pair.step(self, actions)))


def broken(error):
    def fail(*words, **named):
        raise error

    return fail


@pytest.mark.parametrize(
    ("world", "sentence"),
    [
        (broken(ValueError("no world")), "could not be made: ValueError: no world"),
        (lambda: None, "NoneType names no `possible_agents`"),
        (lambda: Pair(()), "names no `possible_agents`"),
        (changed(agent_iter=None), "lets agents move in turns"),
        (changed(observation_space=None), "observation_space"),
        (changed(action_space=lambda self, agent: MultiBinary(3)), "only whole numbers"),
        (changed(reset=broken(RuntimeError("no start"))), "failed: RuntimeError: no start"),
        (changed(reset=lambda self, seed: Pair.reset(self)[0]), "gave dict, expected observations and infos"),
        (changed(step=broken(RuntimeError("it broke"))), "step 1 failed: RuntimeError: it broke"),
        (changed(step=broken(SystemExit(3))), "step 1 failed: SystemExit"),
        (answering(lambda *five: five[:4]), "gave 4 things, expected"),
        (answering(lambda o, r, e, c, i: (o, {"a": 1.0}, e, c, i)), "no reward for b, who acted"),
        (answering(lambda o, r, e, c, i: (o, dict.fromkeys(r), e, c, i)), "reward of a is None"),
        (answering(lambda o, r, e, c, i: (o, dict.fromkeys(r, np.nan), e, c, i)), "reward of a is nan"),
        (answering(lambda o, r, e, c, i: ({}, r, e, c, i)), "no observation for a, who acts next"),
        (answering(lambda o, r, e, c, i: (None, r, e, c, i)), "observations are NoneType"),
        (changed(seen=lambda self: {"a": self.at}), "no observation for b"),
        (changed(seen=lambda self: dict.fromkeys("ab", np.array([np.nan]))), "a sees nan"),
        (
            changed(seen=lambda self: dict.fromkeys("ab", np.zeros(1 + self.time % 2))),
            "sees 2 numbers, before it saw 1",
        ),
    ],
)
def test_a_broken_world_is_one_sentence(world, sentence):
    with pytest.raises(EnvironmentFault, match=sentence):
        coterie.judge(up, world, teams=3)


def test_an_episode_without_an_end_is_told(monkeypatch):
    monkeypatch.setattr(record, "LONGEST", 50)
    with pytest.raises(EnvironmentFault, match="not over after 50 steps"):
        coterie.judge(up, changed(step=_stays), teams=3)


def _stays(world, actions):
    _, rewards, ended, cut, infos = Pair.step(world, actions)
    world.agents = list(world.possible_agents)
    return world.seen(), rewards, dict.fromkeys(ended, False), dict.fromkeys(cut, False), infos


def test_who_has_ended_acts_no_more_where_a_world_forgets_to_take_its_name_out():
    def step(self, actions):
        five = Pair.step(self, actions)
        self.agents = list(self.possible_agents)
        return five

    verdict = coterie.judge(up, changed(step=step), teams=3).verdict
    assert (verdict.coordinated.count, verdict.return_, verdict.env_steps) == (1, 8.0, 3)


def test_observations_that_change_in_place_are_kept_as_they_were():
    judged = coterie.judge(up, Pair, teams=3)
    assert judged.plays[0].observations[0].tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]
    assert len(set(judged.plays[0].keys.tolist())) == 4


def test_actions_may_count_from_another_number_than_0():
    def step(self, actions):
        return Pair.step(self, {agent: action - 5 for agent, action in actions.items()})

    world = changed(action_space=lambda self, agent: Discrete(3, start=5), step=step)
    judged = coterie.judge(lambda: [Says(lambda seen: 7), Says(lambda seen: 7)], world, teams=3, idle=5)
    assert judged.verdict.coordinated.share == 1.0
    assert judged.recording.idle == (5, 5)
    assert judged.verdict.idle == -6.0
    with pytest.raises(BadInput, match="gave 2, expected a whole number 5 to 7"):
        coterie.judge(up, world, teams=3)


def test_agents_see_masks_and_shapes_also_where_reactions_are_tried():
    def seen(self):
        mask = np.array([0, 1, 1], np.int8)
        return {agent: {"observation": self.at[:, None], "action_mask": mask.copy()} for agent in self.agents}

    def space(self, agent):
        return Dict({"observation": Box(-20, 20, (2, 1), np.float64), "action_mask": MultiBinary(3)})

    def act(seen):
        assert seen["observation"].shape == (2, 1)
        action = int(np.flatnonzero(seen["action_mask"])[-1])
        seen["observation"][:] = 99  # an agent may spoil what is its own
        seen["action_mask"][:] = 0
        return action

    world = changed(seen=seen, observation_space=space)
    judged = coterie.judge(lambda: [Says(act), Says(act)], world, teams=3)
    assert judged.verdict.coordinated.share == 1.0
    assert judged.plays[0].observations[0][-1].tolist() == [3, 3]
    assert "in 2 moments of one episode" in found(judged, "influence").sentence


def test_agents_that_leave_early_are_judged():
    def step(self, actions):
        seen, rewards, ended, cut, infos = Pair.step(self, actions)
        if self.time == 2:
            ended["b"], self.agents = True, ["a"]
        return seen, rewards, ended, cut, infos

    judged = coterie.judge(up, changed(step=step), teams=3)
    assert found(judged, "influence").verdict == "cannot tell"
    assert judged.plays[0].actions[:, 1].tolist() == [2, 2, 0, 0, 0, 0]


@pytest.mark.parametrize("infos", [None, {}, {"a": None, "b": None}])
def test_infos_may_be_missing(infos):
    judged = coterie.judge(up, answering(lambda o, r, e, c, i: (o, r, e, c, infos)), teams=3)
    assert judged.verdict.coordinated.count == 0


def test_agents_need_not_be_named_by_words():
    agents = {0: Says(lambda seen: 2), 1: Says(lambda seen: 2)}
    assert coterie.judge(lambda: agents, lambda: Pair((0, 1)), teams=3).verdict.coordinated.share == 1.0


class Evil:
    def __getattr__(self, name):
        raise ValueError(name)


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError

    __repr__ = __str__


@pytest.mark.parametrize(
    ("agent", "sentence"),
    [
        (Evil, "has no method act"),
        (lambda: Says(lambda seen: Unspeakable()), "gave a Unspeakable, expected a whole number"),
        (lambda: Says(broken(Unspeakable())), "failed: Unspeakable: it cannot be printed"),
        (lambda: Says(broken(ValueError("very " * 1000))), "very very"),
    ],
)
def test_agents_that_cannot_be_spoken_of_are_one_short_sentence(agent, sentence):
    with pytest.raises(BadInput) as caught:
        coterie.judge(lambda: [agent(), agent()], Pair, teams=3)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 450


def test_the_name_of_a_world_does_not_move_the_cursor():
    judged = coterie.judge(up, changed(metadata={"name": "a\x1b[2Jb\n"}), teams=3)
    assert judged.verdict.environment == "a[2Jb"
