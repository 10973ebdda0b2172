"""The verdict: what a run is judged by, as plain numbers that a program can read and `showing` can draw."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coterie.statistics import Share
from coterie.types import Finding


@dataclass(frozen=True)
class Match:
    """How one seat does against one kind of opponent: shares and returns are exact, and means over teams.

    opponent   "itself" (its own team), "random play" or "perfect play", in all other seats
    won, drawn, lost   None where rewards are earned on the way, so that they do not say who has won
    safe       teams that do not lose a single game there, whatever chance does; None with `won`
    random     the share of games that random play in this seat does not lose there, as a control
    """

    agent: str
    opponent: str
    earned: float
    won: float | None = None
    drawn: float | None = None
    lost: float | None = None
    safe: Share | None = None
    random: float | None = None


@dataclass(frozen=True)
class Verdict:
    """How well the greedy agents of many teams do; `unit` is what `teams` counts, a team or an episode of one.

    coordinated   teams whose greedy agents succeed from every start; optimal: whose return is the exact optimum's
    relapsed      teams that failed a greedy check after their first success (None where nothing was checked)
    failed_checks the share of all checks after a team's first success that failed
    returns are undiscounted, team-mean, within the time limit; `return_` is the mean over teams, random and idle are
    exact values of random and idle play, optimum is the exact joint optimum; None where the game has no exact table
    common        whether all agents want the same; else success is no aim of all
    failing_success  how often the teams that are not coordinated succeed, the mean over them
    least_success    the share of its episodes in which a team must succeed to count as coordinated
    matches       where agents play against each other: how each seat does against whom
    unbeatable    for each agent, the teams in which nobody can make it lose, whatever the others play; () where unknown
    perfect       what each agent earns where all are perfect; () where that is not known
    """

    environment: str
    algorithm: str
    preset: str
    teams: int
    agents: int
    success_word: str
    coordinated: Share
    optimal: Share | None
    relapsed: Share | None
    failed_checks: float | None
    return_: float
    optimum: float | None
    objective: str
    random: float | None
    idle: float | None
    idle_action: str
    mean_success: float
    starts: int
    run: str = ""
    seed: int = 0
    episodes: int = 0
    env_steps: int = 0
    claim: str = ""
    unit: str = "team"
    findings: tuple[Finding, ...] = field(default_factory=tuple)
    common: bool = True
    failing_success: float = 0.0
    least_success: float = 1.0
    matches: tuple[Match, ...] = ()
    unbeatable: tuple[Share, ...] = ()
    perfect: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain dictionaries; the key of the mean return is `return`."""
        plain = asdict(self)
        plain["return"] = plain.pop("return_")
        return plain


def failing_success(success: NDArray[np.floating], coordinated: NDArray[np.bool_]) -> float:
    """How often the teams that are not coordinated succeed, the mean over them; 0 where all are.

    >>> failing_success(np.array([0.96, 0.5, 0.0]), np.array([True, False, False]))
    0.25
    """
    failing = success[~coordinated]
    return float(failing.mean()) if len(failing) else 0.0


class SingleTeams(NamedTuple):
    """The greedy checks of single teams, one row a team, evenly spread over all: nobody is chosen.

    teams int[W], W at most 200; returns float32[W, C] and coordinated bool[W, C] at each of the C checks of the curve.
    """

    teams: NDArray[np.int64]
    returns: NDArray[np.float32]
    coordinated: NDArray[np.bool_]


@dataclass(frozen=True)
class Curve:
    """Greedy checks over the run: after so many episodes, the share of teams that succeed, and return quantiles.

    episodes int[C]; the others float[C]: env_steps (mean a team so far), coordinated, and the mean, least, quartile,
    median and greatest return over teams. single: the same checks of single teams, None where they were not kept.
    """

    episodes: tuple[int, ...]
    env_steps: tuple[float, ...]
    coordinated: tuple[float, ...]
    mean: tuple[float, ...]
    least: tuple[float, ...]
    lower_quartile: tuple[float, ...]
    median: tuple[float, ...]
    upper_quartile: tuple[float, ...]
    greatest: tuple[float, ...]
    single: SingleTeams | None = field(default=None, compare=False)
