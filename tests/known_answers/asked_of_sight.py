"""Closed loop, strangers and influence: agents that look or do not look, and agents that only know each other."""

from __future__ import annotations

import numpy as np
from families import Chance, Question
from finite_games import meeting_game
from worlds import WORD, Ways, mostly, played_once, policy, stage, world

from coterie.finite.game import FiniteGame
from coterie.finite.solve import uniform_policy
from coterie.running.stage import Stage
from coterie.types import Finding


def ask_closed_loop(where: Stage, game: FiniteGame) -> Finding:
    """Do agents use what they see?"""
    from coterie.diagnosis.closed_loop import closed_loop

    return closed_loop(where, game)


def ask_strangers(where: Stage) -> Finding:
    """Do they only know each other?"""
    from coterie.diagnosis.strangers import strangers

    return strangers(where, WORD)


def ask_influence(game: FiniteGame, policies: np.ndarray) -> Finding:
    """Does nobody react to anybody although it would pay?"""
    from coterie.diagnosis.influence import influence

    return influence(game, policies)


# --- closed loop ------------------------------------------------------------------------------------------------------


def blind_to_the_light(chance: Chance) -> tuple:
    """A light shows what pays, all see it, and all do always the same."""
    game, lights = _lights(chance)
    action = int(chance.integers(lights))
    return _looked_at(game, policy(game, lambda agent, seen: action))


def one_is_blind_to_the_light(chance: Chance) -> tuple:
    """Everybody but one does what the light shows; that one does always the same."""
    game, lights = _lights(chance)
    blind, action = int(chance.integers(len(game.actions))), int(chance.integers(lights))
    return _looked_at(game, policy(game, lambda agent, seen: action if agent == blind else seen[0]))


def random_under_the_light(chance: Chance) -> tuple:
    """A light shows what pays, and everybody plays at random whatever it shows."""
    game, _ = _lights(chance)
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
    game, _ = _lights(chance)
    return _looked_at(game, policy(game, lambda agent, seen: seen[0]))


def mostly_follows_the_light(chance: Chance) -> tuple:
    """Everybody does what the light shows in three or four steps of five: it is used, if not perfectly."""
    game, lights = _lights(chance)
    share = float(chance.uniform(0.75, 0.9))
    return _looked_at(game, policy(game, lambda agent, seen: mostly(seen[0], lights, share)))


def nothing_to_see(chance: Chance) -> tuple:
    """Everybody sees the same thing all the time, so that there is nothing to use, played well or badly."""
    payoffs = chance.permutation(9).reshape(3, 3).astype(float)
    game, chosen = played_once(payoffs), chance.integers(3, size=2)
    return _looked_at(game, policy(game, lambda agent, seen: int(chosen[agent])))


def the_light_means_nothing(chance: Chance) -> tuple:
    """One action is right whatever the light shows, and everybody takes it: to look at the light could not pay."""
    game, _ = _lights(chance, meaningless=True)
    return _looked_at(game, policy(game, lambda agent, seen: 0))


def straight_on_is_right(chance: Chance) -> tuple:
    """The agent goes right everywhere, and everywhere right is best: nothing that it sees could teach it better."""
    game = _left_or_right(chance, always_right=True)
    return _looked_at(game, policy(game, lambda agent, seen: 1))


def turns_where_it_must(chance: Chance) -> tuple:
    """The aim lies to the left or to the right, visibly, and the agent goes there."""
    game = _left_or_right(chance)
    return _looked_at(game, policy(game, lambda agent, seen: 1 if agent or seen[0] else 2))


# --- strangers --------------------------------------------------------------------------------------------------------


def conventions(chance: Chance) -> tuple:
    """K actions are equally good if all choose the same; every team has chosen, not all alike: with strangers one in K
    or so succeeds."""
    size, agents = int(chance.integers(2, 5)), int(chance.integers(2, 4))
    payoffs = np.zeros((size,) * agents)
    payoffs[(np.arange(size),) * agents] = float(chance.uniform(1, 10))
    game = played_once(payoffs)
    chosen = _not_alike(chance, size)
    return (stage(game, *[policy(game, lambda a, s, one=one: int(one)) for one in chosen]),)


