"""Noise: who fails by itself and succeeds by slips."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from finite_games import D, L, R, U, make_game
from small_runs import parse_only
from small_stages import acted, always, one_shot, staged

from coterie.diagnosis.noise import noise
from coterie.running.stage import Actor, ActorStage, TableStage
from coterie.types import Evidence


def corridor(length=3, horizon=30):
    """Two agents want to swap sides in a corridor two cells wide; they block each other, and may not pass through."""
    cells = list(product(range(2), range(length)))
    moves = {R: (0, 1), L: (0, -1), D: (1, 0), U: (-1, 0)}

    def moved(cell, action):
        row, column = (place + way for place, way in zip(cell, moves[action], strict=True))
        return min(max(row, 0), 1), min(max(column, 0), length - 1)

    pairs = [pair for pair in product(cells, repeat=2) if pair[0] != pair[1]]
    ways = {}
    for pair, joint in product(pairs, product(range(4), repeat=2)):
        after = tuple(moved(cell, action) for cell, action in zip(pair, joint, strict=True))
        if after[0] == after[1] or after == pair[::-1]:
            after = pair
        there = after[0][1] == length - 1 and after[1][1] == 0
        ways[pairs.index(pair), joint] = [(1.0, pairs.index(after), float(there), there, there)]
    start = pairs.index(((0, 0), (0, length - 1)))
    return make_game((4, 4), ways, pairs, horizon=horizon, starts=[(1.0, start)])


def test_the_corridor_swap_needs_noise():
    """Both go straight on and meet in the middle for ever: own play never succeeds, noisy play nearly always."""
    game = corridor()
    finding = noise(staged(game, always(game, R, L)))
    assert (finding.name, finding.verdict) == ("noise", "yes")
    assert finding.value > 0.5
    assert "as it is judged it earns 0.00 and succeeds with a chance of 0.0 %, " in finding.sentence
    assert finding.evidence == (Evidence(0, 1, 30),)  # they block each other from the first step on
    assert finding.flags == ("--epsilon-end", "0", "--epsilon-decay", "0.9")
    assert finding.picture.values[0] == 0.0
    parse_only(["train", "rendezvous", *finding.flags])


def test_who_steps_aside_needs_none():
    """The second agent first steps into the other row: own play succeeds, and slips can only disturb."""
    game = corridor()
    policy = always(game, R, L)
    for state in range(len(game.states)):
        if game.observations[0][game.seen[state, 1]].tolist() == [0, 2]:
            policy[1, game.seen[state, 1]] = np.eye(4)[D]
    finding = noise(staged(game, policy))
    assert finding.verdict == "no"
    assert finding.value < 0


def test_a_broken_slip_would_be_noticed():
    """Negative control: where noisy play is own play, the swap is not found."""

    class Deaf(TableStage):
        def score(self, cast):
            return super().score([part._replace(way="own") if part.way == "noisy" else part for part in cast])

    game = corridor()
    assert noise(Deaf(game, always(game, R, L)[None])).verdict == "no"


def test_drawn_actions_can_be_better_than_greedy_ones():
    """Both must pick different things and look the same: greedily never, by a fair coin half of the time."""
    game = one_shot(lambda a, b: float(a != b), (2, 2))
    policies, coin = always(game, 0, 0)[None], np.full((1, 2, 1, 2), 0.5)
    finding = noise(TableStage(game, policies, coin))
    assert finding.verdict == "yes"
    assert finding.value == pytest.approx(0.5)
    assert "when they draw their actions 0.50 and succeeds with a chance of 50.0 %" in finding.sentence
    assert "drawn actions" not in finding.remedy  # no better than random play


def drawing(share):
    """The corridor's blocked pair, which draws so many of its actions at random."""
    game = corridor()
    policy = always(game, R, L)
    return TableStage(game, policy[None], ((1 - share) * policy + share / 4)[None])


