"""Does every agent add something? Leave-one-out and Shapley values against idle play."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np

from coterie.diagnosis.paired import CHANCE, FEWEST_EPISODES, TINY, effect, listed, scale, whole_episode
from coterie.finite.solve import optimum
from coterie.running.stage import Stage, TableStage, Way, own_cast, replaced
from coterie.statistics import holm, paired_p
from coterie.types import Finding, Picture

LEAST_SHARE = 0.05  # of an equal share of what the team adds: below this an agent adds nothing
ALL_COALITIONS = 6  # up to so many agents every coalition is played
ORDERS = 16  # beyond, so many random orders of joining and their reverses

Worth = Callable[[frozenset[int]], np.ndarray]


class Contributions(NamedTuple):
    """What each agent adds: leave_one_out and shapley are float64[E, N], full and idle float64[E] (all, and nobody).

    E is one row of expectations on an exact stage, and one row an episode elsewhere.
    """

    leave_one_out: np.ndarray
    shapley: np.ndarray
    full: np.ndarray
    idle: np.ndarray


def contributions(stage: Stage, team: int = 0, instead: Way = "idle") -> Contributions:
    """What each agent adds to its team, over idle (or random) replacements, in team-mean return.

    leave-one-out_i = v(N) - v(N without i), and the Shapley value (1953)
    phi_i = sum over S without i of |S|! (N - |S| - 1)! / N! (v(S with i) - v(S)),
    where v(S) is what the team earns with everybody outside S idle (`instead`: how they act), over the same episodes
    for every S. Beyond six agents, the mean over 16 random orders of joining and their reverses.
    """
    agents = range(len(stage.agents))
    known: dict[frozenset[int], np.ndarray] = {}

    def worth(active: frozenset[int]) -> np.ndarray:
        if active not in known:
            cast = own_cast(stage, team)
            for place in set(agents) - active:
                cast = replaced(cast, place, way=instead)
            known[active] = stage.score(cast).team
        return known[active]

    everybody = frozenset(agents)
    full, idle = worth(everybody), worth(frozenset())
    leave = np.stack([full - worth(everybody - {agent}) for agent in agents], axis=1)
    shapley = _all_coalitions(worth, len(everybody)) if len(everybody) <= ALL_COALITIONS else _orders(worth, everybody)
    return Contributions(leave, shapley, full, idle)


def contribution(stage: Stage, team: int = 0, instead: Way = "idle") -> Finding:
    """Whether every agent of a team adds something to it.

    yes: an agent's Shapley value is below 5 % of an equal share of what is added ("lazy"), or it takes something away.
    Agents whose loss alone costs nothing, but who have a Shapley value, are redundant and not lazy: "no". On a sampled
    stage an agent is lazy, or is not, only where the paired episodes say so (p < 0.05, Holm over the agents). Where no
    action does nothing, a fixed one may be just the right one, and `instead` is better "random".
    """
    found = contributions(stage, team, instead)
    names, values = stage.agents, found.shapley.mean(0)
    if not stage.exact and len(found.full) < FEWEST_EPISODES:
        sentence = f"{len(found.full)} episodes are too few to tell what each agent adds."
        return Finding("contribution", "cannot tell", sentence)
    added = scale(found.shapley.mean(0).sum(), found.leave_one_out.mean(0), found.shapley.mean(0))
    margin = LEAST_SHARE * added / len(names)
    if _idle_is_best(stage, found):
        sentence = (
            f"{instead.capitalize()} play is already the best there is, so against it no agent can be seen to add "
            "anything."
        )
        return Finding("contribution", "cannot tell", sentence, 0.0)
    picture = Picture(
        "grid",
        "what each agent adds to its team",
        ("leave-one-out", "Shapley"),
        tuple(zip(found.leave_one_out.mean(0).tolist(), values.tolist(), strict=True)),
        rows=tuple(names),
    )
    below, above, p = _sides(found.shapley - margin, stage.exact)
    worst = int(values.argmin())
    size = effect(found.shapley[:, worst], stage.exact)
    least, null = float(values[worst]), f"adds at least {LEAST_SHARE:.0%} of an equal share"
    total = float(found.full.mean() - found.idle.mean())
    if below.all() and total < -margin:
        sentence = (
            f"The team as a whole earns less than {instead} play ({found.full.mean():.2f} against "
            f"{found.idle.mean():.2f}), so it is not one agent's part that is missing."
        )
        return Finding("contribution", "cannot tell", sentence, least, size.interval, null, picture=picture)
    if below.any():
        steps = len(stage.play(own_cast(stage, team)).actions)
        return Finding(
            "contribution",
            "yes",
            _lazy_sentence(names, values, below, found, margin, instead),
            least,
            size.interval,
            null,
            whole_episode(team, steps),
            "pay each agent for its own part, or let it explore longer while the others are still weak; look first "
            "whether the task needs so many agents",
            p=p,
            picture=picture,
        )
    if not above.all():
        names_left = listed([names[agent] for agent in np.flatnonzero(~above)])
        sentence = f"{len(found.full)} episodes do not tell whether {names_left} adds anything."
        return Finding("contribution", "cannot tell", sentence, least, size.interval, null, p=p, picture=picture)
    spare = [names[agent] for agent in np.flatnonzero(found.leave_one_out.mean(0) < margin)]
    shares = ", ".join(f"{name} {value:.2f}" for name, value in zip(names, values, strict=True))
    sentence = f"Every agent adds something (Shapley values: {shares})."
    if spare:
        sentence += (
            f" Without {' or '.join(spare)} alone next to nothing is lost: redundant, not lazy, as others can step in."
        )
    return Finding("contribution", "no", sentence, least, size.interval, null, picture=picture)


def _idle_is_best(stage: Stage, found: Contributions) -> bool:
    if not isinstance(stage, TableStage) or np.abs(found.shapley).max() > TINY or not stage.game.horizon:
        return False
    best = optimum(stage.game).value
    return found.idle.mean() >= best - TINY * max(1.0, abs(best))


def _sides(over: np.ndarray, exact: bool) -> tuple[np.ndarray, np.ndarray, float | None]:
    """Which agents lie below and above the margin, and the least p of those whose mean is below: p of a fault alone."""
    mean = over.mean(0)
    if exact:
        return mean < 0, mean >= 0, None
    single = np.array([paired_p(column) for column in over.T])
    together = holm(single)
    below, above = (mean < 0) & (together < CHANCE), (mean > 0) & (single < CHANCE)
    return below, above, float(together[mean < 0].min()) if (mean < 0).any() else None


def _lazy_sentence(
    names: tuple[str, ...], values: np.ndarray, below: np.ndarray, found: Contributions, margin: float, instead: Way
) -> str:
    lazy = np.flatnonzero(below)
    total = float(found.full.mean() - found.idle.mean())
    earns = f"the team earns {found.full.mean():.2f}, {instead} play {found.idle.mean():.2f}"
    if below.all() and abs(total) <= margin:
        return f"Nobody adds anything: {earns}."
    harmful = [agent for agent in lazy if values[agent] < -margin]
    if harmful:
        worst = min(harmful, key=values.__getitem__)
        return f"{names[worst]} costs its team {-values[worst]:.2f} (Shapley value; {earns})."
    who = listed([names[agent] for agent in lazy])
    amounts = listed([f"{values[agent]:.2f}" for agent in lazy])
    verb = "adds" if len(lazy) == 1 else "add"
    return f"{who} {verb} next to nothing: {amounts} of {total:.2f} by the Shapley value ({earns})."


def _all_coalitions(worth: Worth, agents: int) -> np.ndarray:
    """Shapley values over all 2^N coalitions, float64[E, N]."""
    values = []
    for agent in range(agents):
        others = [other for other in range(agents) if other != agent]
        sums = np.zeros_like(worth(frozenset()))
        for size in range(agents):
            weight = 1.0 / (agents * comb(agents - 1, size))
            for chosen in combinations(others, size):
                sums = sums + weight * (worth(frozenset(chosen) | {agent}) - worth(frozenset(chosen)))
        values.append(sums)
    return np.stack(values, axis=1)


def _orders(worth: Worth, everybody: frozenset[int]) -> np.ndarray:
    """Shapley values over random orders of joining and their reverses (Castro et al. 2009), float64[E, N]."""
    draws, agents = np.random.default_rng(0), len(everybody)
    sums = np.zeros((len(worth(everybody)), agents))
    for _ in range(ORDERS):
        order = draws.permutation(agents)
        for joining in (order, order[::-1]):
            present: frozenset[int] = frozenset()
            for agent in joining.tolist():
                sums[:, agent] += worth(present | {agent}) - worth(present)
                present |= {agent}
    return sums / (2 * ORDERS)
