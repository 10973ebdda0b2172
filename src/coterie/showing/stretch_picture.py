"""The small picture of a stretch of an episode: the board where it begins, and every agent's trail along it."""

from __future__ import annotations

from html import escape

import numpy as np

from coterie.envs import boards
from coterie.showing.outcomes import who
from coterie.types import Evidence, Play

CELL = 24.0
MOST_CELLS = 900  # a larger board would be a picture of dots


def stretch_svg(play: Play, place: Evidence) -> str:
    """The board after the first step of the stretch, as SVG; empty where there is no board to show.

    The trail begins where the agents stood before that step, and leads to where they stand after the last one.
    """
    frames = np.asarray(play.boards)
    if not frames.size or frames[0].size > MOST_CELLS or len(frames) < 2:
        return ""
    first = min(max(place.first_step, 1), len(frames) - 1)
    last = min(max(place.last_step, first), len(frames) - 1)
    high, wide = frames.shape[1:]
    label = f"The board of {who(play)} at step {first}: {board_words(frames[first])}. Trails to step {last}."
    parts = [
        f'<svg class="picture stretch" viewBox="-2 -2 {wide * CELL + 4:g} {high * CELL + 4:g}" role="img" '
        f'style="max-width:{min(280.0, max(120.0, wide * 40.0)):g}px" aria-label="{escape(label)}">',
        f'<rect class="floor" width="{wide * CELL:g}" height="{high * CELL:g}" rx="2"/>',
        '<path class="lines" d="'
        + "".join(f"M{x * CELL:g} 0v{high * CELL:g}" for x in range(1, wide))
        + "".join(f"M0 {y * CELL:g}h{wide * CELL:g}" for y in range(1, high))
        + '"/>',
    ]
    for row, column in np.argwhere(frames[first] & boards.WALL):
        parts.append(
            f'<rect class="wall" x="{column * CELL:g}" y="{row * CELL:g}" width="{CELL:g}" height="{CELL:g}"/>'
        )
    agents = min(np.asarray(play.actions).shape[1], boards.AGENTS_SHOWN)
    for agent in range(agents):
        way = _trail(frames[first - 1 : last + 1], agent, (agent - (agents - 1) / 2) * 0.16 * CELL)
        if way:
            parts.append(f'<path class="trail agent{agent}" d="{way}"/>')
    for row, column in np.argwhere(frames[first] > boards.WALL):
        parts.append(_cell(boards.agents_on(int(frames[first, row, column])), row * CELL, column * CELL))
    return "".join(parts) + "</svg>"


def board_words(board: np.ndarray) -> str:
    """Where every agent stands, in words.

    >>> board_words(np.array([[2, 0], [0, 4]]))
    'A in row 1, column 1; B in row 2, column 2'
    """
    where = [
        (agent, f"{'ABCDEFG'[agent]} in row {row + 1}, column {column + 1}")
        for row, column in np.argwhere(board > boards.WALL)
        for agent in boards.agents_on(int(board[row, column]))
    ]
    return "; ".join(text for _, text in sorted(where)) or "nobody"


def _trail(frames: np.ndarray, agent: int, aside: float) -> str:
    """An agent's way as the data of a path, interrupted where it is not to be seen as one."""
    way, joined, before = [], False, None
    for frame in frames:
        spots = np.argwhere(frame & boards.agent_bit(agent))
        spot = tuple(spots[0].tolist()) if len(spots) == 1 else None
        if spot is None:
            joined = False
        elif spot != before or not joined:
            x, y = (spot[1] + 0.5) * CELL + aside, (spot[0] + 0.5) * CELL + aside
            way.append(f"{'L' if joined else 'M'}{x:.1f} {y:.1f}")
            joined = True
        before = spot
    return "".join(way) if len(way) > 1 else ""


def _cell(here: list[int], top: float, left: float) -> str:
    """The agents on one cell: a disc each, smaller and side by side inside a ring where several meet."""
    x, y = left + CELL / 2, top + CELL / 2
    if len(here) == 1:
        return _disc(here[0], x, y, 0.36)
    turns = 2 * np.pi * np.arange(len(here)) / len(here)
    discs = [
        _disc(agent, x - 4.6 * np.cos(turn), y - 4.6 * np.sin(turn), 0.19)
        for agent, turn in zip(here, turns, strict=True)
    ]
    return f'<circle class="meeting" cx="{x:g}" cy="{y:g}" r="{0.44 * CELL:g}"/>' + "".join(discs)


def _disc(agent: int, x: float, y: float, size: float) -> str:
    letter = f'<text class="letter" x="{x:.1f}" y="{y + 3.4:.1f}" text-anchor="middle">{"ABCDEFG"[agent]}</text>'
    disc = f'<circle class="agent agent{agent}" cx="{x:.1f}" cy="{y:.1f}" r="{size * CELL:.1f}"/>'
    return disc + (letter if size > 0.3 else "")
