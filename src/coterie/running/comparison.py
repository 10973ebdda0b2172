"""Two or more runs side by side: what their scores say about which is better, and what they do not say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from math import ceil, floor
from typing import Any

import numpy as np

from coterie.statistics import (
    FEW,
    Estimate,
    Share,
    brunner_munzel,
    holm,
    improvement,
    improvement_interval,
    interquartile_interval,
    mann_whitney_p,
    percent,
    seeds_needed,
    t_interval,
    wilson,
)

ALPHA, POWER = 0.05, 0.8
MOST_SEEDS = 100_000  # a difference that needs more to be seen is none


@dataclass(frozen=True)
class Contestant:
    """What is compared: float64[W] scores, one a team, and bool[W] whether each coordinated (None: not known).

    `settings` are those of its run, flat, to tell in what runs differ; optimum and random are None where not known.
    """

    name: str
    environment: str
    scores: np.ndarray
    coordinated: np.ndarray | None = None
    success_word: str = "coordinate"
    score: str = "return"
    optimum: float | None = None
    random: float | None = None
    objective: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One contestant's figures: every score, the interquartile mean, the mean, and the share that coordinated."""

    name: str
    teams: int
    coordinated: Share | None
    iqm: Estimate
    mean: Estimate
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Pair:
    """Is `higher` really higher than `lower`? `about` is "score", or "coordinated" for the share of teams.

    p is the greater one of Mann and Whitney's, which counts exactly, and Brunner and Munzel's, which allows for unequal
    spreads; adjusted_p is Holm's over all pairs and both questions; seeds_needed is for each side, None where no number
    is.
    """

    about: str
    higher: str
    lower: str
    improvement: Estimate
    p: float
    adjusted_p: float
    settled: bool
    seeds_needed: int | None


@dataclass(frozen=True)
class Comparison:
    """Rows with the highest interquartile mean first, every pair, and what follows from them in words."""

    environment: str
    score: str
    objective: str
    success_word: str
    optimum: float | None
    random: float | None
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    concluded: str
    not_concluded: str
    to_settle: str
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain dictionaries."""
        return asdict(self)

    def __str__(self) -> str:
        """The rows and the three sentences, plainly."""
        lines = [
            f"{row.name}: {row.teams:,} teams, IQM {row.iqm.value:.2f}, mean {row.mean.value:.2f}"
            + ("" if row.coordinated is None else f", {percent(row.coordinated.share)} {self.success_word}")
            for row in self.rows
        ]
        told = (
            f"May be concluded: {self.concluded}",
            f"May not: {self.not_concluded}",
            f"To settle it: {self.to_settle}",
        )
        return "\n".join([*lines, *told])

    __repr__ = __str__


def compared(contestants: Sequence[Contestant], notes: Sequence[str] = ()) -> Comparison:
    """Compare contestants whose scores mean the same; who may be compared is decided before."""
    ordered = sorted(contestants, key=lambda one: (-interquartile_interval(one.scores).value, -one.scores.mean()))
    rows, pairs = tuple(row_of(one) for one in ordered), _pairs(ordered)
    first, few = ordered[0], [row for row in rows if row.teams < FEW]
    found = list(notes)
    if few:
        names = _listed([row.name for row in few])
        found.append(f"{names}: fewer than {FEW} teams are too few; intervals of so few do not cover what they say")
    alike = [row.name for row in rows if row.iqm.low is None]
    if alike:
        found.append(f"{_listed(alike)}: all scores alike, so they say nothing about their spread: no interval")
    if len(np.unique(np.concatenate([np.unique(one.scores) for one in ordered]))) < sum(
        len(np.unique(one.scores)) for one in ordered
    ):
        found.append("in the probability of scoring higher, equal scores count as half")
    return Comparison(
        environment=first.environment,
        score=first.score,
        objective=first.objective,
        success_word=first.success_word,
        optimum=first.optimum,
        random=first.random,
        rows=rows,
        pairs=pairs,
        concluded=_concluded(rows, pairs, first),
        not_concluded=_not_concluded(rows, pairs, ordered),
        to_settle=_to_settle(pairs, rows),
        notes=tuple(found),
    )


def row_of(one: Contestant) -> Row:
    """A contestant's figures; intervals end at the optimum."""
    reached = one.coordinated
    share = None if reached is None else wilson(int(reached.sum()), len(reached))
    scores = tuple(float(score) for score in one.scores)
    middle, mean = (_possible(give(one.scores), one.optimum) for give in (interquartile_interval, t_interval))
    return Row(one.name, len(scores), share, middle, mean, scores)


