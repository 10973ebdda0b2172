"""The exact layer against closed forms, published values, and slow definitions that share no code with it."""

import random
from itertools import product

import numpy as np
import pytest
from finite_games import (
    CLIMBING,
    LISTEN,
    MOVES,
    D,
    L,
    R,
    U,
    by_policy,
    falls,
    make_game,
    matrix_table,
    meeting_game,
    play_by_chance,
    random_game,
    random_policy,
    tiger,
    value_by_recursion,
    ways_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.finite.solve import (
    best_response,
    discounted_optimum,
    fixed_policy,
    greatest_success,
    greedy_policy,
    idle_policy,
    joint_action_count,
    optimal_play,
    optimum,
    policy_value,
    success_of_optimal_play,
    uniform_policy,
)

SEEDS = st.integers(0, 2**32)
SIZES = st.sampled_from([(2,), (2, 2), (3, 2), (2, 1, 2)])  # the last two have two kinds


def sight_number(game, agent, *seen):
    """The number of what an agent sees, from the observation."""
    first = 0
    for kind, values in zip(game.spec.kinds, game.observations, strict=True):
        if agent in kind.agents:
            return first + values.tolist().index(list(seen))
        first += len(values)
    raise AssertionError


def team_mean(value):
    return value[0].mean()


# The joint optimum


@pytest.mark.smoke
def test_the_shortest_meeting_takes_four_steps_and_earns_7():
    best = optimum(meeting_game())
    assert best.value == 7.0
    assert best.start_values.tolist() == [7.0]
    assert best.objective == "undiscounted, within 20 steps"
    assert best.policy.shape == (20, 625)


def test_the_discounted_meeting_is_worth_what_paper_says():
    best = discounted_optimum(meeting_game(), 0.9)
    assert best.value == pytest.approx(-1 - 0.9 - 0.81 + 0.729 * 10, abs=1e-9)  # 4.580
    assert best.objective == "discounted by 0.9, no time limit"


@pytest.mark.parametrize("horizon, worth", [(1, -1.0), (3, -3.0), (4, 7.0), (5, 7.0), (20, 7.0)])
def test_the_time_limit_decides_whether_meeting_can_be_had(horizon, worth):
    assert optimum(meeting_game(horizon=horizon)).value == worth


def test_every_start_has_its_own_optimum():
    # The fewest steps to a meeting, by growing the set of pairs from which it takes at most so many.
    cells = list(product(range(5), repeat=2))
    moves = [{(min(max(r + x, 0), 4), min(max(c + y, 0), 4)) for x, y in MOVES} for r, c in cells]
    steps, reached = {}, {(cell, cell) for cell in cells}
    for count in range(1, 21):
        for a, b in product(range(25), repeat=2):
            if (cells[a], cells[b]) not in reached and not reached.isdisjoint(product(moves[a], moves[b])):
                steps[a, b] = count
        reached |= {(cells[a], cells[b]) for a, b in steps}
    game = meeting_game(random_starts=True)
    best = optimum(game)
    expected = [11 - steps[tuple(game.states[start].tolist())] for start in game.start_state]
    assert best.start_values.tolist() == expected
    assert best.value == pytest.approx(np.mean(expected), abs=1e-12)


# facts.md 1: both are paid 1 for coming closer. From distance 8 a wall lets one agent wait, so seven steps can be paid,
# and from distance 1 there is for ever 0 (apart by 2), 1, 1. Or they meet in the eighth step.
CLOSING = (1 - 0.9**7) / 0.1
CIRCLING = CLOSING + 0.9**7 * (0.9 + 0.81) / (1 - 0.9**3)


@pytest.mark.parametrize(
    "prize, worth, shown, succeeds",
    [
        (1, CIRCLING, 8.235, 0.0),
        (6, CIRCLING, 8.235, 0.0),
        (8, CLOSING + 0.9**7 * 8, 9.043, 1.0),
        (10, CLOSING + 0.9**7 * 10, 10.000, 1.0),
    ],
)
def test_prizes_for_coming_closer(prize, worth, shown, succeeds):
    game = meeting_game(meet=prize, step=0.0, closer=1.0)
    best = discounted_optimum(game, 0.9)
    assert best.value == pytest.approx(worth, abs=1e-9)
    assert round(best.value, 3) == shown
    assert success_of_optimal_play(game, 0.9) == (succeeds, succeeds)
    edges, _ = optimal_play(game, best, steps=40)
    assert (len(edges), game.success[edges].any()) == ((8, True) if succeeds else (40, False))


def test_the_plain_reward_is_met_by_every_optimal_play():
    assert success_of_optimal_play(meeting_game(), 0.9) == (1.0, 1.0)


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_the_optimum_is_the_best_of_all_joint_policies(seed):
    game = random_game(seed, states=2, sizes=(2, 2), horizon=2)
    best = -np.inf
    for plan in product(range(4), repeat=4):  # a joint action for each time and state
        value = value_by_recursion(game, lambda time, state, plan=plan: [(1.0, plan[2 * time + state])], 2)
        best = max(best, team_mean(value))
    assert optimum(game).value == pytest.approx(best, abs=1e-12)


@given(seed=SEEDS, discount=st.sampled_from([0.0, 0.5, 0.9, 0.99]))
@settings(max_examples=10, deadline=None)
def test_the_discounted_optimum_is_the_best_of_all_stationary_policies(seed, discount):
    game = random_game(seed, states=3, sizes=(2, 2), horizon=0)
    best = np.full(3, -np.inf)
    for plan in product(range(4), repeat=3):
        step, reward = np.zeros((3, 3)), np.zeros(3)
        for state, joint in enumerate(plan):
            for probability, after, earned, ended, _ in ways_of(game, state, joint):
                reward[state] += probability * earned.mean()
                step[state, after] += probability * (not ended)
        best = np.maximum(best, np.linalg.solve(np.eye(3) - discount * step, reward))
    found = discounted_optimum(game, discount)
    error = 1.01e-12 * max(1, np.abs(best).max()) / (1 - discount)
    assert found.value == pytest.approx(game.start_probability @ best[game.start_state], abs=error, rel=1e-13)
    assert found.policy.shape == (1, 3)


def test_an_optimum_needs_a_time_limit_or_a_discount():
    endless = random_game(0, horizon=0)
    with pytest.raises(ValueError, match="no undiscounted optimum"):
        optimum(endless)
    with pytest.raises(ValueError, match="discount below 1"):
        discounted_optimum(endless, 1.0)
    with pytest.raises(ValueError, match="give a horizon"):
        best_response(endless, uniform_policy(endless), 0)


def test_one_mind_that_sees_the_tiger_opens_the_other_door():
    game = tiger(horizon=5)
    assert optimum(game).value == pytest.approx(5 * 20.0)
    assert discounted_optimum(game, 0.5).value == pytest.approx(20.0 / 0.5)


def test_an_optimal_play_is_a_way_through_the_table():
    game = meeting_game()
    edges, actions = optimal_play(game, optimum(game))
    assert game.reward[edges].mean(1).tolist() == [-1, -1, -1, 10]
    cells = [(0, 0), (4, 4)]
    for joint in actions.tolist():
        for agent, action in enumerate(joint):
            down, right = {R: (0, 1), L: (0, -1), D: (1, 0), U: (-1, 0)}[action]
            row, column = cells[agent]
            cells[agent] = min(max(row + down, 0), 4), min(max(column + right, 0), 4)
    assert cells[0] == cells[1]
    stopped = optimal_play(game, optimum(game), steps=2)
    assert (stopped[0].tolist(), stopped[1].tolist()) == (edges[:2].tolist(), actions[:2].tolist())


def test_an_optimal_play_starts_where_it_is_told_to():
    game = meeting_game(random_starts=True)
    best = optimum(game)
    for start in (0, 100, 599):
        edges, _ = optimal_play(game, best, start=start)
        assert game.reward[edges, 0].sum() == best.start_values[start]


def test_an_optimal_play_follows_the_likeliest_way():
    game = make_game((1,), {(0, (0,)): [(0.3, 0, 1.0, True, True), (0.7, 0, 2.0, False, False)]}, [((0,),)], horizon=5)
    assert optimal_play(game, optimum(game))[0].tolist() == [1] * 5


def test_an_optimal_play_knows_how_much_time_is_left():
    # Waiting pays 1 a step and leaving pays 3 and ends it: wait until the last step, then leave.
    ways = {(0, (0,)): [(1.0, 0, 1.0, False, False)], (0, (1,)): [(1.0, 0, 3.0, True, True)]}
    game = make_game((2,), ways, [((0,),)], horizon=4)
    assert optimum(game).value == 6.0
    assert optimal_play(game, optimum(game))[1].tolist() == [[0], [0], [0], [1]]


# Success


def test_equally_good_plays_can_differ_in_whether_they_succeed():
    ways = {(0, (0,)): [(1.0, 0, 5.0, True, True)], (0, (1,)): [(1.0, 0, 5.0, True, False)]}
    game = make_game((2,), ways, [((0,),)], horizon=1)
    assert success_of_optimal_play(game, 0.9) == (0.0, 1.0)


def test_a_tie_that_only_delays_success_for_ever_can_avoid_it():
    # Waiting earns 1 a step for ever, worth 10; leaving pays 10 and succeeds: with discount 0.9 these tie.
    ways = {(0, (0,)): [(1.0, 0, 1.0, False, False)], (0, (1,)): [(1.0, 0, 10.0, True, True)]}
    game = make_game((2,), ways, [((0,),)], horizon=0)
    assert success_of_optimal_play(game, 0.9) == (0.0, 1.0)
    assert success_of_optimal_play(game, 0.89) == (1.0, 1.0)
    assert success_of_optimal_play(game, 0.91) == (0.0, 0.0)
    assert greatest_success(game) == 1.0


def test_chance_limits_success_and_an_ending_without_it_is_final():
    ways = {(0, (0,)): [(0.25, 0, 1.0, True, True), (0.25, 0, 0.0, True, False), (0.5, 0, 0.0, False, False)]}
    game = make_game((1,), ways, [((0,),)], horizon=0)
    least, most = success_of_optimal_play(game, 0.9)
    assert least == pytest.approx(0.5, abs=1e-9)
    assert most == least == pytest.approx(greatest_success(game), abs=1e-12)


def test_the_greatest_success_does_not_care_what_it_earns():
    game = meeting_game(meet=1, step=0.0, closer=1.0)
    assert success_of_optimal_play(game, 0.9) == (0.0, 0.0)
    assert greatest_success(game) == 1.0
    assert greatest_success(meeting_game(size=1, random_starts=False)) == 0.0  # they stand together and never meet


# The value of a policy


@pytest.mark.parametrize("chance, horizon", [(1.0, 4), (0.5, 1), (0.25, 6), (0.1, 50)])
def test_waiting_for_a_coin_has_a_closed_form(chance, horizon):
    ways = {(0, (0,)): [(chance, 0, 7.0, True, True)] + [(1 - chance, 0, -1.0, False, False)] * (chance < 1)}
    game = make_game((1,), ways, [((0,),)], horizon=horizon)
    value = policy_value(game, uniform_policy(game))
    comes = 1 - (1 - chance) ** horizon
    assert value.success == pytest.approx(comes, abs=1e-12)
    assert value.ended == pytest.approx(comes, abs=1e-12)
    assert value.steps == pytest.approx(comes / chance, abs=1e-12)
    assert value.returns == pytest.approx([7 * comes - (comes / chance - comes)], abs=1e-12)


def test_success_is_counted_once_and_does_not_end_the_episode():
    ways = {(0, (0,)): [(1.0, 0, 1.0, False, True)]}
    game = make_game((1,), ways, [((0,),)], horizon=5)
    value = policy_value(game, uniform_policy(game))
    assert (value.returns.tolist(), value.success, value.ended, value.steps) == ([5.0], 1.0, 0.0, 5.0)
    assert policy_value(game, uniform_policy(game), horizon=2).steps == 2.0


@given(seed=SEEDS, sizes=SIZES, horizon=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_the_value_of_any_policy_is_the_definitions(seed, sizes, horizon):
    game = random_game(seed, sizes=sizes, horizon=horizon)
    policy = random_policy(game, seed)
    value = policy_value(game, policy)
    returns, success, ended, steps = value_by_recursion(game, by_policy(game, policy), horizon)
    assert value.returns == pytest.approx(returns, abs=1e-12)
    assert (value.success, value.ended, value.steps) == pytest.approx((success, ended, steps), abs=1e-12)


def test_the_value_is_what_episodes_earn_on_average():
    game = random_game(5, horizon=4, endings=0.1)
    policy = random_policy(game, 5)
    value, numbers, episodes = policy_value(game, policy), random.Random(1), 4_000
    choose = by_policy(game, policy)
    played = [play_by_chance(game, choose, numbers) for _ in range(episodes)]
    for exact, drawn in [
        (value.returns[0], [play[0][0] for play in played]),
        (value.returns[1], [play[0][1] for play in played]),
        (value.success, [play[1] for play in played]),
        (value.ended, [play[2] for play in played]),
        (value.steps, [play[3] for play in played]),
    ]:
        assert np.mean(drawn) == pytest.approx(exact, abs=5 * np.std(drawn) / episodes**0.5 + 1e-12)


def test_a_game_of_chance_can_last_as_long_as_it_takes():
    ways = {(0, (0,)): [(0.5, 0, -1.0, False, False), (0.5, 0, 10.0, True, True)]}
    value = policy_value(make_game((1,), ways, [((0,),)], horizon=0), np.ones((1, 1, 1)))
    assert (value.returns[0], value.steps) == pytest.approx((9.0, 2.0), abs=1e-9)


def test_random_play_of_dec_tiger_is_the_published_value_a_step():
    value = policy_value(tiger(horizon=1), uniform_policy(tiger(horizon=1)))
    assert value.returns == pytest.approx([-416 / 9] * 2, abs=1e-12)  # -46.22 in the literature
    assert policy_value(tiger(horizon=3), uniform_policy(tiger(horizon=3))).returns[0] == pytest.approx(-416 / 3)


@pytest.mark.parametrize("horizon, worth", [(2, -4.0), (3, 5.190812)])
def test_the_best_plans_for_dec_tiger_earn_the_published_optimum(horizon, worth):
    # Listen; in the third step open the door behind which nothing was heard, twice (masplan.org: -4 and 5.190812).
    game = tiger(horizon=horizon, memory=2)
    actions = np.full((2, game.observation_count), LISTEN)
    for agent, heard in product((0, 1), (1, 2)):
        actions[agent, sight_number(game, agent, heard, heard)] = 3 - heard
    assert policy_value(game, fixed_policy(game, actions)).returns == pytest.approx([worth] * 2, abs=1e-6)


def test_idle_play_of_the_meeting_game_never_meets():
    value = policy_value(meeting_game(), idle_policy(meeting_game()))  # both always R: one slides, one stands
    assert (value.returns.tolist(), value.success, value.steps) == ([-20.0, -20.0], 0.0, 20.0)


def test_random_play_of_the_meeting_game():
    # The distribution over the cells of both, step by step, without any table.
    moves = {}
    for row, column in product(range(5), repeat=2):
        places = [(row, column + 1), (row, column - 1), (row + 1, column), (row - 1, column)]
        moves[row, column] = [(min(max(r, 0), 4), min(max(c, 0), 4)) for r, c in places]
    apart, worth, met = {((0, 0), (4, 4)): 1.0}, 0.0, 0.0
    for _ in range(20):
        after = {}
        for (a, b), chance in apart.items():
            for pair in product(moves[a], moves[b]):
                if pair[0] == pair[1]:
                    worth, met = worth + chance / 16 * 10, met + chance / 16
                else:
                    worth -= chance / 16
                    after[pair] = after.get(pair, 0.0) + chance / 16
        apart = after
    value = policy_value(meeting_game(), uniform_policy(meeting_game()))
    assert value.returns == pytest.approx([worth, worth], abs=1e-9)
    assert value.success == pytest.approx(met, abs=1e-12)
    assert round(worth, 2) == -15.84


# Policies


def shortest_tables():
    """Q-tables of two agents that walk right, right, down, down and left, left, up, up."""
    game = meeting_game()
    q = np.zeros((2, game.observation_count, 4))
    for agent, way in enumerate([[(0, 0), (0, 1), (0, 2), (1, 2)], [(4, 4), (4, 3), (4, 2), (3, 2)]]):
        for cell, action in zip(way, [(R, R, D, D), (L, L, U, U)][agent], strict=True):
            q[agent, sight_number(game, agent, *cell), action] = 1.0
    return game, q


def test_epsilon_greedy_play_lies_between_greedy_and_random_play():
    game, q = shortest_tables()
    worth = [policy_value(game, greedy_policy(game, q, epsilon)).returns.mean() for epsilon in np.linspace(0, 1, 6)]
    assert worth[0] == 7.0
    assert worth[-1] == pytest.approx(policy_value(game, uniform_policy(game)).returns.mean(), abs=1e-12)
    assert falls(worth)


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5, 1.0])
def test_epsilon_mixes_greedy_and_random_play(epsilon):
    game = matrix_table(CLIMBING)
    q = np.array([[[0.0, 2.0, 1.0]], [[3.0, 0.0, 3.0]]])  # b against a, the first of two best
    mix = np.full((2, 3), epsilon / 3) + (1 - epsilon) * np.array([[0, 1, 0], [1, 0, 0]])
    expected = mix[0] @ np.array(CLIMBING) @ mix[1]
    assert policy_value(game, greedy_policy(game, q, epsilon)).returns == pytest.approx([expected] * 2, abs=1e-12)


