"""`coterie watch ENVIRONMENT --policy random|idle|./rule.py:act|RUN` in an environment from elsewhere."""

from __future__ import annotations

import contextlib
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coterie.cli.options import parse
from coterie.cli.train_deep import foreign_options
from coterie.errors import BadInput, CoterieError
from coterie.settings import POLICIES
from coterie.yours import names_function

if TYPE_CHECKING:
    from coterie.workflow.watch import Watching

ABOUT = (
    "Play a PettingZoo environment by the loop that everybody writes, without a window: what each agent earns, how the "
    "episode ends, and a video of it. The environment's own options are --env.NAME VALUE. A rule is a function "
    "act(observation, agent), or of the observation alone, or also of info; your file is run."
)
NONE = "none"


@dataclass(frozen=True)
class WatchElsewhereOptions:
    """Who plays, how much of it, and where the video goes."""

    policy: str = ""
    """random, idle, a rule of yours (./rule.py:act), a function that makes agents (./mine.py:make_team), or a run (a
    name, a unique beginning of one, or latest)."""
    episodes: int = 1
    """How many episodes are played; the first one is drawn."""
    seed: int = 0
    """The first episode is reset with it, the next with seed + 1, …; random play draws from it."""
    steps: int | None = None
    """Stop an episode after so many steps (or turns, where one agent moves at a time)."""
    success: str = ""
    """What counts as a success: info:NAME for what infos say, or "return>=90" (the infos' success where not given)."""
    video: str = ""
    """The .gif, .webp or .mp4 to draw into (a numbered .gif in this folder where none is named); none: no video."""
    gif: str = ""
    """The same for a GIF."""
    team: int | None = None
    """Of a run: which seed's team (the best one by its checks where it is not given)."""
    runs: str = "runs"
    """The folder that holds the runs."""
    json: bool = False
    """Print the result for programs; then a video is drawn only into a file that is named."""


def run(word: str, words: list[str]) -> int:
    """Play, say what came of it, draw."""
    env, rest = foreign_options(word, words)
    options = parse(WatchElsewhereOptions, rest, command=f"watch {word}", about=ABOUT)
    if not options.policy:
        raise BadInput(
            f"'{word}' is an environment; add --policy random, --policy idle, --policy ./rule.py:act or --policy RUN"
        )
    if options.gif and options.video:
        raise BadInput("--gif and --video both name a file; give one of them")
    if options.gif and not options.gif.lower().endswith(".gif"):
        raise BadInput(f"--gif {options.gif}: the name of such a file ends in .gif")
    video = options.gif or options.video or (NONE if options.json else True)
    from coterie.cli.output import PlayLine, next_step, say, say_fault, show, show_json
    from coterie.showing.watched import result, video_words
    from coterie.workflow.watch import watch

    line, fault = PlayLine(), None
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what an environment or a rule prints is not our answer
            watched = watch(
                word,
                options.policy,
                options.episodes,
                options.seed,
                video=False if video == NONE else video,
                env=env,
                success=options.success,
                steps=options.steps,
                team=options.team,
                runs=options.runs,
                on_step=line,
            )
    except CoterieError as error:
        if error.run is None:
            raise
        watched, fault = error.run, error
    finally:
        line.clear()
    if options.json:
        show_json(watched.to_json())
        return say_fault(fault)
    show("", result(watched))
    if watched.video is not None:
        show("", video_words(watched.video, watched.unit, len(watched.seeds)))
    if watched.note:
        say(f"\n{watched.note}")
    if fault is None:
        next_step(*next_commands(word, options.policy, watched))
    return say_fault(fault)


def next_commands(word: str, policy: str, watched: Watching) -> list[str]:
    """What to look at next: play to compare this with, and a run of one's own."""
    from coterie.workflow.watching.names import env_words

    other = "idle" if policy == "random" else "random"
    found = [" ".join(["coterie watch", shlex.quote(word), f"--policy {other}", *env_words(watched.env)])]
    if policy not in POLICIES and not names_function(policy):
        return [*found, f"coterie evaluate {shlex.quote(policy)}"]
    return [*found, watched.train] if watched.train else found
