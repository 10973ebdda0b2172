"""A study on the terminal: what came out of its runs, or what they would cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from coterie.showing.terminal import Hanging, duration, rate
from coterie.showing.words import number
from coterie.statistics import FEW, Share, interval

STATES = {"new": "to train", "unfinished": "to go on", "finished": "finished", "failed": "failed"}


def results(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What came out: each run's interquartile mean over seeds, how many coordinated, random play and the optimum."""
    judged = [row for row in rows if "iqm" in row]
    lines: list[RenderableType] = []
    if judged:
        shares = [Share(**row["coordinated"]) if row["coordinated"] else None for row in judged]
        columns = {
            "": [row["name"] for row in judged],
            "IQM": [number(row["iqm"]["value"]) for row in judged],
            "95 %": [_span(row["iqm"]) for row in judged],
            "coordinated": ["-" if one is None else f"{one.count:,}/{one.total:,}" for one in shares],
            "95 % ": ["" if one is None else interval(one) for one in shares],
            "random": [number(row["random"]) for row in judged],
            "optimum": [number(row["optimum"]) for row in judged],
            "steps a seed": ["" if row["env_steps"] is None else f"{row['env_steps']:,.0f}" for row in judged],
        }
        lines += aligned(columns, bold=("IQM", "coordinated"))
    few = [row for row in judged if row["seeds"] < FEW]
    if few:
        lines.append(_note(f"fewer than {FEW} seeds are too few: their intervals do not cover what they say"))
    lines += [_note(f"{row['name']}: {row['error']}", "bold red") for row in rows if row["error"]]
    return Group(*lines)


def costs(rows: Sequence[Mapping[str, Any]], total: Mapping[str, Any]) -> RenderableType:
    """What is expected of each run: steps a second, time and disk."""
    columns = {
        "": [*(row["name"] for row in rows), "in all"],
        "state": [*(STATES[row["status"]] for row in rows), ""],
        "seeds": [*(f"{row['seeds']:,}" for row in rows), ""],
        "steps": [*(f"{row['env_steps']:,.0f}" if row["env_steps"] else "" for row in rows), ""],
        "steps/s": [*(rate(row["steps_per_second"]) if row["steps_per_second"] else "" for row in rows), ""],
        "compiling": [*(duration(row["compiling"]) if row["compiling"] else "" for row in rows), ""],
        "time": [*(duration(row["seconds"]) for row in rows), duration(total["seconds"])],
        "disk": [*(size(row["bytes"]) for row in rows), size(total["bytes"])],
    }
    lines: list[RenderableType] = [*aligned(columns, bold=("time", "disk"))]
    lines += [_note(f"{row['name']}: {row['error']}", "bold red") for row in rows if row["error"]]
    return Group(*lines)


def aligned(columns: Mapping[str, Sequence[str]], bold: Sequence[str] = ()) -> list[Hanging]:
    """Columns of words under their heads, the first to the left and the others to the right."""
    widths = {head: max(map(len, [head.strip(), *cells])) for head, cells in columns.items()}
    count = len(next(iter(columns.values())))
    lines = []
    for place in range(-1, count):
        text = Text("  ")
        for at, (head, cells) in enumerate(columns.items()):
            cell = head.strip() if place < 0 else cells[place]
            style = "bold" if place < 0 or head in bold else "" if at == 0 else "dim" if "%" in head else ""
            text.append((cell.ljust(widths[head]) if at == 0 else cell.rjust(widths[head])) + "  ", style)
        text.rstrip()
        lines.append(Hanging(Text(""), text))
    return lines


def size(count: float) -> str:
    """Bytes in words.

    >>> size(78_936), size(3 * 2**30), size(0)
    ('77.1 KiB', '3.0 GiB', '')
    """
    for unit, word in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if count >= unit:
            return f"{count / unit:.1f} {word}"
    return f"{count:.0f} B" if count else ""


def _span(estimate: Mapping[str, Any]) -> str:
    if estimate["low"] is None or estimate["high"] is None:
        return "all alike"
    return f"{number(estimate['low'])} to {number(estimate['high'])}"


def _note(text: str, style: str = "bold yellow") -> Hanging:
    return Hanging(Text("  ! ", style), Text(f"{text}."))
