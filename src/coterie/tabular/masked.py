"""The compiled loop of independent Q-learners in games with illegal actions, and so in games that go in turns.

Whoever may do one thing only, as one who waits, decides nothing. An agent's time axis is its own decisions: what it
earns until its next one belongs to the last, discounted once, however many moves of others lie between. With y the sum
of rewards since agent i, seeing o, decided for a:

    Q_i(o, a) += rate * (y + discount * max over legal b of Q_i(o', b) - Q_i(o, a))    at its next decision, seeing o'
    Q_i(o, a) += rate * (y - Q_i(o, a))                                                where the game has truly ended

A decision whose outcome the time limit leaves open, because it is not the agent's turn again, is not learned from.
Where everything is legal this is `engine.learn`, bit for bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from coterie.finite.game import FiniteGame
from coterie.tabular.choosing import temperature_at, weight
from coterie.tabular.engine import LONGEST_EPISODE, ONE, ZERO, Rule, at, pick, pick_edge, scheduled
from coterie.tabular.streams import uniform


class MaskedRule(NamedTuple):
    """The base rule, Boltzmann choice, and what is legal: actions[first[o] : first[o + 1]] where o is seen."""

    base: Rule
    boltzmann: bool
    temperature: float
    temperature_decay: float
    temperature_floor: float
    first: np.ndarray
    actions: np.ndarray


class MaskedMemory(NamedTuple):
    """Beside q: int64[W, N], the last joint action, as every loop with Boltzmann choice notes it."""

    last: np.ndarray


def choices(game: FiniteGame) -> tuple[np.ndarray, np.ndarray]:
    """The legal actions of each observation, one after the other: first int64[O + 1] and actions int64[C]."""
    sizes = np.repeat([kind.actions for kind in game.spec.kinds], [len(values) for values in game.observations])
    rows, actions = np.nonzero(game.legal & (np.arange(game.legal.shape[1]) < sizes[:, None]))
    return np.searchsorted(rows, np.arange(len(sizes) + 1)), actions


@njit(cache=True, inline="always")
def best_of(flat, row, actions, low, high):
    """The place of the first of the largest of flat[row + actions[low : high]], and how many are as large."""
    best = row + at(actions, low)
    value, ties = at(flat, best), 1
    for number in range(low + 1, high):
        place = row + at(actions, number)
        other = at(flat, place)
        ties += other == value
        if other > value:
            best, value, ties = place, other, 1
    return best, value, ties


@njit(cache=True, inline="always")
def drawn(flat, row, actions, low, high, temperature, number):
    """The place that a number in [0, 1) draws, in proportion to exp(value / temperature)."""
    _, greatest, _ = best_of(flat, row, actions, low, high)
    total = 0.0
    for one in range(low, high):
        total += weight(at(flat, row + at(actions, one)) - greatest, temperature)
    number *= total
    one = low
    while one < high - 1:
        number -= weight(at(flat, row + at(actions, one)) - greatest, temperature)
        if number < 0.0:
            break
        one += 1
    return row + at(actions, one)


@njit(cache=True)
def check_among(table, rule, q, check_key, progress, team, check, steps):
    """Note one greedy episode of legal play; the same start and the same chance at every check of a team."""
    agents, width = len(table.sizes), q.shape[2]
    flat = q.reshape(-1)
    own_table = q.shape[1] * width if q.shape[0] > 1 else 0
    horizon = table.horizon if table.horizon > 0 else LONGEST_EPISODE
    start = 0
    if len(table.start_state) > 1:
        start = pick(table.start_cumulative, uniform(check_key, ZERO))
    state, count = table.start_state[start], ONE
    total, success = 0.0, False
    for _ in range(horizon):
        joint = 0
        for agent in range(agents):
            sight = at(table.seen, state * agents + agent)
            row = agent * own_table + sight * width
            place, _, _ = best_of(flat, row, rule.actions, at(rule.first, sight), at(rule.first, sight + 1))
            joint = joint * at(table.sizes, agent) + place - row
        pair = state * table.joint_count + joint
        edge = at(table.first_edge, pair)
        if at(table.first_edge, pair + 1) - edge > 1:
            edge = pick_edge(table, pair, uniform(check_key, count))
            count += ONE
        for agent in range(agents):
            total += at(table.reward, edge * agents + agent)
        success = success or at(table.success, edge)
        state = at(table.successor, edge)
        if at(table.ended, edge):
            break
    progress.check_success[team, check] = success
    progress.check_return[team, check] = total / agents
    progress.check_steps[team, check] = steps


@njit(cache=True, inline="always")
def complete(flat, rule, learners, own_table, place, earned, bootstrap, row, sight, rate, rate_down):
    """Learn from one decision, `place` in the first learner's table, now that its outcome is known.

    learners (first, stop); where `bootstrap`, its outcome is worth the best legal entry of `row`, seen as `sight`.
    """
    low, high = at(rule.first, sight), at(rule.first, sight + 1)
    for learner in range(learners[0], learners[1]):
        mine, target = learner * own_table, earned
        if bootstrap:
            _, beyond, _ = best_of(flat, mine + row, rule.actions, low, high)
            target += rule.base.discount * beyond
        error = target - at(flat, mine + place)
        flat[np.uint64(mine + place)] += (rate if error > 0.0 else rate_down) * error


@njit(cache=True, nogil=True)
def learn_among(table, rule, q, memory, keys, check_keys, progress, first_episode, stop_episode):
    """Let each team learn episodes first_episode … stop_episode - 1, in place; q is float64[W, tables, O, A]."""
    tables, agents, base, width = q.shape[1], len(table.sizes), rule.base, q.shape[3]
    horizon = table.horizon if table.horizon > 0 else LONGEST_EPISODE
    own_table = q.shape[2] * width if tables > 1 else 0  # from one agent's table to the next; 0: all share one
    pending, owed = np.empty(agents, np.int64), np.empty(agents)
    for team in range(q.shape[0]):
        key, count = keys[team], progress.draws[team]
        flat = q[team].reshape(-1)
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
            state, step, ended = table.start_state[start], 0, False
            pending[:], owed[:] = -1, 0.0
            while True:
                for agent in range(agents):
                    sight = at(table.seen, state * agents + agent)
                    decides = at(rule.first, sight + 1) - at(rule.first, sight) > 1
                    if pending[agent] >= 0 and (decides or ended):
                        whose = (0, tables) if base.pooled or tables == 1 else (agent, agent + 1)
                        beyond = not (ended and base.terminal_mask)
                        row, place, earned = sight * width, pending[agent], owed[agent]
                        complete(flat, rule, whose, own_table, place, earned, beyond, row, sight, rate, rate_down)
                        pending[agent] = -1
                if ended or step == horizon:
                    break
                joint = 0
                for agent in range(agents):
                    sight = at(table.seen, state * agents + agent)
                    low, high = at(rule.first, sight), at(rule.first, sight + 1)
                    row = sight * width
                    if high - low == 1:
                        place = row + at(rule.actions, low)
                    else:
                        own = row + agent * own_table
                        if rule.boltzmann:
                            place = drawn(flat, own, rule.actions, low, high, temperature, uniform(key, count))
                            place -= agent * own_table
                            count += ONE
                        else:
                            number = 1.0
                            if epsilon > 0.0:
                                number = uniform(key, count)
                                count += ONE
                            if number < epsilon:
                                place = row + at(rule.actions, low + int(uniform(key, count) * (high - low)))
                                count += ONE
                            else:
                                best, value, ties = best_of(flat, own, rule.actions, low, high)
                                if base.random_ties and ties > 1:
                                    skip, one = int(uniform(key, count) * ties), low
                                    count += ONE
                                    while True:
                                        best = own + at(rule.actions, one)
                                        if at(flat, best) == value:
                                            if skip == 0:
                                                break
                                            skip -= 1
                                        one += 1
                                place = best - agent * own_table
                        pending[agent], owed[agent] = place, 0.0
                    memory.last[team, agent] = place - row
                    joint = joint * at(table.sizes, agent) + place - row
                pair = state * table.joint_count + joint
                edge = at(table.first_edge, pair)
                if at(table.first_edge, pair + 1) - edge > 1:
                    edge = pick_edge(table, pair, uniform(key, count))
                    count += ONE
                for agent in range(agents):
                    earned = at(table.reward, edge * agents + agent)
                    return_sum += earned
                    owed[agent] += earned
                successes += at(table.success, edge)
                state, ended = at(table.successor, edge), at(table.ended, edge)
                step += 1
            steps += step
            if base.check_every > 0 and (episode + 1) % base.check_every == 0:
                check = (episode + 1) // base.check_every - 1
                check_among(table, rule, q[team], check_keys[team], progress, team, check, progress.steps[team] + steps)
        progress.draws[team] = count
        progress.steps[team] += steps
        progress.return_sum[team] = return_sum
        progress.success_count[team] += successes
