"""Influence and coupling: copycats, deaf and independent agents, shared features and hidden coins."""

from math import log2

import numpy as np
import pytest
from finite_games import CLIMBING, make_game, matrix_table, meeting_game, random_game, random_policy, ways_of
from small_stages import always, copying, staged

from coterie.diagnosis.influence import coupling, influence, influences
from coterie.diagnosis.responses import response
from coterie.diagnosis.sights import unmoved_part
from coterie.finite.visits import visits_by_step
from coterie.running.stage import own_cast
from coterie.types import Play


def copycat(epsilon, actions=4, horizon=5):
    """The first agent draws uniformly, the second repeats its last action except by epsilon."""
    game = copying(actions, horizon)
    policy = np.full((2, game.observation_count, actions), 1 / actions)
    for last in range(actions):
        policy[1, last] = (1 - epsilon) * np.eye(actions)[last] + epsilon / actions
    return game, policy


def test_a_copycat_is_moved_by_one_and_a_half_bits():
    game, policy = copycat(0.1)
    found = influences(game, policy)
    expected = 2 + 0.925 * log2(0.925) + 3 * 0.025 * log2(0.025)
    assert expected == pytest.approx(1.497, abs=5e-4)
    assert found[0, 1] == pytest.approx(expected)
    assert found[1, 0] == 0.0
    finding = influence(game, policy)
    assert finding.verdict == "no"
    assert "agent_1 reacts to agent_0" in finding.sentence


def test_independent_agents_do_not_move_each_other():
    game, _ = copycat(0.1)
    policy = np.full((2, game.observation_count, 4), 0.25)
    assert influences(game, policy) == pytest.approx(np.zeros((2, 2)), abs=1e-12)
    finding = influence(game, policy)
    assert finding.verdict == "yes"  # copying would pay
    assert "agent_0" in finding.sentence or "agent_1" in finding.sentence


