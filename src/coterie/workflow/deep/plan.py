"""From a user's words to a checked plan of a deep run; imports no JAX, so that mistakes are answered at once."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from coterie.envs import catalogue, sources
from coterie.errors import BadInput, nearest
from coterie.running import recorder
from coterie.settings import (
    ALGORITHMS,
    CHECKING,
    CHECKING_OUTSIDE,
    DEEP_ALGORITHMS,
    DEEP_PRESETS,
    MIXED,
    DeepOptions,
    PictureOptions,
    hysteresis_of,
)
from coterie.types import Spec
from coterie.workflow.deep.learner_checks import check_learner
from coterie.workflow.deep.seeing import picture_in, picture_options
from coterie.workflow.deep.teams import check_players, read_teams
from coterie.workflow.planning.plan import check_seed, environment_options, replaced, whole

DEEP_FORMAT = 1
MOST_STEPS = 2**31 - 1  # the clock counts in 32 bits
MOST_SEEDS = 10_000
MOST_EPISODES = 100_000
LONGEST_SEQUENCE = 64
CHECK_EPISODES, FINAL_EPISODES = CHECKING["check_episodes"], CHECKING["final_episodes"]
LEFT_OUT = ("runs",)  # of a plan's settings: where the run's folder stands says it
Road = Literal["compiled", "worker"]


class DeepPlan(NamedTuple):
    """All that decides a deep run's result, resolved; steps are joint steps of each seed.

    picture: how pictures are shown; None on the compiled road, where nobody sees any.
    """

    environment: str
    env: Any
    algorithm: str
    preset: str
    learner: DeepOptions
    seeds: int
    seed: int
    steps: int
    road: Road
    success: str
    checks: int
    teams: Mapping[str, str] = {}
    check_episodes: int = CHECK_EPISODES
    final_episodes: int = FINAL_EPISODES
    runs: str = "runs"
    picture: PictureOptions | None = None


def deep_plan(
    environment: str,
    *,
    algorithm: str | None = None,
    preset: str | None = None,
    env: Any = None,
    seeds: int = 5,
    seed: int = 0,
    steps: int | None = None,
    learner: Mapping[str, Any] | DeepOptions | None = None,
    success: str = "",
    checks: int | None = None,
    check_episodes: int | None = None,
    final_episodes: int | None = None,
    teams: Mapping[str, str] | Sequence[str] = (),
    runs: str = "runs",
    picture: Mapping[str, Any] | PictureOptions | None = None,
) -> DeepPlan:
    """A checked plan; `env` and `learner` are options that replace single defaults of preset and algorithm.

    checks: of the greedy team, each of check_episodes; final_episodes: of the verdict; fewer in worlds outside JAX,
    unless said. teams: who plays each team, as `--team` says it; runs: the folder of the runs that may play one.
    picture: options that replace single defaults of how pictures are shown.
    """
    road, teams = road_of(environment), read_teams(teams)
    check_players(teams)
    learning = learning_of(teams)
    preset, algorithm, defaults = defaults_of(environment, algorithm, preset, learning, shares(learner))
    check_success(success, road)
    if teams and isinstance(env, Mapping) and "team" in env:
        raise BadInput("--env.team and --team both say who is in a team; leave --env.team out")
    if catalogue.known(environment):
        env = environment_options(environment, env)
    elif env is not None and not isinstance(env, Mapping):
        raise BadInput(f"options of {environment} are expected as a mapping, found {env!r}")
    options: DeepOptions = replaced(defaults, learner or {}, "option", "--")
    steps = whole("--steps", DEEP_PRESETS[preset].steps if steps is None else steps)
    usual = (CHECKING_OUTSIDE if road == "worker" else CHECKING).values()
    named = ("--checks", checks), ("--check-episodes", check_episodes), ("--final-episodes", final_episodes)
    seeds = whole("--seeds", seeds)
    checks, check_episodes, final_episodes = (
        whole(flag, least if value is None else value) for (flag, value), least in zip(named, usual, strict=True)
    )
    final_episodes = max(final_episodes, check_episodes) if named[2][1] is None else final_episodes
    for player in dict.fromkeys(learning or [algorithm]):
        check_learner(player, hysteresis_of(player, options) if "hysteretic" in learning else options)
    if not 1 <= seeds <= MOST_SEEDS:
        raise BadInput(f"--seeds {seeds}: expected 1 to {MOST_SEEDS:,}")
    if not visit_steps(options) <= steps <= MOST_STEPS:
        least = visit_steps(options)
        raise BadInput(
            f"--steps {steps}: expected {least:,} to {MOST_STEPS:,}; {least:,} is one visit to the replay, "
            f"--environments {options.environments} times --rows {options.rows}"
        )
    if options.replay < visit_steps(options):
        raise BadInput(
            f"--replay {options.replay}: expected {visit_steps(options):,} at least, what one visit brings "
            f"(--environments {options.environments} times --rows {options.rows})"
        )
    if options.warmup > steps:
        raise BadInput(f"--warmup {options.warmup}: nothing would be learned in --steps {steps}; use a smaller one")
    if not 1 <= checks <= 1_000:
        raise BadInput(f"--checks {checks}: expected 1 to 1,000")
    if not 1 <= check_episodes <= final_episodes <= MOST_EPISODES:
        raise BadInput(
            f"--check-episodes {check_episodes} and --final-episodes {final_episodes}: expected 1 to {MOST_EPISODES:,} "
            "episodes, and no more in a check than in the end"
        )
    return DeepPlan(
        environment, {} if env is None else env, algorithm, preset, options, seeds, check_seed(seed), steps, road,
        success, checks, teams, check_episodes, final_episodes, str(runs),
        picture_options(environment, road, picture),
    )  # fmt: skip


def learning_of(teams: Mapping[str, str]) -> list[str]:
    """The algorithms that teams learn with."""
    return [player for player in teams.values() if player in DEEP_ALGORITHMS]


def defaults_of(
    environment: str, algorithm: str | None, preset: str | None, learning: Sequence[str], sharing: bool
) -> tuple[str, str, DeepOptions]:
    """The preset, the algorithm (of teams the first that learns) and the learner's options where nobody says others.

    sharing: experience is shared.
    """
    elsewhere = road_of(environment) == "worker" and preset is None  # nobody knows whether its agents are one team
    alone = "iql" if sharing or elsewhere else None
    algorithm = algorithm or (learning[0] if learning else alone)
    if learning and algorithm not in learning:
        raise BadInput(f"--algorithm {algorithm}: the teams say who learns how ({', '.join(learning)}); leave it out")
    return deep_options(preset or preset_for(environment, algorithm), algorithm, sharing)


def needs_networks(environment: str, algorithm: str | None = None) -> bool:
    """Whether an environment has no exact table, or the algorithm none to learn with, so that networks must learn."""
    if algorithm in DEEP_ALGORITHMS and algorithm not in ALGORITHMS:
        return True
    return not catalogue.has_table(environment)


def road_of(environment: str) -> Road:
    """Which road an environment is trained on: compiled for ours and those of JAX libraries, else the worker road."""
    if ":" in environment:
        source = sources.parse(environment)
        return "compiled" if source is not None and source.source in sources.JAX_SOURCES else "worker"
    catalogue.find(environment)
    return "compiled"


def shares(learner: Mapping[str, Any] | DeepOptions | None) -> bool:
    """Whether these options ask for shared experience; who shares learns independently (iql) if not told otherwise."""
    options = learner if isinstance(learner, Mapping) else vars(learner) if learner is not None else {}
    return options.get("share_experience", "none") != "none"


def preset_for(environment: str, algorithm: str | None) -> str:
    """The preset that an environment is known to need, where the user names none."""
    group = "" if ":" in environment else catalogue.find(environment).group
    if group == catalogue.FORAGING:
        return "foraging"
    return "coordination" if group == catalogue.MATRIX_GAMES and algorithm in (None, "hysteretic") else "default"


def check_success(rule: str, road: Road) -> None:
    """Raises BadInput for a definition of success that cannot be read, on this road."""
    if road == "compiled" and isinstance(rule, str) and rule.startswith("info:"):
        raise BadInput(f"--success {rule}: infos are read of PettingZoo's environments; here use 'return>=NUMBER'")
    if rule == "" or (isinstance(rule, str) and rule.startswith("info:") and rule.removeprefix("info:")):
        return
    try:
        if not isinstance(rule, str) or not rule.startswith("return>="):
            raise ValueError
        if not math.isfinite(float(rule.removeprefix("return>="))):
            raise ValueError
    except ValueError:
        raise BadInput(
            f"--success '{rule}': expected a return, like --success 'return>=90', or an info, like --success info:won"
        ) from None


def deep_options(preset: str | None, algorithm: str | None, sharing: bool = False) -> tuple[str, str, DeepOptions]:
    """The preset's name, the algorithm (the preset's own where none is given) and the learner's options.

    sharing: experience is shared, which what a preset chooses must not contradict: networks in common, priorities.
    """
    preset = preset or "default"
    if preset not in DEEP_PRESETS:
        raise BadInput(f"there is no preset '{preset}' of deep learners{nearest(preset, DEEP_PRESETS)}")
    algorithm = algorithm or DEEP_PRESETS[preset].algorithm
    if algorithm not in DEEP_ALGORITHMS:
        raise BadInput(f"there is no deep algorithm '{algorithm}'{nearest(algorithm, DEEP_ALGORITHMS)}")
    without = {"share_parameters": False, "prioritised": False} if sharing else {}
    options = dataclasses.replace(DeepOptions(), **{**DEEP_PRESETS[preset].options, **without})
    return preset, algorithm, hysteresis_of(algorithm, options)


def visit_steps(options: DeepOptions) -> int:
    """Joint steps between two visits to the replay."""
    return options.environments * options.rows


def visits_of(chosen: DeepPlan) -> int:
    """Visits to the replay in a run."""
    return max(1, chosen.steps // visit_steps(chosen.learner))


def sequence_length(options: DeepOptions, horizon: int) -> int:
    """Rows of a sequence: as asked, else one step, or an episode where memory or traces need more."""
    if options.sequence:
        return options.sequence
    if not (options.recurrent or options.n_step > 1 or options.trace > 0):
        return 1
    return min(horizon or LONGEST_SEQUENCE, LONGEST_SEQUENCE)


def partitioned(spec: Spec, options: DeepOptions) -> Spec:
    """The agents with their partitions into parameters and experience, as the options say."""
    own = tuple(range(len(spec.agents)))
    by_kind = tuple(next(k for k, kind in enumerate(spec.kinds) if agent in kind.agents) for agent in own)
    experience = {"none": own, "teams": spec.team}.get(options.share_experience, by_kind)
    common = options.share_parameters or spec.births  # who comes and goes has no network of its own
    return dataclasses.replace(spec, parameters=by_kind if common else own, experience=experience)


def options_of(chosen: DeepPlan, player: str) -> DeepOptions:
    """The options that an algorithm learns with in a run: of teams, each with its own hysteresis.

    Where values are mixed and nobody says another, with the team's reward that an environment of ours is known for.
    """
    options = hysteresis_of(player, chosen.learner) if chosen.teams else chosen.learner
    own = catalogue.team_reward(chosen.environment) if ":" not in chosen.environment else ""
    if options.reward == "as-is" and player in MIXED and own:
        return dataclasses.replace(options, reward=own)
    return options


def own_options(env: Any) -> tuple[dict[str, Any], list[int] | None, int]:
    """An environment's own options, and what is ours among them: `--env.team 0,0,1` and `--env.slots 12`."""
    own = dict(env or {})
    word, slots = own.pop("team", None), own.pop("slots", 0)
    if not isinstance(slots, int) or slots < 0:
        raise BadInput(f"--env.slots {slots}: expected how many agents of a kind there can be at once, like 12")
    try:
        numbers = word if isinstance(word, list) else str(word).split(",") if word is not None else None
        return own, None if numbers is None else in_order([int(number) for number in numbers]), slots
    except (TypeError, ValueError):
        raise BadInput(f"--env.team {word}: expected a team number for each agent, like 0,0,1") from None


