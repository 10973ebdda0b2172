"""A deep run's plan made ready to learn: its environment, the user's own parts, its lanes; nothing is written."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from coterie.algorithms.families import partitioned
from coterie.envs import catalogue, sources
from coterie.errors import BadInput, EnvironmentFault
from coterie.networks.policies import seen_together, sees_together
from coterie.pettingzoo.driving.drive import Drive
from coterie.pettingzoo.forms.anew import is_anew
from coterie.pettingzoo.forms.parallel import InfoSays, Success
from coterie.pettingzoo.forms.turns import OneInTurns
from coterie.pettingzoo.making.live import check_reach
from coterie.running.deep.devices import prepare
from coterie.running.deep.own_parts import Change, name_of
from coterie.running.deep.rivals import Frozen
from coterie.running.deep.runs import Opened, open_compiled, open_outside
from coterie.running.deep.session import Schedule
from coterie.running.train import free_bytes
from coterie.settings import CENTRAL, DEEP_ALGORITHMS, MIXED, POLICY_GRADIENT, TEAM_REWARDS, DeepOptions
from coterie.types import Spec, Team
from coterie.workflow.deep.amounts import check_amounts
from coterie.workflow.deep.choosing import learning_of
from coterie.workflow.deep.learners import Learners, learners_of
from coterie.workflow.deep.plan import (
    DeepPlan,
    knows_success,
    options_of,
    sequence_length,
    unit_of,
    visit_steps,
    visits_of,
)
from coterie.workflow.deep.seeing import check_seen_together, check_state
from coterie.workflow.deep.sharing import check_sharing
from coterie.workflow.deep.teams import own_options, team_numbers, teams_of
from coterie.yours import names_function


def open_plan(
    chosen: DeepPlan,
    *,
    workers: int = 0,
    device: str = "auto",
    devices: int | None = None,
    change: Change | None = None,
    memory: float | None = None,
    on_restart: Callable[[str], None] | None = None,
    rivals: Mapping[str, Frozen] | None = None,
) -> Opened:
    """Everything that a plan learns with; nothing is written. Raises BadInput for what cannot be.

    devices: how many a run was shared out among, where it goes on; else `devices_of`. memory: bytes that learning may
    take; else what is free now. on_restart: is told of worker processes that were lost and started again. rivals: the
    agents of saved runs as a checkpoint of this run knows them; else their runs are read.
    """
    if not 0 <= workers <= chosen.learner.environments:
        raise BadInput(
            f"--workers {workers}: expected 0 (this process) to {chosen.learner.environments}, one for each environment"
        )
    seeds = [chosen.seed + place for place in range(chosen.seeds)]
    common = {
        "schedule": schedule_of(chosen), "steps": chosen.steps, "seeds": seeds, "episodes": chosen.check_episodes,
        "memory": free_bytes() if memory is None else memory,
    }  # fmt: skip
    if chosen.road == "compiled":
        if workers:
            raise BadInput(f"--workers {workers}: {chosen.environment} runs inside the compiled program; leave it out")
        wanted = devices or devices_of(chosen)
        found = prepare(device, wanted)
        if devices is None and found[0].platform != "cpu":
            wanted = min(chosen.seeds, len(found))
        found = found[:wanted]
        if devices and len(found) < devices:
            raise BadInput(
                f"this run was shared out among {devices} devices, and JAX has {len(found)} of its kind here; go on "
                "with it in a process of its own, on the same kind: coterie resume RUN --device cpu"
            )
        environment = compiled_environment(chosen.environment, chosen.env)
        options = options_of(chosen, chosen.algorithm)
        agents = environment.spec.agents
        teams = teams_of(chosen.teams, agents) if chosen.teams else ()
        if (ruled := next((one for one in teams if names_function(one.player)), None)) is not None:
            raise BadInput(
                f"--team {ruled.name}={ruled.player}: {chosen.environment} runs inside the compiled program, where no "
                "function of yours is asked; use random, idle, an algorithm or a run"
            )
        team = team_numbers(teams, len(agents)) if teams else environment.spec.team
        spec = partitioned(dataclasses.replace(environment.spec, team=team), options)
        check_policies(chosen, spec)
        environment = environment._replace(spec=spec)
        learners = learners_of(chosen, spec, teams, environment.idle, environment.horizon, change, rivals=rivals)
        opened = open_compiled(
            environment,
            options,
            length=sequence_length(options, environment.horizon),
            devices=found,
            make=learners.make,
            **common,
        )
        opened = with_teams(opened, teams, learners)
    else:
        opened = worker_road(chosen, common, workers, prepare(device, devices_of(chosen)), change, on_restart, rivals)
    return opened._replace(note=check_sharing(chosen, opened.spec, opened.teams), changed=name_of(change))


def worker_road(
    chosen: DeepPlan,
    common: Mapping[str, Any],
    workers: int,
    devices: Sequence[Any],
    change: Change | None,
    on_restart: Callable[[str], None] | None,
    rivals: Mapping[str, Frozen] | None,
) -> Opened:
    """A plan in worlds outside JAX, in this process or in so many workers."""
    from coterie.pettingzoo.making.sources import make_worlds

    check_reach(chosen.environment, workers)
    options, central = chosen.learner, bool(central_of(chosen))
    env, numbers, slots = own_options(chosen.env)
    asked = {
        "central": central, "slots": slots, "success": success_of(chosen.success), "picture": chosen.picture,
    }  # fmt: skip
    one = make_worlds(chosen.environment, env, 1, team=numbers, **asked)
    assert isinstance(one, Drive), "it is in this process"
    try:
        agents = one.spec.agents
        teams = teams_of(chosen.teams, agents) if chosen.teams else ()
        team = team_numbers(teams, len(agents)) if teams else numbers
        spec = partitioned(one.spec if team is None else dataclasses.replace(one.spec, team=tuple(team)), options)
        check_amounts(chosen.algorithm, teams, one)
        check_policies(chosen, spec)
        check_turns(chosen, one, spec)
        check_births(chosen, spec, teams)
        for player in central_of(chosen):
            check_state(player, chosen.environment, spec.state_shape)
        horizon, layouts, names = horizon_of(one), one.ones[0].reading.layouts, one.spec.agents
        again = is_anew(one.ones[0].environment)
    finally:
        one.close()

    def worlds(episodes: int | None, ruled: bool = True) -> Any:
        count, helpers = (options.environments, workers) if episodes is None else (episodes, 0)
        told = {"team": team, "on_restart": on_restart, "rules": rules if ruled else {}, "again": again, **asked}
        check_unchanged(files if helpers else {})
        return make_worlds(chosen.environment, env, count, helpers, **told)

    words = [word for word in (chosen.environment, *chosen.teams.values()) if names_function(word)]
    files = {place: written(place) for place in (Path(word.rpartition(":")[0]).resolve() for word in words)}
    rules = {names[member]: one.player for one in teams if names_function(one.player) for member in one.members}
    learners = learners_of(chosen, spec, teams, (0,) * len(names), horizon, change, layouts, rivals)
    opened = open_outside(
        worlds,
        spec,
        options,
        length=sequence_length(options, horizon),
        horizon=horizon,
        rounds=max(1, chosen.final_episodes // chosen.check_episodes),
        actor=devices[-1] if options.lag else None,
        ruled=bool(rules),
        make=learners.make,
        **common,
    )
    return with_teams(opened._replace(layouts=layouts), teams, learners)


def with_teams(opened: Opened, teams: tuple[Team, ...], learners: Learners) -> Opened:
    """What is opened, with who plays what in it."""
    schedule = opened.schedule._replace(counted=counted(teams))
    return opened._replace(made_of=learners.made_of, rivals=learners.rivals, teams=teams, schedule=schedule)


def central_of(chosen: DeepPlan) -> list[str]:
    """The algorithms that learn from the central state; critics of policies may see what all agents see instead."""
    players = learning_of(chosen.teams) or [chosen.algorithm]
    instead = [player for player in players if options_of(chosen, player).central == "observations"]
    return [player for player in players if player in CENTRAL and not (player in POLICY_GRADIENT and player in instead)]


def counted(teams: Sequence[Team]) -> tuple[int, ...]:
    """The agents whose returns are the run's: those that learn; () for all."""
    return tuple(sorted(member for team in teams if team.player in DEEP_ALGORITHMS for member in team.members))


