"""Loops in episodes: the known answers of facts.md 8, planted loops, and what is said about them."""

import random
import time
from itertools import product

import numpy as np
import pytest
from finite_games import meeting_game
from hypothesis import given
from hypothesis import strategies as st
from small_runs import parse_only

from coterie.diagnosis.loops import Loop, agent_loops, find_loop, loop_share, loops, quantised, team_loops
from coterie.running.evaluate import play_of
from coterie.running.train import begin, train_tabular
from coterie.types import Evidence, Play
from coterie.workflow.planning.presets import preset_options


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


def test_who_fails_unseen_is_told():
    """Of a team that fails seldom no failing episode may be recorded: it may run in circles or not."""
    nothing = loops([], 5, "meet", fails=1)
    assert (nothing.verdict, nothing.value) == ("cannot tell", None)
    assert nothing.sentence == (
        "1 of 5 teams fails to meet, and no failing episode was recorded, so nothing could be seen to come back."
    )
    some = loops([wandering(1)], 5, "meet", fails=2)
    assert some.verdict == "no"
    assert some.sentence == (
        "No team was seen to run in circles (of 2 teams that fail, 1 failing episode was recorded, none in a loop)."
    )
    assert some.interval[1] == loops([wandering(1), frozen(2)], 5, "meet").interval[1]
    found = loops([frozen(1), wandering(2)], 5, "meet", fails=4)
    assert found.sentence == (
        "1 team stands still (20.0 % of 5); 1 more fails in another way; of 4 teams that fail, 2 failing episodes were "
        "recorded; e.g. team 1, period 1, from step 1."
    )
    assert found.value == 0.2
    assert found.interval[1] == loops([frozen(1), frozen(2), frozen(3)], 5, "meet").interval[1]


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


# Shares, agents and teams


def test_episodes_of_one_team_are_not_called_teams():
    """One team's episodes are counted as such, and the one that is shown is named by its number."""
    played = [circling(0)._replace(episode=3), frozen(0)._replace(episode=4), wandering(0)._replace(episode=5)]
    finding = loops(played, 10, "meet", unit="episode")
    assert finding.sentence == (
        "In 1 episode they circle for ever and in 1 episode they stand still (20.0 % of 10); 1 more fails in another "
        f"way; e.g. team 0, episode 3, period 2, from step {finding.evidence[0].first_step}."
    )
    assert [place.episode for place in finding.evidence] == [3, 4]
    assert finding.null == "no episode in a loop"
    calm = loops([wandering(0)], 10, "meet", unit="episode")
    assert calm.sentence == "The team does not run in circles (1 of 10 episodes fail to meet, none in a loop)."


def test_the_known_shares_of_loops():
    """facts.md 8: circler 1, frozen 1, random walk .002, a productive shuttle 0, half circling .40."""
    assert loop_share([0, 1, 2, 3] * 5 + [0]) == 1.0
    assert loop_share([7] * 21) == 1.0
    assert loop_share([*range(100, 112), *[1, 2] * 4, 1]) == pytest.approx(0.40)
    assert loop_share([0, 1] * 10 + [0], [0.0, 1.0] * 10) == 0.0
    assert loop_share([0, 1] * 10 + [0], [-1.0, 1.0] * 10) == 1.0
    assert loop_share([1]) == loop_share([]) == 0.0


def test_the_share_of_a_random_walk():
    """Two walkers on 5x5: what repeats three times exactly does so by chance; facts.md 8 has .002."""
    rng, moves = np.random.default_rng(0), np.array([(0, 1), (0, -1), (1, 0), (-1, 0)])
    shares = []
    for _ in range(300):
        places, keys = np.array([[0, 0], [4, 4]]), []
        for _ in range(201):
            keys.append(int(places.ravel() @ [125, 25, 5, 1]))
            places = np.clip(places + moves[rng.integers(4, size=2)], 0, 4)
        shares.append(loop_share(keys))
    assert np.mean(shares) < 0.004


def slow_share(keys, earned, repeats):
    """The same from the definition, stretch by stretch; `earned` may be empty."""
    last, idle, work = len(keys) - 1, set(), set()
    for period in range(1, last + 1):
        for first in range(last + 1):
            for stop in range(first + repeats * period, last + 1):
                stretch = keys[first : stop + 1]
                whole = stretch[:-period] == stretch[period:]
                left = first > 0 and keys[first - 1] == keys[first - 1 + period]
                right = stop < last and keys[stop + 1] == keys[stop + 1 - period]
                if whole and not left and not right:
                    (idle if sum(earned[first:stop]) <= 0 else work).update(range(first, stop))
    return len(idle - work) / last if last > 0 else 0.0


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from([-1.0, 0.0, 0.0, 1.0])), min_size=1, max_size=16),
    st.integers(1, 3),
)
def test_any_share_is_the_definitions(steps, repeats):
    keys, earned = [key for key, _ in steps], [pays for _, pays in steps][:-1]
    assert loop_share(keys, earned, repeats) == pytest.approx(slow_share(keys, earned, repeats))
    assert loop_share(keys, (), repeats) == pytest.approx(slow_share(keys, [], repeats))


