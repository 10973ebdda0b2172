"""`coterie train ENVIRONMENT`: the main job."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from coterie.cli.options import first_word, flag_value, parse, with_options
from coterie.envs import catalogue
from coterie.errors import BadInput
from coterie.workflow.planning.presets import preset_options

FOR_TABLES = ("--tabular", "--no-deep")
LADDER_FLAGS = ("--ladder", "--seeds", "--seed", "--threads", "--json", "--no-json", "--pictures", "--no-pictures")


@dataclass(frozen=True)
class TrainOptions:
    """What to train, how much of it, and where it goes."""

    algorithm: Annotated[str, tyro.conf.arg(aliases=("--algo",))] = ""
    """How the agents learn (the preset's algorithm where it is not given); coterie list names all."""
    preset: str = "default"
    """A named recipe: default works, tutorial is the classic tutorial with its flaws. Later flags replace its parts."""
    seeds: int = 1_000
    """How many teams are trained, each with its own random numbers."""
    seed: int = 0
    """The number that all randomness comes from: the same seed gives the same bits."""
    episodes: int | None = None
    """How many episodes each team learns from (the preset's number where it is not given)."""
    name: str | None = None
    """The run's name (else it is numbered: rendezvous-iql-1)."""
    runs: str = "runs"
    """The folder that holds the runs."""
    ladder: bool = False
    """Train the tutorial, and then mend it one line at a time, as a table."""
    pictures: bool = True
    """Draw curves, wall and report after the verdict."""
    threads: int = 0
    """Processor cores to use, 0 for all; the result does not depend on it."""
    json: bool = False
    """Print the verdict for programs."""


@dataclass(frozen=True)
class TrainTheirs(TrainOptions):
    """What to train in an environment from elsewhere."""

    seeds: int = 100
    """How many teams are trained, each with its own random numbers."""
    success: str = ""
    """What says that an episode succeeded: info:NAME for what infos tell, as --env.success NAME."""


def run(words: list[str]) -> int:
    """Train, judge, print, draw."""
    helping = any(word in ("-h", "--help") for word in words)
    environment, rest = ("rendezvous", words) if helping and words[0].startswith("-") else _environment(words)
    from coterie.cli.train_deep import is_deep

    deep = is_deep(environment, rest)
    _check_road(environment, rest, deep)
    if deep:
        from coterie.cli.train_deep import run as run_deep

        return run_deep(environment, rest)
    rest = [word for word in rest if word not in FOR_TABLES]
    if ":" in environment:
        return _train_theirs(environment, rest, helping)
    entry = catalogue.find(environment)
    algorithm, preset = flag_value(rest, "--algorithm", "--algo"), flag_value(rest, "--preset") or "default"
    _, learner = preset_options(preset, algorithm)
    kind = with_options("Train", TrainOptions, env=(entry.options(), False), learner=(learner, True))
    others = f" With neural networks it has others: coterie train {environment} --deep --help."
    if environment != (words[0] if words else ""):
        others += " So have environments from elsewhere: coterie train mpe2:simple_spread_v3 --help."
    options = parse(kind, rest, command=f"train {environment}", about=f"{environment}: {entry.about}.{others}")
    if options.ladder and environment != "rendezvous":
        raise BadInput(f"--ladder mends the tutorial, which is about rendezvous, not {environment}")
    if options.ladder:
        given = [word.partition("=")[0] for word in rest if word.startswith("--")]
        lost = [flag for flag in given if not flag.startswith("--env.") and flag not in LADDER_FLAGS]
        if lost:
            raise BadInput(f"--ladder has recipes of its own and keeps no run; leave {', '.join(lost)} out")
        return _ladder(environment, options)
    return _train(environment, options, options.env)


def _train_theirs(environment: str, words: list[str], helping: bool) -> int:
    """Tables in an environment from elsewhere, which is played first: who are rivals have another preset."""
    from coterie.cli.train_deep import foreign_options

    env, rest = foreign_options(environment, words)
    algorithm, preset = flag_value(rest, "--algorithm", "--algo"), flag_value(rest, "--preset")

    def read(preset: str):
        _, learner = preset_options(preset, algorithm)
        kind = with_options("TrainTheirs", TrainTheirs, learner=(learner, True))
        return parse(kind, rest, command=f"train {environment}", about=f"{environment}, with tables.")

    options = read(preset or "default")
    if options.success:
        env["success"] = info_named(options.success)
    if options.ladder:
        raise BadInput(f"--ladder mends the tutorial, which is about rendezvous, not {environment}")
    if preset is None and not helping:
        from coterie.cli.output import say_playing
        from coterie.workflow.planning.finite_games import finite_game
        from coterie.workflow.planning.presets import preset_for_tables

        preset = preset_for_tables(environment, not finite_game(environment, env, say_playing).common)
        options = dataclasses.replace(read(preset), preset=preset)
    return _train(environment, options, env)


def info_named(rule: str) -> str:
    """The name in `info:NAME`; BadInput for another rule, for a table knows no returns of whole episodes."""
    name = rule.removeprefix("info:")
    if not rule.startswith("info:") or not name:
        raise BadInput(f"--success '{rule}': of tables the infos say what a success is, like --success info:won")
    return name


def _check_road(environment: str, words: list[str], deep: bool) -> None:
    """Raises BadInput, with commands that work, for what does not go with the tables or networks that are to learn."""
    from coterie.cli.train_deep import ONLY_DEEP
    from coterie.workflow.planning.which_learner import check_learner_fits

    given = [word.partition("=")[0] for word in words if word.startswith("--")]
    asked_by = next((flag for flag in given if flag in (ONLY_DEEP if deep else FOR_TABLES)), "")
    algorithm, preset = flag_value(words, "--algorithm", "--algo"), flag_value(words, "--preset")
    check_learner_fits(environment, deep, algorithm=algorithm, preset=preset, asked_by=asked_by)
    if not deep and asked_by:
        from coterie.workflow.planning.finite_games import check_finite

        check_finite(environment)
    wrong = "--episodes" if deep else "--steps"
    if wrong in given:
        right = "--steps says how long networks learn" if deep else "--episodes says how long tables learn"
        raise BadInput(f"{wrong}: {right}; coterie train {environment} --help shows all options")


def _environment(words: list[str]) -> tuple[str, list[str]]:
    """The environment, which may also stand behind the flags."""
    if words and words[0].startswith("-"):
        named = [place for place, word in enumerate(words) if catalogue.known(word)]
        if len(named) > 1:
            raise BadInput(f"'{words[named[0]]}' or '{words[named[1]]}'? Write the environment first: coterie train …")
        if named:
            return words[named[0]], words[: named[0]] + words[named[0] + 1 :]
    return first_word(words, "environment", "coterie train rendezvous (coterie list names all)")


def _train(environment: str, options, env) -> int:
    from rich.text import Text

    from coterie.cli.output import (
        ProgressLine,
        draw,
        has_boards,
        next_step,
        say_making,
        say_playing,
        show,
        show_example,
        show_json,
    )
    from coterie.running.recorder import word_for
    from coterie.showing.terminal import verdict
    from coterie.workflow.planning.game import game_of
    from coterie.workflow.planning.plan import plan
    from coterie.workflow.train import audit, learn, open_run, unlike_sharers

    chosen = plan(
        environment,
        algorithm=options.algorithm or None,
        preset=options.preset,
        env=env,
        seeds=options.seeds,
        seed=options.seed,
        episodes=options.episodes,
        learner=options.learner,
    )
    game = game_of(chosen, say_playing if ":" in environment else say_making)
    asked = audit(chosen, game)
    folder, teams = open_run(chosen, game, Path(options.runs), options.name, options.threads)
    if not options.json and asked.finding.verdict == "yes":
        with contextlib.suppress(BrokenPipeError):  # nobody reads on; the teams are trained all the same
            _show_audit(asked, game)
    if not options.json and (unlike := unlike_sharers(chosen, game)) is not None:
        with contextlib.suppress(BrokenPipeError):
            show("", Text.assemble(("! ", "bold red"), unlike.sentence))
            show(Text.assemble("  ", ("Try: ", "bold"), unlike.remedy))
    progress = ProgressLine(game.success_word)
    try:
        run = learn(chosen, game, folder, teams, threads=options.threads, on_tick=progress)
    finally:
        progress.clear()
    if options.json:
        show_json(run.verdict.to_json())
    else:
        show("", verdict(run.verdict))
        show_example(run.verdict, run.plays, run.action_names)
    if options.pictures:
        draw(run)
    if not options.json:
        word = "latest" if folder.parent == Path("runs") else word_for(folder)
        fails = run.verdict.common and run.verdict.coordinated.count < run.verdict.coordinated.total
        look = [f"coterie watch {word} --wall"] if has_boards(run) else []
        ask = [f"coterie diagnose {word}"] if fails or not look else []
        next_step(*ask, *look, *(["coterie train rendezvous --ladder"] if run.verdict.claim else []))
    return 0


def _show_audit(asked, game) -> None:
    from rich.text import Text

    from coterie.cli.output import show, show_play

    show("", Text.assemble(("! ", "bold red"), asked.finding.sentence))
    show(Text.assemble("  ", ("Try: ", "bold"), asked.finding.remedy))
    if asked.play.boards.size:
        show("\n  One optimal play:")
        show_play(asked.play, game.action_names, game.success_word, 0, min(len(asked.play.actions), 9))


def _ladder(environment: str, options) -> int:
    from coterie.cli.output import ProgressLine, next_step, show, show_json
    from coterie.showing.terminal import ladder
    from coterie.workflow.ladder import climb

    progress = ProgressLine("meet")
    rows = []
    for label, verdict in climb(
        environment, options.env, seeds=options.seeds, seed=options.seed, threads=options.threads, on_tick=progress
    ):
        progress.clear()
        rows.append((label, verdict))
    if options.json:
        show_json([{"label": label, **verdict.to_json()} for label, verdict in rows])
        return 0
    show("", f"The tutorial, mended one line at a time ({options.seeds:,} teams a row, seed {options.seed}):", "")
    show(ladder(rows))
    next_step("coterie train rendezvous", "coterie lesson")
    return 0
