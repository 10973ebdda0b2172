"""Cases on stages: who adds what, whose place it is, who uses what it sees, and who knows strangers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from case import Case
from finite_games import make_game
from small_stages import PRESS, REST, acted, always, copying, one_shot, rooms, signals, staged

from coterie.diagnosis.closed_loop import closed_loop
from coterie.diagnosis.contribution import contribution
from coterie.diagnosis.identities import identities
from coterie.diagnosis.strangers import strangers
from coterie.finite.game import FiniteGame
from coterie.types import Finding

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
                ask = family(np.random.default_rng([seed, answer, 41]), answer)
                made.append(Case(diagnostic, family.__name__, seed, answer, ask))
    return made


def _teams(stage: Callable[[], object], ask: Callable[..., Finding]) -> Ask:
    return lambda: ask(stage())


def _loose(policy: np.ndarray, noise: float) -> np.ndarray:
    return (1 - noise) * policy + noise / policy.shape[2]


# Contribution: an agent that adds nothing, and teams of which everybody adds something


def sum_of_parts(draws: np.random.Generator, answer: bool) -> Ask:
    """Each agent that acts adds its own weight; the lazy one never acts."""
    agents = int(draws.integers(2, 5))
    weights = draws.uniform(0.5, 2.0, agents)
    game = one_shot(lambda *acts: float(np.dot(acts, weights)), (2,) * agents)
    team = [PRESS] * agents
    if answer:
        team[int(draws.integers(agents))] = REST
    return lambda: contribution(staged(game, always(game, *team)))


def busy_for_nothing(draws: np.random.Generator, answer: bool) -> Ask:
    """One agent acts all the time, but what it does has no effect on anybody."""
    agents, sizes = int(draws.integers(2, 4)), int(draws.integers(2, 4))
    useless = int(draws.integers(agents))
    game = one_shot(
        lambda *acts: float(sum(act > 0 for at, act in enumerate(acts) if at != useless)), (sizes,) * agents
    )
    policy = _loose(always(game, *(int(one) for one in draws.integers(1, sizes, agents))), 0.2)
    return lambda: contribution(staged(game, policy))


def in_the_way(draws: np.random.Generator, answer: bool) -> Ask:
    """What one agent does costs the team."""
    cost = float(draws.uniform(0.3, 2.0))
    game = one_shot(lambda a, b: 2.0 * a - cost * b, (2, 2))
    return lambda: contribution(staged(game, always(game, PRESS, PRESS)))


def enough_of_many(draws: np.random.Generator, answer: bool) -> Ask:
    """So many of the agents suffice, and all act: redundant, perhaps, but not lazy."""
    agents = int(draws.integers(2, 5))
    needed = int(draws.integers(1, agents + 1))
    game = one_shot(lambda *acts: float(sum(acts) >= needed), (2,) * agents)
    return lambda: contribution(staged(game, always(game, *(PRESS,) * agents)))


def lever(draws: np.random.Generator, answer: bool) -> Ask:
    """One agent opens the way with its first step and then stands still; or it never does, and is not needed either."""
    horizon = int(draws.integers(4, 12))
    ways = {}
    for a, b in product((0, 1), repeat=2):
        ways[0, (a, b)] = [(1.0, int(b or answer), 0.0, False, False)]
        ways[1, (a, b)] = [(1.0, 1, float(a), False, bool(a))]
    game = make_game((2, 2), ways, [((0,), (0,)), ((1,), (1,))], horizon=horizon)
    policy = always(game, PRESS, REST)
    if not answer:
        policy[1, 0] = (0, 1)
    return lambda: contribution(staged(game, policy))


def in_sampled_episodes(draws: np.random.Generator, answer: bool) -> Ask:
    """Two agents are paid together with a coin's noise, in sampled episodes; the second acts, or not."""
    noise, seed = float(draws.uniform(0.5, 3.0)), int(draws.integers(1_000))
    ways = {
        (0, (a, b)): [(0.5, 0, a + b + sign * noise, True, True) for sign in (1, -1)]
        for a, b in product((0, 1), repeat=2)
    }
    game = make_game((2, 2), ways, [((0,), (0,))], horizon=1)
    team = always(game, PRESS, REST if answer else PRESS)
    return lambda: contribution(acted(game, team, seed=seed))


# Identities: agents in each other's places


