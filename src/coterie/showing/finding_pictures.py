"""A finding's picture as SVG: bars with intervals, a grid of numbers, a path in the plane.

Every colour is a word of the page's style, so a picture is as legible on a dark page and on paper; what it shows stands
in its label, too, number for number.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import floor, isfinite, log10
from typing import Any, TypeGuard

from coterie.showing.numbers import nice_ticks
from coterie.types import Picture

WIDE = 340.0
LETTER = 7.1  # the width of a letter of 13 pixels, on average
LONGEST_LABEL = 22
ROW, BAR = 28.0, 12.0
CELL_WIDE, CELL_HIGH = 42.0, 30.0
DEEPEST = 0.5  # how dark the darkest cell is: numbers in ink stay legible on it
MOST_BARS, MOST_COLUMNS, MOST_ROWS = 40, 16, 40
MOST_POINTS = 2_000
NOT_THERE = "\N{EN DASH}"
PIECES = 24  # of a path, each a little stronger than the one before


def picture_svg(picture: Picture) -> str:
    """The picture as one SVG element; text where there is nothing that could be drawn."""
    draw = {"bars": _bars, "grid": _grid, "path": _path}[picture.kind]
    return draw(picture)


def figures(values: Sequence[float | None]) -> list[str]:
    """Numbers with equally many decimals: none where all are whole, two, or more where all are small.

    >>> figures([1.5, -0.25, -0.001]), figures([3.0, -120.0]), figures([0.0041, 0.0])
    (['1.50', '-0.25', '0.00'], ['3', '-120'], ['0.0041', '0.0000'])
    """
    known = [float(value) for value in values if _is_number(value)]
    largest = max(map(abs, known), default=0.0)
    if all(value == round(value) and abs(value) < 1e15 for value in known):
        digits = 0
    else:
        digits = min(6, max(2, 1 - floor(log10(largest)))) if largest < 1_000 else 1
    texts = [f"{value:,.{digits}f}" if _is_number(value) else NOT_THERE for value in values]
    return [text.removeprefix("-") if not text.strip("-0.,") else text for text in texts]


def short(text: str, longest: int = LONGEST_LABEL) -> str:
    """A label cut to what there is room for.

    >>> short("agent A"), short("an agent with a very long name")
    ('agent A', 'an agent with a very …')
    """
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _is_number(value: Any) -> TypeGuard[float]:
    return value is not None and isfinite(value)


def _open(wide: float, high: float, label: str, kind: str) -> str:
    # A picture narrower than its place keeps its size, so that all letters on a page are equally large.
    return (
        f'<svg class="picture {kind}" viewBox="0 0 {wide:.0f} {high:.0f}" style="max-width:{wide:.0f}px" role="img" '
        f'aria-label="{escape(label)}">'
    )


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start", more: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _bars(picture: Picture) -> str:
    """Bars that lie, from zero, each with its number; the line stands across all of them."""
    count = min(len(picture.labels), len(picture.values), MOST_BARS)
    values, spans = picture.values[:count], picture.intervals[:count]
    numbers = figures([*values, *(end for span in spans for end in span), picture.line])
    texts, ends, line_text = numbers[:count], numbers[count:-1], numbers[-1]
    said = [f"{name} {text}" for name, text in zip(picture.labels, texts, strict=False)]
    said = [text + (f" ({ends[2 * i]} to {ends[2 * i + 1]})" if i < len(spans) else "") for i, text in enumerate(said)]
    label = f"{picture.title}: {'; '.join(said)}" + (
        f"; the line is at {line_text}" if picture.line is not None else ""
    )
    known = [
        0.0,
        *(float(v) for v in (*values, *(end for span in spans for end in span), picture.line) if _is_number(v)),
    ]
    low, high = min(known), max(known)
    high += high == low
    names = [short(name) for name in picture.labels[:count]]
    left = max([4.0, *(LETTER * len(name) + 12 for name in names)])
    right = WIDE - max([0.0, *(LETTER * len(text) + 12 for text in texts)])
    top = 24.0 if picture.line is not None else 4.0
    bottom = top + ROW * count

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    parts = [_open(WIDE, bottom + 6, label, "bars")]
    for place, (name, value, text) in enumerate(zip(names, values, texts, strict=True)):
        middle = top + ROW * (place + 0.5)
        parts.append(f'<rect class="track" x="{left:.1f}" y="{middle - BAR / 2:.1f}" width="{right - left:.1f}" '
                     f'height="{BAR:g}" rx="2"/>')  # fmt: skip
        parts.append(_text(left - 10, middle + 4.5, name, "name", "end"))
        parts.append(_text(WIDE - 2, middle + 4.5, text, "number", "end"))
        if _is_number(value):
            begin, end = sorted((x(0.0), x(float(value))))
            parts.append(f'<rect class="bar-fill" x="{begin:.1f}" y="{middle - BAR / 2:.1f}" '
                         f'width="{max(end - begin, 1.5):.1f}" height="{BAR:g}" rx="2"/>')  # fmt: skip
        if place < len(spans) and all(_is_number(end) for end in spans[place]):
            begin, end = (x(float(one)) for one in spans[place])
            parts.append(f'<path class="interval" d="M{begin:.1f} {middle:.1f}H{end:.1f}M{begin:.1f} {middle - 4:.1f}v8'
                         f'M{end:.1f} {middle - 4:.1f}v8"/>')  # fmt: skip
    if low < 0:
        parts.append(f'<path class="zero" d="M{x(0):.1f} {top:.1f}V{bottom:.1f}"/>')
    if picture.line is not None and _is_number(picture.line):
        at = x(float(picture.line))
        parts.append(f'<path class="reference" d="M{at:.1f} {top - 4:.1f}V{bottom:.1f}"/>')
        wide = LETTER * len(line_text) / 2
        parts.append(_text(min(max(at, wide), WIDE - wide), 14, line_text, "reference-text", "middle"))
    return "".join(parts) + "</svg>" + _left_out(len(picture.values) - count, "bar")


def _grid(picture: Picture) -> str:
    """Numbers in cells, the darker the larger; what is below zero has a colour of its own."""
    rows = [tuple(row) for row in picture.values[:MOST_ROWS]]
    columns = min(max((len(row) for row in rows), default=0), MOST_COLUMNS)
    rows = [row[:columns] for row in rows]
    texts = figures([value for row in rows for value in row])
    lines = [texts[sum(map(len, rows[:i])) : sum(map(len, rows[: i + 1]))] for i in range(len(rows))]
    names = [short(name, 16) for name in (*picture.rows, *[""] * len(rows))[: len(rows)]]
    heads = [short(name, 14) for name in (*picture.labels, *[""] * columns)[:columns]]
    said = [
        f"{name or 'row'}: " + ", ".join(f"{head} {text}".strip() for head, text in zip(heads, line, strict=False))
        for name, line in zip(names, lines, strict=True)
    ]
    largest = max((abs(float(v)) for row in rows for v in row if _is_number(v)), default=0.0) or 1.0
    left = max([4.0, *(LETTER * len(name) + 14 for name in names)])
    needed = LETTER * max([0, *map(len, texts)]) + 12
    cell = max(CELL_WIDE, needed, min(90.0, (WIDE - left) / max(1, columns)))
    slanted = any(LETTER * len(head) > cell - 4 for head in heads)
    top = 14.0 + (0.72 * LETTER * max([0, *map(len, heads)]) if slanted else 10.0)
    wide, high = left + cell * columns + (28 if slanted else 4), top + CELL_HIGH * len(rows) + 4
    parts = [_open(wide, high, f"{picture.title}: {'; '.join(said)}", "grid")]
    for place, head in enumerate(heads):
        middle = left + cell * (place + 0.5)
        if slanted:
            parts.append(
                _text(middle, top - 8, head, "name", "start", f' transform="rotate(-45 {middle:.1f} {top - 8:.1f})"')
            )
        else:
            parts.append(_text(middle, top - 8, head, "name", "middle"))
    for place, (name, row, line) in enumerate(zip(names, rows, lines, strict=True)):
        y = top + CELL_HIGH * place
        parts.append(_text(left - 10, y + CELL_HIGH / 2 + 4.5, name, "name", "end"))
        for column, (value, text) in enumerate(zip(row, line, strict=True)):
            depth = DEEPEST * abs(float(value)) / largest if _is_number(value) else 0.0
            kind = "below" if _is_number(value) and value < 0 else "above"
            x = left + cell * column
            parts.append(f'<rect class="cell {kind}" x="{x + 1:.1f}" y="{y + 1:.1f}" width="{cell - 2:.1f}" '
                         f'height="{CELL_HIGH - 2:g}" rx="3" fill-opacity="{depth:.2f}"/>')  # fmt: skip
            parts.append(_text(x + cell / 2, y + CELL_HIGH / 2 + 4.5, text, "number", "middle"))
    left_out = len(picture.values) - len(rows)
    return "".join(parts) + "</svg>" + _left_out(left_out, "row")


def _path(picture: Picture) -> str:
    """A way through the plane that grows stronger on its way, with a ring where it starts and a disc where it ends."""
    points = [(float(x), float(y)) for x, y in picture.values if _is_number(x) and _is_number(y)]
    step = -(-len(points) // MOST_POINTS) if points else 1
    points = points[::step] + ([points[-1]] if points and (len(points) - 1) % step else [])
    across, up = (*picture.labels, "", "")[:2]
    if not points:
        return _open(WIDE, 24, f"{picture.title}: no points", "path") + _text(4, 16, "no points", "name") + "</svg>"
    begin_x, begin_y, end_x, end_y = figures([*points[0], *points[-1]])
    label = (
        f"{picture.title}: {len(points):,} points over {across or 'the first axis'} and {up or 'the second axis'}, "
        f"from ({begin_x}, {begin_y}) to ({end_x}, {end_y})"
    )
    left, top, size = 58.0, 22.0, 230.0
    (low_x, high_x), (low_y, high_y) = _limits(points)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x = left + (point[0] - low_x) / (high_x - low_x) * (WIDE - left - 16)
        return x, top + size - (point[1] - low_y) / (high_y - low_y) * size

    parts = [_open(WIDE, top + size + 44, label, "path")]
    parts.append(
        f'<rect class="track" x="{left:g}" y="{top:g}" width="{WIDE - left - 16:g}" height="{size:g}" rx="4"/>'
    )
    parts.append(_text(left, 13, up, "name"))
    parts.append(_text(WIDE - 16, top + size + 38, across, "name", "end"))
    for ticks, vertical in ((nice_ticks(low_x, high_x, 4), False), (nice_ticks(low_y, high_y, 4), True)):
        for tick, text in zip(ticks, figures(ticks), strict=True):
            if vertical:
                y = place((low_x, tick))[1]
                parts.append(f'<path class="gridline" d="M{left:g} {y:.1f}H{WIDE - 16:g}"/>')
                parts.append(_text(left - 8, y + 4.5, text, "number faint", "end"))
            else:
                x = place((tick, low_y))[0]
                parts.append(f'<path class="gridline" d="M{x:.1f} {top:g}v{size:g}"/>')
                parts.append(_text(x, top + size + 18, text, "number faint", "middle"))
    drawn = [place(point) for point in points]
    pieces = min(PIECES, len(drawn) - 1)
    for piece in range(pieces):
        begin, end = piece * (len(drawn) - 1) // pieces, (piece + 1) * (len(drawn) - 1) // pieces
        way = "L".join(f"{x:.1f} {y:.1f}" for x, y in drawn[begin : end + 1])
        strength = 0.3 + 0.7 * (piece + 1) / pieces
        parts.append(f'<path class="way" d="M{way}" stroke-opacity="{strength:.2f}"/>')
    for (x, y), kind in ((drawn[0], "start"), (drawn[-1], "end")):
        parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5.5"/>')
        outside = x > WIDE - 70
        parts.append(_text(x - 10 if outside else x + 10, y - 8, kind, "mark", "end" if outside else "start"))
    return "".join(parts) + "</svg>"


def _limits(points: list[tuple[float, float]]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The limits of both axes, with a margin; equal scales where the axes are of one kind of length."""
    found = []
    for axis in (0, 1):
        low, high = min(p[axis] for p in points), max(p[axis] for p in points)
        found.append(((low + high) / 2, max((high - low) / 2, 1e-9 * max(1.0, abs(low), abs(high))) * 1.12))
    (_, first), (_, second) = found
    shape = (WIDE - 58.0 - 16.0) / 230.0
    if max(first, second) < 6 * min(first, second):
        found = [(found[0][0], max(first, shape * second)), (found[1][0], max(second, first / shape))]
    return (
        (found[0][0] - found[0][1], found[0][0] + found[0][1]),
        (found[1][0] - found[1][1], found[1][0] + found[1][1]),
    )


def _left_out(count: int, noun: str) -> str:
    return f'<p class="left-out">{count:,} more {noun}{"s" if count > 1 else ""} not shown</p>' if count > 0 else ""
