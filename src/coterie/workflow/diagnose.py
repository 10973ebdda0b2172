"""Why did they not coordinate? Every question that can be asked of a run or of recorded episodes, in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from coterie.diagnosis.loops import Loop, team_loops
from coterie.diagnosis.order import corrected, in_order
from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.running import recorder
from coterie.running.episodes import is_recording, read_recording
from coterie.running.evaluate import outcomes, play_of
from coterie.running.verdict import Verdict
from coterie.tabular.learn import Teams
from coterie.types import Finding
from coterie.workflow.deep.plan import is_deep
from coterie.workflow.evaluate import saved_judgement
from coterie.workflow.judging.judgement import Judgement, without_memory
from coterie.workflow.planning.plan import Plan
from coterie.workflow.questions.asking import answers
from coterie.workflow.questions.deep import judge_deep
from coterie.workflow.questions.recorded import judge_recording
from coterie.workflow.questions.run import run_questions
from coterie.workflow.questions.trying import possible


class Diagnosis(NamedTuple):
    """What is wrong with a run or with recorded episodes: a sentence, and all findings, the most important first.

    page: where its report is drawn; folder: the run's, None where episodes were recorded elsewhere; chosen: the plan of
    a run with tables, which can be tried again; loops: every failing team of such a run that runs in circles or stands
    still, with its loop
    """

    name: str
    judgement: Judgement
    page: Path
    folder: Path | None = None
    chosen: Plan | None = None
    loops: tuple[tuple[int, Loop], ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the most important first."""
        return self.judgement.verdict.findings

    @property
    def verdict(self) -> Verdict:
        """The numbers that the findings explain."""
        return self.judgement.verdict


def diagnose(
    what: str | Path = "latest",
    *,
    runs: str | Path = "runs",
    on_question: Callable[[int, int, str], None] | None = None,
) -> Diagnosis:
    """Ask everything that can be asked of a run, or of a file of episodes that any tool recorded (docs/episodes.md).

    `on_question(number, of, name)` is called before each question. Raises BadInput for an unknown run, StorageFault for
    a damaged file.
    """
    path = Path(what)
    if path.is_file():
        if not is_recording(path):
            raise BadInput(f"{path} is neither a run's folder nor recorded episodes (docs/episodes.md)")
        judgement = judge_recording(path.name, read_recording(path), on_question)
        return Diagnosis(path.name, judgement, path.with_name(f"{path.stem}-report.html"))
    folder = recorder.find_run(Path(runs), str(what))
    if is_deep(folder):
        judgement = judge_deep(folder, on_question)
        return Diagnosis(folder.name, judgement, folder / "report.html", folder)
    chosen, game, teams, judgement = saved_judgement(folder)
    asked = answers(run_questions(chosen, game, teams, judgement), on_question)
    findings = in_order(corrected([*judgement.verdict.findings, *asked]))
    findings = tuple(advisable(chosen, one) for one in findings)
    circling = loops_of_teams(chosen, game, teams, judgement.repeats)
    judgement = with_findings(judgement, findings, game, teams, chosen)
    return Diagnosis(folder.name, judgement, folder / "report.html", folder, chosen, circling)


def advisable(chosen: Plan, finding: Finding) -> Finding:
    """A finding without a remedy whose words of a command are in force already, or that this game does not know."""
    flags = possible(chosen, finding)
    return dataclasses.replace(finding, remedy="", flags=()) if finding.flags and not flags else finding


def loops_of_teams(chosen: Plan, game: FiniteGame, teams: Teams, repeats: int) -> tuple[tuple[int, Loop], ...]:
    """Every failing team that ends in a loop, with its loop."""
    if not game.success_word:  # then nobody can be said to fail
        return ()
    found = outcomes(game, teams.q, None)
    plays = [
        play_of(game, teams.q[team], chosen.seed, int(team), int(found.failing_start[team]))
        for team in np.flatnonzero(~found.coordinated)
    ]
    if len(game.states) == 1:
        return ()
    return tuple(team_loops(without_memory(game, plays) if chosen.learner.history > 1 else plays, repeats))


def with_findings(
    judgement: Judgement, findings: tuple[Finding, ...], game: FiniteGame, teams: Teams, chosen: Plan
) -> Judgement:
    """A judgement with other findings, and with the episodes that they point to."""
    shown = {play.team for play in judgement.plays}
    wanted = sorted({place.team for one in findings for place in one.evidence} - shown)
    more = [play_of(game, teams.q[team], chosen.seed, team) for team in wanted if 0 <= team < len(teams.q)]
    if chosen.learner.history > 1:
        more = without_memory(game, more)
    return judgement._replace(
        verdict=dataclasses.replace(judgement.verdict, findings=findings),
        recording=judgement.recording._replace(plays=[*judgement.plays, *more]),
    )


def plain(found: Diagnosis) -> dict[str, Any]:
    """A diagnosis as plain dictionaries, for programs."""
    from coterie.showing.words import summary

    circling = [{"team": team, **loop._asdict()} for team, loop in found.loops]
    return {"name": found.name, "summary": summary(found.verdict), **found.verdict.to_json(), "loops": circling}


def draw(found: Diagnosis) -> Path:
    """Write findings and report into the run's folder, or a page beside recorded episodes; returns the page."""
    from coterie.showing.report import report

    judgement, verdict = found.judgement, found.judgement.verdict
    if found.folder is not None:
        recorder.write_json(found.folder / "findings.json", [dataclasses.asdict(one) for one in verdict.findings])
    if found.folder is not None and found.chosen is not None:
        recorder.write_json(found.folder / "loops.json", plain(found)["loops"])
    report(
        found.page,
        verdict,
        judgement.curve,
        judgement.plays,
        judgement.action_names,
        (found.folder / "config.toml").read_text() if found.folder is not None else "",
        repeats=judgement.repeats,
    )
    return found.page
