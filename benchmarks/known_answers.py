"""How often every detector gives the known answer: detections and false positives, with what was missed.

    python benchmarks/known_answers.py --count 100 --save   all cases; writes results/known_answers.json and the page
    python benchmarks/known_answers.py --only loops         one diagnostic
    python benchmarks/known_answers.py --page               writes docs/diagnostics/known_answers.md again

Half of the cases were written by the detectors' authors, half from the definitions alone by someone who had not read a
detector. Thresholds were chosen on cases with even seeds; only those with odd seeds are counted here. The fourth round
is blind: nothing was chosen on it, so that all its seeds are counted, and it is asked only where --save is given.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coterie.statistics import wilson

HERE = Path(__file__).parent
PLACE = HERE / "results" / "known_answers.json"
THIRD = HERE / "results" / "known_answers_third.json"  # what detectors gave to the third round before any was changed
PAGE = HERE.parent / "docs" / "diagnostics" / "known_answers.md"
sys.path[:0] = [str(HERE.parent / "tests" / folder) for folder in ("known_answers", "finite")]

from families import name_of  # noqa: E402
from from_definitions_fourth import QUESTIONS as FOURTH  # noqa: E402
from from_definitions_later import cases as later_cases  # noqa: E402
from from_definitions_third import cases as third_cases  # noqa: E402
from from_definitions_third_harder import cases as harder_cases  # noqa: E402
from scoring import DIAGNOSTICS, SOURCES, Answer, all_cases, answers, blind_cases, rates  # noqa: E402

BLIND_FAMILIES = {
    (question.diagnostic, name_of(family)) for question in FOURTH for family in (*question.yes, *question.no)
}
TITLES = {
    "fourth": "The fourth round, blind",
    "both": "All cases",
    "from_definitions": "Cases written from the definitions alone",
    "later": "Of these, cases written after a detector had been changed",
    "third": "Of these, a third round, which was blind when it was first asked",
    "by_authors": "Cases written by the detectors' authors",
}


def main() -> None:
    """Ask, show, and save."""
    parser = argparse.ArgumentParser(description="How often every detector gives the known answer.")
    parser.add_argument("--count", type=int, default=100, help="cases of each answer, diagnostic and source")
    parser.add_argument("--only", choices=DIAGNOSTICS, help="one diagnostic")
    parser.add_argument("--save", action="store_true", help="write the results and the page")
    parser.add_argument("--page", action="store_true", help="write the page from the saved results, and ask nothing")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    if given.page:
        PAGE.write_text(page(json.loads(PLACE.read_text())))
        return
    if given.save and given.only:
        parser.error("--save needs all diagnostics: leave out --only")
    found = measure([given.only] if given.only else DIAGNOSTICS, given.count, blind=given.save)
    found |= {
        "command": f"python benchmarks/known_answers.py {shlex.join(sys.argv[1:])}".strip(),
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "count": given.count,
    }
    found["first"] = json.loads(PLACE.read_text())["first"] if PLACE.exists() else first_rows(found["rows"])
    found["third_first"] = json.loads(THIRD.read_text())["rows"] if THIRD.exists() else []
    print(json.dumps(found) if given.json else page(found))
    if given.save:
        PLACE.write_text(json.dumps(found, indent=1) + "\n")
        PAGE.write_text(page(found))


def measure(diagnostics: Sequence[str], count: int, blind: bool = False) -> dict[str, Any]:
    """Every diagnostic's rates by source and over both, on odd seeds, and what was missed there; blind: with the fourth
    round, on all its seeds."""
    said: dict[tuple[str, str], list[Answer]] = {}
    missing: dict[str, str] = {}
    for source in SOURCES:
        cases = all_cases(source, count)
        if blind and source == "from_definitions":
            cases += blind_cases(count)
        for diagnostic in diagnostics:
            try:
                said[source, diagnostic] = answers([case for case in cases if case.diagnostic == diagnostic])
            except ImportError as error:
                missing[diagnostic] = str(error)
    rounds = {
        name: {(case.diagnostic, case.family) for case in cases}
        for name, cases in (
            ("later", later_cases(2 * count)),
            ("third", third_cases(2 * count) + harder_cases(2 * count)),
        )
    } | {"fourth": BLIND_FAMILIES}
    rows = []
    for diagnostic in diagnostics:
        both = [one for source in SOURCES for one in said.get((source, diagnostic), [])]
        parts = {"both": both} | {source: said.get((source, diagnostic), []) for source in SOURCES}
        for name, families in rounds.items():
            parts[name] = [one for one in parts["from_definitions"] if (diagnostic, one.case.family) in families]
        rows += [row(diagnostic, source, part) for source, part in parts.items() if part]
    missed = [
        {"diagnostic": diagnostic, "source": "fourth round" if is_blind(one) else source,
         "family": one.case.family, "seed": one.case.seed,
         "answer": one.case.answer, "verdict": one.verdict}
        for (source, diagnostic), part in said.items() for one in judged(part) if not one.right
    ]  # fmt: skip
    return {"rows": rows, "missed": missed, "missing": missing}


def first_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is kept of a first run, before any detector was changed on account of it: the definitions' cases."""
    kept = ("diagnostic", "detected", "yes", "false", "no")
    return [{name: one[name] for name in kept} for one in rows if one["source"] == "from_definitions"]


