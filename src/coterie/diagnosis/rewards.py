"""Is there any reward, is it paid to all alike who succeed together, and is it counted once?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from coterie.diagnosis.naming import called, labels_of
from coterie.diagnosis.on_table import edges_along
from coterie.finite.game import FiniteGame
from coterie.partitions import members
from coterie.statistics import percent, wilson
from coterie.types import Evidence, Finding, Picture, Play

LEAST_SHARE = 0.05  # rewards are rare where surely fewer episodes than this hold any
UNLIKE = 0.25  # of what the best paid agent of a team earns, that the worst paid one may lack
SAME = 1e-6  # relative
SHOWN = 5


def rewards(
    plays: Sequence[Play],
    game: FiniteGame | None = None,
    names: Sequence[str] = (),
    groups: list[list[int]] | None = None,
) -> Finding:
    """Does any reward occur, are agents paid alike where they succeed together, and is every reward counted once?

    Three checks, the first that fails is the answer. (1) The share of episodes with a reward other than 0, with
    Wilson's interval (1927). (2) Over episodes that succeed, the mean of (max_i r_i - min_i r_i) / max_i |r_i|, with
    r_i what agent i of one team earns in the episode or on its last step, whichever differ more. (3) A whole number
    k >= 2 with counted = k * earned: the reported return against what the agents earned, and recorded rewards against
    those that the table pays for the same states and joint actions (Play.keys must be the table's states).

    `groups`: the agents of each team; else those of `game`, and without it all are one team. `names`: what the agents
    are called in sentences. Left out: whether the reward is the right one, see the reward audit.
    """
    played = [play for play in plays if np.size(play.rewards)]
    if not played:
        return Finding("rewards", "cannot tell", "No episode with rewards was recorded.")
    paying = wilson(sum(bool(np.any(play.rewards)) for play in played), len(played))
    span = (paying.low, paying.high)
    if not paying.count:
        sentence = f"No reward occurs in {_episodes(len(played))}, so there is nothing to learn from."
        remedy = "check that the environment pays at all, explore more, or start nearer to the aim"
        return Finding("rewards", "yes", sentence, 0.0, span, "some reward", _places(played), remedy)
    doubled = _counted(played, game)
    if doubled is not None:
        return doubled
    groups = groups or _groups(played[0], game)
    succeeding = [play for play in played if play.success]
    unlike = [_unlike(play, groups) for play in succeeding]
    if unlike and np.mean(unlike) > UNLIKE:
        return _unequal(succeeding, unlike, groups, game, names)
    share = f"{paying.count:,} of {_episodes(len(played))} ({percent(paying.share)})"
    if paying.high < LEAST_SHARE:
        sentence = f"Rewards are rare: only {share} hold any, so there is hardly anything to learn from."
        remedy = "explore more, start nearer to the aim, or pay for the way by a potential (shaping)"
        return Finding("rewards", "yes", sentence, paying.share, span, f"at least {percent(LEAST_SHARE)}", (), remedy)
    values = np.concatenate([np.ravel(play.rewards) for play in played])
    if not succeeding and len(values) > 1 and np.ptp(values) <= SAME * np.abs(values).max():
        sentence = f"Every step pays {values[0]:g}, whatever is done: these episodes do not tell good from bad."
        return Finding("rewards", "cannot tell", sentence, paying.share, span, "rewards that differ")
    alike = (
        ", paid alike to those who succeed together" if succeeding and any(len(group) > 1 for group in groups) else ""
    )
    return Finding("rewards", "no", f"Rewards occur in {share}{alike}.", paying.share, span, "some reward")


def times_counted(counted: ArrayLike, earned: ArrayLike) -> int:
    """The whole number k >= 2 with counted = k * earned everywhere; 1 where there is none, or nothing was earned.

    >>> times_counted([14.0, -40.0, 0.0], [7.0, -20.0, 0.0]), times_counted([7.0, -40.0], [7.0, -20.0])
    (2, 1)
    """
    right, found = np.asarray(earned, float), np.asarray(counted, float)
    scale = np.abs(right).max(initial=0.0)
    if not scale:
        return 1
    k = round(float(found @ right / (right @ right)))
    return k if k >= 2 and np.allclose(found, k * right, rtol=SAME, atol=SAME * scale) else 1


def table_pays(game: FiniteGame, play: Play) -> np.ndarray | None:
    """What the table pays for a play's states and joint actions, float64[T, N]; None where it knows no such way.

    Where a step has several outcomes that look the same, the one that was recorded is taken if it is among them.
    """
    ways = edges_along(game, play)
    if ways is None or np.shape(play.rewards) != np.shape(play.actions):
        return None
    paid = np.empty(np.shape(play.actions))
    for step, edges in enumerate(ways):
        away = np.abs(game.reward[edges] - play.rewards[step]).sum(1)
        paid[step] = game.reward[edges[away.argmin()]]
    return paid


def _counted(played: list[Play], game: FiniteGame | None) -> Finding | None:
    """The finding that rewards are counted more than once, or None."""
    known = [] if game is None else [(play, paid) for play in played if (paid := table_pays(game, play)) is not None]
    if known:
        recorded = np.concatenate([play.rewards for play, _ in known])
        paid = np.concatenate([paid for _, paid in known])
        k, share = _times_by_table(recorded, paid)
        if k >= 2:
            some = "Rewards are" if share == 1.0 else f"{percent(share)} of the rewards are"
            sentence = (
                f"{some} counted {k} times: what was recorded is {k} times what the game pays for the same moves."
            )
            return _twice(sentence, k, [play for play, _ in known])
    reported = [play for play in played if play.reported is not None]
    totals = [np.asarray(play.rewards).sum(0) for play in reported]
    if not reported:
        return None
    counted = [float(play.reported or 0.0) for play in reported]
    alike = all(np.allclose(total, total[0], rtol=SAME, atol=SAME) for total in totals)
    fair = [total.mean() for total in totals] if alike else [total.sum() for total in totals]
    k = times_counted(counted, fair)
    if k < 2:
        return None
    what = "each agent earned" if alike else "the agents earned together"
    why = " (the sum over agents, where all are paid for the same thing)" if alike and k == len(totals[0]) else ""
    sentence = f"Rewards are counted {k} times: the reported return is {k} times what {what}{why}."
    return _twice(sentence, k, reported)


def _times_by_table(recorded: np.ndarray, paid: np.ndarray) -> tuple[int, float]:
    """How often rewards were counted, and the share of those other than 0 that were counted so often."""
    some = np.abs(paid) > 0
    k = times_counted(recorded.ravel(), paid.ravel())
    if k >= 2 or not some.any() or not np.allclose(recorded[~some], 0.0):
        return k, 1.0
    ratio = recorded[some] / paid[some]
    whole = np.round(ratio)
    if not np.allclose(ratio, whole, rtol=SAME, atol=SAME) or (whole < 1).any() or whole.max() < 2:
        return 1, 0.0
    return int(whole.max()), float((whole >= 2).mean())


def _twice(sentence: str, k: int, plays: list[Play]) -> Finding:
    remedy = "count every reward once: report the mean over agents of one team, and add wrappers' rewards only once"
    return Finding("rewards", "yes", sentence, float(k), None, "counted once", _places(plays), remedy)


def _groups(play: Play, game: FiniteGame | None) -> list[list[int]]:
    """The agents of each team."""
    agents = np.shape(play.rewards)[1]
    if game is None or len(game.spec.agents) != agents:
        return [list(range(agents))]
    return [members(game.spec, team) for team in sorted(set(game.spec.team))]


def _unlike(play: Play, groups: list[list[int]]) -> float:
    """How unlike the agents of one team are paid, 0 to 2: in all, or on the step that succeeds."""
    paid = np.asarray(play.rewards, float)
    step = -1 if play.ended else int(np.abs(paid.sum(1)).argmax())
    worst = 0.0
    for group in groups:
        for earned in (paid[:, group].sum(0), paid[step, group]):
            if (most := np.abs(earned).max()) > 0:
                worst = max(worst, float(np.ptp(earned) / most))
    return worst


def _unequal(
    plays: list[Play], unlike: list[float], groups: list[list[int]], game: FiniteGame | None, names: Sequence[str]
) -> Finding:
    worst = [play for play, one in zip(plays, unlike, strict=True) if one > UNLIKE]
    means = np.mean([np.asarray(play.rewards).sum(0) for play in worst], axis=0)
    earned = " and ".join(f"{called(agent, names)} {mean:.2f}" for agent, mean in enumerate(means))
    sentence = (
        f"Agents are not paid alike for what they achieve together: in {len(worst):,} of {len(plays):,} episodes that "
        f"succeed one earns more than another (on average {earned}), as if a cooperative reward were turned off."
    )
    flags = ("--env.reward", "team") if game is not None and game.name == "rendezvous" else ()
    remedy = "turn the environment's cooperative or team reward on, or give every agent the mean of all rewards"
    labels = labels_of(len(means), names)
    picture = Picture("bars", "Mean return of each agent where they succeed", labels, tuple(map(float, means)))
    return Finding(
        "rewards",
        "yes",
        sentence,
        float(np.mean(unlike)),
        None,
        "all are paid alike",
        _places(worst),
        remedy,
        flags,
        picture=picture if len(groups) == 1 else None,
    )


def _places(plays: Sequence[Play]) -> tuple[Evidence, ...]:
    return tuple(Evidence(play.team, 1, len(play.rewards), play.episode) for play in plays[:SHOWN])


def _episodes(count: int) -> str:
    return "1 episode" if count == 1 else f"{count:,} episodes"
