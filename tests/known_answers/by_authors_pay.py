"""Cases with known answers for what pays: noise, and failing instead of succeeding, over several families."""

from __future__ import annotations

from itertools import product

import numpy as np
from case import Case
from finite_games import make_game
from making import Draws, Families, certain, chain, door, generated, mixed, play

from coterie.diagnosis.noise import noise
from coterie.diagnosis.reward_audit import outcome_audit, reward_audit
from coterie.running.stage import Actor, ActorStage, TableStage
from coterie.types import Finding

# Noise


def stuck_at_the_door(draws):
    game = door(int(draws.integers(2, 4)), int(draws.integers(2, 4)), int(draws.integers(5, 25)))
    return noise(TableStage(game, certain(game, *[0] * len(game.actions))[None]))


def greedy_where_luck_is_needed(draws):
    agents = int(draws.integers(2, 4))
    game = door(agents, 2, 1)
    sampled = np.tile([1 / agents, 1 - 1 / agents], (agents, 1, 1))
    return noise(TableStage(game, certain(game, *[1] * agents)[None], sampled[None]))


def actors_stuck_at_the_door(draws):
    game = door(2, 2, int(draws.integers(15, 30)))
    same = [Actor(lambda: None, lambda seen, step: 0)] * 2
    return noise(ActorStage(game, [same], 20, seed=int(draws.integers(1000))))


def stuck_in_a_room(draws):
    game = chain(1, int(draws.integers(30, 60)), draws.uniform(5, 20), cost=draws.uniform(0, 0.1))
    return noise(TableStage(game, certain(game, 0, 1)[None]))


def one_waits(draws):
    game = door(int(draws.integers(2, 4)), int(draws.integers(2, 4)), int(draws.integers(1, 25)), cost=0.1)
    return noise(TableStage(game, certain(game, 0, *[1] * (len(game.actions) - 1))[None]))


def straight_through(draws):
    game = chain(int(draws.integers(2, 8)), 30, 10.0, 1.0, slip=float(draws.choice([0.0, 0.2])))
    return noise(
        TableStage(game, certain(game, 0, 0)[None], (0.2 * mixed(game, draws) + 0.8 * certain(game, 0, 0))[None])
    )


def random_already(draws):
    game = chain(int(draws.integers(2, 5)), 10, 10.0, 1.0)
    return noise(TableStage(game, np.full((1, 2, game.observation_count, 2), 0.5)))


def actors_that_arrive(draws):
    game = chain(int(draws.integers(2, 6)), 12, 10.0, 1.0, slip=0.2)
    return noise(
        ActorStage(game, [[Actor(lambda: None, lambda seen, step: 0)] * 2], 20, seed=int(draws.integers(1000)))
    )


# Reward audit and outcome audit


def audited(draws: Draws, circling_is_worth: tuple[float, float]) -> Finding:
    """A chain where circling for ever is worth so many times the prize (discounted): c / (1 - g) = times g^(n-1) G."""
    length, discount = int(draws.integers(2, 9)), float(draws.choice([0.8, 0.9, 0.95]))
    prize = float(draws.uniform(5, 20))
    circling = draws.uniform(*circling_is_worth) * prize * discount ** (length - 1) * (1 - discount)
    return reward_audit(chain(length, 40, prize, 0.0, circling), discount).finding


def circling_pays(draws):
    return audited(draws, (1.1, 4.0))


def arriving_pays(draws):
    return audited(draws, (0.0, 0.9))


def out_of_time(draws):
    length = int(draws.integers(4, 10))
    return reward_audit(chain(length, int(draws.integers(1, length)), 10.0, 0.1), 0.95).finding


def another_joint_action_pays_more(draws):
    return reward_audit(one_shot(draws, False), 0.9).finding


def the_aim_pays_most(draws):
    return reward_audit(one_shot(draws, True), 0.9).finding


def one_shot(draws: Draws, right: bool):
    """A matrix game whose aim is the joint action that pays most, or the one that pays least."""
    sizes = tuple(draws.integers(2, 5, int(draws.integers(2, 4))).tolist())
    pays = draws.permutation(int(np.prod(sizes))).reshape(sizes).astype(float)
    aim = np.unravel_index(pays.argmax() if right else pays.argmin(), sizes)
    ways = {(0, joint): [(1.0, 0, float(pays[joint]), True, joint == aim)] for joint in product(*map(range, sizes))}
    return make_game(sizes, ways, [((0,),) * len(sizes)], horizon=1)


def a_cost_a_step(draws):
    return reward_audit(chain(int(draws.integers(2, 8)), 40, 10.0, draws.uniform(0.1, 1), slip=0.2), 0.95).finding


def compared(draws: Draws, failing: float, spread: float) -> Finding:
    """Episodes whose failing ones earn so much more on average, relative to the spread."""
    agents, count = int(draws.integers(2, 5)), int(draws.integers(12, 60))
    plays = []
    for k in range(2 * count):
        success = k % 2 == 0
        total = draws.normal() * spread + (0 if success else failing * spread)
        steps = int(draws.integers(3, 20))
        plays.append(play(np.full((steps, agents), total / steps), success=success, ended=success, team=k))
    return outcome_audit(plays)


def failing_pays_much_more(draws):
    return compared(draws, draws.uniform(2, 5), 3.0)


def failing_pays_more(draws):
    return compared(draws, draws.uniform(1.3, 2), 1.0)


def long_circles_earn(draws):
    plays = [play(np.full((20, 2), draws.uniform(0.5, 1)), team=k) for k in range(10)]
    lengths = draws.integers(2, 8, 10)
    return outcome_audit([*plays, *(play(np.full((n, 2), 1.0), success=True, ended=True) for n in lengths)])


def success_pays(draws):
    return compared(draws, -draws.uniform(0.5, 4), 2.0)


def success_pays_the_same(draws):
    return compared(draws, 0.0, 2.0)


def steps_cost(draws):
    plays = [play(np.full((20, 2), -1.0), team=k) for k in range(10)]
    lengths = draws.integers(2, 8, 10)
    return outcome_audit([*plays, *(play(np.full((n, 2), -1.0), success=True, ended=True) for n in lengths)])


FAMILIES: Families = {
    ("noise", True): (stuck_at_the_door, greedy_where_luck_is_needed, actors_stuck_at_the_door, stuck_in_a_room),
    ("noise", False): (one_waits, straight_through, random_already, actors_that_arrive),
    ("reward audit", True): (circling_pays, out_of_time, another_joint_action_pays_more),
    ("reward audit", False): (arriving_pays, the_aim_pays_most, a_cost_a_step),
    ("outcome audit", True): (failing_pays_much_more, failing_pays_more, long_circles_earn),
    ("outcome audit", False): (success_pays, success_pays_the_same, steps_cost),
}


def cases(count: int) -> list[Case]:
    """So many of each answer for every diagnostic of this module."""
    return generated(FAMILIES, count)
