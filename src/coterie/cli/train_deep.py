"""`coterie train ENVIRONMENT` with neural networks: when --deep, a deep algorithm or the environment asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro

from coterie.cli.options import flag_value, flag_values, parse, with_options
from coterie.envs import catalogue
from coterie.errors import BadInput
from coterie.settings import DEEP_PRESETS, PictureOptions
from coterie.workflow.deep.choosing import defaults_of, is_policy, learning_of, road_of, said_in
from coterie.workflow.deep.learner_checks import changed
from coterie.workflow.deep.plan import deep_plan, visit_steps, visits_of
from coterie.workflow.deep.teams import named_runs, read_teams
from coterie.workflow.planning.which_learner import OF_NETWORKS, learns_deep

ONLY_DEEP = ("--deep", "--team", *(f"--{word}" for word in OF_NETWORKS))


@dataclass(frozen=True)
class TrainDeepOptions:
    """What to train, how much of it, and where it goes."""

    algorithm: Annotated[str, tyro.conf.arg(aliases=("--algo",))] = ""
    """How the agents learn: iql, hysteretic, vdn, qmix, weighted-qmix, ippo, mappo, ia2c, seac (else what suits)."""
    preset: str = ""
    """A named recipe; later flags replace its parts. coterie list names all."""
    seeds: int = 5
    """How many teams are trained, each from a seed of its own: seed, seed + 1, …"""
    seed: int = 0
    """The first seed: the same seed gives the same bits."""
    steps: int | None = None
    """Joint steps that each team learns from (the preset's number where it is not given)."""
    deep: bool = True
    """Use neural networks where tables would do."""
    success: str = ""
    """What counts as coordinated where the environment does not say: "return>=90", or info:NAME for what infos tell."""
    team: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Who plays a team, NAME=PLAYER, for each team: adversaries=iql, prey=random, idle, ./rule.py:act or a run."""
    checks: int | None = None
    """How often the greedy team is checked (20, or 10 in PettingZoo's worlds); the best check's policy is judged,
    or, where the step size falls to 0, the last one's."""
    check_episodes: int | None = None
    """Episodes of a check (32, or 8 in PettingZoo's worlds)."""
    final_episodes: int | None = None
    """Fresh episodes that the saved policy is judged on (320, or 80 in PettingZoo's worlds)."""
    workers: int = 0
    """Processes that step a PettingZoo environment; 0: this one."""
    device: str = "auto"
    """auto, cpu, gpu or tpu."""
    track: str = ""
    """Tell a tracker, too: tensorboard or wandb. The log in the run's folder is written whatever happens to it."""
    name: str | None = None
    """The run's name (else it is numbered)."""
    runs: str = "runs"
    """The folder that holds the runs."""
    pictures: bool = True
    """Draw the learning curves after the verdict."""
    json: bool = False
    """Print the verdict for programs."""


def is_deep(environment: str, words: list[str]) -> bool:
    """Whether these words ask for neural networks: by a flag, by the algorithm, or because no table can be made."""
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    if "--tabular" in given or "--no-deep" in given:
        return False
    algorithm = flag_value(words, "--algorithm", "--algo")
    preset = flag_value(words, "--preset")
    return bool(given & set(ONLY_DEEP)) or learns_deep(environment, algorithm, preset)


def said_of_pictures(words: list[str]) -> dict[str, Any]:
    """What is said of how pictures are shown, for a look; what is no option is answered when all words are read."""
    said: dict[str, Any] = {
        name: value for name in ("size", "crop", "channel") if (value := flag_value(words, f"--picture.{name}"))
    }
    stack = flag_value(words, "--picture.stack") or ""
    said |= {"stack": int(stack)} if stack.isdigit() else {}
    return said | ({"grey": True} if "--picture.grey" in words else {})


def run(environment: str, words: list[str]) -> int:
    """Train, judge, print, draw."""
    road = road_of(environment)
    algorithm, preset = flag_value(words, "--algorithm", "--algo"), flag_value(words, "--preset")
    said = said_words(words)
    learning = learning_of(read_teams(flag_values(words, "--team")))
    foreign, rest = foreign_options(environment, words)
    helps = not {"-h", "--help"}.isdisjoint(words)  # answered at once, without a look at the environment
    if helps and road == "worker":
        usual = DEEP_PRESETS[preset].algorithm if preset is not None and preset in DEEP_PRESETS else "ippo"
        algorithm = algorithm or (learning[0] if learning else usual)
        preset = preset or ("vectors" if is_policy(algorithm) else "default")
    shown = said_of_pictures(words)
    preset, algorithm, learner, why = defaults_of(environment, algorithm, preset, learning, said, foreign, shown)
    nested: dict[str, tuple[Any, bool]] = {"learner": (learner, True)}
    if ":" not in environment:
        nested["env"] = (catalogue.find(environment).options(), False)
    if road == "worker":
        nested["picture"] = (PictureOptions(**DEEP_PRESETS[preset].picture), False)
    about = environment if ":" in environment else f"{environment}: {catalogue.find(environment).about}."
    kind = with_options("TrainDeep", TrainDeepOptions, **nested)
    options = parse(kind, rest, command=f"train {environment}", about=about)
    told = said & vars(learner).keys() | changed(options.learner, learner)
    chosen = deep_plan(
        environment,
        algorithm=algorithm,
        preset=preset,
        env=foreign if ":" in environment else options.env,
        seeds=options.seeds,
        seed=options.seed,
        steps=options.steps,
        learner={name: getattr(options.learner, name) for name in told},
        success=options.success,
        teams=named_runs(options.team, options.runs),
        runs=options.runs,
        checks=options.checks,
        check_episodes=options.check_episodes,
        final_episodes=options.final_episodes,
        picture=options.picture if road == "worker" else None,
    )
    from coterie.cli.output import DeepProgressLine, finished, next_step, say, say_fault, show, show_json
    from coterie.running.recorder import check_new, word_for
    from coterie.running.trackers import check_tracker, tracker
    from coterie.showing.deep import verdict
    from coterie.workflow.deep.opening import open_plan
    from coterie.workflow.deep.seeing import seen_through
    from coterie.workflow.deep.train import check_rewards, interruptible, learn_deep, new_folder

    check_tracker(options.track)
    check_new(Path(options.runs), options.name)
    if why:
        say(f"{chosen.algorithm} with the preset {chosen.preset}: {why}")
    at_once = visit_steps(chosen.learner)
    whole = visits_of(chosen) * at_once
    if options.steps is not None and whole != options.steps:
        say(f"--steps {options.steps:,}: {whole:,} will be learned from, {at_once:,} at a time")
    say(f"compiling {chosen.algorithm} for {environment} …")
    progress = DeepProgressLine()
    with interruptible(chosen.environment):
        opened = open_plan(chosen, workers=options.workers, device=options.device, on_restart=progress.note)
        check_rewards(chosen, opened)
    for line in seen_through(opened):
        say(line)
    if opened.note:
        say(f"! {opened.note}")
    folder = new_folder(chosen, Path(options.runs), options.name)
    with tracker(options.track, folder, chosen, say) as track:
        learn = partial(learn_deep, chosen, opened, folder, track=track, on_tick=progress)
        run, fault = finished(progress, learn)
    if options.json:
        show_json(run.verdict.to_json())
    else:
        show("", verdict(run.verdict))
    if options.pictures:
        run.draw()
        say(f"drawn: {folder / 'curves.png'}")
    if not options.json:
        word = "latest" if folder.parent == Path("runs") else word_for(folder)
        next_step(f"coterie evaluate {word}", f"coterie diagnose {word}")
    return say_fault(fault)


def said_words(words: list[str]) -> set[str]:
    """The options of the learner that these words say."""
    flags = {word.partition("=")[0] for word in words if word.startswith("--")}
    said: dict[str, Any] = {flag.removeprefix("--").removeprefix("no-").replace("-", "_"): "" for flag in flags}
    return said_in({**said, "share_experience": flag_value(words, "--share-experience") or "none"})


def foreign_options(environment: str, words: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The `--env.NAME VALUE` of an environment from elsewhere, read as JSON where they are, and the other words."""
    if ":" not in environment:
        return {}, words
    import msgspec

    found: dict[str, Any] = {}
    rest: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("--env."):
            rest.append(word)
            continue
        name, equals, value = word.removeprefix("--env.").partition("=")
        if not equals:
            if not waiting:
                raise BadInput(f"{word}: a value is missing")
            value = waiting.pop(0)
        try:
            found[name.replace("-", "_")] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[name.replace("-", "_")] = {"True": True, "False": False}.get(value, value)
    return found, rest
