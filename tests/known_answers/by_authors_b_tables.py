"""Cases on tables: who reacts, what ties actions, what is missing, what is in the shadow, and who can do the same."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from case import Case
from finite_games import make_game, matrix_table, meeting_game
from small_stages import always, copying, one_shot, signals

from coterie.diagnosis.capability import capability
from coterie.diagnosis.gaps import gaps
from coterie.diagnosis.influence import coupling, influence
from coterie.diagnosis.shadow import shadow
from coterie.finite.solve import fixed_policy
from coterie.types import Finding, Play

Ask = Callable[[], Finding]
Family = Callable[[np.random.Generator, bool], Ask]  # (draws, answer) -> what is asked


def cases(count: int) -> list[Case]:
    """For each diagnostic `count` cases of either answer; families take turns, two seeds (one of each parity) each."""
    made = []
    for diagnostic, families in FAMILIES.items():
        for answer in (True, False):
            fitting = [family for family, answers in families if answer in answers]
            for seed in range(count):
                family = fitting[seed // 2 % len(fitting)]
                ask = family(np.random.default_rng([seed, answer, 43]), answer)
                made.append(Case(diagnostic, family.__name__, seed, answer, ask))
    return made


# Influence: nobody reacts though it would pay


def leader_and_copycat(draws: np.random.Generator, answer: bool) -> Ask:
    """The second agent is paid for repeating what it sees: deaf, or a copycat that slips."""
    actions, horizon = int(draws.integers(2, 5)), int(draws.integers(3, 8))
    game, slip = copying(actions, horizon), float(draws.uniform(0, 0.6))
    policy = np.full((2, game.observation_count, actions), 1 / actions)
    if answer:
        policy[1] = draws.dirichlet(np.ones(actions))
    else:
        policy[1, :actions] = (1 - slip) * np.eye(actions) + slip / actions
    return lambda: influence(game, policy)


def set_in_its_ways(draws: np.random.Generator, answer: bool) -> Ask:
    """The leader always does the same and so does the follower, the right thing: nobody needs to react."""
    actions, horizon = int(draws.integers(2, 5)), int(draws.integers(3, 8))
    game, act = copying(actions, horizon), int(draws.integers(1, actions))
    game = game._replace(start_state=np.array([act], np.int32))
    return lambda: influence(game, always(game, act, (act + answer) % actions))


def set_in_its_wrong_ways(draws: np.random.Generator, answer: bool) -> Ask:
    """The follower always does the wrong thing. A fixed right one would do, so it is not reacting that is missing.

    (The answer was yes until the question was put more sharply: what counts is the gain of reacting to others.)
    """
    return set_in_its_ways(draws, True)


def own_task(draws: np.random.Generator, answer: bool) -> Ask:
    """Each has its own task, sees the other, and does its own in the best way."""
    agents, horizon = int(draws.integers(2, 4)), int(draws.integers(2, 6))
    joint = list(product((0, 1), repeat=agents))
    ways = {
        (state, acts): [(1.0, joint.index(acts), tuple(float(act) for act in acts), False, False)]
        for state in range(len(joint))
        for acts in joint
    }
    seen = [tuple((acts[(agent + 1) % agents],) for agent in range(agents)) for acts in joint]
    game = make_game((2,) * agents, ways, seen, horizon=horizon)
    return lambda: influence(game, always(game, *(1,) * agents))


def deaf_to_a_call(draws: np.random.Generator, answer: bool) -> Ask:
    """The first agent sees a coin and can call it; the second, who hears the call, must name the coin."""
    coins, loud = int(draws.integers(2, 4)), float(draws.uniform(0.7, 1.0))
    start, said = list(range(coins)), list(product(range(coins), repeat=2))
    ways = {}
    for coin, a, b in product(start, start, start):
        ways[coin, (a, b)] = [(1.0, coins + said.index((coin, a)), 0.0, False, False)]
    for at, (coin, _) in enumerate(said):
        for a, b in product(start, start):
            ways[coins + at, (a, b)] = [(1.0, 0, float(b == coin), True, b == coin)]
    quiet = (coins,)
    seen = [((coin,), quiet) for coin in start] + [(quiet, (call,)) for _, call in said]
    game = make_game((coins, coins), ways, seen, horizon=2, starts=[(1 / coins, coin) for coin in start])
    policy = np.full((2, game.observation_count, coins), 1 / coins)
    policy[0, :coins] = loud * np.eye(coins) + (1 - loud) / coins
    policy[1] = draws.dirichlet(np.ones(coins))
    if not answer:
        policy[1, :coins] = policy[0, :coins]
    return lambda: influence(game, policy)


# Coupling: ties beyond what is seen


def _episodes(
    draws: np.random.Generator, agents: int, chance: np.ndarray, tie: Callable[..., np.ndarray], plays: int, steps: int
) -> list[Play]:
    """Episodes of agents that all see one feature; tie(draws, feature, uniform float64[N]) may move the uniforms."""
    made = []
    for _ in range(plays):
        feature = draws.integers(len(chance), size=steps + 1)
        luck = np.stack([tie(draws, draws.random(agents)) for _ in range(steps)])
        steps_up = np.cumsum(chance[feature[:-1]], axis=1)
        actions = (luck[:, :, None] > steps_up[:, None, :-1]).sum(2).astype(np.int32)
        seen = feature[:, None].astype(np.int32)
        boards, rewards = np.empty((steps + 1, 0, 0), np.uint8), np.zeros((steps, agents))
        made.append(Play(feature, boards, actions, rewards, False, False, 0, (seen,) * agents))
    return made


def _coupled(
    draws: np.random.Generator, tie: Callable[..., np.ndarray], agents: int = 2, sharp: float = 1.0, steps: int = 25
) -> Ask:
    chance = draws.dirichlet(np.full(int(draws.integers(2, 4)), sharp), int(draws.integers(1, 4)))
    chance = 0.8 * chance + 0.2 / chance.shape[1]
    plays = _episodes(draws, agents, chance, tie, int(draws.integers(12, 24)), steps)
    return lambda: coupling(plays, lambda agent, observation: chance[int(observation[0])])


def common_coin(draws: np.random.Generator, answer: bool) -> Ask:
    """The agents share their luck most of the time, or never."""
    share = float(draws.uniform(0.6, 1.0)) if answer else 0.0
    return _coupled(draws, lambda random, luck: np.full_like(luck, luck[0]) if random.random() < share else luck)


def opposite_coin(draws: np.random.Generator, answer: bool) -> Ask:
    """The second agent's luck is the other side of the first one's."""

    def tie(random: np.random.Generator, luck: np.ndarray) -> np.ndarray:
        return np.array([luck[0], 1 - luck[0]]) if answer else luck

    return _coupled(draws, tie, sharp=5.0)


def two_of_three(draws: np.random.Generator, answer: bool) -> Ask:
    """Two of three agents share their luck."""

    def tie(random: np.random.Generator, luck: np.ndarray) -> np.ndarray:
        return luck[[0, 1, 1]] if answer else luck

    return _coupled(draws, tie, agents=3)


def one_feature(draws: np.random.Generator, answer: bool) -> Ask:
    """Memoryless agents that go strongly by one shared feature look coordinated, and are not."""
    return _coupled(draws, lambda random, luck: luck, sharp=0.2)


# Gaps: something is missing from the optimum


def matrix(draws: np.random.Generator, answer: bool) -> Ask:
    """A joint action of a matrix game that is the best, or is worth at least a tenth of the range less."""
    pays = np.round(draws.normal(size=(int(draws.integers(2, 5)), int(draws.integers(2, 5)))) * 10)
    pays.flat[int(draws.integers(pays.size))] = pays.max() + 3
    game, order = matrix_table(pays.tolist()), np.argsort(pays, axis=None)
    worse = [at for at in order if pays.max() - pays.flat[at] > 0.1 * np.ptp(pays)]
    at = int(draws.choice(worse)) if answer else int(order[-1])
    acts = np.array(np.unravel_index(at, pays.shape))
    return lambda: gaps(game, fixed_policy(game, acts[:, None]))


def told(draws: np.random.Generator, answer: bool) -> Ask:
    """A signal that is named each time, or only sometimes."""
    game = signals(int(draws.integers(2, 5)), int(draws.integers(1, 5)))
    share = float(draws.uniform(0, 0.8)) if answer else 1.0
    policy = always(game, 0, 0)
    policy[0, : game.actions[0]] = share * np.eye(game.actions[0]) + (1 - share) / game.actions[0]
    return lambda: gaps(game, policy)


def untold(draws: np.random.Generator, answer: bool) -> Ask:
    """A signal that is not shown at all: whoever names it earns less than one who knew."""
    game = signals(int(draws.integers(2, 5)), int(draws.integers(1, 3)), told=0.0)
    return lambda: gaps(game, always(game, 1, 0))


def meeting(draws: np.random.Generator, answer: bool) -> Ask:
    """Two agents from the corners of a small grid meet half way in a third corner, or walk on one after the other."""
    size = int(draws.integers(2, 4))
    game = meeting_game(size, horizon=4 * size)
    cells = np.arange(game.observation_count)
    down = np.where(cells // size < size - 1, 2, 0)  # down to the last row, then right
    up = np.where(cells // size > 0, 3, 1)  # up to the first row, then left
    return lambda: gaps(game, fixed_policy(game, np.stack([down, down if answer else _to_meet(size, up)])))


def _to_meet(size: int, up: np.ndarray) -> np.ndarray:
    """Left along the last row, into the corner that the first agent comes down to in as many steps."""
    return np.where(np.arange(len(up)) // size == size - 1, 1, up)


# Shadowed optima


def _cost(pays: np.ndarray) -> float:
    """What choosing by plain averages gives away, for the agent for whom it is most."""
    costs = []
    for axis in range(pays.ndim):
        table = np.moveaxis(pays, axis, 0).reshape(pays.shape[axis], -1)
        mean, best = table.mean(1), table.max(1)
        costs.append(best.max() - max(best[mean > mean.max() - 1e-9]))
    return float(max(costs))


def _shadowed(draws: np.random.Generator, answer: bool, shape: tuple[int, ...]) -> np.ndarray:
    while True:
        pays = np.round(draws.normal(size=shape) * 10)
        if (_cost(pays) >= 1) == answer:
            return pays


def random_matrix(draws: np.random.Generator, answer: bool) -> Ask:
    """Any payoffs of two agents."""
    pays = _shadowed(draws, answer, (int(draws.integers(2, 5)), int(draws.integers(2, 5))))
    return lambda: shadow(matrix_table(pays.tolist()))


def three_agents(draws: np.random.Generator, answer: bool) -> Ask:
    """Any payoffs of three agents."""
    pays = _shadowed(draws, answer, (2, 3, 2))
    return lambda: shadow(one_shot(lambda *acts: float(pays[acts]), pays.shape))


def ring_of_penalties(draws: np.random.Generator, answer: bool) -> Ask:
    """The best cell of all stands among penalties, or among mere nothings."""
    size, best = int(draws.integers(3, 5)), float(draws.uniform(8, 12))
    pays = np.full((size, size), 0.0)
    pays[-1] = pays[:, -1] = 2.0
    pays[0] = pays[:, 0] = -float(draws.uniform(10, 100)) if answer else 1.0
    pays[0, 0] = best
    if not answer:
        pays[-1] = pays[:, -1] = 0.5
    return lambda: shadow(matrix_table(pays.tolist()))


def after_a_walk(draws: np.random.Generator, answer: bool) -> Ask:
    """Some harmless steps, then a matrix game."""
    pays, steps = _shadowed(draws, answer, (3, 3)), int(draws.integers(1, 4))
    ways = {}
    for at, acts in product(range(steps + 1), product(range(3), repeat=2)):
        last = at == steps
        ways[at, acts] = [(1.0, min(at + 1, steps), float(pays[acts]) if last else 0.0, last, False)]
    game = make_game((3, 3), ways, [((at,), (at,)) for at in range(steps + 1)], horizon=steps + 1)
    return lambda: shadow(game)


# Capability: equal spaces, unlike bodies


def slips(draws: np.random.Generator, answer: bool) -> Ask:
    """Agents move by their action but slip with a chance: the same for all, or one's own is at least 0.1 more."""
    agents, size = int(draws.integers(2, 4)), 2
    slip = np.full(agents, float(draws.uniform(0, 0.3)))
    if answer:
        slip[int(draws.integers(agents))] += float(draws.uniform(0.1, 0.5))
    places = list(product(range(size), repeat=agents))
    ways = {}
    for at, acts in product(range(len(places)), product(range(size), repeat=agents)):
        landed = []
        for after in places:
            chance = float(np.prod([1 - s if act == to else s for act, to, s in zip(acts, after, slip, strict=True)]))
            if chance:
                landed.append((chance, places.index(after), float(len(set(after)) == 1), False, False))
        ways[at, acts] = landed
    game = make_game((size,) * agents, ways, [tuple((one,) for one in place) for place in places], horizon=3)
    return lambda: capability(game)


