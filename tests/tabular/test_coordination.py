"""The further learners are their slow selves, do by hand what their equations say, and fail where they are broken."""

from dataclasses import replace
from math import exp

import numpy as np
import pytest
from finite_games import make_game, matrix_table, meeting_game, random_game, tiger
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_coordination import AGENTS, committed, learn_slowly_by, train_by
from slow_learner import MASKED, index_of, stream, train

from coterie.errors import BadInput
from coterie.finite.solve import greedy_policy
from coterie.settings import TabularOptions
from coterie.tabular.commitment import timetable
from coterie.tabular.learn import advance, as_rule, as_table, greedy_outcomes, new_teams
from coterie.workflow.planning.presets import check_algorithm, preset_options

CLIMBING = matrix_table([[11, -30, 0], [-30, 7, 6], [0, 0, 5]])
PENALTY = matrix_table([[10, 0, -100], [0, 2, 0], [-100, 0, 10]])
PUBLISHED = replace(MASKED, exploration="boltzmann", temperature=5_000.0, temperature_decay=0.99)
LENIENT = replace(PUBLISHED, temperature=50.0, temperature_decay=0.995, temperature_floor=2.0)
TEAMS = 2

OPTIONS = st.builds(
    TabularOptions,
    learning_rate=st.sampled_from([0.1, 0.5, 1.0]),
    learning_rate_end=st.sampled_from([-1.0, 0.05]),
    hysteresis=st.just(1.0),
    discount=st.sampled_from([0.0, 0.9]),
    epsilon=st.sampled_from([0.0, 0.3, 1.0]),
    epsilon_end=st.sampled_from([0.0, 0.2]),
    epsilon_decay=st.sampled_from([0.0, 0.5]),
    ties=st.sampled_from(["first", "random"]),
    terminal_mask=st.booleans(),
    initial_value=st.sampled_from([0.0, -1.0]),
    share_experience=st.sampled_from(["none", "pooled"]),
    share_parameters=st.booleans(),
    exploration=st.sampled_from(["epsilon", "boltzmann"]),
    temperature=st.sampled_from([5.0, 0.5]),
    temperature_decay=st.sampled_from([0.8, 0.99]),
    temperature_floor=st.sampled_from([0.0, 0.3]),
    fmq_weight=st.sampled_from([10.0, 0.5]),
    lenience=st.sampled_from([1.0, 0.2]),
    temperature_diffusion=st.sampled_from([0.0, 0.1]),
)


def close(found, expected):
    return np.allclose(found, expected, rtol=1e-12, atol=1e-12)


@given(
    algorithm=st.sampled_from([*AGENTS, "joint-action"]),
    seed=st.integers(0, 2**32),
    options=OPTIONS,
    sizes=st.sampled_from([(3,), (2, 2), (3, 3, 3), (2, 3)]),
)
@settings(max_examples=120, deadline=None)
def test_any_game_is_learned_as_the_equations_say(algorithm, seed, options, sizes):
    game = random_game(seed, sizes=sizes, horizon=4, starts=1 + seed % 3)
    if len(set(sizes)) > 1 or algorithm == "joint-action":
        options = replace(options, share_experience="none", share_parameters=False)
    if algorithm == "iql":
        options = replace(options, exploration="boltzmann")
    teams = train_by(algorithm, game, options, episodes=12, teams=TEAMS, seed=seed % 1_000)
    for team in range(TEAMS):
        numbers = stream(team, seed % 1_000)
        slow, last = learn_slowly_by(algorithm, game, options, 12, numbers)
        legal = np.arange(max(sizes)) < np.array(sizes)[: len(slow), None, None]
        assert close(np.where(legal, teams.q[team], 0), np.where(legal, slow, 0))
        assert teams.progress.draws[team] == numbers.count
        assert teams.memory["last"][team].tolist() == last


@pytest.mark.parametrize("algorithm", [*AGENTS, "joint-action"])
def test_a_noisy_game_is_learned_as_the_equations_say(algorithm):
    game = tiger(horizon=3, memory=1)
    options = LENIENT if algorithm == "lenient" else replace(PUBLISHED, temperature=50.0)
    teams = train_by(algorithm, game, options, episodes=100, teams=TEAMS)
    for team in range(TEAMS):
        assert close(teams.q[team], learn_slowly_by(algorithm, game, options, 100, stream(team))[0])


