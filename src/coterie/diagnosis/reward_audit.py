"""Does the exact optimum of this reward reach the aim at all? Asked before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from coterie.diagnosis.endings import least_horizon
from coterie.diagnosis.loops import find_loop
from coterie.finite.game import FiniteGame
from coterie.finite.solve import discounted_optimum, greatest_success, optimal_play, success_of_optimal_play
from coterie.running.evaluate import as_play
from coterie.statistics import mann_whitney_p, percent
from coterie.types import Evidence, Finding, Picture, Play

PLAY_STEPS = 40
SAME_CHANCE = 1e-6
FEWEST = 4  # episodes of either kind: fewer cannot differ beyond chance
ALPHA = 0.05
PAY_THE_AIM = ("--env.meet-reward", "10", "--env.step-reward", "-1", "--env.closer-reward", "0")


class Audit(NamedTuple):
    """The finding, the value of the discounted optimum, and an optimal play to look at."""

    finding: Finding
    value: float
    play: Play


def reward_audit(game: FiniteGame, discount: float) -> Audit:
    """Whether discounted-optimal play without a time limit succeeds, from the probability over all optimal plays.

    The optimum is that of the mean reward of all agents. cannot tell: where there is no discount, and where agents of
    different teams are paid differently, for then nobody learns from that mean.
    """
    nothing = as_play(game, int(game.start_state[0]), game.first_edge[:0], game.joint_actions[:0], -1)
    if not game.success_word:
        sentence = "Nobody says what a success is here, so it is not asked whether the optimum succeeds."
        return Audit(Finding("reward audit", "cannot tell", sentence), float("nan"), nothing)
    if discount >= 1.0:
        sentence = "The optimum of this reward without discount and time limit is not computed."
        return Audit(Finding("reward audit", "cannot tell", sentence), float("nan"), nothing)
    best = discounted_optimum(game, discount)
    least, most = success_of_optimal_play(game, discount)
    possible = greatest_success(game)
    edges, actions = optimal_play(game, best, steps=PLAY_STEPS)
    play = as_play(game, int(game.start_state[0]), edges, actions, -1)
    word = game.success_word
    if game.horizon and greatest_success(game, game.horizon) <= SAME_CHANCE < possible:
        sentence = f"Not your learner: nobody can {word} within the time limit of {game.horizon} steps."
        remedy, flags = "allow more time (--env.horizon)", ("--env.horizon", str(2 * least_horizon(game)))
        return Audit(Finding("reward audit", "yes", sentence, 0.0, None, "", (), remedy, flags), best.value, play)
    if len(set(game.spec.team)) > 1 and not np.allclose(game.reward, game.reward[:, :1]):
        sentence = (
            "The agents are in different teams and each learns from its own reward, so the optimum of all together "
            "does not say what they should learn."
        )
        return Audit(Finding("reward audit", "cannot tell", sentence), best.value, play)
    if most > SAME_CHANCE and least > possible - SAME_CHANCE:
        sentence = f"The exact optimum of this reward can {word}: it is worth {best.value:.3f} ({best.objective})."
        return Audit(Finding("reward audit", "no", sentence, most, (least, most)), best.value, play)
    loop = None if play.ended else find_loop(play.keys.tolist(), repeats=1)
    doing = "circling" if loop and loop.period > 1 else "standing still" if loop else "avoiding it"
    flags = PAY_THE_AIM if game.name == "rendezvous" else ()
    remedy = "pay more for the aim than the way there can earn again and again, or do not pay for the way at all"
    remedy += f" ({' '.join(flags)})" if flags else ""
    if least > SAME_CHANCE and most - least < SAME_CHANCE:
        sentence = (
            f"Not only your learner: the exact optimum of this reward ({best.value:.3f}, {best.objective}) succeeds "
            f"with a chance of {percent(most)}, where {percent(possible)} is possible."
        )
    elif most > SAME_CHANCE:
        sentence = (
            f"Not only your learner: an exact optimum of this reward need not {word}; it succeeds with a chance "
            f"between {percent(least)} and {percent(most)}, as equally good plays differ "
            f"({best.value:.3f}, {best.objective})."
        )
    else:
        sentence = (
            f"Not your learner: the exact optimum of this reward never {word}s; {doing} earns {best.value:.3f} "
            f"({best.objective})."
        )
    evidence = (Evidence(-1, loop.first_step, loop.last_step),) if loop else ()
    null = "the optimum succeeds"
    finding = Finding("reward audit", "yes", sentence, most, (least, most), null, evidence, remedy, flags)
    return Audit(finding, best.value, play)


def outcome_audit(plays: Sequence[Play]) -> Finding:
    """Where there is no table: do failing episodes earn more than succeeding ones?

    The team-mean returns of both kinds are compared by ranks (Mann and Whitney 1947). yes: failing episodes earn more
    on average and by ranks, and chance alone would do so less than once in twenty times. value: mean return of the
    failing less that of the succeeding ones. Left out: whether a better way of succeeding would earn more than both.
    """
    returns = np.array([np.asarray(play.rewards, float).sum(0).mean() if len(play.rewards) else 0.0 for play in plays])
    succeeded = np.array([play.success for play in plays], bool)
    good, bad = returns[succeeded], returns[~succeeded]
    if min(len(good), len(bad)) < FEWEST:
        sentence = (
            f"{len(good):,} episodes succeed and {len(bad):,} fail: {FEWEST} of either kind are needed to compare what "
            "they earn."
        )
        return Finding("reward audit", "cannot tell", sentence)
    more, p = float(bad.mean() - good.mean()), mann_whitney_p(bad, good)
    wins = float((bad[:, None] > good).mean() - (bad[:, None] < good).mean())
    means = (float(good.mean()), float(bad.mean()))
    picture = Picture("bars", "What episodes earn", ("that succeed", "that fail"), means)
    facts = f"({means[1]:.2f} on average, against {means[0]:.2f})"
    null = "failing episodes do not earn more"
    if more > 0 and wins > 0 and p < ALPHA:
        sentence = f"Failing pays: episodes that fail earn more than those that succeed {facts}."
        best = sorted((play for play in plays if not play.success), key=lambda play: -np.sum(play.rewards))[:5]
        places = tuple(Evidence(play.team, 1, max(1, len(play.rewards)), play.episode) for play in best)
        remedy = "pay more for the aim than the way there can earn, or do not pay for the way at all"
        return Finding("reward audit", "yes", sentence, more, None, null, places, remedy, p=p, picture=picture)
    sentence = f"Failing does not pay: episodes that fail do not earn more than those that succeed {facts}."
    return Finding("reward audit", "no", sentence, more, None, null, p=p, picture=picture)
