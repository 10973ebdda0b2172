"""The compiled loop of all tabular learners on all finite games: one function, options as numbers.

An update of learner i from agent j's transition (s, a, r, s') is (Watkins and Dayan 1992, equation 1; two step sizes:
Matignon, Laurent and Le Fort-Piat 2007, equation 5):

    error = r_j + discount * max_b Q_i(o'_j, b) - Q_i(o_j, a_j)          without the second term at a true ending
    Q_i(o_j, a_j) += (rate_up if error > 0 else rate_down) * error

A rule passed as a function would miss Numba's disk cache in every process, so variants are numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from coterie.tabular.streams import uniform

ZERO, ONE = np.uint64(0), np.uint64(1)
LONGEST_EPISODE = 1_000_000  # joint steps of an episode in a game without a time limit


class Table(NamedTuple):
    """The part of a FiniteGame that the loop reads; reward and seen are flattened, sizes[N] counts agents' actions."""

    first_edge: np.ndarray
    probability: np.ndarray
    successor: np.ndarray
    reward: np.ndarray
    ended: np.ndarray
    success: np.ndarray
    seen: np.ndarray
    start_cumulative: np.ndarray
    start_state: np.ndarray
    sizes: np.ndarray
    joint_count: int
    horizon: int


class Rule(NamedTuple):
    """The learning rule as numbers: schedules are (start, end, episodes that the way from one to the other takes)."""

    rate_start: float
    rate_end: float
    rate_episodes: float
    down_ratio: float
    discount: float
    epsilon_start: float
    epsilon_end: float
    epsilon_episodes: float
    random_ties: bool
    terminal_mask: bool
    pooled: bool
    check_every: int


class Progress(NamedTuple):
    """What learning writes, a row a team: draws made, steps taken, sums over the episodes so far, greedy checks.

    draws uint64[W], steps int64[W], return_sum float64[W] (over agents, too), success_count float64[W], check_success
    bool[W, C], check_return float64[W, C] and check_steps int64[W, C] (environment steps learned from up to the check).
    """

    draws: np.ndarray
    steps: np.ndarray
    return_sum: np.ndarray
    success_count: np.ndarray
    check_success: np.ndarray
    check_return: np.ndarray
    check_steps: np.ndarray


@njit(cache=True, inline="always")
def at(flat, place):
    """at(flat, place) for a place that is never negative, which spares the check for it."""
    return flat[np.uint64(place)]


@njit(cache=True, inline="always")
def scheduled(start, end, episodes, episode):
    """Linear from start to end over so many episodes, then constant; constant `start` where episodes is 0."""
    if episodes <= 0.0:
        return start
    if episode >= episodes:
        return end
    return start + (end - start) * (episode / episodes)


@njit(cache=True, inline="always")
def first_best(flat, offset, size):
    """The place of the first of the largest of flat[offset : offset + size]."""
    best, value = offset, at(flat, offset)
    for place in range(offset + 1, offset + size):
        if at(flat, place) > value:
            best, value = place, at(flat, place)
    return best


@njit(cache=True, inline="always")
def first_best_and_ties(flat, offset, size):
    """The place of the first of the largest of flat[offset : offset + size], and how many are as large."""
    best, value, ties = offset, at(flat, offset), 1
    for place in range(offset + 1, offset + size):
        other = at(flat, place)
        ties += other == value
        if other > value:
            best, value, ties = place, other, 1
    return best, ties


@njit(cache=True, inline="always")
def pick(cumulative, number):
    """The index at which a cumulative distribution passes a number in [0, 1)."""
    index = 0
    while index < len(cumulative) - 1 and number >= cumulative[index]:
        index += 1
    return index


@njit(cache=True, inline="always")
def pick_edge(table, pair, number):
    """The edge of a (state, joint action) pair that a number in [0, 1) chooses."""
    edge, last = at(table.first_edge, pair), at(table.first_edge, pair + 1) - 1
    while edge < last and number >= table.probability[edge]:
        number -= table.probability[edge]
        edge += 1
    return edge


@njit(cache=True)
def greedy_episode(table, q, state, key, count, edges, actions):
    """Play one greedy episode (first of equal actions) from a state; chance comes from the stream's place `count` on.

    q [tables, O, A]; edges int32[T] and actions int32[T, N] are written, or have length 0 to keep nothing.
    Returns (team-mean return, success, steps, ended).
    """
    agents = len(table.sizes)
    flat = q.reshape(-1)
    own_table = q.shape[1] if q.shape[0] > 1 else 0
    horizon = table.horizon if table.horizon > 0 else LONGEST_EPISODE
    keep = len(edges) > 0
    total, success, ended, steps = 0.0, False, False, 0
    while steps < horizon and not ended:
        joint = 0
        for agent in range(agents):
            row = (agent * own_table + at(table.seen, state * agents + agent)) * q.shape[2]
            action = first_best(flat, row, at(table.sizes, agent)) - row
            joint = joint * at(table.sizes, agent) + action
            if keep:
                actions[steps, agent] = action
        pair = state * table.joint_count + joint
        edge = at(table.first_edge, pair)
        if at(table.first_edge, pair + 1) - edge > 1:
            edge = pick_edge(table, pair, uniform(key, count))
            count += ONE
        if keep:
            edges[steps] = edge
        for agent in range(agents):
            total += at(table.reward, edge * agents + agent)
        success = success or at(table.success, edge)
        ended = at(table.ended, edge)
        state = at(table.successor, edge)
        steps += 1
    return total / agents, success, steps, ended


