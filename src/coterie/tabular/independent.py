"""Independent learners that remember more than a table: distributed, frequency maximum, lenient; and Boltzmann choice.

With target y = r + discount * max_b V(o', b), without the second term at a true ending, a learner changes its entry of
what it saw and did, (o, a):

    Q             Q += (rate_up if y > Q else rate_down) * (y - Q)                        V = Q
    DISTRIBUTED   V = max(V, y); the policy of o becomes a only where max_b V(o, b) grew  (Lauer and Riedmiller 2000)
    FMQ           V += rate * (y - V); Q = V + weight * F * M; M is the greatest y of (o, a) so far and F the share of
                  its plays that gave it                                                  (Kapetanakis and Kudenko 2002)
    LENIENT       Q += rate * (y - Q) if y > Q, else with probability 1 - exp(-1 / (lenience * T)); then
                  T = decay * ((1 - diffusion) T + diffusion * mean_b T(o', b)), V = Q    (Wei and Luke 2016, LMRL2)

Boltzmann choice draws an action in proportion to exp(value / temperature), where the value is Q, but V for DISTRIBUTED.
FMQ is published for games with one state; the target in the place of the reward is the plain extension to several.
"""

from __future__ import annotations

from math import exp
from typing import NamedTuple

import numpy as np
from numba import njit

from coterie.tabular.choosing import COLDEST, boltzmann, check_greedily, epsilon_greedy, greedy, temperature_at
from coterie.tabular.engine import LONGEST_EPISODE, ONE, Rule, at, first_best, pick, pick_edge, scheduled
from coterie.tabular.streams import uniform

Q, DISTRIBUTED, FMQ, LENIENT = 0, 1, 2, 3


class IndependentRule(NamedTuple):
    """The base rule, and what these learners add as numbers; temperatures are in units of reward."""

    base: Rule
    variant: int
    boltzmann: bool
    temperature: float
    temperature_decay: float
    temperature_floor: float
    fmq_weight: float
    lenience: float
    diffusion: float


class IndependentMemory(NamedTuple):
    """Beside q: float64[W, tables, O, A] each, where the variant needs it, and the last joint action int64[W, N].

    value is V, best is M, best_count / plays is F, temperature is T.
    """

    value: np.ndarray
    best: np.ndarray
    best_count: np.ndarray
    plays: np.ndarray
    temperature: np.ndarray
    last: np.ndarray


@njit(cache=True, inline="always")
def mean(flat, offset, size):
    """The mean of flat[offset : offset + size]."""
    total = 0.0
    for place in range(offset, offset + size):
        total += at(flat, place)
    return total / size


@njit(cache=True, inline="always")
def improve(value, policy, row, size, place, target):
    """The distributed rule; `policy` is 1 for the kept action of a row and 0 elsewhere."""
    if target > at(value, place):
        greatest = at(value, first_best(value, row, size))
        value[np.uint64(place)] = target
        if target > greatest:
            for other in range(row, row + size):
                policy[np.uint64(other)] = 0.0
            policy[np.uint64(place)] = 1.0


@njit(cache=True, inline="always")
def note_best(best, best_count, count, place, target):
    """Note a target of an entry; the share of its plays that gave the greatest one, and that greatest one."""
    count[place] += 1.0
    if count[place] == 1.0 or target > best[place]:
        best[place], best_count[place] = target, 1.0
    elif target == best[place]:
        best_count[place] += 1.0
    return best_count[place] / count[place], best[place]


@njit(cache=True, inline="always")
def forgives(temperature, lenience, number):
    """Whether bad news is passed over: with probability exp(-1 / (lenience * temperature))."""
    heat = lenience * temperature
    return heat > COLDEST and number >= 1.0 - exp(-1.0 / heat)


