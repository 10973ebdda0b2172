"""A third round about gaps, from the definition alone."""

from __future__ import annotations

import numpy as np
from asked_of_tables import ask_gaps
from families import Chance, Question
from shared import code_policy, light_game, sign_game
from worlds import Ways, mostly, played_once, policy, world

from coterie.finite.game import FiniteGame
from coterie.finite.solve import uniform_policy

# --- gaps -------------------------------------------------------------------------------------------------------------


def nobody_hunts_the_stag(chance: Chance) -> tuple:
    """Three agents could have the stag if all hunted, and all gather, for some rounds; nobody alone could do better."""
    game = _stag(chance)
    return game, policy(game, lambda agent, seen: 1)


def rests_in_every_second_step(chance: Chance) -> tuple:
    """One of them carries in every second step only, by the clock it sees, where it could in all."""
    agents, pays, lazy = int(chance.integers(1, 3)), float(chance.uniform(0.5, 5)), 0

    def step(clock, joint) -> Ways:
        return [(1.0, 1 - clock, pays * joint[0], False, joint[0] == 1)]

    game = world((2,) * agents, [0], step, lambda clock, agent: (clock,), 2 * int(chance.integers(2, 6)))
    return game, policy(game, lambda agent, seen: seen[0] if agent == lazy else 1)


def takes_the_unripe_fruit(chance: Chance) -> tuple:
    """To pick ends it; the fruit is worth more with every step it hangs, and they pick it at once."""
    game, _ = _fruit(chance)
    return game, policy(game, lambda agent, seen: int(agent == 0))


def both_through_one_door(chance: Chance) -> tuple:
    """Two doors or three; one agent through each pays, and all press through the same door in every step."""
    size = int(chance.integers(2, 4))
    game = played_once(float(chance.uniform(1, 10)) * (1 - np.eye(size)))
    chosen = int(chance.integers(size))
    return game, policy(game, lambda agent, seen: chosen)


def signs_without_a_meaning(chance: Chance) -> tuple:
    """One could tell the other which light is on, and gives any sign; the other does anything: they are right by chance
    only."""
    game = sign_game(int(chance.integers(2, 5)), chance)
    return game, uniform_policy(game)


def the_stag_is_hunted(chance: Chance) -> tuple:
    """All hunt the stag, which is the best there is."""
    game = _stag(chance)
    return game, policy(game, lambda agent, seen: 0)


def picks_it_ripe(chance: Chance) -> tuple:
    """They wait till the last step and pick the fruit when it is worth most."""
    game, steps = _fruit(chance)
    return game, policy(game, lambda agent, seen: int(agent == 0 and seen[0] == steps - 1))


def one_through_each_door(chance: Chance) -> tuple:
    """One agent through each of two doors, as it pays."""
    game = played_once(float(chance.uniform(1, 10)) * (1 - np.eye(2)))
    first = int(chance.integers(2))
    return game, policy(game, lambda agent, seen: first if agent == 0 else 1 - first)


def signs_with_a_meaning(chance: Chance) -> tuple:
    """The one tells the light by a code, the other knows it: nothing is missing, whatever the code."""
    size = int(chance.integers(2, 5))
    game = sign_game(size, chance)
    return game, code_policy(game, size, int(chance.integers(size)))


def a_slip_in_two_hundred_steps(chance: Chance) -> tuple:
    """Everybody does what the light shows in all but one step of two hundred: what is missing is not worth mending."""
    game, lights = light_game(chance)
    return game, policy(game, lambda agent, seen: mostly(seen[0], lights, 0.995))


def _stag(chance: Chance) -> FiniteGame:
    """Hunt (0) or gather (1), three agents, some rounds: the stag needs all, and who hunts in vain is hurt for all."""
    stag, hurt = float(chance.uniform(8, 12)), float(chance.uniform(2, 6))

    def step(state, joint) -> Ways:
        hunting = joint.count(0)
        earned = stag if hunting == 3 else float(sum(joint)) - hurt * (hunting > 0)
        return [(1.0, state, earned, False, hunting == 3)]

    return world((2, 2, 2), [0], step, lambda state, agent: (0,), int(chance.integers(1, 4)))


def _fruit(chance: Chance) -> tuple[FiniteGame, int]:
    """The first agent may pick (1), which ends it; the fruit is worth one more in every step. All see the clock."""
    steps, unit = int(chance.integers(3, 8)), float(chance.uniform(0.5, 3))

    def step(clock, joint) -> Ways:
        picked = joint[0] == 1
        return [(1.0, min(clock + 1, steps - 1), unit * (clock + 1) * picked, picked, bool(picked))]

    return world((2, 2), [0], step, lambda clock, agent: (clock,), steps), steps


QUESTIONS = (
    Question(
        "gaps",
        ask_gaps,
        (
            nobody_hunts_the_stag,
            rests_in_every_second_step,
            takes_the_unripe_fruit,
            both_through_one_door,
            signs_without_a_meaning,
        ),
        (
            the_stag_is_hunted,
            picks_it_ripe,
            one_through_each_door,
            signs_with_a_meaning,
            a_slip_in_two_hundred_steps,
        ),
    ),
)
