"""A comparison as a picture for papers: every team, interquartile means with intervals, and performance profiles."""

from __future__ import annotations

import io
import textwrap
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from coterie.running.storage import write_atomically
from coterie.showing import words
from coterie.showing.figures import FAINT, INK, LETTER, PAPER
from coterie.statistics import performance_profile

if TYPE_CHECKING:
    from coterie.running.comparison import Comparison

COLOURS = ("#2662a8", "#c2571a", "#1f8a57", "#8a4fa3", "#a8862a", "#3f8f96", "#b03a5b", "#6b6b6b")
DASHES = ("-", (0, (5, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)))
CELLS = 80  # teams whose scores share one of so many cells are drawn above each other
FORMATS = (".png", ".svg")


def comparison_figure(path: str | Path, found: Comparison) -> None:
    """Writes the picture, as PNG or SVG by the ending of its name."""
    memory = io.BytesIO()
    kind = Path(path).suffix.lower().removeprefix(".") or "png"
    _figure(found).savefig(memory, format=kind, facecolor=PAPER, metadata={"Date": None} if kind == "svg" else None)
    write_atomically(Path(path), memory.getvalue())


def _figure(found: Comparison) -> Figure:
    """Above a strip a run, below the share of teams that score more than so much."""
    names = [
        textwrap.shorten(row.name, 26, placeholder="…") if " " in row.name else row.name[:26] for row in found.rows
    ]
    strips = max(1.9, 0.8 * len(names) + 0.6)
    columns = max(1, min(len(names), int(70 / (max(map(len, names)) + 8))))
    key = 0.3 * ceil(len(names) / columns)
    high = strips + 3.2 + 2.6 + key
    figure = Figure(figsize=(8.6, high), dpi=150, facecolor=PAPER)
    FigureCanvasAgg(figure)
    left = min(0.4, 0.08 + 0.0125 * max(map(len, names)))
    figure.subplots_adjust(
        left=left, right=0.95, top=1 - 1.55 / high, bottom=(0.85 + key) / high, hspace=0.42 / (high / 7)
    )
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(strips, 3.2))
    for axes in (above, below):
        axes.set_facecolor(PAPER)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color("#cfc9bd")
        axes.tick_params(labelsize=LETTER - 3, colors=INK, length=0, pad=6, labelbottom=True)
    _strips(above, found, names)
    _profiles(below, found)
    handles, _ = below.get_legend_handles_labels()
    figure.legend(
        handles,
        names,
        loc="lower center",
        ncols=columns,
        fontsize=LETTER - 4,
        frameon=False,
        labelcolor=INK,
        handlelength=2.8,
    )
    title = textwrap.fill(_title(found), 62)
    figure.text(0.03, 1 - 0.2 / high, title, fontsize=LETTER + 2, fontweight="bold", color=INK, va="top")
    told = f"{found.environment}: {found.score}" + (f", {found.objective}" if found.objective else "")
    under = 1 - (0.3 + 0.32 * (title.count("\n") + 1)) / high
    figure.text(0.03, under, textwrap.shorten(told, 95), fontsize=LETTER - 4, color=FAINT, va="top")
    return figure


def _title(found: Comparison) -> str:
    """Who wins, if anybody does."""
    best = found.rows[0].name
    asked = [pair for pair in found.pairs if pair.about == "score" and best in (pair.higher, pair.lower)]
    if all(pair.settled and pair.higher == best for pair in asked):
        return f"{best} scores highest"
    return "No winner: which scores highest is open"


def _strips(axes: Axes, found: Comparison, names: list[str]) -> None:
    """Every team as a point beside its neighbours, under it the interquartile mean with its interval."""
    for place, row in enumerate(found.rows):
        colour = COLOURS[place % len(COLOURS)]
        scores = np.sort(np.array(row.scores))
        alpha = max(0.12, min(0.75, 30 / len(scores)))
        heights = place - 0.12 + _beside(scores, scores[-1] - scores[0])
        axes.scatter(scores, heights, s=20, color=colour, alpha=alpha, linewidths=0, clip_on=False)
        if row.iqm.low is not None and row.iqm.high is not None:
            axes.plot((row.iqm.low, row.iqm.high), (place + 0.24,) * 2, color=INK, linewidth=3, solid_capstyle="butt")
        axes.plot(row.iqm.value, place + 0.24, marker="D", color=colour, markeredgecolor=INK, markersize=8, zorder=4)
    axes.set_yticks(
        range(len(names)),
        [f"{name}\n{words.plural(row.teams, 'team')}" for name, row in zip(names, found.rows, strict=True)],
    )
    for place, label in enumerate(axes.get_yticklabels()):
        label.set_color(COLOURS[place % len(COLOURS)])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_title("Every team; diamond: interquartile mean, 95 %", loc="left", fontsize=LETTER - 1, color=INK, pad=26)
    for name, value in (("optimum", found.optimum), ("random", found.random)):
        if value is not None:
            axes.axvline(value, color=FAINT, linewidth=1.2, linestyle=(0, (4, 3)), zorder=0.5)
            axes.annotate(
                name,
                (value, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 4),
                textcoords="offset points",
                ha="right" if name == "optimum" else "center",
                fontsize=LETTER - 4,
                color=FAINT,
                annotation_clip=False,
            )


def _beside(scores: np.ndarray, width: float) -> np.ndarray:
    """Heights float64[W] that keep scores apart which lie on almost one place; scores in order."""
    cell = np.floor((scores - scores[0]) / ((width or 1) / CELLS))
    heights = np.zeros(len(scores))
    for one in np.unique(cell):
        there = np.flatnonzero(cell == one)
        reach = min(0.19, 0.04 * (len(there) - 1))
        heights[there] = np.linspace(-reach, reach, len(there))
    return heights


def _profiles(axes: Axes, found: Comparison) -> None:
    """The share of teams that score more than so much, a step at every score."""
    every = np.unique(np.concatenate([row.scores for row in found.rows]))
    margin = 0.03 * (every[-1] - every[0]) or 0.5
    thresholds = np.concatenate([[every[0] - margin], every])
    for place, row in enumerate(found.rows):
        share = performance_profile(row.scores, thresholds)
        axes.step(
            thresholds,
            share,
            where="post",
            color=COLOURS[place % len(COLOURS)],
            linestyle=DASHES[place % len(DASHES)],
            linewidth=2.6,
            label=row.name,
        )
    axes.set_ylim(0, 1.02)
    axes.grid(axis="y", color="#e6e1d6", linewidth=1)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.set_title("Share of teams that score more than", loc="left", fontsize=LETTER - 1, color=INK, pad=10)
    axes.set_xlabel(_axis(found), fontsize=LETTER - 2, color=INK)


def _axis(found: Comparison) -> str:
    """The axis: what the scores are, and the best of them."""
    return f"{found.score} (greatest {words.number(max(max(row.scores) for row in found.rows))})"