def in_order(numbers: Sequence[int]) -> list[int]:
    """The same partition with numbers from 0 on, without gaps.

    >>> in_order([7, -1, 7])
    [1, 0, 1]
    """
    known = sorted(set(numbers))
    return [known.index(number) for number in numbers]


def unit_of(chosen: DeepPlan) -> str:
    """What a run's returns are of all agents, team-sum or team-mean: an environment's own convention, whoever learns.

    Elsewhere the sum where the team earns it (--reward team-sum), else the mean.
    """
    if ":" not in chosen.environment:
        return catalogue.team_reward(chosen.environment) or "team-mean"
    return "team-sum" if chosen.learner.reward == "team-sum" else "team-mean"


def knows_success(chosen: DeepPlan) -> bool:
    """Whether anybody says what a success is: the user's rule, a world of ours, or --env.success of a JAX library's."""
    told = chosen.road == "compiled" and "success" in chosen.env if ":" in chosen.environment else True
    return bool(chosen.success) or told


def deep_config(chosen: DeepPlan) -> dict[str, Any]:
    """The plan as the settings in a run's folder."""
    settings = {name: value for name, value in chosen._asdict().items() if name not in LEFT_OUT}
    return {"format": DEEP_FORMAT, "kind": "deep", **settings}


def is_deep(folder: Path) -> bool:
    """Whether a run's folder holds a deep run."""
    return recorder.read_config(folder).get("kind") == "deep"


def planned_deep(folder: Path) -> DeepPlan:
    """The plan in a run's folder."""
    config = recorder.read_config(folder)
    if config.get("format") != DEEP_FORMAT:
        raise BadInput(
            f"{folder / 'config.toml'} has the format {config.get('format')!r}, this coterie reads {DEEP_FORMAT}"
        )
    try:
        return deep_plan(
            config["environment"],
            algorithm=config["algorithm"],
            preset=config["preset"],
            env=config.get("env", {}),
            seeds=config["seeds"],
            seed=config["seed"],
            steps=config["steps"],
            learner=DeepOptions(**config["learner"]),
            success=config["success"],
            checks=config["checks"],
            check_episodes=config.get("check_episodes", CHECK_EPISODES),
            final_episodes=config.get("final_episodes", FINAL_EPISODES),
            teams=config.get("teams", {}),
            runs=str(folder.parent),
            picture=picture_in(config),
        )
    except (KeyError, TypeError) as error:
        raise BadInput(f"{folder / 'config.toml'} does not describe a run of this coterie: {error}") from error
