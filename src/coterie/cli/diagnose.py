"""`coterie diagnose RUN|EPISODES …`: what is wrong, how sure that is, where to see it, and what to try."""

from __future__ import annotations

import contextlib
import itertools
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from coterie.cli.options import parse
from coterie.errors import BadInput

if TYPE_CHECKING:
    from coterie.workflow.diagnose import Diagnosis

EXAMPLE = "coterie diagnose latest"
ABOUT = (
    "Why do they not coordinate? Names what is wrong with a run (its name, a unique beginning of it, its folder, or "
    "latest) or with a file of episodes that any tool recorded (docs/episodes.md), the most important first. Several "
    "may be named. A good run is told so."
)
PLAIN_LINE_SECONDS = 2.0


@dataclass(frozen=True)
class DiagnoseOptions:
    """What becomes of what is found."""

    runs: str = "runs"
    """The folder that holds the runs."""
    trial: Annotated[bool, tyro.conf.arg(name="try")] = False
    """Train again with the first remedy, and show both side by side."""
    pictures: bool = True
    """Draw the findings into the run's report.html (for a file of episodes: into a new page beside it)."""
    threads: int = 0
    """Processor cores that --try uses, 0 for all."""
    json: bool = False
    """Print all findings for programs."""


def run(words: list[str]) -> int:
    """Ask, and print what was found."""
    named = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
    options = parse(DiagnoseOptions, words[len(named) :], command=f"diagnose {' '.join(named) or 'RUN'}", about=ABOUT)
    if not named:
        raise BadInput(f"which run, or which file of episodes? For example: {EXAMPLE}")
    from coterie.cli.output import show_json
    from coterie.workflow.diagnose import diagnose, plain

    asking = AskingLine()
    found = []
    for what in named:
        try:
            found.append(diagnose(what, runs=options.runs, on_question=asking))
        finally:
            asking.clear()
    if options.json:
        show_json(plain(found[0]) if len(found) == 1 else [plain(one) for one in found])
    for one in found:
        page = _draw(one) if options.pictures else None
        if options.trial:
            _tell(one)
        elif not options.json:
            _show(one, page)
    if not options.json and len(found) > 1:
        _show_together(found)
    if options.trial:
        return _try(found[0], options)
    if not options.json:
        _next(found)
    return 0


def _tell(found: Diagnosis) -> None:
    """A diagnosis in its first words."""
    from coterie.cli.output import say
    from coterie.showing.words import summary

    say(f"\n{found.name}: {summary(found.verdict)}")


def _show_together(found: list[Diagnosis]) -> None:
    """Whether the teams of several runs of one game coordinate with each other."""
    from coterie.cli.output import show
    from coterie.workflow.judging.together import across_runs, same_game

    runs = [one for one in found if one.folder is not None and one.chosen is not None]
    plans = [one.chosen for one in runs if one.chosen is not None]
    if len(runs) < 2 or not runs[0].verdict.common or not all(same_game(plans[0], plan) for plan in plans):
        return
    finding = across_runs([one.folder for one in runs if one.folder is not None])
    names = ", ".join(one.name for one in runs)
    show("", f"The best teams of {names} with each other: {finding.sentence}")


def _show(found: Diagnosis, page: Path | None) -> None:
    from coterie.cli.output import say, show, show_example
    from coterie.showing.diagnosis import diagnosis
    from coterie.showing.words import summary

    show("", diagnosis(found.name, summary(found.verdict), found.verdict))
    show_example(found.verdict, found.judgement.plays, found.judgement.action_names)
    if page is not None:
        say(f"\nwith pictures, and a player that jumps to the evidence: {page}")


def _draw(found: Diagnosis) -> Path | None:
    """The page with the findings; a failure costs a line."""
    from coterie.cli.output import say
    from coterie.workflow.diagnose import draw

    try:
        return draw(found)
    except Exception as error:
        say(f"coterie: the report could not be drawn: {type(error).__name__}: {error}")
        return None


