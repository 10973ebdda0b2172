"""Closed loop and influence: agents that look, and agents that do not."""

from __future__ import annotations

import numpy as np
from families import Chance, Question
from finite_games import meeting_game
from shared import code_policy, light_game, sign_game
from worlds import Ways, mostly, played_once, policy, stage, world

from coterie.finite.game import FiniteGame
from coterie.finite.solve import uniform_policy
from coterie.running.stage import Stage
from coterie.types import Finding


def ask_closed_loop(where: Stage, game: FiniteGame) -> Finding:
    """Do agents use what they see?"""
    from coterie.diagnosis.closed_loop import closed_loop

    return closed_loop(where, game)


def ask_influence(game: FiniteGame, policies: np.ndarray) -> Finding:
    """Does nobody react to anybody although it would pay?"""
    from coterie.diagnosis.influence import influence

    return influence(game, policies)


# --- closed loop ------------------------------------------------------------------------------------------------------


def blind_to_the_light(chance: Chance) -> tuple:
    """A light shows what pays, all see it, and all do always the same."""
    game, lights = light_game(chance)
    action = int(chance.integers(lights))
    return _looked_at(game, policy(game, lambda agent, seen: action))


def one_is_blind_to_the_light(chance: Chance) -> tuple:
    """Everybody but one does what the light shows; that one does always the same."""
    game, lights = light_game(chance)
    blind, action = int(chance.integers(len(game.actions))), int(chance.integers(lights))
    return _looked_at(game, policy(game, lambda agent, seen: action if agent == blind else seen[0]))


def random_under_the_light(chance: Chance) -> tuple:
    """A light shows what pays, and everybody plays at random whatever it shows."""
    game, _ = light_game(chance)
    return _looked_at(game, uniform_policy(game))


def never_turns_round(chance: Chance) -> tuple:
    """The aim lies to the left or to the right, visibly; the agent always goes right."""
    game = _left_or_right(chance)
    return _looked_at(game, policy(game, lambda agent, seen: 1))


def does_not_watch_its_partner(chance: Chance) -> tuple:
    """To do what the partner did last pays and can be seen; the partner plays at random, this one always the same."""
    game, size = _following(chance)
    return _looked_at(game, policy(game, lambda agent, seen: 0 if agent else np.full(size, 1 / size)))


def follows_the_light(chance: Chance) -> tuple:
    """A healthy team: everybody does what the light shows."""
    game, _ = light_game(chance)
    return _looked_at(game, policy(game, lambda agent, seen: seen[0]))


def mostly_follows_the_light(chance: Chance) -> tuple:
    """Everybody does what the light shows in three or four steps of five: it is used, if not perfectly."""
    game, lights = light_game(chance)
    share = float(chance.uniform(0.75, 0.9))
    return _looked_at(game, policy(game, lambda agent, seen: mostly(seen[0], lights, share)))


def nothing_to_see(chance: Chance) -> tuple:
    """Everybody sees the same thing all the time, so that there is nothing to use, played well or badly."""
    payoffs = chance.permutation(9).reshape(3, 3).astype(float)
    game, chosen = played_once(payoffs), chance.integers(3, size=2)
    return _looked_at(game, policy(game, lambda agent, seen: int(chosen[agent])))


def the_light_means_nothing(chance: Chance) -> tuple:
    """One action is right whatever the light shows, and everybody takes it: to look at the light could not pay."""
    game, _ = light_game(chance, meaningless=True)
    return _looked_at(game, policy(game, lambda agent, seen: 0))


def straight_on_is_right(chance: Chance) -> tuple:
    """The agent goes right everywhere, and everywhere right is best: nothing that it sees could teach it better."""
    game = _left_or_right(chance, always_right=True)
    return _looked_at(game, policy(game, lambda agent, seen: 1))


def turns_where_it_must(chance: Chance) -> tuple:
    """The aim lies to the left or to the right, visibly, and the agent goes there."""
    game = _left_or_right(chance)
    return _looked_at(game, policy(game, lambda agent, seen: 1 if agent or seen[0] else 2))


# --- influence --------------------------------------------------------------------------------------------------------


def nobody_follows(chance: Chance) -> tuple:
    """To do what the leader did last pays and can be seen, the leader moves at random, and the follower does always the
    same: nobody moves anybody, and reacting would pay."""
    game, size = _following(chance)
    action = int(chance.integers(size))
    return game, policy(game, lambda agent, seen: action if agent else np.full(size, 1 / size))


def the_follower_is_random(chance: Chance) -> tuple:
    """The same with a follower that plays at random whatever it sees."""
    game, _ = _following(chance)
    return game, uniform_policy(game)


