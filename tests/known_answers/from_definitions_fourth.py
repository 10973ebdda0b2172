"""A fourth round of known answers, in worlds unlike those before, written from the definitions alone: no detector was
read, none was asked before all cases stood, and nothing was chosen on any of them. They are judged by whole families,
with all seeds."""

from __future__ import annotations

import asked_fourth_of_members
import asked_fourth_of_moves
import asked_fourth_of_numbers
import asked_fourth_of_play
import asked_fourth_of_sight
from case import Case
from families import cases_of

QUESTIONS = (
    *asked_fourth_of_moves.QUESTIONS,
    *asked_fourth_of_numbers.QUESTIONS,
    *asked_fourth_of_sight.QUESTIONS,
    *asked_fourth_of_members.QUESTIONS,
    *asked_fourth_of_play.QUESTIONS,
)


def cases(count: int) -> list[Case]:
    """`count` cases with the answer yes and `count` with no for every question."""
    return cases_of(QUESTIONS, count)
