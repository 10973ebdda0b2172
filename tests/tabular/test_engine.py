"""The compiled learner is the lesson's agent, is the slow learner, and does what its equations say by hand."""

from dataclasses import replace

import numba
import numpy as np
import pytest
from finite_games import make_game, meeting_game, random_game, tiger
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_learner import MASKED, TUTORIAL, learn_slowly, stream, train

from coterie import lesson
from coterie.finite.formats import from_bytes, to_bytes
from coterie.finite.solve import greedy_policy, policy_value
from coterie.settings import PRESETS, TabularOptions
from coterie.tabular.engine import pick, scheduled
from coterie.tabular.learn import advance, as_rule, as_table, greedy_outcomes, greedy_play, new_teams
from coterie.tabular.streams import CHECKING, stream_keys, uniform

TEAMS = 20


def one_shot(*rewards, chances=None, after=0, horizon=1):
    """One agent, one decision: an action for each reward; or, with chances, one action and what comes of it."""
    if chances is None:
        ways = {(0, (action,)): [(1.0, after, reward, True, False)] for action, reward in enumerate(rewards)}
    else:
        ways = {(0, (0,)): [(chance, 0, r, True, False) for chance, r in zip(chances, rewards, strict=True)]}
    return make_game((len(ways),), ways, [((0,),)], horizon=horizon)


def chi_square(counts, chances):
    expected = np.array(chances) * np.sum(counts)
    return ((np.array(counts) - expected) ** 2 / expected).sum()


# The lesson's agent and the engine are one and the same


def lesson_tables(team, episodes, mask):
    """Two of the lesson's agents who learned from one team's random numbers, as the engine's tables."""
    numbers, game = stream(team), meeting_game()
    agents = [lesson.QAgent(random=numbers) for _ in range(2)]
    lesson.train(agents, episodes, terminal_mask=mask)
    q = np.zeros((2, game.observation_count, 4))
    for row, cell in enumerate(game.observations[0].tolist()):
        for agent in (0, 1):
            q[agent, row] = agents[agent].table.get(tuple(cell), [0.0] * 4)
    return q, numbers.count


@pytest.mark.parametrize("mask, episodes", [(False, 1_000), (True, 400)])
def test_the_lessons_tables_and_the_engines_are_identical(mask, episodes):
    options = replace(TUTORIAL, terminal_mask=mask)
    teams = train(meeting_game(), options, episodes=episodes, teams=TEAMS)
    for team in range(TEAMS):
        q, draws = lesson_tables(team, episodes, mask)
        assert (teams.q[team] == q).all()
        assert teams.progress.draws[team] == draws
        assert (teams.q[team] != 0).sum() > 100  # something was learned


def test_that_identity_would_notice_the_smallest_difference():
    teams = train(meeting_game(), TUTORIAL, episodes=200, teams=2)
    q, _ = lesson_tables(0, 200, mask=False)
    assert (teams.q[0] == q).all()
    assert (teams.q[1] != q).any()  # other random numbers
    assert (teams.q[0] != lesson_tables(0, 200, mask=True)[0]).any()  # one forgotten mask
    assert (train(meeting_game(), TUTORIAL, episodes=199, teams=1).q[0] != q).any()  # one episode less
    nearly = replace(TUTORIAL, learning_rate=np.nextafter(0.1, 1.0))
    assert (train(meeting_game(), nearly, episodes=200, teams=1).q[0] != q).any()  # the last bit of the learning rate


def test_the_tutorial_preset_is_the_lesson():
    assert TabularOptions(**PRESETS["tutorial"].options) == TUTORIAL
    agent = lesson.QAgent()
    assert (agent.learning_rate, agent.discount, agent.epsilon) == (
        TUTORIAL.learning_rate,
        TUTORIAL.discount,
        TUTORIAL.epsilon,
    )


# The slow learner and the engine are one and the same

OPTIONS = st.builds(
    TabularOptions,
    learning_rate=st.sampled_from([0.1, 0.5, 1.0]),
    learning_rate_end=st.sampled_from([-1.0, 0.0, 0.05]),
    hysteresis=st.sampled_from([1.0, 0.1, 0.3]),
    discount=st.sampled_from([0.0, 0.9, 1.0]),
    epsilon=st.sampled_from([0.0, 0.3, 1.0]),
    epsilon_end=st.sampled_from([0.0, 0.2]),
    epsilon_decay=st.sampled_from([0.0, 0.5, 1.0]),
    ties=st.sampled_from(["first", "random"]),
    terminal_mask=st.booleans(),
    initial_value=st.sampled_from([0.0, -1.0, 2.0]),
    share_experience=st.sampled_from(["none", "pooled"]),
    share_parameters=st.booleans(),
)


