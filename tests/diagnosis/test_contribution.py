"""Contribution: the known answers of idlers, sentinels, OR and AND teams, exact and sampled."""

from itertools import permutations

import numpy as np
import pytest
from finite_games import CLIMBING, make_game, matrix_table, meeting_game, random_game, random_policy
from small_stages import PRESS, REST, acted, always, one_shot, staged

from coterie.diagnosis.contribution import contribution, contributions
from coterie.running.stage import own_cast, replaced

EITHER = one_shot(lambda a, b: float(a or b), (2, 2))
BOTH = one_shot(lambda a, b: float(a and b), (2, 2))


def test_where_either_suffices_both_are_redundant_and_not_lazy():
    found = contributions(staged(EITHER, always(EITHER, PRESS, PRESS)))
    assert found.leave_one_out.tolist() == [[0.0, 0.0]]
    assert found.shapley.tolist() == [[0.5, 0.5]]
    finding = contribution(staged(EITHER, always(EITHER, PRESS, PRESS)))
    assert finding.verdict == "no"
    assert "redundant, not lazy" in finding.sentence


def test_where_both_are_needed_both_add_half():
    found = contributions(staged(BOTH, always(BOTH, PRESS, PRESS)))
    assert found.leave_one_out.tolist() == [[1.0, 1.0]]
    assert found.shapley.tolist() == [[0.5, 0.5]]
    finding = contribution(staged(BOTH, always(BOTH, PRESS, PRESS)))
    assert finding.verdict == "no"
    assert "redundant" not in finding.sentence


def test_an_idler_is_lazy_and_named():
    finding = contribution(staged(EITHER, always(EITHER, PRESS, REST)))
    assert (finding.verdict, finding.value) == ("yes", 0.0)
    assert "agent_1 adds next to nothing: 0.00 of 1.00" in finding.sentence
    assert finding.evidence[0].first_step == 1


def watched():
    """The second agent moves only once, to a lever that opens the first one's way for ten steps: 10, else 0."""
    ways = {}
    for a, b in ((a, b) for a in (0, 1) for b in (0, 1)):
        ways[0, (a, b)] = [(1.0, int(b == 1), 0.0, False, False)]
        ways[1, (a, b)] = [(1.0, 1, float(a == 1), False, a == 1)]
    return make_game((2, 2), ways, [((0,), (0,)), ((1,), (1,))], horizon=11)


def test_a_sentinel_that_hardly_moves_is_useful():
    game = watched()
    policy = always(game, PRESS, REST)
    policy[1, 0] = (0, 1)  # it steps on the lever at once, and never moves again
    finding = contribution(staged(game, policy))
    assert (finding.verdict, finding.value) == ("no", 5.0)
    assert contribution(staged(game, always(game, PRESS, REST))).verdict == "yes"


def test_who_takes_something_away_is_named():
    game = one_shot(lambda a, b: 3.0 * a - 1.0 * b, (2, 2))
    finding = contribution(staged(game, always(game, PRESS, PRESS)))
    assert (finding.verdict, finding.value) == ("yes", -1.0)
    assert "agent_1 costs its team 1.00" in finding.sentence


def test_idle_play_that_is_best_cannot_be_added_to():
    game = matrix_table(CLIMBING)
    assert contribution(staged(game, always(game, 0, 0))).verdict == "cannot tell"
    assert contribution(staged(EITHER, always(EITHER, REST, REST))).verdict == "yes"


@pytest.mark.parametrize("seed", range(6))
def test_shapley_by_all_orders_of_joining(seed):
    """The definition as the mean over N! orders, which shares no code with the sum over coalitions."""
    game = random_game(seed, sizes=(2, 2, 3))
    stage = staged(game, random_policy(game, seed))
    expected = np.zeros(3)
    for order in permutations(range(3)):
        cast = [part._replace(way="idle") for part in own_cast(stage)]
        before = stage.score(cast).team[0]
        for agent in order:
            cast = replaced(cast, agent, way="own")
            after = stage.score(cast).team[0]
            expected[agent] += (after - before) / 6
            before = after
    assert contributions(stage).shapley[0] == pytest.approx(expected)


def test_beyond_six_agents_orders_are_drawn():
    game = one_shot(lambda *actions: float(sum(actions)), (2,) * 7)
    found = contributions(staged(game, always(game, *(1,) * 6, 0)))
    assert found.shapley[0] == pytest.approx([1.0] * 6 + [0.0])
    assert contribution(staged(game, always(game, *(1,) * 6, 0))).verdict == "yes"


def noisy(game_pays):
    """One decision, paid with a coin's 4 more or less."""
    ways = {
        (0, (a, b)): [(0.5, 0, game_pays(a, b) + 4.0, True, True), (0.5, 0, game_pays(a, b) - 4.0, True, True)]
        for a in (0, 1)
        for b in (0, 1)
    }
    return make_game((2, 2), ways, [((0,), (0,))], horizon=1)


@pytest.mark.parametrize("seed", range(4))
def test_sampled_episodes_say_so_or_say_nothing(seed):
    game = noisy(lambda a, b: float(a or b))
    lazy = contribution(acted(game, always(game, PRESS, REST), seed=seed))
    assert (lazy.verdict, lazy.value) == ("yes", 0.0)
    assert lazy.p < 0.05
    useful = contribution(acted(game, always(game, PRESS, PRESS), seed=seed))
    assert (useful.verdict, useful.p) == ("no", None)  # that an agent adds something is no finding to be corrected
    few = contribution(acted(game, always(game, PRESS, REST), episodes=3, seed=seed))
    assert few.verdict == "cannot tell"


def test_speed_is_not_forgotten():
    game = meeting_game()
    finding = contribution(staged(game, random_policy(game, 0)))
    assert finding.picture is not None
