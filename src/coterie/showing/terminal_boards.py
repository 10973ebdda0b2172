"""Boards on the terminal: one at a time with letters, or a hundred at once in half blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from rich.color import Color
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from coterie.diagnosis.loops import REPEATS
from coterie.envs.boards import AGENT_COLOURS, WALL, agents_on, to_text
from coterie.running.episodes import taken
from coterie.showing import words
from coterie.showing.outcomes import (
    Colour,
    Kind,
    board_at,
    bright,
    last_words,
    legend_parts,
    longest,
    outcome,
    shown,
    who,
)
from coterie.types import Play

# Dark boards are easy on the eye on dark and on light terminals alike, so agents are a little brighter than on paper.
FLOOR: dict[Kind | None, Colour] = {
    None: (66, 64, 60),
    "success": (22, 104, 64),
    "circle": (138, 24, 52),
    "still": (138, 24, 52),
    "failed": (128, 92, 14),
    "time": (128, 92, 14),
}
WALL_SHADE = (120, 114, 104)
MEETING_SHADE = (104, 230, 158)
WORD_STYLES: dict[Kind | None, str] = {
    None: "dim",
    "success": "bold green",
    "circle": "bold red",
    "still": "bold red",
    "failed": "yellow",
    "time": "yellow",
}
MOST_BOARDS = 100
USUAL_COLUMNS = 10  # boards side by side; more where they would not fit below each other
PANEL_WIDTH = 34
LETTERS = "ABCDEFG"


@lru_cache(maxsize=4096)
def _style(foreground: Colour, background: Colour | None, bold: bool = False) -> Style:
    return Style(
        color=Color.from_rgb(*foreground),
        bgcolor=Color.from_rgb(*background) if background else None,
        bold=bold or None,
    )


def _shade(cell: int, floor: Colour) -> Colour:
    """The one colour of a small cell."""
    here = agents_on(cell)
    if len(here) > 1:
        return MEETING_SHADE
    if here:
        return bright(AGENT_COLOURS[here[0]])
    return WALL_SHADE if cell & WALL else floor


def board_text(board: np.ndarray, floor: Colour = FLOOR[None]) -> Text:
    """One board, two columns a cell: agents as letters in their colours, the meeting cell green."""
    lines = []
    for row in np.asarray(board):
        line = Text(no_wrap=True)
        for cell in map(int, row):
            here = agents_on(cell)
            if len(here) > 1:
                text = "".join(LETTERS[agent] for agent in here) if len(here) == 2 else f"{len(here)}+"[:2]
                line.append(text, _style((10, 40, 24), MEETING_SHADE, bold=True))
            elif here:
                line.append(f"{LETTERS[here[0]]} ", _style((24, 22, 20), bright(AGENT_COLOURS[here[0]]), bold=True))
            elif cell & WALL:
                line.append("##", _style(WALL_SHADE, WALL_SHADE))
            else:
                line.append("· ", _style((110, 107, 100), floor))
        lines.append(line)
    return Text("\n", no_wrap=True).join(lines)


def step_panel(
    play: Play,
    step: int,
    action_names: Sequence[str],
    success_word: str = "succeed",
    repeats: int = REPEATS,
) -> RenderableType:
    """One episode after so many steps: the board, the actions that led to it, and the reward so far."""
    steps = len(play.actions)
    step = min(max(step, 0), steps)
    one = outcome(play, repeats)
    kind = shown(one, step)
    moves = "the start" if step == 0 else actions_text(taken(play, step - 1), action_names)
    earned = words.number(float(np.asarray(play.rewards)[:step].mean(axis=1).sum()) if step else 0.0)
    body = Group(
        board_text(board_at(play, step), FLOOR[kind]),
        Text(),
        Text(moves),
        Text(f"reward so far {earned}"),
        *([Text(last_words(play, one, success_word), WORD_STYLES[kind])] if step == steps else []),
    )
    border = "dim" if kind is None else WORD_STYLES[kind]
    width = max(
        2 * np.asarray(play.boards).shape[2] + 4, PANEL_WIDTH
    )  # always the same: a step must not move the frame
    return Panel(body, title=f"{who(play)} · step {step} of {steps}", border_style=border, width=width)


def action_word(action: int | Sequence[float], action_names: Sequence[str]) -> str:
    """What one action is called: its number where it has no name, a dash where an agent was not to move, or amounts.

    >>> action_word(1, ("left", "right")), action_word(1, ()), action_word(-1, ()), action_word([0.3125, -1.0], ())
    ('right', '1', '-', '0.312,-1')
    """
    if not isinstance(action, int):
        return ",".join(f"{amount + 0.0:.3g}" for amount in action)
    return "-" if action < 0 else action_names[action] if action < len(action_names) else str(action)


def actions_text(actions: Iterable[int | Sequence[float]], action_names: Sequence[str]) -> str:
    """What each agent did, in words; an agent that was not to move has none.

    >>> actions_text([0, 3, -1], ("R", "L", "D", "U"))
    'A: R   B: U   C: -'
    """
    parts = []
    for agent, action in enumerate(actions):
        parts.append(f"{chr(65 + agent) if agent < 26 else agent}: {action_word(action, action_names)}")
    return "   ".join(parts)


class Wall:
    """Up to a hundred boards at once, two rows of cells a line; as many as the terminal has room for.

    Boards are tinted once their outcome shows. Where there are no colours they are drawn in letters, a tick, a ring or
    dots below each.
    """

    def __init__(
        self,
        plays: Sequence[Play],
        step: int,
        columns: int | None = None,
        width: int | None = None,
        height: int | None = None,
        success_word: str = "succeed",
        repeats: int = REPEATS,
    ):
        self.plays = [play for play in plays if np.asarray(play.boards).size][:MOST_BOARDS]
        self.step, self.columns, self.width, self.height = step, columns, width, height
        self.success_word = success_word
        self.outcomes = [outcome(play, repeats) for play in self.plays]
        self.cells = tuple(np.max([np.asarray(play.boards).shape[1:] for play in self.plays] or [(1, 1)], axis=0))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The boards, then one line of counts."""
        coloured = console.color_system is not None and not console.no_color and not options.ascii_only
        high, wide = self.cells
        lines_a_board = (high + 1) // 2 + (high + 1) % 2 if coloured else high + 2
        height = self.height or (console.height - 1 if console.is_terminal else 0)
        fit_across = max(1, ((self.width or options.max_width) + 1) // (wide + 1))
        fit_down = max(1, (height - 1) // lines_a_board) if height else len(self.plays)
        wanted = self.columns or max(USUAL_COLUMNS, -(-len(self.plays) // fit_down))
        per_line = min(wanted, fit_across)
        lines_of_boards = min(fit_down, -(-len(self.plays) // per_line))
        drawn = min(len(self.plays), per_line * lines_of_boards)
        draw = self._half_blocks if coloured else self._letters
        for first in range(0, drawn, per_line):
            for segments in draw(range(first, min(first + per_line, drawn))):
                yield from segments
                yield Segment.line()
        yield self.legend(drawn)

    def legend(self, drawn: int | None = None) -> Text:
        """One line of counts: every outcome in its colour, and how far the episodes are."""
        parts = legend_parts(self.outcomes, self.step, self.success_word)
        line = Text(" · ").join(
            Text(text, "dim" if text.startswith("0 ") else WORD_STYLES[kind]) for kind, text in parts
        )
        last = longest(self.plays)
        line.append(f"   step {min(self.step, last)} of {last}", "dim")
        if drawn is not None and drawn < len(self.plays):
            line.append(f"   {drawn} of {len(self.plays)} boards drawn", "dim")
        return line

    def _padded(self, place: int) -> np.ndarray:
        """A board as int[H, W]; -1 where this board is smaller than the largest."""
        board = board_at(self.plays[place], self.step)
        padded = np.full(self.cells, -1)
        padded[: board.shape[0], : board.shape[1]] = board
        return padded

    def _half_blocks(self, places: range) -> Iterable[list[Segment]]:
        """Lines of segments; an odd number of rows leaves half a line between boards, an even one a whole line."""
        boards = [self._padded(place) for place in places]
        floors = [FLOOR[shown(self.outcomes[place], self.step)] for place in places]
        high, wide = self.cells
        for row in range(0, high, 2):
            line = []
            for board, floor in zip(boards, floors, strict=True):
                for column in range(wide):
                    top = int(board[row, column])
                    bottom = int(board[row + 1, column]) if row + 1 < high else -1
                    line.append(_half_block(top, bottom, floor))
                line.append(Segment(" "))
            yield list(Segment.simplify(line[:-1]))
        if high % 2 == 0:
            yield []

    def _letters(self, places: range) -> Iterable[list[Segment]]:
        """Lines of plain letters, a mark below each board, and an empty line."""
        high, wide = self.cells
        marks = {None: "", "success": "+", "circle": "o", "still": "=", "failed": "x", "time": "."}
        pictures = [to_text(board_at(self.plays[place], self.step)).replace(" ", "").split("\n") for place in places]
        for row in range(high):
            line = " ".join((picture[row] if row < len(picture) else "").ljust(wide) for picture in pictures)
            yield [Segment(line)]
        below = (marks[shown(self.outcomes[place], self.step)] * wide for place in places)
        yield [Segment(" ".join(mark.ljust(wide) for mark in below))]
        yield []


def _half_block(top: int, bottom: int, floor: Colour) -> Segment:
    if top < 0 and bottom < 0:
        return Segment(" ")
    if bottom < 0:
        return Segment("▀", _style(_shade(top, floor), None))
    return Segment("▀", _style(_shade(top, floor), _shade(bottom, floor)))


def wall(
    plays: Sequence[Play],
    step: int,
    columns: int | None = None,
    width: int | None = None,
    height: int | None = None,
    success_word: str = "succeed",
    repeats: int = REPEATS,
) -> Wall:
    """Up to a hundred boards after so many steps, and a line of counts: "92 met · 8 circle"."""
    return Wall(plays, step, columns, width, height, success_word, repeats)
