import io
import subprocess
import sys

import pytest
from made_by_hand import ACTIONS, LOOPS, circling, hundred, make_verdict, meeting, tutorial, walk, walled
from rich.console import Console

from coterie.envs.boards import agent_bit
from coterie.showing import terminal
from coterie.showing.outcomes import outcome
from coterie.statistics import wilson


def plain(*renderables) -> str:
    """What a file gets."""
    file = io.StringIO()
    console = Console(file=file, width=80, soft_wrap=True)
    for renderable in renderables:
        console.print(renderable)
    return file.getvalue()


def coloured(renderable, width: int = 80, height: int = 50) -> list[str]:
    """What a terminal with all colours gets, line by line."""
    file = io.StringIO()
    console = Console(file=file, width=width, height=height, force_terminal=True, color_system="truecolor")
    console.print(renderable)
    return file.getvalue().splitlines()


def test_the_verdict_says_every_number_and_does_not_wrap_off_a_terminal():
    text = plain(terminal.verdict(tutorial()))
    assert 'The tutorial prints: "Agents learned to meet."  coterie looked:' in text
    assert "1,000 teams of 2 agents, rendezvous, independent Q-learning, 1,000 episodes each (seed 0)" in text
    for number in ("92.1 %", "90.2 to 93.7 %", "58.0 %", "46.8 % of the teams", "12.7 %", "3.86"):
        assert number in text
    assert "optimum 7.00 · random -15.84 · idle -20.00 (everybody: R) · undiscounted, within 20 steps\n" in text
    assert LOOPS.sentence + "\n" in text
    assert "Try: " + LOOPS.remedy + "\n" in text
    assert "\x1b" not in text


def test_the_first_number_of_a_relapse_is_the_share_of_checks():
    """Nearly every team of a good run fails one check of a hundred, which is no alarm beside `nothing wrong`."""
    good = make_verdict(relapsed=wilson(947, 1000), failed_checks=0.031)
    line = next(line for line in plain(terminal.verdict(good)).splitlines() if line.strip().startswith("relapsed"))
    assert " ".join(line.split()) == (
        "relapsed 3.1 % of the greedy checks after a team's first success failed (unstable above 5 %); "
        "94.7 % of the teams failed at least one"
    )


def test_a_verdict_without_findings_says_so():
    text = plain(terminal.verdict(make_verdict()))
    assert "Nothing wrong was found" in text
    assert "prints:" not in text
    assert "6.998" in text


def test_what_is_not_known_is_said():
    text = plain(terminal.verdict(make_verdict(optimal=None, relapsed=None, failed_checks=None, optimum=None)))
    assert text.count("not known") == 3


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_verdict_fits_the_terminal(width):
    lines = coloured(terminal.verdict(tutorial()), width)
    assert all(len(strip(line)) <= width for line in lines)
    assert LOOPS.sentence.split()[-1] in strip(" ".join(lines))


def strip(text: str) -> str:
    from rich.text import Text

    return Text.from_ansi(text).plain.rstrip()


def test_the_ladder_has_a_row_for_every_rung():
    text = plain(terminal.ladder([("as listed", tutorial()), ("mended", make_verdict(relapsed=None))]))
    head, first, second = text.splitlines()
    assert head.split() == ["meet", "optimal", "relapsed", "return"]
    assert " ".join(first.split()) == "as listed 92.1 % (90.2 to 93.7 %) 58.0 % 12.7 % 3.86"
    assert second.split() == [
        "mended",
        "100.0",
        "%",
        "(99.6",
        "to",
        "100.0",
        "%)",
        "99.9",
        "%",
        "not",
        "known",
        "6.998",
    ]


def test_outcomes_are_told_apart():
    assert outcome(meeting(0)).kind == "success"
    assert outcome(circling(5)).kind == "circle"
    assert outcome(circling(5)).loop.period == 2
    assert outcome(walk("L" * 9, "R" * 9, 0, success=False)).kind == "still"
    assert outcome(walled()).kind == "time"
    assert outcome(walk("RRDD", "LLLL", 0, success=False, ended=True)).kind == "failed"


def test_once_round_is_proof_only_where_the_caller_says_so():
    play = walk("RDLU" * 2, "LURD" * 2, 0, success=False)
    assert outcome(play).kind == "time"
    assert outcome(play, repeats=1).kind == "circle"


