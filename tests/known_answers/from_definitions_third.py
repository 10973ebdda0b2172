"""A third round of known answers, in worlds unlike those before, written from the definitions alone when most detectors
had been changed: no detector was read, and none was asked before all cases stood."""

from __future__ import annotations

import asked_third_of_gaps
import asked_third_of_members
import asked_third_of_moves
import asked_third_of_noise
import asked_third_of_places
import asked_third_of_results
import asked_third_of_sight
import asked_third_of_strangers
import asked_third_of_values
from case import Case
from families import cases_of

QUESTIONS = (
    asked_third_of_moves.LOOPS,
    *asked_third_of_values.QUESTIONS,
    *asked_third_of_results.QUESTIONS,
    *asked_third_of_members.QUESTIONS,
    *asked_third_of_places.QUESTIONS,
    *asked_third_of_strangers.QUESTIONS,
    *asked_third_of_noise.QUESTIONS,
    *asked_third_of_sight.QUESTIONS,
    *asked_third_of_gaps.QUESTIONS,
)


def cases(count: int) -> list[Case]:
    """`count` cases with the answer yes and `count` with no for every question."""
    return cases_of(QUESTIONS, count)