def success_of(rule: str) -> Success | None:
    """What reads a success from a step's infos, where the rule asks for that."""
    return InfoSays(rule.removeprefix("info:")) if rule.startswith("info:") else None


def check_policies(chosen: DeepPlan, spec: Spec) -> None:
    """Raises BadInput where critics are to see a central state and there is none, or amounts be drawn and none are."""
    asked = any(options_of(chosen, player).central == "state" for player in central_of(chosen))
    if asked and spec.state_shape == (0,):
        raise BadInput(
            f"--central state: {chosen.environment} has no central state; use --central observations, or leave it out"
        )
    players = learning_of(chosen.teams) or [chosen.algorithm]
    if any(player == "mappo" and sees_together(options_of(chosen, player), spec) for player in players):
        check_seen_together(chosen.environment, seen_together(spec), bool(chosen.teams))
    if any(kind.bounds for kind in spec.kinds):
        return
    for name in ("squash", "deviation", "deviation_start"):
        if any(getattr(one, name) != getattr(DeepOptions(), name) for one in (chosen.learner, *chosen.others.values())):
            raise BadInput(
                f"--{name.replace('_', '-')}: actions of {chosen.environment} are numbered, and only amounts are drawn "
                "so; leave it out"
            )


def check_turns(chosen: DeepPlan, worlds: Drive, spec: Spec) -> None:
    """Raises BadInput where values are mixed of agents that never decide together."""
    players = list(chosen.teams.values()) or [chosen.algorithm]
    mixed = next((player for player in players if player in MIXED), None)
    if mixed and isinstance(worlds.ones[0], OneInTurns):
        raise BadInput(
            f"--algorithm {mixed}: {chosen.environment} is played in turns, and {mixed} mixes the values of agents "
            "that decide at the same time; use --algorithm iql"
        )
    if "mappo" in players and isinstance(worlds.ones[0], OneInTurns):
        raise BadInput(
            f"--algorithm mappo: {chosen.environment} is played in turns, and its critics see the world when all "
            f"decide at the same time; use {'--team NAME=ippo' if chosen.teams else '--algorithm ippo'}"
        )
    reward = chosen.learner.reward
    if reward in TEAM_REWARDS and isinstance(worlds.ones[0], OneInTurns) and spec.teams < len(spec.agents):
        raise BadInput(
            f"--reward {reward}: {chosen.environment} is played in turns, and what others earn between two of one's "
            "own is not added up; leave it out"
        )