def own_action(draws: np.random.Generator, answer: bool) -> Ask:
    """Every place wants an action of its own; the agents know them all, but stand in an order of their own."""
    agents = int(draws.integers(2, 5))
    wanted = draws.permutation(agents)
    order = np.arange(agents)
    while answer and (order == np.arange(agents)).all():
        order = draws.permutation(agents)
    game = one_shot(lambda *acts: float((np.array(acts) == wanted).sum()), (agents,) * agents)
    policy = _loose(always(game, *wanted[order].tolist()), float(draws.uniform(0, 0.3)))
    return lambda: identities(staged(game, policy))


def _corridor(length: int, horizon: int) -> FiniteGame:
    places = list(product(range(length), repeat=2))
    number = {pair: at for at, pair in enumerate(places)}
    ways = {}
    for pair, acts in product(places, product((0, 1), repeat=2)):
        after = tuple(int(np.clip(cell + 2 * act - 1, 0, length - 1)) for cell, act in zip(pair, acts, strict=True))
        there = after == (length - 1, 0)
        ways[number[pair], acts] = [(1.0, number[after], 5.0 if there else -1.0, there, there)]
    seen = [((one,), (other,)) for one, other in places]
    return make_game((2, 2), ways, seen, horizon=horizon, starts=[(1.0, number[0, length - 1])])


def corridor(draws: np.random.Generator, answer: bool) -> Ask:
    """Two agents at the ends of a corridor want to change ends; they were trained for these ends, or the others."""
    length = int(draws.integers(3, 6))
    game = _corridor(length, 2 * length + int(draws.integers(4)))
    policy = _loose(always(game, *((0, 1) if answer else (1, 0))), float(draws.uniform(0, 0.2)))
    return lambda: identities(staged(game, policy))


def corridor_in_sampled_episodes(draws: np.random.Generator, answer: bool) -> Ask:
    """The same, by actors that slip, in 30 episodes."""
    length, seed = int(draws.integers(3, 5)), int(draws.integers(1_000))
    game = _corridor(length, 2 * length)
    policy = _loose(always(game, *((0, 1) if answer else (1, 0))), 0.2)
    return lambda: identities(acted(game, policy, seed=seed))


def alike(draws: np.random.Generator, answer: bool) -> Ask:
    """Equal agents, or a game to which it is all the same who does what."""
    size = int(draws.integers(2, 5))
    table = draws.normal(size=(size, size))
    game = one_shot(lambda a, b: float(table[a, b] + table[b, a]), (size, size))
    rows = draws.dirichlet(np.ones(size), 2)[:, None]
    return lambda: identities(staged(game, rows))


# Closed loop: who uses what it sees


def _naming(game: FiniteGame, share: float, turn: int = 0) -> np.ndarray:
    policy = always(game, 0, 0)
    for sight in range(game.actions[0]):
        policy[0, sight] = (1 - share) / game.actions[0]
        policy[0, sight, (sight + turn) % game.actions[0]] += share
    return policy


def signal(draws: np.random.Generator, answer: bool) -> Ask:
    """A signal that is worth naming: named with some chance, or never heeded."""
    game = signals(int(draws.integers(2, 5)), int(draws.integers(1, 5)), float(draws.uniform(0.5, 1.0)))
    blind = np.tile(draws.dirichlet(np.ones(game.actions[0])), (game.observation_count, 1))
    policy = _naming(game, float(draws.uniform(0.4, 1.0)))
    if answer:
        policy[0, :, : game.actions[0]] = blind
    return lambda: closed_loop(staged(game, policy), game)


def empty_signal(draws: np.random.Generator, answer: bool) -> Ask:
    """A signal that says nothing is rightly ignored."""
    game = signals(int(draws.integers(2, 4)), int(draws.integers(1, 5)), told=0.0)
    return lambda: closed_loop(staged(game, always(game, 1, 0)), game)


def wrong_way(draws: np.random.Generator, answer: bool) -> Ask:
    """An agent that names the wrong thing does use what it sees."""
    game = signals(int(draws.integers(2, 4)), int(draws.integers(1, 5)))
    return lambda: closed_loop(staged(game, _naming(game, float(draws.uniform(0.6, 1.0)), 1)), game)


def follower(draws: np.random.Generator, answer: bool) -> Ask:
    """The second agent is shown the first one's last action and paid for repeating it: it does, or is deaf."""
    actions, horizon = int(draws.integers(2, 5)), int(draws.integers(3, 8))
    game = copying(actions, horizon)
    policy = np.full((2, game.observation_count, actions), 1 / actions)
    if answer:
        policy[1] = draws.dirichlet(np.ones(actions))
    else:
        policy[1, :actions] = _loose(np.eye(actions)[None], float(draws.uniform(0, 0.5)))[0]
    return lambda: closed_loop(staged(game, policy), game)


