"""Known answers for what is asked of episodes and of learning, from the definitions alone: no detector was read."""

from __future__ import annotations

import asked_of_drift
import asked_of_learning
import asked_of_moves
import asked_of_outcomes
import asked_of_rewards
from asked_of_noise import NOISE
from case import Case
from families import cases_of

QUESTIONS = (
    *asked_of_rewards.QUESTIONS,
    *asked_of_moves.QUESTIONS,
    NOISE,
    *asked_of_drift.QUESTIONS,
    *asked_of_learning.QUESTIONS,
    *asked_of_outcomes.QUESTIONS[:1],
)


def cases(count: int) -> list[Case]:
    """`count` cases with the answer yes and `count` with no for every question."""
    return cases_of(QUESTIONS, count)
