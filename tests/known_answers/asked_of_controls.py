"""Capabilities, and coupling: unlike controls, and actions that depend on each other beyond what is seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from families import Chance, Question
from finite_games import meeting_game
from worlds import Ways, episode, mostly, world

from coterie.finite.game import FiniteGame
from coterie.types import Finding, Play


def ask_capability(game: FiniteGame) -> Finding:
    """Do agents of one kind have unlike controls?"""
    from coterie.diagnosis.capability import capability

    return capability(game)


def ask_coupling(plays: list[Play], policy_of: Callable[[int, np.ndarray], np.ndarray]) -> Finding:
    """Do actions depend on each other beyond what is seen?"""
    from coterie.diagnosis.influence import coupling

    return coupling(plays, policy_of)


# --- capability -------------------------------------------------------------------------------------------------------


def mirrored_controls(chance: Chance) -> tuple:
    """The meeting game in which right and left, up and down of the second agent are exchanged."""
    size = int(chance.integers(2, 4))
    sees, starts = ("own", "all")[int(chance.integers(2))], bool(chance.integers(2))
    return (meeting_game(size, horizon=6, mirrored=True, sees=sees, random_starts=starts),)


def exchanged_controls(chance: Chance) -> tuple:
    """Everybody walks on a ring of its own, and two of one agent's actions are exchanged."""
    odd = int(chance.integers(2))
    return (_rings(chance, lambda agent, action: ({0: 0, 1: 2, 2: 1}[action] if agent == odd else action, 1.0)),)


def one_slips(chance: Chance) -> tuple:
    """One agent's steps fail in a good part of all cases, the others' never."""
    odd, sure = int(chance.integers(2)), float(chance.uniform(0.3, 0.7))
    return (_rings(chance, lambda agent, action: (action, sure if agent == odd else 1.0)),)


def one_is_paid_for_it(chance: Chance) -> tuple:
    """One agent earns something by stepping to the right, and the others do not by the same step in the same place."""
    odd = int(chance.integers(2))
    return (
        _rings(chance, lambda agent, action: (action, 1.0), lambda agent, action: float(agent == odd and action == 1)),
    )


def the_meeting_game(chance: Chance) -> tuple:
    """The meeting game: equal controls."""
    size = int(chance.integers(2, 4))
    sees, starts = ("own", "all")[int(chance.integers(2))], bool(chance.integers(2))
    return (meeting_game(size, horizon=6, sees=sees, random_starts=starts),)


def equal_walkers(chance: Chance) -> tuple:
    """Everybody walks on a ring of its own by equal rules."""
    return (_rings(chance, lambda agent, action: (action, 1.0)),)


def all_slip(chance: Chance) -> tuple:
    """Everybody's steps fail equally often: chance, and no difference."""
    sure = float(chance.uniform(0.3, 0.9))
    return (_rings(chance, lambda agent, action: (action, sure)),)


def all_are_paid_for_it(chance: Chance) -> tuple:
    """Everybody earns by stepping to the right, each for itself."""
    return (_rings(chance, lambda agent, action: (action, 1.0), lambda agent, action: float(action == 1)),)


# --- coupling ---------------------------------------------------------------------------------------------------------


def a_hidden_coin(chance: Chance) -> tuple:
    """Both agents follow a coin that nobody else sees: each of them alone plays at random, together always alike."""
    size, noise = int(chance.integers(2, 4)), float(chance.uniform(0, 0.3))

    def act(random: np.random.Generator, sights: np.ndarray) -> list[int]:
        coin = int(random.integers(size))
        return [coin if random.random() > noise else int(random.integers(size)) for _ in range(2)]

    return _recorded(chance, 2, act, lambda agent, seen: np.full(size, 1 / size))


def never_the_same(chance: Chance) -> tuple:
    """By a hidden agreement one does what the other does not, in four steps of five or more."""
    apart = float(chance.uniform(0.8, 1.0))

    def act(random: np.random.Generator, sights: np.ndarray) -> list[int]:
        one = int(random.integers(2))
        return [one, 1 - one if random.random() < apart else one]

    return _recorded(chance, 2, act, lambda agent, seen: np.full(2, 0.5))


def two_of_three_share_a_coin(chance: Chance) -> tuple:
    """Two of three agents share a hidden coin; the third has its own."""
    pair = chance.permutation(3)[:2]

    def act(random: np.random.Generator, sights: np.ndarray) -> list[int]:
        actions = random.integers(2, size=3)
        actions[pair[1]] = actions[pair[0]]
        return actions.tolist()

    return _recorded(chance, 3, act, lambda agent, seen: np.full(2, 0.5))


