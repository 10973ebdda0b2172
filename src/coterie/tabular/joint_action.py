"""Joint-action learners: each learns what joint actions are worth, and counts what the others do.

Agent i keeps Q_i(o, joint action) and, for each thing o that it can see, how often it saw each other agent j do a_j
(Claus and Boutilier 1998, section 3.1):

    EV_i(o, a_i) = sum over the others' actions of Q_i(o, a) * product over j of C_i(o, j, a_j) / sum_b C_i(o, j, b)
    Q_i(o, a)   += rate * (r_i + discount * max_b EV_i(o', b) - Q_i(o, a))     without the second term at a true ending

Where nothing was counted yet, the others' actions are taken to be equally likely. The paper has one state; here counts
and values are kept for each thing that an agent can see.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from coterie.tabular.choosing import boltzmann, check_greedily, epsilon_greedy, temperature_at
from coterie.tabular.engine import LONGEST_EPISODE, ONE, Rule, at, first_best, pick, pick_edge, scheduled
from coterie.tabular.streams import uniform


class JointActionRule(NamedTuple):
    """The base rule, and the temperatures of Boltzmann choice."""

    base: Rule
    boltzmann: bool
    temperature: float
    temperature_decay: float
    temperature_floor: float


class JointActionMemory(NamedTuple):
    """Beside q, which holds the expected values EV: float64 joint [W, N, O, J] and counts [W, N, O, N, A].

    last int64[W, N] is the last joint action;
    counts[w, i, o, j, a] is how often agent i, seeing o, saw agent j do a.
    """

    joint: np.ndarray
    counts: np.ndarray
    last: np.ndarray


@njit(cache=True, inline="always")
def expect(sizes, agent, joint, counts, shares, expected):
    """Write an agent's expected values for one thing seen: joint [J], counts [N, A], shares [N, A], expected [A]."""
    agents, joint_count = len(sizes), 1
    for other in range(agents):
        total = 0.0
        joint_count *= sizes[other]
        for action in range(sizes[other]):
            total += counts[other, action]
        for action in range(sizes[other]):
            shares[other, action] = counts[other, action] / total if total > 0.0 else 1.0 / sizes[other]
    for action in range(sizes[agent]):
        expected[action] = 0.0
    for index in range(joint_count):
        rest, product, own = index, 1.0, 0
        for back in range(agents):
            other = agents - 1 - back
            action = rest % sizes[other]
            rest //= sizes[other]
            if other == agent:
                own = action
            else:
                product *= shares[other, action]
        expected[own] += joint[index] * product


@njit(cache=True, nogil=True)
def learn_joint_actions(table, rule, q, memory, keys, check_keys, progress, first_episode, stop_episode):
    """Let each team learn episodes first_episode … stop_episode - 1, in place; q is float64[W, N, O, A]."""
    agents, base, width = len(table.sizes), rule.base, q.shape[3]
    horizon = table.horizon if table.horizon > 0 else LONGEST_EPISODE
    own_table = q.shape[2] * width
    chosen, shares = np.empty(agents, np.int64), np.empty((agents, width))
    for team in range(q.shape[0]):
        key, count = keys[team], progress.draws[team]
        flat = q[team].reshape(-1)
        steps, return_sum, successes = 0, progress.return_sum[team], 0
        for episode in range(first_episode, stop_episode):
            epsilon = scheduled(base.epsilon_start, base.epsilon_end, base.epsilon_episodes, episode)
            rate = scheduled(base.rate_start, base.rate_end, base.rate_episodes, episode)
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
                    own = at(table.seen, state * agents + agent) * width + agent * own_table
                    if rule.boltzmann:
                        place = boltzmann(flat, own, size, temperature, uniform(key, count))
                        count += ONE
                    else:
                        place, count = epsilon_greedy(flat, own, size, epsilon, base.random_ties, key, count)
                    chosen[agent] = place - own
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
                    target = at(table.reward, edge * agents + agent)
                    return_sum += target
                    seen, seen_after = table.seen[state * agents + agent], table.seen[after * agents + agent]
                    if bootstrap:
                        beyond = first_best(flat, seen_after * width + agent * own_table, at(table.sizes, agent))
                        target += base.discount * at(flat, beyond)
                    values, counts = memory.joint[team, agent, seen], memory.counts[team, agent, seen]
                    values[joint] += rate * (target - values[joint])
                    for other in range(agents):
                        counts[other, chosen[other]] += 1.0
                    expect(table.sizes, agent, values, counts, shares, q[team, agent, seen])
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
