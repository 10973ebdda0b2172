"""Harder worlds of the third round: small effects, what only a rare change of places would show, costs instead of
gains."""

from __future__ import annotations

import numpy as np
from asked_of_drift import ask_step_size
from asked_of_moves import ask_loops
from asked_of_noise import ask_noise
from asked_of_outcomes import ask_outcomes
from asked_of_sight import ask_closed_loop, ask_influence
from asked_of_stages import ask_contribution, ask_identities
from asked_of_strangers import ask_strangers
from asked_of_tables import ask_gaps
from families import Chance, Question
from shared import light_game
from worlds import Ways, any_actions, corridor, episode, mostly, played_once, policy, stage, world

from coterie.finite.game import FiniteGame

# --- loops ------------------------------------------------------------------------------------------------------------


def starved_on_the_spot(chance: Chance) -> tuple:
    """They stand where they are until they starve, which truly ends the episode: nothing happens in any step."""
    lengths = chance.integers(15, 40, int(chance.integers(5, 12)))
    return ([episode(np.full(n + 1, 7), np.zeros((n, 2)), ended=True, team=k) for k, n in enumerate(lengths)],)


def games_of_a_single_step(chance: Chance) -> tuple:
    """Each episode is a single choice, made wrongly; the world then ends: nothing can go round in one step."""
    count, agents = int(chance.integers(5, 30)), int(chance.integers(2, 5))
    actions = any_actions(chance, count, agents, 4)
    return (
        [episode([0, 0], np.zeros((1, agents)), actions=actions[k : k + 1], ended=True, team=k) for k in range(count)],
    )


# --- step size --------------------------------------------------------------------------------------------------------


def leaps_far_from_zero(chance: Chance) -> tuple:
    """Values of ten thousand and more, between which little differs, leap by more than that: which action is best
    changes all the time, though no value changes by a thousandth of itself."""
    probes, size = int(chance.integers(2, 8)), int(chance.integers(2, 5))
    return (1e4 * float(chance.uniform(1, 5)) + chance.normal(0, 2, (int(chance.integers(20, 50)), probes, size)),)


def apart_by_a_hair_and_still(chance: Chance) -> tuple:
    """Values of ten thousand differ by a hundredth and move by a thousandth: little, and no choice ever changes."""
    probes, size = int(chance.integers(2, 8)), int(chance.integers(2, 5))
    values = 1e4 + 0.01 * np.stack([chance.permutation(size) for _ in range(probes)])
    return (values + chance.uniform(-0.001, 0.001, (int(chance.integers(20, 50)), probes, size)),)


# --- failing episodes that earn more ----------------------------------------------------------------------------------


def few_and_far_apart(chance: Chance) -> tuple:
    """Six episodes or so of each sort; failing ones earn twice to four times as much, every single one of them."""
    return (_both(chance, 1.0, 3.0, 0.15, (6, 9)),)


def few_and_much_alike(chance: Chance) -> tuple:
    """Three or four episodes of each sort, whose earnings spread widely and lie about the same: nothing to conclude."""
    return (_both(chance, 3.1, 3.0, 1.0, (3, 5)),)


# --- contribution -----------------------------------------------------------------------------------------------------


