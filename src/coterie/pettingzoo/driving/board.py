"""What E worlds outside JAX write down: arrays with a row for each, in this process or in memory shared with others."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from coterie.types import Outcome, Sight, Spec


class Glance(NamedTuple):
    """One world after one step, arrays to be written into: obs and legal by kind [N, ...], the rest by agent [all].

    The same type with a leading axis, [E, ...], is what E worlds write into, each into its own row.
    """

    obs: tuple[np.ndarray, ...]
    legal: tuple[np.ndarray, ...]
    alive: np.ndarray
    to_move: np.ndarray
    state: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    success: np.ndarray


def blank(spec: Spec, environments: int) -> Glance:
    """Glances [E, ...] in which nobody is there and nothing happened."""
    rows, everyone = (environments,), (environments, len(spec.agents))
    return Glance(
        tuple(np.zeros((*rows, len(k.agents), *k.observation_shape), k.observation_dtype) for k in spec.kinds),
        tuple(np.ones((*rows, len(kind.agents), kind.actions), bool) for kind in spec.kinds),
        np.zeros(everyone, bool),
        np.zeros(everyone, bool),
        np.zeros((*rows, *spec.state_shape), np.float32),
        np.zeros(everyone, np.float32),
        np.zeros(everyone, bool),
        np.zeros(everyone, bool),
        np.zeros(rows, bool),
    )


def clear(glance: Glance) -> None:
    """Make it blank again."""
    for array in (*glance.obs, *glance[2:]):
        array.fill(0)
    for array in glance.legal:
        array.fill(1)


def each(change: Callable[..., Any], *trees: Any) -> Any:
    """Change every array of tuples of tuples, as `jax.tree.map` does."""
    if not isinstance(trees[0], tuple):
        return change(*trees)
    parts = [each(change, *parts) for parts in zip(*trees, strict=True)]
    return type(trees[0])(*parts) if hasattr(trees[0], "_fields") else tuple(parts)


class Board(NamedTuple):
    """What E driven worlds write down: the glance after the last joint step, and the one after the last reset.

    over bool[E]: the last step ended the episode, so that `begun` is what is shown, and `after` elsewhere.
    seeds int64[E] and steps int32[E] are those of the present episodes; at int32[1]: the number of the environment
    that is being stepped.
    """

    after: Glance
    begun: Glance
    over: np.ndarray
    seeds: np.ndarray
    steps: np.ndarray
    at: np.ndarray


def blank_board(spec: Spec, environments: int) -> Board:
    """A board on which nothing is written yet."""
    after, begun = blank(spec, environments), blank(spec, environments)
    seeds, steps = np.zeros(environments, np.int64), np.zeros(environments, np.int32)
    return Board(after, begun, np.zeros(environments, bool), seeds, steps, np.zeros(1, np.int32))


def sight(glance: Glance) -> Sight:
    """What E worlds show, as arrays of its own."""
    obs, legal = tuple([seen.copy() for seen in glance.obs]), tuple([mask.copy() for mask in glance.legal])
    return Sight(obs, legal, glance.alive.copy(), glance.to_move.copy(), glance.state.copy())


def read_board(board: Board) -> tuple[Outcome, Sight]:
    """What the last joint step did, and what is shown now, as arrays of their own."""
    after, over = board.after, board.over.copy()
    following = sight(after)
    happened = after.reward.copy(), after.terminated.copy(), after.truncated.copy(), after.success.copy()
    outcome = Outcome(*happened, over, following)
    if not over.any():
        return outcome, following
    shown = sight(board.begun)
    for now, after in zip(arrays_of(shown), arrays_of(following), strict=True):
        now[~over] = after[~over]
    return outcome, shown


def arrays_of(seen: Sight) -> tuple[np.ndarray, ...]:
    """All arrays of a sight."""
    return (*seen.obs, *seen.legal, *seen[2:])


def checksum(glance: Glance | Sight) -> int:
    """A number that tells apart what one world shows; what it paid is left out."""
    total = 0
    for array in (*glance.obs, *glance.legal, glance.alive, glance.to_move, glance.state):
        total = zlib.crc32(np.ascontiguousarray(array).tobytes(), total)
    return total


def without_choice(spec: Spec, glance: Glance) -> tuple[int, str] | None:
    """The first of the worlds [E], and its agent, that is to move and has no legal action."""
    for kind, legal in zip(spec.kinds, glance.legal, strict=True):
        if not legal.all():
            stuck = np.argwhere(glance.to_move[:, list(kind.agents)] & ~legal.any(-1))
            if len(stuck):
                return int(stuck[0][0]), spec.agents[kind.agents[stuck[0][1]]]
    return None


def no_number(spec: Spec, glance: Glance) -> tuple[int, str] | None:
    """The first of the worlds [E] that shows something that is no number (nan or infinite), and what that is."""
    for kind, seen in zip(spec.kinds, glance.obs, strict=True):
        if seen.dtype.kind == "f" and not np.isfinite(seen).all():
            world, agent, *at = np.argwhere(~np.isfinite(seen))[0].tolist()
            found = f"{seen[world, agent][tuple(at)]}{f' at {at}' if at else ''}"
            return world, f"agent '{spec.agents[kind.agents[agent]]}' sees {found}; expected finite numbers"
    if not np.isfinite(glance.state).all():
        world, *at = np.argwhere(~np.isfinite(glance.state))[0].tolist()
        return world, f"the central state holds {glance.state[world][tuple(at)]} at {at}; expected finite numbers"
    return None
