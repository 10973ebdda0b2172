"""The third round's answers follow from the definitions: each is worked out here by a slow way of its own."""

from __future__ import annotations

from functools import cache
from itertools import pairwise, permutations, product

import numpy as np
import pytest
from asked_third_of_harder import QUESTIONS as HARDER
from families import drawn, name_of
from from_definitions_third import QUESTIONS

from coterie.finite.solve import best_response, optimum, policy_value
from coterie.finite.visits import visits
from coterie.running.stage import Part, Way, own_cast

SEEDS = 4


def shares(stage):
    """What each agent adds, by Shapley: the mean over all orders in which idle agents wake up."""
    agents = range(len(stage.agents))

    @cache
    def worth(awake):
        return stage.score([Part(0, agent, "own" if agent in awake else "idle") for agent in agents]).team.mean()

    orders = list(permutations(agents))
    found = np.zeros(len(stage.agents))
    for order in orders:
        for place, agent in enumerate(order):
            found[agent] += worth(frozenset(order[: place + 1])) - worth(frozenset(order[:place]))
    return found / len(orders)


def contribution(stage):
    """Whether somebody adds nothing; a share of less than a fiftieth, and not nothing, would be no clear answer."""
    found = shares(stage)
    least = found.min()
    return None if 1e-9 < least < 0.02 * found.sum() else bool(least <= 1e-9)


def identities(stage):
    """Whether another order of the same agents earns more."""
    scores = {
        order: stage.score([Part(0, agent) for agent in order]).team.mean()
        for order in permutations(range(len(stage.agents)))
    }
    own = scores[tuple(range(len(stage.agents)))]
    return bool(max(scores.values()) > own + 0.05 * abs(own) + 1e-6)


def strangers(stage):
    """Whether one stranger in a team makes success a seventh rarer or more; less than a twentieth is a clear no."""
    home, away = [], []
    for team in range(stage.teams):
        home.append(stage.score(own_cast(stage, team)).success.mean())
        for place in range(len(stage.agents)):
            for other in set(range(stage.teams)) - {team}:
                cast = [Part(other if at == place else team, at) for at in range(len(stage.agents))]
                away.append(stage.score(cast).success.mean())
    kept = np.mean(away) / np.mean(home)
    return None if 0.86 < kept < 0.95 else bool(kept < 0.9)


def noise(stage):
    """Whether they earn more when they are disturbed, or sampled where that is known."""
    agents = range(len(stage.agents))
    ways: list[Way] = ["own", "noisy", *(["sampled"] if stage.can_sample else [])]
    own, *others = [stage.score([Part(0, agent, way) for agent in agents]).team.mean() for way in ways]
    return bool(max(others) > own + 0.05 * abs(own) + 1e-6)


def gaps(game, policies):
    """Whether a tenth or more of what could be had is missing; a fiftieth or less is a clear no."""
    best, own = optimum(game).value, policy_value(game, policies).returns.mean()
    missing = (best - own) / (abs(best) or 1.0)
    return None if 0.02 < missing < 0.1 else bool(missing > 0.05)


def closed_loop(stage, game):
    """Whether somebody does the same whatever it sees, but for a fiftieth of its chances, where acting on it earns a
    twentieth more than any habit."""
    own = stage.policies[0]
    return any(
        len(sights) > 1 and np.ptp(own[agent, sights], axis=0).max() < 0.02 and by_sight(game, own, agent, sights)
        for agent, sights in enumerate(seen_by(game, own))
    )


def by_sight(game, own, agent, sights):
    """Whether the best that an agent can earn by acting on what it sees is clearly more than by its best habit."""
    worth = {
        actions: earned(game, own, agent, sights, actions)
        for actions in product(range(game.actions[agent]), repeat=len(sights))
    }
    habit = max(value for actions, value in worth.items() if len(set(actions)) == 1)
    return max(worth.values()) > habit + 0.05 * abs(habit) + 1e-6


def influence(game, own):
    """Whether nobody's next distribution over actions depends on what somebody else does, and somebody could earn a
    twentieth more with what it sees."""
    agents = range(len(game.actions))
    if any(moves(game, own, mover, moved) for mover, moved in permutations(agents, 2)):
        return False
    now = policy_value(game, own).returns
    return any(
        best_response(game, own, agent) > 1.05 * now[agent] + 1e-6
        and max(
            earned(game, own, agent, sights, actions)
            for actions in product(range(game.actions[agent]), repeat=len(sights))
        )
        > now[agent] + 0.05 * abs(now[agent])
        for agent, sights in enumerate(seen_by(game, own))
    )