def test_drawn_actions_are_advised_where_they_do_well():
    """With 3 in 10 actions at random they nearly always pass in time, and hardly ever do at random."""
    finding = noise(drawing(0.3))
    assert (finding.verdict, finding.value > 0.5) == ("yes", True)
    assert finding.remedy.startswith("judge and use the agents with drawn actions")


def test_drawn_actions_that_do_hardly_better_are_not_advised():
    """One in 100 actions at random: a rare success is better than none, and no way to be used."""
    stage = drawing(0.01)

    class NoSlips(TableStage):
        def score(self, cast):
            return super().score([part._replace(way="own") if part.way == "noisy" else part for part in cast])

    finding = noise(NoSlips(stage.game, stage.policies, stage.sampled))
    assert (finding.verdict, 0 < finding.value < 0.25) == ("yes", True)
    assert finding.remedy.startswith("let exploration end")
    assert "when they draw" in finding.sentence


def test_the_best_team_that_was_seen_sets_the_scale():
    """Drawn actions that succeed half of the time and earn 4.50 are little where another team earns 30."""
    pays = {(1, 1): 9.0, (2, 2): 30.0}
    game = one_shot(lambda *joint: pays.get(joint, 0.0), (10, 10))
    blocked, right = always(game, 1, 0), always(game, 2, 2)
    drawn = blocked.copy()
    drawn[1] = 0.5 * np.eye(10)[0] + 0.5 * np.eye(10)[1]
    assert "drawn actions" in noise(TableStage(game, blocked[None], drawn[None])).remedy
    both = TableStage(game, np.stack([blocked, right]), np.stack([drawn, right]))
    assert (noise(both).verdict, "drawn actions" in noise(both).remedy) == ("yes", False)


def test_agents_of_different_teams_do_not_need_noise():
    """Prisoner's dilemma: both defect, as each should, and slips raise what they earn together."""
    pays = {(0, 0): (3.0, 3.0), (0, 1): (0.0, 5.0), (1, 0): (5.0, 0.0), (1, 1): (1.0, 1.0)}
    ways = {(0, joint): [(1.0, 0, paid, False, joint == (0, 0))] for joint, paid in pays.items()}
    game = make_game((2, 2), ways, [((0,), (0,))], horizon=5)
    apart = game._replace(spec=replace(game.spec, team=(0, 1)))
    policy = always(game, 1, 1)
    assert noise(staged(game, policy)).verdict == "yes"
    finding = noise(staged(apart, policy))
    assert (finding.verdict, finding.remedy) == ("cannot tell", "")
    same = apart._replace(reward=apart.reward.mean(1, keepdims=True).repeat(2, 1))
    assert noise(staged(same, policy)).verdict == "yes"  # in name only: all are paid alike


@pytest.mark.parametrize("seed", range(5))
def test_sampled_episodes_are_compared_in_pairs(seed):
    game = corridor()
    stuck = noise(acted(game, always(game, R, L), episodes=20, seed=seed))
    assert (stuck.verdict, stuck.p < 0.05) == ("yes", True)
    assert stuck.interval[0] > 0
    same = noise(acted(game, np.full((2, game.observation_count, 4), 0.25), episodes=20, seed=seed))
    assert same.verdict == "no"


def test_few_episodes_cannot_tell():
    game = corridor()
    actors = [Actor(lambda: None, lambda seen, step: R), Actor(lambda: None, lambda seen, step: L)]
    assert noise(ActorStage(game, [actors], episodes=3)).verdict == "cannot tell"


def test_mutual_defection_does_not_need_noise():
    """Each decides once: 1 together, 1.15 with slips, 2.25 at random. Slips are a step towards random play, no cure."""
    pays = {(0, 0): 3.0, (0, 1): 2.5, (1, 0): 2.5, (1, 1): 1.0}
    game = one_shot(lambda *joint: pays[joint], (2, 2))
    found = noise(staged(game, always(game, 1, 1)))
    assert found.verdict == "no"
    assert "decides once" in found.sentence
    assert found.value == pytest.approx(0.95**2 * 1 + 2 * 0.95 * 0.05 * 2.5 + 0.05**2 * 3 - 1)