def own_controls(draws: np.random.Generator, answer: bool) -> Ask:
    """Two agents on a grid, the second one's controls mirrored, or not."""
    size, sees = int(draws.integers(2, 4)), str(draws.choice(["own", "all"]))
    return lambda: capability(meeting_game(size, sees=sees, mirrored=answer, random_starts=True))


def own_payoffs(draws: np.random.Generator, answer: bool) -> Ask:
    """A matrix game that pays the same with the agents exchanged, or not."""
    size = int(draws.integers(2, 5))
    pays = np.round(draws.normal(size=(size, size)) * 5)
    pays = pays + pays.T
    if answer:
        pays[0, 1] += 3.0
    return lambda: capability(matrix_table(pays.tolist()))


def own_wage(draws: np.random.Generator, answer: bool) -> Ask:
    """Agents are paid for their own action: at one rate, or one of them at another."""
    agents = int(draws.integers(2, 4))
    rate = np.full(agents, float(draws.integers(1, 5)))
    if answer:
        rate[-1] *= 2
    ways = {
        (0, acts): [(1.0, 0, tuple((rate * acts).tolist()), True, False)] for acts in product((0, 1), repeat=agents)
    }
    game = make_game((2,) * agents, ways, [((0,),) * agents], horizon=1)
    return lambda: capability(game)


BOTH, YES, NO = (True, False), (True,), (False,)
FAMILIES: dict[str, list[tuple[Family, tuple[bool, ...]]]] = {
    "influence": [
        (leader_and_copycat, BOTH),
        (set_in_its_ways, NO),
        (set_in_its_wrong_ways, NO),
        (own_task, NO),
        (deaf_to_a_call, BOTH),
    ],
    "coupling": [(common_coin, BOTH), (opposite_coin, BOTH), (two_of_three, BOTH), (one_feature, NO)],
    "gaps": [(matrix, BOTH), (told, BOTH), (untold, YES), (meeting, BOTH)],
    "shadowed optimum": [
        (random_matrix, BOTH),
        (three_agents, BOTH),
        (ring_of_penalties, BOTH),
        (after_a_walk, BOTH),
    ],
    "capability": [(slips, BOTH), (own_controls, BOTH), (own_payoffs, BOTH), (own_wage, BOTH)],
}
