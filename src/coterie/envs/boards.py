"""Boards: the one picture format that terminal, GIF, report and PettingZoo's render modes share.

A board is uint8[H, W], a bit mask a cell: bit 0 wall, bit 1 + i agent i (at most 7 agents are told apart), so a
cell with several agents keeps them all. Colours are chosen to be told apart by colour-blind readers.
"""

from __future__ import annotations

import numpy as np

WALL = 1
AGENTS_SHOWN = 7
FLOOR_COLOUR = (244, 241, 234)
WALL_COLOUR = (70, 66, 60)
LINE_COLOUR = (222, 216, 204)
MEETING_COLOUR = (38, 150, 94)
AGENT_COLOURS = (
    (214, 94, 40),
    (38, 98, 168),
    (150, 75, 150),
    (196, 150, 30),
    (60, 150, 160),
    (170, 60, 80),
    (90, 90, 90),
)


def agent_bit(agent: int) -> int:
    """The bit that stands for an agent; the eighth and later share the last."""
    return 1 << (1 + min(agent, AGENTS_SHOWN - 1))


def agents_on(cell: int) -> list[int]:
    """The agents on one cell of a board."""
    return [agent for agent in range(AGENTS_SHOWN) if cell >> (1 + agent) & 1]


def to_text(board: np.ndarray) -> str:
    """The board in letters: '#' wall, '.' floor, 'A', 'B', … agents, '*' where several stand."""
    rows = []
    for row in board:
        symbols = []
        for cell in row:
            here = agents_on(int(cell))
            if len(here) > 1:
                symbols.append("*")
            elif here:
                symbols.append("ABCDEFG"[here[0]])
            else:
                symbols.append("#" if cell & WALL else ".")
        rows.append(" ".join(symbols))
    return "\n".join(rows)


def to_pixels(board: np.ndarray, cell_size: int = 40) -> np.ndarray:
    """The board as a picture, uint8[H * cell_size, W * cell_size, 3]: an agent is a disc, several share one."""
    height, width = board.shape
    picture = np.empty((height * cell_size, width * cell_size, 3), np.uint8)
    centre = (cell_size - 1) / 2
    y, x = np.mgrid[:cell_size, :cell_size]
    radius = np.hypot(y - centre, x - centre) / cell_size
    angle = (np.arctan2(y - centre, x - centre) / (2 * np.pi)) % 1.0
    for row in range(height):
        for column in range(width):
            cell = int(board[row, column])
            tile = np.empty((cell_size, cell_size, 3), np.uint8)
            tile[:] = WALL_COLOUR if cell & WALL else FLOOR_COLOUR
            if cell_size >= 8:
                tile[0, :] = tile[:, 0] = LINE_COLOUR
            here = agents_on(cell)
            for place, agent in enumerate(here):
                share = (angle >= place / len(here)) & (angle <= (place + 1) / len(here))
                tile[share & (radius < 0.36)] = AGENT_COLOURS[agent]
            if len(here) > 1:
                tile[(radius >= 0.36) & (radius < 0.46)] = MEETING_COLOUR
            picture[row * cell_size : (row + 1) * cell_size, column * cell_size : (column + 1) * cell_size] = tile
    return picture
