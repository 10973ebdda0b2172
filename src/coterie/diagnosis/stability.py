"""Is what was learned kept? Greedy checks during learning that fail after a team's first success."""

from __future__ import annotations

from coterie.running.evaluate import Stability
from coterie.statistics import percent, wilson
from coterie.types import Finding

WORRYING = 0.05  # the share of failed checks above which learning is called unstable


def stability_finding(
    stability: Stability, word: str, remedy: str = "", flags: tuple[str, ...] = (), common: bool = True
) -> Finding:
    """Do teams lose what they had learned? Judged by the share of checks after the first success that fail.

    share = |{(w, c): check c of team w fails, an earlier one succeeded}| / |{(w, c): an earlier one succeeded}|; yes:
    above 5 %. `remedy` and `flags` are what the caller can still try. cannot tell: where the agents are in different
    teams (not `common`), for then the common success is not what they learn.
    """
    if not common:
        sentence = f"The agents are in different teams, so to {word} is not their aim and need not be kept."
        return Finding("stability", "cannot tell", sentence)
    teams = int(stability.succeeded.sum())
    if not teams:
        return Finding("stability", "cannot tell", f"No team ever passed a greedy check to {word}.")
    relapsed = wilson(int(stability.relapsed.sum()), teams)
    unstable = stability.failed_share > WORRYING
    return Finding(
        "stability",
        "yes" if unstable else "no",
        f"{percent(stability.failed_share)} of the greedy checks after a team's first success failed "
        f"({relapsed.count:,} of the {teams:,} teams that once could {word} failed at least one).",
        stability.failed_share,
        None,
        f"at most {percent(WORRYING)} of the checks after a first success fail",
        remedy=remedy if unstable else "",
        flags=flags if unstable else (),
    )