def codes(chance: Chance) -> tuple:
    """One agent sees a light and gives a sign, the other sees the sign and acts; every team has a code of its own."""
    size, teams = int(chance.integers(3, 5)), int(chance.integers(3, 6))
    game = _signs(size, chance)
    shift = _not_alike(chance, size, teams)
    return (stage(game, *[_code(game, size, int(one)) for one in shift]),)


def right_and_left_of_the_way(chance: Chance) -> tuple:
    """Two agents come towards each other and pass if both keep to the same hand; some teams keep right, some left."""
    game = _passing(chance)
    hands = _not_alike(chance, 2, int(chance.integers(3, 7)))
    return (stage(game, *[policy(game, lambda a, s, hand=hand: int(hand)) for hand in hands]),)


def own_paths_only(chance: Chance) -> tuple:
    """The first agent chooses one of several ways, which both then walk; everybody knows what to do on the way of its
    own team and has hardly ever been on another: coverage, not convention."""
    ways, teams = int(chance.integers(2, 4)), int(chance.integers(3, 6))
    game = _routes(chance, ways)
    own = _not_alike(chance, ways, teams)
    return (stage(game, *[_on_route(game, int(one), {int(one)}) for one in own]),)


def one_convention_for_all(chance: Chance) -> tuple:
    """A healthy case: all teams have chosen the same action."""
    size = int(chance.integers(2, 5))
    game, chosen = played_once(np.eye(size)), int(chance.integers(size))
    return (stage(game, *[policy(game, lambda a, s: chosen)] * int(chance.integers(3, 6))),)


def all_know_all_paths(chance: Chance) -> tuple:
    """Every team prefers a way of its own, but everybody knows what to do on all of them."""
    ways, teams = int(chance.integers(2, 4)), int(chance.integers(3, 6))
    game = _routes(chance, ways)
    return (stage(game, *[_on_route(game, int(one), set(range(ways))) for one in _not_alike(chance, ways, teams)]),)


def strangers_read_signs(chance: Chance) -> tuple:
    """One agent gives a sign and the other acts on it; all teams use the same code."""
    size = int(chance.integers(3, 5))
    game, shift = _signs(size, chance), int(chance.integers(size))
    return (stage(game, *[_code(game, size, shift)] * int(chance.integers(3, 6))),)


def nobody_knows_anybody(chance: Chance) -> tuple:
    """All teams play at random, with each other as badly as with strangers: that is another fault."""
    size = int(chance.integers(2, 5))
    game = played_once(np.eye(size))
    return (stage(game, *[uniform_policy(game)] * int(chance.integers(3, 6))),)


def tasks_of_their_own(chance: Chance) -> tuple:
    """Everybody does what the light shows, some teams a little less surely; nobody needs to know anybody."""
    game, _ = _lights(chance)
    teams = []
    for _ in range(int(chance.integers(3, 6))):
        share = float(chance.uniform(0.97, 1.0))
        teams.append(policy(game, lambda a, s, share=share: mostly(s[0], game.actions[0], share)))
    return (stage(game, *teams),)


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
    game, action = _signs(size, chance), int(chance.integers(size))
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
    game = _signs(size, chance)
    return game, _code(game, size, int(chance.integers(size)))


def separate_tasks(chance: Chance) -> tuple:
    """Everybody does what the light shows, perfectly; nobody needs anybody."""
    game, _ = _lights(chance)
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
    game, lights = _lights(chance, agents=2, blind=1)
    action = int(chance.integers(lights))
    return game, policy(game, lambda agent, seen: action if agent else seen[0])


def _looked_at(game: FiniteGame, policies: np.ndarray) -> tuple:
    return stage(game, policies), game


