"""`coterie resume RUN`: go on with a stopped run as if it had never been stopped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from coterie.cli.options import first_word, parse
from coterie.cli.run_options import RunOptions
from coterie.errors import BadInput
from coterie.running.recorder import find_run, word_for

ABOUT = "Go on with a stopped run; RUN is a name, a unique beginning of one, a folder, or latest."


@dataclass(frozen=True)
class ResumeOptions(RunOptions):
    """How a stopped run goes on."""

    workers: int = 0
    """Deep runs on PettingZoo environments: processes that step them; the result does not depend on it."""
    device: str = "auto"
    """Deep runs: auto, cpu, gpu or tpu."""
    track: str = ""
    """Deep runs: tell a tracker, too: tensorboard or wandb."""


def run(words: list[str]) -> int:
    """Go on, judge, print, draw."""
    word, rest = (
        ("", words) if "--help" in words or "-h" in words else first_word(words, "run", "coterie resume latest")
    )
    options = parse(ResumeOptions, rest, command=f"resume {word or 'RUN'}", about=ABOUT)
    folder = find_run(Path(options.runs), word)
    from coterie.cli.output import (
        DeepProgressLine,
        ProgressLine,
        draw,
        finished,
        has_boards,
        next_step,
        say,
        say_fault,
        show,
        show_json,
    )
    from coterie.running.trackers import check_tracker, tracker
    from coterie.workflow.deep.plan import is_deep, planned_deep
    from coterie.workflow.train import resume

    deep = is_deep(folder)
    check_tracker(options.track)
    if options.track and not deep:
        raise BadInput(f"--track {options.track}: trackers are told of deep runs only")
    progress = DeepProgressLine() if deep else ProgressLine("succeed")
    with tracker(options.track, folder, planned_deep(folder) if deep else None, say) as track:
        more = {"workers": options.workers, "device": options.device, "track": track, "on_restart": progress.note}
        run, fault = finished(progress, partial(resume, word, runs=options.runs, on_tick=progress, **more))
    if options.json:
        show_json(run.verdict.to_json())
    else:
        show("", repr(run))
    draw(run)
    if not options.json:
        named = word_for(run.folder)
        wall = not deep and has_boards(run)
        next_step(f"coterie watch {named} --wall" if wall else f"coterie diagnose {named}")
    return say_fault(fault)
