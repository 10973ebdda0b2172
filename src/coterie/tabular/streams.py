"""Counter-based random numbers: the n-th number of a stream is a function of its key and n alone.

Each team has a stream of its own, so results do not depend on how teams are spread over threads, on how a run is cut
into chunks, or on whether it was stopped and resumed: key and count are all there is to store.
The mixing function is SplitMix64's (Steele, Lea, Flood 2014, figure 16).
"""

from __future__ import annotations

import numpy as np
from numba import njit

LEARNING, CHECKING, PLAYING = 1, 2, 3

_STEP = np.uint64(0x9E3779B97F4A7C15)
_A = np.uint64(0xBF58476D1CE4E5B9)
_B = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@njit(cache=True, inline="always")
def mix(word):
    """SplitMix64's finaliser: uint64 to uint64, one to one."""
    word = (word ^ (word >> _S30)) * _A
    word = (word ^ (word >> _S27)) * _B
    return word ^ (word >> _S31)


@njit(cache=True, inline="always")
def uniform(key, count):
    """The number at place `count` (uint64) of the stream `key` (uint64), in [0, 1) with 53 bits."""
    return (mix(key + count * _STEP) >> _S11) * (1.0 / 9007199254740992.0)


@njit(cache=True)
def stream_keys(seed, purpose, first, teams):
    """The keys of teams first, first + 1, … for one purpose, uint64[teams]."""
    keys = np.empty(teams, np.uint64)
    base = mix(mix(np.uint64(seed) + _STEP) ^ (np.uint64(purpose) * _A))
    for team in range(teams):
        keys[team] = mix(base + np.uint64(first + team + 1) * _B)
    return keys


class Stream:
    """The same numbers for plain Python code: `random()` in [0, 1) and `randrange(n)`, like `random.Random`."""

    def __init__(self, key: int) -> None:
        self.key = np.uint64(key)
        self.count = 0

    def random(self) -> float:
        """The next number of the stream, in [0, 1)."""
        number = uniform(self.key, np.uint64(self.count))
        self.count += 1
        return float(number)

    def randrange(self, stop: int) -> int:
        """A whole number from 0 to stop - 1; it costs one number of the stream."""
        return int(self.random() * stop)
