"""The same game for agents that remember: each sees a window of its last observations instead of the present one."""

from __future__ import annotations

import dataclasses
from itertools import repeat
from typing import NamedTuple

import numpy as np

from coterie.finite.game import FiniteGame

EDGES_CAP = 3_000_000


class Memory(NamedTuple):
    """What remembering agents keep: a window's length, and whether it holds whole episodes.

    A window that is full of a whole episode has no next one, for that is beyond the time limit.
    """

    length: int
    whole: bool


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
    ValueError, with the count, where the table would have more than 3,000,000 edges, and for a negative window.
    """
    if window < 0:
        raise ValueError(f"a window holds at least the present observation, not {window}")
    memory = memory_of(game.horizon, window)
    if memory.length == 1:
        return game
    kind_of = {agent: kind for kind, members in enumerate(game.spec.kinds) for agent in members.agents}
    kinds = [kind_of[agent] for agent in range(len(game.spec.agents))]
    windows: list[dict[tuple[int, ...], int]] = [{} for _ in game.spec.kinds]
    states, starts, targets = _unfold(game, memory, kinds, windows)
    base = np.array([state for state, _ in states])
    pairs = len(game.first_edge) // len(game.states)
    counts = np.diff(game.first_edge).reshape(-1, pairs)[base]
    counts[[number for number, one in enumerate(targets) if one is None]] = 0
    first_edge = np.concatenate([[0], np.cumsum(counts.reshape(-1))])
    edges = np.concatenate(
        [
            np.arange(game.first_edge[state * pairs], game.first_edge[(state + 1) * pairs])
            for (state, _), one in zip(states, targets, strict=True)
            if one is not None
        ]
    )
    offsets = np.cumsum([0, *(len(known) for known in windows)])
    seen = np.array([[offsets[kind] + one for kind, one in zip(kinds, sights, strict=True)] for _, sights in states])
    marked = [_observations(game, kind, known, memory.length) for kind, known in enumerate(windows)]
    return game._replace(
        spec=dataclasses.replace(
            game.spec,
            kinds=tuple(
                dataclasses.replace(kind, observation_shape=values.shape[1:], observation_dtype=str(values.dtype))
                for kind, values in zip(game.spec.kinds, marked, strict=True)
            ),
        ),
        first_edge=first_edge.astype(np.int32),
        probability=game.probability[edges],
        successor=np.array([after for one in targets if one is not None for after in one], np.int32),
        reward=game.reward[edges],
        ended=game.ended[edges],
        success=game.success[edges],
        seen=seen.astype(np.int32),
        start_state=np.array(starts, np.int32),
        states=game.states[base],
        boards=game.boards[base],
        observations=tuple(marked),
    )


def _unfold(
    game: FiniteGame, memory: Memory, kinds: list[int], windows: list[dict[tuple[int, ...], int]]
) -> tuple[list[tuple[int, tuple[int, ...]]], list[int], list[list[int] | None]]:
    """Breadth first: the states with their windows, the start rows, and each state's successors (None: it is final)."""
    pairs = len(game.first_edge) // len(game.states)
    seen, successor, ended = game.seen.tolist(), game.successor.tolist(), game.ended.tolist()
    bounds = game.first_edge[::pairs].tolist()
    contents: list[list[tuple[int, ...]]] = [[] for _ in windows]
    longer: dict[tuple[int, int, int], int] = {}
    numbers: dict[tuple[int, tuple[int, ...]], int] = {}
    states: list[tuple[int, tuple[int, ...]]] = []

    def number_of(kind: int, window: tuple[int, ...]) -> int:
        known = windows[kind].setdefault(window, len(windows[kind]))
        if known == len(contents[kind]):
            contents[kind].append(window)
        return known

    def extended(kind: int, window: int, sight: int) -> int:
        key = (kind, window, sight)
        if key not in longer:
            before = contents[kind][window]
            if memory.whole:
                after = (*before, sight) if 0 < len(before) < memory.length else ()
            else:
                after = (*before, sight)[-memory.length :]
            longer[key] = number_of(kind, after)
        return longer[key]

    def arrive(state: int, sights: tuple[int, ...]) -> int:
        key = (state, sights)
        if key not in numbers:
            numbers[key] = len(states)
            states.append(key)
        return numbers[key]

    starts = [
        arrive(state, tuple(number_of(kind, (sight,)) for kind, sight in zip(kinds, seen[state], strict=True)))
        for state in game.start_state.tolist()
    ]
    targets: list[list[int] | None] = []
    queue, waiting, edges = list(dict.fromkeys(starts)), set(starts), 0
    for number in queue:
        state, sights = states[number]
        targets.extend(repeat(None, len(states) - len(targets)))
        after: list[int] = []
        for edge in range(bounds[state], bounds[state + 1]):
            to = successor[edge]
            arrived = arrive(to, tuple(map(extended, kinds, sights, seen[to])))
            after.append(arrived)
            if not ended[edge] and arrived not in waiting:
                waiting.add(arrived)
                queue.append(arrived)
        targets[number] = after
        edges += len(after)
        if edges > EDGES_CAP:
            raise ValueError(
                f"agents that remember {memory.length} observations make a table of more than {EDGES_CAP:,} edges"
            )
    targets.extend(repeat(None, len(states) - len(targets)))
    return states, starts, targets


def _observations(game: FiniteGame, kind: int, known: dict[tuple[int, ...], int], length: int) -> np.ndarray:
    """The windows of a kind as observations, [O, length, ..]."""
    single = game.observations[kind]
    first = sum(len(values) for values in game.observations[:kind])
    dtype = np.result_type(single.dtype, np.int8)
    windows = np.full((len(known), length, *single.shape[1:]), marker(single), dtype)
    for window, number in known.items():
        windows[number, length - len(window) :] = single[np.array(window, int) - first]
    return windows


def marker(observations: np.ndarray) -> float:
    """The number that stands where nothing has been seen yet: below every observation."""
    return min(-1, int(np.floor(observations.min(initial=0))) - 1)