def forth_and_back(chance: Chance) -> tuple:
    """A mill turns for all while the first agents work; the last one pushes it on in one step and back in the next, and
    it ends where it would without it."""
    agents, pays, rounds = int(chance.integers(2, 4)), float(chance.uniform(1, 5)), int(chance.integers(1, 4))
    most = 2 * rounds * agents + 1

    def step(state, joint) -> Ways:
        turned, clock = state
        turned = min(max(turned + sum(joint[:-1]) + joint[-1] * (1 - 2 * (clock % 2)), 0), most)
        last = clock + 1 == 2 * rounds
        return [(1.0, (turned, clock + 1), pays * turned * last, last, last)]

    game = world((2,) * agents, [(0, 0)], step, lambda state, agent: (0,), 2 * rounds)
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def a_tenth_of_the_work(chance: Chance) -> tuple:
    """One agent's work is worth a tenth of all that is earned, for certain: little, and not nothing."""
    agents = int(chance.integers(2, 5))
    worth = np.where(np.arange(agents) == chance.integers(agents), float(chance.uniform(0.12, 0.15)), 1.0)
    worth[worth < 1] *= agents - 1

    def step(state, joint) -> Ways:
        return [(1.0, state, float(worth @ np.array(joint)), False, any(joint))]

    game = world((2,) * agents, [0], step, lambda state, agent: (0,), int(chance.integers(1, 6)))
    return (stage(game, policy(game, lambda agent, seen: 1)),)


def sows_and_reaps(chance: Chance) -> tuple:
    """One agent sows, which costs the team something in every step, and at the end all is reaped, which pays far more:
    only in the last step is it seen what it was good for."""
    steps, cost = int(chance.integers(4, 9)), float(chance.uniform(0.5, 1.5))
    sower, pays = int(chance.integers(2)), cost * float(chance.uniform(3, 5))

    def step(state, joint) -> Ways:
        sown, clock = state
        sown += joint[sower]
        last = clock + 1 == steps
        earned = joint[1 - sower] - cost * joint[sower] + pays * sown * last
        return [(1.0, (sown, clock + 1), float(earned), last, last)]

    game = world((2, 2), [(0, 0)], step, lambda state, agent: (0,), steps)
    return (stage(game, policy(game, lambda agent, seen: 1)),)


# --- identities -------------------------------------------------------------------------------------------------------


def only_if_all_three_move_up(chance: Chance) -> tuple:
    """Three agents stand one place too far. If two of them change places it gets worse, for one right among wrong ones
    is worst of all; only if all move up is everything right."""
    return _three_seats(chance, 1)


def worse_if_anybody_moves(chance: Chance) -> tuple:
    """The same seats, and all sit right."""
    return _three_seats(chance, 0)


# --- noise ------------------------------------------------------------------------------------------------------------


def only_its_own_draws_help(chance: Chance) -> tuple:
    """Their own policy draws one of two actions, of which only the second gets them there; greedily they take the first
    for ever. Any other action ends it dearly, so that plain noise does harm and only their own draws help."""
    loss, horizon = -float(chance.uniform(20, 50)), int(chance.integers(10, 25))

    def step(right, joint) -> Ways:
        fell, there = joint[0] > 1, joint[0] == right
        return [(1.0, right, loss if fell else 10.0 * there, bool(fell or there), bool(there))]

    game = world((6, 2), [1], step, lambda right, agent: (0,), horizon)
    own = policy(game, lambda agent, seen: 0)
    sampled = policy(game, lambda agent, seen: np.array([0.5, 0.5]) if agent == 0 else 0)
    return (stage(game, own, sampled=[sampled]),)


def draws_that_fall(chance: Chance) -> tuple:
    """Greedily they take the safe of two ways; their own policy draws the other now and then, which ends dearly."""
    loss = -float(chance.uniform(5, 50))
    game = played_once(np.array([[5.0, 5.0], [loss, loss]]))
    own, sampled = (policy(game, lambda agent, seen, share=share: mostly(0, 2, share)) for share in (1.0, 0.7))
    return (stage(game, own, sampled=[sampled]),)


# --- strangers --------------------------------------------------------------------------------------------------------


def two_votes_of_three_agree(chance: Chance) -> tuple:
    """Three agents vote, two votes are enough, and each team always votes for one of the same two places: however teams
    are mixed, two votes agree."""
    size = int(chance.integers(2, 4))

    def step(state, joint) -> Ways:
        agreed = max(joint.count(one) for one in range(size)) >= 2
        return [(1.0, state, 5.0 * agreed, True, agreed)]

    game = world((size,) * 3, [0], step, lambda state, agent: (0,), 1)
    places = chance.permutation([0, 1] * int(chance.integers(2, 4)))
    return (stage(game, *[policy(game, lambda a, s, one=one: int(one)) for one in places]),)


