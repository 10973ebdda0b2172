"""A diagnosis in the terminal: a sentence, what is to mend with its remedy, and all findings as a table."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from coterie.showing.outcomes import who
from coterie.showing.terminal import Hanging
from coterie.showing.words import VERDICTS, measured

if TYPE_CHECKING:
    from coterie.running.verdict import Verdict
    from coterie.types import Evidence, Finding

TOLD = 3  # faults that are told in full; the first explains most
STYLES = {"yes": "bold red", "cannot tell": "yellow", "no": "green"}


def diagnosis(name: str, summary: str, verdict: Verdict) -> RenderableType:
    """What was found about a run or about recorded episodes."""
    lines: list[RenderableType] = [Hanging(Text(""), Text.assemble((f"{name}  ", "dim"), (summary, "bold"))), Text()]
    faults = [one for one in verdict.findings if one.verdict == "yes"]
    for one in faults[:TOLD]:
        lines += _fault(one)
    if faults[TOLD:]:
        names = ", ".join(one.name for one in faults[TOLD:])
        lines.append(Hanging(Text("  ! ", "bold red"), Text(f"and, which may follow from these: {names}")))
    if faults:
        lines.append(Text())
    return Group(*lines, *findings_table(verdict.findings), *_unsettled(verdict.findings))


def _unsettled(findings: Iterable[Finding]) -> list[RenderableType]:
    """Why nothing can be told of what cannot be told."""
    found = [one for one in findings if one.verdict == "cannot tell" and one.sentence]
    lines = [Hanging(Text("  ? ", "yellow"), Text(f"{one.name}: {one.sentence}", "dim")) for one in found]
    return [Text(), *lines] if lines else []


def _fault(finding: Finding) -> Iterable[RenderableType]:
    yield Hanging(Text("  ! ", "bold red"), Text.assemble((f"{finding.name}: ", "bold"), finding.sentence))
    if finding.evidence:
        places = [place(one) for one in finding.evidence[:3]]
        more = f" and {len(finding.evidence) - 3} more" if len(finding.evidence) > 3 else ""
        yield Hanging(Text("    See: ", "dim"), Text("; ".join(places) + more, "dim"))
    if finding.remedy or finding.flags:
        command = " ".join(shlex.quote(flag) for flag in finding.flags)
        said = not command or finding.flags[0] in finding.remedy
        words = finding.remedy + ("" if said else f"  [{command}]")
        yield Hanging(Text("    Try: ", "bold"), Text(words.strip()))


def place(one: Evidence) -> str:
    """Where to look, in words."""
    last = f"s {one.first_step} to {one.last_step}" if one.last_step > one.first_step else f" {one.first_step}"
    return f"{who(one)}, step{last}"


def findings_table(findings: Iterable[Finding]) -> list[RenderableType]:
    """All findings, one a line: what was asked, the verdict, the number, and the chance of it by luck alone."""
    rows = [("finding", "verdict", "value", "by chance")]
    rows += [(one.name, VERDICTS[one.verdict], measured(one), _chance(one.p)) for one in findings]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines: list[RenderableType] = []
    for place, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        line = Text("  ")
        for column, cell in enumerate(cells):
            style = "dim" if place == 0 else ""
            if place and column == 1:
                style = STYLES[next(key for key, word in VERDICTS.items() if word == row[1])]
            line.append(cell + "  ", style)
        line.rstrip()
        lines.append(Hanging(Text(""), line))
    return lines


def _chance(p: float | None) -> str:
    if p is None:
        return ""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"
