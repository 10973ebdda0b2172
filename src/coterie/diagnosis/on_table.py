"""Are recorded episodes ways through an exact table? Only then does the table say something about their steps."""

from __future__ import annotations

import numpy as np

from coterie.finite.game import FiniteGame
from coterie.types import Play

SAME_SIGHT = 1e-5  # recorders may round to float32


def edges_along(game: FiniteGame, play: Play) -> list[np.ndarray] | None:
    """For each step of a play the table's edges that it may have taken; None where it is no way through the table.

    A way begins where the game may begin, each joint action leads where the table says that it may, and everybody sees
    what the table shows there (as far as observations were recorded). All of it is asked for, because `Play.keys` need
    not be the table's states: numbers that a recorder gave out in an order of its own look just like them, and a single
    step of such numbers fits often by chance.
    """
    keys, actions, sizes = np.asarray(play.keys), np.asarray(play.actions), np.array(game.actions)
    steps = len(actions)
    if not steps or actions.shape != (steps, len(sizes)) or len(keys) != steps + 1:
        return None
    if ((keys < 0) | (keys >= len(game.states))).any() or ((actions < 0) | (actions >= sizes)).any():
        return None
    if keys[0] not in game.start_state or not _seen_alike(game, play):
        return None
    pairs = keys[:-1] * int(np.prod(sizes)) + np.ravel_multi_index(tuple(actions.T), game.actions)
    ways = []
    for pair, after in zip(pairs.tolist(), keys[1:].tolist(), strict=True):
        edges = np.arange(int(game.first_edge[pair]), int(game.first_edge[pair + 1]))
        ways.append(edges[game.successor[edges] == after])
        if not len(ways[-1]):
            return None
    return ways


def _seen_alike(game: FiniteGame, play: Play) -> bool:
    """Whether everybody saw what the table shows in these states; True where nobody recorded what was seen."""
    if not play.observations:
        return True
    first = 0
    for kind, shown in zip(game.spec.kinds, game.observations, strict=True):
        for agent in kind.agents:
            expected = shown[game.seen[np.asarray(play.keys), agent] - first].reshape(len(play.keys), -1)
            seen = np.asarray(play.observations[agent], float).reshape(len(play.keys), -1)
            if seen.shape != expected.shape or not np.allclose(seen, expected, rtol=0.0, atol=SAME_SIGHT):
                return False
        first += len(shown)
    return True
