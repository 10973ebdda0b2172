"""How often detectors are right on cases with known answers: detections, false positives, and what was missed."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from case import Case

Source = Literal["from_definitions", "by_authors"]
SOURCES: tuple[Source, ...] = ("from_definitions", "by_authors")
DIAGNOSTICS = (
    "rewards", "endings", "idle", "loops", "noise", "contribution", "identities", "closed loop", "strangers",
    "influence", "coupling", "gaps", "shadowed optimum", "capability", "reward audit", "outcome audit", "exploration",
    "drift", "step size", "stability", "accounting",
)  # fmt: skip
LEAST_DETECTED, MOST_FALSE = 0.9, 0.1
BLIND = "from_definitions_fourth"  # no detector has been changed on account of it: it is asked by itself
BLIND_LEAST_DETECTED, BLIND_MOST_FALSE = 0.8, 0.2
WRONG = "error"  # a detector that raises is wrong, whatever the answer


class Answer(NamedTuple):
    """What a detector said to a case, and how long it took."""

    case: Case
    verdict: str
    seconds: float

    @property
    def right(self) -> bool:
        """A yes where the answer is yes; anything but a yes (or an error) where it is no."""
        if self.case.answer:
            return self.verdict == "yes"
        return self.verdict not in ("yes", WRONG)


class Rates(NamedTuple):
    """Counts over some answers: of `yes` cases `detected` were, of `no` cases `false` were not."""

    yes: int
    detected: int
    no: int
    false: int
    cannot_tell: int
    errors: int

    @property
    def good(self) -> bool:
        """Whether enough was detected and little was falsely; with no cases of a kind, nothing is shown."""
        return self.within(LEAST_DETECTED, MOST_FALSE)

    @property
    def good_for_blind(self) -> bool:
        """The same by the wider limits for cases that nothing was chosen on."""
        return self.within(BLIND_LEAST_DETECTED, BLIND_MOST_FALSE)

    def within(self, least_detected: float, most_false: float) -> bool:
        """Whether these limits are kept."""
        return bool(self.yes and self.no) and (
            self.detected >= least_detected * self.yes and self.false <= most_false * self.no
        )


def modules(source: Source) -> list[str]:
    """The names of the modules of cases from a source, but for the blind one."""
    return sorted(path.stem for path in Path(__file__).parent.glob(f"{source}_*.py") if path.stem != BLIND)


def all_cases(source: Source, count: int) -> list[Case]:
    """The cases of all modules of a source."""
    return [case for module in modules(source) for case in importlib.import_module(module).cases(count)]


def blind_cases(count: int) -> list[Case]:
    """The cases of the blind round."""
    return importlib.import_module(BLIND).cases(count)


def answers(cases: Sequence[Case], ask: Callable[[Case], str] | None = None) -> list[Answer]:
    """What is said to each case; ask(case) stands in for its detector. A missing detector is an ImportError."""
    return [_answer(case, ask or _verdict) for case in cases]


def rates(said: Sequence[Answer]) -> Rates:
    """The counts of some answers."""
    yes, no = ([one for one in said if one.case.answer is answer] for answer in (True, False))
    return Rates(
        len(yes),
        sum(one.right for one in yes),
        len(no),
        sum(not one.right for one in no),
        sum(one.verdict == "cannot tell" for one in said),
        sum(one.verdict == WRONG for one in said),
    )


def _answer(case: Case, ask: Callable[[Case], str]) -> Answer:
    start = time.perf_counter()
    try:
        verdict = ask(case)
    except ImportError:
        raise
    except Exception:  # whatever goes wrong in a detector is an answer: a wrong one
        verdict = WRONG
    return Answer(case, verdict, time.perf_counter() - start)


def _verdict(case: Case) -> str:
    return case.ask().verdict