@given(seed=st.integers(0, 2**32), options=OPTIONS, sizes=st.sampled_from([(3,), (2, 2), (3, 3, 3), (2, 3)]))
@settings(max_examples=60, deadline=None)
def test_any_game_is_learned_as_the_equations_say(seed, options, sizes):
    game = random_game(seed, sizes=sizes, horizon=4, starts=1 + seed % 3)
    if len(set(sizes)) > 1:
        options = replace(options, share_experience="none", share_parameters=False)
    teams = train(game, options, episodes=12, teams=2, seed=seed % 1_000)
    for team in range(2):
        numbers = stream(team, seed % 1_000)
        slow = learn_slowly(game, options, 12, numbers)
        assert np.array_equal(teams.q[team], slow)
        assert teams.progress.draws[team] == numbers.count


def test_a_noisy_game_is_learned_as_the_equations_say():
    options = replace(MASKED, ties="random", epsilon=0.5, epsilon_decay=1.0, epsilon_end=0.0)
    game = tiger(horizon=3, memory=2)
    teams = train(game, options, episodes=150, teams=2)
    for team in range(2):
        assert np.array_equal(teams.q[team], learn_slowly(game, options, 150, stream(team)))


# By hand


def test_schedules_are_lines():
    assert [scheduled(1.0, 0.0, 4.0, episode) for episode in range(6)] == [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    assert [scheduled(0.5, 2.0, 0.0, episode) for episode in (0, 7)] == [0.5, 0.5]
    assert scheduled(0.25, 0.75, 2.5, 2) == pytest.approx(0.25 + 0.5 * 0.8)


def test_the_learning_rate_follows_its_schedule():
    game, options = one_shot(1.0), replace(MASKED, learning_rate=0.5, learning_rate_end=0.0, epsilon=0.0)
    q = 0.0
    for episode in range(10):
        q += 0.5 * (1 - episode / 10) * (1.0 - q)
    assert train(game, options, episodes=10, teams=1).q.item() == pytest.approx(q, abs=1e-15)
    kept = 1 - 0.5**10
    assert train(game, replace(options, learning_rate_end=-1.0), episodes=10, teams=1).q.item() == pytest.approx(kept)


def test_exploration_follows_its_schedule():
    options = replace(MASKED, epsilon=1.0, epsilon_end=0.0, epsilon_decay=0.5)
    teams = train(one_shot(1.0, 2.0), options, episodes=2_000, teams=400)
    # While epsilon is above 0 an episode costs one draw, and another where it explores: sum of 1 - e / 1000.
    explored = teams.progress.draws.astype(float) - 1_000
    spread = (np.arange(1_000) / 1_000 * (1 - np.arange(1_000) / 1_000)).sum() ** 0.5
    assert explored.mean() == pytest.approx(500.5, abs=4 * spread / 400**0.5)
    assert explored.std() == pytest.approx(spread, rel=0.2)


def test_good_news_is_learned_faster_than_bad():
    # One sight, and +1 and -1 in turn: 0 -> .5 -> .5 - .1 * 1.5 = .35 -> .675 -> .5075
    ways = {(0, (0,)): [(1.0, 1, 1.0, False, False)], (1, (0,)): [(1.0, 0, -1.0, False, False)]}
    game = make_game((1,), ways, [((0,),), ((0,),)], horizon=4)
    options = replace(MASKED, learning_rate=0.5, hysteresis=0.2, discount=0.0, epsilon=0.0)
    assert train(game, options, episodes=1, teams=1).q.item() == pytest.approx(0.5075, abs=1e-12)
    even = replace(options, hysteresis=1.0)  # 0 -> .5 -> -.25 -> .375 -> -.3125
    assert train(game, even, episodes=1, teams=1).q.item() == pytest.approx(-0.3125, abs=1e-12)


def test_bad_news_is_learned_slower_only_where_it_is_bad():
    options = replace(MASKED, learning_rate=0.5, hysteresis=0.2, epsilon=0.0, initial_value=1.0)
    assert train(one_shot(3.0), options, episodes=1, teams=1).q.item() == 2.0
    assert train(one_shot(1.0), options, episodes=1, teams=1).q.item() == 1.0
    assert train(one_shot(0.0), options, episodes=1, teams=1).q.item() == pytest.approx(0.9)


def test_down_steps_fall_with_the_schedule_of_the_up_steps():
    options = replace(MASKED, learning_rate=0.5, learning_rate_end=0.0, hysteresis=0.2, epsilon=0.0, initial_value=1.0)
    assert train(one_shot(0.0), options, episodes=2, teams=1).q.item() == pytest.approx((1 - 0.1) * (1 - 0.05))


@pytest.mark.parametrize("ends, worth", [(True, 1.0), (False, 10.0)])
def test_a_time_limit_is_bootstrapped_over_and_an_ending_is_not(ends, worth):
    # SB3's control: 1 a step. If it ends, it is worth 1; if only the time limit of 8 steps cuts it, 1 / (1 - 0.9).
    game = make_game((1,), {(0, (0,)): [(1.0, 0, 1.0, ends, False)]}, [((0,),)], horizon=8)
    options = replace(MASKED, learning_rate=1.0, epsilon=0.0)
    assert train(game, options, episodes=200, teams=1).q.item() == pytest.approx(worth)


def test_each_learns_from_its_own_reward():
    game = make_game((1, 1), {(0, (0, 0)): [(1.0, 0, (3.0, -5.0), True, False)]}, [((0,), (0,))], horizon=1)
    teams = train(game, replace(MASKED, learning_rate=1.0), episodes=2, teams=1)
    assert teams.q.reshape(-1).tolist() == [3.0, -5.0]
    assert teams.progress.return_sum.tolist() == [2 * (3 - 5)]


def test_progress_counts_steps_successes_and_rewards():
    game = meeting_game()
    teams = train(game, MASKED, episodes=50, teams=5, check_every=25)
    assert teams.episode == 50
    assert (teams.progress.steps <= 50 * 20).all()
    met = teams.progress.success_count
    assert (met > 0).all()
    # Every step costs both 1 but the meeting one, which pays both 10.
    assert (teams.progress.return_sum == 2 * (11 * met - teams.progress.steps)).all()
    assert (teams.progress.check_steps[:, 1] == teams.progress.steps).all()
    assert (teams.progress.check_steps[:, 0] < teams.progress.steps).all()


def test_a_check_is_the_greedy_episode_of_that_moment():
    half = train(meeting_game(), MASKED, episodes=300, teams=30)
    whole = train(meeting_game(), MASKED, episodes=600, teams=30, check_every=300)
    for column, teams in enumerate((half, whole)):
        returns, successes = greedy_outcomes(meeting_game(), teams.q)
        assert (whole.progress.check_return[:, column] == returns[:, 0]).all()
        assert (whole.progress.check_success[:, column] == successes[:, 0]).all()
    assert 0 < whole.progress.check_success.mean() < 1


def test_checks_draw_their_chance_from_a_stream_of_their_own():
    # Two ways to go on from each of two starts; every check reads places 0 (the start) and on.
    ways = {(s, (0,)): [(0.5, s, 1.0 + 2 * s, True, False), (0.5, s, 2.0 + 2 * s, True, False)] for s in (0, 1)}
    game = make_game((1,), ways, [((0,),), ((0,),)], horizon=1, starts=[(0.5, 0), (0.5, 1)])
    found = train(game, MASKED, episodes=6, teams=50, check_every=2).progress.check_return
    for team, key in enumerate(stream_keys(0, CHECKING, 0, 50)):
        for check in range(3):
            start, way = (uniform(key, np.uint64(place)) >= 0.5 for place in (0, 1))
            assert found[team, check] == 1 + 2 * start + way


def test_looking_does_not_disturb_learning():
    game = random_game(4)
    plain = train(game, MASKED, episodes=60, teams=3)
    watched = train(game, MASKED, episodes=60, teams=3, check_every=7)
    assert (plain.q == watched.q).all()
    assert (plain.progress.draws == watched.progress.draws).all()


# Chance


def test_ties_are_broken_evenly():
    options = replace(MASKED, ties="random", epsilon=0.0, learning_rate=1.0)
    q = train(one_shot(1.0, 2.0, 3.0, 4.0), options, episodes=1, teams=20_000).q[:, 0, 0]
    counts = (q != 0).sum(0)
    assert counts.sum() == 20_000  # each team took one action
    assert chi_square(counts, [1 / 4] * 4) < 25  # 3 degrees: p = 1.5e-5
    first = train(one_shot(1.0, 2.0, 3.0, 4.0), replace(options, ties="first"), episodes=1, teams=100).q[:, 0, 0]
    assert (first != 0).sum(0).tolist() == [100, 0, 0, 0]


def test_only_the_best_are_tied():
    # Actions b and d are equally good, a and c are not; nothing is earned and nothing changes, so teams keep choosing.
    game = one_shot(1.0, 1.0, 1.0, 1.0)
    options = replace(MASKED, ties="random", epsilon=0.0, learning_rate=1.0, discount=0.0)
    teams = new_teams(game, options, 6_000, 0)
    teams.q[:, 0, 0] = [0.25, 0.5, 0.25, 0.5]
    q = advance(as_table(game), as_rule(options, 1, 0), teams, 0, 1, 1).q[:, 0, 0]
    counts = (q == 1.0).sum(0)
    assert counts[[0, 2]].tolist() == [0, 0]
    assert chi_square(counts[[1, 3]], [1 / 2] * 2) < 19  # 1 degree: p = 1.3e-5


def test_exploration_takes_every_action_evenly():
    options = replace(MASKED, epsilon=1.0, epsilon_end=1.0, learning_rate=1.0)
    q = train(one_shot(1.0, 2.0, 3.0), options, episodes=1, teams=20_000).q[:, 0, 0]
    assert chi_square((q != 0).sum(0), [1 / 3] * 3) < 22  # 2 degrees: p = 1.7e-5


def test_the_world_draws_its_edges_as_often_as_they_should_come():
    chances = (0.05, 0.15, 0.3, 0.5)
    game = one_shot(1.0, 2.0, 3.0, 4.0, chances=chances)
    q = train(game, replace(MASKED, epsilon=0.0, learning_rate=1.0), episodes=1, teams=20_000).q.reshape(-1)
    assert chi_square([(q == reward).sum() for reward in (1, 2, 3, 4)], chances) < 25
    assert np.unique(q).tolist() == [1, 2, 3, 4]


def test_episodes_begin_as_often_as_they_should_where_they_should():
    chances = (0.1, 0.3, 0.6)
    ways = {(state, (0,)): [(1.0, state, 1.0, True, False)] for state in range(3)}
    starts = [(chance, state) for state, chance in enumerate(chances)]
    game = make_game((1,), ways, [((state,),) for state in range(3)], horizon=1, starts=starts)
    q = train(game, replace(MASKED, epsilon=0.0, learning_rate=1.0), episodes=1, teams=20_000).q[:, 0, :, 0]
    assert (q.sum(1) == 1).all()
    assert chi_square(q.sum(0), chances) < 22


def test_a_number_picks_the_range_it_falls_into():
    cumulative = np.array([0.25, 0.25, 0.75, 1.0 - 1e-16])
    picked = [pick(cumulative, number) for number in (0.0, 0.2499, 0.25, 0.7499, 0.75, np.nextafter(1, 0))]
    assert picked == [0, 0, 2, 2, 3, 3]


# What does not matter


@pytest.mark.parametrize("threads, chunks", [(1, 10), (2, 1), (3, 1), (3, 5), (50, 2)], ids=lambda number: str(number))
@pytest.mark.parametrize("name", ["meeting", "random"])
def test_threads_and_chunks_change_nothing(name, threads, chunks):
    game = {
        "meeting": meeting_game(step=-0.1, closer=0.3, meet=0.7),  # fractions, whose sums depend on their order
        "random": random_game(8, states=5, horizon=6),
    }[name]
    options = replace(MASKED, ties="random", learning_rate_end=0.0, epsilon_decay=0.7, epsilon_end=0.0)
    whole = train(game, options, episodes=200, teams=7, check_every=10)
    cut = train(game, options, episodes=200, teams=7, check_every=10, threads=threads, chunks=chunks)
    assert (whole.q == cut.q).all()
    for before, after in zip(whole.progress, cut.progress, strict=True):
        assert (before == after).all()


def test_a_team_does_not_know_how_many_others_there_are():
    few, many = (train(meeting_game(), MASKED, episodes=50, teams=teams) for teams in (3, 9))
    assert (few.q == many.q[:3]).all()
    other = train(meeting_game(), MASKED, episodes=50, teams=3, seed=1)
    assert (other.q != few.q).any()


def test_whole_numbers_and_saved_tables_use_the_program_that_is_compiled():
    game = meeting_game()
    assert numba.typeof(as_table(from_bytes(to_bytes(game)))) == numba.typeof(as_table(game))
    whole = replace(MASKED, learning_rate=1, discount=1, epsilon=0, epsilon_end=0, epsilon_decay=1, learning_rate_end=0)
    assert numba.typeof(as_rule(whole, 10, 0)) == numba.typeof(as_rule(MASKED, 10, 0))


# Sharing


@pytest.mark.parametrize("ties", ["first", "random"])
def test_pooled_experience_is_one_common_table(ties):
    options = replace(MASKED, ties=ties)
    pooled = train(meeting_game(), replace(options, share_experience="pooled"), episodes=300, teams=TEAMS).q
    common = train(meeting_game(), replace(options, share_parameters=True), episodes=300, teams=TEAMS).q
    own = train(meeting_game(), options, episodes=300, teams=TEAMS).q
    assert (pooled.shape, common.shape) == ((TEAMS, 2, 25, 4), (TEAMS, 1, 25, 4))
    assert (pooled[:, 0] == pooled[:, 1]).all()
    assert (pooled[:, :1] == common).all()
    assert (own[:, 0] != own[:, 1]).any()
    assert (own != pooled).any()


def test_what_everybody_learns_from_is_seen_through_the_eyes_of_who_lived_it():
    # Both act once; the first sees 0 and earns 1, the second sees 1 and earns 2.
    game = make_game((1, 1), {(0, (0, 0)): [(1.0, 0, (1.0, 2.0), True, False)]}, [((0,), (1,))], horizon=1)
    own = train(game, replace(MASKED, learning_rate=1.0), episodes=1, teams=1).q[0, :, :, 0]
    pooled = train(game, replace(MASKED, learning_rate=1.0, share_experience="pooled"), episodes=1, teams=1)
    assert own.tolist() == [[1, 0], [0, 2]]
    assert pooled.q[0, :, :, 0].tolist() == [[1, 2], [1, 2]]


# Greedy play


def test_greedy_episodes_are_worth_the_exact_value():
    game = meeting_game(3, sees="all", random_starts=True)
    q = np.random.default_rng(0).integers(0, 3, (15, 2, game.observation_count, 4)).astype(float)  # with ties
    returns, successes = greedy_outcomes(game, q)
    assert returns.shape == (15, 72)
    for team in range(15):
        exact = policy_value(game, greedy_policy(game, q[team]))
        assert returns[team].mean() == pytest.approx(exact.returns.mean(), abs=1e-9)
        assert successes[team].mean() == pytest.approx(exact.success, abs=1e-9)


def test_in_a_game_of_chance_the_greedy_outcome_is_the_exact_expectation():
    game = random_game(2, sizes=(2, 3), horizon=5)
    q = np.random.default_rng(0).normal(size=(4, 2, game.observation_count, 3))
    returns, successes = greedy_outcomes(game, q)
    assert (returns.shape, successes.shape) == ((4, 1), (4, 1))
    for team in range(4):
        exact = policy_value(game, greedy_policy(game, q[team]))
        assert (returns[team, 0], successes[team, 0]) == (exact.returns.mean(), exact.success)


def test_recorded_plays_are_ways_through_the_table_and_average_to_the_exact_value():
    game = random_game(6, horizon=4, endings=0.1)
    q = np.random.default_rng(1).normal(size=(2, game.observation_count, 2))
    policy, earned = greedy_policy(game, q).argmax(2), []
    for team in range(3_000):
        state, edges, actions = greedy_play(game, q, 0, team)
        assert len(edges) == len(actions) == 4 or game.ended[edges[-1]]
        earned.append(game.reward[edges].sum(0).mean())
        if team < 100:
            assert state in game.start_state
            for edge, joint in zip(edges, actions, strict=True):
                assert joint.tolist() == [policy[agent, game.seen[state, agent]] for agent in (0, 1)]
                pair = state * 4 + joint[0] * 2 + joint[1]
                assert game.first_edge[pair] <= edge < game.first_edge[pair + 1]
                state = game.successor[edge]
    exact = policy_value(game, greedy_policy(game, q)).returns.mean()
    assert np.mean(earned) == pytest.approx(exact, abs=4.5 * np.std(earned) / 3_000**0.5)


def test_a_recorded_play_is_the_same_every_time_and_starts_where_it_is_told_to():
    game = meeting_game(3, random_starts=True)
    q = np.random.default_rng(1).normal(size=(2, game.observation_count, 4))
    for _ in range(2):
        state, edges, actions = greedy_play(game, q, 3, 7, start=11)
        assert state == game.start_state[11]
        again = greedy_play(game, q, 3, 7, start=11)
        assert (edges.tolist(), actions.tolist()) == (again[1].tolist(), again[2].tolist())
    starts = {greedy_play(game, q, 0, team)[0] for team in range(400)}
    assert len(starts) > 60  # of 72
