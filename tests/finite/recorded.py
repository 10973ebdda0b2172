"""Recorded episodes by hand, for the tests of findings that look at episodes alone."""

from __future__ import annotations

import numpy as np

from coterie.types import Play


def episode(rewards, *, keys=None, actions=None, success=False, ended=False, team=0, reported=None, seen=()) -> Play:
    """An episode of which only some is known: rewards [T, N]; states never repeat, unless keys are given."""
    paid = np.atleast_2d(np.asarray(rewards, float))
    return Play(
        keys=np.arange(len(paid) + 1) if keys is None else np.asarray(keys),
        boards=np.zeros((len(paid) + 1, 0, 0), np.uint8),
        actions=np.zeros(paid.shape, np.int32) if actions is None else np.asarray(actions, np.int32),
        rewards=paid,
        success=success,
        ended=ended,
        team=team,
        observations=seen,
        reported=reported,
    )


def moved(game, start: int, *joint) -> Play:
    """A way through a deterministic table, joint action by joint action, looked up edge by edge."""
    keys, paid, ended, success = [start], [], False, False
    for actions in joint:
        place = 0
        for action, size in zip(actions, game.actions, strict=True):
            place = place * size + action
        edge = int(game.first_edge[keys[-1] * int(np.prod(game.actions)) + place])
        keys.append(int(game.successor[edge]))
        paid.append(game.reward[edge])
        ended, success = bool(game.ended[edge]), success or bool(game.success[edge])
    return episode(np.array(paid), keys=keys, actions=joint, success=success, ended=ended)
