"""Harder cases of the third round. They were written when the first of it had been asked, and before any detector was
asked these; no detector was read. There are a quarter as many as of the others, as each answer has one or two families
only; all were asked at first, and gave the same picture."""

from __future__ import annotations

from asked_third_of_harder import QUESTIONS
from case import Case
from families import cases_of


def cases(count: int) -> list[Case]:
    """About a quarter of `count` cases of each answer for every question, an even number."""
    return cases_of(QUESTIONS, 2 * ((count + 4) // 8))