def _possible(estimate: Estimate, most: float | None) -> Estimate:
    """An interval cut off at the exact optimum: no score can lie above it, so the cut costs no coverage."""
    if most is None or estimate.high is None:
        return estimate
    return Estimate(estimate.value, estimate.low, max(estimate.value, min(estimate.high, most)))


def _pairs(ordered: Sequence[Contestant]) -> tuple[Pair, ...]:
    """Every pair, about the score and, where both know it, about coordination; Holm's correction over all of them."""
    asked = []
    for one, other in combinations(ordered, 2):
        asked.append(("score", one, other, one.scores, other.scores))
        if one.coordinated is not None and other.coordinated is not None:
            reached = one.coordinated.astype(float), other.coordinated.astype(float)
            asked.append(("coordinated", one, other, *reached))
    p_values = [max(mann_whitney_p(x, y), brunner_munzel(x, y)[1]) for *_, x, y in asked]
    pairs = []
    for (about, one, other, x, y), p, adjusted in zip(asked, p_values, holm(p_values), strict=True):
        if improvement(x, y) < 0.5:
            one, other, x, y = other, one, y, x
        found = _wider(improvement_interval(x, y), brunner_munzel(x, y)[0])
        enough = min(len(x), len(y)) >= FEW
        settled = bool(enough and adjusted <= ALPHA and found.low is not None and found.low > 0.5)
        needed = max(seeds_needed(x, y, ALPHA / len(asked), POWER), float(FEW))
        wanted = None if needed > MOST_SEEDS else int(needed)
        pairs.append(Pair(about, one.name, other.name, found, p, float(adjusted), settled, wanted))
    return tuple(pairs)


def _wider(one: Estimate, other: Estimate) -> Estimate:
    """The interval that holds both: the score interval takes the spreads to be alike, the other one many scores."""
    lows = [low for low in (one.low, other.low) if low is not None]
    highs = [high for high in (one.high, other.high) if high is not None]
    return Estimate(one.value, min(lows, default=None), max(highs, default=None))


def _concluded(rows: Sequence[Row], pairs: Sequence[Pair], first: Contestant) -> str:
    parts = []
    for row in rows:
        beaten = [pair for pair in pairs if pair.about == "score" and pair.settled and pair.higher == row.name]
        if beaten:
            told = [f"{pair.lower} (probability {_probability(pair)}, {_p(pair.adjusted_p)})" for pair in beaten]
            parts.append(f"a team of {row.name} tends to score higher than one of {_listed(told)}")
    shares = {row.name: row.coordinated for row in rows}
    for pair in pairs:
        if pair.about == "coordinated" and pair.settled:
            high, low = (percent(share.share) if (share := shares[name]) else "" for name in (pair.higher, pair.lower))
            parts.append(
                f"more teams of {pair.higher} {first.success_word} than of {pair.lower} "
                f"({high} against {low}, {_p(pair.adjusted_p)})"
            )
    if parts:
        return "; ".join(parts) + "."
    if sum(row.teams >= FEW for row in rows) < 2:
        return "nothing yet; there are too few teams."
    pair = pairs[0]
    if len(rows) == 2:
        low, high = _outwards(pair.improvement)
        between = f"a team of {pair.higher} scores higher than one of {pair.lower}"
        return f"no winner; {between} with a probability of {low} to {high}."
    return "no winner: of no pair is one surely higher than the other."


