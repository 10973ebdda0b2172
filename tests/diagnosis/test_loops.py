"""Loops in episodes: the known answers of facts.md 8, planted loops, and what is said about them."""

import random
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.diagnosis.loops import Loop, find_loop, loops
from coterie.types import Evidence, Play


def share_in_loop(keys, **options):
    """The share of an episode's steps that lie inside its loop."""
    loop = find_loop(keys, **options)
    return 0.0 if loop is None else (loop.last_step - loop.first_step + 1) / (len(keys) - 1)


@pytest.mark.smoke
def test_who_circles_circles_all_the_time():
    keys = [0, 1, 2, 3] * 5 + [0]
    assert share_in_loop(keys) == 1.0
    assert find_loop(keys) == Loop(period=4, first_step=1, last_step=20)


def test_who_is_frozen_stands_still_all_the_time():
    assert share_in_loop([7] * 21) == 1.0
    assert find_loop([7] * 21) == Loop(period=1, first_step=1, last_step=20)


def test_who_circles_for_the_second_part_only():
    keys = [*range(100, 112), *[1, 2] * 4, 1]  # 12 steps there and 8 steps to and fro
    assert share_in_loop(keys) == pytest.approx(0.40)
    assert find_loop(keys) == Loop(period=2, first_step=13, last_step=20)


def test_a_random_walk_is_no_loop():
    numbers, cells = random.Random(0), list(product(range(5), repeat=2))
    shares = []
    for _ in range(500):
        pair, keys = [(0, 0), (4, 4)], []
        for _ in range(101):
            keys.append(cells.index(pair[0]) * 25 + cells.index(pair[1]))
            moved = [(row + numbers.choice([-1, 0, 1]), column) for row, column in pair]
            pair = [(min(max(row, 0), 4), min(max(column + numbers.choice([-1, 1]), 0), 4)) for row, column in moved]
        shares.append(share_in_loop(keys))
    assert np.mean(shares) < 0.002


def test_a_shuttle_that_earns_is_work():
    keys, earned = [0, 1] * 10 + [0], [0.0, 1.0] * 10
    assert share_in_loop(keys, earned=earned) == 0.0
    assert share_in_loop(keys) == 1.0  # who is not told of the reward cannot know
    assert share_in_loop(keys, earned=[-1.0, 1.0] * 10) == 1.0  # to win and to lose again is nothing
    assert share_in_loop(keys, earned=[-1.0] * 20) == 1.0


def test_work_once_does_not_excuse_a_circle_afterwards():
    assert find_loop([9, 8, *[0, 1] * 4, 0], earned=[5.0, 5.0] + [0.0] * 8) == Loop(2, 3, 10)


@pytest.mark.parametrize("keys", [[], [1], [1, 2], [1, 2, 3], list(range(30)), [1, 2, 1, 2, 1, 2], [5, 5, 5]])
def test_too_little_repetition_is_no_loop(keys):
    assert find_loop(keys) is None


def test_a_loop_that_was_left_is_no_loop():
    assert find_loop([*[0, 1] * 8, 5, 6, 7]) is None


@given(prefix=st.integers(0, 12), period=st.integers(1, 7), repeats=st.integers(1, 4), more=st.integers(0, 30))
def test_a_planted_loop_is_found_where_it_is(prefix, period, repeats, more):
    steps = repeats * period + more
    keys = [-1 - place for place in range(prefix)] + [place % period for place in range(steps + 1)]
    assert find_loop(keys, repeats) == Loop(period, prefix + 1, prefix + steps)


@given(prefix=st.integers(0, 12), period=st.integers(1, 7), repeats=st.integers(2, 4), missing=st.integers(1, 7))
def test_a_step_less_is_not_enough(prefix, period, repeats, missing):
    steps = repeats * period - min(missing, period)
    keys = [-1 - place for place in range(prefix)] + [place % period for place in range(steps + 1)]
    assert find_loop(keys, repeats) is None


@given(period=st.integers(2, 6), early=st.integers(1, 5))
def test_a_prefix_that_is_part_of_the_loop_belongs_to_it(period, early):
    early = min(early, period - 1)
    keys = [-1, *[place % period for place in range(period - early, period + 4 * period)]]
    assert find_loop(keys) == Loop(period, 2, len(keys) - 1)


