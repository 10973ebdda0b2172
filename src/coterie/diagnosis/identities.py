"""Do agents do better in each other's places? Swapped identities."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations, product

import numpy as np

from coterie.diagnosis.paired import CHANCE, FEWEST_EPISODES, effect, listed, scale, whole_episode
from coterie.running.stage import ActorStage, Part, Stage, TableStage, own_cast
from coterie.statistics import holm, paired_p
from coterie.types import Finding, Picture

LEAST_GAIN = 0.01  # of the size of what is earned: a smaller gain is not worth a swap
ALL_ORDERS = 4  # agents of one kind up to which every order is tried; beyond, every swap of two


def identities(stage: Stage, team: int = 0) -> Finding:
    """Whether agents of one kind do better in each other's places.

    gain = max over orders s other than the own of J(pi_s(1), …, pi_s(N)) - J(pi_1, …, pi_N), team-mean returns, where
    agent s(i) acts in place i with what is seen there. yes: the gain is above 1 % of what is earned; on a sampled stage
    also p < 0.05, Holm over the orders. Left out: swaps between kinds, whose actions and observations differ.
    """
    orders = [order for order in _orders(_kinds(stage), len(stage.agents)) if order != tuple(range(len(stage.agents)))]
    if not orders:
        return Finding("identities", "cannot tell", "No two agents are of one kind, so none can take another's place.")
    own = stage.score(own_cast(stage, team)).team
    if not stage.exact and len(own) < FEWEST_EPISODES:
        return Finding("identities", "cannot tell", f"{len(own)} episodes are too few to compare places.")
    gains = np.stack([stage.score([Part(team, agent) for agent in order]).team - own for order in orders])
    best = int(gains.mean(1).argmax())
    size = effect(gains[best], stage.exact)
    p = None if stage.exact else float(holm([paired_p(gain) for gain in gains])[best])
    margin = LEAST_GAIN * scale(own.mean(), own.mean() + gains.mean(1))
    earned, moved = float(own.mean()), _moved(stage.agents, orders[best])
    picture = Picture(
        "bars",
        "what the team earns in its own and in each other's places",
        ("own places", *("/".join(str(agent) for agent in order) for order in orders)),
        (earned, *(earned + gains.mean(1)).tolist()),
    )
    null = "their own places"
    if size.value > margin and (p is None or p < CHANCE):
        steps = len(stage.play(own_cast(stage, team)).actions)
        return Finding(
            "identities",
            "yes",
            f"With {moved} the team earns {earned + size.value:.2f} instead of {earned:.2f}: the agents seem to have "
            "been handed each other's parts.",
            size.value,
            size.interval,
            null,
            whole_episode(team, steps),
            "check the order of agents where they are trained, saved, loaded and called",
            p=p,
            picture=picture,
        )
    if p is not None and size.value > margin:
        sentence = f"With {moved} the team earns {size.value:.2f} more, which {len(own)} episodes do not set apart."
        return Finding("identities", "cannot tell", sentence, size.value, size.interval, null, p=p, picture=picture)
    sentence = f"Nobody does better in another's place: that earns at best {size.value:+.2f} beside {earned:.2f}."
    return Finding("identities", "no", sentence, size.value, size.interval, null, picture=picture)


def _kinds(stage: Stage) -> list[tuple[int, ...]]:
    """Agents that can stand in for each other: of one kind, or else those whose actions and sights have one shape."""
    if isinstance(stage, TableStage | ActorStage):
        return [kind.agents for kind in stage.game.spec.kinds]
    agents = range(len(stage.agents))
    sights = stage.play(own_cast(stage)).observations or tuple(np.empty((0,)) for _ in agents)
    sizes = getattr(stage, "sizes", (0,) * len(agents))
    spaces = [(sizes[one], sights[one].shape[1:]) for one in agents]
    return [tuple(one for one in agents if spaces[one] == space) for space in dict.fromkeys(spaces)]


def _orders(kinds: list[tuple[int, ...]], agents: int) -> Iterator[tuple[int, ...]]:
    """Who acts in each place, for every order within kinds; swaps of two only, where a kind is large."""
    if max(map(len, kinds)) > ALL_ORDERS:
        for kind in kinds:
            for one, other in combinations(kind, 2):
                order = list(range(agents))
                order[one], order[other] = other, one
                yield tuple(order)
        return
    for orders in product(*(permutations(kind) for kind in kinds)):
        order = list(range(agents))
        for kind, chosen in zip(kinds, orders, strict=True):
            for place, agent in zip(kind, chosen, strict=True):
                order[place] = agent
        yield tuple(order)


def _moved(names: tuple[str, ...], order: tuple[int, ...]) -> str:
    moved = [agent for place, agent in enumerate(order) if place != agent]
    if len(moved) == 2:
        return f"{names[moved[0]]} and {names[moved[1]]} in each other's places"
    return f"{listed([names[agent] for agent in sorted(moved)])} in each other's places"
