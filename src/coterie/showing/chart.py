"""The report's pictures as SVG, written by hand: they follow the page's colours, light or dark, and print sharply."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from coterie.showing import words
from coterie.showing.numbers import nice_ticks, reference_lines, spread

if TYPE_CHECKING:
    from coterie.running.verdict import Curve, Verdict
    from coterie.statistics import Share

WIDE, HIGH = 640.0, 270.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 150.0, 14.0, 36.0
LABEL_HEIGHT = 20.0


def share_bar(share: Share, kind: str) -> str:
    """A share as a bar from 0 to 100 %, its interval as a line with whiskers over it."""
    middle, low, high = 100 * share.share, 100 * share.low, 100 * share.high
    label = f"{words.percent(share.share)}, interval {words.interval(share)}"
    return (
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f'<rect class="track" width="100" height="10"/><rect class="{kind}" width="{middle:.2f}" height="10"/>'
        f'<path class="interval" d="M{low:.2f} 5H{high:.2f}M{low:.2f} 2v6M{high:.2f} 2v6"/></svg>'
    )


def shares(curve: Curve, verdict: Verdict) -> str:
    """The share of teams that coordinate over episodes."""
    last = curve.coordinated[-1] if curve.coordinated else 0.0
    return _chart(
        f"Teams that {verdict.success_word} when greedy: {words.percent(last)} at the end",
        curve.episodes,
        (0.0, 1.0),
        [(tick, f"{100 * tick:.0f} %") for tick in (0.0, 0.25, 0.5, 0.75, 1.0)],
        bands=[],
        line=("success", curve.coordinated),
        references=[],
        labels=[(last, words.percent(last), "success")],
    )


def returns(curve: Curve, verdict: Verdict) -> str:
    """Median, quartiles and range of the teams' returns over episodes, beside optimum, random and idle play."""
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
    )


def _chart(
    label: str,
    episodes: Sequence[int],
    limits: tuple[float, float],
    ticks: list[tuple[float, str]],
    bands: list[tuple[str, Sequence[float], Sequence[float]]],
    line: tuple[str, Sequence[float]],
    references: list[tuple[str, float]],
    labels: list[tuple[float, str, str]],
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
        parts.append(f'<path class="grid" d="M{LEFT:g} {y(tick):.1f}H{end:g}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8:g}" y="{y(tick) + 4.5:.1f}" text-anchor="end">{text}</text>')
    for tick in nice_ticks(first, last):
        parts.append(f'<text class="tick" x="{x(tick):.1f}" y="{HIGH - 10:g}" text-anchor="middle">{tick:,.0f}</text>')
    parts.append(f'<text class="tick" x="{WIDE - 24:g}" y="{HIGH - 10:g}" text-anchor="end">episodes</text>')
    for name, under, over in bands:
        there = [f"{x(at):.1f} {y(value):.1f}" for at, value in zip(episodes, over, strict=True)]
        back = [f"{x(at):.1f} {y(value):.1f}" for at, value in zip(episodes, under, strict=True)]
        if there:
            parts.append(f'<path class="band {name}" d="M{"L".join(there + back[::-1])}Z"/>')
    for name, value in references:
        parts.append(f'<path class="line {name}" d="M{LEFT:g} {y(value):.1f}H{end:g}"/>')
    points = [f"{x(at):.1f} {y(value):.1f}" for at, value in zip(episodes, line[1], strict=True)]
    if points:
        parts.append(f'<path class="line {line[0]} main" d="M{"L".join(points)}"/>')
    heights = spread([-y(value) for value, _, _ in labels], LABEL_HEIGHT)
    for height, (_, text, name) in zip(heights, labels, strict=True):
        parts.append(f'<text class="label {name}" x="{end + 8:g}" y="{4.5 - height:.1f}">{text}</text>')
    return "".join([*parts, "</svg>"])
