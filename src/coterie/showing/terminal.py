"""What the terminal shows: rich renderables and strings; nothing here prints.

Everything reads well without colour, too. Off a terminal nothing wraps: print with `soft_wrap=True` there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from coterie.showing import words
from coterie.showing.terminal_boards import action_word, actions_text, board_text, step_panel, wall

if TYPE_CHECKING:
    from coterie.running.verdict import Verdict
    from coterie.types import Finding

__all__ = [
    "action_word",
    "actions_text",
    "board_text",
    "ladder",
    "plain_text",
    "progress_text",
    "step_panel",
    "verdict",
    "wall",
]


class Hanging:
    """A label and what it says; on a terminal the continuation lines stand under the words, elsewhere nothing wraps."""

    def __init__(self, label: Text, body: Text):
        self.label, self.body = label, body

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The label, then the body beside it."""
        space = options.max_width - self.label.cell_len
        if not console.is_terminal:
            line = Text.assemble(self.label, self.body)
            line.no_wrap, line.overflow = True, "ignore"
            yield line
            return
        if space < 24:
            yield Text.assemble(self.label, self.body)
            return
        for place, line in enumerate(self.body.wrap(console, space)):
            yield Text.assemble(self.label if place == 0 else " " * self.label.cell_len, line)


def verdict(verdict: Verdict) -> RenderableType:
    """The verdict: who learned what, the numbers with their intervals, and what is wrong."""
    lines: list[RenderableType] = []
    if verdict.claim:
        lines += [_line(words.quoted_claim(verdict), "italic"), Text()]
    lines += [_line(words.setting(verdict), "bold"), Text()]
    facts = words.facts(verdict)
    labels = [label for label, *_ in facts]
    numbers = _aligned([value for _, value, _, _ in facts])
    spans = _padded([span for _, _, span, _ in facts])
    for place, (label, _, _, meaning) in enumerate(facts):
        style = _number_style(place, verdict)
        head = Text.assemble(
            f"  {label.ljust(max(map(len, labels)))}  ", (numbers[place], style), f"  {spans[place]}  "
        )
        lines.append(Hanging(head, Text(meaning, "dim")))
    lines.append(Text())
    wrong = [finding for finding in verdict.findings if finding.verdict == "yes"]
    for finding in wrong:
        lines += _finding(finding)
    if not wrong:
        lines.append(Hanging(Text("  "), Text(words.all_clear(verdict))))
    return Group(*lines)


def plain_text(renderable: RenderableType) -> str:
    """What would be printed, as a string without colours and without wrapping."""
    out = StringIO()
    Console(file=out, width=200, soft_wrap=True, color_system=None).print(renderable)
    return out.getvalue().rstrip()


def _line(text: str, style: str) -> Hanging:
    return Hanging(Text(""), Text(text, style))


def _finding(finding: Finding) -> Iterable[RenderableType]:
    yield Hanging(Text("  ! ", "bold red"), Text(finding.sentence))
    if finding.remedy:
        yield Hanging(Text("    "), Text.assemble(("Try: ", "bold"), finding.remedy))


def _number_style(place: int, verdict: Verdict) -> str:
    """The first number is the answer: green where every team succeeds, red where hardly any does."""
    reached = verdict.coordinated
    if place or verdict.matches or not reached.total:
        return "bold"
    return "bold green" if reached.count == reached.total else "bold red" if reached.share < 0.5 else "bold yellow"


def _aligned(numbers: list[str]) -> list[str]:
    """Numbers with their decimal points in one column; words keep to the right."""
    heads = [text.partition(".")[0] if text[-1:].isdigit() or text.endswith("%") else text for text in numbers]
    tails = [text[len(head) :] for text, head in zip(numbers, heads, strict=True)]
    tail = max((len(text) for text in tails), default=0)
    numeric = [len(head) for head, end in zip(heads, tails, strict=True) if end]
    width = max([tail + max(numeric, default=0), *map(len, numbers)])
    return [
        (head.rjust(width - tail) + end.ljust(tail)) if end else text.rjust(width)
        for text, head, end in zip(numbers, heads, tails, strict=True)
    ]


