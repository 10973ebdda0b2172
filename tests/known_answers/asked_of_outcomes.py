"""Rewards that ask for something else than success: families of recorded episodes, and of tables."""

from __future__ import annotations

import numpy as np
from families import Chance, Question
from shared import wandering
from worlds import Ways, corridor, episode, successes, world

from coterie.finite.game import FiniteGame
from coterie.types import Finding, Play


def ask_outcomes(plays: list[Play]) -> Finding:
    """Does failing pay better than succeeding?"""
    from coterie.diagnosis.reward_audit import outcome_audit

    return outcome_audit(plays)


# --- failing episodes that earn more ----------------------------------------------------------------------------------


def lingering_pays(chance: Chance) -> tuple:
    """Every step pays a little, success ends the episode: failing episodes last longer and earn clearly more."""
    agents, living = int(chance.integers(2, 4)), float(chance.uniform(0.5, 1.5))
    won = successes(chance, int(chance.integers(8, 25)), agents, pays=float(chance.uniform(1, 3)), step=living)
    steps = int(chance.integers(25, 40))
    return (won + [_lost(chance, steps, agents, living, k) for k in range(int(chance.integers(8, 25)))],)


def success_costs(chance: Chance) -> tuple:
    """The reward's sign is wrong: success costs, and failing costs nothing."""
    agents, pays = int(chance.integers(2, 4)), -float(chance.uniform(1, 10))
    won = successes(chance, int(chance.integers(8, 25)), agents, pays=pays)
    return (won + [_lost(chance, 20, agents, 0.0, k) for k in range(int(chance.integers(8, 25)))],)


def giving_up_is_cheap(chance: Chance) -> tuple:
    """Steps cost so much that episodes that give up early lose less than those that go all the way to success."""
    agents = int(chance.integers(2, 4))
    won = [
        episode(
            np.arange(steps + 1), np.r_[np.full((steps - 1, agents), -1.0), np.full((1, agents), 3.0)], success=True
        )
        for steps in chance.integers(10, 16, int(chance.integers(8, 25)))
    ]
    lost = [
        episode(np.arange(steps + 1), np.full((steps, agents), -1.0), ended=True)
        for steps in chance.integers(1, 4, int(chance.integers(8, 25)))
    ]
    return (won + lost,)


def shaping_is_farmed(chance: Chance) -> tuple:
    """Coming closer pays and going away costs nothing: to and fro earns more than arriving."""
    agents, shaping = int(chance.integers(2, 4)), float(chance.uniform(1.0, 2.0))
    won = successes(chance, int(chance.integers(8, 25)), agents, pays=5.0, step=shaping)
    lost = []
    for team in range(int(chance.integers(8, 25))):
        rewards = np.zeros((60, agents))
        rewards[::2] = shaping
        lost.append(wandering(chance, 60, rewards, team))
    return (won + lost,)


def success_pays_best(chance: Chance) -> tuple:
    """A healthy reward: success pays, steps cost, failing earns clearly less."""
    agents = int(chance.integers(2, 4))
    won = successes(chance, int(chance.integers(8, 25)), agents, step=-float(chance.uniform(0, 0.5)))
    return (won + [_lost(chance, 20, agents, -0.5, k) for k in range(int(chance.integers(8, 25)))],)


def lingering_pays_less_than_success(chance: Chance) -> tuple:
    """A step pays a little, but a whole failing episode of it less than half of what success pays."""
    agents = int(chance.integers(2, 4))
    won = successes(chance, int(chance.integers(8, 25)), agents, pays=10.0, step=0.1)
    return (won + [_lost(chance, 40, agents, 0.1, k) for k in range(int(chance.integers(8, 25)))],)


def noisy_and_success_pays_better(chance: Chance) -> tuple:
    """Single failing episodes out-earn single succeeding ones, as rewards are noisy; on average success pays more."""
    agents = int(chance.integers(2, 4))
    won = successes(chance, int(chance.integers(15, 30)), agents, pays=5.0)
    both = won + [_lost(chance, 8, agents, 0.0, k) for k in range(int(chance.integers(15, 30)))]
    return ([play._replace(rewards=play.rewards + chance.normal(0, 0.8, play.rewards.shape)) for play in both],)


def only_successes(chance: Chance) -> tuple:
    """Nobody fails, so nothing says that failing pays."""
    return (successes(chance, int(chance.integers(5, 25)), int(chance.integers(2, 4)), step=-0.1),)


def only_failures(chance: Chance) -> tuple:
    """Nobody succeeds, so that what success would pay is not known: no honest expert says yes."""
    agents, pays = int(chance.integers(2, 4)), float(chance.uniform(-1, 1))
    return ([_lost(chance, 20, agents, pays, k) for k in range(int(chance.integers(5, 25)))],)


