"""The same game for agents that remember: each sees a window of its last observations instead of the present one."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from coterie.finite.game import FiniteGame

EDGES_CAP = 2_000_000


class Memory(NamedTuple):
    """What remembering agents keep: a window's length, and whether it holds whole episodes.

    A window that is full of a whole episode has no next one, for that is beyond the time limit.
    """

    length: int
    whole: bool


class _Unfolded(NamedTuple):
    """States int[S, 1 + N]: the game's own, and each agent's window; the starts int[K0]; the windows of each kind.

    For each edge, in the order of states: the state it belongs to, the game's own edge, and the state it leads to.
    """

    states: np.ndarray
    starts: np.ndarray
    windows: list[list[tuple[int, ...]]]
    owner: np.ndarray
    edge: np.ndarray
    target: np.ndarray


def memory_of(horizon: int, window: int) -> Memory:
    """The memory that `remember` gives: whole episodes where the window reaches the time limit."""
    if window <= 1 or horizon == 1:
        return Memory(1, False)
    if window >= horizon > 0:
        return Memory(horizon + 1, True)  # what is seen after the last step, too
    return Memory(window, False)


def remember(game: FiniteGame, window: int) -> FiniteGame:
    """The game in which every agent sees its last `window` observations, the present one included, oldest first.

    States are split by the windows of all agents, as far as they can be reached; chances, rewards and endings stay as
    they are, so every value of a policy keyed by window is exact, and the joint optimum is the same. 0 or 1: the game
    itself. Where the window reaches the time limit agents see their whole histories; beyond that limit, where no
    episode goes, they see nothing.

    An observation [..] becomes [window, ..]; where there was nothing yet stand numbers below every observation: -1, or
    less where -1 can be seen. Own actions are not remembered: an agent that plays for certain knows them. Raises
    ValueError, with the count, where the table would have more than 2,000,000 edges, and for a negative window.
    """
    if window < 0:
        raise ValueError(f"a window holds at least the present observation, not {window}")
    memory = memory_of(game.horizon, window)
    if memory.length == 1:
        return game
    kind_of = {agent: kind for kind, members in enumerate(game.spec.kinds) for agent in members.agents}
    kinds = [kind_of[agent] for agent in range(len(game.spec.agents))]
    found = _unfold(game, memory, kinds)
    base, pairs = found.states[:, 0], len(game.joint_actions)
    pair = np.repeat(np.arange(len(game.first_edge) - 1), np.diff(game.first_edge))[found.edge]
    counts = np.bincount(found.owner * pairs + pair % pairs, minlength=len(base) * pairs)
    firsts = np.cumsum([0, *(len(known) for known in found.windows)])
    marked = [_observations(game, kind, known, memory.length) for kind, known in enumerate(found.windows)]
    return game._replace(
        spec=dataclasses.replace(
            game.spec,
            kinds=tuple(
                dataclasses.replace(kind, observation_shape=values.shape[1:], observation_dtype=str(values.dtype))
                for kind, values in zip(game.spec.kinds, marked, strict=True)
            ),
        ),
        first_edge=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        probability=game.probability[found.edge],
        successor=found.target.astype(np.int32),
        reward=game.reward[found.edge],
        ended=game.ended[found.edge],
        success=game.success[found.edge],
        seen=(found.states[:, 1:] + firsts[kinds]).astype(np.int32),
        start_state=found.starts.astype(np.int32),
        states=game.states[base],
        boards=game.boards[base],
        observations=tuple(marked),
        legal=_legal(game, found.windows) if game.masked else game.legal,
    )


def _unfold(game: FiniteGame, memory: Memory, kinds: list[int]) -> _Unfolded:
    """Every state that can be reached, split by windows, a step at a time; nothing is entered behind an ending."""
    windows: list[dict[tuple[int, ...], int]] = [{} for _ in game.spec.kinds]
    contents: list[list[tuple[int, ...]]] = [[] for _ in windows]
    numbers: dict[bytes, int] = {}
    states: list[np.ndarray] = []
    bounds = game.first_edge[:: len(game.joint_actions)]
    width = game.observation_count

    def window_number(kind: int, window: tuple[int, ...]) -> int:
        if window not in windows[kind]:
            windows[kind][window] = len(contents[kind])
            contents[kind].append(window)
        return windows[kind][window]

    def extended(kind: int, before: np.ndarray, sight: np.ndarray) -> np.ndarray:
        """The numbers of the windows that come after some windows and sights."""
        codes, inverse = np.unique(before * width + sight, return_inverse=True)
        after = []
        for window, seen in zip(codes // width, codes % width, strict=True):
            old = contents[kind][window]
            if memory.whole:
                new = (*old, int(seen)) if 0 < len(old) < memory.length else ()
            else:
                new = (*old, int(seen))[-memory.length :]
            after.append(window_number(kind, new))
        return np.array(after)[inverse.reshape(-1)]

    def arrive(rows: np.ndarray) -> np.ndarray:
        """The numbers of some states with windows, int[R, 1 + N]."""
        code = np.zeros(len(rows), np.int64)
        for column in rows.T:  # ranked before each column, so that codes stay below rows x entries
            code = np.unique(code, return_inverse=True)[1].reshape(-1) * (column.max() + 1) + column
        _, index, inverse = np.unique(code, return_index=True, return_inverse=True)
        known = []
        for row in rows[index]:
            known.append(numbers.setdefault(row.tobytes(), len(states)))
            if known[-1] == len(states):
                states.append(row)
        return np.array(known)[inverse.reshape(-1)]

    first = [
        [window_number(kind, (int(sight),)) for kind, sight in zip(kinds, game.seen[state], strict=True)]
        for state in game.start_state
    ]
    starts = arrive(np.column_stack([game.start_state.astype(np.int64), np.array(first)]))
    frontier, entered, total = np.unique(starts), set(starts.tolist()), 0
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    while len(frontier):
        rows = np.array([states[number] for number in frontier])
        counts = bounds[rows[:, 0] + 1] - bounds[rows[:, 0]]
        total += int(counts.sum())
        if total > EDGES_CAP:
            raise ValueError(
                f"agents that remember {memory.length} observations make a table of more than {EDGES_CAP:,} edges"
            )
        owner = np.repeat(np.arange(len(rows)), counts)
        edge = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts) + bounds[rows[owner, 0]]
        to = game.successor[edge].astype(np.int64)
        sights = [extended(kind, rows[owner, 1 + agent], game.seen[to, agent]) for agent, kind in enumerate(kinds)]
        target = arrive(np.column_stack([to, *sights]))
        parts.append((frontier[owner], edge, target))
        frontier = np.array(sorted(set(target[~game.ended[edge]].tolist()) - entered), int)
        entered.update(frontier.tolist())
    owner, edge, target = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(owner, kind="stable")
    return _Unfolded(np.array(states), starts, contents, owner[order], edge[order], target[order])


def _observations(game: FiniteGame, kind: int, known: list[tuple[int, ...]], length: int) -> np.ndarray:
    """The windows of a kind as observations, [O, length, ..]."""
    single = game.observations[kind]
    first = sum(len(values) for values in game.observations[:kind])
    dtype = np.result_type(single.dtype, np.int8)
    windows = np.full((len(known), length, *single.shape[1:]), marker(single), dtype)
    for number, window in enumerate(known):
        windows[number, length - len(window) :] = single[np.array(window, int) - first]
    return windows


def _legal(game: FiniteGame, windows: list[list[tuple[int, ...]]]) -> np.ndarray:
    """What may be done is what may be done at the last thing seen; beyond the time limit, anything."""
    last = [window[-1] if window else -1 for known in windows for window in known]
    return np.vstack([game.legal, np.ones(game.legal.shape[1], bool)])[last]


def marker(observations: np.ndarray) -> float:
    """The number that stands where nothing has been seen yet: below every observation."""
    return min(-1, int(np.floor(observations.min(initial=0))) - 1)
