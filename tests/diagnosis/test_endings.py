"""Endings: too little time, all cut off, and a clock taken for an ending or an ending for a clock."""

import numpy as np
import pytest
from finite_games import make_game, meeting_game
from recorded import episode, moved
from small_runs import parse_only

from coterie.diagnosis.endings import FEWEST_EPISODES, endings, least_horizon


def cut(steps=20, **more):
    return episode(np.full((steps, 2), -1.0), **more)


def won(steps=4, **more):
    return episode(np.full((steps, 2), 1.0), success=True, ended=True, **more)


def line(length, horizon, slip=0.0):
    """One agent that comes a cell further with each step, or stays with a chance; the last cell is the aim."""
    ways = {}
    for cell in range(length):
        last = cell == length - 1
        ways[cell, (0,)] = [(1 - slip, min(cell + 1, length - 1), float(last), last, last)]
        if slip:
            ways[cell, (0,)].append((slip, cell, 0.0, False, False))
    return make_game((1,), ways, [((cell,),) for cell in range(length)], horizon=horizon, word="arrive")


@pytest.mark.parametrize("horizon, verdict", [(3, "yes"), (4, "no")])
def test_a_horizon_that_is_too_short_is_found_without_an_episode(horizon, verdict):
    """Two agents in the corners of 5x5 need 4 steps at least: facts.md 1."""
    finding = endings([], meeting_game(horizon=horizon))
    if verdict == "yes":
        assert (finding.name, finding.verdict, finding.value) == ("endings", "yes", 0.0)
        assert finding.sentence == (
            "The time limit is too short: within 3 steps nobody can meet, and 100.0 % is possible; 4 steps are needed."
        )
        assert finding.flags == ("--env.horizon", "8")
        parse_only(["train", "rendezvous", *finding.flags])
    else:
        assert finding.verdict == "cannot tell"  # time enough, and no episode to look at


@pytest.mark.parametrize("length", [1, 2, 5, 17])
def test_the_time_that_is_needed_is_the_length_of_the_way(length):
    assert least_horizon(line(length, 100), 1.0 - 1e-6) == length


def test_half_of_the_chance_is_asked_for_where_luck_decides():
    assert endings([], line(1, 1, slip=0.6)).verdict == "yes"  # 0.4 of 1
    assert endings([], line(1, 2, slip=0.6)).verdict == "cannot tell"  # 0.64


def test_an_aim_that_nobody_can_reach():
    game = line(3, 20)
    never = game._replace(successor=np.zeros_like(game.successor))  # everything leads back to the first cell
    finding = endings([], never)
    assert (finding.verdict, finding.sentence) == ("yes", "Nobody can arrive in this game, however long it lasts.")


def test_all_run_into_the_limit():
    finding = endings([cut(team=team) for team in range(10)])
    assert (finding.verdict, finding.value) == ("yes", 1.0)
    assert finding.sentence == "All 10 episodes run into the time limit (20 steps) without success."
    assert endings([cut()] * (FEWEST_EPISODES - 1)).verdict == "cannot tell"
    assert endings([]).verdict == "cannot tell"

    assert "--env.horizon" not in finding.remedy  # it is not known what game this is
    assert finding.flags == ()


def test_a_limit_that_leaves_time_enough_is_not_to_blame():
    """5x5 from the corners takes 4 steps of 20; who circles all the time is cut off for another reason."""
    game = meeting_game()
    circling = moved(game, int(game.start_state[0]), *[(0, 1), (1, 0)] * 10)
    finding = endings([circling] * 10, game)
    assert (finding.verdict, finding.value, finding.flags, finding.remedy) == ("no", 1.0, (), "")
    assert finding.sentence == (
        "The limit leaves time enough: 4 steps are needed, 20 are allowed; all failing episodes run into it for "
        "another reason."
    )
    short = line(12, 0)  # the game sets no limit, whoever recorded it stops after 5 steps
    recorded = [moved(short, 0, *[(0,)] * 5)] * 10
    assert endings(recorded, short).verdict == "yes"
    assert endings([moved(short, 0, *[(0,)] * 11)] * 10, short).verdict == "yes"  # a cell short of the aim
    luck = line(2, 40, slip=0.5)
    kept = [episode(np.zeros((40, 1)), keys=np.zeros(41, int), actions=np.zeros((40, 1)))] * 10
    assert endings(kept, luck).sentence.startswith(
        "The limit leaves time enough: 3 steps are needed for half of the possible successes, 40 are allowed"
    )  # 1/4 within 2 steps, 1/2 within 3


def test_who_stands_still_needs_no_more_time():
    still = [cut(keys=[3] * 21)] * 6
    circling = [cut(keys=np.arange(21) % 4)] * 4
    finding = endings([*still, *circling])
    assert (finding.verdict, finding.remedy) == ("no", "")
    assert finding.sentence == (
        "All 10 episodes run into the time limit (20 steps) without success, but in 10 of them the agents stand still "
        "or circle nearly all the time, which more time would not change."
    )
    assert endings([*still[:4], *[cut()] * 6]).verdict == "yes"  # most are on their way
    assert endings([cut(keys=[*range(12), *[3] * 9])] * 10).verdict == "yes"  # they stop for the last part only


def test_a_table_without_an_aim_cannot_tell():
    game = line(12, 5)._replace(name="a walk")
    none = game._replace(success=np.zeros_like(game.success))
    assert endings([moved(none, 0, *[(0,)] * 5)] * 10, none).verdict == "cannot tell"