def test_waiting_inside_productive_work_is_work():
    keys, earned = [0, 0, 0, 0, 0, 1] * 5 + [0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0] * 5
    assert loop_share(keys, earned) == 0.0
    assert loop_share(keys, [0.0] * 30) == 1.0


def test_a_productive_shuttle_is_no_loop_and_is_told():
    working = circling(3)._replace(rewards=np.tile([[0.0, 0.0], [2.0, 2.0]], (10, 1)))
    finding = loops([working], 10, "meet")
    assert finding.verdict == "no"
    assert finding.sentence.startswith("1 team circles for ever, but every round earns something (on average 2.00)")
    assert finding.evidence == (Evidence(3, 3, 20),)


def test_who_circles_and_walks_on_circles_for_a_while():
    keys = [*range(100, 107), *[1, 2] * 6, *range(200, 206)]
    finding = loops([play(keys, 2)], 10, "meet")
    assert finding.verdict == "yes"
    assert finding.sentence == "1 team circles for a while (10.0 % of 10); e.g. team 2, period 2, from step 8."
    assert loops([play(keys, 2)], 10, "meet", repeats=1).verdict == "no"  # where chance decides nothing, it would go on


def test_who_stands_for_long_again_and_again_hardly_gets_on():
    """Eight steps still, two steps on, eight steps still elsewhere: most of the time nobody moves."""
    keys = np.cumsum([0, *[0] * 8, 1, 1, *[0] * 8, 1, 1, *[0] * 8])
    finding = loops([play(keys, 2)], 10, "meet")
    assert (finding.verdict, finding.evidence) == ("yes", (Evidence(2, 1, 8),))


def test_a_repetition_that_may_be_luck_is_no_loop():
    """Standing for three steps at the end is nothing where the agents stand every other step anyway."""
    keys = [1, 1, 2, 2, 2, 3, 4, 4, 5, 6, 6, 6, 7, 8, 8, 8, 8]
    assert find_loop(keys) == Loop(1, 14, 16)
    assert loops([play(keys, 1)], 10, "meet").verdict == "no"
    assert loops([play([*range(11), 50, 50, 50, 50, 50], 1)], 10, "meet").verdict == "yes"  # out of the blue


def drunkards(seed, size=4, steps=20):
    """Two who walk at random on a board and may stand."""
    rng, moves = np.random.default_rng(seed), np.array([(0, 1), (0, -1), (1, 0), (-1, 0), (0, 0)])
    places, keys = rng.integers(size, size=(2, 2)), []
    for _ in range(steps + 1):
        keys.append(int(places.ravel() @ [size**3, size**2, size, 1]))
        places = np.clip(places + moves[rng.integers(5, size=2)], 0, size - 1)
    return play(keys, seed)


def test_a_few_steps_at_the_end_are_no_loop():
    """Three steps in a corner are at least three repeats, and yet no loop: too small a part of the episode."""
    keys = [*range(13), 50, 50, 50, 50]
    assert find_loop(keys) == Loop(1, 14, 16)
    assert loops([play(keys, 1)], 10, "meet").verdict == "no"
    assert loops([play(keys, 1)], 10, "meet", repeats=1).verdict == "yes"  # where nothing is chance it is proof


@pytest.mark.parametrize("size, steps", [(3, 10), (3, 20), (4, 15), (4, 30), (5, 50)])
def test_two_drunkards_run_in_no_circle(size, steps):
    alarms = sum(loops([drunkards(seed, size, steps)], 1, "meet").verdict == "yes" for seed in range(200))
    assert alarms <= 4


def test_who_circles_until_the_world_ends_circles():
    """The clock of the world is up, or somebody starves: it ends, and nothing else was done before."""
    circle = play([*[0, 1] * 10, 99], 4)._replace(ended=True)
    finding = loops([circle], 10, "eat")
    assert finding.verdict == "yes"
    assert finding.sentence == (
        "1 team circles until the episode ends (10.0 % of 10); e.g. team 4, period 2, from step 1."
    )
    starved = play([7] * 15 + [99], 5)._replace(ended=True)
    assert loops([starved, circle], 10, "eat").sentence.startswith(
        "1 team circles until the episode ends and 1 team stands still until the episode ends (20.0 % of 10)"
    )
    assert loops([starved], 10, "eat", repeats=1).verdict == "yes"
    assert loops([starved._replace(success=True)], 10, "eat").verdict == "no"
    fell = play([*range(12), *[50, 51] * 4, 99], 6)._replace(ended=True)
    assert loops([fell], 10, "eat").verdict == "no"  # circled for a while only, and then it ended
    fed = starved._replace(rewards=np.full((15, 2), 1.0))
    assert loops([fed], 10, "eat").verdict == "no"  # to stand there was paid for


