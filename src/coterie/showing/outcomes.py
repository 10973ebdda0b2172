"""How an episode went, in one word and one colour: what terminal, GIF and report agree on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from coterie.diagnosis.loops import REPEATS, Loop, find_loop
from coterie.envs.boards import MEETING_COLOUR
from coterie.showing.words import past
from coterie.types import Evidence, Play

Kind = Literal["success", "circle", "still", "failed", "time"]
Colour = tuple[int, int, int]

KINDS: tuple[Kind, ...] = ("success", "circle", "still", "failed", "time")
COLOURS: dict[Kind, Colour] = {
    "success": MEETING_COLOUR,
    "circle": (190, 32, 72),
    "still": (190, 32, 72),
    "failed": (206, 146, 30),
    "time": (206, 146, 30),
}


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """The first colour with a share of the second in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def bright(colour: Colour) -> Colour:
    """A colour made for paper, as it is told apart on a dark ground."""
    return mixed(colour, (255, 255, 255), 0.25)


class Outcome(NamedTuple):
    """How an episode went, from which step on one can see it, and the loop that it ran in.

    circle: it repeats itself for ever; still: the same with period 1; failed: a true ending without success; time: cut
    off by the time limit. A loop shows as soon as it has gone round often enough to count, whatever it earns.
    """

    kind: Kind
    shows_at: int
    loop: Loop | None


def outcome(play: Play, repeats: int = REPEATS) -> Outcome:
    """How one episode went; once round is proof of a loop where memoryless agents and the world are deterministic."""
    steps = len(play.actions)
    if play.success:
        return Outcome("success", steps, None)
    if play.ended:
        return Outcome("failed", steps, None)
    loop = find_loop(np.asarray(play.keys).tolist(), repeats)
    if loop is None:
        return Outcome("time", steps, None)
    shows_at = min(steps, loop.first_step - 1 + repeats * loop.period)
    return Outcome("still" if loop.period == 1 else "circle", shows_at, loop)


def longest(plays: Sequence[Play]) -> int:
    """The number of steps of the longest of these episodes."""
    return max((len(play.actions) for play in plays), default=0)


def board_at(play: Play, step: int) -> np.ndarray:
    """The board after so many steps, uint8[H, W]; an episode that has ended keeps its last one."""
    frames = np.asarray(play.boards)
    return frames[min(step, len(frames) - 1)]


def shown(one: Outcome, step: int) -> Kind | None:
    """The kind, once it shows; None while the episode is still open."""
    return one.kind if step >= one.shows_at else None


def count_shown(outcomes: Sequence[Outcome], step: int) -> dict[Kind | None, int]:
    """How many episodes show which outcome by this step; None: still open."""
    counted = Counter(shown(one, step) for one in outcomes)
    return {kind: counted[kind] for kind in (*KINDS, None) if counted[kind]}


def legend_parts(outcomes: Sequence[Outcome], step: int, success_word: str) -> list[tuple[Kind | None, str]]:
    """The counts in words, each with its kind; those who succeed always come first, even if there is none."""
    words = {"circle": "circle", "still": "stand still", "failed": "failed", "time": "out of time", None: "under way"}
    counted = count_shown(outcomes, step)
    parts: list[tuple[Kind | None, str]] = [("success", f"{counted.pop('success', 0):,} {past(success_word)}")]
    return parts + [(kind, f"{count:,} {words[kind]}") for kind, count in counted.items()]


def legend(outcomes: Sequence[Outcome], step: int, success_word: str) -> str:
    """One line of counts.

    >>> legend([Outcome("success", 4, None)] * 92 + [Outcome("time", 20, None)] * 8, 20, "meet")
    '92 met · 8 out of time'
    """
    return " · ".join(words for _, words in legend_parts(outcomes, step, success_word))


def who(one: Play | Evidence) -> str:
    """Which team played, and which of its episodes where it has several; negative: nobody learned this, it is computed.

    >>> who(Evidence(3, 1, 20)), who(Evidence(3, 1, 20, episode=2)), who(Evidence(-1, 1, 20))
    ('team 3', 'team 3, episode 2', 'an optimal play')
    """
    if one.team < 0:
        return "an optimal play"
    return f"team {one.team:,}, episode {one.episode:,}" if one.episode else f"team {one.team:,}"


def same_episode(one: Play | Evidence) -> tuple[int, int]:
    """What is equal where a play and a piece of evidence are about the same episode."""
    return one.team, one.episode


def last_words(play: Play, one: Outcome, success_word: str) -> str:
    """How an episode ended, as a short sentence."""
    steps = len(play.actions)
    if one.kind == "success":
        return f"They {past(success_word)} in {steps:,} {'step' if steps == 1 else 'steps'}."
    if one.kind == "failed":
        return f"It ended after {steps:,} steps: they failed."
    if one.loop is None:
        return f"Time ran out after {steps:,} steps."
    if one.kind == "still":
        return f"They stand still from step {one.loop.first_step:,} on."
    return f"They circle from step {one.loop.first_step:,} on, with period {one.loop.period:,}."
