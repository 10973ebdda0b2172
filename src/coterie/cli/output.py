"""Printing: verdicts and pictures to stdout, progress and notices to stderr, JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from rich.console import Console

from coterie.running.train import Tick
from coterie.types import Play

PLAIN_LINE_SECONDS = 2.0


def console() -> Console:
    """Where people read; off a terminal lines are not wrapped at 80 columns."""
    return Console(soft_wrap=not sys.stdout.isatty(), highlight=False)


def show(*renderables: Any) -> None:
    """Print for people."""
    out = console()
    for renderable in renderables:
        out.print(renderable)
    sys.stdout.flush()


def show_json(value: Any) -> None:
    """Print for programs."""
    print(json.dumps(value, indent=2, default=str), flush=True)


def say(text: str) -> None:
    """A line for people that does not mix with what programs read."""
    print(text, file=sys.stderr, flush=True)


def next_step(*commands: str) -> None:
    """The last line of an output for people."""
    print(f"\nNext: {'   or   '.join(commands)}", flush=True)


def show_play(play: Play, action_names: tuple[str, ...], success_word: str, first: int, last: int) -> None:
    """A few steps of an episode side by side, as far as the terminal is wide."""
    from rich.columns import Columns
    from rich.padding import Padding

    from coterie.showing.terminal import step_panel

    panels = [step_panel(play, step, action_names, success_word) for step in range(first, last + 1)]
    show(Padding(Columns(panels, padding=(0, 2)), (0, 0, 0, 2)))


class ProgressLine:
    """Live progress on stderr: one line rewritten on a terminal, plain lines every two seconds elsewhere."""

    def __init__(self, success_word: str) -> None:
        self.word, self.live = success_word, sys.stderr.isatty()
        self.printed_at, self.began, self.width = time.monotonic(), time.monotonic(), 0

    def __call__(self, tick: Tick) -> None:
        """Show a tick."""
        from coterie.showing.terminal import progress_text

        now = time.monotonic()
        if not self.live and now - self.printed_at < PLAIN_LINE_SECONDS:
            return
        self.printed_at = now
        text = progress_text(
            tick.episode / tick.episodes,
            tick.episode,
            tick.steps_per_second,
            tick.seconds_left,
            tick.coordinated,
            tick.return_,
            self.word,
        )
        if self.live:
            sys.stderr.write("\r" + text.ljust(self.width))
            sys.stderr.flush()
            self.width = len(text)
        else:
            say(text)

    def clear(self) -> None:
        """Take the live line away."""
        if self.live and self.width:
            sys.stderr.write("\r" + " " * self.width + "\r")
            sys.stderr.flush()
