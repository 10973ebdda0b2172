"""`coterie judge ./mine.py:make_team ENVIRONMENT`: the same verdict for anybody's agents."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coterie.cli.diagnose import AskingLine
from coterie.cli.options import first_word, fresh_file, parse, with_options
from coterie.envs import catalogue
from coterie.yours import names_function

if TYPE_CHECKING:
    from coterie.workflow.judging.judgement import Judgement

EXAMPLE = "coterie judge ./mine.py:make_team rendezvous"
ABOUT = (
    "Judge your own agents: make_team() returns one object with act(observation) for each agent, as a list or by name. "
    "With an argument `seed` it is called once a team, else its one team plays every episode. The world is one of ours "
    "or yours: coterie judge ./mine.py:make_team ./world.py:make_env, where make_env() returns a parallel PettingZoo "
    "environment. Your files are run."
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
    report: str = ""
    """Write the findings, with their pictures and a player of the episodes, into this HTML file."""
    idle: int | None = None
    """The action that does nothing, in a world of your own that has one."""
    json: bool = False
    """Print the verdict for programs."""


def run(words: list[str]) -> int:
    """Judge and print."""
    helping = "--help" in words or "-h" in words
    word, rest = ("", words) if helping else first_word(words, "agents", EXAMPLE)
    name, rest = ("rendezvous", rest) if helping or not rest or rest[0].startswith("-") else (rest[0], rest[1:])
    theirs = names_function(name)
    entry = None if theirs else catalogue.find(name)
    kind = JudgeOptions if entry is None else with_options("Judge", JudgeOptions, env=(entry.options(), False))
    options = parse(kind, rest, command="judge FILE.py:make_team " + name, about=ABOUT)
    gif, page = fresh_file("--gif", options.gif, ".gif"), fresh_file("--report", options.report, ".html")
    with contextlib.redirect_stdout(sys.stderr):  # what the user's code prints is not our answer
        judged = _judged(word, name, options, theirs)
    from coterie.cli.output import next_step, say, show, show_example, show_json, show_play
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
    if page is not None:
        from coterie.showing.report import report

        drawn = (judged.verdict, judged.curve, judged.plays, judged.action_names)
        report(page, *drawn, f"coterie judge {word} {name}", repeats=judged.repeats)
    for file in (gif, page):
        if file is not None:
            say(f"written: {file}")
    if not options.json:
        more = [] if theirs else [f"coterie solve {name}"]
        again = f"coterie judge {word} {name}"
        next_step(*more, f"{again} --seed 1" if page else f"{again} --report report.html")
    return 0


def _judged(word: str, name: str, options: Any, theirs: bool) -> Judgement:
    """The user's agents, judged in one of our worlds or in the user's."""
    from coterie.workflow.judging.yours import read_function

    make_team, asking = read_function(word), AskingLine()  # a wrong name is answered before anything heavy is loaded
    env: dict[str, Any] = {} if theirs else {"env": options.env}
    world = read_function(name) if theirs else name
    from coterie.workflow.judge import judge

    try:
        return judge(
            make_team, world, teams=options.teams, seed=options.seed, idle=options.idle, on_question=asking, **env
        )
    finally:
        asking.clear()
