"""`coterie lesson`: the tutorial in plain Python, printed, run, and looked at."""

from __future__ import annotations

import random
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from coterie.cli.options import parse


@dataclass(frozen=True)
class LessonOptions:
    """How the lesson is run."""

    seed: int = 0
    """The seed of the two agents that are trained at the end."""


def run(words: list[str]) -> int:
    """Print the listing, train one team with it, and take the look that the tutorial does not take."""
    options = parse(LessonOptions, words, command="lesson", about="The classic two-agent tutorial, explained and run.")
    from rich.syntax import Syntax

    from coterie.cli.output import next_step, show
    from coterie.lesson import QAgent, greedy_episode, train

    source = files("coterie").joinpath("lesson", "two_agents_meet.py").read_text()
    show(Syntax("", "python", background_color="default").highlight(source.rstrip()))
    draws: Any = random.Random(options.seed)
    agents = [QAgent(random=draws), QAgent(random=draws)]
    train(agents)
    cells, met = greedy_episode(agents)
    steps = f"they meet, in {len(cells) - 1} steps (the shortest way has 4)"
    verdict = steps if met else "they do not meet in 20 steps"
    show(
        "",
        f"Trained with seed {options.seed}, 1,000 episodes. The tutorial now prints: Agents learned to meet.",
        f"Looking at what the two really do: {verdict}.",
        "  agent A: " + " ".join(f"{row},{column}" for (row, column), _ in cells),
        "  agent B: " + " ".join(f"{row},{column}" for _, (row, column) in cells),
        "",
        "One pair of agents proves nothing; look at a thousand:",
    )
    next_step("coterie train rendezvous --preset tutorial", f"coterie lesson --seed {options.seed + 1}")
    return 0
