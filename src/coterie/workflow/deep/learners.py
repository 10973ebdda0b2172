"""What learns in a deep run: one algorithm for all agents, or one for each team beside play that is fixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from coterie.algorithms.fixed import fixed, frozen
from coterie.algorithms.qlearning import Parts, Sizes, qlearning
from coterie.algorithms.self_play import self_play
from coterie.algorithms.side_by_side import Member, part, side_by_side
from coterie.algorithms.splitting import Split
from coterie.errors import BadInput
from coterie.running import recorder
from coterie.running.deep.own_parts import Change, made_of
from coterie.running.deep.team import load_deep
from coterie.settings import DEEP_ALGORITHMS, DeepOptions, hysteresis_of
from coterie.types import Algorithm, Spec, Team
from coterie.workflow.deep.plan import DeepPlan, visit_steps, with_team_reward
from coterie.workflow.deep.seeing import check_seen_alike


class Learners(NamedTuple):
    """make(sizes, split) -> the run's algorithm; made_of: its parts, where one algorithm plays all agents."""

    make: Callable[[Sizes, Split], Algorithm]
    made_of: Parts | None


def learners_of(
    chosen: DeepPlan, spec: Spec, teams: Sequence[Team], idle: tuple[int, ...], change: Change | None
) -> Learners:
    """What a plan's agents learn with; `idle` is each agent's action where it idles."""
    options = with_team_reward(chosen)
    pool, every = options.self_play, snapshot_every(chosen)
    if not teams:
        parts = made_of(chosen.algorithm, options, spec, change)
        if pool and spec.teams == 1:
            raise BadInput(
                f"--self-play {pool}: all agents of {chosen.environment} are one team, and nobody plays against it; "
                "say who plays whom, like --env.team 0,1"
            )

        def alone(sizes: Sizes, split: Split) -> Algorithm:
            algorithm = qlearning(spec, options, sizes, parts, split)
            return self_play(spec, algorithm, pool, every) if pool else algorithm

        return Learners(alone, None if pool else parts)
    if change is not None:
        raise BadInput("parts: parts of your own go into one algorithm for all agents; leave the teams out")
    if pool:
        raise BadInput(f"--self-play {pool}: one algorithm plays all teams then; leave --team out")

    def several(sizes: Sizes, split: Split) -> Algorithm:
        players = [player(chosen, options, spec, team, idle, sizes, split) for team in teams]
        members = [Member(team.name, team.members, plays) for team, plays in zip(teams, players, strict=True)]
        return side_by_side(spec, members)

    return Learners(several, None)


def player(
    chosen: DeepPlan, options: DeepOptions, spec: Spec, team: Team, idle: tuple[int, ...], sizes: Sizes, split: Split
) -> Algorithm:
    """The algorithm that plays a team."""
    own = part(spec, team.members)
    if team.player in DEEP_ALGORITHMS:
        options = hysteresis_of(team.player, options)
        return qlearning(own, options, sizes, made_of(team.player, options, own, None), split)
    if team.player == "random" or ".py:" in team.player:  # a rule's actions are put in where the world is stepped
        return fixed(own, None)
    if team.player == "idle":
        return fixed(own, tuple(idle[member] for member in sorted(team.members)))
    folder = recorder.find_run(Path(chosen.runs), team.player)
    saved = load_deep(folder)
    check_seen_alike(saved.spec, folder, chosen.picture)
    own, networks, parameters = saved.of(own, team.player)
    return frozen(own, networks, parameters)


def snapshot_every(chosen: DeepPlan) -> int:
    """Updates between two snapshots of one's past: four times round the pool in a run."""
    visits = max(1, chosen.steps // visit_steps(chosen.learner))
    return max(1, visits // (4 * max(1, chosen.learner.self_play)))
