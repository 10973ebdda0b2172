"""Do failing agents run in circles? Exact repetition of the world's state under a deterministic policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


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
