"""Many findings as one diagnosis: over teams, corrected for how much was asked, the most important first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from coterie.statistics import holm, wilson
from coterie.types import Finding

# What makes later questions moot is asked first: signal and configuration, learning at all, the reward, noise and
# loops, lazy or redundant agents, theory, drift, strangers.
ORDER = (
    "rewards",
    "endings",
    "capability",
    "accounting",
    "exploration",
    "reward audit",
    "loops",
    "agent loops",
    "noise",
    "idle",
    "contribution",
    "identities",
    "closed loop",
    "influence",
    "coupling",
    "shadowed optimum",
    "gaps",
    "step size",
    "shortfall",
    "stability",
    "drift",
    "strangers",
)
SIGNIFICANT = 0.05
WORTH_SAYING = 0.1  # the share of the teams looked at that must have a fault before it is called the run's
MOST = 0.5  # of those looked at: a fault that fewer have explains little, and comes later


def in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """What is to mend first, then what cannot be told, then what is fine; in each the most important first.

    A fault that fewer than half of those looked at have comes after those that most of them have.
    """
    rank = {"yes": 0, "cannot tell": 1, "no": 2}
    return tuple(sorted(findings, key=lambda one: (rank[one.verdict], one.share < MOST, ORDER.index(one.name))))


def corrected(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings whose chance survives Holm's correction (1979) over all that were tested; others cannot tell.

    Asking twenty questions of pure noise finds one thing in twenty; the correction keeps the chance of any false
    finding, among those that were tested, at 5 %. `p` becomes the corrected chance. Findings without a chance (exact
    ones, and those that count) stay as they are.
    """
    tested = [place for place, one in enumerate(findings) if one.p is not None]
    chances = dict(zip(tested, holm([findings[place].p or 0.0 for place in tested]), strict=True)) if tested else {}
    return tuple(_weighed(one, chances.get(place)) for place, one in enumerate(findings))


def _weighed(finding: Finding, chance: float | None) -> Finding:
    if chance is None:
        return finding
    finding = dataclasses.replace(finding, p=float(chance))
    if finding.verdict != "yes" or chance < SIGNIFICANT:
        return finding
    doubt = f"{finding.sentence} But chance alone shows so much in {chance:.0%} of as many looks."
    return dataclasses.replace(finding, verdict="cannot tell", sentence=doubt, remedy="", flags=())


def any_of(findings: Sequence[Finding]) -> Finding:
    """One question asked of several agents: the first that has the fault, corrected for how many were asked."""
    weighed = corrected(findings)
    for verdict in ("yes", "cannot tell"):
        for one in weighed:
            if one.verdict == verdict:
                return one
    return weighed[0]


def over_teams(found: Sequence[tuple[int, Finding]], looked: str, total: int = 0) -> Finding:
    """One question asked of several teams as one finding, corrected for how many were asked (`corrected`).

    `looked` says which teams, such as `failing teams`, and `total` how many such teams there are (0: just these). The
    verdict is yes where at least a tenth of those looked at have the fault, cannot tell where as many are not told
    apart from having it, else no. The sentence is that of the first that has it.
    """
    total = max(total, len(found))
    if total == 1 and looked == "teams":
        return found[0][1]
    asked = list(zip((team for team, _ in found), corrected([one for _, one in found]), strict=True))
    has, unclear = ([(team, one) for team, one in asked if one.verdict == kind] for kind in ("yes", "cannot tell"))
    seen = f"{len(found):,} {looked}" if total == len(found) else f"{len(found):,} looked at (of {total:,} {looked})"
    if has and len(has) >= WORTH_SAYING * len(found):
        team, first = has[0]
        head = (
            f"{len(has):,} of the {seen}; e.g. team {team}"
            if len(found) > 1
            else f"Team {team}, the one of the {looked}"
        )
        return dataclasses.replace(
            first,
            sentence=f"{head}: {first.sentence}",
            evidence=tuple(place for _, one in has for place in one.evidence[:1])[:5],
            share=len(has) / len(found),
        )
    if unclear and len(has) + len(unclear) >= WORTH_SAYING * len(found):
        team, first = unclear[0]
        head = "" if len(found) == 1 else f"Of the {seen}, {len(unclear):,} cannot be told; e.g. team {team}: "
        return dataclasses.replace(
            first, sentence=f"{head}{first.sentence}", value=None, interval=None, evidence=(), p=None, picture=None
        )
    decided = len(found) - len(unclear)
    share = wilson(len(has), decided)
    fine = next(one for _, one in asked if one.verdict == "no")
    if len(found) == 1:
        return fine
    few = f"{len(has):,} have" if len(has) > 1 else "one has" if has else "none has"
    return dataclasses.replace(
        fine,
        sentence=f"Of the {seen}, {few} this fault. {fine.sentence}",
        value=share.share,
        interval=(share.low, share.high),
        evidence=(),
        remedy="",
        flags=(),
        p=None,
        picture=None,
    )