def test_keys_that_only_count_the_steps_tell_nothing():
    unseen = wandering(1)._replace(boards=np.zeros((21, 0, 0), np.uint8))
    finding = loops([unseen] * 3, 10, "meet")
    assert (finding.verdict, finding.value) == ("cannot tell", None)
    assert finding.sentence == (
        "3 of 10 teams fail to meet, and nothing that was recorded comes back exactly; without states, observations "
        "or boards, as of pictures, that does not say that nothing does."
    )
    assert loops([unseen, wandering(2)], 10, "meet").verdict == "no"  # of one it is known
    assert loops([unseen._replace(observations=(np.arange(21), np.arange(21)))], 10, "meet").verdict == "no"
    assert loops([unseen._replace(keys=np.zeros(21))], 10, "meet").verdict == "yes"  # states were recorded
    assert loops([], 10, "meet").verdict == "no"


def test_who_succeeds_is_not_asked():
    assert loops([circling(3)._replace(success=True)], 10, "meet").verdict == "no"


def test_floats_are_the_same_on_a_grid():
    values = np.array([[0.1, 0.2], [0.1000001, 0.2], [0.1, 0.21], [0.1, 0.2]])
    assert quantised(values).tolist() == [0, 0, 1, 0]
    assert quantised(np.array([3, 1, 3])).tolist() == [1, 0, 1]
    assert len(set(quantised(values, grid=1e-9))) == 3


def test_one_agent_circles_while_the_world_goes_on():
    turning = np.array([0.0, 0.5] * 10 + [0.0]) + 1e-6 * np.random.default_rng(0).normal(size=21)
    walking = np.arange(21.0)
    one = wandering(6)._replace(observations=(walking, turning))
    finding = agent_loops([one])
    assert (finding.name, finding.verdict, finding.value) == ("agent loops", "yes", 1.0)
    assert finding.sentence.startswith("Agent 1 sees the same again and again while the world goes on: 100.0 %")
    assert finding.evidence == (Evidence(6, 1, 20),)
    named = agent_loops([one], names=("scout", "carrier"))
    assert named.sentence.startswith("carrier sees the same again and again")
    assert named.picture.labels == ("scout", "carrier")
    calm = agent_loops([one._replace(observations=(walking, walking))], names=("scout", "carrier"))
    assert "(at most scout, " in calm.sentence
    parse_only(["train", "rendezvous", *finding.flags])
    assert agent_loops([one._replace(observations=(walking, walking))]).verdict == "no"
    assert agent_loops([one._replace(keys=np.arange(21) % 2)]).verdict == "no"  # the whole world circles
    paid = np.tile([[0.0, 0.0], [0.0, 1.0]], (10, 1))
    assert agent_loops([one._replace(rewards=paid)]).verdict == "no"  # it earns by it
    assert agent_loops([one._replace(success=True)]).verdict == "cannot tell"
    assert agent_loops([wandering(6)]).verdict == "cannot tell"


@pytest.fixture(scope="module")
def tutorial():
    """The greedy episodes of a thousand teams of the tutorial."""
    game, (_, options) = meeting_game(), preset_options("tutorial")
    teams = train_tabular(game, options, begin(game, options, 1_000, 1_000), seed=0, episodes=1_000, threads=2)
    return [play_of(game, teams.q[team], 0, team) for team in range(1_000)]


def test_of_a_thousand_tutorial_teams_each_failing_one_is_named(tutorial):
    """Where nothing is chance, the first state that comes back is a loop: found here with a dictionary."""
    expected = {}
    for one in tutorial:
        first: dict = {}
        for place, key in enumerate(one.keys.tolist()):
            if key in first and not one.success:
                expected[one.team] = Loop(place - first[key], first[key] + 1, 20)
                break
            first[key] = place
    failing = {one.team for one in tutorial if not one.success}
    assert 40 < len(failing) < 160  # facts.md 1: 92.1 % meet
    times = [time.perf_counter()]
    for _ in range(3):
        found = dict(team_loops(tutorial, repeats=1))
        times.append(time.perf_counter())
    assert set(found) == set(expected) == failing
    assert found == expected
    assert min(np.diff(times)) < 0.2