def test_a_policy_never_takes_an_action_that_the_agent_has_not():
    game = random_game(0, sizes=(3, 2))
    q = np.broadcast_to([0.0, 1.0, 9.0], (2, game.observation_count, 3))
    for policy in (greedy_policy(game, q, 0.3), uniform_policy(game), idle_policy(game)):
        assert policy.shape == q.shape
        assert (policy[1, :, 2] == 0).all()
        assert policy.sum(2) == pytest.approx(np.ones(q.shape[:2]), abs=1e-12)
    assert greedy_policy(game, q).argmax(2)[:, 0].tolist() == [2, 1]


def test_one_common_table_is_everybodys():
    game = meeting_game()
    q = np.random.default_rng(0).normal(size=(1, game.observation_count, 4))
    assert (greedy_policy(game, q) == greedy_policy(game, np.concatenate([q, q]))).all()


# Best responses


def pure(game, *actions):
    return fixed_policy(game, np.array(actions)[:, None])


@pytest.mark.parametrize(
    "actions, worth, responses",
    [((2, 2), 5, (6, 5)), ((1, 1), 7, (7, 7)), ((0, 0), 11, (11, 11)), ((0, 1), -30, (7, 11))],
)
def test_best_responses_in_climbing(actions, worth, responses):
    # facts.md 8: at (c, c) the row agent gains 1 of the 6 that are missing; (b, b) is an equilibrium 4 below the best.
    game = matrix_table(CLIMBING)
    policy = pure(game, *actions)
    assert policy_value(game, policy).returns.tolist() == [worth, worth]
    assert tuple(best_response(game, policy, agent) for agent in (0, 1)) == responses
    assert optimum(game).value == 11


