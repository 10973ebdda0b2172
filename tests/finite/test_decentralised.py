"""The optimum of decentralised play against published values, and against trying every joint policy."""

import time

import numpy as np
import pytest
from dec_pomdps import follows, grid_small, recycling, value_by_histories, ways_through
from finite_games import CLIMBING, matrix_table, meeting_game, random_game, random_policy, tiger

from coterie.finite import decentralised
from coterie.finite.beliefs import best_response_value
from coterie.finite.decentralised import decentralised_optimum
from coterie.finite.solve import best_response, fixed_policy, optimum, policy_value, uniform_policy

# MADP toolbox, problem database (masplan.org), undiscounted.
PUBLISHED = [
    (tiger, 2, -4.0),
    (tiger, 3, 5.190812),
    (tiger, 4, 4.802755),
    (recycling, 2, 7.0),
    (recycling, 3, 10.660125),
    (recycling, 4, 13.38),
    (recycling, 5, 16.486),
    (grid_small, 2, 0.91),
    (grid_small, 3, 1.550444),
    (grid_small, 4, 2.241577),
]


def as_certain(policies):
    return [{history: {action: 1.0} for history, action in policy.items()} for policy in policies]


@pytest.mark.parametrize(("make", "horizon", "expected"), PUBLISHED)
def test_published_values(make, horizon, expected):
    began = time.perf_counter()
    game = make(horizon)
    found = decentralised_optimum(game)
    assert found.value == pytest.approx(expected, abs=6e-7)
    assert found.value <= optimum(game).value + 1e-9
    assert time.perf_counter() - began < 5
    # the policies that come with it are worth it, each agent acting on what it saw alone
    assert value_by_histories(game, as_certain(found.policies), horizon) == pytest.approx([found.value] * 2)


def best_of_all(game, horizon):
    """The greatest team-mean value over every pair of deterministic policies by history."""
    ways = ways_through(game, horizon)
    worth = np.array([chance * reward.mean() for chance, _, reward in ways])
    one, other = (follows(ways, agent, game.actions[agent]) for agent in range(2))
    return (one @ (worth * other).T).max()


@pytest.mark.parametrize("seed", range(30))
def test_two_steps_against_every_joint_policy(seed):
    game = random_game(seed, horizon=2, branches=2)
    found = decentralised_optimum(game)
    assert found.value == pytest.approx(best_of_all(game, 2))
    if found.policies is not None:
        assert np.mean(value_by_histories(game, as_certain(found.policies), 2)) == pytest.approx(found.value)


@pytest.mark.parametrize("seed", range(6))
def test_three_steps_against_every_joint_policy(seed):
    """The second agent is blind, so that all policies can be tried."""
    game = random_game(seed + 100, states=2, horizon=3, branches=2, endings=0.1)
    seen = game.seen.copy()
    seen[:, 1] = seen[0, 1]
    game = game._replace(seen=seen)
    found = decentralised_optimum(game)
    assert found.value == pytest.approx(best_of_all(game, 3))
    assert np.mean(value_by_histories(game, as_certain(found.policies), 3)) == pytest.approx(found.value)


@pytest.mark.parametrize("seed", range(5))
def test_three_agents_against_every_joint_policy(seed):
    game = random_game(seed + 50, sizes=(2, 3, 2), horizon=2, starts=1, states=2, branches=2)
    seen = game.seen.copy()
    seen[:, 1:] = seen[0, 1:]
    game = game._replace(seen=seen)
    ways = ways_through(game, 2)
    worth = np.array([chance * reward.mean() for chance, _, reward in ways])
    each = [follows(ways, agent, game.actions[agent]) for agent in range(3)]
    assert decentralised_optimum(game).value == pytest.approx(np.einsum("iw,jw,kw,w->ijk", *each, worth).max())


@pytest.mark.parametrize("make", [tiger, recycling])
def test_merging_histories_loses_nothing(make, monkeypatch):
    """With every history kept apart the value is the same."""
    game = make(3)
    merged = decentralised_optimum(game)
    monkeypatch.setattr(decentralised, "_alike", lambda rows: np.arange(len(rows)))
    assert decentralised_optimum(game).value == pytest.approx(merged.value)


