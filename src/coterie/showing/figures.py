"""Curves as a picture for messages and papers: matplotlib's objects alone, no global state."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from coterie.running.storage import write_atomically
from coterie.showing import words
from coterie.showing.numbers import reference_lines, spread

if TYPE_CHECKING:
    from coterie.running.verdict import Curve, Verdict

INK, FAINT, PAPER = "#2b2a28", "#8a857b", "#fbfaf7"
TEAMS, SUCCESS = "#2662a8", "#1f8a57"
REFERENCES = {"optimum": "#1f8a57", "random": "#8a857b", "idle": "#8a857b"}
LETTER = 15  # points at 7.2 inches: still legible when the picture is as wide as a phone


def curves(path: str | Path, curve: Curve, verdict: Verdict) -> None:
    """Writes the picture as a PNG."""
    write_atomically(Path(path), curves_png(curve, verdict))


def curves_png(curve: Curve, verdict: Verdict) -> bytes:
    """Two panels over episodes: the share of teams that coordinate; returns beside optimum, random and idle play."""
    figure = Figure(figsize=(7.2, 8.2), dpi=150, facecolor=PAPER)
    FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.115, right=0.765, top=0.8, bottom=0.085, hspace=0.32)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.25))
    for axes in (above, below):
        _plain(axes)
    _shares(above, curve, verdict)
    _returns(below, curve, verdict)
    below.set_xlabel("episodes", fontsize=LETTER, color=INK)
    below.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    below.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    below.set_xlim(min(curve.episodes, default=0), max(curve.episodes, default=1) + (len(curve.episodes) == 1))
    title = textwrap.fill(words.headline(verdict), 40)
    figure.text(0.03, 0.975, title, fontsize=LETTER + 4, fontweight="bold", color=INK, va="top", linespacing=1.25)
    under = 0.965 - 0.038 * (title.count("\n") + 1)
    figure.text(0.03, under, textwrap.shorten(words.setting(verdict), 88), fontsize=LETTER - 4, color=FAINT, va="top")
    memory = io.BytesIO()
    figure.savefig(memory, format="png", facecolor=PAPER)
    return memory.getvalue()


def _plain(axes: Axes) -> None:
    axes.set_facecolor(PAPER)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#cfc9bd")
    axes.tick_params(labelsize=LETTER - 2, colors=INK, length=0, pad=6)
    axes.grid(axis="y", color="#e6e1d6", linewidth=1)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _heading(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=LETTER, color=INK, pad=10)


def _shares(axes: Axes, curve: Curve, verdict: Verdict) -> None:
    """The share of teams whose greedy agents succeed, labelled with its last value at the line."""
    _heading(axes, f"Teams that {words.doing(verdict)} when greedy")
    axes.plot(curve.episodes, curve.coordinated, color=SUCCESS, linewidth=3, solid_capstyle="round", clip_on=False)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    if curve.coordinated:
        _label(axes, curve.coordinated[-1], words.percent(curve.coordinated[-1]), SUCCESS, bold=True)


def _returns(axes: Axes, curve: Curve, verdict: Verdict) -> None:
    """Median, quartiles and range of the teams' returns, with the lines that they are held against."""
    _heading(axes, "Their return: median, middle half, all" if len(curve.episodes) > 1 else "Their return")
    axes.fill_between(curve.episodes, curve.least, curve.greatest, color=TEAMS, alpha=0.12, linewidth=0)
    axes.fill_between(curve.episodes, curve.lower_quartile, curve.upper_quartile, color=TEAMS, alpha=0.28, linewidth=0)
    axes.plot(curve.episodes, curve.median, color=TEAMS, linewidth=3, solid_capstyle="round", clip_on=False)
    references = reference_lines(verdict)
    for name, value in references:
        style = "-" if name == "optimum" else (0, (4, 3)) if name == "random" else (0, (1, 2))
        axes.axhline(value, color=REFERENCES[name], linewidth=1.6, linestyle=style, zorder=1.5)
    axes.margins(y=0.06)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    labels = [(value, f"{name} {words.number(value)}", REFERENCES[name], False) for name, value in references]
    if curve.median:
        labels.append((curve.median[-1], f"median {words.number(curve.median[-1], verdict.optimum)}", TEAMS, True))
    low, high = axes.get_ylim()
    wanted = [value for value, *_ in labels]
    for (_, text, colour, bold), height in zip(labels, spread(wanted, 0.075 * (high - low)), strict=True):
        _label(axes, height, text, colour, bold)


def _label(axes: Axes, height: float, text: str, colour: str, bold: bool = False) -> None:
    """A label at the right end of a line, in its colour."""
    axes.annotate(
        text,
        (1, height),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=LETTER - 3,
        color=colour,
        fontweight="bold" if bold else "normal",
        annotation_clip=False,
    )
