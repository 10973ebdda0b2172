"""Play in words: lines of numbers, agents told together where they are many, progress."""

import numpy as np
import pytest

from coterie.running.watching import Watched
from coterie.showing.terminal import plain_text
from coterie.showing.video import Written
from coterie.showing.watched import Tick, progress_text, result, video_words


def watched(returns, lengths=None, endings=None, success=None, unit="step", limit=0, agents=None) -> Watched:
    """Episodes with these returns [episodes, agents]."""
    returns = np.array(returns, float)
    count, many = returns.shape
    names = tuple(agents or (f"agent_{n}" for n in range(many)))
    ended = endings or ["terminated"] * count
    return Watched(
        "world", "random", "random play", unit, limit, names, tuple(range(3, 3 + count)), returns,
        np.array(lengths or [10] * count), tuple(dict.fromkeys(names, how) for how in ended),
        tuple(success or [None] * count), "by the infos' success",
    )  # fmt: skip


def lines(told: Watched) -> list[str]:
    return plain_text(result(told)).splitlines()


def test_one_episode_in_which_all_earn_alike_takes_three_lines():
    assert lines(watched([[1.5, 1.5]], endings=["truncated"])) == [
        "world, random play: 1 episode of 2 agents, seed 3",
        "",
        "  return              1.50   for each agent alike",
        "  length                10   steps; cut off by its time limit",
    ]


def test_agents_that_earn_unlike_have_a_line_each():
    told = lines(watched([[1.0, -2.0]], success=[True], unit="turn"))
    assert told[2] == "  return             -0.50   mean over agents"
    assert told[3] == "  length                10   turns; it ended"
    assert told[4] == "  success              yes   by the infos' success"
    assert told[6:] == ["  agent        return", "  agent_0        1.00", "  agent_1       -2.00"]


def test_many_agents_are_told_by_the_beginning_of_their_names():
    names = [f"{side}_{n}" for side in ("red", "blue") for n in range(20)]
    told = lines(watched([[*range(20), *[5.0] * 20]], agents=names))
    assert told[-2] == "  red (20 agents)         9.50   (0.00 to 19.00)"
    assert told[-1] == "  blue (20 agents)        5.00   (5.00 to 5.00)"


def test_agents_that_have_nothing_in_common_are_cut_off_at_some_length():
    told = lines(watched([range(40)], agents=[f"{n}x" for n in range(40)]))
    assert told[-1] == "  … and 16 more agents"


def test_several_episodes_have_an_interval_and_a_line_each():
    told = lines(
        watched(
            [[n, n] for n in (1, 2, 3, 4, 5)],
            [8, 9, 10, 11, 12],
            ["truncated"] * 2 + ["terminated"] * 3,
            [True] * 4 + [False],
        )
    )
    assert told[0] == "world, random play: 5 episodes of 2 agents, seeds 3 to 7"
    # Student's t with 4 degrees of freedom at 97.5 %: 2.776; standard error sqrt(2.5 / 5)
    assert told[2] == "  return              3.00   (1.04 to 4.96) for each agent alike, mean over 5 episodes"
    assert told[3] == "  length              10.0   (8 to 12) steps; 3: it ended, 2: cut off by its time limit"
    assert told[4].startswith("  success           80.0 %   (37.5 to 96.4 %) by the infos' success")
    assert told[6].split() == ["episode", "seed", "steps", "return", "ending"]
    assert told[7].split() == ["1", "3", "8", "1.00", "cut", "off", "by", "its", "time", "limit;", "success"]
    assert told[11].split() == ["5", "7", "12", "5.00", "it", "ended;", "no", "success"]


def test_few_episodes_have_none():
    told = lines(watched([[1, 1], [2, 2]]))
    assert told[2].endswith("for each agent alike, mean over 2 episodes; fewer than 5 are too few for an interval")


def test_very_many_episodes_are_cut_off_at_some_length():
    assert lines(watched([[n, n] for n in range(30)]))[-1] == "  … and 18 more episodes"


def test_an_agent_that_took_no_part_counts_nothing():
    told = lines(watched([[1.0, np.nan], [3.0, 5.0]]))
    assert told[2].startswith("  return              2.50")
    assert told[6:8] == ["  agent_0        2.00   (1.00 to 3.00)", "  agent_1        5.00   (5.00 to 5.00)"]


def test_the_episodes_of_a_contest_have_a_column_for_each_player():
    told = lines(watched([[1.0, -1.0], [-1.0, 1.0]], [5, 9], unit="turn", agents=("white", "black")))
    assert told[9].split() == ["episode", "seed", "turns", "white", "black", "ending"]
    assert told[10].split() == ["1", "3", "5", "1.00", "-1.00", "it", "ended"]
    assert told[11].split() == ["2", "4", "9", "-1.00", "1.00", "it", "ended"]
    many = lines(watched([range(5)] * 2, agents="abcde"))
    assert many[-2].split()[:4] == ["1", "3", "10", "2.00"]


def test_an_ending_that_is_a_time_limit_is_suspected():
    assert "it ended, on the last of at most 10 steps" in lines(watched([[1, 1]], limit=10))[3]
    assert lines(watched([[1, 1]], limit=11))[3].endswith("steps; it ended")


@pytest.mark.parametrize(
    "tick, expected",
    [
        (
            Tick(0, 1, 25, 100, 10.0, 1.0),
            " 25 % ━━━━━━·················· 25 steps · 10 steps/s · 8 s left · return 1.00",
        ),
        (Tick(0, 1, 7, 0, 2_500.0, 0.0, "turn"), "7 turns · 2.5 k turns/s · return 0.00"),
        (
            Tick(1, 4, 50, 100, 10.0, 1.0),
            " 37 % ━━━━━━━━━··············· 1 episode · 10 steps/s · 25 s left · return 1.00",
        ),
        (Tick(2, 4, 7, 0, 10.0, 1.0, "turn"), " 50 % ━━━━━━━━━━━━············ 2 episodes · 10 turns/s · return 1.00"),
    ],
)
def test_progress_is_one_line(tick, expected):
    assert progress_text(tick) == expected


def test_a_video_is_told_in_a_sentence(tmp_path):
    one = Written(tmp_path / "film.gif", 126, 4, 400, 282, 312_345)
    assert video_words(one, "step", 3) == (
        f"drawn into {tmp_path / 'film.gif'}: 126 pictures of the first episode, every fourth step, 400x282, 0.3 MB"
    )
    assert video_words(one._replace(stride=1, bytes=51_234), "step").endswith(": 126 pictures, 400x282, 51 kB")
    assert ", every 16th turn, " in video_words(one._replace(stride=16), "turn")
