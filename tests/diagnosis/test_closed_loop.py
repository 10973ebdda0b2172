"""Closed loop: agents that follow, ignore or cannot use what they see."""

from itertools import product

import numpy as np
import pytest
from finite_games import CLIMBING, make_game, matrix_table, meeting_game, random_game, random_policy
from small_stages import acted, always, copying, signals, staged

from coterie.diagnosis.closed_loop import closed_loop
from coterie.diagnosis.responses import response
from coterie.diagnosis.sights import about_teammates
from coterie.finite.histories import remember
from coterie.finite.solve import best_response, policy_value


def naming(game, share=1.0):
    """The first agent names what it is shown with some chance, else any; the second rests."""
    policy = always(game, 0, 0)
    for sight in range(game.actions[0]):
        policy[0, sight] = (1 - share) / game.actions[0]
        policy[0, sight, sight] += share
    return policy


@pytest.mark.parametrize("horizon", [1, 4])
def test_who_follows_the_signal_uses_it(horizon):
    game = signals(2, horizon)
    finding = closed_loop(staged(game, naming(game)), game)
    assert finding.verdict == "no"
    assert finding.value == pytest.approx(horizon / 2)  # shown any signal it is right every other time
    assert "agent_0 uses what it sees" in finding.sentence


@pytest.mark.parametrize("horizon", [1, 4])
def test_who_ignores_the_signal_is_found(horizon):
    game = signals(2, horizon)
    finding = closed_loop(staged(game, always(game, 1, 0)), game)
    assert finding.verdict == "yes"
    assert finding.value == 0.0
    assert f"reacting to it could earn {horizon / 2:.2f} more" in finding.sentence


def test_a_signal_that_says_nothing_may_be_ignored():
    game = signals(2, 3, told=0.0)
    assert best_response(game, always(game, 1, 0), 0) == 3.0  # of one who sees the state, which nobody does
    assert closed_loop(staged(game, always(game, 1, 0)), game).verdict == "no"


def test_where_there_is_one_thing_to_see_nothing_is_ignored():
    game = matrix_table(CLIMBING)
    finding = closed_loop(staged(game, always(game, 2, 2)), game)
    assert finding.verdict == "no"


def test_a_wrong_reaction_is_a_reaction():
    game = signals(2, 2)
    wrong = naming(game)
    wrong[0] = wrong[0][:, ::-1]
    finding = closed_loop(staged(game, wrong), game)
    assert finding.verdict == "no"
    assert finding.value == pytest.approx(-1.0)


@pytest.mark.parametrize("lights", [2, 4])
def test_who_looks_once_in_a_hundred_steps_ignores_what_it_sees(lights):
    """It rests by an action that is never right, and names the light once in a hundred steps: it earns 0.01 a step,
    shown any light 0.01 / lights, and could earn 1.
    """
    ways = {
        (light, (a, b)): [(1 / lights, after, float(a == light), False, a == light) for after in range(lights)]
        for light, a, b in product(range(lights), range(lights + 1), range(lights + 1))
    }
    seen = [((light,), (0,)) for light in range(lights)]
    game = make_game((lights + 1,) * 2, ways, seen, horizon=10, starts=[(1 / lights, at) for at in range(lights)])
    policy = always(game, lights, lights)
    policy[0, :lights] *= 0.99
    policy[0, range(lights), range(lights)] = 0.01
    finding = closed_loop(staged(game, policy), game)
    assert finding.verdict == "yes"
    assert finding.value == pytest.approx(0.1 - 0.1 / lights)
    assert f"hardly uses what it sees: shown something else, it earns {finding.value:.2f} less" in finding.sentence
    often = always(game, lights, lights)
    often[0, :lights] *= 0.7
    often[0, range(lights), range(lights)] = 0.3
    assert closed_loop(staged(game, often), game).verdict == "no"