def test_a_loop_shows_after_its_third_round_and_stays():
    one = outcome(circling(5))
    assert one.loop is not None
    assert one.shows_at == one.loop.first_step - 1 + 3 * one.loop.period


@pytest.mark.parametrize(
    ("step", "legend"),
    [
        (0, "0 met · 100 under way   step 0 of 20"),
        (4, "34 met · 66 under way   step 4 of 20"),
        (20, "92 met · 8 circle   step 20 of 20"),
    ],
)
def test_the_wall_counts(step, legend):
    assert coloured(terminal.wall(hundred(), step, success_word="meet"))[-1:] != []
    assert strip(coloured(terminal.wall(hundred(), step, success_word="meet"))[-1]) == legend
    assert plain(terminal.wall(hundred(), step, success_word="meet")).splitlines()[-1] == legend


def test_a_hundred_boards_fit_and_are_tinted():
    lines = coloured(terminal.wall(hundred(), 20, success_word="meet"), 80, 40)
    assert len(lines) == 31
    assert all(len(strip(line)) <= 59 for line in lines[:-1])
    text = "\n".join(lines)
    green, red = ("{};{};{}".format(*terminal_floor(kind)) for kind in ("success", "circle"))
    assert green in text
    assert red in text
    before = "\n".join(coloured(terminal.wall(hundred(), 0, success_word="meet")))
    assert green not in before
    assert red not in before


def terminal_floor(kind):
    from coterie.showing.terminal_boards import FLOOR

    return FLOOR[kind]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (30, 24), (8, 10), (200, 50)])
def test_a_small_terminal_gets_fewer_boards_and_is_told(width, height):
    lines = coloured(terminal.wall(hundred(), 20, success_word="meet"), width, height)
    assert all(len(strip(line)) <= width for line in lines)
    if width >= 60:
        assert len(lines) < height
    assert ("boards" in strip("".join(lines[-6:]))) == (width < 100)


def test_without_colour_boards_are_letters():
    text = plain(terminal.wall([meeting(0), circling(5), walled()], 20, success_word="meet"))
    assert "+++++ ooooo ....." in text
    assert "*" in text
    assert "#" in text
    assert "A" in text
    assert "▀" not in text


def test_boards_of_unlike_sizes_stand_side_by_side():
    small = walk("RRDD", "LLUU", 0, success=True, size=3)
    assert coloured(terminal.wall([meeting(0), small], 4))
    assert plain(terminal.wall([meeting(0), small], 4))


def test_a_step_shows_board_actions_and_reward():
    start, second, last = (plain(terminal.step_panel(meeting(0), step, ACTIONS, "meet")) for step in (0, 2, 4))
    assert "step 0 of 4" in start
    assert "the start" in start
    assert "· · A · ·" not in start
    assert "A: D   B: U" in second
    assert "reward so far -2.00" in second
    assert "AB" in last
    assert "They met in 4 steps." in last
    assert "reward so far 7.00" in last


def test_agents_and_walls_have_letters():
    board = walled().boards[0].copy()
    board[2, 2] = agent_bit(0) | agent_bit(1) | agent_bit(2)
    text = terminal.board_text(board).plain
    assert text.splitlines()[0].startswith("A ")
    assert "##" in text
    assert "3+" in text


def test_progress_fits_a_line():
    for columns in (40, 60, 79, 120):
        line = terminal.progress_text(0.4, 4_000_000, 31e6, 4000, 0.999, -19.99, "meet", columns=columns)
        assert len(line) <= columns
        assert line.startswith(" 40 %")
        assert "4,000,000 episodes" in line
    assert "100.0 %" not in terminal.progress_text(1.0, 10, 1.0, 0, 0.99999, None)
    assert terminal.progress_text(7.0, 1, 12.0, None, None, None).startswith("100 %")


def test_the_terminal_needs_no_pictures():
    """Start-up must stay instant."""
    heavy = "import sys, coterie.showing.terminal; print({'matplotlib', 'PIL', 'jax', 'numba'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True).stdout.strip() == "set()"


def test_the_ladder_of_nothing_is_nothing():
    assert plain(terminal.ladder([])).strip() == ""
    assert wilson(0, 1).share == 0
