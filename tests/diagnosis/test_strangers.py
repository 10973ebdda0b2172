"""Strangers: K conventions, coverage, and teams that know everybody."""

import numpy as np
import pytest
from finite_games import meeting_game, random_policy
from small_stages import PRESS, REST, acted, always, one_shot, rooms, signals, staged

from coterie.diagnosis.strangers import _flowing, cross_play, strangers
from coterie.finite.solve import policy_value


def conventions(count):
    return one_shot(lambda a, b: float(a == b), (count, count))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_equal_conventions_meet_strangers_by_chance(count):
    game = conventions(count)
    teams = [always(game, one, one) for one in range(count)]
    found = cross_play(staged(game, *teams), range(count))
    assert np.array_equal(found.success[..., 0], np.eye(count))
    finding = strangers(staged(game, *teams), "agree")
    assert (finding.verdict, finding.value) == ("yes", 1.0)
    assert "a matter of convention" in finding.sentence
    # Over all pairs of teams, oneself included, cross-play is 1 / K.
    assert found.success.mean() == pytest.approx(1 / count)


def test_one_convention_for_all_is_fine():
    game = conventions(3)
    finding = strangers(staged(game, *[always(game, 1, 1)] * 4), "agree")
    assert (finding.verdict, finding.value) == ("no", 0.0)
    assert "4 teams agree in 100.0 % of episodes with their own partners, 100.0 % with strangers" in finding.sentence


def trained_in(game, room, depth):
    """A team that goes to one room and presses in that one alone; where it has never been it takes its first action."""
    policy = always(game, room, REST)
    sights = [int(game.seen[1 + room * depth + step, 1]) for step in range(depth)]
    policy[1, sights] = np.eye(game.actions[1])[PRESS]
    return policy


def test_agents_trained_from_different_starts_lack_coverage():
    game = rooms(3, 3)
    stage = staged(game, *(trained_in(game, room, 3) for room in range(3)))
    finding = strangers(stage, "open")
    assert (finding.verdict, finding.value) == ("yes", 1.0)
    assert "a matter of coverage" in finding.sentence
    assert finding.flags == ("--env.starts", "random")
    everywhere = always(game, 0, PRESS)
    assert strangers(staged(game, everywhere, trained_in(game, 0, 3)), "open").verdict == "no"


def test_who_fails_alone_cannot_fail_with_strangers():
    game = conventions(3)
    assert strangers(staged(game, always(game, 0, 1), always(game, 1, 2)), "agree").verdict == "cannot tell"
    assert strangers(staged(game, always(game, 0, 0)), "agree").verdict == "cannot tell"
    with pytest.raises(ValueError, match="numbered"):
        strangers(staged(game, always(game, 0, 0)), "agree", [0, 1])


def test_teams_that_read_the_world_know_everybody():
    game = signals(2, 3)
    follow = always(game, 0, 0)
    follow[0, :2] = np.eye(2)
    assert strangers(staged(game, follow, follow), "name it").verdict == "no"


def test_a_choice_of_teams():
    game = conventions(3)
    stage = staged(game, always(game, 0, 0), always(game, 1, 1), always(game, 0, 0))
    assert strangers(stage, "agree", [0, 2]).verdict == "no"
    assert strangers(stage, "agree", [0, 1]).verdict == "yes"


@pytest.mark.parametrize("seed", range(4))
def test_sampled_strangers(seed):
    game = conventions(3)
    loose = [0.85 * always(game, one, one) + 0.05 for one in range(3)]
    finding = strangers(acted(game, *loose, episodes=20, seed=seed), "agree")
    assert finding.verdict == "yes"
    assert finding.p < 0.05
    assert finding.interval[0] > 0
    assert "convention" in finding.sentence
    assert strangers(acted(game, *[loose[0]] * 3, episodes=20, seed=seed), "agree").verdict != "yes"
    assert strangers(acted(game, *loose, episodes=4, seed=seed), "agree").verdict == "cannot tell"


@pytest.mark.parametrize("teams", [2, 3, 4])
def test_episodes_that_are_all_alike_are_one(teams):
    """Certain agents in a certain world: six times the same is no test, and the drop is exact."""
    game = conventions(teams)
    finding = strangers(acted(game, *(always(game, one, one) for one in range(teams)), episodes=6), "agree")
    assert (finding.verdict, finding.value, finding.p, finding.interval) == ("yes", 1.0, None, None)
    assert finding.sentence.startswith(f"{teams} teams agree in 100.0 %")


@pytest.mark.parametrize("seed", range(4))
def test_four_teams_can_be_told_apart_by_few_episodes(seed):
    """Six episodes alone could not fall below 2 / 2^6; after a correction over ten questions that would be nothing."""
    game = conventions(4)
    loose = [0.9 * always(game, one, one) + 0.025 for one in range(4)]
    finding = strangers(acted(game, *loose, episodes=6, seed=seed), "agree")
    assert finding.verdict == "yes"
    assert finding.p < 0.005
    alike = strangers(acted(game, *[loose[0]] * 4, episodes=6, seed=seed), "agree")
    assert alike.verdict != "yes"
    assert alike.verdict == "cannot tell" or alike.p is None


@pytest.mark.parametrize("seed", range(3))
def test_the_fast_score_is_the_exact_one(seed):
    game = meeting_game(random_starts=True)
    policy = random_policy(game, seed)
    fast, slow = _flowing(game, policy), policy_value(game, policy)
    assert fast.returns[0] == pytest.approx(slow.returns)
    assert fast.success[0] == pytest.approx(slow.success)
