"""Turn-based games as tables, written by hand from their rules: tic-tac-toe, and small ones with known answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
from finite_games import make_game

from coterie.finite.game import FiniteGame

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
Board = tuple[int, ...]  # 0 empty, 1 and 2 the players' marks


def winner(board: Board) -> int:
    """1 or 2 who has a line, else 0."""
    return next((board[a] for a, b, c in LINES if board[a] and board[a] == board[b] == board[c]), 0)


def mover(board: Board) -> int:
    """0 or 1, whose turn it is."""
    return sum(map(bool, board)) % 2


def over(board: Board) -> bool:
    return bool(winner(board)) or all(board)


def after(board: Board, cell: int) -> Board:
    return (*board[:cell], mover(board) + 1, *board[cell + 1 :])


@cache
def positions() -> tuple[Board, ...]:
    """Every position that play can lead to, breadth first."""
    found, queue = {(0,) * 9: None}, [(0,) * 9]
    for board in queue:
        for cell in range(9):
            if not over(board) and not board[cell] and (new := after(board, cell)) not in found:
                found[new] = None
                queue.append(new)
    return tuple(found)


@cache
def minimax(board: Board) -> int:
    """What the first player gets from here, 1, 0 or -1, both at their best: the definition as a recursion."""
    if over(board):
        return {0: 0, 1: 1, 2: -1}[winner(board)]
    worths = [minimax(after(board, cell)) for cell in range(9) if not board[cell]]
    return max(worths) if mover(board) == 0 else min(worths)


def with_masks(game: FiniteGame, legal: Sequence[Sequence[Sequence[int]]]) -> FiniteGame:
    """The game with legal[state][agent], the actions that the agent may take there; equal sights have equal masks."""
    masks = np.zeros((game.observation_count, max(game.actions)), bool)
    for state, agent in product(range(len(game.states)), range(len(game.actions))):
        masks[game.seen[state, agent], list(legal[state][agent])] = True
    masks[~masks.any(1)] = True
    return game._replace(legal=masks)


def own_teams(game: FiniteGame) -> FiniteGame:
    """The game of agents that are each a team."""
    return game._replace(spec=dataclasses.replace(game.spec, team=tuple(range(len(game.actions)))))


@cache
def tictactoe() -> FiniteGame:
    """The game as a table: whoever is to move sees the board, the other one sees nothing and waits."""
    boards = positions()
    number = {board: place for place, board in enumerate(boards)}
    ways, seen, legal = {}, [], []
    for board in boards:
        who, free = mover(board), [cell for cell in range(9) if not board[cell]]
        playing = not over(board)
        seen.append([(1, *board) if playing and agent == who else (0,) * 10 for agent in (0, 1)])
        legal.append([free if playing and agent == who else [0] for agent in (0, 1)])
        for cell in free if playing else ():
            new = after(board, cell)
            paid = {0: (0.0, 0.0), 1: (1.0, -1.0), 2: (-1.0, 1.0)}[winner(new)]
            joint = (cell, 0) if who == 0 else (0, cell)
            ways[number[board], joint] = [(1.0, number[new], paid, over(new), winner(new) > 0)]
    game = make_game((9, 9), ways, seen, horizon=9, name="tic-tac-toe", word="win")
    return own_teams(with_masks(game, legal))


def nim(heap: int, most: int = 2, agents: int = 2) -> FiniteGame:
    """Agents take 1 to `most` from a heap in turn; who takes the last wins 1, and the others share the loss.

    With two agents who take at most two, the mover loses exactly where the heap is a multiple of three.
    """
    states = [(left, who) for left in range(heap, -1, -1) for who in range(agents)]
    number = {state: place for place, state in enumerate(states)}
    ways, seen, legal = {}, [], []
    for left, who in states:
        moves = range(min(most, left)) if left else ()
        seen.append([(1, left) if left and agent == who else (0, 0) for agent in range(agents)])
        legal.append([list(moves) if left and agent == who else [0] for agent in range(agents)])
        for take in moves:
            rest = left - take - 1
            paid = tuple(1.0 if agent == who else -1.0 / (agents - 1) for agent in range(agents))
            joint = tuple(take if agent == who else 0 for agent in range(agents))
            earned = paid if rest == 0 else (0.0,) * agents
            ways[number[left, who], joint] = [(1.0, number[rest, (who + 1) % agents], earned, rest == 0, False)]
    return own_teams(with_masks(make_game((most,) * agents, ways, seen, horizon=heap), legal))


def randomly_masked(game: FiniteGame, seed: int) -> FiniteGame:
    """The game with some actions illegal by what is seen, and without the edges of illegal joint actions."""
    draws = np.random.default_rng(seed)
    legal = draws.random((game.observation_count, max(game.actions))) < 0.6
    for kind, first in zip(game.spec.kinds, np.cumsum([0, *map(len, game.observations)]), strict=False):
        rows = slice(first, first + len(game.observations[game.spec.kinds.index(kind)]))
        legal[rows, kind.actions :] = False
        for row in range(rows.start, rows.stop):
            legal[row, draws.integers(kind.actions)] = True
    may = legal[game.seen]  # [S, N, A]
    joint = game.joint_actions
    keep = np.logical_and.reduce([may[:, agent][:, joint[:, agent]] for agent in range(joint.shape[1])]).reshape(-1)
    counts = np.diff(game.first_edge)
    edges = np.repeat(keep, counts)
    return game._replace(
        legal=legal,
        first_edge=np.concatenate([[0], np.cumsum(counts * keep)]).astype(np.int32),
        probability=game.probability[edges],
        successor=game.successor[edges],
        reward=game.reward[edges],
        ended=game.ended[edges],
        success=game.success[edges],
    )