def _lights(chance: Chance, meaningless: bool = False, agents: int = 0, blind: int = -1) -> tuple[FiniteGame, int]:
    """A light changes at random; all but one that is blind see it, and everybody who does what it shows (or action 0)
    earns something for all."""
    lights, pays = int(chance.integers(2, 5)), float(chance.uniform(0.5, 5))
    agents = agents or int(chance.integers(2, 4))

    def step(state, joint) -> Ways:
        right = sum(action == (0 if meaningless else state) for action in joint)
        return [(1 / lights, after, pays * right, False, right == agents) for after in range(lights)]

    size = range(lights)
    return world(
        (lights,) * agents,
        list(size),
        step,
        lambda state, agent: (0 if agent == blind else state,),
        int(chance.integers(2, 7)),
    ), lights


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


def _signs(size: int, chance: Chance) -> FiniteGame:
    """A light, seen by the first agent; its sign (an action), seen by the second; all earn if that one then acts as the
    light had shown. Agents see (stage of the game, light or sign)."""
    pays = float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        if state[0] == 0:
            return [(1.0, (1, state[1], joint[0]), 0.0, False, False)]
        right = joint[1] == state[1]
        return [(1.0, state, pays * right, True, bool(right))]

    def see(state, agent: int) -> tuple[int, ...]:
        if state[0] == 0:
            return (0, state[1] if agent == 0 else 0)
        return (1, state[2] if agent == 1 else 0)

    return world((size, size), [(0, light, 0) for light in range(size)], step, see, 2)


def _code(game: FiniteGame, size: int, shift: int) -> np.ndarray:
    def rule(agent: int, seen: tuple[int, ...]) -> int:
        if agent == 0:
            return (seen[1] + shift) % size if seen[0] == 0 else 0
        return (seen[1] - shift) % size if seen[0] == 1 else 0

    return policy(game, rule)


def _passing(chance: Chance) -> FiniteGame:
    """Keep right or keep left: they pass if both do the same, and otherwise lose a step and try again, twice or so."""
    cost, pays = -float(chance.uniform(1, 3)), float(chance.uniform(5, 10))

    def step(state, joint) -> Ways:
        passed = joint[0] == joint[1]
        return [(1.0, state, pays if passed else cost, passed, passed)]

    return world((2, 2), [0], step, lambda state, agent: (0,), int(chance.integers(1, 4)))


def _routes(chance: Chance, ways: int) -> FiniteGame:
    """The first agent chooses a way; on way w both must take action w in every step, or all is lost. Seen: way,
    place."""
    length, pays = int(chance.integers(2, 4)), float(chance.uniform(1, 10))

    def step(state, joint) -> Ways:
        way, place = state
        if way == ways:
            return [(1.0, (joint[0], 0), 0.0, False, False)]
        good = joint == (way, way)
        there = good and place + 1 == length
        return [(1.0, (way, place + 1), pays if there else 0.0, there or not good, there)]

    return world((ways, ways), [(ways, 0)], step, lambda state, agent: state, length + 1)


def _on_route(game: FiniteGame, own: int, known: set[int]) -> np.ndarray:
    ways = game.actions[0]
    return policy(game, lambda agent, seen: own if seen[0] == ways or seen[0] not in known else seen[0])


def _not_alike(chance: Chance, size: int, teams: int = 4) -> np.ndarray:
    """What each of some teams has chosen of `size` things: as evenly as can be, so not all alike."""
    return chance.permutation(np.arange(teams) % size)


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
        "strangers",
        ask_strangers,
        (conventions, own_paths_only, codes, right_and_left_of_the_way),
        (one_convention_for_all, all_know_all_paths, nobody_knows_anybody, strangers_read_signs, tasks_of_their_own),
    ),
    Question(
        "influence",
        ask_influence,
        (nobody_follows, deaf_to_signs, the_follower_is_random, walks_past_its_partner),
        (copycat, separate_tasks, a_convention_kept, copies_wrongly, tells_and_listens, cannot_see_the_sign),
    ),
)