def _next(found: list[Diagnosis]) -> None:
    """What to do about the first run; of episodes that somebody else recorded nothing can be run again."""
    from coterie.cli.output import has_boards, next_step
    from coterie.running.recorder import word_for

    first = found[0]
    if first.folder is None:
        return
    word = word_for(first.folder)
    look = f"coterie watch {word} --wall" if has_boards(first.judgement) else f"coterie watch {word}"
    next_step(*_remedies(first, first.folder, word), look)


def _remedies(found: Diagnosis, folder: Path, word: str) -> list[str]:
    """The command that tries the first remedy: `--try` where tables learn, else the run again with what changes it."""
    from coterie.showing.command import command

    flags = next((one.flags for one in found.findings if one.verdict == "yes" and one.flags), ())
    if not flags:
        return []
    if found.chosen is not None:
        return [f"coterie diagnose {word} --try"]
    return [command(found.verdict, (folder / "config.toml").read_text(), flags)]


def _try(found: Diagnosis, options: DiagnoseOptions) -> int:
    """Train again with the first remedy, after printing its cost; both verdicts side by side."""
    from coterie.cli.output import ProgressLine, next_step, say, show, show_json
    from coterie.running.recorder import word_for
    from coterie.showing.terminal import ladder
    from coterie.showing.words import difference
    from coterie.workflow.questions.trying import cost, first_remedy, try_remedy

    if found.folder is None or found.chosen is None:
        again = _remedies(found, found.folder, "") if found.folder is not None else []
        by_hand = f"try: {again[0]}" if again else "follow the advice by hand"
        raise BadInput(f"--try trains tables again; of a deep run or of recorded episodes, {by_hand}")
    remedy = first_remedy(found.findings)
    if remedy is None:
        say("there is nothing to try: no finding names an option that would mend it")
        return 0
    word = word_for(found.folder)
    line = " ".join(shlex.quote(flag) for flag in remedy.flags)
    price = cost(found.folder, found.chosen, remedy.flags)
    about = "" if price.seconds is None else f", about {max(1, round(price.seconds))} s of learning"
    say(f"\nTrying the first remedy, for {remedy.name}: {line}")
    say(f"It costs {price.teams:,} teams x {price.episodes:,} episodes{about}.")
    progress = ProgressLine(found.verdict.success_word)
    try:
        after = try_remedy(found.chosen, remedy.flags, found.folder.parent, threads=options.threads, on_tick=progress)
    finally:
        progress.clear()
    if options.json:
        from coterie.workflow.diagnose import plain

        show_json({"before": plain(found), "flags": remedy.flags, "after": after.verdict.to_json()})
        return 0
    show(
        "",
        ladder([("as it was", found.verdict), (f"with {line}", after.verdict)]),
        "",
        difference(found.verdict, after.verdict),
    )
    next_step(f"coterie diagnose {word_for(after.folder)}", f"coterie compare {word} {word_for(after.folder)}")
    return 0


class AskingLine:
    """Which question is being asked: one line rewritten on a terminal, plain lines every two seconds elsewhere."""

    def __init__(self) -> None:
        self.live, self.began, self.width = sys.stderr.isatty(), time.monotonic(), 0
        self.printed_at = self.began

    def __call__(self, number: int, questions: int, name: str) -> None:
        """Show a question."""
        now = time.monotonic()
        text = f"question {number} of {questions}: {name} · {now - self.began:.0f} s"
        with contextlib.suppress(OSError, ValueError):
            if self.live:
                sys.stderr.write("\r" + text.ljust(self.width))
                self.width = len(text)
            elif now - self.printed_at >= PLAIN_LINE_SECONDS:
                sys.stderr.write(text + "\n")
                self.printed_at = now
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the live line away."""
        with contextlib.suppress(OSError, ValueError):
            if self.live and self.width:
                sys.stderr.write("\r" + " " * self.width + "\r")
                sys.stderr.flush()
                self.width = 0
