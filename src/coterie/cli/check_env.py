"""`coterie check-env ENV`: what an environment is, what is wrong with it, and the line that trains on it."""

from __future__ import annotations

from dataclasses import dataclass

from coterie.cli.options import first_word, parse
from coterie.cli.train_deep import foreign_options

EXAMPLE = "coterie check-env mpe2:simple_spread_v3"
ABOUT = (
    "Play a PettingZoo environment at random and say what it is, whether it repeats itself, what is wrong with it and "
    "how to mend that, and the line that trains on it. ENV is pettingzoo:NAME, mpe2:NAME, lbforaging:NAME, rware:NAME, "
    "magent2:NAME, ./file.py:make_env or package.module:make_env; its own options are --env.NAME VALUE. Returns 0 "
    "where nothing is an error, 3 where something is."
)
PATIENCE = 2.0  # seconds before it is said what is done


@dataclass(frozen=True)
class CheckOptions:
    """How long and with which chance an environment is played."""

    seconds: float = 10.0
    """About how long it is played; more finds more, and sees longer episodes to their end."""
    seed: int = 0
    """The first episode's seed, and that of the random actions."""
    json: bool = False
    """Print for programs."""


def run(words: list[str]) -> int:
    """Play, say what was found."""
    helping = "--help" in words or "-h" in words
    word, rest = (EXAMPLE.split()[-1], words) if helping else first_word(words, "environment", EXAMPLE)
    env, rest = foreign_options(word, rest)
    options = parse(CheckOptions, rest, command=f"check-env {word}", about=ABOUT)
    from coterie.cli.output import Line, next_step, show, show_json
    from coterie.showing.check import check, next_commands, progress_text
    from coterie.workflow.check_env import check_env

    line = Line()

    def on_progress(stage: str, since: float) -> None:
        if since > PATIENCE:
            line.write(progress_text(stage, since, options.seconds))

    try:
        found = check_env(word, env=env, seed=options.seed, seconds=options.seconds, on_progress=on_progress)
    finally:
        line.clear()
    if options.json:
        show_json(found.to_json())
        return found.exit_code
    show("", check(found))
    next_step(*next_commands(found))
    return found.exit_code