def signal_in_sampled_episodes(draws: np.random.Generator, answer: bool) -> Ask:
    """Actors that name the signal, or always say the same, in 30 episodes."""
    game, seed = signals(int(draws.integers(2, 4)), 5), int(draws.integers(1_000))
    policy = always(game, int(draws.integers(game.actions[0])), 0) if answer else _naming(game, 0.8)
    return lambda: closed_loop(acted(game, policy, seed=seed), game)


def half_hearted_in_sampled_episodes(draws: np.random.Generator, answer: bool) -> Ask:
    """Actors that name the signal a little more often than chance would, or draw blindly, in 30 episodes of 8 steps."""
    game, seed = signals(2, 8), int(draws.integers(1_000))
    policy = _naming(game, 0.0 if answer else float(draws.uniform(0.25, 0.6)))
    return lambda: closed_loop(acted(game, policy, seed=seed), game)


# Strangers: who can play with whom


def conventions(draws: np.random.Generator, answer: bool) -> Ask:
    """Equally good conventions, of which each team has its own; or all have the same."""
    count, teams = int(draws.integers(2, 6)), int(draws.integers(2, 7))
    game = one_shot(lambda a, b: float(a == b), (count, count))
    picked = np.arange(teams) % count if answer else np.full(teams, int(draws.integers(count)))
    noise = float(draws.uniform(0, 0.2))
    policies = [_loose(always(game, int(one), int(one)), noise) for one in picked]
    return lambda: strangers(staged(game, *policies), "agree")


def three_agree(draws: np.random.Generator, answer: bool) -> Ask:
    """Three agents must agree."""
    game = one_shot(lambda a, b, c: float(a == b == c), (3, 3, 3))
    picked = (0, 1, 2) if answer else (1, 1, 1)
    policies = [_loose(always(game, one, one, one), float(draws.uniform(0, 0.1))) for one in picked]
    return lambda: strangers(staged(game, *policies), "agree")


def own_room(draws: np.random.Generator, answer: bool) -> Ask:
    """Teams go to a room each and know what to do in that one only, or in all."""
    count, depth = int(draws.integers(2, 5)), int(draws.integers(2, 5))
    game = rooms(count, depth)
    policies = []
    for room in range(count):
        policy = always(game, room, REST)
        known = range(count) if not answer else (room,)
        for one, step in product(known, range(depth)):
            policy[1, int(game.seen[1 + one * depth + step, 1])] = np.eye(game.actions[1])[PRESS]
        policies.append(policy)
    return lambda: strangers(staged(game, *policies), "open")


def readers(draws: np.random.Generator, answer: bool) -> Ask:
    """Teams that go by a signal that all can see need no convention."""
    game = signals(int(draws.integers(2, 4)), int(draws.integers(1, 4)))
    policies = [_naming(game, float(draws.uniform(0.8, 1.0))) for _ in range(int(draws.integers(2, 5)))]
    return lambda: strangers(staged(game, *policies), "name it")


def conventions_in_sampled_episodes(draws: np.random.Generator, answer: bool) -> Ask:
    """Three teams of actors that slip, in 15 episodes a pair."""
    game, seed = one_shot(lambda a, b: float(a == b), (3, 3)), int(draws.integers(1_000))
    policies = [_loose(always(game, one, one), 0.15) for one in ((0, 1, 2) if answer else (2, 2, 2))]
    return lambda: strangers(acted(game, *policies, episodes=15, seed=seed), "agree")


BOTH, YES, NO = (True, False), (True,), (False,)
FAMILIES: dict[str, list[tuple[Family, tuple[bool, ...]]]] = {
    "contribution": [
        (sum_of_parts, BOTH),
        (busy_for_nothing, YES),
        (in_the_way, YES),
        (enough_of_many, NO),
        (lever, BOTH),
        (in_sampled_episodes, BOTH),
    ],
    "identities": [(own_action, BOTH), (corridor, BOTH), (corridor_in_sampled_episodes, BOTH), (alike, NO)],
    "closed loop": [
        (signal, BOTH),
        (empty_signal, NO),
        (wrong_way, NO),
        (follower, BOTH),
        (signal_in_sampled_episodes, BOTH),
        (half_hearted_in_sampled_episodes, BOTH),
    ],
    "strangers": [
        (conventions, BOTH),
        (three_agree, BOTH),
        (own_room, BOTH),
        (readers, NO),
        (conventions_in_sampled_episodes, BOTH),
    ],
}
