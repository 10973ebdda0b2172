"""`coterie resume RUN`: go on with a stopped run as if it had never been stopped."""

from __future__ import annotations

from pathlib import Path

from coterie.cli.options import first_word, parse
from coterie.cli.run_options import RunOptions
from coterie.running.recorder import find_run, word_for

ABOUT = "Go on with a stopped run; RUN is a name, a unique beginning of one, a folder, or latest."


def run(words: list[str]) -> int:
    """Go on, judge, print, draw."""
    word, rest = (
        ("", words) if "--help" in words or "-h" in words else first_word(words, "run", "coterie resume latest")
    )
    options = parse(RunOptions, rest, command=f"resume {word or 'RUN'}", about=ABOUT)
    find_run(Path(options.runs), word)
    from coterie.cli.output import ProgressLine, draw, has_boards, next_step, show, show_json
    from coterie.showing.terminal import verdict
    from coterie.workflow.train import resume

    progress = ProgressLine("succeed")
    try:
        run = resume(word, runs=options.runs, on_tick=progress)
    finally:
        progress.clear()
    if options.json:
        show_json(run.verdict.to_json())
    else:
        show("", verdict(run.verdict))
    draw(run)
    if not options.json:
        named = word_for(run.folder)
        next_step(f"coterie watch {named} --wall" if has_boards(run) else f"coterie diagnose {named}")
    return 0