def test_merging_too_much_is_found_out(monkeypatch):
    """The negative control: an agent that forgets all it saw is worth less."""
    monkeypatch.setattr(decentralised, "_alike", lambda rows: np.zeros(len(rows), int))
    assert decentralised_optimum(tiger(3)).value == pytest.approx(-6.0)


def test_certain_games_are_planned_by_heart():
    found = decentralised_optimum(meeting_game())
    assert found.value == 7.0
    assert found.nodes == 0
    assert [len(policy) for policy in found.policies] == [4, 4]
    assert value_by_histories(meeting_game(), as_certain(found.policies), 4) == [7.0, 7.0]


def test_where_everybody_sees_the_state_it_is_the_joint_optimum():
    game = meeting_game(3, horizon=6, sees="both", random_starts=True)
    found = decentralised_optimum(game)
    assert found.policies is None
    assert found.value == optimum(game).value
    assert decentralised_optimum(matrix_table(CLIMBING)).value == 11


def test_what_agents_do_not_see_costs():
    """The tiger's side is worth 20 a step to one who sees it; two who hear it alone can only listen twice."""
    assert optimum(tiger(2)).value == pytest.approx(40.0)
    assert decentralised_optimum(tiger(2)).value == pytest.approx(-4.0)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("agent", [0, 1])
def test_a_best_response_against_all_policies_of_one_agent(seed, agent):
    game = random_game(seed, horizon=2, branches=2)
    policy, other = random_policy(game, seed), 1 - agent
    ways = ways_through(game, 2)
    chances = [
        chance * np.prod([policy[other, history[-1], action] for history, action in steps[other]])
        for chance, steps, _ in ways
    ]
    own = follows(ways, agent, game.actions[agent])
    for kind, paid in (("own", lambda reward: reward[agent]), ("team-mean", np.mean)):
        worth = np.array([chance * paid(reward) for chance, (_, _, reward) in zip(chances, ways, strict=True)])
        assert best_response_value(game, policy, agent, reward=kind) == pytest.approx((own @ worth).max())


@pytest.mark.parametrize("make", [tiger, recycling, grid_small])
def test_a_best_response_lies_between_the_policy_and_seeing_all(make):
    game = make(3)
    policy = uniform_policy(game)
    found = best_response_value(game, policy, 0)
    assert policy_value(game, policy).returns[0] < found <= best_response(game, policy, 0) + 1e-9


def test_listening_alone_is_answered_by_listening():
    """Against a partner who always listens: open after two equal sounds, or never? By hand for two steps: listen."""
    game = tiger(2)
    always = fixed_policy(game, np.zeros((2, 1), int))
    assert best_response_value(game, always, 0) == pytest.approx(-4.0)  # opening earns .85 * 9 + .15 * -101 = -7.5


@pytest.mark.parametrize(
    ("game", "words"),
    [
        (meeting_game(3, horizon=6, random_starts=True), "step 1 has .* joint decision rules to try .9, 9 distinct"),
        (tiger(6), "step 5 has 43,046,721 joint decision rules"),
    ],
)
def test_what_is_too_large_is_refused_with_the_count(game, words):
    with pytest.raises(ValueError, match=words):
        decentralised_optimum(game)


def test_effort_is_limited_and_told():
    looked = []
    decentralised_optimum(tiger(4), on_node=looked.append)
    assert looked == list(range(1, len(looked) + 1))
    with pytest.raises(ValueError, match="more than 100 joint decision rules would have to be weighed over 4 steps"):
        decentralised_optimum(tiger(4), effort=100)


def test_a_game_without_a_limit_is_refused():
    for refuse in (decentralised_optimum, lambda game: best_response_value(game, uniform_policy(game), 0)):
        with pytest.raises(ValueError, match="give a horizon"):
            refuse(tiger(2)._replace(horizon=0))
