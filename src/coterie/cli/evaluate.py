"""`coterie evaluate RUN`: the verdict on a run's saved teams, computed anew."""

from __future__ import annotations

from pathlib import Path

from coterie.cli.options import first_word, parse
from coterie.cli.run_options import RunOptions
from coterie.running.recorder import find_run, word_for

ABOUT = "Judge a run's saved teams again; RUN is a name, a unique beginning of one, a folder, or latest."


def run(words: list[str]) -> int:
    """Judge and print."""
    word, rest = (
        ("", words) if "--help" in words or "-h" in words else first_word(words, "run", "coterie evaluate latest")
    )
    options = parse(RunOptions, rest, command=f"evaluate {word or 'RUN'}", about=ABOUT)
    find_run(Path(options.runs), word)
    from coterie.cli.output import has_boards, next_step, show, show_example, show_json
    from coterie.showing.terminal import verdict
    from coterie.workflow.evaluate import evaluate
    from coterie.workflow.train import Run

    run = evaluate(word, runs=options.runs)
    if options.json:
        show_json(run.verdict.to_json())
        return 0
    if not isinstance(run, Run):
        show("", repr(run))
        next_step(f"coterie diagnose {word_for(run.folder)}", f"coterie compare {word_for(run.folder)} OTHER")
        return 0
    show("", verdict(run.verdict))
    show_example(run.verdict, run.plays, run.action_names)
    word = word_for(run.folder)
    if not (run.folder / "evaluation.json").exists():
        next_step(f"coterie resume {word}")
    elif has_boards(run):
        next_step(f"coterie watch {word}", f"coterie watch {word} --wall")
    else:
        next_step(f"coterie diagnose {word}")
    return 0
