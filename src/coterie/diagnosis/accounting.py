"""Is there anything to learn from, and was anything learned? Rewards, successes, and the two players to beat."""

from __future__ import annotations

import numpy as np

from coterie.running.evaluate import Baselines
from coterie.statistics import wilson
from coterie.types import Finding


def accounting(returns: np.ndarray, baselines: Baselines, successes: np.ndarray, episodes: int) -> Finding:
    """Do the greedy teams earn more than random and idle play, and did learning ever meet a success?

    returns float64[W] of the greedy agents, successes float64[W] counted over all training episodes.
    """
    teams = len(returns)
    floor = max(baselines.random, baselines.idle)
    better = wilson(int((returns > floor + 1e-9).sum()), teams)
    never = int((successes == 0).sum())
    value, interval = better.share, (better.low, better.high)
    if never > teams / 2:
        return Finding(
            "accounting",
            "yes",
            f"{never:,} of {teams:,} teams never once succeeded in {episodes:,} training episodes, so they had nothing "
            "to learn from.",
            value,
            interval,
            "random and idle play",
            remedy="explore more or longer (--epsilon 1 --epsilon-decay 0.9, --episodes), or start nearer to the goal "
            "(--env.starts random)",
        )
    if better.high < 0.5:
        return Finding(
            "accounting",
            "yes",
            f"Only {better.count:,} of {teams:,} teams earn more than random play ({baselines.random:.2f}) and idle "
            f"play ({baselines.idle:.2f}).",
            value,
            interval,
            "random and idle play",
            remedy="train longer (--episodes), explore more (--epsilon 1 --epsilon-decay 0.9), or check the reward",
        )
    return Finding(
        "accounting",
        "no" if better.low > 0.5 else "cannot tell",
        f"{better.count:,} of {teams:,} teams earn more than random play ({baselines.random:.2f}) and idle play "
        f"({baselines.idle:.2f}).",
        value,
        interval,
        "random and idle play",
    )
