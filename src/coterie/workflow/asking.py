"""Questions, asked one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from coterie.finite.game import FiniteGame
from coterie.running.stage import Way
from coterie.types import Finding


class Question(NamedTuple):
    """What is asked, and how."""

    name: str
    ask: Callable[[], Finding]


def answers(questions: Sequence[Question], on_question: Callable[[int, int, str], None] | None = None) -> list[Finding]:
    """The findings of many questions, asked one after the other."""
    found = []
    for number, question in enumerate(questions, 1):
        if on_question:
            on_question(number, len(questions), question.name)
        found.append(question.ask())
    return found


def stand_in(game: FiniteGame) -> Way:
    """How an agent acts that is taken out of its team: it does nothing where there is such an action, else anything."""
    return "idle" if game.idle_is_noop else "random"
