"""Harder cases of the third round. They were written when the first of it had been asked, and before any detector was
asked these; no detector was read."""

from __future__ import annotations

from asked_third_of_harder import QUESTIONS
from case import Case
from families import cases_of


def cases(count: int) -> list[Case]:
    """`count` cases with the answer yes and `count` with no for every question."""
    return cases_of(QUESTIONS, count)
