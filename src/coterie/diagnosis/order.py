"""Many findings as one diagnosis: over teams, corrected for how much was asked, the most important first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from coterie.statistics import holm, wilson
from coterie.types import Evidence, Finding

# What makes later questions moot is asked first: signal and configuration, learning at all, the reward, noise and
# loops, lazy or redundant agents, theory, drift, strangers.
ORDER = (
    "rewards",
    "endings",
    "capability",
    "accounting",
    "exploration",
    "step size",
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
    "gaps",
    "shadowed optimum",
    "shortfall",
    "stability",
    "drift",
    "strangers",
)
SIGNIFICANT = 0.05
WORTH_SAYING = 0.1  # the share of the teams looked at that must have a fault before it is called the run's


def in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """What is to mend first, then what cannot be told, then what is fine; in each the most important first."""
    rank = {"yes": 0, "cannot tell": 1, "no": 2}
    return tuple(sorted(findings, key=lambda one: (rank[one.verdict], ORDER.index(one.name))))


def corrected(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings whose chance survives Holm's correction (1979) over all that were tested; others cannot tell.

    Asking twenty questions of pure noise finds one thing in twenty; the correction keeps the chance of any false
    finding below 5 %. `p` becomes the corrected chance. Findings without a chance stay as they are.
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
    doubt = f"{finding.sentence} But so much is found by chance in {chance:.0%} of as many looks; play more episodes."
    return dataclasses.replace(finding, verdict="cannot tell", sentence=doubt, remedy="", flags=())


def over_teams(found: Sequence[tuple[int, Finding]], looked: str) -> Finding:
    """One question asked of several teams as one finding; `looked` says which, such as `failing teams`.

    The verdict is yes where at least a tenth of them have the fault; the sentence is that of the first of them.
    """
    if len(found) == 1:
        return found[0][1]
    has = [(team, one) for team, one in found if one.verdict == "yes"]
    unclear = [(team, one) for team, one in found if one.verdict == "cannot tell"]
    share = wilson(len(has), len(found))
    if len(has) >= WORTH_SAYING * len(found) and has:
        team, first = has[0]
        places = tuple(place for _, one in has for place in one.evidence[:1]) or (Evidence(team, 1, 1),)
        return dataclasses.replace(
            first,
            sentence=f"{len(has):,} of the {len(found):,} {looked} looked at; e.g. team {team}: {first.sentence}",
            evidence=places[:5],
            share=share.share,
        )
    if len(unclear) == len(found):
        return dataclasses.replace(unclear[0][1], evidence=())
    fine = (
        next(one for _, one in found if one.verdict != "cannot tell" and one.verdict != "yes")
        if len(has) + len(unclear) < len(found)
        else unclear[0][1]
    )
    some = f" ({len(has):,} of {len(found):,} {looked} have it)" if has else ""
    return dataclasses.replace(
        fine,
        verdict="no",
        sentence=f"Of {len(found):,} {looked} looked at, {'hardly any' if has else 'none'} has this fault{some}.",
        value=share.share,
        interval=(share.low, share.high),
        evidence=(),
        remedy="",
        flags=(),
        picture=None,
    )