def separate(best):
    """Each earns for its own action 1, and sees what the other did: nobody needs anybody."""
    ways = {
        (state, (a, b)): [(1.0, 2 * a + b, (float(a), float(b)), False, False)]
        for state in range(4)
        for a in (0, 1)
        for b in (0, 1)
    }
    game = make_game((2, 2), ways, [((state % 2,), (state // 2,)) for state in range(4)], horizon=4)
    return game, always(game, best, best)


def test_who_need_not_react_is_left_in_peace():
    assert influence(*separate(1)).verdict == "no"


def lanes(sees_other, length=4, horizon=12):
    """Two agents in lanes of their own, each paid 1 for being at its end; each sees its cell, or both cells."""
    cells = [(one, other) for one in range(length) for other in range(length)]
    ways = {}
    for at, pair in enumerate(cells):
        for acts in ((a, b) for a in (0, 1) for b in (0, 1)):
            after = tuple(min(max(x + (1 if a else -1), 0), length - 1) for x, a in zip(pair, acts, strict=True))
            ways[at, acts] = [(1.0, cells.index(after), tuple(float(x == length - 1) for x in after), False, False)]
    seen = [(pair, pair[::-1]) if sees_other else ((pair[0],), (pair[1],)) for pair in cells]
    return make_game((2, 2), ways, seen, horizon=horizon)


@pytest.mark.parametrize("sees_other", [False, True])
def test_who_only_misses_its_own_part_needs_no_reaction(sees_other):
    """Both stay at home, and 10 are lost each, but by nothing that another's cell could tell."""
    game = lanes(sees_other)
    policy = always(game, 0, 0)
    assert response(game, policy, 0).reacting - response(game, policy, 0).now == 10.0
    finding = influence(game, policy)
    assert finding.verdict == "no"
    assert finding.flags == ()
    assert ("Nobody can see what others do" in finding.sentence) is not sees_other


def test_agents_of_the_meeting_game_who_see_only_themselves_need_not_react():
    game = meeting_game()
    assert influence(game, always(game, 3, 3)).verdict == "no"


def told(name="by hand"):
    """The first sees a coin and the second cannot; both earn where the second names it at the second step."""
    ways = {}
    for coin in (0, 1):
        for a, b in ((a, b) for a in (0, 1) for b in (0, 1)):
            ways[coin, (a, b)] = [(1.0, 2 + coin, 0.0, False, False)]
            ways[2 + coin, (a, b)] = [(1.0, 2 + coin, float(b == coin), True, b == coin)]
    seen = [((0,), (2,)), ((1,), (2,)), ((0,), (3,)), ((1,), (3,))]
    return make_game((2, 2), ways, seen, horizon=2, starts=[(0.5, 0), (0.5, 1)], name=name)


@pytest.mark.parametrize("name, flags", [("by hand", ()), ("rendezvous", ("--env.observation", "all"))])
def test_where_seeing_is_missing_it_is_said(name, flags):
    game = told(name)
    finding = influence(game, always(game, 0, 0))
    assert (finding.verdict, finding.flags) == ("cannot tell", flags)
    assert "could earn 1.00 instead of at best 0.50 if each saw what all see" in finding.sentence


def test_what_one_number_hides_is_split_by_what_changes_it():
    """One number codes both cells: the sights of one own cell are one, whatever the other's is."""
    game = lanes(True)
    coded = game._replace(observations=(np.arange(len(game.observations[0]), dtype=np.int32)[:, None],))
    part = unmoved_part(coded, 0)
    assert len(np.unique(part)) == 4
    for seen, first in enumerate(part.tolist()):
        assert game.observations[0][seen][0] == game.observations[0][first][0]
    alone = lanes(False)
    assert np.array_equal(unmoved_part(alone, 0), np.arange(alone.observation_count))


def test_one_decision_leaves_no_time_to_react():
    game = matrix_table(CLIMBING)
    assert influence(game, always(game, 2, 2)).verdict == "cannot tell"


@pytest.mark.parametrize("seed", range(6))
def test_influence_by_its_definition(seed):
    game = random_game(seed, states=4, horizon=4)
    policy = random_policy(game, seed)
    mass = visits_by_step(game, policy)[: game.horizon - 1].sum(0)
    for i, j in ((0, 1), (1, 0)):
        total = weight = 0.0
        for state in range(4):
            replies, going = [], []
            for action in range(2):
                reply, alive = np.zeros(2), 0.0
                for other in range(2):
                    joint = (action, other) if i == 0 else (other, action)
                    chance = policy[j, game.seen[state, j], other]
                    for probability, after, _, ended, _ in ways_of(game, state, 2 * joint[0] + joint[1]):
                        if not ended:
                            reply += chance * probability * policy[j, game.seen[after, j]]
                            alive += chance * probability
                replies.append(reply / alive if alive else reply)
                going.append(alive)
            if not sum(going):
                continue
            mean = sum(share * reply for share, reply in zip(going, replies, strict=True)) / sum(going)
            spread = sum(
                share / sum(going) * sum(p * log2(p / q) for p, q in zip(reply, mean, strict=True) if p > 0)
                for share, reply in zip(going, replies, strict=True)
            )
            total += mass[state] * np.mean(going) * spread
            weight += mass[state] * np.mean(going)
        assert influences(game, policy)[i, j] == pytest.approx(total / weight if weight else 0.0, abs=1e-12)


def plays_of(seed, choose, plays=20, steps=25, sights=2):
    """Episodes in which both see one shared feature; choose(draws, feature) gives both actions."""
    draws = np.random.default_rng(seed)
    episodes = []
    for _ in range(plays):
        feature = draws.integers(sights, size=steps + 1)
        actions = np.array([choose(draws, int(one)) for one in feature[:-1]], np.int32)
        seen = feature[:, None].astype(np.int32)
        episodes.append(
            Play(
                feature,
                np.empty((steps + 1, 0, 0), np.uint8),
                actions,
                np.zeros((steps, 2)),
                False,
                False,
                0,
                (seen, seen),
            )
        )
    return episodes


SHARED = np.array([[0.9, 0.1], [0.1, 0.9]])


def reacts(agent, observation):
    return SHARED[int(observation[0])]


def apart(draws, feature):
    return [int(draws.random() < SHARED[feature][1]) for _ in range(2)]


def hidden_coin(draws, feature):
    """Each follows the feature nine times in ten, but they err together half the time."""
    if draws.random() < 0.5:
        return [int(draws.random() < SHARED[feature][1])] * 2
    return apart(draws, feature)


def plain_shuffling(plays, resamples=199):
    """The p of I(A_i; A_j) under shuffled actions: the negative control, as a published package has it."""
    actions = np.concatenate([play.actions for play in plays])
    draws = np.random.default_rng(0)

    def bits(one, other):
        table = np.bincount(2 * one + other, minlength=4).reshape(2, 2) / len(one)
        return sum(
            table[a, b] * log2(table[a, b] / (table[a].sum() * table[:, b].sum()))
            for a in (0, 1)
            for b in (0, 1)
            if table[a, b]
        )

    found = bits(actions[:, 0], actions[:, 1])
    return np.mean([bits(actions[:, 0], draws.permutation(actions[:, 1])) >= found for _ in range(resamples)])


@pytest.mark.parametrize("seed", range(8))
def test_a_shared_feature_is_no_hidden_tie(seed):
    plays = plays_of(seed, apart)
    assert plain_shuffling(plays) < 0.05  # the wrong null calls them coordinated
    finding = coupling(plays, reacts)
    assert finding.verdict == "no"
    assert finding.p >= 0.01


@pytest.mark.parametrize("seed", range(8))
def test_a_hidden_coin_is_found(seed):
    finding = coupling(plays_of(seed, hidden_coin), reacts)
    assert finding.verdict == "yes"
    assert finding.p < 0.01
    assert finding.value > 0


def test_false_alarms_are_as_rare_as_claimed():
    """100 pairs that are not tied: at most 4 alarms, which chance exceeds once in 300 times at a true 1 %."""
    alarms = sum(coupling(plays_of(seed, apart, 4, 15), reacts).verdict == "yes" for seed in range(100, 200))
    assert alarms <= 4


def by_the_clock(seed, plays, steps, choose, sights=2):
    """Episodes in which what both do goes by the step: choose(draws, share), share rising from 0.1 to 0.9."""
    draws = np.random.default_rng(seed)
    episodes = []
    for _ in range(plays):
        feature = draws.integers(sights, size=steps + 1)
        actions = np.array([choose(draws, 0.1 + 0.8 * step / (steps - 1)) for step in range(steps)], np.int32)
        seen, keys = feature[:, None].astype(np.int32), np.arange(steps + 1)
        boards = np.empty((steps + 1, 0, 0), np.uint8)
        episodes.append(Play(keys, boards, actions, np.zeros((steps, 2)), False, False, 0, (seen, seen)))
    return episodes


def apart_by_the_clock(draws, share):
    return [int(draws.random() < share) for _ in range(2)]


def coin_by_the_clock(draws, share):
    return [int(draws.random() < share)] * 2 if draws.random() < 0.5 else apart_by_the_clock(draws, share)


def counted(plays):
    """Each agent's own distribution for what it sees, as counted over all steps."""
    counts = np.zeros((2, 2, 2))
    for play in plays:
        for agent in (0, 1):
            np.add.at(counts[agent], (play.observations[agent][:-1, 0], play.actions[:, agent]), 1.0)
    return lambda agent, seen: counts[agent, int(seen[0])] / counts[agent, int(seen[0])].sum()


@pytest.mark.parametrize("seed", range(6))
def test_habits_that_change_with_the_step_are_no_tie(seed):
    plays = by_the_clock(seed, 30, 12, apart_by_the_clock)
    finding = coupling(plays, counted(plays))
    assert finding.verdict == "no"
    assert "change with the step" in finding.sentence


@pytest.mark.parametrize("seed", range(6))
def test_a_coin_is_found_behind_habits_that_change(seed):
    plays = by_the_clock(seed, 30, 12, coin_by_the_clock)
    finding = coupling(plays, counted(plays))
    assert finding.verdict == "yes"
    assert finding.p < 0.01


@pytest.mark.parametrize("seed", range(4))
def test_one_long_episode_does_not_tell_drift_from_a_tie(seed):
    plays = by_the_clock(seed, 1, 400, apart_by_the_clock)
    assert coupling(plays, counted(plays)).verdict == "cannot tell"


@pytest.mark.parametrize("step", [2, 3])
def test_habits_of_every_second_or_third_step(step):
    """Both do the same by the clock alone, and slip one time in ten, each by itself."""
    draws = np.random.default_rng(step)
    plays = by_the_clock(0, 30, 12, apart_by_the_clock)
    wanted = (np.arange(12) % step == 0)[:, None]
    plays = [play._replace(actions=(wanted ^ (draws.random((12, 2)) < 0.1)).astype(np.int32)) for play in plays]
    assert coupling(plays, counted(plays)).verdict == "no"


def test_what_cannot_be_asked():
    plays = plays_of(0, apart)
    assert coupling([], reacts).verdict == "cannot tell"
    assert coupling([play._replace(observations=()) for play in plays], reacts).verdict == "cannot tell"
    assert coupling(plays_of(0, apart, 1, 5), reacts).verdict == "cannot tell"
    never = coupling(plays, lambda agent, observation: np.array([1.0, 0.0]))
    assert never.verdict == "cannot tell"
    assert "never takes" in never.sentence


def test_recorded_episodes_of_a_stage_can_be_asked():
    game, policy = copycat(0.1)
    stage = staged(game, policy)
    plays = [stage.play(own_cast(stage), episode) for episode in range(30)]

    def policy_of(agent, observation):
        return policy[agent, int(observation[0])]

    assert coupling(plays, policy_of).verdict == "no"  # the copy is of what it sees, a step later