def a_poor_member_of_one_team(chance: Chance) -> tuple:
    """All must do their part; in one team of five one agent cannot do its own, at home as little as among strangers:
    everybody plays as well with strangers."""
    agents, teams = int(chance.integers(2, 4)), 5
    poor = (int(chance.integers(teams)), int(chance.integers(agents)))

    def step(state, joint) -> Ways:
        return [(1.0, state, 5.0 * all(joint), True, all(joint))]

    game = world((2,) * agents, [0], step, lambda state, agent: (0,), 1)
    return (stage(game, *[policy(game, lambda a, s, t=t: int((t, a) != poor)) for t in range(teams)]),)


def two_camps_of_unequal_size(chance: Chance) -> tuple:
    """Five teams choose one hand and one or two the other; between the camps nothing works."""
    game, few = played_once(float(chance.uniform(1, 10)) * np.eye(2)), int(chance.integers(1, 3))
    hands = chance.permutation([0] * 5 + [1] * few)
    return (stage(game, *[policy(game, lambda a, s, hand=hand: int(hand)) for hand in hands]),)


# --- closed loop ------------------------------------------------------------------------------------------------------


def looks_once_in_a_hundred_steps(chance: Chance) -> tuple:
    """All do the same whatever the light shows, but for one step of a hundred in which they follow it."""
    game, lights = light_game(chance)
    habit = int(chance.integers(lights))

    def rule(agent: int, seen: tuple[int, ...]) -> np.ndarray:
        chances = np.zeros(lights)
        chances[habit] += 0.99
        chances[seen[0]] += 0.01
        return chances

    game_policy = policy(game, rule)
    return stage(game, game_policy), game


def looks_in_a_third_of_its_steps(chance: Chance) -> tuple:
    """They follow the light in a third of their steps and have a habit in the others: poor, and not blind."""
    game, lights = light_game(chance)

    def rule(agent: int, seen: tuple[int, ...]) -> np.ndarray:
        chances = np.zeros(lights)
        chances[0] += 2 / 3
        chances[seen[0]] += 1 / 3
        return chances

    return stage(game, policy(game, rule)), game


# --- influence --------------------------------------------------------------------------------------------------------


def hardly_moved(chance: Chance) -> tuple:
    """The follower is moved by the leader in one step of fifty, a thousandth of a bit, and to follow would pay."""
    game = _followed(chance)
    return game, _leaning(game, 0.02)


def moved_a_little(chance: Chance) -> tuple:
    """The follower is moved by the leader in a third of its steps, a twelfth of a bit: little, and eight times what
    counts as none."""
    game = _followed(chance)
    return game, _leaning(game, 1 / 3)


# --- gaps -------------------------------------------------------------------------------------------------------------


def the_dearer_way(chance: Chance) -> tuple:
    """Everything costs, and they take twice the steps that are needed, as they stand still in half of them. The best
    earns less than nothing, too."""
    length = int(chance.integers(3, 5))
    game = corridor(length, 6 * length, 1, pays=-1.0, step=-1.0)
    return game, policy(game, lambda agent, seen: np.array([0.5, 0.5, 0.0]))


def the_cheapest_way(chance: Chance) -> tuple:
    """Everything costs, the way to the aim least, and they take it: nothing is missing though less than nothing is
    earned."""
    length = int(chance.integers(2, 5))
    game = corridor(length, 6 * length, int(chance.integers(1, 3)), pays=-1.0, step=-1.0)
    return game, policy(game, lambda agent, seen: 1)


