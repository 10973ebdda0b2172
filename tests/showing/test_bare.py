"""Episodes without a board are told as lines of text."""

import numpy as np
from made_by_hand import amounts, foreign

from coterie.showing.bare import LAST_STEPS, MOST_EPISODES, MOST_STEPS, episodes_told, steps_told


def plain(lines) -> list[str]:
    return [line.plain for line in lines]


def test_every_step_says_who_did_what_and_what_it_earned():
    play = foreign(3, steps=3)._replace(rewards=np.array([[1.0, 3.0], [0.0, -1.0], [0.25, 0.25]]), episode=2)
    head, columns, *steps, last = plain(steps_told(play, ("up", "down", "left", "right")))
    assert head == "Team 3, episode 2:"
    assert columns.split() == ["step", "actions", "reward", "so", "far"]
    assert [line.split()[0] for line in steps] == ["1", "2", "3"]
    assert [line.split()[-2:] for line in steps] == [["2.00", "2.00"], ["-0.50", "1.50"], ["0.25", "1.75"]]
    names = ("up", "down", "left", "right")
    for line, joint in zip(steps, play.actions, strict=True):
        assert f"A: {names[joint[0]]}   B: {names[joint[1]]}" in line
    assert last.strip() == "Time ran out after 3 steps."


def test_amounts_are_short_numbers():
    told = plain(steps_told(amounts(steps=5), ("up", "down", "left", "right")))
    names = ("up", "down", "left", "right")
    for line, own, number in zip(told[2:7], ("-1,-100", "-0.5,-50", "0,0", "0.5,50", "1,100"),
                                 amounts(steps=5).actions[:, 1, 0], strict=True):  # fmt: skip
        assert f"A: {own}   B: {names[int(number)]} " in line
    assert "A: 0.5,50   B: " in plain(steps_told(amounts(steps=5), ()))[5]  # without a name, too


def test_the_middle_of_a_long_episode_is_left_out_and_counted():
    told = plain(steps_told(foreign(3, steps=100), ()))
    numbers = [int(line.split()[0]) for line in told[2:-1] if line.split()[0].isdigit()]
    assert numbers == [*range(1, MOST_STEPS - LAST_STEPS + 1), 97, 98, 99, 100]
    assert any(line == "  … 76 more steps …" for line in told)
    assert len(plain(steps_told(foreign(3, steps=MOST_STEPS), ()))) == MOST_STEPS + 3


def test_many_episodes_are_a_line_each():
    told = plain(episodes_told([foreign(team, steps=4) for team in range(MOST_EPISODES + 2)]))
    assert len(told) == MOST_EPISODES + 1
    assert told[0].startswith("  team 0   return ")
    assert told[0].endswith("Time ran out after 4 steps.")
    assert told[-1] == "  … and 2 more episodes"