def _not_concluded(rows: Sequence[Row], pairs: Sequence[Pair], ordered: Sequence[Contestant]) -> str:
    open_pairs = [pair for pair in pairs if pair.about == "score" and not pair.settled]
    parts = []
    if len(rows) > 2 and open_pairs and len(open_pairs) == len(rows) * (len(rows) - 1) // 2:
        parts.append("which of them scores higher")
    elif open_pairs:
        told = [f"{pair.higher} or {pair.lower} (probability {_probability(pair)})" for pair in open_pairs[:4]]
        more = f", and {len(open_pairs) - 4} more pairs" if len(open_pairs) > 4 else ""
        parts.append(f"which scores higher, {', '.join(told)}{more}")
    word = ordered[0].success_word
    shares = [pair for pair in pairs if pair.about == "coordinated" and not pair.settled]
    if shares and len(rows) == 2:
        parts.append(f"of which more teams {word}")
    elif shares:
        told = [f"{pair.higher} or {pair.lower}" for pair in shares[:4]]
        more = f", and {len(shares) - 4} more pairs" if len(shares) > 4 else ""
        parts.append(f"of which more teams {word} ({', '.join(told)}{more})")
    different = differing([one.settings for one in ordered])
    if len(different) > 1:
        shown = _listed(different[:5]) + (" and more" if len(different) > 5 else "")
        parts.append(f"which of the things in which they differ made it ({shown})")
    parts.append("how they would do in another environment or with another budget")
    return "; ".join(parts) + "."


def _to_settle(pairs: Sequence[Pair], rows: Sequence[Row]) -> str:
    scores = [pair for pair in pairs if pair.about == "score"]
    open_pairs = [pair for pair in scores if not pair.settled]
    if not open_pairs:
        needed = max(pair.seeds_needed or 0 for pair in scores)
        return f"nothing more is needed; {needed:,} teams each would have done (80 % power)."
    teams = {row.name: row.teams for row in rows}
    told, hopeless, untold = [], [], []
    for pair in open_pairs[:4]:
        names = f"{pair.higher} against {pair.lower}: " if len(rows) > 2 else ""
        if min(teams[pair.higher], teams[pair.lower]) < FEW:
            untold.append(f"{names}train {FEW} teams each at least, for fewer do not say how many it takes")
        elif pair.seeds_needed is None:
            hopeless.append(f"{names}no number of teams up to {MOST_SEEDS:,} would; they look alike")
        else:
            told.append(f"{names}about {pair.seeds_needed:,} teams each")
    shares = [pair for pair in pairs if pair.about == "coordinated" and not pair.settled and pair.seeds_needed]
    if len(rows) == 2 and shares and not untold:
        told.append(f"for the share that coordinates about {shares[0].seeds_needed:,}")
    parts = [", ".join(told) + " would settle it, if the difference is what it looks like (80 % power)"] if told else []
    more = [f"{len(open_pairs) - 4} more pairs are open"] if len(open_pairs) > 4 else []
    return "; ".join([*parts, *hopeless, *untold, *more]) + "."


def differing(settings: Sequence[dict[str, Any]]) -> list[str]:
    """The names of the settings in which runs differ; none where a run's settings are not known."""
    if not all(settings):
        return []
    names = dict.fromkeys(name for one in settings for name in one)
    return [name for name in names if any(one.get(name) != settings[0].get(name) for one in settings)]


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _probability(pair: Pair) -> str:
    low, high = _outwards(pair.improvement)
    return f"{pair.improvement.value:.2f}, 95 %: {low} to {high}"


def _outwards(estimate: Estimate) -> tuple[str, str]:
    """The ends of a probability's interval, rounded outwards."""
    low, high = estimate.low or 0.0, 1.0 if estimate.high is None else estimate.high
    return f"{floor(low * 100 + 1e-9) / 100:.2f}", f"{ceil(high * 100 - 1e-9) / 100:.2f}"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