def test_who_sees_the_tiger_beside_a_listener_opens_the_other_door():
    game = tiger(horizon=4)
    assert best_response(game, pure(game, LISTEN, LISTEN), 0) == pytest.approx(4 * 9.0)


@given(seed=SEEDS, sizes=SIZES)
@settings(max_examples=10, deadline=None)
def test_a_best_response_is_the_best_of_all_answers_that_see_the_state(seed, sizes):
    game = random_game(seed, states=2, sizes=sizes, horizon=2)
    policy, agent = random_policy(game, seed), 0
    best = -np.inf
    joint_actions = list(product(*map(range, game.actions)))
    for plan in product(range(game.actions[agent]), repeat=4):

        def choose(time, state, plan=plan):
            chances = []
            for joint, actions in enumerate(joint_actions):
                chance = float(actions[agent] == plan[2 * time + state])
                for other in range(1, len(actions)):
                    chance *= policy[other, game.seen[state, other], actions[other]]
                chances.append((chance, joint))
            return [pair for pair in chances if pair[0] > 0]

        best = max(best, value_by_recursion(game, choose, 2)[0][agent])
    assert best_response(game, policy, agent) == pytest.approx(best, abs=1e-12)


def test_the_game_counts_its_own_parts():
    game = random_game(0, sizes=(3, 2, 3))
    assert game.actions == (3, 2, 3)
    assert game.joint_actions.tolist() == [list(actions) for actions in product(range(3), range(2), range(3))]
    assert joint_action_count(game) == 18
    assert game.observation_count == len(game.observations[0]) + len(game.observations[1])
    assert meeting_game().deterministic
    assert not tiger(horizon=1).deterministic
