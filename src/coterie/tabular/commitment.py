"""Commitment sequences with a knockout: hold an action for many plays, so that an average belongs to one joint action.

For games with one state and stochastic payoffs, played by agents that see their own action and their own reward only.
Each agent draws a random action for each of K commitments and holds it for its share of the common timetable, so that
commitment k is one joint action, whatever the others drew (Kapetanakis, Kudenko and Strens 2003, commitment sequences;
the idea of exploring in common phases: Verbeeck, Nowe, Parent and Tuyls 2007, ESRL). Which commitment is best is found
by halving (Karnin, Koren and Somekh 2013), here in pairs: in each round every agent holds its surviving commitments
again, one after the other, and of the pair (2p, 2p + 1) it keeps the one with the greater

    mean(k) = sum of its own rewards in counted plays of k / their number, over all rounds so far,

as number p of the next round. Pairs, and not an order of all, because private noise may make agents disagree about a
pair of nearly equal commitments: then one place of the next round holds an odd joint action, and no other is touched.
The first and last `margin` plays of a hold are not counted, so clocks may differ by as many plays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from coterie.errors import BadInput
from coterie.tabular.choosing import check_greedily
from coterie.tabular.engine import LONGEST_EPISODE, ONE, Rule, at, pick_edge
from coterie.tabular.streams import uniform

TOURNAMENT = 0.975  # of a run's plays; in the rest, late clocks come to their end, too


class CommitmentRule(NamedTuple):
    """The base rule (of which only the checks are used), and the timetable of the rounds.

    begin int64[R + 1]: the play of an agent's own clock at which a round begins; slots and hold int64[R]: how many
    commitments it has and how many plays each is held. margin in plays; late: agent i's clock starts i * late plays
    later, which is for tests only and no option.
    """

    base: Rule
    begin: np.ndarray
    slots: np.ndarray
    hold: np.ndarray
    margin: int
    late: int = 0


class CommitmentMemory(NamedTuple):
    """Beside q, which holds 1 for the action of the best surviving commitment: what each agent drew and found.

    int64 actions [W, N, K] and survivors [W, N, K] (numbers of commitments, the first slots[round] count); float64
    total and plays [W, N, K] of the counted rewards; int64 round [W, N]; int64 last [W, N], the last joint action.
    """

    actions: np.ndarray
    survivors: np.ndarray
    total: np.ndarray
    plays: np.ndarray
    round: np.ndarray
    last: np.ndarray


def timetable(commitments: int, growth: float, margin: int, plays: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rounds (begin int64[R + 1], slots int64[R], hold int64[R]) of a knockout that fits into so many plays.

    Each hold of the next round is `growth` times as long. Raises BadInput where no play of a hold would count.
    """
    slots = [commitments]
    while slots[-1] > 2:
        slots.append(-(-slots[-1] // 2))
    lengths = growth ** np.arange(len(slots))
    hold = np.floor(TOURNAMENT * plays / (lengths @ slots) * lengths + 1e-9).astype(np.int64)
    if hold[0] <= 2 * margin:
        raise BadInput(
            f"--commitments {commitments}: {plays:,} plays leave {hold[0]} to hold each, and {2 * margin + 1} are "
            f"needed with --commitment-margin {margin}; use fewer commitments, or more --episodes"
        )
    return np.concatenate([[0], np.cumsum(hold * slots)]), np.array(slots, np.int64), hold


@njit(cache=True, inline="always")
def better(total, count, one, other):
    """Whether commitment `one` has the greater mean; one without a counted play is never better."""
    if count[one] == 0.0:
        return False
    return count[other] == 0.0 or total[one] / count[one] > total[other] / count[other]


@njit(cache=True, inline="always")
def knock_out(survivors, slots, total, count):
    """Keep the better of each pair, the first of equals; an odd one out goes on."""
    for pair in range((slots + 1) // 2):
        winner = survivors[2 * pair]
        if 2 * pair + 1 < slots and better(total, count, survivors[2 * pair + 1], winner):
            winner = survivors[2 * pair + 1]
        survivors[pair] = winner


@njit(cache=True, inline="always")
def leading(survivors, slots, total, count):
    """The first of the best surviving commitments."""
    leader = survivors[0]
    for place in range(1, slots):
        if better(total, count, survivors[place], leader):
            leader = survivors[place]
    return leader


@njit(cache=True, nogil=True)
def learn_by_commitment(table, rule, q, memory, keys, check_keys, progress, first_episode, stop_episode):
    """Let each team learn episodes first_episode … stop_episode - 1, in place; q is float64[W, N, O, A]."""
    agents, commitments, rounds = len(table.sizes), memory.actions.shape[2], len(rule.slots)
    horizon = table.horizon if table.horizon > 0 else LONGEST_EPISODE
    held, counted, closes = np.empty(agents, np.int64), np.empty(agents, np.bool_), np.empty(agents, np.bool_)
    for team in range(q.shape[0]):
        key, count = keys[team], progress.draws[team]
        play, return_sum, successes = progress.steps[team], progress.return_sum[team], 0
        if play == 0:
            for agent in range(agents):
                for number in range(commitments):
                    memory.actions[team, agent, number] = int(uniform(key, count) * table.sizes[agent])
                    memory.survivors[team, agent, number] = number
                    count += ONE
        for episode in range(first_episode, stop_episode):
            for _ in range(horizon):
                joint = 0
                for agent in range(agents):
                    survivors = memory.survivors[team, agent]
                    total, plays = memory.total[team, agent], memory.plays[team, agent]
                    clock, turn = play - agent * rule.late, memory.round[team, agent]
                    if turn < rounds and clock == rule.begin[turn + 1]:
                        knock_out(survivors, rule.slots[turn], total, plays)
                        turn += 1
                        memory.round[team, agent] = turn
                    counted[agent], closes[agent] = False, False
                    held[agent] = survivors[0]
                    if clock >= 0 and turn < rounds:
                        length = rule.hold[turn]
                        slot = (clock - rule.begin[turn]) // length
                        within = (clock - rule.begin[turn]) % length
                        held[agent] = survivors[slot]
                        counted[agent] = rule.margin <= within < length - rule.margin
                        closes[agent] = within == length - 1
                    action = memory.actions[team, agent, held[agent]]
                    memory.last[team, agent] = action
                    joint = joint * table.sizes[agent] + action
                edge = at(table.first_edge, joint)
                if at(table.first_edge, joint + 1) - edge > 1:
                    edge = pick_edge(table, joint, uniform(key, count))
                    count += ONE
                for agent in range(agents):
                    earned = at(table.reward, edge * agents + agent)
                    return_sum += earned
                    total, plays = memory.total[team, agent], memory.plays[team, agent]
                    if counted[agent]:
                        total[held[agent]] += earned
                        plays[held[agent]] += 1.0
                    if closes[agent]:
                        slots = rule.slots[memory.round[team, agent]]
                        leader = leading(memory.survivors[team, agent], slots, total, plays)
                        row = q[team, agent, table.seen[agent]]
                        row[:] = 0.0
                        row[memory.actions[team, agent, leader]] = 1.0
                successes += at(table.success, edge)
                play += 1
                if at(table.ended, edge):
                    break
            if rule.base.check_every > 0 and (episode + 1) % rule.base.check_every == 0:
                check = (episode + 1) // rule.base.check_every - 1
                check_greedily(table, q[team], check_keys[team], progress, team, check, play)
        progress.draws[team] = count
        progress.steps[team] = play
        progress.return_sum[team] = return_sum
        progress.success_count[team] += successes
