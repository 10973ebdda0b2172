"""`coterie watch RUN` or `coterie watch ENVIRONMENT --policy random|idle`: look at episodes."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from coterie.cli.options import first_word, flag_value, fresh_file, parse, with_options
from coterie.envs import catalogue
from coterie.envs.sources import JAX_SOURCES, OBJECT
from coterie.errors import BadInput, nearest
from coterie.running.recorder import find_run, read_config, word_for
from coterie.settings import POLICIES

LONGEST_DELAY = 60
ABOUT = (
    "Look at a run's greedy teams (RUN is a name, a unique beginning of one, or latest), or at random or idle play of "
    "an environment (coterie watch rendezvous --policy random). In environments from elsewhere anybody plays, and is "
    "filmed: coterie watch pettingzoo:butterfly/pistonball_v6 --help."
)


@dataclass(frozen=True)
class WatchOptions:
    """What is shown, and how."""

    policy: str = ""
    """Watch an environment instead of a run: random or idle play."""
    wall: bool = False
    """Show a hundred boards at once: green when they succeed, red when they circle, amber when time runs out."""
    team: int | None = None
    """Which team to show step by step; the first one where it is not given."""
    episode: int = 1
    """Which of the team's episodes, where several were recorded."""
    gif: str = ""
    """Draw into this GIF file instead of the terminal."""
    delay: float = 0.4
    """Seconds between two steps in the terminal."""
    seed: int = 0
    """The seed of random play."""
    runs: str = "runs"
    """The folder that holds the runs."""


def run(words: list[str]) -> int:
    """Show episodes."""
    helping = "--help" in words or "-h" in words
    named = bool(words) and ":" in words[0]
    word, rest = ("latest", words) if helping and not named else first_word(words, "run", "coterie watch latest")
    if ":" in word and not (Path(word) / "config.toml").is_file():
        from coterie.cli.watch_elsewhere import run as run_elsewhere

        return run_elsewhere(word, rest)
    named = catalogue.known(word)
    if not named and not helping and (elsewhere := live_environment(word, rest)):
        from coterie.cli.watch_elsewhere import run as run_elsewhere

        return run_elsewhere(elsewhere, ["--policy", word, *rest])
    kind = WatchOptions
    if named:
        kind = with_options("Watch", WatchOptions, env=(catalogue.find(word).options(), False))
    options = parse(kind, rest, command=f"watch {'RUN' if helping else word}", about=ABOUT)
    if options.policy and not named:
        raise BadInput(f"--policy plays an environment, and there is none called '{word}'; try: coterie list")
    if named and not options.policy:
        raise BadInput(f"'{word}' is an environment; add --policy random or --policy idle, or watch a run")
    if options.policy and options.policy not in POLICIES:
        raise BadInput(f"there is no policy '{options.policy}'{nearest(options.policy, POLICIES)}")
    if not 0 <= options.delay <= LONGEST_DELAY:
        raise BadInput(f"--delay {options.delay:g}: expected 0 to {LONGEST_DELAY} seconds")
    if not named:
        find_run(Path(options.runs), word)
    gif = fresh_file("--gif", options.gif, ".gif")
    from coterie.cli.output import next_step, show
    from coterie.workflow.watching.ours import played, recorded

    watched = (
        played(word, options.policy, env=options.env, seed=options.seed) if named else recorded(word, options.runs)
    )
    if not watched.plays:
        raise BadInput(f"{watched.title}: no episode was recorded")
    bare = not watched.plays[0].boards.size
    if bare and gif is not None:
        raise BadInput(f"--gif {gif}: this environment draws no board, {_instead(word, named, options)}")
    if bare:
        _show_bare(watched, options)
    elif options.wall:
        plays = watched.plays[:100]
        if gif is not None:
            from coterie.showing.animation import wall_gif

            wall_gif(gif, plays, watched.title, success_word=watched.success_word, repeats=watched.repeats)
        else:
            _show_wall(plays, watched, options.delay)
    else:
        play = _chosen(watched.plays, options.team, options.episode)
        if gif is not None:
            from coterie.showing.animation import play_gif

            play_gif(gif, play, watched.action_names, watched.success_word, watched.repeats)
        else:
            _show_steps(play, watched, options.delay)
    if gif is not None:
        show(f"drawn into {gif}")
    next_step(*_next(word, named, options, bare, watched.plays[0].team))
    return 0


