"""What learns in a deep run: one algorithm for all agents, or one for each team beside play that is fixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from coterie.algorithms.families import Parts, learner_of, partitioned
from coterie.algorithms.fixed import fixed, frozen
from coterie.algorithms.self_play import against_past, self_play
from coterie.algorithms.side_by_side import Member, columns, part, side_by_side
from coterie.algorithms.splitting import Split
from coterie.errors import BadInput
from coterie.pettingzoo.reading.layouts import Layout
from coterie.running import recorder
from coterie.running.deep.loading import load_deep
from coterie.running.deep.own_parts import Change, made_of
from coterie.running.deep.rivals import Frozen
from coterie.settings import DEEP_ALGORITHMS
from coterie.types import Algorithm, Sizes, Spec, Team
from coterie.workflow.deep.choosing import is_policy
from coterie.workflow.deep.plan import DeepPlan, options_of, sequence_length, visits_of
from coterie.workflow.deep.seeing import check_seen_alike
from coterie.workflow.deep.teams import plays_saved


class Learners(NamedTuple):
    """make(sizes, split) -> the run's algorithm; made_of: its parts, where one algorithm plays all agents.

    rivals: by the name of their team, the agents of saved runs that play in this one.
    """

    make: Callable[[Sizes, Split], Algorithm]
    made_of: Parts | None
    rivals: Mapping[str, Frozen] = {}


def learners_of(
    chosen: DeepPlan,
    spec: Spec,
    teams: Sequence[Team],
    idle: tuple[int, ...],
    horizon: int,
    change: Change | None,
    layouts: Sequence[Layout] = (),
    rivals: Mapping[str, Frozen] | None = None,
) -> Learners:
    """What a plan's agents learn with; `idle` is each agent's action where it idles, horizon an episode's length, or 0.

    layouts: by kind, what stands between its own spaces and arrays, where that is anything. rivals: as they stand in
    this run's checkpoint; else they are read from the folders of their own runs.
    """
    pool, every = chosen.learner.self_play, snapshot_every(chosen)
    if not teams:
        options = options_of(chosen, chosen.algorithm)
        parts = made_of(chosen.algorithm, options, spec, change)
        if pool and spec.teams == 1:
            raise BadInput(
                f"--self-play {pool}: all agents of {chosen.environment} are one team, and nobody plays against it; "
                "say who plays whom, like --env.team 0,1"
            )
        if pool and against_past(chosen.learner.environments) < spec.teams:
            raise BadInput(
                f"--self-play {pool} with --environments {chosen.learner.environments}: half of them are played "
                f"against the past, each of {spec.teams} teams in one at least; use {2 * spec.teams} or more"
            )

        def alone(sizes: Sizes, split: Split) -> Algorithm:
            algorithm = learner_of(spec, options, sizes, parts, split)
            return self_play(spec, algorithm, pool, every, is_policy(chosen.algorithm)) if pool else algorithm

        return Learners(alone, None if pool else parts)
    if change is not None:
        raise BadInput("parts: parts of your own go into one algorithm for all agents; leave the teams out")
    if pool:
        raise BadInput(f"--self-play {pool}: one algorithm plays all teams then; leave --team out")
    found = rivals or {team.name: read_rival(chosen, spec, team, layouts) for team in teams if plays_saved(team.player)}
    playing = partial(player, chosen, spec, idle, horizon, found)

    def several(sizes: Sizes, split: Split) -> Algorithm:
        return side_by_side(spec, [Member(team.name, team.members, playing(team, sizes, split)) for team in teams])

    return Learners(several, None, found)


def player(
    chosen: DeepPlan,
    spec: Spec,
    idle: tuple[int, ...],
    horizon: int,
    rivals: Mapping[str, Frozen],
    team: Team,
    sizes: Sizes,
    split: Split,
) -> Algorithm:
    """The algorithm that plays a team."""
    own = part(spec, team.members)
    if team.player in DEEP_ALGORITHMS:
        options = options_of(chosen, team.player)
        own, sizes = partitioned(own, options), sizes._replace(length=sequence_length(options, horizon))
        return learner_of(own, options, sizes, made_of(team.player, options, own, None), split)
    if team.name in rivals:
        rival, parameters = rivals[team.name]
        return frozen(rival.spec, rival.networks, parameters)
    if team.player == "idle":
        return fixed(own, tuple(idle[member] for member in sorted(team.members)))
    return fixed(own, None)  # at random; a rule's actions are put in where the world is stepped


def read_rival(chosen: DeepPlan, spec: Spec, team: Team, layouts: Sequence[Layout]) -> Frozen:
    """The agents of a saved run that are to play a team, from that run's folder."""
    folder = recorder.find_run(Path(chosen.runs), team.player)
    saved, own = load_deep(folder), part(spec, team.members)
    check_seen_alike(saved.spec, folder, chosen.picture)
    of_kinds = [layouts[k] for k in columns(spec, team.members).kinds] if layouts else ()
    return saved.of(own, team.player, of_kinds)


def snapshot_every(chosen: DeepPlan) -> int:
    """Updates between two snapshots of one's past: four times round the pool in a run."""
    return max(1, visits_of(chosen) // (4 * max(1, chosen.learner.self_play)))
