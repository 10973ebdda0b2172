"""What a module of known answers is made of: questions, and families of worlds whose answer is known by definition.

A family is a function from chance to what is asked about; its docstring says why the answer is what it is. Its cases
differ by seed, and their chance depends on the family's name and the seed alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from case import Case

from coterie.types import Finding

Chance = np.random.Generator
Family = Callable[[Chance], tuple[Any, ...]]


class Question(NamedTuple):
    """One diagnostic: how it is asked, the families to which the answer is yes, and those to which it is no."""

    diagnostic: str
    ask: Callable[..., Finding]
    yes: Sequence[Family]
    no: Sequence[Family]


def cases_of(questions: Sequence[Question], count: int) -> list[Case]:
    """`count` cases with the answer yes and `count` with no, for every question; all families have even and odd
    seeds."""
    return [
        _case(question, answer, families[seed // 2 % len(families)], seed)
        for question in questions
        for answer, families in ((True, question.yes), (False, question.no))
        for seed in range(count)
    ]


def drawn(family: Family, seed: int) -> tuple[Any, ...]:
    """What a family gives for a seed."""
    return family(np.random.default_rng([crc32(name_of(family).encode()), seed]))


def name_of(family: Family) -> str:
    """A family's name in words."""
    return family.__name__.replace("_", " ")


def _case(question: Question, answer: bool, family: Family, seed: int) -> Case:
    return Case(question.diagnostic, name_of(family), seed, answer, lambda: question.ask(*drawn(family, seed)))