def test_that_identity_would_notice_the_smallest_difference():
    fast = train_by("fmq", CLIMBING, PUBLISHED, episodes=300, teams=1).q[0]
    assert (fast == learn_slowly_by("fmq", CLIMBING, PUBLISHED, 300, stream(0))[0]).all()
    for other in (
        {"fmq_weight": np.nextafter(10.0, 11.0)},
        {"temperature_decay": 0.98},
        {"learning_rate": np.nextafter(0.1, 1.0)},
    ):
        assert (fast != learn_slowly_by("fmq", CLIMBING, replace(PUBLISHED, **other), 300, stream(0))[0]).any()


def test_the_engine_with_boltzmann_in_the_limit_is_the_greedy_engine():
    """So cold that only the best are drawn: what greedy agents with random ties learn, in distribution."""
    cold = replace(PUBLISHED, temperature=1e-9, temperature_decay=1.0)
    warm = train_by("iql", meeting_game(), cold, episodes=300, teams=300)
    plain = train(meeting_game(), replace(MASKED, ties="random", epsilon=0.0, epsilon_end=0.0), episodes=300, teams=300)
    found, expected = (greedy_outcomes(meeting_game(), teams.q)[1].mean() for teams in (warm, plain))
    assert found == pytest.approx(expected, abs=0.12)


def test_the_temperature_decides_how_even_the_choice_is():
    # Values 0 and 1 (learned at once, rate 1), temperature 2: action 1 with probability 1 / (1 + exp(-1/2)).
    ways = {(0, (action,)): [(1.0, 0, float(action), True, False)] for action in (0, 1)}
    game = make_game((2,), ways, [((0,),)], horizon=1)
    options = replace(PUBLISHED, temperature=2.0, temperature_decay=1.0, learning_rate=1.0)
    teams = train_by("iql", game, options, episodes=50, teams=4_000)
    chance = 1 / (1 + exp(-0.5))
    assert teams.memory["last"].mean() == pytest.approx(chance, abs=4 * (chance * (1 - chance) / 4_000) ** 0.5)
    floor = replace(options, temperature=1e-3, temperature_decay=0.5, temperature_floor=2.0)
    teams = train_by("iql", game, floor, episodes=50, teams=4_000, seed=1)
    assert teams.memory["last"].mean() == pytest.approx(chance, abs=4 * (chance * (1 - chance) / 4_000) ** 0.5)


# What the papers say, by hand


def test_distributed_agents_keep_what_first_was_best_and_agree_on_one_of_two_optima():
    teams = train_by("distributed", PENALTY, PUBLISHED, episodes=2_000, teams=400)
    assert set(np.unique(teams.memory["value"])) <= {0.0, 2.0, 10.0}
    assert (greedy_outcomes(PENALTY, teams.q)[1] == 1).all()
    kept = teams.q.argmax(3)[:, 0, 0]
    assert 0.4 < (kept == 0).mean() / ((kept == 0) | (kept == 2)).mean() < 0.6  # one optimum as often as the other


def test_agents_that_change_their_policy_for_ties_do_not_agree():
    """Negative control: greedy for the optimistic values alone, one in two teams picks different optima."""
    teams = train_by("distributed", PENALTY, PUBLISHED, episodes=2_000, teams=400)
    last = teams.memory["last"]
    assert 0.4 < (last[:, 0] == last[:, 1]).mean() < 0.6


def test_distributed_agents_are_fooled_by_chance():
    """One action pays 14 or 0, the other 8: the greatest ever seen is 14, though 8 is more."""
    ways = {
        (0, (0,)): [(0.5, 0, 14.0, True, False), (0.5, 0, 0.0, True, False)],
        (0, (1,)): [(1.0, 0, 8.0, True, True)],
    }
    game = make_game((2,), ways, [((0,),)], horizon=1)
    teams = train_by("distributed", game, PUBLISHED, episodes=500, teams=50)
    assert (teams.q.argmax(3) == 0).all()
    assert (train_by("iql", game, PUBLISHED, episodes=5_000, teams=50).q.argmax(3) == 1).mean() > 0.9


def test_a_frequency_is_counted_from_the_first_play():
    """Reward 0, then 6, 6, …: after n plays the greatest came n - 1 times of n."""
    ways = {(0, (0,)): [(1.0, 1, 0.0, False, False)], (1, (0,)): [(1.0, 1, 6.0, False, False)]}
    game = make_game((1,), ways, [((0,),), ((0,),)], horizon=4)
    options = replace(PUBLISHED, discount=0.0, learning_rate=1.0, fmq_weight=10.0)
    assert train_by("fmq", game, options, episodes=1, teams=1).q.item() == pytest.approx(6 + 10 * 3 / 4 * 6)


