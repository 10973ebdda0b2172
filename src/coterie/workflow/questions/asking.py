"""Questions, asked one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from coterie.finite.game import FiniteGame
from coterie.running.stage import Way
from coterie.types import Finding, Play


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


def told_apart(findings: Sequence[Finding]) -> list[Finding]:
    """Findings in which a screen gives way to proof: who does nothing but adds something is not idle."""
    useful = any(one.name == "contribution" and one.verdict == "no" for one in findings)
    return [
        replace(one, verdict="no", remedy="", sentence=f"{one.sentence} It adds something all the same (contribution).")
        if useful and one.name == "idle" and one.verdict == "yes"
        else one
        for one in findings
    ]


def without_training(finding: Finding) -> Finding:
    """A finding about agents that nobody trains here: its remedy names no words of a command."""
    words = re.sub(r" ?\((?:rendezvous: |in rendezvous: )?--[^)]*\)", "", finding.remedy)
    return replace(finding, remedy="" if "--" in words else words, flags=())


def stand_in(game: FiniteGame) -> Way:
    """How an agent acts that is taken out of its team: it does nothing where there is such an action, else anything."""
    return "idle" if game.idle_is_noop else "random"


def all_alike(plays: list[Play]) -> bool:
    """Whether all episodes are one and the same, step by step."""
    first = plays[0]
    return all(np.array_equal(p.actions, first.actions) and np.array_equal(p.rewards, first.rewards) for p in plays)
