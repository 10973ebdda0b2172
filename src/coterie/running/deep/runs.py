"""A deep run opened: its learner, its lanes, its schedule, and what untrained play earns on its environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from math import prod
from typing import Any, NamedTuple

import jax
import numpy as np

from coterie.algorithms.families import Parts
from coterie.algorithms.fixed import fixed
from coterie.algorithms.splitting import ALONE, Split, split_over
from coterie.envs.protocol import Environment
from coterie.errors import BadInput
from coterie.pettingzoo.reading.layouts import Layout
from coterie.replay.buffer import check_fits
from coterie.running.deep.lanes import ITEMS, LEVEL, CompiledLane, Lane, programs
from coterie.running.deep.outside import MakeWorlds, OutsideLane
from coterie.running.deep.playing import Played, compiled_play, limit_of, outside_play
from coterie.running.deep.recording import compiled_recording, plays_of
from coterie.running.deep.rivals import Frozen
from coterie.running.deep.saving import size_of
from coterie.running.deep.session import Schedule
from coterie.running.roads import outside
from coterie.running.rollout import Plan, act_at
from coterie.settings import DeepOptions
from coterie.types import Algorithm, Kind, Play, Sizes, Spec, Team

PICTURE_AXES = 3  # rows, columns, channels
RECORDED = 20  # greedy episodes kept of a run, over all seeds
ONE_THREAD = {"xla_cpu_multi_thread_eigen": False}  # worlds are stepped at the same time; and bits stay the same
COPIES = 3  # of a run in memory at most, while a checkpoint is written: devices, host, file


class Opened(NamedTuple):
    """What a deep run is made of; `baseline(idle)` plays untrained episodes, random or idle ones.

    devices: how many a lane's seeds, or one seed's batches, are shared out among. note: a sentence to know before.
    made_of: its parts, where one algorithm plays all. changed: who put the user's own in. layouts: by kind, what stands
    between spaces and arrays; () for nothing. teams: who plays what, in the order of the spec's team numbers. rivals:
    by team, the agents of saved runs. still: each agent's action where it is idle, no-op or not.
    record(policies of a lane, lane) -> greedy episodes of its teams, step by step.
    """

    spec: Spec
    algorithm: Algorithm
    made_of: Parts | None
    lanes: list[Lane]
    schedule: Schedule
    baseline: Callable[[bool], Played]
    devices: int
    idle_action: str
    record: Callable[[Any, int], list[Play]]
    action_names: tuple[str, ...]
    success_word: str
    horizon: int
    idle: tuple[int, ...] | None
    note: str = ""
    changed: str = ""
    layouts: tuple[Layout, ...] = ()
    teams: tuple[Team, ...] = ()
    rivals: Mapping[str, Frozen] = {}
    still: tuple[int, ...] = ()


def open_compiled(
    environment: Environment,
    options: DeepOptions,
    *,
    schedule: Schedule,
    steps: int,
    seeds: Sequence[int],
    episodes: int,
    length: int,
    devices: Sequence[Any],
    memory: float,
    make: Callable[[Sizes, Split], Algorithm],
) -> Opened:
    """A run on the compiled road, its seeds shared out among devices; of one seed the batches, where there are more.

    Raises BadInput, before anything is allocated, where it would not fit into `memory` bytes.
    """
    spec = environment.spec
    plan = Plan(options.environments, options.rows, options.lag)
    parts = len(devices) if len(seeds) == 1 else 1
    if options.batch % parts:
        raise BadInput(f"--batch {options.batch}: expected a multiple of {parts}, for it is shared out among devices")
    split = split_over(ITEMS, parts) if parts > 1 else ALONE
    learner = make(Sizes(steps, plan.environments, plan.rows, length), split)
    devices = devices[: len(seeds) * parts]
    made = programs(learner, environment, plan, episodes, devices, parts)
    shape = jax.eval_shape(made.start, jax.ShapeDtypeStruct((len(devices) // parts,), np.uint32))
    check_fits(
        (COPIES + parts - 1) * -(-len(seeds) * parts // len(devices)) * size_of(shape),
        int(min(memory, 2**62)),
        options.replay,
        options.environments,
    )
    lane = CompiledLane(made, np.array(seeds, np.uint32))
    names = [environment.action_names[action] for action in environment.idle]
    named = names[0] if len(set(names)) == 1 else ", ".join(names)

    def baseline(idle: bool) -> Played:
        play = compiled_play(fixed(spec, environment.idle if idle else None), environment, episodes)
        several = jax.jit(
            lambda numbers: jax.lax.map(partial(play, np.uint32(0), ((),)), numbers), compiler_options=LEVEL
        )
        played = jax.device_get(several(np.arange(10, dtype=np.uint32)))
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), played)

    def record(policies: Any, place: int) -> list[Play]:
        assert place == 0, "one lane holds all seeds"
        several = max(1, RECORDED // len(seeds))
        program = jax.jit(jax.vmap(compiled_recording(learner, environment, several), in_axes=(0, 0, None)))
        told = jax.device_get(program(lane.seeds, policies, np.uint32(1_000_000)))
        each = [jax.tree.map(lambda leaf, row=row: leaf[row], told) for row in range(len(lane.seeds))]
        return [play for row, one in enumerate(each) for play in plays_of(environment, one, int(lane.seeds[row]))]

    return Opened(
        spec, learner, None, [lane], schedule, baseline, len(devices),
        named if environment.idle_is_noop else f"always {named}: no action stands still",
        record, environment.action_names, environment.success_word, environment.horizon,
        environment.idle if environment.idle_is_noop else None, still=environment.idle,
    )  # fmt: skip


def open_outside(
    make_worlds: MakeWorlds,
    spec: Spec,
    options: DeepOptions,
    *,
    schedule: Schedule,
    steps: int,
    seeds: Sequence[int],
    episodes: int,
    length: int,
    horizon: int,
    memory: float,
    rounds: int = 1,
    actor: Any = None,
    ruled: bool = False,
    make: Callable[[Sizes, Split], Algorithm],
) -> Opened:
    """A run on the worker road, one lane a seed, one after another; ruled: some agents act by rules of the user's.

    rounds: how often as many episodes as in a check are played untrained.
    """
    plan = Plan(options.environments, options.rows, options.lag)
    learner = make(Sizes(steps, plan.environments, plan.rows, length), ALONE)
    shape = jax.eval_shape(lambda key: learner.init(key, spec), jax.random.key(0))
    free = int(min(memory, 2**62))
    check_fits(COPIES * size_of(shape), free, options.replay, options.environments, smaller_pictures(spec))
    halves = outside(learner, spec, plan, actor=actor, compiler_options=ONE_THREAD)
    limit, still = limit_of(horizon), (0,) * len(spec.agents)
    lanes = [OutsideLane(learner, halves, make_worlds, seed, episodes, limit, ruled) for seed in seeds]

    @cache
    def baseline(idle: bool) -> Played:
        untrained = fixed(spec, still if idle else None)
        worlds = make_worlds(episodes, ruled=False)
        try:
            act = jax.jit(partial(act_at, untrained, "greedy"))
            played = [
                outside_play(act, untrained.memory, worlds, 0, ((),), number, episodes, limit)
                for number in range(rounds)
            ]
            return jax.tree.map(lambda *parts: np.concatenate(parts), *played)
        finally:
            if hasattr(worlds, "close"):
                worlds.close()

    def record(policies: Any, place: int) -> list[Play]:
        return lanes[place].record(policies, max(1, RECORDED // len(seeds)))

    names = tuple(map(str, range(max((kind.actions for kind in spec.kinds if not kind.bounds), default=0))))
    return Opened(
        spec, learner, None, list(lanes), schedule, baseline, 1, idle_words(spec),
        record, names, "succeed", horizon, None, still=still,
    )  # fmt: skip


def idle_words(spec: Spec) -> str:
    """What agents of worlds outside always do where they are idle, in words."""
    numbers = ("action 0" for kind in spec.kinds if not kind.bounds)
    amounts = ("amounts of 0" if spans_0(kind) else "the amounts nearest to 0" for kind in spec.kinds if kind.bounds)
    return f"always {' or '.join(dict.fromkeys((*numbers, *amounts)))}"


def spans_0(kind: Kind) -> bool:
    """Whether 0 is within the bounds of all amounts."""
    return all(low <= 0 <= high for low, high in zip(kind.low, kind.high, strict=True))


def smaller_pictures(spec: Spec) -> str:
    """What helps where agents see pictures and the replay is too large: by far the most of it are those."""
    seen = [kind for kind in spec.kinds if len(kind.observation_shape) == PICTURE_AXES]
    if not seen:
        return ""
    most = max(seen, key=lambda kind: len(kind.agents) * prod(kind.observation_shape))
    shape, count = "x".join(map(str, most.observation_shape)), len(most.agents)
    whose = f"{count} agents" if count > 1 else "an agent"
    return f"each step keeps {shape} bytes of pictures for {whose}, before and after it: smaller ones help, too"


def must_agree(played: Played, spec: Spec, teams: Sequence[int]) -> None:
    """Raises BadInput where members of one of these teams earn differently in random play, or nobody earned anything.

    Then nobody knows what the team earns.
    """
    returns = np.asarray(played.returns)
    for team in teams:
        group = [agent for agent, number in enumerate(spec.team) if number == team]
        if len(group) > 1 and not returns[:, group].any():
            raise BadInput(
                f"random play earned nothing in {len(returns)} episodes, so nobody can tell whether agents of one team "
                f"({spec.agents[group[0]]} and others) are paid alike, and values that are mixed need one reward for "
                "the team: add --reward team-sum or --reward team-mean"
            )
        if not np.allclose(returns[:, group], returns[:, group[:1]], atol=1e-5):
            raise BadInput(
                f"agents of one team earn different rewards ({spec.agents[group[0]]} and others), and values that are "
                "mixed need one reward for the team: add --reward team-sum or --reward team-mean"
            )