def test_some_cut_off_are_what_a_limit_is_for():
    finding = endings([won(steps) for steps in (4, 6, 5, 9)] * 2 + [cut()] * 2)
    assert finding.verdict == "no"
    assert finding.sentence == "8 of 10 episodes end by themselves and 2 are cut off."
    assert finding.picture.values == (0.8, 0.0, 0.0, 0.2)


def test_a_game_without_endings_is_cut_by_design():
    ways = {(0, (a,)): [(1.0, 0, float(a), False, a == 1)] for a in range(2)}
    game = make_game((2,), ways, [((0,),)], horizon=5)
    plays = [moved(game, 0, *[(0,)] * 5)] * 10
    assert endings(plays, game).verdict == "no"
    assert "no ending of its own" in endings(plays, game).sentence
    assert endings([play._replace(ended=True) for play in plays], game).verdict == "yes"


def test_a_limit_taken_for_an_ending_is_seen_on_the_table():
    game = meeting_game()
    start = int(game.start_state[0])
    met = moved(game, start, (0, 1), (0, 1), (2, 3), (2, 3))
    circling = moved(game, start, *[(0, 1), (1, 0)] * 10)
    assert met.ended
    assert not circling.ended
    assert endings([met, circling], game).verdict == "no"
    wrong = endings([met, circling._replace(ended=True)], game)
    assert wrong.verdict == "yes"
    assert "a time limit is taken for an ending" in wrong.sentence
    other = endings([met._replace(ended=False), circling], game)
    assert other.verdict == "yes"
    assert "recorded as cut off" in other.sentence


def test_numbers_of_a_recorder_are_not_the_table_s_states():
    """Deep runs number an episode's states as they come; that a last step fits the table by chance proves nothing."""
    game = meeting_game()
    start = int(game.start_state[0])
    met = moved(game, start, (0, 1), (0, 1), (2, 3), (2, 3))
    edges = np.flatnonzero(~game.ended)
    pairs = np.searchsorted(game.first_edge, edges, side="right") - 1
    fits = edges[pairs % 16 == 2 * 4 + 3][0]  # some step with the same joint action, after which the game goes on
    keys = [90, 91, 92, int(pairs[edges == fits][0]) // 16, int(game.successor[fits])]
    own = met._replace(keys=np.array(keys))
    assert game.successor[fits] != pairs[edges == fits][0] // 16
    assert endings([own] * 5, game).verdict == "no"
    assert endings([met._replace(ended=False)] * 5, game).verdict == "yes"  # the control: the table's own numbers
    assert endings([met._replace(ended=False), own], game).verdict == "no"  # one that fits may be chance, too


def test_whoever_sees_something_else_is_elsewhere():
    game = meeting_game()
    start = int(game.start_state[0])
    met = moved(game, start, (0, 1), (0, 1), (2, 3), (2, 3))._replace(ended=False)
    first = len(game.observations[0])
    seen = tuple(game.observations[0][game.seen[met.keys, agent] % first] for agent in range(2))
    assert endings([met._replace(observations=seen)], game).verdict == "yes"
    other = (seen[0], seen[1] + 1)
    assert endings([met._replace(observations=other)], game).verdict != "yes"


def test_a_fault_of_the_recording_is_not_told_as_too_little_time():
    """What the first sentence of a diagnosis says why teams fail must be what the finding found."""
    lost = [cut(20, ended=True)] * 5
    assert endings([won(3), won(7), *lost]).cause == "a time limit is recorded as an ending"
    unmarked = [won(steps)._replace(ended=False) for steps in (4, 5, 6, 7)]
    assert endings([*unmarked, cut(30)]).cause == "true endings are recorded as cut off"
    assert endings([cut()] * 10).cause == ""  # the limit is in the way, as its name says
    game = line(3, 20)
    never = endings([], game._replace(successor=np.zeros_like(game.successor)))
    assert never.cause == "nobody can arrive in this game"


def test_where_nobody_says_what_success_is_no_limit_is_to_blame():
    finding = endings([cut()] * 10, success_known=False)
    assert (finding.verdict, finding.remedy) == ("cannot tell", "")
    assert endings([won(3), won(7), *[cut(20, ended=True)] * 5], success_known=False).verdict == "no"


def test_a_limit_taken_for_an_ending_is_seen_in_episodes():
    lost = [cut(20, ended=True)] * 5
    finding = endings([won(3), won(7), *lost])
    assert finding.verdict == "yes"
    assert finding.sentence.startswith("All 5 failing episodes end truly at step 20")
    assert endings([won(3), won(7), *lost[:4], cut(12, ended=True)]).verdict == "no"  # one falls earlier
    assert endings([won(30), *lost]).verdict == "no"  # others go on for longer
    assert endings([episode([[1.0, 1.0]], ended=True)] * 9).verdict == "no"  # one decision


def test_endings_that_nobody_marked():
    unmarked = [won(steps)._replace(ended=False) for steps in (4, 5, 6, 7)]
    assert endings([*unmarked, cut(30)]).verdict == "yes"
    assert endings([won(4)._replace(ended=False)] * 4 + [cut(30)]).verdict == "no"  # all at one step: a clock, too
    assert endings([*unmarked, cut(30), won(3)]).verdict == "no"  # somebody does mark endings
