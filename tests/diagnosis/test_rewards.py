"""Rewards: none, rare, unlike for those who succeed together, and counted more than once."""

import numpy as np
import pytest
from finite_games import CLIMBING, make_game, matrix_table, meeting_game
from recorded import episode, moved
from small_runs import parse_only

from coterie.diagnosis.rewards import LEAST_SHARE, UNLIKE, rewards, table_pays, times_counted
from coterie.types import Evidence

COMMON = np.array([[-1.0, -1.0], [-1.0, -1.0], [10.0, 10.0]])


def won(paid=COMMON, **more):
    return episode(paid, success=True, ended=True, **more)


def test_nothing_recorded_cannot_be_judged():
    assert rewards([]).verdict == "cannot tell"


def test_no_reward_at_all_is_nothing_to_learn_from():
    finding = rewards([episode(np.zeros((4, 2)), team=3), episode(np.zeros((5, 2)), team=4)])
    assert (finding.name, finding.verdict, finding.value) == ("rewards", "yes", 0.0)
    assert finding.sentence == "No reward occurs in 2 episodes, so there is nothing to learn from."
    assert finding.evidence == (Evidence(3, 1, 4), Evidence(4, 1, 5))


def test_rare_rewards_are_told_only_where_that_is_sure():
    nothing = [episode(np.zeros((4, 2)))]
    finding = rewards(nothing * 199 + [won()])
    assert finding.verdict == "yes"
    assert finding.sentence.startswith("Rewards are rare: only 1 of 200 episodes (0.5 %) hold any")
    assert rewards(nothing * 30 + [won()]).verdict == "no"  # 1 of 31 may be more than 5 %
    assert rewards(nothing * 199 + [won()]).interval[1] < LEAST_SHARE


def test_a_common_reward_is_fine():
    finding = rewards([won(reported=8.0), won(reported=8.0), episode(np.full((20, 2), -1.0), reported=-20.0)])
    assert finding.verdict == "no"
    assert finding.sentence == "Rewards occur in 3 of 3 episodes (100.0 %), paid alike to those who succeed together."


def test_a_step_that_always_costs_the_same_tells_nothing():
    assert rewards([episode(np.full((20, 2), -1.0))]).verdict == "cannot tell"


# The cooperative flag that is off


@pytest.mark.parametrize("long", [3, 200])
def test_a_cooperative_flag_that_is_off_is_found(long):
    """One is paid for what both do, in short episodes and where the costs of many steps hide it in the sum."""
    alone = np.full((long, 2), -1.0)
    alone[-1] = 10.0, -1.0
    finding = rewards([won(alone)] * 5)
    assert finding.verdict == "yes"
    assert "as if a cooperative reward were turned off" in finding.sentence
    assert rewards([won(alone, team=1), won(team=2)] * 5).evidence[0].team == 1
    assert finding.picture.labels == ("agent 0", "agent 1")
    named = rewards([won(alone)] * 5, names=("scout", "carrier"))
    assert named.picture.labels == ("scout", "carrier")
    assert f"(on average scout {11 - long:.2f} and carrier {-long:.2f})" in named.sentence


def test_who_is_paid_in_turn_is_not_paid_alike():
    one, other = np.array([[6.0, 0.0]]), np.array([[0.0, 6.0]])
    assert rewards([won(one), won(other)] * 5).verdict == "yes"  # on average both earn 3


def test_small_costs_of_ones_own_are_alike():
    own = COMMON - np.array([[0.3, 0.0], [0.0, 0.2], [0.0, 0.0]])
    assert rewards([won(own)] * 5).verdict == "no"
    assert UNLIKE > 0.3 / 8


def test_who_fails_may_be_paid_as_it_likes():
    assert rewards([episode([[1.0, 0.0], [0.0, 2.0]])] * 5).verdict == "no"


