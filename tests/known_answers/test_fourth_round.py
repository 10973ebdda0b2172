"""The fourth round's answers follow from the definitions: each is worked out here by a slow way of its own."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from asked_fourth_of_numbers import equally_good_and_trembling
from families import drawn, name_of
from from_definitions_fourth import QUESTIONS
from from_definitions_third import QUESTIONS as THIRD
from from_definitions_third_harder import QUESTIONS as HARDER
from test_third_round import closed_loop, contribution, earned, loops, moves, noise, seen_by, step_size, strangers

from coterie.finite.solve import optimum, policy_value

SEEDS = 4


def gaps(game, policies):
    """Whether a tenth or more of what could be had is missing; between rivals, whether one alone could gain at all."""
    own = policy_value(game, policies).returns
    if game.spec.teams > 1:
        pays = [_alone(game, policies, agent) for agent in range(len(own))]
        return any(best > now + 1e-9 for best, now in zip(pays, own, strict=True))
    best = optimum(game).value
    missing = (best - own.mean()) / abs(best)
    return None if 0.02 < missing < 0.1 else bool(missing > 0.05)


def _alone(game, own, agent):
    """The most that an agent can earn for itself by doing the same all the time (these games have one sight)."""
    return max(earned(game, own, agent, np.unique(game.seen[:, agent]), [action]) for action in range(own.shape[2]))


def influence(game, own):
    """Whether nobody is moved by anybody, and somebody could earn more by what it sees of others (the second number of
    each sight) than by the first number alone."""
    agents = range(len(game.actions))
    if any(moves(game, own, one, other) for one in agents for other in agents if one != other):
        return False
    return any(_reacting_pays(game, own, agent) for agent in agents)


def _reacting_pays(game, own, agent):
    sights = seen_by(game, own)[agent]
    rest = [int(game.observations[0][sight][0]) for sight in sights]
    worth = {
        actions: earned(game, own, agent, sights, actions)
        for actions in product(range(game.actions[agent]), repeat=len(sights))
    }

    def blind(actions):
        return all(
            one == other
            for (one, mine), (other, yours) in product(zip(actions, rest, strict=True), repeat=2)
            if mine == yours
        )

    habit = max(value for actions, value in worth.items() if blind(actions))
    return max(worth.values()) > habit + 0.02 * abs(habit) + 1e-6


def idle(plays, idle_actions):
    """Whether some agent takes one action in nineteen steps of twenty or more, over all episodes."""
    actions = np.concatenate([play.actions for play in plays])
    most = max(np.bincount(column).max() / len(column) for column in actions.T)
    return None if 0.75 < most < 0.95 else bool(most > 0.9)


def endings(plays, game=None):
    """With a table: whether the likeliest play never succeeds in time; without: whether cuts come at many steps."""
    if game is None:
        cut = {len(play.actions) for play in plays if not play.ended}
        return len(cut) > 1
    reached = np.zeros(len(game.states), bool)
    reached[game.start_state] = True
    joint = len(game.joint_actions)
    for _ in range(game.horizon):
        edges = [
            edge
            for state in np.flatnonzero(reached)
            for edge in range(game.first_edge[state * joint], game.first_edge[(state + 1) * joint])
        ]
        if game.success[edges].any():
            return False
        reached[:] = False
        reached[game.successor[edges]] = True
    return True


def accounting(returns, baselines, successes, episodes):
    """Whether on average they earn a fiftieth more at most than the better of random and idle play, and hardly ever
    succeed."""
    base = max(baselines.random, baselines.idle)
    return bool(np.mean(returns) < base + 0.02 * (baselines.optimum - base) and successes.mean() < 0.01 * episodes)


ORACLES = {
    "contribution": contribution,
    "strangers": strangers,
    "noise": noise,
    "gaps": gaps,
    "closed loop": closed_loop,
    "influence": influence,
    "loops": loops,
    "step size": step_size,
    "idle": idle,
    "endings": endings,
    "accounting": accounting,
}
BY_WORD = {equally_good_and_trembling}  # which is best changes there, by nothing
FAMILIES = [
    pytest.param(ORACLES[question.diagnostic], family, answer, id=name_of(family))
    for question in QUESTIONS
    if question.diagnostic in ORACLES
    for answer, families in ((True, question.yes), (False, question.no))
    for family in families
    if family not in BY_WORD
]


@pytest.mark.parametrize(("oracle", "family", "answer"), FAMILIES)
def test_the_answer_follows_from_the_definition(oracle, family, answer):
    assert [oracle(*drawn(family, seed)) for seed in range(SEEDS)] == [answer] * SEEDS


@pytest.mark.parametrize("question", [question for question in QUESTIONS if question.diagnostic == "coupling"])
def test_agents_are_tied_given_what_they_see_and_the_step_or_not(question):
    """Pairs of actions are counted by step and what is seen, over many episodes: tied ones are far from independent."""
    for answer, families in ((True, question.yes), (False, question.no)):
        for family in families:
            surplus = [_surplus(drawn(family, seed)[0]) for seed in range(SEEDS)]
            assert min(surplus) > 0.1 if answer else max(surplus) < 0.06, (name_of(family), surplus)


def _surplus(plays):
    """How strongly the acts (or halves of four acts) of two agents go together at equal sights and in equal steps: four
    times their mean covariance, 1 for a fair coin that both follow."""
    four = max(play.actions.max() for play in plays) > 1
    acts = np.concatenate([play.actions // 2 if four else play.actions for play in plays]).astype(float)
    where = np.concatenate(
        [np.column_stack([np.arange(len(play.actions)), *(seen[:-1] for seen in play.observations)]) for play in plays]
    )
    total = 0.0
    for place in np.unique(where, axis=0):
        there = acts[(where == place).all(1)]
        if len(there) > 1:
            total += len(there) * np.cov(there.T)[0, 1]
    return 4 * total / len(acts)


def test_families_are_new():
    old = {name_of(one) for question in (*THIRD, *HARDER) for one in (*question.yes, *question.no)}
    new = [name_of(one) for question in QUESTIONS for one in (*question.yes, *question.no)]
    assert len(set(new)) == len(new)
    assert not old & set(new)