def success_is_slow_and_pays(chance: Chance) -> tuple:
    """Success takes long and its steps cost more than those of failing early, but it pays far more in all."""
    agents = int(chance.integers(2, 4))
    won = [
        episode(
            np.arange(steps + 1), np.r_[np.full((steps - 1, agents), -0.5), np.full((1, agents), 30.0)], success=True
        )
        for steps in chance.integers(15, 25, int(chance.integers(8, 20)))
    ]
    lost = [
        episode(np.arange(steps + 1), np.full((steps, agents), -0.5), ended=True)
        for steps in chance.integers(1, 5, int(chance.integers(8, 20)))
    ]
    return (won + lost,)


def _lost(chance: Chance, steps: int, agents: int, pays: float, team: int) -> Play:
    return wandering(chance, steps, np.full((steps, agents), pays), team)


def ask_audit(game: FiniteGame, discount: float) -> Finding:
    """Does the optimum of this reward succeed at all?"""
    from coterie.diagnosis.reward_audit import reward_audit

    return reward_audit(game, discount).finding


# --- the reward's own optimum -----------------------------------------------------------------------------------------


def waiting_pays_more(chance: Chance) -> tuple:
    """Every step pays so much that to wait for ever is worth several times what the aim, which ends the game, pays."""
    length, living = int(chance.integers(2, 5)), float(chance.uniform(1, 3))
    return corridor(
        length, 20, int(chance.integers(1, 3)), pays=living * float(chance.uniform(1, 4)), step=living
    ), 0.95


def the_aim_costs(chance: Chance) -> tuple:
    """To reach the aim costs, and nothing else does."""
    length = int(chance.integers(2, 5))
    return corridor(length, 15, int(chance.integers(1, 3)), pays=-float(chance.uniform(1, 10))), 0.95


def the_pit_is_cheaper(chance: Chance) -> tuple:
    """Steps cost so much that the pit beside the start is cheaper than the way to the aim."""
    length = int(chance.integers(4, 7))
    return corridor(length, 20, 1, pays=1.0, step=-2.0, pit=-1.0), 0.95


def coming_closer_is_farmed(chance: Chance) -> tuple:
    """Every step towards the aim pays and steps away cost nothing: to and fro pays more than to arrive."""
    length, shaping = int(chance.integers(2, 5)), float(chance.uniform(2, 5))
    return _shaped(length, shaping, 0.0, pays=float(chance.uniform(1, 3))), 0.95


def the_aim_pays(chance: Chance) -> tuple:
    """A healthy reward: the aim pays, steps cost a little or nothing."""
    length = int(chance.integers(2, 5))
    step = -float(chance.choice([0.0, 0.1, 1.0]))
    return corridor(length, 20, int(chance.integers(1, 3)), pays=10.0, step=step), 0.95


def the_pit_is_dearer(chance: Chance) -> tuple:
    """There is a pit, but it costs more than the way to the aim."""
    length = int(chance.integers(2, 5))
    return corridor(length, 20, 1, pays=10.0, step=-1.0, pit=-float(chance.uniform(20, 50))), 0.95


def waiting_pays_a_little(chance: Chance) -> tuple:
    """A step pays a hundredth of the aim: to wait for ever is worth a fifth of it, so to arrive is better."""
    length = int(chance.integers(2, 5))
    return corridor(length, 20, int(chance.integers(1, 3)), pays=10.0, step=0.1), 0.95


def closer_and_further_cancel(chance: Chance) -> tuple:
    """Steps towards the aim pay what steps away cost: to and fro earns nothing, and to arrive is best."""
    length, shaping = int(chance.integers(2, 5)), float(chance.uniform(0.5, 2))
    return _shaped(length, shaping, -shaping, pays=10.0), 0.95


def _shaped(length: int, closer: float, further: float, pays: float) -> FiniteGame:
    def step(state, joint) -> Ways:
        new = min(max(state + (0, 1, -1)[joint[0]], 0), length)
        there = new == length
        return [(1.0, new, pays if there else closer if new > state else further if new < state else 0.0, there, there)]

    return world((3, 2), [0], step, lambda state, agent: (state,) if agent == 0 else (0,), 20)


QUESTIONS = (
    Question(
        "outcome audit",
        ask_outcomes,
        (lingering_pays, success_costs, giving_up_is_cheap, shaping_is_farmed),
        (
            success_pays_best,
            lingering_pays_less_than_success,
            noisy_and_success_pays_better,
            only_successes,
            only_failures,
            success_is_slow_and_pays,
        ),
    ),
    Question(
        "reward audit",
        ask_audit,
        (waiting_pays_more, the_aim_costs, the_pit_is_cheaper, coming_closer_is_farmed),
        (the_aim_pays, waiting_pays_a_little, the_pit_is_dearer, closer_and_further_cancel),
    ),
)
