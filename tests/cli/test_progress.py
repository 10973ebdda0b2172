"""Progress: silent while nothing is known, a line every two seconds off a terminal, one rewritten line on it."""

import io

import pytest

from coterie.cli import output
from coterie.cli.output import ProgressLine
from coterie.running.train import Tick


class Screen(io.StringIO):
    """A standard error stream that is a terminal, or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def clock(monkeypatch):
    time = [100.0]
    monkeypatch.setattr(output.time, "monotonic", lambda: time[0])
    return time


def line_on(monkeypatch, terminal: bool) -> tuple[ProgressLine, Screen]:
    screen = Screen(terminal)
    monkeypatch.setattr("sys.stderr", screen)
    return ProgressLine("meet"), screen


def tick(seconds: float, episode: int = 300) -> Tick:
    return Tick(episode, 1_000, 1, 50_000, seconds, 0.5, 1.25)


def test_off_a_terminal_there_is_a_line_every_two_seconds(monkeypatch, clock):
    line, screen = line_on(monkeypatch, False)
    for step in range(100):
        clock[0] = 100.0 + 0.1 * step
        line(tick(0.1 * step))
    line.clear()
    lines = screen.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(" 30 % ")
    assert "\r" not in screen.getvalue()


def test_on_a_terminal_one_line_is_rewritten_and_taken_away(monkeypatch, clock):
    line, screen = line_on(monkeypatch, True)
    line(tick(1.0))
    line(tick(2.0, 999))
    shown = screen.getvalue()
    assert shown.count("\r") == 2
    assert "\n" not in shown
    line.clear()
    after = screen.getvalue().removeprefix(shown)
    assert after.strip(" ") == "\r\r".replace("\r\r", after.strip(" "))
    assert set(after) == {"\r", " "}


@pytest.mark.parametrize("terminal", [True, False])
def test_what_was_measured_over_a_moment_is_not_shown(monkeypatch, clock, terminal):
    line, screen = line_on(monkeypatch, terminal)
    clock[0] += 60.0
    line(tick(0.49))
    line.clear()
    assert screen.getvalue() == ""
    line(tick(0.5))
    assert " 30 % " in screen.getvalue()
