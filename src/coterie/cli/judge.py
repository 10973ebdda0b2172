"""`coterie judge ./mine.py:make_team ENVIRONMENT`: the same verdict for anybody's agents."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

from coterie.cli.diagnose import AskingLine
from coterie.cli.options import first_word, parse, with_options
from coterie.cli.watch import fresh_file
from coterie.envs import catalogue

EXAMPLE = "coterie judge ./mine.py:make_team rendezvous"
ABOUT = (
    "Judge your own agents: make_team() returns one object with act(observation) for each agent, as a list or by name. "
    "With an argument `seed` it is called once a team, else its one team plays every episode. Your file is run."
)


@dataclass(frozen=True)
class JudgeOptions:
    """How the agents are judged."""

    teams: int = 100
    """How many teams (or episodes of one team) are judged."""
    seed: int = 0
    """The first team's seed, and that of the environment's chance."""
    wall: bool = True
    """Show all boards at once where an episode ends."""
    gif: str = ""
    """Draw the wall into this GIF file."""
    json: bool = False
    """Print the verdict for programs."""


def run(words: list[str]) -> int:
    """Judge and print."""
    helping = "--help" in words or "-h" in words
    word, rest = ("", words) if helping else first_word(words, "agents", EXAMPLE)
    name, rest = ("rendezvous", rest) if helping or not rest or rest[0].startswith("-") else (rest[0], rest[1:])
    entry = catalogue.find(name)
    kind = with_options("Judge", JudgeOptions, env=(entry.options(), False))
    options = parse(kind, rest, command="judge FILE.py:make_team " + name, about=ABOUT)
    from coterie.workflow.yours import read_function

    gif = fresh_file(options.gif)
    with contextlib.redirect_stdout(sys.stderr):  # what the user's code prints is not our answer
        make_team = read_function(word)
        from coterie.workflow.judge import judge

        asking = AskingLine()
        try:
            judged = judge(make_team, name, env=options.env, teams=options.teams, seed=options.seed, on_question=asking)
        finally:
            asking.clear()
    from coterie.cli.output import next_step, show, show_example, show_json, show_play
    from coterie.showing.diagnosis import findings_table
    from coterie.showing.terminal import verdict, wall

    if options.json:
        show_json(judged.verdict.to_json())
    else:
        show("", verdict(judged.verdict), "", *findings_table(judged.verdict.findings))
        drawn = [play for play in judged.plays[:100] if play.boards.size]
        if options.wall and len(drawn) > 1:
            show("", wall(drawn, 10**9, success_word=judged.verdict.success_word, repeats=judged.repeats))
        if len(drawn) == 1 and judged.verdict.coordinated.count:
            show("\n  Its episode:")
            show_play(drawn[0], judged.action_names, judged.verdict.success_word, 0, min(len(drawn[0].actions), 9))
        show_example(judged.verdict, judged.plays, judged.action_names)
    if gif is not None:
        from coterie.showing.animation import wall_gif

        wall_gif(
            gif,
            judged.plays[:100],
            f"{Path(word).name} on {name}",
            success_word=judged.verdict.success_word,
            repeats=judged.repeats,
        )
    if not options.json:
        next_step(f"coterie solve {name}", f"coterie train {name}")
    return 0
