"""Is there anything to learn from, was anything learned, and what is missing from the best? Counted, not judged."""

from __future__ import annotations

import numpy as np

from coterie.running.evaluate import SAME_RETURN, Baselines
from coterie.statistics import percent, wilson
from coterie.types import Finding

SHORTFALL = 0.05  # the share of succeeding teams that may be short of the optimum before it is worth saying
MORE_EXPLORATION = "explore more or longer (--epsilon 1 --epsilon-decay 0.9, --episodes), or start nearer to the goal"
EXPLORE = ("--epsilon", "1", "--epsilon-decay", "0.9")


def accounting(
    returns: np.ndarray,
    baselines: Baselines,
    successes: np.ndarray | None = None,
    episodes: int = 0,
    unit: str = "team",
    common: bool = True,
    environment: str = "",
) -> Finding:
    """Do the teams earn more than random and idle play, and did learning ever meet a success?

    returns float64[W]; successes float64[W] counted over so many training episodes, None where nothing was trained.
    Idle play counts only where an action does nothing, and where it is not the best there is. cannot tell:
    where random play is the best there is, as in every zero-sum game, whose mean return nobody can raise; and where
    the agents are in different teams (not `common`), for then nobody learns from what all earn together.
    `environment`: its name, for what only this one can do.
    """
    if not common:
        sentence = (
            "The agents are in different teams and each learns from its own reward, so neither their common success "
            "nor what they earn together tells whether they learned."
        )
        return Finding("accounting", "cannot tell", sentence)
    explore = MORE_EXPLORATION + (" (--env.starts random)" if environment == "rendezvous" else "")
    teams = len(returns)
    rivals = {"random play": baselines.random}
    if baselines.idle_is_noop and baselines.idle < baselines.optimum - SAME_RETURN:
        rivals["idle play"] = baselines.idle
    names = " and ".join(f"{name} ({value:.2f})" for name, value in rivals.items())
    better = wilson(int((returns > max(rivals.values()) + SAME_RETURN).sum()), teams)
    value, interval, null = better.share, (better.low, better.high), " and ".join(rivals)
    sentence = f"{better.count:,} of {teams:,} {unit}{'' if teams == 1 else 's'} earn more than {names}."
    few = f"Only {sentence}" if better.count else f"No {unit} of {teams:,} earns more than {names}."
    if successes is not None and (never := int((successes == 0).sum())) > teams / 2:
        sentence = (
            f"{never:,} of {teams:,} teams never once succeeded in {episodes:,} training episodes, so they had nothing "
            "to learn from."
        )
        return Finding("accounting", "yes", sentence, value, interval, null, remedy=explore, flags=EXPLORE)
    if baselines.optimum - baselines.random <= SAME_RETURN:
        sentence = (
            f"On average over the agents random play earns as much as the exact optimum ({baselines.random:.2f}), so "
            "what they earn together does not tell whether they learned."
        )
        return Finding("accounting", "cannot tell", sentence)
    if better.high < 0.5 or (teams == 1 and not better.count):
        remedy = f"{explore}; or check the reward" if successes is not None else ""
        flags = EXPLORE if successes is not None else ()
        return Finding("accounting", "yes", few, value, interval, null, remedy=remedy, flags=flags)
    verdict = "no" if better.low > 0.5 or teams == 1 else "cannot tell"
    return Finding("accounting", verdict, sentence, value, interval, null)


def shortfall(
    returns: np.ndarray,
    success: np.ndarray,
    optimal: np.ndarray,
    baselines: Baselines,
    word: str,
    unit: str = "team",
    environment: str = "",
) -> Finding:
    """What do those who succeed leave on the table? returns float64[W], success and optimal bool[W]."""
    missing = success & ~optimal
    if not success.any():
        return Finding("shortfall", "cannot tell", f"No {unit} can {word}, so there is no way to be compared.")
    share = wilson(int(missing.sum()), int(success.sum()))
    if share.share <= SHORTFALL:
        sentence = f"{share.total - share.count:,} of the {share.total:,} {unit}s that {word} do so in the best way."
        return Finding("shortfall", "no", sentence, share.share, (share.low, share.high), "the exact optimum")
    less = baselines.optimum - float(returns[missing].mean())
    sentence = (
        f"{share.count:,} of the {share.total:,} {unit}s that {word} ({percent(share.share)}) do not do it in the best "
        f"way: they earn {less:.2f} less than the optimum of one mind that sees everything."
    )
    see = " (--env.observation all)" if environment == "rendezvous" else ""
    remedy = f"train longer (--episodes), try --preset thorough, or let agents see more{see}"
    span, null, flags = (share.low, share.high), "the exact optimum", ("--preset", "thorough")
    return Finding("shortfall", "yes", sentence, share.share, span, null, remedy=remedy, flags=flags)