def test_an_entry_cools_by_its_own_learning_and_warms_by_what_is_seen_next():
    ways = {(0, (0,)): [(1.0, 1, 1.0, False, False)], (1, (0,)): [(1.0, 1, 1.0, True, False)]}
    game = make_game((1,), ways, [((0,),), ((1,),)], horizon=2)
    teams = train_by("lenient", game, LENIENT, episodes=2, teams=1)
    first, second = 0.995 * 50, 0.995 * (0.995 * 50)
    assert teams.memory["temperature"][0, 0, 1, 0] == pytest.approx(second)
    assert teams.memory["temperature"][0, 0, 0, 0] == pytest.approx(0.995 * (0.9 * 0.995 * 50 + 0.1 * first))


def test_bad_news_is_passed_over_as_often_as_the_temperature_says():
    ways = {(0, (0,)): [(1.0, 0, -1.0, True, False)]}
    game = make_game((1,), ways, [((0,),)], horizon=1)
    teams = train_by("lenient", game, replace(LENIENT, temperature=2.0), episodes=1, teams=4_000)
    learns = 1 - exp(-1 / 2)
    assert (teams.q != 0).mean() == pytest.approx(learns, abs=4 * (learns * (1 - learns) / 4_000) ** 0.5)


def test_joint_action_learners_expect_what_they_have_counted():
    teams = train_by("joint-action", CLIMBING, replace(PUBLISHED, learning_rate=1.0), episodes=400, teams=20)
    payoffs = CLIMBING.reward[:, 0].reshape(3, 3)
    for team in range(20):
        counts = teams.memory["counts"][team, :, 0]
        assert counts.sum() == 2 * 2 * 400
        assert (counts[0] == counts[1]).all()  # both watch the same plays
        known = teams.memory["joint"][team, 0, 0].reshape(3, 3)
        assert ((known == payoffs) | (known == 0)).all()
        assert teams.q[team, 0, 0] == pytest.approx(known @ (counts[0, 1] / 400))
        assert teams.q[team, 1, 0] == pytest.approx(counts[0, 0] / 400 @ known)


def test_a_joint_action_learner_that_ignores_the_others_is_another():
    """Negative control: with counts forgotten, what is expected is what a uniform partner gives."""
    teams = train_by("joint-action", CLIMBING, PUBLISHED, episodes=2_000, teams=20)
    uniform = teams.memory["joint"][:, 0, 0].reshape(-1, 3, 3).mean(2)
    assert np.abs(teams.q[:, 0, 0] - uniform).max() > 0.1


# Commitment


def fully_stochastic(order=((0, 1, 2), (0, 1, 2))):
    """Climbing with two equally likely payoffs a cell, each agent's actions renamed."""
    cells = [[(10, 12), (5, -65), (8, -8)], [(5, -65), (14, 0), (12, 0)], [(5, -5), (5, -5), (7, 3)]]
    ways = {}
    for row, column in np.ndindex(3, 3):
        best = (order[0][row], order[1][column]) == (0, 0)
        pays = cells[order[0][row]][order[1][column]]
        ways[0, (row, column)] = [(0.5, 0, float(pay), True, best) for pay in pays]
    return make_game((3, 3), ways, [((0,), (0,))], horizon=1)


COMMITMENT = replace(MASKED, commitments=5, commitment_growth=1.5, commitment_margin=1)


@pytest.mark.parametrize("sizes", [(2, 2), (3, 2), (2, 3, 2)])
def test_a_tournament_is_what_its_agents_would_play_one_by_one(sizes):
    rng, plays = np.random.default_rng(sum(sizes)), 200
    joint = list(np.ndindex(*sizes))
    ways = {(0, one): [(0.5, 0, float(rng.integers(9)), True, False) for _ in range(2)] for one in joint}
    game = make_game(sizes, ways, [tuple((0,) for _ in sizes)], horizon=1)
    _, slots, hold = timetable(5, 1.5, 1, plays)
    assert slots.tolist() == [5, 3, 2]
    for chunks in (1, 8):
        teams = train_by("commitment", game, COMMITMENT, episodes=plays, teams=3, chunks=chunks, threads=chunks, late=3)
        for team in range(3):
            numbers = stream(team)
            agents = [
                committed([numbers.randrange(size) for _ in range(5)], hold.tolist(), 1, 3 * place)
                for place, size in enumerate(sizes)
            ]
            actions = [next(agent) for agent in agents]
            for play in range(plays):
                pays = ways[0, tuple(actions)]
                reward = pays[index_of([0.5, 0.5], numbers.random())][2]
                if play < plays - 1:
                    actions = [agent.send(reward) for agent in agents]
            assert teams.memory["last"][team].tolist() == actions
            assert teams.progress.draws[team] == numbers.count
            assert [q[game.seen[0, place]].argmax() for place, q in enumerate(teams.q[team])] == actions


