"""Which numbers of what an agent sees are about its teammates, by what makes them change."""

from __future__ import annotations

import numpy as np

from coterie.finite.game import FiniteGame

TINY = 1e-9


def numbers_seen(game: FiniteGame, agent: int) -> tuple[int, np.ndarray]:
    """An agent's first sight and all sights of its kind, float64[O_kind, C]."""
    first = 0
    for kind, values in zip(game.spec.kinds, game.observations, strict=True):
        if agent in kind.agents:
            return first, values.reshape(len(values), -1).astype(np.float64)
        first += len(values)
    raise ValueError(f"agent {agent} is of no kind")


def about_teammates(game: FiniteGame, agent: int) -> np.ndarray:
    """Which numbers of what an agent sees change with what others do and never with what it does itself, bool[C].

    Where the means E[x_c | s, a] over what follows differ between two actions of one agent, the others' held fixed,
    number c changes with what that agent does. Endings, beyond which nobody sees anything, are left out.
    """
    first, values = numbers_seen(game, agent)
    counts = np.diff(game.first_edge)
    pair = np.repeat(np.arange(len(counts)), counts)
    chance = game.probability * ~game.ended
    alive = np.bincount(pair, chance, len(counts)).reshape(len(game.states), *game.actions)
    going = (alive > 1 - TINY).all(tuple(range(1, alive.ndim)))
    others = tuple(axis + 1 for axis in range(len(game.actions)) if axis != agent)
    found = np.zeros(values.shape[1], bool)
    for column in range(values.shape[1]):
        seen = values[np.maximum(game.seen[game.successor, agent] - first, 0), column]
        mean = np.bincount(pair, chance * seen, len(counts)).reshape(alive.shape)[going]
        if len(mean):
            own, theirs = np.ptp(mean, axis=agent + 1), max(float(np.ptp(mean, axis=axis).max()) for axis in others)
            found[column] = theirs > TINY and own.max() <= TINY
    return found


def present_part(game: FiniteGame, agent: int) -> np.ndarray | None:
    """For each sight of one that remembers the first with the same present, int[O]; None where nothing is remembered.

    Sights of agents that remember are windows [window, ..], the present one last (`finite/histories.py`).
    """
    kind = next(kind for kind, one in enumerate(game.spec.kinds) if agent in one.agents)
    windows = game.observations[kind]
    if windows.ndim < 2 or windows.shape[1] < 2:
        return None
    first, _ = numbers_seen(game, agent)
    present = windows[:, -1].reshape(len(windows), -1)
    _, begin, group = np.unique(present, axis=0, return_index=True, return_inverse=True)
    part = np.arange(game.observation_count)
    part[first : first + len(windows)] = first + begin[group.reshape(-1)]
    return part


def own_part(game: FiniteGame, agent: int) -> np.ndarray | None:
    """For each sight the first of those that differ only in what is about teammates, int[O]; None where none is.

    None, too, where all of it is about teammates: then there is no own part to hold fixed.
    """
    if len(game.actions) < 2:
        return None
    theirs = about_teammates(game, agent)
    if not theirs.any() or theirs.all():
        return None
    first, values = numbers_seen(game, agent)
    _, begin, group = np.unique(values[:, ~theirs], axis=0, return_index=True, return_inverse=True)
    part = np.arange(game.observation_count)
    part[first : first + len(values)] = first + begin[group.reshape(-1)]
    return part


def unmoved_part(game: FiniteGame, agent: int) -> np.ndarray:
    """For each sight the first of those that teammates' actions turn into one another, int[O].

    From one state, the agent's own action held fixed, sights whose chances differ with what the others do are one, and
    so are those that are one with a third. What is left is the agent's own part as its numbers may not show it
    (`own_part`); every sight by itself: nothing that the others do can be seen. Endings are left out.
    """
    part, first = np.arange(game.observation_count), game.first_edge
    seen, sizes = game.seen[:, agent], game.actions
    others = np.moveaxis(np.arange(int(np.prod(sizes))).reshape(sizes), agent, 0).reshape(sizes[agent], -1)
    pair = np.repeat(np.arange(len(first) - 1), np.diff(first))
    on = np.flatnonzero(~game.ended)
    state, joint = pair[on] // others.size, pair[on] % others.size
    own, place = np.empty(others.size, int), np.empty(others.size, int)
    own[others], place[others] = np.arange(len(others))[:, None], np.arange(others.shape[1])[None]
    group, number = np.unique(
        np.stack([state * len(others) + own[joint], seen[game.successor[on]]], 1), axis=0, return_inverse=True
    )
    chance = np.zeros((len(group), others.shape[1]))
    np.add.at(chance, (number.reshape(-1), place[joint]), game.probability[on])
    moved = np.ptp(chance, axis=1) > TINY if others.shape[1] > 1 else np.zeros(len(group), bool)
    group = group[moved]
    same = np.flatnonzero(group[1:, 0] == group[:-1, 0])
    links = np.unique(np.stack([group[same, 1], group[same + 1, 1]], 1), axis=0)
    while True:
        least = np.minimum(part[links[:, 0]], part[links[:, 1]])
        before = part.copy()
        np.minimum.at(part, links[:, 0], least)
        np.minimum.at(part, links[:, 1], least)
        part = part[part]
        if np.array_equal(part, before):
            return part