def written(place: Path) -> bytes:
    """What stands in a file; empty where it cannot be read."""
    try:
        return place.read_bytes()
    except OSError:
        return b""


def check_unchanged(files: Mapping[Path, bytes]) -> None:
    """Raises EnvironmentFault where a file of the user's, which workers read anew, is no more what it was at first."""
    changed = next((place for place, before in files.items() if written(place) != before), None)
    if changed is not None:
        raise EnvironmentFault(
            f"{changed} was changed while the run was learning, and what follows would be another "
            "world; put it back, or begin a new run"
        )


def check_births(chosen: DeepPlan, spec: Spec, teams: Sequence[Team]) -> None:
    """Raises BadInput for what nobody can do whose agents come and go."""
    if not spec.births:
        return
    players = learning_of(chosen.teams) or [chosen.algorithm]
    shares = {player: options_of(chosen, player).share_experience for player in players if player in POLICY_GRADIENT}
    if shared := next((word for word in shares.values() if word != "none"), None):
        raise BadInput(
            f"--share-experience {shared}: agents of {chosen.environment} come and go with "
            "one network in common, which learns from everybody already; leave it out"
        )
    ruled = next((team for team in teams if names_function(team.player)), None)
    if ruled is not None:
        raise BadInput(
            f"--team {ruled.name}={ruled.player}: agents of {chosen.environment} come and go under names of their own, "
            "and a rule is asked by name; use random, idle or an algorithm"
        )
    mixed = next((player for player in players if player in MIXED), None)
    if mixed and sequence_length(options_of(chosen, mixed), 0) > 1:
        raise BadInput(
            f"--algorithm {mixed} with memory, --n-step or --trace: agents of {chosen.environment} come and go, and in "
            "a sequence whoever comes would be valued by what the one before it saw; leave these out, or use iql"
        )


def devices_of(chosen: DeepPlan) -> int:
    """CPU devices that a run uses: one a core for its seeds, or with lag 1 one more, for acting beside learning.

    One seed whose agents remember shares its batches out among two, which small products of matrices cannot do by
    themselves (benchmarks/deep.py); never more, so that machines of two cores and of sixteen divide it alike.
    """
    if chosen.road == "compiled":
        values = not set(learning_of(chosen.teams) or [chosen.algorithm]) & set(POLICY_GRADIENT)
        halved = values and chosen.seeds == 1 and chosen.learner.recurrent and chosen.learner.batch % 2 == 0
        return min(os.cpu_count() or 1, 2 if halved else chosen.seeds)
    return 1 + chosen.learner.lag


def schedule_of(chosen: DeepPlan) -> Schedule:
    """The visits of a run, after how many it is checked, and what its returns and successes are."""
    each = visit_steps(chosen.learner)
    visits = visits_of(chosen)
    rule = chosen.success.removeprefix("return>=") if chosen.success.startswith("return>=") else ""
    return Schedule(
        visits,
        each,
        every=max(1, -(-visits // chosen.checks)),
        summed=unit_of(chosen) == "team-sum",
        least=float(rule) if rule else None,
        known=knows_success(chosen),
        settles=all(options.learning_rate_end == 0 for options in (chosen.learner, *chosen.others.values())),
    )


def compiled_environment(word: str, options: Any) -> Any:
    """The environment of the compiled road: ours, or a JAX library's."""
    source = sources.parse(word) if ":" in word else None
    if source is None:
        return catalogue.make(word, options)
    return sources.jax_environment(source.source, source.name, options)


def horizon_of(worlds: Any) -> int:
    """The most joint steps of worlds outside where they name a time limit (max_cycles), else 0.

    A cycle of a game in turns is a turn of each agent; where it is less, this is still a limit.
    """
    one, turns = worlds.ones[0].environment, isinstance(worlds.ones[0], OneInTurns)
    for holder in (one, getattr(one, "unwrapped", None), getattr(getattr(one, "aec_env", None), "unwrapped", None)):
        limit = getattr(holder, "max_cycles", None)
        if isinstance(limit, int) and limit > 0:
            return limit * len(worlds.spec.agents) if turns else limit
    return 0
