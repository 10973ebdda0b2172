"""The report's curves as SVG, written by hand: they follow the page's colours, light or dark, and print sharply."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from coterie.showing import words
from coterie.showing.numbers import nice_ticks, reference_lines, spread

if TYPE_CHECKING:
    from coterie.running.verdict import Curve, Verdict
    from coterie.statistics import Share

WIDE, HIGH = 470.0, 280.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 112.0, 14.0, 40.0
LABEL_HEIGHT = 18.0
MOST_LINES = 40  # of single teams, where there are more teams than a picture can tell apart
MOST_POINTS = 20_000  # of all single lines together
RASTER_WIDE, RASTER_HIGH = 960.0, 240.0


def share_bar(share: Share, kind: str) -> str:
    """A share as a bar from 0 to 100 %, its interval as a line with whiskers over it."""
    low, high = 100 * share.low, 100 * share.high
    whiskers = f'<path class="interval" d="M{low:.2f} 5H{high:.2f}M{low:.2f} 2v6M{high:.2f} 2v6"/>'
    return _bar(share.share, f"{words.percent(share.share)}, interval {words.interval(share)}", kind, whiskers)


def plain_bar(share: float, kind: str) -> str:
    """A share without an interval as a bar from 0 to 100 %."""
    return _bar(share, words.percent(share), kind)


def _bar(share: float, label: str, kind: str, over: str = "") -> str:
    return (
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f'<rect class="track" width="100" height="10"/><rect class="{kind}" width="{100 * share:.2f}" height="10"/>'
        f"{over}</svg>"
    )


def shares(curve: Curve, verdict: Verdict) -> str:
    """The share of teams that coordinate over episodes."""
    last = curve.coordinated[-1] if curve.coordinated else 0.0
    return _chart(
        f"Teams that {words.doing(verdict)} when greedy: {words.percent(last)} at the end",
        curve.episodes,
        (0.0, 1.0),
        [(tick, f"{100 * tick:.0f} %") for tick in (0.0, 0.25, 0.5, 0.75, 1.0)],
        bands=[],
        line=("success", curve.coordinated),
        references=[],
        labels=[(last, words.percent(last), "success")],
    )


def returns(curve: Curve, verdict: Verdict, singles: Sequence[Sequence[tuple[int, float]]] = ()) -> str:
    """Median, quartiles and range of the teams' returns over episodes, beside optimum, random and idle play.

    singles: one thin line each, points of episode and return.
    """
    references = reference_lines(verdict)
    everything = [*curve.least, *curve.greatest, *(value for _, value in references)]
    low, high = min(everything, default=0.0), max(everything, default=1.0)
    margin = 0.05 * (high - low) or 1.0
    labels = [(value, f"{name} {words.number(value)}", name) for name, value in references]
    if curve.median:
        labels.append((curve.median[-1], f"median {words.number(curve.median[-1], verdict.optimum)}", "team"))
    return _chart(
        "Return over episodes: " + ", ".join(text for _, text, _ in labels),
        curve.episodes,
        (low - margin, high + margin),
        [(tick, f"{tick:,g}") for tick in nice_ticks(low, high)],
        bands=[("all", curve.least, curve.greatest), ("half", curve.lower_quartile, curve.upper_quartile)],
        line=("team", curve.median),
        references=references,
        labels=labels,
        singles=singles,
    )


def single_lines(curve: Curve, verdict: Verdict) -> tuple[list[list[tuple[int, float]]], str]:
    """The returns of single teams as lines, and the words that say how many there are of how many.

    Every team where all were kept; else an even choice of them, for the bands show the rest. Where there are too many
    points, every so-manieth check is drawn.
    """
    if curve.single is None or not len(curve.single.teams):
        return [], ""
    kept = len(curve.single.teams)
    everybody = kept >= verdict.teams
    rows = range(kept) if everybody else np.linspace(0, kept - 1, min(kept, MOST_LINES)).astype(int).tolist()
    step = max(1, -(-len(rows) * len(curve.episodes) // MOST_POINTS))
    places = sorted({*range(0, len(curve.episodes), step), len(curve.episodes) - 1})
    lines = [[(curve.episodes[k], float(curve.single.returns[row, k])) for k in places] for row in rows]
    if everybody:
        how = "; a thin line for each" if kept > 1 else ""
    else:
        how = f"; thin lines for {len(lines)} of {verdict.teams:,}, evenly spread"
    return lines, how + (f", at every {step}th check" if step > 1 else "")


def raster_words(curve: Curve, verdict: Verdict) -> str:
    """What the raster shows, and of whom."""
    kept = 0 if curve.single is None else len(curve.single.teams)
    who = "Every team" if kept >= verdict.teams else f"{kept} of {verdict.teams:,} teams, evenly spread"
    return (
        f"{who}, one a row, at every greedy check: green where they {words.doing(verdict)}, "
        "red where they fail again after their first success. Sorted by their first success."
    )


def raster(curve: Curve, verdict: Verdict) -> str:
    """Every kept team as a row, every check as a column; runs of equal cells are one stroke."""
    assert curve.single is not None
    found = np.asarray(curve.single.coordinated, bool)
    ever = found.any(1)
    first = np.where(ever, found.argmax(1), found.shape[1])
    order = np.lexsort((-found.sum(1), first))
    found, first = found[order], first[order]
    after = np.arange(found.shape[1])[None, :] > first[:, None]
    tall = min(RASTER_HIGH, 16.0 * len(found))
    row, column = tall / len(found), RASTER_WIDE / found.shape[1]
    relapsed = (after & ~found).any(1).sum()
    label = (
        f"{len(found)} teams at {found.shape[1]} checks: {int(ever.sum())} succeed at least once, "
        f"{int(relapsed)} of them fail again later"
    )
    parts = [
        f'<svg class="raster" viewBox="0 0 {RASTER_WIDE:g} {tall:.1f}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}"><rect class="track" width="{RASTER_WIDE:g}" height="{tall:.1f}"/>'
    ]
    for kind, cells in (("success", found), ("circle", after & ~found)):
        way = []
        for place, line in enumerate(cells):
            edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8)))
            for begin, end in edges.reshape(-1, 2).tolist():
                way.append(f"M{begin * column:.5g} {(place + 0.5) * row:.5g}h{(end - begin) * column:.5g}")
        parts.append(f'<path class="{kind}" stroke-width="{row:.3g}" d="{"".join(way)}"/>')
    ends = f"<span>{curve.episodes[0]:,}</span><span>{curve.episodes[-1]:,} episodes</span>"
    return "".join(parts) + f'</svg><p class="ends" aria-hidden="true">{ends}</p>'


def _chart(
    label: str,
    episodes: Sequence[int],
    limits: tuple[float, float],
    ticks: list[tuple[float, str]],
    bands: list[tuple[str, Sequence[float], Sequence[float]]],
    line: tuple[str, Sequence[float]],
    references: list[tuple[str, float]],
    labels: list[tuple[float, str, str]],
    singles: Sequence[Sequence[tuple[int, float]]] = (),
) -> str:
    """A chart over episodes; `label` is what a reader who cannot see it is told. The other texts are numbers."""
    low, high = limits
    first, last = (episodes[0], max(episodes[-1], episodes[0] + 1)) if episodes else (0, 1)

    def x(episode: float) -> float:
        return LEFT + (episode - first) / (last - first) * (WIDE - LEFT - RIGHT)

    def y(value: float) -> float:
        return HIGH - BOTTOM - (value - low) / (high - low) * (HIGH - TOP - BOTTOM)

    end = WIDE - RIGHT
    parts = [f'<svg class="chart" viewBox="0 0 {WIDE:g} {HIGH:g}" role="img" aria-label="{escape(label)}">']
    for tick, text in ticks:
        parts.append(f'<path class="gridline" d="M{LEFT:g} {y(tick):.1f}H{end:g}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8:g}" y="{y(tick) + 4.5:.1f}" text-anchor="end">{text}</text>')
    for tick in nice_ticks(first, last, 4):
        parts.append(f'<text class="tick" x="{x(tick):.1f}" y="{HIGH - 16:g}" text-anchor="middle">{tick:,.0f}</text>')
    parts.append(f'<text class="tick" x="{WIDE - 4:g}" y="{HIGH - 16:g}" text-anchor="end">episodes</text>')
    for name, under, over in bands:
        there = [f"{x(at):.1f} {y(value):.1f}" for at, value in zip(episodes, over, strict=True)]
        back = [f"{x(at):.1f} {y(value):.1f}" for at, value in zip(episodes, under, strict=True)]
        if there:
            parts.append(f'<path class="band {name}" d="M{"L".join(there + back[::-1])}Z"/>')
    for points in singles:
        parts.append(f'<path class="single" d="M{"L".join(f"{x(at):.0f} {y(value):.1f}" for at, value in points)}"/>')
    for name, value in references:
        parts.append(f'<path class="line {name}" d="M{LEFT:g} {y(value):.1f}H{end:g}"/>')
    points = [f"{x(at):.1f} {y(value):.1f}" for at, value in zip(episodes, line[1], strict=True)]
    if points:
        parts.append(f'<path class="line {line[0]} main" d="M{"L".join(points)}"/>')
    heights = spread([-y(value) for value, _, _ in labels], LABEL_HEIGHT)
    for height, (_, text, name) in zip(heights, labels, strict=True):
        parts.append(f'<text class="label {name}" x="{end + 8:g}" y="{4.5 - height:.1f}">{text}</text>')
    return "".join([*parts, "</svg>"])