def test_a_reaction_of_which_little_comes_is_told_as_it_is():
    """Of two actions the one that fits the light pays 0.02; the third pays 1 at two lights and costs 1 at the other."""
    paid = [[0.0, 0.02, 1.0], [0.02, 0.0, 1.0], [0.0, 0.0, -1.0]]
    ways = {
        (light, (a, b)): [(1 / 3, after, paid[light][a], False, False) for after in range(3)]
        for light, a, b in product(range(3), repeat=3)
    }
    game = make_game(
        (3, 3), ways, [((light,), (0,)) for light in range(3)], horizon=6, starts=[(1 / 3, at) for at in range(3)]
    )
    policy = always(game, 0, 0)
    policy[0, 0] = np.eye(3)[1]
    finding = closed_loop(staged(game, policy), game)
    assert finding.verdict == "no"
    assert 0.005 < finding.value < 0.2
    assert f"but little comes of it: shown something else, it earns {finding.value:.2f} less" in finding.sentence


def test_the_follower_who_does_not_follow():
    game = copying(3, 5)
    policy = always(game, 0, 0)
    policy[0, :] = 1 / 3
    finding = closed_loop(staged(game, policy), game)
    assert finding.verdict == "yes"
    assert finding.sentence.startswith("agent_1 ignores")


@pytest.mark.parametrize("seed", range(5))
def test_sampled_agents(seed):
    game = signals(2, 4)
    assert closed_loop(acted(game, naming(game), seed=seed), game).verdict == "no"
    assert closed_loop(acted(game, naming(game, 0.7), seed=seed), game).verdict == "no"
    assert closed_loop(acted(game, always(game, 1, 0), seed=seed), game).verdict == "yes"
    assert closed_loop(acted(game, naming(game), episodes=3, seed=seed), game).verdict == "cannot tell"


def test_sampled_agents_that_draw_blindly():
    """Chance may hide one of four behind a test at 5 %; none of them may be said to see."""
    game = signals(2, 8)
    verdicts = [closed_loop(acted(game, naming(game, 0.0), episodes=60, seed=seed), game).verdict for seed in range(4)]
    assert verdicts.count("yes") >= 3
    assert "no" not in verdicts


@pytest.mark.parametrize("seed", range(8))
def test_a_response_is_attained_and_no_better_than_seeing_all(seed):
    game = random_game(seed, states=4, horizon=4)
    policy = random_policy(game, seed)
    for agent in range(2):
        found = response(game, policy, agent)
        changed = policy.copy()
        changed[agent] = found.policy
        assert policy_value(game, changed).returns[agent] == pytest.approx(found.reacting)
        assert policy_value(game, policy).returns[agent] == pytest.approx(found.now)
        assert max(found.now, found.fixed) <= found.reacting + 1e-9
        assert found.reacting <= best_response(game, policy, agent) + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_a_response_is_nearly_the_best_of_all_reactions(seed):
    """All reactions without memory, one by one; improvement may stop early, which must be rare."""
    game = random_game(seed, states=4, sizes=(2, 2), horizon=4)
    policy = random_policy(game, seed)
    best = -np.inf
    for code in range(2**game.observation_count):
        changed = policy.copy()
        changed[0] = np.eye(2)[[code >> sight & 1 for sight in range(game.observation_count)]]
        best = max(best, policy_value(game, changed).returns[0])
    assert response(game, policy, 0).reacting == pytest.approx(best, abs=0.05)


def test_a_response_without_a_time_limit_is_refused():
    game = meeting_game()._replace(horizon=0)
    with pytest.raises(ValueError, match="time limit"):
        response(game, random_policy(game, 0), 0)
    assert closed_loop(staged(game, random_policy(game, 0)), game).verdict == "cannot tell"