def judged(said: Sequence[Answer]) -> list[Answer]:
    """The answers that are counted: those to odd seeds, and all of the fourth round."""
    return [one for one in said if one.case.seed % 2 or is_blind(one)]


def is_blind(one: Answer) -> bool:
    """Whether this is of the fourth round."""
    return (one.case.diagnostic, one.case.family) in BLIND_FAMILIES


def families_right(said: Sequence[Answer]) -> list[int]:
    """How many families were answered rightly in at least nine cases of ten, and how many there are."""
    right: dict[tuple[str, bool], list[bool]] = {}
    for one in said:
        right.setdefault((one.case.family, one.case.answer), []).append(one.right)
    return [sum(sum(each) >= 0.9 * len(each) for each in right.values()), len(right)]


def row(diagnostic: str, source: str, said: Sequence[Answer]) -> dict[str, Any]:
    """One diagnostic's rates on odd seeds, and, to compare, on the even ones that thresholds were chosen on."""
    found, chosen_on = rates(judged(said)), rates([one for one in said if one.case.seed % 2 == 0 and not is_blind(one)])
    return {
        "diagnostic": diagnostic,
        "source": source,
        "yes": found.yes,
        "detected": found.detected,
        "detection": share(found.detected, found.yes),
        "no": found.no,
        "false": found.false,
        "false_positives": share(found.false, found.no),
        "cannot_tell": found.cannot_tell,
        "errors": found.errors,
        "families": families_right(judged(said)),
        "even_seeds": {
            "detected": f"{chosen_on.detected}/{chosen_on.yes}",
            "false": f"{chosen_on.false}/{chosen_on.no}",
        },
        "milliseconds_a_case": round(1e3 * sum(one.seconds for one in said) / len(said), 1),
    }


def share(count: int, total: int) -> list[float] | None:
    """A share with its Wilson interval."""
    if not total:
        return None
    found = wilson(count, total)
    return [round(number, 4) for number in (found.share, found.low, found.high)]