def a_coin_beside_a_shared_light(chance: Chance) -> tuple:
    """Both see a light and lean towards what it shows, and beyond that they share a hidden coin."""
    lean = float(chance.uniform(0.6, 0.7))

    def act(random: np.random.Generator, sights: np.ndarray) -> list[int]:
        follow = random.random() < lean
        return [int(seen if follow else 1 - seen) for seen in sights]

    return _recorded(chance, 2, act, lambda agent, seen: mostly(int(seen[0]), 2, lean), shared=True)


def coins_of_their_own(chance: Chance) -> tuple:
    """Everybody draws for itself from the same skewed chances."""
    agents, chances = int(chance.integers(2, 4)), chance.dirichlet(np.full(3, 2.0))

    def act(random: np.random.Generator, sights: np.ndarray) -> list[int]:
        return [int(random.choice(3, p=chances)) for _ in range(agents)]

    return _recorded(chance, agents, act, lambda agent, seen: chances)


def a_shared_light(chance: Chance) -> tuple:
    """Memoryless agents react to one light that all see: their actions agree because of it and nothing else."""
    agents, share = int(chance.integers(2, 4)), float(chance.uniform(0.7, 1.0))

    def act(random: np.random.Generator, sights: np.ndarray) -> list[int]:
        return [int(random.choice(2, p=mostly(int(seen), 2, share))) for seen in sights]

    return _recorded(chance, agents, act, lambda agent, seen: mostly(int(seen[0]), 2, share), shared=True)


def lights_of_their_own(chance: Chance) -> tuple:
    """Everybody reacts to a light of its own."""
    share = float(chance.uniform(0.7, 1.0))

    def act(random: np.random.Generator, sights: np.ndarray) -> list[int]:
        return [int(random.choice(2, p=mostly(int(seen), 2, share))) for seen in sights]

    return _recorded(chance, 2, act, lambda agent, seen: mostly(int(seen[0]), 2, share))


def always_the_same(chance: Chance) -> tuple:
    """Both do one thing always, as their policies say: actions agree in every step, and there is nothing to explain."""
    chosen = int(chance.integers(2))
    return _recorded(chance, 2, lambda random, sights: [chosen, chosen], lambda agent, seen: np.eye(2)[chosen])


def _rings(chance: Chance, moved, paid=lambda agent, action: 0.0) -> FiniteGame:
    """Two or three agents, each on a ring of its own: moved(agent, action) -> (action really taken, how surely)."""
    agents = 2 if chance.random() < 0.7 else 3
    size = int(chance.integers(3, 6)) if agents == 2 else 3

    def step(state, joint) -> Ways:
        ways = [(1.0, ())]
        for agent, action in enumerate(joint):
            taken, sure = moved(agent, action)
            new = (state[agent] + (0, 1, -1)[taken]) % size
            outcomes = [(1.0, new)] if sure == 1.0 or new == state[agent] else [(sure, new), (1 - sure, state[agent])]
            ways = [(chance * p, (*places, place)) for chance, places in ways for p, place in outcomes]
        rewards = tuple(paid(agent, action) for agent, action in enumerate(joint))
        return [(chance, places, rewards, False, False) for chance, places in ways]

    starts = [tuple(places) for places in np.ndindex((size,) * agents)]
    return world((3,) * agents, starts, step, lambda state, agent: (state[agent],), 5)


def _recorded(chance: Chance, agents: int, act, policy_of, shared: bool = False) -> tuple:
    """Episodes of agents that each see a light, all the same one where it is shared."""
    plays = []
    for team in range(int(chance.integers(6, 11))):
        steps = int(chance.integers(40, 60))
        sights = chance.integers(2, size=(steps + 1, 1 if shared else agents)) * np.ones((1, agents), int)
        actions = np.array([act(chance, sights[step]) for step in range(steps)])
        plays.append(
            episode(
                np.arange(steps + 1),
                np.zeros((steps, agents)),
                actions=actions,
                team=team,
                observations=tuple(sights[:, [agent]] for agent in range(agents)),
            )
        )
    return plays, policy_of


QUESTIONS = (
    Question(
        "capability",
        ask_capability,
        (mirrored_controls, exchanged_controls, one_slips, one_is_paid_for_it),
        (the_meeting_game, equal_walkers, all_slip, all_are_paid_for_it),
    ),
    Question(
        "coupling",
        ask_coupling,
        (a_hidden_coin, never_the_same, two_of_three_share_a_coin, a_coin_beside_a_shared_light),
        (a_shared_light, coins_of_their_own, lights_of_their_own, always_the_same),
    ),
)
