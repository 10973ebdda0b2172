"""Grids of rendezvous: maps, walking distances, controls and starts, read and checked with numpy alone.

Kept apart from the environment so that an impossible grid is refused before JAX is loaded.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from coterie.errors import BadInput
from coterie.settings import RendezvousOptions

DIRECTIONS = {"R": (0, 1), "L": (0, -1), "D": (1, 0), "U": (-1, 0)}
STARTS_CAP = 200_000
CELLS_CAP = 2_500  # distances are kept for every pair of cells


class Grid(NamedTuple):
    """A checked grid: walls bool[H, W], next cells int32[C, 5], distances int32[C, C], controls int32[N, 5], starts."""

    wall: np.ndarray
    moves: np.ndarray
    distances: np.ndarray
    order: np.ndarray
    starts: np.ndarray


def read_grid(options: RendezvousOptions) -> Grid:
    """The grid of these options; raises BadInput where the game cannot be played."""
    wall, start_cells = read_map(options)
    moves = next_cells(wall)
    distances = walking_distances(moves)
    order = read_controls(options)
    return Grid(wall, moves, distances, order, start_states(options, wall, start_cells, distances))


def read_map(options: RendezvousOptions) -> tuple[np.ndarray, list[int]]:
    """The walls bool[H, W], and each agent's start cell where the starts are fixed; checks every option."""
    if options.agents < 2:
        raise BadInput(f"--env.agents {options.agents}: at least 2 agents are needed to meet")
    if options.horizon < 1:
        raise BadInput(f"--env.horizon {options.horizon}: an episode needs at least 1 step")
    if options.observation == "window" and options.window < 1:
        raise BadInput(f"--env.window {options.window}: a window sees at least 1 cell far")
    if not options.map:
        if not 2 <= options.size <= 50:
            raise BadInput(f"--env.size {options.size}: a grid has from 2 to 50 rows")
        last = options.size - 1
        wall = np.zeros((options.size, options.size), bool)
        corners = [(0, 0), (last, last), (0, last), (last, 0)]
        if options.starts == "fixed" and options.agents > 4:
            raise BadInput(
                f"--env.agents {options.agents}: a grid has 4 corners; use --env.starts random, or letters in --env.map"
            )
        return wall, [row * options.size + column for row, column in corners[: options.agents]]
    rows = [row.strip() for row in options.map.replace("\n", "/").strip("/ ").split("/")]
    widths = sorted({len(row) for row in rows})
    if len(widths) > 1:
        raise BadInput(f"--env.map: all rows must be equally long, these have {widths[0]} to {widths[-1]} cells")
    if len(rows) * widths[0] > CELLS_CAP:
        raise BadInput(f"--env.map: {len(rows) * widths[0]:,} cells are more than {CELLS_CAP:,}")
    if options.starts == "fixed" and options.agents > 26:
        raise BadInput("--env.map: a map has letters for 26 agents; use --env.starts random")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: options.agents]
    for number, row in enumerate(rows, 1):
        strange = sorted(set(row) - set("#." + letters))
        if strange:
            raise BadInput(f"--env.map: '{strange[0]}' in row {number} means nothing; known: '#' '.' and {letters}")
    text = "".join(rows)
    wall = np.array([cell == "#" for cell in text]).reshape(len(rows), widths[0])
    if options.starts == "random":
        return wall, []
    found = [text.count(letter) for letter in letters]
    for letter, count in zip(letters, found, strict=True):
        if count != 1:
            raise BadInput(
                f"--env.map: agent {letter} needs one start cell, the map has {count} (or use --env.starts random)"
            )
    return wall, [text.index(letter) for letter in letters]


def next_cells(wall: np.ndarray) -> np.ndarray:
    """next_cells[cell, direction] int32[C, 5]: R L D U and stay; a move into a wall or the rim stands still."""
    height, width = wall.shape
    moves = np.tile(np.arange(wall.size, dtype=np.int32)[:, None], 5)
    for cell in range(wall.size):
        for direction, (down, right) in enumerate(DIRECTIONS.values()):
            row, column = cell // width + down, cell % width + right
            if 0 <= row < height and 0 <= column < width and not wall[row, column] and not wall.flat[cell]:
                moves[cell, direction] = row * width + column
    return moves