def page(found: dict[str, Any]) -> str:
    """The page, from the results."""
    parts = [
        "# How often the diagnostics are right",
        "Every diagnostic is asked about worlds whose answer is known. How far the figures can be trusted depends on "
        "what the detectors had met when they were asked:",
        "- **The fourth round was never seen.** It was written from the definitions alone, all of it stood before any "
        "detector was asked, no threshold was chosen on it and no detector has been changed since on account of it "
        "(a crash that it met in the exact best response has been mended). "
        "All its seeds are counted, and whole families are new. Where you want one figure for a world that a detector "
        "has not met, take it from there.\n"
        "- **The third round was unseen when it was first asked.** What the detectors gave then is kept under *At "
        "first*. Some were changed afterwards, so its figures of today come from families that they had met.\n"
        "- **All earlier cases were used to mend detectors.** Only cases with even seeds were read for this and for "
        "choosing thresholds, and only those with odd seeds are counted; but even and odd seeds are of the same "
        "families, which differ in sizes and payoffs and not in kind. Their figures say that a detector does what it "
        "was made to do, and little about worlds of another kind.",
        "Half of the cases were written by the detectors' authors, half by someone who had the definitions only and "
        "had not read a detector. *Detected*: of the cases with something to mend, those where the diagnostic said so. "
        "*False*: of the cases with nothing to mend, those where it said that there is. An answer *cannot tell* counts "
        "as not said. Intervals are Wilson's, 95 %, and take cases as independent; cases of one family are much alike, "
        "so that what chance leaves open is more than they say. The families, and why each answer is what it is, are "
        "in `tests/known_answers/`. Two of the families written from the definitions were mended after a first run had "
        "shown that their own answer was wrong: *cannot see the sign*, whose leader alone could have earned more, and "
        "a game with a wall, now *a door that opens too late*, whose table held no ending at all. Two changed "
        "their answer from yes to no when their question was put more sharply: *reachable and always cut off* "
        "(endings: a limit that leaves time enough is a symptom) and *set in its wrong ways* (influence: only reacting "
        "to others counts). All others are as they were before any detector was asked.",
        f"`{found['command']}`, {found['date']}",
    ]
    for source, title in TITLES.items():
        rows = [one for one in found["rows"] if one["source"] == source]
        if rows:
            parts += [f"## {title}", "\n".join([*HEAD, *map(line, rows)])]
            if source == "fourth":
                parts.append(family_line(rows))
    first = [one for one in found["first"] if one["detected"] < one["yes"] or one["false"]]
    parts += [
        "## At first",
        "Before any detector had been changed on account of them, the cases written from the definitions (fewer than "
        "now) gave these figures wherever not every answer was right; all other diagnostics "
        "were right on every case. Where a detector has been changed since, the figures above no longer come from "
        "cases that it had not met, except those written later.",
        first_table(first),
    ]
    if found.get("third_first"):
        parts += [
            "The third round was written in other worlds when most detectors had been changed. Its cases stood before "
            "any detector was asked, and the answers of all its families but those of sampled episodes had been worked "
            "out a second way (`tests/known_answers/test_third_round.py`). None has been changed since. This is what "
            "the detectors gave then:",
            first_table(found["third_first"]),
        ]
    parts.append("## What was missed")
    parts.append("\n".join(missed_lines(found["missed"])) or "Nothing.")
    if found["missing"]:
        parts.append("\n".join(f"- {name}: not measured ({why})" for name, why in found["missing"].items()))
    return "\n\n".join(parts) + "\n"


def family_line(rows: Sequence[dict[str, Any]]) -> str:
    """How many whole families were answered rightly, in words."""
    right, total = (sum(one["families"][place] for one in rows) for place in (0, 1))
    return (
        f"By whole families: {right} of {total} were answered rightly in at least nine cases of ten. The diagnostics "
        "that are not in this table have no cases in this round. These cases are part of the next two tables too."
    )


HEAD = (
    "| diagnostic | detected | | false | | cannot tell | ms a case |",
    "|---|---|---|---|---|---|---|",
)


def line(one: dict[str, Any]) -> str:
    """One row of a table."""
    cells = [
        one["diagnostic"],
        f"{one['detected']} of {one['yes']}",
        interval(one["detection"]),
        f"{one['false']} of {one['no']}",
        interval(one["false_positives"]),
        str(one["cannot_tell"]),
        f"{one['milliseconds_a_case']:g}",
    ]
    return f"| {' | '.join(cells)} |"


def first_table(rows: Sequence[dict[str, Any]]) -> str:
    """The table of a first run."""
    return "\n".join(["| diagnostic | detected | false |", "|---|---|---|", *map(first_line, rows)])


def first_line(one: dict[str, Any]) -> str:
    """One row of the first run."""
    return f"| {one['diagnostic']} | {one['detected']} of {one['yes']} | {one['false']} of {one['no']} |"


def interval(numbers: list[float] | None) -> str:
    """A share in per cent, with its interval."""
    if numbers is None:
        return ""
    middle, low, high = (f"{100 * number:.0f}" for number in numbers)
    return f"{middle} % ({low} to {high})"


def missed_lines(missed: Sequence[dict[str, Any]]) -> list[str]:
    """What was missed, a line a family."""
    by_family: dict[tuple[str, str, str, bool], list[str]] = {}
    for one in missed:
        said = one["verdict"] if one["verdict"] != "no" else ""
        where = (one["diagnostic"], one["family"], one["source"], one["answer"])
        by_family.setdefault(where, []).append(f"{one['seed']}{f' ({said})' if said and one['answer'] else ''}")
    return [
        f"- {diagnostic}: *{family}* ({source.replace('_', ' ')}), {'not detected' if answer else 'false'}, "
        f"seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}"
        for (diagnostic, family, source, answer), seeds in by_family.items()
    ]


if __name__ == "__main__":
    main()