def nothing_to_be_had(chance: Chance) -> tuple:
    """The best that can be had is nothing, and they have it."""
    game = played_once(-np.abs(chance.normal(0, 5, (3, 3))) * (1 - np.eye(3)[[0]].T @ np.eye(3)[[0]]))
    return game, policy(game, lambda agent, seen: 0)


def a_quarter_is_missing(chance: Chance) -> tuple:
    """Everybody does what the light shows in seven or eight steps of ten."""
    game, lights = light_game(chance)
    return game, policy(game, lambda agent, seen: mostly(seen[0], lights, float(chance.uniform(0.7, 0.8))))


def _both(chance: Chance, won: float, lost: float, spread: float, count: tuple[int, int]) -> list:
    """Succeeding and failing episodes with such means, and a spread in parts of the mean."""
    agents, unit, plays = int(chance.integers(2, 4)), float(chance.uniform(0.5, 5)), []
    for success, mean in ((True, won), (False, lost)):
        for _ in range(int(chance.integers(*count))):
            steps = int(chance.integers(5, 15))
            rewards = np.zeros((steps, agents))
            rewards[-1] = unit * mean * max(0.0, float(chance.normal(1, spread)))
            plays.append(episode(chance.permutation(100)[: steps + 1], rewards, success=success))
    return plays


def _three_seats(chance: Chance, shift: int) -> tuple:
    """Seats of three that each ask for an action; the more wrong the better, unless all are right."""
    right, pays = chance.permutation(3), float(chance.uniform(0.5, 3)) * np.array([3.0, 1.0, 2.0, 10.0])

    def step(state, joint) -> Ways:
        hits = int((np.array(joint) == right).sum())
        return [(1.0, state, float(pays[hits]), False, hits == 3)]

    game = world((3, 3, 3), [0], step, lambda state, agent: (0,), int(chance.integers(1, 4)))
    return (stage(game, policy(game, lambda agent, seen: int(right[(agent + shift) % 3]))),)


def _followed(chance: Chance) -> FiniteGame:
    """The second agent sees which of two things the first did last, and all earn if it does the same."""
    pays = float(chance.uniform(0.5, 5))

    def step(did, joint) -> Ways:
        same = joint[1] == did
        return [(1.0, joint[0], pays * same, False, same)]

    def see(did, agent: int) -> tuple[int, ...]:
        return (did,) if agent else (0,)

    return world((2, 2), [0, 1], step, see, int(chance.integers(4, 10)))


def _leaning(game: FiniteGame, share: float) -> np.ndarray:
    """A leader at random, and a follower that follows in a share of its steps and plays at random in the others."""
    even = np.array([0.5, 0.5])
    return policy(game, lambda agent, seen: share * np.eye(2)[seen[0]] + (1 - share) * even if agent else even)


QUESTIONS = (
    Question("loops", ask_loops, (starved_on_the_spot,), (games_of_a_single_step,)),
    Question("step size", ask_step_size, (leaps_far_from_zero,), (apart_by_a_hair_and_still,)),
    Question("outcome audit", ask_outcomes, (few_and_far_apart,), (few_and_much_alike,)),
    Question("contribution", ask_contribution, (forth_and_back,), (a_tenth_of_the_work, sows_and_reaps)),
    Question("identities", ask_identities, (only_if_all_three_move_up,), (worse_if_anybody_moves,)),
    Question("noise", ask_noise, (only_its_own_draws_help,), (draws_that_fall,)),
    Question(
        "strangers",
        ask_strangers,
        (two_camps_of_unequal_size,),
        (two_votes_of_three_agree, a_poor_member_of_one_team),
    ),
    Question("closed loop", ask_closed_loop, (looks_once_in_a_hundred_steps,), (looks_in_a_third_of_its_steps,)),
    Question("influence", ask_influence, (hardly_moved,), (moved_a_little,)),
    Question("gaps", ask_gaps, (the_dearer_way, a_quarter_is_missing), (the_cheapest_way, nothing_to_be_had)),
)
