"""`coterie study FILE.toml`: environments x algorithms x variants x seeds, trained one after another."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coterie.cli.options import first_word, parse

if TYPE_CHECKING:
    from coterie.workflow.study import Study, StudyRun

ABOUT = (
    "Carry out a study: FILE.toml names environments, algorithms and variants (docs/study.md), and all of them are "
    "trained with the same seeds, one run after another, each in a folder of its own in runs/NAME. A study that was "
    "stopped and is repeated goes on where it was; a run that is there with other settings is never touched."
)


@dataclass(frozen=True)
class StudyOptions:
    """How a study is carried out."""

    dry_run: bool = False
    """List all runs, try each kind for some seconds, and print what the study would take; nothing is written."""
    workers: int = 0
    """Processes that step a PettingZoo environment; 0: this one. The results do not depend on it."""
    device: str = "auto"
    """auto, cpu, gpu or tpu."""
    track: str = ""
    """Tell a tracker about deep runs, too: tensorboard or wandb."""
    pictures: bool = False
    """Draw each run's pictures as coterie train does."""
    runs: str = "runs"
    """The folder that holds the runs."""
    json: bool = False
    """Print for programs."""


def run(words: list[str]) -> int:
    """Train what is not trained yet, and print what came out."""
    helping = any(word in ("-h", "--help") for word in words)
    file, rest = ("", words) if helping else first_word(words, "study", "coterie study study.toml (docs/study.md)")
    options = parse(StudyOptions, rest, command=f"study {file or 'FILE.toml'}", about=ABOUT)
    return _dry(file, options) if options.dry_run else _study(file, options)


def _study(file: str, options: StudyOptions) -> int:
    from coterie.cli.output import next_step, say, show, show_json
    from coterie.showing.study import results
    from coterie.workflow.study import study
    from coterie.workflow.studying.plan import read_study

    progress = Progress(len(read_study(file).rows))
    try:
        found = study(
            file,
            runs=options.runs,
            workers=options.workers,
            device=options.device,
            track=options.track,
            pictures=options.pictures,
            say=say,
            on_run=progress.run,
            on_tick=progress.tick,
        )
    finally:
        progress.clear()
    if options.json:
        show_json(found.to_json())
        return found.code
    show("", results(found.table()))
    next_step(*next_of(found, file, options.runs))
    return found.code


def _dry(file: str, options: StudyOptions) -> int:
    from coterie.cli.output import next_step, say, show, show_json
    from coterie.showing.study import costs
    from coterie.workflow.studying.cost import study_cost

    found = study_cost(
        file,
        runs=options.runs,
        workers=options.workers,
        device=options.device,
        on_run=lambda one: say(f"trying {one.name} …"),
    )
    told = found.to_json()
    if options.json:
        show_json(told)
        return found.code
    show("", costs(told["runs"], told))
    next_step(_again(file, options.runs))
    return found.code


class Progress:
    """Which run a study is at, and how far that is."""

    def __init__(self, runs: int) -> None:
        from coterie.cli.output import DeepProgressLine, ProgressLine

        self.runs, self.begun, self.began = runs, 0, time.perf_counter()
        self._lines = DeepProgressLine(), ProgressLine("succeed")

    def run(self, one: StudyRun) -> None:
        """A run begins, or is over."""
        from coterie.cli.output import say
        from coterie.showing.terminal import duration

        self.clear()
        if one.status in ("new", "unfinished"):
            self.begun, self.began = self.begun + 1, time.perf_counter()
            say(f"{one.name}: {'begins' if one.status == 'new' else 'goes on'} (of {self.runs} runs)")
            return
        how = f"{one.status}: {one.error}" if one.error else one.status
        say(f"{one.name}: {how}, after {duration(time.perf_counter() - self.began)}")

    def tick(self, tick: Any) -> None:
        """How far the present run is."""
        self._lines[0 if hasattr(tick, "compiling") else 1](tick)

    def clear(self) -> None:
        """Take the live line away."""
        for line in self._lines:
            line.clear()


def next_of(found: Study, file: str, runs: str) -> list[str]:
    """What to do next: compare the two runs of one environment that score highest; mend what failed and go on."""
    from coterie.running.recorder import word_for

    scores = {row["name"]: row["iqm"]["value"] for row in found.table() if "iqm" in row}
    pairs = [
        (one, other)
        for one, other in combinations(sorted(scores, key=scores.__getitem__, reverse=True), 2)
        if _environment(found, one) == _environment(found, other)
    ]
    steps = [f"coterie compare {one} {other} --runs {shlex.quote(str(found.folder))}" for one, other in pairs[:1]]
    if any(run.status == "failed" for run in found.runs):
        steps.append(_again(file, runs))
    judged = [run.folder for run in found.runs if run.status == "finished"]
    return steps or ([f"coterie evaluate {word_for(judged[0])}"] if judged else [_again(file, runs)])


def _environment(found: Study, name: str) -> str:
    return next(run.environment for run in found.runs if run.name == name)


def _again(file: str, runs: str) -> str:
    where = "" if Path(runs) == Path("runs") else f" --runs {shlex.quote(runs)}"
    return f"coterie study {shlex.quote(file)}{where}"
