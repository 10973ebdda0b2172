"""The worlds are what their families say: checked by brute force from the definitions, with no detector at all."""

from itertools import combinations, pairwise, permutations
from math import factorial

import asked_of_controls
import asked_of_drift
import asked_of_outcomes
import asked_of_sight
import asked_of_stages
import asked_of_strangers
import asked_of_tables
import numpy as np
import pytest
from asked_of_noise import NOISE
from families import drawn, name_of

from coterie.finite.solve import best_response, optimum, policy_value, success_of_optimal_play
from coterie.finite.visits import visits
from coterie.running.stage import TableStage, own_cast, replaced

SEEDS = range(4)
BY_NAME = {
    question.diagnostic: question
    for question in (
        *asked_of_stages.QUESTIONS,
        *asked_of_sight.QUESTIONS,
        *asked_of_tables.QUESTIONS,
        *asked_of_controls.QUESTIONS,
        *asked_of_drift.QUESTIONS,
        *asked_of_outcomes.QUESTIONS,
        *asked_of_strangers.QUESTIONS,
        NOISE,
    )
}


def of(diagnostic):
    """Every family of a question, with its answer."""
    question = BY_NAME[diagnostic]
    both = [(family, True) for family in question.yes] + [(family, False) for family in question.no]
    return pytest.mark.parametrize(("family", "answer"), both, ids=lambda one: name_of(one) if callable(one) else "")


def earned(where, cast):
    """What a cast earns, exactly, the mean over agents."""
    return float(where.score(cast).team[0])


@of("noise")
def test_noise(family, answer):
    for seed in SEEDS:
        (where,) = drawn(family, seed)
        if not isinstance(where, TableStage):
            continue
        own = own_cast(where)
        ways = ["noisy"] + ["sampled"] * where.can_sample
        others = [earned(where, [part._replace(way=way) for part in own]) for way in ways]
        gain = max(others) - earned(where, own)
        assert gain > 0.02 * optimum(where.game).value if answer else gain <= 1e-9


@of("contribution")
def test_contribution(family, answer):
    """Shapley's value as a mean over all orders of coming (Shapley 1953)."""
    for seed in SEEDS:
        (where,) = drawn(family, seed)
        if not isinstance(where, TableStage):
            continue
        own = own_cast(where)
        agents = len(own)

        def worth(members, where=where, own=own):
            return earned(where, [part if k in members else part._replace(way="idle") for k, part in enumerate(own)])

        worths = {members: worth(members) for n in range(agents + 1) for members in combinations(range(agents), n)}
        shares = np.zeros(agents)
        for order in permutations(range(agents)):
            for place, agent in enumerate(order):
                before = tuple(sorted(order[:place]))
                shares[agent] += worths[tuple(sorted((*before, agent)))] - worths[before]
        shares /= factorial(agents)
        least = shares.min() / (worths[tuple(range(agents))] - worths[()])
        assert least <= 1e-9 if answer else least > 0.05


@of("identities")
def test_identities(family, answer):
    for seed in SEEDS:
        (where,) = drawn(family, seed)
        if not isinstance(where, TableStage):
            continue
        own = own_cast(where)
        gain = max(earned(where, order) for order in permutations(own)) - earned(where, own)
        assert gain > 0.1 * abs(optimum(where.game).value) if answer else gain <= 1e-9


@of("closed loop")
def test_closed_loop(family, answer):
    """Who does the same wherever it gets to, whatever it sees, and could earn more."""
    for seed in SEEDS:
        where, game = drawn(family, seed)
        policies, live = where.policies[0], visits(game, where.policies[0]) > 0
        returns, blind = policy_value(game, policies).returns, []
        for agent in range(len(policies)):
            seen = np.unique(game.seen[live, agent])
            rows = policies[agent, seen]
            if len(seen) > 1 and np.allclose(rows, rows[0]):
                blind.append(best_response(game, policies, agent) - returns[agent])
        assert max(blind) > 0.1 if answer else max(blind, default=0) <= 1e-9


@of("strangers")
def test_strangers(family, answer):
    for seed in SEEDS:
        (where,) = drawn(family, seed)
        teams, agents = range(where.teams), len(where.agents)
        home = np.mean([earned(where, own_cast(where, team)) for team in teams])
        away = np.mean(
            [
                earned(where, replaced(own_cast(where, team), place, team=other))
                for team in teams
                for other in teams
                for place in range(agents)
                if other != team
            ]
        )
        lost = (home - away) / max(abs(home), 1e-9)
        assert lost > 0.25 if answer else lost < 0.02


@of("influence")
def test_influence(family, answer):
    """Bits by which doing each action moves another's next policy, by summing over every edge."""
    for seed in SEEDS:
        game, policies = drawn(family, seed)
        returns = policy_value(game, policies).returns
        most = max(bits(game, policies, i, j) for i, j in permutations(range(len(policies)), 2))
        gain = max(seeing_response(game, policies, agent) - returns[agent] for agent in range(len(policies)))
        if answer:
            assert most < 1e-9
            assert gain > 0.1
        else:
            assert most > 0.01 or gain <= 1e-9


