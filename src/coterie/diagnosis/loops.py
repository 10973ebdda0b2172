"""Do failing agents run in circles? Exact repetition of the world's state under a deterministic policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from coterie.statistics import percent, wilson
from coterie.types import Evidence, Finding, Play

REPEATS = 3


class Loop(NamedTuple):
    """A stretch of an episode that repeats: its period in steps, and its first and last step, counted from 1."""

    period: int
    first_step: int
    last_step: int


def find_loop(keys: Sequence[int], repeats: int = REPEATS, earned: Sequence[float] = ()) -> Loop | None:
    """The loop with the smallest period that an episode ends in, or None.

    keys [T + 1] are equal where the world's states are equal. The last `repeats` periods at least must be equal; one
    is proof enough where memoryless agents act deterministically in a deterministic world. With `earned` [T], a
    stretch that earns more than nothing a period is work and not a loop. Period 1 is standing still.

    >>> find_loop([7, 3, 4, 3, 4, 3, 4, 3])
    Loop(period=2, first_step=2, last_step=7)
    >>> find_loop([1, 2, 3, 1, 2, 3], repeats=3) is None
    True
    """
    last = len(keys) - 1
    for period in range(1, last // repeats + 1):
        first = last
        while first >= period and keys[first - period] == keys[first]:
            first -= 1
        begins = first + 1 - period  # the index of the state that the stretch begins in
        if last - begins < repeats * period or first == last:
            continue
        if len(earned) == 0 or sum(earned[last - period : last]) <= 0:
            return Loop(period, begins + 1, last)
    return None


def loops(plays: Sequence[Play], total: int, word: str, repeats: int = REPEATS, remedy: str = "") -> Finding:
    """Do the agents that fail run in circles? `plays` are the failing episodes of `total` teams."""
    lasting = [play for play in plays if not play.ended]  # what has truly ended does not go on for ever
    found = [(play, loop) for play in lasting if (loop := find_loop(play.keys.tolist(), repeats)) is not None]
    share = wilson(len(found), total)
    if not found:
        failing = f"all {total:,} {word}"
        if plays:
            failing = f"{len(plays):,} of {total:,} teams fail to {word}, none in a loop"
        return Finding("loops", "no", f"No team runs in circles ({failing}).", share.share, (share.low, share.high))
    circling = [(play, loop) for play, loop in found if loop.period > 1]
    frozen = [(play, loop) for play, loop in found if loop.period == 1]
    play, loop = (circling or frozen)[0]
    parts = []
    if circling:
        parts.append(_teams(len(circling), "circle", "for ever"))
    if frozen:
        parts.append(_teams(len(frozen), "stand", "still"))
    rest = len(plays) - len(found)
    others = f"; {rest:,} more {'fails' if rest == 1 else 'fail'} in another way" if rest else ""
    sentence = (
        f"{' and '.join(parts)} ({percent(share.share)} of {total:,}){others}; e.g. team {play.team}, "
        f"period {loop.period}, from step {loop.first_step}."
    )
    return Finding(
        "loops",
        "yes",
        sentence,
        share.share,
        (share.low, share.high),
        "no team in a loop",
        tuple(Evidence(play.team, loop.first_step, loop.last_step) for play, loop in (circling + frozen)[:5]),
        remedy,
    )


def _teams(count: int, verb: str, how: str) -> str:
    return f"1 team {verb}s {how}" if count == 1 else f"{count:,} teams {verb} {how}"
