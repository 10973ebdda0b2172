"""A deep run's plan made ready to learn: its environment, the user's own parts, its lanes; nothing is written."""

from __future__ import annotations

import os
from typing import Any

from coterie.envs import catalogue, sources
from coterie.errors import BadInput
from coterie.running.deep.devices import prepare
from coterie.running.deep.own_parts import Change, made_of, name_of
from coterie.running.deep.runs import Opened, open_compiled, open_outside
from coterie.running.deep.session import Schedule
from coterie.running.train import free_bytes
from coterie.settings import CENTRAL
from coterie.workflow.deep.plan import (
    CHECK_EPISODES,
    DeepPlan,
    knows_success,
    partitioned,
    sequence_length,
    unit_of,
    visit_steps,
    with_team_reward,
)
from coterie.workflow.deep.sharing import check_sharing


def open_plan(
    chosen: DeepPlan,
    *,
    workers: int = 0,
    device: str = "auto",
    devices: int | None = None,
    change: Change | None = None,
    memory: float | None = None,
) -> Opened:
    """Everything that a plan learns with; nothing is written. Raises BadInput for what cannot be.

    devices: how many a run was shared out among, where it goes on; else `devices_of`. memory: bytes that learning may
    take; else what is free now.
    """
    if not 0 <= workers <= chosen.learner.environments:
        raise BadInput(
            f"--workers {workers}: expected 0 (this process) to {chosen.learner.environments}, one for each environment"
        )
    seeds = [chosen.seed + place for place in range(chosen.seeds)]
    common = {
        "schedule": schedule_of(chosen), "steps": chosen.steps, "seeds": seeds, "episodes": CHECK_EPISODES,
        "memory": free_bytes() if memory is None else memory,
    }  # fmt: skip
    layouts: tuple[Any, ...] = ()
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
        options = with_team_reward(chosen)
        environment = environment._replace(spec=partitioned(environment.spec, options))
        opened = open_compiled(
            environment,
            options,
            length=sequence_length(options, environment.horizon),
            devices=found,
            made_of=made_of(chosen.algorithm, options, environment.spec, change),
            **common,
        )
    else:
        from coterie.pettingzoo.drive import Drive
        from coterie.pettingzoo.sources import make_worlds

        found = prepare(device, devices_of(chosen))
        options, central = chosen.learner, chosen.algorithm in CENTRAL

        def worlds(episodes: int | None) -> Any:
            count, helpers = (options.environments, workers) if episodes is None else (episodes, 0)
            return make_worlds(chosen.environment, env, environments=count, workers=helpers, team=team, central=central)

        env, team = without_team(chosen.env)
        one = make_worlds(chosen.environment, env, environments=1, team=team, central=central)
        spec, horizon = partitioned(one.spec, options), horizon_of(one)
        assert isinstance(one, Drive), "they are in this process"
        layouts = one.ones[0].reading.layouts
        one.close()
        opened = open_outside(
            worlds,
            spec,
            options,
            length=sequence_length(options, horizon),
            horizon=horizon,
            actor=found[-1] if options.lag else None,
            made_of=made_of(chosen.algorithm, options, spec, change),
            **common,
        )
    return opened._replace(layouts=layouts, note=check_sharing(chosen, opened.spec), changed=name_of(change))


def devices_of(chosen: DeepPlan) -> int:
    """CPU devices that a run uses: one a core for its seeds, or with lag 1 one more, for acting beside learning.

    One seed whose agents remember shares its batches out among two, which small products of matrices cannot do by
    themselves (benchmarks/deep.py); never more, so that machines of two cores and of sixteen divide it alike.
    """
    if chosen.road == "compiled":
        halved = chosen.seeds == 1 and chosen.learner.recurrent and chosen.learner.batch % 2 == 0
        return min(os.cpu_count() or 1, 2 if halved else chosen.seeds)
    return 1 + chosen.learner.lag


def schedule_of(chosen: DeepPlan) -> Schedule:
    """The visits of a run, after how many it is checked, and what its returns and successes are."""
    each = visit_steps(chosen.learner)
    visits, rule = max(1, chosen.steps // each), chosen.success.removeprefix("return>=")
    return Schedule(
        visits,
        each,
        every=max(1, -(-visits // chosen.checks)),
        summed=unit_of(chosen) == "team-sum",
        least=float(rule) if rule else None,
        known=knows_success(chosen),
    )


def without_team(env: Any) -> tuple[dict[str, Any], list[int] | None]:
    """An environment's own options, and the team numbers among them: `--env.team 0,0,1`, one for each agent."""
    own = dict(env or {})
    word = own.pop("team", None)
    try:
        numbers = word if isinstance(word, list) else str(word).split(",") if word is not None else None
        return own, None if numbers is None else [int(number) for number in numbers]
    except (TypeError, ValueError):
        raise BadInput(f"--env.team {word}: expected a team number for each agent, like 0,0,1") from None


def compiled_environment(word: str, options: Any) -> Any:
    """The environment of the compiled road: ours, or a JAX library's."""
    source = sources.parse(word) if ":" in word else None
    if source is None:
        return catalogue.make(word, options)
    return sources.jax_environment(source.source, source.name, options)


def horizon_of(worlds: Any) -> int:
    """The time limit of worlds outside where they name one (max_cycles), else 0."""
    one = worlds.ones[0].environment
    for holder in (one, getattr(one, "unwrapped", None), getattr(getattr(one, "aec_env", None), "unwrapped", None)):
        limit = getattr(holder, "max_cycles", None)
        if isinstance(limit, int) and limit > 0:
            return limit
    return 0