def live_environment(word: str, rest: list[str]) -> str:
    """The environment of a run's own, where that is one of PettingZoo's that can be played anew; else nothing.

    Recorded episodes are shown where a flag asks for those.
    """
    given = {one.partition("=")[0] for one in rest}
    if given & {"--wall", "--episode", "--delay", "--policy"}:
        return ""
    try:
        config = read_config(find_run(Path(flag_value(rest, "--runs") or "runs"), word))
    except BadInput:  # said where all words are read
        return ""
    environment = str(config.get("environment", ""))
    return environment if config.get("road") == "worker" and not environment.startswith(f"{OBJECT}:") else ""


def _instead(word: str, named: bool, options) -> str:
    """What there is where nothing can be drawn."""
    if named:
        again = f"coterie watch {word} --policy {options.policy}"
        return f"so nothing can be animated; leave --gif out to read what was done: {again}"
    run = word_for(find_run(Path(options.runs), word))
    return (
        f"so nothing can be animated; coterie diagnose {run} makes a page that plays actions and rewards step by step"
    )


def _show_bare(watched, options) -> None:
    """Episodes without a board: one step by step, or all of them, a line each."""
    from coterie.cli.output import show
    from coterie.showing.bare import NO_BOARD, episodes_told, steps_told

    if options.wall:
        told = episodes_told(watched.plays, watched.success_word, watched.repeats)
    else:
        play = _chosen(watched.plays, options.team, options.episode)
        told = steps_told(play, watched.action_names, watched.success_word, watched.repeats)
    show(watched.title, NO_BOARD, "", *told)


def _chosen(plays, team: int | None, episode: int):
    """The episode that is asked for; the first one where none is."""
    own = [play for play in plays if team is None or play.team == team]
    if not own:
        numbers = list(dict.fromkeys(play.team for play in plays))
        raise BadInput(f"--team {team}: recorded are teams {numbers[0]} to {numbers[-1]} ({len(numbers)} of them)")
    of_team = [play for play in own if play.team == own[0].team]
    if not 1 <= episode <= len(of_team):
        raise BadInput(f"--episode {episode}: of team {own[0].team} there are episodes 1 to {len(of_team)}")
    return of_team[episode - 1]


def _show_wall(plays, watched, delay: float) -> None:
    from coterie.cli.output import console, show
    from coterie.showing.terminal import wall

    longest = max(len(play.actions) for play in plays)
    if not sys.stdout.isatty():
        show(wall(plays, longest, success_word=watched.success_word, repeats=watched.repeats))
        return
    from rich.live import Live

    with Live(console=console(), refresh_per_second=20) as live:
        for step in range(longest + 1):
            boards = wall(plays, step, success_word=watched.success_word, repeats=watched.repeats)
            live.update(boards, refresh=True)
            time.sleep(delay if step < longest else 0)


def _show_steps(play, watched, delay: float) -> None:
    from coterie.cli.output import console, show, show_play
    from coterie.showing.terminal import step_panel

    if not sys.stdout.isatty():
        show(watched.title)
        show_play(play, watched.action_names, watched.success_word, 0, len(play.actions))
        return
    from rich.live import Live

    with Live(console=console(), refresh_per_second=20) as live:
        for step in range(len(play.actions) + 1):
            panel = step_panel(play, step, watched.action_names, watched.success_word, watched.repeats)
            live.update(panel, refresh=True)
            time.sleep(delay if step < len(play.actions) else 0)


def _next(word: str, named: bool, options, bare: bool, team: int) -> tuple[str, ...]:
    """The commands that come next; `team` is one that can be watched step by step."""
    if named:
        other = "idle" if options.policy == "random" else "random"
        return f"coterie watch {word} --policy {other}", f"coterie train {word}"
    folder = find_run(Path(options.runs), word)
    word, world = word_for(folder), str(read_config(folder).get("environment", ""))
    if bare and ":" in world and world.partition(":")[0] not in JAX_SOURCES:
        return f"coterie diagnose {word}", f"coterie watch {world} --policy {word}"
    if bare:
        return f"coterie diagnose {word}", f"coterie watch {word}{'' if options.wall else ' --wall'}"
    if options.wall:
        return f"coterie watch {word} --team {team}", f"coterie watch {word} --wall --gif wall.gif"
    return f"coterie watch {word} --wall", f"coterie evaluate {word}"
