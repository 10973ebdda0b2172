"""What agents that see different things could reach at best: the optimum of decentralised play over short horizons.

Each agent acts on the history of its own observations; one mind plans, nobody speaks (Oliehoek and Amato 2016, "A
Concise Introduction to Decentralized POMDPs"). Axis letters: S states, J joint actions, B beliefs, K joint types (one
history, or one cluster of histories, an agent), N agents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from coterie.finite.beliefs import Model, belief_levels, dense_model, first_beliefs, reachable
from coterie.finite.game import FiniteGame
from coterie.finite.solve import optimal_play, optimum

RULES_CAP = 2_000_000  # joint decision rules of one step: their bounds stand in memory at once
EFFORT_CAP = 30_000_000  # joint decision rules that are weighed in all: about a minute
SAME = 1e-9

History = tuple[int, ...]


class Decentralised(NamedTuple):
    """The best that the agents can do, each acting on its own observation history.

    value      team-mean, undiscounted, within the horizon, expected over the starts
    policies   one dict an agent: from the numbers of what it has seen so far, the present one last, to its action; only
               histories that can occur; None where everybody sees the state and plays its part of the joint optimum
    nodes      how many partial joint policies were looked at; 0 where no search was needed
    """

    value: float
    policies: tuple[dict[History, int], ...] | None
    nodes: int


class _Node(NamedTuple):
    """A partial joint policy, seen from its next step.

    types int[K, N], weights float64[K, S] (not normalised), belief int[K]: its row in the level; links: for each agent,
    (type before, what it sees) -> type.
    """

    types: np.ndarray
    weights: np.ndarray
    belief: np.ndarray
    links: tuple[dict[tuple[int, int], int], ...]


def decentralised_optimum(
    game: FiniteGame, horizon: int = 0, *, effort: int = EFFORT_CAP, on_node: Callable[[int], None] | None = None
) -> Decentralised:
    """The greatest value of any joint policy pi_i(a_i | o_i1 .. o_it), found by branch and bound, step by step.

    Partial joint policies are extended by one joint decision rule at a time, the most promising first; the bound lets
    all agents share what they see from the next step on (QPOMDP; Szer, Charpillet and Zilberstein 2005, MAA*), and the
    last step is solved by one agent's best answer to every rule of the others. Histories that give an agent the same
    beliefs about the state and the others' histories are one (Oliehoek, Whiteson and Spaan 2009), which loses nothing.
    Where nothing is left to chance, or everybody sees the state, it is the joint optimum.

    `effort` is how many joint decision rules may be weighed in all, and `on_node` is told how many partial policies
    have been looked at. Raises ValueError, with the count, where the game or the horizon is too large. Left out:
    discounting, and policies that draw lots (they are never better).
    """
    horizon = horizon or game.horizon
    if horizon <= 0:
        raise ValueError("a game without a time limit has no undiscounted optimum; give a horizon")
    if is_certain(game):
        return _plan(game._replace(horizon=horizon))
    reached = reachable(game, horizon)
    if all(len(np.unique(column)) == len(reached) for column in game.seen[reached].T):
        return Decentralised(optimum(game._replace(horizon=horizon)).value, None, 0)
    if game.masked:
        raise ValueError("agents that see different things and have illegal actions are not searched through")
    starting = game.start_state[game.start_probability > 0]
    types = [len(np.unique(column)) for column in game.seen[starting].T]
    _check_rules(game.actions, types, 1, last=horizon == 1)
    model = dense_model(game, reached, _joint_sights(game, reached))
    seen = game.seen[reached]
    return _search(model, seen, game.actions, horizon, effort, on_node)


def is_certain(game: FiniteGame) -> bool:
    """Whether nothing is left to chance, so that every agent can know everything by heart: one start, one outcome."""
    return game.deterministic and int((game.start_probability > 0).sum()) == 1


def _plan(game: FiniteGame) -> Decentralised:
    best = optimum(game)
    start = int(np.flatnonzero(game.start_probability > 0)[0])
    edges, actions = optimal_play(game, best, start)
    states = np.concatenate([game.start_state[[start]], game.successor[edges]])[: len(actions)]
    policies = tuple(
        {tuple(game.seen[states[: step + 1], agent].tolist()): int(action) for step, action in enumerate(column)}
        for agent, column in enumerate(actions.T)
    )
    return Decentralised(best.value, policies, 0)


def _joint_sights(game: FiniteGame, reached: np.ndarray) -> np.ndarray:
    return np.unique(game.seen[reached], axis=0, return_inverse=True)[1].reshape(-1)


def _search(
    model: Model,
    seen: np.ndarray,
    sizes: tuple[int, ...],
    horizon: int,
    effort: int,
    on_node: Callable[[int], None] | None,
) -> Decentralised:
    """Depth first through the joint decision rules of each step, the most promising first."""
    roots, mass = first_beliefs(model)
    levels = belief_levels(model, roots, horizon)
    sights = np.array([seen[model.sight == one][0] for one in range(model.sight.max() + 1)])
    first = _first_node(model, sights, roots * mass[:, None])
    best, found, looked, weighed = -np.inf, [], 0, 0
    path: list[tuple[_Node, tuple[np.ndarray, ...]]] = []

    def visit(node: _Node, step: int, earned: float) -> None:
        nonlocal best, found, looked, weighed
        looked += 1
        if on_node:
            on_node(looked)
        counts = (node.types.max(0) + 1).tolist()
        last = step == horizon - 1
        weighed += _check_rules(sizes, counts, step + 1, last)
        if weighed > effort:
            raise ValueError(f"more than {effort:,} joint decision rules would have to be weighed over {horizon} steps")
        direct = node.weights @ model.reward
        if last:
            value, rules = _best_rules(_payoffs(node.types, direct, counts, sizes), sizes, counts)
            if earned + value > best + SAME:
                best, found = earned + value, [*path, (node, rules)]
            return
        bound = node.weights.sum(1)[:, None] * levels[step].values[node.belief]
        rules = [_rules(size, count) for size, count in zip(sizes, counts, strict=True)]
        worth = _over_rules(_payoffs(node.types, bound, counts, sizes), rules).reshape(-1)
        ways = [len(one) for one in rules]
        promising = np.flatnonzero(earned + worth > best + SAME)
        for place in promising[np.argsort(-worth[promising], kind="stable")]:
            if earned + worth[place] <= best + SAME:
                break
            numbers = np.unravel_index(place, ways)
            chosen = tuple(one[number] for one, number in zip(rules, numbers, strict=True))
            actions = [rule[node.types[:, agent]] for agent, rule in enumerate(chosen)]
            joint = np.ravel_multi_index(actions, sizes)
            now = float(direct[np.arange(len(joint)), joint].sum())
            path.append((node, chosen))
            child = _child(model, sights, node, joint, levels[step].following)
            if len(child.weights):
                visit(child, step + 1, earned + now)
            elif earned + now > best + SAME:  # every way has ended
                best, found = earned + now, list(path)
            path.pop()

    visit(first, 0, 0.0)
    return Decentralised(float(best), _policies(found, len(sizes)), looked)


def _first_node(model: Model, sights: np.ndarray, weights: np.ndarray) -> _Node:
    there = np.array([model.sight[row.argmax()] for row in weights])
    return _clustered(weights, np.arange(len(weights)), [(0, one) for one in sights[there].T])


def _child(model: Model, sights: np.ndarray, node: _Node, joint: np.ndarray, following: np.ndarray) -> _Node:
    """The node after a joint decision rule: joint int[K] is what it does in each joint type."""
    after = np.einsum("ks,kst->kt", node.weights, model.chance[:, joint].transpose(1, 0, 2))
    mass = np.stack([np.bincount(model.sight, row, len(sights)) for row in after])
    row, sight = np.nonzero(mass > 0)
    weights = after[row] * (model.sight == sight[:, None])
    belief = following[node.belief[row], joint[row], sight] if following.shape[2] else np.zeros(len(row), int)
    return _clustered(weights, belief, [(node.types[row, agent], one) for agent, one in enumerate(sights[sight].T)])


def _clustered(weights: np.ndarray, belief: np.ndarray, steps: list[tuple[np.ndarray | int, np.ndarray]]) -> _Node:
    """Histories are one where P(state, others' histories | history) is the same; steps: type before and sight, [K]."""
    types, links = [], []
    for before, sight in steps:
        pairs = np.stack(np.broadcast_arrays(before, sight), 1)
        distinct, number = np.unique(pairs, axis=0, return_inverse=True)
        types.append(number.reshape(-1))
        links.append({(int(a), int(b)): place for place, (a, b) in enumerate(distinct)})
    table = np.stack(types, 1).reshape(len(weights), len(steps))
    for agent in range(len(steps)) if len(weights) else ():
        others, column = np.unique(np.delete(table, agent, 1), axis=0, return_inverse=True)
        rows = np.zeros((table[:, agent].max() + 1, len(others), weights.shape[1]))
        np.add.at(rows, (table[:, agent], column.reshape(-1)), weights)
        cluster = _alike(rows.reshape(len(rows), -1))
        links[agent] = {key: int(cluster[place]) for key, place in links[agent].items()}
        table[:, agent] = cluster[table[:, agent]]
        table, first, number = np.unique(table, axis=0, return_index=True, return_inverse=True)
        together = np.zeros((len(table), weights.shape[1]))
        np.add.at(together, number.reshape(-1), weights)
        weights, belief = together, belief[first]
    return _Node(table, weights, belief, tuple(links))


def _alike(rows: np.ndarray) -> np.ndarray:
    """A number for each row, equal where rows are proportional."""
    return np.unique((rows / rows.sum(1, keepdims=True)).round(9), axis=0, return_inverse=True)[1].reshape(-1)


def _payoffs(types: np.ndarray, worth: np.ndarray, counts: list[int], sizes: tuple[int, ...]) -> np.ndarray:
    """The Bayesian game of one step: worth float64[K, J] as an array [C1, A1, C2, A2, ..]."""
    full = np.zeros((*counts, *sizes))
    full[tuple(types.T)] = worth.reshape(len(types), *sizes)
    agents = len(sizes)
    return full.transpose([axis for agent in range(agents) for axis in (agent, agents + agent)])


def _rules(size: int, count: int) -> np.ndarray:
    """Every decision rule, int[A^C, C]: an action for each type."""
    return np.indices((size,) * count).reshape(count, -1).T


def _over_rules(payoffs: np.ndarray, rules: list[np.ndarray]) -> np.ndarray:
    """The sums over types of [.., C, A, ..] for every joint decision rule of the first agents, [R1, R2, .., C, A, ..].

    Only as many agents as rules are given.
    """
    for agent, rule in enumerate(rules):
        ahead = (slice(None),) * agent
        payoffs = sum(payoffs[(*ahead, place, rule[:, place])] for place in range(rule.shape[1]))  # pyright: ignore
    return payoffs


def _best_rules(payoffs: np.ndarray, sizes: tuple[int, ...], counts: list[int]) -> tuple[float, tuple[np.ndarray, ...]]:
    """The best joint decision rule of a last step: one agent's best answer to every joint rule of the others."""
    agents = len(sizes)
    order = sorted(range(agents), key=lambda agent: sizes[agent] ** counts[agent])  # who has most answers last
    turned = payoffs.transpose([axis for agent in order for axis in (2 * agent, 2 * agent + 1)])
    rules = [_rules(sizes[agent], counts[agent]) for agent in order[:-1]]
    open_ = _over_rules(turned, rules)
    worth = open_.max(-1).sum(-1)
    places = np.unravel_index(int(worth.argmax()), worth.shape) if agents > 1 else ()
    chosen = {agent: rule[place] for agent, rule, place in zip(order[:-1], rules, places, strict=True)}
    chosen[order[-1]] = open_[tuple(places)].argmax(-1)
    return float(worth.max()), tuple(chosen[agent] for agent in range(agents))


def _check_rules(sizes: tuple[int, ...], counts: list[int], step: int, last: bool) -> int:
    """How many joint decision rules there are to try; raises ValueError where they are too many."""
    each = sorted(size**count for size, count in zip(sizes, counts, strict=True))
    several = each[:-1] if last else each  # in the last step one agent answers
    total = int(np.prod(np.array(several, dtype=object))) if several else 1
    if total > RULES_CAP:
        many = f"{total:,}" if total < 10**15 else f"about 10^{len(str(total)) - 1}"
        raise ValueError(
            f"step {step} has {many} joint decision rules to try ({', '.join(map(str, counts))} distinct histories), "
            f"where {RULES_CAP:,} are the limit"
        )
    return total


def _policies(path: list[tuple[_Node, tuple[np.ndarray, ...]]], agents: int) -> tuple[dict[History, int], ...]:
    """Decision rules on clusters as policies on whole histories."""
    policies: list[dict[History, int]] = []
    for agent in range(agents):
        policy: dict[History, int] = {}
        known: dict[History, int] = {(): 0}
        for node, rules in path:
            known = {
                (*history, sight): after
                for (before, sight), after in node.links[agent].items()
                for history, kind in known.items()
                if kind == before
            }
            policy.update({history: int(rules[agent][kind]) for history, kind in known.items()})
        policies.append(policy)
    return tuple(policies)
