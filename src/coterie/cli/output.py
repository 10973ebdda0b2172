"""Printing: verdicts and pictures to stdout, progress and notices to stderr, JSON for programs."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from coterie.errors import CoterieError

if TYPE_CHECKING:
    from coterie.running.train import Tick
    from coterie.running.verdict import Verdict
    from coterie.types import Play

LIVE_LINE_SECONDS, PLAIN_LINE_SECONDS = 0.1, 2.0
KNOWN_SECONDS = 0.5  # a rate measured over less says nothing


class Screen(Console):
    """A console that leaves it to the command what happens when nobody reads on."""

    def on_broken_pipe(self) -> None:
        """Raise what plain printing would."""
        raise BrokenPipeError


def console() -> Console:
    """Where people read; off a terminal lines are not wrapped at 80 columns."""
    return Screen(soft_wrap=not sys.stdout.isatty(), highlight=False)


def show(*renderables: Any) -> None:
    """Print for people."""
    out = console()
    for renderable in renderables:
        out.print(renderable, markup=False, emoji=False)
    sys.stdout.flush()


def show_json(value: Any) -> None:
    """Print for programs."""
    print(json.dumps(value, indent=2, default=str), flush=True)


def say(text: str) -> None:
    """A line for people that does not mix with what programs read; where nobody listens, it is not said."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def draw(run: Any) -> None:
    """Draw a run's pictures, after all else is saved and shown: a failure costs a line, never the verdict."""
    say(f"drawing into {run.folder}/ …")
    try:
        run.draw()
    except Exception as error:
        say(f"coterie: the pictures could not be drawn: {type(error).__name__}: {error}; all else is in {run.folder}/")


def finished(progress: Line, learn: Callable[[], Any]) -> tuple[Any, CoterieError | None]:
    """The run that comes of learning, and the fault it ended with although it has a verdict: some seeds were frozen."""
    try:
        return learn(), None
    except CoterieError as fault:
        if fault.run is None:
            raise
        return fault.run, fault
    finally:
        progress.clear()


def say_fault(fault: CoterieError | None) -> int:
    """Say what a run with a verdict ended with, after all else; the exit code."""
    if fault is None:
        return 0
    say(f"coterie: {fault}")
    return fault.exit_code


def say_making() -> None:
    """Why the first time takes longer."""
    say("making the exact table of this game; the next time it comes from the cache …")


def say_playing() -> None:
    """What takes so long, where an environment from elsewhere is written down for the first time."""
    say("making the exact table of this environment by playing it; the next time it comes from the cache …")


def next_step(*commands: str) -> None:
    """The last line of an output for people."""
    print(f"\nNext: {'   or   '.join(commands)}", flush=True)


def has_boards(run: Any) -> bool:
    """Whether `coterie watch` can show a run's episodes; of a game without pictures it cannot."""
    return any(play.boards.size for play in run.plays)


def show_play(
    play: Play,
    action_names: tuple[str, ...],
    success_word: str,
    first: int,
    last: int,
    moves: Sequence[str] | None = None,
) -> None:
    """Some steps of an episode as a strip of boards, side by side as far as the terminal is wide.

    moves: what was done in each step, in words, where that is not what all agents did.
    """
    from coterie.showing.terminal import board_text

    out, width = console(), 2 * play.boards.shape[2] + 3
    told = [_caption(play, step, action_names) for step in range(last + 1)]
    if moves is not None:
        told[1:] = [f"{step}: {move}" for step, move in enumerate(moves[:last], 1)]
    longest = max(map(len, told[first:]))
    caption_width = max(width, 12, longest + 2)
    a_row = max(1, (out.width - 2) // caption_width)
    for begin in range(first, last + 1, a_row):
        steps = range(begin, min(begin + a_row, last + 1))
        boards = [board_text(play.boards[step]).split("\n") for step in steps]
        captions = [told[step] for step in steps]
        out.print("  " + "".join(caption.ljust(caption_width) for caption in captions).rstrip())
        for row in range(play.boards.shape[1]):
            line = Text("  ")
            for board in boards:
                cells = board[row].copy()
                cells.pad_right(caption_width - cells.cell_len)
                line.append_text(cells)
            line.rstrip()
            out.print(line)
        out.print()


def _caption(play: Play, step: int, action_names: tuple[str, ...]) -> str:
    """Which step a board shows, and the actions that led there."""
    from coterie.running.episodes import taken
    from coterie.showing.terminal import action_word

    if step == 0:
        return "start"
    return f"{step}: {' '.join(action_word(action, action_names) for action in taken(play, step - 1))}"


def show_example(verdict: Verdict, plays: list[Play], action_names: tuple[str, ...]) -> None:
    """The failing episode that a finding points to, from the step before its loop to where the loop has closed."""
    from coterie.showing.outcomes import same_episode, who

    for finding in verdict.findings:
        if finding.verdict != "yes" or not finding.evidence:
            continue
        place = finding.evidence[0]
        play = next((play for play in plays if same_episode(play) == same_episode(place)), None)
        if play is not None and play.boards.size:
            first = max(0, place.first_step - 1)
            last = min(first + 4, len(play.actions))
            show(f"\n  {who(place).capitalize()}, steps {first} to {last} of {len(play.actions)}:")
            show_play(play, action_names, verdict.success_word, first, last)
            return


class Line:
    """Live text on stderr: one line rewritten on a terminal, plain lines every two seconds elsewhere."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.printed_at, self.width = time.monotonic(), 0

    def write(self, text: str, at_once: bool = False) -> None:
        """Show a text in the place of the last one."""
        now = time.monotonic()
        if not self.live and not at_once and now - self.printed_at < PLAIN_LINE_SECONDS:
            return
        self.printed_at = now
        if not self.live:
            say(text)
            return
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write("\r" + text.ljust(self.width))
            sys.stderr.flush()
            self.width = len(text)

    def note(self, text: str) -> None:
        """Say something that stays."""
        self.clear()
        say(f"! {text}")

    def clear(self) -> None:
        """Take the live line away."""
        if not (self.live and self.width):
            return
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write("\r" + " " * self.width + "\r")
            sys.stderr.flush()


class ProgressLine(Line):
    """How far tabular learning has come."""

    def __init__(self, success_word: str) -> None:
        super().__init__()
        self.word = success_word

    def __call__(self, tick: Tick) -> None:
        """Show a tick."""
        from coterie.showing.terminal import progress_text

        if tick.seconds < KNOWN_SECONDS:
            return
        self.write(
            progress_text(
                tick.episode / tick.episodes,
                tick.episode,
                tick.steps_per_second,
                tick.seconds_left,
                tick.coordinated,
                tick.return_,
                self.word,
            )
        )


class DeepProgressLine(Line):
    """How far deep learning has come; what compiling took is said once, as such."""

    def __call__(self, tick: Any) -> None:
        """Show a tick."""
        from coterie.showing.deep import progress_text

        self.write(progress_text(tick), at_once=not tick.seconds)


class PlayLine(Line):
    """How far play in a live environment has come."""

    def __call__(self, tick: Any) -> None:
        """Show a tick, as often as eyes can read."""
        from coterie.showing.watched import progress_text

        if tick.seconds >= KNOWN_SECONDS and time.monotonic() - self.printed_at >= LIVE_LINE_SECONDS:
            self.write(progress_text(tick))
