"""What the player of a report holds: recorded episodes as plain numbers, as many as a page should weigh."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from coterie.diagnosis.loops import REPEATS
from coterie.running.episodes import taken
from coterie.showing import words
from coterie.showing.outcomes import last_words, outcome, same_episode, who
from coterie.showing.terminal_boards import action_word
from coterie.types import Finding, Play

MOST_PLAYS = 100
CELLS_CAP = 3_000_000  # cells that change, over all episodes: beyond this the page would be too heavy to open
PAGE_CAP = 1_000_000  # characters of all episodes together
MOST_SEEN = 24  # numbers of one observation that are written out
LONGEST_TEXT = 160


def choose_plays(plays: Sequence[Play], findings: Sequence[Finding]) -> list[Play]:
    """The first hundred episodes, those with boards before the others, and all that a finding points to."""
    drawn = [play for play in plays if np.asarray(play.boards).size]
    bare = [play for play in plays if not np.asarray(play.boards).size]
    wanted = {same_episode(place) for finding in findings for place in finding.evidence}
    ordered = [*drawn, *bare]
    return ordered[:MOST_PLAYS] + [play for play in ordered[MOST_PLAYS:] if same_episode(play) in wanted]


def player_data(
    plays: Sequence[Play], findings: Sequence[Finding], success_word: str, repeats: int = REPEATS, cap: int = PAGE_CAP
) -> tuple[list[Play], list[dict[str, Any]]]:
    """The episodes that fit, in their order, and the same as plain numbers.

    Those that findings point to, and first of all those that show what is to mend, come before the others.
    """
    chosen = choose_plays(plays, findings)
    pointed = {same_episode(place) for finding in findings if finding.verdict == "yes" for place in finding.evidence}
    also = {same_episode(place) for finding in findings for place in finding.evidence}
    names = [same_episode(play) for play in chosen]
    order = sorted(range(len(chosen)), key=lambda i: (names[i] not in pointed, names[i] not in also))
    kept: dict[int, dict[str, Any]] = {}
    weight = 0
    for place in order:
        packed = play_data(chosen[place], success_word, repeats)
        weight += len(json.dumps(packed, separators=(",", ":")))
        if weight > cap and kept:
            break
        kept[place] = packed
    places = sorted(kept)
    return [chosen[place] for place in places], [kept[place] for place in places]


def play_data(play: Play, success_word: str, repeats: int = REPEATS) -> dict[str, Any]:
    """One episode for the player, step by step: actions, rewards, values where they are known, and the boards.

    Boards are the first one, then the cells that change, as [place, cell, place, cell, …]; where there are none, what
    every agent saw is there instead, as short texts.
    """
    rewards = np.asarray(play.rewards, float)
    one = outcome(play, repeats)
    packed: dict[str, Any] = {
        "team": int(play.team),
        "episode": int(play.episode),
        "who": who(play),
        "kind": one.kind,
        "shows": one.shows_at,
        "ending": last_words(play, one, success_word),
        "actions": [[_did(action) for action in taken(play, step)] for step in range(len(play.actions))],
        "rewards": rounded(rewards),
        "earned": [words.number(float(value)) for value in rewards.mean(axis=1).cumsum()],
    }
    if play.values is not None:
        packed["values"] = rounded(np.asarray(play.values, float))
    frames = np.asarray(play.boards)
    if frames.size:
        return {**packed, "wide": int(frames.shape[2]), **_changes(frames)}
    if play.observations:
        packed["seen"] = [[seen(one) for one in np.asarray(agent)] for agent in play.observations]
    return packed


def _did(action: int | list[float]) -> int | str:
    """An action's number, or its amounts in words."""
    return action if isinstance(action, int) else action_word(action, ())


def _changes(frames: np.ndarray) -> dict[str, Any]:
    flat = frames.reshape(len(frames), -1)
    if np.count_nonzero(flat[1:] != flat[:-1]) * MOST_PLAYS > CELLS_CAP:
        flat = flat[: 1 + CELLS_CAP // (MOST_PLAYS * flat.shape[1])]  # only as much as a browser can hold
    changes = []
    for before, after in pairwise(flat):
        places = np.flatnonzero(before != after)
        changes.append(np.stack([places, after[places]], axis=1).ravel().tolist())
    return {"first": flat[0].tolist(), "changes": changes}


def rounded(values: np.ndarray) -> list[Any]:
    """Numbers [T, N] with four leading digits, whole ones without a point; None where there is no number.

    >>> rounded(np.array([[-1.0, 0.123456789, float("nan")]]))
    [[-1, 0.1235, None]]
    """
    return [[_short(float(value)) for value in row] for row in values]


def _short(value: float) -> float | int | None:
    if not np.isfinite(value):
        return None
    return int(value) if value == round(value) and abs(value) < 1e9 else float(f"{value:.4g}")


def seen(observation: Any) -> str:
    """What an agent saw, in a few characters.

    >>> seen(np.array([3, 4])), seen(np.array([0.25, 1.0])), seen(np.zeros((2, 50)))
    ('3 4', '0.25 1', '0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 … (2 x 50)')
    """
    values = np.asarray(observation)
    if values.dtype.kind not in "biuf":
        return str(observation)[:LONGEST_TEXT]
    text = " ".join(f"{float(value):.3g}" for value in values.ravel()[:MOST_SEEN])
    return text + (f" … ({' x '.join(map(str, values.shape))})" if values.size > MOST_SEEN else "")
