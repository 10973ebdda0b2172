"""Anybody's agents in anybody's parallel PettingZoo environment."""

import numpy as np
import pytest

import coterie
from coterie.envs import rendezvous_v0
from coterie.errors import BadInput, EnvironmentFault


class Walker:
    """Walks to the middle column and then to the middle row; the first from above, the second from below."""

    def __init__(self, first):
        self.first = first

    def act(self, observation):
        column = observation[1]
        if self.first:
            return 0 if column < 2 else 2
        return 1 if column > 2 else 3


class Fixed:
    def __init__(self, action):
        self.action = action

    def act(self, observation):
        return self.action


def by_name(judged, name):
    return next(one for one in judged.verdict.findings if one.name == name)


def test_good_agents_are_told_so():
    judged = coterie.judge(lambda: [Walker(True), Walker(False)], rendezvous_v0.parallel_env, teams=10)
    verdict = judged.verdict
    assert (verdict.coordinated.share, verdict.return_, verdict.optimum) == (1.0, 7.0, None)
    assert -20 <= verdict.random < 0
    assert verdict.idle is None  # nobody said what does nothing
    assert [one.name for one in verdict.findings if one.verdict == "yes"] == []


def test_agents_that_stand_still_are_named():
    judged = coterie.judge(lambda: [Fixed(0), Fixed(0)], rendezvous_v0.parallel_env, teams=10)
    assert judged.verdict.coordinated.count == 0
    assert by_name(judged, "loops").verdict == "yes"
    assert by_name(judged, "accounting").verdict == "yes"


def test_what_does_nothing_may_be_named():
    world = lambda: rendezvous_v0.parallel_env(stay=True)  # noqa: E731
    judged = coterie.judge(lambda: [Walker(True), Fixed(4)], world, teams=5, idle=4)
    assert judged.verdict.idle == -20.0
    assert by_name(judged, "idle").verdict == "yes"
    with pytest.raises(BadInput, match="--idle 9: not every agent has that action; the first has 5, from 0 on"):
        coterie.judge(lambda: [Walker(True), Fixed(4)], world, teams=5, idle=9)


def test_a_perfect_team_is_not_blamed_for_a_first_action_that_is_right():
    class Right:
        def act(self, observation):
            return 0 if observation[1] < 4 else 2

    class Up:
        def act(self, observation):
            return 3

    judged = coterie.judge(lambda: [Right(), Up()], rendezvous_v0.parallel_env, teams=5)
    assert judged.verdict.coordinated.share == 1.0
    assert [one.name for one in judged.verdict.findings if one.verdict == "yes"] == []


def test_swapped_identities_are_named():
    judged = coterie.judge(lambda: [Walker(False), Walker(True)], rendezvous_v0.parallel_env, teams=10)
    assert by_name(judged, "identities").verdict == "yes"


def test_teams_with_seeds_meet_strangers():
    def make_team(seed):
        return [Walker(True), Walker(False)] if seed % 2 else [Fixed(2), Fixed(1)]

    judged = coterie.judge(make_team, rendezvous_v0.parallel_env, teams=4)
    assert judged.verdict.unit == "team"
    assert by_name(judged, "strangers").name == "strangers"


def test_what_cannot_be_judged_is_one_sentence():
    with pytest.raises(BadInput, match="takes its options itself"):
        coterie.judge(lambda: [], rendezvous_v0.parallel_env, env={"size": 4})
    with pytest.raises(BadInput, match="must give 2 agents"):
        coterie.judge(lambda: [], rendezvous_v0.parallel_env)
    with pytest.raises(BadInput, match="expected a whole number 0 to 3"):
        coterie.judge(lambda: [Fixed(9), Fixed(0)], rendezvous_v0.parallel_env)

    class Smooth:
        possible_agents = ("a",)

        def action_space(self, agent):
            import gymnasium

            return gymnasium.spaces.Box(0, 1, (2,), np.float32)

    with pytest.raises(EnvironmentFault, match="only whole numbers"):
        coterie.judge(lambda: [Fixed(0)], Smooth)