def test_the_flag_of_rendezvous_is_named_and_opponents_are_not_a_team():
    game = meeting_game()
    plays = [won(np.array([[10.0, 0.0]]))] * 3
    assert rewards(plays, game).flags == ("--env.reward", "team")
    assert rewards(plays).flags == ()
    parse_only(["train", "rendezvous", *rewards(plays, game).flags])
    rivals = game._replace(spec=type(game.spec)(**{**vars(game.spec), "team": (0, 1)}))
    assert rewards(plays, rivals).verdict == "no"
    assert rewards(plays, groups=[[0], [1]]).verdict == "no"
    assert rewards(plays, groups=[[0, 1]]).verdict == "yes"


# Counted twice


@pytest.mark.parametrize(
    "counted, earned, times",
    [
        ([16.0, -40.0], [8.0, -20.0], 2),
        ([24.0], [8.0], 3),
        ([8.0, -20.0], [8.0, -20.0], 1),
        ([8.0, -40.0], [8.0, -20.0], 1),  # once and twice
        ([4.0, -10.0], [8.0, -20.0], 1),  # half
        ([-16.0], [8.0], 1),
        ([12.0], [8.0], 1),
        ([3.0], [0.0], 1),
    ],
)
def test_how_often_was_it_counted(counted, earned, times):
    assert times_counted(counted, earned) == times


def test_a_sum_over_agents_is_told_from_a_mean():
    """Two agents are paid 8 for the same thing; a report of 16 counts it twice."""
    finding = rewards([won(reported=16.0), episode(np.full((20, 2), -1.0), reported=-40.0)])
    assert (finding.verdict, finding.value) == ("yes", 2.0)
    assert "the sum over agents" in finding.sentence
    assert rewards([won(reported=16.0), episode(np.full((20, 2), -1.0), reported=-20.0)]).verdict == "no"


def test_where_all_are_paid_for_their_own_a_sum_is_right():
    own = episode([[1.0, 0.0], [0.0, 2.0]], reported=3.0)
    assert rewards([own]).verdict == "no"
    assert rewards([own._replace(reported=6.0)]).verdict == "yes"


def test_recorded_rewards_are_held_against_the_table():
    game = matrix_table(CLIMBING)
    right = [moved(game, 0, (0, 0)), moved(game, 0, (2, 1)), moved(game, 0, (1, 1))]
    assert rewards(right, game).verdict == "no"
    for times in (2, 3):
        finding = rewards([one._replace(rewards=one.rewards * times) for one in right], game)
        assert (finding.verdict, finding.value) == ("yes", times)
        assert f"Rewards are counted {times} times" in finding.sentence
    assert rewards([one._replace(rewards=one.rewards / 2) for one in right], game).verdict == "no"  # scaled


def test_one_reward_counted_twice_among_others_is_found():
    game = meeting_game()
    way = moved(game, int(game.start_state[0]), (0, 1), (0, 1), (2, 3), (2, 3))
    assert way.success
    assert rewards([way], game).verdict == "no"
    doubled = way.rewards.copy()
    doubled[-1] *= 2
    finding = rewards([way._replace(rewards=doubled)], game)
    assert (finding.verdict, finding.value) == ("yes", 2.0)
    assert finding.sentence.startswith("25.0 % of the rewards are counted 2 times")


def test_what_the_table_does_not_know_is_not_compared():
    game = matrix_table(CLIMBING)
    play = moved(game, 0, (0, 0))
    assert table_pays(game, play).tolist() == [[11.0, 11.0]]
    for stranger in (
        play._replace(keys=np.array([0, 7])),
        play._replace(actions=np.array([[0, 3]])),
        play._replace(actions=np.zeros((1, 3), int)),
    ):
        assert table_pays(game, stranger) is None


def test_of_several_outcomes_the_recorded_one_is_taken():
    ways = {(0, (0,)): [(0.5, 0, 2.0, False, False), (0.5, 0, 4.0, False, False)]}
    game = make_game((1,), ways, [((0,),)], horizon=3)
    assert table_pays(game, episode([[4.0], [2.0]], keys=[0, 0, 0])).tolist() == [[4.0], [2.0]]
    assert rewards([episode([[4.0], [2.0]], keys=[0, 0, 0])], game).verdict == "no"