def deaf_to_signs(chance: Chance) -> tuple:
    """One agent sees a light and tells it truly by its sign; the other sees the sign and does always the same."""
    size = int(chance.integers(2, 5))
    game, action = sign_game(size, chance), int(chance.integers(size))
    return game, policy(game, lambda agent, seen: action if agent else (seen[1] if seen[0] == 0 else 0))


def walks_past_its_partner(chance: Chance) -> tuple:
    """Two agents that see each other must meet; one walks at random, the other always presses on in one direction and
    so never turns towards its partner, though it would meet it much more often."""
    game = meeting_game(3, horizon=int(chance.integers(4, 9)), sees="all", random_starts=True)
    still, direction = int(chance.integers(2)), int(chance.integers(4))
    return game, policy(game, lambda agent, seen: direction if agent == still else np.full(4, 0.25))


def copycat(chance: Chance) -> tuple:
    """The follower does what the leader did last, but for a little noise: about 1.5 bits for four actions."""
    game, size = _following(chance)
    share = 1 - float(chance.uniform(0, 0.15))
    return game, policy(game, lambda agent, seen: mostly(seen[0], size, share) if agent else np.full(size, 1 / size))


def copies_wrongly(chance: Chance) -> tuple:
    """The follower reacts to every move of the leader, in the wrong way: coupled, whatever else is to mend."""
    game, size = _following(chance)
    return game, policy(game, lambda agent, seen: (seen[0] + 1) % size if agent else np.full(size, 1 / size))


def tells_and_listens(chance: Chance) -> tuple:
    """One agent sees a light and tells it by its sign, the other acts on the sign."""
    size = int(chance.integers(2, 5))
    game = sign_game(size, chance)
    return game, code_policy(game, size, int(chance.integers(size)))


def separate_tasks(chance: Chance) -> tuple:
    """Everybody does what the light shows, perfectly; nobody needs anybody."""
    game, _ = light_game(chance)
    return game, policy(game, lambda agent, seen: seen[0])


def a_convention_kept(chance: Chance) -> tuple:
    """All choose the same every time; nobody reacts to anybody, and nobody could earn more by it."""
    size = int(chance.integers(2, 5))
    game, chosen = played_once(np.eye(size)), int(chance.integers(size))
    return game, policy(game, lambda agent, seen: chosen)


def cannot_see_the_sign(chance: Chance) -> tuple:
    """A light, seen by the first agent alone, shows what both are paid for. The first does what it shows; the second
    sees nothing of the light, nor of its partner: with what it sees nobody could earn more, so reacting is not
    missing."""
    game, lights = light_game(chance, agents=2, blind=1)
    action = int(chance.integers(lights))
    return game, policy(game, lambda agent, seen: action if agent else seen[0])


def _looked_at(game: FiniteGame, policies: np.ndarray) -> tuple:
    return stage(game, policies), game


def _left_or_right(chance: Chance, always_right: bool = False) -> FiniteGame:
    """A way with an aim at one end, seen as 0 (left) or 1 (right), and one's own place; stay, right, left."""
    length, pays = int(chance.integers(2, 5)), float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        aim, place, _ = state
        new = place + (0, 1, -1)[joint[0]]
        there = new == (length if aim else -length)
        if abs(new) > length:
            new = place
        return [(1.0, (aim, new, 0), pays if there else -0.1, there, there)]

    starts = [(1, place, 0) for place in (0, -1)] if always_right else [(0, 0, 0), (1, 0, 0)]
    return world((3, 2), starts, step, lambda state, agent: state[:2] if agent == 0 else (0,), 2 * length + 1)


def _following(chance: Chance) -> tuple[FiniteGame, int]:
    """The second agent sees what the first did last, and all earn if it does the same."""
    size, pays = int(chance.integers(2, 5)), float(chance.uniform(0.5, 5))

    def step(state, joint) -> Ways:
        same = joint[1] == state
        return [(1.0, joint[0], pays * same, False, bool(same))]

    def see(state, agent: int) -> tuple[int, ...]:
        return (state,) if agent else (0,)

    return world((size, size), list(range(size)), step, see, int(chance.integers(4, 10))), size


QUESTIONS = (
    Question(
        "closed loop",
        ask_closed_loop,
        (
            blind_to_the_light,
            random_under_the_light,
            never_turns_round,
            does_not_watch_its_partner,
            one_is_blind_to_the_light,
        ),
        (
            follows_the_light,
            the_light_means_nothing,
            nothing_to_see,
            mostly_follows_the_light,
            straight_on_is_right,
            turns_where_it_must,
        ),
    ),
    Question(
        "influence",
        ask_influence,
        (nobody_follows, deaf_to_signs, the_follower_is_random, walks_past_its_partner),
        (copycat, separate_tasks, a_convention_kept, copies_wrongly, tells_and_listens, cannot_see_the_sign),
    ),
)