def walking_distances(moves: np.ndarray) -> np.ndarray:
    """The steps from each cell to each other, int32[C, C]; -1 where there is no way. Open grids: Manhattan."""
    cells = len(moves)
    distances = np.full(cells * cells, -1, np.int32)
    finder = np.empty(cells * cells, np.int32)
    reached = np.arange(cells) * (cells + 1)  # pairs (from, to) as places in the flat table: each cell to itself
    step = 0
    while len(reached):
        distances[reached] = step
        step += 1
        source, cell = np.divmod(reached, cells)
        onward = (source[:, None] * cells + moves[cell, :4]).reshape(-1)
        onward = onward[distances[onward] < 0]
        order = np.arange(len(onward), dtype=np.int32)
        finder[onward] = order  # a pair that was found twice keeps its last finder
        reached = onward[finder[onward] == order]
    return distances.reshape(cells, cells)


def table_size(options: RendezvousOptions) -> tuple[int, int]:
    """How large the table can get, every agent on any cell that it can reach.

    The pairs of a state and a joint action, and the numbers that all agents see in all states.
    """
    wall, start_cells = read_map(options)
    moves, reached = next_cells(wall), np.zeros(wall.size, bool)
    fresh = np.array(start_cells) if start_cells else np.flatnonzero(~wall)
    while len(fresh):
        reached[fresh] = True
        onward = np.unique(moves[fresh])
        fresh = onward[~reached[onward]]
    states = int(reached.sum()) ** options.agents
    sight = {"own": 2, "all": 2 * options.agents, "window": 2 * (2 * options.window + 1) ** 2}[options.observation]
    return states * (4 + options.stay) ** options.agents, states * options.agents * sight


def read_controls(options: RendezvousOptions) -> np.ndarray:
    """What each agent's action does, as a column of `next_cells`, int32[N, 5]."""
    order = np.tile(np.arange(5, dtype=np.int32), (options.agents, 1))
    if not options.controls:
        return order
    words = options.controls.split(",")
    if len(words) != options.agents:
        raise BadInput(f"--env.controls: one word an agent, {options.agents} expected, {len(words)} found")
    for agent, word in enumerate(words):
        if sorted(word) != sorted(DIRECTIONS):
            raise BadInput(f"--env.controls: '{word}' must hold each of R, L, D and U once")
        order[agent, :4] = ["RLDU".index(letter) for letter in word]
    return order


def start_states(
    options: RendezvousOptions, wall: np.ndarray, start_cells: list[int], distances: np.ndarray
) -> np.ndarray:
    """All start states, int32[K0, N], equally likely; refuses starts from which the agents cannot reach each other."""
    if options.starts == "random":
        floor = np.flatnonzero(~wall)
        if len(floor) < 2:
            raise BadInput(f"--env.map: {len(floor)} free cells; at least 2 are needed")
        if len(floor) ** options.agents > STARTS_CAP:
            raise BadInput(
                f"--env.starts random: {len(floor)} cells and {options.agents} agents make more than {STARTS_CAP:,} "
                "starts; use fewer agents or a smaller grid"
            )
        table = np.array([cells for cells in product(floor, repeat=options.agents) if len(set(cells)) > 1], np.int32)
    else:
        table = np.array([start_cells], np.int32)
        if len(set(start_cells)) == 1:
            raise BadInput("--env.map: the agents start on one cell, so there is nothing to learn")
    apart = (distances[table[:, :1], table] < 0).any(1)
    if apart.any():
        width = wall.shape[1]
        places = " and ".join(f"({cell // width},{cell % width})" for cell in table[apart.argmax()])
        raise BadInput(f"--env.map: agents that start at {places} cannot reach each other; open a wall between them")
    return table
