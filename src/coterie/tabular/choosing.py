"""What the loops of the further learners share: choosing among values, and the greedy checks between episodes."""

from __future__ import annotations

from math import exp

import numpy as np
from numba import njit

from coterie.tabular.engine import ONE, ZERO, at, first_best, first_best_and_ties, greedy_episode, pick
from coterie.tabular.streams import uniform

COLDEST = 1e-300  # below it a temperature could no longer be divided by
UNDERFLOW = 746.0  # exp(-746) is exactly 0


@njit(cache=True, inline="always")
def temperature_at(start, decay, floor, episode):
    """The greater of start * decay^episode and the floor."""
    return max(start * decay ** float(episode), floor, COLDEST)


@njit(cache=True, inline="always")
def weight(gap, temperature):
    """exp(gap / temperature) for a gap of at most 0."""
    if gap == 0.0:
        return 1.0
    return exp(gap / temperature) if gap > -UNDERFLOW * temperature else 0.0


@njit(cache=True, inline="always")
def boltzmann(flat, offset, size, temperature, number):
    """The place that a number in [0, 1) draws, in proportion to exp(flat[place] / temperature)."""
    greatest, total = at(flat, first_best(flat, offset, size)), 0.0
    for place in range(offset, offset + size):
        total += weight(at(flat, place) - greatest, temperature)
    number *= total
    place = offset
    while place < offset + size - 1:
        number -= weight(at(flat, place) - greatest, temperature)
        if number < 0.0:
            break
        place += 1
    return place


@njit(cache=True, inline="always")
def greedy(flat, offset, size, random_ties, key, count):
    """The place of the largest value, the first or any of equals, and the stream's place after choosing."""
    best, ties = first_best_and_ties(flat, offset, size)
    if random_ties and ties > 1:
        skip = int(uniform(key, count) * ties)
        count += ONE
        value = at(flat, best)
        while skip > 0:
            best += 1
            skip -= at(flat, best) == value
    return best, count


@njit(cache=True, inline="always")
def epsilon_greedy(flat, offset, size, epsilon, random_ties, key, count):
    """The place that an epsilon-greedy agent takes, and the stream's place after choosing."""
    number = 1.0
    if epsilon > 0.0:
        number = uniform(key, count)
        count += ONE
    if number < epsilon:
        place = offset + int(uniform(key, count) * size)
        return place, count + ONE
    return greedy(flat, offset, size, random_ties, key, count)


@njit(cache=True)
def check_greedily(table, q, check_key, progress, team, check, steps):
    """Note one greedy episode of a team; the same start and the same chance at every check of a team."""
    start = 0
    if len(table.start_state) > 1:
        start = pick(table.start_cumulative, uniform(check_key, ZERO))
    no_edges, no_actions = np.empty(0, np.int32), np.empty((0, len(table.sizes)), np.int32)
    total, success, _, _ = greedy_episode(table, q, table.start_state[start], check_key, ONE, no_edges, no_actions)
    progress.check_success[team, check] = success
    progress.check_return[team, check] = total
    progress.check_steps[team, check] = steps
