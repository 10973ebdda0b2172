"""From a user's words to a checked plan of a deep run; imports no JAX, so that mistakes are answered at once."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from coterie.envs import catalogue
from coterie.errors import BadInput
from coterie.running import recorder
from coterie.settings import (
    CHECKING,
    CHECKING_OUTSIDE,
    DEEP_PRESETS,
    MIXED,
    POLICY_GRADIENT,
    DeepOptions,
    PictureOptions,
    options_of_algorithm,
)
from coterie.workflow.deep.choosing import Road, defaults_of, learning_of, options_beside, road_of, said_in
from coterie.workflow.deep.learner_checks import changed, check_each, check_heard, check_read
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


class DeepPlan(NamedTuple):
    """All that decides a deep run's result, resolved; steps are joint steps of each seed.

    picture: how pictures are shown; None on the compiled road, where nobody sees any. others: by the algorithm's name
    the options of those that learn beside the first.
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
    others: Mapping[str, DeepOptions] = {}


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
    others: Mapping[str, DeepOptions] | None = None,
    saved: bool = False,
) -> DeepPlan:
    """A checked plan; `env` and `learner` are options that replace single defaults of preset and algorithm.

    checks: of the greedy team, each of check_episodes; final_episodes: of the verdict; fewer in worlds outside JAX,
    unless said. teams: who plays each team, as `--team` says it; runs: the folder of the runs that may play one.
    picture: options that replace single defaults of how pictures are shown. saved: it is a run's that was begun before,
    maybe when other options were usual; others: its options of algorithms beside the first.
    """
    road, teams = road_of(environment), read_teams(teams)
    check_players(teams)
    learning = learning_of(teams)
    if not catalogue.known(environment) and env is not None and not isinstance(env, Mapping):
        raise BadInput(f"options of {environment} are expected as a mapping, found {env!r}")
    check_success(success, road)
    if teams and isinstance(env, Mapping) and "team" in env:
        raise BadInput("--env.team and --team both say who is in a team; leave --env.team out")
    counted = ("--checks", checks), ("--check-episodes", check_episodes), ("--final-episodes", final_episodes)
    seeds, seed = whole("--seeds", seeds), check_seed(seed)
    found = defaults_of(environment, algorithm, preset, learning, said_in(learner), env, picture)
    preset, algorithm, defaults = found.preset, found.algorithm, found.options
    if catalogue.known(environment):
        env = environment_options(environment, env)
    options: DeepOptions = replaced(defaults, learner or {}, "option", "--")
    steps = whole("--steps", DEEP_PRESETS[preset].steps if steps is None else steps)
    usual = (CHECKING_OUTSIDE if road == "worker" else CHECKING).values()
    checks, check_episodes, final_episodes = (
        whole(flag, least if value is None else value) for (flag, value), least in zip(counted, usual, strict=True)
    )
    final_episodes = max(final_episodes, check_episodes) if counted[2][1] is None else final_episodes
    ways = learning or [algorithm]
    if not saved:
        check_read(ways, options, defaults)
    if others is None:
        said = learner if isinstance(learner, Mapping) else changed(options, defaults)
        if learning:
            check_heard(learning, options, defaults)
        players = dict.fromkeys(learning)
        others = {one: options_beside(found, one, options, said, environment, env) for one in players}
        options = others.pop(algorithm, options)
    of_each = {algorithm: options, **others}
    check_each(of_each)
    if not 1 <= seeds <= MOST_SEEDS:
        raise BadInput(f"--seeds {seeds}: expected 1 to {MOST_SEEDS:,}")
    if seed + seeds > 2**32:
        raise BadInput(
            f"--seed {seed}: expected 0 to {2**32 - seeds:,}, for the last of {seeds} seeds has 32 bits, too"
        )
    if not visit_steps(options) <= steps <= MOST_STEPS:
        least = visit_steps(options)
        raise BadInput(
            f"--steps {steps}: expected {least:,} to {MOST_STEPS:,}; {least:,} is what is learned from at once, "
            f"--environments {options.environments} times --rows {options.rows}"
        )
    for own in (own for player, own in of_each.items() if player not in POLICY_GRADIENT):
        check_replay(own, steps)
    if not 1 <= checks <= 1_000:
        raise BadInput(f"--checks {checks}: expected 1 to 1,000")
    if not 1 <= check_episodes <= final_episodes <= MOST_EPISODES:
        raise BadInput(
            f"--check-episodes {check_episodes} and --final-episodes {final_episodes}: expected 1 to {MOST_EPISODES:,} "
            "episodes, and no more in a check than in the end"
        )
    return DeepPlan(
        environment, {} if env is None else env, algorithm, preset, options, seeds, seed, steps, road,
        success, checks, teams, check_episodes, final_episodes, str(runs),
        picture_options(environment, road, picture, preset), others,
    )  # fmt: skip


def check_replay(options: DeepOptions, steps: int) -> None:
    """Raises BadInput where a learner of values would learn from nothing, or from less than comes in."""
    if options.replay < visit_steps(options):
        raise BadInput(
            f"--replay {options.replay}: expected {visit_steps(options):,} at least, what comes in at once "
            f"(--environments {options.environments} times --rows {options.rows})"
        )
    if options.warmup > steps:
        raise BadInput(f"--warmup {options.warmup}: nothing would be learned in --steps {steps}; use a smaller one")


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


def options_of(chosen: DeepPlan, player: str) -> DeepOptions:
    """The options that an algorithm learns with in a run.

    Where values are mixed and nobody says another, with the team's reward that an environment of ours is known for.
    """
    options = chosen.others.get(player) or chosen.learner
    own = catalogue.team_reward(chosen.environment) if ":" not in chosen.environment else ""
    if options.reward == "as-is" and player in MIXED and own:
        return dataclasses.replace(options, reward=own)
    return options


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


def others_in(config: Mapping[str, Any]) -> dict[str, DeepOptions]:
    """The options of algorithms beside the first in a run's settings; before they were kept, those of the first."""
    if "others" in config:
        return {name: DeepOptions(**own) for name, own in config["others"].items()}
    options = DeepOptions(**config["learner"])
    return {player: options_of_algorithm(player, options) for player in learning_of(config.get("teams", {}))}


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
            others=others_in(config),
            saved=True,
        )
    except (KeyError, TypeError) as error:
        raise BadInput(f"{folder / 'config.toml'} does not describe a run of this coterie: {error}") from error