def test_in_the_middle_of_a_round_the_leader_is_the_best_on_average():
    """One agent, actions that pay -2 and -3: after its second hold the better one has the smaller sum."""
    ways = {(0, (action,)): [(1.0, 0, -2.0 - action, True, False)] for action in (0, 1)}
    game = make_game((2,), ways, [((0,),)], horizon=1)
    options, plays = replace(MASKED, commitments=4), 100
    begin, _, hold = timetable(4, 1.0, 0, plays)
    teams = new_teams(game, options, 200, 0, "commitment")
    rule = as_rule(options, plays, 0, "commitment")
    teams = advance(as_table(game), rule, teams, 0, int(begin[1] + hold[1]), 1)
    drawn = teams.memory["actions"][:, 0]
    assert (teams.q[:, 0, 0].argmax(1) == drawn.min(1)).all()
    assert 0 < (drawn[:, :2].min(1) < drawn[:, 2:].min(1)).mean() < 1  # the better one was held last, or only it was


@pytest.mark.parametrize("commitments, growth, margin, plays", [(64, 1.0, 25, 7_500), (5, 2.0, 0, 100), (2, 1.0, 0, 3)])
def test_the_rounds_fit_into_the_run(commitments, growth, margin, plays):
    begin, slots, hold = timetable(commitments, growth, margin, plays)
    assert begin[0] == 0
    assert begin[-1] == (slots * hold).sum() <= plays
    assert (slots[0], slots[-1]) == (commitments, 2)
    assert (np.diff(begin) == slots * hold).all()
    assert (hold > 2 * margin).all()


def shares_that_find_the_optimum(teams=100, late=0, **changes):
    """The share of teams whose last joint action is best, over several renamings of the actions."""
    options = replace(MASKED, **changes)
    found = []
    for seed, order in enumerate([((0, 1, 2), (0, 1, 2)), ((2, 0, 1), (1, 2, 0)), ((1, 0, 2), (2, 1, 0))]):
        game = fully_stochastic(order)
        learned = train_by("commitment", game, options, episodes=7_500, teams=teams, seed=seed, threads=2, late=late)
        last = learned.memory["last"]
        best = (last[:, 0] == order[0].index(0)) & (last[:, 1] == order[1].index(0))
        assert (greedy_outcomes(game, learned.q)[1][:, 0] == best).all()
        found.append(best.mean())
    return np.mean(found)


def test_fully_stochastic_climbing_is_won():
    assert shares_that_find_the_optimum() >= 0.99
    assert shares_that_find_the_optimum(commitment_margin=25, late=25) >= 0.99


def test_holds_that_are_shared_by_two_joint_actions_do_not_win():
    """Negative controls: clocks apart without a margin, and single plays instead of holds."""
    assert shares_that_find_the_optimum(commitment_margin=0, late=25) < 0.8
    assert shares_that_find_the_optimum(teams=20, commitments=3_000) < 0.9


# The published table, a slice of it (benchmarks/matrix_games.py has all)


@pytest.mark.parametrize(
    "algorithm, changes, climbing, penalty",
    [
        ("iql", {}, 11.2, 59.6),
        ("distributed", {}, 100.0, 50.3),
        ("fmq", {}, 99.8, 99.8),
        ("hysteretic", {"hysteresis": 0.1}, 99.6, 99.0),
    ],
)
def test_a_slice_of_the_published_table(algorithm, changes, climbing, penalty):
    for game, published in ((CLIMBING, climbing), (PENALTY, penalty)):
        teams = train_by(algorithm, game, replace(PUBLISHED, **changes), episodes=7_500, teams=300, threads=2, seed=4)
        last = teams.memory["last"]
        share = game.success[last[:, 0] * 3 + last[:, 1]].mean()
        error = (published / 100 * (1 - published / 100) / 300) ** 0.5
        assert share == pytest.approx(published / 100, abs=4 * error + 0.02)


