"""A comparison on the terminal: a table, a strip with every team, and what may be concluded."""

from __future__ import annotations

from collections.abc import Sequence
from math import log1p
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from coterie.showing.terminal import Hanging
from coterie.showing.words import number, plural
from coterie.statistics import interval, percent

if TYPE_CHECKING:
    from coterie.running.comparison import Comparison, Row
    from coterie.statistics import Estimate

COLUMNS = 44  # of a strip
MOST_POINTS = 40  # teams that are drawn one by one
BARS = "▁▂▃▄▅▆▇█"
NAME = 24


def comparison(found: Comparison) -> RenderableType:
    """The whole comparison, for people."""
    lines: list[RenderableType] = [_head(found), Text(), *_table(found), Text(), *_strips(found), Text()]
    for note in found.notes:
        lines.append(Hanging(Text("  ! ", "bold yellow"), Text(f"{note}.")))
    told = (
        ("May be concluded", found.concluded, "green"),
        ("May not", found.not_concluded, "red"),
        ("To settle it", found.to_settle, "cyan"),
    )
    for label, sentence, colour in told:
        lines.append(Hanging(Text(f"  {label + ':':<18}", f"bold {colour}"), Text(sentence)))
    return Group(*lines)


def _head(found: Comparison) -> Hanging:
    what = f"{found.score}" + (f", {found.objective}" if found.objective else "")
    known = (("optimum", found.optimum), ("random play", found.random))
    held = "".join(f"; {name} {number(value)}" for name, value in known if value is not None)
    return Hanging(Text(), Text(f"{plural(len(found.rows), 'run')} on {found.environment} ({what}{held})", "bold"))


def _table(found: Comparison) -> list[Hanging]:
    heads = ["", "teams", found.success_word, "95 %", "IQM", "95 %", "mean", "95 %"]
    columns = [
        [_short(row.name) for row in found.rows],
        [f"{row.teams:,}" for row in found.rows],
        ["-" if row.coordinated is None else percent(row.coordinated.share) for row in found.rows],
        ["" if row.coordinated is None else interval(row.coordinated) for row in found.rows],
        [number(row.iqm.value) for row in found.rows],
        [_span(row.iqm, row.teams) for row in found.rows],
        [number(row.mean.value) for row in found.rows],
        [_span(row.mean, row.teams) for row in found.rows],
    ]
    styles = ["", "", "bold", "dim", "bold", "dim", "bold", "dim"]
    if all(row.coordinated is None for row in found.rows):
        heads, columns, styles = heads[:2] + heads[4:], columns[:2] + columns[4:], styles[:2] + styles[4:]
    widths = [max(map(len, [head, *cells])) for head, cells in zip(heads, columns, strict=True)]

    def line(cells: Sequence[str], chosen: Sequence[str]) -> Hanging:
        text = Text("  ")
        for place, (cell, width, style) in enumerate(zip(cells, widths, chosen, strict=True)):
            text.append((cell.ljust(width) if place == 0 else cell.rjust(width)) + "  ", style)
        text.rstrip()
        return Hanging(Text(""), text)

    return [line(heads, ["bold"] * len(heads)), *(line(cells, styles) for cells in zip(*columns, strict=True))]


def _span(estimate: Estimate, teams: int) -> str:
    """An interval, or why there is none."""
    if estimate.low is None or estimate.high is None:
        return "one team" if teams == 1 else "all alike"
    return f"{number(estimate.low)} to {number(estimate.high)}"


def _strips(found: Comparison) -> list[Hanging]:
    """Each team as a point, or where there are many how many lie where, over one common axis."""
    every = [score for row in found.rows for score in row.scores]
    references = [value for value in (found.optimum, found.random) if value is not None]
    low, high = min(every + references), max(every + references)
    width = max(len(_short(row.name)) for row in found.rows)
    one_by_one = all(row.teams <= MOST_POINTS for row in found.rows)
    what = "every team's" if one_by_one else "the teams'"
    lines = [Hanging(Text(), Text(f"  {what} {found.score}", "bold"))]
    for row in found.rows:
        text = Text(f"  {_short(row.name).ljust(width)}  ")
        text.append(strip(row, low, high))
        text.rstrip()
        lines.append(Hanging(Text(""), text))
    left, right = number(low), number(high)
    axis = f"{left}{' ' * max(1, COLUMNS - len(left) - len(right))}{right}"
    lines.append(Hanging(Text(""), Text(f"  {' ' * width}  {axis}", "dim")))
    marks = []
    if any(row.teams <= MOST_POINTS for row in found.rows):
        marks.append("• one team, 2 to 9 so many, # ten or more")
    if any(row.teams > MOST_POINTS for row in found.rows):
        marks.append("bars grow with the logarithm of the number of teams")
    lines += [Hanging(Text(""), Text(f"  {' ' * width}  {mark}", "dim")) for mark in marks]
    return lines


def strip(row: Row, low: float, high: float, columns: int = COLUMNS) -> str:
    """The teams of a row between two limits: `•` is one team and a digit so many; bars where there are many teams."""
    counts = [0] * columns
    for score in row.scores:
        counts[min(columns - 1, int((score - low) / ((high - low) or 1) * columns))] += 1
    if row.teams <= MOST_POINTS:
        return "".join(
            " " if not count else "•" if count == 1 else str(count) if count < 10 else "#" for count in counts
        )
    tallest = log1p(max(counts))
    return "".join(" " if not count else BARS[round((len(BARS) - 1) * log1p(count) / tallest)] for count in counts)


def _short(name: str) -> str:
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"
