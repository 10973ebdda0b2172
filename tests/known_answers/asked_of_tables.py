"""Gaps, shadowed optima, capabilities, the reward's own optimum, and coupling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from families import Chance, Question
from finite_games import CLIMBING, meeting_game
from worlds import Ways, corridor, episode, mostly, played_once, policy, world

from coterie.finite.game import FiniteGame
from coterie.finite.solve import uniform_policy
from coterie.types import Finding, Play


def ask_gaps(game: FiniteGame, policies: np.ndarray) -> Finding:
    """What is missing between what they earn and the joint optimum?"""
    from coterie.diagnosis.gaps import gaps

    return gaps(game, policies)


def ask_shadow(game: FiniteGame, policies: np.ndarray | None = None) -> Finding:
    """Does the best action look bad because of what partners do?"""
    from coterie.diagnosis.shadow import shadow

    return shadow(game, policies)


def ask_capability(game: FiniteGame) -> Finding:
    """Do agents of one kind have unlike controls?"""
    from coterie.diagnosis.capability import capability

    return capability(game)


def ask_audit(game: FiniteGame, discount: float) -> Finding:
    """Does the optimum of this reward succeed at all?"""
    from coterie.diagnosis.reward_audit import reward_audit

    return reward_audit(game, discount).finding


def ask_coupling(plays: list[Play], policy_of: Callable[[int, np.ndarray], np.ndarray]) -> Finding:
    """Do actions depend on each other beyond what is seen?"""
    from coterie.diagnosis.influence import coupling

    return coupling(plays, policy_of)


# --- gaps -------------------------------------------------------------------------------------------------------------


def climbing_half_way(chance: Chance) -> tuple:
    """The climbing game at (b, b), an equilibrium that earns 7 of 11, or at (c, c), where one alone could earn 6 of
    5."""
    game, order = _relabelled(chance, np.array(CLIMBING, float) * float(chance.uniform(0.5, 3)))
    chosen = 1 + int(chance.integers(2))
    return game, policy(game, lambda agent, seen: int(order[agent][chosen]))


def the_safe_equilibrium(chance: Chance) -> tuple:
    """The penalty game played safely: 2 where 10 can be had, and nobody alone can better it."""
    game, order = _relabelled(chance, _penalty(-float(chance.uniform(10, 100))))
    return game, policy(game, lambda agent, seen: int(order[agent][1]))


def any_choice_but_the_best(chance: Chance) -> tuple:
    """A matrix of random payoffs, and a joint action that earns at least a third less than the best."""
    size = int(chance.integers(2, 5))
    payoffs = chance.permutation(size * size).astype(float).reshape(size, size)
    worse = np.argwhere(payoffs < 2 / 3 * payoffs.max())
    chosen = worse[int(chance.integers(len(worse)))]
    game = played_once(payoffs)
    return game, policy(game, lambda agent, seen: int(chosen[agent]))


def random_in_a_corridor(chance: Chance) -> tuple:
    """They walk at random where all could walk straight to the aim."""
    length = int(chance.integers(2, 5))
    game = corridor(length, 2 * length, int(chance.integers(1, 3)), step=-1.0)
    return game, uniform_policy(game)


def turned_back_before_the_aim(chance: Chance) -> tuple:
    """They turn back one cell before the aim, each time."""
    length = int(chance.integers(2, 5))
    game = corridor(length, 3 * length, 2)
    return game, policy(game, lambda agent, seen: 1 if seen[0] < length - 1 else 2)


def climbing_at_the_top(chance: Chance) -> tuple:
    """The climbing game at (a, a): there is no more to be had."""
    game, order = _relabelled(chance, np.array(CLIMBING, float) * float(chance.uniform(0.5, 3)))
    return game, policy(game, lambda agent, seen: int(order[agent][0]))


def one_of_the_best(chance: Chance) -> tuple:
    """The penalty game at one of its two best equilibria; the other pays as much."""
    game, order = _relabelled(chance, _penalty(-float(chance.uniform(0, 100))))
    chosen = int(chance.choice([0, 2]))
    return game, policy(game, lambda agent, seen: int(order[agent][chosen]))


def straight_to_the_aim(chance: Chance) -> tuple:
    """A healthy team: straight to the aim, by a shortest way."""
    length = int(chance.integers(2, 5))
    game = corridor(length, 2 * length, int(chance.integers(1, 3)), step=-1.0)
    return game, policy(game, lambda agent, seen: 1)


def best_though_it_mixes(chance: Chance) -> tuple:
    """They mix actions that all earn the best there is: a mixed policy, and nothing is missing."""
    payoffs = np.array([[5, 5, 0], [5, 5, 0], [0, 0, 1.0]]) * float(chance.uniform(0.5, 3))
    game, order = _relabelled(chance, payoffs)
    share = float(chance.uniform(0.1, 0.9))

    def rule(agent: int, seen: tuple[int, ...]) -> np.ndarray:
        chances = np.zeros(3)
        chances[order[agent][0]], chances[order[agent][1]] = share, 1 - share
        return chances

    return game, policy(game, rule)


def best_in_bad_luck(chance: Chance) -> tuple:
    """Half of the time nothing comes of it, however they play; they play best, and earn half of the best outcome."""
    pays = float(chance.uniform(2, 10))

    def step(state, joint) -> Ways:
        earned = pays if joint == (1, 1) else 1.0 if joint == (0, 0) else 0.0
        return [(0.5, 0, 0.0, True, False), (0.5, 0, earned, True, joint == (1, 1))]

    game = world((2, 2), [0], step, lambda state, agent: (0,), 1)
    return game, policy(game, lambda agent, seen: 1 if pays > 1 else 0)


# --- shadowed optimum -------------------------------------------------------------------------------------------------


def climbing(chance: Chance) -> tuple:
    """Climbing: on average over partners c looks best, and the best joint action is (a, a); at (c, c) this costs 6 of
    11. Scaling, shifting and renaming change nothing."""
    payoffs = np.array(CLIMBING, float) * float(chance.uniform(0.2, 5)) + float(chance.uniform(-10, 10))
    return _relabelled(chance, payoffs)[0], None


def penalty(chance: Chance) -> tuple:
    """The penalty game with a penalty worse than -10: the safe action looks best on average, and costs 8 of 10."""
    return _relabelled(chance, _penalty(-float(chance.uniform(12, 100))))[0], None


def stag_hunt(chance: Chance) -> tuple:
    """Two or three agents hunt, gather or rest: if all hunt they get the stag, if only some do they are hurt; gathering
    is safe and looks better on average, although hunting together pays more."""
    agents, berries, hurt = int(chance.integers(2, 4)), float(chance.uniform(6, 9)), float(chance.uniform(5, 20))
    payoffs = np.zeros((3,) * agents)
    for joint in np.ndindex(payoffs.shape):
        hunting = joint.count(0)
        payoffs[joint] = 10.0 if hunting == agents else -hurt if hunting else berries * joint.count(1) / agents
    return _relabelled(chance, payoffs)[0], None


def partners_stay_in_the_middle(chance: Chance) -> tuple:
    """The penalty game without penalty, but the partners now play the middle: from what they do the middle looks best,
    and the best that can be had together pays five times as much."""
    game, order = _relabelled(chance, _penalty(0.0))
    share = float(chance.uniform(0.85, 0.98))
    return game, policy(game, lambda agent, seen: mostly(int(order[agent][1]), 3, share))


def no_penalty(chance: Chance) -> tuple:
    """The penalty game with no penalty: even on average the best actions look best."""
    return _relabelled(chance, _penalty(0.0) * float(chance.uniform(0.5, 5)))[0], None


def pure_coordination(chance: Chance) -> tuple:
    """All agree or nothing, and one agreement is the best: on average it looks best too."""
    size = int(chance.integers(2, 6))
    return _relabelled(chance, np.diag(1.0 + chance.permutation(size)))[0], None


def everybody_for_itself(chance: Chance) -> tuple:
    """What is earned is the sum of what each action is worth: the best action is best whatever the others do."""
    size = int(chance.integers(2, 5))
    one, other = chance.permutation(size), chance.permutation(size)
    return played_once((one[:, None] + other[None]).astype(float)), None


def partners_at_the_best(chance: Chance) -> tuple:
    """Agreement pays, one agreement most, and the partners are there: it looks best on average, and in fact."""
    game, order = _relabelled(chance, np.diag([5.0, 2.0, 1.0]))
    return game, policy(game, lambda agent, seen: mostly(int(order[agent][0]), 3, 0.9))


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


def _relabelled(chance: Chance, payoffs: np.ndarray) -> tuple[FiniteGame, list[np.ndarray]]:
    """A matrix game whose actions have new names; order[agent][old] is the new number of an action."""
    order = [chance.permutation(size) for size in payoffs.shape]
    renamed = np.empty_like(payoffs)
    renamed[np.ix_(*order)] = payoffs
    return played_once(renamed), order


def _penalty(k: float) -> np.ndarray:
    return np.array([[10, 0, k], [0, 2, 0], [k, 0, 10.0]])


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


def _shaped(length: int, closer: float, further: float, pays: float) -> FiniteGame:
    def step(state, joint) -> Ways:
        new = min(max(state + (0, 1, -1)[joint[0]], 0), length)
        there = new == length
        return [(1.0, new, pays if there else closer if new > state else further if new < state else 0.0, there, there)]

    return world((3, 2), [0], step, lambda state, agent: (state,) if agent == 0 else (0,), 20)


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
        "gaps",
        ask_gaps,
        (
            climbing_half_way,
            the_safe_equilibrium,
            any_choice_but_the_best,
            random_in_a_corridor,
            turned_back_before_the_aim,
        ),
        (climbing_at_the_top, one_of_the_best, straight_to_the_aim, best_though_it_mixes, best_in_bad_luck),
    ),
    Question(
        "shadowed optimum",
        ask_shadow,
        (climbing, penalty, stag_hunt, partners_stay_in_the_middle),
        (no_penalty, pure_coordination, everybody_for_itself, partners_at_the_best),
    ),
    Question(
        "capability",
        ask_capability,
        (mirrored_controls, exchanged_controls, one_slips, one_is_paid_for_it),
        (the_meeting_game, equal_walkers, all_slip, all_are_paid_for_it),
    ),
    Question(
        "reward audit",
        ask_audit,
        (waiting_pays_more, the_aim_costs, the_pit_is_cheaper, coming_closer_is_farmed),
        (the_aim_pays, waiting_pays_a_little, the_pit_is_dearer, closer_and_further_cancel),
    ),
    Question(
        "coupling",
        ask_coupling,
        (a_hidden_coin, never_the_same, two_of_three_share_a_coin, a_coin_beside_a_shared_light),
        (a_shared_light, coins_of_their_own, lights_of_their_own, always_the_same),
    ),
)