@given(st.lists(st.integers(0, 2), max_size=25), st.integers(1, 3))
def test_any_loop_is_the_smallest_period_that_the_episode_ends_in(keys, repeats):
    found = find_loop(keys, repeats)
    last = len(keys) - 1
    fitting = [
        period
        for period in range(1, len(keys))
        if last >= repeats * period
        and all(keys[place] == keys[place - period] for place in range(last - (repeats - 1) * period, last + 1))
        and all(keys[place] == keys[place + period] for place in range(last - repeats * period, last - period + 1))
    ]
    assert (None if found is None else found.period) == (fitting[0] if fitting else None)
    if found:
        stretch = keys[found.first_step - 1 : found.last_step + 1]
        assert stretch[: -found.period] == stretch[found.period :]
        if found.first_step > 1:
            assert keys[found.first_step - 2] != keys[found.first_step - 2 + found.period]


# What is said


def play(keys, team):
    steps = len(keys) - 1
    boards = np.zeros((len(keys), 1, 1), np.uint8)
    actions, rewards = np.zeros((steps, 2), np.int32), np.full((steps, 2), -1.0)
    return Play(np.array(keys), boards, actions, rewards, success=False, ended=False, team=team)


def circling(team, prefix=2):
    return play([*range(100, 100 + prefix), *[0, 1] * 10][:21], team)


def frozen(team):
    return play([3] * 21, team)


def wandering(team):
    return play(list(range(21)), team)


def test_when_all_meet_there_is_nothing_to_find():
    finding = loops([], 1_000, "meet")
    assert (finding.name, finding.verdict, finding.value, finding.evidence) == ("loops", "no", 0.0, ())
    assert finding.sentence == "No team runs in circles (all 1,000 meet)."
    assert finding.interval == pytest.approx((0.0, 0.0038), abs=1e-4)


def test_failing_without_a_loop():
    finding = loops([wandering(1), wandering(2)], 100, "meet")
    assert finding.verdict == "no"
    assert finding.sentence == "No team runs in circles (2 of 100 teams fail to meet, none in a loop)."


def test_circles_are_counted_and_one_is_shown():
    finding = loops([circling(17), circling(4, prefix=5), wandering(9)], 1_000, "meet", remedy="try this")
    assert finding.verdict == "yes"
    assert finding.sentence == (
        "2 teams circle for ever (0.2 % of 1,000); 1 more fails in another way; e.g. team 17, period 2, from step 3."
    )
    many = loops([circling(17), wandering(8), wandering(9)], 1_000, "meet")
    assert "; 2 more fail in another way; " in many.sentence
    assert finding.value == 0.002
    assert finding.evidence == (Evidence(17, 3, 20), Evidence(4, 6, 20))
    assert finding.remedy == "try this"


def test_standing_still_has_its_own_words():
    finding = loops([frozen(5)], 10, "meet")
    assert finding.sentence == "1 team stands still (10.0 % of 10); e.g. team 5, period 1, from step 1."
    assert finding.evidence == (Evidence(5, 1, 20),)


def test_circles_come_first_and_no_team_is_shown_twice():
    finding = loops([frozen(1), circling(2), frozen(3), circling(4)], 10, "meet")
    assert finding.sentence == (
        "2 teams circle for ever and 2 teams stand still (40.0 % of 10); e.g. team 2, period 2, from step 3."
    )
    assert [evidence.team for evidence in finding.evidence] == [2, 4, 1, 3]


def test_at_most_five_are_shown():
    finding = loops([circling(team) for team in range(9)], 9, "meet")
    assert [evidence.team for evidence in finding.evidence] == [0, 1, 2, 3, 4]
    assert finding.value == 1.0


def test_what_has_ended_is_no_loop():
    over = play([0, 1, 0], 3)._replace(ended=True)
    assert loops([over], 10, "meet", repeats=1).verdict == "no"
    assert loops([over._replace(ended=False)], 10, "meet", repeats=1).verdict == "yes"


def test_one_return_is_proof_where_everything_is_deterministic():
    once = play([9, 8, 0, 1, 2, 0], 3)
    assert loops([once], 10, "meet").verdict == "no"
    finding = loops([once], 10, "meet", repeats=1)
    assert (finding.verdict, finding.evidence) == ("yes", (Evidence(3, 3, 5),))