@njit(cache=True, nogil=True)
def learn_independently(table, rule, q, memory, keys, check_keys, progress, first_episode, stop_episode):
    """Let each team learn episodes first_episode … stop_episode - 1, in place; q is float64[W, tables, O, A]."""
    teams, tables = q.shape[0], q.shape[1]
    agents, base, variant = len(table.sizes), rule.base, rule.variant
    horizon = table.horizon if table.horizon > 0 else LONGEST_EPISODE
    width = q.shape[3]
    own_table = q.shape[2] * width if tables > 1 else 0  # from one agent's table to the next; 0: all share one
    rows, chosen = np.empty(agents, np.int64), np.empty(agents, np.int64)
    for team in range(teams):
        key, count = keys[team], progress.draws[team]
        policy = q[team].reshape(-1)
        value = memory.value[team].reshape(-1) if variant in (DISTRIBUTED, FMQ) else policy
        best, best_count = memory.best[team].reshape(-1), memory.best_count[team].reshape(-1)
        plays, heat = memory.plays[team].reshape(-1), memory.temperature[team].reshape(-1)
        steps, return_sum, successes = 0, progress.return_sum[team], 0
        for episode in range(first_episode, stop_episode):
            epsilon = scheduled(base.epsilon_start, base.epsilon_end, base.epsilon_episodes, episode)
            rate = scheduled(base.rate_start, base.rate_end, base.rate_episodes, episode)
            rate_down = rate * base.down_ratio
            temperature = temperature_at(rule.temperature, rule.temperature_decay, rule.temperature_floor, episode)
            start = 0
            if len(table.start_state) > 1:
                start = pick(table.start_cumulative, uniform(key, count))
                count += ONE
            state = table.start_state[start]
            for _ in range(horizon):
                joint = 0
                for agent in range(agents):
                    size = at(table.sizes, agent)
                    row = at(table.seen, state * agents + agent) * width
                    own = row + agent * own_table
                    if not rule.boltzmann:
                        place, count = epsilon_greedy(policy, own, size, epsilon, base.random_ties, key, count)
                    else:
                        warm = temperature
                        if variant == LENIENT:
                            warm = mean(heat, own, size)
                        if variant == LENIENT and warm < rule.temperature_floor:
                            place, count = greedy(policy, own, size, base.random_ties, key, count)
                        else:
                            number = uniform(key, count)
                            count += ONE
                            if variant == DISTRIBUTED:
                                place = boltzmann(value, own, size, warm, number)
                            else:
                                place = boltzmann(policy, own, size, warm, number)
                    rows[np.uint64(agent)], chosen[np.uint64(agent)] = row, place - own
                    memory.last[team, agent] = place - own
                    joint = joint * size + place - own
                pair = state * table.joint_count + joint
                edge = at(table.first_edge, pair)
                if at(table.first_edge, pair + 1) - edge > 1:
                    edge = pick_edge(table, pair, uniform(key, count))
                    count += ONE
                after, ended = at(table.successor, edge), at(table.ended, edge)
                bootstrap = not (ended and base.terminal_mask)
                for agent in range(agents):
                    size, earned = at(table.sizes, agent), at(table.reward, edge * agents + agent)
                    return_sum += earned
                    seen_after = at(table.seen, after * agents + agent) * width
                    first, stop = (0, tables) if base.pooled or tables == 1 else (agent, agent + 1)
                    for learner in range(first, stop):
                        mine, target = learner * own_table, earned
                        if bootstrap:
                            target += base.discount * at(value, first_best(value, mine + seen_after, size))
                        row = mine + at(rows, agent)
                        place = row + at(chosen, agent)
                        error = target - at(value, place)
                        if variant == Q:
                            value[np.uint64(place)] += (rate if error > 0.0 else rate_down) * error
                        elif variant == DISTRIBUTED:
                            improve(value, policy, row, size, place, target)
                        elif variant == FMQ:
                            value[np.uint64(place)] += rate * error
                            share, greatest = note_best(best, best_count, plays, place, target)
                            policy[np.uint64(place)] = at(value, place) + rule.fmq_weight * share * greatest
                        else:
                            passed = False
                            if error <= 0.0:
                                passed = forgives(at(heat, place), rule.lenience, uniform(key, count))
                                count += ONE
                            if not passed:
                                value[np.uint64(place)] += rate * error
                            warm = at(heat, place)
                            if bootstrap:
                                beyond = mean(heat, mine + seen_after, size)
                                warm = (1.0 - rule.diffusion) * warm + rule.diffusion * beyond
                            heat[np.uint64(place)] = rule.temperature_decay * warm
                successes += at(table.success, edge)
                steps += 1
                state = after
                if ended:
                    break
            if base.check_every > 0 and (episode + 1) % base.check_every == 0:
                check = (episode + 1) // base.check_every - 1
                check_greedily(table, q[team], check_keys[team], progress, team, check, progress.steps[team] + steps)
        progress.draws[team] = count
        progress.steps[team] += steps
        progress.return_sum[team] = return_sum
        progress.success_count[team] += successes
