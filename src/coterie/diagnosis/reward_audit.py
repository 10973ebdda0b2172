"""Does the exact optimum of this reward reach the aim at all? Asked before anything is trained."""

from __future__ import annotations

from typing import NamedTuple

from coterie.diagnosis.loops import find_loop
from coterie.finite.game import FiniteGame
from coterie.finite.solve import discounted_optimum, greatest_success, optimal_play, success_of_optimal_play
from coterie.running.evaluate import as_play
from coterie.statistics import percent
from coterie.types import Evidence, Finding, Play

PLAY_STEPS = 40
SAME_CHANCE = 1e-6


class Audit(NamedTuple):
    """The finding, the value of the discounted optimum, and an optimal play to look at."""

    finding: Finding
    value: float
    play: Play


def reward_audit(game: FiniteGame, discount: float) -> Audit:
    """Whether discounted-optimal play without a time limit succeeds, from the probability over all optimal plays."""
    if discount >= 1.0:
        nothing = as_play(game, int(game.start_state[0]), game.first_edge[:0], game.joint_actions[:0], -1)
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
        remedy = "allow more time (--env.horizon)"
        return Audit(Finding("reward audit", "yes", sentence, 0.0, None, "", (), remedy), best.value, play)
    if most > SAME_CHANCE and least > possible - SAME_CHANCE:
        sentence = f"The exact optimum of this reward can {word}: it is worth {best.value:.3f} ({best.objective})."
        return Audit(Finding("reward audit", "no", sentence, most, (least, most)), best.value, play)
    loop = None if play.ended else find_loop(play.keys.tolist(), repeats=1)
    doing = "circling" if loop and loop.period > 1 else "standing still" if loop else "avoiding it"
    remedy = (
        "pay more for the aim than the way there can earn again and again, or do not pay for the way at all (in "
        "rendezvous: --env.meet-reward 10 --env.step-reward -1 --env.closer-reward 0)"
    )
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
    finding = Finding("reward audit", "yes", sentence, most, (least, most), "the optimum succeeds", evidence, remedy)
    return Audit(finding, best.value, play)