def _padded(texts: list[str]) -> list[str]:
    width = max(map(len, texts), default=0)
    return [text.rjust(width) if text else " " * width for text in texts]


def ladder(rows: list[tuple[str, Verdict]]) -> RenderableType:
    """A table with a row for each mended line: does it meet, is it optimal, does it keep what it learned?"""
    if not rows:
        return Text()
    facts = [(label, {name: (value, span) for name, value, span, _ in words.facts(one)}) for label, one in rows]
    word = rows[0][1].success_word
    table = [[label for label, _ in facts]]
    heads = ["", word]
    table.append(_aligned([known[one.success_word][0] for (_, known), (_, one) in zip(facts, rows, strict=True)]))
    heads.append("")
    table.append(_padded([f"({known[one.success_word][1]})" for (_, known), (_, one) in zip(facts, rows, strict=True)]))
    for name in ("optimal", "relapsed", "return"):
        heads.append(name)
        table.append(_aligned([known[name][0] for _, known in facts]))
    widths = [max(len(head), *map(len, column)) for head, column in zip(heads, table, strict=True)]
    styles = ["", "bold", "dim", "", "", ""]

    def line(cells: Sequence[str], chosen: Sequence[str]) -> Hanging:
        text = Text("  ")
        for place, (cell, width, style) in enumerate(zip(cells, widths, chosen, strict=True)):
            text.append((cell.ljust(width) if place == 0 else cell.rjust(width)) + "  ", style)
        text.rstrip()
        return Hanging(Text(""), text)

    top = line(heads, ["bold"] * len(heads))
    return Group(top, *(line(cells, styles) for cells in zip(*table, strict=True)))


def progress_text(
    fraction: float,
    episodes: int,
    steps_per_second: float,
    seconds_left: float | None,
    coordinated: float | None,
    return_mean: float | None,
    success_word: str = "succeed",
    unit: str = "episode",
    columns: int = 79,
    pace: str = "step",
) -> str:
    """How far a run has come, in one line of at most so many columns: a bar where there is room, else fewer facts.

    >>> progress_text(0.42, 4200, 31.3e6, 2.2, 0.871, 4.119, "meet")
    ' 42 %  4,200 episodes · 31.3 M steps/s · 2 s left · 87.1 % meet · return 4.12'
    >>> progress_text(0.42, 4200, 31.3e6, 2.2, 0.871, None, "meet", columns=100)
    ' 42 % ━━━━━━━━━━·············· 4,200 episodes · 31.3 M steps/s · 2 s left · 87.1 % meet'
    """
    fraction = min(max(fraction, 0.0), 1.0)
    left = "" if seconds_left is None else f"{duration(seconds_left)} left"
    reached = "" if coordinated is None or not success_word else f"{words.percent(coordinated)} {success_word}"
    earned = "" if return_mean is None else f"return {words.number(return_mean)}"
    parts = [words.plural(episodes, unit), f"{rate(steps_per_second)} {pace}s/s", left, reached, earned]
    head, text, room = f"{int(fraction * 100):3d} % ", "", 0
    for dropped in (None, 4, 1, 2):  # where there is no room: first the return goes, then the speed, then the time
        if dropped is not None:
            parts[dropped] = ""
        text = " · ".join(part for part in parts if part)
        room = columns - len(head) - len(text) - 1
        if room >= 0:
            break
    bar = min(24, room) if room >= 6 else 0
    full = int(fraction * bar)
    return f"{head}{'━' * full}{'·' * (bar - full)} {text}"[:columns]


def rate(each_second: float) -> str:
    """So many a second, short: 25.3 M."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if each_second >= size:
            return f"{each_second / size:.1f}{letter}"
    return f"{each_second:.0f}"


def duration(seconds: float) -> str:
    """A time in words: 1 min 05 s."""
    seconds = round(max(seconds, 0.0))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