def moves(game, own, mover, moved):
    """Whether in some visited state the one's action changes how the other acts next, by a tenth of its chances."""
    joint = game.joint_actions
    for state in np.flatnonzero(visits(game, own) > 0):
        after = []
        for action in range(game.actions[mover]):
            mean, weight = np.zeros(own.shape[2]), 0.0
            for row in np.flatnonzero(joint[:, mover] == action):
                others = np.prod(
                    [own[one, game.seen[state, one], joint[row, one]] for one in range(len(own)) if one != mover]
                )
                pair = state * len(joint) + row
                for edge in range(game.first_edge[pair], game.first_edge[pair + 1]):
                    if not game.ended[edge]:
                        share = others * game.probability[edge]
                        mean += share * own[moved, game.seen[game.successor[edge], moved]]
                        weight += share
            if weight:
                after.append(mean / weight)
        if len(after) > 1 and np.ptp(after, axis=0).max() > 0.1:
            return True
    return False


def seen_by(game, own):
    """What each agent sees in visited states, sorted."""
    return [np.unique(game.seen[visits(game, own) > 0, agent]) for agent in range(len(game.actions))]


def earned(game, own, agent, sights, actions):
    """What an agent earns if it takes these actions at these sights while the others stay as they are."""
    changed = own.copy()
    changed[agent, sights] = np.eye(own.shape[2])[list(actions)]
    return policy_value(game, changed).returns[agent]


def loops(plays):
    """Whether on average a third or more of the steps lie in three rounds or more that earn nothing on the whole."""
    looping = np.mean([looping_share(play.keys, play.rewards.sum(1)) for play in plays])
    return None if 0.2 < looping < 0.33 else bool(looping > 0.3)


def looping_share(keys, earned):
    """The share of steps inside some stretch of three equal rounds without gain, looked for one by one."""
    inside = np.zeros(len(earned), bool)
    for period in range(1, len(earned) // 3 + 1):
        for first in range(len(earned) - 3 * period + 1):
            stretch = keys[first : first + 3 * period + 1]
            if (stretch[period:] == stretch[:-period]).all() and earned[first : first + 3 * period].sum() <= 1e-9:
                inside[first : first + 3 * period] = True
    return inside.mean()


def step_size(values):
    """Whether in the second half the best action changes in a tenth of all pairs of snapshots or more."""
    best = values.argmax(-1)[len(values) // 2 :]
    changes = np.mean([one != other for one, other in pairwise(best)])
    return None if 0.07 < changes < 0.1 else bool(changes > 0.08)


def stability(checks):
    """What users are told: more than one in twenty of the checks after a first success fail."""
    return checks.failed_share > 0.05


def outcome_audit(plays):
    """Whether failing episodes earn more on average, by more than their spread leaves open."""
    won, lost = ([play.rewards.sum() for play in plays if play.success is word] for word in (True, False))
    error = np.sqrt(np.var(won) / len(won) + np.var(lost) / len(lost))
    more = np.mean(lost) - np.mean(won)
    return bool(more > 3 * error and len(won) > 1)


ORACLES = {
    "contribution": contribution,
    "identities": identities,
    "strangers": strangers,
    "noise": noise,
    "gaps": gaps,
    "closed loop": closed_loop,
    "influence": influence,
    "loops": loops,
    "step size": step_size,
    "stability": stability,
    "outcome audit": outcome_audit,
}
FAMILIES = [
    pytest.param(ORACLES[question.diagnostic], family, answer, id=name_of(family))
    for question in (*QUESTIONS, *HARDER)
    if question.diagnostic in ORACLES
    for answer, families in ((True, question.yes), (False, question.no))
    for family in families
    if "sampled_episodes" not in family.__name__
]


@pytest.mark.parametrize(("oracle", "family", "answer"), FAMILIES)
def test_the_answer_follows_from_the_definition(oracle, family, answer):
    assert [oracle(*drawn(family, seed)) for seed in range(SEEDS)] == [answer] * SEEDS
