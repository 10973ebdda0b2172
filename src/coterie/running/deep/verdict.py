"""What a deep run is judged by: fresh greedy episodes of each seed's best saved team, every seed shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from coterie.statistics import Estimate, Share, interquartile_interval, t_interval, wilson
from coterie.types import Finding

RELIABLE = 0.95  # of its fresh episodes must succeed for a team to count as coordinated


@dataclass(frozen=True)
class Side:
    """One side of a game, its returns undiscounted and the mean over its agents.

    returns      a seed each, among the greedy teams of that seed
    random       where everybody plays at random
    against      a seed each, greedy against random others; () where there are no others
    won, drawn   of those episodes, the share in which it earned more than every other team, or as much as the best
    """

    name: str
    agents: tuple[int, ...]
    player: str
    returns: tuple[float, ...]
    random: float
    against: tuple[float, ...] = ()
    won: float | None = None
    drawn: float | None = None


@dataclass(frozen=True)
class DeepVerdict:
    """How well the greedy teams of a deep run do; one number a seed, returns undiscounted.

    success_known  whether anybody says what a success is; else success counts nothing
    unit         what the returns are of all agents: team-sum or team-mean; reward: what each learned from

    coordinated  seeds whose team succeeds in at least 95 % of its fresh episodes
    relapsed     the share of greedy checks after a seed's first such one that fall below it; None where none did
    best_step    joint steps after which each seed's judged policy was saved: the best check (the last, where the step
                 size falls to nothing), not the luckiest result
    random, idle what untrained play earns; optimum the exact joint optimum, None where the game has no table
    exact        returns are exact values of the greedy teams, not means of episodes
    sides        what each team, or agents of one name, earn, where not all are alike
    frozen       seeds that left the finite numbers and stopped learning there
    untrained    episodes that random play was played for, and idle play; 0 where their values are exact
    drawn        returns of fresh episodes in which actions are drawn as while learning; () where none are
    cut          judged episodes that nothing had ended when they were stopped; finished: all steps were learned from
    """

    environment: str
    algorithm: str
    preset: str
    road: str
    agents: int
    success_word: str
    reward: str
    unit: str
    success_known: bool
    seeds: tuple[int, ...]
    episodes: int
    returns: tuple[float, ...]
    success: tuple[float, ...]
    sampled: tuple[float, ...]
    best_step: tuple[int, ...]
    iqm: Estimate
    mean: Estimate
    coordinated: Share
    relapsed: float | None
    random: float
    random_success: float
    idle: float
    idle_success: float
    idle_action: str
    optimum: float | None
    objective: str
    exact: bool
    frozen: tuple[int, ...]
    env_steps: int
    steps_per_second: float
    run: str = ""
    findings: tuple[Finding, ...] = field(default_factory=tuple)
    sides: tuple[Side, ...] = ()
    untrained: int = 0
    cut: int = 0
    finished: bool = True
    drawn: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain dictionaries."""
        return asdict(self)


def estimates(returns: np.ndarray) -> tuple[Estimate, Estimate]:
    """The interquartile mean and the mean over seeds, with their intervals."""
    return interquartile_interval(returns), t_interval(returns)


def coordinated_seeds(success: np.ndarray) -> Share:
    """How many seeds succeed reliably."""
    return wilson(int((success >= RELIABLE).sum()), len(success))


def relapses(checks: np.ndarray) -> float | None:
    """The share of greedy checks [S, C] after a seed's first reliable one that are not; None where there are none."""
    reliable = checks >= RELIABLE
    later = (np.cumsum(reliable, axis=1) - reliable) > 0
    return float((later & ~reliable).sum() / later.sum()) if later.any() else None