@njit(cache=True, nogil=True)
def greedy_from_every_start(table, q, returns, successes):
    """Greedy episodes of every team from every start row of a deterministic game, written to float64[W, K0] each."""
    no_edges, no_actions = np.empty(0, np.int32), np.empty((0, len(table.sizes)), np.int32)
    for team in range(len(q)):
        for start in range(len(table.start_state)):
            state = table.start_state[start]
            total, success, _, _ = greedy_episode(table, q[team], state, ONE, ONE, no_edges, no_actions)
            returns[team, start] = total
            successes[team, start] = success


@njit(cache=True, nogil=True)
def learn(table, rule, q, keys, check_keys, progress, first_episode, stop_episode):
    """Let each team learn episodes first_episode … stop_episode - 1, in place; q is float64[W, tables, O, A]."""
    teams, tables = q.shape[0], q.shape[1]
    agents = len(table.sizes)
    horizon = table.horizon if table.horizon > 0 else LONGEST_EPISODE
    several_starts = len(table.start_state) > 1
    width = q.shape[3]
    own_table = q.shape[2] * width if tables > 1 else 0  # from one agent's table to the next; 0: all share one
    chosen = np.empty(agents, np.int64)
    no_edges, no_actions = np.empty(0, np.int32), np.empty((0, agents), np.int32)
    for team in range(teams):
        key, count = keys[team], progress.draws[team]
        flat = q[team].reshape(-1)
        steps, return_sum, successes = 0, progress.return_sum[team], 0
        for episode in range(first_episode, stop_episode):
            epsilon = scheduled(rule.epsilon_start, rule.epsilon_end, rule.epsilon_episodes, episode)
            rate = scheduled(rule.rate_start, rule.rate_end, rule.rate_episodes, episode)
            rate_down = rate * rule.down_ratio
            start = 0
            if several_starts:
                start = pick(table.start_cumulative, uniform(key, count))
                count += ONE
            state = table.start_state[start]
            for _ in range(horizon):
                joint = 0
                for agent in range(agents):
                    size = at(table.sizes, agent)
                    row = at(table.seen, state * agents + agent) * width
                    number = 1.0
                    if epsilon > 0.0:
                        number = uniform(key, count)
                        count += ONE
                    if number < epsilon:
                        place = row + int(uniform(key, count) * size)
                        count += ONE
                    else:
                        own = row + agent * own_table
                        best, ties = first_best_and_ties(flat, own, size)
                        if rule.random_ties and ties > 1:
                            skip = int(uniform(key, count) * ties)
                            count += ONE
                            value = at(flat, best)
                            while skip > 0:
                                best += 1
                                skip -= at(flat, best) == value
                        place = row + best - own
                    chosen[np.uint64(agent)] = place
                    joint = joint * size + place - row
                pair = state * table.joint_count + joint
                edge = at(table.first_edge, pair)
                if at(table.first_edge, pair + 1) - edge > 1:
                    edge = pick_edge(table, pair, uniform(key, count))
                    count += ONE
                after, ended = at(table.successor, edge), at(table.ended, edge)
                bootstrap = not (ended and rule.terminal_mask)
                for agent in range(agents):
                    earned = at(table.reward, edge * agents + agent)
                    return_sum += earned
                    seen_after = at(table.seen, after * agents + agent) * width
                    first, stop = (0, tables) if rule.pooled or tables == 1 else (agent, agent + 1)
                    for learner in range(first, stop):
                        mine = learner * own_table
                        target = earned
                        if bootstrap:
                            target += rule.discount * flat[first_best(flat, mine + seen_after, at(table.sizes, agent))]
                        place = mine + at(chosen, agent)
                        error = target - at(flat, place)
                        flat[np.uint64(place)] += (rate if error > 0.0 else rate_down) * error
                successes += at(table.success, edge)
                steps += 1
                state = after
                if ended:
                    break
            if rule.check_every > 0 and (episode + 1) % rule.check_every == 0:
                check = (episode + 1) // rule.check_every - 1
                # the same start and the same chance at every check: only what was learned can make a difference
                start = pick(table.start_cumulative, uniform(check_keys[team], ZERO)) if several_starts else 0
                total, success, _, _ = greedy_episode(
                    table, q[team], table.start_state[start], check_keys[team], ONE, no_edges, no_actions
                )
                progress.check_success[team, check] = success
                progress.check_return[team, check] = total
                progress.check_steps[team, check] = progress.steps[team] + steps
        progress.draws[team] = count
        progress.steps[team] += steps
        progress.return_sum[team] = return_sum
        progress.success_count[team] += successes