def chasing(horizon=6):
    """On a ring of four the second agent wanders by itself; the first earns 1 where it stands in the same place, and a
    little at home, at 0.
    """
    places = list(product(range(4), repeat=2))
    ways = {}
    for at, (one, other) in enumerate(places):
        for a, b in product(range(3), repeat=2):
            moved = (one + a - 1) % 4
            ways[at, (a, b)] = [
                (
                    0.5,
                    places.index((moved, after)),
                    (float(moved == after) + 0.3 * (moved == 0), 0.0),
                    False,
                    moved == after,
                )
                for after in ((other + b - 1) % 4, (other + b) % 4)
            ]
    seen = [((one, other), (other, one)) for one, other in places]
    return make_game((3, 3), ways, seen, horizon=horizon, starts=[(1 / 16, at) for at in range(16)])


def test_which_numbers_are_about_teammates():
    game = meeting_game(sees="all")
    for agent in (0, 1):
        assert about_teammates(game, agent).tolist() == [False, False, True, True]
    assert about_teammates(meeting_game(), 0).tolist() == [False, False]
    assert about_teammates(chasing(), 0).tolist() == [False, True]


def test_who_looks_at_itself_only_ignores_its_teammates():
    game = chasing()
    policy = always(game, 1, 0)
    policy[0] = [np.eye(3)[{0: 1, 1: 0, 2: 0, 3: 2}[own]] for own, _ in game.observations[0].tolist()]  # home, and stay
    finding = closed_loop(staged(game, policy), game)
    assert finding.verdict == "yes"
    assert "agent_0 ignores what it sees of its teammates" in finding.sentence
    heeding = policy.copy()
    for row, (own, other) in enumerate(game.observations[0]):
        heeding[0, row] = np.eye(3)[0 if (other - own) % 4 in (3, 0) else 1 if (other - own) % 4 == 1 else 2]
    assert closed_loop(staged(game, heeding), game).verdict == "no"


def test_a_reaction_in_vain_is_no_ignorance():
    """Two agents run in a circle for ever: what they see moves them, though to be shown else would not help either."""
    game = meeting_game()
    around = always(game, 0, 0)
    around[0, :] = np.eye(4)[[1 if cell[1] else 0 for cell in game.observations[0].tolist()]]  # from side to side
    around[1, :] = np.eye(4)[0]
    finding = closed_loop(staged(game, around[[0, 0]]), game)
    assert finding.verdict == "no"


def shown_once():
    """A signal is shown at the first step alone; naming it pays at the first step and again at the second."""
    ways = {}
    for signal in (0, 1):
        for joint in product((0, 1), (0, 1)):
            right = float(joint[0] == signal)
            ways[signal, joint] = [(1.0, 2 + signal, right, False, False)]
            ways[2 + signal, joint] = [(1.0, 4, right, True, right > 0)]
    ways.update({(4, joint): [(1.0, 4, 0.0, True, False)] for joint in product((0, 1), (0, 1))})
    sights = [((0,), (0,)), ((1,), (1,)), ((2,), (2,)), ((2,), (2,)), ((3,), (3,))]
    return make_game((2, 2), ways, sights, starts=[(0.5, 0), (0.5, 1)], horizon=2)


def remembering(game, at_the_end):
    """The first agent names the signal at once; at the end it does `at_the_end(signal)`."""
    policy = np.zeros((2, game.observation_count, 2))
    for number, (*_, before, now) in enumerate(game.observations[0][:, :, 0].tolist()):
        policy[0, number, at_the_end(before) if now == 2 else now % 2] = 1
        policy[1, number, 0] = 1
    return policy


def test_who_forgets_what_it_saw_is_found_and_who_remembers_is_not():
    game = remember(shown_once(), 2)
    forgetful, mindful = remembering(game, lambda before: 0), remembering(game, lambda before: max(before, 0))
    assert policy_value(game, forgetful).returns[0] == pytest.approx(1.5)
    assert policy_value(game, mindful).returns[0] == pytest.approx(2.0)
    found = closed_loop(staged(game, forgetful), game, remember=True)
    assert found.verdict == "yes"
    assert "ignores what it remembers" in found.sentence
    assert "could earn 0.50 more" in found.sentence
    assert closed_loop(staged(game, mindful), game, remember=True).verdict == "no"
    assert closed_loop(staged(game, forgetful), game).verdict == "no"  # not asked about its memory
