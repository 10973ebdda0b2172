"""Known answers for what is asked of stages and tables, from the definitions alone: no detector was read."""

from __future__ import annotations

import asked_of_controls
import asked_of_outcomes
import asked_of_sight
import asked_of_stages
import asked_of_strangers
import asked_of_tables
from case import Case
from families import cases_of

QUESTIONS = (
    *asked_of_stages.QUESTIONS,
    *asked_of_sight.QUESTIONS,
    *asked_of_strangers.QUESTIONS,
    *asked_of_tables.QUESTIONS,
    *asked_of_controls.QUESTIONS,
    *asked_of_outcomes.QUESTIONS[1:],
)


def cases(count: int) -> list[Case]:
    """`count` cases with the answer yes and `count` with no for every question."""
    return cases_of(QUESTIONS, count)
