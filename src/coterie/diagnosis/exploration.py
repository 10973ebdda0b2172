"""Was enough tried, and did exploration last until the first success?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from coterie.statistics import percent
from coterie.types import Finding, Picture

LEAST_UNTRIED = 0.1  # the share of entries within reach that nobody ever tried
ENDED = 0.01  # epsilon at or below this is no exploration
LEAST_TEAMS = 0.05  # the share of teams that exploration left before their first success
REMEDY = (
    "explore more or longer (--epsilon 1 --epsilon-decay 0.9), train longer (--episodes), or start nearer to the aim"
)
FLAGS = ("--epsilon", "1", "--epsilon-decay", "0.9")


def exploration(
    tried: ArrayLike | None = None,
    reached: ArrayLike | None = None,
    first_success: ArrayLike | None = None,
    epsilon: ArrayLike | None = None,
    common: bool = True,
) -> Finding:
    """Which share of what is within reach was never tried, and did exploration end before the first success?

    untried = |{(o, a): reached, never tried}| / |{(o, a): reached}|. tried is bool or counts [..., O, A]; reached, bool
    or visits, is [..., O] (observations that can be come by) or [..., O, A]. first_success: the episode of each team's
    first success, from 1; negative, infinite or NaN: never. epsilon float64[E]: the share of random actions by episode.
    Exploration ends with the last episode whose epsilon is above 0.01. tried or reached None: not known. Where the
    agents are in different teams (not `common`), their common success is not asked for.

    Left out: how often an entry was tried, and tries that were forgotten.
    """
    known = tried is not None and reached is not None
    counts, near = (np.asarray(tried), np.asarray(reached) > 0) if known else (np.zeros(1), np.zeros(1, bool))
    if near.ndim < counts.ndim:
        near = near[..., None]
    near = np.broadcast_to(near, counts.shape)
    late, share_late = _too_late(first_success, epsilon) if common else ("", 0.0)
    if not near.any():
        share, untried, sentence = float("nan"), False, "It is not known what is within reach."
        if not common:
            sentence += " The agents are in different teams, so when they first succeeded together tells nothing."
    else:
        share = float((near & (counts <= 0)).sum() / near.sum())
        untried = share > LEAST_UNTRIED
        sentence = (
            f"{int((near & (counts <= 0)).sum()):,} of {int(near.sum()):,} pairs of an observation within reach and an "
            f"action ({percent(share)}) were never tried."
        )
    picture = _picture(counts, near)
    value, null = None if np.isnan(share) else share, f"at most {percent(LEAST_UNTRIED)} never tried"
    if late:
        return Finding(
            "exploration",
            "yes",
            f"{late} {sentence}" if near.any() else late,
            value,
            None,
            null,
            (),
            REMEDY,
            FLAGS,
            picture=picture,
            share=share_late,
        )
    if untried:
        return Finding("exploration", "yes", sentence, value, None, null, (), REMEDY, FLAGS, picture=picture)
    return Finding(
        "exploration", "no" if value is not None else "cannot tell", sentence, value, None, null, picture=picture
    )


def _too_late(first_success: ArrayLike | None, epsilon: ArrayLike | None) -> tuple[str, float]:
    """The sentence that exploration ended before the first success of some teams, or nothing; and their share."""
    if first_success is None or epsilon is None:
        return "", 0.0
    first = np.atleast_1d(np.asarray(first_success, float))
    first = np.where(np.isnan(first) | (first < 0), np.inf, first)
    shares = np.atleast_1d(np.asarray(epsilon, float))
    if len(shares) == 1:
        last = np.inf if shares[0] > ENDED else 0
    else:
        exploring = np.flatnonzero(shares > ENDED)
        last = np.inf if shares[-1] > ENDED else (exploring[-1] + 1 if len(exploring) else 0)
    late = int((first > last).sum())
    if not late or late < LEAST_TEAMS * len(first):
        return "", 0.0
    when = f"after episode {int(last):,}" if last else "before it began"
    who = "the team's first success" if len(first) == 1 else f"{late:,} of {len(first):,} teams had ever succeeded"
    if len(first) == 1 and np.isinf(first[0]):
        return f"Exploration ended {when}, and the team never succeeded before that or later.", 1.0
    return f"Exploration ended {when}, before {who}.", late / len(first)


def _picture(counts: np.ndarray, near: np.ndarray) -> Picture | None:
    """The share of entries within reach that were tried, by agent (or table) and action."""
    if counts.ndim < 2 or not near.any():
        return None
    tables = counts.shape[0] if counts.ndim > 2 else 1
    tried = ((counts > 0) & near).reshape(tables, -1, counts.shape[-1])
    there = near.reshape(tables, -1, counts.shape[-1])
    shares = tried.sum(1) / np.maximum(1, there.sum(1))
    labels = tuple(f"action {action}" for action in range(counts.shape[-1]))
    rows = tuple(f"agent {agent}" for agent in range(tables))
    title = "Share of what is within reach that was tried"
    return Picture("grid", title, labels, tuple(tuple(map(float, row)) for row in shares), rows=rows)
