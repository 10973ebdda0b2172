"""`coterie resume RUN`: go on with a stopped run as if it had never been stopped."""

from __future__ import annotations

from coterie.cli.options import first_word, parse
from coterie.cli.run_options import RunOptions

ABOUT = "Go on with a stopped run; RUN is a name, a unique beginning of one, a folder, or latest."


def run(words: list[str]) -> int:
    """Go on, judge, print, draw."""
    word, rest = ("", words) if "--help" in words or "-h" in words else first_word(words, "run", "latest")
    options = parse(RunOptions, rest, command=f"resume {word or 'RUN'}", about=ABOUT)
    from coterie.cli.output import ProgressLine, next_step, say, show, show_json
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
    say(f"drawing curves, wall and report into {run.folder}/ …")
    run.draw()
    if not options.json:
        next_step(f"coterie watch {run.folder.name} --wall")
    return 0