@pytest.mark.parametrize("broken", [{"variant": 0}, {"fmq_weight": 0.0}])
def test_a_frequency_maximum_learner_that_is_broken_misses_the_optimum(broken):
    teams = train_by("fmq", CLIMBING, PUBLISHED, episodes=7_500, teams=100, **broken)
    assert greedy_outcomes(CLIMBING, teams.q)[1].mean() < 0.5


# Greedy policies, games and refusals


@pytest.mark.parametrize("algorithm", ["distributed", "fmq", "lenient", "joint-action"])
def test_every_learner_learns_to_meet_or_says_what_it_is_greedy_for(algorithm):
    """All play the meeting game; what they then do is the first largest of q, checked while learning as afterwards."""
    options = replace(preset_options("default", algorithm)[1], learning_rate=0.1)
    teams = train_by(algorithm, meeting_game(), options, episodes=1_000, teams=50, check_every=1_000)
    returns, successes = greedy_outcomes(meeting_game(), teams.q)
    assert (teams.progress.check_success[:, 0] == successes[:, 0]).all()
    assert teams.progress.check_return[:, 0] == pytest.approx(returns[:, 0])
    assert successes.mean() > (0.8 if algorithm in ("lenient", "fmq") else 0.0)
    assert greedy_policy(meeting_game(), teams.q[0]).shape == (2, 25, 4)


@pytest.mark.parametrize("sharing", [{"share_parameters": True}, {"share_experience": "pooled"}])
@pytest.mark.parametrize("algorithm", ["joint-action", "commitment"])
def test_learners_that_keep_counts_of_their_own_cannot_share(algorithm, sharing):
    with pytest.raises(BadInput, match=f"of --algorithm {algorithm} keep their own counts; use --algorithm hysteretic"):
        train_by(algorithm, CLIMBING, replace(MASKED, **sharing), episodes=1_000, teams=1)


def test_commitments_need_one_state_and_plays_enough():
    with pytest.raises(BadInput, match="plays games with one state, such as climbing; rendezvous has 625 states"):
        train_by("commitment", meeting_game(), MASKED, episodes=1_000, teams=1)
    with pytest.raises(BadInput, match="--commitments 64: 100 plays leave 0 to hold each, and 1 are needed"):
        train_by("commitment", CLIMBING, MASKED, episodes=100, teams=1)
    with pytest.raises(
        BadInput, match="7,500 plays leave 58 to hold each, and 61 are needed with --commitment-margin 30"
    ):
        train_by("commitment", CLIMBING, replace(MASKED, commitment_margin=30), episodes=7_500, teams=1)


@pytest.mark.parametrize(
    "algorithm, changes, sentence",
    [
        ("fmq", {"hysteresis": 0.5}, "--hysteresis 0.5: --algorithm fmq learns bad news as fast as good"),
        ("iql", {"fmq_weight": 5.0}, "--fmq-weight 5: --algorithm iql does not use it; add --algorithm fmq"),
        ("fmq", {"lenience": 2.0}, "--lenience 2: --algorithm fmq does not use it; add --algorithm lenient"),
        ("iql", {"temperature": 3.0}, "--temperature 3: --algorithm iql does not use it; add --exploration boltzmann"),
        (
            "hysteretic",
            {"commitment_margin": 3},
            "--commitment-margin 3: --algorithm hysteretic does not use it; add --algorithm commitment",
        ),
        ("commitment", {"exploration": "boltzmann"}, "--algorithm commitment explores by the actions it holds"),
    ],
)
def test_an_option_of_another_algorithm_is_refused(algorithm, changes, sentence):
    options = preset_options("default", algorithm)[1]
    check_algorithm(algorithm, options)
    with pytest.raises(BadInput, match=sentence):
        check_algorithm(algorithm, replace(options, **changes))


def test_an_algorithm_brings_what_its_paper_starts_from():
    lenient = preset_options("default", "lenient")[1]
    assert (lenient.temperature, lenient.temperature_decay, lenient.temperature_floor) == (50.0, 0.995, 2.0)
    check_algorithm("lenient", lenient)
    check_algorithm("iql", replace(preset_options("default", "iql")[1], exploration="boltzmann", temperature=3.0))
    assert preset_options("default", "commitment")[1].commitments == 64