def seeing_response(game, policies, agent):
    """What an agent could earn with what it sees: where that is one thing only, by its best fixed action."""
    if len(np.unique(game.seen[:, agent])) > 1:
        return best_response(game, policies, agent)
    earned = []
    for action in range(game.actions[agent]):
        changed = policies.copy()
        changed[agent] = np.eye(policies.shape[2])[action]
        earned.append(policy_value(game, changed).returns[agent])
    return max(earned)


def test_a_copycat_moves_as_much_as_is_published():
    """Four actions, epsilon .1: 1.497 bits; its copy takes the right action in 1 - .1 + .1 / 4 of all steps."""
    for seed in range(50):
        game, _ = drawn(asked_of_sight.copycat, seed)
        if game.actions == (4, 4):
            break
    copies = 0.9 * np.eye(4) + 0.1 / 4
    policies = np.stack([np.full((game.observation_count, 4), 0.25), copies[game.observations[0][:, 0]]])
    assert bits(game, policies, 0, 1) == pytest.approx(1.497, abs=1e-3)


def bits(game, policies, i, j):
    """The expected divergence of j's next policy under each action of i from its mean over them."""
    joint, count = game.joint_actions, len(game.joint_actions)
    weight, total, mass = visits(game, policies), 0.0, 0.0
    for state in np.flatnonzero(weight > 0):
        nexts = np.zeros((game.actions[i], policies.shape[2]))
        for action, row in enumerate(joint):
            chance = 1.0
            for agent, one in enumerate(row):
                chance *= 1.0 if agent == i else policies[agent, game.seen[state, agent], one]
            for edge in range(*game.first_edge[state * count + action : state * count + action + 2]):
                if not game.ended[edge]:
                    after = policies[j, game.seen[game.successor[edge], j]]
                    nexts[row[i]] += chance * game.probability[edge] * after
        if not np.allclose(nexts.sum(1), 1):
            continue  # the game may end here
        mean = nexts.mean(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            total += weight[state] * np.nansum(nexts * np.log2(nexts / mean)) / game.actions[i]
        mass += weight[state]
    return total / max(mass, 1e-12)


@of("gaps")
def test_gaps(family, answer):
    for seed in SEEDS:
        game, policies = drawn(family, seed)
        best, found = optimum(game).value, float(policy_value(game, policies).returns.mean())
        assert best - found > 0.2 * abs(best) if answer else best - found < 1e-9


@of("shadowed optimum")
def test_shadow(family, answer):
    """For games of one decision: each agent's mean over partners, and its maximum over them."""
    for seed in SEEDS:
        game, policies = drawn(family, seed)
        payoffs = np.array([game.reward[first, 0] for first in game.first_edge[: len(game.joint_actions)]])
        payoffs = payoffs.reshape(game.actions)
        shadowed = []
        for agent, size in enumerate(game.actions):
            rows = np.moveaxis(payoffs, agent, 0)
            weights = np.ones(rows.shape[1:]) / rows[0].size
            if policies is not None:
                (other,) = {0, 1} - {agent}
                weights = policies[other, 0]
            average = np.array([(weights * rows[action]).sum() for action in range(size)])
            greatest = rows.reshape(size, -1).max(1)
            shadowed.append(greatest[average > average.max() - 1e-9].max() < greatest.max() - 1e-9)
        assert all(shadowed) if answer else not any(shadowed)


@of("reward audit")
def test_reward_audit(family, answer):
    for seed in SEEDS:
        game, discount = drawn(family, seed)
        _, most = success_of_optimal_play(game, discount)
        assert most < 1e-9 if answer else most > 1 - 1e-9


@of("drift")
def test_drift(family, answer):
    """Turns about the mean in the plane of most spread, summed from angle to angle, and net over path."""
    for seed in SEEDS:
        (policies,) = drawn(family, seed)
        flat = policies.reshape(len(policies), -1)
        path = sum(np.linalg.norm(later - earlier) for earlier, later in pairwise(flat))
        if path < 1e-9:
            assert not answer
            continue
        centred = flat - flat.mean(0)
        plane = np.linalg.svd(centred, full_matrices=False)[2][:2]
        angles = np.unwrap(np.arctan2(*(centred @ plane.T).T)) if len(plane) > 1 else np.zeros(1)
        turns = abs(angles[-1] - angles[0]) / (2 * np.pi)
        cycles = turns >= 4 and np.linalg.norm(flat[-1] - flat[0]) / path < 0.2
        assert cycles == answer, (turns, path)


@of("step size")
def test_step_size(family, answer):
    for seed in SEEDS:
        (values,) = drawn(family, seed)
        late = values[len(values) // 2 :].argmax(-1)
        changed = float((late[1:] != late[:-1]).mean())
        assert changed > 0.1 if answer else changed == 0.0
